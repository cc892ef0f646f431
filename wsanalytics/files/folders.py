"""Folders that a run makes, and takes back with nothing else in them gone."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from wsanalytics.errors import InputError, OutputError
from wsanalytics.files.outputs import real_path, reason_of, status_of


def new_folder(folder: Path) -> bool:
    """Whether *folder* is to be made, as its last part alone is missing; it may be there.

    Raises :class:`OutputError` where it is a file, or cannot be made.
    """
    try:
        if folder.is_dir():
            return False
        if status_of(folder) is not None or folder.is_symlink():
            raise OutputError(f"{folder}: it is a file, not a folder. Fix: name another folder.")
        parent = real_path(folder).parent
        if not parent.is_dir():
            raise OutputError(
                f"{folder}: the folder {folder.parent} does not exist. "
                "Rule: only the last part of the path is created. "
                "Fix: create it, or name another.")
    except (OSError, ValueError) as error:
        raise OutputError(f"{folder}: the folder cannot be made: {reason_of(error)}. "
                          "Nothing was written.") from error
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: the folder {folder.parent} may not be written to.")
    return True


@dataclass
class Made:
    """The files and folders that a run has made, so that it can remove those and nothing else.

    Used as a context: after an error the folders that were made go again, where nothing is in
    them.
    """

    folders: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def folder(self, path: Path, *, mode: int = 0o777) -> bool:
        """Make the last part of *path* if it is missing; return whether it was."""
        try:
            path.mkdir(mode=mode)
        except FileExistsError:
            if path.is_dir():
                return False
            raise OutputError(f"{path}: it is a file, not a folder. Fix: name another folder."
                              ) from None
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{path}: the folder cannot be made: {reason_of(error)}. "
                "Fix: name a folder in one that exists and may be written to.") from error
        self.folders.append(path)
        return True

    def take_back(self) -> None:
        """Remove the files that were made, and the folders that are empty without them."""
        for path in self.files:
            with suppress(OSError):
                path.unlink()
        for path in reversed(self.folders):
            with suppress(OSError):  # something is in it: it stays
                path.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.take_back()


def refuse_filled(folder: Path, but: re.Pattern[str]) -> None:
    """Raise :class:`InputError` for a folder with anything in it, hidden or not, *but* such names.

    Those are what a killed run of ours leaves.
    """
    try:
        strange = sorted(path.name for path in folder.iterdir() if not but.match(path.name))
    except OSError as error:
        raise OutputError(f"{folder}: it cannot be looked into: {reason_of(error)}. "
                          "Nothing was written.") from error
    if strange:
        more = f" and {len(strange) - 3:,} more" if len(strange) > 3 else ""
        raise InputError(
            f"there is something in it ({', '.join(strange[:3])}{more}), but it is no store",
            where=str(folder), rule="a store has a folder of its own, with store.json in it",
            fix="name a new or an empty folder; hidden files count")
