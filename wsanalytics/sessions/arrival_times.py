"""When people usually come on a day such as this one, and how likely: the rule, in flat arrays.

``arrivals`` asks for today, to start WorkSpaces early; the policy ``start_before_work`` asks for
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
"""How far back a user's habits are looked for."""
FEWEST_DAYS = 5
"""Days of this kind (working days, or days of the weekend) that must have been observed."""
PRIOR_DAYS = 2.0
"""The days' worth of what the user does on other days of the kind that a weekday begins with."""
EARLY_QUANTILE = 0.25
"""Three days in four the user comes after this point of the times at which he has come."""
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class LocalDays:
    """So many days in a row on the clock in ``zone``, from the day numbered ``first`` on."""

    zone: ZoneInfo
    first: int
    count: int

    @classmethod
    def within(cls, start: datetime, end: datetime, zone: ZoneInfo) -> LocalDays:
        """The days that lie wholly between two instants."""
        begins = start.astimezone(zone)
        first = begins.toordinal() + (begins.time() != time())
        return cls(zone, first, max(0, end.astimezone(zone).toordinal() - first))

    @property
    def ordinals(self) -> Codes:
        """The numbers of the days."""
        return np.arange(self.first, self.first + self.count, dtype=np.int64)


def ordinals_of(at: Micros, zone: ZoneInfo) -> Codes:
    """The number of the day that each instant lies in, on the clock in *zone*."""
    return on_clock(at, zone) // MICROS_PER_DAY + _EPOCH_DAY


def first_minutes(workspace: Codes, connects: Micros, fleet: int, days: LocalDays) -> Minutes:
    """At which minute of each of *days* each of *fleet* WorkSpaces was first connected to.

    NaN where nobody came. *workspace* numbers the WorkSpace of each connect.
    """
    local = on_clock(connects, days.zone)
    day = local // MICROS_PER_DAY + _EPOCH_DAY - days.first
    kept = np.flatnonzero((day >= 0) & (day < days.count))
    kept = kept[np.argsort(connects[kept], kind="stable")]
    place, earliest = np.unique(workspace[kept] * days.count + day[kept], return_index=True)
    seconds = local[kept][earliest] % MICROS_PER_DAY // MICROS_PER_SECOND
    minutes = np.full(fleet * days.count, np.nan)
    minutes[place] = seconds // 60 + seconds % 60 / 60
    return minutes.reshape(fleet, days.count)


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """What is usual on one day, an entry a WorkSpace.

    Before ``minute`` its user came on one day in four only; NaN where he never came on such a
    day, or too few were observed. ``chance`` tells how likely he comes, from the same weekday
    and, where that was seen seldom, from the other days of the kind. ``days`` of the kind were
    observed, on ``came`` of them he came.
    """

    minute: Minutes
    chance: npt.NDArray[np.float64]
    days: Codes
    came: Codes

    @property
    def is_known(self) -> Flags:
        """Of whom enough is known to expect him at a time."""
        return ~np.isnan(self.minute)


def usual_on(today: int, ordinals: Codes, first: Minutes, observed: Flags) -> Usual:
    """What is usual on the day numbered *today*, by what was *observed* on days before it.

    *ordinals* numbers the days of *first* (see :func:`first_minutes`) and *observed*.
    """
    alike = (ordinals < today) & (_is_weekend(ordinals) == _is_weekend(today))
    counted = observed[:, alike]
    minutes = np.where(counted, first[:, alike], np.nan)
    there = ~np.isnan(minutes)
    days, came = counted.sum(axis=1), there.sum(axis=1)
    same = ordinals[alike] % 7 == today % 7
    usual = (came + 1) / (days + 2)
    chance = ((there[:, same].sum(axis=1) + PRIOR_DAYS * usual)
              / (counted[:, same].sum(axis=1) + PRIOR_DAYS))
    early = np.where(days >= FEWEST_DAYS, _early(minutes, came), np.nan)
    return Usual(early, chance, days, came)


def _is_weekend(ordinal: Codes | int) -> Flags:
    return np.asarray((np.asarray(ordinal) + 6) % 7 >= 5, dtype=np.bool_)


def _early(minutes: Minutes, came: Codes) -> Minutes:
    """The early quantile of each row, as ``numpy.quantile`` has it; NaN for rows without any."""
    if not minutes.shape[1]:
        return np.full(len(minutes), np.nan)
    ordered = np.sort(minutes, axis=1)  # NaN last
    place = EARLY_QUANTILE * np.maximum(came - 1, 0)
    low = place.astype(np.int64)
    rows, part = np.arange(len(minutes)), place - low
    a, b = ordered[rows, low], ordered[rows, np.minimum(low + 1, np.maximum(came - 1, 0))]
    early: Minutes = np.where(part < 0.5, a + (b - a) * part, b - (b - a) * (1 - part))
    return early


def instants_on(today: int, minutes: Minutes, zone: ZoneInfo) -> Micros:
    """When the clock in *zone* shows so many *minutes* after midnight, on the day *today*."""
    midnight = datetime.combine(date.fromordinal(today), time(), zone)
    if midnight.utcoffset() == (midnight + timedelta(days=1)).utcoffset():
        spans = np.rint(minutes * MICROS_PER_MINUTE).astype(np.int64)
        return to_micros(midnight) + spans
    return np.array(
        [to_micros(midnight + timedelta(minutes=minute)) for minute in minutes.tolist()],
        dtype=np.int64,
    )
