"""The commands ``stop-idle`` and ``start-early``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd

from wsanalytics.actions import RunOptions
from wsanalytics.actions import start_early as start_them
from wsanalytics.actions import stop_idle as stop_them
from wsanalytics.calendars import Holidays, WorkingHours, Zones
from wsanalytics.cli.confirm import PARTLY, confirmed, exit_status, writers_of, written
from wsanalytics.cli.inputs import Narrowing
from wsanalytics.cli.printing import actions as outcomes
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.files import check_output
from wsanalytics.formatting import counted
from wsanalytics.history import Store
from wsanalytics.tables import SWITCHED

JOURNAL = "actions.journal.jsonl"


def stop_idle(args: Namespace) -> int:
    """Stop what runs for nobody, or say what would be stopped."""
    hours = None if args.working_hours is None else WorkingHours.parse(args.working_hours)
    idle = timedelta(minutes=args.idle_minutes)

    def run(dry_run: bool, **more: object) -> pd.DataFrame:
        return stop_them(idle=idle, working_hours=hours, dry_run=dry_run, **more)  # type: ignore[arg-type]  # passed through

    return _switch(args, run, "stop")


def start_early(args: Namespace) -> int:
    """Start what is about to be used, or say what would be started."""
    holidays = Holidays.parse(args.holidays)
    ahead = timedelta(minutes=args.ahead_minutes)

    def run(dry_run: bool, **more: object) -> pd.DataFrame:
        return start_them(ahead=ahead, min_chance=args.min_chance, holidays=holidays,
                          dry_run=dry_run, **more)  # type: ignore[arg-type]  # passed through

    return _switch(args, run, "start")


def _switch(args: Namespace, run: Callable[..., pd.DataFrame], verb: str) -> int:
    """The dry run, the question where there is one, and the real thing where it is wanted."""
    if args.output:
        check_output(args.output)
    store = Store(args.store)
    narrowing = Narrowing(directories=tuple(args.directory), tags=tuple(args.tag),
                          bundles=tuple(args.bundle), workspaces=tuple(args.workspace))
    fleet = narrowing.keep(store.inventory())
    journal: Path = args.journal or store.folder / JOURNAL
    regions = fleet.loc[fleet["terminated_at"].isna(), "region"].unique().tolist()
    terms = RunOptions(limit=args.limit, opt_out=tuple(args.opt_out_tag), log=terminal.tell)
    zones = Zones.of(args.time_zone, args.time_zone_by_directory)
    kept = set(fleet["workspace_id"])
    with writers_of(args, regions, set(fleet["account_id"])) as writers:
        def status(frame: pd.DataFrame) -> int:
            return PARTLY if writers.refused else exit_status(frame)

        def once(*, dry_run: bool) -> pd.DataFrame:
            return run(store=store, writer=writers, journal=journal, zones=zones, options=terms,
                       keep=lambda frame: frame[frame["workspace_id"].isin(kept)],
                       dry_run=dry_run)

        is_real = args.yes
        if args.interactive:
            frame = once(dry_run=True)
            outcomes.print_switched(frame, verb, dry_run=True)
            count = int(frame["outcome"].eq("would be done").sum())
            is_real = bool(count) and confirmed(f"{verb} {count}", counted(count, "WorkSpace"))
            if not is_real:
                terminal.tell("nothing was done")
                return status(frame)
        frame = once(dry_run=not is_real)
    outcomes.print_switched(frame, verb, dry_run=not is_real)
    is_written = written(frame, args.output, SWITCHED, is_real=is_real)
    if not is_real:
        terminal.tell("this was a dry run: nothing was done; --yes does it")
    elif len(frame):
        terminal.tell(f"every call is in {journal}")
    return status(frame) if is_written else PARTLY
