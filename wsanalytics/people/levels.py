"""How much people of each kind of fleet work from month to month, as a share of their usual day.

Each month is drawn by itself, and a level that goes on from month to month is made of all draws
since 2020: so the same person has the same level in every window.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from math import exp, log, pi, sin

from wsanalytics.people.person import Kind, Person, Purpose

_FIRST_YEAR = 2020
_KEPT, _STEP = 0.8, 0.35
"""A level that wanders keeps this part of its distance from the usual one (as a logarithm, an
autoregressive process of order one), and moves by so much a month."""
_SWING = 0.65
"""What a season takes or gives, as a share."""
_JUMP_CHANCE = 0.2
"""The chance that somebody's level jumps in a month, to the half or the double."""
_MOST_HOURS = 15.0


def level_on(person: Person, day: date) -> float:
    """Return the level of *person* on a *day*: 1 for their usual one."""
    month = 12 * (day.year - _FIRST_YEAR) + day.month - 1
    match person.kind:
        case Kind.WANDERING:
            level = exp(_wandering(person, month))
        case Kind.SEASONAL:
            turn = day.timetuple().tm_yday / 365.25 + person.rhythm / 1000
            level = 1 + _SWING * sin(2 * pi * turn)
        case Kind.JUMPING:
            level = exp(_jumping(person, month, day.day))
        case _:
            return 1.0
    return min(level, _MOST_HOURS * 60 / person.works_minutes)


@lru_cache(maxsize=1 << 16)
def _wandering(person: Person, month: int) -> float:
    """Return the logarithm of a level in a month that wanders."""
    if month < 0:
        return 0.0
    step = _STEP * float(person.luck(Purpose.LEVEL, month).standard_normal())
    return _KEPT * _wandering(person, month - 1) + step


@lru_cache(maxsize=1 << 16)
def _jumping(person: Person, month: int, day: int) -> float:
    """Return the logarithm of a level that stays until it jumps, on any day of a month."""
    if month < 0:
        return 0.0
    before = _jumping(person, month - 1, 31)
    rng = person.luck(Purpose.LEVEL, month)
    if rng.random() >= _JUMP_CHANCE or rng.integers(1, 29) > day:
        return before
    # Never more than double or less than half of the usual: from there it jumps back.
    if before:
        return 0.0
    return log(2) if rng.random() < 0.5 else -log(2)
