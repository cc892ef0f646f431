"""Record the calls that change something, as CloudTrail would."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wsanalytics.sandbox.services.protocol import ApiError, Call, Members

RECORDED = frozenset({
    "ModifyWorkspaceProperties", "CreateWorkspaces", "StartWorkspaces", "StopWorkspaces",
    "RebootWorkspaces", "TerminateWorkspaces", "CreateTags", "DeleteTags",
})
"""The actions that are recorded; reading is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recorded call; ``error`` is AWS's code and message where it failed."""

    at: datetime
    event_id: str
    call: Call
    response: Members | None = None
    error: tuple[str, str] | None = None

    @property
    def workspace_ids(self) -> list[str]:
        """The WorkSpaces it is about."""
        return sorted(_ids([self.call.params, self.response or {}]))

    def described(self) -> Members:
        """Return the event as LookupEvents answers it."""
        call = self.call
        return {
            "EventId": self.event_id,
            "EventName": call.action,
            "ReadOnly": "false",
            "AccessKeyId": call.key,
            "EventTime": self.at,
            "EventSource": "workspaces.amazonaws.com",
            "Username": "sandbox",
            "Resources": [
                {"ResourceType": "AWS::WorkSpaces::Workspace", "ResourceName": workspace_id}
                for workspace_id in self.workspace_ids
            ],
            "CloudTrailEvent": json.dumps(self._record()),
        }

    def _record(self) -> Members:
        call = self.call
        record: Members = {
            "eventVersion": "1.08",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDASANDBOX",
                "arn": call.caller,
                "accountId": call.account,
                "accessKeyId": call.key,
                "userName": "sandbox",
            },
            "eventTime": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": "workspaces.amazonaws.com",
            "eventName": call.action,
            "awsRegion": call.region,
            "sourceIPAddress": "127.0.0.1",
            "userAgent": "wsanalytics-sandbox",
            "requestParameters": camel_case(call.params),
            "responseElements": camel_case(self.response) or None,
            "requestID": self.event_id,
            "eventID": self.event_id,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": call.account,
            "eventCategory": "Management",
        }
        if self.error is not None:
            record["errorCode"], record["errorMessage"] = self.error
        return record


class Record:
    """The record of CloudTrail: the calls of this sandbox, the oldest first, and its history.

    ``past`` is what was done in the history, by account and region, once somebody asked.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.past: dict[tuple[str, str], list[Entry]] = {}
        self._lock = threading.Lock()

    def note(self, call: Call, response: Members | None, error: ApiError | None = None) -> None:
        """Record one call, if it is of those that are recorded."""
        if call.service != "workspaces" or call.action not in RECORDED:
            return
        failure = None if error is None else (error.code, str(error))
        with self._lock:
            self.entries.append(
                Entry(at=call.now, event_id=str(uuid.uuid4()), call=call, response=response,
                      error=failure)
            )


def camel_case(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Return the same value with member names as CloudTrail writes them: ``workspaceId``."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: camel_case(one) for name, one in value.items()
                if one is not None}
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    return value


def _ids(value: Any) -> set[str]:  # noqa: ANN401  # any JSON value
    if isinstance(value, list):
        return {workspace_id for part in value for workspace_id in _ids(part)}
    if not isinstance(value, dict):
        return set()
    ids = {value[name] for name in ("WorkspaceId", "ResourceId") if name in value}
    return ids | _ids(list(value.values()))
