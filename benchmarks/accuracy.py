"""How far a bill predicted from sampled sessions is off, WorkSpace by WorkSpace.

A simulated account keeps its own meter. Its sessions are found from a 63-day backfill over HTTP,
and from five-minute samples as a collector takes them; the settings in force are replayed and
billed, and each whole month of each AUTO_STOP WorkSpace is held against the meter.

    python benchmarks/accuracy.py [--workspaces 200]
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from wsanalytics.aws.connect import connect
from wsanalytics.billing.bill import bill
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.clock import Clock
from wsanalytics.people.samples import NO_LOSS, take_samples
from wsanalytics.prices.book import load_prices
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.schedule import schedule_of
from wsanalytics.sessions.find import find_sessions
from wsanalytics.simulation.fleet import replay
from wsanalytics.timeline import Window

NOW = datetime(2026, 11, 2, 9, 2, 3, tzinfo=UTC)
MONTH = "2026-10"
QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]


class Frozen(Clock):
    """The clock of the simulated account, which stands still."""

    def now(self) -> datetime:
        """Always the same instant."""
        return NOW


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=200)
    options = parser.parse_args()
    with (
        Sandbox(workspaces=options.workspaces, seed=8, start=NOW) as box,
        tempfile.TemporaryDirectory() as folder,
    ):
        box.clock.speed = 0
        opened = connect(regions=["us-east-1"], endpoint_url=box.url, credentials=("a", "b"))
        filled = backfill(Path(folder) / "store", connections=opened, clock=Frozen())
        for connection in opened[0]:
            connection.close()
        window = Window(NOW - timedelta(days=63), NOW)
        fleet, truth = box.workspaces(), box.sessions()
        looks = take_samples(truth, fleet, window, seed=8, loss=NO_LOSS)
        schedule = schedule_of(box.settings(), window)
        found = {
            "true sessions": truth,
            "five-minute samples": find_sessions(looks),
            "CloudWatch backfill": find_sessions(filled.store.samples()),
        }
        for rule in HourRule:
            meter = box.bill(rule)
            for name, sessions in found.items():
                charges = predicted(sessions, schedule, fleet, window, rule)
                report(f"{rule}, {name}", charges, meter)


def predicted(
    sessions: pd.DataFrame, schedule: object, fleet: pd.DataFrame, window: Window, rule: HourRule
) -> pd.DataFrame:
    """The charges under the settings in force."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        charges = bill(replay(sessions, [schedule], window=window), fleet, load_prices(),
                       hour_rule=rule)
    return charges.astype({"workspace_id": "str", "month": "str"})


def report(name: str, charges: pd.DataFrame, meter: pd.DataFrame) -> None:
    """The error of the whole month's bill over the WorkSpaces that were billed by the hour."""
    both = meter.merge(charges, on=["workspace_id", "month"], suffixes=("", "_predicted"))
    both = both[(both["month"] == MONTH) & (both["billed_hours"] > 0)]
    off = (both["total_usd_predicted"] / both["total_usd"] - 1).dropna() * 100
    hours = both["billed_hours_predicted"] - both["billed_hours"]
    fleet = both["total_usd_predicted"].sum() / both["total_usd"].sum() * 100 - 100
    spread = ", ".join(f"{100 * q:.0f} %: {off.quantile(q):+.2f}" for q in QUANTILES)
    print(f"{name}: {len(off)} WorkSpaces, fleet {fleet:+.2f} %; error of a WorkSpace's bill in % "
          f"at quantiles {spread}; largest {off.abs().max():.2f} %, {hours.abs().max():.1f} h")


if __name__ == "__main__":
    main()
