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
from wsanalytics.sessions.find import find_gaps, find_sessions, find_sessions_and_gaps
from wsanalytics.sessions.from_store import Found, find_stored, found_in, read_remarks
from wsanalytics.sessions.observed_commands import observed_commands
from wsanalytics.sessions.observed_runs import observed_runs
from wsanalytics.sessions.unobserved import (
    days_with_long_gap,
    is_too_little_observed,
    is_unjudgeable,
    unobserved_by_day,
    unobserved_days,
)
from wsanalytics.sessions.usage import Usage, usage_of

__all__ = [
    "HISTORY",
    "Flags",
    "Found",
    "LocalDays",
    "Minutes",
    "Usage",
    "days_with_long_gap",
    "find_gaps",
    "find_sessions",
    "find_sessions_and_gaps",
    "find_stored",
    "first_minutes",
    "found_in",
    "instants_on",
    "is_too_little_observed",
    "is_unjudgeable",
    "observed_commands",
    "observed_runs",
    "ordinals_of",
    "read_remarks",
    "unobserved_by_day",
    "unobserved_days",
    "usage_of",
    "usual_on",
]
