"""The command ``creation-properties``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

import pandas as pd

from wsanalytics.actions import RunOptions, create_workspaces
from wsanalytics.billing import HourRule
from wsanalytics.cli.commands.recommend import candidates_of
from wsanalytics.cli.confirm import confirmed, exit_status, writers_of
from wsanalytics.cli.inputs import fleet_of
from wsanalytics.cli.printing import actions as outcomes
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.errors import InputError
from wsanalytics.files import check_output, write_text
from wsanalytics.formatting import counted
from wsanalytics.recommendations import (
    Limits,
    analyse,
    creation_request,
    of_most,
    priced_as,
    the_one,
)
from wsanalytics.recommendations import creation_properties as best_for_newcomers

JOURNAL = "creations.journal.jsonl"


def creation_properties(args: Namespace) -> int:
    """A CreateWorkspaces request for newcomers; with --create, make it."""
    if args.output:
        check_output(args.output, (".json",))
    if args.create and not args.user:
        raise InputError("nobody is named", where="--create",
                         rule="WorkSpaces are created for named users", mend="add --user NAME …")
    if (args.yes or args.interactive) and not args.create:
        raise InputError("nothing is to be created", where="--yes or --interactive",
                         rule="they go with --create", mend="add --create, or leave them out")
    args.tag = [*args.tag, *args.like]
    with terminal.progress(4) as step:
        step("reading")
        fleet = fleet_of(args)
        limits = Limits(candidates=candidates_of(args),
                        hour_rule=HourRule.parse(args.hour_rule),
                        maintenance_hours=args.maintenance_hours)
        living = fleet.workspaces[fleet.workspaces["terminated_at"].isna()]
        bundle = args.from_bundle or of_most(living, "bundle_id")
        analysis = analyse(fleet.sessions, priced_as(fleet.workspaces, bundle), window=fleet.window,
                           prices=fleet.prices, limits=limits, gaps=fleet.gaps,
                           orders=fleet.orders, step=step)
    newcomer = best_for_newcomers(
        analysis.comparison, candidates=limits.candidates,
        max_cold_starts_per_week=args.max_cold_starts_per_week)
    request = creation_request(newcomer, living, args.user,
                               directory_id=args.into_directory, bundle_id=bundle)
    text = json.dumps(request, indent=2, ensure_ascii=False) + "\n"
    terminal.tell(str(newcomer))
    outcomes.print_newcomer(newcomer)
    if args.output:
        write_text(text, args.output, private=True)
        terminal.tell(f"the request is in {args.output}")
    elif not args.create:
        sys.stdout.write(text)
    if not args.create:
        terminal.tell("nothing was created; --create --user NAME … does that")
        return 0
    return _create(args, living, request["Workspaces"])


def _create(args: Namespace, workspaces: pd.DataFrame, requests: list[dict[str, object]]) -> int:
    region = the_one(workspaces["region"])
    if region is None:
        raise InputError("the comparable WorkSpaces are in several regions", where="--create",
                         rule="WorkSpaces are created in one region",
                         mend="narrow the fleet, for example with --directory")
    accounts = set(workspaces["account_id"]) - {""} or None
    if accounts and len(accounts) > 1:
        raise InputError("the comparable WorkSpaces are in several accounts", where="--create",
                         rule="WorkSpaces are created in one account",
                         mend="narrow the fleet, for example with --directory")
    folder = Path(args.store) if args.store else Path()
    journal = args.journal or folder / JOURNAL
    terms = RunOptions(limit=args.limit, log=terminal.tell)
    with writers_of(args, [region], accounts) as writers:
        if len(writers) != 1:
            raise InputError(f"{len(writers)} accounts", where="--role-arn",
                             rule="WorkSpaces are created in one account", mend="name one role")
        is_real = args.yes
        if args.interactive:
            frame = create_workspaces(requests, writers[0], options=terms)
            outcomes.print_created(frame, dry_run=True)
            count = int(frame["outcome"].eq("would be done").sum())
            is_real = bool(count) and confirmed(f"create {count}", counted(count, "WorkSpace"))
            if not is_real:
                terminal.tell("nothing was created")
                return exit_status(frame)
        frame = create_workspaces(requests, writers[0], dry_run=not is_real, journal=journal,
                                  options=terms)
    outcomes.print_created(frame, dry_run=not is_real)
    terminal.tell(f"every call is in {journal}" if is_real else
                  "this was a dry run: nothing was created; --yes does it")
    return exit_status(frame)
