"""Changes of setting, made one by one: checked before, asked for, and read back after.

What is to be done next with a WorkSpace always follows from a fresh look at it, so that it makes
no difference whether an answer was lost, a run was killed, or somebody else was faster: what is in
force is not asked for again, and what is not can be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

import pandas as pd

from wsanalytics.actions.guards import PASSING, Guards
from wsanalytics.actions.journal import Journal
from wsanalytics.actions.ledger import properties_of
from wsanalytics.aws import AwsError, Meaning, StateReader, WorkspaceState, Writer
from wsanalytics.settings import RunningMode, Setting

MODE, TIMEOUT = "RunningMode", "RunningModeAutoStopTimeoutInMinutes"
Properties = Mapping[str, str | int]


class Outcome(StrEnum):
    """What became of one change."""

    DONE = "done"
    ALREADY = "already in force"
    WOULD = "would be done"
    NOT_DUE = "not due"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    LEFT = "left for the next run"


_PASSING_KINDS = {"server", "slow", "unreachable", "cut", "odd", "throttled"}
"""Kinds of failure of a read after which it is made once more."""
GOOD = {Outcome.DONE, Outcome.ALREADY, Outcome.WOULD, Outcome.NOT_DUE, Outcome.LEFT}
"""What is as it was asked for: a limit that leaves some for the next run was asked for, too."""
BY_RULE = "by_rule"
"""In a result's ``attrs``: the ids that were skipped by a rule, such as a tag of their owner's."""
REFUSALS = "refusals"
"""In a result's ``attrs``: the accounts and regions that could not be looked at at all."""


def went_well(frame: pd.DataFrame) -> bool:
    """Whether all that was asked for came about: nothing failed, is unknown, or had changed."""
    is_good = frame["outcome"].isin([str(one) for one in GOOD])
    by_rule = frame["workspace_id"].isin(list(frame.attrs.get(BY_RULE, ()))) & (
        frame["outcome"] == str(Outcome.SKIPPED))
    return bool((is_good | by_rule).all()) and not frame.attrs.get(REFUSALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One WorkSpace, the setting it has and the one it is to have; ``promise`` is for the journal.

    ``best_date`` is the day on which the change is worth most, None for any day.
    """

    workspace_id: str
    before: Setting
    after: Setting
    user_name: str = ""
    account_id: str | None = None
    region: str | None = None
    saving_usd_per_month: float = 0.0
    extra_cold_starts_per_week: float = 0.0
    best_date: date | None = None
    promise: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Task:
    """A change on its way, ``begun`` with the first call; ``outcome`` is None until it is over.

    ``against``: why it is not to be begun, if its WorkSpace is as it was before. ``loose``: an
    earlier run may have left it between mode and timeout. ``settles``: that it is in force already
    is to be written down. ``noted``: this run has written it down. ``by_rule``: it is left alone as
    its owner, or a rule, wants it, so nothing has gone wrong.
    """

    change: Change
    begun: bool = False
    loose: bool = False
    settles: bool = False
    noted: bool = False
    against: str = ""
    asked: Properties | None = None
    asked_at: float = 0.0
    retry_at: float = 0.0
    meaning: Meaning = Meaning.UNSURE
    tries: int = 0
    first_seen_at: float | None = None
    found: str = ""
    by_rule: bool = False
    outcome: Outcome | None = None
    message: str = ""

    def is_on_its_way(self, present: WorkspaceState) -> bool:
        """Whether what is there is what our own calls may have made of it."""
        change = self.change
        if present.setting in {change.before, change.after}:
            return True
        return (  # the mode is set first, then the timeout: here, or by the run that is undone
            present.running_mode == RunningMode.AUTO_STOP
            and (self.loose or (change.after.running_mode is RunningMode.AUTO_STOP
                                and change.before.running_mode is RunningMode.ALWAYS_ON)))


@dataclass(slots=True)
class RunLimits:
    """How many changes may still be begun, and how many failures in a row end it all."""

    limit: int | None
    stop_after_failures: int
    why: str = "over the limit of this run"
    failures: int = 0
    halted: str = ""

    def take(self) -> bool:
        """Begin one more, if that is allowed."""
        if self.halted or self.limit == 0:
            return False
        if self.limit is not None:
            self.limit -= 1
        return True

    def note(self, outcome: Outcome) -> None:
        """Count failures in a row."""
        if outcome in {Outcome.FAILED, Outcome.UNKNOWN}:
            self.failures += 1
        elif outcome is Outcome.DONE:
            self.failures = 0
        if self.failures >= self.stop_after_failures:
            self.halted = f"stopped after {self.failures} failures in a row"


def next_properties(present: Setting | None, after: Setting) -> Properties | None:
    """The one property to ask for next on the way to *after*; None where it is in force.

    AWS takes one property in a call, and a timeout only in AUTO_STOP.
    """
    if present == after:
        return None
    if present is None or present.running_mode is not after.running_mode:
        return {MODE: str(after.running_mode)}
    assert after.auto_stop_minutes is not None
    return {TIMEOUT: after.auto_stop_minutes}


@dataclass(eq=False, kw_only=True)
class Changer:
    """Makes the changes of one account and region; without *writer* and *journal* a dry run.

    *hold* says of a change that is not begun yet why it had better wait, if it had; *stop* why
    none is to be begun any more. *ended* is told of each task that is over.
    """

    looker: StateReader
    guards: Guards
    budget: RunLimits
    writer: Writer | None = None
    journal: Journal | None = None
    patience: RetryPolicy = field(default_factory=RetryPolicy)
    hold: Callable[[Change], str] = lambda _: ""
    stop: Callable[[], str] = lambda: ""
    advance: Callable[[int], None] = lambda _: None
    ended: Callable[[Task], None] = lambda _: None
    broken: AwsError | None = None
    has_begun: bool = False

    def heed(self) -> None:
        """Begin nothing more if somebody says so."""
        self.budget.halted = self.budget.halted or self.stop()

    def look(self, tasks: list[Task]) -> dict[str, WorkspaceState]:
        """What the WorkSpaces are now; asked again where AWS fails to tell."""
        shortens = any(_shortens(task.change) for task in tasks)
        ids = [task.change.workspace_id for task in tasks]
        for left in range(self.patience.looks - 1, -1, -1):
            try:
                return self.looker.look(ids, tags=True, connected=shortens)
            except AwsError as error:
                if not left or error.refusal.kind not in _PASSING_KINDS:
                    raise
                time.sleep(self.patience.poll)
        raise AssertionError

    def step(self, task: Task, present: WorkspaceState | None) -> bool:
        """Do what is next for one task; whether that was anything at all."""
        if present is None:
            return self.close(task, Outcome.FAILED if task.begun else Outcome.SKIPPED,
                              "it is not there any more")
        task.found = str(present.setting or present.running_mode)
        wanted = next_properties(present.setting, task.change.after)
        if wanted is None:
            return self.close(task, Outcome.DONE if task.begun else Outcome.ALREADY,
                              _failed_before(present))
        go_on = self.go_on if task.begun else self.begin
        return go_on(task, present, wanted)

    def go_on(self, task: Task, present: WorkspaceState, wanted: Properties) -> bool:
        """Ask for what is still missing of a change that was begun, when it is time to."""
        if not task.is_on_its_way(present):
            return self.close(task, Outcome.FAILED,
                              f"somebody else has set it to {task.found} meanwhile")
        if wanted == task.asked and not self.may_ask_again(task):
            return task.outcome is not None
        if present.setting == task.change.before and (reason := self.guards.against(present)):
            task.by_rule = reason == self.guards.by_rule(present)
            return self.close(task, Outcome.SKIPPED, reason)
        return self.ask(task, wanted)

    def begin(self, task: Task, present: WorkspaceState, wanted: Properties) -> bool:
        """Check a WorkSpace that nothing was asked of yet, and ask if nothing is against it."""
        change, now = task.change, time.monotonic()
        is_ours = task.loose and present.setting is not None and task.is_on_its_way(present)
        before = present.setting if is_ours and present.setting else change.before
        reason = task.against if present.setting == before else ""
        calm = replace(present, state="AVAILABLE") if present.state in PASSING else present
        reason = reason or self.guards.against_change(calm, before, change.after)
        if not reason and calm is not present and self.writer is not None:
            task.first_seen_at = task.first_seen_at or now
            if now - task.first_seen_at < self.patience.passing:
                return False
            reason = f"its state is still {present.state}, not AVAILABLE or STOPPED"
        if reason:
            task.by_rule = reason == self.guards.by_rule(calm, before, change.after)
            return self.close(task, Outcome.SKIPPED, reason)
        if reason := self.hold(change):
            return self.close(task, Outcome.LEFT, reason)
        self.heed()
        if not self.budget.take():
            return self.close(task, Outcome.LEFT, self.budget.halted or self.budget.why)
        if self.writer is None or self.journal is None:
            return self.close(task, Outcome.WOULD, _failed_before(present))
        task.begun = True
        return self.ask(task, wanted)

    def note(self, task: Task) -> None:
        """Write down what is going to be done, once in a run."""
        if task.noted or self.journal is None:
            return
        change, where = task.change, self.looker.connection
        self.journal.write(
            "change", workspace_id=change.workspace_id, user_name=change.user_name,
            account_id=where.account_id, region=where.region,
            **{"from": properties_of(change.before), "to": properties_of(change.after)},
            promise=dict(change.promise))
        task.noted = True

    def may_ask_again(self, task: Task) -> bool:
        """Whether it is time to ask for the same thing once more; the task may end here."""
        waited = time.monotonic() - task.asked_at
        if task.meaning is Meaning.TAKEN:
            if waited > self.patience.confirm:
                self.close(task, Outcome.FAILED,
                           f"AWS took the change, but it is {task.found} after {waited:.0f} s")
            return False
        if task.meaning is Meaning.UNSURE and waited < self.patience.settle:
            return False
        if task.meaning is Meaning.LATER and time.monotonic() < task.retry_at:
            return False
        if task.tries >= self.patience.tries:
            self.close(task, Outcome.FAILED,
                       f"given up after {task.tries} tries; it is {task.found}. {task.message}")
            return False
        return True

    def ask(self, task: Task, wanted: Properties) -> bool:
        """Make the call."""
        assert self.writer is not None
        assert self.journal is not None
        self.has_begun = True
        self.note(task)
        answer = self.writer.modify(self.journal, task.change.workspace_id, wanted)
        task.tries = task.tries + 1 if wanted == task.asked else 1
        task.asked, task.meaning, task.asked_at = wanted, answer.meaning, time.monotonic()
        task.message = f"{answer.code}: {answer.message}" if answer.code else ""
        if answer.meaning is Meaning.REFUSED:
            return self.close(task, Outcome.FAILED, f"AWS refused: {task.message}")
        wait = min(20, self.patience.backoff * 2.0 ** (task.tries - 1))
        task.retry_at = task.asked_at + wait
        return True

    def close(self, task: Task, outcome: Outcome, message: str = "") -> bool:
        """The task is over."""
        task.outcome, task.message = outcome, message
        self.budget.note(outcome)
        if task.begun or (task.settles and outcome is Outcome.ALREADY):
            self.note(task)
        if self.journal is not None and outcome is not Outcome.LEFT:
            self.journal.write("outcome", workspace_id=task.change.workspace_id,
                               outcome=str(outcome), message=message, found=task.found)
        self.advance(1)
        self.ended(task)
        return True

    def give_up(self, tasks: Iterable[Task], error: AwsError) -> None:
        """AWS does not tell any more: what was begun is unknown, the rest is left."""
        self.broken = error
        for task in [one for one in tasks if one.outcome is None]:
            if task.begun:
                task.outcome, task.message = Outcome.UNKNOWN, "AWS does not tell what became of it"
            else:
                task.outcome = Outcome.LEFT if self.has_begun else Outcome.SKIPPED
                task.message = f"AWS does not answer: {error.refusal.what}"


def _failed_before(present: WorkspaceState) -> str:
    """A note on a change of hardware that has failed earlier: it stands against nothing."""
    return f"an earlier change of its {present.failed_change} has failed" if (
        present.failed_change) else ""


def _shortens(change: Change) -> bool:
    before, after = change.before.auto_stop_minutes, change.after.auto_stop_minutes
    return before is not None and after is not None and after < before
