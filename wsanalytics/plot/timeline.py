"""Plots of one WorkSpace through time: its sessions, and when it is on under several settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.dates as mdates
import pandas as pd

from wsanalytics.plot.style import BLUE, GREY, INK, SKY, axes, dressed
from wsanalytics.timeline import MICROS_PER_DAY, column_micros

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def workspace_timeline(
    sessions: pd.DataFrame,
    runs: pd.DataFrame,
    workspace_id: str,
    ax: Axes | None = None,
    *,
    caption: str = "",
) -> Axes:
    """The sessions of one WorkSpace, and below them its runs under each setting of *runs*.

    *sessions* and *runs* are those of a :class:`wsanalytics.Replay`, or a cut-out of them.
    """
    mine = sessions[sessions["workspace_id"] == workspace_id]
    its_runs = runs[runs["workspace_id"] == workspace_id]
    settings = [s for s in runs["setting"].cat.categories if (its_runs["setting"] == s).any()]
    ax = axes(ax, height=1.3 + 0.42 * len(settings))
    lanes = [("connected", mine["connected_at"], mine["disconnected_at"], INK)]
    for setting in settings:
        of_setting = its_runs[its_runs["setting"] == setting]
        lanes.append((setting, of_setting["started_at"], of_setting["stopped_at"],
                      BLUE if len(lanes) % 2 else SKY))
    for place, (_, starts, stops, colour) in enumerate(lanes):
        begin = column_micros(starts) / MICROS_PER_DAY  # matplotlib counts days since 1970
        width = column_micros(stops) / MICROS_PER_DAY - begin
        spans = list(zip(begin.tolist(), width.tolist(), strict=True))
        ax.broken_barh(spans, (place - 0.32, 0.64), facecolors=colour, linewidth=0)
    ax.set_yticks(range(len(lanes)), [name for name, *_ in lanes])
    ax.invert_yaxis()
    ax.xaxis_date()
    locator = mdates.AutoDateLocator()  # type: ignore[no-untyped-call]  # matplotlib's stubs
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(
        mdates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # as above
    )
    ax.grid(axis="x", color=GREY, linewidth=0.3)
    return dressed(ax, f"{workspace_id}: when its user is connected, and when it is on",
                   f"UTC{caption and f' · {caption}'}")
