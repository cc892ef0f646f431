"""The observations of a fleet, in memory and on disk."""

from __future__ import annotations

from wsanalytics.history.checks import (
    accepted_workspaces,
    check_workspaces,
    checked_workspaces,
    read_samples,
    read_sessions,
    read_workspaces,
    with_tag_columns,
)
from wsanalytics.history.folder import read_history, sample_folder, sample_history, write_history
from wsanalytics.history.history import History, configured
from wsanalytics.history.inventory import changed_since, updated, with_last_known
from wsanalytics.history.remarks import (
    APPLICATION,
    EXISTED,
    GUESSED,
    Remarks,
    contradicted,
    guesses_in,
    licensed,
    remarks_of,
)
from wsanalytics.history.sample_files import as_frame, no_samples
from wsanalytics.history.store import EmptyError, Store
from wsanalytics.history.store_check import check_store
from wsanalytics.history.store_files import KINDS
from wsanalytics.history.summary import StoreSummary, store_summary

__all__ = [
    "APPLICATION",
    "EXISTED",
    "GUESSED",
    "KINDS",
    "EmptyError",
    "History",
    "Remarks",
    "Store",
    "StoreSummary",
    "accepted_workspaces",
    "as_frame",
    "changed_since",
    "check_store",
    "check_workspaces",
    "checked_workspaces",
    "configured",
    "contradicted",
    "guesses_in",
    "licensed",
    "no_samples",
    "read_history",
    "read_samples",
    "read_sessions",
    "read_workspaces",
    "remarks_of",
    "sample_folder",
    "sample_history",
    "store_summary",
    "updated",
    "with_last_known",
    "with_tag_columns",
    "write_history",
]
