"""The command ``backtest``: sessions to what each way of deciding would have cost."""

from __future__ import annotations

from argparse import Namespace

from wsanalytics.backtesting import backtest as run_backtest
from wsanalytics.backtesting import policy_named
from wsanalytics.cli.inputs import fleet_of, tell_defaults
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.files import check_output
from wsanalytics.formatting import counted
from wsanalytics.tables import OUTCOMES, write_table


def backtest(args: Namespace) -> None:
    """Sessions to outcomes, under the policies that were named."""
    check_output(args.output)
    policies = [policy_named(text) for text in args.policy]
    with terminal.progress(len(policies) + 2) as step:
        step("reading")
        fleet = fleet_of(args, with_history=True)
        if fleet.note:
            terminal.tell_when_done(fleet.note)
        found = run_backtest(
            fleet.sessions, policies, workspaces=fleet.workspaces, prices=fleet.prices,
            window=fleet.window, hour_rule=args.hour_rule,
            maintenance_hours=args.maintenance_hours, present=fleet.present,
            timeouts=args.timeout or (60, 120, 240), orders=fleet.orders, step=step,
        )
        step("writing")
        write_table(found.outcomes, args.output, OUTCOMES)
    terminal.print_policies(found.totals, found.references, str(fleet.window))
    terminal.print_what_hours_miss(args.hour_rule)
    terminal.console().print(f"Prices: {fleet.prices.origin}, {fleet.prices.dates}.")
    tell_defaults(fleet.defaults)
    terminal.tell(f"{counted(len(found.outcomes), 'row')} written to {args.output}")
