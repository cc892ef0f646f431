"""Plots of one WorkSpace through time: its sessions, and when it is on under several settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import matplotlib.dates as mdates
import numpy as np
import pandas as pd

from wsanalytics.plot.style import (
    BLUE,
    GREY,
    INK,
    PALE,
    SKY,
    VERMILION,
    axes,
    dressed,
    legend_above,
    names_on,
    nothing,
    shown,
)
from wsanalytics.timeline import MICROS_PER_DAY, Window, column_micros

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAYS_ONE_BY_ONE = 21
"""Stretches of so many days have a tick and a weekday at each midnight."""


def workspace_timeline(
    sessions: pd.DataFrame,
    runs: pd.DataFrame,
    workspace_id: str,
    ax: Axes | None = None,
    *,
    cold_starts: pd.DataFrame | None = None,
    zone: str = "UTC",
    window: Window | None = None,
    caption: str = "",
) -> Axes:
    """The sessions of one WorkSpace, and below them its runs under each setting of *runs*.

    *sessions*, *runs* and *cold_starts* are those of a :class:`wsanalytics.Replay`, or a cut-out
    of them. Each cold start is a small triangle above the run that it begins: its user waited.
    Days and hours are those of the clock in *zone*, such as Europe/Berlin. With *window* all of it
    is shown, otherwise from the first to the last that happened.
    """
    mine = sessions[sessions["workspace_id"] == workspace_id]
    its_runs = runs[runs["workspace_id"] == workspace_id]
    settings = [s for s in runs["setting"].cat.categories if (its_runs["setting"] == s).any()]
    ax = axes(ax, height=1.3 + 0.42 * len(settings))
    title = f"{shown(workspace_id)}: when its user is connected, and when it is on"
    if mine.empty and its_runs.empty:
        return nothing(ax, title, caption)
    lanes = [("connected", mine["connected_at"], mine["disconnected_at"], INK)]
    for setting in settings:
        of_setting = its_runs[its_runs["setting"] == setting]
        lanes.append((setting, of_setting["started_at"], of_setting["stopped_at"],
                      BLUE if len(lanes) % 2 else SKY))
    for place, (_, starts, stops, colour) in enumerate(lanes):
        begin = _days(starts)
        spans = list(zip(begin.tolist(), (_days(stops) - begin).tolist(), strict=True))
        ax.broken_barh(spans, (place - 0.28, 0.6), facecolors=colour, linewidth=0)
    if cold_starts is not None:
        _waits(ax, cold_starts[cold_starts["workspace_id"] == workspace_id], settings)
    names_on(ax.yaxis, range(len(lanes)), [name for name, *_ in lanes])
    ax.set_ylim(len(lanes) - 0.5, -0.65)
    if window is not None:
        ax.set_xlim(*(at / MICROS_PER_DAY for at in window.micros))
    _clock(ax, ZoneInfo(zone))
    years = dict.fromkeys(f"{pd.Timestamp(at, unit='D', tz='UTC').tz_convert(zone):%Y}"
                          for at in ax.get_xlim())
    return dressed(ax, title, f"{' to '.join(years)}, clock of {zone}", caption=caption,
                   raised=cold_starts is not None)


def _days(column: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Instants as matplotlib counts them: days since 1970."""
    return np.asarray(column_micros(column) / MICROS_PER_DAY, dtype=np.float64)


def _waits(ax: Axes, cold_starts: pd.DataFrame, settings: list[str]) -> None:
    """Where the user had to wait, as small triangles; those of other settings are left out."""
    lane = pd.Index(settings).get_indexer(pd.Index(cold_starts["setting"].astype("str")))
    at = _days(cold_starts["connected_at"])[lane >= 0]
    ax.plot(at, lane[lane >= 0] + 1 - 0.36, linestyle="none", marker="v", markersize=4.5,
            color=VERMILION, markeredgewidth=0, label="cold start: the user waits", zorder=4)
    legend_above(ax, 1)


def _clock(ax: Axes, zone: ZoneInfo) -> None:
    """Ticks at midnights on the clock in *zone*, weekends shaded where days can be told apart."""
    first, last = ax.get_xlim()
    ax.xaxis_date(tz=zone)
    if last - first > DAYS_ONE_BY_ONE:
        locator = mdates.AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]  # matplotlib's
        form = mdates.ConciseDateFormatter(  # type: ignore[no-untyped-call]  # stubs
            locator, tz=zone, show_offset=False)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(form)
    else:
        midnights = pd.date_range(
            pd.Timestamp(first, unit="D", tz="UTC").tz_convert(zone).normalize(),
            pd.Timestamp(last, unit="D", tz="UTC").tz_convert(zone), freq="D")
        places = [_days(pd.Series([day]))[0] for day in midnights]
        for day, place in zip(midnights, places, strict=True):
            if day.weekday() >= 5:
                following = _days(pd.Series([day + pd.DateOffset(days=1)]))[0]
                ax.axvspan(place, following, color=PALE, linewidth=0, zorder=0)
        inside = [(place, day) for place, day in zip(places, midnights, strict=True)
                  if first <= place <= last]
        ax.set_xticks([place for place, _ in inside],
                      [f"{day:%a}\n{day.day}\n{day:%b}" if number == 0 or day.day == 1
                       else f"{day:%a}\n{day.day}" for number, (_, day) in enumerate(inside)])
        ax.set_xlim(first, last)
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("left")
    ax.grid(axis="x", color=GREY, linewidth=0.3)
