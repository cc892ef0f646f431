"""Plots of what a saving costs its users: waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from wsanalytics.plot.style import GREY, MARKERS, PALE, SEQUENCE, axes, dressed
from wsanalytics.show import usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes


LINEAR_USD = 10
"""Up to so many dollars the scale is linear, beyond it logarithmic: a few graphics bundles would
otherwise press everything else onto the axis."""
TICKS_USD = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def saving_against_waiting(
    comparison: pd.DataFrame, ax: Axes | None = None, *, caption: str = ""
) -> Axes:
    """Each WorkSpace under each setting: what it would save, against how often its user waits.

    *comparison* is what :func:`wsanalytics.comparison.compare` gives. Points above the line
    save money against the present setting; points to the right wait more often than today.
    """
    ax = axes(ax, height=4.4)
    rows = comparison[comparison["setting"].astype("str") != comparison["baseline"]]
    size = 26 if len(rows) < 3000 else 6
    for place, setting in enumerate(comparison["setting"].cat.categories):
        mine = rows[rows["setting"] == setting]
        ax.scatter(
            mine["extra_cold_starts_per_week"], mine["saving_usd_per_month"], s=size, alpha=0.65,
            color=SEQUENCE[place % len(SEQUENCE)], marker=MARKERS[place % len(MARKERS)],
            linewidths=0, label=str(setting), rasterized=True,
        )
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yscale("symlog", linthresh=LINEAR_USD)
    low, high = ax.get_ylim()
    ticks = [side * tick for side in (-1, 1) for tick in TICKS_USD]
    ax.set_yticks([0, *(tick for tick in ticks if low <= tick <= high)], minor=False)
    ax.set_yticks([], minor=True)
    ax.yaxis.set_major_formatter(lambda value, _: usd(value, cents=False))
    ax.grid(color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.legend(fontsize=8, frameon=False, title="instead of today's", title_fontsize=8,
              loc="center left", bbox_to_anchor=(1, 0.5))
    return dressed(
        ax, "Saving against waiting, each WorkSpace under each other setting",
        f"extra cold starts a week{caption and f' · {caption}'}", "saving, USD a month",
    )
