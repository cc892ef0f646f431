"""Decide what counts as not observed: every rule about unpolled time, and why they differ.

A gap is an interval that nobody observed (:func:`~wsanalytics.sessions.find_gaps`). How much of it
matters depends on the question, so there are several rules; each stands here, with its reason.

==========================================  ======================================================
how many days of a window were unobserved   :func:`unobserved_days`: the sum of the gaps in it
is too little known to propose a change     :func:`is_too_little_observed`: over a third as many
                                            unobserved days as observed ones
can a saving be judged                      :func:`is_unjudgeable`: a third of all days since
is a UTC day evidence of use, in forecasts  :func:`unobserved_by_day`: less than half unobserved
is a local day evidence of habits           :func:`observed_days_on_clock`: more than half observed
is a local day evidence of an arrival       :func:`days_with_long_gap`: no gap of over two hours,
                                            for an arrival is missed in much less than half a day
==========================================  ======================================================
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.tables import SHORTEST_BRIDGE
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_MINUTE,
    Micros,
    Window,
    clipped,
    column_micros,
    cut,
    on_clock,
)

LARGEST_UNOBSERVED_PART = 3
"""A third: so many times the unobserved days may not go into the observed ones."""
LONG_GAP = timedelta(hours=2)
BRIDGED_INTERVALS = 3
USUAL_INTERVAL = 5 * MICROS_PER_MINUTE
"""Taken for the sampling interval of a WorkSpace that has a single sample."""


def longest_bridge(interval: Micros) -> Micros:
    """Give the longest interval between two samples that is no gap, by WorkSpace, in microseconds.

    What lies between two samples of one state is taken to have been so, too, if they are no
    further apart than three usual *interval*s between samples, and twenty minutes at any rate.
    """
    return np.maximum(SHORTEST_BRIDGE, BRIDGED_INTERVALS * interval)


def median_intervals(
    code: npt.NDArray[np.int64], at: Micros, joined: npt.NDArray[np.bool_], count: int
) -> Micros:
    """Return the median time between samples of each WorkSpace, in microseconds."""
    # Microseconds of ten years have 49 bits: a mean of two is exact as a float.
    medians = pd.Series(np.diff(at)[joined]).groupby(code[1:][joined], sort=True).median()
    interval = np.full(count, USUAL_INTERVAL, dtype=np.int64)
    interval[medians.index.to_numpy()] = np.floor(medians.to_numpy()).astype(np.int64)
    return interval


def unobserved_days(
    gaps: pd.DataFrame | None, ids: pd.Index, window: Window | None = None
) -> npt.NDArray[np.float64]:
    """Give the days of *window* (None: ever) in which nobody looked at each WorkSpace of *ids*."""
    if gaps is None or gaps.empty:
        return np.zeros(len(ids))
    owner = ids.get_indexer(pd.Index(gaps["workspace_id"]))
    begins, ends = gaps["from_at"], gaps["to_at"]
    if window is not None:
        begins, ends = clipped(begins, window), clipped(ends, window)
    # Gaps of WorkSpaces that are not asked for (-1) count nothing, for whomever.
    days = np.where(owner >= 0, (column_micros(ends) - column_micros(begins)) / MICROS_PER_DAY, 0.0)
    return np.bincount(np.maximum(owner, 0), weights=days, minlength=len(ids)).astype(np.float64)


def is_too_little_observed(observed_days: float, unobserved_days: float) -> bool:
    """Whether too much of a WorkSpace's days was not observed to propose a change for it."""
    return bool(unobserved_days > observed_days / LARGEST_UNOBSERVED_PART)


def is_unjudgeable(days: float, unobserved_days: float) -> bool:
    """Whether too much of the *days* since a change was not observed to judge its saving."""
    return unobserved_days > days / LARGEST_UNOBSERVED_PART


def unobserved_by_day(
    gaps: pd.DataFrame, ids: pd.Index, edges: Micros
) -> npt.NDArray[np.bool_]:
    """Give the days between *edges* of which nobody saw half or more: WorkSpaces x days."""
    owner = ids.get_indexer(pd.Index(gaps["workspace_id"])).astype(np.int64)
    is_asked = owner >= 0
    pieces = cut(
        column_micros(gaps["from_at"])[is_asked], column_micros(gaps["to_at"])[is_asked], edges
    )
    shape = len(ids), len(edges) - 1
    # One cell for each WorkSpace and day: the row number times the days, plus the day.
    unseen = np.bincount(owner[is_asked][pieces.source] * shape[1] + pieces.span,
                         weights=(pieces.stops - pieces.starts).astype(np.float64),
                         minlength=shape[0] * shape[1]).reshape(shape)
    is_unobserved: npt.NDArray[np.bool_] = unseen >= MICROS_PER_DAY / 2
    return is_unobserved


def observed_days_on_clock(
    begin: int, finish: int, gap_starts: Micros, gap_ends: Micros, zone: ZoneInfo
) -> npt.NDArray[np.int64]:
    """Give the days on the clock in *zone* of which more than half was observed.

    Days are numbered from 1970-01-01; *begin* and *finish* are between when there was anything to
    observe, in microseconds, and the gaps lie within.
    """
    if finish <= begin:
        return np.empty(0, dtype=np.int64)
    low, high = on_clock(np.array([begin, finish], dtype=np.int64), zone)
    edges = np.arange(low // MICROS_PER_DAY, high // MICROS_PER_DAY + 2,
                      dtype=np.int64) * MICROS_PER_DAY
    seen = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
    pieces = cut(on_clock(gap_starts, zone), on_clock(gap_ends, zone), edges)
    np.subtract.at(seen, pieces.span, pieces.stops - pieces.starts)
    return np.asarray(edges[:-1][seen > MICROS_PER_DAY // 2] // MICROS_PER_DAY, dtype=np.int64)


def days_with_long_gap(gaps: pd.DataFrame | None, zone: ZoneInfo) -> set[date]:
    """Give the local days of which a gap covers more than two hours."""
    days: set[date] = set()
    for begin, end in [] if gaps is None else zip(gaps["from_at"], gaps["to_at"], strict=True):
        day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
        while day <= last:
            midnight = datetime.combine(day, datetime.min.time(), zone)
            overlap = min(end, midnight + timedelta(days=1)) - max(begin, midnight)
            if overlap > LONG_GAP:
                days.add(day)
            day += timedelta(days=1)
    return days
