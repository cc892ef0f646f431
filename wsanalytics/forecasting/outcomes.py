"""What came of what was expected: the errors of a forecast in the fleet's own finished months.

A *case* is a WorkSpace at the begin of a finished month: what the weighted forecast expected of it
then, and what it billed in that month and the next. The ratio of both is an out-of-sample error, so
nothing has to be assumed of how errors are spread: draws for a WorkSpace are the ratios of the
cases most like it (k nearest neighbours, as in a conditional bootstrap of residuals) by how much
its weeks differ, how long nobody has used it, and how old it is; its own count as nearer.

Whoever picks what looks best is disappointed on average (the *winner's curse*): a WorkSpace that is
expected just below its break-even is there partly by error. So for promises the distance from the
break-even is shrunk by what the fleet's own expectations came to at that distance, a shrunk ratio
of sums. No side is changed by it, so no decision is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wsanalytics.forecasting.neighbours import NEIGHBOURS, Indexed, Rows, UsagePast, nearest
from wsanalytics.forecasting.weighted import Rates, WeightedForecast
from wsanalytics.timeline import Hours

DAYS_A_MONTH = 365.25 / 12
YOUNG_DAYS = 7
"""There is no case of a WorkSpace that is younger than this."""
TWO_MONTHS = 46
"""For so many days ahead or more the ratios are those of two months, not of one."""
ONE_FOR_TWO = 0.85
"""The ratios of two months spread so much less than those of one: chance evens out."""
LEAST_HOURS = 1.0
"""Of whom less than this was expected in a month, no ratio says anything."""
LARGEST_RATIO = 10.0
DISTANCES = np.array((0.05, 0.15, 0.3, 0.5, 0.8))
"""Distances from the break-even, as shares of the larger of it and what is expected."""
BELOW, ABOVE = np.array((0.75, 0.88, 0.93, 1, 1)), np.array((1.0, 1, 1, 1, 1))
"""The prior of what a distance comes to, below and above the break-even; tuned on other fleets."""
PRIOR_CASES = 100.0
"""The cases for which the prior stands."""
LEAST_COMES, MOST_COMES = 0.2, 1.4
_WIDTH = 0.15
_WEEKS = 13
_SPREAD_WEIGHT, _PAUSE_WEIGHT, _AGE_WEIGHT = 1.0, 0.6, 0.25
"""Weights in the distance of two cases: spread of the weeks, days without use, and age."""


@dataclass(frozen=True, slots=True, eq=False)
class _Cases:
    """An entry a case: who (a row of the past), its situation, hours expected a month, and came."""

    who: Rows
    vectors: npt.NDArray[np.float32]
    expected: Hours
    came: Hours


class PastOutcomes:
    """What came of the expectations of a *forecast*, for periods of *ahead_days*."""

    def __init__(self, forecast: WeightedForecast, ahead_days: int) -> None:
        self.past = forecast.past
        months = forecast.months
        # With a second finished month, only those cases that have one of which it is known.
        wants_two = ahead_days >= TWO_MONTHS
        has_two = wants_two and len(months) > 1
        ends = [end for _, end in months[1:]] if has_two else [end for _, end in months]
        parts = [_cases(forecast, month, end) for month, end in zip(months, ends, strict=False)]
        self.cases = _Cases(*(np.concatenate(columns) for columns in zip(*(
            (part.who, part.vectors, part.expected, part.came) for part in parts), strict=True))
        ) if parts else None
        self._narrower = ONE_FOR_TWO if wants_two and not has_two else 1.0

    @property
    def are_enough(self) -> bool:
        """Whether there are cases enough to draw from."""
        return self.cases is not None and len(self.cases.who) > NEIGHBOURS

    def ratios(self, rows: Rows) -> tuple[Hours, Hours]:
        """Return ratios of came to expected for the WorkSpaces *rows*, and their weights (sum 1).

        Rows x neighbours. The mean of each row is 1: what is expected is the forecast's matter.
        """
        assert self.cases is not None
        ratio = np.clip(self.cases.came / self.cases.expected, 0, LARGEST_RATIO)
        index = Indexed.of(self.cases.vectors, self.cases.who, ratio[:, None])
        near, weights = nearest(_situations(self.past, self.past.today, rows), rows, index)
        ratios = ratio[near]
        mean = (ratios * weights).sum(axis=1, keepdims=True)
        centred = np.where(mean > 0.05, ratios / np.maximum(mean, 0.05), 1.0)
        return np.maximum(1 + self._narrower * (centred - 1), 0.0), weights

    def shrunk(self, hours: Hours, break_even: Hours, rates: Rates) -> Hours:
        """Return the expected *hours* of each, nearer to its *break_even* of as many days.

        *rates* are those of all WorkSpaces of the past. Where no price is known nothing changes.
        """
        comes_below, comes_above = self._what_distances_come_to(_break_even(rates))
        distance = np.abs(hours - break_even) / np.maximum(np.maximum(hours, break_even), 1e-9)
        comes = np.where(hours < break_even, np.interp(distance, DISTANCES, comes_below),
                         np.interp(distance, DISTANCES, comes_above))
        comes = np.clip(comes, LEAST_COMES, MOST_COMES)
        return np.where(np.isnan(break_even) | (break_even <= 0), hours,
                        np.maximum(break_even + comes * (hours - break_even), 0.0))

    def _what_distances_come_to(self, break_even: Hours) -> tuple[Hours, Hours]:
        """Return which share of a distance came, at each of ``DISTANCES``: below and above."""
        assert self.cases is not None
        each = break_even[self.cases.who]
        is_priced = each > 0
        # In units of the break-even, so that WorkSpaces of all prices count the same.
        expected = self.cases.expected[is_priced] / each[is_priced]
        came = self.cases.came[is_priced] / each[is_priced]
        found = []
        for sign, prior in ((-1, BELOW), (1, ABOVE)):
            chosen = np.sign(expected - 1) == sign
            promised, kept = sign * (expected[chosen] - 1), sign * (came[chosen] - 1)
            distance = promised / np.maximum(expected[chosen], 1)
            # cases x distances: triangles that overlap, so that a case counts between two.
            near = np.maximum(1 - np.abs(distance[:, None] - DISTANCES) / _WIDTH, 0)
            usual = PRIOR_CASES * (DISTANCES if sign < 0 else DISTANCES / (1 - DISTANCES))
            found.append((near.T @ kept + prior * usual) / (near.T @ promised + usual))
        return found[0], found[1]


def _break_even(rates: Rates) -> Hours:
    """Return the hours a month at which both modes cost the same."""
    return np.asarray((rates.always_on - rates.auto_stop) / rates.hourly)


def break_even_hours(rates: Rates, days: int) -> Hours:
    """Return the hours in so many days at which both modes cost the same."""
    return np.asarray(_break_even(rates) * days / DAYS_A_MONTH)


def _cases(forecast: WeightedForecast, month: tuple[int, int], end: int) -> _Cases:
    """Return the cases of a finished *month*, by what came until *end*, a month or two later."""
    past, judged, (begin, _) = forecast.past, forecast.judged(*month), month
    expected = forecast.weights @ judged.expected * DAYS_A_MONTH / (month[1] - begin)
    rows = judged.rows
    is_case = (past.terminated[rows] >= end) & (past.created[rows] <= begin - YOUNG_DAYS)
    is_case &= expected > LEAST_HOURS
    rows, expected = rows[is_case], expected[is_case]
    came = past.hours[rows, begin:end].sum(axis=1) * DAYS_A_MONTH / (end - begin)
    return _Cases(rows, _situations(past, begin, rows), expected, came)


def _situations(past: UsagePast, day: int, rows: Rows) -> npt.NDArray[np.float32]:
    """Return the vector of each situation at the begin of *day*: spread, days unused, and age."""
    hours, age = past.hours[rows, :day], day - past.created[rows]
    count = max(min(_WEEKS, day // 7), 1)
    # WorkSpaces x weeks, the latest first; those that it has not lived through do not count.
    weeks = np.stack([hours[:, max(day - 7 * n - 7, 0):day - 7 * n].sum(axis=1)
                      for n in range(count)], axis=1)
    lived = np.arange(1, count + 1) * 7 <= age[:, None]
    lived[:, 0] = True
    number = lived.sum(axis=1)
    mean = (weeks * lived).sum(axis=1) / number
    squares = ((weeks - mean[:, None]) ** 2 * lived).sum(axis=1)
    # The coefficient of variation; a little is added, as a few equal weeks would have none at all.
    spread = np.sqrt(squares / np.maximum(number - 1, 1)) / np.maximum(mean, 1e-9) + 0.15
    spread = np.where(mean > 0, np.clip(spread, 0.03, 4), 1.0)
    is_used = hours > 0
    last = np.where(is_used.any(axis=1), day - 1 - is_used[:, ::-1].argmax(axis=1),
                    past.created[rows] - 1)
    pause = np.clip(np.minimum(day - 1 - last, age), 0, 60)
    return np.column_stack([
        _SPREAD_WEIGHT * np.log(spread), _PAUSE_WEIGHT * np.log1p(pause),
        _AGE_WEIGHT * np.log(np.clip(age, 3, 180))]).astype(np.float32)
