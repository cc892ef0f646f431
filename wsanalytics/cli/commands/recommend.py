"""The commands ``recommend`` and ``report``: sessions to a plan, and to a page about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import ANALYSIS, OUTPUT, SAFETY, AnalysisOptions, command, flag, option
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH

if TYPE_CHECKING:
    from datetime import datetime

    from wsanalytics.recommendations import Analysis

REPORT_ENDINGS = (".html",)


@command("Compare settings for each WorkSpace and write the changes worth making.",
         "wsanalytics recommend --store fleet --output plan.json",
         "wsanalytics recommend --store fleet --max-cold-starts-per-week 5 --tag Team=Sales "
         "--output plan.json")
def recommend(
    *,
    analysis: AnalysisOptions = ANALYSIS,
    output: Annotated[Path, option("where the plan goes", PATH, metavar="plan.json",
                                   group=OUTPUT)],
    force: Annotated[bool, flag("replace a plan there that was edited or applied, too",
                                group=SAFETY)] = False,
) -> None:
    """Write the changes worth making as a plan. Nothing in AWS is changed."""
    from wsanalytics.cli.inputs import analysis_of, note_defaults, same_inputs
    from wsanalytics.cli.printing.console import next_steps, note
    from wsanalytics.cli.printing.fleet import print_changes, print_headline
    from wsanalytics.cli.replacing import newer_than, refuse_to_replace
    from wsanalytics.files import STANDARD_OUTPUT, check_output
    from wsanalytics.recommendations import EXTENSIONS, write_plan

    check_output(output, EXTENSIONS)
    if not force and output != STANDARD_OUTPUT:
        refuse_to_replace(output)
    result = analysis_of(analysis, steps=5)
    if warning := newer_than(output, _newest_data(analysis.store, result)):
        note(warning)
    write_plan(result.plan, output)
    if is_json():
        _print_json(result, output)
    print_headline(result)
    print_changes(result)
    note_defaults(result.defaults)
    if output == STANDARD_OUTPUT:
        return
    note(f"the plan is in {output}; nothing in AWS was changed")
    if len(result.plan.changes):
        next_steps(["plan", "show", str(output)],
                   ["apply", str(output)] if analysis.store is not None else
                   ["report", *same_inputs(analysis), "--output", "report.html"])


def _print_json(result: Analysis, output: Path) -> None:
    from wsanalytics.cli.printing.as_json import headline_json, print_json, records
    from wsanalytics.tables import RECOMMENDATIONS

    print_json("recommend", output=output, **headline_json(result),
               recommendations=records(result.plan.recommendations, RECOMMENDATIONS))


def _newest_data(store: Path | None, analysis: Analysis) -> datetime:
    """Return the end of what a plan rests on: the newest sample of a store, or the window's end."""
    from wsanalytics.history import Store

    return Store(store).newest_at() if store is not None else analysis.window.end


@command("One self-contained HTML page about what the fleet costs and what to change.",
         "wsanalytics report --store fleet --output report.html")
def report(
    *,
    analysis: AnalysisOptions = ANALYSIS,
    output: Annotated[Path, option(
        "where the page goes; a folder is made if its last part is missing", PATH,
        metavar="report.html", group=OUTPUT)],
) -> None:
    """Write a page about what the fleet costs and what to change."""
    from wsanalytics.cli.inputs import analysis_of, note_defaults, same_inputs
    from wsanalytics.cli.printing.as_json import headline_json, print_json
    from wsanalytics.cli.printing.console import next_steps, note
    from wsanalytics.cli.printing.fleet import print_costs, print_headline
    from wsanalytics.files import STANDARD_OUTPUT, Made, write_text
    from wsanalytics.progress import step_bar
    from wsanalytics.report import render_report
    from wsanalytics.views import fleet_costs

    path = _report_path(output)
    result = analysis_of(analysis, steps=6)
    with step_bar(1) as step:
        step("drawing the report")
        page = render_report(result)
    with Made() as made:
        made.folder(path.parent)
        write_text(page, path, private=True)
    if is_json():
        print_json("report", output=path, **headline_json(result),
                   costs=fleet_costs(result.comparison, result.plan))
    print_headline(result)
    print_costs(result)
    note_defaults(result.defaults)
    if path != STANDARD_OUTPUT:
        note(f"the report is in {path}")
    if len(result.plan.changes):
        next_steps(["recommend", *same_inputs(analysis), "--output", "plan.json"])


def _report_path(output: Path) -> Path:
    """Return the page to write: *output*, or ``report.html`` in it where it names a folder."""
    from wsanalytics.files import STANDARD_OUTPUT, check_output, new_folder, page_at

    path = page_at(output)
    if path != STANDARD_OUTPUT and path.suffix in REPORT_ENDINGS and new_folder(path.parent):
        return path
    check_output(path, REPORT_ENDINGS)
    return path
