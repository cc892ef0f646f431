"""Plots of one choice: what each setting costs one WorkSpace, and where its two modes meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from wsanalytics.formatting import CENT, hours, measured, usd
from wsanalytics.plot.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    SKY,
    VERMILION,
    axes,
    dressed,
    fitting,
    in_dollars,
    legend_above,
    names_on,
    nothing,
    ruled,
    shown,
)
from wsanalytics.timeline import MICROS_PER_DAY, Window, column_micros

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALWAYS_ON = "ALWAYS_ON"
WORDS_POINTS, WORDS_SHARE = 8.5, 0.73
"""The size of the words beside bars, and how much of the width they take before they get smaller.
"""


def cost_by_setting(
    options: pd.DataFrame, ax: Axes | None = None, *, proposed: str = "", caption: str = ""
) -> Axes:
    """Plot one WorkSpace's cost a month under each setting, and how often its user would wait.

    *options* are its rows of a ``comparison`` table; *proposed* is the setting that a plan has for
    it, if any. The dashed line is the flat fee of ALWAYS_ON: what ends to the left of it is
    cheaper. Beside each bar stand its cost, what it saves against the present setting with, in
    brackets, the saving's interval, and the cold starts. The bars themselves are what the past
    would have cost; they show no interval.
    """
    rows = options.reset_index(drop=True)
    ax = axes(ax, height=1.1 + 0.42 * max(len(rows), 2))
    name = shown(rows["workspace_id"].iloc[0]) if len(rows) else "One WorkSpace"
    title = f"{name}: what each setting would cost a month"
    if rows["usd_per_month"].notna().sum() == 0:
        return nothing(ax, title, caption)
    settings = rows["setting"].astype("str")
    y = np.arange(len(rows))
    hourly = rows["hourly_usd_per_month"]
    fixed = rows["usd_per_month"] - hourly
    ax.barh(y, fixed, height=0.62, color=BLUE, label="fixed monthly fee")
    ax.barh(y, hourly, left=fixed, height=0.62, color=SKY, hatch="///", edgecolor="white",
            linewidth=0, label="for billed hours")
    flat = rows.loc[settings == ALWAYS_ON, "usd_per_month"].dropna()
    for price in flat:
        ax.axvline(price, color=INK, linewidth=1, linestyle="--", zorder=3,
                   label=f"ALWAYS_ON's flat fee, {usd(price)}")
    marks = [{proposed: "proposed", row["baseline"]: "today"}.get(str(row["setting"]), "")
             for row in rows.to_dict("records")]
    names_on(ax.yaxis, y, [f"{setting} ({mark})" if mark else setting
                           for setting, mark in zip(settings, marks, strict=True)])
    for label, mark in zip(ax.get_yticklabels(), marks, strict=True):
        label.set_fontweight("bold" if mark else "normal")
    ax.set_ylim(len(rows) - 0.5, -0.5)
    in_dollars(ax.xaxis)
    ruled(ax, "x")
    legend_above(ax, 3)
    dressed(ax, title, "USD a month; in brackets: the interval of the saving", caption=caption,
            raised=True)
    _tell(ax, [_said(row) for row in rows.to_dict("records")], float(rows["usd_per_month"].max()))
    return ax


def _tell(ax: Axes, words: list[str], most: float) -> None:
    """Write a line beside each bar, and end the bars, of *most* dollars at most, before it."""
    ax.figure.canvas.figure.draw_without_rendering()  # fixes how wide everything is
    texts = [ax.text(0, height, line, transform=ax.get_yaxis_transform(), va="center", color=INK,
                    fontsize=WORDS_POINTS, parse_math=False) for height, line in enumerate(words)]
    share = max(text.get_window_extent().width for text in texts) / ax.bbox.width + 0.03
    smaller = max(min(1.0, WORDS_SHARE / share), 0.7)
    begin = max(1 - share * smaller, 0.1)
    for text in texts:
        text.set(x=begin + 0.02, fontsize=WORDS_POINTS * smaller)
    most = max(most, 1.0)
    ticks = MaxNLocator(max(2, round(ax.bbox.width * begin / ax.figure.dpi / 0.55)))
    ax.set_xlim(0, most / begin)
    ax.set_xticks([tick for tick in ticks.tick_values(0, most) if tick <= most * 1.01])


def _said(row: dict[Any, Any]) -> str:
    """A setting's cost, what it saves against the present one, and its cold starts, in a line."""
    saving = row["saving_usd_per_month"]
    is_told = str(row["setting"]) != str(row["baseline"]) and not np.isnan(saving)
    return " · ".join([
        "no price" if np.isnan(row["usd_per_month"]) else usd(row["usd_per_month"]),
        *([_saved(saving, row["saving_low_usd"], row["saving_high_usd"])] if is_told else ()),
        f"{measured(row['cold_starts_per_week'], 'cold start')} a week"])


def _saved(saving: float, low: float, high: float) -> str:
    """Return a saving and its interval in words.

    Those of what costs more are of what it costs more.
    """
    is_wide = high - low > CENT
    if abs(saving) <= CENT and not is_wide:
        return "costs the same"
    if saving < -CENT:
        low, high = -high, -low
    interval = f" ({usd(low)} to {usd(high)})" if is_wide else ""
    return (f"costs {usd(-saving)} more" if saving < -CENT else f"saves {usd(saving)}") + interval


def break_even_lines(
    rates: pd.DataFrame, ax: Axes | None = None, *, name: str = "", own_hours: float | None = None,
    caption: str = "",
) -> Axes:
    """Plot the cost of a kind of WorkSpace by its billed hours, in either mode; where they meet.

    *rates* is one row of what :func:`wsanalytics.views.bundle_rates` gives, *name* what the
    kind is called. *own_hours* marks the hours that one WorkSpace bills a month.
    """
    ax = axes(ax, width=4.8, height=3.0)
    kind = shown(name or (rates["compute_type"].iloc[0] if len(rates) else "One kind"))
    title = f"{kind}: cost by billed hours"
    if rates.empty or rates[["always_on_usd", "auto_stop_usd", "hourly_usd"]].isna().any(axis=None):
        return nothing(ax, title, caption)
    flat, fee, rate, meet = (float(rates[column].iloc[0]) for column in (
        "always_on_usd", "auto_stop_usd", "hourly_usd", "break_even_hours"))
    crosses = np.isfinite(meet) and 0 < meet <= 744
    most = max(2 * meet if crosses else 744.0, 1.15 * (own_hours or 0.0))
    x = np.array([0.0, most])
    ax.plot(x, [flat, flat], color=ORANGE, linewidth=2.2, linestyle="--", label="ALWAYS_ON")
    ax.plot(x, fee + rate * x, color=BLUE, linewidth=2.2, label="AUTO_STOP")
    ax.set_xlim(0, most)
    ax.set_ylim(0, max(flat, fee + rate * most) * 1.08)
    if crosses:
        ax.plot([meet], [flat], marker="o", markersize=7, color=INK, linestyle="none", zorder=4)
        ax.vlines(meet, 0, flat, color=INK, linewidth=0.9, linestyle=":")
        ax.annotate(f"{hours(meet)}: both cost {usd(flat)}", (meet, flat), (6, -13),
                    textcoords="offset points", fontsize=8.5, color=INK)
    if own_hours is not None:
        ax.plot([own_hours], [fee + rate * own_hours], marker="D", markersize=7, color=VERMILION,
                linestyle="none", zorder=5, label=f"its own {hours(own_hours)}")
    in_dollars(ax.yaxis)
    ruled(ax)
    ax.legend(fontsize=8, frameon=False, loc="upper left")
    ax.spines["left"].set_color(GREY)
    return dressed(ax, title, "billed hours a month", "USD a month", caption=caption)

DAYS_ONE_BY_ONE = 21
"""Intervals of so many days have a tick and a weekday at each midnight."""


def workspace_timeline(
    sessions: pd.DataFrame,
    runs: pd.DataFrame,
    workspace_id: str,
    ax: Axes | None = None,
    *,
    cold_starts: pd.DataFrame | None = None,
    zone: str = "UTC",
    window: Window | None = None,
    proposed: str = "",
    present: str = "",
    caption: str = "",
) -> Axes:
    """Return the sessions of one WorkSpace, and below them its runs under each setting of *runs*.

    The setting that is *proposed* comes first, then the *present* one, each with a word on that;
    then the others.

    *sessions*, *runs* and *cold_starts* are those of a :class:`wsanalytics.Replay`, or a cut-out
    of them. Each cold start is a small triangle above the run that it begins: its user waited.
    Days and hours are those of the clock in *zone*, such as Europe/Berlin. With *window* all of it
    is shown, otherwise from the first to the last that happened.
    """
    own_sessions = sessions[sessions["workspace_id"] == workspace_id]
    its_runs = runs[runs["workspace_id"] == workspace_id]
    with_runs = [s for s in runs["setting"].cat.categories if (its_runs["setting"] == s).any()]
    settings = sorted(with_runs, key=lambda setting: (setting != proposed, setting != present))
    marks = {present: " (today)", proposed: " (proposed)"}
    ax = axes(ax, height=1.3 + 0.42 * len(settings))
    title = f"{shown(workspace_id)}: when its user is connected, and when it is on"
    if own_sessions.empty and its_runs.empty:
        return nothing(ax, title, caption)
    lanes = [("connected", own_sessions["connected_at"], own_sessions["disconnected_at"], INK)]
    for setting in settings:
        of_setting = its_runs[its_runs["setting"] == setting]
        lanes.append((setting, of_setting["started_at"], of_setting["stopped_at"],
                      BLUE if len(lanes) % 2 else SKY))
    for height, (_, starts, stops, colour) in enumerate(lanes):
        begin = _days(starts)
        spans = list(zip(begin.tolist(), (_days(stops) - begin).tolist(), strict=True))
        ax.broken_barh(spans, (height - 0.28, 0.6), facecolors=colour, linewidth=0)
    if cold_starts is not None:
        _waits(ax, cold_starts[cold_starts["workspace_id"] == workspace_id], settings)
    names_on(ax.yaxis, range(len(lanes)), [name + marks.get(name, "") for name, *_ in lanes])
    ax.set_ylim(len(lanes) - 0.5, -0.65)
    if window is not None:
        ax.set_xlim(*(at / MICROS_PER_DAY for at in window.micros))
    _clock(ax, ZoneInfo(zone))
    years = dict.fromkeys(f"{pd.Timestamp(at, unit='D', tz='UTC').tz_convert(zone):%Y}"
                          for at in ax.get_xlim())
    return dressed(ax, title, f"{' to '.join(years)}, clock of {zone}", caption=caption,
                   raised=cold_starts is not None)


def _days(column: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return instants as matplotlib counts them: days since 1970."""
    return np.asarray(column_micros(column) / MICROS_PER_DAY, dtype=np.float64)


def _waits(ax: Axes, cold_starts: pd.DataFrame, settings: list[str]) -> None:
    """Mark where the user had to wait, as small triangles; other settings are left out."""
    lane = pd.Index(settings).get_indexer(pd.Index(cold_starts["setting"].astype("str")))
    at = _days(cold_starts["connected_at"])[lane >= 0]
    ax.plot(at, lane[lane >= 0] + 1 - 0.36, linestyle="none", marker="v", markersize=4.5,
            color=VERMILION, markeredgewidth=0, label="cold start: the user waits", zorder=4)
    legend_above(ax, 1)


def _clock(ax: Axes, zone: ZoneInfo) -> None:
    """Tick midnights on the clock in *zone*; shade weekends where days can be distinguished."""
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
        positions = [_days(pd.Series([day]))[0] for day in midnights]
        for day, position in zip(midnights, positions, strict=True):
            if day.weekday() >= 5:
                following = _days(pd.Series([day + pd.DateOffset(days=1)]))[0]
                ax.axvspan(position, following, color=PALE, linewidth=0, zorder=0)
        inside = [(position, day) for position, day in zip(positions, midnights, strict=True)
                  if first <= position <= last]
        inside = inside[::-(-len(inside) // fitting(ax, len(inside), 3))] if inside else inside
        ax.set_xticks([position for position, _ in inside],
                      [f"{day:%a}\n{day.day}\n{day:%b}" if number == 0 or day.day == 1
                       else f"{day:%a}\n{day.day}" for number, (_, day) in enumerate(inside)])
        ax.set_xlim(first, last)
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("left")
    ax.grid(axis="x", color=GREY, linewidth=0.3)
