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
    """Set every WorkSpace that was changed, by *journal*, back to the setting it had before.

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
        opened, ledger = open_journal_of(
            stack, journal, dry_run=dry_run, repairs=True, options=options
        )
        # Newest first: a WorkSpace changed by two runs goes back by the road it came.
        net_changes = in_force(ledger, only, journal)
        changes = [_reversed(net_change) for net_change in reversed(net_changes.values())]
        account_regions = dict.fromkeys((change.account_id, change.region) for change in changes)
        by_writer = {
            account_region: next(
                (writer for writer in writers if account_region_of(writer) == account_region), None)
            for account_region in account_regions
        }
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
        run = Run("undo", writers, by_writer, options, dry_run, opened)
        run.execute(tasks, [])
    return as_frame(list(tasks.values()), run.refusals)


def in_force(
    ledger: JournalState, only: Iterable[str] | None, journal: Path
) -> dict[str, NetChange]:
    """Return the changes to take back by *ledger*: all, or those of the WorkSpaces *only*.

    Raises :class:`InputError` for ids of which no change is in force by the *journal*.
    """
    if only is None:
        return ledger.net_changes
    names = [only] if isinstance(only, str) else list(dict.fromkeys(only))
    unknown = [name for name in names if name not in ledger.net_changes]
    if unknown:
        changed = listed(list(ledger.net_changes))
        raise InputError(
            f"no change of {listed(unknown)} is in force by it", where=str(journal),
            rule="only a change that was made, and not taken back yet, can be taken back",
            fix=f"name some of those in force: {changed}" if changed else "apply the plan first")
    return {name: net_change for name, net_change in ledger.net_changes.items() if name in names}


_LONG_SECONDS = 2
"""A wait of more is named."""


def _let_settle(unfinished: Iterable[NetChange], options: RunOptions) -> None:
    """Wait until a call that a kill cut off a moment ago has surely arrived or been lost."""
    ages = [(options.clock() - net_change.since).total_seconds() for net_change in unfinished]
    wait = options.retry.propagation_seconds
    seconds = max(0.0, min(wait, wait - min(ages, default=math.inf)))
    if seconds > _LONG_SECONDS:
        options.log(f"waiting {seconds:.0f} s, until a call that was cut off has come or is lost")
    options.retry.sleep(seconds)


def _reversed(net_change: NetChange) -> Change:
    attempt = net_change.latest
    saving = attempt.promise.get("saving_usd_per_month")
    cold_starts = attempt.promise.get("extra_cold_starts_per_week")
    return Change(
        workspace_id=attempt.workspace_id, before=net_change.current, after=net_change.original,
        user_name=attempt.user_name, account_id=attempt.account_id, region=attempt.region,
        saving_usd_per_month=-(saving or 0.0), extra_cold_starts_per_week=-(cold_starts or 0.0))
