"""Panels to look at and click in a notebook."""

from __future__ import annotations

from wsanalytics.widgets.app import ENVIRONMENT, app, refuse_without_fleet
from wsanalytics.widgets.explore import explore
from wsanalytics.widgets.overview import overview
from wsanalytics.widgets.review import review
from wsanalytics.widgets.workspace import look_at

__all__ = [
    "ENVIRONMENT",
    "app",
    "explore",
    "look_at",
    "overview",
    "refuse_without_fleet",
    "review",
]
