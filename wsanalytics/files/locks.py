"""One process at a time, on every system."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wsanalytics.errors import InputError, OutputError


class BusyError(InputError):
    """Another process does the same thing in the same folder."""


@contextmanager
def held(folder: Path, what: str, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the lock for *what* in *folder*; it dies with its process.

    Raises :class:`BusyError` if another process holds it after *wait_seconds*, and
    :class:`OutputError` where the folder cannot be written to.
    """
    lock = FileLock(folder / f".{what}.lock", timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"another process is busy with '{what}' there", where=str(folder),
            rule="one process at a time does this in one folder",
            fix="wait for it or stop it; the lock ends with the process",
        ) from None
    except OSError as error:
        raise OutputError(
            f"{folder}: it cannot be written to: {error.strerror or error}. "
            "Fix: check its permissions and the disk."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def held_here(name: str, what: str, where: str) -> Iterator[None]:
    """Hold the lock *name* against all that this user runs on this computer, in any folder.

    Raises :class:`BusyError`, which says that another process does *what*, and *where*.
    """
    folder = Path(tempfile.gettempdir()) / f"wsanalytics-{getpass.getuser()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: locks cannot be kept there: {error.strerror or error}. "
            "Fix: check its permissions, or set TMPDIR to a folder that may be written to."
        ) from error
    try:
        with held(folder, name):
            yield
    except BusyError as error:
        if error.where != str(folder):
            raise
        raise BusyError(
            f"another process {what}", where=where, rule="one process at a time does this",
            fix="wait for it or stop it; the lock ends with the process") from None
