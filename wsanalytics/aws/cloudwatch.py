"""Read metrics of WorkSpaces from CloudWatch: complete series, many to a call, at a known price."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from wsanalytics.aws.connection import Connection
from wsanalytics.aws.odd_answers import many, text
from wsanalytics.errors import InputError
from wsanalytics.timeline import EARLIEST, LATEST

_LOG = logging.getLogger(__name__)
ACTIONS = ("cloudwatch:GetMetricData",)
"""IAM actions that this module calls."""
NAMESPACE = "AWS/WorkSpaces"
QUERIES_PER_CALL, POINTS_PER_CALL = 500, 100_800
"""The most that one call may ask for, and the most points that one answer holds."""
USD_PER_1000_METRICS = 0.01
"""CloudWatch's price of GetMetricData; every query of every call counts as one metric."""
_TRIES = 3
"""The number of requests for metrics that CloudWatch reports it failed to read."""
_KEPT_ASIDE = "wsanalyticsSeries"
_FIRST, _LAST = EARLIEST.timestamp(), LATEST.timestamp()
_EMPTY_AT, _EMPTY_VALUES = np.empty(0, np.int64), np.empty(0, np.float64)


@dataclass(frozen=True, slots=True)
class MetricRequest:
    """Metrics of many WorkSpaces from ``start`` to ``end`` (excluded), one value a period.

    ``metrics`` are pairs of metric and statistic, such as ``("UserConnected", "Maximum")``.
    ``period_seconds`` is a multiple of 60; CloudWatch keeps 300 s for 63 days and 3,600 s for
    455 days.
    """

    workspace_ids: tuple[str, ...]
    metrics: tuple[tuple[str, str], ...]
    start: datetime
    end: datetime
    period_seconds: int = 300

    def __post_init__(self) -> None:
        where = "MetricRequest"
        if self.period_seconds <= 0 or self.period_seconds % 60:
            raise InputError(f"a period of {self.period_seconds} s", where=where,
                             rule="a period is a multiple of 60 s", fix="use 300 or 3600")
        if self.start.tzinfo is None or self.end.tzinfo is None or self.end <= self.start:
            raise InputError(f"from {self.start} to {self.end}", where=where,
                             rule="start and end have a zone, and end is after start",
                             fix="give two instants in UTC")

    @property
    def points(self) -> int:
        """The most values that one series can have; CloudWatch rounds the start down."""
        start = self.start.timestamp() // self.period_seconds * self.period_seconds
        return ceil((self.end.timestamp() - start) / self.period_seconds)

    @property
    def queries(self) -> int:
        """The number of series: one for each WorkSpace and pair of metric and statistic."""
        return len(self.workspace_ids) * len(self.metrics)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """All values of one metric of one WorkSpace in the time asked for.

    ``at`` holds the starts of the periods in epoch seconds (UTC), ascending; ``values`` the
    statistic over each. Periods without data are not in it.
    """

    workspace_id: str
    metric: str
    statistic: str
    at: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Query:
    workspace_id: str
    metric: str
    statistic: str


def calls_needed(request: MetricRequest) -> int:
    """Return the number of calls that it takes to read *request*."""
    calls = ceil(request.queries / _queries_per_call(request))
    return calls * ceil(request.points / POINTS_PER_CALL)


def price_usd(request: MetricRequest) -> float:
    """Return the price of reading *request*, in USD: $0.01 for 1,000 metrics requested.

    A series too long for one answer is asked for, and counted, once for each page of it.
    """
    metrics = request.queries * ceil(request.points / POINTS_PER_CALL)
    return metrics * USD_PER_1000_METRICS / 1000


def _queries_per_call(request: MetricRequest) -> int:
    # Both limits of one answer: 500 queries, and 100,800 points over all of its series.
    return min(QUERIES_PER_CALL, max(1, POINTS_PER_CALL // request.points))


def read_metrics(
    connection: Connection,
    request: MetricRequest,
    *,
    on_call: Callable[[int], None] | None = None,
) -> Iterator[Series]:
    """Read every series of *request*, WorkSpace by WorkSpace, each complete.

    *on_call* is called after each answer with the number of series that it held, in part or whole.
    Raises :class:`AwsError` where a series cannot be read whole.
    """
    client = connection.client("cloudwatch")
    client.meta.events.register("before-parse.cloudwatch.GetMetricData", _keep_aside,
                                unique_id="wsanalytics-metrics")
    queries = iter(
        _Query(workspace_id, metric, statistic)
        for workspace_id in request.workspace_ids for metric, statistic in request.metrics
    )
    while some := list(islice(queries, _queries_per_call(request))):
        yield from _read_some(connection, request, some, on_call)


def _read_some(
    connection: Connection,
    request: MetricRequest,
    queries: list[_Query],
    on_call: Callable[[int], None] | None,
) -> list[Series]:
    """Read the series of one call's *queries*.

    CloudWatch is asked again for what it failed to read.
    """
    done: dict[str, Series] = {}
    missing = {f"q{number}": query for number, query in enumerate(queries)}
    for _ in range(_TRIES):
        done |= _read_once(connection, request, missing, on_call)
        missing = {name: query for name, query in missing.items() if name not in done}
        if not missing:
            return [done[f"q{number}"] for number in range(len(queries))]
    first = next(iter(missing.values()))
    raise connection.refuse(
        "cloudwatch", "GetMetricData", "InternalError",
        f"{first.metric} of {first.workspace_id} and {len(missing) - 1} more could not be read")


def _read_once(
    connection: Connection,
    request: MetricRequest,
    queries: dict[str, _Query],
    on_call: Callable[[int], None] | None,
) -> dict[str, Series]:
    """Read the series that CloudWatch completes, by query id; a series may span pages."""
    parts: dict[str, list[tuple[Any, Any]]] = {name: [] for name in queries}
    status = dict.fromkeys(queries, "Complete")
    for answer in connection.answers(
        "cloudwatch", "GetMetricData", "MetricDataResults",
        MetricDataQueries=[_wire(name, query, request) for name, query in queries.items()],
        StartTime=request.start, EndTime=request.end, ScanBy="TimestampAscending",
    ):
        for name, code, at, values in _results(answer):
            if name in parts:
                status[name] = code
                parts[name].append((at, values))
        for message in many(answer.get("Messages")):
            _LOG.warning("CloudWatch says %s: %s", message.get("Code"), message.get("Value"))
        if on_call:
            on_call(len(answer["MetricDataResults"]))
    for name in (name for name, code in status.items() if code == "Forbidden"):
        raise connection.refuse("cloudwatch", "GetMetricData", "Forbidden",
                                f"{queries[name].metric} of {queries[name].workspace_id}")
    return {name: _series(query, parts[name]) for name, query in queries.items()
            if status[name] == "Complete"}


def _wire(name: str, query: _Query, request: MetricRequest) -> dict[str, Any]:
    dimensions = [{"Name": "WorkspaceId", "Value": query.workspace_id}]
    metric = {"Namespace": NAMESPACE, "MetricName": query.metric, "Dimensions": dimensions}
    stat = {"Metric": metric, "Period": request.period_seconds, "Stat": query.statistic}
    return {"Id": name, "MetricStat": stat, "ReturnData": True}


def _series(query: _Query, parts: list[tuple[Any, Any]]) -> Series:
    # The empty arrays fix the types where CloudWatch has no point at all.
    at = np.concatenate([_EMPTY_AT, *(part[0] for part in parts)])
    values = np.concatenate([_EMPTY_VALUES, *(part[1] for part in parts)])
    # Pages may overlap, or come out of order: np.unique sorts, and keeps the first of equal
    # instants.
    if (np.diff(at) <= 0).any():
        at, first = np.unique(at, return_index=True)
        values = values[first]
    return Series(query.workspace_id, query.metric, query.statistic, at, values)


def _results(answer: dict[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
    """Give id, status, instants and values of each result of one page."""
    aside = answer.get(_KEPT_ASIDE)
    for result in many(answer["MetricDataResults"]):
        name, code = text(result.get("Id")), text(result.get("StatusCode")) or "Complete"
        if aside is not None:
            at, values = aside.get(name, (_EMPTY_AT, _EMPTY_VALUES))
        else:  # AWS answered in a form that botocore alone can read
            at, values = _points(
                [instant.timestamp() if isinstance(instant, datetime) else instant
                 for instant in result.get("Timestamps") or ()], result.get("Values") or ())
        yield name, code, at, values


def _keep_aside(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Read the values before botocore does, which takes most of a second for its timestamps.

    A handler of botocore's ``before-parse``: instants and values go into the answer as arrays,
    and botocore is left with the rest. A body that is no JSON, and
    an error, is left to botocore.
    """
    if response_dict["status_code"] != 200:
        return
    try:
        body = json.loads(response_dict["body"])
        results = body["MetricDataResults"]
        aside = {
            result["Id"]: _points(result.get("Timestamps", ()), result.get("Values", ()))
            for result in results
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    for result in results:
        result["Timestamps"], result["Values"] = [], []
    response_dict["body"] = json.dumps(body).encode()
    customized_response_dict[_KEPT_ASIDE] = aside


def _points(
    instants: Any, values: Any,  # noqa: ANN401  # whatever JSON gives
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return instants (epoch seconds) and values of one series, finite points only.

    Nor are points kept of years that AWS's figures cannot be of, such as milliseconds read as
    seconds.
    """
    at, numbers = _numbers(instants), _numbers(values)
    # A cut answer may have more instants than values; a point needs both.
    size = min(len(at), len(numbers))
    at, numbers = at[:size], numbers[:size]
    is_point = np.isfinite(numbers) & (at >= _FIRST) & (at < _LAST)
    return np.rint(at[is_point]).astype(np.int64), numbers[is_point]


def _numbers(entries: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401  # whatever JSON gives
    if not isinstance(entries, list | tuple):
        return _EMPTY_VALUES
    try:
        numbers: npt.NDArray[np.float64] = np.array(entries, np.float64)
    except (ValueError, TypeError, OverflowError):
        numbers = np.array([entry if _is_number(entry) else np.nan for entry in entries],
                           np.float64)
    return numbers if numbers.ndim == 1 else _EMPTY_VALUES


def _is_number(entry: object) -> bool:
    return isinstance(entry, int | float) and abs(entry) < _LAST
