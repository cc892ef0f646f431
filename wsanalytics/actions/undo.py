"""Undo: the changes of a journal taken back, newest first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

from wsanalytics.actions.change_setting import Change, Task
from wsanalytics.actions.journal import read_journal
from wsanalytics.actions.ledger import JournalState, NetChange
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
from wsanalytics.formatting import listed


@renamed_arguments(terms="options")
def undo(
    journal: Path | str,
    writer: Writer | Sequence[Writer],
    *,
    dry_run: bool = True,
    only: Iterable[str] | None = None,
    options: RunOptions | None = None,
    **more: Any,  # noqa: ANN401  # the fields of RunOptions
) -> pd.DataFrame:
    """Give every WorkSpace that *journal* says was changed the setting it had before.

    With *only* (ids) just those; :class:`InputError` for one of which no change is in force by the
    journal. The last change is taken back first. What somebody else has changed since is left
    alone. Columns, options (there is no limit by default) and errors are those of
    :func:`apply_plan`; once all is taken back, calling it again does nothing.
    """
    journal = Path(journal)
    options = options or RunOptions(**({"limit": None} | more))
    writers = [writer] if isinstance(writer, Writer) else list(writer)
    with ExitStack() as stack:
        read_journal(journal)  # refused before anything is made
        book, ledger = open_journal_of(
            stack, journal, dry_run=dry_run, repairs=True, options=options
        )
        net_changes = in_force(ledger, only, journal)
        changes = [_reversed(net_change) for net_change in reversed(net_changes.values())]
        places = dict.fromkeys((one.account_id, one.region) for one in changes)
        by_writer = {place: next((one for one in writers if account_region_of(one) == place), None)
                     for place in places}
        check_accounts(by_writer, writers, "the journal")
        tasks = {change.workspace_id: Task(
            change, partially_applied=net_changes[change.workspace_id].may_be_partial,
            record_if_current=True)
            for change in changes}
        if not dry_run:
            _let_settle(
                [net_change for net_change in net_changes.values() if not net_change.is_sure],
                options,
            )
        run = Run("undo", writers, by_writer, options, dry_run, book)
        run.execute(tasks, [])
    return as_frame(list(tasks.values()), run.refusals)


def in_force(
    ledger: JournalState, only: Iterable[str] | None, journal: Path
) -> dict[str, NetChange]:
    """What there is to take back by *ledger*: all of it, or that of the WorkSpaces *only*.

    Raises :class:`InputError` for ids of which no change is in force by the *journal*.
    """
    if only is None:
        return ledger.net_changes
    names = [only] if isinstance(only, str) else list(dict.fromkeys(only))
    lost = [name for name in names if name not in ledger.net_changes]
    if lost:
        there = listed(list(ledger.net_changes))
        raise InputError(
            f"no change of {listed(lost)} is in force by it", where=str(journal),
            rule="only a change that was made, and not taken back yet, can be taken back",
            fix=f"name some of those in force: {there}" if there else "apply the plan first")
    return {name: one for name, one in ledger.net_changes.items() if name in names}


def _let_settle(unfinished: Iterable[NetChange], options: RunOptions) -> None:
    """A call that a kill cut off a moment ago may still arrive."""
    ages = [(options.clock() - one.since).total_seconds() for one in unfinished]
    wait = options.retry.propagation_seconds
    options.retry.sleep(max(0, min(wait, wait - min(ages, default=math.inf))))


def _reversed(standing: NetChange) -> Change:
    attempt = standing.latest
    saving = attempt.promise.get("saving_usd_per_month")
    waits = attempt.promise.get("extra_cold_starts_per_week")
    return Change(
        workspace_id=attempt.workspace_id, before=standing.current, after=standing.original,
        user_name=attempt.user_name, account_id=attempt.account_id, region=attempt.region,
        saving_usd_per_month=-(saving or 0.0), extra_cold_starts_per_week=-(waits or 0.0))
