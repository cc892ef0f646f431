"""WorkSpaces, statuses, directories, bundles and tags as AWS tells them, and as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from tests.helpers.endpoints import forget_aws, use_sandbox
from wsanalytics.aws.cloudtrail import read_changes
from wsanalytics.aws.connect import connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.errors import AwsError, Refusal
from wsanalytics.aws.workspaces import (
    known_directories,
    read_bundles,
    read_directories,
    read_statuses,
    read_tags,
    read_workspaces,
)
from wsanalytics.aws.workspaces_table import workspaces_frame
from wsanalytics.errors import InputError
from wsanalytics.history.checks import check_workspaces
from wsanalytics.prices.book import price_family
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.tables.observed import WORKSPACES

ACCOUNTS, REGIONS = ("111122223333", "444455556666"), ("us-east-1", "eu-west-1")


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(workspaces=800, seed=3, accounts=ACCOUNTS, regions=REGIONS) as box:
        yield box


@pytest.fixture
def box(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    forget_aws(monkeypatch)
    use_sandbox(monkeypatch, running)
    yield running
    running.faults.change({"empty_first_page": False, "omit_status_share": 0.0, "cut_share": 0.0,
                           "denied_actions": Faults().denied_actions})


@pytest.fixture
def connection(box: Sandbox) -> Iterator[Connection]:
    connections, _ = connect(regions=["us-east-1"], endpoint_url=box.url, pace=(500, 50))
    with connections[0] as connection:
        yield connection


def read_table(connection: Connection) -> pd.DataFrame:
    """Everything that is known of one account and region, as one table."""
    workspaces = read_workspaces(connection)
    return workspaces_frame(
        connection, workspaces, read_directories(connection),
        read_bundles(connection, {one["BundleId"] for one in workspaces}), read_tags(connection))


@pytest.mark.parametrize("empty_first_page", [False, True])
def test_the_table_is_the_fleet_as_it_is(box: Sandbox, empty_first_page: bool) -> None:
    box.faults.empty_first_page = empty_first_page
    connections, _ = connect(regions=REGIONS, pace=(500, 50), role_arns=[
        f"arn:aws:iam::{account}:role/reader" for account in ACCOUNTS])
    parts = [read_table(connection) for connection in connections]
    for connection in connections:
        connection.close()
    assert [len(part) for part in parts] == [200] * 4
    frame = pd.concat(parts).sort_values("workspace_id", ignore_index=True)
    truth = box.workspaces()
    known = [name for name in WORKSPACES.names
             if name not in {"operating_system", "created_at", "terminated_at", "state", "tags"}]
    pd.testing.assert_frame_equal(frame[known], truth[known])
    assert price_family(frame["operating_system"]).tolist() == truth["operating_system"].tolist()
    assert [*map(json.loads, frame["tags"])] == [*map(json.loads, truth["tags"])]
    assert frame["created_at"].isna().all() and frame["terminated_at"].isna().all()
    assert {*frame["running_mode"]} == {"ALWAYS_ON", "AUTO_STOP", "MANUAL"}
    assert frame["standby"].any() and frame["maintenance_enabled"].any()
    assert {*frame["license"]} == {"byol", "included"}
    assert [str(dtype) for dtype in frame.dtypes] == [c.dtype for c in WORKSPACES.columns]
    assert len(check_workspaces(frame)) == 800


def test_directories_narrow_the_fleet(connection: Connection) -> None:
    ids = sorted(one["DirectoryId"] for one in read_directories(connection))
    parts = [read_workspaces(connection, directories=[one]) for one in ids]
    assert all({one["DirectoryId"] for one in part} == {name}
               for part, name in zip(parts, ids, strict=True) if part)
    assert len(read_workspaces(connection, directories=[*ids, ids[0]])) == 200
    assert read_workspaces(connection, directories=["d-9000000000"]) == []
    unknown = [f"d-9{number:09}" for number in range(30)]
    assert known_directories(connection, [*unknown, *ids]) == {*ids}
    assert known_directories(connection, []) == set()


@pytest.mark.parametrize("wrong", ["d-nope", "d-90674ABCDE", "", "d-906734a1b2 ", "ws-123456789"])
def test_what_is_no_id_of_a_directory_is_refused_before_any_call(
    box: Sandbox, connection: Connection, wrong: str
) -> None:
    box.calls.clear()
    for ask in (partial(read_workspaces, connection, directories=[wrong]),
                partial(known_directories, connection, [wrong])):
        with pytest.raises(InputError, match="is no id of a directory") as caught:
            ask()
        assert caught.value.rule and caught.value.fix
    assert not box.calls


def test_a_directory_that_aws_refuses_to_know_is_left_out() -> None:
    """AWS answers for some ids that nobody has with an error, for others with nothing."""
    class Choosy:
        def pages(self, *_: str, DirectoryIds: list[str]) -> list[Any]:  # noqa: N803  # AWS's name
            if "d-9000000000" in DirectoryIds:
                raise AwsError(Refusal(action="", code="ResourceNotFoundException", message=""))
            if "d-9111111111" in DirectoryIds:
                raise AwsError(Refusal(action="", code="AccessDeniedException", message=""))
            return [[{"DirectoryId": one} for one in DirectoryIds]]

    choosy = cast("Connection", Choosy())
    assert known_directories(choosy, ["d-9000000000", "d-9067000000"]) == {"d-9067000000"}
    with pytest.raises(AwsError):
        known_directories(choosy, ["d-9111111111"])
    with pytest.raises(AwsError):
        known_directories(choosy, ["d-9000000000", "d-9111111111"])


def test_statuses_come_with_the_ids_that_were_asked(box: Sandbox, connection: Connection) -> None:
    ids = [one["WorkspaceId"] for one in read_workspaces(connection)]
    box.faults.omit_status_share = 0.2
    pages: list[int] = []
    before = datetime.now(UTC)
    answers = [*read_statuses(connection, ids, on_page=pages.append)]
    assert [one for answer in answers for one in answer.asked] == ids
    assert [len(answer.asked) for answer in answers] == [25] * 8
    assert pages == [len(answer.found) for answer in answers]
    assert 100 < sum(pages) < 200
    assert all(before <= answer.answered_at <= datetime.now(UTC) for answer in answers)
    for answer in answers:
        assert {one["WorkspaceId"] for one in answer.found} <= {*answer.asked}
        for status in answer.found:
            assert status["ConnectionStateCheckTimestamp"].tzinfo is UTC


def test_a_status_answer_that_is_cut_is_asked_for_again(
    box: Sandbox, connection: Connection
) -> None:
    ids = [one["WorkspaceId"] for one in read_workspaces(connection)]
    box.faults.cut_share = 0.2
    whole = sum(len(answer.found) for answer in read_statuses(connection, ids))
    box.faults.cut_share = 0.0
    assert whole == sum(len(answer.found) for answer in read_statuses(connection, ids))


def test_bundles_that_are_gone_are_left_out(connection: Connection) -> None:
    known = {one["BundleId"] for one in read_workspaces(connection)}
    found = read_bundles(connection, [*sorted(known), "wsb-000000000"])
    assert {one["BundleId"] for one in found} == known


def test_tags_come_in_bulk(box: Sandbox, connection: Connection) -> None:
    box.calls.clear()
    tags = read_tags(connection)
    assert 150 < len(tags) <= 200 and all(name.startswith("ws-") for name in tags)
    assert box.calls["resourcegroupstaggingapi", "GetResources"] == 2


# Single facts, from answers as AWS writes them.

HERE = cast("Connection", SimpleNamespace(account_id="1", region="eu-west-1"))
"""The table needs only to know which account and region it is about."""


def row(
    workspace: dict[str, Any], directory: dict[str, Any] | None = None,
    bundle: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The row of one WorkSpace with its directory and bundle."""
    frame = workspaces_frame(
        HERE, [{"WorkspaceId": "ws-1", "DirectoryId": "d-1", "BundleId": "wsb-1"} | workspace],
        [{"DirectoryId": "d-1"} | (directory or {})], [{"BundleId": "wsb-1"} | (bundle or {})])
    return cast("dict[str, Any]", frame.iloc[0].to_dict())


def properties(**said: object) -> dict[str, Any]:
    return {"WorkspaceProperties": said}


def test_what_a_workspace_leaves_open_its_bundle_tells() -> None:
    told = row({}, bundle={"ComputeType": {"Name": "POWER"}, "RootStorage": {"Capacity": "175"},
                           "UserStorage": {"Capacity": "100"}, "Name": "Power with Rocky Linux 8"})
    assert (told["compute_type"], told["root_gib"], told["user_gib"]) == ("POWER", 175, 100)
    assert told["operating_system"] == "ROCKY"
    said = row(properties(ComputeTypeName="VALUE", RootVolumeSizeGib=80, UserVolumeSizeGib=10,
                          OperatingSystemName="UBUNTU_22_04"),
               bundle={"ComputeType": {"Name": "POWER"}, "RootStorage": {"Capacity": "175"}})
    assert (said["compute_type"], said["root_gib"], said["user_gib"]) == ("VALUE", 80, 10)
    assert said["operating_system"] == "UBUNTU_22_04"
    assert row({})["operating_system"] == "WINDOWS" and pd.isna(row({})["root_gib"])


def test_a_compute_type_that_nobody_knows_is_kept() -> None:
    assert row(properties(ComputeTypeName="TITAN"))["compute_type"] == "TITAN"


def test_modes_as_aws_says_them() -> None:
    always = row(properties(RunningMode="ALWAYS_ON", RunningModeAutoStopTimeoutInMinutes=60))
    assert pd.isna(always["auto_stop_minutes"])
    auto = row(properties(RunningMode="AUTO_STOP", RunningModeAutoStopTimeoutInMinutes=240))
    assert (auto["running_mode"], auto["auto_stop_minutes"]) == ("AUTO_STOP", 240)
    assert row(properties(RunningMode="AUTO_STOP"))["auto_stop_minutes"] == 60
    missing = row({"State": "ERROR"})
    assert (missing["running_mode"], missing["state"]) == ("", "ERROR")


@pytest.mark.parametrize(("system", "directory", "bundle", "license_"), [
    ("WINDOWS_SERVER_2022", {}, {}, "included"),
    ("WINDOWS_11", {}, {}, "byol"),
    ("WINDOWS_SERVER_2019", {}, {"Name": "Our BYOL image"}, "byol"),
    ("WINDOWS_SERVER_2019", {"Tenancy": "DEDICATED"}, {"Owner": "111122223333"}, "byol"),
    ("WINDOWS_SERVER_2019", {"Tenancy": "DEDICATED"}, {"Owner": "AMAZON"}, "included"),
    ("UNKNOWN", {"Tenancy": "SHARED"}, {}, "included"),
    ("UBUNTU_22_04", {"Tenancy": "DEDICATED"}, {}, "included"),
])
def test_licences(
    system: str, directory: dict[str, str], bundle: dict[str, str], license_: str
) -> None:
    assert row(properties(OperatingSystemName=system), directory, bundle)["license"] == license_


def test_standby_is_told_from_either_side() -> None:
    related = [{"WorkspaceId": "ws-2", "Region": "us-east-1", "Type": "PRIMARY"}]
    assert row({"RelatedWorkspaces": related})["standby"]
    assert row({}, bundle={"BundleType": "STANDBY"})["standby"]
    assert not row({"RelatedWorkspaces": [related[0] | {"Type": "STANDBY"}]})["standby"]
    frame = workspaces_frame(HERE, [
        {"WorkspaceId": "ws-1", "StandbyWorkspacesProperties": [{"StandbyWorkspaceId": "ws-2"}]},
        {"WorkspaceId": "ws-2"}])
    assert frame["standby"].tolist() == [False, True]


def test_a_fleet_without_workspaces_is_an_empty_table() -> None:
    frame = workspaces_frame(HERE, [])
    assert frame.empty and [str(dtype) for dtype in frame.dtypes] == [
        column.dtype for column in WORKSPACES.columns]


# CloudTrail.


def test_changes_agree_with_what_was_done(box: Sandbox, connection: Connection) -> None:
    now = box.clock.now()
    changes = read_changes(connection, now - pd.Timedelta(days=90), now)
    truth = box.settings()
    here = set(box.workspaces().query("region == 'us-east-1' and account_id == @ACCOUNTS[0]")
               ["workspace_id"])
    later = truth[truth.duplicated("workspace_id") & truth["workspace_id"].isin(here)]
    told = {(one.workspace_id, one.at) for one in changes
            if one.event == "ModifyWorkspaceProperties"}
    assert told and told == {
        (one.workspace_id, one.since.to_pydatetime().replace(microsecond=0))
        for one in later.itertuples()}
    assert changes == sorted(changes, key=lambda one: (one.at, one.workspace_id))
    for change in changes:
        assert change.at.tzinfo is UTC
        assert change.running_mode in {"ALWAYS_ON", "AUTO_STOP", "MANUAL", None}


def trail(event: str, detail: dict[str, Any]) -> Any:
    """A connection on which CloudTrail has told of one event."""
    text = json.dumps({"eventSource": "workspaces.amazonaws.com",
                       "eventTime": "2026-03-02T09:00:00Z"} | detail)

    def pages(*_: object, **asked: Any) -> Iterator[list[dict[str, Any]]]:
        wanted = asked["LookupAttributes"][0]["AttributeValue"]
        yield [{"CloudTrailEvent": text, "EventId": "1"}] if wanted == event else []

    return SimpleNamespace(pages=pages)


MODIFIED = {"requestParameters": {"workspaceId": "ws-1", "workspaceProperties": {
    "runningMode": "AUTO_STOP", "runningModeAutoStopTimeoutInMinutes": 120}}}
SPAN = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def test_a_call_that_was_refused_is_no_change() -> None:
    (change,) = read_changes(trail("ModifyWorkspaceProperties", MODIFIED), *SPAN)
    assert (change.workspace_id, change.running_mode, change.auto_stop_minutes) == (
        "ws-1", "AUTO_STOP", 120)
    assert change.at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    failed = MODIFIED | {"errorCode": "AccessDenied"}
    assert read_changes(trail("ModifyWorkspaceProperties", failed), *SPAN) == []
    volume = {"requestParameters": {"workspaceId": "ws-1", "workspaceProperties": {
        "userVolumeSizeGib": 100}}}
    assert read_changes(trail("ModifyWorkspaceProperties", volume), *SPAN) == []


def test_an_event_that_cannot_be_read_is_logged_and_left_out(
    caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING"):
        assert read_changes(trail("ModifyWorkspaceProperties", {"requestParameters": None}), *SPAN
                            ) == []
    assert "cannot be read" in caplog.text


def test_a_creation_tells_when_and_how_a_workspace_began() -> None:
    asked = [{"directoryId": "d-1", "userName": name, "workspaceProperties": {"runningMode": mode}}
             for name, mode in (("ada", "ALWAYS_ON"), ("bob", "AUTO_STOP"))]
    made = [{"directoryId": "d-1", "userName": "bob", "workspaceId": "ws-b"}]
    (change,) = read_changes(trail("CreateWorkspaces", {
        "requestParameters": {"workspaces": asked},
        "responseElements": {"pendingRequests": made, "failedRequests": [{}]}}), *SPAN)
    assert (change.workspace_id, change.event, change.running_mode) == (
        "ws-b", "CreateWorkspaces", "AUTO_STOP")
