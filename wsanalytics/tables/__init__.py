"""The contract of every table that crosses a border; tables checked, read and written."""

from __future__ import annotations

from wsanalytics.tables.actions import APPLIED, CREATED, SWITCHED, VERIFIED
from wsanalytics.tables.catalog import TABLES, as_markdown, table_named
from wsanalytics.tables.check import (
    add_duplicates,
    check_table,
    checked_table,
    defaults_used,
    refuse_another,
    refuse_duplicates,
    sort_by_key,
)
from wsanalytics.tables.check_sessions import check_sessions, checked_sessions
from wsanalytics.tables.contract import Kind, Table
from wsanalytics.tables.csv_parquet import origin_of, read_source, read_table, write_table
from wsanalytics.tables.faults import Faults, Origin
from wsanalytics.tables.foreign_columns import tags_hint, timeout_hint
from wsanalytics.tables.json_objects import Refused, load_object, place_of, read_as, words_of
from wsanalytics.tables.known_ids import check_known_ids
from wsanalytics.tables.observed import (
    GAPS,
    ORDERS,
    RUNS,
    SAMPLES,
    SESSIONS,
    SETTINGS,
    SHORTEST_BRIDGE,
    WORKSPACES,
    Source,
    is_from_cloudwatch,
    is_hourly,
)
from wsanalytics.tables.results import (
    BUDGET,
    CHARGES,
    COMPARISON,
    FLEET_FRONTIER,
    FRONTIER,
    OUTCOMES,
    PRICES,
    RECOMMENDATIONS,
    TODAY,
)
from wsanalytics.tables.sealed_parquet import frame_of, is_sealed, read_sealed, write_sealed
from wsanalytics.tables.spellings import same_letters

__all__ = [
    "APPLIED",
    "BUDGET",
    "CHARGES",
    "COMPARISON",
    "CREATED",
    "FLEET_FRONTIER",
    "FRONTIER",
    "GAPS",
    "ORDERS",
    "OUTCOMES",
    "PRICES",
    "RECOMMENDATIONS",
    "RUNS",
    "SAMPLES",
    "SESSIONS",
    "SETTINGS",
    "SHORTEST_BRIDGE",
    "SWITCHED",
    "TABLES",
    "TODAY",
    "VERIFIED",
    "WORKSPACES",
    "Faults",
    "Kind",
    "Origin",
    "Refused",
    "Source",
    "Table",
    "add_duplicates",
    "as_markdown",
    "check_known_ids",
    "check_sessions",
    "check_table",
    "checked_sessions",
    "checked_table",
    "defaults_used",
    "frame_of",
    "is_from_cloudwatch",
    "is_hourly",
    "is_sealed",
    "load_object",
    "origin_of",
    "place_of",
    "read_as",
    "read_sealed",
    "read_source",
    "read_table",
    "refuse_another",
    "refuse_duplicates",
    "same_letters",
    "sort_by_key",
    "table_named",
    "tags_hint",
    "timeout_hint",
    "words_of",
    "write_sealed",
    "write_table",
]
