"""One run over the accounts and regions of a plan or a journal: its limits, its beginning, its end.

What is done to each WorkSpace stands in :mod:`.change_setting`, and in which order in
:mod:`.queue`; this keeps to the limits, and says in the journal that a run begins and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd

from wsanalytics.actions.change_setting import Change, Changer, Task
from wsanalytics.actions.guards import Guards, opt_out_names
from wsanalytics.actions.journal import Journal, JournalError, open_journal, read_journal, utc_now
from wsanalytics.actions.journalled import (
    JOURNAL_LOST,
    begin_run,
    check_journal,
    survive_broken_journal,
)
from wsanalytics.actions.ledger import JournalState, NetChange, journal_state
from wsanalytics.actions.limits import RunLimits, limits_of
from wsanalytics.actions.outcomes import BY_RULE, REFUSALS, Outcome
from wsanalytics.actions.queue import AccountRegion, deal
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.aws import AwsError, StateReader, Writer
from wsanalytics.defaults import RUN_LIMIT
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted, listed
from wsanalytics.progress import working
from wsanalytics.rules import RuleBook

COLUMNS = ("workspace_id", "user_name", "from_setting", "to_setting", "found_setting",
           "saving_usd_per_month", "extra_cold_starts_per_week", "outcome", "message")
"""The columns of what :func:`apply_plan` and :func:`undo` give."""
_RESUME = "{} What was done is in the journal; go on with --resume."


@renamed_arguments(tell="log", patience="retry")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The limits and manners of a run; what :func:`apply_plan` and :func:`undo` have in common.

    ``limit`` is the most changes in one run (None: no limit), those that save most first;
    ``max_share`` the largest share of the fleet. ``opt_out`` names tags, beside AWS's own
    ``Skip_Convert``, that keep a WorkSpace as it is; ``rules`` are those of the house
    (:func:`wsanalytics.read_rules`), held against what AWS describes right before a change.
    ``allow_losing_open_programs`` lets :func:`stop_idle` stop what cannot hibernate.
    ``retry`` says when a request is sent again. ``log`` is called with a sentence on what happens,
    and ``ended`` with each change that has come to its end. ``stop`` is asked before each change
    why no more of them shall be started (empty: go on); those started are brought to their end.
    ``bar`` draws a progress bar where somebody looks. ``clock`` gives now, in UTC. ``tell`` and
    ``patience`` are what ``log`` and ``retry`` were called before; deprecated.
    """

    limit: int | None = RUN_LIMIT
    max_share: float = 1.0
    stop_after_failures: int = 5
    opt_out: tuple[str, ...] = ()
    rules: RuleBook = field(default_factory=RuleBook)
    allow_losing_open_programs: bool = False
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    log: Callable[[str], None] = lambda _: None
    ended: Callable[[Task], None] = lambda _: None
    stop: Callable[[], str] = lambda: ""
    bar: bool = True
    clock: Callable[[], datetime] = utc_now



def account_region_of(writer: Writer) -> AccountRegion:
    """Return the account and region that a writer is for."""
    return writer.connection.account_id, writer.connection.region


class Run:
    """One run over all accounts and regions, dry or real."""

    def __init__(
        self, kind: str, writers: list[Writer], by_writer: dict[AccountRegion, Writer | None],
        options: RunOptions, dry_run: bool, journal: Journal | None,
    ) -> None:
        self.kind, self.writers, self.by_writer = kind, writers, by_writer
        self.options, self.dry_run, self.journal = options, dry_run, journal
        self.refusals: list[str] = []
        self.hold: Callable[[Change], str] = lambda _: ""
        self.readers = {account_region_of(writer): StateReader(writer.connection)
                        for writer in writers}

    def execute(self, tasks: dict[str, Task], orphans: list[NetChange], **about: object) -> None:
        """Bring all *tasks* to their end, and find out what became of *orphans*.

        An orphan is a change that an earlier run started and that is not in the plan any more.
        *about* goes into the journal's entry with which the run begins.
        """
        with ExitStack() as locks:
            if self.journal is not None:
                for writer in filter(None, self.by_writer.values()):
                    locks.enter_context(writer.alone("settings"))
            limits = limits_of(
                self.options.limit,
                self.options.max_share,
                self.options.stop_after_failures,
                fleet_size=self.size,
            )  # counts the fleet, and may fail: nothing has begun yet
            if self.journal is not None:
                begin_run(self.journal, self.kind, self.writers, limit=self.options.limit,
                          places=[list(where) for where in self.by_writer], **about)
            with survive_broken_journal(
                self.writers, broken_off=lambda error: self.break_off(tasks.values(), error)
            ):
                is_complete = self.change_all(tasks.values(), limits)
                if self.journal is not None and is_complete and self.find_orphans(orphans):
                    self.journal.write("end", outcomes=_counts(tasks.values()))

    def change_all(self, tasks: Iterable[Task], limits: RunLimits) -> bool:
        """Make the changes; whether no account or region is left with something started."""
        open_tasks = [task for task in tasks if task.outcome is None]
        doing = "checking" if self.dry_run else "changing"
        with working(f"{doing} WorkSpaces", len(open_tasks), shown=self.options.bar) as advance:
            changers = {where: self.changer(writer, limits, advance)
                        for where, writer in self.by_writer.items() if writer is not None}
            has_started_elsewhere = _skip_others(open_tasks, changers)
            open_tasks = [task for task in open_tasks if task.outcome is None]
            # What an earlier run has started comes first: it is between two settings.
            open_tasks.sort(key=lambda task: not task.started)
            deal(open_tasks, changers)
        broken = [changer.broken for changer in changers.values() if changer.broken is not None]
        for error in broken:
            self.refusals.append(str(error))
            self.options.log(_RESUME.format(error) if self.journal is not None else str(error))
        return not broken and not has_started_elsewhere

    def break_off(self, tasks: Iterable[Task], error: JournalError) -> None:
        """Say what became of *tasks*, for the journal cannot be written: nothing more is done."""
        for task in [task for task in tasks if task.outcome is None]:
            task.outcome = Outcome.UNKNOWN if task.started else Outcome.LEFT
            task.message = ("nobody has looked what became of it: the journal cannot be written"
                            if task.started else JOURNAL_LOST)
        self.refusals.append(str(error))
        self.options.log(f"{error} What was done before is in it; once it can be written, go on "
                         "with --resume, or take it back with undo.")

    def changer(
        self, writer: Writer, limits: RunLimits, advance: Callable[[int], None]
    ) -> Changer:
        """Give what makes the changes of one account and region."""
        reader = self.readers[account_region_of(writer)]
        guards = Guards(opt_out_names(self.options.opt_out), reader.license_of,
                        self.options.rules, reader.described)
        return Changer(
            reader=reader, guards=guards, limits=limits,
            writer=None if self.dry_run else writer, journal=self.journal,
            retry=self.options.retry, hold=self.hold, stop=self.options.stop,
            advance=advance, ended=self.options.ended)

    def size(self) -> int:
        """Count the WorkSpaces where this run may make changes.

        Raises :class:`AwsError` where no account and region can be counted.
        """
        counts, failed = list[int](), None
        for writer in filter(None, self.by_writer.values()):
            try:
                counts.append(self.readers[account_region_of(writer)].count())
            except AwsError as error:  # so its changes are refused as well
                failed = error
        if failed is not None and not counts:
            raise failed
        return sum(counts)

    def find_orphans(self, orphans: list[NetChange]) -> bool:
        """Read what became of *orphans*, into the journal; whether all of them could be read.

        What is in another account or region is left to whoever resumes there.
        """
        try:
            in_reach = [orphan for orphan in orphans if self._record_orphan(orphan)]
        except AwsError as error:
            self.options.log(_RESUME.format(error))
            return False
        elsewhere = len(orphans) - len(in_reach)
        if elsewhere:
            self.options.log(f"{counted(elsewhere, 'change')} that an earlier run began in another "
                             "account or region may be unfinished: resume there")
        return not elsewhere

    def _record_orphan(self, orphan: NetChange) -> bool:
        """Write down what became of one orphan, where its account and region are in reach."""
        assert self.journal is not None
        attempt = orphan.latest
        reader = self.readers.get((attempt.account_id, attempt.region))
        if reader is None:
            return False
        state = reader.read([attempt.workspace_id]).get(attempt.workspace_id)
        observed = str(state.setting or state.running_mode) if state else "gone"
        is_done = state is not None and state.setting == orphan.current
        self.journal.write("stray", workspace_id=attempt.workspace_id, found=observed,
                           outcome=str(Outcome.DONE if is_done else Outcome.UNKNOWN))
        self.options.log(f"{attempt.workspace_id} was begun by an earlier run and is not in the "
                         f"plan any more: it is {observed} now (it was {orphan.original})")
        return True


def check_accounts(
    by_writer: dict[AccountRegion, Writer | None], writers: list[Writer], what: str
) -> None:
    """Raise :class:`InputError` where none of the *writers* is for an account of the plan."""
    if by_writer and not any(by_writer.values()):
        wanted = listed([f"{account} {region}" for account, region in by_writer])
        connections = [writer.connection for writer in writers]
        actual = listed([f"{where.account_id} {where.region}" for where in connections])
        raise InputError(
            f"it is for account and region {wanted}, and these credentials are for {actual}",
            where=what, rule="changes are made only in the account and region that they are for",
            fix="use credentials (--profile, --role-arn) of that account")


def open_journal_of(
    stack: ExitStack, path: Path | None, *, dry_run: bool, repairs: bool, options: RunOptions
) -> tuple[Journal | None, JournalState]:
    """Open the journal of a real run for writing, or read it for a dry run; give its state."""
    if not dry_run:
        path = check_journal(path, example="plan.journal.jsonl")
        journal = stack.enter_context(open_journal(path, clock=options.clock, repairs=repairs))
        return journal, journal_state(journal.entries)
    entries = read_journal(path) if path is not None and path.exists() else []
    return None, journal_state(entries)


def _skip_others(tasks: Iterable[Task], changers: Mapping[AccountRegion, Changer]) -> bool:
    """Skip what the credentials are not for; whether an earlier run had begun some of it."""
    has_started = False
    for task in tasks:
        where = task.change.account_id, task.change.region
        if where not in changers:
            task.outcome = Outcome.SKIPPED
            task.message = (f"the credentials are not for its account and region {where[0]} "
                            f"{where[1]}")
            has_started = has_started or task.started
    return has_started


def _counts(tasks: Iterable[Task]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for task in tasks:
        counts[str(task.outcome)] = counts.get(str(task.outcome), 0) + 1
    return counts


def as_frame(tasks: list[Task], refusals: Iterable[str] = ()) -> pd.DataFrame:
    """Return a row a task, in their order, with the columns ``COLUMNS``.

    Who has refused is in ``attrs``.
    """
    rows = [
        (task.change.workspace_id, task.change.user_name, str(task.change.before),
         str(task.change.after), task.observed, task.change.saving_usd_per_month,
         task.change.extra_cold_starts_per_week, str(task.outcome), task.message)
        for task in tasks
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.attrs[REFUSALS] = list(refusals)
    frame.attrs[BY_RULE] = [task.change.workspace_id for task in tasks if task.by_rule]
    texts = {name: "str" for name in COLUMNS if not name.endswith(("_month", "_week"))}
    return frame.astype(texts | {"saving_usd_per_month": "float64",
                                 "extra_cold_starts_per_week": "float64"})
