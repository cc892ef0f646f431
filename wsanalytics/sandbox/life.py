"""The life of one WorkSpace: its user comes and goes, orders arrive, and its machine follows.

Nothing happens until somebody looks: :meth:`Life.advance` draws the user's sessions as far as the
clock has come and lets them happen. What has happened is kept in flat arrays of microseconds, so
that ten thousand lives fit into memory.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from wsanalytics.people import Sessions
from wsanalytics.sandbox.interventions import Meddling
from wsanalytics.settings import Setting
from wsanalytics.simulation import Event, EventKind, Machine
from wsanalytics.timeline import LATEST, Micros, Window, to_micros

DRAWN_AT_A_TIME = timedelta(days=10)
"""The days of sessions that are drawn at a time once the first draw is used up."""
MAINTENANCE_AGE = timedelta(days=7)
"""A WorkSpace has to be older than this to be started for maintenance."""
_AHEAD = timedelta(minutes=2)
_INSTANT = timedelta(microseconds=1)
_WORDS = {EventKind.START_REQUESTED: "START", EventKind.STOP_REQUESTED: "STOP"}


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of time that do not touch, ascending, in microseconds since the epoch."""

    starts: Micros
    ends: Micros


def third_monday(day: datetime) -> datetime:
    """00:00 UTC of the third Monday of the month that *day* lies in."""
    first = datetime(day.year, day.month, 1, tzinfo=UTC)
    return first + timedelta(days=-first.weekday() % 7 + 14)


def maintenance_days(window: Window) -> list[datetime]:
    """00:00 UTC of every third Monday within *window*."""
    days, month = [], window.start.replace(day=1)
    while month < window.end:
        day = third_monday(month)
        if window.start <= day < window.end:
            days.append(day)
        month = (month + timedelta(days=32)).replace(day=1)
    return days


class Life:
    """The life of one WorkSpace, from *born_at* on, under *setting* at first.

    *draw* gives its user's sessions within a window; the first draw reaches to *first_draw*, and
    what follows does not depend on when anybody looks. *maintained_from* is when maintenance may
    first start it, None if its directory has none; *meddling* is what others do to it. Times in
    arrays are microseconds.
    """

    def __init__(
        self,
        draw: Callable[[Window], Sessions],
        setting: Setting,
        born_at: datetime,
        first_draw: datetime,
        maintained_from: datetime | None = None,
        meddling: Meddling | None = None,
    ) -> None:
        self._meddling = meddling or Meddling()
        self.machine = Machine(setting, born_at, stops_at=self._meddling.stops_at)
        self.born_at = born_at
        self.ended_at: datetime | None = None
        self.settings: list[tuple[datetime, Setting]] = [(born_at, setting)]
        self.orders: list[tuple[datetime, str]] = []
        self.came, self.left = array("q"), array("q")
        self.connected_since: int | None = None
        self.run_starts, self.run_stops = array("q"), array("q")
        self.cold_starts: array[int] = array("q")
        self.maintained: list[datetime] = []
        self._draw, self._maintained_from = draw, maintained_from
        self._drawn_to, self._is_open = born_at, False
        self._next_draw = max(first_draw, born_at + DRAWN_AT_A_TIME)
        self._comes: deque[datetime] = deque()
        self._acted_at = born_at - _INSTANT

    def advance(self, now: datetime) -> None:
        """Let everything up to *now* happen, unless the WorkSpace has ended."""
        if self.ended_at is not None:
            return
        # Drawn some time ahead, as next_connect() has to know the user's next connect.
        while self._drawn_to <= now + _AHEAD and self._drawn_to < LATEST:
            self._draw_to(min(self._next_draw, LATEST))
            self._next_draw += DRAWN_AT_A_TIME
        queue = self.machine.queue
        if queue and queue[0].at <= now:
            self.machine.advance(now)
            self._take_over()
        while self._comes and self._comes[0] <= now:
            self._comes.popleft()

    def next_connect(self) -> datetime | None:
        """Return the next connect of the user, as far as that is drawn."""
        return self._comes[0] if self._comes else None

    def order(self, kind: EventKind, now: datetime, setting: Setting | None = None) -> datetime:
        """Somebody orders something *now*; two orders never fall on one instant."""
        # One instant later than the last command: the order of events at one instant is fixed by
        # kind.
        at = max(now, self._acted_at + _INSTANT)
        self.advance(at)
        self._note(at, kind, setting)
        self.machine.expect(at, kind, setting)
        self.machine.advance(at)
        self._take_over()
        return at

    def plan(self, kind: EventKind, at: datetime, setting: Setting | None = None) -> None:
        """Something is ordered for a moment that :meth:`advance` has not reached yet."""
        self._note(at, kind, setting)
        self.machine.expect(at, kind, setting)

    def drop_connection(self, now: datetime) -> None:
        """Whoever is connected is disconnected, and will not come back in this session."""
        self.advance(now)
        self.machine.expect(now, EventKind.DISCONNECT)
        self.machine.advance(now)
        self._take_over()

    def end(self, now: datetime) -> None:
        """The WorkSpace is terminated."""
        self.advance(now)
        self.machine.expect(now, EventKind.WINDOW_CLOSES)
        self.machine.advance(now)
        self._take_over()
        if self.connected_since is not None:
            self._close_session(to_micros(now))
        self.orders = [(at, order) for at, order in self.orders if at <= now]
        self.ended_at = now

    def setting_at(self, at: datetime) -> Setting:
        """Return the setting in force at an instant; a change at that very instant is in force."""
        settings = [setting for since, setting in self.settings if since <= at]
        return settings[-1] if settings else self.settings[0][1]

    @property
    def last_left(self) -> int | None:
        """The last disconnect of the user, in microseconds; None: never yet."""
        return self.left[-1] if self.left else None

    def connected(self, now: datetime) -> Intervals:
        """Return when the user was connected; a session in progress is cut at *now*."""
        return _intervals(self.came, self.left, self.connected_since, now)

    def runs(self, now: datetime) -> Intervals:
        """Return the runs that are metered; one in progress is cut at *now*."""
        since = self.machine.running_since
        return _intervals(
            self.run_starts, self.run_stops, None if since is None else to_micros(since), now
        )

    def switched_on(self, now: datetime) -> Intervals:
        """Return when it was switched on, metered or not; cut at *now*."""
        runs = self.runs(now)
        end = min(now, self.ended_at or now)
        # ALWAYS_ON is switched on without any run: such times are added to the runs.
        flat = [
            (to_micros(since), to_micros(until))
            for (since, setting), until in zip(
                self.settings, [*(at for at, _ in self.settings[1:]), end], strict=True
            )
            if setting.auto_stop_minutes is None and since < until
        ]
        if not flat:
            return runs
        starts = np.concatenate([runs.starts, [start for start, _ in flat]])
        ends = np.concatenate([runs.ends, [end for _, end in flat]])
        return _joined(starts, ends)

    def _note(self, at: datetime, kind: EventKind, setting: Setting | None) -> None:
        self._acted_at = at
        if kind is EventKind.SETTING_CHANGES:
            assert setting is not None
            self.orders.append((at, str(setting)))
            if setting != self.settings[-1][1]:
                self.settings.append((at, setting))
        else:
            self.orders.append((at, _WORDS[kind]))

    def _draw_to(self, until: datetime) -> None:
        """Queue the user's sessions from where they end now; one cut at the end stays open."""
        window = Window(self._drawn_to, until)
        sessions = self._draw(window)
        # A session cut at the end of the last draw goes on at the start of this one: it is one
        # session.
        goes_on = bool(sessions) and sessions[0][0] == window.start
        if self._is_open and not goes_on:
            self.machine.expect(window.start, EventKind.DISCONNECT)
        for index, (start, end) in enumerate(sessions):
            if index or not (self._is_open and goes_on):
                self.machine.expect(start, EventKind.CONNECT)
                self._comes.append(start)
            if end < until:
                self.machine.expect(end, EventKind.DISCONNECT)
        self._is_open = bool(sessions) and sessions[-1][1] == until
        for at, kind in self._meddling.orders(window):
            self.orders.append((at, _WORDS[kind]))
            self.machine.expect(at, kind)
        if self._maintained_from is not None:
            for day in maintenance_days(window):
                if day > self._maintained_from:
                    self.machine.expect(day, EventKind.MAINTENANCE)
        self._drawn_to = until

    def _take_over(self) -> None:
        """Move the machine's records into arrays, and clear them."""
        machine = self.machine
        for event in machine.log:
            self._follow(event)
        for run in machine.runs:
            self.run_starts.append(to_micros(run.started_at))
            self.run_stops.append(to_micros(run.stopped_at))
        self.cold_starts.extend(to_micros(at) for at in machine.cold_starts)
        self.maintained += machine.maintained
        # Cleared, so that a year's life takes a few bytes an event instead of an object.
        for log in (machine.log, machine.runs, machine.cold_starts, machine.maintained):
            log.clear()

    def _follow(self, event: Event) -> None:
        if event.kind is EventKind.CONNECT:
            self.connected_since = to_micros(event.at)
            return
        is_cut_off = event.kind is EventKind.STOP_REQUESTED and not self.machine.connected
        is_over = event.kind is EventKind.DISCONNECT or is_cut_off
        if is_over and self.connected_since is not None:
            self._close_session(to_micros(event.at))

    def _close_session(self, at: int) -> None:
        assert self.connected_since is not None
        if at > self.connected_since:
            self.came.append(self.connected_since)
            self.left.append(at)
        self.connected_since = None


def _intervals(
    starts: Iterable[int], ends: Iterable[int], since: int | None, now: datetime
) -> Intervals:
    start, end = np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)
    until = to_micros(now)
    if since is not None and since < until:
        start, end = np.append(start, since), np.append(end, until)
    return Intervals(start, end)


def _joined(starts: Micros, ends: Micros) -> Intervals:
    """Return the union of intervals, those that touch made one."""
    order = np.argsort(starts, kind="stable")
    starts, reached = starts[order], np.maximum.accumulate(ends[order])
    is_new = np.append([True], starts[1:] > reached[:-1])[: len(starts)]
    is_last = np.append(is_new[1:], [True])[: len(starts)]
    return Intervals(starts[is_new], reached[is_last])
