"""Bound numbers by what they mean: one place for files, options and arguments.

Nothing that is read comes near these bounds, and what lies over them can be no such thing. Nothing
heavy is imported here: help must answer at once.
"""

from __future__ import annotations

import math

from wsanalytics.errors import InputError

MINUTES_A_YEAR = 366 * 24 * 60.0
HOURS_A_MONTH = 31 * 24.0
SECONDS_A_DAY = 24 * 60 * 60.0
MOST_DAYS = 1e6
MOST_USD = 1e9
MOST_A_WEEK = 7 * 24 * 60.0
"""Once a minute: nobody connects more often."""
MOST = 1e9
"""Of whatever has no bound of its own."""
_BY_UNIT = {
    "minutes": MINUTES_A_YEAR, "GiB": 1e6, "0 to 1": 1.0, "a week": MOST_A_WEEK,
    "USD": MOST_USD, "USD a month": MOST_USD, "USD an hour": 1e6, "hours": 1e9,
}


def most_of(unit: str) -> float:
    """Return the most that a number of *unit* can be.

    >>> most_of("GiB"), most_of("0 to 1")
    (1000000.0, 1.0)
    """
    return _BY_UNIT.get(unit, MOST)


def number_within(value: float, name: str, most: float, *, least: float = 0.0) -> float:
    """Return the *value*.

    :class:`InputError` where it is no finite number from *least* to *most*.
    """
    if not (math.isfinite(value) and least <= value <= most):
        raise InputError(f"{name} is {value:g}", where=name,
                         rule=f"it is a number from {least:g} to {most:g}", fix="correct it")
    return value
