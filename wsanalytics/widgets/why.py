"""Show why a change of one WorkSpace is proposed, in words and three pictures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from wsanalytics import plot
from wsanalytics.formatting import counted, number, percent, usd, usd_range
from wsanalytics.timeline import Window
from wsanalytics.views import Evidence
from wsanalytics.widgets.base import facts, message, picture, text

Row = dict[Any, Any]
WIDE, DOTS = 760, 120


def why(row: Row, evidence: Evidence) -> str:
    """One change (a row of a review) explained, as a piece of a page."""
    settings = (row["from_setting"], row["to_setting"])
    pictures = "".join(pictures_of(str(row["workspace_id"]), evidence, settings))
    return f"{in_words(row)}{pictures or _nothing()}"


def drawing(evidence: Evidence) -> str:
    """Say that the pictures of *evidence* are on their way, if there will be any."""
    has_some = evidence.comparison is not None or evidence.replay is not None
    return message("Its pictures are being drawn …") if has_some else ""


def in_words(row: Row) -> str:
    """One change in words alone."""
    name, user = str(row["workspace_id"]), str(row["user_name"])
    head = f"<h4 style='margin:6px 0'>Why {text(name)}{f' ({text(user)})' if user else ''}?</h4>"
    waits = row["extra_cold_starts_per_week"]
    interval = usd_range(row["saving_low_usd"], row["saving_high_usd"])
    saves = (f"{usd(row['saving_usd_per_month'])} a month (80 % interval: {interval}); chance of a "
             f"loss {percent(row['chance_of_loss'])}")
    side = "fewer" if waits < 0 else "more"
    facts_html = facts([
        ("change", f"{row['from_setting']} → {row['to_setting']}"),
        ("saves", saves),
        ("cold starts", f"{number(abs(waits), 1)} {side} cold starts a week"),
        ("best date", str(row["best_date"]) or "any day"),
        ("reason", str(row["reason"])),
    ])
    return f"{head}{facts_html}"


def pictures_of(workspace_id: str, evidence: Evidence, settings: tuple[str, str]) -> list[str]:
    """Cost by setting, sessions and runs of two weeks, and the week, as far as is known.

    *settings* are the present and the proposed one.
    """
    pictures = []
    options = evidence.options(workspace_id)
    if len(options):
        pictures.append(cost(options, settings[1], evidence))
    if evidence.replay is not None and len(evidence.sessions(workspace_id)):
        pictures += [timeline(workspace_id, evidence, settings), week(workspace_id, evidence)]
    return pictures


def cost(options: pd.DataFrame, proposed: str, evidence: Evidence) -> str:
    """Draw one WorkSpace's cost under each setting; *options* are its rows of the comparison."""
    image = plot.png((7.4, 1.3 + 0.36 * len(options)), lambda ax: plot.cost_by_setting(
        options, ax, proposed=proposed,
        caption=f"prices of {evidence.prices_date}" if evidence.prices_date else ""),
        dots_per_inch=DOTS)
    costs = ", ".join(f"{setting} {usd(cost)}" for setting, cost in zip(
        options["setting"].astype("str"), options["usd_per_month"], strict=True))
    return picture(image, f"Bars: what it costs a month under each setting: {costs}.", width=WIDE)


def timeline(
    workspace_id: str, evidence: Evidence, settings: tuple[str, ...] = (),
    window: Window | None = None,
) -> str:
    """Sessions and runs under *settings* (default: all), in *window* or the busiest two weeks."""
    window = window or evidence.busiest(workspace_id)
    sessions, runs, colds = evidence.stretch(workspace_id, settings, window)
    zone = evidence.zone(workspace_id)
    lanes = 1 + runs["setting"].nunique()
    image = plot.png((7.4, 1.5 + 0.4 * lanes), lambda ax: plot.workspace_timeline(
        sessions, runs, workspace_id, ax, cold_starts=colds, zone=zone, window=window),
        dots_per_inch=DOTS)
    last = window.end - timedelta(microseconds=1)
    under = " and ".join(dict.fromkeys(settings)) or "each setting"
    return picture(
        image,
        f"Timeline from {window.start:%Y-%m-%d} to {last:%Y-%m-%d}: when its "
        f"user was connected ({counted(len(sessions), 'session')}), and when it would have "
        f"been on under {under}; clock of {zone}.",
        width=WIDE,
    )


def week(workspace_id: str, evidence: Evidence) -> str:
    """In how much of each hour of the week its user is connected."""
    usage, zone = evidence.week(workspace_id), evidence.zone(workspace_id)
    image = plot.png((7.4, 2.6), lambda ax: plot.week_heat_map(usage, ax, zone=zone, of_one=True),
                     dots_per_inch=DOTS)
    return picture(image, "Heat map: in how much of each hour of the week its user is connected, "
                   f"clock of {zone}.", width=WIDE)


def _nothing() -> str:
    return ("<p>Only the plan is at hand. <code>ws.review(plan, savings, replay, "
            "history.workspaces)</code> shows its costs, sessions and week as well.</p>")
