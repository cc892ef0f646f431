"""Everything about one WorkSpace in a notebook: in words, in pictures, session by session."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from ipywidgets import Dropdown, HBox, Layout, VBox

from wsanalytics.calendars import Zones
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted, html_table
from wsanalytics.history import History, sample_folder
from wsanalytics.recommendations import Analysis
from wsanalytics.tables import SESSIONS
from wsanalytics.timeline import Window
from wsanalytics.views import (
    COSTS,
    NUMBERS,
    SHOWN_DAYS,
    Evidence,
    Explanation,
    explain,
    workspace_meant,
)
from wsanalytics.widgets.base import Showable, facts, html, text
from wsanalytics.widgets.kept import as_analysis, as_fleet
from wsanalytics.widgets.table import Column, Table
from wsanalytics.widgets.why import cost, timeline, week

BOTH, ALL = "today's and the proposed setting", "all settings"
SESSION_COLUMNS = (
    Column("connected", "connected", width=170),
    Column("disconnected", "disconnected", width=170),
    Column("hours", "hours", "number"),
    Column("unsure_minutes", "may be off by, min", "number", 150,
           "how far its start and end may be off together, minutes", leaves=1),
    Column("revealed", "seen by", width=220, leaves=2),
)


class OneWorkspace(Showable, VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One WorkSpace: what it is, how it is used and what it costs; made by :func:`look_at`.

    ``explanation`` is the text (:class:`~wsanalytics.views.Explanation`), ``sessions`` the
    frame of its sessions.
    """

    def __init__(self, analysis: Analysis, workspace_id: str, zones: Zones) -> None:
        self.analysis, self.workspace_id = analysis, workspace_id
        self.evidence = Evidence.of(analysis, zones)
        self.zone = self.evidence.zone(workspace_id)
        self.explanation: Explanation = explain(
            analysis, workspace_id, zones=Zones.of(self.zone, ()))
        self.sessions = self.evidence.sessions(workspace_id)
        advice = analysis.plan.recommendations
        self._advice = advice[advice["workspace_id"] == workspace_id].iloc[0]
        self.words = html(_in_html(self.explanation))
        parts: list[Any] = [self.words, html(self._cost_and_week())]
        if len(self.sessions):
            parts += [self._chooser(), self.line, self._table()]
            self._draw()
        super().__init__(parts)
        self.add_class("wsanalytics-one")

    def _settings(self) -> tuple[str, ...]:
        """Return the present setting and, if there is one, the proposed one."""
        pair = self._advice[["from_setting", "to_setting"]].tolist()
        return tuple(dict.fromkeys(filter(None, pair)))

    def _cost_and_week(self) -> str:
        options = self.evidence.options(self.workspace_id)
        pictures = []
        if len(options):
            pictures.append(cost(options, str(self._advice["to_setting"]), self.evidence))
        if len(self.sessions):
            pictures.append(week(self.workspace_id, self.evidence))
        return "".join(pictures)

    def _chooser(self) -> HBox:
        busiest, whole = self.evidence.busiest(self.workspace_id), self.analysis.window
        options = [(f"the busiest two weeks: {_days(busiest)}", busiest)]
        start = whole.end
        while start > whole.start:
            start, end = max(whole.start, start - timedelta(days=SHOWN_DAYS)), start
            options.append((_days(Window(start, end)), Window(start, end)))
        wide: dict[str, Any] = {"style": {"description_width": "initial"}}
        self.days = Dropdown(options=options, value=busiest, description="Days:",
                             layout=Layout(width="420px"), **wide)
        self.settings = Dropdown(options=[BOTH, ALL], description="Under:",
                                 layout=Layout(width="330px"), **wide)
        self.line = html()
        for control in (self.days, self.settings):
            control.observe(lambda _: self._draw(), "value")
        return HBox([self.days, self.settings])

    def _draw(self) -> None:
        settings = self._settings() if self.settings.value == BOTH else ()
        self.line.value = timeline(self.workspace_id, self.evidence, settings, self.days.value)

    def _table(self) -> Table:
        rows = self.sessions.reindex(columns=list(SESSIONS.names))
        unsure = rows["start_uncertain_minutes"] + rows["end_uncertain_minutes"]
        lasted = rows["disconnected_at"] - rows["connected_at"]
        sources = {True: "AWS's last known connection", False: "samples"}
        frame = pd.DataFrame({
            "connected": _clock(rows["connected_at"], self.zone),
            "disconnected": _clock(rows["disconnected_at"], self.zone),
            "hours": lasted.dt.total_seconds() / 3600,
            "unsure_minutes": unsure.astype("float64"),
            "revealed": rows["revealed"].astype("object").map(sources),
        })
        label = f"sessions of {self.workspace_id}, clock of {self.zone}"
        return Table(frame, SESSION_COLUMNS, label=label, height=260,
                     sort=("connected", "descending"))

    def static_html(self) -> str:
        """Return text and pictures."""
        parts = [self.words.value, self._cost_and_week()]
        if len(self.sessions):
            parts.append(timeline(self.workspace_id, self.evidence, self._settings()))
        return "".join(parts)

    def static_text(self) -> str:
        """Return the text for a ticket."""
        return str(self.explanation)

    def __repr__(self) -> str:
        return (f"<OneWorkspace {self.workspace_id}, {counted(len(self.sessions), 'session')}, "
                f"clock of {self.zone}>")


def look_at(
    workspace_id: str, of: Analysis | History | Path | str | None = None, *,
    zones: Zones | None = None,
) -> OneWorkspace:
    """Everything about one WorkSpace: what it is, its use, its costs, the advice, its sessions.

    It is named by its id, or by its user's name where that user has no other.
    *of* is the fleet: what :func:`wsanalytics.analyse` gave, a :class:`History`, or the folder of a
    store; without it, the sample fleet. Hours are on the clock of its user: a column ``time_zone``
    of the ``workspaces`` table, or *zones* (default: that of the AWS region). Raises
    :class:`InputError`, with what comes close, for an id that the fleet does not have, and where
    the two stand in the other order.
    """
    _refuse_other_order(workspace_id, of)
    fleet = as_fleet(sample_folder() if of is None else of)
    workspace_id = workspace_meant(workspace_id, fleet.workspaces)
    return OneWorkspace(as_analysis(fleet), workspace_id, zones or Zones.of_regions())


def _refuse_other_order(workspace_id: object, of: object) -> None:
    """Raise :class:`InputError` where the fleet stands first, or what stands there is no text."""
    is_last = isinstance(of, str) and of.startswith("ws-") and not Path(of).exists()
    if isinstance(workspace_id, str) and not is_last:
        return
    given = repr(workspace_id) if isinstance(workspace_id, str) else type(workspace_id).__name__
    raise InputError(
        f"{given} stands where the WorkSpace's id belongs", where="look_at",
        rule="the order is look_at(workspace_id, of)",
        fix=f"write look_at({of!r}, …)" if is_last else "write the id first, as text: 'ws-…'")


def _in_html(explanation: Explanation) -> str:
    """Return the explanation as a page, names beside what they hold."""
    parts = [f"<h4 style='margin:6px 0'>WorkSpace {text(explanation.workspace_id)}</h4>",
             f"<p style='margin:4px 0'>In short: {text(explanation.summary)}.</p>"]
    for section in explanation.sections:
        parts.append(f"<p style='margin:10px 0 0'><b>{text(section.title)}</b></p>")
        parts += [f"<p style='margin:2px 0'>{text(text_)}</p>"
                  for label, text_ in section.rows if not label]
        parts.append(facts([row for row in section.rows if row[0]]))
        if section.title == COSTS and len(explanation.table):
            parts.append(html_table(explanation.shown, right=NUMBERS))
    return "".join(parts)


def _days(window: Window) -> str:
    last = window.end - timedelta(microseconds=1)
    return f"{window.start:%Y-%m-%d} to {last:%Y-%m-%d}"


def _clock(column: pd.Series, zone: str) -> pd.Series:
    texts: pd.Series = column.dt.tz_convert(zone).dt.strftime("%Y-%m-%d %H:%M %Z")
    return texts.astype("str")
