"""Create WorkSpaces for named users: checked before, journalled, looked at after."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from wsanalytics.actions.change_setting import Outcome
from wsanalytics.actions.journal import Journal, JournalError, open_journal
from wsanalytics.actions.run import Terms
from wsanalytics.aws import PER_CALL, AwsError, Meaning, StateReader, Writer, who_am_i
from wsanalytics.errors import InputError
from wsanalytics.tables import CREATED
from wsanalytics.version import __version__

Request = Mapping[str, Any]
"""One of the ``Workspaces`` of a CreateWorkspaces request."""


@dataclass(slots=True, eq=False)
class _Creation:
    request: Request
    workspace_id: str = ""
    state: str = ""
    outcome: Outcome | None = None
    message: str = ""
    tries: int = 0
    meaning: Meaning | None = None
    asked_at: float = 0.0


def create_workspaces(
    requests: Sequence[Request],
    writer: Writer,
    *,
    dry_run: bool = True,
    journal: Path | str | None = None,
    terms: Terms | None = None,
) -> pd.DataFrame:
    """Create a WorkSpace for each of *requests*, or with *dry_run* say for whom.

    Whoever has one in that directory gets no other. A real run needs *journal*. What was created
    cannot be taken back by wsanalytics: it terminates nothing. Gives a ``created`` table.
    """
    terms = terms or Terms()
    if not dry_run and journal is None:
        raise InputError("no journal is named", where="journal",
                         rule="every call is written down before it is made",
                         mend="pass journal=Path('creations.journal.jsonl')")
    creations = [_Creation(one) for one in requests]
    if dry_run or journal is None:
        _create(creations, writer, terms, None)
    else:
        with open_journal(journal, clock=terms.clock) as book:
            where = writer.connection
            book.begin("create", wsanalytics=__version__, account_id=where.account_id,
                       region=where.region, caller=who_am_i(where).arn, limit=terms.limit)
            sent_before = writer.sent
            try:
                _create(creations, writer, terms, book)
                book.write("end")
            except JournalError as error:
                if writer.sent == sent_before:
                    raise
                terms.tell(f"{error} What was asked for before is in it.")
                for one in [one for one in creations if one.outcome is None]:
                    one.outcome = Outcome.UNKNOWN if one.tries else Outcome.SKIPPED
                    one.message = "the journal cannot be written any more"
    return _frame(creations)


def _create(
    creations: list[_Creation], writer: Writer, terms: Terms, journal: Journal | None
) -> None:
    looker = StateReader(writer.connection)
    for one in creations:
        _look_for(one, looker, journal)
    new = [one for one in creations if one.outcome is None]
    kept = new if terms.limit is None else new[: terms.limit]
    for one in new[len(kept) :]:
        _close(one, Outcome.LEFT, "over the limit of this run", journal)
    if journal is None:
        for one in kept:
            _close(one, Outcome.WOULD, "", None)
        return
    for place in range(0, len(kept), PER_CALL):
        group = kept[place : place + PER_CALL]
        while group:
            _ask(group, writer, journal)
            time.sleep(0 if all(one.outcome for one in group) else _pause(group, terms))
            group = [one for one in group if one.outcome is None]
            for one in group:
                _look_again(one, looker, journal)
            group = [one for one in group if one.outcome is None]
            for one in [one for one in group if one.tries >= terms.patience.tries]:
                _close(one, Outcome.FAILED, f"given up after {one.tries} tries. {one.message}",
                       journal)
            group = [one for one in group if one.outcome is None]


def _pause(group: list[_Creation], terms: Terms) -> float:
    """How long to wait before it is looked whether they are there after all."""
    if any(one.meaning is Meaning.UNSURE for one in group):
        return terms.patience.settle
    return min(20, terms.patience.backoff * 2.0 ** (max(one.tries for one in group) - 1))


def _look_for(one: _Creation, looker: StateReader, journal: Journal | None) -> None:
    """Has the user a WorkSpace in that directory? Then it is over."""
    found = looker.of_user(one.request["DirectoryId"], one.request["UserName"])
    alive = [there for there in found if there.state not in {"TERMINATING", "TERMINATED"}]
    if not alive:
        return
    one.workspace_id, one.state = alive[0].workspace_id, alive[0].state
    if not one.tries:
        _close(one, Outcome.SKIPPED, "the user has a WorkSpace in this directory already", journal)
    elif _as_asked(one.request, alive[0].described):
        _close(one, Outcome.DONE, "", journal)
    else:
        _close(one, Outcome.FAILED, f"it is there, but set to {alive[0].setting}", journal)


def _look_again(one: _Creation, looker: StateReader, journal: Journal | None) -> None:
    """Look for what was asked for; where AWS does not tell, nobody knows."""
    try:
        _look_for(one, looker, journal)
    except AwsError as error:
        _close(one, Outcome.UNKNOWN, f"AWS does not tell: {error.refusal.what}", journal)


def _as_asked(request: Request, described: Mapping[str, Any]) -> bool:
    there = described.get("WorkspaceProperties") or {}
    return all(there.get(name) == value for name, value in request["WorkspaceProperties"].items())


def _ask(group: list[_Creation], writer: Writer, journal: Journal) -> None:
    answer = writer.create(journal, [one.request for one in group])
    pending = {one["UserName"]: one for one in answer.body.get("PendingRequests") or ()}
    for one in group:
        one.tries, one.meaning, name = one.tries + 1, answer.meaning, one.request["UserName"]
        one.message = f"{answer.code}: {answer.message}" if answer.code else ""
        if answer.meaning is Meaning.REFUSED:
            _close(one, Outcome.FAILED, f"AWS refused: {one.message}", journal)
        elif name in answer.failed:
            code, why = answer.failed[name]
            _close(one, Outcome.FAILED, f"AWS refused: {code}: {why}", journal)
        elif name in pending and _as_asked(one.request, pending[name]):
            one.workspace_id = pending[name]["WorkspaceId"]
            one.state = pending[name].get("State", "PENDING")
            _close(one, Outcome.DONE, "", journal)


def _close(one: _Creation, outcome: Outcome, message: str, journal: Journal | None) -> None:
    one.outcome, one.message = outcome, message
    if journal is not None:
        journal.write("outcome", workspace_id=one.workspace_id, user_name=one.request["UserName"],
                      outcome=str(outcome), message=message, found=one.state)


def _frame(creations: list[_Creation]) -> pd.DataFrame:
    rows = []
    for one in creations:
        properties = one.request["WorkspaceProperties"]
        minutes = properties.get("RunningModeAutoStopTimeoutInMinutes")
        setting = properties["RunningMode"] + (f":{minutes}" if minutes else "")
        rows.append((one.request["UserName"], one.workspace_id, one.request["DirectoryId"],
                     one.request["BundleId"], setting, one.state, str(one.outcome or ""),
                     one.message))
    frame = pd.DataFrame(rows, columns=list(CREATED.names)).astype("str")
    return frame.sort_values("user_name", ignore_index=True)
