"""The CloudTrail service: what was done to WorkSpaces, in the sandbox and in its history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from wsanalytics.sandbox.event_record import Entry
from wsanalytics.sandbox.services.paging import page_by_place
from wsanalytics.sandbox.services.protocol import ApiError, Call, Members
from wsanalytics.sandbox.services.workspaces_write import MODE, TIMEOUT
from wsanalytics.sandbox.workspace import Desktop
from wsanalytics.sandbox.world import Handlers, World
from wsanalytics.settings import Setting

KEPT = timedelta(days=90)
"""The time for which events can be looked up."""
MOST_RESULTS = 50


def lookup_events(world: World, call: Call) -> Members:
    """LookupEvents: the newest first, of the last 90 days."""
    params = call.params
    start, end = (
        datetime.fromtimestamp(params[name], UTC) if name in params else None
        for name in ("StartTime", "EndTime")
    )
    if start is not None and end is not None and start > end:
        raise ApiError("InvalidTimeRangeException", "StartTime must not be after EndTime.")
    attributes = params.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise ApiError("InvalidLookupAttributesException",
                       "You can specify only one lookup attribute.")
    low = max(start or call.now - KEPT, call.now - KEPT)
    high = min(end or call.now, call.now)
    belongs = _attribute(attributes)
    entries = [entry for entry in _known(world, call)
               if low <= entry.at <= high and belongs(entry)]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    page, token = page_by_place(call, entries, size=params.get("MaxResults", MOST_RESULTS),
                                 token=params.get("NextToken"))
    return {"Events": [entry.described() for entry in page], "NextToken": token}


def _attribute(attributes: list[Members]) -> Callable[[Entry], bool]:
    if not attributes:
        return lambda _entry: True
    name, value = attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]
    if name == "ResourceName":
        return lambda entry: value in entry.workspace_ids
    if name == "ResourceType":
        return lambda _entry: bool(value == "AWS::WorkSpaces::Workspace")
    return lambda entry: bool(entry.described().get(name) == value)


def _known(world: World, call: Call) -> list[Entry]:
    done = [entry for entry in world.record.entries
            if (entry.call.account, entry.call.region) == (call.account, call.region)]
    return [*done, *_past(world, call)]


def _past(world: World, call: Call) -> list[Entry]:
    """List what was done in the history: changes of mode, and creations."""
    account_region = call.account, call.region
    if account_region not in world.record.past:
        fleet, estate = world.fleet, world.estate(call)
        key = world.keys.of(call.account)
        changes = [_change(estate.desktops[workspace_id], at, key)
                   for at, workspace_id in fleet.past_changes(*account_region)]
        created = [_creation(estate.desktops[workspace_id], at, key)
                   for at, workspace_id in fleet.past_creations(*account_region)]
        world.record.past[account_region] = [*changes, *created]
    return world.record.past[account_region]


def _change(desktop: Desktop, at: datetime, key: str) -> Entry:
    setting = desktop.life.setting_at(at)
    params = {"WorkspaceId": desktop.workspace_id, "WorkspaceProperties": _properties(setting)}
    return _entry("ModifyWorkspaceProperties", desktop, at, key, params, None)


def _creation(desktop: Desktop, at: datetime, key: str) -> Entry:
    facts, first = desktop.facts, desktop.life.settings[0][1]
    request = {"DirectoryId": facts.directory_id, "UserName": facts.user_name,
               "BundleId": facts.bundle.bundle_id, "WorkspaceProperties": _properties(first)}
    pending = {"WorkspaceId": facts.workspace_id, "State": "PENDING"} | request
    answer = {"PendingRequests": [pending], "FailedRequests": []}
    return _entry("CreateWorkspaces", desktop, at, key, {"Workspaces": [request]}, answer)


def _entry(
    action: str, desktop: Desktop, at: datetime, key: str, params: Members, answer: Members | None
) -> Entry:
    facts = desktop.facts
    call = Call(service="workspaces", action=action, region=facts.region, account=facts.account,
                key=key, now=at, params=params)
    event_id = uuid5(NAMESPACE_URL, f"{facts.arn}/{action}/{at.isoformat()}")
    return Entry(at=at, event_id=str(event_id), call=call, response=answer)


def _properties(setting: Setting) -> Members:
    mode = {MODE: setting.running_mode.value}
    minutes = setting.auto_stop_minutes
    return mode if minutes is None else mode | {TIMEOUT: minutes}


HANDLERS: Handlers = {("cloudtrail", "LookupEvents"): lookup_events}
"""The actions answered here."""
