"""The forecast by several forecasts: levels, and the weights that finished months give."""

from __future__ import annotations

import numpy as np
import pytest

from wsanalytics.forecasting.levels import LevelForecasts
from wsanalytics.forecasting.neighbours import Rows, UsagePast, weekdays
from wsanalytics.forecasting.weighted import (
    EXPERTS,
    PRIOR,
    KeptForecasts,
    Rates,
    WeightedForecast,
    month_begins,
)
from wsanalytics.timeline import Hours

MONDAY = 4 * 86_400_000_000  # 1970-01-05
NEVER = np.iinfo(np.int64).max


def past_of(hours: Hours, created: list[int] | None = None) -> UsagePast:
    count = len(hours)
    return UsagePast(hours, weekdays(MONDAY, hours.shape[1]),
                     np.array(created or [0] * count, dtype=np.int64), np.full(count, NEVER))


def office(days: int, hours: float = 8) -> Hours:
    return np.where(np.arange(days) % 7 < 5, hours, 0.0)


def unsteady(count: int, days: int) -> UsagePast:
    """People whose hours a day wander, with a week or two off now and then."""
    rng = np.random.default_rng(1)
    levels = np.exp(np.cumsum(rng.normal(0, 0.08, (count, days)), axis=1) * 0.5)
    hours = levels * office(days, 4) * rng.uniform(0.8, 1.2, (count, days))
    for row in range(count):
        for first in rng.integers(0, days, 3):
            hours[row, first:first + rng.integers(3, 15)] = 0
    return past_of(hours)


def rates(count: int) -> Rates:
    return Rates(np.full(count, 35.0), np.full(count, 9.75), np.full(count, 0.30))


def everyone(past: UsagePast) -> Rows:
    return np.arange(len(past.hours))


def test_a_level_is_what_somebody_bills_now() -> None:
    """Eight hours a weekday all the time; four until five weeks ago and eight since; and never."""
    days = 210
    changed = np.where(np.arange(days) < days - 35, office(days, 4), office(days, 8))
    steady = [office(days)] * 30
    past = past_of(np.array([*steady, changed, np.zeros(days)]))
    hours = LevelForecasts(past).hours(days, 28)
    assert hours[:30] == pytest.approx(20 * 8, rel=0.03)
    assert 20 * 6.8 < hours[30] < 20 * 8  # half-life of 14 days: 82 % of the way
    assert hours[31] == 0


def test_an_absence_lowers_no_level_but_what_is_expected() -> None:
    """Two weeks off until today, in a fleet that always came back after three."""
    days, rows = 210, []
    for n in range(20):
        row = office(days)
        for first in (20 + 3 * n, 120 + n):
            row[first:first + 21] = 0
        rows.append(row)
    away = rows[0].copy()
    away[-14:] = 0
    past = past_of(np.array([*rows, away]))
    levels = LevelForecasts(past)
    for_month, for_week = levels.hours(days, 30), levels.hours(days, 5)
    assert for_month[-1] < 0.95 * for_month[0]
    assert for_week[-1] < 0.6 * for_week[0]
    back = past_of(np.column_stack([past.hours, np.tile(office(7), (21, 1))]))
    again = LevelForecasts(back).hours(days + 7, 28)
    assert again[-1] == pytest.approx(again[0], rel=0.05)


def test_levels_of_a_day_know_nothing_after_it() -> None:
    past = unsteady(20, 150)
    whole = LevelForecasts(past, asked=[60, 101])
    for day in (60, 101):
        then = LevelForecasts(past.until(day))
        assert np.array_equal(whole.hours(day, 30), then.hours(day, 30))


def test_months_begin_on_the_calendars_days() -> None:
    assert month_begins(0, 58) == (0, 31, 59)
    assert month_begins(0, 59) == (0, 31, 59, 90)
    assert month_begins(0, 60) == (0, 31, 59, 90)
    assert month_begins(MONDAY, 3) == (27,)


def test_without_a_finished_month_forecasts_have_their_first_weights() -> None:
    past = unsteady(10, 40)
    for found in (WeightedForecast(past, everyone(past)),
                  WeightedForecast(past, everyone(past), begins=month_begins(MONDAY, 40),
                                   rates=rates(10))):
        assert found.weights.tolist() == PRIOR.tolist()
        slow, quick, level = found.experts(20)
        assert found.expected_hours(20) == pytest.approx((2 * slow + quick + level) / 4)


def test_finished_months_give_the_weights_whenever_one_asks() -> None:
    """Whether somebody was asked on each 1st or today for the first time."""
    past, begins = unsteady(60, 200), month_begins(MONDAY, 200)
    kept = KeptForecasts()
    for day in (*[begin for begin in begins if begin <= 200], 200):
        lived = WeightedForecast(past.until(day), everyone(past), rates=rates(60), kept=kept,
                                 begins=[begin for begin in begins if begin <= day + 31])
    fresh = WeightedForecast(past, everyone(past), rates=rates(60), begins=begins)
    assert np.array_equal(lived.weights, fresh.weights)
    assert np.array_equal(lived.expected_hours(25), fresh.expected_hours(25))
    assert fresh.weights.sum() == pytest.approx(1)
    assert len(set(fresh.weights.tolist())) == EXPERTS


def test_whoever_foresees_better_weighs_more() -> None:
    """Everybody changes between two and seven hours a day, about every six weeks, by chance."""
    days, rng = 245, np.random.default_rng(2)
    changed = np.cumsum(rng.random((60, days)) < 1 / 42, axis=1) % 2
    past = past_of(np.where(changed, office(days, 7), office(days, 2)))
    found = WeightedForecast(past, everyone(past), rates=rates(60),
                             begins=month_begins(MONDAY, days))
    slow, quick, level = found.weights
    assert slow < 0.2 < min(quick, level)


def test_who_has_ended_or_has_no_price_judges_nobody() -> None:
    past, begins = unsteady(40, 200), month_begins(MONDAY, 200)
    alone = WeightedForecast(past, everyone(past), rates=rates(40), begins=begins)
    unpriced = rates(40)
    unpriced.hourly[:] = np.nan
    none = WeightedForecast(past, everyone(past), rates=unpriced, begins=begins)
    assert none.weights.tolist() == PRIOR.tolist() != alone.weights.tolist()
