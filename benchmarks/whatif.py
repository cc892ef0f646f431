"""How fast a fleet answers what-if questions, beside replaying and billing it anew each time.

    python benchmarks/whatif.py [--workspaces 1000] [--months 12] [--questions 50]

Makes an invented fleet, replays and meters it once, and asks it many different questions. In the
same run the plain way is timed: a replay, a bill and a frontier for one question. Machines are
noisy, so the ratio is the figure to compare; the times are wall milliseconds of this process.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime

from wsanalytics import plot
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import built_in_prices
from wsanalytics.recommendations.analysis import analyse
from wsanalytics.settings import setting_grid
from wsanalytics.timeline import Window, months_later
from wsanalytics.tradeoffs.frontier import frontier
from wsanalytics.tradeoffs.what_if import TIMEOUTS, what_if
from wsanalytics.widgets.explore import Explorer

START = datetime(2025, 10, 1, tzinfo=UTC)


def questions(count: int, seed: int) -> list[dict[str, object]]:
    """Different questions, as somebody asks who moves every slider."""
    draw = random.Random(seed)  # noqa: S311  # chance, not secrets
    return [{
        "timeouts": sorted(draw.sample(TIMEOUTS, draw.randint(1, len(TIMEOUTS)))),
        "always_on": draw.random() < 0.8, "hour_rule": draw.choice(list(HourRule)),
        "discount": draw.randint(0, 60) / 100,
        "max_cold_starts_per_week": draw.choice([None, 0, 0.5, 1, 2, 5, 10]),
        "value_of_waiting_minute_usd": draw.choice([0, 0.05, 0.1, 0.5, 1, 3]),
    } for _ in range(count)]


def timed(call: Callable[[], object]) -> float:
    """Wall milliseconds of one call."""
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    """Make the fleet, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=1000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--seed", type=int, default=2026)
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # a few WorkSpaces have no price, some are MANUAL
    when, prices = Window(START, months_later(START, args.months)), built_in_prices()
    people = make_people(args.workspaces, seed=args.seed, window=when)
    fleet, sessions = make_workspaces(people, seed=args.seed, window=when), fleet_sessions(
        people, when)
    analysis = analyse(sessions, fleet, window=when, prices=prices)
    begin = time.perf_counter()
    question = what_if(analysis, timeouts=TIMEOUTS)
    built = time.perf_counter() - begin
    asked = questions(args.questions, args.seed)
    question.answer()  # once for byte code
    plot.what_if_pictures(question.answer())
    answers = [timed(lambda one=one: question.answer(**one)) for one in asked]
    pictures = [timed(lambda options=options: plot.what_if_pictures(question.answer(**options)))
                for options in asked]

    explorer = Explorer(question)

    def moved(percent: int) -> None:
        explorer.discount.slider.value = percent

    moves = [timed(lambda percent=percent: moved(percent)) for percent in range(1, 31)]

    def plain() -> None:
        settings = setting_grid(auto_stop_minutes=TIMEOUTS)
        frontier(sessions, fleet, window=when, prices=prices, settings=settings,
                 policies=[]).choose()

    again = statistics.median(timed(plain) for _ in range(3))
    middle = statistics.median(answers)
    print(f"{args.workspaces:,} WorkSpaces, {args.months} months, {len(sessions):,} sessions, "
          f"{len(TIMEOUTS) + 1} settings, {len(HourRule)} hour rules")
    print(f"built once      {built:7.2f} s")
    print(f"an answer       {middle:7.1f} ms, the worst of {len(asked)} {max(answers):.1f} ms")
    print(f"with pictures   {statistics.median(pictures):7.1f} ms, the worst "
          f"{max(pictures):.1f} ms")
    print(f"a slider's move {statistics.median(moves):7.1f} ms, the worst {max(moves):.1f} ms, "
          "to the new pictures")
    print(f"the plain way   {again:7.0f} ms (replay, bill, frontier): {again / middle:.0f} times "
          "an answer")


if __name__ == "__main__":
    main()
