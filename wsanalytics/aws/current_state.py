"""Read the present state of WorkSpaces: setting, state, tags, and who is connected.

Looked at right before a change, and after it. Everything here only reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from wsanalytics.aws.connection import Connection
from wsanalytics.aws.errors import AwsError
from wsanalytics.aws.iam import partition_of
from wsanalytics.aws.odd_answers import many, members, text
from wsanalytics.aws.throttle import PER_CALL
from wsanalytics.aws.workspaces import (
    chunked,
    read_bundles,
    read_directories,
    read_statuses,
    tags_of,
)
from wsanalytics.aws.workspaces_table import stated_minutes, workspaces_frame
from wsanalytics.check_times import is_of_now
from wsanalytics.errors import InputError
from wsanalytics.settings import ALWAYS_ON, RunningMode, Setting, auto_stop

ACTIONS = ("workspaces:DescribeWorkspaces", "tag:GetResources")
"""IAM actions that this module calls, beside those of :mod:`.workspaces`."""
_ID = re.compile(r"ws-[0-9a-z]{8,63}")
"""The form of a WorkSpace's id for AWS, which refuses the whole request for one that is none."""
_LOOKED = "looked_at"
_FAILED = "UPDATE_FAILED"


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """One WorkSpace as AWS reports it now; ``setting`` is None for MANUAL and unknown ones.

    ``modifying`` says that a change of its hardware is in progress, ``failed_change`` which one
    has failed. ``connection`` is CONNECTED,
    DISCONNECTED, UNKNOWN or empty (AWS says nothing); ``last_connected_at`` when its user was
    last known to be there, as AWS knew at ``checked_at``. ``looked_at`` is when AWS gave the
    answer, by its own clock.
    """

    workspace_id: str
    running_mode: str
    setting: Setting | None
    state: str
    modifying: bool
    standby: bool
    user_name: str
    directory_id: str
    compute_type: str
    described: Mapping[str, Any] = field(repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)
    connection: str = ""
    last_connected_at: datetime | None = None
    checked_at: datetime | None = None
    looked_at: datetime | None = None
    failed_change: str = ""

    @property
    def is_fresh(self) -> bool:
        """Whether AWS checked the connection so recently that the status still holds."""
        return is_of_now(self.checked_at, self.looked_at)


class StateReader:
    """Reads what WorkSpaces of one account in one region are now, 25 at a time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def read(
        self, ids: Sequence[str], *, tags: bool = False, connected: bool = False
    ) -> dict[str, WorkspaceState]:
        """Read the WorkSpaces *ids* that exist, by id; with their tags and users where requested.

        Raises :class:`AwsError` where AWS does not answer.
        """
        described = {
            text(workspace.get("WorkspaceId")): workspace
            for batch in chunked(filter(_ID.fullmatch, ids), PER_CALL)
            for page in self.connection.pages(
                "workspaces", "DescribeWorkspaces", "Workspaces", WorkspaceIds=batch)
            for workspace in many(page)
        }
        described.pop("", None)
        existing = list(described)
        known_tags = self._tags(existing) if tags else {}
        statuses = self._statuses(existing) if connected else {}
        return {name: _present(workspace, known_tags.get(name, {}), statuses.get(name, {}))
                for name, workspace in described.items()}

    def of_user(self, directory_id: str, user_name: str) -> list[WorkspaceState]:
        """Read the WorkSpaces of one user in one directory."""
        return [_present(workspace, {}, {}) for page in self.connection.pages(
            "workspaces", "DescribeWorkspaces", "Workspaces", DirectoryId=directory_id,
            UserName=user_name) for workspace in many(page) if text(workspace.get("WorkspaceId"))]

    def count(self) -> int:
        """Count the WorkSpaces."""
        return sum(len(page) for page in self.connection.pages(
            "workspaces", "DescribeWorkspaces", "Workspaces", Limit=PER_CALL))

    def license_of(self, present: WorkspaceState) -> str:
        """Return ``byol`` or ``included``; empty where it is unknown."""
        return self.described(present).get("license", "")

    def described(self, present: WorkspaceState) -> dict[str, str]:
        """Return ``license``, ``compute_type`` and ``operating_system`` as an inventory has them.

        What AWS leaves open in a WorkSpace follows from its bundle and its directory. Empty where
        these cannot be read.
        """
        try:
            directories = self._directories
            bundles = read_bundles(self.connection, [present.described.get("BundleId", "")])
        except AwsError:
            return {}
        frame = workspaces_frame(self.connection, [present.described], directories, bundles)
        return {name: str(frame[name].iloc[0])
                for name in ("license", "compute_type", "operating_system")}

    @cached_property
    def _directories(self) -> list[dict[str, Any]]:
        return read_directories(self.connection)

    def _statuses(self, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        return {status["WorkspaceId"]: status | {_LOOKED: answer.aws_at or answer.answered_at}
                for answer in read_statuses(self.connection, ids) for status in answer.found}

    def _tags(self, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        region, account = self.connection.region, self.connection.account_id
        beginning = f"arn:{partition_of(region)}:workspaces:{region}:{account}:workspace/"
        tags: dict[str, dict[str, str]] = {}
        for batch in chunked(ids, 4 * PER_CALL):
            for page in self.connection.pages(
                "resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList",
                ResourceARNList=[f"{beginning}{workspace_id}" for workspace_id in batch],
            ):
                tags |= {text(resource.get("ResourceARN")).rpartition("/")[2]: tags_of(resource)
                          for resource in many(page)}
        return tags


def _present(
    workspace: Mapping[str, Any], tags: Mapping[str, str], status: Mapping[str, Any]
) -> WorkspaceState:
    properties = members(workspace.get("WorkspaceProperties"))
    related = many(workspace.get("RelatedWorkspaces"))
    # AWS lists running and failed modifications alike; a failed one stays listed until the next.
    changes = {str(change.get("Resource")): str(change.get("State"))
               for change in many(workspace.get("ModificationStates"))}
    mode = text(properties.get("RunningMode"))
    return WorkspaceState(
        workspace_id=workspace["WorkspaceId"],
        running_mode=mode,
        setting=_setting(mode, properties),
        state=text(workspace.get("State")),
        modifying=any(state != _FAILED for state in changes.values()),
        failed_change=", ".join(name for name, state in changes.items() if state == _FAILED),
        standby=any(other.get("Type") == "PRIMARY" for other in related),
        user_name=text(workspace.get("UserName")),
        directory_id=text(workspace.get("DirectoryId")),
        compute_type=text(properties.get("ComputeTypeName")),
        described=workspace,
        tags=tags,
        connection=status.get("ConnectionState", ""),
        last_connected_at=status.get("LastKnownUserConnectionTimestamp"),
        checked_at=status.get("ConnectionStateCheckTimestamp"),
        looked_at=status.get(_LOOKED),
    )


def _setting(mode: str, properties: Mapping[str, Any]) -> Setting | None:
    if mode == RunningMode.ALWAYS_ON:
        return ALWAYS_ON
    if mode != RunningMode.AUTO_STOP:
        return None
    try:
        return auto_stop(stated_minutes(properties))
    except InputError:  # a timeout that AWS offers one day, and we do not know yet
        return None
