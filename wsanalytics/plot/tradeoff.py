"""Plots of what a saving costs its users: waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.colors import LogNorm

from wsanalytics.plot.density import CROWD, mesh
from wsanalytics.plot.letters import draw_all_of
from wsanalytics.plot.style import (
    GREY,
    INK,
    MARKERS,
    PALE,
    SEQUENCE,
    axes,
    colours_told,
    dressed,
    in_dollars,
    nothing,
    ruled,
    shown,
)
from wsanalytics.show import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


LINEAR_USD = 10
"""Up to so many dollars the scale is linear, beyond it logarithmic: a few graphics bundles would
otherwise press everything else onto the axis."""
TICKS_USD = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_TITLE = "Saving against waiting, under each other setting"
_X, _Y = "extra_cold_starts_per_week", "saving_usd_per_month"


def saving_against_waiting(
    comparison: pd.DataFrame, ax: Axes | None = None, *, caption: str = ""
) -> Axes:
    """Each WorkSpace under each setting: what it would save, against how often its user waits.

    *comparison* is what :func:`wsanalytics.comparison.compare` gives. Points above the line
    save money against the present setting; points to the right wait more often than today. Of
    large fleets each setting has a panel of its own, the darker the more WorkSpaces are there.
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
    for place, (setting, own) in enumerate(groups):
        ax.scatter(own[_X], own[_Y], s=26, label=shown(setting), alpha=0.65, linewidths=0,
                   rasterized=True, color=SEQUENCE[place % len(SEQUENCE)],
                   marker=MARKERS[place % len(MARKERS)])
    _ticks(ax, TICKS_USD)
    ax.legend(fontsize=8, frameon=False, title="instead of today's", title_fontsize=8,
              loc="center left", bbox_to_anchor=(1, 0.5))
    return dressed(ax, _TITLE, "extra cold starts a week", "saving, USD a month",
                   workspaces=rows["workspace_id"].nunique(), caption=caption)


def _crowd(
    ax: Axes, rows: pd.DataFrame, groups: list[tuple[str, pd.DataFrame]], caption: str
) -> Axes:
    """A panel for each setting within *ax*, all to one scale: the darker, the more WorkSpaces."""
    across = min(4, -(-len(groups) // -(-len(groups) // 4)))
    down = -(-len(groups) // across)
    low, high = (float(rows[_X].quantile(share)) for share in (0.001, 0.999))
    bottom, top = (1.6 * rows[_Y].min(), 1.6 * rows[_Y].max())
    norm = LogNorm(1, max(len(own) for _, own in groups))
    ax.set_xticks([])
    ax.set_yticks([])
    width, height = 0.93 / across, 1 / down
    for place, (setting, own) in enumerate(groups):
        row, column = divmod(place, across)
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
                          labelbottom=place + across >= len(groups))
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
