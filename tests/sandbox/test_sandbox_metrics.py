"""CloudWatch in the sandbox: points agree with what happened, and the service's limits hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from botocore.exceptions import ClientError

from tests.helpers.sandboxes import NOON, Clients, all_workspaces, find, frozen, modify
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.timeline import from_micros

Pair = tuple[Sandbox, Clients]
Points = list[tuple[datetime, float]]
STEP = timedelta(minutes=5)
SHARP = NOON.replace(microsecond=0)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with frozen(workspaces=40, history_days=63) as made:
        yield made


def query(
    workspace_id: str, metric: str = "UserConnected", name: str = "q", **stat: Any
) -> dict[str, Any]:
    whole = {"Namespace": "AWS/WorkSpaces", "MetricName": metric,
             "Dimensions": [{"Name": "WorkspaceId", "Value": workspace_id}]}
    return {"Id": name, "MetricStat": {"Metric": whole, "Period": 300, "Stat": "Maximum"} | stat}


def ask(
    clients: Clients, queries: list[dict[str, Any]], start: datetime, end: datetime, **more: Any
) -> dict[str, Any]:
    answer: dict[str, Any] = clients("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=start, EndTime=end, **more)
    return answer


def points(result: dict[str, Any]) -> Points:
    times = [at.astimezone(UTC) for at in result["Timestamps"]]
    return list(zip(times, result["Values"], strict=True))


def one(clients: Clients, asked: dict[str, Any], start: datetime, end: datetime) -> Points:
    """The points of one query, the oldest first."""
    answer = ask(clients, [asked], start, end, ScanBy="TimestampAscending")
    assert answer["MetricDataResults"][0]["StatusCode"] == "Complete"
    return points(answer["MetricDataResults"][0])


def bins(start: datetime, end: datetime) -> list[datetime]:
    first = start.replace(minute=start.minute // 5 * 5, second=0, microsecond=0)
    every = [first + place * STEP for place in range(int((end - first) / STEP) + 1)]
    return [at for at in every if start <= at and at + STEP <= end]


def pairs_of(frame: pd.DataFrame, workspace_id: str) -> list[tuple[datetime, datetime]]:
    mine = frame[frame["workspace_id"] == workspace_id]
    return list(zip(mine["connected_at"], mine["disconnected_at"], strict=True))


def touches(at: datetime, stretches: list[tuple[datetime, datetime]]) -> bool:
    return any(begun < at + STEP and ended > at for begun, ended in stretches)


def runs_of(box: Sandbox, workspace_id: str) -> list[tuple[datetime, datetime]]:
    """When it was on, read off the settings and the meter's runs."""
    settings = box.settings().query("workspace_id == @workspace_id")
    since = [*settings["since"], box.clock.now()]
    flat = [(since[place], since[place + 1])
            for place, setting in enumerate(settings["setting"]) if setting == "ALWAYS_ON"]
    desktop = next(one for one in box.world.fleet.everything()
                   if one.workspace_id == workspace_id)
    runs = desktop.life.runs(box.clock.now())
    return flat + [(from_micros(begun), from_micros(ended))
                   for begun, ended in zip(runs.starts, runs.ends, strict=True)]


@pytest.mark.parametrize("mode", ["ALWAYS_ON", "AUTO_STOP"])
def test_points_agree_with_a_slow_reading_of_what_happened(pair: Pair, mode: str) -> None:
    box, clients = pair
    start, end = SHARP - timedelta(days=9), NOON + timedelta(days=1)
    names = [one["WorkspaceId"] for one in all_workspaces(clients("workspaces"))
             if one["WorkspaceProperties"]["RunningMode"] == mode]
    sessions, connected_points = box.sessions(), 0
    for name in names[:8]:
        connected, running = (  # what is over before the first bin touches none
            [(begun, ended) for begun, ended in pairs if ended > start - timedelta(hours=1)]
            for pairs in (pairs_of(sessions, name), runs_of(box, name)))
        on = {at: touches(at, running) for at in bins(start, NOON)}
        expected = [(at, float(touches(at, connected))) for at, is_on in on.items() if is_on]
        assert one(clients, query(name), start, end) == expected
        assert one(clients, query(name, "Stopped"), start, end) == [
            (at, float(not is_on)) for at, is_on in on.items()]
        connected_points += sum(value > 0 for _, value in expected)
    assert connected_points > 300


def test_hours_are_the_statistics_of_their_five_minutes(pair: Pair) -> None:
    box, clients = pair
    start = NOON.replace(minute=0, second=0, microsecond=0) - timedelta(days=5)
    used = box.sessions()["workspace_id"].value_counts().index[:4]
    for name in used:
        fine = one(clients, query(name), start, NOON)
        by_hour: dict[datetime, list[float]] = {}
        for at, value in fine:
            by_hour.setdefault(at.replace(minute=0), []).append(value)
        makers = {"Maximum": max, "Minimum": min, "Sum": sum, "SampleCount": len,
                  "Average": lambda values: sum(values) / len(values)}
        for stat, make in makers.items():
            got = one(clients, query(name, Period=3600, Stat=stat), start, NOON)
            assert got == [(at, pytest.approx(make(values))) for at, values in by_hour.items()]


def test_the_newest_come_first_unless_asked_otherwise(pair: Pair) -> None:
    box, clients = pair
    asked = [query(box.sessions()["workspace_id"].iloc[0], "Stopped")]
    start = NOON - timedelta(hours=3)
    newest = points(ask(clients, asked, start, NOON)["MetricDataResults"][0])
    assert newest == sorted(newest, reverse=True)
    assert newest[::-1] == one(clients, asked[0], start, NOON)


def test_edges_are_inclusive_at_the_start_exclusive_at_the_end_and_end_at_now(pair: Pair) -> None:
    box, clients = pair
    name = box.workspaces()["workspace_id"].iloc[0]
    start, end = NOON.replace(microsecond=0) - timedelta(hours=2), NOON - timedelta(hours=1)
    times = [at for at, _ in one(clients, query(name, "Stopped"), start, end.replace(
        microsecond=0))]
    assert (times[0], times[-1], len(times)) == (start, start + 11 * STEP, 12)
    late = [at for at, _ in one(clients, query(name, "Stopped"), start + timedelta(minutes=2),
                                NOON + timedelta(days=3))]
    assert late[0] == start + STEP
    assert late[-1] + STEP <= box.clock.now()
    assert late[-1] + 2 * STEP > box.clock.now()


def test_nothing_is_told_from_before_creation(pair: Pair) -> None:
    box, clients = pair
    created = box.workspaces().dropna(subset=["created_at"]).iloc[0]
    found = one(clients, query(created["workspace_id"], "Stopped"), box.history_start, NOON)
    assert created["created_at"] <= found[0][0] < created["created_at"] + STEP


def test_what_is_not_there_is_answered_with_no_points(pair: Pair) -> None:
    _, clients = pair
    name = all_workspaces(clients("workspaces"))[0]["WorkspaceId"]
    other = query(name)
    other["MetricStat"]["Metric"]["Namespace"] = "AWS/EC2"
    start = NOON - timedelta(hours=1)
    for asked in (query("ws-000000000"), query(name, "CPUUsage"), other,
                  query(name, "Stopped", Period=60)):
        assert one(clients, asked, start, NOON) == []


def test_fine_points_are_kept_for_63_days_and_hours_for_455() -> None:
    with frozen(workspaces=4, history_days=500) as (box, clients):
        name = box.workspaces().query("created_at.isna()")["workspace_id"].iloc[0]
        start = NOON - timedelta(days=480)
        near = NOON - timedelta(days=64)
        fine = one(clients, query(name, "Stopped"), near, near + timedelta(days=2))
        assert fine[0][0] == SHARP - timedelta(days=63)
        hours = one(clients, query(name, "Stopped", Period=3600), start, NOON)
        assert timedelta(0) <= hours[0][0] - (SHARP - timedelta(days=455)) <= timedelta(hours=1)


def test_pages_end_in_the_middle_of_a_query_and_lose_nothing(pair: Pair) -> None:
    box, clients = pair
    names = box.workspaces()["workspace_id"][:6]
    queries = [query(name, metric, f"q{place}_{metric.lower()}")
               for place, name in enumerate(names) for metric in ("UserConnected", "Stopped")]
    start = NOON - timedelta(days=3)
    whole = {result["Id"]: points(result)
             for result in ask(clients, queries, start, NOON)["MetricDataResults"]}
    found: dict[str, Points] = {}
    sizes, partial, token = [], 0, {}
    while True:
        answer = ask(clients, queries, start, NOON, MaxDatapoints=1000, **token)
        for result in answer["MetricDataResults"]:
            found.setdefault(result["Id"], []).extend(points(result))
            partial += result["StatusCode"] == "PartialData"
        sizes.append(sum(len(result["Values"]) for result in answer["MetricDataResults"]))
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
        box.clock.step(timedelta(minutes=7))  # what comes meanwhile does not shift the pages
    assert found == whole
    assert partial >= 3
    assert set(sizes[:-1]) == {1000}


def test_a_change_is_seen_in_the_points_after_it() -> None:
    with frozen(workspaces=40) as (box, clients):
        client = clients("workspaces")
        name = find(client, "AUTO_STOP", "STOPPED")["WorkspaceId"]
        modify(client, name, RunningMode="ALWAYS_ON")
        box.clock.step(timedelta(minutes=30))
        found = dict(one(clients, query(name, "Stopped"), NOON - timedelta(minutes=20),
                         NOON + timedelta(hours=1)))
        noon = NOON.replace(microsecond=0)
        assert found[noon - STEP] == 1
        assert [found[noon + place * STEP] for place in range(6)] == [0.0] * 6


LATER = NOON + timedelta(hours=1)
BAD: list[tuple[dict[str, Any], str]] = [
    ({"MetricDataQueries": [query("ws-a", name=f"q{i}") for i in range(501)]}, "500"),
    ({"MetricDataQueries": []}, "size from 1"),
    ({"MetricDataQueries": [query("ws-a"), query("ws-b")]}, "not unique"),
    ({"MetricDataQueries": [query("ws-a", name="Q1")]}, "pattern"),
    ({"MetricDataQueries": [query("ws-a", Period=90)]}, "multiple of 60"),
    ({"MetricDataQueries": [query("ws-a", Stat="p99")]}, "statistics"),
    ({"MetricDataQueries": [{"Id": "q", "Expression": "1+1"}]}, "Expression"),
    ({"StartTime": NOON, "EndTime": NOON}, "less than"),
    ({"StartTime": LATER, "EndTime": NOON}, "less than"),
    ({"MaxDatapoints": 100_801}, "MaxDatapoints"),
    ({"MaxDatapoints": 0}, "MaxDatapoints"),
    ({"ScanBy": "Sideways"}, "not one of"),
]


@pytest.mark.parametrize(("wrong", "words"), BAD)
def test_the_limits_of_the_service_hold(pair: Pair, wrong: dict[str, Any], words: str) -> None:
    _, clients = pair
    good = {"MetricDataQueries": [query("ws-a")], "StartTime": NOON, "EndTime": LATER}
    with pytest.raises(ClientError) as refusal:
        clients("cloudwatch").get_metric_data(**good | wrong)
    error = refusal.value.response["Error"]
    assert error["Code"] == "ValidationError"
    assert words in error["Message"]


def test_a_token_of_another_request_is_refused(pair: Pair) -> None:
    _, clients = pair
    client = clients("cloudwatch")
    token = {"NextToken": "e30="}
    with pytest.raises(client.exceptions.InvalidNextToken):
        ask(clients, [query("ws-a")], NOON - timedelta(hours=1), NOON, **token)


def test_metrics_are_listed_for_every_workspace(pair: Pair) -> None:
    box, clients = pair
    client = clients("cloudwatch")
    pages = client.get_paginator("list_metrics").paginate(Namespace="AWS/WorkSpaces")
    rows = [row for page in pages for row in page["Metrics"]]
    assert len(rows) == 2 * len(box.workspaces())
    name = box.workspaces()["workspace_id"].iloc[3]
    mine = client.list_metrics(MetricName="Stopped",
                               Dimensions=[{"Name": "WorkspaceId", "Value": name}])["Metrics"]
    assert [row["MetricName"] for row in mine] == ["Stopped"]
    assert client.list_metrics(Namespace="AWS/EC2")["Metrics"] == []
