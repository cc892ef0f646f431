"""Dollars against waiting on a terminal: a fleet in one option, its mixtures, what was chosen."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from wsanalytics.cli.printing.console import console
from wsanalytics.cli.printing.layout import Column, print_rows
from wsanalytics.formatting import counted, listed, measured, number, percent, usd
from wsanalytics.safe_text import plain
from wsanalytics.tables import TODAY
from wsanalytics.tradeoffs import Choice, Frontier

USD, STARTS, EACH = "USD a month", "cold starts\na week", "mean of a\nWorkSpace"
MINUTES, GOOD, CHANGES = "waiting minutes\na month", "efficient", "changes"


def print_frontier(found: Frontier) -> None:
    """The fleet as it is and all in one option, and its best mixtures at some round prices."""
    out = console()
    console().print(_best_of_all(found), soft_wrap=True)
    console().print()
    figures = (Column(USD, right=True), Column(STARTS, right=True),
               Column(EACH, right=True, leaves=2), Column(MINUTES, right=True, leaves=3))
    print_rows(_title(found), (Column("all in"), *figures, Column(GOOD, leaves=1)),
               [{"all in": name, **cells} for name, cells in _options(found).items()])
    print_rows("Each WorkSpace in its own option, by what a minute of waiting is worth",
               (Column("a minute is worth"), *figures, Column(CHANGES, right=True, leaves=1)),
               [{"a minute is worth": name, **cells} for name, cells in _mixtures(found).items()])
    out.print(
        f"A cold start counts as {number(found.wait_minutes, 2)} minutes of waiting. Efficient: no "
        "other row has both no more dollars and no more cold starts. All of it is what these days "
        "would have cost, certain to come again or not; 'wsanalytics recommend' weighs that."
        + (f" {found.counted}, as in the report." if found.counted else ""), soft_wrap=True)
    if any("stop_when_idle" in name or "start_before_work" in name for name in found.names):
        out.print("'wsanalytics stop-idle' and 'wsanalytics start-early' are what stops and starts "
                  "WorkSpaces by calls.", soft_wrap=True)


def _best_of_all(found: Frontier) -> str:
    """Return the cheapest mixture and what it asks of users, against what the fleet is today."""
    best, today = found.fleet_points.sort_values("usd_per_month").iloc[0], found.fleet_options[
        found.fleet_options["option"] == TODAY].iloc[0]
    saving = today["usd_per_month"] - best["usd_per_month"]
    waits = best["cold_starts_per_week"] - today["cold_starts_per_week"]
    more = "more" if waits >= 0 else "fewer"
    return (f"At most {usd(saving)} of {usd(today['usd_per_month'])} a month can be saved, with "
            f"{number(abs(waits))} {more} cold starts a week.")


def _title(found: Frontier) -> str:
    left_out = ", ".join(
        f"{number(count)} {what}" for count, what in (
            (found.terminated, "terminated"), (found.unpriced, "without a price"),
            (found.absent, "created later")) if count)
    return (f"{counted(found.workspaces, 'WorkSpace')}, {found.window}"
            + (f"; left out: {left_out}" if left_out else ""))


def _options(found: Frontier) -> dict[str, dict[str, str]]:
    """Return the cells of each row about the fleet in one option."""
    return {
        plain("what it is today" if row["option"] == TODAY else row["option"].removeprefix("all ")):
        _cells(row, found) | {GOOD: "yes" if row["efficient"] else ""}
        for row in found.fleet_options.to_dict("records")
    }


def _mixtures(found: Frontier) -> dict[str, dict[str, str]]:
    """Return the cells of each row about the fleet's mixtures, the last of them included."""
    rows = found.at_prices().drop_duplicates("usd_per_month").to_dict("records")
    last = found.fleet_points.iloc[-1].to_dict()
    if last["usd_per_month"] != rows[-1]["usd_per_month"]:
        rows.append(last)
    cells = {"nothing" if not row["waiting_minute_usd"] else usd(row["waiting_minute_usd"]):
             _cells(row, found) | {CHANGES: number(row["changes"])} for row in rows}
    name = next(reversed(cells))
    return {key if key != name else f"{key} or more": row for key, row in cells.items()}


def _cells(row: dict[Hashable, Any], found: Frontier) -> dict[str, str]:
    return {
        USD: usd(row["usd_per_month"]), STARTS: number(row["cold_starts_per_week"]),
        EACH: number(row["cold_starts_per_week"] / max(found.workspaces, 1), 2),
        MINUTES: number(row["waiting_minutes_per_month"]),
    }


def print_choice(
    frontier: Frontier, chosen: Choice, most: float | None, minute_usd: float | None
) -> None:
    """Print what was asked for, its cost and waiting, and which options it takes."""
    request = " and ".join(filter(None, (
        "" if most is None else
        f"at most {measured(most, 'cold start', 2)} a week for each WorkSpace",
        "" if minute_usd is None else f"a minute of waiting worth {usd(minute_usd)}")))
    out, each = console(), max(frontier.workspaces, 1)
    out.print(f"\nChosen for {request}:", soft_wrap=True)
    for line in (_money(chosen), _waits(chosen, each), _taken(chosen)):
        out.print(f"  {line}", soft_wrap=True)
    if chosen.over_limit:
        out.print(
            f"  {counted(len(chosen.over_limit), 'WorkSpace')} cannot be held to the limit by any "
            f"option and took the one of fewest cold starts: {plain(listed(chosen.over_limit))}",
            soft_wrap=True)


def _money(chosen: Choice) -> str:
    saving = chosen.saving_usd_per_month
    cost, before = round(chosen.usd_per_month, 2), round(chosen.present_usd, 2)
    share = f" ({percent(abs(saving) / chosen.present_usd)})" if chosen.present_usd else ""
    effect = f"saves {usd(before - cost)}" if saving >= 0 else f"costs {usd(cost - before)} more"
    return f"{usd(cost)} a month instead of {usd(before)}: {effect} a month{share}"


def _waits(chosen: Choice, each: int) -> str:
    now, before = (round(count, 1) for count in (chosen.cold_starts_per_week, chosen.present_waits))
    more = "more" if now > before else "fewer"
    return (f"{measured(now, 'cold start')} a week instead of {number(before, 1)}: "
            f"{number(abs(now - before), 1)} {more}; {number(now / each, 2)} a week for a "
            "WorkSpace on average")


def _taken(chosen: Choice) -> str:
    parts = (f"{number(count)} in {plain(str(name))}" for name, count in chosen.by_option.items())
    return "; then ".join(filter(None, (counted(chosen.changes, "change"), ", ".join(parts))))
