"""Plots of money: what the fleet costs, and who is on which side of the break-even."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from wsanalytics.plot.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    axes,
    dressed,
    in_dollars,
    legend_above,
    names_on,
    nothing,
    ruled,
)
from wsanalytics.show import counted, number, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def cost_by_option(costs: pd.DataFrame, ax: Axes | None = None, *, caption: str = "") -> Axes:
    """Bars of what the fleet costs a month: as it is, under the plan, under one setting for all.

    *costs* is what :func:`wsanalytics.summaries.fleet_costs` gives.
    """
    ax = axes(ax, height=0.7 + 0.42 * max(len(costs), 2))
    if costs.empty or not costs["workspaces"].max():
        return nothing(ax, "What the fleet costs a month", caption)
    y = np.arange(len(costs))
    ax.barh(y, costs["fixed_usd"], color=BLUE, label="fixed monthly fees")
    ax.barh(y, costs["hourly_usd"], left=costs["fixed_usd"], color=SKY, hatch="///",
            edgecolor="white", linewidth=0, label="for billed hours")
    most = float(costs["total_usd"].max() or 1)
    for place, total in enumerate(costs["total_usd"]):
        ax.text(total + most * 0.01, place, usd(total, cents=False), va="center", fontsize=8.5,
                color=INK)
    names_on(ax.yaxis, y, costs["option"])
    ax.invert_yaxis()
    ax.set_xlim(0, most * 1.14)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    in_dollars(ax.xaxis)
    ruled(ax, "x")
    legend_above(ax, 2)
    title = f"What {counted(int(costs['workspaces'].max()), 'WorkSpace')} cost a month"
    return dressed(ax, title, "USD a month", caption=caption, raised=True)


def break_even_histogram(
    usage: pd.DataFrame, ax: Axes | None = None, *, caption: str = ""
) -> Axes:
    """How many WorkSpaces bill how much of their break-even hours, by their present mode.

    *usage* is what :func:`wsanalytics.summaries.break_even_usage` gives.
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
    for x, side, mode in ((0.97, "right", "AUTO_STOP"), (1.03, "left", "ALWAYS_ON")):
        ax.text(x, top * 0.97, f"{mode} is cheaper", ha=side, va="top", fontsize=8.5, color=GREY)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}" + ("+" if value >= 3 else ""))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(lambda value, _: number(value))
    ax.legend(fontsize=8, frameon=False)
    return dressed(ax, title, "billed hours a month as a share of the break-even", "WorkSpaces",
                   workspaces=len(usage), caption=caption)
