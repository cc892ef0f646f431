"""The command ``frontier``: what a fleet could cost for how much waiting."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import (
    CANDIDATES,
    FLEET,
    LIMITS,
    OUTPUT,
    CandidateOptions,
    FleetOptions,
    command,
    flag,
    one_of,
    option,
)
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import A_WEEK, LIMIT, PATH, SOME_MINUTES, TEXTS
from wsanalytics.defaults import WAIT_MINUTES

if TYPE_CHECKING:
    from wsanalytics.files import Batch
    from wsanalytics.tradeoffs import Choice, Frontier

PICTURES = (".png", ".svg")
SIZE_INCHES, DOTS_PER_INCH = (8.2, 4.8), 144
TRIED = one_of("policy or settings only")


@command("What each WorkSpace and the fleet would cost a month, and how often their users would "
         "wait for a start, under every setting and with WorkSpaces stopped and started by calls. "
         "With --max-cold-starts-per-week or --value-of-waiting-minute-usd one option is chosen "
         "for each WorkSpace. Changes nothing.",
         "wsanalytics frontier --store fleet --plot frontier.png",
         "wsanalytics frontier --store fleet --value-of-waiting-minute-usd 0.50 "
         "--output options.csv")
def frontier(
    *,
    fleet: FleetOptions = FLEET,
    candidates: CandidateOptions = CANDIDATES,
    policy: Annotated[Sequence[str], option(
        "policies that are tried as well, on the present settings or, as AUTO_STOP:60+POLICY, on "
        "one for all (default: stop_when_idle:minutes=15 and start_before_work, on both)", TEXTS,
        metavar="P", group=(LIMITS, TRIED))] = (),
    settings_only: Annotated[bool, flag(
        "try settings alone, and no policy that stops or starts by calls", group=(LIMITS, TRIED))
    ] = False,
    max_cold_starts_per_week: Annotated[float | None, option(
        "choose for each WorkSpace the cheapest option with so many cold starts a week at most",
        A_WEEK, metavar="X", group=LIMITS)] = None,
    value_of_waiting_minute_usd: Annotated[float | None, option(
        "choose for each WorkSpace the option that costs least if a minute of waiting counts for "
        "so much", LIMIT, metavar="X", group=LIMITS)] = None,
    wait_minutes: Annotated[float, option(
        f"how long one cold start takes (default: {WAIT_MINUTES}; AWS says typically under 90 "
        "seconds)", SOME_MINUTES, metavar="N", group=LIMITS)] = WAIT_MINUTES,
    output: Annotated[Path | None, option(
        "where each WorkSpace's options go, .csv or .parquet; chosen is, if nothing was asked, "
        "the cheapest", PATH, metavar="F", group=OUTPUT)] = None,
    fleet_output: Annotated[Path | None, option(
        "where the fleet's best mixtures go, .csv or .parquet", PATH, metavar="F",
        group=OUTPUT)] = None,
    plot: Annotated[Path | None, option("where a plot of the fleet goes, .png or .svg", PATH,
                                        metavar="F.png", group=OUTPUT)] = None,
) -> None:
    """Print dollars against waiting, and the options that were asked for."""
    from wsanalytics.cli.inputs import candidates_of, fleet_of, note_defaults, same_inputs
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import console, next_steps, note_written
    from wsanalytics.cli.printing.fleet import print_what_hours_miss
    from wsanalytics.cli.printing.tradeoffs import print_choice, print_frontier
    from wsanalytics.files import together
    from wsanalytics.formatting import counted
    from wsanalytics.progress import step_bar
    from wsanalytics.tables import FLEET_FRONTIER, FRONTIER, write_table
    from wsanalytics.tradeoffs import calling_policies
    from wsanalytics.tradeoffs import frontier as find_frontier

    _check_outputs((output, fleet_output), plot)
    policies = [] if settings_only else policy or calling_policies()
    with step_bar(len(policies) + 3) as step:
        step("reading")
        data = fleet_of(fleet, with_history=True)
        result = find_frontier(
            data.sessions, data.workspaces, window=data.window, prices=data.prices,
            settings=candidates_of(candidates), policies=policies, hour_rule=fleet.hour_rule,
            maintenance_hours=fleet.maintenance_hours, wait_minutes=wait_minutes,
            commands=data.commands, gaps=data.gaps, step=step)
        chosen = result.choose(max_cold_starts_per_week=max_cold_starts_per_week,
                               value_of_waiting_minute_usd=value_of_waiting_minute_usd or 0.0)
        step("writing")
        is_asked = (max_cold_starts_per_week, value_of_waiting_minute_usd) != (None, None)
        with together() as batch:
            if output:
                write_table(chosen.options, output, FRONTIER, batch=batch)
            if fleet_output:
                write_table(result.fleet_points, fleet_output, FLEET_FRONTIER, batch=batch)
            if plot:
                _write_plot(result, chosen if is_asked else None, plot, batch)
    if is_json():
        print_json("frontier", window={"start": data.window.start, "end": data.window.end},
                   all_in_one=records(result.fleet_options),
                   mixtures=records(result.fleet_points, FLEET_FRONTIER),
                   chosen=records(chosen.options, FRONTIER) if is_asked else None)
    print_frontier(result)
    if is_asked:
        print_choice(result, chosen, max_cold_starts_per_week, value_of_waiting_minute_usd)
    print_what_hours_miss(fleet.hour_rule)
    console().print(f"Prices: {data.prices.origin}, {data.prices.dates}.", soft_wrap=True)
    note_defaults(data.defaults)
    if output:
        note_written(f"{counted(len(chosen.options), 'row')} written to", output)
    if fleet_output:
        note_written(f"{counted(len(result.fleet_points), 'mixture')} written to", fleet_output)
    if plot:
        note_written("the plot is in", plot)
    next_steps(["recommend", *same_inputs(fleet), *_limit(max_cold_starts_per_week),
                "--output", "plan.json"])


def _limit(max_cold_starts_per_week: float | None) -> list[str]:
    return [] if max_cold_starts_per_week is None else [
        "--max-cold-starts-per-week", f"{max_cold_starts_per_week:g}"]


def _check_outputs(tables: Sequence[Path | None], plot: Path | None) -> None:
    from wsanalytics.files import check_output

    for path in filter(None, tables):
        check_output(path)
    if plot:
        check_output(plot, PICTURES)


def _write_plot(frontier: Frontier, chosen: Choice | None, path: Path, batch: Batch) -> None:
    """Draw the fleet; a picture of the same data has the same bytes, so it holds no date."""
    from wsanalytics import plot
    from wsanalytics.files import ending_of, replaced

    figure, ax = plot.detached(SIZE_INCHES)
    plot.frontier(frontier, ax, chosen=chosen)
    picture = BytesIO()
    kind = ending_of(path, PICTURES)[1:]
    figure.savefig(picture, format=kind, dpi=DOTS_PER_INCH,
                   metadata={"Software": None} if kind == "png" else {"Date": None})
    with replaced(path, batch=batch) as file:
        file.write(picture.getvalue())
