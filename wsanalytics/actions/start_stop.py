"""Stop and start WorkSpaces, 25 to a call: looked at right before, read back after, journalled.

Who is to be stopped or started is told by ``idling`` and ``arrivals``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from wsanalytics.actions.change_setting import BY_RULE, REFUSALS, Outcome
from wsanalytics.actions.guards import Guards, opt_out_names
from wsanalytics.actions.journal import Journal, JournalError, open_journal
from wsanalytics.actions.run import Terms
from wsanalytics.aws import (
    PER_CALL,
    Answer,
    AwsError,
    Meaning,
    StateReader,
    WorkspaceState,
    Writer,
    chunked,
    who_am_i,
)
from wsanalytics.errors import InputError
from wsanalytics.settings import RunningMode
from wsanalytics.tables import SWITCHED, Kind
from wsanalytics.version import __version__

STOP, START = "stop-idle", "start-early"
_REACHED = {STOP: {"STOPPING", "STOPPED"}, START: {"STARTING", "AVAILABLE"}}
_AFTERWARDS = {STOP: {"STARTING"}, START: set[str]()}
"""States that can only follow what was asked for: its user has come back and starts it again."""
_FROM = {STOP: {"AVAILABLE"}, START: {"STOPPED"}}
_TRIES_OF_ONE = 3


@dataclass(slots=True, eq=False)
class Candidate:
    """One WorkSpace that is to be stopped or started, and what has become of it.

    ``why_not`` says why it is listed and left alone; ``saved_hours`` what its being stopped now
    saves of the hours that would be billed. ``is_lost``: AWS did not tell what it is.
    """

    workspace_id: str
    present: WorkspaceState | None = None
    last_connected_at: datetime | None = None
    expected_at: datetime | None = None
    chance: float | None = None
    saved_hours: float = 0.0
    why_not: str = ""
    outcome: Outcome | None = None
    message: str = ""
    meaning: Meaning | None = None
    asked_at: float = 0.0
    tries: int = 0
    is_lost: bool = False


@dataclass(eq=False, kw_only=True)
class PowerRunner:
    """Stops (or starts) WorkSpaces of one account and region; without *journal* a dry run.

    *recheck* says of a WorkSpace, looked at right before the call, why it is to be left alone.
    """

    kind: str
    writer: Writer
    looker: StateReader
    guards: Guards
    terms: Terms
    recheck: Callable[[WorkspaceState], str]
    journal: Journal | None = None
    has_asked: bool = False

    def run(self, candidates: Iterable[Candidate], allowed: set[str] | None) -> None:
        """Bring each to its end; of those that nothing is against the *allowed* (None: all)."""
        waiting = []
        for one in candidates:
            if one.why_not:
                self.close(one, Outcome.SKIPPED, one.why_not)
            elif allowed is not None and one.workspace_id not in allowed:
                self.close(one, Outcome.LEFT, "over the limit of this run")
            else:
                waiting.append(one)
        by_id = {one.workspace_id: one for one in waiting}
        for ids in chunked(by_id, PER_CALL):
            self.bring_to_an_end([by_id[name] for name in ids])

    def bring_to_an_end(self, group: list[Candidate]) -> None:
        """Look, ask, look again, until there is nothing left to wait for."""
        while group:
            try:
                seen = self.looker.look([one.workspace_id for one in group], tags=True,
                                        connected=True)
            except AwsError as error:
                if not self.has_asked:
                    raise
                for one in group:
                    one.is_lost = True
                    self.close(one, Outcome.UNKNOWN if one.tries else Outcome.SKIPPED,
                               f"AWS does not tell: {error.refusal.what}")
                return
            ready = [one for one in group if self.is_ready(one, seen.get(one.workspace_id))]
            if ready and self.journal is None:
                for one in ready:
                    self.close(one, Outcome.WOULD)
            elif ready:
                self.ask(ready)
            group = [one for one in group if one.outcome is None]
            if group and not ready:
                time.sleep(self.terms.patience.poll)

    def is_ready(self, one: Candidate, present: WorkspaceState | None) -> bool:
        """Whether to ask for it now; it may have come to its end instead."""
        if present is None:
            return self.close(one, Outcome.SKIPPED, "it is not there any more")
        one.present = present
        if one.tries and present.state in _AFTERWARDS[self.kind]:
            return self.close(one, Outcome.DONE)
        if present.state in _REACHED[self.kind]:
            return self.close(one, Outcome.DONE if one.tries else Outcome.ALREADY,
                              "" if one.tries else f"it is {present.state}")
        if one.tries and not self.has_waited(one):
            return False
        if reason := self.reason_against(present):
            return self.close(one, Outcome.SKIPPED, reason)
        return True

    def reason_against(self, present: WorkspaceState) -> str:
        """Why it is not to be asked for after all."""
        if reason := self.guards.against(present):
            return reason
        if present.running_mode != RunningMode.AUTO_STOP:
            return f"its running mode is {present.running_mode or 'not reported'}"
        if present.state not in _FROM[self.kind]:
            return f"its state is {present.state}"
        return self.recheck(present)

    def has_waited(self, one: Candidate) -> bool:
        """Whether an effect has been waited for long enough to ask again; it may end here."""
        patience, waited = self.terms.patience, time.monotonic() - one.asked_at
        if one.meaning is Meaning.TAKEN:
            if waited > patience.confirm:
                self.close(one, Outcome.FAILED, f"AWS took it, but after {waited:.0f} s it is "
                                                f"{one.present.state if one.present else '?'}")
            return False
        wait = patience.settle if one.meaning is Meaning.UNSURE else (
            min(20, patience.backoff * 2.0 ** (one.tries - 1)))
        if waited < wait:
            return False
        if one.tries >= patience.tries:
            self.close(one, Outcome.FAILED, f"given up after {one.tries} tries. {one.message}")
            return False
        return True

    def ask(self, group: list[Candidate]) -> None:
        """Make the call for all of *group*."""
        assert self.journal is not None
        self.has_asked = True
        act = self.writer.stop if self.kind == STOP else self.writer.start
        answer = act(self.journal, [one.workspace_id for one in group])
        for one in group:
            one.tries, one.asked_at = one.tries + 1, time.monotonic()
            one.meaning, one.message = answer.meaning, answer.code and (
                f"{answer.code}: {answer.message}")
            if answer.meaning is Meaning.REFUSED:
                self.close(one, Outcome.FAILED, f"AWS refused: {one.message}")
            elif one.workspace_id in answer.failed:
                self.note_failed(one, answer)

    def note_failed(self, one: Candidate, answer: Answer) -> None:
        """One row of FailedRequests: looked at and asked once more, then given up."""
        code, message = answer.failed[one.workspace_id]
        one.message, one.meaning = f"{code}: {message}", Meaning.LATER
        if one.tries >= _TRIES_OF_ONE:
            self.close(one, Outcome.FAILED, f"AWS refused: {one.message}")

    def close(self, one: Candidate, outcome: Outcome, message: str = "") -> bool:
        """It is over; gives False, for nothing is to be asked."""
        one.outcome, one.message = outcome, message
        if self.journal is not None:
            self.journal.write("outcome", workspace_id=one.workspace_id, outcome=str(outcome),
                               message=message, found=one.present.state if one.present else "")
        return False


@dataclass(frozen=True, kw_only=True)
class PowerJob:
    """What a command found to do in one account and region, and how a call is to be guarded."""

    writer: Writer
    looker: StateReader
    candidates: list[Candidate]
    recheck: Callable[[WorkspaceState], str]
    about: dict[str, Any] = field(default_factory=dict)


def _switch(
    kind: str, works: Iterable[PowerJob], allowed: set[str] | None, terms: Terms, book: Journal
) -> None:
    has_asked = False
    for work in works:
        switcher = _switcher(kind, work, terms, book)
        switcher.has_asked = has_asked
        switcher.run(work.candidates, allowed)
        has_asked = switcher.has_asked
    book.write("end")


def _break_off(candidates: Iterable[Candidate]) -> None:
    """The journal cannot be written any more: what is not over yet is told as it is known."""
    for one in candidates:
        if one.outcome is None:
            one.is_lost = True
            one.outcome = Outcome.UNKNOWN if one.tries else Outcome.SKIPPED
            one.message = "the journal cannot be written any more"


def jobs_of(
    writers: Writer | Sequence[Writer], job_of: Callable[[Writer], PowerJob],
    tell: Callable[[str], None],
) -> tuple[list[PowerJob], list[str]]:
    """What there is to do in each account and region, and who refused to be looked at.

    Raises :class:`AwsError` where all of them refuse.
    """
    works, refused = list[PowerJob](), list[AwsError]()
    for writer in [writers] if isinstance(writers, Writer) else writers:
        try:
            works.append(job_of(writer))
        except AwsError as error:
            refused.append(error)
    if refused and not works:
        raise refused[0]
    for one in refused:
        tell(str(one))
    return works, [str(one) for one in refused]


def start_or_stop(
    kind: str,
    works: Iterable[PowerJob],
    *,
    dry_run: bool,
    journal: Path | str | None,
    terms: Terms,
    refused: Sequence[str] = (),
) -> pd.DataFrame:
    """Do the *works* of all accounts and regions; a ``switched`` table of what became of each."""
    works = list(works)
    allowed = _allowed(kind, works, terms.limit)
    if not dry_run and journal is None:
        raise InputError("no journal is named", where="journal",
                         rule="every call is written down before it is made",
                         mend="pass journal=Path('actions.journal.jsonl')")
    if dry_run or journal is None:
        for work in works:
            _switcher(kind, work, terms, None).run(work.candidates, allowed)
    elif any(work.candidates for work in works):
        with ExitStack() as locks:
            book = locks.enter_context(open_journal(journal, clock=terms.clock))
            for work in works:
                locks.enter_context(work.writer.alone("power"))
            first = works[0].writer.connection
            book.begin(kind, wsanalytics=__version__, account_id=first.account_id,
                       region=first.region, caller=who_am_i(first).arn, limit=terms.limit,
                       **works[0].about)
            sent_before = sum(work.writer.sent for work in works)
            try:
                _switch(kind, works, allowed, terms, book)
            except JournalError as error:
                if sum(work.writer.sent for work in works) == sent_before:
                    raise
                terms.tell(f"{error} What was done before is in it.")
                refused = [*refused, str(error)]
                _break_off(one for work in works for one in work.candidates)
    frame = as_frame([one for work in works for one in work.candidates])
    frame.attrs[REFUSALS] = list(refused)
    return frame


def _allowed(kind: str, works: Iterable[PowerJob], limit: int | None) -> set[str] | None:
    """Those that the limit takes over all accounts and regions: who saves most, or comes surest."""
    if limit is None:
        return None
    free = [one for work in works for one in work.candidates if not one.why_not]
    free.sort(key=lambda one: (-one.saved_hours if kind == STOP else -(one.chance or 0),
                               one.workspace_id))
    return {one.workspace_id for one in free[:limit]}


def _switcher(kind: str, work: PowerJob, terms: Terms, journal: Journal | None) -> PowerRunner:
    return PowerRunner(kind=kind, writer=work.writer, looker=work.looker,
                    guards=Guards(opt_out_names(terms.opt_out)), terms=terms,
                    recheck=work.recheck, journal=journal)


def as_frame(candidates: list[Candidate]) -> pd.DataFrame:
    """A ``switched`` table, sorted by WorkSpace."""
    rows = []
    for one in sorted(candidates, key=lambda one: one.workspace_id):
        present = one.present
        rows.append((
            one.workspace_id, present.user_name if present else "",
            present.directory_id if present else "",
            str(present.setting or present.running_mode) if present else "",
            present.state if present else "", one.last_connected_at, one.expected_at,
            one.chance, one.saved_hours, str(one.outcome or ""), one.message,
        ))
    frame = pd.DataFrame(rows, columns=list(SWITCHED.names))
    frame.attrs[BY_RULE] = [one.workspace_id for one in candidates if not one.is_lost]
    return frame.astype({column.name: column.dtype for column in SWITCHED.columns
                         if column.kind is not Kind.FLAG})
