"""The commands ``apply`` and ``undo``: make the changes of a plan, and take them back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.exit_codes import DONE
from wsanalytics.cli.options import (
    CARE,
    LIMITS,
    NARROWING,
    SAFETY,
    CareOptions,
    NarrowingOptions,
    OutcomeFile,
    command,
    flag,
    journal_option,
    option,
    outcome_file,
    subject,
)
from wsanalytics.cli.value_kinds import COUNT, PART, PATH, SOME_DAYS
from wsanalytics.defaults import RUN_LIMIT

if TYPE_CHECKING:
    import pandas as pd

    from wsanalytics.aws import Writer
    from wsanalytics.cli.confirm import Action
    from wsanalytics.recommendations import Plan

StopAfter = Annotated[int, option("stop after so many failures in a row (default: 5)", COUNT,
                                  metavar="N", group=LIMITS)]


@command("Read each WorkSpace of a plan, and report what would change and what it would save. With "
         "--yes the changes are made, checked before, read back after, and journalled, so that "
         "'undo' can take them back.",
         "wsanalytics apply plan.json",
         "wsanalytics apply plan.json --due --limit 10 --yes")
def apply(
    plan: Annotated[Path, subject("the plan", "plan.json", PATH)], /, *,
    limit: Annotated[int, option(
        "the most changes to make, those that save most first (default: 25)", COUNT, metavar="N",
        group=LIMITS)] = RUN_LIMIT,
    max_share: Annotated[float, option(
        "the largest share of the fleet to change at once (default: 1)", PART, metavar="X",
        group=LIMITS)] = 1.0,
    stop_after_failures: StopAfter = 5,
    due: Annotated[bool, flag("only changes whose best date has come", group=LIMITS)] = False,
    resume: Annotated[bool, flag("go on where an interrupted run ended", group=SAFETY)] = False,
    old_after_days: Annotated[float, option(
        "warn of a plan or prices older than that (default: 14)", SOME_DAYS, metavar="N",
        group=LIMITS)] = 14.0,
    output: Annotated[Path | None, outcome_file("each change")] = None,
    journal: Annotated[Path | None, journal_option("PLAN.journal.jsonl beside the plan")] = None,
    narrowing: NarrowingOptions = NARROWING,
    care: CareOptions = CARE,
) -> int:
    """Print what a plan would change, or change it; 1 where some of it failed or was skipped."""
    from wsanalytics.actions import RunOptions, account_regions_of, apply_plan, journal_beside
    from wsanalytics.cli.confirm import carry_out, writers_of
    from wsanalytics.cli.house_rules import house_rules
    from wsanalytics.cli.narrowing import meant_now
    from wsanalytics.cli.printing.console import warn
    from wsanalytics.files import check_output
    from wsanalytics.recommendations import read_plan
    from wsanalytics.tables import APPLIED

    if output:
        check_output(output)
    content = read_plan(plan)
    if content.changes.empty:
        return _nothing_to_do(f"nothing to change: {plan} has no changes", output)
    regions = [region for _, region in account_regions_of(content) if region]
    calls = journal or journal_beside(plan)
    _warn(content, old_after_days, limit, is_due=due)
    due_on = datetime.now(UTC).date() if due else None
    terms = RunOptions(limit=limit, max_share=max_share, stop_after_failures=stop_after_failures,
                  opt_out=tuple(care.opt_out_tag), rules=house_rules(), log=warn)

    with writers_of(care, regions) as writers:
        only = meant_now(writers, content.changes, narrowing)

        def run(dry_run: bool) -> pd.DataFrame:
            return apply_plan(content, writers, dry_run=dry_run, journal=calls, resume=resume,
                              due_on=due_on, only=only, options=terms, plan_name=plan.name)

        action = _changes("apply", calls, writers, f"go on with --resume, or take it back with "
                          f"'wsanalytics undo {calls}'", ["undo", str(calls)])
        return carry_out(action, run, care, output=output, table=APPLIED)


@command("Give every WorkSpace that was changed by a journal, or those named, the setting it had "
         "before, with the same care as 'apply'.",
         "wsanalytics undo plan.journal.jsonl",
         "wsanalytics undo plan.journal.jsonl --workspace ws-1234567ab --yes")
def undo(
    journal: Annotated[Path, subject("the journal of the changes", "JOURNAL", PATH)], /, *,
    limit: Annotated[int | None, option("the most changes to take back (default: all)", COUNT,
                                        metavar="N", group=LIMITS)] = None,
    stop_after_failures: StopAfter = 5,
    output: OutcomeFile = None,
    narrowing: NarrowingOptions = NARROWING,
    care: CareOptions = CARE,
) -> int:
    """Print what would be taken back of what a journal records, or take it back."""
    import pandas as pd

    from wsanalytics.actions import RunOptions, in_force, journal_state, read_journal
    from wsanalytics.actions import undo as undo_changes
    from wsanalytics.cli.confirm import carry_out, writers_of
    from wsanalytics.cli.house_rules import house_rules
    from wsanalytics.cli.narrowing import meant_now
    from wsanalytics.cli.printing.console import warn
    from wsanalytics.files import check_output
    from wsanalytics.tables import APPLIED

    if output:
        check_output(output)
    state = journal_state(read_journal(journal))
    # An id of which nothing is in force is refused, not taken for nothing to do.
    in_force(state, [name for name in narrowing.workspace if name.startswith("ws-")] or None,
             journal)
    effective = in_force(state, None, journal)
    regions = sorted({change.latest.region for change in effective.values()})
    if not regions:
        return _nothing_to_do(
            "nothing to undo: no change that this journal tells of is in force by it", output)
    terms = RunOptions(limit=limit, stop_after_failures=stop_after_failures,
                  opt_out=tuple(care.opt_out_tag), rules=house_rules(), log=warn)

    changed = pd.DataFrame({"workspace_id": list(effective), "user_name": [
        change.latest.user_name for change in effective.values()]})
    with writers_of(care, regions) as writers:
        only = meant_now(writers, changed, narrowing)

        def run(dry_run: bool) -> pd.DataFrame:
            return undo_changes(journal, writers, dry_run=dry_run, only=only, options=terms)

        action = _changes("undo", journal, writers, "run it again for what is left")
        return carry_out(action, run, care, output=output, table=APPLIED)


def _nothing_to_do(message: str, output: Path | None) -> int:
    """Say so, and write a table without rows where one was asked for."""
    import pandas as pd

    from wsanalytics.cli.printing.console import note
    from wsanalytics.tables import APPLIED, write_table

    note(message)
    if output:
        write_table(pd.DataFrame(columns=list(APPLIED.names)), output, APPLIED)
    return DONE


def _changes(
    verb: str, journal: Path, writers: Sequence[Writer], if_interrupted: str,
    *next_steps: Sequence[str],
) -> Action:
    """Return the changes of settings in the accounts and regions of *writers*, as an action."""
    from wsanalytics.cli.confirm import Action
    from wsanalytics.cli.printing.actions import print_applied

    account_regions = (
        f"{writer.connection.account_id} {writer.connection.region}" for writer in writers
    )
    return Action(verb=verb, noun="change", scope=f" in account {', '.join(account_regions)}",
                  done="changed", with_yes="makes the changes", journal=journal,
                  show=lambda frame, dry_run: print_applied(frame, dry_run=dry_run),
                  if_interrupted=if_interrupted, next_steps=next_steps)


def _warn(plan: Plan, old_after_days: float, limit: int, *, is_due: bool) -> None:
    """Warn of what an administrator should know before a plan is applied."""
    from wsanalytics.cli.printing.console import warn
    from wsanalytics.formatting import counted

    now = datetime.now(UTC)
    regions = sorted({*plan.changes["region"], plan.region or ""} - {""})
    for what, at, advice in (
        ("the plan is", plan.created_at, "make a new one with 'wsanalytics recommend'"),
        ("the prices in it are", None if _were_refreshed(old_after_days) else
         _as_date(plan.prices_date),
         f"'wsanalytics prices refresh --region {' '.join(regions) or 'R'}', then 'recommend'"),
    ):
        if at is not None and now - at > timedelta(days=old_after_days):
            warn(f"warning: {what} of {at:%Y-%m-%d}, {(now - at).days} days ago "
                          f"(over {old_after_days:g} days): {advice}")
    _warn_of_the_hour(plan, now, limit)
    changes = plan.changes
    later = changes[changes["best_date"] > f"{now:%Y-%m-%d}"]
    if len(later) and not is_due:
        warn(f"{counted(len(later), 'change')} would be worth more later, from "
             f"{later['best_date'].min()} on; --due leaves them for then")
    missed = changes[(changes["from_setting"] == "ALWAYS_ON") & (changes["best_date"] != "")
                     & (changes["best_date"].str[:7] < f"{now:%Y-%m}")]
    if is_due and len(missed):
        warn(f"warning: the best date of {counted(len(missed), 'change')} to AUTO_STOP "
                      "was in an earlier month: this month is paid for as ALWAYS_ON, so they save "
                      "from the next 1st on")


def _were_refreshed(old_after_days: float) -> bool:
    """Whether the prices in force were taken from AWS so late that they are not old."""
    from wsanalytics.prices import refreshed_path

    path = refreshed_path()
    if not path.exists():
        return False
    refreshed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return datetime.now(UTC) - refreshed_at < timedelta(days=old_after_days)


def _warn_of_the_hour(plan: Plan, now: datetime, limit: int) -> None:
    """Warn of changes to AUTO_STOP on a month's last day that would come too late for it."""
    from wsanalytics.aws import RATE_PER_SECOND
    from wsanalytics.cli.printing.console import warn
    from wsanalytics.formatting import counted
    from wsanalytics.recommendations import CALLS_A_CHANGE, DONE_BY

    changes = plan.changes.head(limit)
    late = changes[(changes["from_setting"] == "ALWAYS_ON")]
    tomorrow = now.date() + timedelta(days=1)
    if late.empty or tomorrow.day != 1:
        return
    seconds = len(late) * CALLS_A_CHANGE / RATE_PER_SECOND
    if now + timedelta(seconds=seconds) > datetime.combine(now.date(), DONE_BY, UTC):
        warn(
            f"warning: {counted(len(late), 'change')} to AUTO_STOP take about "
            f"{seconds / 60:,.0f} min, and today is the month's last day: what is made after "
            f"00:00 UTC pays another whole month of ALWAYS_ON")


def _as_date(text: str) -> datetime | None:
    match = re.match(r"\d{4}-\d{2}-\d{2}", text)
    try:
        return datetime.combine(date.fromisoformat(match[0]), time(), UTC) if match else None
    except ValueError:
        return None


