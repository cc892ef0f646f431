"""Changes of setting, made one by one: checked before, asked for, and read back after.

What is to be done next with a WorkSpace always follows from a fresh read of it, so that it makes
no difference whether an answer was lost, a run was killed, or somebody else was faster: what is in
force is not asked for again, and what is not can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from wsanalytics.actions.guards import TRANSITIONAL_STATES, Guards
from wsanalytics.actions.journal import Journal
from wsanalytics.actions.limits import RunLimits
from wsanalytics.actions.outcomes import Outcome
from wsanalytics.actions.retry import (
    Attempts,
    RetryPolicy,
    Step,
    failure_of,
    next_step,
    read_with_retries,
)
from wsanalytics.aws import AwsError, Meaning, StateReader, WorkspaceState, Writer
from wsanalytics.settings import RunningMode, Setting

MODE, TIMEOUT = "RunningMode", "RunningModeAutoStopTimeoutInMinutes"
Properties = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One WorkSpace, the setting it has and the one it is to have; ``promise`` is for the journal.

    ``best_date`` is the day on which the change is worth most, None for any day; ``approved`` is
    false where a plan proposes it and nobody has said yes.
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
    approved: bool = True
    promise: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Task:
    """A change on its way, ``started`` with the first call; ``outcome`` is None until it is over.

    ``blocked_by``: why it is not to be started, if its WorkSpace is as it was before.
    ``partially_applied``: an earlier run may have left it between mode and timeout.
    ``record_if_current``: that it is in force already is to be written to the journal.
    ``recorded``: this run has written it there. ``last_request``: the properties that ``attempts``
    asked for. ``observed``: the setting that was read last. ``by_rule``: it is left alone as its
    owner, or a rule, wants it, so nothing has gone wrong.
    """

    change: Change
    started: bool = False
    partially_applied: bool = False
    record_if_current: bool = False
    recorded: bool = False
    blocked_by: str = ""
    last_request: Properties | None = None
    attempts: Attempts = field(default_factory=Attempts)
    in_transition_since: float | None = None
    observed: str = ""
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
            and (self.partially_applied or (change.after.running_mode is RunningMode.AUTO_STOP
                                and change.before.running_mode is RunningMode.ALWAYS_ON)))


def next_properties(present: Setting | None, after: Setting) -> Properties | None:
    """Return the one property to ask for next on the way to *after*; None where it is in force.

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

    *hold* says of a change that is not started yet why it had better wait, if it had; *stop* why
    none is to be started any more. *ended* is called with each task that is over.
    """

    reader: StateReader
    guards: Guards
    limits: RunLimits
    writer: Writer | None = None
    journal: Journal | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    hold: Callable[[Change], str] = lambda _: ""
    stop: Callable[[], str] = lambda: ""
    advance: Callable[[int], None] = lambda _: None
    ended: Callable[[Task], None] = lambda _: None
    broken: AwsError | None = None
    has_sent: bool = False

    def check_stop(self) -> None:
        """Start nothing more if ``stop`` gives a reason."""
        self.limits.halted = self.limits.halted or self.stop()

    def read(self, tasks: list[Task]) -> dict[str, WorkspaceState]:
        """Read what the WorkSpaces are now, once more where AWS fails to answer."""
        shortens = any(_shortens(task.change) for task in tasks)
        ids = [task.change.workspace_id for task in tasks]
        return read_with_retries(
            lambda: self.reader.read(ids, tags=True, connected=shortens), self.retry
        )

    def advance_task(self, task: Task, state: WorkspaceState | None) -> bool:
        """Do what is next for one task, given what was just read; whether that was anything."""
        if state is None:
            return self.finish(task, Outcome.FAILED if task.started else Outcome.SKIPPED,
                               "it is not there any more")
        task.observed = str(state.setting or state.running_mode)
        wanted = next_properties(state.setting, task.change.after)
        if wanted is None:
            return self.finish(task, Outcome.DONE if task.started else Outcome.ALREADY,
                               _failed_before(state))
        proceed = self.resume if task.started else self.start
        return proceed(task, state, wanted)

    def resume(self, task: Task, state: WorkspaceState, wanted: Properties) -> bool:
        """Send what is still missing of a change that was started, when it is time to."""
        if not task.is_on_its_way(state):
            return self.finish(task, Outcome.FAILED,
                               f"somebody else has set it to {task.observed} meanwhile")
        if wanted == task.last_request and not self.may_retry(task):
            return task.outcome is not None
        # Our request had no effect yet, so a new reason against the change may still stop it.
        if state.setting == task.change.before and (reason := self.guards.against(state)):
            task.by_rule = reason == self.guards.by_rule(state)
            return self.finish(task, Outcome.SKIPPED, reason)
        return self.send(task, wanted)

    def start(self, task: Task, state: WorkspaceState, wanted: Properties) -> bool:
        """Check a WorkSpace of which nothing was asked yet, and send if nothing is against it."""
        change = task.change
        # Between mode and timeout by our own earlier run: that state counts as "before" as well.
        is_ours = (task.partially_applied and state.setting is not None
                   and task.is_on_its_way(state))
        before = state.setting if is_ours and state.setting else change.before
        reason = task.blocked_by if state.setting == before else ""
        # A state that is over in a minute is no reason: the rest is checked as if it were over.
        in_transition = state.state in TRANSITIONAL_STATES
        at_rest = replace(state, state="AVAILABLE") if in_transition else state
        reason = reason or self.guards.against_change(at_rest, before, change.after)
        if not reason and in_transition and self.writer is not None:
            if self.waits_for_transition(task):
                return False
            reason = f"its state is still {state.state}, not AVAILABLE or STOPPED"
        if reason:
            task.by_rule = reason == self.guards.by_rule(at_rest, before, change.after)
            return self.finish(task, Outcome.SKIPPED, reason)
        if waits := self.waits_for(change, at_rest):
            return self.finish(task, *waits)
        self.check_stop()
        if not self.limits.take():
            return self.finish(task, Outcome.LEFT, self.limits.halted or self.limits.why)
        if self.writer is None or self.journal is None:
            return self.finish(task, Outcome.WOULD, _failed_before(state))
        task.started = True
        return self.send(task, wanted)

    def waits_for(self, change: Change, present: WorkspaceState) -> tuple[Outcome, str] | None:
        """Give the outcome of a change that nothing is against but that is not to be made now."""
        if not change.approved and (reason := self.guards.against_unapproved(present)):
            return Outcome.NOT_APPROVED, reason
        if reason := self.hold(change):
            return Outcome.LEFT, reason
        return None

    def waits_for_transition(self, task: Task) -> bool:
        """Whether STARTING or STOPPING may still be over in time."""
        now = self.retry.monotonic()
        task.in_transition_since = task.in_transition_since or now
        return now - task.in_transition_since < self.retry.transition_seconds

    def record(self, task: Task) -> None:
        """Write to the journal what is going to be done, once in a run."""
        if task.recorded or self.journal is None:
            return
        # Before the first call, never after it: an entry without a call is harmless, the reverse is
        # not.
        change, where = task.change, self.reader.connection
        self.journal.write(
            "change", workspace_id=change.workspace_id, user_name=change.user_name,
            account_id=where.account_id, region=where.region,
            **{"from": change.before.properties, "to": change.after.properties},
            promise=dict(change.promise))
        task.recorded = True

    def may_retry(self, task: Task) -> bool:
        """Whether the same request may be sent once more now; the task may end here instead."""
        step = next_step(task.attempts, self.retry)
        if why := failure_of(step, task.attempts, self.retry, task.observed):
            self.finish(task, Outcome.FAILED, why)
        return step is Step.SEND

    def send(self, task: Task, wanted: Properties) -> bool:
        """Make the call: written to the journal before, and its answer after."""
        assert self.writer is not None
        assert self.journal is not None
        self.has_sent = True
        self.record(task)
        answer = self.writer.modify(self.journal, task.change.workspace_id, wanted)
        task.attempts.record(
            answer, sent_at=self.retry.monotonic(), is_new_request=wanted != task.last_request
        )
        task.last_request, task.message = wanted, task.attempts.message
        if answer.meaning is Meaning.REFUSED:
            return self.finish(task, Outcome.FAILED, f"AWS refused: {task.message}")
        return True

    def finish(self, task: Task, outcome: Outcome, message: str = "") -> bool:
        """End the task, in the journal as well."""
        task.outcome, task.message = outcome, message
        # A change that was never started leaves no entry of its own, only its outcome.
        self.limits.count(outcome)
        if task.started or (task.record_if_current and outcome is Outcome.ALREADY):
            self.record(task)
        if self.journal is not None and outcome is not Outcome.LEFT:
            self.journal.write("outcome", workspace_id=task.change.workspace_id,
                               outcome=str(outcome), message=message, found=task.observed)
        self.advance(1)
        self.ended(task)
        return True

    def abort(self, tasks: Iterable[Task], error: AwsError) -> None:
        """End *tasks*, for AWS does not answer any more: what was started is unknown."""
        self.broken = error
        for task in [task for task in tasks if task.outcome is None]:
            if task.started:
                task.outcome, task.message = Outcome.UNKNOWN, "AWS does not tell what became of it"
            else:
                task.outcome = Outcome.LEFT if self.has_sent else Outcome.SKIPPED
                task.message = f"AWS does not answer: {error.refusal.what}"


def _failed_before(present: WorkspaceState) -> str:
    """Return a note on a change of hardware that has failed earlier: it stands against nothing."""
    return f"an earlier change of its {present.failed_change} has failed" if (
        present.failed_change) else ""


def _shortens(change: Change) -> bool:
    before, after = change.before.auto_stop_minutes, change.after.auto_stop_minutes
    return before is not None and after is not None and after < before
