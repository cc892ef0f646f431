"""The WorkSpaces service, writing: create, modify, start, stop, reboot, terminate, tag."""

from __future__ import annotations

from collections.abc import Callable

from wsanalytics.sandbox.catalog import bundles
from wsanalytics.sandbox.fleet import Estate
from wsanalytics.sandbox.services.protocol import ApiError, Call, Members
from wsanalytics.sandbox.services.workspaces_read import BAD_VALUES, find_resource, read_tags
from wsanalytics.sandbox.workspace import MANUAL, Desktop, Facts
from wsanalytics.sandbox.world import Handlers, World
from wsanalytics.settings import (
    ALWAYS_ON,
    LONGEST_MINUTES,
    STEP_MINUTES,
    RunningMode,
    Setting,
    auto_stop,
)

MODE, TIMEOUT = "RunningMode", "RunningModeAutoStopTimeoutInMinutes"
NOT_FOUND = "ResourceNotFoundException"
WRONG_STATE = "InvalidResourceStateException"
NO_TIMEOUT = "AutoStopTimeoutIsNotApplicableForAnAlwaysOnWorkspace"
MOST_TAGS = 50
STARTABLE, REBOOTABLE = {"STOPPED"}, {"AVAILABLE", "UNHEALTHY", "REBOOTING"}
STOPPABLE = {"AVAILABLE", "IMPAIRED", "UNHEALTHY", "ERROR"}


def modify_properties(world: World, call: Call) -> Members:
    """ModifyWorkspaceProperties: the running mode, the AutoStop timeout, or both."""
    workspace_id = call.params["WorkspaceId"]
    desktop = world.estate(call).desktops.get(workspace_id)
    if desktop is None:
        raise ApiError(NOT_FOUND, f"The WorkSpace {workspace_id} could not be found.")
    wanted = call.params.get("WorkspaceProperties") or {}
    _refuse_other_properties(wanted)
    setting = _wanted_setting(desktop, wanted)
    state = desktop.state(call.now)
    is_switching = state == "STOPPING" or (
        state == "STARTING" and desktop.running_mode == RunningMode.ALWAYS_ON)
    if state not in {"AVAILABLE", "STOPPED"} and not is_switching:  # "at any time" (admin guide)
        raise ApiError(WRONG_STATE, f"The specified WorkSpace has an invalid state ({state}) for "
                       "this operation.")
    desktop.change(setting, call.now)
    return {}


def _refuse_other_properties(wanted: Members) -> None:
    if not wanted:
        raise ApiError(BAD_VALUES, "At least one WorkSpace property must be specified.")
    others = wanted.keys() - {MODE, TIMEOUT}
    if others and len(wanted) > 1:
        raise ApiError(BAD_VALUES, "Only one WorkSpace property can be modified at a time.")
    if others:
        raise ApiError("UnsupportedWorkspaceConfigurationException",
                       f"The sandbox cannot modify {others.pop()}.")


def _wanted_setting(desktop: Desktop, wanted: Members) -> Setting:
    if wanted.get(MODE) == MANUAL or desktop.facts.manual:
        raise ApiError("AccessDeniedException",
                       "This account is not allowed to use the running mode MANUAL.")
    mode = wanted.get(MODE, desktop.running_mode)
    minutes = wanted.get(TIMEOUT)
    if mode == RunningMode.ALWAYS_ON:
        if minutes is not None:
            raise ApiError(BAD_VALUES, _not_applicable())
        return ALWAYS_ON
    if minutes is None:
        minutes = desktop.auto_stop_minutes or STEP_MINUTES
    if minutes % STEP_MINUTES or not STEP_MINUTES <= minutes <= LONGEST_MINUTES:
        raise ApiError(BAD_VALUES, _bad_timeout(minutes))
    return auto_stop(minutes)


def _not_applicable() -> str:
    return f"{TIMEOUT} is not applicable for WorkSpace with running mode set to ALWAYS_ON"


def _bad_timeout(minutes: int) -> str:
    return (f"{TIMEOUT} is {minutes}; it must be a multiple of {STEP_MINUTES} from {STEP_MINUTES} "
            f"to {LONGEST_MINUTES}")


def create_workspaces(world: World, call: Call) -> Members:
    """CreateWorkspaces: each request becomes a pending WorkSpace or a failed request."""
    estate = world.estate(call)
    pending: list[Members] = []
    failed: list[Members] = []
    for request in call.params["Workspaces"]:
        try:
            desktop = _create(world, call, estate, request)
        except ApiError as error:
            failed.append({"WorkspaceRequest": request, "ErrorCode": error.code,
                           "ErrorMessage": str(error)})
        else:
            described = desktop.describe(call.now)
            pending.append({name: described[name] for name in (
                "WorkspaceId", "DirectoryId", "UserName", "State", "BundleId", "WorkspaceName",
                "WorkspaceProperties",
            )})
    return {"FailedRequests": failed, "PendingRequests": pending}


def _create(world: World, call: Call, estate: Estate, request: Members) -> Desktop:
    if call.region not in world.fleet.regions:
        raise ApiError(NOT_FOUND, f"The sandbox has no fleet in {call.region}.")
    directory = estate.directories.get(request["DirectoryId"])
    bundle = bundles().get(request["BundleId"])
    if directory is None:
        raise ApiError("ResourceNotFound.Directory",
                       f"The directory {request['DirectoryId']} could not be found.")
    if bundle is None:
        raise ApiError("ResourceNotFound.Bundle",
                       f"The bundle {request['BundleId']} could not be found.")
    if estate.has_one(request["UserName"], directory.directory_id):
        raise ApiError("ResourceExists.WorkSpace",
                       f"The user {request['UserName']} already has a WorkSpace in this directory.")
    setting = _created_setting(request.get("WorkspaceProperties") or {})
    root, user = bundle.volumes
    properties = request.get("WorkspaceProperties") or {}
    facts = Facts(
        workspace_id="", account=call.account, region=call.region,
        directory_id=directory.directory_id, user_name=request["UserName"], computer_name="",
        ip_address="", bundle=bundle, root_gib=properties.get("RootVolumeSizeGib", root),
        user_gib=properties.get("UserVolumeSizeGib", user),
        maintenance_enabled=directory.maintenance_enabled,
        workspace_name=request.get("WorkspaceName"), tags=read_tags(request.get("Tags") or []),
    )
    return world.fleet.create(facts, setting, call.now)


def _created_setting(properties: Members) -> Setting:
    minutes = properties.get(TIMEOUT)
    match properties.get(MODE, RunningMode.ALWAYS_ON.value):
        case RunningMode.ALWAYS_ON.value:
            if minutes is not None:
                raise ApiError(NO_TIMEOUT, _not_applicable())
            return ALWAYS_ON
        case RunningMode.AUTO_STOP.value:
            minutes = STEP_MINUTES if minutes is None else minutes
            if minutes % STEP_MINUTES or not STEP_MINUTES <= minutes <= LONGEST_MINUTES:
                raise ApiError(BAD_VALUES, _bad_timeout(minutes))
            return auto_stop(minutes)
        case _:
            raise ApiError("AccessDeniedException",
                           "This account is not allowed to use the running mode MANUAL.")


def start_workspaces(world: World, call: Call) -> Members:
    """StartWorkspaces: AUTO_STOP or MANUAL ones that are STOPPED."""
    return _each(
        world,
        call,
        "StartWorkspaceRequests",
        lambda desktop: _refuse_state(desktop, call, STARTABLE, "started", is_switched=True),
        lambda desktop: desktop.start(call.now),
    )


def stop_workspaces(world: World, call: Call) -> Members:
    """StopWorkspaces: AUTO_STOP or MANUAL ones that run."""
    return _each(
        world,
        call,
        "StopWorkspaceRequests",
        lambda desktop: _refuse_state(desktop, call, STOPPABLE, "stopped", is_switched=True),
        lambda desktop: desktop.stop(call.now),
    )


def reboot_workspaces(world: World, call: Call) -> Members:
    """RebootWorkspaces: those that run."""
    return _each(world, call, "RebootWorkspaceRequests",
                 lambda desktop: _refuse_state(desktop, call, REBOOTABLE, "rebooted"),
                 lambda desktop: desktop.reboot(call.now))


def terminate_workspaces(world: World, call: Call) -> Members:
    """TerminateWorkspaces: all but those that are being terminated."""
    estate = world.estate(call)

    def refuse(desktop: Desktop) -> None:
        if desktop.state(call.now) == "TERMINATING":
            raise ApiError(WRONG_STATE, "The WorkSpace is being terminated already.")

    return _each(world, call, "TerminateWorkspaceRequests", refuse,
                 lambda desktop: estate.terminate(desktop, call.now))


def _refuse_state(
    desktop: Desktop, call: Call, states: set[str], word: str, *, is_switched: bool = False
) -> None:
    state = desktop.state(call.now)
    if is_switched and desktop.running_mode == RunningMode.ALWAYS_ON:
        raise ApiError(WRONG_STATE, f"A WorkSpace with running mode ALWAYS_ON cannot be {word}.")
    if state not in states:
        raise ApiError(WRONG_STATE, f"A WorkSpace in state {state} cannot be {word}; it must be "
                       f"{' or '.join(sorted(states))}.")


def _each(
    world: World, call: Call, member: str,
    refuse: Callable[[Desktop], None], act: Callable[[Desktop], None],
) -> Members:
    """Do something to each WorkSpace asked for; list those for which it fails."""
    desktops, failed = world.estate(call).desktops, []
    for request in call.params[member]:
        workspace_id = request.get("WorkspaceId", "")
        try:
            desktop = desktops.get(workspace_id)
            if desktop is None:
                raise ApiError(NOT_FOUND, f"The WorkSpace {workspace_id} could not be found.")  # noqa: TRY301  # told row by row
            refuse(desktop)
            act(desktop)
        except ApiError as error:
            failed.append({"WorkspaceId": workspace_id or None, "ErrorCode": error.code,
                           "ErrorMessage": str(error)})
    return {"FailedRequests": failed}


def create_tags(world: World, call: Call) -> Members:
    """CreateTags: add tags to one WorkSpace, or give them other values."""
    tags = find_resource(world, call).facts.tags
    merged = tags | read_tags(call.params["Tags"])
    if len(merged) > MOST_TAGS:
        raise ApiError("ResourceLimitExceededException",
                       f"A resource can have {MOST_TAGS} tags at most.")
    tags.update(merged)
    return {}


def delete_tags(world: World, call: Call) -> Members:
    """DeleteTags: take tags away from one WorkSpace."""
    tags = find_resource(world, call).facts.tags
    for name in call.params["TagKeys"]:
        tags.pop(name, None)
    return {}


HANDLERS: Handlers = {
    ("workspaces", "ModifyWorkspaceProperties"): modify_properties,
    ("workspaces", "CreateWorkspaces"): create_workspaces,
    ("workspaces", "StartWorkspaces"): start_workspaces,
    ("workspaces", "StopWorkspaces"): stop_workspaces,
    ("workspaces", "RebootWorkspaces"): reboot_workspaces,
    ("workspaces", "TerminateWorkspaces"): terminate_workspaces,
    ("workspaces", "CreateTags"): create_tags,
    ("workspaces", "DeleteTags"): delete_tags,
}
"""The actions answered here."""
