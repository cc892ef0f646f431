"""Plots of how people work: the week of a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from wsanalytics.plot.style import axes, dressed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def week_heat_map(usage: pd.DataFrame, ax: Axes | None = None, *, caption: str = "") -> Axes:
    """How many WorkSpaces are connected in each hour of the week, in UTC.

    *usage* is what :func:`wsanalytics.summaries.weekly_usage` gives.
    """
    ax = axes(ax, height=2.9)
    image = ax.imshow(usage.to_numpy(), aspect="auto", cmap="cividis", vmin=0)
    ax.set_yticks(range(len(usage)), list(usage.index))
    ax.set_xticks(range(0, 24, 3), [f"{hour:02d}:00" for hour in range(0, 24, 3)])
    figure = ax.figure
    bar = figure.colorbar(image, ax=ax, pad=0.015)
    bar.ax.tick_params(labelsize=8, length=0)
    bar.outline.set_visible(False)
    return dressed(ax, "WorkSpaces connected, by hour of the week",
                   f"hour of the day, UTC{caption and f' · {caption}'}")
