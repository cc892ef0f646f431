"""Everything about one WorkSpace in words and one small table, for whoever answers for it.

What it is, how it is used, what it costs under each setting, what is recommended and why, how sure
that is, when to change it, and what would change the advice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from textwrap import wrap
from zoneinfo import ZoneInfo

import pandas as pd

from wsanalytics.calendars import Zones
from wsanalytics.formatting import as_output, html_table, number, usd
from wsanalytics.recommendations import Analysis
from wsanalytics.safe_text import plain
from wsanalytics.sessions import usage_of
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.views.explain_rows import (
    Record,
    Row,
    advice_on,
    how_it_is_used,
    in_short,
    is_missing,
    what_it_costs,
    what_it_is,
    what_would_change,
)
from wsanalytics.views.usage import clock_zones
from wsanalytics.views.which import workspace_meant

WIDTH = 78
"""Columns that mail and ticket systems leave as they are."""
LABEL = 20
NUMBERS = ("USD a month", "billed hours", "cold starts a week")
IT_IS, USE, COSTS, ADVICE, ELSE = (
    "What it is", "How it is used", "What it costs a month", "Advice",
    "What would change the advice")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and the rows under it: a label and a text, or a sentence without a label."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One WorkSpace explained. Printed, it is plain text for a ticket.

    ``table`` has a row for each setting that was tried: setting, usd_per_month,
    billed_hours_per_month, cold_starts_per_week, note (present, proposed); it is empty for a
    WorkSpace that is not simulated.
    """

    workspace_id: str
    summary: str
    sections: tuple[Section, ...]
    table: pd.DataFrame

    @property
    def lines(self) -> list[str]:
        """The text, line by line."""
        lines_ = [
            f"WorkSpace {plain(self.workspace_id)}",
            *wrap(f"In short: {self.summary}.", WIDTH),
        ]
        for section in self.sections:
            lines_ += ["", section.title, *(line for row in section.rows for line in _written(row))]
            if section.title == COSTS and len(self.table):
                lines_ += ["", *_aligned(self.shown)]
        return lines_

    @property
    def shown(self) -> pd.DataFrame:
        """The table as people read it."""
        table = self.table
        billed = table["billed_hours_per_month"].map(lambda value: number(value, 1))
        return pd.DataFrame({
            "setting": table["setting"],
            "USD a month": table["usd_per_month"].map(usd),
            "billed hours": billed.mask(table["setting"] == str(ALWAYS_ON), "flat fee"),
            "cold starts a week": table["cold_starts_per_week"].map(lambda value: number(value, 1)),
            "": table["note"],
        })

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        return f"<Explanation of {self.workspace_id}>"

    def _repr_html_(self) -> str:
        parts = [f"<h4>WorkSpace {escape(plain(self.workspace_id))}</h4>",
                 f"<p>In short: {escape(self.summary)}.</p>"]
        for section in self.sections:
            text_lines = "<br>".join(escape(f"{label}: {text}" if label else text)
                               for label, text in section.rows)
            parts.append(f"<p><b>{escape(section.title)}</b><br>{text_lines}</p>")
            if section.title == COSTS and len(self.table):
                parts.append(html_table(self.shown, right=NUMBERS))
        return as_output("".join(parts))


def explain(analysis: Analysis, workspace_id: str, *, zones: Zones | None = None) -> Explanation:
    """Explain one WorkSpace by all that *analysis* (:func:`wsanalytics.analyse`) has on it.

    It is named by its id, or by its user's name where that user has no other. Hours of the day and
    weekdays are on the clock of its user (a column ``time_zone``, or *zones*, by default where its
    region stands), all else in UTC. Raises :class:`InputError`, with what comes close, for one
    that the fleet does not have.
    """
    fleet = analysis.workspaces
    workspace_id = workspace_meant(workspace_id, fleet)
    machine: Record = fleet[fleet["workspace_id"] == workspace_id].to_dict("records")[0]
    zone = ZoneInfo(clock_zones(fleet[fleet["workspace_id"] == workspace_id], zones).iloc[0])
    sessions, gaps = analysis.replay.sessions, analysis.gaps
    usage = usage_of(
        sessions[sessions["workspace_id"] == workspace_id],
        None if gaps is None else gaps[gaps["workspace_id"] == workspace_id],
        analysis.window, created_at=_instant(machine["created_at"]),
        terminated_at=_instant(machine["terminated_at"]), zone=zone)
    plan = analysis.plan.recommendations
    advice: Record = plan[plan["workspace_id"] == workspace_id].to_dict("records")[0]
    options = _options(analysis, workspace_id, advice) if usage.observed else []
    if options:  # as the reason counts them: the day of the creation is one
        usage = replace(usage, observed_days=options[0]["observed_days"],
                        unobserved_days=options[0]["unobserved_days"])
    lines_ = (
        (IT_IS, (*what_it_is(machine, advice["from_setting"]), *_known(analysis, workspace_id))),
        (f"{USE}, {analysis.window}", (*how_it_is_used(usage, str(zone)),
                                       *_last_connection(analysis, workspace_id))),
        (COSTS, what_it_costs(analysis, machine, options, usage)),
        (ADVICE, advice_on(advice)),
        (ELSE, what_would_change(analysis, machine, options, advice, usage)),
    )
    sections = tuple(Section(title, tuple(rows)) for title, rows in lines_)
    return Explanation(workspace_id, in_short(advice), sections, _table_of(options, advice))


def _known(analysis: Analysis, workspace_id: str) -> tuple[Row, ...]:
    remarks = analysis.remarks
    return () if remarks is None else tuple(remarks.rows_on(workspace_id))


def _last_connection(analysis: Analysis, workspace_id: str) -> tuple[Row, ...]:
    last = analysis.remarks.last_connection(workspace_id) if analysis.remarks else ""
    return (("last, by AWS", last),) if last else ()


def _options(analysis: Analysis, workspace_id: str, advice: Record) -> list[Record]:
    """Return its rows of the comparison: the present setting and those that may be proposed."""
    shown_settings = {*map(str, analysis.limits.candidates), advice["from_setting"]}
    compared = analysis.comparison
    of_workspace = compared[
        (compared["workspace_id"] == workspace_id) & compared["setting"].isin(shown_settings)
    ]
    return of_workspace.astype({"setting": "str"}).to_dict("records")


def _table_of(options: list[Record], advice: Record) -> pd.DataFrame:
    notes = {advice["to_setting"]: "proposed", advice["from_setting"]: "present"}
    columns = ["setting", "usd_per_month", "billed_hours_per_month", "cold_starts_per_week"]
    table = pd.DataFrame(options, columns=columns)
    return table.assign(note=table["setting"].map(notes).fillna("").astype("str"))


def _instant(at: pd.Timestamp) -> datetime | None:
    return None if is_missing(at) else at.to_pydatetime()


def _written(row: Row) -> list[str]:
    """Return a row as lines of a ticket, the label once and the text beside it."""
    label, text = row
    indent = LABEL if label else 2
    lines = wrap(text, WIDTH - indent, break_on_hyphens=False) or [""]
    first = f"  {label}".ljust(LABEL) if label else "  "
    return [first + lines[0], *(" " * indent + line for line in lines[1:])]


def _aligned(table: pd.DataFrame) -> list[str]:
    """Return a small table in plain text.

    The first and the last column to the left, numbers right.
    """
    rows = [list(table.columns), *table.to_numpy(dtype=object).tolist()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    last = len(widths) - 1
    return ["  " + "  ".join(
        cell.ljust(width) if column in (0, last) else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows]
