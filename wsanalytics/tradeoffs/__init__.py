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
from wsanalytics.tradeoffs.options import TradeoffRequest, calling_policies, options_of
from wsanalytics.tradeoffs.what_if import WhatIf, what_if

__all__ = [
    "SAME",
    "Amounts",
    "Answer",
    "Choice",
    "FleetOptions",
    "Frontier",
    "Marks",
    "TradeoffRequest",
    "WhatIf",
    "best",
    "calling_policies",
    "efficient",
    "frontier",
    "mixtures",
    "options_of",
    "shown",
    "what_if",
]
