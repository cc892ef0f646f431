"""Each reading action tried once, as small as it can be asked: allowed, denied, or out of reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wsanalytics.aws import cloudtrail, cloudwatch
from wsanalytics.aws import price_list as offers
from wsanalytics.aws import workspaces as reader
from wsanalytics.aws.connection import Connection

ACTIONS = (*reader.ACTIONS, *cloudwatch.ACTIONS, *cloudtrail.ACTIONS, *offers.ACTIONS)
"""IAM actions that this module calls."""
_OWN_CLOCK = "x-wsanalytics-sandbox-clock"
_Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Probe:
    service: str
    member: str
    params: Callable[[datetime], _Params]


def _one_point(now: datetime) -> _Params:
    """Return the least that CloudWatch can be asked for: one metric, at $0.00001."""
    metric = {"Namespace": cloudwatch.NAMESPACE, "MetricName": "UserConnected"}
    stat = {"Metric": metric, "Period": 300, "Stat": "Maximum"}
    return {"MetricDataQueries": [{"Id": "q0", "MetricStat": stat}],
            "StartTime": now - timedelta(minutes=5), "EndTime": now}


def _one_event(now: datetime) -> _Params:
    by_name = {"AttributeKey": "EventName", "AttributeValue": "ModifyWorkspaceProperties"}
    return {"LookupAttributes": [by_name], "StartTime": now - timedelta(hours=1), "EndTime": now,
            "MaxResults": 1}


PROBES = {
    "workspaces:DescribeWorkspaces":
        _Probe("workspaces", "Workspaces", lambda _: {"Limit": 1}),
    "workspaces:DescribeWorkspacesConnectionStatus":
        _Probe("workspaces", "WorkspacesConnectionStatus", lambda _: {}),
    "workspaces:DescribeWorkspaceDirectories":
        _Probe("workspaces", "Directories", lambda _: {"Limit": 1}),
    "workspaces:DescribeWorkspaceBundles":
        _Probe("workspaces", "Bundles", lambda _: {"Owner": "AMAZON"}),
    "tag:GetResources":
        _Probe("resourcegroupstaggingapi", "ResourceTagMappingList", lambda _: {
            "ResourceTypeFilters": ["workspaces:workspace"], "ResourcesPerPage": 1}),
    "cloudwatch:GetMetricData":
        _Probe("cloudwatch", "MetricDataResults", _one_point),
    "cloudtrail:LookupEvents":
        _Probe("cloudtrail", "Events", _one_event),
    "pricing:GetProducts":
        _Probe("pricing", "PriceList", lambda _: {
            "ServiceCode": offers.SERVICE, "MaxResults": 1}),
}
"""The trial call for each action."""


def try_action(connection: Connection, action: str) -> timedelta | None:
    """Call *action* once, for one item; how far AWS's clock is ahead of this computer's.

    None where the answer does not say, or comes from a simulated account with its own time.

    Raises :class:`AwsError` where the action is denied or AWS cannot be reached.
    """
    probe = PROBES[action]
    asked_at = datetime.now(UTC)
    answer = connection.call(probe.service, action.partition(":")[2], member=probe.member,
                             **probe.params(asked_at))
    middle = asked_at + (datetime.now(UTC) - asked_at) / 2
    shown = reader.answered_at(answer)
    if shown is None or _OWN_CLOCK in answer["ResponseMetadata"]["HTTPHeaders"]:
        return None
    return shown - middle
