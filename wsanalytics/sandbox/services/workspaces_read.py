"""The WorkSpaces service, reading: WorkSpaces, connections, directories, bundles, tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from zlib import crc32

from wsanalytics.sandbox.catalog import bundles
from wsanalytics.sandbox.fleet import Estate
from wsanalytics.sandbox.services.paging import PAGE_SIZE, page_by_id, page_by_place, write_token
from wsanalytics.sandbox.services.protocol import ApiError, Call, Members
from wsanalytics.sandbox.workspace import Desktop
from wsanalytics.sandbox.world import Handlers, World

BAD_VALUES = "InvalidParameterValuesException"


def describe_workspaces(world: World, call: Call) -> Members:
    """DescribeWorkspaces: by ids, directory (and user), bundle or name; else all."""
    params = call.params
    _refuse_mixed_filters(params)
    if early := _empty_page(world, call, "Workspaces"):
        return early
    estate, now = world.estate(call), call.now
    ids = _chosen_ids(estate, params)
    belongs = _filter(params)

    def find(workspace_id: str) -> Desktop | None:
        desktop = estate.desktops.get(workspace_id)
        return desktop if desktop is not None and belongs(desktop) else None

    page, token = page_by_id(call, ids, find, size=params.get("Limit", PAGE_SIZE))
    return {"Workspaces": [desktop.describe(now) for desktop in page], "NextToken": token}


def _refuse_mixed_filters(params: Members) -> None:
    filters = {"WorkspaceIds", "DirectoryId", "BundleId", "WorkspaceName"} & params.keys()
    if len(filters) > 1:
        raise ApiError(
            BAD_VALUES, f"Only one filter may be specified: {', '.join(sorted(filters))}."
        )
    if "UserName" in params and "DirectoryId" not in params:
        raise ApiError(BAD_VALUES, "UserName needs DirectoryId.")


def _filter(params: Members) -> Callable[[Desktop], bool]:
    directory_id, user_name = params.get("DirectoryId"), params.get("UserName")
    bundle_id, name = params.get("BundleId"), params.get("WorkspaceName")

    def belongs(desktop: Desktop) -> bool:
        if user_name is not None and desktop.user_name != user_name:
            return False
        if directory_id is not None and desktop.facts.directory_id != directory_id:
            return False
        if bundle_id is not None and desktop.facts.bundle.bundle_id != bundle_id:
            return False
        return name is None or desktop.facts.workspace_name == name

    return belongs


def _chosen_ids(estate: Estate, params: Members) -> list[str]:
    chosen = params.get("WorkspaceIds")
    return estate.ids if chosen is None else sorted(set(chosen))


def _empty_page(world: World, call: Call, member: str) -> Members | None:
    """Return the empty first page that the fault of that name gives."""
    if world.faults.empty_first_page and not call.params.get("NextToken"):
        return {member: [], "NextToken": write_token(call, "")}
    return None


def describe_connections(world: World, call: Call) -> Members:
    """DescribeWorkspacesConnectionStatus: of up to 25 ids, else of all."""
    member = "WorkspacesConnectionStatus"
    if early := _empty_page(world, call, member):
        return early
    estate, faults = world.estate(call), world.faults
    skew = timedelta(seconds=faults.clock_skew_seconds)

    def find(workspace_id: str) -> Members | None:
        desktop = estate.desktops.get(workspace_id)
        checked = _checked_at(workspace_id, call.now, faults.check_lag_seconds)
        row = None if desktop is None else desktop.connection(call.now, checked)
        return None if row is None else row | {"ConnectionStateCheckTimestamp": checked + skew}

    page, token = page_by_id(call, _chosen_ids(estate, call.params), find, size=PAGE_SIZE)
    reported = [row for row in page if not faults.happens(faults.omit_status_share)]
    return {member: reported, "NextToken": token}


def _checked_at(workspace_id: str, now: datetime, lag_seconds: float) -> datetime:
    """Return when AWS last checked a connection.

    Each WorkSpace has its turn after so many seconds.
    """
    if not lag_seconds:
        return now
    phase = crc32(workspace_id.encode()) % 1000 / 1000 * lag_seconds
    return now - timedelta(seconds=(now.timestamp() - phase) % lag_seconds)


def describe_directories(world: World, call: Call) -> Members:
    """DescribeWorkspaceDirectories: those asked for, else all."""
    if early := _empty_page(world, call, "Directories"):
        return early
    params, estate = call.params, world.estate(call)
    wanted = params.get("DirectoryIds")
    directories = estate.directories if estate.ids or call.region in world.fleet.regions else {}
    rows = [directory.described(call.account) for directory in directories.values()
            if wanted is None or directory.directory_id in wanted]
    size = params.get("Limit", PAGE_SIZE)
    page, token = page_by_place(call, rows, size=size, token=params.get("NextToken"))
    return {"Directories": page, "NextToken": token}


def describe_bundles(world: World, call: Call) -> Members:
    """DescribeWorkspaceBundles: the ids asked for, or those of an owner (else the account's)."""
    if early := _empty_page(world, call, "Bundles"):
        return early
    params = call.params
    wanted, owner = params.get("BundleIds"), params.get("Owner")
    if wanted is not None and owner is not None:
        raise ApiError(BAD_VALUES, "BundleIds and Owner cannot be combined.")
    rows = [bundle.described(call.account) for bundle in bundles().values()]
    if wanted is not None:
        rows = [row for row in rows if row["BundleId"] in wanted]
    else:
        rows = [row for row in rows if row["Owner"] == (owner or call.account)]
    page, token = page_by_place(call, rows, size=PAGE_SIZE, token=params.get("NextToken"))
    return {"Bundles": page, "NextToken": token}


def describe_tags(world: World, call: Call) -> Members:
    """DescribeTags: those of one WorkSpace."""
    return {"TagList": as_tags(find_resource(world, call).facts.tags)}


def as_tags(tags: dict[str, str]) -> list[Members]:
    """Return tags in the form of AWS's answers."""
    return [{"Key": name, "Value": value} for name, value in sorted(tags.items())]


def read_tags(tags: Iterable[Members]) -> dict[str, str]:
    """Read tags in the form of requests to AWS."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def find_resource(world: World, call: Call) -> Desktop:
    """Return the WorkSpace that ResourceId names."""
    desktop = world.estate(call).desktops.get(call.params["ResourceId"])
    if desktop is None:
        raise ApiError("ResourceNotFoundException",
                       f"The resource {call.params['ResourceId']} could not be found.")
    return desktop


HANDLERS: Handlers = {
    ("workspaces", "DescribeWorkspaces"): describe_workspaces,
    ("workspaces", "DescribeWorkspacesConnectionStatus"): describe_connections,
    ("workspaces", "DescribeWorkspaceDirectories"): describe_directories,
    ("workspaces", "DescribeWorkspaceBundles"): describe_bundles,
    ("workspaces", "DescribeTags"): describe_tags,
}
"""The actions answered here."""
