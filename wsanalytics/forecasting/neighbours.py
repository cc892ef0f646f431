"""What people will do next, judged by what was done next by whoever had lived the same weeks.

Each WorkSpace has *usual hours*: what it bills on a Monday, a Tuesday and so on in weeks in which
it is used. Whatever happens is measured as a share of them: 1 for a usual stretch, 0 for a
vacation, a half for a month in which somebody left. A *situation* is a WorkSpace on one day: the
shares of its last thirteen weeks, how many days nobody has used it, and how much of its life it lay
idle for long. The outlook of one situation is what followed in those most like it, of all
WorkSpaces of the fleet (those of its own past count as nearer): a distribution, of which the mean
is the forecast. So absences, contracts that end, newcomers and slow changes need no models of
their own; the fleet has lived through them.

All that is used lies before the day on which the outlook is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wsanalytics.timeline import MICROS_PER_DAY, Hours

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

HORIZONS = np.array((2, 4, 7, 14, 21, 31, 45, 61))
"""For how many days ahead it is remembered what followed; between them it is interpolated."""
WEEKS = 13
"""How many weeks a situation looks back."""
NEIGHBOURS = 40
"""How many similar situations an outlook is made of."""
HALF_LIFE_DAYS = 120
"""Days after which a day counts half for the usual hours."""
YOUNG_DAYS = 5
"""Situations of WorkSpaces younger than this are not remembered."""
MEMORY = 12_000
"""How many situations are remembered at most; of more, a sample."""
_LONG_DAYS = 18
"""Days without use that are more than a vacation."""
_GAP_WEIGHT, _IDLE_WEIGHT, _OWN_BONUS = 0.5, 4.0, 0.5
"""How much days without use, a life of long pauses, and being one's own past count in likeness."""
_PRIOR_WEEKS, _PRIOR_DAYS = 1.0, 2.0
"""How many weeks a weekday, and days a WorkSpace, begin with of what others do."""
_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class UsagePast:
    """What was seen: billed ``hours`` by WorkSpace (rows) and day, the ``weekday`` of each day.

    ``weekday`` reaches on beyond the days seen, as a calendar does. ``born`` is the day, by
    WorkSpace, on which it was created (0 if before), ``ended`` the day after its last one.
    """

    hours: Hours
    weekday: Rows
    born: Rows
    ended: Rows

    @property
    def today(self) -> int:
        """How many days were seen."""
        return int(self.hours.shape[1])


def weekdays(first_midnight: int, days: int) -> Rows:
    """The weekdays (Monday 0) of so many days from an instant on, and of the 70 after them."""
    first = first_midnight // MICROS_PER_DAY + 3  # 1970-01-01 was a Thursday
    return (first + np.arange(days + 70)) % 7


def like_other_days(hours: Hours, unseen: Flags, weekday: Rows) -> Hours:
    """The *hours* with days that are *unseen* as the WorkSpace's other days of that weekday."""
    filled = np.where(unseen, 0.0, hours)
    for day in range(7):
        mine = weekday[: hours.shape[1]] == day
        seen = ~unseen[:, mine]
        mean = filled[:, mine].sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        filled[:, mine] = np.where(seen, filled[:, mine], mean[:, None])
    return filled


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """What a fleet has in common: the ``shape`` of its week, and a usual day's hours."""

    shape: Hours
    usual_hours: float


def fleet_of(past: UsagePast) -> Fleet:
    """The week that the fleet has in common."""
    hours, days = _sums(past, np.arange(len(past.hours)))
    mean = hours.sum(axis=0) / np.maximum(days.sum(axis=0), 1e-9)
    used = days.sum(axis=1) > 0
    usual = float(np.median(hours[used].sum(axis=1) / days[used].sum(axis=1))) if used.any() else 3
    return Fleet(mean / max(float(mean.mean()), 1e-9) if mean.any() else np.ones(7), usual)


def usual_week(past: UsagePast, fleet: Fleet, rows: Rows) -> Hours:
    """The usual hours of the WorkSpaces *rows* on each weekday (Monday first), when used.

    Weekdays that were seldom seen lean on the WorkSpace's other days, and those of a new one on
    the *fleet*'s. One that nobody used for two weeks from its beginning on has none.
    """
    hours, days = _sums(past, rows)
    own = (hours.sum(axis=1) + _PRIOR_DAYS * fleet.usual_hours) / (
        days @ fleet.shape + _PRIOR_DAYS)
    prior = own[:, None] * fleet.shape
    week = (hours + _PRIOR_WEEKS * prior) / (days + _PRIOR_WEEKS)
    never = (past.hours[rows].sum(axis=1) == 0) & (past.today - past.born[rows] >= 14)
    return np.where(never[:, None], 0.0, week)


def _sums(past: UsagePast, rows: Rows) -> tuple[Hours, Hours]:
    """Hours and days by WorkSpace and weekday, late days counting more, in weeks of use."""
    hours, today = past.hours[rows], past.today
    used = np.cumsum(np.pad(hours > 0, ((0, 0), (4, 3))), axis=1)
    near = np.pad(used, ((0, 0), (1, 0)))
    in_use = near[:, 7:7 + today] > near[:, :today]
    in_use &= np.arange(today)[None, :] >= past.born[rows][:, None]
    weight = 0.5 ** (np.arange(today)[::-1] / HALF_LIFE_DAYS) * in_use
    on = np.zeros((today, 7))
    on[np.arange(today), past.weekday[:today]] = 1.0
    return (hours * weight) @ on, weight @ on


class SituationIndex:
    """Situations of a fleet, and what share of the usual hours followed each."""

    def __init__(self, past: UsagePast, *, step: int = 2) -> None:
        self.past = past
        self._known: dict[int, _Indexed] = {}
        self.fleet = fleet_of(past)
        everyone = np.flatnonzero(past.born < max(past.today, 1))  # not those still to come
        week = usual_week(past, self.fleet, everyone)
        look = _Look(past, week, everyone)
        days = np.arange(past.today - HORIZONS[0], 20, -step)
        pairs = np.arange(len(everyone) * len(days))
        if len(pairs) > MEMORY:
            pairs = np.sort(np.random.default_rng(0).choice(pairs, MEMORY, replace=False))
        who, when = np.divmod(pairs, max(len(days), 1))
        at = days[when] if len(days) else when
        kept = (at - past.born[everyone[who]] >= YOUNG_DAYS) & (at < past.ended[everyone[who]])
        kept &= week[who].sum(axis=1) > 0
        who, at = who[kept], at[kept]
        self.who = everyone[who]
        self.places = look.places(who, at)
        self.followed = np.stack([look.followed(who, at, int(h)) for h in HORIZONS],
                                 axis=1) if len(at) else np.empty((0, len(HORIZONS)))

    def known(self, place: int) -> _Indexed:
        """The situations of which it is known what followed over ``HORIZONS[place]`` days."""
        if place not in self._known:
            kept = ~np.isnan(self.followed[:, place])
            places = self.places[kept]
            self._known[place] = _Indexed(places, (places**2).sum(axis=1), self.who[kept],
                                        self.followed[kept])
        return self._known[place]


@dataclass(frozen=True, slots=True, eq=False)
class _Indexed:
    """Some of the situations that are remembered; ``squares`` are their distances from zero."""

    places: npt.NDArray[np.float32]
    squares: npt.NDArray[np.float32]
    who: Rows
    followed: Hours


class _Look:
    """Situations of the WorkSpaces *rows* of a past, on any day of it."""

    def __init__(self, past: UsagePast, week: Hours, rows: Rows) -> None:
        self.past, self.rows = past, rows
        today = past.today
        hours, born = past.hours[rows], past.born[rows][:, None]
        day = np.arange(today)[None, :]
        alive = day >= born
        self.done = _running(hours)
        self.usual = _running(week[:, past.weekday[:today]] * alive)
        last = np.maximum.accumulate(
            np.where(hours > 0, day, np.minimum(born, today) - 1), axis=1)
        self.idle = np.pad(last, ((0, 0), (1, 0)), constant_values=-1)
        self.long = _running(((day - last > _LONG_DAYS) & alive).astype(np.float64))

    def places(self, who: Rows, at: Rows) -> npt.NDArray[np.float32]:
        """Where each situation lies: *who* counts among the rows, *at* is a day."""
        shares = self.shares(who, at)
        age = np.maximum(at - self.past.born[self.rows[who]], 0)
        gap = np.clip(np.minimum(at - 1 - self.idle[who, at], age), 0, 28)
        idle = np.minimum(self.long[who, at] / np.maximum(age, 28), 0.5)
        return np.column_stack([shares, _GAP_WEIGHT * np.log1p(gap),
                                _IDLE_WEIGHT * np.sqrt(idle)]).astype(np.float32)

    def shares(self, who: Rows, at: Rows) -> Hours:
        """The shares of the last weeks, the latest first; weeks before its time as those after."""
        weeks = np.full((len(who), WEEKS), np.nan)
        for week in range(WEEKS):
            high, low = np.maximum(at - 7 * week, 0), np.maximum(at - 7 * week - 7, 0)
            usual = self.usual[who, high] - self.usual[who, low]
            done = self.done[who, high] - self.done[who, low]
            weeks[:, week] = np.where(usual > 0, done / np.maximum(usual, 1e-9), np.nan)
        known = ~np.isnan(weeks)
        count = known.cumsum(axis=1)
        mean = np.nan_to_num(weeks).cumsum(axis=1) / np.maximum(count, 1)
        return np.clip(np.where(known, weeks, np.where(count > 0, mean, 1.0)), 0, 1.5)

    def followed(self, who: Rows, at: Rows, days: int) -> Hours:
        """The share of the usual hours in so many days from *at* on; NaN if not all were seen."""
        end = np.minimum(at + days, self.past.today)
        usual = self.usual[who, end] - self.usual[who, at]
        done = self.done[who, end] - self.done[who, at]
        whole = (at + days <= self.past.today) & (at + days <= self.past.ended[self.rows[who]])
        return np.where(whole & (usual > 0), np.clip(done / np.maximum(usual, 1e-9), 0, 2), np.nan)


def _running(table: Hours) -> Hours:
    """Sums up to each day, 0 before the first."""
    return np.pad(np.cumsum(table, axis=1), ((0, 0), (1, 0)))


class NeighbourForecast:
    """What may follow for the WorkSpaces *rows* of *past*, by a *memory* of it or of before."""

    def __init__(self, memory: SituationIndex, past: UsagePast, rows: Rows) -> None:
        self.past, self.rows, self.memory = past, rows, memory
        self.week = usual_week(past, memory.fleet, rows)
        look = _Look(past, self.week, rows)
        each, now = np.arange(len(rows)), np.full(len(rows), past.today)
        self.recent = look.shares(each, now)
        self.places = look.places(each, now)

    def usual_hours(self, days: int, week: Hours | None = None) -> Hours:
        """The usual hours of the next so many days, by WorkSpace; of another usual *week*."""
        coming = self.past.weekday[self.past.today:self.past.today + days]
        hours: Hours = (self.week if week is None else week)[:, coming].sum(axis=1)
        return hours

    def share(self, days: int) -> Hours:
        """The expected share of the usual hours in the next so many days, by WorkSpace."""
        high = min(int(np.searchsorted(HORIZONS, days)), len(HORIZONS) - 1)
        low = max(high - 1, 0)
        span = HORIZONS[high] - HORIZONS[low]
        part = float(np.clip((days - HORIZONS[low]) / span, 0, 1)) if span else 1.0
        shares, weights = self._followed(high, lambda followed: (
            followed[:, low] * (1 - part) + followed[:, high] * part))
        mean: Hours = (shares * weights).sum(axis=1)
        return mean

    def outcomes(self, place: int) -> tuple[Hours, Hours]:
        """Shares that may follow over ``HORIZONS[place]`` days, and their weights (sum 1).

        By WorkSpace (rows). Where the fleet has lived through too little, those of the
        WorkSpace's own last weeks.
        """
        return self._followed(place, lambda followed: followed[:, place])

    def _followed(
        self, place: int, taken: Callable[[Hours], Hours]
    ) -> tuple[Hours, Hours]:
        """What is *taken* from what followed the nearest of which so many days are known."""
        known = self.memory.known(place)
        if len(known.who) <= NEIGHBOURS:
            count = min(4, WEEKS)
            return self.recent[:, :count], np.full((len(self.rows), count), 1 / count)
        followed = taken(known.followed)
        shares = np.empty((len(self.rows), NEIGHBOURS))
        weights = np.empty_like(shares)
        for first in range(0, len(self.rows), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            near, weights[part] = _nearest(self.places[part], self.rows[part], known)
            shares[part] = followed[near]
        return shares, weights


def _nearest(
    asked: npt.NDArray[np.float32], rows: Rows, known: _Indexed
) -> tuple[npt.NDArray[np.intp], Hours]:
    """The situations nearest to those *asked*, and how much each counts."""
    far = asked @ known.places.T
    far *= -2
    far += known.squares[None, :]
    far -= np.float32(_OWN_BONUS) * (known.who[None, :] == rows[:, None])
    near = np.argpartition(far, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    distance = np.take_along_axis(far, near, 1) + (asked**2).sum(axis=1)[:, None]
    distance = np.maximum(distance, 0).astype(np.float64)
    weight = np.exp(-distance / (0.05 + np.median(distance, axis=1, keepdims=True)))
    return near, weight / weight.sum(axis=1, keepdims=True)
