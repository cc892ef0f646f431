"""Plots of a fleet's parts: what its directories, tags, bundles and months cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from wsanalytics.plot.style import (
    BLUE,
    INK,
    SKY,
    axes,
    dressed,
    in_dollars,
    legend_above,
    names_on,
    nothing,
    ruled,
    shown,
)
from wsanalytics.show import counted, percent, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_GROUPS = 12
"""More groups than these are drawn as one, called others."""


def cost_by_group(
    groups: pd.DataFrame, ax: Axes | None = None, *, by: str = "directory", caption: str = ""
) -> Axes:
    """What the parts of a fleet cost a month today and under the plan; the twelve dearest by name.

    *groups* is what :func:`wsanalytics.fleetviews.cost_by` gives, *by* what it was divided by.
    """
    rows = _with_others(groups[groups["workspaces"] > 0])
    ax = axes(ax, height=1.1 + 0.46 * max(len(rows), 2))
    title = f"Cost by {shown(by)}, today and under the plan"
    if rows.empty:
        return nothing(ax, title, caption)
    y = np.arange(len(rows))
    ax.barh(y - 0.19, rows["today_usd"], height=0.38, color=BLUE, label="today")
    ax.barh(y + 0.19, rows["planned_usd"], height=0.38, color=SKY, hatch="///", edgecolor="white",
            linewidth=0, label="under the plan")
    most = float(rows[["today_usd", "planned_usd"]].to_numpy().max()) or 1.0
    for place, row in enumerate(rows.to_dict("records")):
        saves = f", saves {usd(row['saving_usd'], cents=False)}" if row["saving_usd"] >= 0.5 else ""
        ax.text(max(row["today_usd"], row["planned_usd"]) + most * 0.012, place,
                f"{usd(row['today_usd'], cents=False)}{saves}", va="center", fontsize=8, color=INK)
    names_on(ax.yaxis, y, [f"{shown(row['group'], most=30) or '(none)'} ({row['workspaces']:,})"
                           for row in rows.to_dict("records")])
    ax.set_ylim(len(rows) - 0.45, -0.55)
    ax.set_xlim(0, most * 1.34)
    ax.set_xticks([tick for tick in MaxNLocator(4).tick_values(0, most) if tick <= most * 1.05])
    in_dollars(ax.xaxis)
    ruled(ax, "x")
    legend_above(ax, 2)
    return dressed(ax, title, "USD a month (in brackets: WorkSpaces)", caption=_without(
        caption, int(groups["unpriced"].sum())), workspaces=int(rows["workspaces"].sum()),
        raised=True)


def _with_others(groups: pd.DataFrame) -> pd.DataFrame:
    """The first groups, and one row for all others."""
    if len(groups) <= MOST_GROUPS + 1:
        return groups.reset_index(drop=True)
    top, rest = groups[:MOST_GROUPS], groups[MOST_GROUPS:]
    others = rest.sum(numeric_only=True).to_frame().T.assign(
        group=f"{len(rest):,} others", workspaces=int(rest["workspaces"].sum()))
    return pd.concat([top, others], ignore_index=True)


def cost_by_month(months: pd.DataFrame, ax: Axes | None = None, *, caption: str = "") -> Axes:
    """What a fleet cost in each month under the settings that it has: fees, and hours above them.

    *months* is what :func:`wsanalytics.fleetviews.cost_by_month` gives. Under a month that was not
    seen to its end stands how much of it was.
    """
    ax = axes(ax, width=max(4.8, min(9.0, 2.2 + 0.6 * len(months))), height=3.4)
    title = "What the fleet cost, month by month"
    if months.empty or not months["workspaces"].max():
        return nothing(ax, title, caption)
    x = np.arange(len(months))
    ax.bar(x, months["fixed_usd"], width=0.7, color=BLUE, label="fixed monthly fees")
    ax.bar(x, months["hourly_usd"], bottom=months["fixed_usd"], width=0.7, color=SKY, hatch="///",
           edgecolor="white", linewidth=0, label="for billed hours")
    most = float(months["total_usd"].max()) or 1.0
    if len(months) <= 13:
        for place, total in enumerate(months["total_usd"]):
            ax.text(place, total + most * 0.015, usd(total, cents=False), ha="center", va="bottom",
                    fontsize=8 if len(months) < 10 else 7, color=INK)
    step = -(-len(months) // 12)
    ticks = range(0, len(months), step)
    names_on(ax.xaxis, ticks, [months["month"].iloc[place] for place in ticks])
    parts = [(place, share) for place, share in enumerate(months["covered"]) if share < 0.995]
    for place, share in parts:
        ax.annotate(f"{percent(share)}\nof it", (place, 0), (0, 4), textcoords="offset points",
                    ha="center", va="bottom", fontsize=7, color="white", fontweight="bold")
    ax.set_ylim(0, most * 1.1)
    in_dollars(ax.yaxis)
    ruled(ax, "y")
    legend_above(ax, 2)
    return dressed(ax, title, "UTC month", "USD", workspaces=int(months["workspaces"].max()),
                   raised=True, caption=_without(caption, int(months["unpriced"].max())))


def _without(caption: str, unpriced: int) -> str:
    left_out = f"{counted(unpriced, 'WorkSpace')} without a price left out" if unpriced else ""
    return " · ".join(filter(None, [left_out, caption]))
