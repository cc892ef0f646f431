"""The command ``explain``: everything about one WorkSpace, for a ticket."""

from __future__ import annotations

import sys
import warnings
from argparse import Namespace

from wsanalytics.calendars import Zones
from wsanalytics.cli.commands.recommend import analysis_of
from wsanalytics.errors import NotBilledWarning, UnpricedWarning
from wsanalytics.history import Store
from wsanalytics.tables import WORKSPACES, read_table
from wsanalytics.views import explain as explain_one
from wsanalytics.views import refuse_stranger


def explain(args: Namespace) -> None:
    """Sessions to the words about one WorkSpace.

    The whole fleet is analysed, so that its figures are those of the plan and the report.
    """
    zones = Zones.of(args.time_zone, args.time_zone_by_directory)
    _refuse_stranger(args)
    with warnings.catch_warnings():  # about others
        warnings.simplefilter("ignore", NotBilledWarning)
        warnings.simplefilter("ignore", UnpricedWarning)
        analysis = analysis_of(args, steps=5)
    sys.stdout.write(f"{explain_one(analysis, args.id, zones=zones)}\n")


def _refuse_stranger(args: Namespace) -> None:
    """Refuse an id that does not exist before all the work is done."""
    if args.store is not None and args.workspaces is None and args.sessions is None:
        refuse_stranger(args.id, Store(args.store).inventory())
    elif args.store is None and args.sessions is not None and args.workspaces is not None:
        listed = read_table(args.workspaces, WORKSPACES)
        refuse_stranger(args.id, listed.astype({"workspace_id": "str"}))
