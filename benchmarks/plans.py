"""What somebody pays who makes plans: how often, by which rule, with which limits.

    python benchmarks/plans.py [--workspaces N] [--seeds N ...]

Costs in percent above ``clairvoyant`` over the twelve months that the fleets of
``benchmarks/policies.py`` are judged by, and on the real trace. The first rows are backtests in
which policies decide each night, on Mondays or on the 1sts, which is what a plan costs that is made
so often and applied whole. The last rows are played by hand: on each 1st a plan is made with the
limits of a row, its changes are made, and in the end the whole is replayed and billed.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from policies import invented, traced

from wsanalytics.backtesting.backtest import backtest
from wsanalytics.billing.bill import bill
from wsanalytics.history.history import configured, with_settings
from wsanalytics.prices.book import built_in_prices
from wsanalytics.recommendations.analysis import analyse
from wsanalytics.schedule import schedule_of
from wsanalytics.simulation.fleet import replay
from wsanalytics.timeline import Window, months_later

PLAYED = (
    ("forecast", "day"), ("forecast", "week"), ("forecast", "month"),
    ("cheapest_fixed", "month"), ("cheapest_fixed:days=365", "month"),
    ("cost_optimizer", "day"), ("hold", "day"), ("always_on", "day"),
)
BY_HAND: tuple[tuple[str, dict[str, Any], int | None], ...] = (
    ("at least $1 a month", {}, None),
    ("at least $1 a month, 25 changes a run", {}, 25),
    ("and a chance of saving of 50 %", {"min_chance_of_saving": 0.5}, None),
    ("and a chance of saving of 80 %", {"min_chance_of_saving": 0.8}, None),
    ("and a chance of saving of 90 %", {"min_chance_of_saving": 0.9}, None),
    ("and a chance of saving of 95 %", {"min_chance_of_saving": 0.95}, None),
    ("and at most five cold starts a week", {"max_cold_starts_per_week": 5.0}, None),
    ("and nothing that loses open programs (the default)",
     {"allow_losing_open_programs": False}, None),
)


def by_hand(
    sessions: pd.DataFrame, fleet: pd.DataFrame, when: Window, limits: dict[str, Any],
    limit: int | None,
) -> float:
    """What it costs to make a plan on each 1st, and to make at most so many of its changes."""
    present = configured(fleet)
    begins = sessions["connected_at"].min().to_pydatetime().replace(
        hour=0, minute=0, second=0, microsecond=0)
    changes = [_settings(present.rename("to_setting").rename_axis("workspace_id").reset_index(),
                         when.start - timedelta(days=1))]
    first = when.start
    while first < when.end:
        rows = with_settings(fleet, present)
        plan = analyse(sessions[sessions["connected_at"] < pd.Timestamp(first)], rows,
                       window=Window(begins, first), prices=built_in_prices(), now=first,
                       **({"allow_losing_open_programs": True} | limits)).plan.changes
        made = plan if limit is None else plan.head(limit)
        present = made.set_index("workspace_id")["to_setting"].reindex(present.index).fillna(
            present)
        changes.append(_settings(made, first))
        first = months_later(first, 1)
    lived = schedule_of(pd.concat(changes, ignore_index=True), when)
    return float(bill(replay(sessions, [lived], window=when), fleet,
                      built_in_prices())["total_usd"].sum())


def _settings(changes: pd.DataFrame, since: datetime) -> pd.DataFrame:
    return changes.rename(columns={"to_setting": "setting"}).assign(since=since)[
        ["workspace_id", "setting", "since"]]


def main() -> None:
    """Read the options, play all rows on all fleets, print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2026, 11, 12, 13])
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # a few WorkSpaces have no price, some are MANUAL
    fleets = {f"seed {seed}": invented(args.workspaces, seed) for seed in args.seeds}
    fleets["real trace"] = traced()
    table: dict[str, list[str]] = {}
    for name, (sessions, fleet, when) in fleets.items():
        prices = built_in_prices()
        floor = _total(sessions, fleet, when, "clairvoyant", "day")
        for policy, every in PLAYED:
            usd = _total(sessions, fleet, when, policy, every)
            table.setdefault(f"`{policy}`, each {every}", []).append(f"{usd / floor - 1:.2%}")
        for label, limits, limit in BY_HAND:
            usd = by_hand(sessions, fleet, when, limits, limit)
            table.setdefault(f"a plan on each 1st, {label}", []).append(f"{usd / floor - 1:.2%}")
        print(f"{name}: {len(fleet):,} WorkSpaces, {when}, prices of {prices.date}",
              file=sys.stderr)
    print("| who decides, and how often | " + " | ".join(fleets) + " |")
    print("|---|" + "---|" * len(fleets))
    for label, cells in table.items():
        print(f"| {label} | " + " | ".join(cells) + " |")


def _total(
    sessions: pd.DataFrame, fleet: pd.DataFrame, when: Window, policy: str, every: str
) -> float:
    found = backtest(sessions, [policy], workspaces=fleet, prices=built_in_prices(), window=when,
                     every=every)
    return float(found.outcomes["total_usd"].sum())


if __name__ == "__main__":
    main()
