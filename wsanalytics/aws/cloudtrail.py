"""When WorkSpaces were created and switched, from CloudTrail's last 90 days."""

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
"""What may be called here."""
DAYS_KEPT = 90
"""How far back LookupEvents looks."""
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
    """The creations and changes of mode or timeout from *start* to *end*, in the order of time.

    Calls that AWS refused are no changes. *on_page* is called after each page with the number of
    events in it. CloudTrail answers two calls a second, so a long stretch takes a while.
    """
    changes = []
    for event in _EVENTS:
        for page in connection.pages(
            "cloudtrail", "LookupEvents", "Events", StartTime=start, EndTime=end,
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": event}],
            MaxResults=_PER_PAGE,
        ):
            changes += [change for told in page for change in _changes(told, event)]
            if on_page:
                on_page(len(page))
    return sorted(changes, key=lambda change: (change.at, change.workspace_id))


def _changes(told: Any, event: Event) -> Iterator[Change]:  # noqa: ANN401  # whatever was answered
    try:
        detail = json_of(told["CloudTrailEvent"])
        if detail.get("eventSource", _SOURCE) == _SOURCE and not detail.get("errorCode"):
            find = _modified if event == "ModifyWorkspaceProperties" else _created
            yield from find(detail, _instant(detail, told))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        name = told.get("EventId") if isinstance(told, dict) else told
        _LOG.warning("CloudTrail's event %s cannot be read: %r", name, error)


def _modified(detail: dict[str, Any], at: datetime) -> Iterator[Change]:
    asked = detail["requestParameters"]
    mode, minutes = _setting(asked.get("workspaceProperties"))
    if mode or minutes:
        yield Change(workspace_id=asked["workspaceId"], at=at, running_mode=mode,
                     auto_stop_minutes=minutes, event="ModifyWorkspaceProperties")


def _created(detail: dict[str, Any], at: datetime) -> Iterator[Change]:
    asked = (detail.get("requestParameters") or {}).get("workspaces") or []
    for made in (detail.get("responseElements") or {}).get("pendingRequests") or []:
        mode, minutes = _asked_for(made, asked)
        yield Change(workspace_id=made["workspaceId"], at=at, running_mode=mode,
                     auto_stop_minutes=minutes, event="CreateWorkspaces")


def _asked_for(
    made: dict[str, Any], asked: list[dict[str, Any]]
) -> tuple[str | None, int | None]:
    """The setting that was asked for one that was *made*, if it can only be one.

    A user has one WorkSpace in a directory; those that belong to nobody ("[UNDEFINED]") share that
    name, and are told apart by their own names, if at all.
    """
    shared = [name for name in ("directoryId", "userName", "workspaceName")
              if made.get(name) is not None]
    settings = {_setting(one.get("workspaceProperties")) for one in asked
                if all(one.get(name) in {made[name], None} for name in shared)}
    return settings.pop() if len(settings) == 1 else (None, None)


def _setting(properties: dict[str, Any] | None) -> tuple[str | None, int | None]:
    properties = properties or {}
    minutes = properties.get("runningModeAutoStopTimeoutInMinutes")
    return properties.get("runningMode") or None, int(minutes) if minutes else None


def _instant(detail: dict[str, Any], told: dict[str, Any]) -> datetime:
    text = detail.get("eventTime")
    at: datetime = datetime.fromisoformat(text) if text else told["EventTime"]
    return at.astimezone(UTC)
