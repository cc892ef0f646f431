"""How long a plan takes, step by step, and how much memory.

    python benchmarks/recommend.py [--workspaces N ...]

Three months of an invented fleet, from checked frames to a plan (``ws.analyse``), in processor
seconds of one process: what the policy takes to decide, and what the rest takes beside it. The
ratio of the two says more than the seconds, which are those of one machine.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from datetime import UTC, datetime

from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import built_in_prices
from wsanalytics.recommendations.analysis import analyse
from wsanalytics.timeline import Window

WHEN = Window(datetime(2025, 7, 1, tzinfo=UTC), datetime(2025, 10, 1, tzinfo=UTC))


def timed(count: int) -> None:
    """One fleet: seconds by step, their sum, and the peak of memory so far."""
    people = make_people(count, seed=11, window=WHEN)
    sessions, fleet = fleet_sessions(people, WHEN), make_workspaces(people, seed=11, window=WHEN)
    steps: dict[str, float] = {}
    begun = [("preparing", time.process_time())]

    def next_step(name: str) -> None:
        now = time.process_time()
        before, since = begun[-1]
        steps[before] = steps.get(before, 0.0) + now - since
        begun.append((name, now))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few WorkSpaces have no price, some are MANUAL
        plan = analyse(sessions, fleet, window=WHEN, prices=built_in_prices(), step=next_step).plan
    next_step("")
    total, deciding = sum(steps.values()), steps["deciding"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} WorkSpaces, {len(sessions):,} sessions: {total:.1f} s, {peak:,.0f} MiB at "
          f"the peak; {plan!r}")
    print("  " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in steps.items())
          + f"; deciding takes {deciding / (total - deciding):.2f} times the rest")


def main() -> None:
    """Read the options, time each fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, nargs="+", default=[1_000, 10_000])
    for count in parser.parse_args().workspaces:
        timed(count)


if __name__ == "__main__":
    main()
