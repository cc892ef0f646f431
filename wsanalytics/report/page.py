"""The report: one self-contained HTML page about what a fleet costs and what to change."""

from __future__ import annotations

import shlex
from collections import Counter
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import jinja2
import pandas as pd

from wsanalytics.formatting import (
    counted,
    hours,
    listed,
    number,
    percent,
    round_parts,
    usd,
    usd_range,
    volumes_text,
)
from wsanalytics.not_simulated import set_aside
from wsanalytics.recommendations import WORTH_A_WORD, Analysis, Plan
from wsanalytics.report.figures import pictures
from wsanalytics.safe_text import plain
from wsanalytics.tables import WORKSPACES
from wsanalytics.timeline import MICROS_PER_HOUR, column_micros
from wsanalytics.views import (
    Headline,
    cost_of_caution,
    facts_of,
    fleet_costs,
    headline,
    sure_changes,
)

FIRST_ROWS = 25
"""The number of changes that the page shows at once; the others unfold."""
MOST_ROWS = 500
"""The most changes, and WorkSpaces left alone, on the page; files have them all."""
DOUBTS_IN_SHORT = 3
"""The most doubts about the totals that the first screen names."""

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("wsanalytics", "report"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals |= {"counted": counted, "usd": usd}


def render_report(analysis: Analysis) -> str:
    """Return the page as HTML text.

    No scripts, no addresses outside, every name shown as plain text.
    """
    plan = analysis.plan
    costs = fleet_costs(analysis.comparison, plan)
    planned = float(costs.set_index("option")["total_usd"]["the plan"])
    main, doubts = headline(analysis), _doubts(analysis)
    changes = plan.changes
    return _ENVIRONMENT.get_template("page.html.j2").render(
        window=str(analysis.window),
        made_at=f"{plan.created_at:%Y-%m-%d %H:%M} UTC",
        version=version("wsanalytics"),
        hour_rule=plan.hour_rule,
        hour_rule_text=plan.hour_rule.meaning,
        prices=analysis.prices.dates,
        prices_origin=analysis.prices.source,
        discounted=analysis.prices.discount > 0,
        limits=_limits(analysis),
        answer=main.answer,
        cost=main.cost,
        sure=sure_changes(plan),
        caution=_caution_rows(plan),
        tiles=_tiles(analysis, main, planned),
        dates=_dates(plan),
        steps=_steps(analysis),
        doubts=_in_short([title for title, _ in doubts]),
        changes=_change_rows(changes.head(MOST_ROWS), analysis.workspaces),
        first_rows=FIRST_ROWS,
        changes_total=len(changes),
        pictures=pictures(analysis),
        costs=_cost_rows(costs),
        counted_workspaces=int(costs["workspaces"].max()),
        left_alone=_left_alone_groups(plan),
        notes=[{"title": title, "text": text} for title, text in [*doubts, *_notes(analysis)]],
    )


def _tiles(analysis: Analysis, main: Headline, planned: float) -> list[dict[str, str]]:
    """Return the key figures: what it costs now and then, what is saved, how sure that is."""
    changes = analysis.plan.changes
    low, high = changes["saving_low_usd"].sum(), changes["saving_high_usd"].sum()
    waits = changes["extra_cold_starts_per_week"].sum()
    tiles = [
        {"label": "costs today, a month", "value": usd(main.usd_per_month, cents=False),
         "more": "as it is set"},
        {"label": "under the plan", "value": usd(planned, cents=False), "more": "a month"},
        {"label": "saved a month", "value": usd(main.saving_usd_per_month, cents=False),
         "more": f"{percent(main.saving_share)} of today's cost"},
        {"label": "cold starts a week", "value": f"{'+' if waits > 0 else ''}{number(waits)}",
         "more": "over all people together"},
    ]
    if len(changes):
        tiles.insert(3, {
            "label": "how sure: saved a month", "value": usd_range(low, high, cents=False),
            "more": "if every change lands at the same end of its 80\N{NO-BREAK SPACE}% interval; "
                    f"chance of a loss: {percent(changes['chance_of_loss'].max())} for a change at "
                    "most",
            "wide": "wide"})
    return [{"more": "", "wide": ""} | tile for tile in tiles]


def _dates(plan: Plan) -> list[dict[str, str]]:
    """Return when to act: by when to begin what has an end, then the best days of the others."""
    bound = [text.partition(" for ") for name, text in facts_of(plan) if name == "begin by"]
    free = Counter(plan.changes.loc[plan.changes["apply_by"] == "", "best_date"])
    return [
        *({"what": "Begin by", "when": when, "which": f"for {which}"} for when, _, which in bound),
        *({"what": "Best on", "when": day, "which": f"for {counted(count, 'change')}"}
          for day, count in sorted(free.items())),
    ]


def _steps(analysis: Analysis) -> list[dict[str, str]]:
    """Return the commands to run next, each with what it does."""
    limits, basis = analysis.limits, analysis.plan.basis
    is_stored = analysis.commands is not None
    words = ["wsanalytics", "recommend"]
    words += (["--store", plain(basis.source if basis else "") or "STORE"] if is_stored else
              ["--sessions", "SESSIONS", "--workspaces", "WORKSPACES"])
    if limits.max_cold_starts_per_week is not None:
        words += ["--max-cold-starts-per-week", f"{limits.max_cold_starts_per_week:g}"]
    steps = [
        {"command": shlex.join([*words, "--output", "plan.json"]),
         "meaning": "Writes these changes as a plan; give it the options of this report."},
        {"command": "wsanalytics plan show plan.json", "meaning": "Shows it, to be checked."},
        {"command": "wsanalytics apply plan.json",
         "meaning": "A dry run; with --yes it changes AWS, and can be undone."},
    ]
    return steps if is_stored else steps[:2]


def _change_rows(changes: pd.DataFrame, workspaces: pd.DataFrame) -> list[dict[str, str]]:
    facts = workspaces.set_index("workspace_id")
    rows = []
    for row in changes.to_dict("records"):
        fact = facts.loc[row["workspace_id"]]
        rows.append(
            {
                "workspace_id": row["workspace_id"],
                "user": fact["user_name"],
                "bundle": f"{fact['compute_type']}, {fact['region']}",
                "from": row["from_setting"],
                "to": row["to_setting"],
                "saving": usd(row["saving_usd_per_month"]),
                "interval": usd_range(row["saving_low_usd"], row["saving_high_usd"]),
                "chance": percent(row["chance_of_loss"]),
                "waits": number(row["extra_cold_starts_per_week"], 1),
                "date": row["best_date"],
                "reason": row["reason"],
            }
        )
    return rows


def _cost_rows(costs: pd.DataFrame) -> list[dict[str, str]]:
    """Fixed and hourly parts rounded so that they add up to the rounded total."""
    rows = []
    for row in costs.to_dict("records"):
        fixed, hourly = round_parts([row["fixed_usd"], row["hourly_usd"]])
        rows.append(
            {"option": row["option"], "fixed": usd(fixed), "hourly": usd(hourly),
             "total": usd(fixed + hourly), "waits": number(row["cold_starts_per_week"])}
        )
    return rows


def _caution_rows(plan: Plan) -> list[dict[str, str]]:
    """Return what is left of the saving if only changes are made that are likely enough to save."""
    return [{"chance": percent(row["min_chance_of_saving"]) if row["min_chance_of_saving"] else
             "any", "changes": number(row["changes"]), "saving": usd(row["saving_usd_per_month"]),
             "given_up": usd(row["given_up_usd_per_month"])}
            for row in cost_of_caution(plan).to_dict("records")] if len(plan.changes) else []


def _left_alone_groups(plan: Plan) -> list[dict[str, Any]]:
    """Group what is left alone by kind of reason; the most frequent kind first."""
    left_alone, kinds = plan.left_alone, plan.kinds_left_alone
    groups = []
    for kind, count in Counter(kinds).most_common():
        rows = left_alone[kinds == kind]
        groups.append(
            {
                "kind": kind,
                "count": count,
                "more": max(0, count - MOST_ROWS),
                "rows": rows.head(MOST_ROWS)[["workspace_id", "from_setting", "reason"]].to_dict(
                    "records"
                ),
            }
        )
    return groups


def _limits(analysis: Analysis) -> str:
    limits = analysis.limits
    waits = limits.max_cold_starts_per_week
    return (
        f"settings tried: {', '.join(map(str, limits.candidates))} and each WorkSpace's own; "
        f"decided by {analysis.decision.policy}; "
        f"least saving {usd(limits.min_saving_usd)} a month; "
        + (f"least chance of saving {percent(limits.min_chance_of_saving)}; "
           if limits.min_chance_of_saving else "")
        + ("no limit of cold starts" if waits is None
           else f"at most {number(waits, 1)} cold starts a week")
    )


def _on_with_nobody(analysis: Analysis) -> list[tuple[str, str]]:
    """List who was on with nobody connected, or that sessions from files do not show it."""
    if analysis.commands is None:
        text = ("Sessions from files say nothing of WorkSpaces that jobs, administrators or other "
                "tools start; a store of samples does.")
        return [("Starts without a login are not in it", text)]
    present = analysis.comparison.drop_duplicates("workspace_id")
    busy = present[present["unattended_hours_per_month"] >= WORTH_A_WORD]
    if busy.empty:
        return []
    busy = busy.sort_values("unattended_hours_per_month", ascending=False)
    total = hours(busy["unattended_hours_per_month"].sum())
    title = (f"{counted(len(busy), 'WorkSpace')} on with nobody connected, {total} a month "
             "together that no session explains")
    return [(title, listed(busy["workspace_id"].tolist(), 50)
             + ". These hours are billed, and count in every AUTO_STOP setting.")]


def _doubts(analysis: Analysis) -> list[tuple[str, str]]:
    """List what makes the totals doubtful: titles, each with its WorkSpaces or the reason."""
    workspaces = analysis.workspaces
    notes = [("The data", f"{analysis.note}.")] if analysis.note else []
    if analysis.unpriced:
        count = counted(len(analysis.unpriced), "WorkSpace")
        notes.append((f"{count} without a known price, left out of all totals",
                      listed(analysis.unpriced, 50)))
    grown = analysis.prices.grown(workspaces)
    if len(grown):
        title = (f"{counted(len(grown), 'WorkSpace')} with volumes that no price names, priced by "
                 "the largest listed pair that fits and the GiB beyond it")
        notes.append((title, listed([f"{name} ({volumes_text(row.to_dict())})" for name, row in
                                     grown.iterrows()], 50)))
    for title, left_out in set_aside(workspaces).items():
        notes.append((f"{counted(len(left_out), 'WorkSpace')} {title}", listed(left_out, 50)))
    notes += _on_with_nobody(analysis)
    if analysis.gaps is not None and len(analysis.gaps):
        unknown = ("What happened then is not known: it counts neither as connected nor as free, "
                   "so real hours may be higher.")
        notes.append((_gap_text(analysis.gaps), unknown))
    if analysis.defaults:
        meant = {column.name: column.presence.removeprefix("optional: ")
                 for column in WORKSPACES.columns}
        used = "; ".join(f"{name}: {meant[name]} ({counted(rows, 'row')})"
                         for name, rows in analysis.defaults.items())
        notes.append(("Columns that were empty or missing, so that their defaults hold", used))
    return notes


def _in_short(titles: list[str]) -> str:
    """Return the first titles in one line, and how many more there are."""
    more = len(titles) - DOUBTS_IN_SHORT
    return "; ".join(titles[:DOUBTS_IN_SHORT]) + (f"; and {more:,} more" if more > 0 else "")


def _notes(analysis: Analysis) -> list[tuple[str, str]]:
    """List what else is to be known of single WorkSpaces."""
    workspaces = analysis.workspaces
    notes = []
    terminated = workspaces.loc[workspaces["terminated_at"].notna(), "workspace_id"].tolist()
    if terminated:
        count = counted(len(terminated), "WorkSpace")
        notes.append(
            (f"{count} terminated, left out of what a month costs", listed(terminated, 50))
        )
    if analysis.plan.unused:
        count = counted(len(analysis.plan.unused), "WorkSpace")
        notes.append((f"{count} that nobody used in the window", listed(_unused(analysis), 50)
                      + ". Whether they are needed at all is for their owners to say."))
    return notes + _remarks(analysis)


LONG_AGO = timedelta(days=28)
"""The time since the last connection from which a user is listed, whatever was sampled."""


def _unused(analysis: Analysis) -> list[str]:
    """Return the unused WorkSpaces, each with when AWS last knew its user to be connected."""
    if analysis.remarks is None:
        return list(analysis.plan.unused)
    last_connections = {
        name: analysis.remarks.last_connection(name) for name in analysis.plan.unused
    }
    return [
        f"{name} (last connected: {last})" if last else name
        for name, last in last_connections.items()
    ]


def _remarks(analysis: Analysis) -> list[tuple[str, str]]:
    """Guesses, replaced WorkSpaces, and licences that the prices do not hold."""
    remarks = analysis.remarks
    if remarks is None:
        return []
    ids = set(analysis.workspaces["workspace_id"])
    guessed = sorted(remarks.guessed & ids)
    replaced = [f"{after} for {before}" for after, before in remarks.replaces.items()
                if after in ids]
    licensed = sorted(set(remarks.applications) & ids)
    long_ago = [f"{name} ({remarks.last_connection(name)})"
                for name in remarks.long_ago(LONG_AGO) if name in ids]
    return [(f"{counted(len(names), 'WorkSpace')} {title}", f"{listed(names, 50)}. {why}")
            for names, title, why in (
        (guessed, "created on a day that is a guess",
         "It is the day of CloudWatch's first figures of them."),
        (replaced, "in place of one that is gone, of the same user",
         "What the former was used for is not counted for the latter."),
        (licensed, "with a licence for applications",
         "It costs more a month, and is not in these prices."),
        (long_ago, f"whose users were last connected {LONG_AGO.days} days ago or more, or never",
         "That is what AWS knows, also of the time before these samples."),
    ) if names]


def _gap_text(gaps: pd.DataFrame) -> str:
    length = (column_micros(gaps["to_at"]) - column_micros(gaps["from_at"])).sum()
    return (
        f"{counted(len(gaps), 'silence')} in which nobody looked, "
        f"{hours(length / MICROS_PER_HOUR)} over all WorkSpaces"
    )
