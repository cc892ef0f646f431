"""Sample how much people may work in the months to come, relative to how much they did.

A saving that is worked out from the past is a forecast: the same person working as before. This
module estimates how far the time until the end of the next month may be from that, as scenarios of
a *usage ratio*: 1 where somebody bills as many hours a day as in the past that counts, 0 where
none.

* Half of the scenarios are a block bootstrap of the person's own past: blocks of two weeks, laid
  end to end, so that a vacation of two weeks stays one. The other half is what followed the most
  similar situations of the whole fleet (:mod:`.neighbours`), so a short history leans on others,
  and a long one has had its own ups and downs.
* The scenarios are inflated around their median by a conformal factor: what it would have taken so
  many days ago (and twice as many) to cover what then came in four cases out of five.
* Where somebody's use has changed for good (another job, a leave), what lies before the change
  does not count: see :func:`.changed_since`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from wsanalytics.forecasting.change_points import MOST_WEEKS, NOTHING, changed_since
from wsanalytics.forecasting.neighbours import (
    HORIZONS,
    NeighbourForecast,
    Rows,
    SituationIndex,
    UsagePast,
)
from wsanalytics.timeline import Hours, Window, months_later

SCENARIOS = 240
"""The number of scenarios: the ends of an 80 % interval then rest on 24 of them each."""
USUAL_FACTOR = 1.25
"""The conformal factor where the past is too short to estimate it."""
LEVEL = 0.8
"""The share of cases that the conformal factor makes the interval cover."""
LEAST_SPREAD = 0.04
"""Half of the least width of an interval, as a share of the ratio: months differ in length."""
_ENOUGH_DAYS = 21
_ENOUGH_CASES = 4 / (1 - LEVEL)
"""Fewer cases say nothing of a quantile of 80 %: four of them must lie beyond it."""
_BLOCK_WEEKS = 2
_LEAST_FACTOR, _LARGEST_FACTOR = 1.0, 4.0
"""Scenarios are never made narrower; and a larger factor comes of single odd weeks."""


@dataclass(frozen=True, slots=True, eq=False)
class Scenarios:
    """Scenarios of each WorkSpace's usage ratio; and the days that count of its past.

    ``usage_ratios`` is WorkSpaces x scenarios, ascending. ``counted_days`` reach back from the end
    of the past; ``changed`` marks where they do so only to a change. Of those who are ``inactive``
    the ratio is against all of their past instead: somebody who has stopped working may come back,
    which no multiple of nothing could say.
    """

    usage_ratios: Hours
    counted_days: Rows
    changed: npt.NDArray[np.bool_]
    inactive: npt.NDArray[np.bool_]

    def quantile(self, share: float) -> Hours:
        """Give the ratio that so large a share of the scenarios does not exceed."""
        return np.asarray(np.quantile(self.usage_ratios, share, axis=1))


def days_ahead(window: Window) -> int:
    """Give how many days are foreseen: from the *window*'s end to that of the next month."""
    return (months_later(window.end, 2) - window.end) // timedelta(days=1)


def scenarios_of(past: UsagePast, *, ahead_days: int, seed: int = 0) -> Scenarios:
    """Draw the scenarios of all WorkSpaces of a *past* for so many days, *seed* fixing them."""
    weeks = changed_since(past)
    age = np.maximum(past.today - past.created, 1)
    changed = weeks > 0
    counted = np.where(changed, 7 * weeks, age)
    ratios = _sample(past, counted, seed, ahead_days)
    factor = _conformal_factor(past, seed, ahead_days)
    middle = np.median(ratios, axis=1, keepdims=True)
    _, inactive = _reference(past, counted)
    return Scenarios(np.sort(_inflate(ratios, middle, factor), axis=1), counted, changed, inactive)


def _sample(past: UsagePast, counted: Rows, seed: int, ahead_days: int) -> Hours:
    """Draw usage ratios, not inflated yet: own weeks first, then what others did next."""
    rows = np.arange(len(past.hours))
    rng = np.random.default_rng([seed, past.today])
    mean, inactive = _reference(past, counted)
    own_weeks = _own_weeks(past, counted, rng, ahead_days)
    # A person begins anew at a change; of the inactive all of the past counts.
    since = UsagePast(past.hours, past.weekday,
                      np.where(inactive, past.created, past.today - counted), past.terminated)
    forecast = NeighbourForecast(SituationIndex(past), since, rows)
    horizon = min(int(np.searchsorted(HORIZONS, ahead_days)), len(HORIZONS) - 1)
    shares, weights = forecast.outcomes(horizon)
    # Weighted outcomes as equally likely scenarios: at the middle of each of so many equal steps
    # of the cumulative weight (rows x neighbours) stands the outcome that is taken.
    points = (np.arange(SCENARIOS // 2) + 0.5) / (SCENARIOS // 2)
    reached = weights.cumsum(axis=1)
    taken = np.stack([np.searchsorted(row, points) for row in reached]) if len(rows) else (
        np.empty((0, len(points)), dtype=np.int64))
    taken = np.minimum(taken, shares.shape[1] - 1)  # rounding may leave the sum below 1
    of_neighbours = np.take_along_axis(shares, taken, 1) * (
        forecast.usual_hours(ahead_days) / ahead_days)[:, None]
    both = np.concatenate([own_weeks, of_neighbours], axis=1)  # hours a day
    return np.where(mean[:, None] > 0, both / np.maximum(mean, 1e-9)[:, None], 1.0)


def _reference(past: UsagePast, counted: Rows) -> tuple[Hours, npt.NDArray[np.bool_]]:
    """Give the hours a day that a ratio of 1 stands for; and who is inactive."""
    lately = _mean_day(past, counted)
    ever = _mean_day(past, np.maximum(past.today - past.created, 1))
    inactive = lately < NOTHING * ever
    return np.where(inactive, ever, lately), inactive


def _mean_day(past: UsagePast, counted: Rows) -> Hours:
    """Give the hours a day over the days that count."""
    day = np.arange(past.today)[None, :]
    counts = day >= (past.today - counted)[:, None]
    mean: Hours = (past.hours * counts).sum(axis=1) / np.maximum(counted, 1)
    return mean


def _own_weeks(
    past: UsagePast, counted: Rows, rng: np.random.Generator, ahead_days: int
) -> Hours:
    """Draw hours a day by a block bootstrap: months laid together of blocks of two own weeks."""
    size, length = len(past.hours), max(1, round(ahead_days / 7))
    have = max(1, min(past.today // 7, MOST_WEEKS))
    # WorkSpaces x weeks, hours a day in each; week 0 is the latest.
    weeks = np.stack([past.hours[:, max(past.today - 7 * n - 7, 0):past.today - 7 * n].sum(axis=1)
                      for n in range(have)], axis=1) / min(7, max(past.today, 1))
    usable = np.clip(counted // 7, 1, have)
    blocks = -(-length // _BLOCK_WEEKS)
    # WorkSpaces x scenarios x blocks x 2: the weeks of each block; a block that begins in the last
    # usable week goes on with the first, so that every week is as likely as any other.
    first = (rng.random((size, SCENARIOS // 2, blocks)) * usable[:, None, None]).astype(np.int64)
    drawn = ((first[..., None] + np.arange(_BLOCK_WEEKS)) % usable[:, None, None, None]).reshape(
        size, SCENARIOS // 2, _BLOCK_WEEKS * blocks)[:, :, :length]
    months = np.zeros((size, SCENARIOS // 2))
    for week in range(length):  # one week at a time: all at once would take a third dimension
        months += np.take_along_axis(weeks, drawn[:, :, week], 1)
    return months / length


def _conformal_factor(past: UsagePast, seed: int, ahead_days: int) -> float:
    """Give by how much scenarios of one and two such times ago had to be inflated to be right.

    This is split conformal prediction: the factor is the quantile, over WorkSpaces, of what each
    would have needed for its interval to cover what then came.
    """
    needed = []
    for times in (1, 2):
        # Calibration pretends that *then* was today: only days before it are used, and what came is
        # known.
        then = past.today - times * ahead_days
        if then < _ENOUGH_DAYS:
            continue
        before = UsagePast(past.hours[:, :then], past.weekday, past.created, past.terminated)
        counted = np.maximum(then - past.created, 1)
        # A WorkSpace that ended in between says nothing of how right the interval was.
        usable = (counted >= _ENOUGH_DAYS) & (past.terminated >= then + ahead_days)
        usable &= before.hours.sum(axis=1) > 0
        weeks = changed_since(before)
        counted = np.where(weeks > 0, 7 * weeks, counted)
        ratios = _sample(before, counted, seed, ahead_days)
        mean = np.maximum(_reference(before, counted)[0], 1e-9)
        actual = past.hours[:, then:then + ahead_days].mean(axis=1) / mean
        needed.append(_needed_factor(ratios, actual)[usable])
    factors = np.concatenate(needed) if needed else np.empty(0)
    if len(factors) < _ENOUGH_CASES:
        return USUAL_FACTOR
    return float(np.clip(np.quantile(factors, LEVEL), _LEAST_FACTOR, _LARGEST_FACTOR))


def _needed_factor(ratios: Hours, actual: Hours) -> Hours:
    """Give the least factor with which each interval of *ratios* reaches what was *actual*."""
    low, middle, high = np.quantile(ratios, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], axis=1)
    # The needed factor stretches the half of the interval on whose side the actual ratio lies.
    off = np.abs(actual - middle)
    half = np.where(actual >= middle, high - middle, middle - low)
    return np.where(off <= LEAST_SPREAD * middle, 0.0, off / np.maximum(half, 0.01))


def _inflate(ratios: Hours, middle: Hours, factor: float) -> Hours:
    """Inflate the *ratios* around their *middle*; no narrower than months differ by length."""
    inflated = middle + factor * (ratios - middle)
    # The narrowest allowed: spread evenly by rank (argsort twice gives ranks), so wide that the
    # interval of LEVEL has LEAST_SPREAD on each side.
    ranks = inflated.argsort(axis=1).argsort(axis=1)
    narrowest = (2 * (ranks + 0.5) / ratios.shape[1] - 1) * LEAST_SPREAD / LEVEL * middle
    is_wider = np.abs(inflated - middle) > np.abs(narrowest)
    return np.maximum(np.where(is_wider, inflated, middle + narrowest), 0.0)
