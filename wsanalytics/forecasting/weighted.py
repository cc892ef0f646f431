"""Forecast by several forecasts at once, weighted by how well each decided in the past.

Three experts foresee the hours of each WorkSpace: its nearest neighbours with usual hours that
forget slowly and quickly (:mod:`.neighbours`), and its robust level (:mod:`.levels`). Which of them
is right differs from fleet to fleet, not from day to day, so the fleet's own finished months say
how much each is worth: *exponentially weighted experts* (Hedge) with a discount, as months long ago
count less. The loss of an expert is no error of hours but what its decisions would have cost: it
opens each WorkSpace in the mode that it takes for the cheaper one, and the difference to the
cheaper one in fact is the loss. Few WorkSpaces lie so near their break-even that the experts
disagree, so each month is played with several rates an hour, which move the break-even: more
disagree, and chance decides less.

Everything is a function of the past alone. What was computed for a day is kept, for speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from wsanalytics.forecasting.levels import LevelForecasts
from wsanalytics.forecasting.neighbours import (
    HALF_LIFE_DAYS,
    NeighbourForecast,
    Rows,
    SituationIndex,
    UsagePast,
)
from wsanalytics.timeline import MICROS_PER_DAY, Hours

HALF_LIVES = (HALF_LIFE_DAYS, 20.0)
"""The half-lives of the usual hours of the experts by neighbours; the third expert is the level."""
EXPERTS = len(HALF_LIVES) + 1
PRIOR = np.array((0.5, 0.25, 0.25))
"""The weight of each expert until a month has finished, and what the losses multiply."""
JUDGED_FROM = 21
"""The days of a fleet that must have been seen before a month that judges the experts: what they
said after a few days of a fleet says nothing of what they are worth."""
SHARPNESS, KEPT = 150.0, 0.8
"""A weight is the prior x exp(-sharpness x loss), loss as a share of the cost; a month later so
much is kept of a loss."""
ENOUGH_MONTHS = 4
"""Until so many months have judged, they are not believed as much: one may have been an odd one."""
PLAYED_RATES = (0.5, 0.63, 0.8, 1.0, 1.25, 1.6, 2.0)
"""The rates an hour, as multiples of the real one, with which a finished month is played."""
JUDGED_WORKSPACES = 1_000
"""The most WorkSpaces by which the experts are judged; of more, every so-manieth."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """The prices by WorkSpace (the rows of a past): two fees a month and one an hour; NaN for none.

    ``always_on`` is the flat fee, ``auto_stop`` the fixed one beside the ``hourly`` rate.
    """

    always_on: Hours
    auto_stop: Hours
    hourly: Hours


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the experts expected of some ``rows`` in one month: experts x rows, in hours."""

    rows: Rows
    expected: Hours


@dataclass(slots=True, eq=False)
class KeptForecasts:
    """What was computed of one past, so that it is not computed again on a later day of it."""

    indexes: dict[float, tuple[int, SituationIndex]] = field(default_factory=dict)
    months: dict[tuple[int, int], Judged] = field(default_factory=dict)

    def index(
        self, past: UsagePast, day: int, half_life: float = HALF_LIFE_DAYS
    ) -> SituationIndex:
        """Return the index of the situations before *day*."""
        kept = self.indexes.get(half_life)
        if kept is None or kept[0] != day:
            index = SituationIndex(past.until(day), half_life=half_life)
            kept = self.indexes[half_life] = day, index
        return kept[1]


def month_begins(first_midnight: int, days: int) -> tuple[int, ...]:
    """Return the days on which months begin, counted from an instant, and the first after *days*.

    >>> month_begins(0, 58)  # from 1 January 1970 on
    (0, 31, 59)
    >>> month_begins(0, 59)
    (0, 31, 59, 90)
    """
    first = np.datetime64(first_midnight // MICROS_PER_DAY, "D")
    dates = first + np.arange(days + 33)
    begins = np.flatnonzero(dates == dates.astype("datetime64[M]").astype("datetime64[D]"))
    return tuple(begins[:np.searchsorted(begins, days, side="right") + 1].tolist())


class WeightedForecast:
    """The forecast for the WorkSpaces *rows* of a *past*, by experts that its months have judged.

    *begins* are the days on which months begin (:func:`month_begins`), *rates* the prices of all
    WorkSpaces of the past. Without them the experts have the weights that they have until a month
    has finished of which the begin was forecast: ``PRIOR``. *kept* may hold what an earlier day
    computed.
    ``months`` are those that have finished: first day, and the day after the last.
    """

    def __init__(
        self, past: UsagePast, rows: Rows, *, begins: Sequence[int] = (),
        rates: Rates | None = None, kept: KeptForecasts | None = None,
    ) -> None:
        self.past, self.rows, self.kept = past, rows, kept or KeptForecasts()
        months = [month for month in pairwise(begins) if JUDGED_FROM <= month[0] <= past.today]
        self.months = [month for month in months if month[1] <= past.today]
        self.levels = LevelForecasts(past, [begin for begin, _ in months])
        total = np.zeros(EXPERTS)
        for month in months:
            # The month that begins today is foreseen now as well, as it will be judged later.
            judged = self.judged(*month)
            if rates and month in self.months:
                total = KEPT * total + _losses(past, judged, month, rates)
        sharpness = SHARPNESS * min(len(self.months) / ENOUGH_MONTHS, 1.0)
        weights = PRIOR * np.exp(-sharpness * (total - total.min()))
        self.weights: Hours = weights / weights.sum()
        """The weight of each expert: by neighbours in the order of ``HALF_LIVES``, by level."""

    def expected_hours(self, days: int) -> Hours:
        """Return the expected hours of the next so many days, by WorkSpace."""
        return np.asarray(self.weights @ self.experts(days))

    def experts(self, days: int) -> Hours:
        """Return the hours that each expert expects: experts x WorkSpaces."""
        today = self.past.today
        judged = self.kept.months.get((today, today + days))
        if judged is not None and np.isin(self.rows, judged.rows).all():
            return judged.expected[:, np.searchsorted(judged.rows, self.rows)]
        return self._experts(today, days, self.rows)

    def judged(self, begin: int, end: int) -> Judged:
        """Return what the experts expected of a month at its begin, of not too many WorkSpaces."""
        if (begin, end) not in self.kept.months:
            is_there = (self.past.created <= begin) & (self.past.terminated > begin)
            rows = np.flatnonzero(is_there)
            rows = rows[::max(-(-len(rows) // JUDGED_WORKSPACES), 1)]
            self.kept.months[begin, end] = Judged(rows, self._experts(begin, end - begin, rows))
        return self.kept.months[begin, end]

    def _experts(self, day: int, days: int, rows: Rows) -> Hours:
        """Return what each expert expected at the begin of a *day*: experts x *rows*."""
        before = self.past.until(day)
        neighbours = [NeighbourForecast(self.kept.index(self.past, day, half_life), before, rows)
                      for half_life in HALF_LIVES]
        return np.stack([*(one.share(days) * one.usual_hours(days) for one in neighbours),
                         self.levels.hours(day, days)[rows]])


def _losses(past: UsagePast, judged: Judged, month: tuple[int, int], rates: Rates) -> Hours:
    """Return what each expert lost in a finished *month*, as a share of the least cost."""
    rows, (begin, end) = judged.rows, month
    # Of those that ended since then no price may be known any more.
    is_judged = past.terminated[rows] >= end
    is_judged &= ~np.isnan(rates.always_on[rows] + rates.auto_stop[rows] + rates.hourly[rows])
    rows, expected = rows[is_judged], judged.expected[:, is_judged]
    flat, fee = rates.always_on[rows], rates.auto_stop[rows]
    actual = past.hours[rows, begin:end].sum(axis=1)
    lost, least = np.zeros(EXPERTS), 0.0
    for multiple in PLAYED_RATES:
        hourly = multiple * rates.hourly[rows]
        by_hour = fee + hourly * actual
        cheaper = np.minimum(flat, by_hour)
        # experts x WorkSpaces: the cost in the mode that the expert would have opened.
        costs = np.where(fee + hourly * expected > flat, flat, by_hour)
        lost += (costs - cheaper).sum(axis=1)
        least += float(cheaper.sum())
    return lost / max(least, 1e-9)
