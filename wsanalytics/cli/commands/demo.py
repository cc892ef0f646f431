"""The command ``demo``: the whole way, against a simulated account on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import OUTPUT, command, option
from wsanalytics.cli.value_kinds import PATH
from wsanalytics.defaults import FINE_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsanalytics.collection import Backfilled
    from wsanalytics.history import History

FILES = ("report.html", "charges.csv", "recommendations.csv", "plan.json")
STORE = "demo-store"
WORKSPACES = 100
_STEPS = 10


@command("Starts a local AWS endpoint with a living fleet, collects and backfills from it over "
         "HTTP, finds sessions, replays, bills, compares and recommends, and writes the report "
         "into one folder. No AWS account is needed and none is touched.",
         "wsanalytics demo",
         "wsanalytics demo --output tryout", has_json=False)
def demo(
    *,
    output: Annotated[Path, option(
        "the folder to write into (default: ./wsanalytics-demo)", PATH, metavar="DIR",
        group=OUTPUT)] = Path("wsanalytics-demo"),
) -> None:
    """Collect, backfill, find sessions, replay, bill, compare, recommend, report."""
    from wsanalytics.cli.own_files import own_store, read_own, write_own
    from wsanalytics.cli.printing.fleet import print_changes, print_costs
    from wsanalytics.files import Made, new_folder, together, write_text
    from wsanalytics.history import read_history
    from wsanalytics.progress import step_bar
    from wsanalytics.recommendations import analyse_history, write_plan
    from wsanalytics.report import render_report
    from wsanalytics.sandbox import SandboxProcess
    from wsanalytics.tables import CHARGES, RECOMMENDATIONS, write_table

    new_folder(output)
    earlier = read_own(output, FILES, STORE)
    with step_bar(_STEPS) as step, Made() as made, own_store(output / STORE):
        made.folder(output)
        earlier.remove_store(output / STORE)
        step("starting a local AWS endpoint")
        with SandboxProcess(workspaces=WORKSPACES) as box:
            filled = _gather(output / STORE, box.url, step)
        history = read_history(output / STORE)
        analysis = analyse_history(history, source=STORE, step=step)
        step("drawing the report")
        page = render_report(analysis)
        step("writing")
        with together() as batch:
            write_text(page, output / FILES[0], private=True, batch=batch)
            write_table(analysis.charges, output / FILES[1], CHARGES, batch=batch)
            write_table(analysis.plan.recommendations, output / FILES[2], RECOMMENDATIONS,
                        batch=batch)
            write_plan(analysis.plan, output / FILES[3], batch=batch)
        write_own(output, FILES, STORE)
    print_changes(analysis)
    print_costs(analysis)
    _print_what_was_done(output, history, len(analysis.replay.sessions), filled)


def _gather(store: Path, url: str, step: Callable[[str], None]) -> Backfilled:
    """Collect once and backfill, over HTTP, into a new store."""
    from wsanalytics.aws import connect
    from wsanalytics.collection import backfill, collect

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


def _print_what_was_done(
    folder: Path, history: History, sessions: int, filled: Backfilled
) -> None:
    from wsanalytics.cli.printing.console import console
    from wsanalytics.formatting import cents, counted
    from wsanalytics.prices import load_prices

    out = console()
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
