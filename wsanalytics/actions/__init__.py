"""The verbs that change AWS: apply, undo, stop, start, create; guarded, journalled, verified."""

from __future__ import annotations

from wsanalytics.actions.apply import account_regions_of, apply_plan, journal_beside
from wsanalytics.actions.create import create_workspaces
from wsanalytics.actions.journal import Entry, Journal, journal_lock, read_journal
from wsanalytics.actions.journal_model import journal_schema
from wsanalytics.actions.ledger import JournalState, instant_of, journal_state
from wsanalytics.actions.outcomes import Outcome, went_well
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.start_early import start_early
from wsanalytics.actions.stop_idle import stop_idle
from wsanalytics.actions.undo import in_force, undo
from wsanalytics.actions.verify import verify

__all__ = [
    "Entry",
    "Journal",
    "JournalState",
    "Outcome",
    "RetryPolicy",
    "RunOptions",
    "account_regions_of",
    "apply_plan",
    "create_workspaces",
    "in_force",
    "instant_of",
    "journal_beside",
    "journal_lock",
    "journal_schema",
    "journal_state",
    "read_journal",
    "start_early",
    "stop_idle",
    "undo",
    "verify",
    "went_well",
]
