"""Read when WorkSpaces were created and switched, from CloudTrail's last 90 days."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from wsanalytics.aws.connection import Connection
from wsanalytics.files import json_of

_LOG = logging.getLogger(__name__)
ACTIONS = ("cloudtrail:LookupEvents",)
"""IAM actions that this module calls."""
DAYS_KEPT = 90
"""Days for which LookupEvents keeps events."""
_SOURCE = "workspaces.amazonaws.com"
_PER_PAGE = 50
Event = Literal["ModifyWorkspaceProperties", "CreateWorkspaces"]
_EVENTS: tuple[Event, ...] = ("ModifyWorkspaceProperties", "CreateWorkspaces")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One WorkSpace was created, or its mode or timeout was changed, ``at`` an instant in UTC.

    ``running_mode`` and ``auto_stop_minutes`` are what the call asked for, None where it left
    them as they were (or, for a creation, to AWS's defaults).
    """

    workspace_id: str
    at: datetime
    running_mode: str | None
    auto_stop_minutes: int | None
    event: Event


def read_changes(
    connection: Connection,
    start: datetime,
    end: datetime,
    *,
    on_page: Callable[[int], None] | None = None,
) -> list[Change]:
    """Read the creations and changes of mode or timeout from *start* to *end*, in order of time.

    Calls that AWS refused are no changes. *on_page* is called after each page with the number of
    events in it. CloudTrail answers two calls a second, so a long interval takes a while.
    """
    changes = []
    for event in _EVENTS:
        for page in connection.pages(
            "cloudtrail", "LookupEvents", "Events", StartTime=start, EndTime=end,
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": event}],
            MaxResults=_PER_PAGE,
        ):
            changes += [change for described in page for change in _changes(described, event)]
            if on_page:
                on_page(len(page))
    # CloudTrail answers newest first, and one kind of event after the other.
    return sorted(changes, key=lambda change: (change.at, change.workspace_id))


def _changes(described: Any, event: Event) -> Iterator[Change]:  # noqa: ANN401  # whatever was answered
    try:
        detail = json_of(described["CloudTrailEvent"])
        if detail.get("eventSource", _SOURCE) == _SOURCE and not detail.get("errorCode"):
            find = _modified if event == "ModifyWorkspaceProperties" else _created
            yield from find(detail, _instant(detail, described))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        name = described.get("EventId") if isinstance(described, dict) else described
        _LOG.warning("CloudTrail's event %s cannot be read: %r", name, error)


def _modified(detail: dict[str, Any], at: datetime) -> Iterator[Change]:
    request = detail["requestParameters"]
    mode, minutes = _setting(request.get("workspaceProperties"))
    if mode or minutes:
        yield Change(workspace_id=request["workspaceId"], at=at, running_mode=mode,
                     auto_stop_minutes=minutes, event="ModifyWorkspaceProperties")


def _created(detail: dict[str, Any], at: datetime) -> Iterator[Change]:
    requested = (detail.get("requestParameters") or {}).get("workspaces") or []
    for created in (detail.get("responseElements") or {}).get("pendingRequests") or []:
        mode, minutes = _asked_for(created, requested)
        yield Change(workspace_id=created["workspaceId"], at=at, running_mode=mode,
                     auto_stop_minutes=minutes, event="CreateWorkspaces")


def _asked_for(
    created: dict[str, Any], requested: list[dict[str, Any]]
) -> tuple[str | None, int | None]:
    """Find the setting that was requested for *created*, where the request is unambiguous.

    A user has one WorkSpace in a directory; those that belong to nobody ("[UNDEFINED]") share that
    name, and are distinguished by their own names, if at all.
    """
    shared = [name for name in ("directoryId", "userName", "workspaceName")
              if created.get(name) is not None]
    # Several requests may match one creation; only where all of them ask for the same is it
    # certain.
    settings = {_setting(request.get("workspaceProperties")) for request in requested
                if all(request.get(name) in {created[name], None} for name in shared)}
    return settings.pop() if len(settings) == 1 else (None, None)


def _setting(properties: dict[str, Any] | None) -> tuple[str | None, int | None]:
    properties = properties or {}
    minutes = properties.get("runningModeAutoStopTimeoutInMinutes")
    return properties.get("runningMode") or None, int(minutes) if minutes else None


def _instant(detail: dict[str, Any], described: dict[str, Any]) -> datetime:
    text = detail.get("eventTime")
    at: datetime = datetime.fromisoformat(text) if text else described["EventTime"]
    return at.astimezone(UTC)
