"""Read a journal: which changes were made, which were not, and which are uncertain.

A :class:`ChangeAttempt` is one change of one WorkSpace in one run. A :class:`NetChange` is what the
attempts on one WorkSpace come to together: the setting it had before any of them, and the one that
it was given last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wsanalytics.actions.journal import Entry
from wsanalytics.errors import InputError
from wsanalytics.settings import RunningMode, Setting

DONE, ALREADY = "done", "already in force"
_NO_ANSWER = ""
_MAY_HAVE_BEEN_DONE = {_NO_ANSWER, "taken", "unsure"}


@dataclass(slots=True)
class CallRecord:
    """One call of an attempt: what was asked, when, and what the answer meant (empty: none)."""

    properties: Mapping[str, Any]
    at: datetime
    meaning: str = _NO_ANSWER


@dataclass(slots=True)
class ChangeAttempt:
    """One change of one WorkSpace in one run of apply or undo, as far as it came.

    ``run_begin`` is the entry with which its run began; ``outcome`` is empty where a kill came
    first.
    """

    kind: str
    run_begin: Mapping[str, Any]
    workspace_id: str
    user_name: str
    account_id: str
    region: str
    before: Setting
    after: Setting
    promise: Mapping[str, Any]
    calls: list[CallRecord] = field(default_factory=list)
    outcome: str = ""
    message: str = ""

    @property
    def touched(self) -> bool:
        """Whether a call was made that may have changed something."""
        return any(call.meaning in _MAY_HAVE_BEEN_DONE for call in self.calls)


@dataclass(slots=True)
class NetChange:
    """The net effect of the attempts on one WorkSpace; ``is_sure`` if the last attempt ended.

    ``since`` is when the last call was made; ``latest`` the attempt that it belongs to.
    """

    original: Setting
    current: Setting
    since: datetime
    latest: ChangeAttempt
    is_sure: bool
    is_being_undone: bool = False

    @property
    def may_be_partial(self) -> bool:
        """Whether it may have got its mode and not its timeout: any AUTO_STOP may be our doing."""
        attempt = self.latest
        return not self.is_sure and attempt.before.running_mode is not attempt.after.running_mode


@dataclass(slots=True)
class JournalState:
    """The state that the entries of a journal come to.

    ``net_changes`` by WorkSpace; ``interrupted`` the kind of the last run if it has no end.
    """

    attempts: list[ChangeAttempt]
    net_changes: dict[str, NetChange]
    interrupted: str

    def unfinished(self) -> list[NetChange]:
        """Return the WorkSpaces of which it is not known whether the change came to its end."""
        return [net_change for net_change in self.net_changes.values() if not net_change.is_sure]


def journal_state(entries: Iterable[Entry]) -> JournalState:
    """Read the state from *entries*; :class:`InputError` for one that cannot have been written."""
    begins: dict[str, Entry] = {}
    attempts: dict[tuple[str, str], ChangeAttempt] = {}
    calls: dict[str, CallRecord] = {}
    acted: list[str] = []
    ended: set[str] = set()
    for line, entry in enumerate(entries, start=1):
        try:
            match entry["event"]:
                case "begin":
                    begins[entry["run"]] = entry
                    continue
                case "end":
                    ended.add(entry["run"])
                case event:
                    _take(event, entry, begins, attempts, calls)
            # "mended" only records that a cut-off line was dropped: it belongs to no run's work.
            if entry["event"] != "mended":
                acted.append(entry["run"])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError,
                InputError) as error:
            raise InputError(
                f"the entry {entry.get('event')!r} lacks what it needs ({error})",
                where=f"the journal, line {line}",
                rule="a journal is written by wsanalytics alone and never edited",
                fix="restore it from a backup") from error
    all_attempts = list(attempts.values())
    # Runs of one journal never overlap (it is locked), so only the last one can lack its end.
    is_open = bool(acted) and acted[-1] not in ended and acted[-1] in begins
    interrupted = str(begins[acted[-1]]["kind"]) if is_open else ""
    return JournalState(all_attempts, _net_changes(all_attempts), interrupted)


def _take(
    event: str, entry: Entry, begins: Mapping[str, Entry],
    attempts: dict[tuple[str, str], ChangeAttempt], calls: dict[str, CallRecord],
) -> None:
    run = entry["run"]
    if event == "change":
        run_begin = begins[run]
        attempts[run, entry["workspace_id"]] = ChangeAttempt(
            run_begin["kind"], run_begin, entry["workspace_id"], entry["user_name"],
            entry["account_id"], entry["region"], Setting.from_properties(entry["from"]),
            Setting.from_properties(entry["to"]), entry.get("promise") or {})
    elif event == "call" and "WorkspaceId" in entry["request"]:
        record = CallRecord(entry["request"]["WorkspaceProperties"], instant_of(entry["at"]))
        calls[entry["call"]] = record
        attempts[run, entry["request"]["WorkspaceId"]].calls.append(record)
    elif event == "answer" and entry["call"] in calls:
        calls[entry["call"]].meaning = entry["meaning"]
    elif event == "outcome" and (run, entry["workspace_id"]) in attempts:
        attempt = attempts[run, entry["workspace_id"]]
        attempt.outcome, attempt.message = entry["outcome"], entry.get("message", "")
    elif event == "stray" and entry["outcome"] == DONE:
        of_workspace = [attempt for attempt in attempts.values()
                        if attempt.workspace_id == entry["workspace_id"]]
        of_workspace[-1].outcome = DONE


def _net_changes(attempts: Iterable[ChangeAttempt]) -> dict[str, NetChange]:
    net_changes: dict[str, NetChange] = {}
    for attempt in attempts:
        before = net_changes.get(attempt.workspace_id)
        if attempt.kind == "undo":
            # A finished undo cancels the change; one that was cut off leaves it uncertain.
            if attempt.outcome in {DONE, ALREADY}:
                net_changes.pop(attempt.workspace_id, None)
            elif before and attempt.touched:
                before.is_sure, before.is_being_undone = False, True
        elif attempt.touched or (before and attempt.outcome in {DONE, ALREADY}):
            since = attempt.calls[-1].at if attempt.touched or before is None else before.since
            net_changes[attempt.workspace_id] = NetChange(
                _original(before, attempt), attempt.after, since, attempt,
                is_sure=attempt.outcome in {DONE, ALREADY})
    # Changed there and back again by two plans: nothing is left to undo.
    return {name: net for name, net in net_changes.items()
            if not net.is_sure or net.original != net.current}


def _original(before: NetChange | None, attempt: ChangeAttempt) -> Setting:
    """Give the setting to go back to: across our own consecutive changes, and no further back."""
    if before is None:
        return attempt.before
    is_resumed = (before.latest.before, before.current) == (attempt.before, attempt.after)
    is_between = before.may_be_partial and attempt.before.running_mode is RunningMode.AUTO_STOP
    follows = is_resumed or is_between or before.current == attempt.before
    return before.original if follows else attempt.before


def instant_of(text: str) -> datetime:
    """Read an instant that a journal wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)
