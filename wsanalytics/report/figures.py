"""The report's plots as PNG images inside the page, so that it is one self-contained file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from wsanalytics import plot
from wsanalytics.analysis import Analysis
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.show import number
from wsanalytics.summaries import break_even_usage, fleet_costs, stretch_of, weekly_usage
from wsanalytics.timeline import Window

DOTS_PER_INCH = 144
SHOWN_DAYS = 14


@dataclass(frozen=True, slots=True)
class Picture:
    """One plot: the PNG as a data address, and what it shows in words."""

    source: str
    alt: str


def pictures(analysis: Analysis) -> list[Picture]:
    """The plots of the report, in order; those without anything to show are left out."""
    costs = fleet_costs(analysis.comparison, analysis.plan)
    usage = break_even_usage(analysis.comparison)
    caption = f"{analysis.window.start:%Y-%m-%d} to {analysis.window.end:%Y-%m-%d}"
    less = f" less {number(100 * share, 2)} %" if (share := analysis.prices.discount) else ""
    dated = f"{caption}, list prices{less} of {analysis.prices.date}" if (
        analysis.prices.date) else f"{caption}{less}"
    made = [
        _picture(
            f"Bars: what the fleet costs a month today, under the plan and under one setting "
            f"for all, {dated}.",
            (7.6, 0.9 + 0.4 * len(costs)),
            lambda ax: plot.cost_by_option(costs, ax, caption=dated),
        )
    ]
    if len(usage):
        made.append(
            _picture(
                "Histogram: billed hours of each WorkSpace as a share of its break-even.",
                (7.6, 3.4),
                lambda ax: plot.break_even_histogram(usage, ax, caption=caption),
            )
        )
    made.append(
        _picture(
            "Scatter: saving of each WorkSpace under each other setting against extra cold "
            "starts a week.",
            (7.6, 4.2),
            lambda ax: plot.saving_against_waiting(analysis.comparison, ax, caption=dated),
        )
    )
    if len(analysis.replay.sessions):
        week = weekly_usage(analysis.replay.sessions, analysis.window)
        made.append(
            _picture(
                "Heat map: WorkSpaces connected in each hour of the week, UTC.",
                (7.6, 2.7),
                lambda ax: plot.week_heat_map(week, ax, caption=caption),
            )
        )
    return made + _timelines(analysis)


def _timelines(analysis: Analysis) -> list[Picture]:
    """The largest saving among used WorkSpaces, by a timeout if one is, in its busiest weeks."""
    sessions, changes = analysis.replay.sessions, analysis.plan.changes
    used = changes[changes["workspace_id"].isin(sessions["workspace_id"].unique())]
    is_flat = used["to_setting"] == str(ALWAYS_ON)
    names = [*used.loc[~is_flat, "workspace_id"], *used.loc[is_flat, "workspace_id"]]
    if not names:
        return []
    connects = sessions.loc[sessions["workspace_id"] == names[0], "connected_at"]
    days = connects.dt.floor("D").value_counts().sort_index().resample("D").sum()
    busiest = days.iloc[::-1].rolling(SHOWN_DAYS, min_periods=1).sum().idxmax()
    window = Window(busiest.to_pydatetime(), busiest.to_pydatetime() + timedelta(days=SHOWN_DAYS))
    mine, runs = stretch_of(sessions, analysis.replay.runs, names[0], window)
    lanes = 1 + runs["setting"].nunique()
    return [
        _picture(
            f"Timeline: sessions and runs of {names[0]} under each setting.",
            (7.6, 0.9 + 0.36 * lanes),
            lambda ax: plot.workspace_timeline(mine, runs, names[0], ax,
                                               caption="two weeks of one of the changes"),
        )
    ]


def _picture(alt: str, size: tuple[float, float], draw: Callable[[Any], Any]) -> Picture:
    image = plot.png(size, draw, dots_per_inch=DOTS_PER_INCH)
    return Picture(f"data:image/png;base64,{b64encode(image).decode()}", alt)
