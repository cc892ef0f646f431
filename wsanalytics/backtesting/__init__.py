"""Policies through time, each seeing only the past."""

from __future__ import annotations

from wsanalytics.backtesting.backtest import Backtest, backtest, rule_of
from wsanalytics.backtesting.decide import Decision, decide
from wsanalytics.backtesting.policies.catalog import POLICIES, policy_named
from wsanalytics.backtesting.policies.rule import Choice, Rule, WorkspaceView, for_each
from wsanalytics.backtesting.policies.seen import Seen

__all__ = [
    "POLICIES",
    "Backtest",
    "Choice",
    "Decision",
    "Rule",
    "Seen",
    "WorkspaceView",
    "backtest",
    "decide",
    "for_each",
    "policy_named",
    "rule_of",
]
