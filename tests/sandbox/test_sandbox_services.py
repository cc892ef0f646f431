"""The sandbox's other services: directories, tags, prices, CloudTrail, STS, the control path."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.helpers.sandboxes import NOON, Clients, all_workspaces, find, frozen, modify, state_of
from wsanalytics.prices.book import built_in_prices
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox

Pair = tuple[Sandbox, Clients]
ACCOUNTS = ("111122223333", "444455556666")


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with frozen(workspaces=130, history_days=63) as made:
        yield made


# Directories, bundles, tags


def test_directories_tell_maintenance_and_whose_licence_it_is(pair: Pair) -> None:
    box, clients = pair
    found = {one["DirectoryId"]: one for one in
             clients("workspaces").describe_workspace_directories()["Directories"]}
    for row in box.workspaces().itertuples():
        directory = found[row.directory_id]
        properties = directory["WorkspaceCreationProperties"]
        assert properties["EnableMaintenanceMode"] == row.maintenance_enabled
        assert (directory["Tenancy"] == "DEDICATED") == (row.license == "byol")
    assert box.workspaces()["maintenance_enabled"].any()


def test_directories_come_in_pages(pair: Pair) -> None:
    _, clients = pair
    client = clients("workspaces")
    pages = [client.describe_workspace_directories(Limit=2)]
    pages.append(client.describe_workspace_directories(Limit=2, NextToken=pages[0]["NextToken"]))
    assert [len(page["Directories"]) for page in pages] == [2, 1]
    assert "NextToken" not in pages[1]


def test_every_workspace_has_a_bundle_that_can_be_described(pair: Pair) -> None:
    box, clients = pair
    client, account = clients("workspaces"), ACCOUNTS[0]
    for row in box.workspaces().itertuples():
        bundle = client.describe_workspace_bundles(BundleIds=[row.bundle_id])["Bundles"][0]
        assert bundle["ComputeType"]["Name"] == row.compute_type
        assert bundle["Owner"] == (account if row.license == "byol" else "AMAZON")
    pages = client.get_paginator("describe_workspace_bundles").paginate(Owner="AMAZON")
    assert all(one["Owner"] == "AMAZON" for page in pages for one in page["Bundles"])


def test_tags_come_in_bulk_and_can_be_changed(pair: Pair) -> None:
    box, clients = pair
    client, tagging = clients("workspaces"), clients("resourcegroupstaggingapi")
    truth = {row.workspace_id: json.loads(row.tags) for row in box.workspaces().itertuples()}
    pages = tagging.get_paginator("get_resources").paginate(ResourceTypeFilters=["workspaces"])
    found = {}
    for page in pages:
        for row in page["ResourceTagMappingList"]:
            name = row["ResourceARN"].rpartition("/")[2]
            found[name] = {tag["Key"]: tag["Value"] for tag in row["Tags"]}
    assert found == {name: tags for name, tags in truth.items() if tags}
    name = min(found)
    client.create_tags(ResourceId=name, Tags=[{"Key": "ManagedBy", "Value": "me"}])
    mine = tagging.get_resources(TagFilters=[{"Key": "ManagedBy", "Values": ["me", "you"]}])
    assert [row["ResourceARN"].rpartition("/")[2] for row in mine["ResourceTagMappingList"]
            ] == [name]
    assert mine["PaginationToken"] == ""
    client.delete_tags(ResourceId=name, TagKeys=["ManagedBy"])
    told = client.describe_tags(ResourceId=name)["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in told} == truth[name]
    other = tagging.get_resources(ResourceTypeFilters=["ec2:instance"])
    assert other["ResourceTagMappingList"] == []


# Prices


def products(clients: Clients, **filters: str) -> list[dict[str, Any]]:
    chosen = [{"Type": "TERM_MATCH", "Field": name, "Value": value}
              for name, value in filters.items()]
    pages = clients("pricing").get_paginator("get_products").paginate(
        ServiceCode="AmazonWorkSpaces", Filters=chosen)
    return [json.loads(text) for page in pages for text in page["PriceList"]]


def price(product: dict[str, Any]) -> tuple[str, float]:
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return dimension["unit"], float(dimension["pricePerUnit"]["USD"])


def test_the_price_list_holds_the_table_in_force(pair: Pair) -> None:
    """The Windows prices of STANDARD: four volumes in two modes, and the hour once."""
    _, clients = pair
    frame = built_in_prices("eu-west-1").frame.query(
        "compute_type == 'STANDARD' and operating_system == 'WINDOWS' and license == 'included'")
    expected, found = set(), set()
    for row in frame.itertuples():
        volumes = f"Root:{row.root_gib} GB,User:{row.user_gib} GB"
        mode = "AlwaysOn" if row.running_mode == "ALWAYS_ON" else "AutoStop"
        expected.add((volumes, mode, "Month", row.monthly_usd))
        if mode == "AutoStop" and volumes == "Root:80 GB,User:50 GB":
            expected.add((volumes, mode, "Hour", row.hourly_usd))
    for product in products(
        clients, regionCode="eu-west-1", productFamily="Enterprise Applications",
        resourceType="Hardware", bundleGroup="Standard", operatingSystem="Windows",
        license="Included",
    ):
        attributes = product["product"]["attributes"]
        if "Restriction" not in attributes and "Plus" not in attributes["bundle"]:
            found.add((attributes["storage"], attributes["runningMode"], *price(product)))
    assert len(expected) == 9
    assert {one for one in found if one[1] != "Pool"} == expected


def test_the_price_list_holds_what_a_reader_has_to_leave_out(pair: Pair) -> None:
    _, clients = pair
    found = products(clients, regionCode="us-east-1")
    attributes = [one["product"]["attributes"] for one in found]
    assert {one["product"]["productFamily"] for one in found} == {
        "Enterprise Applications", "WorkSpaces Core"}
    for name, value in (("resourceType", "Software"), ("Restriction", "Limited SKU Usage"),
                        ("runningMode", "Pool"), ("bundle", "Storage")):
        assert any(one.get(name) == value for one in attributes), name
    assert any(price(one)[1] == 0 for one in found)
    assert len({one["product"]["sku"] for one in found}) == len(found)


def test_prices_are_filtered_and_paged(pair: Pair) -> None:
    _, clients = pair
    client = clients("pricing")
    page = client.get_products(ServiceCode="AmazonWorkSpaces", MaxResults=7)
    assert len(page["PriceList"]) == 7
    assert len(products(clients)) > 4_000
    assert products(clients, regionCode="mars-north-1") == []
    for kind, value, count in (("ANY_OF", "us-east-1,us-west-2", 2), ("CONTAINS", "us-east", 2),
                               ("EQUALS", "us-east-1", 1)):
        pages = client.get_paginator("get_products").paginate(
            ServiceCode="AmazonWorkSpaces",
            Filters=[{"Type": kind, "Field": "regionCode", "Value": value}])
        regions = {json.loads(text)["product"]["attributes"]["regionCode"]
                   for page in pages for text in page["PriceList"]}
        assert len(regions) == count
    names = client.describe_services()["Services"][0]["AttributeNames"]
    assert {"regionCode", "runningMode", "storage"} <= set(names)
    values = client.get_attribute_values(ServiceCode="AmazonWorkSpaces",
                                         AttributeName="runningMode")["AttributeValues"]
    assert {"Value": "AutoStop"} in values


# CloudTrail


def events(clients: Clients, name: str | None = None, **more: Any) -> list[dict[str, Any]]:
    chosen = [{"AttributeKey": "EventName", "AttributeValue": name}] if name else []
    pages = clients("cloudtrail").get_paginator("lookup_events").paginate(
        LookupAttributes=chosen, **more)
    return [json.loads(one["CloudTrailEvent"]) for page in pages for one in page["Events"]]


def test_changes_in_the_history_are_in_the_trail(pair: Pair) -> None:
    box, clients = pair
    orders, settings = box.orders(), box.settings()
    past = orders[orders["at"] < NOON]
    found = {one["requestParameters"]["workspaceId"]: one
             for one in events(clients, "ModifyWorkspaceProperties")}
    assert 3 <= len(past) <= 6
    assert set(found) == set(past["workspace_id"])
    for row in past.itertuples():
        event = found[row.workspace_id]
        properties = event["requestParameters"]["workspaceProperties"]
        minutes = properties.get("runningModeAutoStopTimeoutInMinutes")
        text = properties["runningMode"] + (f":{minutes}" if minutes else "")
        assert text == row.order
        assert datetime.fromisoformat(event["eventTime"]) == row.at
        assert timedelta(days=10) <= NOON - row.at <= timedelta(days=56)
        mine = settings[settings["workspace_id"] == row.workspace_id]["setting"].tolist()
        assert mine[-1] == text
        assert (mine[0] == "ALWAYS_ON") != (mine[1] == "ALWAYS_ON")
    created = box.workspaces().dropna(subset=["created_at"])
    told = {one["responseElements"]["pendingRequests"][0]["workspaceId"]
            for one in events(clients, "CreateWorkspaces")}
    assert told == set(created["workspace_id"])


def test_calls_are_recorded_with_what_was_asked_and_what_failed() -> None:
    with frozen(workspaces=40) as (box, clients):
        client = clients("workspaces")
        one = find(client, "ALWAYS_ON")["WorkspaceId"]
        modify(client, one, RunningMode="AUTO_STOP",
               RunningModeAutoStopTimeoutInMinutes=120)
        box.clock.step(timedelta(minutes=5))
        client.describe_workspaces()
        with pytest.raises(ClientError):
            modify(client, one, RunningModeAutoStopTimeoutInMinutes=90)
        client.start_workspaces(StartWorkspaceRequests=[{"WorkspaceId": "ws-000000000"}])
        start, good, bad = (
            events(clients, name, StartTime=NOON)[place]
            for name, place in (("StartWorkspaces", 0), ("ModifyWorkspaceProperties", 1),
                                ("ModifyWorkspaceProperties", 0)))
        assert good["requestParameters"] == {"workspaceId": one, "workspaceProperties": {
            "runningMode": "AUTO_STOP", "runningModeAutoStopTimeoutInMinutes": 120}}
        assert "errorCode" not in good
        assert bad["errorCode"] == "InvalidParameterValuesException"
        assert good["awsRegion"] == "us-east-1"
        assert good["userIdentity"]["accountId"] == "111122223333"
        assert start["responseElements"]["failedRequests"][0]["workspaceId"] == "ws-000000000"
        assert events(clients, "DescribeWorkspaces") == []
        newest = [one["eventTime"] for one in events(clients)]
        assert newest == sorted(newest, reverse=True)
        early = events(clients, StartTime=NOON - timedelta(days=2),
                       EndTime=NOON - timedelta(days=1))
        assert early == []
        box.clock.step(timedelta(days=91))
        assert events(clients) == []


def test_the_trail_comes_in_pages_of_fifty_at_most() -> None:
    with frozen(workspaces=4) as (_, clients):
        client, trail = clients("workspaces"), clients("cloudtrail")
        for _ in range(60):
            client.stop_workspaces(StopWorkspaceRequests=[{"WorkspaceId": "ws-000000000"}])
        page = trail.lookup_events(LookupAttributes=[
            {"AttributeKey": "EventName", "AttributeValue": "StopWorkspaces"}])
        assert len(page["Events"]) == 50
        assert len(events(clients, "StopWorkspaces")) == 60
        assert len({one["eventID"] for one in events(clients, "StopWorkspaces")}) == 60
        by_id = trail.lookup_events(LookupAttributes=[
            {"AttributeKey": "ResourceName", "AttributeValue": "ws-000000000"}], MaxResults=9)
        assert len(by_id["Events"]) == 9


# STS


def test_the_key_tells_the_account_and_a_role_leads_to_another() -> None:
    with frozen(workspaces=20, accounts=ACCOUNTS) as (box, clients):
        for account in ACCOUNTS:
            told = clients("sts", account=account).get_caller_identity()
            assert told["Account"] == account
            assert told["Arn"] == f"arn:aws:iam::{account}:user/sandbox"
        assert clients("sts", key="ANYTHINGATALL").get_caller_identity()["Account"] == ACCOUNTS[0]
        role = clients("sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNTS[1]}:role/path/reader", RoleSessionName="test",
            DurationSeconds=900)
        lasts = role["Credentials"]["Expiration"] - datetime.now(UTC)
        assert timedelta(seconds=890) < lasts <= timedelta(seconds=900)
        assert role["AssumedRoleUser"]["Arn"].endswith("assumed-role/reader/test")
        key = role["Credentials"]["AccessKeyId"]
        assert clients("sts", key=key).get_caller_identity()["Account"] == ACCOUNTS[1]
        theirs = {one["WorkspaceId"] for one in all_workspaces(clients("workspaces", key=key))}
        mine = box.workspaces().query("account_id == @ACCOUNTS[1]")["workspace_id"]
        assert theirs == set(mine)


def test_an_assumed_role_ends_when_its_time_is_up() -> None:
    with frozen(workspaces=2, faults=Faults(role_seconds=0)) as (_, clients):
        role = clients("sts").assume_role(
            RoleArn="arn:aws:iam::111122223333:role/r", RoleSessionName="test")
        key = role["Credentials"]["AccessKeyId"]
        with pytest.raises(ClientError, match="ExpiredTokenException"):
            clients("workspaces", key=key).describe_workspaces()


# The control path


def control(box: Sandbox, path: str, wanted: dict[str, Any] | None = None) -> Any:
    body = None if wanted is None else json.dumps(wanted).encode()
    request = urllib.request.Request(f"{box.url}/sandbox/{path}", body)  # noqa: S310  # our own
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  # likewise
        return json.loads(answer.read())


@pytest.mark.parametrize(("path", "wanted"), [
    ("clock", {"speed": 1e308}), ("clock", {"speed": 1e7}), ("clock", {"step_seconds": 1e308}),
    ("clock", {"step_seconds": 1e12}), ("clock", []), ("clock", {"speed": [1]}),
    ("faults", {"clock_skew_seconds": 1e308}), ("faults", {"timeout_seconds": 1e308}),
    ("faults", {"cut_share": True}), ("faults", {"cut_share": "x"}), ("faults", {"throttle": 3}),
    ("faults", {"throttle": [1e308, 1]}), ("faults", {"denied_regions": 5}), ("faults", [1]),
    ("faults", {"expired": "perhaps"}), ("faults", {"check_lag_seconds": -1}),
    ("faults", {"seed": None}),
])
def test_no_post_breaks_the_sandbox(path: str, wanted: Any) -> None:
    with frozen(workspaces=2) as (box, clients):
        with pytest.raises(urllib.error.HTTPError) as refused:
            control(box, path, wanted)
        assert refused.value.code == 400
        refused.value.close()
        assert control(box, "clock")["now"] == NOON.isoformat()
        assert len(clients("workspaces").describe_workspaces()["Workspaces"]) == 2


def raw(box: Sandbox, head: str, body: bytes = b"") -> bytes:
    """What comes back for a request as it is written."""
    with socket.create_connection(("127.0.0.1", int(box.url.rpartition(":")[2])), 20) as line:
        line.sendall(head.replace("\n", "\r\n").encode() + body)
        return line.recv(4096)


def test_the_control_path_answers_no_web_page_and_no_other_host() -> None:
    with frozen(workspaces=2) as (box, _):
        here = box.url.removeprefix("http://")
        for more, status in (
            (f"Host: {here}\n", b"200"), (f"Host: {here}\nOrigin: http://{here}\n", b"200"),
            ("Host: rebound.example\n", b"403"), (f"Host: {here}\nOrigin: null\n", b"403"),
            (f"Host: {here}\nOrigin: https://evil.example\n", b"403"),
        ):
            answer = raw(box, f"GET /sandbox/sessions HTTP/1.1\n{more}Connection: close\n\n")
            assert answer.split(maxsplit=2)[1] == status


def test_a_request_is_bounded_in_size() -> None:
    with frozen(workspaces=2) as (box, clients):
        answer = raw(box, "POST /sandbox/clock HTTP/1.1\nHost: 127.0.0.1\n"
                          "Content-Length: 99999999999\n\n", b"{}")
        assert answer.split(maxsplit=2)[1] == b"413"
        assert len(clients("workspaces").describe_workspaces()["Workspaces"]) == 2


def test_the_control_path_moves_the_clock_and_sets_faults() -> None:
    with frozen(workspaces=2) as (box, clients):
        assert control(box, "clock") == {"now": NOON.isoformat(), "speed": 0.0}
        told = control(box, "clock", {"step_seconds": 90, "speed": 0})
        assert told["now"] == (NOON + timedelta(seconds=90)).isoformat()
        assert control(box, "clock", {"speed": 60})["speed"] == 60
        assert control(box, "faults", {"expired": True})["expired"] is True
        with pytest.raises(ClientError, match="ExpiredTokenException"):
            clients("workspaces").describe_workspaces()
        control(box, "faults", {"expired": False, "denied_regions": ["us-east-1"]})
        assert box.faults.denied_regions == ("us-east-1",)
        for path, wanted in (("clock", {"step_seconds": -1}), ("faults", {"nonsense": 1}),
                             ("clock", {"speed": "fast"})):
            with pytest.raises(urllib.error.HTTPError) as refusal:
                control(box, path, wanted)
            with refusal.value as answer:
                assert "error" in json.loads(answer.read())


def test_the_control_path_tells_the_truth() -> None:
    with frozen(workspaces=12) as (box, clients):
        for name in ("workspaces", "sessions", "settings", "orders"):
            assert len(control(box, name)) == len(getattr(box, name)())
        bill = control(box, "bill?hour_rule=exact")
        assert sum(one["billed_hours"] for one in bill) == pytest.approx(
            box.bill("exact")["billed_hours"].sum())
        state = {one["workspace_id"]: one["state"] for one in control(box, "workspaces")}
        name = min(state)
        assert state[name] == state_of(clients("workspaces"), name)
        for path, status in (("nothing", 404), ("bill?hour_rule=guess", 400)):
            with pytest.raises(urllib.error.HTTPError) as refusal:
                control(box, path)
            with refusal.value as answer:
                assert answer.status == status
