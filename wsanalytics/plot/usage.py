"""Plots of billed hours, bundle by bundle, against the hours from which the flat fee is cheaper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wsanalytics.formatting import number, percent
from wsanalytics.plot.style import (
    BLUE,
    INK,
    ORANGE,
    PALE,
    axes,
    colours_told,
    dressed,
    fitting,
    legend_above,
    names_on,
    nothing,
    ruled,
    shown,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BIN_HOURS = 24.0
LONGEST_MONTH_HOURS = 744.0
"""There are no more, but rounding and maintenance may bill a little more: the last bin holds it."""
MOST_BUNDLES = 8
_TITLE = "Billed hours a month by bundle, and its break-even"
_HOURS, _MEET = "billed_hours_per_month", "break_even_hours"


def hours_by_bundle(hours: pd.DataFrame, ax: Axes | None = None, *, caption: str = "") -> Axes:
    """Plot the billed hours a month of the WorkSpaces of each bundle, with its break-even.

    *hours* is what :func:`wsanalytics.views.monthly_hours` gives. Each bundle is a lane of its
    own, scaled to its highest bar. The mark is the middle of the break-evens of its WorkSpaces,
    the pale band reaches from the least to the most (regions differ). Bars are coloured by what is
    cheaper for each WorkSpace itself. The rarest bundles share a lane if there are many.
    """
    rows = hours[hours[_HOURS].notna()]
    counts = rows["compute_type"].value_counts()
    names = sorted(counts.index, key=lambda name: (-counts[name], name))
    lanes: list[tuple[str, pd.DataFrame]] = [
        (name, rows[rows["compute_type"] == name]) for name in names[:MOST_BUNDLES]]
    if others := names[MOST_BUNDLES:]:
        lanes.append((f"{len(others)} others", rows[rows["compute_type"].isin(others)]))
    ax = axes(ax, height=1.5 + 0.62 * max(len(lanes), 1))
    if not lanes:
        return nothing(ax, _TITLE, caption)
    most = min(max(float(rows[_HOURS].max()), 168.0), LONGEST_MONTH_HOURS - 1)
    edges = np.arange(0.0, most + BIN_HOURS, BIN_HOURS)
    for position, (_, own) in enumerate(reversed(lanes)):
        _lane(ax, own, edges, position)
    names_on(ax.yaxis, [len(lanes) - 1 - position + 0.36 for position in range(len(lanes))],
             [f"{shown(name, most=28)} ({len(own):,})" for name, own in lanes])
    ax.set_xlim(0, edges[-1])
    ax.set_ylim(-0.02, len(lanes))
    ruled(ax, "x")
    ax.bar(0, 0, color=BLUE, label="AUTO_STOP is cheaper")
    ax.bar(0, 0, color=ORANGE, hatch="....", edgecolor="white", linewidth=0,
           label="ALWAYS_ON is cheaper")
    ax.plot([], [], color=INK, linewidth=1.4, label="break-even")
    legend_above(ax, 3)
    dressed(ax, _TITLE, "billed hours a month (in brackets: WorkSpaces; each lane has its own "
            "scale)", caption=caption, workspaces=len(rows), raised=True)
    ax.spines["left"].set_visible(False)
    return ax


def _lane(ax: Axes, rows: pd.DataFrame, edges: np.ndarray, position: int) -> None:
    """The bars of one bundle upon the line at *place*, and its break-even."""
    is_over = (rows[_HOURS] > rows[_MEET]).to_numpy()
    values = rows[_HOURS].to_numpy(dtype=float).clip(max=edges[-1])
    under, _ = np.histogram(values[~is_over], edges)
    over, _ = np.histogram(values[is_over], edges)
    scale = 0.72 / max(int((under + over).max()), 1)
    look: dict[str, Any] = {"width": BIN_HOURS, "align": "edge", "edgecolor": "white",
                            "linewidth": 0.4}
    ax.bar(edges[:-1][under > 0], (under * scale)[under > 0], bottom=position, color=BLUE, **look)
    ax.bar(edges[:-1][over > 0], (over * scale)[over > 0], color=ORANGE, hatch="....",
           bottom=(position + under * scale)[over > 0], **look)
    ax.axhline(position, color=PALE, linewidth=0.8, zorder=1)
    meets = rows[_MEET].dropna()
    meets = meets[meets <= edges[-1]]
    if meets.empty:
        return
    middle = float(meets.median())
    ax.fill_betweenx([position, position + 0.8], meets.min(), meets.max(), color=INK, alpha=0.13,
                     linewidth=0)
    ax.vlines(middle, position, position + 0.82, color=INK, linewidth=1.4, zorder=4)
    ax.text(middle, position + 0.83, f" {number(middle)} h", fontsize=8, color=INK, va="center",
            ha="left", zorder=5)


def week_heat_map(
    usage: pd.DataFrame, ax: Axes | None = None, *, zone: str = "UTC", of_one: bool = False,
    caption: str = "",
) -> Axes:
    """Plot the connected WorkSpaces in each hour of the week, or how often one person is.

    *usage* is what :func:`wsanalytics.views.weekly_usage` gives, *zone* the name of the clock
    that it tells (:func:`wsanalytics.views.clock_caption`). *of_one*: the sessions were those
    of one WorkSpace, so these are shares of each hour.
    """
    ax = axes(ax, height=2.9)
    most = float(usage.to_numpy().max(initial=0)) or 1.0
    image = ax.imshow(usage.to_numpy(), aspect="auto", cmap="cividis", vmin=0, vmax=most)
    ax.set_yticks(range(len(usage)), list(usage.index))
    marked = range(0, 24, 3 if fitting(ax, 8, 5) == 8 else 6)
    ax.set_xticks(marked, [f"{hour:02d}:00" for hour in marked])
    colours_told(ax, image, "share of the hour" if of_one else "WorkSpaces (mean)",
                 percent if of_one else lambda value: number(value, 1))
    title = f"{'How often its user is' if of_one else 'WorkSpaces'} connected, by hour of the week"
    return dressed(ax, title, f"hour of the day, {shown(zone, most=80)}", caption=caption)
