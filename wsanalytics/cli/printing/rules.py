"""Print the rules of the house: for how many they hold, and what they cost a month."""

from __future__ import annotations

from math import isnan

import pandas as pd

from wsanalytics.cli.printing.console import console
from wsanalytics.cli.printing.layout import Column, print_rows
from wsanalytics.formatting import counted, number, usd
from wsanalytics.rules import RuleBook

REST = "(no rule)"


def print_rules(book: RuleBook, rows: pd.DataFrame) -> None:
    """Print a row a rule and the sum of what they cost; *rows* are those of ``rules check``."""
    out = console()
    ruled = rows[rows["rule"] != ""]
    fleet = counted(int(ruled["workspaces"].sum()), "WorkSpace")
    held = f"{counted(len(book), 'rule')} for {fleet}"
    is_known = bool(rows["usd_per_month"].notna().any())
    more = float(ruled["more_usd_per_month"].sum())
    cost = "" if not is_known else (
        f": {usd(abs(more))} a month {'less' if more < 0 else 'more'} than without rules")
    out.print(f"{held}{cost}.", soft_wrap=True)
    out.print()
    effects = {rule.name: ", ".join(filter(None, [rule.phrase, *_others(rule.effects)]))
               for rule in book.rules}
    lines = [{"rule": row["rule"] or REST, "WorkSpaces": number(row["workspaces"]),
              "a month": _amount(row["usd_per_month"]),
              "without": _amount(row["usd_per_month_without"]),
              "more": _amount(row["more_usd_per_month"]),
              "what holds": effects.get(row["rule"], "")} for row in rows.to_dict("records")]
    amounts = [Column("a month", right=True, leaves=2), Column("without", right=True, leaves=3),
               Column("more", right=True)] if is_known else []
    print_rows("The first rule that matches a WorkSpace holds", (
        Column("rule"), Column("WorkSpaces", right=True), *amounts,
        Column("what holds", leaves=1, wraps=True)), lines)
    for row in ruled.to_dict("records"):
        if not row["matching_workspaces"]:
            out.print(f"The rule {row['rule']!r} matches nobody: check its conditions.",
                      soft_wrap=True)
        elif not row["workspaces"]:
            out.print(f"The rule {row['rule']!r} holds for nobody: earlier rules hold for the "
                      f"{counted(row['matching_workspaces'], 'WorkSpace')} that it matches.",
                      soft_wrap=True)


def _others(effects: list[str]) -> list[str]:
    """Return the effects that are not about settings, in words."""
    return [name.replace("-", " ") for name in effects
            if name in {"never-stop", "needs-approval", "allow-losing-open-programs"}]


def _amount(value: float) -> str:
    return "" if isnan(value) else usd(value)
