"""The order in which changes are made, over all accounts and regions: one queue by saving.

What may be started in one run (a limit, a share, failures in a row) counts over all accounts and
regions, so those that save most come first wherever they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from wsanalytics.actions.change_setting import Changer, Task
from wsanalytics.actions.outcomes import Outcome
from wsanalytics.aws import PER_CALL, AwsError, WorkspaceState

AccountRegion = tuple[str | None, str | None]


def deal(tasks: Iterable[Task], changers: Mapping[AccountRegion, Changer]) -> None:
    """Bring every task to its end, in their order, by the changer of its account and region.

    Where AWS stops answering, that changer's ``broken`` says why and its tasks are given up; the
    others go on. Raises :class:`AwsError` if nothing at all could be read.
    """
    queue, under_way, has_read = deque(tasks), list[Task](), False
    while queue or under_way:
        for changer in changers.values():
            changer.check_stop()
        # As many at a time as one DescribeWorkspaces call can read back.
        while queue and len(under_way) < PER_CALL:
            task = queue.popleft()
            if not _is_over(task, changers[_account_region(task)]):
                under_way.append(task)
        if not under_way:
            break
        seen, error = _read(under_way, changers)
        has_read = has_read or error is None or bool(seen)
        # No credentials anywhere, say: an error, as long as no change has been started that must be
        # ended.
        is_hopeless = not has_read and all(changers[_account_region(task)].broken for task in queue)
        if error is not None and is_hopeless and not any(
                task.started for task in (*under_way, *queue)):
            raise error
        under_way = [task for task in under_way if task.outcome is None]
        progressed = [
            changers[_account_region(task)].advance_task(task, seen.get(task.change.workspace_id))
            for task in under_way
        ]
        under_way = [task for task in under_way if task.outcome is None]
        # Sleep only when a whole round sent nothing: otherwise fresh states are worth reading at
        # once.
        if under_way and not any(progressed):
            soonest = min((changers[_account_region(task)].retry for task in under_way),
                          key=lambda retry: retry.poll_seconds)
            soonest.sleep(soonest.poll_seconds)


def _account_region(task: Task) -> AccountRegion:
    return task.change.account_id, task.change.region


def _is_over(task: Task, changer: Changer) -> bool:
    """Whether a task that is to be begun is closed instead."""
    if changer.broken is not None:
        changer.abort([task], changer.broken)
    elif not task.started and (changer.limits.halted or changer.limits.limit == 0):
        changer.finish(task, Outcome.LEFT, changer.limits.halted or changer.limits.why)
    return task.outcome is not None


def _read(
    under_way: list[Task], changers: Mapping[AccountRegion, Changer]
) -> tuple[dict[str, WorkspaceState], AwsError | None]:
    """Read what the WorkSpaces are now; and give the last error, if AWS failed to answer."""
    states: dict[str, WorkspaceState] = {}
    failed = None
    for account_region in dict.fromkeys(map(_account_region, under_way)):
        tasks = [task for task in under_way if _account_region(task) == account_region]
        try:
            states |= changers[account_region].read(tasks)
        except AwsError as error:
            changers[account_region].abort(tasks, error)
            failed = error
    return states, failed
