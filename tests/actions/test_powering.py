"""Stopping what runs for nobody, and starting what is about to be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from tests.helpers.build import at
from tests.helpers.fakes import RETRY, FakeFleet
from tests.helpers.idlemonth import month
from tests.helpers.sandboxes import QUICK, BoxClock, all_statuses, connected, frozen, state_of
from wsanalytics.actions.journal import read_journal
from wsanalytics.actions.retry import (
    Attempts,
    RetryPolicy,
    Step,
    failure_of,
    read_with_retries,
)
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.start_early import start_early, usual_arrivals
from wsanalytics.actions.start_stop import START, STOP, Candidate, PowerJob, start_or_stop
from wsanalytics.actions.stop_idle import hours_between, stop_idle
from wsanalytics.aws.current_state import StateReader, WorkspaceState
from wsanalytics.aws.errors import AwsError
from wsanalytics.aws.writer import Writer
from wsanalytics.calendars import Holidays, WorkingHours, Zones
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import collect
from wsanalytics.history.store import Store
from wsanalytics.sandbox.faults import Faults
from wsanalytics.timeline import Window

TERMS = RunOptions(limit=None, retry=RETRY)
OVER_HTTP = RunOptions(limit=None, retry=QUICK)
IDLE = timedelta(minutes=15)
EVENING = timedelta(hours=9, minutes=20)
"""From the sandbox's noon to when people in America go home."""
Place = tuple[Any, Any, Store, Writer]


@pytest.fixture
def evening(tmp_path: Path) -> Place:
    """A fleet in the evening, its clients, a store that has looked once, and a writer."""
    box = FakeFleet(120, seed=2)
    box.clock.step(EVENING)
    collect(tmp_path / "store", connections=([box.connection()], []), clock=BoxClock(box))
    return box, box.client, Store(tmp_path / "store"), box.writer()


def saves_an_hour(now: datetime, status: dict[str, Any], minutes: int) -> bool:
    """By the clock: whether it would still be on once the next hour begins."""
    gone = status["LastKnownUserConnectionTimestamp"].astimezone(UTC)
    stops_at = gone + timedelta(minutes=int(minutes))
    next_hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return bool(stops_at > next_hour)


def done(frame: pd.DataFrame) -> list[str]:
    return frame.loc[frame["outcome"] == "done", "workspace_id"].tolist()


def test_what_runs_for_nobody_is_stopped(evening: Place, tmp_path: Path) -> None:
    box, clients, store, writer = evening
    journal = tmp_path / "a.jsonl"
    found = stop_idle(store, writer, idle=IDLE, options=TERMS)
    client, statuses = clients("workspaces"), all_statuses(clients("workspaces"))
    assert len(found) > 2
    assert (found["outcome"] == "would be done").all()
    assert box.calls["workspaces", "StopWorkspaces"] == 0
    now = box.clock.now()
    truth = box.workspaces().set_index("workspace_id")
    expected = {
        name for name, one in statuses.items()
        if one["ConnectionState"] == "DISCONNECTED"
        and truth.loc[name, "running_mode"] == "AUTO_STOP" and not truth.loc[name, "standby"]
        and truth.loc[name, "state"] == "AVAILABLE"
        and now - one["LastKnownUserConnectionTimestamp"].astimezone(UTC) >= IDLE
        and saves_an_hour(now, one, truth.loc[name, "auto_stop_minutes"])
    }
    assert set(found["workspace_id"]) == expected
    stopped = stop_idle(store, writer, idle=IDLE, dry_run=False, journal=journal, options=TERMS)
    assert set(done(stopped)) == expected
    assert all(state_of(client, one) in {"STOPPING", "STOPPED", "STARTING"} for one in expected)
    assert stop_idle(store, writer, idle=IDLE, options=TERMS).empty
    events = [one["event"] for one in read_journal(journal)]
    assert events[0] == "begin"
    assert events[-1] == "end"


def test_whoever_comes_back_between_the_two_looks_is_not_stopped(
    evening: Place, tmp_path: Path
) -> None:
    box, _, store, writer = evening
    found = stop_idle(store, writer, idle=IDLE, options=TERMS)
    ids = found["workspace_id"].tolist()
    reader = StateReader(writer.connection)
    back = ids[0]

    def recheck(present: Any) -> str:
        return "its user has just come back" if present.workspace_id == back else ""

    frame = start_or_stop(
        STOP, [PowerJob(writer=writer, reader=reader, recheck=recheck,
                    candidates=[Candidate(one) for one in ids])],
        dry_run=False, journal=tmp_path / "j.jsonl", options=TERMS)
    assert set(done(frame)) == set(ids[1:])
    assert frame.set_index("workspace_id").loc[back, "outcome"] == "skipped"
    told = [one["request"] for one in read_journal(tmp_path / "j.jsonl") if one["event"] == "call"]
    assert back not in str(told)
    assert box.calls["workspaces", "StopWorkspaces"] == len(told)


def test_tags_hours_and_limits_hold(evening: Place, tmp_path: Path) -> None:
    _, clients, store, writer = evening
    found = stop_idle(store, writer, idle=IDLE, options=TERMS)
    first = found["workspace_id"].iloc[0]
    clients("workspaces").create_tags(ResourceId=first, Tags=[{"Key": "Skip_Convert",
                                                               "Value": ""}])
    rows = stop_idle(store, writer, idle=IDLE, options=TERMS).set_index("workspace_id")
    assert rows.loc[first, "outcome"] == "skipped"
    assert "Skip_Convert" in rows.loc[first, "message"]
    limited = stop_idle(store, writer, idle=IDLE, dry_run=False, journal=tmp_path / "j.jsonl",
                        options=RunOptions(limit=1, retry=TERMS.retry))
    assert (limited["outcome"] == "left for the next run").sum() == len(found) - 1
    hours = WorkingHours.parse("daily 00:00-24:00")
    held = stop_idle(store, writer, idle=IDLE, working_hours=hours, options=TERMS,
                     zones=Zones.of("Europe/Berlin", ()))
    assert (held["outcome"] == "skipped").all()
    assert held["message"].str.contains("in Europe/Berlin, within the working hours").all()


def test_lost_answers_and_failed_requests(evening: Place, tmp_path: Path) -> None:
    box, _, store, writer = evening
    ids = stop_idle(store, writer, idle=IDLE, options=TERMS)["workspace_id"].tolist()
    always = box.workspaces().set_index("workspace_id")["running_mode"]
    more = [str(one) for one in always.index[always == "ALWAYS_ON"][:2]] + ["ws-000000000"]
    box.faults = Faults(server_error_share=0.3, cut_share=0.2, html_share=0.1, seed=3)
    frame = start_or_stop(
        STOP, [PowerJob(writer=writer, reader=StateReader(writer.connection), recheck=lambda _: "",
                    candidates=[Candidate(one) for one in [*ids, *more]])],
        dry_run=False, journal=tmp_path / "j.jsonl", options=TERMS).set_index("workspace_id")
    box.faults = Faults()
    assert set(frame.index[frame["outcome"] == "done"]) == set(ids)
    assert set(frame.loc[more, "outcome"]) == {"skipped"}
    commands = box.orders()
    stops = commands[commands["order"] == "STOP"]["workspace_id"]
    assert sorted(stops) == sorted(ids)  # each once, whatever was lost


def test_a_read_that_fails_in_passing_after_the_call_is_made_again(
    evening: Place, tmp_path: Path
) -> None:
    box, _, store, writer = evening
    ids = stop_idle(store, writer, idle=IDLE, options=TERMS)["workspace_id"].tolist()
    failures = 2

    class Reader(StateReader):
        def read(self, *args: Any, **options: Any) -> dict[str, WorkspaceState]:
            nonlocal failures
            if failures and box.calls["workspaces", "StopWorkspaces"]:
                failures -= 1
                raise writer.connection.refuse(
                    "workspaces", "DescribeWorkspaces", "InternalServerException", "try later")
            return super().read(*args, **options)

    frame = start_or_stop(
        STOP, [PowerJob(writer=writer, reader=Reader(writer.connection), recheck=lambda _: "",
                    candidates=[Candidate(name) for name in ids])],
        dry_run=False, journal=tmp_path / "j.jsonl", options=TERMS)
    assert failures == 0
    assert done(frame) == sorted(ids)


def test_why_a_change_has_failed() -> None:
    policy = RetryPolicy(monotonic=lambda: 200.0)
    tries = Attempts(count=3, sent_at=20.0, message="ThrottlingException: Rate exceeded")
    assert [failure_of(step, tries, policy, "STOPPED") for step in Step] == [
        "", "", "AWS took it, but after 180 s it is STOPPED",
        "given up after 3 tries; it is STOPPED. ThrottlingException: Rate exceeded"]


def test_a_read_that_aws_denies_is_made_once(evening: Place) -> None:
    _, _, _, writer = evening
    reads = []

    def denied() -> None:
        reads.append(1)
        raise writer.connection.refuse(
            "workspaces", "DescribeWorkspaces", "AccessDeniedException", "no")

    with pytest.raises(AwsError):
        read_with_retries(denied, RETRY)
    assert len(reads) == 1


def test_what_was_started_for_somebody_is_not_idle_at_once(
    evening: Place, tmp_path: Path
) -> None:
    box, _, store, writer = evening
    journal = tmp_path / "a.jsonl"
    stopped = box.workspaces()
    stopped = stopped[(stopped["state"] == "STOPPED") & (stopped["running_mode"] == "AUTO_STOP")
                      & ~stopped["standby"]]
    ids = stopped["workspace_id"].tolist()[:3]
    terms = RunOptions(limit=None, retry=TERMS.retry, clock=box.clock.now)
    frame = start_or_stop(
        START, [PowerJob(writer=writer, reader=StateReader(writer.connection), recheck=lambda _: "",
                     candidates=[Candidate(one) for one in ids])],
        dry_run=False, journal=journal, options=terms)
    assert done(frame) == sorted(ids)
    box.clock.step(timedelta(minutes=5))
    idle = stop_idle(store, writer, idle=IDLE, journal=journal, options=TERMS)
    assert not set(idle["workspace_id"]) & set(ids)
    box.clock.step(timedelta(minutes=11))
    idle = stop_idle(store, writer, idle=IDLE, journal=journal, options=TERMS)
    running = box.workspaces().set_index("workspace_id").loc[ids]
    assert set(running.index[running["state"] == "AVAILABLE"]) <= set(idle["workspace_id"]) | {
        name for name, one in all_statuses(evening[1]("workspaces")).items()
        if one["ConnectionState"] == "CONNECTED"}


def test_what_somebody_has_just_switched_on_is_left_alone(evening: Place) -> None:
    box, clients, store, writer = evening
    fleet = box.workspaces()
    stopped = fleet[(fleet["state"] == "STOPPED") & (fleet["running_mode"] == "AUTO_STOP")
                    & ~fleet["standby"]]
    ids = stopped["workspace_id"].tolist()[:3]
    clients("workspaces").start_workspaces(
        StartWorkspaceRequests=[{"WorkspaceId": one} for one in ids])
    box.clock.step(timedelta(minutes=25))
    rows = stop_idle(store, writer, idle=IDLE, options=TERMS).set_index("workspace_id")
    here = [one for one in ids if one in rows.index]
    assert here
    assert (rows.loc[here, "outcome"] == "skipped").all()
    assert rows.loc[here, "message"].str.contains("switched it on").all()
    for _ in range(2):  # a collector that looks often enough tells since when it runs
        collect(store.folder, connections=([box.connection()], []), clock=BoxClock(box))
        box.clock.step(timedelta(minutes=10))
    rows = stop_idle(store, writer, idle=IDLE, options=TERMS).set_index("workspace_id")
    here = [one for one in ids if one in rows.index]
    assert (rows.loc[here, "outcome"] == "would be done").all()


def test_who_is_expected_is_started(tmp_path: Path) -> None:
    with frozen(workspaces=80, seed=2, history_days=31) as (box, clients), connected(box) as both:
        clock = BoxClock(box)
        collect(tmp_path / "store", connections=both, clock=clock)
        backfill(tmp_path / "store", connections=both, days=30, clock=clock)
        box.clock.step(timedelta(hours=20))  # Thursday, 08:00 UTC
        store, writer = Store(tmp_path / "store"), Writer(both[0][0])
        wide = start_early(store, writer, ahead=timedelta(hours=6), options=OVER_HTTP)
        assert len(wide) > 1
        assert wide["chance"].between(0.6, 1).all()
        assert (wide["expected_at"] > box.clock.now()).all()
        assert (wide["saved_hours"] <= 0).all()
        assert (wide["state"] == "STOPPED").all()
        holidays = Holidays.parse("US")
        assert holidays
        assert len(start_early(store, writer, ahead=timedelta(hours=6), holidays=holidays,
                               options=OVER_HTTP)) == len(wide)  # an ordinary Thursday
        soon = wide["expected_at"].min().to_pydatetime()
        box.clock.step(max(timedelta(0), soon - timedelta(minutes=10) - box.clock.now()))
        frame = start_early(store, writer, dry_run=False, journal=tmp_path / "a.jsonl",
                            options=OVER_HTTP)
        assert done(frame)
        client = clients("workspaces")
        assert all(state_of(client, one) in {"STARTING", "AVAILABLE"} for one in done(frame))
        again = start_early(store, writer, options=OVER_HTTP)
        assert not set(again["workspace_id"]) & set(done(frame))


def sessions_of(*days: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame({
        "workspace_id": "ws-1", "connected_at": [at(f"{day}T{hour}:00") for day, hour in days],
        "disconnected_at": [at(f"{day}T{hour}:30") for day, hour in days]})


def test_when_somebody_usually_comes() -> None:
    month_days = pd.date_range("2026-03-02", "2026-03-27", freq="B")
    tuesdays_off = [f"{day:%Y-%m-%d}" for day in month_days if day.weekday() != 1]
    hours = ["08", "09", "10", "11"]
    sessions = sessions_of(*[(day, hours[place % 4]) for place, day in enumerate(tuesdays_off)],
                           *[(day, "15") for day in tuesdays_off])
    observed = Window(at("2026-03-01"), at("2026-03-28"))
    zones = {"ws-1": ZoneInfo("UTC"), "ws-2": ZoneInfo("UTC")}

    def on(day: str, **more: Any) -> pd.DataFrame:
        return usual_arrivals(sessions, zones, at(f"{day}T05:00"), observed=observed, **more)

    monday, tuesday, sunday = on("2026-03-30"), on("2026-03-31"), on("2026-03-29")
    assert monday["workspace_id"].tolist() == ["ws-1"]  # ws-2 never came
    assert monday["expected_at"].iloc[0] == pd.Timestamp("2026-03-30T08:45:00Z")
    assert monday["chance"].iloc[0] > 0.9
    assert tuesday["chance"].iloc[0] < 0.3
    assert (monday["days"].iloc[0], monday["came"].iloc[0]) == (20, 16)
    assert sunday.empty
    labour_day = Holidays.parse("DE")
    assert usual_arrivals(sessions, zones, at("2026-05-01T05:00"), observed=observed,
                          holidays=labour_day)["chance"].iloc[0] == 0
    berlin = {"ws-1": ZoneInfo("Europe/Berlin")}
    local = usual_arrivals(sessions, berlin, at("2026-03-30T05:00"), observed=observed)
    assert local["expected_at"].iloc[0] == pd.Timestamp("2026-03-30T07:45:00Z")  # summer time


def test_hours_that_are_saved() -> None:
    def day(hour: int, minute: int) -> datetime:
        return datetime(2026, 3, 2, hour, minute, tzinfo=UTC)

    assert hours_between(day(9, 20), day(9, 59)) == 0
    assert hours_between(day(9, 20), day(10, 0)) == 0  # the hour from ten on is not touched
    assert hours_between(day(9, 20), day(12, 1)) == 3
    assert hours_between(day(9, 0), day(9, 0)) == 0


def test_a_day_of_both_against_the_machine() -> None:
    """``tests/helpers/idlemonth.py 31`` runs a month; figures: docs/administrators.md."""
    told = month(1, workspaces=25, step=timedelta(hours=1))
    assert told["disagreements"] == 0
    assert told["stopped"] > 5
    assert told["after"]["billed_hours"] < told["before"]["billed_hours"]
