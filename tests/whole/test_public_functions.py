"""What notebooks call takes paths as text, and says in a sentence what it was handed by mistake."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

import wsanalytics as ws
from tests.helpers.build import at, book, fleet_sessions, workspaces
from tests.helpers.plans import plan_of
from wsanalytics.actions.journal import open_journal, read_journal
from wsanalytics.errors import InputError
from wsanalytics.timeline import Window

MARCH = Window(at("2026-03-01"), at("2026-04-01"))
USED = fleet_sessions({"ws-a": [("2026-03-02 09:00", "2026-03-02 10:00")]})


def test_files_may_be_named_by_text_by_path_or_be_a_frame(tmp_path: Path) -> None:
    USED.to_parquet(tmp_path / "sessions.parquet")
    workspaces("ws-a").to_parquet(tmp_path / "workspaces.parquet")
    for source in (tmp_path / "sessions.parquet", str(tmp_path / "sessions.parquet"), USED):
        assert len(ws.read_sessions(source)) == 1
    for source in (str(tmp_path / "workspaces.parquet"), workspaces("ws-a")):
        assert ws.read_workspaces(source)["workspace_id"].tolist() == ["ws-a"]
    with pytest.raises(InputError, match="it is int"):
        ws.read_sessions(7)  # type: ignore[arg-type]


def test_plans_journals_and_stores_may_be_named_by_text(tmp_path: Path) -> None:
    path = str(tmp_path / "plan.json")
    ws.write_plan(plan_of({"ws-a": ("ALWAYS_ON", "AUTO_STOP:60")}), path)
    assert len(ws.read_plan(path).changes) == 1
    with open_journal(str(tmp_path / "j.jsonl")) as journal:
        journal.begin("apply")
    assert len(read_journal(str(tmp_path / "j.jsonl"))) == 1
    folder = str(tmp_path / "store")
    ws.Store.create(folder)
    assert ws.Store.of(folder).folder == Path(folder)
    assert ws.verify(str(tmp_path / "j.jsonl"), folder).empty
    for switch, more in ((ws.stop_idle, {"idle": timedelta(minutes=9)}), (ws.start_early, {})):
        with pytest.raises(InputError, match="there is no store"):
            switch(str(tmp_path / "nowhere"), [], **more)


def test_sessions_come_first_everywhere_and_swapped_frames_get_a_sentence() -> None:
    fleet = workspaces("ws-a")
    more = {"window": MARCH, "prices": book()}
    assert len(ws.analyse(USED, fleet, **more).charges)
    assert ws.frontier(USED, fleet, policies=[], **more).workspaces == 1
    for swapped in (
        lambda: ws.analyse(fleet, USED, **more),
        lambda: ws.frontier(fleet, USED, **more),
        lambda: ws.backtest(fleet, ["hold"], workspaces=USED, **more),
        lambda: ws.replay(fleet, ["ALWAYS_ON"], window=MARCH),
    ):
        with pytest.raises(InputError, match="connected_at, disconnected_at is missing"):
            swapped()
    with pytest.raises(InputError, match="it is str, not a frame"):
        ws.analyse("sessions.csv", fleet, **more)  # type: ignore[arg-type]
    assert ws.analyse(workspaces=fleet, sessions=USED, **more).plan is not None
    assert isinstance(USED, pd.DataFrame)
