"""Estimate when people usually come on a day, and how likely: the rule, in flat arrays.

``start_early`` asks for today, to start WorkSpaces early; the policy ``start_before_work`` asks for
every day of a backtest. Days are those of a local clock, numbered as ``date.toordinal`` does;
tables have a row a WorkSpace and a column a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_MINUTE,
    MICROS_PER_SECOND,
    Micros,
    on_clock,
    to_micros,
)

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Minutes = npt.NDArray[np.float64]

HISTORY = timedelta(days=28)
"""The days before today whose arrivals count as habits."""
FEWEST_DAYS = 5
"""Days of this kind (working days, or days of the weekend) that must have been observed."""
PRIOR_DAYS = 2.0
"""The days' worth of what the user does on other days of the kind that a weekday begins with."""
EARLY_QUANTILE = 0.25
"""Three days in four the user comes after this quantile of their arrival times."""
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class LocalDays:
    """Consecutive days on the clock in ``zone``, from the day numbered ``first`` on."""

    zone: ZoneInfo
    first: int
    count: int

    @classmethod
    def within(cls, start: datetime, end: datetime, zone: ZoneInfo) -> LocalDays:
        """Return the days that lie wholly between two instants."""
        begins = start.astimezone(zone)
        first = begins.toordinal() + (begins.time() != time())
        return cls(zone, first, max(0, end.astimezone(zone).toordinal() - first))

    @property
    def ordinals(self) -> Codes:
        """The numbers of the days."""
        return np.arange(self.first, self.first + self.count, dtype=np.int64)


def ordinals_of(at: Micros, zone: ZoneInfo) -> Codes:
    """Return the number of the day that each instant lies in, on the clock in *zone*."""
    return on_clock(at, zone) // MICROS_PER_DAY + _EPOCH_DAY


def first_minutes(workspace: Codes, connects: Micros, fleet: int, days: LocalDays) -> Minutes:
    """Return the minute of each of *days* at which each of *fleet* WorkSpaces was first used.

    Minutes after local midnight, WorkSpaces x days; NaN where nobody came. *workspace* numbers the
    WorkSpace of each connect.
    """
    local = on_clock(connects, days.zone)
    day = local // MICROS_PER_DAY + _EPOCH_DAY - days.first
    inside = np.flatnonzero((day >= 0) & (day < days.count))
    # By time, so that np.unique's first index of a cell is that day's earliest connect.
    inside = inside[np.argsort(connects[inside], kind="stable")]
    # cell: one number for each WorkSpace and day, row-major like the table that is returned.
    cell, earliest = np.unique(workspace[inside] * days.count + day[inside], return_index=True)
    seconds = local[inside][earliest] % MICROS_PER_DAY // MICROS_PER_SECOND
    minutes = np.full(fleet * days.count, np.nan)
    minutes[cell] = seconds // 60 + seconds % 60 / 60
    return minutes.reshape(fleet, days.count)


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """The usual arrival on one day, an entry a WorkSpace.

    Before ``minute`` its user came on one day in four only; NaN where they never came on such a
    day, or too few were observed. ``chance`` is how likely they come, from the same weekday
    and, where that was seen seldom, from the other days of the kind. ``days`` of the kind were
    observed, on ``came`` of them they came.
    """

    minute: Minutes
    chance: npt.NDArray[np.float64]
    days: Codes
    came: Codes

    @property
    def is_known(self) -> Flags:
        """Whether enough is known of each user to expect them at a time."""
        return ~np.isnan(self.minute)


def usual_on(today: int, ordinals: Codes, first: Minutes, observed: Flags) -> Usual:
    """Estimate the arrivals on the day numbered *today*, from what was *observed* on days before.

    *ordinals* numbers the days of *first* (see :func:`first_minutes`) and *observed*.
    """
    alike = (ordinals < today) & (_is_weekend(ordinals) == _is_weekend(today))
    counted = observed[:, alike]
    minutes = np.where(counted, first[:, alike], np.nan)
    has_come = ~np.isnan(minutes)
    days, came = counted.sum(axis=1), has_come.sum(axis=1)
    # Ordinals seven apart are the same weekday.
    same = ordinals[alike] % 7 == today % 7
    usual = (came + 1) / (days + 2)
    # Shrunk towards the other days of the kind (an additive prior), since a weekday has at most
    # four days.
    chance = ((has_come[:, same].sum(axis=1) + PRIOR_DAYS * usual)
              / (counted[:, same].sum(axis=1) + PRIOR_DAYS))
    early = np.where(days >= FEWEST_DAYS, _early(minutes, came), np.nan)
    return Usual(early, chance, days, came)


def _is_weekend(ordinal: Codes | int) -> Flags:
    return np.asarray((np.asarray(ordinal) + 6) % 7 >= 5, dtype=np.bool_)


def _early(minutes: Minutes, count: Codes) -> Minutes:
    """Return the early quantile of each row, as ``numpy.quantile`` has it.

    NaN for rows without any.
    """
    if not minutes.shape[1]:
        return np.full(len(minutes), np.nan)
    ordered = np.sort(minutes, axis=1)  # NaN last
    rank = EARLY_QUANTILE * np.maximum(count - 1, 0)
    low = rank.astype(np.int64)
    rows, part = np.arange(len(minutes)), rank - low
    a, b = ordered[rows, low], ordered[rows, np.minimum(low + 1, np.maximum(count - 1, 0))]
    # Interpolated from the nearer end, as numpy.quantile does, so that rounding is the same.
    early: Minutes = np.where(part < 0.5, a + (b - a) * part, b - (b - a) * (1 - part))
    return early


def instants_on(today: int, minutes: Minutes, zone: ZoneInfo) -> Micros:
    """Return the instants at which the clock in *zone* shows *minutes* on the day *today*."""
    midnight = datetime.combine(date.fromordinal(today), time(), zone)
    if midnight.utcoffset() == (midnight + timedelta(days=1)).utcoffset():
        # A day with no change of the clock: minutes after midnight are elapsed minutes.
        spans = np.rint(minutes * MICROS_PER_MINUTE).astype(np.int64)
        return to_micros(midnight) + spans
    return np.array(
        [to_micros(midnight + timedelta(minutes=minute)) for minute in minutes.tolist()],
        dtype=np.int64,
    )
