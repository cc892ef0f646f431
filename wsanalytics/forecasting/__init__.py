"""Forecast how people may work in the days to come: pure arrays, no money."""

from __future__ import annotations

from wsanalytics.forecasting.change_points import changed_since
from wsanalytics.forecasting.neighbours import (
    NeighbourForecast,
    Rows,
    SituationIndex,
    UsagePast,
    like_other_days,
    usual_week,
    weekdays,
)
from wsanalytics.forecasting.scenarios import Scenarios, days_ahead, scenarios_of
from wsanalytics.forecasting.weighted import KeptForecasts, Rates, WeightedForecast, month_begins

__all__ = [
    "KeptForecasts",
    "NeighbourForecast",
    "Rates",
    "Rows",
    "Scenarios",
    "SituationIndex",
    "UsagePast",
    "WeightedForecast",
    "changed_since",
    "days_ahead",
    "like_other_days",
    "month_begins",
    "scenarios_of",
    "usual_week",
    "weekdays",
]
