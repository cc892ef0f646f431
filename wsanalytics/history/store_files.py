"""List what is in the folders of a store: its own files, and whatever else.

Nothing is passed over silently. What is called like a file of ours and cannot be read is refused
by name: no figure is made without it. What is called otherwise is named and left alone.

::

    store.json                            what this folder is, and which version of it
    samples/day=2026-11-25/*.parquet      a file a poll; one file once the day is over
    workspaces/*.parquet                  WorkSpaces as they were first seen, and as they changed
    settings/*.parquet                    changes of setting from CloudTrail
    remarks/*.parquet                     guesses, and what else is known of single WorkSpaces
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from wsanalytics.errors import InputError

KINDS = ("samples", "workspaces", "settings", "remarks")
_DAY = re.compile(r"day=(\d{4}-\d{2}-\d{2})")
_FIX = "restore it from a backup, or move it out of the store"


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files in *folder*, by name; none where there is no such folder.

    Raises :class:`InputError` where it may not be looked into, and for anything with such a name
    that is no file: a link to nothing, a pipe, a folder.
    """
    files = []
    for entry in _entries(folder):
        if entry.name.endswith(".parquet") and not entry.name.startswith("."):
            if not _is_file(entry):
                raise InputError("it is no file: a link to nothing, a pipe or a folder",
                                 where=entry.path, rule="a store is made of whole files",
                                 fix=_FIX)
            files.append(Path(entry.path))
    return files


def day_folders(store: Path) -> dict[date, Path]:
    """The UTC days of which there are samples in the *store*, and their folders, in order."""
    folders = {}
    for entry in _entries(store / "samples"):
        day = day_named(entry.name)
        if day is not None and entry.is_dir() and parquet_files(Path(entry.path)):
            folders[day] = Path(entry.path)
    return folders


def day_named(name: str) -> date | None:
    """Return the day that a folder of samples is named for; None where it is named for none."""
    match = _DAY.fullmatch(name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def strangers(store: Path) -> list[str]:
    """List what lies where a store keeps its data and is none of it, by name and reason."""
    return [f"{path.relative_to(store)} {reason}" for path, reason in _strangers(store)]


def _strangers(store: Path) -> Iterator[tuple[Path, str]]:
    for kind in KINDS:
        folder = store / kind
        for entry in _entries(folder):
            if entry.name.startswith("."):
                continue  # a lock, or what is being written
            path = Path(entry.path)
            if kind == "samples":
                yield from _in_samples(entry)
            elif not entry.name.endswith(".parquet"):
                yield path, "is no file of a store"


def _in_samples(entry: os.DirEntry[str]) -> Iterator[tuple[Path, str]]:
    path = Path(entry.path)
    if day_named(entry.name) is None:
        yield path, "is named for no day"
    elif not entry.is_dir():
        yield path, "is no folder"
    else:
        for inner in _entries(path):
            if not inner.name.startswith(".") and not inner.name.endswith(".parquet"):
                yield Path(inner.path), "is no file of a store"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(
            f"it cannot be looked into: {error.strerror or error}", where=str(folder),
            rule="no figure is made without what is in a store", fix="check its permissions, or "
            "move it out of the store") from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
