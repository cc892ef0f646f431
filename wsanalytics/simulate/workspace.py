"""One WorkSpace as a discrete-event state machine: the definition of what happens.

A WorkSpace is stopped or running; a user is connected to it or not. Events happen to it one after
the other, on a queue ordered by time. What each event does stands in one short method named after
it, and :data:`_Machine.handlers` lists them, so what can happen to a WorkSpace is read in one
place. ``simulate.fleet`` must give the same runs and cold starts for a whole fleet, only faster.

What AWS documents and this machine follows:

* A stopped AUTO_STOP WorkSpace starts when its user connects, who waits (a *cold start*); it
  stops when its timeout has passed since the *disconnect*; minutes that the stop itself takes are
  not billed (admin guide, "Manage the running mode").
* Who reconnects inside the timeout finds it running, and the timer begins anew at the next
  disconnect (Cost Optimizer 2.4.0, issue 23). A connect at the very instant of the stop finds it
  stopped.
* ALWAYS_ON never stops, so it has no runs that an hour could be billed for and no cold starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from heapq import heappop, heappush
from itertools import pairwise

from wsanalytics.errors import InputError
from wsanalytics.settings import RunningMode, Setting
from wsanalytics.timeline import Window, from_micros, months_of


class EventKind(IntEnum):
    """What can happen to a WorkSpace, in the order in which it happens at one instant.

    A disconnect comes before the stop it may lead to, a stop before a connect of the same
    instant, and the month turns before anybody connects in it. Requests to start and to stop,
    changes of setting and maintenance take their place here when they are simulated.
    """

    DISCONNECT = 0
    STOP = 1
    MONTH_TURNS = 2
    CONNECT = 3
    WINDOW_CLOSES = 4


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One thing that happens to a WorkSpace at one instant."""

    at: datetime
    kind: EventKind
    serial: int = field(default=0, compare=True, repr=False)
    """For a STOP: which disconnect armed the timer; a later connect makes it void."""


@dataclass(frozen=True, slots=True)
class Run:
    """One stretch ``[started_at, stopped_at)`` in which the WorkSpace was switched on."""

    started_at: datetime
    stopped_at: datetime


@dataclass(frozen=True, slots=True)
class Life:
    """What happened to one WorkSpace: the events in order, its runs, and its cold starts."""

    log: tuple[Event, ...]
    runs: tuple[Run, ...]
    cold_starts: tuple[datetime, ...]


def live(
    sessions: Iterable[tuple[datetime, datetime]],
    setting: Setting,
    window: Window,
    *,
    resume_seconds: float = 0,
    network_grace_minutes: float = 0,
) -> Life:
    """Let the *sessions* of one WorkSpace happen under *setting*.

    A session is a pair ``(connected_at, disconnected_at)``. Sessions are cut to *window* and
    those outside it leave no trace; an AUTO_STOP WorkSpace starts the window stopped; a run that
    is still going at the window's end is cut there. *resume_seconds*: a connect that finds the
    WorkSpace stopped had to switch it on that much earlier. *network_grace_minutes*: AWS notices
    a disconnect that much later (20 minutes when the connection was lost instead of closed).
    Raises :class:`InputError` if sessions overlap.

    >>> from datetime import UTC, datetime
    >>> from wsanalytics.settings import auto_stop
    >>> day = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    >>> nine, noon = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> life = live([(nine, noon)], auto_stop(60), day)
    >>> [f"{event.at:%H:%M} {event.kind.name}" for event in life.log]
    ['09:00 CONNECT', '12:00 DISCONNECT', '13:00 STOP', '00:00 WINDOW_CLOSES']
    """
    machine = _Machine(
        setting,
        window,
        timedelta(seconds=resume_seconds),
        timedelta(minutes=network_grace_minutes),
    )
    return machine.live(_cut_to(window, sessions))


def _cut_to(
    window: Window, sessions: Iterable[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    cut = [
        (max(connected, window.start), min(disconnected, window.end))
        for connected, disconnected in sorted(sessions)
        if connected < window.end and disconnected > window.start
    ]
    for (_, left), (came, _) in pairwise(cut):
        if came < left:
            raise InputError(
                f"a session starts at {came.isoformat()}, before the one before it has ended",
                where="sessions",
                rule="the sessions of one WorkSpace do not overlap",
                mend="merge the two",
            )
    return cut


class _Machine:
    """The state of one WorkSpace and the queue of what is still to happen to it."""

    def __init__(
        self, setting: Setting, window: Window, resume: timedelta, grace: timedelta
    ) -> None:
        self.setting, self.window, self.resume, self.grace = setting, window, resume, grace
        self.running_since: datetime | None = None
        self.connected = False
        self.armed = 0
        self.queue: list[Event] = []
        self.log: list[Event] = []
        self.runs: list[Run] = []
        self.cold_starts: list[datetime] = []
        self.handlers: dict[EventKind, Callable[[Event], None]] = {
            EventKind.CONNECT: self.connect,
            EventKind.DISCONNECT: self.disconnect,
            EventKind.STOP: self.stop,
            EventKind.MONTH_TURNS: self.month_turns,
            EventKind.WINDOW_CLOSES: self.window_closes,
        }

    def live(self, sessions: list[tuple[datetime, datetime]]) -> Life:
        for connected_at, disconnected_at in sessions:
            self.expect(connected_at, EventKind.CONNECT)
            self.expect(disconnected_at, EventKind.DISCONNECT)
        for edge in months_of(self.window).edges[1:-1]:
            self.expect(from_micros(edge), EventKind.MONTH_TURNS)
        self.expect(self.window.end, EventKind.WINDOW_CLOSES)
        while self.queue:
            event = heappop(self.queue)
            if event.at > self.window.end or self.is_void(event):
                continue
            self.log.append(event)
            self.handlers[event.kind](event)
        return Life(tuple(self.log), tuple(self.runs), tuple(self.cold_starts))

    def expect(self, at: datetime, kind: EventKind, serial: int = 0) -> None:
        heappush(self.queue, Event(at, kind, serial))

    def is_void(self, event: Event) -> bool:
        """A stop that was called off, because somebody connected since its timer was armed."""
        return event.kind is EventKind.STOP and event.serial != self.armed

    def connect(self, event: Event) -> None:
        self.armed += 1
        self.connected = True
        if self.setting.running_mode is RunningMode.AUTO_STOP and self.running_since is None:
            self.cold_starts.append(event.at)
            last_stop = self.runs[-1].stopped_at if self.runs else self.window.start
            self.running_since = max(event.at - self.resume, last_stop)

    def disconnect(self, event: Event) -> None:
        self.connected = False
        self.armed += 1
        if self.setting.auto_stop_minutes is not None:
            timeout = timedelta(minutes=self.setting.auto_stop_minutes)
            self.expect(event.at + self.grace + timeout, EventKind.STOP, self.armed)

    def stop(self, event: Event) -> None:
        if self.running_since is not None:
            self.runs.append(Run(self.running_since, event.at))
            self.running_since = None

    def month_turns(self, event: Event) -> None:
        """The bill is cut here; the WorkSpace goes on as it is."""

    def window_closes(self, event: Event) -> None:
        self.stop(event)
