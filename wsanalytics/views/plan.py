"""A plan as people review it: the facts about it, and its changes as a flat table.

What is written here is for reading: nothing reads it back, ``apply`` takes ``plan.json`` alone.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from wsanalytics.files import check_output, replaced
from wsanalytics.formatting import counted, number, usd
from wsanalytics.recommendations import Basis, Plan
from wsanalytics.safe_text import escape_formula, plain

VIEW = ("workspace_id", "user_name", "account_id", "region", "from_setting", "to_setting",
        "saving_usd_per_month", "saving_low_usd", "saving_high_usd", "chance_of_loss",
        "extra_cold_starts_per_week", "best_date", "apply_by", "reason", "checked", "comment")
"""The columns of a view, a row a change, the largest saving first."""
NUMBERS = frozenset({"saving_usd_per_month", "saving_low_usd", "saving_high_usd",
                     "chance_of_loss", "extra_cold_starts_per_week"})


def changes_view(plan: Plan) -> pd.DataFrame:
    """Return the changes of *plan* with the columns ``VIEW``."""
    return plan.changes[list(VIEW)]


def write_csv_view(plan: Plan, path: Path) -> None:
    """Write the changes of *plan* to the ``.csv`` file at *path*, whole or not at all.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, and control
    characters become a mark.
    """
    check_output(path, (".csv",))
    view = changes_view(plan)
    texts = {name: view[name].map(_harmless) for name in VIEW if name not in NUMBERS}
    with replaced(path, private=True) as file:
        # RFC 4180's end of a line: with another one a lone CR in a name would not be quoted
        view.assign(**texts).to_csv(file, index=False, lineterminator="\r\n")


def _harmless(text: str) -> str:
    """Return text that runs nothing.

    Line breaks stay, as people write comments of several lines.
    """
    return escape_formula("\n".join(map(plain, text.split("\n"))))


def facts_of(plan: Plan) -> list[tuple[str, str]]:
    """Return the facts to know before a plan's changes are read: names and values."""
    changes = plan.changes
    waits = changes["extra_cold_starts_per_week"].sum()
    return [
        ("account", _told(plan.account_id, changes["account_id"])),
        ("region", _told(plan.region, changes["region"])),
        ("made", f"{plan.created_at:%Y-%m-%d %H:%M} UTC"),
        *_facts_of_data(plan.basis),
        ("hour rule", str(plan.hour_rule)),
        ("prices", (plan.prices_date or "undated") + _discount(plan.basis)),
        ("changes", f"{len(changes):,} of {counted(len(plan.recommendations), 'WorkSpace')}"),
        ("saving", f"{usd(plan.saving_usd_per_month)} a month"),
        ("cold starts", f"{number(abs(waits), 1)} {'fewer' if waits < 0 else 'more'} a week"),
        *_facts_of_dates(changes),
    ]


def _facts_of_data(basis: Basis | None) -> list[tuple[str, str]]:
    if basis is None:
        return [("data", "not given")]
    limit = basis.max_cold_starts_per_week
    source = f", from {basis.source}" if basis.source else ""
    data = (
        f"{basis.from_at:%Y-%m-%d %H:%M} to {basis.to_at:%Y-%m-%d %H:%M} UTC, "
        f"{counted(basis.workspaces, 'WorkSpace')}, {counted(basis.sessions, 'session')}{source}"
    )
    waits = "any number of cold starts" if limit is None else (
        f"at most {number(limit, 1)} cold starts a week")
    return [("data", data),
            ("limits", f"at least {usd(basis.min_saving_usd)} a month; {waits}")]


def _facts_of_dates(changes: pd.DataFrame) -> list[tuple[str, str]]:
    """For each day that changes to AUTO_STOP wait for: how many, and until when to begin."""
    bound = changes[changes["apply_by"] != ""]
    facts = []
    for day, rows in bound.groupby("best_date"):
        begin = pd.to_datetime(rows["apply_by"], utc=True, format="ISO8601").min()
        which = f"{counted(len(rows), 'change')} from ALWAYS_ON with best date {day}"
        facts.append(("begin by", f"{begin:%Y-%m-%d %H:%M} UTC for {which}"))
    return facts


def _told(value: str | None, column: pd.Series) -> str:
    """Return an account or region: the plan's own, else those of its changes."""
    return value or ", ".join(sorted(filter(None, column.unique()))) or "not given"


def _discount(basis: Basis | None) -> str:
    return f", less a discount of {number(100 * basis.discount, 2)} %" if (
        basis and basis.discount) else ""
