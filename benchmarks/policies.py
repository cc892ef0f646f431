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
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from wsanalytics import plot
from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.billing.bill import bill
from wsanalytics.history.checks import check_workspaces
from wsanalytics.people.person import Kind, make_people
from wsanalytics.people.working_days import fleet_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import built_in_prices
from wsanalytics.recommendations.calibration import calibrate, calibration_table, coverage
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.check_sessions import check_sessions
from wsanalytics.timeline import Window

POLICIES = ("hold", "always_on", "auto_stop:60", "cost_optimizer", "break_even", "forecast",
            "informed", "clairvoyant")
TUNED = (2026, 1, 2, 3, 4, 101, 102, 103, 104)
"""Seeds that the forecast was tuned with; those from 101 on of every kind."""
REPORTED = (201, 202, 203)
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
    policies = (*POLICIES[:6], "clairvoyant", "stop_when_idle:minutes=15")
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
    """How often what came lay in the interval, for one, two and three months; and the chances."""
    for months in (1, 2, 3):
        parts = []
        for seed in seeds:
            sessions, fleet, when = invented(count, seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                parts.append(calibrate(sessions, workspaces=fleet, prices=built_in_prices(),
                                       window=when, months=months))
        found = pd.concat(parts).dropna(subset="saving_usd_per_month")
        told = coverage(found)
        print(f"{months} months, seeds {seeds}: {told['decisions']:,} decisions, "
              f"{told['covered']:.1%} in the interval, {told['lost']:.1%} lost, "
              f"{told['predicted_loss']:.1%} predicted to lose")
        if months == 2:
            print(calibration_table(found).round(3).to_string(index=False))


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
    seeds = args.seeds or list(REPORTED if args.kinds else (2026, 11, 12, 13))
    if args.kinds:
        compare_kinds(args.workspaces or 120, seeds)
    elif args.calibrate:
        calibrate_all(args.workspaces or 200, [seed for seed in seeds if seed not in TUNED])
    elif args.time:
        time_all(args.workspaces or 1000)
    else:
        compare_all(args.workspaces or 200, seeds, args.plot)


if __name__ == "__main__":
    main()
