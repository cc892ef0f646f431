"""How one WorkSpace is used: how much, on which days, at which hours; and how long not at all."""

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
"""What happens on so large a share of the days is usual."""
UNSURE_MICROS = 5 * MICROS_PER_MINUTE
"""The first and the last minutes of a session do not make an hour of the day one of use: samples
tell its ends to some minutes, and who comes at eight would often be there from seven on."""
Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was seen of one WorkSpace in a window, in its life.

    ``observed`` is the part of the window in which it existed, None for none; ``observed_days``
    of it were looked at. ``hours`` are those in which its user was connected. ``used_days`` of
    ``whole_days`` (local days of which most was observed) it was used on; ``weekdays`` (Monday
    first) and ``clock_hours`` tell on what share of such days, and of the used days, that was so.
    ``absence`` is the stretch without anybody of which most was observed, and for
    ``absence_unseen_days`` of it nobody looked; ``last_at`` is when somebody was last connected,
    ``is_connected`` whether that was so as the window ended.
    """

    observed: Stretch | None
    observed_days: float
    unobserved_days: float
    sessions: int
    hours: float
    used_days: int
    whole_days: int
    weekdays: tuple[float, ...]
    clock_hours: tuple[float, ...]
    absence: Stretch | None
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
        """The hour of the day at which it is used most often, and on what share of its days."""
        hour = int(np.argmax(self.clock_hours))
        return f"{hour:02d}:00 to {(hour + 1) % 24:02d}:00", self.clock_hours[hour]


def usage_of(
    sessions: pd.DataFrame, gaps: pd.DataFrame | None, window: Window, *,
    created_at: datetime | None = None, terminated_at: datetime | None = None,
    zone: ZoneInfo,
) -> Usage:
    """How one WorkSpace was used, from its own *sessions* and *gaps*, on the clock in *zone*.

    *gaps* are stretches in which nobody looked; None: it is not known of any.
    """
    start, end = window.micros
    begin = max(start, _micros(created_at, start))
    finish = min(end, _micros(terminated_at, end))
    starts, stops = (column_micros(sessions[name]) for name in ("connected_at", "disconnected_at"))
    inside = (starts < end) & (stops > start)
    starts, stops = np.maximum(starts[inside], start), np.minimum(stops[inside], end)
    silent, heard = _silences(gaps, begin, finish)
    middle = (starts + stops) // 2
    busy_days, busy_hours = _touched(np.minimum(starts + UNSURE_MICROS, middle),
                                     np.maximum(stops - UNSURE_MICROS, middle + 1), zone)
    whole = observed_days_on_clock(begin, finish, silent, heard, zone)
    days = np.union1d(whole, busy_days)
    unseen = float((heard - silent).sum()) / MICROS_PER_DAY
    last = int(stops.max()) if len(stops) else None
    absence, absence_unseen = _absence(begin, finish, (starts, stops), (silent, heard))
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


def _silences(gaps: pd.DataFrame | None, begin: int, finish: int) -> tuple[Micros, Micros]:
    """The stretches within its life in which nobody looked."""
    if gaps is None or gaps.empty:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    silent = np.maximum(column_micros(gaps["from_at"]), begin)
    heard = np.minimum(column_micros(gaps["to_at"]), finish)
    return silent[silent < heard], heard[silent < heard]


def _touched(starts: Micros, stops: Micros, zone: ZoneInfo) -> tuple[Micros, Micros]:
    """The days and the hours on the clock in *zone* in which it was used at all, each once."""
    if not len(starts):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    begins, ends = on_clock(starts, zone), on_clock(stops, zone)
    edges = np.arange(begins.min() // MICROS_PER_HOUR,
                      max(ends.max(), begins.max()) // MICROS_PER_HOUR + 2,
                      dtype=np.int64) * MICROS_PER_HOUR
    hours = np.unique(edges[cut(begins, ends, edges).span] // MICROS_PER_HOUR)
    return np.unique(hours // 24), hours


def _absence(
    begin: int, finish: int, used: tuple[Micros, Micros], silences: tuple[Micros, Micros]
) -> tuple[Stretch | None, float]:
    """The stretch between uses of which most was observed, and the days of it that were not."""
    order = np.argsort(used[0], kind="stable")
    low = np.maximum.accumulate(np.append(begin, used[1][order]))
    high = np.minimum(np.append(used[0][order], finish), finish)
    unseen = np.zeros(len(low), dtype=np.int64)
    for silent, heard in zip(*silences, strict=True):
        unseen += np.maximum(np.minimum(high, heard) - np.maximum(low, silent), 0)
    observed = high - low - unseen
    longest = int(np.argmax(observed))
    if observed[longest] <= 0:
        return None, 0.0
    return ((from_micros(low[longest]), from_micros(high[longest])),
            float(unseen[longest]) / MICROS_PER_DAY)


def _share(part: np.integer | int, whole: np.integer | int) -> float:
    return float(part) / float(whole) if whole else 0.0


def _runs(marks: list[bool]) -> list[tuple[int, int]]:
    """The first and last place of each row of marks, on a circle; a full circle is one row."""
    count = len(marks)
    if all(marks):
        return [(0, count - 1)]
    firsts = [place for place in range(count) if marks[place] and not marks[place - 1]]
    runs = []
    for first in firsts:
        length = next(n for n in range(1, count) if not marks[(first + n) % count])
        runs.append((first, (first + length - 1) % count))
    return runs
