"""Print a fleet: costs, policies, budgets, changes, stores, and tables' columns."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from wsanalytics.billing import HourRule
from wsanalytics.cli.printing.changes import print_change_rows
from wsanalytics.cli.printing.console import console
from wsanalytics.cli.printing.layout import Column, print_rows
from wsanalytics.formatting import (
    counted,
    number,
    round_parts,
    size_text,
    usd,
)
from wsanalytics.history import StoreSummary
from wsanalytics.recommendations import Analysis, Plan
from wsanalytics.safe_text import plain
from wsanalytics.tables import Table as Contract
from wsanalytics.timeline import Window
from wsanalytics.views import fleet_costs, headline, sure_changes

TOP = 10
"""Rows that are shown one by one."""
STARTS = "cold starts\na week"
_UNDER = {"present": "as it is", "plan": "by the plan"}


def print_headline(analysis: Analysis) -> None:
    """The answer in one line, before anything else; and how much of it is as good as sure."""
    console().print(str(headline(analysis)), soft_wrap=True)
    if sure := sure_changes(analysis.plan):
        console().print(sure, soft_wrap=True)
    console().print()


def print_changes(analysis: Analysis) -> None:
    """The changes that save most, the rest in one row, and the total."""
    users = analysis.workspaces.set_index("workspace_id")["user_name"]
    changes = analysis.plan.changes
    if len(changes):
        print_change_rows("The changes that save most",
                          changes.assign(user_name=changes["workspace_id"].map(users)), TOP)
    print_left_alone(analysis.plan)


def print_left_alone(plan: Plan) -> None:
    """Print how many WorkSpaces are left alone, for which reasons; and how many are unused."""
    kinds = plan.kinds_left_alone.value_counts().items()
    why = "; ".join(f"{number(count)} {kind}" for kind, count in kinds)
    console().print(f"{counted(len(plan.left_alone), 'WorkSpace')} left alone"
                    + (f": {why}" if why else "")
                    + f". {counted(len(plan.unused), 'WorkSpace')} unused.", soft_wrap=True)


def print_costs(analysis: Analysis) -> None:
    """Print the fleet's cost a month today, under the plan, and under one setting for all."""
    costs = fleet_costs(analysis.comparison, analysis.plan)
    rows = []
    for row in costs.to_dict("records"):
        fixed, hourly = round_parts([row["fixed_usd"], row["hourly_usd"]])
        rows.append({"option": row["option"], "fixed fees": usd(fixed), "for hours": usd(hourly),
                     "total": usd(fixed + hourly),
                     STARTS: number(row["cold_starts_per_week"])})
    print_rows(f"What {counted(int(costs['workspaces'].max()), 'WorkSpace')} cost a month", (
        Column("option"), Column("total", right=True), Column(STARTS, right=True, leaves=1),
        Column("fixed fees", right=True, leaves=3), Column("for hours", right=True, leaves=2),
    ), rows)


def print_totals(sums: pd.DataFrame, title: str) -> None:
    """One row a setting: the sums of a ``charges`` table over WorkSpaces and months."""
    total = (sums["fixed_usd"] + sums["hourly_usd"]).sort_values()
    if len(total):
        more = f", {usd(total.iloc[1] - total.iloc[0])} less than {total.index[1]}" if (
            len(total) > 1) else ""
        console().print(f"All in {total.index[0]}: {usd(total.iloc[0])}{more}.", soft_wrap=True)
        console().print()
    rows = []
    for name, row in sums.iterrows():
        fixed, hourly = round_parts([row["fixed_usd"], row["hourly_usd"]])
        rows.append({"setting": str(name), "billed hours": number(row["billed_hours"], 1),
                     "fixed fees": usd(fixed), "for hours": usd(hourly),
                     "total": usd(fixed + hourly), "cold starts": number(row["cold_starts"])})
    print_rows(title, (
        Column("setting"), Column("total", right=True), Column("cold starts", right=True, leaves=1),
        Column("billed hours", right=True, leaves=2), Column("fixed fees", right=True, leaves=4),
        Column("for hours", right=True, leaves=3)), rows)


def print_policies(totals: pd.DataFrame, references: Sequence[str], when: str) -> None:
    """One row a policy, the cheapest first; those that know the future are marked."""
    if totals.empty:
        console().print(f"No WorkSpace can be billed, {when}.")
        return
    fleet = int(totals["workspaces"].iloc[0])
    console().print(_best_policy(totals, references), soft_wrap=True)
    console().print()
    rows = []
    for row in totals.to_dict("records"):
        fixed, hourly = round_parts([row["fixed_usd"], row["hourly_usd"]])
        regret = {"regret": usd(row["regret_usd"])} if "regret_usd" in totals else {}
        rows.append({"policy": str(row["policy"]), "total": usd(fixed + hourly), **regret,
                     "monthly fees": usd(fixed), "for hours": usd(hourly),
                     "hours": number(row["billed_hours"]),
                     STARTS: number(row["cold_starts_per_week"], 1),
                     "switches": number(row["switches"]),
                     "knows": "the future" if row["policy"] in references else "the past"})
    print_rows(f"{counted(fleet, 'WorkSpace')}, {when}: USD in all of it, cold starts of one "
               "WorkSpace", (
        Column("policy"), Column("total", right=True),
        *([Column("regret", right=True)] if "regret_usd" in totals else []),
        Column("monthly fees", right=True, leaves=5), Column("for hours", right=True, leaves=4),
        Column("hours", right=True, leaves=6), Column(STARTS, right=True, leaves=2),
        Column("switches", right=True, leaves=3), Column("knows", leaves=1)), rows)


def _best_policy(totals: pd.DataFrame, references: Sequence[str]) -> str:
    """Name the cheapest policy that knows the past alone, and hold it against the others."""
    past = totals[~totals["policy"].isin(list(references))].sort_values("total_usd")
    if past.empty:
        return "Every policy here knows the future; add one that knows the past alone."
    best = past.iloc[0]
    text = (f"{best['policy']} is cheapest of those that know the past alone: "
            f"{usd(best['total_usd'])}")
    if "regret_usd" in totals:
        text += f", {usd(best['regret_usd'])} above the least possible"
    if len(past) > 1:
        second = past.iloc[1]
        text += (f"; {second['policy']} costs "
                 f"{usd(second['total_usd'] - best['total_usd'])} more")
    return f"{text}."


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
    console().print(_expected(spend), soft_wrap=True)
    console().print()
    rows: list[dict[str, str]] = []
    columns: list[str] = []
    for (part, name), figures in spend.groupby(["part", "name"], sort=False):
        label = f"{part} {str(name) or 'not given'}" if part != "fleet" else "fleet"
        cells = {"part": plain(label), "WorkSpaces": number(int(figures["workspaces"].iloc[0]))}
        for row in figures.to_dict("records"):
            heading = f"{row['month']}\n{_UNDER[row['under']]}"
            columns += [] if heading in columns else [heading]
            cells[heading] = (f"{usd(row['expected_usd'], cents=False)} ± "
                              f"{number((row['high_usd'] - row['low_usd']) / 2)}")
        rows.append(cells)
    print_rows(f"Expected spend and half of its 80 % interval, from sessions of {window}", (
        Column("part"), Column("WorkSpaces", right=True, leaves=1),
        *(Column(name, right=True) for name in columns)), rows)


def _expected(spend: pd.DataFrame) -> str:
    """Return what the whole fleet is expected to cost, month by month, now and by the plan."""
    fleet = spend[spend["part"] == "fleet"].set_index(["month", "under"])["expected_usd"]
    parts = [f"{month}: {usd(fleet[month, 'present'], cents=False)} as it is, "
             f"{usd(fleet[month, 'plan'], cents=False)} by the plan"
             for month in sorted(set(spend["month"]))]
    return f"{'; '.join(parts)}."


def print_contract(contract: Contract) -> None:
    """The columns of one table."""
    print_rows(
        f"{contract.name}: a row is {contract.row}; sorted by {', '.join(contract.key)}",
        (Column("column"), Column("holds", wraps=True), Column("unit", leaves=1),
         Column("meaning", wraps=True), Column("presence", leaves=2, wraps=True)),
        [{"column": column.name, "holds": " / ".join(column.choices) or str(column.kind),
          "unit": column.unit, "meaning": column.meaning, "presence": column.presence}
         for column in contract.columns])


def print_rounds(rounds: pd.DataFrame) -> None:
    """Print the result of each account and region; below, each message of those that failed."""
    out = console()
    latest = rounds.tail(TOP)
    print_rows("", (Column("outcome"), Column("account"), Column("region"),
                    Column("WorkSpaces", right=True), Column("samples", right=True)),
               [{"outcome": row["outcome"], "account": plain(row["account_id"] or "?"),
                 "region": plain(row["region"] or "?"), "WorkSpaces": number(row["workspaces"]),
                 "samples": number(row["samples"])} for row in latest.to_dict("records")])
    for message in latest["message"].drop_duplicates():
        if message:
            out.print(plain(message), soft_wrap=True)


def print_disagreements(wrong: pd.DataFrame) -> None:
    """The WorkSpaces whose samples disagree with CloudWatch most."""
    by_id = wrong.groupby("workspace_id")["sampled_at"].agg(["size", "min", "max"])
    print_rows("Samples and CloudWatch disagree (UTC)", (
        Column("WorkSpace"), Column("samples", right=True), Column("first", leaves=2),
        Column("last", leaves=1)),
        [{"WorkSpace": plain(str(name)), "samples": number(row["size"]),
          "first": f"{row['min']:%Y-%m-%d %H:%M}", "last": f"{row['max']:%Y-%m-%d %H:%M}"}
         for name, row in by_id.sort_values("size", ascending=False).head(TOP).iterrows()])


def print_summary(name: str, summary: StoreSummary) -> None:
    """Print the summary of a store."""
    out = console()
    out.print(f"{name}: {counted(summary.samples, 'sample')} of {counted(summary.days, 'day')},",
              size_text(summary.size_bytes), soft_wrap=True)
    if summary.first_at is not None and summary.last_at is not None:
        out.print(f"from {summary.first_at:%Y-%m-%d %H:%M} to {summary.last_at:%Y-%m-%d %H:%M} UTC")
    print_rows("", (Column("account"), Column("region"), Column("WorkSpaces", right=True),
                    Column("terminated", right=True)),
               [{"account": plain(row["account_id"]), "region": plain(row["region"]),
                 "WorkSpaces": number(row["workspaces"]), "terminated": number(row["terminated"])}
                for row in summary.regions.to_dict("records")])
    out.print(f"{counted(len(summary.holes), 'hole')} of over 20 minutes in which nobody looked"
              + (", the longest:" if len(summary.holes) else ""))
    longest = summary.holes.sort_values("hours", ascending=False).head(TOP)
    for row in longest.sort_values("from_at").to_dict("records"):
        out.print(f"  {row['from_at']:%Y-%m-%d %H:%M} to {row['to_at']:%Y-%m-%d %H:%M} "
                  f"({row['hours']:,.1f} h)")
