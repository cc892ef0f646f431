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
    """What the clock saw: the minutes in which the machine was on, and its cold starts."""

    on_minutes: list[datetime] = field(default_factory=list)
    cold_starts: list[datetime] = field(default_factory=list)

    def runs(self) -> list[Session]:
        """Stretches of on-minutes; a cold start always begins a new one."""
        runs: list[Session] = []
        for minute in self.on_minutes:
            if runs and runs[-1][1] == minute and minute not in self.cold_starts:
                runs[-1] = (runs[-1][0], minute + MINUTE)
            else:
                runs.append((minute, minute + MINUTE))
        return runs


def walk(sessions: list[Session], timeout_minutes: int, window: Session) -> Walk:
    """Walk through *window* minute by minute, the machine stopped at its start.

    A connected minute keeps the machine on until *timeout_minutes* after that minute's end. In
    the minute that begins at that very instant it is off, so a connect then is a cold start.
    """
    start, end = window
    connected = set()
    for connected_at, disconnected_at in sessions:
        minute = max(connected_at, start)
        while minute < min(disconnected_at, end):
            connected.add(minute)
            minute += MINUTE
    seen, on_until, minute = Walk(), start, start
    while minute < end:
        is_on = minute < on_until
        if minute in connected:
            if not is_on:
                seen.cold_starts.append(minute)
            is_on, on_until = True, minute + MINUTE + timedelta(minutes=timeout_minutes)
        if is_on:
            seen.on_minutes.append(minute)
        minute += MINUTE
    return seen


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
