"""What each policy costs on five fleets, and how long a backtest takes.

    python benchmarks/policies.py [--plot F.png]       the table of costs and regrets
    python benchmarks/policies.py --kinds [--seeds N …]  regrets by kind of fleet and seed
    python benchmarks/policies.py --time               1,000 WorkSpaces x 12 months x 8 policies
    python benchmarks/policies.py --calibrate          are intervals and chances what they say?

The fleets are the sample fleet made for 15 months (three to learn from, twelve judged), three other
seeded ones, and a real trace of people who come and go (``data/traces``). Regret is the cost above
``clairvoyant``; ``informed`` knows each person's hours of every month. The times are wall seconds
of one run, as shares of the whole, beside a yardstick: one replay and bill of a fixed setting.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from wsanalytics import plot
from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.backtesting.policies.forecast import Forecast
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing.bill import bill
from wsanalytics.forecasting.scenarios import scenarios_of
from wsanalytics.forecasting.weighted import Rates, month_begins
from wsanalytics.history.checks import check_workspaces
from wsanalytics.people.person import Kind, make_people
from wsanalytics.people.working_days import fleet_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import built_in_prices
from wsanalytics.recommendations.calibration import coverage
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.check_sessions import check_sessions
from wsanalytics.timeline import Window, to_micros

POLICIES = ("hold", "always_on", "auto_stop:60", "cost_optimizer", "break_even",
            "cheapest_fixed", "cheapest_fixed:days=365", "forecast", "informed", "clairvoyant")
TUNED = (2026, 1, 2, 3, 4, *range(101, 105), *range(201, 207), *range(301, 309))
"""Seeds that the forecast was tuned with; those from 101 on of every kind."""
REPORTED = (401, 402)
"""Seeds of every kind of fleet that nothing was tuned with."""
KINDS_POLICIES = ("hold", "always_on", "cost_optimizer", "forecast", "clairvoyant")
TRACE = Path(__file__).resolve().parent.parent / "data" / "traces" / "workplace_ev.csv.gz"
LEARNT, JUDGED = datetime(2025, 7, 1, tzinfo=UTC), Window(
    datetime(2025, 10, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))


def invented(
    count: int, seed: int, kind: Kind = Kind.USUAL
) -> tuple[pd.DataFrame, pd.DataFrame, Window]:
    """Sessions and WorkSpaces of a seeded fleet over 15 months, and the 12 that are judged."""
    whole = Window(LEARNT, JUDGED.end)
    people = make_people(count, seed=seed, window=whole, kind=kind)
    return fleet_sessions(people, whole), make_workspaces(people, seed=seed, window=whole), JUDGED


def traced() -> tuple[pd.DataFrame, pd.DataFrame, Window]:
    """The real trace: 85 people, each with a STANDARD WorkSpace in AUTO_STOP:60, eight months."""
    sessions = check_sessions(pd.read_csv(TRACE, dtype={"workspace_id": "str"}))
    fleet = check_workspaces(pd.DataFrame({
        "workspace_id": sessions["workspace_id"].unique(), "region": "us-east-1",
        "compute_type": "STANDARD", "running_mode": "AUTO_STOP", "auto_stop_minutes": 60}))
    return sessions, fleet, Window(datetime(2015, 2, 1, tzinfo=UTC),
                                   datetime(2015, 10, 1, tzinfo=UTC))


def played(sessions: pd.DataFrame, fleet: pd.DataFrame, when: Window,
           policies: tuple[str, ...] = POLICIES) -> Backtest:
    """All policies on one fleet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few WorkSpaces have no price, some are MANUAL
        return backtest(sessions, policies, workspaces=fleet, prices=built_in_prices(),
                        window=when)


def compare_all(count: int, seeds: list[int], picture: Path | None) -> None:
    """The table of costs and regrets, as Markdown, and as a plot."""
    fleets = {f"seed {seed}": invented(count, seed) for seed in seeds} | {"real trace": traced()}
    totals = {}
    for name, (sessions, fleet, when) in fleets.items():
        found = played(sessions, fleet, when).totals.set_index("policy")
        totals[name] = found
        print(f"{name}: {len(fleet):,} WorkSpaces, {when}", file=sys.stderr)
    print("| policy | " + " | ".join(totals) + " |")
    print("|---|" + "---|" * len(totals))
    for policy in POLICIES:
        cells = [f"${one.loc[policy, 'total_usd']:,.0f} (+{one.loc[policy, 'regret_usd']:,.0f})"
                 for one in totals.values()]
        print(f"| {policy} | " + " | ".join(cells) + " |")
    shares = []
    for name, one in totals.items():
        share = one["regret_usd"] / one["regret_usd"]["cost_optimizer"]
        print(f"{name}: forecast's regret is {share['forecast']:.2f} of cost_optimizer's, "
              f"informed's {share['informed']:.2f}")
        shares += [{"fleet": name, "policy": policy, "share": share[policy]}
                   for policy in POLICIES if share[policy] > 0]
    if picture:
        ax = plot.regret_of_fleets(pd.DataFrame(shares), caption="prices of 2025-10-03")
        ax.figure.savefig(picture, dpi=110)


def compare_kinds(count: int, seeds: list[int]) -> None:
    """The regret of each policy in percent above the clairvoyant, by kind of fleet and seed."""
    policies = KINDS_POLICIES[:-1]
    print("| kind | seed | " + " | ".join(policies) + " |")
    print("|---|---|" + "---|" * len(policies), flush=True)
    for kind in Kind:
        found = pd.DataFrame({seed: _regrets(count, seed, kind) for seed in seeds})
        for seed, column in [*found.items(), ("mean", found.mean(axis=1))]:
            cells = [f"{column[policy]:.2f}" for policy in policies]
            print(f"| {kind} | {seed} | " + " | ".join(cells) + " |", flush=True)


def _regrets(count: int, seed: int, kind: Kind) -> pd.Series:
    """The percents by which each policy's costs are above the clairvoyant's."""
    sessions, fleet, when = invented(count, seed, kind)
    usd = played(sessions, fleet, when, KINDS_POLICIES).totals.set_index("policy")["total_usd"]
    return pd.Series(100 * (usd / usd["clairvoyant"] - 1))


def time_all(count: int) -> None:
    """How long eight policies take, each one's share, and the yardstick."""
    sessions, fleet, when = invented(count, 2026)
    policies = (*POLICIES[:5], "forecast", "clairvoyant", "stop_when_idle:minutes=15")
    begin = time.perf_counter()
    found = played(sessions, fleet, when, policies)
    took = time.perf_counter() - begin
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bill(replay(sessions, ["AUTO_STOP:60"], window=when), fleet, built_in_prices())
    yardstick = time.perf_counter() - begin
    print(f"{count:,} WorkSpaces, 12 months, {len(sessions):,} sessions, {len(policies)} policies: "
          f"{took:.1f} s, {took / yardstick:.0f} times one replay and bill ({yardstick:.2f} s)")
    for policy, seconds in found.seconds.items():
        print(f"{policy:<28} {seconds:6.2f} s  {seconds / took:5.0%}")


def calibrate_all(count: int, seeds: list[int]) -> None:
    """What was promised for the changes that were proposed, and what came, by kind and months seen.

    On each 1st the fleet has the settings that it was found with, ``forecast`` says what it would
    change, and what is promised for that is held against the two months after.
    """
    found = pd.concat([_promises(count, seed, kind).assign(kind=str(kind))
                       for kind in Kind for seed in seeds], ignore_index=True)
    seen = pd.cut(found["months_seen"], [0, 5, 8, 99], labels=["3-5", "6-8", "9 and more"])
    groups = {**{str(kind): part for kind, part in found.groupby("kind", sort=False)},
              **{f"{months} months seen": part for months, part in found.groupby(
                  seen, observed=True)}, "all": found}
    print("| | changes | in the interval | below | above | lost | predicted | promised | came |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, part in groups.items():
        told = coverage(part)
        print(f"| {name} | {told['decisions']:,} | " + " | ".join(
            f"{told[key]:.1%}" for key in ("covered", "below", "above", "lost", "predicted_loss"))
            + f" | ${part['saving_usd_per_month'].sum():,.0f}"
              f" | ${part['came_usd_per_month'].sum():,.0f} |")


def _promises(count: int, seed: int, kind: Kind) -> pd.DataFrame:
    """A row for each change that was proposed on a 1st of which two months more were seen."""
    sessions, fleet, when = invented(count, seed, kind)
    asked: list[Seen] = []

    def hold(seen: Seen) -> pd.Series:
        if seen.now.day == 1:
            asked.append(seen)
        return seen.settings

    later = Window(when.start, when.end + timedelta(days=1))  # so that all of when is seen at last
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backtest(sessions, [hold], workspaces=fleet, prices=built_in_prices(), window=later)
    rule = Forecast()
    return pd.concat([_promised(rule, seen, two_later)
                      for seen, two_later in zip(asked, asked[2:], strict=False)])


def _promised(rule: Forecast, seen: Seen, later: Seen) -> pd.DataFrame:
    """What is promised for each change that *rule* proposes, and what was seen *later* of it."""
    ahead = later.today - seen.today
    rates = seen.rates.reindex(columns=["always_on_usd", "auto_stop_usd", "hourly_usd"])
    past = seen.past(60)
    of_all = np.full((len(past.hours), 3), np.nan)
    of_all[seen.rows] = rates.to_numpy()
    drawn = scenarios_of(past, ahead_days=ahead, rates=Rates(*of_all.T),
                         begins=month_begins(to_micros(seen.since), seen.today))
    # WorkSpaces x scenarios: hours in the days ahead, with a timeout of 60 minutes.
    hours = (drawn.usage_ratios * drawn.usual_hours(past, ahead)[:, None])[seen.rows]
    actual = pd.DataFrame({minutes: later.hours_by_day(minutes)[:, -ahead:].sum(axis=1)
                           for minutes in (60, 120, 180, 240, 480, 1440)}, index=later.ids)
    new = rule.decide(seen)
    rows = []
    for row, name in enumerate(seen.ids):
        before, after = str(seen.settings.iloc[row]), str(new[row])
        if before == after or name not in actual.index or not hours[row].any():
            continue
        costs = []
        for setting in (before, after):
            minutes = int(setting.partition(":")[2] or 0)
            flat, fee, hourly = rates.iloc[row]
            if not minutes:
                costs.append((np.full(hours.shape[1], flat), flat))
                continue
            past_hours = [seen.hours_by_day(each)[row, -91:].sum() for each in (minutes, 60)]
            more = past_hours[0] / past_hours[1] if past_hours[1] else 1.0
            months = ahead * 12 / 365.25
            costs.append((fee + hourly * more * hours[row] / months,
                          fee + hourly * actual.loc[name, minutes] / months))
        saved = costs[0][0] - costs[1][0]
        rows.append({"months_seen": seen.today * 12 // 365, "workspace_id": name,
                     "saving_usd_per_month": saved.mean(),
                     "saving_low_usd": np.quantile(saved, 0.1),
                     "saving_high_usd": np.quantile(saved, 0.9),
                     "chance_of_loss": (saved < -0.005).mean(),
                     "came_usd_per_month": costs[0][1] - costs[1][1]})
    return pd.DataFrame(rows)


def main() -> None:
    """Read the options, run the one or the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", action="store_true", help="regrets by kind of fleet")
    parser.add_argument("--time", action="store_true", help="measure how long it takes")
    parser.add_argument("--calibrate", action="store_true", help="hold promises to what came")
    parser.add_argument("--workspaces", type=int, default=0, help="default: 200, or 1000 to time")
    parser.add_argument("--plot", type=Path, help="where the picture goes")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: those of the table")
    args = parser.parse_args()
    seeds = args.seeds or list(
        REPORTED if args.kinds or args.calibrate else (2026, 11, 12, 13))
    if args.kinds:
        compare_kinds(args.workspaces or 120, seeds)
    elif args.calibrate:
        calibrate_all(args.workspaces or 120, [seed for seed in seeds if seed not in TUNED])
    elif args.time:
        time_all(args.workspaces or 1000)
    else:
        compare_all(args.workspaces or 200, seeds, args.plot)


if __name__ == "__main__":
    main()
