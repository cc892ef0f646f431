"""The commands ``recommend`` and ``report``: sessions to a plan, and to a page about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import ANALYSIS, OUTPUT, SAFETY, AnalysisOptions, command, flag, option
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
    from wsanalytics.cli.inputs import analysis_of, note_defaults
    from wsanalytics.cli.printing.console import note
    from wsanalytics.cli.printing.fleet import print_changes
    from wsanalytics.cli.replacing import newer_than, refuse_to_replace
    from wsanalytics.files import check_output
    from wsanalytics.recommendations import EXTENSIONS, write_plan

    check_output(output, EXTENSIONS)
    if not force:
        refuse_to_replace(output)
    result = analysis_of(analysis, steps=5)
    if warning := newer_than(output, _newest_data(analysis.store, result)):
        note(warning)
    write_plan(result.plan, output)
    print_changes(result)
    note_defaults(result.defaults)
    note(f"the plan is in {output}; nothing in AWS was changed")


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
    from wsanalytics.cli.inputs import analysis_of, note_defaults
    from wsanalytics.cli.printing.console import note
    from wsanalytics.cli.printing.fleet import print_costs
    from wsanalytics.files import Made, write_text
    from wsanalytics.report import render_report

    path = _report_path(output)
    result = analysis_of(analysis, steps=6)
    page = render_report(result)
    with Made() as made:
        made.folder(path.parent)
        write_text(page, path, private=True)
    print_costs(result)
    note_defaults(result.defaults)
    note(f"the report is in {path}")


def _report_path(output: Path) -> Path:
    """Return the page to write: *output*, or ``report.html`` in it where it names a folder."""
    from wsanalytics.files import check_output, new_folder, page_at

    path = page_at(output)
    if path.suffix in REPORT_ENDINGS and new_folder(path.parent):
        return path
    check_output(path, REPORT_ENDINGS)
    return path
