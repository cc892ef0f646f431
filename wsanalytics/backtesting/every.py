"""On which days policies decide: each day, on Mondays, or on the 1sts."""

from __future__ import annotations

from datetime import datetime, timedelta

from wsanalytics.defaults import EVERY
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.timeline import months_later

DAY, WEEK, MONTH = EVERY


def check_every(every: str) -> str:
    """Return *every* if it says on which days policies decide; :class:`InputError` otherwise."""
    if every not in EVERY:
        raise InputError(
            f"every is {every!r}", where="backtest",
            rule="policies decide every day, week (on Mondays) or month (on the 1sts)",
            fix=did_you_mean(every, EVERY, otherwise="use day, week or month"))
    return every


def decides_on(at: datetime, every: str) -> bool:
    """Whether policies decide at the midnight *at*.

    >>> [decides_on(datetime(2026, 6, day), "week") for day in (1, 2, 8)]  # Mondays: 1 and 8
    [True, False, True]
    """
    return every == DAY or (at.weekday() == 0 if every == WEEK else at.day == 1)


def next_decision(at: datetime, every: str) -> datetime:
    """Return the next midnight after *at* at which policies decide.

    >>> next_decision(datetime(2026, 6, 3), "week").day
    8
    """
    if every == DAY:
        return at + timedelta(days=1)
    if every == WEEK:
        return at + timedelta(days=7 - at.weekday())
    return months_later(at, 1)
