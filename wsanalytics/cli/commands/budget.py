"""The command ``budget``: what the fleet will cost this month and the next."""

from __future__ import annotations

from argparse import Namespace

from wsanalytics.cli.commands.recommend import analysis_of
from wsanalytics.cli.inputs import tell_defaults
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.files import check_output
from wsanalytics.formatting import counted, usd
from wsanalytics.recommendations import forecast_spend
from wsanalytics.tables import BUDGET, write_table
from wsanalytics.views import fleet_costs


def budget(args: Namespace) -> None:
    """Sessions to the spend of this month and the next, under present settings and the plan."""
    if args.output is not None:
        check_output(args.output)
    analysis = analysis_of(args, steps=6, as_then=True)
    spend = forecast_spend(analysis, tags=args.by_tag)
    if args.output is not None:
        write_table(spend, args.output, BUDGET)
    terminal.print_budget(spend, analysis.window)
    today = fleet_costs(analysis.comparison, analysis.plan).iloc[0]
    terminal.console().print(
        f"This is what the two months are expected to come to, with their own lengths and what is "
        f"foreseen of people; what an average month costs today, {usd(today['total_usd'])}, is in "
        "the report.", soft_wrap=True)
    terminal.console().print(
        f"Prices: {analysis.prices.origin}, {analysis.prices.dates}. No taxes. "
        f"The plan has {counted(len(analysis.plan.changes), 'change')}, dated as if it were made "
        f"on {analysis.window.end:%Y-%m-%d}.", soft_wrap=True)
    tell_defaults(analysis.defaults)
    if args.output is not None:
        terminal.tell(f"{counted(len(spend), 'row')} written to {args.output}")
