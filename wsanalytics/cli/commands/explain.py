"""The command ``explain``: everything about one WorkSpace, for a ticket."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

from wsanalytics.cli.options import ANALYSIS, ZONES, AnalysisOptions, ZoneOptions, command, subject


@command("What one WorkSpace is, how it is used, what it costs under each setting, what is "
         "recommended and why, how sure that is, when, and what would change that. The whole "
         "fleet is analysed, so that the figures are those of the plan.",
         "wsanalytics explain ws-1234567ab --store fleet --time-zone Europe/Berlin")
def explain(
    id: Annotated[str, subject("the WorkSpace's id, ws-…", "WORKSPACE_ID")], /, *,  # noqa: A002  # its name in the file of options
    analysis: AnalysisOptions = ANALYSIS,
    zones: ZoneOptions = ZONES,
) -> None:
    """Print what is known of one WorkSpace, in words.

    The whole fleet is analysed, so that its figures are those of the plan and the report.
    """
    from wsanalytics.calendars import Zones
    from wsanalytics.cli.inputs import analysis_of
    from wsanalytics.errors import NotBilledWarning, UnpricedWarning
    from wsanalytics.views import explain as explain_one

    clocks = Zones.of(zones.time_zone, zones.time_zone_by_directory)
    _refuse_unknown(id, analysis)
    with warnings.catch_warnings():  # about others
        warnings.simplefilter("ignore", NotBilledWarning)
        warnings.simplefilter("ignore", UnpricedWarning)
        result = analysis_of(analysis, steps=5)
    sys.stdout.write(f"{explain_one(result, id, zones=clocks)}\n")


def _refuse_unknown(workspace_id: str, options: AnalysisOptions) -> None:
    """Refuse an id that does not exist before all the work is done."""
    from wsanalytics.history import Store
    from wsanalytics.tables import WORKSPACES, read_table
    from wsanalytics.views import refuse_stranger

    if options.store is not None and options.workspaces is None and options.sessions is None:
        refuse_stranger(workspace_id, Store(options.store).inventory())
    elif (options.store is None and options.sessions is not None
          and options.workspaces is not None):
        listed = read_table(options.workspaces, WORKSPACES)
        refuse_stranger(workspace_id, listed.astype({"workspace_id": "str"}))
