"""AWS's descriptions of WorkSpaces, directories and bundles as one ``workspaces`` table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

import pandas as pd

from wsanalytics.aws.odd_answers import Described, many, members, text
from wsanalytics.defaults import DEFAULT_TIMEOUT
from wsanalytics.tables import WORKSPACES

_MOST = 10**9
_DESKTOP_WINDOWS = ("WINDOWS_7", "WINDOWS_10", "WINDOWS_11")
"""Editions that AWS does not license: they are in use under the customer's own licence."""
_SYSTEMS = {
    r"amazon linux": "AMAZON_LINUX_2",
    r"ubuntu": "UBUNTU",
    r"red hat|rhel": "RHEL",
    r"rocky": "ROCKY",
    r"windows": "WINDOWS",
}
_BYOL = re.compile(r"\bbyol\b|bring your own licen[cs]e", re.IGNORECASE)


class Place(Protocol):
    """The account and the region that WorkSpaces are in, such as a connection."""

    @property
    def account_id(self) -> str:
        """The account's number; empty where it is not known."""

    @property
    def region(self) -> str:
        """The region's code."""


def workspaces_frame(
    place: Place,
    workspaces: Iterable[Described],
    directories: Iterable[Described] = (),
    bundles: Iterable[Described] = (),
    tags: Mapping[str, Mapping[str, str]] | None = None,
) -> pd.DataFrame:
    """Return the *workspaces* as AWS describes them as a ``workspaces`` table, sorted by id.

    *directories* have maintenance mode and dedicated hardware, *bundles* whatever the WorkSpace
    itself leaves open, *tags* come by WorkSpace id. Whatever AWS answers is kept as it came, also
    a running mode, timeout or compute type that nobody has heard of; a member that is missing or
    of the wrong type is left empty. What has no id is left out. When a WorkSpace was created AWS
    does not say here.

    Bring your own license is inferred, and only Windows has it: a desktop edition, a
    bundle that is named so, or a directory on dedicated hardware unless the bundle is Amazon's.
    """
    described = [
        workspace for workspace in map(members, workspaces) if text(workspace.get("WorkspaceId"))
    ]
    by_directory = _by_id(directories, "DirectoryId")
    by_bundle = _by_id(bundles, "BundleId")
    standbys = {
        text(standby.get("StandbyWorkspaceId"))
        for workspace in described for standby in many(workspace.get("StandbyWorkspacesProperties"))
    } - {""}
    rows = [
        _row(workspace, by_directory.get(text(workspace.get("DirectoryId")), {}),
             by_bundle.get(text(workspace.get("BundleId")), {}), standbys)
        | {"region": place.region, "account_id": place.account_id,
           "tags": _tags_text((tags or {}).get(text(workspace.get("WorkspaceId")), {}))}
        for workspace in described
    ]
    frame = pd.DataFrame(rows, columns=list(WORKSPACES.names))
    frame = frame.astype({column.name: column.dtype for column in WORKSPACES.columns})
    return frame.sort_values("workspace_id", ignore_index=True)


def _row(
    workspace: Described, directory: Described, bundle: Described, standbys: set[str]
) -> dict[str, object]:
    properties = members(workspace.get("WorkspaceProperties"))
    creation = members(directory.get("WorkspaceCreationProperties"))
    mode = text(properties.get("RunningMode"))
    system = _system(properties, bundle)
    return {
        "workspace_id": text(workspace["WorkspaceId"]),
        "compute_type": _compute_type(properties, bundle),
        "running_mode": mode,
        "auto_stop_minutes": stated_minutes(properties) if mode == "AUTO_STOP" else None,
        "directory_id": text(workspace.get("DirectoryId")),
        "user_name": text(workspace.get("UserName")),
        "computer_name": text(workspace.get("ComputerName")),
        "bundle_id": text(workspace.get("BundleId")),
        "operating_system": system,
        "license": _license(system, directory, bundle),
        "root_gib": _gib(properties.get("RootVolumeSizeGib"), bundle.get("RootStorage")),
        "user_gib": _gib(properties.get("UserVolumeSizeGib"), bundle.get("UserStorage")),
        "state": text(workspace.get("State")) or "AVAILABLE",
        "created_at": None,
        "terminated_at": None,
        "maintenance_enabled": creation.get("EnableMaintenanceMode") is True,
        "standby": _is_standby(workspace, bundle, standbys),
    }


def _compute_type(properties: Described, bundle: Described) -> str:
    named = text(properties.get("ComputeTypeName"))
    return named or text(members(bundle.get("ComputeType")).get("Name")) or "UNKNOWN"


def stated_minutes(properties: Described) -> int:
    """Return the timeout as AWS states it; 0, which is none, where it states no whole number."""
    stated = properties.get("RunningModeAutoStopTimeoutInMinutes")
    if stated is None:
        return DEFAULT_TIMEOUT  # AWS states none
    is_whole = isinstance(stated, int) and not isinstance(stated, bool)
    return stated if is_whole and 0 <= stated <= _MOST else 0


def _system(properties: Described, bundle: Described) -> str:
    """Return the operating system as AWS names it, else by the bundle's name, else WINDOWS."""
    named = text(properties.get("OperatingSystemName")) or "UNKNOWN"
    if named != "UNKNOWN":
        return named
    described = _described(bundle).lower()
    matching = (system for words, system in _SYSTEMS.items() if re.search(words, described))
    return next(matching, "WINDOWS")


def _described(bundle: Described) -> str:
    return f"{text(bundle.get('Name'))} {text(bundle.get('Description'))}"


def _license(system: str, directory: Described, bundle: Described) -> str:
    if not system.startswith("WINDOWS"):
        return "included"
    if system in _DESKTOP_WINDOWS or _BYOL.search(_described(bundle)):
        return "byol"
    dedicated = directory.get("Tenancy") == "DEDICATED" and bundle.get("Owner") != "AMAZON"
    return "byol" if dedicated else "included"


def _gib(stated: object, storage: object) -> int | None:
    """Return the size of a volume.

    From the WorkSpace, else from the bundle, which writes it as text.
    """
    size = str(stated or members(storage).get("Capacity") or "")
    return int(size) if re.fullmatch(r"[1-9][0-9]{0,8}", size) else None


def _is_standby(workspace: Described, bundle: Described, standbys: set[str]) -> bool:
    related = many(workspace.get("RelatedWorkspaces"))
    return (any(other.get("Type") == "PRIMARY" for other in related)
            or workspace["WorkspaceId"] in standbys or bundle.get("BundleType") == "STANDBY")


def _by_id(described: Iterable[Described], name: str) -> dict[str, Described]:
    """Map what AWS described by the id in its member *name*.

    Descriptions without one are left out.
    """
    by_id = {text(item.get(name)): item for item in map(members, described)}
    by_id.pop("", None)
    return by_id


def _tags_text(tags: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(tags.items())), ensure_ascii=False)
