"""Summarise how a WorkSpace is used: how much, on which days and hours, and how long not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from wsanalytics.calendars import DAYS
from wsanalytics.sessions.unobserved import observed_days_on_clock
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    MICROS_PER_MINUTE,
    Micros,
    Window,
    column_micros,
    cut,
    from_micros,
    on_clock,
    weekday_of,
)

OFTEN = 0.5
"""The share of days from which on something counts as usual."""
UNSURE_MICROS = 5 * MICROS_PER_MINUTE
"""The first and the last minutes of a session do not make an hour of the day one of use: samples
tell its ends to some minutes, and who comes at eight would often be there from seven on."""
Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The use of one WorkSpace in a window, in its life.

    ``observed`` is the part of the window in which it existed, None for none; ``observed_days``
    of it were looked at. ``hours`` are those in which its user was connected. ``used_days`` of
    ``whole_days`` (local days of which most was observed) it was used on; ``weekdays`` (Monday
    first) and ``clock_hours`` are the share of such days, and of the used days, with any use.
    ``absence`` is the unused interval of which most was observed, and for
    ``absence_unseen_days`` of it nobody looked; ``last_at`` is when somebody was last connected,
    ``is_connected`` whether that was so as the window ended.
    """

    observed: Interval | None
    observed_days: float
    unobserved_days: float
    sessions: int
    hours: float
    used_days: int
    whole_days: int
    weekdays: tuple[float, ...]
    clock_hours: tuple[float, ...]
    absence: Interval | None
    absence_unseen_days: float
    last_at: datetime | None
    is_connected: bool

    @property
    def hours_a_week(self) -> float:
        """Connected hours per seven observed days."""
        return 7 * self.hours / self.observed_days if self.observed_days else 0.0

    @property
    def usual_weekdays(self) -> str:
        """The weekdays on which it is used more often than not, as people write them."""
        marks = [share >= OFTEN for share in self.weekdays]
        return ", ".join(DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"
                         for first, last in _runs(marks))

    @property
    def usual_hours(self) -> str:
        """The hours of the day at which it is used on most of the days on which it is used."""
        runs = _runs([share >= OFTEN for share in self.clock_hours])
        if runs == [(0, 23)]:
            return "around the clock"
        return ", ".join(f"{first:02d}:00 to {(last + 1) % 24:02d}:00" for first, last in runs)

    @property
    def likeliest_hour(self) -> tuple[str, float]:
        """The hour of the day with the most use, and the share of used days on which it is used."""
        hour = int(np.argmax(self.clock_hours))
        return f"{hour:02d}:00 to {(hour + 1) % 24:02d}:00", self.clock_hours[hour]


def usage_of(
    sessions: pd.DataFrame, gaps: pd.DataFrame | None, window: Window, *,
    created_at: datetime | None = None, terminated_at: datetime | None = None,
    zone: ZoneInfo,
) -> Usage:
    """Summarise the use of one WorkSpace, on the clock in *zone*.

    *sessions* are its own. *gaps* are intervals that nobody observed; None: none are known.
    """
    start, end = window.micros
    begin = max(start, _micros(created_at, start))
    finish = min(end, _micros(terminated_at, end))
    starts, stops = (column_micros(sessions[name]) for name in ("connected_at", "disconnected_at"))
    inside = (starts < end) & (stops > start)
    starts, stops = np.maximum(starts[inside], start), np.minimum(stops[inside], end)
    gap_starts, gap_ends = _gaps_within(gaps, begin, finish)
    # Ends are uncertain, so both are moved inwards, but never past the middle: a short session
    # still counts.
    middle = (starts + stops) // 2
    busy_days, busy_hours = _touched(np.minimum(starts + UNSURE_MICROS, middle),
                                     np.maximum(stops - UNSURE_MICROS, middle + 1), zone)
    whole = observed_days_on_clock(begin, finish, gap_starts, gap_ends, zone)
    days = np.union1d(whole, busy_days)
    unseen = float((gap_ends - gap_starts).sum()) / MICROS_PER_DAY
    last = int(stops.max()) if len(stops) else None
    absence, absence_unseen = _absence(begin, finish, (starts, stops), (gap_starts, gap_ends))
    is_there = finish > begin
    return Usage(
        observed=(from_micros(begin), from_micros(finish)) if is_there else None,
        observed_days=max(0.0, (finish - begin) / MICROS_PER_DAY - unseen) if is_there else 0.0,
        unobserved_days=unseen,
        sessions=len(starts),
        hours=float((stops - starts).sum()) / MICROS_PER_HOUR,
        used_days=len(busy_days), whole_days=len(days),
        weekdays=tuple(_share(np.sum(weekday_of(busy_days) == weekday),
                              np.sum(weekday_of(days) == weekday)) for weekday in range(7)),
        clock_hours=tuple(_share(np.sum(busy_hours % 24 == hour), len(busy_days))
                          for hour in range(24)),
        absence=absence, absence_unseen_days=absence_unseen,
        last_at=None if last is None else from_micros(last),
        is_connected=last == end,
    )


def _micros(at: datetime | None, default: int) -> int:
    return default if at is None or pd.isna(at) else int(column_micros(pd.Series([at]))[0])


def _gaps_within(gaps: pd.DataFrame | None, begin: int, finish: int) -> tuple[Micros, Micros]:
    """Return the gaps within its life, as starts and ends in microseconds."""
    if gaps is None or gaps.empty:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    starts = np.maximum(column_micros(gaps["from_at"]), begin)
    ends = np.minimum(column_micros(gaps["to_at"]), finish)
    return starts[starts < ends], ends[starts < ends]


def _touched(starts: Micros, stops: Micros, zone: ZoneInfo) -> tuple[Micros, Micros]:
    """Return the days and the hours on the clock in *zone* in which it was used, each once."""
    if not len(starts):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    begins, ends = on_clock(starts, zone), on_clock(stops, zone)
    edges = np.arange(begins.min() // MICROS_PER_HOUR,
                      max(ends.max(), begins.max()) // MICROS_PER_HOUR + 2,
                      dtype=np.int64) * MICROS_PER_HOUR
    hours = np.unique(edges[cut(begins, ends, edges).span] // MICROS_PER_HOUR)
    return np.unique(hours // 24), hours


def _absence(
    begin: int, finish: int, used: tuple[Micros, Micros], gaps: tuple[Micros, Micros]
) -> tuple[Interval | None, float]:
    """Return the interval between uses of which most was observed, and its unobserved days."""
    order = np.argsort(used[0], kind="stable")
    # Intervals between uses: from the latest disconnect so far to the next connect. Sessions may
    # overlap.
    low = np.maximum.accumulate(np.append(begin, used[1][order]))
    high = np.minimum(np.append(used[0][order], finish), finish)
    unseen = np.zeros(len(low), dtype=np.int64)
    for gap_start, gap_end in zip(*gaps, strict=True):
        unseen += np.maximum(np.minimum(high, gap_end) - np.maximum(low, gap_start), 0)
    observed = high - low - unseen
    longest = int(np.argmax(observed))
    if observed[longest] <= 0:
        return None, 0.0
    return ((from_micros(low[longest]), from_micros(high[longest])),
            float(unseen[longest]) / MICROS_PER_DAY)


def _share(part: np.integer | int, whole: np.integer | int) -> float:
    return float(part) / float(whole) if whole else 0.0


def _runs(marks: list[bool]) -> list[tuple[int, int]]:
    """Return the first and last position of each row of marks, on a circle.

    A full circle is one row.
    """
    count = len(marks)
    if all(marks):
        return [(0, count - 1)]
    firsts = [position for position in range(count) if marks[position] and not marks[position - 1]]
    runs = []
    for first in firsts:
        # Not all are marked, so some position behind first is free, and next() finds one.
        length = next(n for n in range(1, count) if not marks[(first + n) % count])
        runs.append((first, (first + length - 1) % count))
    return runs
