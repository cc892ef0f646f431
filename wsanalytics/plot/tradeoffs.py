"""Plots of a whole fleet's dollars against its users' waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from wsanalytics.formatting import counted, number, usd
from wsanalytics.plot.density import CROWD, mesh
from wsanalytics.plot.fonts import draw_all_of
from wsanalytics.plot.label_placement import Mark, label_marks, line_boxes, mark_boxes
from wsanalytics.plot.style import (
    BLUE,
    GREY,
    INK,
    MARKERS,
    PALE,
    SEQUENCE,
    axes,
    colours_told,
    dressed,
    fitting,
    in_dollars,
    legend_above,
    nothing,
    ruled,
    shown,
)
from wsanalytics.tables import TODAY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from wsanalytics.tradeoffs import Choice, Frontier

SHOWN_USD = (0.1, 0.5, 2.0)
"""Prices of a waiting minute whose mixtures are marked."""
TICKS = (0, 0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def frontier(
    found: Frontier, ax: Axes | None = None, *, chosen: Choice | None = None, caption: str = ""
) -> Axes:
    """Plot a fleet's cost a month against how often its users wait: every way to set it.

    *found* is what :func:`wsanalytics.frontier` gives. The thick line are the best mixtures, each
    WorkSpace in its own option. The marks are the fleet as it is today, where that is known, and
    all of it in one option; those that no other of these beats in one way without losing in the
    other are filled, and joined by a thin line. *chosen*, what ``found.choose`` gave, is a ring.
    """
    ax = axes(ax, width=8.2, height=4.8)
    each = max(found.workspaces, 1)
    points = found.fleet_points
    line, = ax.plot(
        points["cold_starts_per_week"] / each, points["usd_per_month"], color=BLUE, linewidth=2.2,
        zorder=3, clip_on=False,
        label="each WorkSpace in its own option, by what a waiting minute is worth")
    options = found.fleet_options.assign(x=found.fleet_options["cold_starts_per_week"] / each)
    good = options[options["efficient"]].sort_values("x")
    ax.plot(good["x"], good["usd_per_month"], color=GREY, linewidth=1, linestyle="--", zorder=2,
            clip_on=False, label="all in one option, the best of them")
    marks = [(row["x"], row["usd_per_month"], str(row["option"]), bool(row["efficient"]))
             for row in options.to_dict("records")]
    for index, (x, y, option, is_good) in enumerate(marks, start=marks[0][2] != TODAY):
        is_today = option == TODAY
        colour = INK if is_today else SEQUENCE[(index - 1) % len(SEQUENCE)]
        ax.plot(x, y, linestyle="none", markersize=11 if is_today else 8, zorder=4, clip_on=False,
                marker="X" if is_today else MARKERS[(index - 1) % len(MARKERS)],
                markerfacecolor=colour if is_good or is_today else "white",
                markeredgecolor=colour, markeredgewidth=1.6)
    if chosen is not None:
        marks.append((chosen.cold_starts_per_week / each, chosen.usd_per_month, "chosen", True))
        ax.plot(*marks[-1][:2], linestyle="none", marker="o", markersize=12, zorder=6,
                markerfacecolor="none", markeredgecolor=INK, markeredgewidth=2, clip_on=False)
    _scaled(ax)
    ax.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2,
              handlelength=2.5)
    less = f" less {number(100 * found.discount, 2)} %" if found.discount else ""
    fleet = counted(found.workspaces, "WorkSpace")
    facts = [f"{fleet}, {found.window.start:%Y-%m-%d} to {found.window.end:%Y-%m-%d}",
             f"prices{less} of {found.prices_date}" if found.prices_date else "",
             shown(caption, most=200)]
    dressed(
        ax, "What the fleet could cost, and how often its users would wait",
        "cold starts a week of a WorkSpace, mean of all (square-root scale)\n"
        + " · ".join(filter(None, facts)), "USD a month")
    ax.figure.canvas.figure.draw_without_rendering()  # fixes where everything stands
    positions = [mark[:2] for mark in marks]
    taken = mark_boxes(ax, positions) + line_boxes(ax, line)
    prices = _price_marks(ax, found, each)
    label_marks(ax, prices, size=7.5, colour=GREY, taken=taken, below=True, others=positions)
    label_marks(ax, [mark[:3] for mark in marks], size=8, colour=INK, taken=taken,
                others=[mark[:2] for mark in prices])
    return ax


def _scaled(ax: Axes) -> None:
    """A scale that begins at nought and leaves room where few wait."""
    most = max(ax.dataLim.x1, 0.1)
    ax.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    ax.set_xlim(0, most * 1.25)
    ax.set_xticks([tick for tick in TICKS if tick <= most * 1.25])
    ax.xaxis.set_major_formatter(lambda value, _: number(value, 1))
    low, high = ax.dataLim.y0, ax.dataLim.y1
    room = max(high - low, 0.02 * high, 1.0)
    ax.set_ylim(max(low - 0.14 * room, 0), high + 0.1 * room)
    in_dollars(ax.yaxis)
    ruled(ax)


def _price_marks(ax: Axes, found: Frontier, each: int) -> list[Mark]:
    """Mark where along the line the fleet goes if a waiting minute is worth so much."""
    rows = found.at_prices(SHOWN_USD).drop_duplicates("usd_per_month").to_dict("records")
    marks = [(row["cold_starts_per_week"] / each, row["usd_per_month"],
              usd(row["waiting_minute_usd"])) for row in rows]
    ax.plot([x for x, *_ in marks], [y for _, y, _ in marks], linestyle="none", marker="o",
            markersize=4.5, color=BLUE, zorder=3, clip_on=False)
    return marks


LINEAR_USD = 10
"""Up to so many dollars the scale is linear, beyond it logarithmic: a few graphics bundles would
otherwise press everything else onto the axis."""
TICKS_USD = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_TITLE = "Saving against waiting, under each other setting"
_X, _Y = "extra_cold_starts_per_week", "saving_usd_per_month"


def saving_against_waiting(
    comparison: pd.DataFrame, ax: Axes | None = None, *, proposed: pd.Series | None = None,
    caption: str = "",
) -> Axes:
    """Return each WorkSpace under each setting.

    What it would save, against how often its user waits.

    *comparison* is what :func:`wsanalytics.recommendations.compare` gives. Points above the line
    save money against the present setting; points to the right wait more often than today.
    *proposed* has the settings of a plan, by WorkSpace: they are strong and come first in the
    legend, all others are pale. Of large fleets each setting has a panel of its own, the darker the
    more WorkSpaces are there.
    """
    ax = axes(ax, height=4.4)
    rows = comparison[comparison["setting"].astype("str") != comparison["baseline"]]
    rows = rows[rows[_Y].notna()]
    if rows.empty:
        return nothing(ax, _TITLE, caption)
    groups = [(str(setting), own) for setting, own in rows.groupby("setting", observed=True)]
    if len(rows) > CROWD:
        return _crowd(ax, rows, groups, caption)
    ax.set_yscale("symlog", linthresh=LINEAR_USD)
    is_proposed = rows["setting"].astype("str") == rows["workspace_id"].map(
        {} if proposed is None else proposed)
    if is_proposed.any():
        ax.scatter(rows.loc[is_proposed, _X], rows.loc[is_proposed, _Y], s=46, label="proposed",
                   rasterized=True, zorder=3, facecolors="none", edgecolors=INK, linewidths=1.1)
    for index, (setting, own) in enumerate(groups):
        look: dict[str, Any] = {"color": SEQUENCE[index % len(SEQUENCE)], "s": 26, "linewidths": 0,
                                "marker": MARKERS[index % len(MARKERS)], "rasterized": True}
        is_strong = is_proposed.loc[own.index] | (not is_proposed.any())
        pale, strong = own[~is_strong], own[is_strong]
        if len(pale):
            ax.scatter(pale[_X], pale[_Y], alpha=0.3, **look)
        ax.scatter(strong[_X], strong[_Y], alpha=0.65, label=shown(setting), **look)
    _ticks(ax, TICKS_USD)
    is_narrow = fitting(ax, 3, 20) < 3
    if is_narrow:
        legend_above(ax, 2)
    else:
        ax.legend(fontsize=8, frameon=False, title="instead of today's", title_fontsize=8,
                  loc="center left", bbox_to_anchor=(1, 0.5))
    return dressed(ax, _TITLE, "extra cold starts a week", "saving, USD a month", caption=caption,
                   workspaces=rows["workspace_id"].nunique(), raised=is_narrow)


def _crowd(
    ax: Axes, rows: pd.DataFrame, groups: list[tuple[str, pd.DataFrame]], caption: str
) -> Axes:
    """Return a panel for each setting within *ax*, all to one scale.

    The darker, the more WorkSpaces.
    """
    across = min(4, -(-len(groups) // -(-len(groups) // 4)))
    down = -(-len(groups) // across)
    low, high = (float(rows[_X].quantile(share)) for share in (0.001, 0.999))
    bottom, top = (1.6 * rows[_Y].min(), 1.6 * rows[_Y].max())
    norm = LogNorm(1, max(len(own) for _, own in groups))
    ax.set_xticks([])
    ax.set_yticks([])
    width, height = 0.93 / across, 1 / down
    for index, (setting, own) in enumerate(groups):
        row, column = divmod(index, across)
        panel = ax.inset_axes((0.07 + column * width, 1 - (row + 1) * height + 0.1 / down,
                               width * 0.93, height * 0.78))
        panel.set_yscale("symlog", linthresh=LINEAR_USD)
        panel.set_xlim(low - 1, high + 1)
        panel.set_ylim(min(bottom, -LINEAR_USD), max(top, LINEAR_USD))
        image = panel.pcolormesh(*mesh(panel, own[_X], own[_Y]), cmap="cividis_r", norm=norm,
                                 rasterized=True)
        _ticks(panel, (10, 100, 1000))
        draw_all_of([panel.set_title(shown(setting, most=18), fontsize=8.5, color=INK, loc="left",
                                     pad=2)])
        panel.tick_params(labelsize=7.5, colors=INK, length=0, labelleft=column == 0,
                          labelbottom=index + across >= len(groups))
        panel.spines[:].set_color(PALE)
    colours_told(ax, image, "WorkSpaces in a cell", number, shrink=0.8)
    dressed(ax, _TITLE, "extra cold starts a week, in each panel instead of today's setting",
            "saving, USD a month", workspaces=rows["workspace_id"].nunique(), caption=caption)
    ax.spines[:].set_visible(False)
    return ax


def _ticks(ax: Axes, marked: tuple[int, ...]) -> None:
    """Amounts at the side, and where nothing changes."""
    low, high = ax.get_ylim()
    ticks = [side * tick for side in (-1, 1) for tick in marked]
    ax.set_yticks([0, *(tick for tick in ticks if low <= tick <= high)], minor=False)
    ax.set_yticks([], minor=True)
    in_dollars(ax.yaxis)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ruled(ax)
