"""Sample how much people may work in the months to come, relative to how much they did.

A saving that is worked out from the past is a forecast: the same person working as before. This
module estimates how far the time until the end of the next month may be from that, as scenarios of
a *usage ratio*: 1 where somebody bills as many hours a day as in the past that counts, 0 where
none.

* The middle of the scenarios, their mean, is what the policy ``forecast`` decides by: the weighted
  forecast (:mod:`.weighted`). Where prices are known it is shrunk towards the break-even by as much
  as the fleet's own expectations were too good (:mod:`.outcomes`).
* Around it they are spread as what came was spread around what was expected of similar WorkSpaces
  in the months that have finished.
* Until those are enough, half of the scenarios are a block bootstrap of the person's own past:
  blocks of two weeks, laid end to end, so that a vacation of two weeks stays one. The other half
  is what followed the most similar situations of the whole fleet (:mod:`.neighbours`).
* Where somebody's use has changed for good (another job, a leave), what lies before the change
  does not count for what a ratio of 1 stands for: see :func:`.changed_since`.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from wsanalytics.forecasting.outcomes import PastOutcomes, break_even_hours
from wsanalytics.forecasting.weighted import KeptForecasts, Rates, WeightedForecast
from wsanalytics.timeline import Hours, Window, months_later

SCENARIOS = 240
"""The number of scenarios: the ends of an 80 % interval then rest on 24 of them each."""
USUAL_FACTOR = 1.25
"""By how much scenarios are inflated that rest on no finished month."""
LEVEL = 0.8
"""The interval that ``LEAST_SPREAD`` is about."""
LEAST_SPREAD = 0.04
"""Half of the least width of an interval, as a share of the ratio: months differ in length."""
_BLOCK_WEEKS = 2
_DAYS_A_MONTH = 30
"""The length of the periods that stand for months where no calendar is given."""


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

    def usual_hours(self, past: UsagePast, days: int) -> Hours:
        """Give the hours in so many days that a ratio of 1 stands for, by WorkSpace of *past*."""
        return days * _reference(past, self.counted_days)[0]


def days_ahead(window: Window) -> int:
    """Give how many days are foreseen: from the *window*'s end to that of the next month."""
    return (months_later(window.end, 2) - window.end) // timedelta(days=1)


def scenarios_of(
    past: UsagePast, *, ahead_days: int, seed: int = 0, begins: Sequence[int] = (),
    rates: Rates | None = None, kept: KeptForecasts | None = None,
) -> Scenarios:
    """Draw the scenarios of all WorkSpaces of a *past* for so many days, *seed* fixing them.

    *begins* are the days on which months begin (:func:`.month_begins`) and *rates* the prices: with
    them the scenarios lie around what the policy ``forecast`` decides by, shrunk as promises must
    be. Without prices the forecasts have their first weights and nothing is shrunk. *kept* may hold
    what was computed of the same past before.
    """
    weeks = changed_since(past)
    age = np.maximum(past.today - past.created, 1)
    changed = weeks > 0
    counted = np.where(changed, 7 * weeks, age)
    rows = np.arange(len(past.hours))
    begins = begins or tuple(range(
        past.today % _DAYS_A_MONTH, past.today + _DAYS_A_MONTH + 1, _DAYS_A_MONTH))
    forecast = WeightedForecast(past, rows, begins=begins, rates=rates, kept=kept)
    outcomes = PastOutcomes(forecast, ahead_days)
    expected = forecast.expected_hours(ahead_days)
    if outcomes.are_enough:
        around = _at_equal_steps(*outcomes.ratios(rows), count=SCENARIOS)
        if rates:
            expected = outcomes.shrunk(expected, break_even_hours(rates, ahead_days), rates)
    else:
        around = _around_own_weeks(past, counted, seed, ahead_days)
    # hours of a ratio of 1 in the days ahead; where there are none every ratio says the same.
    mean_day, inactive = _reference(past, counted)
    usual = ahead_days * mean_day
    middle = np.where(usual > 0, expected / np.maximum(usual, 1e-9), 1.0)[:, None]
    ratios = _wide_enough(around) * middle
    return Scenarios(np.sort(ratios, axis=1), counted, changed, inactive)


def _at_equal_steps(values: Hours, weights: Hours, *, count: int) -> Hours:
    """Return weighted *values* as equally likely ones: rows x count.

    At the middle of each of so many equal steps of the cumulative weight stands the value taken.
    """
    order = values.argsort(axis=1)
    values, reached = (np.take_along_axis(table, order, 1) for table in (values, weights))
    reached = reached.cumsum(axis=1)
    points = (np.arange(count) + 0.5) / count
    taken = np.stack([np.searchsorted(row, points) for row in reached]) if len(values) else (
        np.empty((0, count), dtype=np.int64))
    # Rounding may leave the sum below 1.
    return np.take_along_axis(values, np.minimum(taken, values.shape[1] - 1), 1)


def _wide_enough(around: Hours) -> Hours:
    """Return draws *around* 1, of mean 1, no narrower than months differ by length."""
    # The narrowest allowed: spread evenly by rank (argsort twice gives ranks), so wide that the
    # interval of LEVEL has LEAST_SPREAD on each side.
    ranks = around.argsort(axis=1).argsort(axis=1)
    narrowest = (2 * (ranks + 0.5) / around.shape[1] - 1) * LEAST_SPREAD / LEVEL
    is_wider = np.abs(around - 1) > np.abs(narrowest)
    wide = np.maximum(np.where(is_wider, around, 1 + narrowest), 0.0)
    return np.asarray(wide / np.maximum(wide.mean(axis=1, keepdims=True), 1e-9))


def _around_own_weeks(past: UsagePast, counted: Rows, seed: int, ahead_days: int) -> Hours:
    """Draw ratios of mean 1 without any finished month: own weeks, and what others did next."""
    rows = np.arange(len(past.hours))
    rng = np.random.default_rng([seed, past.today])
    _, inactive = _reference(past, counted)
    own_weeks = _own_weeks(past, counted, rng, ahead_days)
    # A person begins anew at a change; of the inactive all of the past counts.
    since = UsagePast(past.hours, past.weekday,
                      np.where(inactive, past.created, past.today - counted), past.terminated)
    forecast = NeighbourForecast(SituationIndex(past), since, rows)
    horizon = min(int(np.searchsorted(HORIZONS, ahead_days)), len(HORIZONS) - 1)
    of_neighbours = _at_equal_steps(*forecast.outcomes(horizon), count=SCENARIOS // 2) * (
        forecast.usual_hours(ahead_days) / ahead_days)[:, None]
    both = np.concatenate([own_weeks, of_neighbours], axis=1)  # hours a day
    mean = both.mean(axis=1, keepdims=True)
    around = np.where(mean > 0, both / np.maximum(mean, 1e-9), 1.0)
    return np.maximum(1 + USUAL_FACTOR * (around - 1), 0.0)


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
