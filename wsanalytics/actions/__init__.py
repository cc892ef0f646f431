"""What changes AWS: apply, undo, stop, start, create; guarded, journalled, read back, verified."""

from __future__ import annotations

from wsanalytics.actions.apply import apply_plan, journal_beside, places_of
from wsanalytics.actions.change_setting import Outcome, Patience, went_well
from wsanalytics.actions.create import create_workspaces
from wsanalytics.actions.journal import Entry, Journal, journal_lock, read_journal
from wsanalytics.actions.ledger import Ledger, instant_of, ledger_of
from wsanalytics.actions.run import DEFAULT_LIMIT, Terms
from wsanalytics.actions.start_early import start_early
from wsanalytics.actions.stop_idle import stop_idle
from wsanalytics.actions.undo import in_force, undo
from wsanalytics.actions.verify import verify

__all__ = [
    "DEFAULT_LIMIT",
    "Entry",
    "Journal",
    "Ledger",
    "Outcome",
    "Patience",
    "Terms",
    "apply_plan",
    "create_workspaces",
    "in_force",
    "instant_of",
    "journal_beside",
    "journal_lock",
    "ledger_of",
    "places_of",
    "read_journal",
    "start_early",
    "stop_idle",
    "undo",
    "verify",
    "went_well",
]
