"""Stop and start WorkSpaces, 25 to a call: read right before, read back after, journalled.

Who is to be stopped or started stands in :mod:`.stop_idle` and :mod:`.start_early`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from wsanalytics.actions.guards import Guards, opt_out_names
from wsanalytics.actions.journal import Journal, JournalError, open_journal
from wsanalytics.actions.journalled import (
    JOURNAL_LOST,
    begin_run,
    check_journal,
    survive_broken_journal,
)
from wsanalytics.actions.outcomes import BY_RULE, REFUSALS, Outcome
from wsanalytics.actions.retry import (
    Attempts,
    Step,
    failure_of,
    next_step,
    read_with_retries,
)
from wsanalytics.actions.run import RunOptions
from wsanalytics.aws import (
    PER_CALL,
    Answer,
    AwsError,
    Meaning,
    StateReader,
    WorkspaceState,
    Writer,
    chunked,
)
from wsanalytics.billing import billable
from wsanalytics.settings import RunningMode
from wsanalytics.tables import SWITCHED, Kind

STOP, START = "stop-idle", "start-early"
_REACHED = {STOP: {"STOPPING", "STOPPED"}, START: {"STARTING", "AVAILABLE"}}
_AFTERWARDS = {STOP: {"STARTING"}, START: set[str]()}
"""States that can only follow what was asked for: its user has come back and starts it again."""
_FROM = {STOP: {"AVAILABLE"}, START: {"STOPPED"}}
_MOST_FAILED_REQUESTS = 3
"""The number of times that AWS may name a WorkSpace in FailedRequests before it is given up."""
_EXAMPLE = "actions.journal.jsonl"


@dataclass(slots=True, eq=False)
class Candidate:
    """One WorkSpace that is to be stopped or started, and what has become of it.

    ``why_not`` says why it is listed and left alone; ``saved_hours`` what its being stopped now
    saves of the hours that would be billed. ``is_lost``: AWS did not say what it is.
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
    attempts: Attempts = field(default_factory=Attempts)
    is_lost: bool = False


@dataclass(eq=False, kw_only=True)
class PowerRunner:
    """Stops (or starts) WorkSpaces of one account and region; without *journal* a dry run.

    *recheck* says of a WorkSpace, read right before the call, why it is to be left alone.
    """

    kind: str
    writer: Writer
    reader: StateReader
    guards: Guards
    options: RunOptions
    recheck: Callable[[WorkspaceState], str]
    journal: Journal | None = None
    has_sent: bool = False

    def run(self, candidates: Iterable[Candidate], allowed: set[str] | None) -> None:
        """Bring each to its end; of those that nothing is against the *allowed* (None: all)."""
        waiting = []
        for candidate in candidates:
            if candidate.why_not:
                self.finish(candidate, Outcome.SKIPPED, candidate.why_not)
            elif allowed is not None and candidate.workspace_id not in allowed:
                self.finish(candidate, Outcome.LEFT, "over the limit of this run")
            else:
                waiting.append(candidate)
        by_id = {candidate.workspace_id: candidate for candidate in waiting}
        for ids in chunked(by_id, PER_CALL):
            self.bring_to_an_end([by_id[workspace_id] for workspace_id in ids])

    def bring_to_an_end(self, group: list[Candidate]) -> None:
        """Read, send, and read again, until there is nothing left to wait for."""
        while group:
            try:
                states = self.read(group)
            except AwsError as error:
                if not self.has_sent:
                    raise
                self.abort(group, error)
                return
            # Read right before each call: of those that have changed since, nothing is sent.
            ready = [candidate for candidate in group
                     if self.is_ready(candidate, states.get(candidate.workspace_id))]
            if ready and self.journal is None:
                for candidate in ready:
                    self.finish(candidate, Outcome.WOULD)
            elif ready:
                self.send(ready)
            group = [candidate for candidate in group if candidate.outcome is None]
            if group and not ready:
                self.options.retry.sleep(self.options.retry.poll_seconds)

    def read(self, group: list[Candidate]) -> dict[str, WorkspaceState]:
        """Read what the WorkSpaces of *group* are now, and whether their users are there."""
        ids = [candidate.workspace_id for candidate in group]
        return read_with_retries(
            lambda: self.reader.read(ids, tags=True, connected=True), self.options.retry
        )

    def abort(self, group: list[Candidate], error: AwsError) -> None:
        """End *group*, for AWS does not answer any more."""
        for candidate in group:
            candidate.is_lost = True
            outcome = Outcome.UNKNOWN if candidate.attempts.count else Outcome.SKIPPED
            self.finish(candidate, outcome, f"AWS does not tell: {error.refusal.what}")

    def is_ready(self, candidate: Candidate, state: WorkspaceState | None) -> bool:
        """Whether to send a request for it now; it may have come to its end instead."""
        if state is None:
            return self.finish(candidate, Outcome.SKIPPED, "it is not there any more")
        candidate.present = state
        was_sent = candidate.attempts.count > 0
        # A user who comes back starts it again, which only works once it was stopped: so it was.
        if was_sent and state.state in _AFTERWARDS[self.kind]:
            return self.finish(candidate, Outcome.DONE)
        if state.state in _REACHED[self.kind]:
            return self.finish(candidate, Outcome.DONE if was_sent else Outcome.ALREADY,
                               "" if was_sent else f"it is {state.state}")
        if was_sent and not self.may_retry(candidate, state):
            return False
        if reason := self.reason_against(state):
            return self.finish(candidate, Outcome.SKIPPED, reason)
        return True

    def reason_against(self, state: WorkspaceState) -> str:
        """Give the reason why nothing is to be sent for it after all."""
        if reason := self.guards.against(state):
            return reason
        if self.kind == STOP and (reason := self.guards.against_stopping(state)):
            return reason
        if state.running_mode != RunningMode.AUTO_STOP:
            return f"its running mode is {state.running_mode or 'not reported'}"
        if state.state not in _FROM[self.kind]:
            return f"its state is {state.state}"
        return self.recheck(state)

    def may_retry(self, candidate: Candidate, state: WorkspaceState) -> bool:
        """Whether the request may be sent once more now; the candidate may end here instead."""
        step = next_step(candidate.attempts, self.options.retry)
        if why := failure_of(step, candidate.attempts, self.options.retry, state.state):
            self.finish(candidate, Outcome.FAILED, why)
        return step is Step.SEND

    def send(self, group: list[Candidate]) -> None:
        """Make the call for all of *group*."""
        assert self.journal is not None
        self.has_sent = True
        call = self.writer.stop if self.kind == STOP else self.writer.start
        answer = call(self.journal, [candidate.workspace_id for candidate in group])
        for candidate in group:
            candidate.attempts.record(answer, sent_at=self.options.retry.monotonic())
            if answer.meaning is Meaning.REFUSED:
                self.finish(candidate, Outcome.FAILED,
                            f"AWS refused: {candidate.attempts.message}")
            elif candidate.workspace_id in answer.failed:
                self.note_failed(candidate, answer)

    def note_failed(self, candidate: Candidate, answer: Answer) -> None:
        """Keep one row of FailedRequests: it is read and sent again, and soon given up."""
        code, message = answer.failed[candidate.workspace_id]
        attempts = candidate.attempts
        attempts.message, attempts.meaning = f"{code}: {message}", Meaning.LATER
        if attempts.count >= _MOST_FAILED_REQUESTS:
            self.finish(candidate, Outcome.FAILED, f"AWS refused: {attempts.message}")

    def finish(self, candidate: Candidate, outcome: Outcome, message: str = "") -> bool:
        """End it, in the journal as well; gives False, for nothing is to be sent."""
        candidate.outcome, candidate.message = outcome, message
        if self.journal is not None:
            self.journal.write(
                "outcome", workspace_id=candidate.workspace_id, outcome=str(outcome),
                message=message, found=candidate.present.state if candidate.present else "")
        return False


@dataclass(frozen=True, kw_only=True)
class PowerJob:
    """The work of a command in one account and region, and how each call is guarded."""

    writer: Writer
    reader: StateReader
    candidates: list[Candidate]
    recheck: Callable[[WorkspaceState], str]
    about: dict[str, Any] = field(default_factory=dict)


class Finder(Protocol):
    """Finds what is to be stopped or started in one account and region."""

    def find(self, workspaces: pd.DataFrame) -> list[Candidate]:
        """Find those of *workspaces* that are to be stopped or started, or listed with a reason."""

    def recheck(self, present: WorkspaceState) -> str:
        """Give the reason against it after all, by a read right before the call."""


def _break_off(candidates: Iterable[Candidate]) -> None:
    """Say what became of those that are not over, for the journal cannot be written any more."""
    for candidate in candidates:
        if candidate.outcome is None:
            candidate.is_lost = True
            candidate.outcome = (
                Outcome.UNKNOWN if candidate.attempts.count else Outcome.SKIPPED)
            candidate.message = JOURNAL_LOST


def jobs_of(
    writers: Writer | Sequence[Writer], workspaces: pd.DataFrame,
    finder_of: Callable[[StateReader], Finder], *, about: dict[str, Any],
    log: Callable[[str], None],
) -> tuple[list[PowerJob], list[str]]:
    """Give what there is to do in each account and region, and who refused to be read.

    *workspaces* is the fleet; *about* goes into the journal's entry with which the run begins.
    Raises :class:`AwsError` where all of them refuse.
    """
    jobs, refused = list[PowerJob](), list[AwsError]()
    for writer in [writers] if isinstance(writers, Writer) else writers:
        try:
            reader = StateReader(writer.connection)
            finder = finder_of(reader)
            candidates = finder.find(_of_account_region(workspaces, writer))
            jobs.append(PowerJob(writer=writer, reader=reader, candidates=candidates,
                                 recheck=finder.recheck, about=about))
        except AwsError as error:
            refused.append(error)
    if refused and not jobs:
        raise refused[0]
    refusals = [str(refusal) for refusal in refused]
    for refusal in refusals:
        log(refusal)
    return jobs, refusals


def _of_account_region(workspaces: pd.DataFrame, writer: Writer) -> pd.DataFrame:
    """Return the living WorkSpaces of a writer's account and region that can be stopped."""
    where = writer.connection
    is_candidate = (
        (workspaces["account_id"] == where.account_id) & (workspaces["region"] == where.region)
        & workspaces["terminated_at"].isna() & billable(workspaces)
    )
    return workspaces[is_candidate].reset_index(drop=True)


def start_or_stop(
    kind: str,
    jobs: Iterable[PowerJob],
    *,
    dry_run: bool,
    journal: Path | str | None,
    options: RunOptions,
    refused: Sequence[str] = (),
) -> pd.DataFrame:
    """Do the *jobs* of all accounts and regions; a ``switched`` table of what became of each."""
    jobs = list(jobs)
    candidates = [candidate for job in jobs for candidate in job.candidates]
    allowed = _allowed(kind, candidates, options.limit)
    refusals = list(refused)
    if dry_run:
        for job in jobs:
            _runner(kind, job, options, None).run(job.candidates, allowed)
    else:
        path = check_journal(journal, example=_EXAMPLE)
        if candidates:  # else there is nothing to write down
            refusals += _run_journalled(kind, jobs, allowed, options, path)
    frame = as_frame(candidates)
    frame.attrs[REFUSALS] = refusals
    return frame


def _run_journalled(
    kind: str, jobs: Sequence[PowerJob], allowed: set[str] | None, options: RunOptions, path: Path
) -> list[str]:
    """Do the *jobs* for real; what went wrong with the journal, if anything did."""
    refusals: list[str] = []

    def broken_off(error: JournalError) -> None:
        options.log(f"{error} What was done before is in it.")
        refusals.append(str(error))
        _break_off(candidate for job in jobs for candidate in job.candidates)

    writers = [job.writer for job in jobs]
    with ExitStack() as locks:
        book = locks.enter_context(open_journal(path, clock=options.clock))
        for writer in writers:
            locks.enter_context(writer.alone("power"))
        begin_run(book, kind, writers, limit=options.limit, **jobs[0].about)
        with survive_broken_journal(writers, broken_off=broken_off):
            _run_all(kind, jobs, allowed, options, book)
    return refusals


def _run_all(
    kind: str, jobs: Iterable[PowerJob], allowed: set[str] | None, options: RunOptions,
    journal: Journal,
) -> None:
    has_sent = False
    for job in jobs:
        runner = _runner(kind, job, options, journal)
        runner.has_sent = has_sent  # once something was sent anywhere, a failed read ends no run
        runner.run(job.candidates, allowed)
        has_sent = runner.has_sent
    journal.write("end")


def _allowed(kind: str, candidates: Iterable[Candidate], limit: int | None) -> set[str] | None:
    """Give those within the limit over all accounts and regions: who saves most, comes surest."""
    if limit is None:
        return None
    free = [candidate for candidate in candidates if not candidate.why_not]
    # The limit cuts at the end, so those that matter most come first.
    free.sort(key=lambda candidate: (
        -candidate.saved_hours if kind == STOP else -(candidate.chance or 0),
        candidate.workspace_id))
    return {candidate.workspace_id for candidate in free[:limit]}


def _runner(
    kind: str, job: PowerJob, options: RunOptions, journal: Journal | None
) -> PowerRunner:
    return PowerRunner(kind=kind, writer=job.writer, reader=job.reader,
                       guards=Guards(opt_out_names(options.opt_out), rules=options.rules,
                                     described_of=job.reader.described,
                                     allow_losing_open_programs=options.allow_losing_open_programs),
                       options=options,
                       recheck=job.recheck, journal=journal)


def as_frame(candidates: list[Candidate]) -> pd.DataFrame:
    """Give the ``switched`` table, sorted by WorkSpace."""
    rows = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.workspace_id):
        state = candidate.present
        rows.append((
            candidate.workspace_id, state.user_name if state else "",
            state.directory_id if state else "",
            str(state.setting or state.running_mode) if state else "",
            state.state if state else "", candidate.last_connected_at, candidate.expected_at,
            candidate.chance, candidate.saved_hours, str(candidate.outcome or ""),
            candidate.message,
        ))
    frame = pd.DataFrame(rows, columns=list(SWITCHED.names))
    frame.attrs[BY_RULE] = [
        candidate.workspace_id for candidate in candidates if not candidate.is_lost]
    return frame.astype({column.name: column.dtype for column in SWITCHED.columns
                         if column.kind is not Kind.FLAG})
