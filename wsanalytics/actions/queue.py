"""Whose turn it is, over all accounts and regions: the order of the queue, not of the places.

What may be begun in one run (a limit, a share, failures in a row) counts over all places, so those
that save most come first wherever they are.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping

from wsanalytics.actions.change_setting import Changer, Outcome, Task
from wsanalytics.aws import PER_CALL, AwsError, WorkspaceState

AccountRegion = tuple[str | None, str | None]


def deal(tasks: Iterable[Task], changers: Mapping[AccountRegion, Changer]) -> None:
    """Bring every task to its end, in their order, by the changer of its account and region.

    Where AWS stops telling, that changer's ``broken`` says why and its tasks are given up; the
    others go on. Raises :class:`AwsError` if not even one look was possible.
    """
    queue, under_way, has_looked = deque(tasks), list[Task](), False
    while queue or under_way:
        for changer in changers.values():
            changer.heed()
        while queue and len(under_way) < PER_CALL:
            task = queue.popleft()
            if not _is_over(task, changers[_place(task)]):
                under_way.append(task)
        if not under_way:
            break
        seen, error = _looked(under_way, changers)
        has_looked = has_looked or error is None or bool(seen)
        is_hopeless = not has_looked and all(changers[_place(task)].broken for task in queue)
        if error is not None and is_hopeless and not any(
                task.begun for task in (*under_way, *queue)):
            raise error
        under_way = [task for task in under_way if task.outcome is None]
        progressed = [
            changers[_place(task)].step(task, seen.get(task.change.workspace_id))
            for task in under_way
        ]
        under_way = [task for task in under_way if task.outcome is None]
        if under_way and not any(progressed):
            time.sleep(min(changers[_place(task)].patience.poll for task in under_way))


def _place(task: Task) -> AccountRegion:
    return task.change.account_id, task.change.region


def _is_over(task: Task, changer: Changer) -> bool:
    """Whether a task that is to be begun is closed instead."""
    if changer.broken is not None:
        changer.give_up([task], changer.broken)
    elif not task.begun and (changer.budget.halted or changer.budget.limit == 0):
        changer.close(task, Outcome.LEFT, changer.budget.halted or changer.budget.why)
    return task.outcome is not None


def _looked(
    under_way: list[Task], changers: Mapping[AccountRegion, Changer]
) -> tuple[dict[str, WorkspaceState], AwsError | None]:
    """What the WorkSpaces are now, place by place; and the last error, if AWS failed to tell."""
    seen: dict[str, WorkspaceState] = {}
    failed = None
    for place in dict.fromkeys(map(_place, under_way)):
        own = [task for task in under_way if _place(task) == place]
        try:
            seen |= changers[place].look(own)
        except AwsError as error:
            changers[place].give_up(own, error)
            failed = error
    return seen, failed
