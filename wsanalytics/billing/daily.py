"""What each WorkSpace of a fleet did on each UTC day: the memory that policies decide from.

Everything about a day is known when it ends: of a run that goes on, a day has the hours billed up
to its midnight, and the next day those that come on top. So what is told of the days before a
moment does not change with what happens after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.billing.hour_rules import HourRule, hours_of, session_hours, tool_edges
from wsanalytics.schedule import START as START_ORDER
from wsanalytics.sessions import LocalDays, Minutes, first_minutes
from wsanalytics.simulation import (
    START,
    STOP,
    Codes,
    Commands,
    Runs,
    replay_constant,
    replay_with_commands,
)
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    MICROS_PER_MINUTE,
    Hours,
    Micros,
    Window,
    column_micros,
    cut,
    instants,
    months_of,
)

RUNS, TOOL = "runs", "tool"


@dataclass(frozen=True, slots=True, eq=False)
class DailyUse:
    """The sessions of a fleet, in the order of WorkSpace and time, and what they come to a day.

    ``ids`` are its WorkSpaces; ``workspace`` numbers them in the flat arrays of sessions.
    ``window`` is made of whole UTC days; ``edges`` are its midnights. ``starts`` are starts and
    stops that were observed beside the sessions: hours count them, arrivals do not. Tables are
    arrays with a row a WorkSpace and a column a day.
    """

    ids: pd.Index
    workspace: Codes
    connects: Micros
    disconnects: Micros
    window: Window
    rule: HourRule
    starts: Commands | None = None
    _hours: dict[tuple[str, int], tuple[Hours, Hours]] = field(default_factory=dict)
    _came: dict[ZoneInfo, tuple[LocalDays, Minutes]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, sessions: pd.DataFrame, ids: pd.Index, window: Window, rule: HourRule,
        commands: pd.DataFrame | None = None,
    ) -> DailyUse:
        """The days of *window*; *sessions* are a checked ``sessions`` table, cut to it here.

        *commands* are a checked ``commands`` table of starts and stops that were observed.
        """
        owner = ids.get_indexer(pd.Index(sessions["workspace_id"])).astype(np.int64)
        start, end = window.micros
        connects = np.maximum(column_micros(sessions["connected_at"]), start)
        disconnects = np.minimum(column_micros(sessions["disconnected_at"]), end)
        kept = (connects < disconnects) & (owner >= 0)
        return cls(ids, owner[kept], connects[kept], disconnects[kept], window, rule,
                   _observed(commands, ids, window))

    def some(self, rows: npt.NDArray[np.int64]) -> DailyUse:
        """The same for the WorkSpaces *rows* alone (ascending)."""
        place = np.full(len(self.ids), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        owner = place[self.workspace]
        kept = owner >= 0
        starts = self.starts
        if starts is not None:
            ordered = place[starts.workspace] >= 0
            starts = Commands(starts.opening[rows], place[starts.workspace[ordered]],
                            starts.at[ordered], starts.what[ordered])
        return DailyUse(self.ids[rows], owner[kept], self.connects[kept], self.disconnects[kept],
                    self.window, self.rule, starts)

    def with_visits(self) -> DailyUse:
        """The same with each observed start as a session of no length, and no orders.

        For what can only reckon with sessions: it costs the same unless a start finds the
        WorkSpace on, where a session would set its timer anew.
        """
        if self.starts is None:
            return self
        begun = self.starts.what == START
        owner, at = self.starts.workspace[begun], self.starts.at[begun]
        keys = np.lexsort((self.connects, self.workspace))  # they are in this order already
        busy = _within(owner, at, self.workspace[keys], self.connects[keys],
                       self.disconnects[keys])
        owner, at = owner[~busy], at[~busy]
        workspace = np.concatenate([self.workspace, owner])
        connects = np.concatenate([self.connects, at])
        order = np.lexsort((connects, workspace))
        return DailyUse(self.ids, workspace[order], connects[order],
                    np.concatenate([self.disconnects, at + 1])[order], self.window, self.rule)

    @property
    def edges(self) -> Micros:
        """The midnights: the first instant of each day, and the end of the last."""
        start, end = self.window.micros
        return np.arange(start, end + 1, MICROS_PER_DAY, dtype=np.int64)

    @property
    def shape(self) -> tuple[int, int]:
        """How many WorkSpaces and how many days."""
        start, end = self.window.micros
        return len(self.ids), (end - start) // MICROS_PER_DAY

    def hours(self, minutes: int) -> Hours:
        """The hours billed on each day in AUTO_STOP with a timeout of *minutes*."""
        return self._counted(minutes)[0]

    def cold_starts(self, minutes: int) -> Hours:
        """The cold starts on each day in AUTO_STOP with a timeout of *minutes*."""
        return self._counted(minutes)[1]

    def connected_at_midnight(self) -> npt.NDArray[np.bool_]:
        """Whether somebody is connected as each day begins, and was before."""
        pieces = cut(self.connects, self.disconnects, self.edges)
        goes_on = np.zeros(len(pieces.source), dtype=bool)
        goes_on[1:] = pieces.source[1:] == pieces.source[:-1]
        at_work = np.zeros(self.shape, dtype=bool)
        at_work[self.workspace[pieces.source[goes_on]], pieces.span[goes_on]] = True
        return at_work

    def first_minutes(self, zone: ZoneInfo) -> tuple[LocalDays, Minutes]:
        """The days on the clock in *zone*, and at which minute of each somebody came first."""
        if zone not in self._came:
            days = LocalDays.within(self.window.start, self.window.end, zone)
            self._came[zone] = days, first_minutes(
                self.workspace, self.connects, len(self.ids), days)
        return self._came[zone]

    def frame(self, until: int) -> pd.DataFrame:
        """The sessions that began before the instant *until*, cut there: a ``sessions`` table."""
        kept = self.connects < until
        return pd.DataFrame({
            "workspace_id": self.ids[self.workspace[kept]],
            "connected_at": instants(self.connects[kept]),
            "disconnected_at": instants(np.minimum(self.disconnects[kept], until)),
        })

    def _counted(self, minutes: int) -> tuple[Hours, Hours]:
        if (RUNS, minutes) not in self._hours:
            runs = self._runs(minutes * MICROS_PER_MINUTE)
            day = (runs.connects - self.edges[0]) // MICROS_PER_DAY
            cold = self._summed(runs.waiting, day, np.ones(len(day)))
            if self.rule is HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT:
                hours = self.cost_optimizer_hours(minutes)
            else:
                hours = self._running(runs.workspace, runs.starts, runs.stops)
            self._hours[RUNS, minutes] = hours, cold
        return self._hours[RUNS, minutes]

    def _runs(self, timeout: int) -> Runs:
        sessions = self.workspace, self.connects, self.disconnects
        if self.starts is None:
            return replay_constant(*sessions, timeout, self.window.micros)
        opening = np.full(len(self.ids), timeout, dtype=np.int64)
        return replay_with_commands(*sessions, timeout, replace(self.starts, opening=opening),
                              self.window.micros)

    def _running(self, workspace: Codes, starts: Micros, stops: Micros) -> Hours:
        """The hours of runs, a month's piece rounded by itself, told day by day."""
        months = cut(starts, stops, months_of(self.window).edges)
        pieces = cut(months.starts, months.stops, self.edges)
        owner = workspace[months.source[pieces.source]]
        if self.rule is HourRule.CEIL_PER_RUN:
            since = months.starts[pieces.source]
            hours = (np.ceil((pieces.stops - since) / MICROS_PER_HOUR)
                     - np.ceil((pieces.starts - since) / MICROS_PER_HOUR))
        else:
            hours = hours_of(pieces, owner * self.shape[1] + pieces.span, self.rule)
        return self._summed(owner, pieces.span, hours)

    def cost_optimizer_hours(self, minutes: int) -> Hours:
        """The hours as AWS's own tool counts them: each of its days on the day on which it ends.

        Its days end at 23:00 UTC, and with the month.
        """
        return self._counted_by_tool(minutes, tool_edges(self._months))

    def tool_run_hours(self, minutes: int) -> Hours:
        """What AWS's own tool sees as it runs at 23:00 UTC: no last hour of any month."""
        if (TOOL, minutes) not in self._hours:
            edges = tool_edges(self._months)
            self._hours[TOOL, minutes] = (
                self._counted_by_tool(minutes, edges, lambda ends: ends % MICROS_PER_DAY != 0),
                np.empty(0))
        return self._hours[TOOL, minutes][0]

    def tool_last_hours(self, minutes: int) -> Hours:
        """What the hour from 23:00 UTC on counts as on each day if hours are free from its end."""
        edges = np.unique(np.concatenate([tool_edges(self._months), self.edges]))
        return self._counted_by_tool(minutes, edges, lambda ends: ends % MICROS_PER_DAY == 0)

    @property
    def _months(self) -> Micros:
        return np.clip(months_of(self.window).edges, *self.window.micros)

    def _counted_by_tool(
        self, minutes: int, edges: Micros,
        wanted: Callable[[Micros], npt.NDArray[np.bool_]] | None = None,
    ) -> Hours:
        pieces = cut(self.connects, self.disconnects, edges)
        owner = self.workspace[pieces.source]
        timeout = np.full(len(owner), minutes * MICROS_PER_MINUTE, dtype=np.int64)
        first, hours = session_hours(pieces, owner * len(edges) + pieces.span, timeout)
        ends = edges[pieces.span + 1][first]
        kept = np.ones(len(ends), dtype=bool) if wanted is None else wanted(ends)
        day = (ends[kept] - 1 - self.edges[0]) // MICROS_PER_DAY
        return self._summed(owner[first][kept], day, hours[kept])

    def _summed(self, owner: Codes, day: Codes, what: npt.NDArray[np.float64]) -> Hours:
        rows, columns = self.shape
        total = np.bincount(owner * columns + day, weights=what, minlength=rows * columns)
        return total.astype(np.float64).reshape(rows, columns)


def _observed(commands: pd.DataFrame | None, ids: pd.Index, window: Window) -> Commands | None:
    """Give the *commands* of the WorkSpaces *ids* within *window* as flat arrays; None if none.

    They are in the order of WorkSpace and time.
    """
    if commands is None or commands.empty:
        return None
    owner = ids.get_indexer(pd.Index(commands["workspace_id"])).astype(np.int64)
    at, (start, end) = column_micros(commands["at"]), window.micros
    kept = np.flatnonzero((owner >= 0) & (at >= start) & (at < end))
    kept = kept[np.argsort(owner[kept], kind="stable")]
    what = np.where(commands["order"].to_numpy() == START_ORDER, START, STOP)[kept]
    return Commands(np.zeros(len(ids), dtype=np.int64), owner[kept], at[kept],
                  what.astype(np.int64)) if len(kept) else None


def _within(
    owner: Codes, at: Micros, workspace: Codes, starts: Micros, ends: Micros
) -> npt.NDArray[np.bool_]:
    """Which instants lie in a session of their WorkSpace, its edges included."""
    inside = np.zeros(len(at), dtype=bool)
    low = np.searchsorted(workspace, owner, side="left")
    high = np.searchsorted(workspace, owner, side="right")
    for place, (first, last) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        before = first + int(np.searchsorted(starts[first:last], at[place], side="right")) - 1
        inside[place] = before >= first and bool(at[place] <= ends[before])
        after = before + 1  # it is one microsecond long and must not reach the next session
        inside[place] |= after < last and bool(starts[after] <= at[place] + 1)
    return inside
