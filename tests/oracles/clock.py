"""A third clock: one WorkSpace, looked at minute by minute.

It knows nothing of queues, arrays or wsanalytics. At every minute of the window it asks two
questions: is somebody connected, and is the machine on? Sessions and windows are on whole
minutes; instants are aware datetimes; hours come out per UTC month as ``{"2026-03": 4.0}``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)
Session = tuple[datetime, datetime]


@dataclass
class Walk:
    """What the clock saw: the minutes in which the machine was on, when it was switched on anew,
    and its cold starts."""

    on_minutes: list[datetime] = field(default_factory=list)
    begins: list[datetime] = field(default_factory=list)
    cold_starts: list[datetime] = field(default_factory=list)

    def runs(self) -> list[Session]:
        """Stretches of on-minutes; switching it on always begins a new one."""
        runs: list[Session] = []
        for minute in self.on_minutes:
            if runs and runs[-1][1] == minute and minute not in self.begins:
                runs[-1] = (runs[-1][0], minute + MINUTE)
            else:
                runs.append((minute, minute + MINUTE))
        return runs


def walk(sessions: list[Session], timeout_minutes: int, window: Session) -> Walk:
    """Walk through *window* minute by minute, the machine stopped at its start.

    A connected minute keeps the machine on until *timeout_minutes* after that minute's end. In
    the minute that begins at that very instant it is off, so a connect then is a cold start.
    """
    return walk_told(sessions, timeout_minutes, [], window)


def walk_told(
    sessions: list[Session],
    timeout_minutes: int | None,
    commands: list[tuple[datetime, str, int | None]],
    window: Session,
) -> Walk:
    """Walk through *window* while somebody gives *commands*: START, STOP, or SET with a timeout.

    A timeout of None is ALWAYS_ON: never off, and its minutes are not counted. Orders of a minute
    are obeyed before anybody connects in it. Whoever is cut off by a STOP is gone for the rest of
    that session.
    """
    start, end = window
    connected: dict[datetime, int] = {}
    for number, (connected_at, disconnected_at) in enumerate(sessions):
        minute = max(connected_at, start)
        while minute < min(disconnected_at, end):
            connected[minute] = number
            minute += MINUTE
    desk, minute = Desk(timeout_minutes, start - timedelta(days=9)), start
    while minute < end:
        desk.arrive(minute, connected.get(minute))
        for at, what, value in commands:
            if at == minute:
                desk.obey(minute, what, value)
        desk.work(minute)
        minute += MINUTE
    return desk.seen


@dataclass
class Desk:
    """One machine and its user, a minute at a time: who comes, what is ordered, what is on."""

    timeout: int | None
    left_at: datetime
    seen: Walk = field(default_factory=Walk)
    is_on: bool = False
    is_fresh: bool = False
    session: int | None = None
    there: int | None = None
    stays: bool = False
    cut_off: set[int | None] = field(default_factory=set)

    def waits(self, minute: datetime) -> bool:
        """Whether nobody has been gone for the timeout yet."""
        return self.timeout is None or minute < self.left_at + timedelta(minutes=self.timeout)

    def arrive(self, minute: datetime, session: int | None) -> None:
        """A minute begins; *session* is the one that would be going on in it."""
        self.session, self.is_fresh = session, False
        self.stays = self.there is not None and session == self.there
        if not self.stays:
            self.is_on = (self.is_on or self.timeout is None) and self.waits(minute)

    def obey(self, minute: datetime, what: str, value: int | None) -> None:
        """Somebody gives an order."""
        if what == "SET":
            self.is_fresh = self.is_fresh or self.timeout is None
            self.is_on, self.timeout = self.is_on or value is None, value
            self.is_on = self.is_on and (self.stays or self.waits(minute))
        elif self.timeout is not None and what == "STOP" and self.is_on:
            self.is_on = False
            if self.stays:
                self.stays, self.left_at = False, minute
                self.cut_off.add(self.session)
        elif self.timeout is not None and what == "START" and not self.is_on:
            self.is_on, self.left_at, self.is_fresh = True, minute, True

    def work(self, minute: datetime) -> None:
        """The rest of the minute passes."""
        self.there = None if self.session in self.cut_off else self.session
        if self.there is not None:
            if not self.is_on:
                self.seen.cold_starts.append(minute)
                self.is_on = self.is_fresh = True
            self.left_at = minute + MINUTE
        if self.is_on and self.timeout is not None:
            self.seen.on_minutes.append(minute)
            if self.is_fresh:
                self.seen.begins.append(minute)


def month_of(instant: datetime) -> str:
    """The UTC month of an instant as ``YYYY-MM``."""
    return instant.astimezone(UTC).strftime("%Y-%m")


def exact(seen: Walk) -> dict[str, float]:
    """Minutes that the machine was on, in hours, by month."""
    hours: dict[str, float] = {}
    for minute in seen.on_minutes:
        month = f"{minute.year:04}-{minute.month:02}"
        hours[month] = hours.get(month, 0) + 1
    return {month: minutes / 60 for month, minutes in hours.items()}


def clock_hour(seen: Walk) -> dict[str, float]:
    """Distinct UTC clock hours in which the machine was on for a minute or more, by month."""
    touched = {minute.replace(minute=0) for minute in seen.on_minutes}
    hours: dict[str, float] = {}
    for hour in touched:
        hours[month_of(hour)] = hours.get(month_of(hour), 0) + 1
    return hours


def ceil_per_run(seen: Walk) -> dict[str, float]:
    """Each run cut at 00:00 UTC on the 1st, each piece rounded up to whole hours, by month."""
    hours: dict[str, float] = {}
    for start, stop in seen.runs():
        piece = start
        while piece < stop:
            first = piece.replace(day=1, hour=0, minute=0)
            piece_end = min(stop, (first + timedelta(days=32)).replace(day=1))
            minutes = (piece_end - piece) // MINUTE
            whole = minutes // 60 + (1 if minutes % 60 else 0)
            hours[month_of(piece)] = hours.get(month_of(piece), 0) + whole
            piece = piece_end
    return hours


def cold_starts(seen: Walk) -> dict[str, int]:
    """Cold starts by the month of the connect."""
    counts: dict[str, int] = {}
    for connect in seen.cold_starts:
        counts[month_of(connect)] = counts.get(month_of(connect), 0) + 1
    return counts


RULES = {"clock_hour": clock_hour, "ceil_per_run": ceil_per_run, "exact": exact}
"""The hour rules by the name that wsanalytics gives them."""
