"""Small frames about a whole fleet: what plots and reports show, computed once, here."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.recommendations import Plan
from wsanalytics.sessions import SHORTEST_BRIDGE
from wsanalytics.settings import ALWAYS_ON, Setting
from wsanalytics.show import listed
from wsanalytics.store import Store
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
from wsanalytics.timeline import instants as instants_of
from wsanalytics.workdays import DAYS, Zones, zone_named

WEEKDAYS = DAYS
_QUARTER = 15 * MICROS_PER_MINUTE
"""Clocks differ from UTC, and are changed, by whole quarters of an hour."""


def fleet_costs(comparison: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """What the fleet costs a month as it is, under the plan, and under one setting for all.

    Columns: ``option`` (``today``, ``the plan``, then each setting), ``workspaces`` (how many
    are counted), ``fixed_usd``, ``hourly_usd``, ``total_usd`` (USD a month) and
    ``cold_starts_per_week``. WorkSpaces that lack a price under any setting are left out of
    every row, so that the rows can be compared; terminated ones too.
    """
    rows = priced_rows(comparison)
    after = planned_settings(rows, plan)
    setting = rows["setting"].astype("str")
    options = {"today": rows[setting == rows["baseline"]], "the plan": rows[setting == after]}
    options |= {
        f"all {name}": rows[setting == name] for name in comparison["setting"].cat.categories
    }
    return pd.DataFrame(
        [
            {
                "option": option,
                "workspaces": len(chosen),
                "fixed_usd": float(
                    chosen["usd_per_month"].sum() - chosen["hourly_usd_per_month"].sum()
                ),
                "hourly_usd": float(chosen["hourly_usd_per_month"].sum()),
                "total_usd": float(chosen["usd_per_month"].sum()),
                "cold_starts_per_week": float(chosen["cold_starts_per_week"].sum()),
            }
            for option, chosen in options.items()
        ]
    )


def priced_rows(comparison: pd.DataFrame) -> pd.DataFrame:
    """The rows of the WorkSpaces whose cost can be told: not terminated, a price for each setting.

    *comparison* is a ``comparison`` table. Fleets are summed up over these, so that the sums under
    one setting and under another are of the same WorkSpaces.
    """
    known = comparison["usd_per_month"].notna()
    whole = known.groupby(comparison["workspace_id"]).transform("all")
    return comparison[whole & comparison["terminated_at"].isna()]


def planned_settings(rows: pd.DataFrame, plan: Plan) -> pd.Series:
    """The setting of the WorkSpace of each row of a ``comparison`` table once *plan* is applied."""
    proposed = plan.changes.set_index("workspace_id")["to_setting"]
    after = rows["workspace_id"].map(proposed)
    return after.where(after.notna(), rows["baseline"])


def weekly_usage(
    sessions: pd.DataFrame, window: Window, workspaces: pd.DataFrame | None = None,
    zones: Zones | None = None, *, gaps: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How many WorkSpaces are connected on average in each hour of the week.

    One row a weekday (``Mon`` to ``Sun``), one column an hour (0 to 23). The hours are those that
    the user of each WorkSpace reads off the clock, as :func:`clock_zones` knows it; in UTC without
    *workspaces* and *zones*. When a clock is put back, its double hour counts as two.

    Of the sessions of one WorkSpace it is the share of each hour in which its user is connected,
    the mean of all weeks. Stretches of *gaps* (a ``gaps`` table), in which nobody looked, are not
    counted as free: the mean of such a WorkSpace is that of the time in which it was observed, 0
    in an hour of the week that never was.
    """
    total = np.zeros(7 * 24)
    unseen = set() if gaps is None else set(gaps["workspace_id"])
    for zone, everybody in _by_zone(sessions, workspaces, zones):
        edges, of_week = _hours_of_week(window, zone)
        torn = everybody["workspace_id"].isin(unseen)
        if gaps is not None and torn.any():
            total += _observed_usage(everybody[torn], gaps, window, edges, of_week)
        own = everybody[~torn]
        pieces = cut(column_micros(own["connected_at"]), column_micros(own["disconnected_at"]),
                     edges)
        busy = np.bincount(
            pieces.span, weights=(pieces.stops - pieces.starts) / MICROS_PER_HOUR,
            minlength=len(of_week))
        seen = np.bincount(of_week, weights=np.diff(edges) / MICROS_PER_HOUR, minlength=7 * 24)
        hours = np.bincount(of_week, weights=busy, minlength=7 * 24)
        total += np.divide(hours, seen, out=np.zeros(7 * 24), where=seen > 0)
    return pd.DataFrame(total.reshape(7, 24), index=list(WEEKDAYS), columns=range(24))


def _observed_usage(
    sessions: pd.DataFrame, gaps: pd.DataFrame, window: Window, edges: Micros,
    of_week: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """The sum of the WorkSpaces' shares of each hour of the week, of the time observed alone."""
    ids = pd.Index(sessions["workspace_id"].astype("str").unique())
    shape = (len(ids), 7 * 24)

    def lasting(frame: pd.DataFrame, begin: str, end: str) -> npt.NDArray[np.float64]:
        pieces = cut(column_micros(clipped(frame[begin], window)),
                     column_micros(clipped(frame[end], window)), edges)
        owner = ids.get_indexer(pd.Index(frame["workspace_id"].astype("str")))[pieces.source]
        sums = np.bincount(owner * shape[1] + of_week[pieces.span], minlength=shape[0] * shape[1],
                           weights=pieces.stops - pieces.starts)
        return sums.astype(np.float64).reshape(shape)

    whole = np.bincount(of_week, weights=np.diff(np.clip(edges, *window.micros)),
                        minlength=shape[1])
    own = gaps[gaps["workspace_id"].isin(ids)]
    seen = whole - lasting(own, "from_at", "to_at")
    busy = np.minimum(lasting(sessions, "connected_at", "disconnected_at"), seen)
    shares: npt.NDArray[np.float64] = np.divide(
        busy, seen, out=np.zeros(shape), where=seen > 0).sum(axis=0)
    return shares


def clock_zones(workspaces: pd.DataFrame, zones: Zones | None = None) -> pd.Series:
    """The time zone of each WorkSpace's user, such as Europe/Berlin, by ``workspace_id``.

    What a column ``time_zone`` of *workspaces* says of it; where there is none or the cell is
    empty, the zone of its directory or region in *zones* (default: UTC). Raises
    :class:`wsanalytics.InputError` for a zone that does not exist.
    """
    zones = zones or Zones.of("UTC", ())
    blank = pd.Series("", index=workspaces.index, dtype="str")
    told = workspaces.get("time_zone", blank).fillna("").astype("str").str.strip()
    for name in told[told != ""].unique():
        zone_named(name, "the column time_zone")
    places = pd.MultiIndex.from_arrays([workspaces.get(name, blank).fillna("").astype("str")
                                        for name in ("directory_id", "region")])
    known = {place: zones.zone(*place).key for place in places.unique()}
    by_place = pd.Series([known[place] for place in places], index=workspaces.index, dtype="str")
    index = pd.Index(workspaces["workspace_id"].astype("str"), name="workspace_id")
    return pd.Series(told.where(told != "", by_place).to_numpy(), index=index,
                     name="time_zone", dtype="str")


def clock_caption(workspaces: pd.DataFrame | None = None, zones: Zones | None = None) -> str:
    """On whose clock hours are told, for people: that of most WorkSpaces first.

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
    """The *sessions* on each clock."""
    default = zones.default if zones else ZoneInfo("UTC")
    if workspaces is None:
        return [(default, sessions)]
    known = clock_zones(workspaces, zones).to_dict()
    names = sessions["workspace_id"].astype("str").map(known).fillna(default.key)
    return [(ZoneInfo(str(name)), own) for name, own in sessions.groupby(names)]


def _hours_of_week(window: Window, zone: ZoneInfo) -> tuple[Micros, npt.NDArray[np.int64]]:
    """Where the clock in *zone* turns to another hour, and which of the week each then is.

    The *window* is widened to whole hours UTC. Hours are counted from Monday 00:00.
    """
    start, end = window.micros
    first, last = (at // MICROS_PER_HOUR * MICROS_PER_HOUR for at in (start, end - 1))
    quarters = np.arange(first, last + MICROS_PER_HOUR, _QUARTER, dtype=np.int64)
    shown = on_clock(quarters, zone) // MICROS_PER_HOUR
    turns = np.append(True, np.diff(shown) != 0)
    edges = np.append(quarters[turns], last + MICROS_PER_HOUR)
    return edges, (shown[turns] + 3 * 24) % (7 * 24)  # 1970-01-01 was a Thursday


def break_even_usage(comparison: pd.DataFrame) -> pd.DataFrame:
    """How far each WorkSpace's billed hours are from the break-even of its two modes.

    Columns: ``workspace_id``, ``baseline``, ``billed_hours_per_month`` (under the shortest
    timeout compared), ``break_even_hours`` and ``share`` (1.0: both modes cost the same).
    WorkSpaces without hours have the share 0; those without a price are left out.
    """
    timeouts = [name for name in comparison["setting"].cat.categories if name != str(ALWAYS_ON)]
    if not timeouts or str(ALWAYS_ON) not in comparison["setting"].cat.categories:
        return pd.DataFrame(columns=["workspace_id", "baseline", "billed_hours_per_month",
                                     "break_even_hours", "share"])
    shortest = min(timeouts, key=lambda name: Setting.parse(name).order)
    auto = comparison[comparison["setting"] == shortest].set_index("workspace_id")
    flat = comparison[comparison["setting"] == str(ALWAYS_ON)].set_index("workspace_id")
    room = flat["usd_per_month"] - (auto["usd_per_month"] - auto["hourly_usd_per_month"])
    usage = pd.DataFrame(
        {
            "baseline": auto["baseline"],
            "billed_hours_per_month": auto["billed_hours_per_month"],
            "share": auto["hourly_usd_per_month"] / room,
        }
    )
    usage["break_even_hours"] = usage["billed_hours_per_month"] / usage["share"].where(
        usage["share"] > 0
    )
    return usage[usage["share"].notna()].reset_index()


def stretch_of(
    sessions: pd.DataFrame, runs: pd.DataFrame, workspace_id: str, window: Window
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sessions and runs of one WorkSpace, cut to *window*, for a plot of its timeline."""
    parts = []
    for frame, begin, end in ((sessions, "connected_at", "disconnected_at"),
                              (runs, "started_at", "stopped_at")):
        inside = (frame[begin] < window.end) & (frame[end] > window.start)
        part = frame[inside & (frame["workspace_id"] == workspace_id)].copy()
        part[begin], part[end] = clipped(part[begin], window), clipped(part[end], window)
        parts.append(part)
    return parts[0], parts[1]


@dataclass(frozen=True, eq=False)
class StoreSummary:
    """What a store holds: counts, the first and the last sample, its size, and ``holes``.

    ``holes`` (from_at, to_at, hours) are the stretches of over 20 minutes in which no WorkSpace
    was looked at; ``regions`` has a row for each account and region: account_id, region,
    workspaces, of them terminated.
    """

    days: int
    samples: int
    first_at: pd.Timestamp | None
    last_at: pd.Timestamp | None
    size_bytes: int
    regions: pd.DataFrame
    holes: pd.DataFrame


def store_summary(store: Store) -> StoreSummary:
    """What *store* holds; reads day after day, so a year of a large fleet takes seconds."""
    taken, samples = [], 0
    for day in store.days():
        count, instants = store.instants(day)
        samples += count
        taken.append(column_micros(pd.Series(instants)))
    at = np.concatenate(taken) if taken else np.empty(0, dtype=np.int64)
    ends = np.flatnonzero(np.diff(at) > SHORTEST_BRIDGE)
    holes = pd.DataFrame({"from_at": instants_of(at[ends]), "to_at": instants_of(at[ends + 1]),
                          "hours": (at[ends + 1] - at[ends]) / MICROS_PER_HOUR})
    inventory = store.inventory()
    regions = inventory.assign(terminated=inventory["terminated_at"].notna()).groupby(
        ["account_id", "region"], as_index=False).agg(
        workspaces=("workspace_id", "size"), terminated=("terminated", "sum"))
    first_at, last_at = instants_of(at[[0, -1]]) if at.size else (None, None)
    return StoreSummary(len(taken), samples, first_at, last_at, store.size_bytes(), regions, holes)
