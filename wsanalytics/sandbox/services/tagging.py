"""The tagging service: all WorkSpaces' tags in bulk."""

from __future__ import annotations

from wsanalytics.sandbox.services.paging import page_by_id
from wsanalytics.sandbox.services.protocol import ApiError, Call, Members
from wsanalytics.sandbox.services.workspaces_read import as_tags
from wsanalytics.sandbox.workspace import Desktop
from wsanalytics.sandbox.world import Handlers, World

SERVICE = "resourcegroupstaggingapi"
TYPES = {"workspaces", "workspaces:workspace"}
"""The resource types that the sandbox has."""
USUAL_PAGE, LARGEST_PAGE = 50, 100


def get_resources(world: World, call: Call) -> Members:
    """GetResources: WorkSpaces with tags, of the type and with the tags asked for."""
    params = call.params
    size = params.get("ResourcesPerPage", USUAL_PAGE)
    if not 1 <= size <= LARGEST_PAGE:
        raise ApiError("InvalidParameterException",
                       f"ResourcesPerPage must be from 1 to {LARGEST_PAGE}.")
    types = params.get("ResourceTypeFilters")
    if types and TYPES.isdisjoint(types):
        return {"PaginationToken": "", "ResourceTagMappingList": []}
    estate, wanted = world.estate(call), params.get("TagFilters") or []
    arns = params.get("ResourceARNList")

    def find(workspace_id: str) -> Desktop | None:
        desktop = estate.desktops[workspace_id]
        tags = desktop.facts.tags
        if not tags or (arns is not None and desktop.facts.arn not in arns):
            return None
        return desktop if all(_matches(tags, condition) for condition in wanted) else None

    page, token = page_by_id(call, estate.ids, find, size=size)
    rows = [{"ResourceARN": desktop.facts.arn, "Tags": as_tags(desktop.facts.tags)}
            for desktop in page]
    return {"PaginationToken": token or "", "ResourceTagMappingList": rows}


def _matches(tags: dict[str, str], wanted: Members) -> bool:
    value = tags.get(wanted.get("Key", ""))
    return value is not None and (not wanted.get("Values") or value in wanted["Values"])


HANDLERS: Handlers = {(SERVICE, "GetResources"): get_resources}
"""The actions answered here."""
