"""Orders and inventory: what is started, stopped, changed, created and ended, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.helpers.sandboxes import (
    NOON,
    Clients,
    all_statuses,
    all_workspaces,
    find,
    frozen,
    modify,
    state_of,
)
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.sandbox.services.workspaces_write import TIMEOUT

Pair = tuple[Sandbox, Clients]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with frozen(workspaces=60) as made:
        yield made


def failures(answer: dict[str, Any]) -> list[str]:
    return [one["ErrorCode"] for one in answer["FailedRequests"]]


def find_setting(box: Sandbox, workspace_id: str) -> str:
    frame = box.settings()
    return str(frame.loc[frame["workspace_id"] == workspace_id, "setting"].iloc[-1])


# Orders


def test_a_change_of_mode_is_seen_at_once(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    one = find(client, "ALWAYS_ON")["WorkspaceId"]
    modify(client, one, RunningMode="AUTO_STOP")
    told = client.describe_workspaces(WorkspaceIds=[one])["Workspaces"][0]
    assert told["WorkspaceProperties"]["RunningMode"] == "AUTO_STOP"
    assert told["WorkspaceProperties"][TIMEOUT] == 60
    box.clock.step(timedelta(minutes=2))
    modify(client, one, **{TIMEOUT: 240})
    told = client.describe_workspaces(WorkspaceIds=[one])["Workspaces"][0]
    assert told["WorkspaceProperties"][TIMEOUT] == 240
    mine = box.settings().query("workspace_id == @one")
    assert mine["setting"].tolist() == ["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:240"]
    assert box.orders().query("workspace_id == @one")["order"].tolist() == [
        "AUTO_STOP:60", "AUTO_STOP:240"]


def test_mode_alone_keeps_the_timeout_and_both_may_come_at_once(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    kept = find(client, "AUTO_STOP", minutes=120)["WorkspaceId"]
    modify(client, kept, RunningMode="AUTO_STOP")
    assert find_setting(box, kept) == "AUTO_STOP:120"
    both = find(client, "ALWAYS_ON")["WorkspaceId"]
    modify(client, both, RunningMode="AUTO_STOP", **{TIMEOUT: 480})
    assert find_setting(box, both) == "AUTO_STOP:480"


def test_a_start_is_available_within_two_minutes_and_stops_when_its_time_is_up(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    one = _unused(box, client)
    assert client.start_workspaces(StartWorkspaceRequests=[{"WorkspaceId": one}]) [
        "FailedRequests"] == []
    states = []
    for minutes in (0, 1, 58, 1, 1, 10):
        box.clock.step(timedelta(minutes=minutes))
        states.append(state_of(client, one))
    assert states == ["STARTING", "AVAILABLE", "AVAILABLE", "STOPPING", "STOPPED", "STOPPED"]


def _unused(box: Sandbox, client: Any) -> str:
    """A stopped WorkSpace with a timeout of an hour that nobody uses in the next two hours."""
    with frozen(workspaces=box.world.fleet.size) as (other, _):
        other.clock.step(timedelta(hours=3))
        busy = set(other.sessions().query("disconnected_at > @NOON")["workspace_id"])
    for one in all_workspaces(client):
        minutes = one["WorkspaceProperties"].get(TIMEOUT)
        if one["State"] == "STOPPED" and minutes == 60 and one["WorkspaceId"] not in busy:
            return str(one["WorkspaceId"])
    raise AssertionError("everybody is at work")


def test_a_stop_ends_the_session_of_a_connected_user(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    connected = [name for name, one in all_statuses(client).items()
                 if one["ConnectionState"] == "CONNECTED"]
    modes = {one["WorkspaceId"]: one["WorkspaceProperties"]["RunningMode"]
             for one in all_workspaces(client)}
    one = next(name for name in connected if modes[name] == "AUTO_STOP")
    assert client.stop_workspaces(StopWorkspaceRequests=[{"WorkspaceId": one}])[
        "FailedRequests"] == []
    assert state_of(client, one) == "STOPPING"
    assert all_statuses(client)[one]["ConnectionState"] == "UNKNOWN"
    box.clock.step(timedelta(minutes=1))
    assert state_of(client, one) == "STOPPED"
    mine = box.sessions().query("workspace_id == @one")
    assert mine["disconnected_at"].iloc[-1] == NOON


def test_turning_always_on_starts_what_is_stopped(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    one = find(client, "AUTO_STOP", "STOPPED")["WorkspaceId"]
    modify(client, one, RunningMode="ALWAYS_ON")
    assert state_of(client, one) == "STARTING"
    box.clock.step(timedelta(minutes=1))
    assert state_of(client, one) == "AVAILABLE"


def test_idle_always_on_that_turns_auto_stop_stops_at_once(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    statuses, recent = all_statuses(client), NOON - timedelta(hours=2)
    one = next(one["WorkspaceId"] for one in all_workspaces(client)
               if one["WorkspaceProperties"]["RunningMode"] == "ALWAYS_ON"
               and statuses[one["WorkspaceId"]].get("LastKnownUserConnectionTimestamp", recent)
               < recent)
    modify(client, one, RunningMode="AUTO_STOP")
    assert state_of(client, one) == "STOPPING"
    box.clock.step(timedelta(minutes=1))
    assert state_of(client, one) == "STOPPED"


def test_the_preconditions_of_orders_are_kept(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    flat = find(client, "ALWAYS_ON")["WorkspaceId"]
    on = find(client, "AUTO_STOP", "AVAILABLE")["WorkspaceId"]
    off = _unused(box, client)
    nobody, wrong = "ws-000000000", "InvalidResourceStateException"

    def start(*ids: str) -> list[str]:
        return failures(client.start_workspaces(
            StartWorkspaceRequests=[{"WorkspaceId": one} for one in ids]))

    def stop(*ids: str) -> list[str]:
        return failures(client.stop_workspaces(
            StopWorkspaceRequests=[{"WorkspaceId": one} for one in ids]))

    assert start(flat, on, nobody) == [wrong, wrong, "ResourceNotFoundException"]
    assert stop(flat, off, nobody) == [wrong, wrong, "ResourceNotFoundException"]
    assert start(off, off) == [wrong]
    assert failures(client.reboot_workspaces(
        RebootWorkspaceRequests=[{"WorkspaceId": off}, {"WorkspaceId": on}])) == [wrong]
    assert state_of(client, on) == "REBOOTING"
    for one in (off, on):  # one STARTING, one REBOOTING
        with pytest.raises(client.exceptions.InvalidResourceStateException):
            modify(client, one, RunningMode="ALWAYS_ON")
    box.clock.step(timedelta(minutes=2))
    modify(client, off, RunningMode="ALWAYS_ON")
    assert stop(off) == [wrong]


def test_manual_ones_start_and_stop_and_cannot_be_changed(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    one = find(client, "MANUAL")
    name = one["WorkspaceId"]
    assert TIMEOUT not in one["WorkspaceProperties"]
    request = [{"WorkspaceId": name}]
    if one["State"] == "AVAILABLE":
        assert failures(client.stop_workspaces(StopWorkspaceRequests=request)) == []
        box.clock.step(timedelta(minutes=1))
    assert failures(client.start_workspaces(StartWorkspaceRequests=request)) == []
    with pytest.raises(client.exceptions.AccessDeniedException):
        modify(client, name, RunningMode="AUTO_STOP")
    assert name not in set(box.settings()["workspace_id"])
    assert name not in set(box.bill()["workspace_id"])


# Inventory


def new_request(client: Any, user: str = "new.user", **properties: Any) -> dict[str, Any]:
    one = all_workspaces(client)[0]
    return {"DirectoryId": one["DirectoryId"], "UserName": user, "BundleId": one["BundleId"],
            "WorkspaceProperties": properties}


def test_a_created_workspace_is_described_at_once_and_ready_soon(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    request = new_request(client, RunningMode="AUTO_STOP", **{TIMEOUT: 180}) | {
        "WorkspaceName": "a-name", "Tags": [{"Key": "team", "Value": "legal"}]}
    answer = client.create_workspaces(Workspaces=[request])
    assert answer["FailedRequests"] == []
    new = answer["PendingRequests"][0]["WorkspaceId"]
    told = client.describe_workspaces(WorkspaceIds=[new])["Workspaces"][0]
    assert told["State"] == "PENDING"
    assert {name: told[name] for name in ("DirectoryId", "UserName", "BundleId", "WorkspaceName")
            } == {name: request[name] for name in ("DirectoryId", "UserName", "BundleId",
                                                   "WorkspaceName")}
    assert told["WorkspaceProperties"]["RunningMode"] == "AUTO_STOP"
    assert told["WorkspaceProperties"][TIMEOUT] == 180
    assert new not in all_statuses(client)
    box.clock.step(timedelta(seconds=21))
    assert state_of(client, new) == "AVAILABLE"
    assert new in all_statuses(client)
    assert all_workspaces(client, WorkspaceName="a-name")[0]["WorkspaceId"] == new
    truth = box.workspaces().set_index("workspace_id").loc[new]
    assert truth["created_at"] == NOON
    assert json.loads(truth["tags"]) == {"team": "legal"}
    assert box.settings().query("workspace_id == @new")["since"].tolist() == [NOON]
    assert box.orders().query("workspace_id == @new")["order"].tolist() == ["START"]
    box.clock.step(timedelta(days=30))
    assert (box.sessions().query("workspace_id == @new")["connected_at"] > NOON).all()


def test_what_cannot_be_created_is_told_request_by_request(pair: Pair) -> None:
    _, clients = pair
    client = clients("workspaces")
    good = new_request(client)
    fleet = all_workspaces(client)
    taken = good | {"UserName": fleet[0]["UserName"]}
    bad = [
        good | {"WorkspaceProperties": {"RunningMode": "ALWAYS_ON", TIMEOUT: 60}},
        good | {"WorkspaceProperties": {"RunningMode": "AUTO_STOP", TIMEOUT: 61}},
        good | {"WorkspaceProperties": {"RunningMode": "MANUAL"}},
        good | {"DirectoryId": "d-9000000000"}, good | {"BundleId": "wsb-000000000"}, taken,
    ]
    answer = client.create_workspaces(Workspaces=[*bad, good, good])
    assert failures(answer) == [
        "AutoStopTimeoutIsNotApplicableForAnAlwaysOnWorkspace", "InvalidParameterValuesException",
        "AccessDeniedException", "ResourceNotFound.Directory", "ResourceNotFound.Bundle",
        "ResourceExists.WorkSpace", "ResourceExists.WorkSpace",
    ]
    assert answer["FailedRequests"][0]["WorkspaceRequest"] == bad[0]
    made = answer["PendingRequests"]
    assert [one["WorkspaceProperties"]["RunningMode"] for one in made] == ["ALWAYS_ON"]


def test_a_terminated_workspace_is_told_of_for_a_minute_and_gone(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    one = next(name for name, status in all_statuses(client).items()
               if status["ConnectionState"] == "CONNECTED")
    request = [{"WorkspaceId": one}]
    assert failures(client.terminate_workspaces(TerminateWorkspaceRequests=request)) == []
    assert state_of(client, one) == "TERMINATING"
    assert one not in all_statuses(client)
    again = client.terminate_workspaces(TerminateWorkspaceRequests=request)
    assert failures(again) == ["InvalidResourceStateException"]
    box.clock.step(timedelta(minutes=1, seconds=1))
    assert state_of(client, one) == "GONE"
    again = client.terminate_workspaces(TerminateWorkspaceRequests=request)
    assert failures(again) == ["ResourceNotFoundException"]
    box.clock.step(timedelta(days=9))
    truth = box.workspaces().set_index("workspace_id").loc[one]
    assert (truth["terminated_at"], truth["state"]) == (NOON, "TERMINATED")
    assert box.sessions().query("workspace_id == @one")["disconnected_at"].max() == NOON


def test_pages_lose_and_repeat_nothing_while_workspaces_come_and_go(pair: Pair) -> None:
    box, clients = pair
    client = clients("workspaces")
    stays = {one["WorkspaceId"] for one in all_workspaces(client)}
    seen: list[str] = []
    token: dict[str, str] = {}
    for turn in range(100):
        page = client.describe_workspaces(Limit=7, **token)
        seen += [one["WorkspaceId"] for one in page["Workspaces"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
        client.create_workspaces(Workspaces=[new_request(client, f"user.{turn}")])
        ends = seen[-3]
        client.terminate_workspaces(TerminateWorkspaceRequests=[{"WorkspaceId": ends}])
        box.clock.step(timedelta(minutes=2))
    assert len(seen) == len(set(seen))
    assert stays <= set(seen)


def test_a_token_holds_for_its_own_request_only(pair: Pair) -> None:
    _, clients = pair
    client = clients("workspaces")
    token = client.describe_workspaces(Limit=5)["NextToken"]
    for bad in ({"Limit": 6}, {"BundleId": "wsb-000000000"}):
        with pytest.raises(client.exceptions.InvalidParameterValuesException):
            client.describe_workspaces(NextToken=token, **bad)
    with pytest.raises(client.exceptions.InvalidParameterValuesException):
        client.describe_workspaces_connection_status(NextToken=token)


# Many at once


def test_many_clients_at_once_get_answers_while_time_flies() -> None:
    with Sandbox(workspaces=120, start=NOON, speed=36_000) as box, Clients(box) as clients:
        workers = [clients("workspaces") for _ in range(4)]

        def work(client: Any) -> set[str]:
            for turn in range(6):
                fleet = all_workspaces(client)
                all_statuses(client)
                steady = [one for one in fleet if one["State"] in {"AVAILABLE", "STOPPED"}
                          and one["WorkspaceProperties"]["RunningMode"] != "MANUAL"]
                with suppress(client.exceptions.InvalidResourceStateException):
                    modify(client, steady[turn]["WorkspaceId"], RunningMode="ALWAYS_ON")
            return {one["WorkspaceId"] for one in fleet}

        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(work, workers))
        assert [len(ids) for ids in seen] == [120] * 4
        assert box.clock.now() > NOON + timedelta(hours=1)
        assert box.calls["workspaces", "ModifyWorkspaceProperties"] == 24


def test_faults_may_be_set_anew_while_it_runs(pair: Pair) -> None:
    box, clients = pair
    box.faults = Faults(expired=True)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        clients("workspaces").describe_workspaces()
    box.faults.expired = False
    assert all_workspaces(clients("workspaces"))
