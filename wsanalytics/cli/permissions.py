"""The IAM policy that each command needs, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from wsanalytics.aws import (
    FLEET_READS,
    METRIC_READS,
    NEEDS_NO_PERMISSION,
    PRICE_READS,
    TRAIL_READS,
    WRITES,
    resources_for,
    statement_for,
)
from wsanalytics.errors import InputError

__all__ = ["COMMANDS", "READS", "WRITES", "actions_of", "policy", "statement_for"]

_MODIFY, _START, _STOP, _CREATE = WRITES
_LOOKS = ("workspaces:DescribeWorkspaces", "workspaces:DescribeWorkspacesConnectionStatus",
          "tag:GetResources")
COMMANDS: dict[str, tuple[str, ...]] = {
    "collect": FLEET_READS,
    "backfill": (*FLEET_READS, *METRIC_READS, *TRAIL_READS),
    "apply": (*FLEET_READS, _MODIFY),
    "undo": (*FLEET_READS, _MODIFY),
    "stop-idle": (*_LOOKS, _STOP),
    "start-early": (*_LOOKS, _START),
    "creation-properties": ("workspaces:DescribeWorkspaces", _CREATE),
    "prices": PRICE_READS,
    "doctor": (*FLEET_READS, *METRIC_READS, *TRAIL_READS),
}
"""The actions that each command calls."""
READS = tuple(sorted({action for actions in COMMANDS.values() for action in actions} - {*WRITES}))
"""All actions that only read."""


def actions_of(commands: Iterable[str]) -> list[str]:
    """Return the actions that *commands* call, each once, in the order of the alphabet.

    Raises :class:`InputError` for a command that needs no AWS, or does not exist.
    """
    actions: set[str] = set()
    for command in commands:
        if command not in COMMANDS:
            close = get_close_matches(command, COMMANDS, n=1)
            raise InputError(
                f"no policy is known for {command!r}", where="--for",
                rule=f"the commands that call AWS are {', '.join(COMMANDS)}",
                fix=f"did you mean {close[0]}?" if close else "name one of them")
        actions.update(COMMANDS[command])
    return sorted(actions - NEEDS_NO_PERMISSION)


def policy(
    commands: Iterable[str], *, role_arns: Sequence[str] = (), partition: str = "aws"
) -> dict[str, object]:
    """Return the IAM policy that *commands* need, as the JSON object that IAM takes.

    Reading actions cannot be limited to single WorkSpaces; changing ones are limited to
    WorkSpaces. ``sts:AssumeRole`` is added only for the *role_arns* that are named.
    """
    actions = actions_of(commands)
    groups = {
        "Read": [action for action in actions if action not in WRITES],
        "Apply": [action for action in actions if action in WRITES and action != _CREATE],
        "Create": [action for action in actions if action == _CREATE],
        "AssumeRole": ["sts:AssumeRole"] if role_arns else [],
    }
    statements = [
        {"Sid": sid, "Effect": "Allow", "Action": group,
         "Resource": resources_for(group[0], partition=partition, role_arns=role_arns)}
        for sid, group in groups.items() if group
    ]
    return {"Version": "2012-10-17", "Statement": statements}
