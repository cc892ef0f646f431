"""Check what may be read as a file, before it is opened. Nothing heavy is imported here."""

from __future__ import annotations

import stat
from pathlib import Path

from wsanalytics.errors import InputError


def refuse_no_file(path: Path, what: str) -> None:
    """Raise :class:`InputError` where *path*, which is to hold *what*, is no file that can be read.

    A pipe would keep a command waiting for ever, and a device has no end.
    """
    reason = _why_not(path)
    if reason:
        raise InputError(reason, where=str(path), rule=f"{what} is read from one file",
                         fix="check the path")


def _why_not(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "it is a link to nothing" if path.is_symlink() else "there is no such file"
    except (OSError, ValueError) as error:
        return f"it cannot be read: {(isinstance(error, OSError) and error.strerror) or error}"
    if stat.S_ISDIR(mode):
        return "it is a folder"
    return "" if stat.S_ISREG(mode) else "it is no file but a pipe, a device or the like"
