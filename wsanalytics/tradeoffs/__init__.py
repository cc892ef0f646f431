"""Dollars against waiting: the frontier, and what-if."""

from __future__ import annotations

from wsanalytics.tradeoffs.answer import Answer, shown
from wsanalytics.tradeoffs.efficient import (
    SAME,
    Amounts,
    FleetOptions,
    Marks,
    best,
    efficient,
    mixtures,
)
from wsanalytics.tradeoffs.frontier import Choice, Frontier, frontier
from wsanalytics.tradeoffs.options import Question, calling_policies, offers_of
from wsanalytics.tradeoffs.what_if import WhatIf, what_if

__all__ = [
    "SAME",
    "Amounts",
    "Answer",
    "Choice",
    "FleetOptions",
    "Frontier",
    "Marks",
    "Question",
    "WhatIf",
    "best",
    "calling_policies",
    "efficient",
    "frontier",
    "mixtures",
    "offers_of",
    "shown",
    "what_if",
]
