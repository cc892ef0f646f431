"""The command ``backtest``: sessions to what each way of deciding would have cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from wsanalytics.cli.options import FLEET, LIMITS, OUTPUT, FleetOptions, command, option
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH, TEXTS, WHOLES
from wsanalytics.defaults import COMMON_TIMEOUTS, EVERY


@command("Let policies decide day by day from what they have seen so far, replay and bill what "
         "they decided. Sessions before --start are history that they see and nobody bills.",
         "wsanalytics backtest --store fleet --policy hold forecast clairvoyant "
         "--output outcomes.csv")
def backtest(
    *,
    fleet: FleetOptions = FLEET,
    policy: Annotated[list[str], option(
        "hold, always_on, auto_stop:MINUTES, cost_optimizer, break_even, forecast, "
        "cheapest_fixed, stop_when_idle:minutes=N, start_before_work; clairvoyant and informed "
        "know the future, for comparison; may be repeated", TEXTS, metavar="P", group=LIMITS)],
    every: Annotated[str, option(
        "when policies decide: each day, each week (on Mondays) or each month (on the 1sts), as "
        "somebody who makes a plan so often and applies all of it (default: day)", metavar="WHEN",
        group=LIMITS, choices=EVERY)] = EVERY[0],
    timeout: Annotated[Sequence[int], option(
        "the timeouts in minutes that policies may choose (default: "
        f"{' '.join(map(str, COMMON_TIMEOUTS))})", WHOLES, metavar="M", group=LIMITS)] = (),
    output: Annotated[Path, option("where the outcomes go, .csv or .parquet", PATH, metavar="F",
                                   group=OUTPUT)],
) -> None:
    """Write what the fleet would have cost under the policies that are named."""
    from wsanalytics.backtesting import backtest as run_backtest
    from wsanalytics.backtesting import policy_named
    from wsanalytics.cli.house_rules import house_rules
    from wsanalytics.cli.inputs import fleet_of, note_defaults, same_inputs
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import console, next_steps, note_written
    from wsanalytics.cli.printing.fleet import print_policies, print_what_hours_miss
    from wsanalytics.files import check_output
    from wsanalytics.formatting import counted
    from wsanalytics.progress import step_bar
    from wsanalytics.tables import OUTCOMES, write_table

    check_output(output)
    policies = [policy_named(text) for text in policy]
    with step_bar(len(policies) + 2) as step:
        step("reading")
        data = fleet_of(fleet, with_history=True)
        result = run_backtest(
            data.sessions, policies, workspaces=data.workspaces, prices=data.prices,
            window=data.window, hour_rule=fleet.hour_rule,
            maintenance_hours=fleet.maintenance_hours, present=data.present,
            timeouts=timeout or COMMON_TIMEOUTS, commands=data.commands, gaps=data.gaps,
            every=every, rules=house_rules(), step=step,
        )
        step("writing")
        write_table(result.outcomes, output, OUTCOMES)
    if is_json():
        print_json("backtest", window={"start": data.window.start, "end": data.window.end},
                   totals=records(result.totals), knows_the_future=list(result.references),
                   output=output)
    print_policies(result.totals, result.references, str(data.window))
    print_what_hours_miss(fleet.hour_rule)
    console().print(f"Prices: {data.prices.origin}, {data.prices.dates}.")
    note_defaults(data.defaults)
    note_written(f"{counted(len(result.outcomes), 'row')} written to", output)
    next_steps(["recommend", *same_inputs(fleet), "--output", "plan.json"])
