"""Simulate when invented people are connected: what a day of each archetype is like.

Each local day is drawn by itself, so a longer window does not change the days that a shorter one
has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import pandas as pd

from wsanalytics.people.levels import level_on
from wsanalytics.people.person import Archetype, Kind, Person, Purpose
from wsanalytics.tables import check_sessions
from wsanalytics.timeline import (
    MICROS_PER_HOUR,
    MICROS_PER_SECOND,
    Window,
    from_micros,
    instants,
    to_micros,
)

Sessions = list[tuple[datetime, datetime]]
"""The sessions of a user: ``(connected_at, disconnected_at)`` pairs, sorted, aware UTC."""
Spans = list[tuple[float, float]]
"""Intervals of one local day, in minutes after its midnight; they may reach into the next day."""


def person_sessions(person: Person, window: Window) -> Sessions:
    """Return the sessions of *person* within *window*, to the second; cut at its edges.

    Sessions that touch are one. Nobody is connected before their WorkSpace was created or after
    it was terminated. The same person has the same days in every window.
    """
    return [(from_micros(start), from_micros(end)) for start, end in _connected(person, window)]


def _connected(person: Person, window: Window) -> list[tuple[int, int]]:
    """Return the sessions of *person*, in microseconds."""
    zone = ZoneInfo(person.place.zone)
    start = max(window.start, person.created_at or window.start)
    end = min(window.end, person.terminated_at or window.end)
    first, final = to_micros(start), to_micros(end)
    # Two days early, as a night shift reaches into the next day and local days begin up to 14 hours
    # apart from UTC's.
    ordinals = range(start.astimezone(zone).toordinal() - 2, end.astimezone(zone).toordinal() + 1)
    habit = _HABITS[person.archetype]
    sessions: list[tuple[int, int]] = []
    for day in map(date.fromordinal, ordinals):
        clock = _local_clock(day, person.place.zone)
        for span in sorted(habit(person, day)):
            connected, disconnected = max(clock.at(span[0]), first), min(clock.at(span[1]), final)
            if connected >= disconnected:
                continue
            if sessions and connected <= sessions[-1][1]:
                sessions[-1] = sessions[-1][0], max(disconnected, sessions[-1][1])
            else:
                sessions.append((connected, disconnected))
    return sessions


@dataclass(frozen=True, slots=True)
class _LocalClock:
    """One day on a wall clock; clocks are changed before four in the morning, if at all."""

    midnight: int
    as_of_four: int

    def at(self, minutes: float) -> int:
        """The instant, to the second, when the clock shows so many minutes after midnight."""
        start = self.midnight if minutes < 4 * 60 else self.as_of_four
        return start + round(60 * minutes) * MICROS_PER_SECOND


@lru_cache(maxsize=1 << 13)
def _local_clock(day: date, zone: str) -> _LocalClock:
    # Two anchors: on the day of a clock change the hours after it are counted from four o'clock.
    midnight, four = (
        to_micros(datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)))
        for hour in (0, 4)
    )
    return _LocalClock(midnight, four - 4 * MICROS_PER_HOUR)


def fleet_sessions(people: Iterable[Person], window: Window) -> pd.DataFrame:
    """Return the sessions of all *people* within *window*, as a ``sessions`` table."""
    ids: list[str] = []
    connected: list[int] = []
    disconnected: list[int] = []
    for person in people:
        sessions = _connected(person, window)
        ids += [person.workspace_id] * len(sessions)
        connected += [start for start, _ in sessions]
        disconnected += [end for _, end in sessions]
    return check_sessions(
        pd.DataFrame(
            {
                "workspace_id": pd.Series(ids, dtype="str"),
                "connected_at": instants(np.array(connected, dtype=np.int64)),
                "disconnected_at": instants(np.array(disconnected, dtype=np.int64)),
            }
        )
    )


@cache
def _public_holidays(country: str, subdivision: str | None) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision)


@lru_cache(maxsize=1 << 14)
def _spell(
    person: Person, purpose: int, block: int, block_days: int, chance: float,
    shortest: int, longest: int,
) -> range:
    """Return the days of the one spell in a block of days, as ordinals; an empty range for none."""
    # A generator for each block: which days are drawn does not depend on the window that asks.
    rng = person.luck(purpose, block)
    if rng.random() >= chance:
        return range(0)
    first = block * block_days + int(rng.integers(block_days - longest + 1))
    return range(first, first + int(rng.integers(shortest, longest + 1)))


def _is_in_spell(person: Person, day: date, purpose: int, *spell: float) -> bool:
    """Whether *day* is in a *spell* of block_days, chance, and shortest and longest in days."""
    block_days, chance, shortest, longest = spell
    ordinal = day.toordinal() + person.rhythm
    block = ordinal // int(block_days)
    return ordinal in _spell(
        person, purpose, block, int(block_days), chance, int(shortest), int(longest)
    )


def _is_away(person: Person, day: date) -> bool:
    """On vacation (a week or two, most quarters) or ill (one to four days, now and then)."""
    return (
        _is_in_spell(person, day, Purpose.VACATION, 91, 0.7, 7, 16)
        or _is_in_spell(person, day, Purpose.SICK, 56, 0.45, 1, 4)
    )


def _is_workday(person: Person, day: date) -> bool:
    return (
        day.weekday() in person.workdays
        and day not in _public_holidays(person.place.country, person.place.subdivision)
        and not _is_away(person, day)
    )


def _without(start: float, end: float, breaks: Spans) -> Spans:
    """Return the interval from *start* to *end* less the *breaks*.

    Pieces under a minute are dropped.
    """
    pieces = []
    for away, back in sorted(breaks):
        pieces.append((start, min(away, end)))
        start = max(start, back)
    pieces.append((start, end))
    return [(came, left) for came, left in pieces if left - came >= 1]


def _stint(
    person: Person, rng: np.random.Generator, starts_minutes: float, level: float = 1.0
) -> Spans:
    """One day's work: lunch, short breaks, a false start, a look in the evening."""
    start = starts_minutes + rng.normal(0, person.jitter_minutes)
    usual = level * person.works_minutes
    end = start + max(30.0, usual + rng.normal(0, 1.6 * person.jitter_minutes))
    breaks: Spans = []
    if rng.random() < person.lunch_share:
        lunch = start + (end - start) * rng.uniform(0.38, 0.56)
        breaks.append((lunch, lunch + rng.uniform(20, 75)))
    for _ in range(rng.poisson(person.breaks_per_day)):
        away = rng.uniform(start, end)
        breaks.append((away, away + 0.5 + rng.exponential(14)))
    spans = _without(start, end, breaks)
    chance = rng.random()
    if chance < 0.06:
        spans.append((start - rng.uniform(6, 30), start - 5))
    elif chance < 0.14:
        glance = start - rng.uniform(8, 50)
        spans.append((glance, glance + rng.uniform(1, 4)))
    elif chance < 0.26:
        evening = end + rng.uniform(45, 240)
        longest = 4 if rng.random() < 0.5 else 90
        spans.append((evening, evening + rng.uniform(1, longest)))
    return spans


def _office_day(person: Person, day: date) -> Spans:
    if not _is_workday(person, day):
        return []
    rng = person.luck(Purpose.DAY, day.toordinal())
    level = level_on(person, day)
    return _stint(person, rng, person.starts_minutes, level) if rng.random() < 0.98 else []


def _contractor_day(person: Person, day: date) -> Spans:
    """Three to seven weeks of work, then weeks without."""
    engaged = _is_in_spell(person, day, Purpose.ENGAGED, 70, 1, 21, 49)
    return _office_day(person, day) if engaged else []


def _shift_day(person: Person, day: date) -> Spans:
    """Four early, four late and three night shifts with days off between, weekends or not.

    In a fleet near the break-even one of each in nine days.
    """
    rota = "E--L--N--" if person.kind is Kind.BREAK_EVEN else "EEEE-LLLL-NNN--"
    shift = rota[(day.toordinal() + person.rhythm) % len(rota)]
    if shift == "-" or _is_away(person, day):
        return []
    starts_minutes = {"E": 6 * 60, "L": 14 * 60, "N": 22 * 60}[shift]
    return _stint(person, person.luck(Purpose.DAY, day.toordinal()), starts_minutes)


def _night_owl_day(person: Person, day: date) -> Spans:
    rng = person.luck(Purpose.DAY, day.toordinal())
    if rng.random() < 0.22 or _is_away(person, day):
        return []
    return _stint(person, rng, person.starts_minutes, level_on(person, day))


def _day_without_end(person: Person, day: date) -> Spans:
    """Return connected from midnight to midnight, but for a rare break."""
    rng = person.luck(Purpose.DAY, day.toordinal())
    if rng.random() >= person.breaks_per_day:
        return [(0, 24 * 60)]
    minutes = rng.uniform(6, 40 if rng.random() < 0.5 else 900)
    away = rng.uniform(1, 24 * 60 - 1 - minutes)
    return [(0, away), (away + minutes, 24 * 60)]


def _restless_day(person: Person, day: date) -> Spans:
    """Ten to twenty-five short sessions."""
    if not _is_workday(person, day):
        return []
    rng = person.luck(Purpose.DAY, day.toordinal())
    count = int(rng.integers(10, 26))
    start = person.starts_minutes + rng.normal(0, person.jitter_minutes)
    slot = level_on(person, day) * person.works_minutes / count
    comes = start + slot * (np.arange(count) + rng.uniform(0, 0.3, count))
    stays = np.maximum(1.0, slot * rng.uniform(0.05, 0.65, count))
    return list(zip(comes.tolist(), (comes + stays).tolist(), strict=True))


def _automatic_day(person: Person, day: date) -> Spans:
    """Return a nightly job at 02:00 UTC, or (every third robot) a short login each hour."""
    rng = person.luck(Purpose.DAY, day.toordinal())
    if rng.random() < 0.015:
        return []
    if person.rhythm % 3:
        start = 120 + rng.normal(0, 1.5)
        return [(start, start + max(20.0, rng.normal(210, 9)))]
    comes = 60 * np.arange(24) + person.rhythm % 50 + rng.uniform(0, 2, 24)
    stays = rng.uniform(1.2, 7, 24)
    return list(zip(comes.tolist(), (comes + stays).tolist(), strict=True))


_HABITS: dict[Archetype, Callable[[Person, date], Spans]] = {
    Archetype.NINE_TO_FIVE: _office_day,
    Archetype.PART_TIME: _office_day,
    Archetype.SHIFTS: _shift_day,
    Archetype.NIGHT_OWL: _night_owl_day,
    Archetype.NEVER_LEAVES: _day_without_end,
    Archetype.RECONNECTS: _restless_day,
    Archetype.CONTRACTOR: _contractor_day,
    Archetype.AUTOMATION: _automatic_day,
    Archetype.UNUSED: lambda _person, _day: [],
    Archetype.NEWCOMER: _office_day,
}
