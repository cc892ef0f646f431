"""Forecast use by k nearest neighbours: by what followed the most similar past weeks of anybody.

Each WorkSpace has *usual hours*: what it bills on a Monday, a Tuesday and so on in weeks in which
it is used. Whatever happens is measured as a share of them: 1 for a usual time, 0 for a
vacation, a half for a month in which somebody left. A *situation* is a WorkSpace on one day: the
shares of its last thirteen weeks, how many days nobody has used it, and how much of its life it lay
idle for long. The forecast of one situation is what followed in those most like it, of all
WorkSpaces of the fleet (those of its own past count as nearer): a distribution, of which the mean
is the forecast. So absences, contracts that end, new users and slow changes need no models of
their own; the fleet has lived through them.

All that is used lies before the day of the forecast.
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
"""Days ahead for which the index has what followed; between them it is interpolated."""
WEEKS = 13
"""The weeks that a situation looks back."""
NEIGHBOURS = 40
"""The number of similar situations that a forecast is made of: the k of the nearest neighbours."""
HALF_LIFE_DAYS = 120.0
"""Days after which a day counts half for the usual hours, unless told otherwise."""
YOUNG_DAYS = 5
"""Situations of WorkSpaces younger than this are not indexed."""
MEMORY = 12_000
"""The most situations in an index; of more, a sample."""
_LONG_DAYS = 18
"""Days without use that are more than a vacation."""
_GAP_WEIGHT, _IDLE_WEIGHT, _OWN_BONUS = 0.5, 4.0, 0.5
"""Weights in the distance: days without use, long pauses so far, and the WorkSpace's own past."""
_PRIOR_WEEKS, _PRIOR_DAYS = 1.0, 2.0
"""The prior: weeks of a weekday, and days of a WorkSpace, that begin with what others do."""
_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class UsagePast:
    """The observed past: billed ``hours`` by WorkSpace (rows) and day, and each day's ``weekday``.

    ``weekday`` reaches on beyond the days seen, as a calendar does. ``created`` is the day,
    by WorkSpace, on which it was created (0 if before), ``terminated`` the day after its last one.
    """

    hours: Hours
    weekday: Rows
    created: Rows
    terminated: Rows

    @property
    def today(self) -> int:
        """The number of days that were seen."""
        return int(self.hours.shape[1])

    def until(self, day: int) -> UsagePast:
        """Return the past as it was seen at the begin of a *day*: no end after it was known yet."""
        ended = np.where(self.terminated <= day, self.terminated, np.iinfo(np.int64).max)
        return UsagePast(self.hours[:, :day], self.weekday, self.created, ended)


def weekdays(first_midnight: int, days: int) -> Rows:
    """Return the weekdays (Monday 0) of so many days from an instant on, and of 70 more."""
    first = first_midnight // MICROS_PER_DAY + 3  # 1970-01-01 was a Thursday
    return (first + np.arange(days + 70)) % 7


def like_other_days(hours: Hours, unseen: Flags, weekday: Rows) -> Hours:
    """Fill the *unseen* days of *hours* with the WorkSpace's mean of that weekday."""
    filled = np.where(unseen, 0.0, hours)
    for day in range(7):
        is_day = weekday[: hours.shape[1]] == day
        is_seen = ~unseen[:, is_day]
        mean = filled[:, is_day].sum(axis=1) / np.maximum(is_seen.sum(axis=1), 1)
        filled[:, is_day] = np.where(is_seen, filled[:, is_day], mean[:, None])
    return filled


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """The common week of a fleet: its ``shape``, and a usual day's hours."""

    shape: Hours
    usual_hours: float


def fleet_of(past: UsagePast, half_life: float = HALF_LIFE_DAYS) -> Fleet:
    """Estimate the week that the fleet has in common."""
    hours, days = _sums(past, np.arange(len(past.hours)), half_life)
    mean = hours.sum(axis=0) / np.maximum(days.sum(axis=0), 1e-9)
    used = days.sum(axis=1) > 0
    usual = float(np.median(hours[used].sum(axis=1) / days[used].sum(axis=1))) if used.any() else 3
    return Fleet(mean / max(float(mean.mean()), 1e-9) if mean.any() else np.ones(7), usual)


def usual_week(
    past: UsagePast, fleet: Fleet, rows: Rows, half_life: float = HALF_LIFE_DAYS
) -> Hours:
    """Estimate the usual hours of the WorkSpaces *rows* on each weekday (Monday first), when used.

    Weekdays that were seldom seen lean on the WorkSpace's other days, and those of a new one on
    the *fleet*'s. One that nobody used for two weeks from its beginning on has none.
    """
    hours, days = _sums(past, rows, half_life)
    own_level = (hours.sum(axis=1) + _PRIOR_DAYS * fleet.usual_hours) / (
        days @ fleet.shape + _PRIOR_DAYS)
    prior = own_level[:, None] * fleet.shape
    week = (hours + _PRIOR_WEEKS * prior) / (days + _PRIOR_WEEKS)
    never = (past.hours[rows].sum(axis=1) == 0) & (past.today - past.created[rows] >= 14)
    return np.where(never[:, None], 0.0, week)


def _sums(past: UsagePast, rows: Rows, half_life: float) -> tuple[Hours, Hours]:
    """Sum hours and days by WorkSpace and weekday, late days counting more, in weeks of use."""
    hours, today = past.hours[rows], past.today
    # A week of use: somebody used it within three days before or after. used is the running count
    # of such days, padded so that [today + 7] - [today] spans those seven days.
    used = np.cumsum(np.pad(hours > 0, ((0, 0), (4, 3))), axis=1)
    near = np.pad(used, ((0, 0), (1, 0)))
    in_use = near[:, 7:7 + today] > near[:, :today]
    in_use &= np.arange(today)[None, :] >= past.created[rows][:, None]
    # Exponential decay by age; days outside weeks of use weigh nothing.
    weight = 0.5 ** (np.arange(today)[::-1] / half_life) * in_use
    # on: days x weekdays, one-hot; the product with it sums the days of each weekday.
    on = np.zeros((today, 7))
    on[np.arange(today), past.weekday[:today]] = 1.0
    return (hours * weight) @ on, weight @ on


class SituationIndex:
    """An index of the situations of a fleet, with the share of usual hours that followed.

    For the usual hours a day counts half after *half_life* days.
    """

    def __init__(
        self, past: UsagePast, *, step: int = 2, half_life: float = HALF_LIFE_DAYS
    ) -> None:
        self.past, self.half_life = past, half_life
        self._followed_for: dict[int, Indexed] = {}
        self.fleet = fleet_of(past, half_life)
        everyone = np.flatnonzero(past.created < max(past.today, 1))  # not those still to come
        week = usual_week(past, self.fleet, everyone, half_life)
        features = _Features(past, week, everyone)
        # Back from the last day that has the shortest horizon behind it, to the 21st.
        days = np.arange(past.today - HORIZONS[0], 20, -step)
        # A pair is one situation: WorkSpace times days plus day, which divmod takes apart again.
        pairs = np.arange(len(everyone) * len(days))
        if len(pairs) > MEMORY:
            pairs = np.sort(np.random.default_rng(0).choice(pairs, MEMORY, replace=False))
        who, when = np.divmod(pairs, max(len(days), 1))
        at = days[when] if len(days) else when
        is_usable = (at - past.created[everyone[who]] >= YOUNG_DAYS) & (
            at < past.terminated[everyone[who]]
        )
        is_usable &= week[who].sum(axis=1) > 0
        who, at = who[is_usable], at[is_usable]
        self.who = everyone[who]
        self.vectors = features.vectors(who, at)
        # situations x horizons: shares of the usual hours; NaN where not all of the days were seen.
        self.followed = np.stack([features.next_share(who, at, int(h)) for h in HORIZONS],
                                 axis=1) if len(at) else np.empty((0, len(HORIZONS)))

    def followed_for(self, horizon: int) -> Indexed:
        """Return the situations that were followed for ``HORIZONS[horizon]`` days."""
        if horizon not in self._followed_for:
            is_followed = ~np.isnan(self.followed[:, horizon])
            self._followed_for[horizon] = Indexed.of(
                self.vectors[is_followed], self.who[is_followed], self.followed[is_followed])
        return self._followed_for[horizon]


@dataclass(frozen=True, slots=True, eq=False)
class Indexed:
    """Some indexed situations; ``squares`` are their squared distances from zero."""

    vectors: npt.NDArray[np.float32]
    squares: npt.NDArray[np.float32]
    who: Rows
    followed: Hours

    @classmethod
    def of(cls, vectors: npt.NDArray[np.float32], who: Rows, followed: Hours) -> Indexed:
        """Index the situations *vectors* of the rows *who*, and what *followed* in each."""
        return cls(vectors, (vectors**2).sum(axis=1), who, followed)


class _Features:
    """Feature vectors of situations of the WorkSpaces *rows* of a past, on any day of it."""

    def __init__(self, past: UsagePast, week: Hours, rows: Rows) -> None:
        self.past, self.rows = past, rows
        today = past.today
        hours, created = past.hours[rows], past.created[rows][:, None]
        day = np.arange(today)[None, :]
        alive = day >= created
        # WorkSpaces x (days + 1), running sums: the hours of days [a, b) are done[:, b] - done[:,
        # a].
        self.done = running_sums(hours)
        self.usual = running_sums(week[:, past.weekday[:today]] * alive)
        # last: the latest day of use up to each day, or the day before its first one.
        last = np.maximum.accumulate(
            np.where(hours > 0, day, np.minimum(created, today) - 1), axis=1)
        self.idle = np.pad(last, ((0, 0), (1, 0)), constant_values=-1)
        self.long = running_sums(((day - last > _LONG_DAYS) & alive).astype(np.float64))

    def vectors(self, who: Rows, at: Rows) -> npt.NDArray[np.float32]:
        """Return the feature vector of each situation.

        *who* counts among the rows, *at* is a day.
        """
        shares = self.shares(who, at)
        age = np.maximum(at - self.past.created[self.rows[who]], 0)
        # Never more days without use than the WorkSpace has lived; beyond four weeks more says
        # nothing.
        gap = np.clip(np.minimum(at - 1 - self.idle[who, at], age), 0, 28)
        idle = np.minimum(self.long[who, at] / np.maximum(age, 28), 0.5)
        # WEEKS + 2 features: thirteen shares, and the two pauses on scales that tame their long
        # tails.
        return np.column_stack([shares, _GAP_WEIGHT * np.log1p(gap),
                                _IDLE_WEIGHT * np.sqrt(idle)]).astype(np.float32)

    def shares(self, who: Rows, at: Rows) -> Hours:
        """Return the shares of the last weeks, the latest first.

        Weeks before its time as those after.
        """
        weeks = np.full((len(who), WEEKS), np.nan)
        for week in range(WEEKS):
            high, low = np.maximum(at - 7 * week, 0), np.maximum(at - 7 * week - 7, 0)
            usual = self.usual[who, high] - self.usual[who, low]
            done = self.done[who, high] - self.done[who, low]
            weeks[:, week] = np.where(usual > 0, done / np.maximum(usual, 1e-9), np.nan)
        is_observed = ~np.isnan(weeks)
        count = is_observed.cumsum(axis=1)
        # The mean of all later weeks stands in for an unobserved one; 1, a usual week, where there
        # is none.
        mean = np.nan_to_num(weeks).cumsum(axis=1) / np.maximum(count, 1)
        return np.clip(np.where(is_observed, weeks, np.where(count > 0, mean, 1.0)), 0, 1.5)

    def next_share(self, who: Rows, at: Rows, days: int) -> Hours:
        """Return the share of the usual hours in so many days from *at* on.

        NaN if not all were seen.
        """
        end = np.minimum(at + days, self.past.today)
        usual = self.usual[who, end] - self.usual[who, at]
        done = self.done[who, end] - self.done[who, at]
        whole = (at + days <= self.past.today) & (at + days <= self.past.terminated[self.rows[who]])
        return np.where(whole & (usual > 0), np.clip(done / np.maximum(usual, 1e-9), 0, 2), np.nan)


def running_sums(table: Hours) -> Hours:
    """Return the sums up to each day, 0 before the first."""
    return np.pad(np.cumsum(table, axis=1), ((0, 0), (1, 0)))


class NeighbourForecast:
    """The forecast for the WorkSpaces *rows* of *past*, by a *memory* of it or of before."""

    def __init__(self, memory: SituationIndex, past: UsagePast, rows: Rows) -> None:
        self.past, self.rows, self.memory = past, rows, memory
        self.week = usual_week(past, memory.fleet, rows, memory.half_life)
        features = _Features(past, self.week, rows)
        each, now = np.arange(len(rows)), np.full(len(rows), past.today)
        self.recent = features.shares(each, now)
        self.vectors = features.vectors(each, now)

    def usual_hours(self, days: int, week: Hours | None = None) -> Hours:
        """Return the usual hours of the next so many days, by WorkSpace.

        Of another usual *week*.
        """
        coming = self.past.weekday[self.past.today:self.past.today + days]
        hours: Hours = (self.week if week is None else week)[:, coming].sum(axis=1)
        return hours

    def share(self, days: int) -> Hours:
        """Return the expected share of the usual hours in the next so many days, by WorkSpace."""
        high = min(int(np.searchsorted(HORIZONS, days)), len(HORIZONS) - 1)
        low = max(high - 1, 0)
        span = HORIZONS[high] - HORIZONS[low]
        # Linear between the two horizons around *days*; beyond the last one the last holds.
        part = float(np.clip((days - HORIZONS[low]) / span, 0, 1)) if span else 1.0
        shares, weights = self._followed(high, lambda followed: (
            followed[:, low] * (1 - part) + followed[:, high] * part))
        mean: Hours = (shares * weights).sum(axis=1)
        return mean

    def outcomes(self, horizon: int) -> tuple[Hours, Hours]:
        """Return shares that may follow over ``HORIZONS[horizon]`` days, and their weights (sum 1).

        By WorkSpace (rows). Where the fleet has lived through too little, those of the
        WorkSpace's own last weeks.
        """
        return self._followed(horizon, lambda followed: followed[:, horizon])

    def _followed(
        self, horizon: int, taken: Callable[[Hours], Hours]
    ) -> tuple[Hours, Hours]:
        """Return *taken* of what followed the nearest situations, and their weights."""
        index = self.memory.followed_for(horizon)
        # Too few to choose from: the WorkSpace's own last weeks, equally weighted.
        if len(index.who) <= NEIGHBOURS:
            count = min(4, WEEKS)
            return self.recent[:, :count], np.full((len(self.rows), count), 1 / count)
        near, weights = nearest(self.vectors, self.rows, index)
        return taken(index.followed)[near], weights


def nearest(
    vectors: npt.NDArray[np.float32], rows: Rows, index: Indexed
) -> tuple[npt.NDArray[np.intp], Hours]:
    """Return the situations nearest to each of the *vectors* of *rows*, and the weight of each.

    Rows x neighbours; the weights of a row sum up to 1. The index has more than ``NEIGHBOURS``.
    """
    near = np.empty((len(vectors), NEIGHBOURS), dtype=np.intp)
    weights = np.empty((len(vectors), NEIGHBOURS))
    # In batches: a batch's distances to all situations (256 x 12,000 floats) fit into the cache.
    for first in range(0, len(vectors), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        near[part], weights[part] = _nearest(vectors[part], rows[part], index)
    return near, weights


def _nearest(
    vectors: npt.NDArray[np.float32], rows: Rows, index: Indexed
) -> tuple[npt.NDArray[np.intp], Hours]:
    """Return the situations nearest to the *vectors*, and the weight of each."""
    # Squared distances by |a - b|² = |a|² - 2ab + |b|²: one matrix product. |a|² is the same in a
    # row, so it changes no order and is added for the nearest alone.
    far = (vectors * np.float32(-2)) @ index.vectors.T
    far += index.squares[None, :]
    far[index.who[None, :] == rows[:, None]] -= np.float32(_OWN_BONUS)
    # argpartition finds the k smallest without sorting all of them.
    near = np.argpartition(far, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    distance = np.take_along_axis(far, near, 1) + (vectors**2).sum(axis=1)[:, None]
    distance = np.maximum(distance, 0).astype(np.float64)
    # The median distance of the neighbours sets the scale, so that sparse situations have weights
    # as well.
    weight = np.exp(-distance / (0.05 + np.median(distance, axis=1, keepdims=True)))
    return near, weight / weight.sum(axis=1, keepdims=True)
