"""Build small frames on the use of a whole fleet, for plots and reports."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.calendars import DAYS, Zones, zone_named
from wsanalytics.formatting import listed
from wsanalytics.timeline import (
    MICROS_PER_HOUR,
    MICROS_PER_MINUTE,
    Micros,
    Window,
    clipped,
    column_micros,
    cut,
    on_clock,
)

WEEKDAYS = DAYS
_QUARTER = 15 * MICROS_PER_MINUTE
"""Clocks differ from UTC, and are changed, by whole quarters of an hour."""


def weekly_usage(
    sessions: pd.DataFrame, window: Window, workspaces: pd.DataFrame | None = None,
    zones: Zones | None = None, *, gaps: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the mean number of connected WorkSpaces in each hour of the week.

    One row a weekday (``Mon`` to ``Sun``), one column an hour (0 to 23). The hours are those that
    the user of each WorkSpace reads off the clock, as :func:`clock_zones` knows it; in UTC without
    *workspaces* and *zones*. When a clock is put back, its double hour counts as two.

    Of the sessions of one WorkSpace it is the share of each hour in which its user is connected,
    the mean of all weeks. Intervals of *gaps* (a ``gaps`` table), which nobody observed, are not
    counted as free: the mean of such a WorkSpace is that of the time in which it was observed, 0
    in an hour of the week that never was.
    """
    total = np.zeros(7 * 24)
    ids_with_gaps = set() if gaps is None else set(gaps["workspace_id"])
    for zone, everybody in _by_zone(sessions, workspaces, zones):
        # edges: the instants at which the clock turns to another hour; of_week: which of the 168
        # each is.
        edges, of_week = _hours_of_week(window, zone)
        has_gaps = everybody["workspace_id"].isin(ids_with_gaps)
        if gaps is not None and has_gaps.any():
            total += _observed_usage(everybody[has_gaps], gaps, window, edges, of_week)
        without_gaps = everybody[~has_gaps]
        pieces = cut(
            column_micros(without_gaps["connected_at"]),
            column_micros(without_gaps["disconnected_at"]),
            edges,
        )
        busy = np.bincount(
            pieces.span, weights=(pieces.stops - pieces.starts) / MICROS_PER_HOUR,
            minlength=len(of_week))
        # How often each hour of the week lies in the window: the divisor of the mean.
        hours_in_window = np.bincount(
            of_week, weights=np.diff(edges) / MICROS_PER_HOUR, minlength=7 * 24
        )
        hours = np.bincount(of_week, weights=busy, minlength=7 * 24)
        # where= leaves hours that never came in the window at 0 instead of dividing by zero.
        total += np.divide(hours, hours_in_window, out=np.zeros(7 * 24), where=hours_in_window > 0)
    return pd.DataFrame(total.reshape(7, 24), index=list(WEEKDAYS), columns=range(24))


def _observed_usage(
    sessions: pd.DataFrame, gaps: pd.DataFrame, window: Window, edges: Micros,
    of_week: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """Sum the WorkSpaces' shares of each hour of the week, of the observed time alone."""
    ids = pd.Index(sessions["workspace_id"].astype("str").unique())
    shape = (len(ids), 7 * 24)

    def lasting(frame: pd.DataFrame, begin: str, end: str) -> npt.NDArray[np.float64]:
        pieces = cut(column_micros(clipped(frame[begin], window)),
                     column_micros(clipped(frame[end], window)), edges)
        owner = ids.get_indexer(pd.Index(frame["workspace_id"].astype("str")))[pieces.source]
        sums = np.bincount(owner * shape[1] + of_week[pieces.span], minlength=shape[0] * shape[1],
                           weights=pieces.stops - pieces.starts)
        return sums.astype(np.float64).reshape(shape)

    # whole and observed: microseconds of each of the 168 hours; observed is WorkSpaces x 168.
    whole = np.bincount(of_week, weights=np.diff(np.clip(edges, *window.micros)),
                        minlength=shape[1])
    gaps_of_fleet = gaps[gaps["workspace_id"].isin(ids)]
    observed = whole - lasting(gaps_of_fleet, "from_at", "to_at")
    # A session may reach into a gap by half an interval: never more than what was observed.
    busy = np.minimum(lasting(sessions, "connected_at", "disconnected_at"), observed)
    shares: npt.NDArray[np.float64] = np.divide(
        busy, observed, out=np.zeros(shape), where=observed > 0).sum(axis=0)
    return shares


def clock_zones(workspaces: pd.DataFrame, zones: Zones | None = None) -> pd.Series:
    """Return the time zone of each WorkSpace's user, such as Europe/Berlin, by ``workspace_id``.

    What a column ``time_zone`` of *workspaces* says of it; where there is none or the cell is
    empty, the zone of its directory or region in *zones* (default: where its region stands). Raises
    :class:`wsanalytics.InputError` for a zone that does not exist.
    """
    zones = zones or Zones.of_regions()
    blank = pd.Series("", index=workspaces.index, dtype="str")
    named_zones = workspaces.get("time_zone", blank).fillna("").astype("str").str.strip()
    for name in named_zones[named_zones != ""].unique():
        zone_named(name, "the column time_zone")
    directory_regions = pd.MultiIndex.from_arrays(
        [
            workspaces.get(name, blank).fillna("").astype("str")
            for name in ("directory_id", "region")
        ]
    )
    zone_names = {
        directory_region: zones.zone(*directory_region).key
        for directory_region in directory_regions.unique()
    }
    by_place = pd.Series(
        [zone_names[directory_region] for directory_region in directory_regions],
        index=workspaces.index,
        dtype="str",
    )
    index = pd.Index(workspaces["workspace_id"].astype("str"), name="workspace_id")
    return pd.Series(named_zones.where(named_zones != "", by_place).to_numpy(), index=index,
                     name="time_zone", dtype="str")


def clock_caption(workspaces: pd.DataFrame | None = None, zones: Zones | None = None) -> str:
    """Describe the clocks that hours are on: that of most WorkSpaces first.

    ``UTC``, ``Europe/Berlin``, or ``local time (Europe/Berlin, America/New_York and 2 more)``.
    """
    if workspaces is None or workspaces.empty:
        return zones.default.key if zones else "UTC"
    counts = clock_zones(workspaces, zones).value_counts()
    names = sorted(counts.index, key=lambda name: (-counts[name], name))
    return names[0] if len(names) == 1 else f"local time ({listed(names, most=2)})"


def _by_zone(
    sessions: pd.DataFrame, workspaces: pd.DataFrame | None, zones: Zones | None
) -> list[tuple[ZoneInfo, pd.DataFrame]]:
    """Return the *sessions* on each clock."""
    default = zones.default if zones else ZoneInfo("UTC")
    if workspaces is None:
        return [(default, sessions)]
    zone_of = clock_zones(workspaces, zones).to_dict()
    names = sessions["workspace_id"].astype("str").map(zone_of).fillna(default.key)
    return [(ZoneInfo(str(name)), of_zone) for name, of_zone in sessions.groupby(names)]


def _hours_of_week(window: Window, zone: ZoneInfo) -> tuple[Micros, npt.NDArray[np.int64]]:
    """Return when the clock in *zone* turns to another hour, and which of the week each then is.

    The *window* is widened to whole hours UTC. Hours are counted from Monday 00:00.
    """
    start, end = window.micros
    first, last = (at // MICROS_PER_HOUR * MICROS_PER_HOUR for at in (start, end - 1))
    quarters = np.arange(first, last + MICROS_PER_HOUR, _QUARTER, dtype=np.int64)
    shown = on_clock(quarters, zone) // MICROS_PER_HOUR
    # The quarters at which the local hour number changes; zones differ from UTC by quarters at
    # most.
    turns = np.append(True, np.diff(shown) != 0)
    edges = np.append(quarters[turns], last + MICROS_PER_HOUR)
    return edges, (shown[turns] + 3 * 24) % (7 * 24)  # 1970-01-01 was a Thursday
