"""Print a fleet: costs, policies, budgets, changes, stores, and tables' columns."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.table import Table

from wsanalytics.billing import HourRule
from wsanalytics.cli.printing.console import SAVES, WAITS, console, fits, new_table
from wsanalytics.formatting import (
    counted,
    number,
    round_parts,
    rounding_note,
    size_text,
    usd,
    usd_range,
)
from wsanalytics.history import StoreSummary
from wsanalytics.recommendations import Analysis, Plan
from wsanalytics.safe_text import plain
from wsanalytics.tables import Table as Contract
from wsanalytics.timeline import Window
from wsanalytics.views import fleet_costs

TOP = 10
"""Rows that are shown one by one."""

def print_changes(analysis: Analysis) -> None:
    """The changes that save most, the rest in one row, and the total."""
    out = console()
    table = _changes_table(analysis, ["WorkSpace", "user", "change"],
                           [SAVES, "80 % interval", WAITS])
    if not fits(out, table):
        table = _changes_table(analysis, ["WorkSpace", "change"], [SAVES, WAITS])
    out.print(table)
    savings = analysis.plan.changes["saving_usd_per_month"]
    shown = [*savings.head(TOP), savings.iloc[TOP:].sum()]
    if note := rounding_note(shown):
        out.print(note, soft_wrap=True)
    print_left_alone(analysis.plan)


def print_left_alone(plan: Plan) -> None:
    """Print how many WorkSpaces are left alone, for which reasons; and how many are unused."""
    kinds = plan.kinds_left_alone.value_counts().items()
    why = "; ".join(f"{number(count)} {kind}" for kind, count in kinds)
    console().print(f"{counted(len(plan.left_alone), 'WorkSpace')} left alone"
                    + (f": {why}" if why else "")
                    + f". {counted(len(plan.unused), 'WorkSpace')} unused.", soft_wrap=True)


def _changes_table(analysis: Analysis, left: list[str], right: list[str]) -> Table:
    changes = analysis.plan.changes
    users = analysis.workspaces.set_index("workspace_id")["user_name"]
    table = new_table("The changes that save most", left, right)
    top, rest = changes.head(TOP), changes.iloc[TOP:]
    rows = [
        {
            "WorkSpace": plain(row["workspace_id"]),
            "user": plain(users[row["workspace_id"]]),
            "change": f"{row['from_setting']} → {row['to_setting']}",
            SAVES: usd(row["saving_usd_per_month"]),
            "80 % interval": usd_range(row["saving_low_usd"], row["saving_high_usd"]),
            WAITS: number(row["extra_cold_starts_per_week"], 1),
        }
        for row in top.to_dict("records")
    ]
    if len(rest):
        rows.append({"WorkSpace": f"and {number(len(rest))} more",
                     SAVES: usd(rest["saving_usd_per_month"].sum()),
                     WAITS: number(rest["extra_cold_starts_per_week"].sum(), 1)})
    rows.append({"WorkSpace": counted(len(changes), "change"),
                 SAVES: usd(analysis.plan.saving_usd_per_month),
                 WAITS: number(changes["extra_cold_starts_per_week"].sum(), 1)})
    for position, cells in enumerate(rows):
        if position == len(rows) - 1:  # the sum
            table.add_section()
        table.add_row(*(cells.get(name, "") for name in [*left, *right]))
    return table


def print_costs(analysis: Analysis) -> None:
    """Print the fleet's cost a month today, under the plan, and under one setting for all."""
    costs = fleet_costs(analysis.comparison, analysis.plan)
    title = f"What {counted(int(costs['workspaces'].max()), 'WorkSpace')} cost a month"
    table = new_table(title, ["option"], ["fixed fees", "for hours", "total",
                                       "cold starts\na week"])
    for row in costs.to_dict("records"):
        fixed, hourly = round_parts([row["fixed_usd"], row["hourly_usd"]])
        table.add_row(row["option"], usd(fixed), usd(hourly), usd(fixed + hourly),
                      number(row["cold_starts_per_week"]))
    console().print(table)


def print_totals(sums: pd.DataFrame, title: str) -> None:
    """One row a setting: the sums of a ``charges`` table over WorkSpaces and months."""
    table = new_table(title, ["setting"], ["billed hours", "fixed fees", "for hours", "total",
                                        "cold starts"])
    for name, row in sums.iterrows():
        fixed, hourly = round_parts([row["fixed_usd"], row["hourly_usd"]])
        table.add_row(str(name), number(row["billed_hours"], 1), usd(fixed), usd(hourly),
                      usd(fixed + hourly), number(row["cold_starts"]))
    console().print(table)


def print_policies(totals: pd.DataFrame, references: Sequence[str], when: str) -> None:
    """One row a policy, the cheapest first; those that know the future are marked."""
    if totals.empty:
        console().print(f"No WorkSpace can be billed, {when}.")
        return
    fleet = int(totals["workspaces"].iloc[0]) if len(totals) else 0
    has_regret = "regret_usd" in totals
    table = new_table(
        f"{counted(fleet, 'WorkSpace')}, {when}", ["policy"],
        ["total", *(["regret"] if has_regret else []), "monthly fees", "for hours",
         "hours", "waits a week", "switches"], ["knows"])
    for row in totals.to_dict("records"):
        fixed, hourly = round_parts([row["fixed_usd"], row["hourly_usd"]])
        table.add_row(
            str(row["policy"]), usd(fixed + hourly),
            *([usd(row["regret_usd"])] if has_regret else []), usd(fixed), usd(hourly),
            number(row["billed_hours"]), number(row["cold_starts_per_week"], 1),
            number(row["switches"]), "the future" if row["policy"] in references else "the past")
    console().print(table)


def print_what_hours_miss(hour_rule: str) -> None:
    """Print that starts and stops do not count, under the one hour rule that does not see them."""
    if hour_rule == HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT:
        console().print("Hours are counted as AWS's own tool counts them, by sessions: what is "
                        "started or stopped makes no difference to them.", soft_wrap=True)


def print_budget(spend: pd.DataFrame, window: Window) -> None:
    """Print the cost of each part of the fleet, in both months, now and under the plan."""
    if spend.empty:
        console().print(f"No WorkSpace has a price and can be billed, {window}.")
        return
    months = sorted(set(spend["month"]))
    table = new_table(
        f"Expected spend and half of its 80 % interval, from sessions of {window}", ["part"],
        ["WorkSpaces", *(f"{month} {under}" for month in months
                         for under in ("as it is", "by the plan"))])
    for (part, name), rows in spend.groupby(["part", "name"], sort=False):
        cells = [
            f"{usd(row['expected_usd'], cents=False)} ± "
            f"{number((row['high_usd'] - row['low_usd']) / 2)}"
            for row in rows.to_dict("records")
        ]
        label = f"{part} {str(name) or 'not given'}" if part != "fleet" else "fleet"
        table.add_row(plain(label), number(int(rows["workspaces"].iloc[0])), *cells)
    console().print(table)


def print_contract(contract: Contract) -> None:
    """The columns of one table."""
    keys = ", ".join(contract.key)
    table = new_table(f"{contract.name}: a row is {contract.row}; sorted by {keys}",
                   ["column", "holds", "unit", "meaning", "presence"], [])
    for column in contract.columns:
        table.add_row(column.name, " / ".join(column.choices) or str(column.kind), column.unit,
                      column.meaning, column.presence)
    console().print(table)


def print_rounds(rounds: pd.DataFrame) -> None:
    """Print the result of each account and region; below, each message of those that failed."""
    out = console()
    table = new_table("", ["account", "region", "outcome"], ["WorkSpaces", "samples"])
    latest = rounds.tail(TOP)
    for row in latest.to_dict("records"):
        table.add_row(plain(row["account_id"] or "?"), plain(row["region"] or "?"),
                      row["outcome"], number(row["workspaces"]), number(row["samples"]))
    out.print(table)
    for message in latest["message"].drop_duplicates():
        if message:
            out.print(plain(message), soft_wrap=True)


def print_disagreements(wrong: pd.DataFrame) -> None:
    """The WorkSpaces whose samples disagree with CloudWatch most."""
    table = new_table("Samples and CloudWatch disagree", ["WorkSpace"],
                      ["samples", "first", "last"])
    by_id = wrong.groupby("workspace_id")["sampled_at"].agg(["size", "min", "max"])
    for name, row in by_id.sort_values("size", ascending=False).head(TOP).iterrows():
        table.add_row(plain(str(name)), number(row["size"]), f"{row['min']:%Y-%m-%d %H:%M}",
                      f"{row['max']:%Y-%m-%d %H:%M}")
    console().print(table)


def print_summary(name: str, summary: StoreSummary) -> None:
    """Print the summary of a store."""
    out = console()
    out.print(f"{name}: {counted(summary.samples, 'sample')} of {counted(summary.days, 'day')},",
              size_text(summary.size_bytes), soft_wrap=True)
    if summary.first_at is not None and summary.last_at is not None:
        out.print(f"from {summary.first_at:%Y-%m-%d %H:%M} to {summary.last_at:%Y-%m-%d %H:%M} UTC")
    table = new_table("", ["account", "region"], ["WorkSpaces", "terminated"])
    for row in summary.regions.to_dict("records"):
        table.add_row(plain(row["account_id"]), plain(row["region"]), number(row["workspaces"]),
                      number(row["terminated"]))
    out.print(table)
    out.print(f"{counted(len(summary.holes), 'hole')} of over 20 minutes in which nobody looked"
              + (", the longest:" if len(summary.holes) else ""))
    longest = summary.holes.sort_values("hours", ascending=False).head(TOP)
    for row in longest.sort_values("from_at").to_dict("records"):
        out.print(f"  {row['from_at']:%Y-%m-%d %H:%M} to {row['to_at']:%Y-%m-%d %H:%M} "
                  f"({row['hours']:,.1f} h)")
