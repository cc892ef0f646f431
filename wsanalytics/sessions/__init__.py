"""From samples to sessions, and what sessions show of one user."""

from __future__ import annotations

from wsanalytics.sessions.arrival_times import (
    HISTORY,
    Flags,
    LocalDays,
    Minutes,
    first_minutes,
    instants_on,
    ordinals_of,
    usual_on,
)
from wsanalytics.sessions.find import find_gaps, find_sessions
from wsanalytics.sessions.from_store import Found, find_stored, hearsay_of
from wsanalytics.sessions.observed_commands import observed_orders
from wsanalytics.sessions.observed_runs import observed_runs
from wsanalytics.sessions.usage import Usage, usage_of

__all__ = [
    "HISTORY",
    "Flags",
    "Found",
    "LocalDays",
    "Minutes",
    "Usage",
    "find_gaps",
    "find_sessions",
    "find_stored",
    "first_minutes",
    "hearsay_of",
    "instants_on",
    "observed_orders",
    "observed_runs",
    "ordinals_of",
    "usage_of",
    "usual_on",
]
