"""Recognise AWS's names of columns, and the spellings that its tools give to a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from wsanalytics.tables.contract import Table

AWS_NAMES = {
    "WorkspaceId": "workspace_id",
    "Region": "region",
    "ComputeTypeName": "compute_type",
    "ComputeType": "compute_type",
    "RunningMode": "running_mode",
    "RunningModeAutoStopTimeoutInMinutes": "auto_stop_minutes",
    "DirectoryId": "directory_id",
    "UserName": "user_name",
    "ComputerName": "computer_name",
    "BundleId": "bundle_id",
    "OperatingSystemName": "operating_system",
    "RootVolumeSizeGib": "root_gib",
    "UserVolumeSizeGib": "user_gib",
    "State": "state",
    "ConnectionState": "connection_state",
    "ConnectionStateCheckTimestamp": "checked_at",
    "LastKnownUserConnectionTimestamp": "last_connected_at",
}
"""The members by which AWS describes WorkSpaces and connections, and the columns that they are."""


def aws_columns(names: Sequence[str], table: Table) -> dict[str, str]:
    """Return those of *names* that are AWS's own for a column of *table* that is not there.

    Where two of them are for one column, neither is taken.
    """
    meant = {name: AWS_NAMES[own] for name in names
             if (own := name.strip()[:1].upper() + name.strip()[1:]) in AWS_NAMES
             and name not in table.names}
    counts = Counter([meant[name] for name in names if name in meant])
    return {name: known for name, known in meant.items()
            if known in table.names and known not in names and counts[known] == 1}


def same_words(text: str, choices: Iterable[str]) -> str:
    """Return the one of *choices* that has the words of *text*; empty where none has.

    >>> same_words("AutoStop", ["ALWAYS_ON", "AUTO_STOP"])
    'AUTO_STOP'
    >>> same_words("always on", ["ALWAYS_ON", "AUTO_STOP"])
    'ALWAYS_ON'
    >>> same_words("AUTOSTOP", ["ALWAYS_ON", "AUTO_STOP"])
    ''
    """
    words = _words(text)
    return next((choice for choice in choices if _words(choice) == words), "")


def same_letters(text: str, choices: Iterable[str]) -> str:
    """Return the one of *choices* that has the letters and digits of *text*; empty for none.

    >>> same_letters("Graphics.g4dn", ["GRAPHICS", "GRAPHICS_G4DN"])
    'GRAPHICS_G4DN'
    >>> same_letters("Standrad", ["STANDARD"])
    ''
    """
    found = [choice for choice in choices if _letters(choice) == _letters(text)]
    return found[0] if len(found) == 1 else ""


def _words(text: str) -> list[str]:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return re.sub(r"[\W_]+", " ", split).upper().split()


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).upper()
