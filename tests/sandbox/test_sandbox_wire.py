"""What goes over the wire: every answer and error is one that AWS's own model knows."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.helpers.sandboxes import Clients, all_workspaces, find, frozen
from wsanalytics.sandbox.catalog import bundles
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.sandbox.services.endpoint import HANDLERS, SERVED
from wsanalytics.sandbox.services.protocol import find_violations

Pair = tuple[Sandbox, Clients]

COMMON = {
    "ThrottlingException", "ValidationException", "ValidationError", "AccessDeniedException",
    "AccessDenied", "ExpiredTokenException", "ExpiredToken", "UnknownOperationException",
    "InternalServerException", "SerializationException",
}
"""Errors that any action may answer, in the model or not."""
PROTOCOLS = {
    "workspaces": ("json", "1.1"), "cloudwatch": ("json", "1.0"), "pricing": ("json", "1.1"),
    "resourcegroupstaggingapi": ("json", "1.1"), "cloudtrail": ("json", "1.1"),
    "sts": ("query", None),
}
NOBODY = "ws-000000000"


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with frozen(workspaces=60) as made:
        yield made


def metric_query(workspace_id: str, **stat: Any) -> dict[str, Any]:
    metric = {"Namespace": "AWS/WorkSpaces", "MetricName": "UserConnected",
              "Dimensions": [{"Name": "WorkspaceId", "Value": workspace_id}]}
    return {"Id": "q1", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Maximum"} | stat}


def every_call(box: Sandbox, clients: Clients) -> list[tuple[str, str, dict[str, Any]]]:
    """One good call of every action: service, action, parameters."""
    workspaces = clients("workspaces")
    flat = find(workspaces, "ALWAYS_ON")["WorkspaceId"]
    directory = workspaces.describe_workspace_directories()["Directories"][0]["DirectoryId"]
    bundle = next(iter(bundles()))
    new = {"DirectoryId": directory, "UserName": "new.user", "BundleId": bundle,
           "WorkspaceProperties": {"RunningMode": "AUTO_STOP"}, "Tags": [{"Key": "a"}]}
    now = box.clock.now()
    return [
        ("workspaces", "DescribeWorkspaces", {}),
        ("workspaces", "DescribeWorkspacesConnectionStatus", {}),
        ("workspaces", "DescribeWorkspaceDirectories", {}),
        ("workspaces", "DescribeWorkspaceBundles", {"Owner": "AMAZON"}),
        ("workspaces", "DescribeWorkspaceBundles", {}),
        ("workspaces", "CreateTags", {"ResourceId": flat, "Tags": [{"Key": "k", "Value": "v"}]}),
        ("workspaces", "DescribeTags", {"ResourceId": flat}),
        ("workspaces", "DeleteTags", {"ResourceId": flat, "TagKeys": ["k"]}),
        ("workspaces", "CreateWorkspaces", {"Workspaces": [new, new]}),
        ("workspaces", "ModifyWorkspaceProperties",
         {"WorkspaceId": flat, "WorkspaceProperties": {"RunningMode": "AUTO_STOP"}}),
        ("workspaces", "StartWorkspaces", {"StartWorkspaceRequests": [{"WorkspaceId": NOBODY}]}),
        ("workspaces", "StopWorkspaces", {"StopWorkspaceRequests": [{"WorkspaceId": NOBODY}]}),
        ("workspaces", "RebootWorkspaces", {"RebootWorkspaceRequests": [{"WorkspaceId": NOBODY}]}),
        ("workspaces", "TerminateWorkspaces",
         {"TerminateWorkspaceRequests": [{"WorkspaceId": flat}]}),
        ("cloudwatch", "GetMetricData",
         {"MetricDataQueries": [metric_query(flat)], "StartTime": now - timedelta(days=1),
          "EndTime": now}),
        ("cloudwatch", "ListMetrics", {"Namespace": "AWS/WorkSpaces"}),
        ("pricing", "GetProducts", {"ServiceCode": "AmazonWorkSpaces"}),
        ("pricing", "DescribeServices", {}),
        ("pricing", "GetAttributeValues",
         {"ServiceCode": "AmazonWorkSpaces", "AttributeName": "bundle"}),
        ("sts", "GetCallerIdentity", {}),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::111122223333:role/reader",
                               "RoleSessionName": "test"}),
        ("resourcegroupstaggingapi", "GetResources", {"ResourceTypeFilters": ["workspaces"]}),
        ("cloudtrail", "LookupEvents", {}),
    ]


def method(client: Any, action: str) -> Any:
    names = {value: name for name, value in client.meta.method_to_api_mapping.items()}
    return getattr(client, names[action])


def test_every_action_gives_an_answer_that_the_model_knows() -> None:
    with frozen(workspaces=60) as (box, clients):
        calls = every_call(box, clients)
        for service, action, params in calls:
            answer = method(clients(service), action)(**params)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200, action
        assert {(service, action) for service, action, _ in calls} == set(HANDLERS)
        told = [body for name, body in clients.bodies if name == "DescribeWorkspaces"]
        assert sum(len(body["Workspaces"]) for body in told) >= 25


@pytest.mark.parametrize("service", sorted(PROTOCOLS))
def test_botocore_still_speaks_the_protocol_that_the_sandbox_answers(service: str) -> None:
    model = botocore.session.Session().get_service_model(service)
    protocol, version = PROTOCOLS[service]
    assert model.resolved_protocol == protocol
    assert model.metadata.get("jsonVersion") == version
    assert SERVED[model.signing_name] == service


def test_the_answer_tells_json_1_0_from_json_1_1(pair: Pair) -> None:
    _, clients = pair
    for service, action, version in (("workspaces", "describe_workspaces", "1.1"),
                                     ("cloudwatch", "list_metrics", "1.0")):
        head = getattr(clients(service), action)()["ResponseMetadata"]["HTTPHeaders"]
        assert head["content-type"] == f"application/x-amz-json-{version}"
        assert head["x-wsanalytics-sandbox"] == "true"
        assert head["x-amzn-requestid"]


FLAT, AUTO = "$flat", "$auto"  # stand for ids in the cases below
BAD_VALUES = "InvalidParameterValuesException"
REFUSALS: list[tuple[str, str, dict[str, Any], str]] = [
    ("workspaces", "DescribeWorkspaces", {"Limit": 26}, "ValidationException"),
    ("workspaces", "DescribeWorkspaces", {"WorkspaceIds": [NOBODY] * 26}, "ValidationException"),
    ("workspaces", "DescribeWorkspaces", {"WorkspaceIds": ["nonsense"]}, "ValidationException"),
    ("workspaces", "DescribeWorkspaces", {"NextToken": "nonsense"}, BAD_VALUES),
    ("workspaces", "DescribeWorkspaces", {"UserName": "ada"}, BAD_VALUES),
    ("workspaces", "DescribeWorkspaces",
     {"WorkspaceIds": [NOBODY], "BundleId": "wsb-000000000"}, BAD_VALUES),
    ("workspaces", "DescribeWorkspacesConnectionStatus",
     {"WorkspaceIds": [NOBODY] * 26}, "ValidationException"),
    ("workspaces", "DescribeWorkspaceBundles",
     {"BundleIds": ["wsb-000000000"], "Owner": "AMAZON"}, BAD_VALUES),
    ("workspaces", "DescribeTags", {"ResourceId": NOBODY}, "ResourceNotFoundException"),
    ("workspaces", "CreateTags",
     {"ResourceId": FLAT, "Tags": [{"Key": f"k{i}"} for i in range(51)]},
     "ResourceLimitExceededException"),
    ("workspaces", "CreateWorkspaces", {"Workspaces": [
        {"DirectoryId": "d-9000000000", "UserName": "a", "BundleId": "wsb-000000000"}] * 26},
     "ValidationException"),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": NOBODY, "WorkspaceProperties": {"RunningMode": "ALWAYS_ON"}},
     "ResourceNotFoundException"),
    ("workspaces", "ModifyWorkspaceProperties", {"WorkspaceId": FLAT}, BAD_VALUES),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": FLAT, "WorkspaceProperties": {"RunningMode": "SOMETIMES"}},
     "ValidationException"),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": FLAT, "WorkspaceProperties": {"RunningMode": "MANUAL"}},
     "AccessDeniedException"),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": FLAT, "WorkspaceProperties": {"RunningModeAutoStopTimeoutInMinutes": 60}},
     BAD_VALUES),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": AUTO, "WorkspaceProperties": {"RunningModeAutoStopTimeoutInMinutes": 90}},
     BAD_VALUES),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": AUTO, "WorkspaceProperties": {"RunningModeAutoStopTimeoutInMinutes": 2940}},
     BAD_VALUES),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": AUTO, "WorkspaceProperties": {"RunningModeAutoStopTimeoutInMinutes": 0}},
     BAD_VALUES),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": AUTO, "WorkspaceProperties": {"ComputeTypeName": "POWER"}},
     "UnsupportedWorkspaceConfigurationException"),
    ("workspaces", "ModifyWorkspaceProperties",
     {"WorkspaceId": AUTO,
      "WorkspaceProperties": {"ComputeTypeName": "POWER", "RunningMode": "ALWAYS_ON"}},
     BAD_VALUES),
    ("workspaces", "DescribeAccount", {}, "UnknownOperationException"),
    ("pricing", "GetProducts", {"ServiceCode": "AmazonEC2"}, "NotFoundException"),
    ("pricing", "GetProducts",
     {"ServiceCode": "AmazonWorkSpaces", "NextToken": "x"}, "InvalidNextTokenException"),
    ("pricing", "GetProducts",
     {"ServiceCode": "AmazonWorkSpaces", "MaxResults": 101}, "InvalidParameterException"),
    ("pricing", "GetAttributeValues",
     {"ServiceCode": "AmazonWorkSpaces", "AttributeName": "colour"}, "NotFoundException"),
    ("resourcegroupstaggingapi", "GetResources", {"ResourcesPerPage": 101},
     "InvalidParameterException"),
    ("resourcegroupstaggingapi", "GetResources", {"PaginationToken": "x"},
     "InvalidParameterException"),
    ("cloudtrail", "LookupEvents", {"StartTime": 1_800_000_000, "EndTime": 1_700_000_000},
     "InvalidTimeRangeException"),
    ("cloudtrail", "LookupEvents", {"NextToken": "x"}, "InvalidNextTokenException"),
    ("cloudtrail", "LookupEvents", {"LookupAttributes": [
        {"AttributeKey": "EventName", "AttributeValue": "A"},
        {"AttributeKey": "EventName", "AttributeValue": "B"}]},
     "InvalidLookupAttributesException"),
    ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::999999999999:role/r",
                           "RoleSessionName": "s1"}, "AccessDenied"),
    ("sts", "AssumeRole", {"RoleArn": "this is no role at all",
                           "RoleSessionName": "s1"}, "ValidationError"),
    ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::111122223333:role/r", "RoleSessionName": "s1",
                           "DurationSeconds": 50_000}, "ValidationError"),
]


@pytest.mark.parametrize(("service", "action", "params", "code"), REFUSALS)
def test_what_aws_refuses_is_refused_with_a_code_of_its_own(
    pair: Pair, service: str, action: str, params: dict[str, Any], code: str
) -> None:
    _, clients = pair
    client, workspaces = clients(service), clients("workspaces")
    mode = {FLAT: "ALWAYS_ON", AUTO: "AUTO_STOP"}
    asked = {name: find(workspaces, mode[value])["WorkspaceId"]
             if isinstance(value, str) and value in mode else value
             for name, value in params.items()}
    with pytest.raises(ClientError) as refusal:
        method(client, action)(**asked)
    assert refusal.value.response["Error"]["Code"] == code
    known = client.meta.service_model.operation_model(action).error_shapes
    names = {shape.name for shape in known} | {
        shape.metadata.get("error", {}).get("code") for shape in known}
    assert code in names | COMMON


def test_typed_errors_are_raised(pair: Pair) -> None:
    _, clients = pair
    client = clients("workspaces")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_tags(ResourceId=NOBODY)


@pytest.mark.parametrize("date", ["19990101", "20360101"])
def test_signatures_of_any_date_are_accepted(pair: Pair, date: str) -> None:
    box, _ = pair
    answer = _post(box, "WorkspacesService.DescribeWorkspaces", b"{}", date=date)
    assert len(json.loads(answer)["Workspaces"]) == 25


def test_a_body_that_is_no_json_is_refused(pair: Pair) -> None:
    box, _ = pair
    with pytest.raises(urllib.error.HTTPError) as refusal:
        _post(box, "WorkspacesService.DescribeWorkspaces", b"{{")
    with refusal.value as answer:
        assert json.loads(answer.read())["__type"] == "SerializationException"


def _post(box: Sandbox, target: str, body: bytes, date: str = "20260101") -> bytes:
    scope = f"Credential=AKIA/{date}/us-east-1/workspaces/aws4_request"
    head = {"X-Amz-Target": target, "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
    request = urllib.request.Request(box.url, body, head)  # noqa: S310  # our own address
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  # likewise
        return bytes(answer.read())


def test_whoever_looks_with_a_browser_is_told_what_this_is(pair: Pair) -> None:
    box, _ = pair
    with urllib.request.urlopen(box.url, timeout=20) as answer:  # noqa: S310  # our own address
        assert answer.headers["x-wsanalytics-sandbox"] == "true"
        assert b"sandbox of wsanalytics" in answer.read()


def test_the_walker_finds_what_the_model_forbids() -> None:
    model = botocore.session.Session().get_service_model("workspaces")
    shape = model.operation_model("DescribeWorkspaces").output_shape
    assert find_violations(shape, {"Workspaces": [{"State": "STOPPED"}]}) == []
    bad = [{"State": "ASLEEP"}, {"Colour": "red"}, {"WorkspaceId": "x"}, {"UserName": 3},
           {"UserName": ""}, {"UserVolumeEncryptionEnabled": 1}]
    assert [len(find_violations(shape, {"Workspaces": [one]})) for one in bad] == [1] * 6


def _ask_moto(monkeypatch: pytest.MonkeyPatch, request: dict[str, Any]) -> dict[str, Any]:
    """What moto says to the calls that both serve."""
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x",
                        "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("workspaces")
        created = client.create_workspaces(
            Workspaces=[request | {"DirectoryId": _moto_directory(client)}])
        new = created["PendingRequests"][0]["WorkspaceId"]
        return {
            "created": created,
            "described": client.describe_workspaces(WorkspaceIds=[new])["Workspaces"][0],
            "tags": client.describe_tags(ResourceId=new)["TagList"],
            "ended": client.terminate_workspaces(
                TerminateWorkspaceRequests=[{"WorkspaceId": new}])["FailedRequests"],
            "identity": boto3.client("sts").get_caller_identity(),
        }


def _moto_directory(client: Any) -> str:
    ec2, ds = boto3.client("ec2"), boto3.client("ds")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24",
                                 AvailabilityZone=f"us-east-1{zone}")["Subnet"]["SubnetId"]
               for i, zone in enumerate("ab")]
    directory: str = ds.create_directory(
        Name="example.com", Password="Password1!", Size="Small",  # moto's own world
        VpcSettings={"VpcId": vpc, "SubnetIds": subnets})["DirectoryId"]
    client.register_workspace_directory(DirectoryId=directory, SubnetIds=subnets)
    return directory


def test_moto_names_no_member_that_the_sandbox_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opinion: whatever moto tells of a WorkSpace, its tags and the caller, we tell."""
    request = {"UserName": "ada", "BundleId": next(iter(bundles())),
               "WorkspaceProperties": {"RunningMode": "AUTO_STOP",
                                       "RunningModeAutoStopTimeoutInMinutes": 60},
               "Tags": [{"Key": "team", "Value": "sales"}]}
    theirs = _ask_moto(monkeypatch, request)
    with frozen(workspaces=30) as (_, clients):
        client = clients("workspaces")
        ours = all_workspaces(client)[0]
        made = client.create_workspaces(
            Workspaces=[request | {"DirectoryId": ours["DirectoryId"]}])
        new = made["PendingRequests"][0]
        assert made.keys() == theirs["created"].keys()
        assert theirs["created"]["PendingRequests"][0].keys() <= new.keys()
        assert theirs["described"].keys() <= ours.keys()
        assert client.describe_tags(ResourceId=new["WorkspaceId"])["TagList"] == theirs["tags"]
        ended = client.terminate_workspaces(
            TerminateWorkspaceRequests=[{"WorkspaceId": new["WorkspaceId"]}])
        assert ended["FailedRequests"] == theirs["ended"]
        assert clients("sts").get_caller_identity().keys() == theirs["identity"].keys()
