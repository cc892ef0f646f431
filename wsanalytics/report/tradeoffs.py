"""Dollars against waiting on a terminal: a fleet in one option, its mixtures, what was chosen."""

from __future__ import annotations

from wsanalytics.frontiers import TODAY, Choice, Frontier
from wsanalytics.report.terminal import console, new_table
from wsanalytics.show import counted, listed, number, plain, round_parts, usd

USD, STARTS, EACH = "USD a month", "cold starts\na week", "of a WorkSpace\n(mean)"
MINUTES = "waiting minutes\na month"


def print_frontier(found: Frontier) -> None:
    """The fleet as it is and all in one option, and its best mixtures at some round prices."""
    out, each = console(), max(found.workspaces, 1)
    fleet = counted(found.workspaces, "WorkSpace")
    left_out = ", ".join(
        f"{counted(count, 'WorkSpace')} {what}" for count, what in (
            (found.terminated, "terminated"), (found.unpriced, "without a price"),
            (found.absent, "created later")) if count)
    table = new_table(
        f"{fleet}, {found.window}" + (f"; left out: {left_out}" if left_out else ""),
        ["all in"], [USD, STARTS, EACH, MINUTES], ["efficient"])
    for row in found.fleet_options.to_dict("records"):
        name = "what it is today" if row["option"] == TODAY else row["option"].removeprefix("all ")
        table.add_row(plain(name), usd(row["usd_per_month"]), number(row["cold_starts_per_week"]),
                      number(row["cold_starts_per_week"] / each, 2),
                      number(row["waiting_minutes_per_month"]),
                      "yes" if row["efficient"] else "")
    out.print(table)
    mixed = new_table(
        "Each WorkSpace in its own option, by what a minute of waiting is worth",
        ["a minute is worth"], [USD, STARTS, EACH, MINUTES, "changes"])
    rows = found.at_prices().drop_duplicates("usd_per_month").to_dict("records")
    rows.append(found.fleet_points.iloc[-1].to_dict())
    for place, row in enumerate(rows):
        price = row["waiting_minute_usd"]
        worth = "nothing" if not price else usd(price)
        mixed.add_row(worth if place < len(rows) - 1 else f"{worth} or more",
                      usd(row["usd_per_month"]), number(row["cold_starts_per_week"]),
                      number(row["cold_starts_per_week"] / each, 2),
                      number(row["waiting_minutes_per_month"]), number(row["changes"]))
    out.print(mixed)
    out.print(
        f"A cold start counts as {number(found.wait_minutes, 2)} minutes of waiting. Efficient: no "
        "other row has both no more dollars and no more waits. All of it is what these days would "
        "have cost, certain to come again or not; 'wsanalytics recommend' weighs that.",
        soft_wrap=True)
    if any("stop_when_idle" in name or "start_before_work" in name for name in found.names):
        out.print("'wsanalytics stop-idle' and 'wsanalytics start-early' are what stops and starts "
                  "WorkSpaces by calls.", soft_wrap=True)


def print_choice(
    found: Frontier, chosen: Choice, most: float | None, minute_usd: float | None
) -> None:
    """What was asked for, what it comes to, and which options it takes."""
    asked = " and ".join(filter(None, (
        "" if most is None else
        f"at most {number(most, 2)} cold starts a week for each WorkSpace",
        "" if minute_usd is None else f"a minute of waiting worth {usd(minute_usd)}")))
    out, each = console(), max(found.workspaces, 1)
    out.print(f"\nChosen for {asked}:", soft_wrap=True)
    for line in (_money(chosen), _waits(chosen, each), _taken(chosen)):
        out.print(f"  {line}", soft_wrap=True)
    if chosen.over_limit:
        out.print(
            f"  {counted(len(chosen.over_limit), 'WorkSpace')} cannot be held to the limit by any "
            f"option and took the one of fewest cold starts: {plain(listed(chosen.over_limit))}",
            soft_wrap=True)


def _money(chosen: Choice) -> str:
    saving = chosen.saving_usd_per_month
    cost, saved = round_parts([chosen.usd_per_month, saving])
    share = f" ({abs(saving) / chosen.present_usd:.0%})" if chosen.present_usd else ""
    effect = f"saves {usd(saved)}" if saving >= 0 else f"costs {usd(-saved)} more"
    return f"{usd(cost)} a month instead of {usd(cost + saved)}: {effect} a month{share}"


def _waits(chosen: Choice, each: int) -> str:
    now, before = (round(one, 1) for one in (chosen.cold_starts_per_week, chosen.present_waits))
    more = "more" if now > before else "fewer"
    return (f"{number(now, 1)} cold starts a week instead of {number(before, 1)}: "
            f"{number(abs(now - before), 1)} {more}; {number(now / each, 2)} a week for a "
            "WorkSpace on average")


def _taken(chosen: Choice) -> str:
    parts = (f"{number(count)} in {plain(str(name))}" for name, count in chosen.by_option.items())
    return f"{counted(chosen.changes, 'change')}; then {', '.join(parts)}"
