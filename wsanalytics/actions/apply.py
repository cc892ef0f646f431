"""Apply a plan, and take it back: dry run first, capped, checked, journalled, read back.

``apply_plan`` and ``undo`` change settings, and nothing else; what is done to each WorkSpace, and
in which order, stands in :mod:`.change_setting`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from wsanalytics.actions.change_setting import Change, Task
from wsanalytics.actions.outcomes import Outcome
from wsanalytics.actions.queue import AccountRegion
from wsanalytics.actions.resume import task_of
from wsanalytics.actions.run import (
    Run,
    RunOptions,
    account_region_of,
    as_frame,
    check_accounts,
    open_journal_of,
)
from wsanalytics.aws import Writer
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.errors import InputError
from wsanalytics.recommendations import Plan, read_plan, unapproved
from wsanalytics.settings import RunningMode, Setting


def journal_beside(plan: Path) -> Path:
    """Return the default path of a plan's journal: beside the plan.

    >>> str(journal_beside(Path("march/plan.json")))
    'march/plan.journal.jsonl'
    """
    return plan.with_name(f"{plan.stem}.journal.jsonl")


@renamed_arguments(terms="options")
def apply_plan(
    plan: Plan | Path | str,
    writer: Writer | Sequence[Writer],
    *,
    dry_run: bool = True,
    journal: Path | str | None = None,
    resume: bool = False,
    due_on: date | None = None,
    only: Iterable[str] | None = None,
    options: RunOptions | None = None,
    plan_name: str = "",
    **more: Any,  # noqa: ANN401  # the fields of RunOptions
) -> pd.DataFrame:
    """Make the changes of *plan*, a file or not, or with *dry_run* say what would be done.

    *writer* is for the account and region that the plan is for, or one for each of several. A
    real run needs *journal*, a file that every call is written to before and after; with *resume*
    it goes on where an interrupted run ended. *due_on* leaves out changes whose best date is
    later, and *only* all but the changes of these WorkSpaces. *options* (or its fields:
    ``limit=100``) are described at :class:`~wsanalytics.actions.RunOptions`.

    Gives a row a change, in the order in which they are made, the largest saving first, with the
    columns ``run.COLUMNS``; the outcomes are those of
    :class:`~wsanalytics.actions.Outcome`. Raises :class:`InputError` for a plan of another
    account and a journal of an interrupted run, and :class:`AwsError` where AWS cannot be asked.
    """
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    if only is not None:
        plan = plan.only(only)
    journal = None if journal is None else Path(journal)
    options = options or RunOptions(**more)
    writers = [writer] if isinstance(writer, Writer) else list(writer)
    changes = changes_of(plan)
    by_writer = _shared_out(plan, changes, writers)
    about = _about(plan, plan_name, changes)
    # The journal stays locked to the end, so that no second process acts on the same WorkSpaces.
    with ExitStack() as stack:
        book, ledger = open_journal_of(
            stack, journal, dry_run=dry_run, repairs=resume, options=options
        )
        if ledger.interrupted and not resume:
            raise _interrupted(journal, ledger.interrupted)
        tasks = {change.workspace_id: task_of(change, ledger.net_changes.get(change.workspace_id),
                                            options, dry_run=dry_run,
                                            created_at=about["created_at"]) for change in changes}
        _leave_out(tasks, unapproved(plan.changes))
        if due_on is not None:
            _put_off(tasks.values(), due_on)
        # Started by an earlier plan of this journal and in no plan now: only read, to record their
        # end.
        orphans = [net for net in ledger.unfinished()
                   if net.latest.workspace_id not in tasks and not net.is_being_undone]
        run = Run("apply", writers, by_writer, options, dry_run, book)
        run.hold = _until_the_month_turns(options.clock) if due_on is not None else lambda _: ""
        run.execute(tasks, orphans, plan=about, resume=resume)
        in_plan_order = [tasks[change.workspace_id] for change in changes]
    return as_frame(in_plan_order, run.refusals)


def changes_of(plan: Plan) -> list[Change]:
    """Return the changes of a plan, the largest saving first."""
    rows = plan.changes.to_dict("records")
    return [
        Change(
            workspace_id=row["workspace_id"],
            before=Setting.parse(row["from_setting"]), after=Setting.parse(row["to_setting"]),
            user_name=row.get("user_name", ""), account_id=row.get("account_id") or plan.account_id,
            region=row.get("region") or plan.region,
            saving_usd_per_month=row["saving_usd_per_month"],
            extra_cold_starts_per_week=row["extra_cold_starts_per_week"],
            best_date=date.fromisoformat(row["best_date"]) if row["best_date"] else None,
            approved=row.get("approved") == "yes",
            promise={name: _json(row[name]) for name in (
                "saving_usd_per_month", "saving_low_usd", "saving_high_usd",
                "extra_cold_starts_per_week")},
        )
        for row in rows
    ]


def _json(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _leave_out(tasks: Mapping[str, Task], unapproved_ids: Mapping[str, str]) -> None:
    """Leave alone what people have not approved; what is under way already comes to its end."""
    for name, why in unapproved_ids.items():
        if not tasks[name].started:
            tasks[name].outcome, tasks[name].message = Outcome.NOT_APPROVED, why


def _put_off(tasks: Iterable[Task], due_on: date) -> None:
    for task in tasks:
        best = task.change.best_date
        if best is not None and best > due_on and not task.started:
            task.outcome, task.message = Outcome.NOT_DUE, f"its best date is {best.isoformat()}"


def _until_the_month_turns(clock: Callable[[], datetime]) -> Callable[[Change], str]:
    """A change to AUTO_STOP that comes too late for this month is better made at the next's end."""
    began = clock().astimezone(UTC)

    def hold(change: Change) -> str:
        now = clock().astimezone(UTC)
        # ALWAYS_ON is paid by the month: once the 1st has passed, a change to AUTO_STOP saves
        # nothing before the next 1st.
        is_late = (now.year, now.month) != (began.year, began.month)
        if is_late and change.after.running_mode is RunningMode.AUTO_STOP is not (
                change.before.running_mode):
            return "the month has turned and is paid for: make it on the month's last day"
        return ""

    return hold


def _shared_out(
    plan: Plan, changes: list[Change], writers: list[Writer]
) -> dict[AccountRegion, Writer | None]:
    """Give the writer of each account and region of the plan; None where no writer can reach it."""
    by_writer = {
        account_region: next(
            (writer for writer in writers if account_region_of(writer) == account_region), None
        )
        for account_region in account_regions_of(plan, changes)
    }
    check_accounts(by_writer, writers, "the plan")
    return by_writer


def account_regions_of(plan: Plan, changes: list[Change] | None = None) -> list[AccountRegion]:
    """Return the accounts and regions that a plan is for.

    :class:`InputError` where it names none.
    """
    changes = changes_of(plan) if changes is None else changes
    account_regions = list(dict.fromkeys((change.account_id, change.region) for change in changes))
    account_regions = account_regions or [(plan.account_id, plan.region)]
    unknown = [account_region for account_region in account_regions if None in account_region]
    if unknown:
        lacking = "account" if unknown[0][0] is None else "region"
        raise InputError(
            f"it names no {lacking}", where="the plan",
            rule="a plan is applied to the account and region that it was made for",
            fix="make it from a store, or write account_id and region into it")
    return account_regions


def _interrupted(journal: Path | None, kind: str) -> InputError:
    return InputError(
        f"the last run of {kind} in it did not come to its end", where=str(journal),
        rule="an interrupted run is resumed before another one begins",
        fix="run the same command with --resume (or take everything back with 'undo')")


def _about(plan: Plan, name: str, changes: Iterable[Change]) -> dict[str, Any]:
    """Return what a journal keeps of the plan: what was asked for, and what its savings rest on."""
    basis = getattr(plan, "basis", None)
    return {
        "name": name, "created_at": plan.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hour_rule": str(plan.hour_rule), "prices_date": plan.prices_date,
        "discount": basis.discount if basis else 0.0,
        "maintenance_hours": basis.maintenance_hours if basis else 1,
        "asked": [change.workspace_id for change in changes],
    }
