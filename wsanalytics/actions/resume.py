"""Resume after a kill: decide which changes of an earlier run are sent again, and which go on.

The journal knows what was asked of AWS; the WorkSpaces themselves know what came of it. A change
that came to its end is never made twice by one plan; one that is under way goes on from its last
request, by the rule of :mod:`.retry`; one that the journal does not know begins afresh.
"""

from __future__ import annotations

from wsanalytics.actions.change_setting import Change, Task
from wsanalytics.actions.ledger import NetChange
from wsanalytics.actions.retry import Attempts
from wsanalytics.actions.run import RunOptions


def task_of(
    change: Change, net: NetChange | None, options: RunOptions, *, dry_run: bool, created_at: str
) -> Task:
    """Give the task of a *change*, as far as an earlier run of the journal came with it.

    This decides what is sent again after a crash. *net* is what the journal says of the WorkSpace,
    *created_at* which plan is applied now.
    """
    # The order of these tests matters: each rules out a case before a weaker one is considered.
    if net is None or net.current != change.after or net.is_being_undone:
        return Task(change)  # the journal knows of no change to this setting
    is_same_plan = net.latest.run_begin.get("plan", {}).get("created_at") == created_at
    is_same_change = net.latest.before == change.before
    if net.is_sure:
        return _task_after_done(change, net, is_repeated=is_same_plan and is_same_change)
    if not is_same_plan and not is_same_change:
        return Task(change)  # a newer plan starts from what the WorkSpace is now
    if dry_run:
        return Task(change, partially_applied=net.may_be_partial)
    return _resumed_task(change, net, options)


def _task_after_done(change: Change, net: NetChange, *, is_repeated: bool) -> Task:
    """Give the task of a change that came to its end before: never made twice by one plan."""
    if not is_repeated:
        return Task(change)  # a newer plan, which knows how the WorkSpace is set now
    return Task(
        change,
        blocked_by=f"it was changed on {net.since:%Y-%m-%d} by this journal's plan, "
        "and somebody has set it back since",
    )


def _resumed_task(change: Change, net: NetChange, options: RunOptions) -> Task:
    """Give a task that is under way: its last call may have taken effect or not."""
    task = Task(change, started=True, partially_applied=net.may_be_partial)
    if net.latest.calls:
        last = net.latest.calls[-1]
        task.last_request = dict(last.properties)
        # The journal has the hour of the day, the retry rule counts monotonic seconds.
        age_seconds = (options.clock() - last.at).total_seconds()
        task.attempts = Attempts(count=1, sent_at=options.retry.monotonic() - age_seconds)
    return task
