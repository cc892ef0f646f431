"""The command ``frontier``: what a fleet could cost for how much waiting."""

from __future__ import annotations

from argparse import Namespace
from io import BytesIO
from pathlib import Path

from wsanalytics import plot
from wsanalytics.cli.commands.recommend import candidates_of
from wsanalytics.cli.inputs import fleet_of, tell_defaults
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.cli.printing import tradeoffs
from wsanalytics.files import Batch, check_output, replaced, together
from wsanalytics.formatting import counted
from wsanalytics.tables import FLEET_FRONTIER, FRONTIER, write_table
from wsanalytics.tradeoffs import Choice, Frontier, calling_policies
from wsanalytics.tradeoffs import frontier as find_frontier

PICTURES = (".png", ".svg")
SIZE_INCHES, DOTS_PER_INCH = (8.2, 4.8), 144


def frontier(args: Namespace) -> None:
    """Sessions to dollars against waiting, and to what was asked for."""
    _check_outputs(args)
    policies = [] if args.settings_only else args.policy or calling_policies()
    with terminal.progress(len(policies) + 3) as step:
        step("reading")
        fleet = fleet_of(args, with_history=True)
        if fleet.note:
            terminal.tell_when_done(fleet.note)
        found = find_frontier(
            fleet.sessions, fleet.workspaces, window=fleet.window, prices=fleet.prices,
            settings=candidates_of(args), policies=policies, hour_rule=args.hour_rule,
            maintenance_hours=args.maintenance_hours, wait_minutes=args.wait_minutes,
            orders=fleet.orders, gaps=fleet.gaps, step=step)
        chosen = found.choose(max_cold_starts_per_week=args.max_cold_starts_per_week,
                              value_of_waiting_minute_usd=args.value_of_waiting_minute_usd or 0.0)
        step("writing")
        is_asked = (args.max_cold_starts_per_week, args.value_of_waiting_minute_usd) != (None, None)
        with together() as batch:
            if args.output:
                write_table(chosen.options, args.output, FRONTIER, batch=batch)
            if args.fleet_output:
                write_table(found.fleet_points, args.fleet_output, FLEET_FRONTIER, batch=batch)
            if args.plot:
                _write_plot(found, chosen if is_asked else None, args.plot, batch)
    tradeoffs.print_frontier(found)
    if is_asked:
        tradeoffs.print_choice(found, chosen, args.max_cold_starts_per_week,
                               args.value_of_waiting_minute_usd)
    terminal.print_what_hours_miss(args.hour_rule)
    terminal.console().print(f"Prices: {fleet.prices.origin}, {fleet.prices.dates}.",
                             soft_wrap=True)
    tell_defaults(fleet.defaults)
    if args.output:
        terminal.tell(f"{counted(len(chosen.options), 'row')} written to {args.output}")
    if args.fleet_output:
        terminal.tell(f"{counted(len(found.fleet_points), 'mixture')} written to "
                      f"{args.fleet_output}")
    if args.plot:
        terminal.tell(f"the plot is in {args.plot}")


def _check_outputs(args: Namespace) -> None:
    for path in filter(None, (args.output, args.fleet_output)):
        check_output(path)
    if args.plot:
        check_output(args.plot, PICTURES)


def _write_plot(found: Frontier, chosen: Choice | None, path: Path, batch: Batch) -> None:
    figure, ax = plot.detached(SIZE_INCHES)
    plot.frontier(found, ax, chosen=chosen)
    picture = BytesIO()
    kind = path.suffix[1:]
    figure.savefig(picture, format=kind, dpi=DOTS_PER_INCH,
                   metadata={"Software": None} if kind == "png" else {"Date": None})
    with replaced(path, batch=batch) as file:
        file.write(picture.getvalue())
