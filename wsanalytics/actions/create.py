"""Create WorkSpaces for named users: checked before, journalled, read back after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from wsanalytics.actions.journal import Journal, JournalError, open_journal
from wsanalytics.actions.journalled import (
    JOURNAL_LOST,
    begin_run,
    check_journal,
    survive_broken_journal,
)
from wsanalytics.actions.outcomes import Outcome
from wsanalytics.actions.retry import (
    Attempts,
    Step,
    failure_of,
    next_step,
    read_with_retries,
)
from wsanalytics.actions.run import RunOptions
from wsanalytics.aws import PER_CALL, AwsError, Meaning, StateReader, Writer, chunked
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.tables import CREATED

Request = Mapping[str, Any]
"""One of the ``Workspaces`` of a CreateWorkspaces request."""


@dataclass(slots=True, eq=False)
class _Creation:
    """One WorkSpace that is to be created, and what has become of it."""

    request: Request
    workspace_id: str = ""
    state: str = ""
    outcome: Outcome | None = None
    message: str = ""
    attempts: Attempts = field(default_factory=Attempts)


@renamed_arguments(terms="options")
def create_workspaces(
    requests: Sequence[Request],
    writer: Writer,
    *,
    dry_run: bool = True,
    journal: Path | str | None = None,
    options: RunOptions | None = None,
) -> pd.DataFrame:
    """Create a WorkSpace for each of *requests*, or with *dry_run* say for whom.

    Whoever has one in that directory gets no other. A real run needs *journal*. What was created
    cannot be taken back by wsanalytics: it terminates nothing. Gives a ``created`` table. Raises
    :class:`InputError` where no journal is named, and :class:`AwsError` where AWS cannot be asked.
    """
    options = options or RunOptions()
    creations = [_Creation(request) for request in requests]
    if dry_run:
        _Creator(writer, options, None).run(creations)
        return _frame(creations)
    path = check_journal(journal, example="creations.journal.jsonl")

    def broken_off(error: JournalError) -> None:
        options.log(f"{error} What was asked for before is in it.")
        for creation in [creation for creation in creations if creation.outcome is None]:
            creation.outcome = Outcome.UNKNOWN if creation.attempts.count else Outcome.SKIPPED
            creation.message = JOURNAL_LOST

    with open_journal(path, clock=options.clock) as book:
        begin_run(book, "create", [writer], limit=options.limit)
        with survive_broken_journal([writer], broken_off=broken_off):
            _Creator(writer, options, book).run(creations)
            book.write("end")
    return _frame(creations)


class _Creator:
    """Creates WorkSpaces in one account and region; without *journal* a dry run."""

    def __init__(self, writer: Writer, options: RunOptions, journal: Journal | None) -> None:
        self.writer, self.options, self.journal = writer, options, journal
        self.reader = StateReader(writer.connection)

    def run(self, creations: list[_Creation]) -> None:
        """Bring all of them to their end, as many as the limit allows."""
        for creation in creations:
            self.read(creation)
        # Whoever has a WorkSpace already is finished by read(), and takes nothing from the limit.
        new = [creation for creation in creations if creation.outcome is None]
        within = new if self.options.limit is None else new[: self.options.limit]
        for creation in new[len(within) :]:
            self.finish(creation, Outcome.LEFT, "over the limit of this run")
        if self.journal is None:
            for creation in within:
                self.finish(creation, Outcome.WOULD)
            return
        for group in chunked(within, PER_CALL):
            self.bring_to_an_end(group)

    def bring_to_an_end(self, group: list[_Creation]) -> None:
        """Send, and read whether they are there, until there is nothing left to wait for."""
        ready = group
        while group:
            if ready:
                self.send(ready)
                group = [creation for creation in group if creation.outcome is None]
            if group:
                self.options.retry.sleep(self.options.retry.poll_seconds)
            # What is due is decided before the reads: only a read that began after the wait shows
            # that a request had no effect. A round of reads may take longer than the wait itself.
            steps = [(creation, next_step(creation.attempts, self.options.retry))
                     for creation in group]
            for creation, step in steps:
                if step is not Step.WAIT or creation.attempts.meaning is Meaning.TAKEN:
                    self.read_again(creation)
            ready = [creation for creation, step in steps
                     if creation.outcome is None and self.may_retry(creation, step)]
            group = [creation for creation in group if creation.outcome is None]

    def read(self, creation: _Creation) -> None:
        """Look for a WorkSpace of the user in that directory; if there is one, it is over."""
        request = creation.request
        states = self.reader.of_user(request["DirectoryId"], request["UserName"])
        alive = [state for state in states if state.state not in {"TERMINATING", "TERMINATED"}]
        if not alive:
            return
        creation.workspace_id, creation.state = alive[0].workspace_id, alive[0].state
        if not creation.attempts.count:
            self.finish(creation, Outcome.SKIPPED,
                        "the user has a WorkSpace in this directory already")
        # The user's WorkSpace appeared after our request: it is ours if it is set as requested.
        elif _is_as_asked(request, alive[0].described):
            self.finish(creation, Outcome.DONE)
        else:
            self.finish(creation, Outcome.FAILED, f"it is there, but set to {alive[0].setting}")

    def read_again(self, creation: _Creation) -> None:
        """Look for what was asked for; where AWS goes on failing to answer, nobody knows."""
        try:
            read_with_retries(lambda: self.read(creation), self.options.retry)
        except AwsError as error:
            self.finish(creation, Outcome.UNKNOWN, f"AWS does not tell: {error.refusal.what}")

    def may_retry(self, creation: _Creation, step: Step) -> bool:
        """Whether the request may be sent once more now; the creation may end here instead."""
        if why := failure_of(step, creation.attempts, self.options.retry, "not there"):
            self.finish(creation, Outcome.FAILED, why)
        return step is Step.SEND

    def send(self, group: list[_Creation]) -> None:
        """Make the call for all of *group*."""
        assert self.journal is not None
        answer = self.writer.create(self.journal, [creation.request for creation in group])
        pending = {described["UserName"]: described
                   for described in answer.body.get("PendingRequests") or ()}
        for creation in group:
            creation.attempts.record(answer, sent_at=self.options.retry.monotonic())
            creation.message, name = creation.attempts.message, creation.request["UserName"]
            if answer.meaning is Meaning.REFUSED:
                self.finish(creation, Outcome.FAILED, f"AWS refused: {creation.message}")
            elif name in answer.failed:
                code, why = answer.failed[name]
                self.finish(creation, Outcome.FAILED, f"AWS refused: {code}: {why}")
            # PENDING is as good as done: AWS has accepted it with its id, and goes on alone.
            elif name in pending and _is_as_asked(creation.request, pending[name]):
                creation.workspace_id = pending[name]["WorkspaceId"]
                creation.state = pending[name].get("State", "PENDING")
                self.finish(creation, Outcome.DONE)

    def finish(self, creation: _Creation, outcome: Outcome, message: str = "") -> None:
        """End it, in the journal as well."""
        creation.outcome, creation.message = outcome, message
        if self.journal is not None:
            self.journal.write(
                "outcome", workspace_id=creation.workspace_id,
                user_name=creation.request["UserName"], outcome=str(outcome), message=message,
                found=creation.state)


def _is_as_asked(request: Request, described: Mapping[str, Any]) -> bool:
    actual = described.get("WorkspaceProperties") or {}
    return all(actual.get(name) == value
               for name, value in request["WorkspaceProperties"].items())


def _frame(creations: list[_Creation]) -> pd.DataFrame:
    rows = []
    for creation in creations:
        request, properties = creation.request, creation.request["WorkspaceProperties"]
        minutes = properties.get("RunningModeAutoStopTimeoutInMinutes")
        setting = properties["RunningMode"] + (f":{minutes}" if minutes else "")
        rows.append((request["UserName"], creation.workspace_id, request["DirectoryId"],
                     request["BundleId"], setting, creation.state, str(creation.outcome or ""),
                     creation.message))
    frame = pd.DataFrame(rows, columns=list(CREATED.names)).astype("str")
    return frame.sort_values("user_name", ignore_index=True)
