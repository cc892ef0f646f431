"""One WorkSpace as a discrete-event state machine: the definition of what happens.

A WorkSpace is stopped or running; a user is connected to it or not. Events happen to it one after
the other, on a queue ordered by time. What each event does stands in one short method named after
it, and :data:`Machine.handlers` lists them, so what can happen to a WorkSpace is read in one
place. :mod:`.fleet` must give the same runs and cold starts for a whole fleet, only faster;
the local endpoint's fleet lives by this very machine.

What AWS documents and this machine follows:

* A stopped AUTO_STOP WorkSpace starts when its user connects, who waits (a *cold start*); it
  stops when its timeout has passed since the *disconnect*; minutes that the stop itself takes are
  not billed (admin guide, "Manage the running mode").
* Who reconnects inside the timeout finds it running, and the timer begins anew at the next
  disconnect (Cost Optimizer 2.4.0, issue 23). A connect at the very instant of the stop finds it
  stopped.
* ALWAYS_ON never stops, so it has no runs that an hour could be billed for and no cold starts.
* A change of the running mode acts at once: who turns AUTO_STOP stops a timeout after the last
  disconnect, at once if that has passed (an idle WorkSpace was seen to stop within minutes of the
  change, it.hirokun.net 2016). StartWorkspaces and StopWorkspaces act on AUTO_STOP only.

What nobody documents, and this machine assumes: StartWorkspaces without a login arms the timer as
a disconnect at that instant would; StopWorkspaces under a connected user ends that session;
maintenance leaves runs alone and is counted by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from heapq import heappop, heappush
from itertools import pairwise

from wsanalytics.errors import InputError
from wsanalytics.settings import Setting
from wsanalytics.timeline import Window, from_micros, months_of


class EventKind(IntEnum):
    """The kinds of events of a WorkSpace, in the order in which they happen at one instant.

    A disconnect comes before the stop it may lead to, a stop before any command at that
    instant, and all of it before anybody connects.
    """

    DISCONNECT = 0
    STOP = 1
    MONTH_TURNS = 2
    SETTING_CHANGES = 3
    STOP_REQUESTED = 4
    START_REQUESTED = 5
    MAINTENANCE = 6
    CONNECT = 7
    WINDOW_CLOSES = 8


ORDERS = (EventKind.SETTING_CHANGES, EventKind.STOP_REQUESTED, EventKind.START_REQUESTED)
"""The kinds of events that an administrator, or a policy, can cause."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command to a WorkSpace at one instant; *setting* for SETTING_CHANGES only."""

    at: datetime
    kind: EventKind
    setting: Setting | None = None


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One thing that happens to a WorkSpace at one instant."""

    at: datetime
    kind: EventKind
    ordinal: int = field(default=0, repr=False)
    """Events of one kind and instant happen in the order in which they were queued."""
    timer: int = field(default=0, compare=False, repr=False)
    """For a STOP: which timer it belongs to; it is void once another one was set."""
    setting: Setting | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Run:
    """One interval ``[started_at, stopped_at)`` in which the WorkSpace was switched on."""

    started_at: datetime
    stopped_at: datetime


@dataclass(frozen=True, slots=True)
class Life:
    """The events of one WorkSpace in order, its runs, and its cold starts.

    ``maintained``: when it was started for maintenance.
    """

    log: tuple[Event, ...]
    runs: tuple[Run, ...]
    cold_starts: tuple[datetime, ...]
    maintained: tuple[datetime, ...] = ()


def live(
    sessions: Iterable[tuple[datetime, datetime]],
    setting: Setting,
    window: Window,
    *,
    commands: Iterable[Order] = (),
    resume_seconds: float = 0,
    network_grace_minutes: float = 0,
) -> Life:
    """Simulate the *sessions* of one WorkSpace under *setting*.

    A session is a pair ``(connected_at, disconnected_at)``. Sessions are cut to *window* and
    those outside it leave no trace; an AUTO_STOP WorkSpace starts the window stopped; a run that
    is still going at the window's end is cut there. *commands* within the window (its end excluded)
    are carried out; *setting* is what it has before the first. *resume_seconds*: a connect that
    finds the WorkSpace stopped had to switch it on that much earlier. *network_grace_minutes*:
    AWS notices a disconnect that much later (20 minutes when the connection was lost instead of
    closed). Raises :class:`InputError` if sessions overlap.

    >>> from datetime import UTC, datetime
    >>> from wsanalytics.settings import auto_stop
    >>> day = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    >>> nine, noon = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> life = live([(nine, noon)], auto_stop(60), day)
    >>> [f"{event.at:%H:%M} {event.kind.name}" for event in life.log]
    ['09:00 CONNECT', '12:00 DISCONNECT', '13:00 STOP', '00:00 WINDOW_CLOSES']
    """
    machine = Machine(
        setting,
        window.start,
        resume=timedelta(seconds=resume_seconds),
        grace=timedelta(minutes=network_grace_minutes),
    )
    for connected_at, disconnected_at in _cut_to(window, sessions):
        machine.expect(connected_at, EventKind.CONNECT)
        machine.expect(disconnected_at, EventKind.DISCONNECT)
    for order in commands:
        if window.start <= order.at < window.end:
            machine.expect(order.at, order.kind, order.setting)
    for edge in months_of(window).edges[1:-1]:
        machine.expect(from_micros(edge), EventKind.MONTH_TURNS)
    machine.expect(window.end, EventKind.WINDOW_CLOSES)
    machine.advance(window.end)
    return machine.life


def _cut_to(
    window: Window, sessions: Iterable[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    cut = [
        (max(connected, window.start), min(disconnected, window.end))
        for connected, disconnected in sorted(sessions)
        if connected < window.end and disconnected > window.start
    ]
    for (_, end), (next_start, _) in pairwise(cut):
        if next_start < end:
            raise InputError(
                f"a session starts at {next_start.isoformat()}, before the one before it has ended",
                where="sessions",
                rule="the sessions of one WorkSpace do not overlap",
                fix="merge the two",
            )
    return cut


class Machine:
    """The state of one WorkSpace, and the queue of what is still to happen to it.

    :meth:`expect` queues an event, :meth:`advance` lets time pass. ``running_since`` is when the
    present run began (None: stopped, or ALWAYS_ON, which has no runs); ``idle_since`` when the
    user was last known to leave, or the WorkSpace was started for nobody. *stops_at* gives the
    instant at which a machine really stops whose timeout has run out at one: some fail to.
    """

    def __init__(
        self,
        setting: Setting,
        since: datetime,
        *,
        stops_at: Callable[[datetime], datetime] | None = None,
        resume: timedelta = timedelta(0),
        grace: timedelta = timedelta(0),
    ) -> None:
        self.setting, self.resume, self.grace = setting, resume, grace
        self.connected = False
        self.running_since: datetime | None = None
        self.idle_since: datetime | None = None
        self.off_since = since
        self.queue: list[Event] = []
        self.log: list[Event] = []
        self.runs: list[Run] = []
        self.cold_starts: list[datetime] = []
        self.maintained: list[datetime] = []
        self.handlers: dict[EventKind, Callable[[Event], None]] = {
            EventKind.DISCONNECT: self.disconnect,
            EventKind.STOP: self.stop,
            EventKind.MONTH_TURNS: self.month_turns,
            EventKind.SETTING_CHANGES: self.setting_changes,
            EventKind.STOP_REQUESTED: self.stop_requested,
            EventKind.START_REQUESTED: self.start_requested,
            EventKind.MAINTENANCE: self.maintenance,
            EventKind.CONNECT: self.connect,
            EventKind.WINDOW_CLOSES: self.window_closes,
        }
        self.stops_at = stops_at
        self._queued = 0
        self._timer = 0
        self._hangs = False

    @property
    def life(self) -> Life:
        """The events so far, and what followed from them; a run that is going on is not in it."""
        return Life(
            tuple(self.log), tuple(self.runs), tuple(self.cold_starts), tuple(self.maintained)
        )

    @property
    def is_on(self) -> bool:
        """Whether the WorkSpace is switched on."""
        return self.setting.auto_stop_minutes is None or self.running_since is not None

    def expect(
        self, at: datetime, kind: EventKind, setting: Setting | None = None, *, timer: int = 0
    ) -> None:
        """Queue an event; *at* is not before what has already happened."""
        self._queued += 1
        heappush(self.queue, Event(at, kind, self._queued, timer, setting))

    def advance(self, until: datetime) -> list[Event]:
        """Let everything up to *until* (included) happen, and return the events that did."""
        already = len(self.log)
        while self.queue and self.queue[0].at <= until:
            event = heappop(self.queue)
            if not self.is_void(event):
                self.log.append(event)
                self.handlers[event.kind](event)
        return self.log[already:]

    def is_void(self, event: Event) -> bool:
        """Whether an event is void.

        An old timer's stop, or the disconnect of a user who was cut off.
        """
        if event.kind is EventKind.STOP:
            return event.timer != self._timer
        return event.kind is EventKind.DISCONNECT and not self.connected

    def connect(self, event: Event) -> None:
        """The user comes, and waits if it is stopped."""
        # A new number voids the stop that is queued for the old timer; a heap cannot remove it
        # cheaply.
        self._timer += 1
        self.connected, self._hangs = True, False
        if not self.is_on:
            self.cold_starts.append(event.at)
            # It cannot have been switched on before it was last off.
            self.running_since = max(event.at - self.resume, self.off_since)

    def disconnect(self, event: Event) -> None:
        """The user leaves: the timer begins."""
        self.connected = False
        self.idle_since = event.at + self.grace
        self._stop_in_time(event.at)

    def stop(self, event: Event) -> None:
        """The timer has run out; a machine that hangs stops later, unless somebody connects."""
        late = self.stops_at(event.at) if self.stops_at and not self._hangs else event.at
        if late > event.at:
            self._hangs = True
            self._timer += 1
            self.expect(late, EventKind.STOP, timer=self._timer)
        else:
            self._switch_off(event.at)

    def setting_changes(self, event: Event) -> None:
        """ModifyWorkspaceProperties."""
        assert event.setting is not None
        was_always_on = self.setting.auto_stop_minutes is None
        self.setting = event.setting
        if event.setting.auto_stop_minutes is None:
            self._switch_off(event.at)  # as far as hours are billed; it stays on
            return
        if was_always_on:
            self.running_since = event.at
        if not self.connected:
            self._stop_in_time(event.at)

    def stop_requested(self, event: Event) -> None:
        """StopWorkspaces: off at once, under whoever is connected."""
        if self.running_since is not None:
            if self.connected:
                self.connected, self.idle_since = False, event.at
            self._switch_off(event.at)

    def start_requested(self, event: Event) -> None:
        """StartWorkspaces: on, for nobody yet."""
        if not self.is_on:
            self.running_since = self.idle_since = event.at
            self._stop_in_time(event.at)

    def maintenance(self, event: Event) -> None:
        """It is started for maintenance, which is billed by itself."""
        if self.setting.auto_stop_minutes is not None:
            self.maintained.append(event.at)

    def month_turns(self, event: Event) -> None:
        """The bill is cut here; the WorkSpace goes on as it is."""

    def window_closes(self, event: Event) -> None:
        """Nobody looks any further: a run is cut here."""
        self._switch_off(event.at)

    def _stop_in_time(self, now: datetime) -> None:
        """Stop a timeout after the user left; at once if that has passed."""
        if self.running_since is None or self.setting.auto_stop_minutes is None:
            return
        timeout = timedelta(minutes=self.setting.auto_stop_minutes)
        stops_at = now if self.idle_since is None else self.idle_since + timeout
        if stops_at <= now:
            self._switch_off(now)
        else:
            self._timer += 1
            self.expect(stops_at, EventKind.STOP, timer=self._timer)

    def _switch_off(self, now: datetime) -> None:
        self._timer += 1
        self._hangs = False
        if self.running_since is not None and self.running_since < now:
            self.runs.append(Run(self.running_since, now))
        self.running_since, self.off_since = None, now
