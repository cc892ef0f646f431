"""AWS's word on a connection has an age, and counts for the instant at which AWS checked it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers.build import workspaces
from tests.helpers.fakes import RETRY, FakeFleet
from tests.helpers.sandboxes import BoxClock
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.stop_idle import stop_idle
from wsanalytics.collection.collector import collect
from wsanalytics.history.checks import read_samples
from wsanalytics.history.folder import read_history, write_history
from wsanalytics.history.history import History
from wsanalytics.history.store import Store
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.services import workspaces_read as describing
from wsanalytics.sessions.find import find_gaps, find_sessions
from wsanalytics.timeline import Window

TERMS = RunOptions(limit=None, retry=RETRY)
IDLE = timedelta(minutes=15)
EVENING = timedelta(hours=9, minutes=20)
NINE = pd.Timestamp("2026-03-02T09:00Z")


def looks(*rows: tuple[int, int, str, str]) -> pd.DataFrame:
    """Samples of one WorkSpace: minute of the look, minute of the check, connection, state."""
    def at(minute: int) -> pd.Timestamp:
        return NINE + pd.Timedelta(minutes=minute)

    frame = pd.DataFrame({
        "workspace_id": "ws-a", "sampled_at": [at(row[0]) for row in rows],
        "connection_state": [row[2] for row in rows], "state": [row[3] for row in rows],
        "last_connected_at": [None] * len(rows), "checked_at": [at(row[1]) for row in rows],
        "source": "sample"})
    return frame.astype(dict.fromkeys(
        ["sampled_at", "last_connected_at", "checked_at"], "datetime64[us, UTC]"))


def test_a_status_that_was_checked_an_hour_ago_is_a_session_of_then() -> None:
    up = "AVAILABLE"
    samples = looks((0, -1, "DISCONNECTED", up), (5, 4, "CONNECTED", up), (10, 9, "CONNECTED", up),
                    *[(minute, 9, "CONNECTED", up) for minute in range(15, 75, 5)],
                    (75, 74, "DISCONNECTED", up), (80, 79, "DISCONNECTED", up))
    (session,) = find_sessions(samples).to_dict("records")
    assert session["connected_at"] == NINE + pd.Timedelta(minutes=1.5)
    assert session["disconnected_at"] == NINE + pd.Timedelta(minutes=9)
    (gap,) = find_gaps(samples).to_dict("records")  # nobody looked in between, though we asked
    assert gap["from_at"] == NINE + pd.Timedelta(minutes=9)
    assert gap["to_at"] == NINE + pd.Timedelta(minutes=74)


def test_that_it_is_stopped_is_seen_now_however_old_the_check() -> None:
    samples = looks((0, 0, "CONNECTED", "AVAILABLE"), (5, 5, "DISCONNECTED", "AVAILABLE"),
                    *[(minute, 5, "UNKNOWN", "STOPPED") for minute in range(10, 120, 5)])
    assert find_gaps(samples).empty


def test_a_last_connection_that_lies_in_the_future_hides_no_later_one() -> None:
    samples = looks(*[(minute, minute, "DISCONNECTED", "AVAILABLE") for minute in range(0, 60, 5)])
    samples["last_connected_at"] = NINE - pd.Timedelta(hours=1)
    samples.loc[3, "last_connected_at"] = NINE + pd.Timedelta(days=10)
    samples.loc[8:, "last_connected_at"] = NINE + pd.Timedelta(minutes=37)
    (session,) = find_sessions(samples).to_dict("records")
    assert session["disconnected_at"] == NINE + pd.Timedelta(minutes=37)


def test_the_instant_of_the_check_is_stored_and_read_back(tmp_path: Path) -> None:
    samples = looks((0, 0, "DISCONNECTED", "AVAILABLE"), (5, -55, "CONNECTED", "AVAILABLE"))
    samples.loc[1, "last_connected_at"] = samples.loc[1, "checked_at"]
    store = Store.create(tmp_path / "store")
    store.add_samples(samples, "look")
    stored = store.samples()
    for name in ("sampled_at", "checked_at", "last_connected_at"):
        assert stored[name].tolist()[1] == samples[name].tolist()[1]
    path = next((tmp_path / "store").rglob("look.parquet"))
    older = pq.read_table(path).drop_columns("checked_at")
    pq.write_table(older, path)
    again = store.samples()
    assert (again["checked_at"] == again["sampled_at"]).all()  # a store from before the column
    window = Window.around(NINE.to_pydatetime(), (NINE + timedelta(hours=1)).to_pydatetime())
    folder = tmp_path / "history"
    folder.mkdir()
    write_history(History(workspaces("ws-a"), samples, window), folder)
    assert read_history(folder).samples["checked_at"].tolist() == samples["checked_at"].tolist()
    assert isinstance(older, pa.Table)


def test_a_file_of_samples_need_not_say_when_they_were_checked(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    looks((0, -55, "CONNECTED", "AVAILABLE")).drop(columns="checked_at").to_csv(path, index=False)
    samples = read_samples(path)
    assert (samples["checked_at"] == samples["sampled_at"]).all()


def test_sessions_are_found_as_well_where_checks_lag_by_minutes(tmp_path: Path) -> None:
    box = FakeFleet(240, seed=2, history_days=1, faults=Faults(check_lag_seconds=150))
    box.call_seconds = 0
    for _ in range(42):
        collect(tmp_path / "store", connections=([box.connection()], []), clock=BoxClock(box))
        box.clock.step(timedelta(minutes=5))
    samples = Store(tmp_path / "store").samples()
    lag = samples["sampled_at"] - samples["checked_at"]
    assert lag.max() <= pd.Timedelta(seconds=150)
    assert lag.mean() > pd.Timedelta(seconds=50)
    found, truth = find_sessions(samples), box.sessions()
    start = samples["checked_at"].min()
    before = truth.sort_values("connected_at").groupby("workspace_id")["disconnected_at"].shift()
    silence = truth["connected_at"] - before  # shorter ones are bridged
    truth = truth[silence.isna() | (silence > pd.Timedelta(minutes=30))]
    truth = truth[(truth["connected_at"] > start + pd.Timedelta(minutes=10))
                  & (truth["disconnected_at"] - truth["connected_at"] > pd.Timedelta(minutes=20))
                  & (truth["disconnected_at"] < samples["checked_at"].max())]
    joined = pd.merge_asof(
        truth.sort_values("connected_at"), found.sort_values("connected_at")[
            ["workspace_id", "connected_at", "disconnected_at", "start_uncertain_minutes"]].assign(
                at=lambda frame: frame["connected_at"]),
        on="connected_at", by="workspace_id", direction="nearest", suffixes=("", "_found"))
    assert len(joined) > 10
    off = (joined["at"] - joined["connected_at"]).abs()
    allowed = pd.to_timedelta(joined["start_uncertain_minutes"] + 0.05, unit="min")
    assert (off <= allowed).all()


@pytest.fixture
def evening(tmp_path: Path) -> Any:
    """A fleet in the evening, a store that has looked once, and a writer."""
    box = FakeFleet(120, seed=2)
    box.clock.step(EVENING)
    collect(tmp_path / "store", connections=([box.connection()], []), clock=BoxClock(box))
    return box, Store(tmp_path / "store"), box.writer()


def test_nobody_is_stopped_on_what_aws_checked_an_hour_ago(evening: Any, tmp_path: Path) -> None:
    box, store, writer = evening
    assert (stop_idle(store, writer, idle=IDLE, options=TERMS)["outcome"] == "would be done").any()
    box.faults = Faults(check_lag_seconds=86400)
    frame = stop_idle(store, writer, idle=timedelta(minutes=1), dry_run=False,
                      journal=tmp_path / "a.jsonl", options=TERMS)
    old = frame["message"].str.contains("AWS checked its connection at")
    assert box.calls["workspaces", "StopWorkspaces"] < len(frame[~old]) + 1
    now = box.clock.now()
    for name in frame.loc[frame["outcome"] == "done", "workspace_id"]:
        checked = describing._checked_at(name, now, 86400)  # the sandbox's own rule
        assert now - checked <= timedelta(minutes=5)
    assert set(frame.loc[old, "outcome"]) == {"skipped"}
    assert old.any()


def test_one_check_that_lies_ahead_stops_nobody_else(
    evening: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, store, writer = evening
    right = stop_idle(store, writer, idle=IDLE, options=TERMS)
    ahead = right["workspace_id"].iloc[0]

    def checked_at(workspace_id: str, now: datetime, _lag: float) -> datetime:
        return now + timedelta(hours=2) if workspace_id == ahead else now

    monkeypatch.setattr(describing, "_checked_at", checked_at)
    box.clock.step(timedelta(microseconds=1))
    now = stop_idle(store, writer, idle=IDLE, options=TERMS).set_index("workspace_id")
    assert set(now.index) == set(right["workspace_id"])  # nobody who left a minute ago
    assert now.loc[ahead, "outcome"] == "skipped"
    assert "says nothing of now" in now.loc[ahead, "message"]
    assert (now.drop(ahead)["outcome"] == "would be done").all()
    assert now.loc[ahead, "saved_hours"] == right.set_index("workspace_id").loc[
        ahead, "saved_hours"]


def test_nobody_is_stopped_where_that_saves_no_hour(evening: Any) -> None:
    box, store, writer = evening
    before = stop_idle(store, writer, idle=IDLE, options=TERMS)
    assert (before["saved_hours"] > 0).all()
    statuses = {one["workspace_id"]: one["last_connected_at"] for one in before.to_dict("records")}
    hours = timedelta(hours=1)
    truth = box.workspaces().set_index("workspace_id")
    for name, last in statuses.items():
        stops_at = last + timedelta(minutes=int(truth.loc[name, "auto_stop_minutes"]))
        this_hour = box.clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        assert stops_at > this_hour + hours
