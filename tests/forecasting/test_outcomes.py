"""Scenarios from what came of what was expected, and promises that are no winner's curse."""

from __future__ import annotations

import numpy as np
import pytest

from tests.forecasting.test_weighted_forecast import MONDAY, everyone, office, past_of, unsteady
from tests.forecasting.test_weighted_forecast import rates as rates_of
from wsanalytics.forecasting.outcomes import PastOutcomes, break_even_hours
from wsanalytics.forecasting.scenarios import SCENARIOS, scenarios_of
from wsanalytics.forecasting.weighted import WeightedForecast, month_begins

BEGINS = month_begins(MONDAY, 200)


@pytest.mark.parametrize("days", [200, 40])
def test_the_mean_of_the_scenarios_is_what_the_policy_expects(days: int) -> None:
    """With finished months to draw from and without."""
    past = unsteady(60, 200).until(days)
    begins = [begin for begin in BEGINS if begin <= days + 31]
    found = scenarios_of(past, ahead_days=50, begins=begins)
    assert found.usage_ratios.shape == (60, SCENARIOS)
    hours = found.usage_ratios.mean(axis=1) * found.usual_hours(past, 50)
    expected = WeightedForecast(past, everyone(past), begins=begins).expected_hours(50)
    assert hours == pytest.approx(expected)


def test_prices_weigh_the_forecasts_and_change_no_side() -> None:
    past, rates = unsteady(60, 200), rates_of(60)
    found = scenarios_of(past, ahead_days=50, begins=BEGINS, rates=rates)
    hours = found.usage_ratios.mean(axis=1) * found.usual_hours(past, 50)
    expected = WeightedForecast(past, everyone(past), begins=BEGINS,
                                rates=rates).expected_hours(50)
    break_even = break_even_hours(rates, 50)
    assert break_even[0] == pytest.approx((35 - 9.75) / 0.30 * 50 / (365.25 / 12))
    assert ((hours > break_even) == (expected > break_even)).all()
    assert (np.abs(hours - break_even) <= 1.4 * np.abs(expected - break_even) + 1e-9).all()


def test_what_was_expected_too_low_again_and_again_is_promised_less() -> None:
    """Everybody has two thirds of the break-even in the month before one in which they have more.

    Forty people whose hours change by chance from month to month: who is low now is so by chance.
    """
    rng = np.random.default_rng(4)
    levels = np.repeat(rng.choice([2.0, 5.0], (60, 10)), 30, axis=1)
    past = past_of(levels * np.where(np.arange(300) % 7 < 5, 1.0, 0.0))
    rates = rates_of(60)
    begins = range(0, 331, 30)
    forecast = WeightedForecast(past, everyone(past), begins=begins, rates=rates)
    outcomes = PastOutcomes(forecast, 30)
    break_even = break_even_hours(rates, 30)
    low = 0.6 * break_even
    assert (outcomes.shrunk(low, break_even, rates) > low).all()
    assert (outcomes.shrunk(low, break_even, rates) < break_even).all()
    unpriced = rates_of(60)
    unpriced.hourly[:30] = np.nan
    some = outcomes.shrunk(low, break_even_hours(unpriced, 30), unpriced)
    assert np.array_equal(some[:30], low[:30]) and (some[30:] > low[30:]).all()


def test_draws_of_the_steady_are_narrow_and_of_the_unsteady_wide() -> None:
    rng = np.random.default_rng(5)
    steady = [office(200, hours) for hours in rng.uniform(3, 9, 40)]
    weekly = np.repeat(rng.uniform(0, 10, (40, 29)), 7, axis=1)[:, :200] * (office(200) > 0)
    past = past_of(np.concatenate([steady, weekly]))
    found = scenarios_of(past, ahead_days=31, begins=BEGINS)
    width = found.quantile(0.9) - found.quantile(0.1)
    assert width[:40].max() < 0.25 < np.median(width[40:])
    assert np.array_equal(found.usage_ratios,
                          scenarios_of(past, ahead_days=31, begins=BEGINS).usage_ratios)


def test_a_case_is_a_finished_month_and_with_two_of_them_a_pair() -> None:
    past = unsteady(30, 130)
    forecast = WeightedForecast(past, everyone(past), begins=(5, 30, 60, 90, 120, 150))
    assert forecast.months == [(30, 60), (60, 90), (90, 120)]  # 5 days are no past
    one, two = PastOutcomes(forecast, 31), PastOutcomes(forecast, 61)
    assert one.cases is not None and two.cases is not None
    assert one.are_enough and len(one.cases.who) > len(two.cases.who) > 30
    ratios, weights = two.ratios(np.arange(30))
    assert (ratios * weights).sum(axis=1) == pytest.approx(1, abs=0.2)
    none = PastOutcomes(WeightedForecast(past.until(20), everyone(past)), 61)
    assert none.cases is None and not none.are_enough
