"""Small frames about a whole fleet: what plots and reports show, computed once, here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wsanalytics.recommendations import Plan
from wsanalytics.sessions import SHORTEST_BRIDGE
from wsanalytics.settings import ALWAYS_ON, Setting
from wsanalytics.store import Store
from wsanalytics.timeline import MICROS_PER_HOUR, Window, clipped, column_micros, cut
from wsanalytics.timeline import instants as instants_of

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def fleet_costs(comparison: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """What the fleet costs a month as it is, under the plan, and under one setting for all.

    Columns: ``option`` (``today``, ``the plan``, then each setting), ``workspaces`` (how many
    are counted), ``fixed_usd``, ``hourly_usd``, ``total_usd`` (USD a month) and
    ``cold_starts_per_week``. WorkSpaces that lack a price under any setting are left out of
    every row, so that the rows can be compared; terminated ones too.
    """
    known = comparison["usd_per_month"].notna()
    whole = known.groupby(comparison["workspace_id"]).transform("all")
    rows = comparison[whole & comparison["terminated_at"].isna()]
    proposed = plan.changes.set_index("workspace_id")["to_setting"]
    after = rows["workspace_id"].map(proposed)
    after = after.where(after.notna(), rows["baseline"])
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


def weekly_usage(sessions: pd.DataFrame, window: Window) -> pd.DataFrame:
    """How many WorkSpaces are connected on average in each hour of the week (UTC).

    One row a weekday (``Mon`` to ``Sun``), one column an hour (0 to 23).
    """
    start, end = window.micros
    first = start // MICROS_PER_HOUR
    edges = np.arange(first, -(-end // MICROS_PER_HOUR) + 1, dtype=np.int64) * MICROS_PER_HOUR
    pieces = cut(
        column_micros(sessions["connected_at"]), column_micros(sessions["disconnected_at"]), edges
    )
    count = len(edges) - 1
    busy = np.bincount(
        pieces.span, weights=(pieces.stops - pieces.starts) / MICROS_PER_HOUR, minlength=count
    )
    of_week = (first + np.arange(count) + 3 * 24) % (7 * 24)  # 1970-01-01 was a Thursday
    seen = np.bincount(of_week, minlength=7 * 24)
    total = np.bincount(of_week, weights=busy, minlength=7 * 24)
    mean = np.divide(total, seen, out=np.zeros(7 * 24), where=seen > 0)
    return pd.DataFrame(mean.reshape(7, 24), index=list(WEEKDAYS), columns=range(24))


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
