"""Changes of settings as a table: the same columns wherever changes are listed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from wsanalytics.cli.printing.console import console
from wsanalytics.cli.printing.layout import Column, print_rows
from wsanalytics.formatting import counted, number, rounding_note, usd, usd_range
from wsanalytics.safe_text import plain

SAVES, STARTS = "saves\na month", "extra cold\nstarts\na week"
INTERVAL, BEST, APPROVED = "80 % interval", "best date", "approved"
USER = Column("user", leaves=3, most=18)
_COLUMNS = (Column("WorkSpace"), USER, Column("change"), Column(SAVES, right=True),
            Column(INTERVAL, right=True, leaves=4), Column(STARTS, right=True, leaves=2),
            Column(BEST, leaves=1), Column(APPROVED))


def change_text(row: Mapping[Hashable, Any]) -> str:
    """Return from which setting to which."""
    return f"{row['from_setting']} → {row['to_setting']}"


def print_change_rows(title: str, changes: pd.DataFrame, most: int | None) -> None:
    """Print the *most* changes that save most, the rest in one row, and their sum.

    *changes* are those of a plan; None: all are shown one by one.
    """
    top = changes.head(len(changes) if most is None else most)
    rest = changes.iloc[len(top):]
    rows = [{
        "WorkSpace": plain(row["workspace_id"]),
        "user": plain(row["user_name"]),
        "change": change_text(row),
        SAVES: usd(row["saving_usd_per_month"]),
        INTERVAL: usd_range(row["saving_low_usd"], row["saving_high_usd"]),
        STARTS: number(row["extra_cold_starts_per_week"], 1),
        BEST: row["best_date"],
        APPROVED: row["approved"],
    } for row in top.to_dict("records")]
    if len(rest):
        rows.append({"WorkSpace": f"and {number(len(rest))} more"} | _sums(rest))
    has_dates = bool((changes["best_date"] != "").any())
    shown = {BEST: has_dates, APPROVED: bool((changes["approved"] != "").any())}
    print_rows(title, [column for column in _COLUMNS if shown.get(column.name, True)], rows,
               sums={"WorkSpace": counted(len(changes), "change")} | _sums(changes))
    savings = top["saving_usd_per_month"].tolist()
    if note := rounding_note([*savings, *([rest["saving_usd_per_month"].sum()] if len(rest)
                                          else [])]):
        console().print(note, soft_wrap=True)


def _sums(changes: pd.DataFrame) -> dict[str, str]:
    return {SAVES: usd(changes["saving_usd_per_month"].sum()),
            STARTS: number(changes["extra_cold_starts_per_week"].sum(), 1)}
