"""Rules of the house: which settings a fleet's own WorkSpaces may have, and what is left alone."""

from __future__ import annotations

from wsanalytics.rules.book import FleetRules, RuleBook, read_rules, traits_of
from wsanalytics.rules.model import HouseRule, Traits

__all__ = [
    "FleetRules",
    "HouseRule",
    "RuleBook",
    "Traits",
    "read_rules",
    "traits_of",
]
