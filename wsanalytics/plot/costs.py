"""Plots of money: what the fleet costs, and who is on which side of the break-even."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from wsanalytics.formatting import counted, number, percent, usd
from wsanalytics.plot.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    axes,
    dressed,
    fitting,
    in_dollars,
    legend_above,
    names_on,
    nothing,
    room_beside,
    ruled,
    shown,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

def cost_by_option(costs: pd.DataFrame, ax: Axes | None = None, *, caption: str = "") -> Axes:
    """Bars of what the fleet costs a month: as it is, under the plan, under one setting for all.

    *costs* is what :func:`wsanalytics.views.fleet_costs` gives.
    """
    ax = axes(ax, height=0.7 + 0.42 * max(len(costs), 2))
    if costs.empty or not costs["workspaces"].max():
        return nothing(ax, "What the fleet costs a month", caption)
    y = np.arange(len(costs))
    ax.barh(y, costs["fixed_usd"], color=BLUE, label="fixed monthly fees")
    ax.barh(y, costs["hourly_usd"], left=costs["fixed_usd"], color=SKY, hatch="///",
            edgecolor="white", linewidth=0, label="for billed hours")
    most = float(costs["total_usd"].max() or 1)
    for position, total in enumerate(costs["total_usd"]):
        ax.text(total + most * 0.01, position, usd(total, cents=False), va="center", fontsize=8.5,
                color=INK)
    names_on(ax.yaxis, y, costs["option"])
    ax.invert_yaxis()
    ax.set_xlim(0, most * max(1.14, room_beside(ax, len(usd(most, cents=False)) + 1)))
    ax.xaxis.set_major_locator(MaxNLocator(fitting(ax, 5, 8)))
    in_dollars(ax.xaxis)
    ruled(ax, "x")
    legend_above(ax, 2)
    title = f"What {counted(int(costs['workspaces'].max()), 'WorkSpace')} cost a month"
    return dressed(ax, title, "USD a month", caption=caption, raised=True)


def break_even_histogram(
    usage: pd.DataFrame, ax: Axes | None = None, *, caption: str = ""
) -> Axes:
    """Plot a histogram of billed hours as a share of the break-even, by present mode.

    *usage* is what :func:`wsanalytics.views.break_even_usage` gives.
    """
    ax = axes(ax)
    title = "Billed hours against each WorkSpace's own break-even"
    if usage.empty:
        return nothing(ax, title, caption)
    edges = np.arange(0, min(3.0, max(1.5, float(usage["share"].max()))) + 0.25, 0.125)
    always_on = (usage["baseline"] == "ALWAYS_ON").to_numpy()
    share = usage["share"].to_numpy(dtype=float).clip(max=edges[-1] - 0.01)
    ax.hist([share[always_on], share[~always_on]], bins=list(edges), stacked=True,
            color=[ORANGE, BLUE], label=["today ALWAYS_ON", "today AUTO_STOP"],
            edgecolor="white", linewidth=0.6)
    ax.axvline(1, color=INK, linewidth=1.2)
    top = ax.get_ylim()[1]
    is_narrow = fitting(ax, 3, 20) < 3
    gap = "\n" if is_narrow else " "
    for x, side, mode in ((0.97, "right", "AUTO_STOP"), (1.03, "left", "ALWAYS_ON")):
        ax.text(x, top * 0.97, f"{mode}{gap}is cheaper", ha=side, va="top", fontsize=8.5,
                color=GREY)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}" + ("+" if value >= 3 else ""))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(lambda value, _: number(value))
    if is_narrow:
        legend_above(ax, 2)
    else:
        ax.legend(fontsize=8, frameon=False)
    return dressed(ax, title, "billed hours a month as a share of the break-even", "WorkSpaces",
                   workspaces=len(usage), caption=caption, raised=is_narrow)

MOST_GROUPS = 12
"""More groups than these are drawn as one, called others."""


def cost_by_group(
    groups: pd.DataFrame, ax: Axes | None = None, *, by: str = "directory", caption: str = ""
) -> Axes:
    """Plot the monthly cost of a fleet's parts today and planned; the twelve dearest by name.

    *groups* is what :func:`wsanalytics.views.cost_by` gives, *by* what it was divided by.
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
    words = [_today_and_saved(row) for row in rows.to_dict("records")]
    for position, row in enumerate(rows.to_dict("records")):
        ax.text(max(row["today_usd"], row["planned_usd"]) + most * 0.012, position,
                words[position], va="center", fontsize=8, color=INK)
    names_on(ax.yaxis, y, [f"{shown(row['group'], most=30) or '(none)'} ({row['workspaces']:,})"
                           for row in rows.to_dict("records")])
    ax.set_ylim(len(rows) - 0.45, -0.55)
    ax.set_xlim(0, most * max(1.34, room_beside(ax, max(map(len, words)))))
    ticks = MaxNLocator(fitting(ax, 4, 8) if ax.get_xlim()[1] < most * 1.5 else 1)
    ax.set_xticks([tick for tick in ticks.tick_values(0, most) if tick <= most * 1.05])
    in_dollars(ax.xaxis)
    ruled(ax, "x")
    legend_above(ax, 2)
    return dressed(ax, title, "USD a month (in brackets: WorkSpaces)", caption=_without(
        caption, int(groups["unpriced"].sum())), workspaces=int(rows["workspaces"].sum()),
        raised=True)


def _today_and_saved(row: dict[Any, Any]) -> str:
    saving = row["saving_usd"]
    saves = f", saves {usd(saving, cents=False)}" if saving >= 0.5 else ""
    return f"{usd(row['today_usd'], cents=False)}{saves}"


def _with_others(groups: pd.DataFrame) -> pd.DataFrame:
    """Return the first groups, and one row for all others."""
    if len(groups) <= MOST_GROUPS + 1:
        return groups.reset_index(drop=True)
    top, rest = groups[:MOST_GROUPS], groups[MOST_GROUPS:]
    others = rest.sum(numeric_only=True).to_frame().T.assign(
        group=f"{len(rest):,} others", workspaces=int(rest["workspaces"].sum()))
    return pd.concat([top, others], ignore_index=True)


def cost_by_month(months: pd.DataFrame, ax: Axes | None = None, *, caption: str = "") -> Axes:
    """Plot a fleet's cost in each month under its settings: fees, and hours above them.

    *months* is what :func:`wsanalytics.views.cost_by_month` gives. Under a month that was not
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
        for position, total in enumerate(months["total_usd"]):
            ax.text(
                position,
                total + most * 0.015,
                usd(total, cents=False),
                ha="center",
                va="bottom",
                fontsize=8 if len(months) < 10 else 7,
                color=INK,
            )
    step = -(-len(months) // fitting(ax, 12, 6))
    ticks = range(0, len(months), step)
    names_on(ax.xaxis, ticks, [months["month"].iloc[position] for position in ticks])
    parts = [(position, share) for position, share in enumerate(months["covered"]) if share < 0.995]
    for position, share in parts:
        ax.annotate(f"{percent(share)}\nof it", (position, 0), (0, 4), textcoords="offset points",
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
