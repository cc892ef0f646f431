"""Every table that crosses a border, by its name: what ``wsanalytics columns`` prints."""

from __future__ import annotations

from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.tables.actions import APPLIED, CREATED, SWITCHED, VERIFIED
from wsanalytics.tables.contract import Table
from wsanalytics.tables.observed import GAPS, ORDERS, RUNS, SAMPLES, SESSIONS, SETTINGS, WORKSPACES
from wsanalytics.tables.results import (
    BUDGET,
    CHARGES,
    COMPARISON,
    FLEET_FRONTIER,
    FRONTIER,
    OUTCOMES,
    PRICES,
    RECOMMENDATIONS,
)

TABLES = {
    table.name: table
    for table in (WORKSPACES, SAMPLES, SESSIONS, GAPS, RUNS, SETTINGS, ORDERS, PRICES, CHARGES,
                  OUTCOMES, COMPARISON, RECOMMENDATIONS, BUDGET, FRONTIER, FLEET_FRONTIER,
                  APPLIED, SWITCHED, VERIFIED, CREATED)
}
"""Every contract, by the table's name."""


def table_named(name: str) -> Table:
    """Return the contract of the table called *name*; :class:`InputError` if there is none."""
    if name not in TABLES:
        raise InputError(
            f"there is no table {name!r}",
            rule=f"the tables are {', '.join(TABLES)}",
            fix=did_you_mean(name, TABLES, otherwise="name one of them"),
        )
    return TABLES[name]


def as_markdown() -> str:
    """Return all contracts as a Markdown page, the text of ``data/TABLES.md``."""
    lines = [
        "# Tables",
        "",
        "The contract of every table that wsanalytics reads or writes, as CSV or Parquet.",
        "Made by `wsanalytics columns --markdown`; the tests hold this page to the code.",
        "",
        "Instants are UTC: ISO 8601 with `Z` or `+00:00` in CSV, UTC timestamps of any unit in",
        "Parquet. Unknown columns are ignored. Amounts and hours are not rounded.",
    ]
    for table in TABLES.values():
        key = ", ".join(f"`{name}`" for name in table.key)
        lines += ["", f"## {table.name}", "", f"A row is {table.row}. Sorted by {key}.", "",
                  "| column | holds | unit | meaning | presence |", "|---|---|---|---|---|"]
        lines += [
            f"| `{c.name}` | {' / '.join(c.choices) or c.kind} | {c.unit} | {c.meaning} | "
            f"{c.presence} |"
            for c in table.columns
        ]
    return "\n".join(lines) + "\n"
