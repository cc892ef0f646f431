"""What was worked out of a fleet is kept, and never stale."""

from __future__ import annotations

import gc
from datetime import timedelta
from pathlib import Path
from weakref import ref

import pandas as pd
import pytest

from tests.helpers.build import at
from wsanalytics.history.history import History
from wsanalytics.history.store import Store
from wsanalytics.sessions.find import find_gaps, find_sessions
from wsanalytics.sessions.from_store import found_in
from wsanalytics.sessions.observed_commands import observed_commands
from wsanalytics.timeline import Window
from wsanalytics.widgets import kept

FLEET = pd.DataFrame({"workspace_id": ["ws-1"]})


def history(hours: int = 4) -> History:
    """A month of one WorkSpace, whose user is there from eight on."""
    from tests.helpers.build import workspaces  # beside what it is for

    times = pd.to_datetime([at("2026-01-01") + timedelta(minutes=10 * n)
                            for n in range(31 * 144)], utc=True)
    busy = ["CONNECTED" if 8 <= t.hour < 8 + hours else "DISCONNECTED" for t in times]
    samples = pd.DataFrame({
        "workspace_id": "ws-1", "sampled_at": times, "connection_state": busy,
        "state": "AVAILABLE", "source": "sample",
        "last_connected_at": pd.Series([pd.NaT] * len(times), dtype="datetime64[us, UTC]")})
    return History(workspaces("ws-1"), samples,
                   Window.of_days(times[0].date(), times[-1].date()))


def test_what_is_found_once_is_what_is_found_each_time() -> None:
    past = history()
    first, second = found_in(past), found_in(past)
    for found in (first, second):
        pd.testing.assert_frame_equal(found.sessions, find_sessions(past))
        pd.testing.assert_frame_equal(found.gaps, find_gaps(past))
        pd.testing.assert_frame_equal(found.commands, observed_commands(past, found.sessions))
    first.sessions["workspace_id"] = "ws-other"
    first.sessions.loc[0, "revealed"] = True
    pd.testing.assert_frame_equal(found_in(past).sessions, second.sessions)


def test_another_history_is_another_answer_and_nothing_is_kept_for_ever() -> None:
    past, more = history(4), history(6)
    assert kept.as_analysis(past) is kept.as_analysis(past)
    assert kept.as_analysis(more) is not kept.as_analysis(past)
    hours = [float(kept.as_analysis(one).comparison["connected_hours_per_month"].iloc[0])
             for one in (past, more)]
    assert hours[1] == pytest.approx(hours[0] * 1.5, rel=0.02)
    gone = ref(past)
    del past
    gc.collect()
    assert gone() is None


def test_a_store_is_read_again_when_a_file_of_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = history()
    store = Store.create(tmp_path / "fleet")
    store.add_workspaces(past.workspaces, at("2026-01-01"), "first")
    half = past.samples["sampled_at"] < at("2026-01-20")
    store.add_samples(past.samples[half], "first")
    reads = []
    find = kept.find_stored
    monkeypatch.setattr(kept, "find_stored", lambda *args: reads.append(args) or find(*args))
    first = kept.as_fleet(tmp_path / "fleet")
    assert kept.as_fleet(str(tmp_path / "fleet")) is first and len(reads) == 1
    store.add_samples(past.samples[~half], "second")
    second = kept.as_fleet(tmp_path / "fleet")
    assert len(reads) == 2 and second.window.end > first.window.end
