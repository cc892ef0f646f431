"""The command ``demo``: the whole way, against a simulated account on this computer."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from wsanalytics.aws import connect
from wsanalytics.cli.demo_files import own_store, read_own, write_own
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.collection import FINE_DAYS, Backfilled, backfill, collect
from wsanalytics.files import Made, new_folder, together, write_text
from wsanalytics.formatting import cents, counted
from wsanalytics.history import History, read_history
from wsanalytics.prices import load_prices
from wsanalytics.recommendations import analyse_history, write_plan
from wsanalytics.report import render_report
from wsanalytics.sandbox import SandboxProcess
from wsanalytics.tables import CHARGES, RECOMMENDATIONS, write_table

FILES = ("report.html", "charges.csv", "recommendations.csv", "plan.json")
STORE = "demo-store"
WORKSPACES = 100
_STEPS = 10


def demo(args: Namespace) -> None:
    """Collect, backfill, find sessions, replay, bill, compare, recommend, report."""
    folder = args.output
    new_folder(folder)
    earlier = read_own(folder, FILES, STORE)
    with terminal.progress(_STEPS) as step, Made() as made, own_store(folder / STORE):
        made.folder(folder)
        earlier.remove_store(folder / STORE)
        step("starting a local AWS endpoint")
        with SandboxProcess(workspaces=WORKSPACES) as box:
            filled = _gather(folder / STORE, box.url, step)
        history = read_history(folder / STORE)
        analysis = analyse_history(history, source=STORE, step=step)
        step("drawing the report")
        page = render_report(analysis)
        step("writing")
        with together() as batch:
            write_text(page, folder / FILES[0], private=True, batch=batch)
            write_table(analysis.charges, folder / FILES[1], CHARGES, batch=batch)
            write_table(analysis.plan.recommendations, folder / FILES[2], RECOMMENDATIONS,
                        batch=batch)
            write_plan(analysis.plan, folder / FILES[3], batch=batch)
        write_own(folder, FILES, STORE)
    terminal.print_changes(analysis)
    terminal.print_costs(analysis)
    _say_what_was_done(folder, history, len(analysis.replay.sessions), filled)


def _gather(store: Path, url: str, step: terminal.Step) -> Backfilled:
    """Collect once and backfill, over HTTP, into a new store."""
    connections, refused = connect(
        regions=["us-east-1"], endpoint_url=url, credentials=("demonstration", "demonstration"))
    both = (connections, refused)
    try:
        step("collecting: DescribeWorkspaces, DescribeWorkspacesConnectionStatus")
        collect(store, connections=both)
        step(f"backfilling {FINE_DAYS} days: GetMetricData, LookupEvents")
        return backfill(store, connections=both, days=FINE_DAYS)
    finally:
        for connection in connections:
            connection.close()


def _say_what_was_done(
    folder: Path, history: History, sessions: int, filled: Backfilled
) -> None:
    out = terminal.console()
    prices = load_prices()
    out.print(f"A simulated account: {counted(len(history.workspaces), 'WorkSpace')}, "
              f"{counted(len(history.samples), 'sample')}, "
              f"{counted(sessions, 'session')}, {history.window}. "
              f"In AWS the backfill would have cost {cents(filled.price_usd)}.", soft_wrap=True)
    out.print(f"Prices: {prices.origin}, {prices.dates}.", soft_wrap=True)
    out.print(f"The report:   {(folder / FILES[0]).resolve()}", soft_wrap=True)
    out.print(f"Beside it:    {', '.join(FILES[1:])}, and {STORE} with what was collected")
    out.print("Next, yours:  wsanalytics doctor; wsanalytics collect --store fleet --once; "
              "wsanalytics backfill --store fleet; wsanalytics report --store fleet "
              "--output report.html", soft_wrap=True)
