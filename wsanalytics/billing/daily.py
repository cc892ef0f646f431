"""Summarise the use of each WorkSpace on each UTC day: the past that policies decide from.

Everything about a day is known when it ends: a day has the hours that a run has billed up
to its midnight, and the next day those that come on top. So the figures of the days before a
moment do not change with what happens after it.
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

    ``ids`` are its WorkSpaces; ``workspace`` numbers them in the flat arrays of sessions, an entry
    a session.
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
    _first_connects: dict[ZoneInfo, tuple[LocalDays, Minutes]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, sessions: pd.DataFrame, ids: pd.Index, window: Window, rule: HourRule,
        commands: pd.DataFrame | None = None,
    ) -> DailyUse:
        """Take the days of *window*; *sessions* are a checked ``sessions`` table, cut to it here.

        *commands* are a checked ``commands`` table of starts and stops that were observed.
        """
        owner = ids.get_indexer(pd.Index(sessions["workspace_id"])).astype(np.int64)
        start, end = window.micros
        connects = np.maximum(column_micros(sessions["connected_at"]), start)
        disconnects = np.minimum(column_micros(sessions["disconnected_at"]), end)
        inside = (connects < disconnects) & (owner >= 0)
        return cls(ids, owner[inside], connects[inside], disconnects[inside], window, rule,
                   _observed(commands, ids, window))

    def for_workspaces(self, rows: npt.NDArray[np.int64]) -> DailyUse:
        """Return the same for the WorkSpaces *rows* alone (ascending)."""
        new_row = np.full(len(self.ids), -1, dtype=np.int64)
        # new_row: the new number of each old row; -1 for rows that are left out.
        new_row[rows] = np.arange(len(rows))
        owner = new_row[self.workspace]
        is_wanted = owner >= 0
        starts = self.starts
        if starts is not None:
            ordered = new_row[starts.workspace] >= 0
            starts = Commands(starts.opening[rows], new_row[starts.workspace[ordered]],
                            starts.at[ordered], starts.what[ordered])
        return DailyUse(
            self.ids[rows],
            owner[is_wanted],
            self.connects[is_wanted],
            self.disconnects[is_wanted],
            self.window,
            self.rule,
            starts,
        )

    def with_visits(self) -> DailyUse:
        """Return the same with each observed start as a session of no length, and no commands.

        For what can only use sessions: it costs the same unless a start finds the
        WorkSpace on, where a session would set its timer anew.
        """
        if self.starts is None:
            return self
        is_start = self.starts.what == START
        owner, at = self.starts.workspace[is_start], self.starts.at[is_start]
        # _within() searches, so its sessions must be sorted by WorkSpace and time.
        keys = np.lexsort((self.connects, self.workspace))  # they are in this order already
        busy = _within(owner, at, self.workspace[keys], self.connects[keys],
                       self.disconnects[keys])
        owner, at = owner[~busy], at[~busy]
        workspace = np.concatenate([self.workspace, owner])
        connects = np.concatenate([self.connects, at])
        order = np.lexsort((connects, workspace))
        return DailyUse(self.ids, workspace[order], connects[order],
                    # One microsecond long: a session needs a length, and this one is under any unit
                    # of billing.
                    np.concatenate([self.disconnects, at + 1])[order], self.window, self.rule)

    @property
    def edges(self) -> Micros:
        """The midnights in microseconds: the first instant of each day, and the end of the last."""
        start, end = self.window.micros
        return np.arange(start, end + 1, MICROS_PER_DAY, dtype=np.int64)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of WorkSpaces, and of days."""
        start, end = self.window.micros
        return len(self.ids), (end - start) // MICROS_PER_DAY

    def hours(self, minutes: int) -> Hours:
        """Return the hours billed on each day in AUTO_STOP with a timeout of *minutes*."""
        return self._counted(minutes)[0]

    def cold_starts(self, minutes: int) -> Hours:
        """Return the cold starts on each day in AUTO_STOP with a timeout of *minutes*."""
        return self._counted(minutes)[1]

    def connected_at_midnight(self) -> npt.NDArray[np.bool_]:
        """Mark the days at whose beginning somebody is connected, and was before."""
        pieces = cut(self.connects, self.disconnects, self.edges)
        goes_on = np.zeros(len(pieces.source), dtype=bool)
        # A second piece of the same session begins at a midnight with the user connected.
        goes_on[1:] = pieces.source[1:] == pieces.source[:-1]
        at_work = np.zeros(self.shape, dtype=bool)
        at_work[self.workspace[pieces.source[goes_on]], pieces.span[goes_on]] = True
        return at_work

    def first_minutes(self, zone: ZoneInfo) -> tuple[LocalDays, Minutes]:
        """Return the days on the clock in *zone*, and the minute of the first connect on each."""
        if zone not in self._first_connects:
            days = LocalDays.within(self.window.start, self.window.end, zone)
            self._first_connects[zone] = days, first_minutes(
                self.workspace, self.connects, len(self.ids), days)
        return self._first_connects[zone]

    def frame(self, until: int) -> pd.DataFrame:
        """Return the sessions that began before the instant *until*, cut there.

        A ``sessions`` table.
        """
        has_begun = self.connects < until
        return pd.DataFrame({
            "workspace_id": self.ids[self.workspace[has_begun]],
            "connected_at": instants(self.connects[has_begun]),
            "disconnected_at": instants(np.minimum(self.disconnects[has_begun], until)),
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
        """Return the hours of runs by day, a month's piece rounded by itself."""
        # Two cuts: by month, where rounding begins anew, then by day. source leads back to run and
        # piece.
        months = cut(starts, stops, months_of(self.window).edges)
        pieces = cut(months.starts, months.stops, self.edges)
        owner = workspace[months.source[pieces.source]]
        # Rounded up once per run: a day has the whole hours begun up to its end, less those up to
        # its start.
        if self.rule is HourRule.CEIL_PER_RUN:
            since = months.starts[pieces.source]
            hours = (np.ceil((pieces.stops - since) / MICROS_PER_HOUR)
                     - np.ceil((pieces.starts - since) / MICROS_PER_HOUR))
        else:
            hours = hours_of(pieces, owner * self.shape[1] + pieces.span, self.rule)
        return self._summed(owner, pieces.span, hours)

    def cost_optimizer_hours(self, minutes: int) -> Hours:
        """Count the hours as AWS's own tool does: each of its days on the day on which it ends.

        Its days end at 23:00 UTC, and with the month.
        """
        return self._counted_by_tool(minutes, tool_edges(self._months))

    def tool_run_hours(self, minutes: int) -> Hours:
        """Count the hours that AWS's own tool sees as it runs at 23:00 UTC.

        No last hour of any month.
        """
        if (TOOL, minutes) not in self._hours:
            edges = tool_edges(self._months)
            self._hours[TOOL, minutes] = (
                self._counted_by_tool(minutes, edges, lambda ends: ends % MICROS_PER_DAY != 0),
                np.empty(0))
        return self._hours[TOOL, minutes][0]

    def tool_last_hours(self, minutes: int) -> Hours:
        """Count the last hour of each day, from 23:00 UTC on, where hours are free from its end."""
        # Cut at midnight as well, so that the pieces that end there are the hour from 23:00 on.
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
        is_wanted = np.ones(len(ends), dtype=bool) if wanted is None else wanted(ends)
        # The tool's day is that of its last instant: an end at midnight belongs to the day before.
        day = (ends[is_wanted] - 1 - self.edges[0]) // MICROS_PER_DAY
        return self._summed(owner[first][is_wanted], day, hours[is_wanted])

    def _summed(self, owner: Codes, day: Codes, what: npt.NDArray[np.float64]) -> Hours:
        rows, columns = self.shape
        # One cell for each WorkSpace and day, row-major, so that reshape gives the table.
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
    order = np.flatnonzero((owner >= 0) & (at >= start) & (at < end))
    order = order[np.argsort(owner[order], kind="stable")]
    what = np.where(commands["order"].to_numpy() == START_ORDER, START, STOP)[order]
    return Commands(np.zeros(len(ids), dtype=np.int64), owner[order], at[order],
                  what.astype(np.int64)) if len(order) else None


def _within(
    owner: Codes, at: Micros, workspace: Codes, starts: Micros, ends: Micros
) -> npt.NDArray[np.bool_]:
    """Mark the instants that lie in a session of their WorkSpace, its edges included."""
    inside = np.zeros(len(at), dtype=bool)
    # low:high are the sessions of each instant's WorkSpace; both arrays have an entry an instant.
    low = np.searchsorted(workspace, owner, side="left")
    high = np.searchsorted(workspace, owner, side="right")
    for index, (first, last) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        before = first + int(np.searchsorted(starts[first:last], at[index], side="right")) - 1
        inside[index] = before >= first and bool(at[index] <= ends[before])
        after = before + 1  # it is one microsecond long and must not reach the next session
        inside[index] |= after < last and bool(starts[after] <= at[index] + 1)
    return inside
