"""The CloudWatch service: UserConnected and Stopped of every WorkSpace, every five minutes.

No point is stored: each answer is computed from when the WorkSpace was connected and switched on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from wsanalytics.sandbox.life import Intervals
from wsanalytics.sandbox.services.paging import page_by_place, read_token, write_token
from wsanalytics.sandbox.services.protocol import ApiError, Call, Members, Ready
from wsanalytics.sandbox.workspace import Desktop
from wsanalytics.sandbox.world import Handlers, World
from wsanalytics.timeline import MICROS_PER_SECOND, to_micros

NAMESPACE = "AWS/WorkSpaces"
METRICS = ("UserConnected", "Stopped")
STATISTICS = ("Maximum", "Minimum", "Average", "Sum", "SampleCount")
STEP_SECONDS, HOUR_SECONDS, DAY_SECONDS = 300, 3600, 86_400
FINE_DAYS, HOURLY_DAYS = 63, 455
"""The time for which points are kept: those of 5 minutes, and those of an hour."""
MOST_QUERIES, MOST_POINTS = 500, 100_800
"""The most queries in a request, and the most points in an answer."""
METRICS_PER_PAGE = 500

Seconds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """The interval of a request; whole seconds since the epoch."""

    start: int
    end: int
    now: int
    newest_first: bool

    def bins(self, period: int) -> Seconds:
        """The starts of the periods asked for, ascending, as far as points are still kept."""
        keeps_hours = period % HOUR_SECONDS == 0
        oldest = self.now - (HOURLY_DAYS if keeps_hours else FINE_DAYS) * DAY_SECONDS
        first = max(self.start, oldest)
        last = min(self.end, self.now)
        if period < STEP_SECONDS or first >= last:
            return np.empty(0, dtype=np.int64)
        return np.arange(-(-first // period) * period, last, period, dtype=np.int64)


@dataclass(frozen=True)
class Grid:
    """The bins of one period within a span, and their starts as JSON text, made once."""

    span: Span
    period: int

    @cached_property
    def bins(self) -> Seconds:
        """The starts of the bins, ascending."""
        return self.span.bins(self.period)

    @cached_property
    def texts(self) -> npt.NDArray[np.bytes_]:
        """Each bin's start as JSON text with a comma behind it, ten digits."""
        return np.array([b"%d," % at for at in self.bins.tolist()], dtype="S11")


def get_metric_data(world: World, call: Call) -> Ready:
    """GetMetricData: up to 500 queries, up to 100,800 points a page."""
    params = call.params
    queries = params["MetricDataQueries"]
    most = _checked_size(params)
    _check_queries(queries)
    query, points_given, now = read_token(call, params.get("NextToken")) or (
        0, 0, int(call.now.timestamp()))
    span = _span(params, now)
    grids: dict[int, Grid] = {}
    results: list[bytes] = []
    remaining = most
    # A page ends where its points are used up, in the middle of a series if need be.
    while query < len(queries) and remaining > 0:
        times, values = _points(world, call, queries[query], span, grids)
        end = min(len(times), points_given + remaining)
        status = "Complete" if end == len(times) else "PartialData"
        results.append(
            _result(queries[query], times[points_given:end], values[points_given:end], status)
        )
        remaining -= end - points_given
        query, points_given = (query + 1, 0) if end == len(times) else (query, end)
    more = b""
    if query < len(queries):
        more = b',"NextToken":' + _json(write_token(call, [query, points_given, now]))
    return Ready(b'{"MetricDataResults":[%s],"Messages":[]%s}' % (b",".join(results), more))


def _checked_size(params: Members) -> int:
    most = int(params.get("MaxDatapoints", MOST_POINTS))
    if not 1 <= most <= MOST_POINTS:
        raise _invalid(f"The parameter MaxDatapoints must be from 1 to {MOST_POINTS}.")
    if not params["StartTime"] < params["EndTime"]:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    return most


def _check_queries(queries: list[Members]) -> None:
    if not 1 <= len(queries) <= MOST_QUERIES:
        raise _invalid("The collection MetricDataQueries must have a size from 1 to "
                       f"{MOST_QUERIES}.")
    ids = [query["Id"] for query in queries]
    if len(set(ids)) < len(ids):
        raise _invalid("The values for parameter Id in MetricDataQueries are not unique.")
    for query in queries:
        if not (query["Id"][0].islower() and query["Id"].replace("_", "a").isalnum()):
            raise _invalid(f"The value {query['Id']} for parameter Id is not matching the "
                           "expected pattern ^[a-z][a-zA-Z0-9_]*$.")
        stat = query.get("MetricStat")
        if stat is None or "Expression" in query:
            raise _invalid("The sandbox answers MetricStat only, no Expression.")
        if stat["Stat"] not in STATISTICS:
            raise _invalid(f"The sandbox knows the statistics {', '.join(STATISTICS)}, not "
                           f"{stat['Stat']}.")
        if stat["Period"] % 60:
            raise _invalid("The parameter Period must be a multiple of 60.")


def _span(params: Members, now: int) -> Span:
    start, end = float(params["StartTime"]), float(params["EndTime"])
    age_days = (now - start) / DAY_SECONDS
    step = 60 if age_days < 15 else STEP_SECONDS if age_days <= FINE_DAYS else HOUR_SECONDS
    newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    return Span(int(start // step) * step, -int(-end // 1), now, newest_first)


def _points(
    world: World, call: Call, query: Members, span: Span, grids: dict[int, Grid]
) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[Any]]:
    """Times as JSON text and values of one query's points, in the order asked for."""
    stat = query["MetricStat"]
    period = stat["Period"]
    grid = grids.setdefault(period, Grid(span, period))
    desktop = _desktop(world, call, stat["Metric"])
    if desktop is None or len(grid.bins) == 0 or not query.get("ReturnData", True):
        return grid.texts[:0], np.empty(0)
    values_seen = _see(desktop, stat["Metric"]["MetricName"], grid, call.now)
    times, values = grid.texts[values_seen.has_points], values_seen.values(stat["Stat"])
    return (times[::-1], values[::-1]) if span.newest_first else (times, values)


def _desktop(world: World, call: Call, metric: Members) -> Desktop | None:
    dimensions = metric.get("Dimensions") or []
    if (metric["Namespace"] != NAMESPACE or metric["MetricName"] not in METRICS
            or [dimension["Name"] for dimension in dimensions] != ["WorkspaceId"]):
        return None
    estate, workspace_id = world.estate(call), dimensions[0]["Value"]
    return estate.desktops.get(workspace_id) or estate.former.get(workspace_id)


@dataclass(frozen=True)
class Seen:
    """Of each bin: whether it has points, and of those that do how many, and how many are 1."""

    has_points: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.int64]
    ones: npt.NDArray[np.int64]

    def values(self, statistic: str) -> npt.NDArray[Any]:
        """Return the statistic over the points of each bin that has any."""
        counts, ones = self.counts[self.has_points], self.ones[self.has_points]
        match statistic:
            case "Maximum":
                chosen: npt.NDArray[Any] = np.minimum(ones, 1)
            case "Minimum":
                chosen = (ones == counts).astype(np.int64)
            case "Average":
                chosen = ones / counts
            case "Sum":
                chosen = ones
            case _:
                chosen = counts
        return chosen


def _see(desktop: Desktop, metric: str, grid: Grid, now: datetime) -> Seen:
    life = desktop.life
    life.advance(now)
    period, bins = grid.period, grid.bins
    # points: the five-minute starts; for longer periods each bin takes in several of them.
    points = bins
    if period != STEP_SECONDS:
        first = -(-int(bins[0]) // STEP_SECONDS) * STEP_SECONDS
        points = np.arange(first, int(bins[-1]) + period, STEP_SECONDS, dtype=np.int64)
    is_on = _touched(points, life.switched_on(now))
    exists = (points * MICROS_PER_SECOND >= to_micros(life.born_at)) & (
        points + STEP_SECONDS <= grid.span.now)
    if life.ended_at is not None:
        exists &= points * MICROS_PER_SECOND < to_micros(life.ended_at)
    if metric == "Stopped":
        is_one, is_given = ~is_on & exists, exists
    else:
        is_given = is_on & exists
        is_one = _touched(points, life.connected(now)) & is_given
    if period == STEP_SECONDS:
        return Seen(is_given, is_given.astype(np.int64), is_one.astype(np.int64))
    # index: the bin that each point falls into.
    index = (points - bins[0]) // period
    counts = np.bincount(index, weights=is_given, minlength=len(bins)).astype(np.int64)
    ones = np.bincount(index, weights=is_one, minlength=len(bins)).astype(np.int64)
    return Seen(counts > 0, counts, ones)


def _touched(points: Seconds, intervals: Intervals) -> npt.NDArray[np.bool_]:
    """Mark the five minutes from each point on that the intervals touch."""
    begin = points * MICROS_PER_SECOND
    # Intervals that have begun before the five minutes end, less those that are over before they
    # begin.
    begun = np.searchsorted(intervals.starts, begin + STEP_SECONDS * MICROS_PER_SECOND, "left")
    over = np.searchsorted(intervals.ends, begin, "right")
    touched: npt.NDArray[np.bool_] = begun > over
    return touched


_DIGITS = np.array([b"0.0,", b"1.0,"], dtype="S4")


def _result(
    query: Members, times: npt.NDArray[np.bytes_], values: npt.NDArray[Any], status: str
) -> bytes:
    """One query's points as JSON text."""
    label = query.get("Label", query["MetricStat"]["Metric"]["MetricName"])
    if query["MetricStat"]["Stat"] in {"Maximum", "Minimum"}:
        numbers = _DIGITS[values.astype(np.int64)].tobytes()[:-1]
    else:
        numbers = _json(values.astype(float).tolist())[1:-1]
    return b'{"Id":%s,"Label":%s,"Timestamps":[%s],"Values":[%s],"StatusCode":%s}' % (
        _json(query["Id"]), _json(label), times.tobytes()[:-1], numbers, _json(status))


def _json(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    return json.dumps(value).encode()


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)


def list_metrics(world: World, call: Call) -> Members:
    """ListMetrics: the two metrics of every WorkSpace."""
    params = call.params
    wanted = {dimension["Name"]: dimension.get("Value")
              for dimension in params.get("Dimensions") or []}
    ids = world.estate(call).ids
    if params.get("Namespace", NAMESPACE) != NAMESPACE or wanted.keys() - {"WorkspaceId"}:
        ids = []
    if chosen := wanted.get("WorkspaceId"):
        ids = [workspace_id for workspace_id in ids if workspace_id == chosen]
    names = [metric for metric in METRICS if params.get("MetricName", metric) == metric]
    rows = (
        {"Namespace": NAMESPACE, "MetricName": name,
         "Dimensions": [{"Name": "WorkspaceId", "Value": workspace_id}]}
        for workspace_id in ids for name in names
    )
    page, token = page_by_place(call, rows, size=METRICS_PER_PAGE, token=params.get("NextToken"))
    return {"Metrics": page, "NextToken": token}


HANDLERS: Handlers = {
    ("cloudwatch", "GetMetricData"): get_metric_data,
    ("cloudwatch", "ListMetrics"): list_metrics,
}
"""The actions answered here."""
