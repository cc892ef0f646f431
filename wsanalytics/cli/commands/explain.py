"""The command ``explain``: everything about one WorkSpace, for a ticket."""

from __future__ import annotations

import warnings
from typing import Annotated

from wsanalytics.cli.options import ANALYSIS, ZONES, AnalysisOptions, ZoneOptions, command, subject
from wsanalytics.cli.results import is_json


@command("What one WorkSpace is, how it is used, what it costs under each setting, what is "
         "recommended and why, how sure that is, when, and what would change that. The whole "
         "fleet is analysed, so that the figures are those of the plan.",
         "wsanalytics explain ws-1234567ab --store fleet --time-zone Europe/Berlin")
def explain(
    id: Annotated[str, subject(  # noqa: A002  # its name in the file of options
        "the WorkSpace's id, ws-…, or its user's name", "WORKSPACE_ID")], /, *,
    analysis: AnalysisOptions = ANALYSIS,
    zones: ZoneOptions = ZONES,
) -> None:
    """Print what is known of one WorkSpace, in words.

    The whole fleet is analysed, so that its figures are those of the plan and the report.
    """
    from wsanalytics.calendars import Zones
    from wsanalytics.cli.inputs import analysis_of, same_inputs
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.cli.printing.console import console, next_steps
    from wsanalytics.errors import NotBilledWarning, UnpricedWarning
    from wsanalytics.views import explain as explain_one

    clocks = Zones.of(zones.time_zone, zones.time_zone_by_directory)
    workspace_id = _meant(id, analysis)
    with warnings.catch_warnings():  # about others
        warnings.simplefilter("ignore", NotBilledWarning)
        warnings.simplefilter("ignore", UnpricedWarning)
        result = analysis_of(analysis, steps=5)
    explanation = explain_one(result, workspace_id, zones=clocks)
    if is_json():
        print_json("explain", workspace_id=explanation.workspace_id, summary=explanation.summary,
                   sections={section.title: [{"label": label, "text": text}
                                             for label, text in section.rows]
                             for section in explanation.sections}, costs=explanation.table)
    console().print(str(explanation), soft_wrap=True)
    advice = result.plan.changes
    if workspace_id in set(advice["workspace_id"]):
        next_steps(["recommend", *same_inputs(analysis), "--workspace", workspace_id,
                    "--output", f"{workspace_id}.json"])


def _meant(name: str, options: AnalysisOptions) -> str:
    """Return the id that is meant; refuse one that does not exist before the work is done."""
    from wsanalytics.cli.workspaces_files import named_in
    from wsanalytics.history import Store
    from wsanalytics.views import workspace_meant

    if options.store is not None and options.workspaces is None and options.sessions is None:
        return workspace_meant(name, Store(options.store).inventory())
    if (options.store is None and options.sessions is not None
            and options.workspaces is not None):
        named = named_in(options.workspaces, options.workspaces_region)
        return name if named.empty else workspace_meant(name, named)
    return name
