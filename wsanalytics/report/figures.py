"""The report's plots as PNG images inside the page, so that it is one self-contained file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from wsanalytics import plot
from wsanalytics.calendars import Zones
from wsanalytics.formatting import number
from wsanalytics.recommendations import Analysis
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.views import (
    Evidence,
    break_even_usage,
    clock_caption,
    cost_by,
    cost_by_month,
    fleet_costs,
    monthly_hours,
    weekly_usage,
)

DOTS_PER_INCH = 144
NARROW_INCHES = 3.5
"""How wide a plot is drawn for a phone: about as wide as the phone, with letters of the same size.
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """One plot: the PNG as a data address, wide and for a phone, and what it shows in words."""

    source: str
    narrow: str
    alt: str


def pictures(analysis: Analysis, zones: Zones | None = None) -> list[Picture]:
    """Return the plots of the report, in order; those without anything to show are left out.

    Hours are those on the clocks of the users, by *zones* (default: UTC).
    """
    caption = f"{analysis.window.start:%Y-%m-%d} to {analysis.window.end:%Y-%m-%d}"
    less = f" less {number(100 * share, 2)} %" if (share := analysis.prices.discount) else ""
    dated = f"{caption}, list prices{less} of {analysis.prices.date}" if (
        analysis.prices.date) else f"{caption}{less}"
    return [*_proposed(analysis, dated, zones), *_others(analysis, caption, dated),
            *_parts(analysis, dated), *_weeks(analysis, caption, zones)]


def _proposed(analysis: Analysis, dated: str, zones: Zones | None) -> Iterator[Picture]:
    """Draw what is proposed: the cost under the plan, by directory, and one change by the day."""
    costs = fleet_costs(analysis.comparison, analysis.plan)
    yield _picture(
        f"Bars: what the fleet costs a month today, under the plan and under one setting "
        f"for all, {dated}.",
        (7.6, 1.1 + 0.4 * len(costs)),
        lambda ax: plot.cost_by_option(costs, ax, caption=dated),
    )
    groups = cost_by(analysis.comparison, analysis.plan, analysis.workspaces)
    if len(groups) > 1:
        yield _picture(
            "Bars: what each directory costs a month today and under the plan.",
            (7.6, 1.4 + 0.42 * min(len(groups), 13)),
            lambda ax: plot.cost_by_group(groups, ax, caption=dated),
        )
    yield from _timelines(analysis, zones)


def _others(analysis: Analysis, caption: str, dated: str) -> Iterator[Picture]:
    """Draw each setting against the proposed one, and the hours against the break-even."""
    usage = break_even_usage(analysis.comparison)
    proposed = analysis.plan.changes.set_index("workspace_id")["to_setting"]
    yield _picture(
        "Scatter: saving of each WorkSpace under each other setting against extra cold "
        "starts a week; those proposed stand out.",
        (7.6, 4.2),
        lambda ax: plot.saving_against_waiting(analysis.comparison, ax, proposed=proposed,
                                               caption=dated),
    )
    if len(usage):
        yield _picture(
            "Histogram: billed hours of each WorkSpace as a share of its break-even.",
            (7.6, 3.4),
            lambda ax: plot.break_even_histogram(usage, ax, caption=caption),
        )


def _parts(analysis: Analysis, dated: str) -> Iterator[Picture]:
    """Draw the hours of each bundle and the cost of each month, where there are several."""
    table, workspaces = analysis.comparison, analysis.workspaces
    hours = monthly_hours(table, workspaces)
    if (bundles := hours["compute_type"].nunique()) > 1:
        yield _picture(
            "Histograms: billed hours a month of the WorkSpaces of each bundle, with the bundle's "
            "break-even.",
            (7.6, 1.5 + 0.6 * min(bundles, 9)),
            lambda ax: plot.hours_by_bundle(hours, ax, caption=dated),
        )
    present = table.drop_duplicates("workspace_id").set_index("workspace_id")["baseline"]
    months = cost_by_month(analysis.charges, present, analysis.window)
    if len(months) > 1:
        yield _picture(
            "Bars: what the fleet cost in each month, fees and billed hours.",
            (7.6, 3.4),
            lambda ax: plot.cost_by_month(months, ax, caption=(
                f"{dated}; each whole month as it was, terminated WorkSpaces too: "
                "no average month of today")),
        )


def _weeks(analysis: Analysis, caption: str, zones: Zones | None) -> Iterator[Picture]:
    """Draw when people are connected."""
    if analysis.replay.sessions.empty:
        return
    week = weekly_usage(analysis.replay.sessions, analysis.window, analysis.workspaces, zones,
                        gaps=analysis.gaps)
    clock = clock_caption(analysis.workspaces, zones)
    yield _picture(
        f"Heat map: WorkSpaces connected in each hour of the week, {clock}.",
        (7.6, 2.7),
        lambda ax: plot.week_heat_map(week, ax, zone=clock, caption=caption),
    )


def _timelines(analysis: Analysis, zones: Zones | None) -> Iterator[Picture]:
    """The largest saving among used WorkSpaces, by a timeout if one is, in its busiest weeks."""
    sessions, changes = analysis.replay.sessions, analysis.plan.changes
    used = changes[changes["workspace_id"].isin(sessions["workspace_id"].unique())]
    is_flat = used["to_setting"] == str(ALWAYS_ON)
    ordered = pd.concat([used[~is_flat], used[is_flat]])
    if ordered.empty:
        return
    change = ordered.iloc[0]
    name, proposed = change["workspace_id"], change["to_setting"]
    evidence = Evidence.of(analysis, zones)
    window = evidence.busiest(name)
    own_sessions, runs, waits = evidence.stretch(name, window=window)
    lanes = 1 + runs["setting"].nunique()
    yield _picture(
        f"Timeline: sessions, runs and cold starts of {name} under each setting, the proposed "
        f"{proposed} first.",
        (7.6, 1.4 + 0.36 * lanes),
        lambda ax: plot.workspace_timeline(
            own_sessions, runs, name, ax, cold_starts=waits, zone=evidence.zone(name),
            window=window, proposed=proposed, present=change["from_setting"],
            caption="two weeks of one of the changes"),
    )


def _picture(alt: str, size: tuple[float, float], draw: Callable[[Any], Any]) -> Picture:
    """Draw for a wide screen or paper in *size*, and once more for a phone."""
    narrow = (NARROW_INCHES, 1.15 * size[1] + 0.2)
    wide_address, narrow_address = (
        f"data:image/png;base64,{b64encode(image).decode()}" for image in (
            plot.png(inches, draw, dots_per_inch=DOTS_PER_INCH) for inches in (size, narrow)))
    return Picture(wide_address, narrow_address, alt)
