"""Plots of a backtest: what policies cost above the least that was possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from wsanalytics.deprecated import renamed_arguments
from wsanalytics.formatting import usd
from wsanalytics.plot.label_placement import label_marks, mark_boxes
from wsanalytics.plot.style import (
    GREY,
    INK,
    MARKERS,
    PALE,
    SEQUENCE,
    axes,
    dressed,
    in_dollars,
    names_on,
    nothing,
    ruled,
    shown,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = ("-", "--", "-.", ":")


def regret_by_policy(
    totals: pd.DataFrame, ax: Axes | None = None, *, caption: str = ""
) -> Axes:
    """Plot each policy's cost above ``clairvoyant``, on a logarithmic scale.

    *totals* is ``Backtest.totals`` of a backtest with ``clairvoyant`` among its policies.
    """
    rows = totals[totals["regret_usd"] > 0].sort_values("regret_usd", ascending=False)
    ax = axes(ax, height=0.6 + 0.42 * max(len(rows), 2))
    title = "Cost above the least that was possible (clairvoyant)"
    if rows.empty:
        return nothing(ax, title, caption)
    positions = range(len(rows))
    least = rows["regret_usd"].min() / 2
    ax.hlines(list(positions), least, rows["regret_usd"], color=PALE, linewidth=5)
    ax.scatter(rows["regret_usd"], list(positions), s=42, color=SEQUENCE[0], zorder=3)
    for position, row in zip(positions, rows.to_dict("records"), strict=True):
        ax.annotate(f" {usd(row['regret_usd'], cents=False)}", (row["regret_usd"], position),
                    va="center", xytext=(6, 0), textcoords="offset points", fontsize=8.5,
                    color=INK)
    ax.set_xscale("log")
    ax.set_xlim(least, rows["regret_usd"].max() * 3)
    names_on(ax.yaxis, positions, rows["policy"])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    in_dollars(ax.xaxis)
    return dressed(ax, title, "regret, USD in all, logarithmic", caption=caption,
                   workspaces=int(totals["workspaces"].iloc[0]))


def regret_over_time(
    monthly: pd.DataFrame, ax: Axes | None = None, *, caption: str = ""
) -> Axes:
    """Plot how the cost above ``clairvoyant`` adds up, month by month.

    *monthly* is ``Backtest.regret_by_month`` of the policies to be shown.
    """
    ax = axes(ax, height=4.2)
    if monthly.empty:
        return nothing(ax, "Regret over time", caption)
    for index, (policy, rows) in enumerate(monthly.groupby("policy", observed=True, sort=False)):
        ordered = rows.sort_values("month")
        ax.plot(ordered["month"].astype("str"), ordered["regret_usd"].cumsum(),
                color=SEQUENCE[index % len(SEQUENCE)], marker=MARKERS[index % len(MARKERS)],
                linestyle=_LINES[index % len(_LINES)], markersize=4, linewidth=1.6,
                label=shown(policy))
    in_dollars(ax.yaxis)
    ax.tick_params(axis="x", labelrotation=45)
    ruled(ax, "y")
    ax.legend(fontsize=8, frameon=False, loc="upper left")
    return dressed(ax, "Regret over time", "UTC month", "regret so far, USD", caption=caption)


@renamed_arguments(by_fear="table")
def calibration(table: pd.DataFrame, ax: Axes | None = None, *, caption: str = "") -> Axes:
    """Plot predicted loss probabilities against actual losses: on the diagonal, both agree.

    *table* is what :func:`wsanalytics.calibration_table` gives; larger points stand for more
    decisions.
    """
    ax = axes(ax, width=4.8, height=4.6)
    if table.empty:
        return nothing(ax, "Is a chance of a loss what it says?", caption)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", zorder=1)
    decisions = table["decisions"]
    size = 20 + 280 * decisions / max(decisions.max(), 1)
    ax.scatter(table["chance_of_loss"], table["lost"], s=size, color=SEQUENCE[0], alpha=0.75,
               edgecolor=INK, linewidth=0.6, zorder=3)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.set_xlim(-0.05, 1.05)
    ax.set_ylim(-0.05, 1.05)
    ruled(ax)
    dressed(ax, "Is a chance of a loss what it says?", "predicted chance of a loss",
            "share of decisions that lost", caption=caption)
    ax.figure.canvas.figure.draw_without_rendering()  # fixes where everything stands
    marks = [(row["chance_of_loss"], row["lost"], f"{row['decisions']:,}")
             for row in table.to_dict("records")]
    radii = list(np.sqrt(size) / 2 + 0.3)
    label_marks(ax, marks, size=7.5, colour=INK, radii=radii,
                taken=mark_boxes(ax, [mark[:2] for mark in marks], radii))
    return ax


def regret_of_fleets(frame: pd.DataFrame, ax: Axes | None = None, *, caption: str = "") -> Axes:
    """Plot policies' costs above ``clairvoyant`` on several fleets, against ``cost_optimizer``.

    *frame* has a row a fleet and policy: ``fleet``, ``policy``, ``share`` (of the regret of
    ``cost_optimizer`` on that fleet). The scale is logarithmic.
    """
    order = frame.groupby("policy")["share"].mean().sort_values(ascending=False).index
    ax = axes(ax, height=0.9 + 0.42 * max(len(order), 2))
    positions = {policy: position for position, policy in enumerate(order)}
    for number, (fleet, rows) in enumerate(frame.groupby("fleet", sort=False)):
        ax.scatter(rows["share"], rows["policy"].map(positions) + 0.09 * (number - 2), s=34,
                   color=SEQUENCE[number % len(SEQUENCE)], marker=MARKERS[number % len(MARKERS)],
                   alpha=0.85, linewidths=0, label=shown(fleet), zorder=3)
    ax.axvline(1, color=GREY, linewidth=1, linestyle="--")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    names_on(ax.yaxis, positions.values(), positions)
    ruled(ax, "x")
    ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return dressed(ax, "Regret against that of AWS's Cost Optimizer (1 = as much)",
                   "share of its regret, logarithmic", caption=caption)
