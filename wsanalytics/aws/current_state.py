"""What some WorkSpaces are at this moment: setting, state, tags, and who is connected.

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
"""What may be called here, beside what ``reader`` calls."""
_ID = re.compile(r"ws-[0-9a-z]{8,63}")
"""What AWS takes for the id of a WorkSpace; it refuses the whole question for one that is none."""
_LOOKED = "looked_at"
_FAILED = "UPDATE_FAILED"


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """One WorkSpace as AWS tells of it now; ``setting`` is None for MANUAL and what is unknown.

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
        """Whether AWS checked the connection so lately that the status says something of now."""
        return is_of_now(self.checked_at, self.looked_at)


class StateReader:
    """Reads what WorkSpaces of one account in one region are now, 25 at a time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def read(
        self, ids: Sequence[str], *, tags: bool = False, connected: bool = False
    ) -> dict[str, WorkspaceState]:
        """The WorkSpaces *ids* that are there, by id; with their tags and users where asked for.

        Raises :class:`AwsError` where AWS does not tell.
        """
        described = {
            text(one.get("WorkspaceId")): one
            for asked in chunked(filter(_ID.fullmatch, ids), PER_CALL)
            for page in self.connection.pages(
                "workspaces", "DescribeWorkspaces", "Workspaces", WorkspaceIds=asked)
            for one in many(page)
        }
        described.pop("", None)
        there = list(described)
        known_tags = self._tags(there) if tags else {}
        statuses = self._statuses(there) if connected else {}
        return {name: _present(one, known_tags.get(name, {}), statuses.get(name, {}))
                for name, one in described.items()}

    def of_user(self, directory_id: str, user_name: str) -> list[WorkspaceState]:
        """The WorkSpaces of one user in one directory."""
        return [_present(one, {}, {}) for page in self.connection.pages(
            "workspaces", "DescribeWorkspaces", "Workspaces", DirectoryId=directory_id,
            UserName=user_name) for one in many(page) if text(one.get("WorkspaceId"))]

    def count(self) -> int:
        """How many WorkSpaces there are."""
        return sum(len(page) for page in self.connection.pages(
            "workspaces", "DescribeWorkspaces", "Workspaces", Limit=PER_CALL))

    def license_of(self, present: WorkspaceState) -> str:
        """``byol`` or ``included``; empty where it cannot be told."""
        try:
            directories = self._directories
            bundles = read_bundles(self.connection, [present.described.get("BundleId", "")])
        except AwsError:
            return ""
        frame = workspaces_frame(self.connection, [present.described], directories, bundles)
        return str(frame["license"].iloc[0])

    @cached_property
    def _directories(self) -> list[dict[str, Any]]:
        return read_directories(self.connection)

    def _statuses(self, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        return {one["WorkspaceId"]: one | {_LOOKED: answer.aws_at or answer.answered_at}
                for answer in read_statuses(self.connection, ids) for one in answer.found}

    def _tags(self, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        region, account = self.connection.region, self.connection.account_id
        beginning = f"arn:{partition_of(region)}:workspaces:{region}:{account}:workspace/"
        found: dict[str, dict[str, str]] = {}
        for asked in chunked(ids, 4 * PER_CALL):
            for page in self.connection.pages(
                "resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList",
                ResourceARNList=[f"{beginning}{one}" for one in asked],
            ):
                found |= {text(resource.get("ResourceARN")).rpartition("/")[2]: tags_of(resource)
                          for resource in many(page)}
        return found


def _present(
    one: Mapping[str, Any], tags: Mapping[str, str], status: Mapping[str, Any]
) -> WorkspaceState:
    properties = members(one.get("WorkspaceProperties"))
    related = many(one.get("RelatedWorkspaces"))
    changes = {str(change.get("Resource")): str(change.get("State"))
               for change in many(one.get("ModificationStates"))}
    mode = text(properties.get("RunningMode"))
    return WorkspaceState(
        workspace_id=one["WorkspaceId"], running_mode=mode, setting=_setting(mode, properties),
        state=text(one.get("State")), modifying=any(state != _FAILED for state in changes.values()),
        failed_change=", ".join(name for name, state in changes.items() if state == _FAILED),
        standby=any(other.get("Type") == "PRIMARY" for other in related),
        user_name=text(one.get("UserName")), directory_id=text(one.get("DirectoryId")),
        compute_type=text(properties.get("ComputeTypeName")), described=one, tags=tags,
        connection=status.get("ConnectionState", ""),
        last_connected_at=status.get("LastKnownUserConnectionTimestamp"),
        checked_at=status.get("ConnectionStateCheckTimestamp"), looked_at=status.get(_LOOKED),
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
