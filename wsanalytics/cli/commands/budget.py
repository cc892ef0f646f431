"""The command ``budget``: what the fleet will cost this month and the next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from wsanalytics.cli.options import ANALYSIS, OUTPUT, AnalysisOptions, command, option
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH, TEXTS


@command("The spend to expect for the month that --end lies in and the next, by directory and "
         "tag, with an interval, as the fleet is set and under the plan.",
         "wsanalytics budget --store fleet --by-tag CostCenter --output budget.csv")
def budget(
    *,
    analysis: AnalysisOptions = ANALYSIS,
    by_tag: Annotated[Sequence[str], option(
        "also by the values of this tag; may be repeated", TEXTS, metavar="NAME",
        group=OUTPUT)] = (),
    output: Annotated[Path | None, option("write the table there, .csv or .parquet", PATH,
                                          metavar="F", group=OUTPUT)] = None,
) -> None:
    """Print the expected spend of two months, under present settings and under the plan."""
    from wsanalytics.cli.inputs import analysis_of, note_defaults, same_inputs
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import console, next_steps, note_written
    from wsanalytics.cli.printing.fleet import print_budget
    from wsanalytics.errors import InputError, did_you_mean
    from wsanalytics.files import check_output
    from wsanalytics.formatting import counted, usd
    from wsanalytics.recommendations import forecast_spend
    from wsanalytics.tables import BUDGET, write_table
    from wsanalytics.views import fleet_costs, tag_names

    if output is not None:
        check_output(output)
    result = analysis_of(analysis, steps=6, as_then=True)
    if unknown := [name for name in by_tag if name not in tag_names(result.workspaces["tags"])]:
        raise InputError(
            f"no WorkSpace has a tag {unknown[0]!r}", where="--by-tag",
            rule="spend is divided by tags of the fleet",
            fix=did_you_mean(unknown[0], tag_names(result.workspaces["tags"]),
                             otherwise="check the tag's name"))
    spend = forecast_spend(result, tags=by_tag)
    if output is not None:
        write_table(spend, output, BUDGET)
    if is_json():
        print_json("budget", window={"start": result.window.start, "end": result.window.end},
                   budget=records(spend, BUDGET))
    print_budget(spend, result.window)
    today = fleet_costs(result.comparison, result.plan).iloc[0]
    console().print(
        f"This is what the two months are expected to come to, with their own lengths and what is "
        f"foreseen of people; what an average month costs today, {usd(today['total_usd'])}, is in "
        "the report.", soft_wrap=True)
    console().print(
        f"Prices: {result.prices.origin}, {result.prices.dates}. No taxes. "
        f"The plan has {counted(len(result.plan.changes), 'change')}, dated as if it were made "
        f"on {result.window.end:%Y-%m-%d}.", soft_wrap=True)
    note_defaults(result.defaults)
    if output is not None:
        note_written(f"{counted(len(spend), 'row')} written to", output)
    next_steps(["recommend", *same_inputs(analysis), "--output", "plan.json"])
