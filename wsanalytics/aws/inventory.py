"""AWS's descriptions of WorkSpaces, directories and bundles as one ``workspaces`` table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from wsanalytics.aws.connection import Connection
from wsanalytics.tables import WORKSPACES

Described = Mapping[str, Any]
"""Something as AWS describes it, by the member names of its service model."""
DEFAULT_MINUTES = 60
"""The timeout of an AUTO_STOP WorkSpace for which AWS states none."""
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


def workspaces_frame(
    connection: Connection,
    workspaces: Iterable[Described],
    directories: Iterable[Described] = (),
    bundles: Iterable[Described] = (),
    tags: Mapping[str, Mapping[str, str]] | None = None,
) -> pd.DataFrame:
    """The *workspaces* as AWS describes them, as a ``workspaces`` table, sorted by id.

    *directories* tell maintenance mode and dedicated hardware, *bundles* whatever the WorkSpace
    itself leaves open, *tags* come by WorkSpace id. Compute types are kept as AWS writes them,
    also those that nobody has heard of. A WorkSpace without a running mode is kept as MANUAL: it
    is reported, never simulated. When it was created AWS does not say here.

    Bring your own license is told by what is known, and only Windows has it: a desktop edition, a
    bundle that is named so, or a directory on dedicated hardware unless the bundle is Amazon's.
    """
    described = list(workspaces)
    by_directory = {one["DirectoryId"]: one for one in directories if "DirectoryId" in one}
    by_bundle = {one["BundleId"]: one for one in bundles if "BundleId" in one}
    standbys = {
        standby.get("StandbyWorkspaceId")
        for one in described for standby in one.get("StandbyWorkspacesProperties") or ()
    }
    rows = [
        _row(one, by_directory.get(one.get("DirectoryId", ""), {}),
             by_bundle.get(one.get("BundleId", ""), {}), standbys)
        | {"region": connection.region, "account_id": connection.account_id,
           "tags": _tags_text((tags or {}).get(one["WorkspaceId"], {}))}
        for one in described
    ]
    frame = pd.DataFrame(rows, columns=list(WORKSPACES.names))
    frame = frame.astype({column.name: column.dtype for column in WORKSPACES.columns})
    return frame.sort_values("workspace_id", ignore_index=True)


def _row(
    workspace: Described, directory: Described, bundle: Described, standbys: set[str | None]
) -> dict[str, object]:
    properties: Described = workspace.get("WorkspaceProperties") or {}
    creation: Described = directory.get("WorkspaceCreationProperties") or {}
    mode = properties.get("RunningMode") or "MANUAL"
    system = _system(properties, bundle)
    return {
        "workspace_id": workspace["WorkspaceId"],
        "compute_type": _compute_type(properties, bundle),
        "running_mode": mode,
        "auto_stop_minutes": _minutes(properties) if mode == "AUTO_STOP" else None,
        "directory_id": workspace.get("DirectoryId", ""),
        "user_name": workspace.get("UserName", ""),
        "computer_name": workspace.get("ComputerName", ""),
        "bundle_id": workspace.get("BundleId", ""),
        "operating_system": system,
        "license": _license(system, directory, bundle),
        "root_gib": _gib(properties.get("RootVolumeSizeGib"), bundle.get("RootStorage")),
        "user_gib": _gib(properties.get("UserVolumeSizeGib"), bundle.get("UserStorage")),
        "state": workspace.get("State", "AVAILABLE"),
        "created_at": None,
        "terminated_at": None,
        "maintenance_enabled": bool(creation.get("EnableMaintenanceMode", False)),
        "standby": _is_standby(workspace, bundle, standbys),
    }


def _compute_type(properties: Described, bundle: Described) -> str:
    named = properties.get("ComputeTypeName") or (bundle.get("ComputeType") or {}).get("Name")
    return str(named or "UNKNOWN")


def _minutes(properties: Described) -> int:
    return int(properties.get("RunningModeAutoStopTimeoutInMinutes") or DEFAULT_MINUTES)


def _system(properties: Described, bundle: Described) -> str:
    """The operating system as AWS names it, else what the bundle's name tells, else WINDOWS."""
    named = str(properties.get("OperatingSystemName") or "UNKNOWN")
    if named != "UNKNOWN":
        return named
    text = f"{bundle.get('Name', '')} {bundle.get('Description', '')}".lower()
    found = (system for words, system in _SYSTEMS.items() if re.search(words, text))
    return next(found, "WINDOWS")


def _license(system: str, directory: Described, bundle: Described) -> str:
    if not system.startswith("WINDOWS"):
        return "included"
    named = f"{bundle.get('Name', '')} {bundle.get('Description', '')}"
    if system in _DESKTOP_WINDOWS or _BYOL.search(named):
        return "byol"
    dedicated = directory.get("Tenancy") == "DEDICATED" and bundle.get("Owner") != "AMAZON"
    return "byol" if dedicated else "included"


def _gib(stated: object, storage: Described | None) -> int | None:
    """The size of a volume: what the WorkSpace states, else the bundle, which writes it as text."""
    size = stated or (storage or {}).get("Capacity")
    return int(str(size)) if size else None


def _is_standby(workspace: Described, bundle: Described, standbys: set[str | None]) -> bool:
    related = workspace.get("RelatedWorkspaces") or ()
    return (any(one.get("Type") == "PRIMARY" for one in related)
            or workspace["WorkspaceId"] in standbys or bundle.get("BundleType") == "STANDBY")


def _tags_text(tags: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(tags.items())), ensure_ascii=False)
