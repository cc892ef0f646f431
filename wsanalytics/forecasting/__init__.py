"""How people may work in the days to come: pure arrays, no money."""

from __future__ import annotations

from wsanalytics.forecasting.change_points import changed_since
from wsanalytics.forecasting.neighbours import (
    Memory,
    Outlook,
    Past,
    Rows,
    like_other_days,
    usual_week,
    weekdays,
)
from wsanalytics.forecasting.scenarios import Prospects, days_ahead, prospects_of

__all__ = [
    "Memory",
    "Outlook",
    "Past",
    "Prospects",
    "Rows",
    "changed_since",
    "days_ahead",
    "like_other_days",
    "prospects_of",
    "usual_week",
    "weekdays",
]
