"""The IAM statement that allows one action: on which resources, and how it is called."""

from __future__ import annotations

from collections.abc import Iterable

ON_A_WORKSPACE = frozenset({
    "workspaces:ModifyWorkspaceProperties",
    "workspaces:StartWorkspaces",
    "workspaces:StopWorkspaces",
})
"""The actions used here that IAM can limit to single WorkSpaces; all others take only ``*``."""
ANY_WORKSPACE = "arn:{partition}:workspaces:*:*:workspace/*"
NEEDS_NO_PERMISSION = frozenset({"sts:GetCallerIdentity"})
"""Actions that IAM always allows."""
PREFIXES = {"resourcegroupstaggingapi": "tag"}
"""Services whose actions IAM calls by another name than botocore does."""


_PARTITIONS = {"us-gov-": "aws-us-gov", "cn-": "aws-cn", "us-iso-": "aws-iso",
               "us-isob-": "aws-iso-b", "eusc-": "aws-eusc"}


def partition_of(region: str | None) -> str:
    """Return the partition that a region belongs to: the second part of every ARN there.

    >>> partition_of("us-gov-west-1"), partition_of("eu-west-1"), partition_of(None)
    ('aws-us-gov', 'aws', 'aws')
    """
    return next((name for start, name in _PARTITIONS.items()
                 if (region or "").startswith(start)), "aws")


def action_of(service: str, operation: str) -> str:
    """Return an operation as IAM names it.

    >>> action_of("resourcegroupstaggingapi", "GetResources")
    'tag:GetResources'
    """
    return f"{PREFIXES.get(service, service)}:{operation}"


def resources_for(
    action: str, *, partition: str = "aws", role_arns: Iterable[str] = ()
) -> str | list[str]:
    """Return the ``Resource`` of a statement that allows *action* and no more than is needed."""
    if action == "sts:AssumeRole":
        arns = sorted(role_arns)
        return arns or f"arn:{partition}:iam::*:role/*"
    return ANY_WORKSPACE.format(partition=partition) if action in ON_A_WORKSPACE else "*"


def statement_for(
    action: str, *, partition: str = "aws", role_arns: Iterable[str] = ()
) -> dict[str, object]:
    """Return the IAM statement that allows *action*; *role_arns* matter to ``sts:AssumeRole`` only.

    >>> statement_for("tag:GetResources")
    {'Effect': 'Allow', 'Action': 'tag:GetResources', 'Resource': '*'}
    """
    resources = resources_for(action, partition=partition, role_arns=role_arns)
    return {"Effect": "Allow", "Action": action, "Resource": resources}
