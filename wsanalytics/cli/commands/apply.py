"""The commands ``apply`` and ``undo``."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pandas as pd

from wsanalytics.actions import (
    RunOptions,
    account_regions_of,
    apply_plan,
    in_force,
    journal_beside,
    journal_state,
    read_journal,
)
from wsanalytics.actions import (
    undo as undo_changes,
)
from wsanalytics.aws import RATE_PER_SECOND, Writer
from wsanalytics.cli.confirm import INTERRUPTED, PARTLY, confirmed, exit_status, writers_of, written
from wsanalytics.cli.printing import actions as outcomes
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.files import check_output
from wsanalytics.formatting import counted
from wsanalytics.recommendations import CALLS_A_CHANGE, DONE_BY, Plan, read_plan
from wsanalytics.tables import APPLIED, write_table


def apply(args: Namespace) -> int:
    """Say what a plan would change, or change it; 1 where some of it was skipped or left."""
    _check_outputs(args.output)
    plan = read_plan(args.plan)
    if plan.changes.empty:
        terminal.tell(f"nothing to change: {args.plan} has no changes")
        if args.output:
            write_table(pd.DataFrame(columns=list(APPLIED.names)), args.output, APPLIED)
        return 0
    places = account_regions_of(plan)
    journal = args.journal or journal_beside(args.plan)
    _warn(plan, args)
    due_on = datetime.now(UTC).date() if args.due else None
    terms = RunOptions(limit=args.limit, max_share=args.max_share,
                  stop_after_failures=args.stop_after_failures,
                  opt_out=tuple(args.opt_out_tag), log=terminal.tell)

    def run(writers: list[Writer], *, dry_run: bool) -> pd.DataFrame:
        return apply_plan(
            plan, writers, dry_run=dry_run, journal=journal, resume=args.resume, due_on=due_on,
            options=terms, plan_name=args.plan.name)

    with writers_of(args, [region for _, region in places if region]) as writers:
        return _carry_out(args, run, writers, "apply", journal)


def undo(args: Namespace) -> int:
    """Say what would be taken back of what a journal tells, or take it back."""
    _check_outputs(args.output)
    only = args.workspace or None
    net_changes = in_force(journal_state(read_journal(args.journal)), only, args.journal)
    regions = sorted({one.latest.region for one in net_changes.values()})
    if not regions:
        terminal.tell("nothing to undo: no change that this journal tells of is in force by it")
        if args.output:
            write_table(pd.DataFrame(columns=list(APPLIED.names)), args.output, APPLIED)
        return 0
    terms = RunOptions(limit=args.limit, stop_after_failures=args.stop_after_failures,
                  opt_out=tuple(args.opt_out_tag), log=terminal.tell)

    def run(writers: list[Writer], *, dry_run: bool) -> pd.DataFrame:
        return undo_changes(args.journal, writers, dry_run=dry_run, only=only, options=terms)

    with writers_of(args, regions) as writers:
        return _carry_out(args, run, writers, "undo", args.journal)


def _carry_out(
    args: Namespace, run: Callable[..., pd.DataFrame], writers: list[Writer], verb: str,
    journal: Path,
) -> int:
    """The dry run, the question where there is one, and the real thing where it is wanted."""
    is_real = args.yes
    if args.interactive:
        frame = run(writers, dry_run=True)
        outcomes.print_applied(frame, dry_run=True)
        count = int(frame["outcome"].eq("would be done").sum())
        is_real = bool(count) and confirmed(
            f"{verb} {count}", f"{counted(count, 'change')} in account "
            + ", ".join(f"{one.connection.account_id} {one.connection.region}" for one in writers))
        if not is_real:
            terminal.tell("nothing was changed")
            return exit_status(frame)
    try:
        frame = run(writers, dry_run=not is_real)
    except KeyboardInterrupt:
        if not is_real:
            raise
        again = f"go on with --resume, or take it back with 'wsanalytics undo {journal}'" if (
            verb == "apply") else "run it again for what is left"
        terminal.tell(f"interrupted; what was done is in {journal}; {again}")
        return INTERRUPTED
    outcomes.print_applied(frame, dry_run=not is_real)
    if is_real:
        terminal.tell(f"every call is in {journal}")
    else:
        terminal.tell("this was a dry run: nothing was changed; --yes makes the changes")
    is_written = written(frame, args.output, APPLIED, is_real=is_real)
    return exit_status(frame) if is_written else PARTLY


def _check_outputs(path: Path | None) -> None:
    if path is not None:
        check_output(path)


def _warn(plan: Plan, args: Namespace) -> None:
    """What an administrator should know before a plan is applied."""
    now = datetime.now(UTC)
    for what, at, mend in (
        ("the plan is", plan.created_at, "make a new one with 'wsanalytics recommend'"),
        ("the prices in it are", _as_date(plan.prices_date),
         "'wsanalytics prices refresh', then 'wsanalytics recommend'"),
    ):
        if at is not None and now - at > timedelta(days=args.old_after_days):
            terminal.tell(f"warning: {what} of {at:%Y-%m-%d}, {(now - at).days} days ago "
                          f"(over {args.old_after_days:g} days): {mend}")
    _warn_of_the_hour(plan, now, args.limit)
    changes = plan.changes
    missed = changes[(changes["from_setting"] == "ALWAYS_ON") & (changes["best_date"] != "")
                     & (changes["best_date"].str[:7] < f"{now:%Y-%m}")]
    if args.due and len(missed):
        terminal.tell(f"warning: the best date of {counted(len(missed), 'change')} to AUTO_STOP "
                      "was in an earlier month: this month is paid for as ALWAYS_ON, so they save "
                      "from the next 1st on")


def _warn_of_the_hour(plan: Plan, now: datetime, limit: int) -> None:
    """Changes to AUTO_STOP on a month's last day that would come too late for it."""
    changes = plan.changes.head(limit)
    late = changes[(changes["from_setting"] == "ALWAYS_ON")]
    tomorrow = now.date() + timedelta(days=1)
    if late.empty or tomorrow.day != 1:
        return
    seconds = len(late) * CALLS_A_CHANGE / RATE_PER_SECOND
    if now + timedelta(seconds=seconds) > datetime.combine(now.date(), DONE_BY, UTC):
        terminal.tell(
            f"warning: {counted(len(late), 'change')} to AUTO_STOP take about "
            f"{seconds / 60:,.0f} min, and today is the month's last day: what is made after "
            f"00:00 UTC pays another whole month of ALWAYS_ON")


def _as_date(text: str) -> datetime | None:
    found = re.match(r"\d{4}-\d{2}-\d{2}", text)
    try:
        return datetime.combine(date.fromisoformat(found[0]), time(), UTC) if found else None
    except ValueError:
        return None


