"""Plots of one choice: what each setting costs one WorkSpace, and where its two modes meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

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
    legend_above,
    names_on,
    nothing,
    shown,
)
from wsanalytics.show import hours, measured, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALWAYS_ON = "ALWAYS_ON"


def cost_by_setting(
    options: pd.DataFrame, ax: Axes | None = None, *, proposed: str = "", caption: str = ""
) -> Axes:
    """What one WorkSpace would cost a month under each setting, and how often its user would wait.

    *options* are its rows of a ``comparison`` table; *proposed* is the setting that a plan has for
    it, if any. The dashed line is the flat fee of ALWAYS_ON: what ends to the left of it is
    cheaper. Whiskers are the interval of the saving, seen from the present setting's cost.
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
    reach = _whiskers(ax, rows)
    flat = rows.loc[settings == ALWAYS_ON, "usd_per_month"].dropna()
    for price in flat:
        ax.axvline(price, color=INK, linewidth=1, linestyle="--", zorder=3,
                   label=f"ALWAYS_ON's flat fee, {usd(price)}")
    most = max(reach, 1.0)
    for place, row in enumerate(rows.to_dict("records")):
        ax.text(most * 1.03, place, _said(row), va="center", fontsize=8.5, color=INK)
    marks = [{proposed: "proposed", row["baseline"]: "today"}.get(str(row["setting"]), "")
             for row in rows.to_dict("records")]
    names_on(ax.yaxis, y, [f"{setting} ({mark})" if mark else setting
                           for setting, mark in zip(settings, marks, strict=True)])
    for label, mark in zip(ax.get_yticklabels(), marks, strict=True):
        label.set_fontweight("bold" if mark else "normal")
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, most * 1.5)
    ax.set_xticks([tick for tick in MaxNLocator(5).tick_values(0, most) if tick <= most * 1.01])
    ax.xaxis.set_major_formatter(lambda value, _: usd(value, cents=False))
    ax.grid(axis="x", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    legend_above(ax, 3)
    return dressed(ax, title, "USD a month; whiskers: interval of the saving", caption=caption,
                   raised=True)


def _whiskers(ax: Axes, rows: pd.DataFrame) -> float:
    """The interval of what each setting may cost; tells how far to the right anything reaches."""
    costs = rows["usd_per_month"].to_numpy(dtype=float)
    today = costs + rows["saving_usd_per_month"].to_numpy(dtype=float)
    low = today - rows["saving_high_usd"].to_numpy(dtype=float)
    high = today - rows["saving_low_usd"].to_numpy(dtype=float)
    is_wide = high - low > 0.005
    y = np.arange(len(rows))[is_wide]
    ax.errorbar(costs[is_wide], y, linestyle="none", ecolor=INK, elinewidth=1.3, capsize=3,
                xerr=np.clip([(costs - low)[is_wide], (high - costs)[is_wide]], 0, None), zorder=4)
    return float(np.nanmax(np.fmax(costs, high)))


def _said(row: dict[Any, Any]) -> str:
    price = "no price" if np.isnan(row["usd_per_month"]) else usd(row["usd_per_month"])
    return f"{price}, {measured(row['cold_starts_per_week'], 'cold start')} a week"


def break_even_lines(
    rates: pd.DataFrame, ax: Axes | None = None, *, name: str = "", own_hours: float | None = None,
    caption: str = "",
) -> Axes:
    """What a kind of WorkSpace costs a month by its billed hours, in either mode; where they meet.

    *rates* is one row of what :func:`wsanalytics.fleetviews.bundle_rates` gives, *name* what the
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
    ax.yaxis.set_major_formatter(lambda value, _: usd(value, cents=False))
    ax.grid(color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.legend(fontsize=8, frameon=False, loc="upper left")
    ax.spines["left"].set_color(GREY)
    return dressed(ax, title, "billed hours a month", "USD a month", caption=caption)
