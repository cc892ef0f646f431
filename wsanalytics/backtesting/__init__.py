"""Policies through time, each seeing only the past."""

from __future__ import annotations

from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.backtesting.policies.catalog import POLICIES, policy_named
from wsanalytics.backtesting.policies.rule import Rule, WorkspaceView, for_each
from wsanalytics.backtesting.policies.seen import Seen

__all__ = [
    "POLICIES",
    "Backtest",
    "Rule",
    "Seen",
    "WorkspaceView",
    "backtest",
    "for_each",
    "policy_named",
]
