"""The living fleet: people come and go, orders act, pages hold together, the clock is obeyed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from tests.helpers.sandboxes import (
    NOON,
    Clients,
    all_statuses,
    all_workspaces,
    frozen,
    modify,
    state_of,
)
from wsanalytics.errors import InputError
from wsanalytics.history.checks import check_workspaces
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.sandbox.services.workspaces_write import TIMEOUT
from wsanalytics.settings import Setting
from wsanalytics.simulation.workspace import EventKind, Order, live
from wsanalytics.tables.check import check_table
from wsanalytics.tables.check_sessions import check_sessions
from wsanalytics.tables.observed import SESSIONS, WORKSPACES
from wsanalytics.timeline import Window, from_micros

Pair = tuple[Sandbox, Clients]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with frozen(workspaces=60) as made:
        yield made


# What is in it


def test_the_fleet_is_as_the_contract_says() -> None:
    with frozen(workspaces=400) as (box, clients):
        fleet = all_workspaces(clients("workspaces"))
        modes = pd.Series([one["WorkspaceProperties"]["RunningMode"] for one in fleet])
        assert len(fleet) == 400
        assert modes.value_counts()["MANUAL"] == 4
        assert min(modes.value_counts()[["ALWAYS_ON", "AUTO_STOP"]]) > 100
        standbys = [one for one in fleet if "RelatedWorkspaces" in one]
        assert [one["RelatedWorkspaces"][0]["Type"] for one in standbys] == ["PRIMARY"] * 2
        types = {one["WorkspaceProperties"]["ComputeTypeName"] for one in fleet}
        assert "GRAPHICS_G6_XLARGE" in types
        truth = box.workspaces().set_index("workspace_id")
        assert truth.index.tolist() == [one["WorkspaceId"] for one in fleet]
        tagged = truth["tags"].map(json.loads).map(bool)
        assert 0.8 < tagged.mean() < 1


def test_the_truth_keeps_the_contracts_of_its_tables(pair: Pair) -> None:
    box, _ = pair
    workspaces, sessions = box.workspaces(), box.sessions()
    pd.testing.assert_frame_equal(workspaces, check_workspaces(workspaces))
    pd.testing.assert_frame_equal(sessions, check_sessions(sessions)[list(sessions)])
    check_table(workspaces, WORKSPACES)
    check_table(sessions, SESSIONS)
    assert (sessions["connected_at"] >= box.history_start).all()
    assert (sessions["disconnected_at"] <= NOON).all()
    assert (workspaces["created_at"].dropna() < NOON).all()
    assert workspaces["terminated_at"].isna().all()
    assert (box.settings().groupby("workspace_id")["since"].min() >= box.history_start).all()


def test_one_in_ten_pays_clearly_too_much() -> None:
    with frozen(workspaces=200, history_days=63) as (box, _):
        month = box.bill().query("month == '2026-08'").set_index("workspace_id")
        settings = box.settings().groupby("workspace_id")["setting"].last()
        used = box.sessions().groupby("workspace_id").size()
        idle = [one for one in month.index
                if settings[one] == "ALWAYS_ON" and used.get(one, 0) == 0]
        restless = month[(month["billed_hours"] > 300)]
        assert len(idle) + len(restless) >= 20


def test_the_same_seed_gives_the_same_fleet_and_another_one_another() -> None:
    fleets = []
    for seed in (5, 5, 6):
        with frozen(workspaces=12, seed=seed) as (box, _):
            fleets.append((box.workspaces(), box.sessions()))
    pd.testing.assert_frame_equal(fleets[0][0], fleets[1][0])
    pd.testing.assert_frame_equal(fleets[0][1], fleets[1][1])
    assert set(fleets[0][0]["workspace_id"]).isdisjoint(fleets[2][0]["workspace_id"])


def test_accounts_and_regions_have_workspaces_of_their_own() -> None:
    accounts, regions = ("111122223333", "444455556666"), ("us-east-1", "eu-west-1")
    with frozen(workspaces=41, accounts=accounts, regions=regions) as (box, clients):
        counts, ids = {}, []
        for account in accounts:
            for region in (*regions, "ap-south-1"):
                found = all_workspaces(clients("workspaces", account=account, region=region))
                counts[account, region] = len(found)
                ids += [one["WorkspaceId"] for one in found]
        assert list(counts.values()) == [11, 10, 0, 10, 10, 0]
        assert sorted(ids) == box.workspaces()["workspace_id"].tolist()
        assert box.workspaces()["directory_id"].nunique() > 4


def test_filters_choose_and_ids_that_do_not_exist_are_left_out(pair: Pair) -> None:
    _, clients = pair
    client = clients("workspaces")
    fleet = all_workspaces(client)
    one = fleet[7]
    directory, bundle = one["DirectoryId"], one["BundleId"]
    same = [x["WorkspaceId"] for x in fleet if x["DirectoryId"] == directory]
    found = all_workspaces(client, DirectoryId=directory)
    assert [x["WorkspaceId"] for x in found] == same
    found = all_workspaces(client, DirectoryId=directory, UserName=one["UserName"])
    assert [x["WorkspaceId"] for x in found] == [one["WorkspaceId"]]
    assert {x["BundleId"] for x in all_workspaces(client, BundleId=bundle)} == {bundle}
    asked = [one["WorkspaceId"], "ws-000000000"]
    assert len(client.describe_workspaces(WorkspaceIds=asked)["Workspaces"]) == 1
    assert all_workspaces(client, WorkspaceName="nothing-has-this-name") == []


# Life


def test_connection_statuses_agree_with_the_sessions_that_really_happened() -> None:
    with frozen(workspaces=60) as (box, clients):
        client, seen = clients("workspaces"), []
        for _ in range(40):
            seen.append((box.clock.now(), all_statuses(client)))
            box.clock.step(timedelta(minutes=37))
        sessions = box.sessions()
        states = {"CONNECTED": 0, "DISCONNECTED": 0, "UNKNOWN": 0}
        for at, statuses in seen:
            begun = sessions[sessions["connected_at"] <= at]
            inside = set(begun.loc[begun["disconnected_at"] > at, "workspace_id"])
            ended = begun[begun["disconnected_at"] <= at].groupby("workspace_id")
            last = ended["disconnected_at"].max()
            for workspace_id, one in statuses.items():
                states[one["ConnectionState"]] += 1
                is_connected = one["ConnectionState"] == "CONNECTED"
                assert is_connected == (workspace_id in inside)
                known = one.get("LastKnownUserConnectionTimestamp")
                if is_connected:
                    assert known == at
                else:
                    assert known == last.get(workspace_id)
                assert one["ConnectionStateCheckTimestamp"] == at
        assert min(states.values()) > 100


def test_states_and_statuses_tell_one_story() -> None:
    allowed = {"AVAILABLE": {"CONNECTED", "DISCONNECTED"}, "STOPPED": {"UNKNOWN"},
               "STOPPING": {"UNKNOWN"}, "STARTING": {"UNKNOWN"}, "MAINTENANCE": {"UNKNOWN"}}
    seen = set()
    with frozen(workspaces=60) as (box, clients):
        client = clients("workspaces")
        for _ in range(60):
            statuses = all_statuses(client)
            for one in all_workspaces(client):
                status = statuses[one["WorkspaceId"]]["ConnectionState"]
                assert status in allowed[one["State"]], one["State"]
                seen.add(one["State"])
            box.clock.step(timedelta(minutes=11, seconds=1))
    assert {"AVAILABLE", "STOPPED", "STOPPING"} <= seen


def test_a_user_who_finds_it_stopped_sees_it_starting_for_a_minute_before() -> None:
    with frozen(workspaces=60) as (box, _):
        box.clock.step(timedelta(days=2))
        box.sessions()
        starts = sorted(
            (at, desktop.workspace_id) for desktop in box.world.fleet.everything()
            for at in desktop.life.cold_starts if from_micros(at) > NOON + timedelta(hours=1)
        )
    with frozen(workspaces=60) as (box, clients):
        client = clients("workspaces")
        for micros, workspace_id in starts[::5]:
            for seconds, state, connection in ((-30, "STARTING", "UNKNOWN"),
                                               (1, "AVAILABLE", "CONNECTED")):
                wait = from_micros(micros) + timedelta(seconds=seconds) - box.clock.now()
                if wait >= timedelta(0):
                    box.clock.step(wait)
                    assert state_of(client, workspace_id) == state
                    told = all_statuses(client)[workspace_id]["ConnectionState"]
                    assert told == connection


def test_looking_often_changes_nothing() -> None:
    def live_on(steps: int) -> pd.DataFrame:
        with frozen(workspaces=40) as (box, _):
            for _ in range(steps):
                box.clock.step(timedelta(days=33) / steps)
                box.world.fleet.estates  # noqa: B018  # makes the fleet
                box.sessions()
            return box.sessions()

    pd.testing.assert_frame_equal(live_on(1), live_on(50))


def test_runs_are_those_of_the_event_machine_under_the_same_sessions_and_orders() -> None:
    with frozen(workspaces=50) as (box, clients):
        client = clients("workspaces")
        for _ in range(30):
            _do_something(client, box)
            box.clock.step(timedelta(hours=5, minutes=13))
        sessions, orders, settings = box.sessions(), box.orders(), box.settings()
        window = Window(box.history_start, box.clock.now())
        for desktop in box.world.fleet.everything():
            if desktop.facts.manual:
                continue
            mine = sessions[sessions["workspace_id"] == desktop.workspace_id]
            pairs = [(a.to_pydatetime(), b.to_pydatetime())
                     for a, b in zip(mine["connected_at"], mine["disconnected_at"], strict=True)]
            first = settings[settings["workspace_id"] == desktop.workspace_id].iloc[0]
            told = orders[orders["workspace_id"] == desktop.workspace_id]
            life = live(pairs, Setting.parse(first["setting"]), window,
                        commands=[_order(row.at, row.order) for row in told.itertuples()])
            runs = desktop.life.runs(box.clock.now())
            expected = [(run.started_at, run.stopped_at) for run in life.runs]
            stamps = pd.to_datetime(runs.starts, unit="us", utc=True).to_pydatetime()
            ends = pd.to_datetime(runs.ends, unit="us", utc=True).to_pydatetime()
            assert list(zip(stamps, ends, strict=True)) == expected
            assert len(desktop.life.cold_starts) == len(life.cold_starts)


def _order(at: pd.Timestamp, text: str) -> Order:
    moment = at.to_pydatetime()
    if text in {"START", "STOP"}:
        return Order(moment, EventKind[f"{text}_REQUESTED"])
    return Order(moment, EventKind.SETTING_CHANGES, Setting.parse(text))


def _do_something(client: Any, box: Sandbox) -> None:
    """Start what is stopped, stop what runs, turn a few over, all at one instant."""
    fleet = all_workspaces(client)
    shift = len(box.orders()) % 7
    for place, one in enumerate(fleet):
        workspace_id, mode = one["WorkspaceId"], one["WorkspaceProperties"]["RunningMode"]
        match (place + shift) % 7, one["State"], mode:
            case 0, "STOPPED", "AUTO_STOP" | "MANUAL":
                client.start_workspaces(StartWorkspaceRequests=[{"WorkspaceId": workspace_id}])
            case 0 | 1, "AVAILABLE", "AUTO_STOP" | "MANUAL":
                client.stop_workspaces(StopWorkspaceRequests=[{"WorkspaceId": workspace_id}])
            case 2, "AVAILABLE" | "STOPPED", "AUTO_STOP":
                modify(client, workspace_id, RunningMode="ALWAYS_ON")
                if one["State"] == "AVAILABLE":  # else it is STARTING now
                    modify(client, workspace_id, RunningMode="AUTO_STOP")
            case 3, "AVAILABLE", "ALWAYS_ON":
                modify(client, workspace_id, RunningMode="AUTO_STOP", **{TIMEOUT: 120})


# The clock


def test_maintenance_shows_on_the_third_monday_for_an_hour() -> None:
    monday = datetime(2026, 9, 21, tzinfo=UTC)
    with frozen(workspaces=60, start=monday - timedelta(hours=1)) as (box, clients):
        client = clients("workspaces")
        box.clock.step(timedelta(hours=1, minutes=30))
        truth = box.workspaces().set_index("workspace_id")
        shown = {one["WorkspaceId"] for one in all_workspaces(client)
                 if one["State"] == "MAINTENANCE"}
        assert shown
        assert truth.loc[sorted(shown), "maintenance_enabled"].all()
        box.clock.step(timedelta(minutes=31))
        assert all(one["State"] != "MAINTENANCE" for one in all_workspaces(client))


@pytest.mark.parametrize("speed", [1.0, 3600.0])
def test_the_clock_runs_as_fast_as_told(speed: float) -> None:
    with Sandbox(workspaces=1, start=NOON, speed=speed) as box:
        first = box.clock.now()
        second = box.clock.now()
        assert NOON <= first < second < NOON + timedelta(hours=10)
        box.clock.speed = 0
        assert box.clock.now() == box.clock.now()
        still = box.clock.now()
        assert box.clock.step(timedelta(days=1)) == still + timedelta(days=1)
        box.clock.speed = speed
        assert box.clock.now() > still + timedelta(days=1)


def test_the_clock_starts_now_by_default() -> None:
    with Sandbox(workspaces=1) as box:
        assert abs(box.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
        assert box.clock.now() - box.history_start >= timedelta(days=63)


@pytest.mark.parametrize("wrong", [
    {"speed": -1}, {"speed": float("nan")}, {"workspaces": -1}, {"workspaces": 10**9},
    {"history_days": 0}, {"regions": ()}, {"accounts": ("1",)}, {"accounts": "111122223333"},
    {"start": datetime(2026, 1, 1)},  # noqa: DTZ001  # naive on purpose
])
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Rule: "):
        Sandbox(**wrong)


def test_the_clock_never_goes_backwards() -> None:
    with Sandbox(workspaces=1) as box, pytest.raises(InputError, match="never goes backwards"):
        box.clock.step(timedelta(seconds=-1))


def test_a_taken_port_is_refused_in_words() -> None:
    with Sandbox(workspaces=1) as box:
        taken = int(box.url.rpartition(":")[2])
        with pytest.raises(InputError, match="cannot listen on 127"), Sandbox(
            port=taken
        ):
            pass


def test_an_empty_fleet_is_a_fleet() -> None:
    with frozen(workspaces=0) as (box, clients):
        client = clients("workspaces")
        assert all_workspaces(client) == []
        assert all_statuses(client) == {}
        for frame in (box.workspaces(), box.sessions(), box.settings(), box.orders(), box.bill()):
            assert frame.empty
