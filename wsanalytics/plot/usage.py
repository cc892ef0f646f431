"""Plots of how people work: the week of a fleet, or of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from wsanalytics.plot.style import axes, colours_told, dressed, shown
from wsanalytics.show import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def week_heat_map(
    usage: pd.DataFrame, ax: Axes | None = None, *, zone: str = "UTC", of_one: bool = False,
    caption: str = "",
) -> Axes:
    """How many WorkSpaces are connected in each hour of the week, or how often one person is.

    *usage* is what :func:`wsanalytics.summaries.weekly_usage` gives, *zone* the name of the clock
    that it tells (:func:`wsanalytics.summaries.clock_caption`). *of_one*: the sessions were those
    of one WorkSpace, so these are shares of each hour.
    """
    ax = axes(ax, height=2.9)
    most = float(usage.to_numpy().max(initial=0)) or 1.0
    image = ax.imshow(usage.to_numpy(), aspect="auto", cmap="cividis", vmin=0, vmax=most)
    ax.set_yticks(range(len(usage)), list(usage.index))
    ax.set_xticks(range(0, 24, 3), [f"{hour:02d}:00" for hour in range(0, 24, 3)])
    colours_told(ax, image, "share of the hour" if of_one else "WorkSpaces (mean)",
                 percent if of_one else lambda value: number(value, 1))
    title = f"{'How often its user is' if of_one else 'WorkSpaces'} connected, by hour of the week"
    return dressed(ax, title, f"hour of the day, {shown(zone, most=80)}", caption=caption)
