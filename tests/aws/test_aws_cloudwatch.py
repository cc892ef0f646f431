"""Metrics in bulk: whole series, few calls, the price said before, and never a value too few."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.helpers.endpoints import forget_aws, use_sandbox
from wsanalytics.aws import cloudwatch
from wsanalytics.aws.cloudwatch import MetricRequest, Series, calls_needed, price_usd, read_metrics
from wsanalytics.aws.connect import connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.errors import AwsError
from wsanalytics.aws.workspaces import read_workspaces
from wsanalytics.errors import InputError
from wsanalytics.sandbox.server import Sandbox

BOTH = (("UserConnected", "Maximum"), ("Stopped", "Minimum"))


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(workspaces=12, seed=5, speed=0) as box:
        yield box


@pytest.fixture
def box(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    forget_aws(monkeypatch)
    use_sandbox(monkeypatch, running)
    running.calls.clear()
    yield running
    running.faults.change({"cut_share": 0.0, "html_share": 0.0, "denied_actions": ()})


@pytest.fixture
def connection(box: Sandbox) -> Iterator[Connection]:
    connections, _ = connect(endpoint_url=box.url, pace=(500, 50))
    with connections[0] as connection:
        yield connection


def request_of(connection: Connection, end: datetime, days: float, **other: Any) -> MetricRequest:
    ids = tuple(one["WorkspaceId"] for one in read_workspaces(connection))
    usual = {"workspace_ids": ids, "metrics": BOTH, "start": end - timedelta(days=days),
             "end": end}
    return MetricRequest(**usual | other)


def same(one: Series, other: Series) -> bool:
    return (one.workspace_id, one.metric, one.statistic) == (
        other.workspace_id, other.metric, other.statistic) and np.array_equal(
        one.at, other.at) and np.array_equal(one.values, other.values)


def test_every_series_is_there_and_agrees_with_the_sessions(
    box: Sandbox, connection: Connection
) -> None:
    request = request_of(connection, box.clock.now(), 62)
    calls: list[int] = []
    found = [*read_metrics(connection, request, on_call=calls.append)]
    assert [(one.workspace_id, one.metric) for one in found] == [
        (name, metric) for name in request.workspace_ids for metric, _ in BOTH]
    assert len(calls) == calls_needed(request) == box.calls["cloudwatch", "GetMetricData"] == 5
    assert sum(calls) == request.queries == 24
    sessions = box.sessions()
    start = request.start.timestamp() // 300 * 300
    for series in found:
        assert series.at.dtype == np.int64 and series.values.dtype == np.float64
        assert (np.diff(series.at) > 0).all() and (series.at % 300 == 0).all()
        assert {*series.values} <= {0.0, 1.0}
        if series.metric == "UserConnected":
            own = sessions[sessions["workspace_id"] == series.workspace_id]
            connected = {
                bin_ for one in own.itertuples()
                for bin_ in range(int(one.connected_at.timestamp() // 300 * 300),
                                  int(np.ceil(one.disconnected_at.timestamp())), 300)
                if start <= bin_ <= request.end.timestamp() - 300}  # of those that are over
            assert {*series.at[series.values == 1].tolist()} == connected


def test_botocore_reads_the_same_where_the_short_way_is_barred(
    box: Sandbox, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(connection, box.clock.now(), 1)
    fast = [*read_metrics(connection, request)]
    connection.close()
    monkeypatch.setattr(cloudwatch, "_keep_aside", lambda **_: None)
    slow = [*read_metrics(connection, request)]
    assert len(fast) == len(slow) == 24 and all(map(same, fast, slow))


def test_series_that_span_pages_are_whole(
    box: Sandbox, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(connection, box.clock.now(), 30)
    whole = [*read_metrics(connection, request)]
    monkeypatch.setattr(cloudwatch, "_queries_per_call", lambda _: 24)  # AWS then cuts into pages
    calls: list[int] = []
    paged = [*read_metrics(connection, request, on_call=calls.append)]
    assert len(calls) > 1 and sum(calls) > 24  # some series came in two parts
    assert all(map(same, whole, paged))


@pytest.mark.parametrize("fault", ["cut_share", "html_share"])
def test_a_cut_answer_is_asked_for_again(
    box: Sandbox, connection: Connection, fault: str
) -> None:
    request = request_of(connection, box.clock.now(), 62)
    whole = [*read_metrics(connection, request)]
    setattr(box.faults, fault, 0.3)
    assert all(map(same, whole, read_metrics(connection, request)))
    setattr(box.faults, fault, 1.0)
    with pytest.raises(AwsError, match="came cut off"):
        next(read_metrics(connection, request))


def test_a_denied_reader_is_told_the_statement(box: Sandbox, connection: Connection) -> None:
    request = request_of(connection, box.clock.now(), 1)
    box.faults.denied_actions = ("cloudwatch:GetMetricData",)
    with pytest.raises(AwsError) as caught:
        next(read_metrics(connection, request))
    assert '"Action": "cloudwatch:GetMetricData", "Resource": "*"' in caught.value.refusal.fix


def spoilt(connection: Connection, statuses: list[str]) -> None:
    """Let CloudWatch give these statuses to the first query of the next answers."""

    def spoil(response_dict: dict[str, Any], **_: object) -> None:
        body = json.loads(response_dict["body"])
        if statuses:
            body["MetricDataResults"][0]["StatusCode"] = statuses.pop(0)
        response_dict["body"] = json.dumps(body).encode()

    events = connection.client("cloudwatch").meta.events
    events.register_first("before-parse.cloudwatch.GetMetricData", spoil)


def test_what_cloudwatch_failed_to_read_is_asked_for_again(
    box: Sandbox, connection: Connection
) -> None:
    request = request_of(connection, box.clock.now(), 1)
    whole = [*read_metrics(connection, request)]
    spoilt(connection, ["InternalError", "PartialData"])
    calls: list[int] = []
    assert all(map(same, whole, read_metrics(connection, request, on_call=calls.append)))
    assert calls == [24, 1, 1]
    spoilt(connection, ["InternalError"] * 3)
    with pytest.raises(AwsError, match="failed to answer cloudwatch:GetMetricData"):
        next(read_metrics(connection, request))
    spoilt(connection, ["Forbidden"])
    with pytest.raises(AwsError, match="cloudwatch:GetMetricData is not allowed"):
        next(read_metrics(connection, request))


# What is asked for, and what it costs.

END = datetime(2026, 3, 2, tzinfo=UTC)


def request(count: int, span: timedelta, period_seconds: int = 300) -> MetricRequest:
    ids = tuple(f"ws-{number}" for number in range(count))
    return MetricRequest(ids, BOTH, END - span, END, period_seconds)


def test_calls_and_price() -> None:
    quarter = request(1000, timedelta(days=63))
    assert (quarter.points, quarter.queries) == (18_144, 2000)
    assert calls_needed(quarter) == 400  # five series to a call
    assert price_usd(quarter) == pytest.approx(0.02)
    fits = request(250, timedelta(seconds=201 * 300))
    assert (fits.points, calls_needed(fits)) == (201, 1)
    year = request(1, timedelta(days=455), 3600)
    assert calls_needed(year) == 1
    long = request(1, timedelta(days=400))  # longer than one answer
    assert calls_needed(long) == 4 and price_usd(long) == pytest.approx(4e-5)
    assert calls_needed(request(0, timedelta(days=1))) == 0


def test_a_start_between_two_periods_counts_the_period_it_lies_in() -> None:
    odd = MetricRequest(("ws-1",), BOTH, END - timedelta(minutes=7), END)
    assert odd.points == 2


@pytest.mark.parametrize("wrong", [
    {"period_seconds": 90}, {"period_seconds": 0}, {"end": END - timedelta(days=2)},
    {"start": datetime(2026, 3, 1)},  # noqa: DTZ001  # that is what is wrong with it
])
def test_a_request_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    usual = {"workspace_ids": (), "metrics": BOTH, "start": END - timedelta(days=1), "end": END}
    with pytest.raises(InputError):
        MetricRequest(**usual | wrong)
