"""One run over the accounts and regions of a plan or a journal: whose turn it is, and how much.

What is done to each WorkSpace is told by ``changing``; this deals out tasks, keeps to the caps, and
says in the journal that a run begins and ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd

from wsanalytics.actions.change_setting import (
    BY_RULE,
    REFUSALS,
    Change,
    Changer,
    Outcome,
    RetryPolicy,
    RunLimits,
    Task,
)
from wsanalytics.actions.guards import Guards, opt_out_names
from wsanalytics.actions.journal import Journal, JournalError, open_journal, read_journal, utc_now
from wsanalytics.actions.ledger import JournalState, NetChange, journal_state
from wsanalytics.actions.queue import AccountRegion, deal
from wsanalytics.aws import AwsError, StateReader, Writer, who_am_i
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted, listed
from wsanalytics.progress import working
from wsanalytics.version import __version__


def _refuse_other_accounts(
    by_writer: dict[AccountRegion, Writer | None], writers: list[Writer], what: str
) -> None:
    if by_writer and not any(by_writer.values()):
        wanted = listed([f"{account} {region}" for account, region in by_writer])
        own = listed([f"{one.connection.account_id} {one.connection.region}" for one in writers])
        raise InputError(
            f"it is for account and region {wanted}, and these credentials are for {own}",
            where=what, rule="changes are made only in the account and region that they are for",
            mend="use credentials (--profile, --role-arn) of that account")


def _opened(
    stack: ExitStack, path: Path | None, *, dry_run: bool, mends: bool, terms: Terms
) -> tuple[Journal | None, JournalState]:
    if not dry_run:
        if path is None:
            raise InputError("no journal is named", where="journal",
                             rule="every call is written down before it is made",
                             mend="pass journal=Path('plan.journal.jsonl')")
        book = stack.enter_context(open_journal(path, clock=terms.clock, mends=mends))
        return book, journal_state(book.entries)
    there = path is not None and path.exists()
    return None, journal_state(read_journal(path) if there and path is not None else [])

COLUMNS = ("workspace_id", "user_name", "from_setting", "to_setting", "found_setting",
           "saving_usd_per_month", "extra_cold_starts_per_week", "outcome", "message")
"""What is told of each WorkSpace."""
DEFAULT_LIMIT = 25


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On which terms changes are made; what :func:`apply_plan` and :func:`undo` have in common.

    ``limit`` is the most changes in one run (None: no limit), those that save most first;
    ``max_share`` the largest share of the fleet. ``opt_out`` names tags, beside AWS's own
    ``Skip_Convert``, that keep a WorkSpace as it is. ``tell`` is told what happens, and ``ended``
    of each change as it comes to its end. ``stop`` is asked before each change why no more of
    them shall be begun (empty: go on); those begun are brought to their end. ``bar`` draws a
    progress bar where somebody looks. ``clock`` gives now, in UTC.
    """

    limit: int | None = DEFAULT_LIMIT
    max_share: float = 1.0
    stop_after_failures: int = 5
    opt_out: tuple[str, ...] = ()
    patience: RetryPolicy = field(default_factory=RetryPolicy)
    tell: Callable[[str], None] = lambda _: None
    ended: Callable[[Task], None] = lambda _: None
    stop: Callable[[], str] = lambda: ""
    bar: bool = True
    clock: Callable[[], datetime] = utc_now



def account_region_of(writer: Writer) -> AccountRegion:
    """The account and region that a writer is for."""
    return writer.connection.account_id, writer.connection.region


class Run:
    """One run over all accounts and regions, dry or real."""

    def __init__(
        self, kind: str, writers: list[Writer], by_writer: dict[AccountRegion, Writer | None],
        terms: Terms, dry_run: bool, journal: Journal | None,
    ) -> None:
        self.kind, self.writers, self.by_writer = kind, writers, by_writer
        self.terms, self.dry_run, self.journal = terms, dry_run, journal
        self.refusals: list[str] = []
        self.sent_before = sum(writer.sent for writer in writers)
        self.hold: Callable[[Change], str] = lambda _: ""
        self.readers = {account_region_of(one): StateReader(one.connection) for one in writers}

    def go(self, tasks: dict[str, Task], orphans: list[NetChange], **about: object) -> None:
        """Bring all *tasks* to their end, and find out what became of *strays*."""
        with ExitStack() as locks:
            if self.journal is not None:
                for writer in filter(None, self.by_writer.values()):
                    locks.enter_context(writer.alone("settings"))
            self.carry(tasks, orphans, **about)

    def carry(self, tasks: dict[str, Task], orphans: list[NetChange], **about: object) -> None:
        """As :meth:`go`, once the accounts and regions are held."""
        terms, budget = self.terms, self.budget()
        if self.journal is not None:
            self.journal.begin(
                self.kind, wsanalytics=__version__, limit=terms.limit,
                places=[list(place) for place in self.by_writer],
                account_id=self.writers[0].connection.account_id,
                region=self.writers[0].connection.region,
                caller=who_am_i(self.writers[0].connection).arn, **about)
        to_do = [task for task in tasks.values() if task.outcome is None]
        with working("looking" if self.dry_run else "changing WorkSpaces", len(to_do),
                     shown=terms.bar) as advance:
            changers = {place: self.changer(writer, budget, advance)
                        for place, writer in self.by_writer.items() if writer is not None}
            is_whole = not _skip_others(to_do, changers)
            to_do = [task for task in to_do if task.outcome is None]
            to_do.sort(key=lambda task: not task.begun)  # what was begun comes first
            try:
                deal(to_do, changers)
            except JournalError as error:
                self.broken_off(tasks.values(), error)
                return
            for changer in changers.values():
                if changer.broken is not None:
                    is_whole = False
                    self.refusals.append(str(changer.broken))
                    terms.tell(f"{changer.broken} What was done is in the journal; "
                               "go on with --resume." if self.journal is not None
                               else str(changer.broken))
        if self.journal is not None and is_whole:
            try:
                is_whole = self.look_for(orphans)
            except AwsError as error:
                terms.tell(f"{error} What was done is in the journal; go on with --resume.")
                return
            except JournalError as error:
                self.broken_off(tasks.values(), error)
                return
            if is_whole:
                self.end(tasks)

    def end(self, tasks: dict[str, Task]) -> None:
        """Write down that all is done."""
        assert self.journal is not None
        try:
            self.journal.write("end", outcomes=_counts(tasks.values()))
        except JournalError as error:
            self.broken_off(tasks.values(), error)

    def broken_off(self, tasks: Iterable[Task], error: JournalError) -> None:
        """The journal cannot be written: nothing more is done, and what was done is told.

        Raises *error* again where nothing at all was asked of AWS.
        """
        if sum(writer.sent for writer in self.writers) == self.sent_before:
            raise error
        for task in [one for one in tasks if one.outcome is None]:
            task.outcome = Outcome.UNKNOWN if task.begun else Outcome.LEFT
            task.message = ("nobody has looked what became of it: the journal cannot be written"
                            if task.begun else "the journal cannot be written any more")
        self.refusals.append(str(error))
        self.terms.tell(f"{error} What was done before is in it; once it can be written, go on "
                        "with --resume, or take it back with undo.")

    def changer(
        self, writer: Writer, budget: RunLimits, advance: Callable[[int], None]
    ) -> Changer:
        """What makes the changes of one account and region."""
        looker = self.readers[account_region_of(writer)]
        guards = Guards(opt_out_names(self.terms.opt_out), looker.license)
        return Changer(
            looker=looker, guards=guards, budget=budget,
            writer=None if self.dry_run else writer, journal=self.journal,
            patience=self.terms.patience, hold=self.hold, stop=self.terms.stop,
            advance=advance, ended=self.terms.ended)

    def budget(self) -> RunLimits:
        """How much may be done, by the limit and by the share of the fleet."""
        terms = self.terms
        limit, why = terms.limit, "over the limit of this run"
        if terms.max_share < 1:
            fleet = self.size()
            most = math.floor(terms.max_share * fleet + 1e-9)
            if limit is None or most < limit:
                limit = most
                why = (f"over {terms.max_share:.0%} of {counted(fleet, 'WorkSpace')}, the largest "
                       "share of this run")
        return RunLimits(limit, terms.stop_after_failures, why)

    def size(self) -> int:
        """How many WorkSpaces there are where this run may make changes.

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

    def look_for(self, orphans: list[NetChange]) -> bool:
        """What became of changes that were begun and are not in the plan any more.

        Whether all could be looked at: what is in another account or region is left to whoever
        resumes there.
        """
        assert self.journal is not None
        elsewhere = 0
        for one in orphans:
            attempt = one.latest
            place = (attempt.account_id, attempt.region)
            if place not in self.readers:
                elsewhere += 1
                continue
            seen = self.readers[place].look([attempt.workspace_id]).get(attempt.workspace_id)
            found = str(seen.setting or seen.running_mode) if seen else "gone"
            is_done = seen is not None and seen.setting == one.current
            self.journal.write("stray", workspace_id=attempt.workspace_id, found=found,
                               outcome=str(Outcome.DONE if is_done else Outcome.UNKNOWN))
            self.terms.tell(f"{attempt.workspace_id} was begun by an earlier run and is not in the "
                            f"plan any more: it is {found} now (it was {one.original})")
        if elsewhere:
            self.terms.tell(f"{counted(elsewhere, 'change')} that an earlier run began in another "
                            "account or region may be unfinished: resume there")
        return not elsewhere


def _skip_others(tasks: Iterable[Task], changers: Mapping[AccountRegion, Changer]) -> bool:
    """Skip what the credentials are not for; whether an earlier run had begun some of it."""
    has_begun = False
    for task in tasks:
        place = task.change.account_id, task.change.region
        if place not in changers:
            task.outcome = Outcome.SKIPPED
            task.message = (f"the credentials are not for its account and region {place[0]} "
                            f"{place[1]}")
            has_begun = has_begun or task.begun
    return has_begun


def _counts(tasks: Iterable[Task]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for task in tasks:
        counts[str(task.outcome)] = counts.get(str(task.outcome), 0) + 1
    return counts


def as_frame(tasks: list[Task], refusals: Iterable[str] = ()) -> pd.DataFrame:
    """A row a task, in their order, with the columns ``COLUMNS``; who has refused in ``attrs``."""
    rows = [
        (task.change.workspace_id, task.change.user_name, str(task.change.before),
         str(task.change.after), task.found, task.change.saving_usd_per_month,
         task.change.extra_cold_starts_per_week, str(task.outcome), task.message)
        for task in tasks
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame.attrs[REFUSALS] = list(refusals)
    frame.attrs[BY_RULE] = [task.change.workspace_id for task in tasks if task.by_rule]
    texts = {name: "str" for name in COLUMNS if not name.endswith(("_month", "_week"))}
    return frame.astype(texts | {"saving_usd_per_month": "float64",
                                 "extra_cold_starts_per_week": "float64"})
