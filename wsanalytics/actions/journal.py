"""The journal: a file with what was done to AWS, line by line, as it was done.

JSON Lines, only ever added to. Each line is flushed to disk before the next thing is done, so
that a kill at any moment leaves at most one line cut off, the last. :mod:`.ledger`
reads what the lines mean.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, NoReturn

from wsanalytics.actions.journal_model import what_is_wrong
from wsanalytics.errors import InputError, OutputError
from wsanalytics.files import OWNER_ALONE, flush_folder, held, held_here, json_of, refuse_no_file

SCHEMA, VERSION = "wsanalytics.journal", 1
Entry = dict[str, Any]
"""One line of a journal; ``at``, ``run`` and ``event`` are in all of them."""


def utc_now() -> datetime:
    """Return this computer's clock, in UTC."""
    return datetime.now(UTC)


class JournalError(OutputError):
    """A line cannot be written to a journal: nothing more may be done."""


class Journal:
    """An open journal, which takes what one run of a command does.

    ``entries`` are the lines that were there before. Made by :func:`open_journal`.
    """

    def __init__(
        self, path: Path, file: FileIO, entries: list[Entry],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.path, self.entries, self.run = path, entries, secrets.token_hex(4)
        self._file, self._clock, self._calls = file, clock, 0

    def begin(self, kind: str, **more: object) -> None:
        """Write that a run of *kind* (apply, undo, stop-idle, start-early, create) begins."""
        self.write("begin", schema=SCHEMA, version=VERSION, kind=kind, **more)

    def write(self, event: str, **more: object) -> None:
        """Add one line; it is on disk when this returns.

        Raises :class:`JournalError` where it cannot be written: nothing may be done then.
        """
        entry = {"at": instant_text(self._clock()), "run": self.run, "event": event} | more
        try:
            # A write to an unbuffered file may take only part of the line: go on until all of it is
            # on disk.
            left = memoryview(_line(entry))
            while left:
                left = left[self._file.write(left):]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def number_call(self) -> str:
        """Give a name for the next call, by which its answer is matched."""
        self._calls += 1
        return f"{self.run}-{self._calls}"


def _line(entry: Entry) -> bytes:
    text = json.dumps(entry, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def instant_text(at: datetime) -> str:
    """Write an instant as journals do, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def open_journal(
    path: Path | str, *, clock: Callable[[], datetime] = utc_now, repairs: bool = True
) -> Iterator[Journal]:
    """Open the journal at *path*, made if there is none, locked against other processes.

    A last line that a kill cut off is taken out, and said in a line of its own, unless *repairs* is
    false: then it is refused. Raises :class:`InputError` for a file that is no journal, or that
    another process writes to, and :class:`OutputError` where it cannot be written to.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist. "
                          "Rule: folders are not created. Fix: create it, or name another file.")
    with ExitStack() as locks:
        locks.enter_context(journal_lock(path))
        is_new = not path.exists()
        if not is_new:
            locks.enter_context(_file_lock(path))
        entries, torn = ([], b"") if is_new else read_lines(path)
        if torn and not repairs:
            raise _torn(path)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ALONE)
        except OSError as error:
            raise _cannot_write(path, error) from error
        with FileIO(handle, "ab") as file:
            if is_new:
                # A new file can be locked only now: before, it had no inode.
                locks.enter_context(_file_lock(path))
            if torn:
                file.truncate(path.stat().st_size - len(torn))
            journal = Journal(path, file, entries, clock)
            if is_new:
                flush_folder(path.parent)
            if torn:
                journal.write("mended", dropped=torn.decode("utf-8", "replace"))
            yield journal


def journal_lock(path: Path) -> AbstractContextManager[None]:
    """Hold the journal at *path*, by its real path, against other processes."""
    real = Path(os.path.realpath(path))
    return held(real.parent, real.name)


def _file_lock(path: Path) -> AbstractContextManager[None]:
    """Hold the file itself: it may have several names."""
    status = path.stat()
    return held_here(f"journal-{status.st_dev}-{status.st_ino}", "writes to it", str(path))


def read_journal(path: Path | str) -> list[Entry]:
    """Read the lines of the journal at *path*, without one that a kill cut off at the end."""
    return read_lines(Path(path))[0]


def read_lines(path: Path) -> tuple[list[Entry], bytes]:
    """Read the whole lines of a journal, and what is left of one that was cut off at the end.

    Raises :class:`InputError` for a file that is missing, no journal, of another version, or
    damaged before its end.
    """
    refuse_no_file(path, "a journal")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror or error}", where=str(path),
                         fix="check the path and its permissions") from error
    lines = raw.split(b"\n")
    # Every whole line ends in a newline, so what follows the last newline was cut off.
    torn = lines.pop()
    entries: list[Entry] = []
    for number, line in enumerate(lines, start=1):
        entry = _parsed(line)
        if entry is None and number == len(lines) and not torn:
            torn = line + b"\n"  # a page of the disk that was never filled
        elif entry is None:
            _refuse(path, number, "this line is no entry of a journal")
        elif wrong := what_is_wrong(entry):
            _refuse(path, number, wrong)
        else:
            entries.append(entry)
    _check_first(path, entries, torn)
    return entries, torn


def _parsed(line: bytes) -> Entry | None:
    try:
        entry = json_of(line)
    except ValueError:
        return None
    good = isinstance(entry, dict) and all(
        isinstance(entry.get(name), str) for name in ("at", "run", "event"))
    return entry if good else None


def _check_first(path: Path, entries: list[Entry], torn: bytes) -> None:
    if not entries:
        if torn and not torn.lstrip().startswith(b'{"at"'):
            _refuse(path, 1, "this is no entry of a journal")
        return
    for number, entry in enumerate(entries, start=1):
        if entry["event"] == "begin" and (entry.get("schema"), entry.get("version")) != (
                SCHEMA, VERSION):
            _refuse(path, number, f"it is {entry.get('schema')} of version {entry.get('version')}",
                    f"this wsanalytics reads {SCHEMA} of version {VERSION}",
                    "use the wsanalytics that wrote it")
    if entries[0]["event"] not in {"begin", "mended"}:
        _refuse(path, 1, "a journal begins with another line")


def _refuse(
    path: Path, line: int, what: str,
    rule: str = "a journal is JSON Lines, written by wsanalytics alone and never edited",
    fix: str = "restore it from a backup, or name another file",
) -> NoReturn:
    raise InputError(what, where=f"{path}, line {line}", rule=rule, fix=fix)


def _torn(path: Path) -> InputError:
    return InputError(
        "its last line is cut off: the run that wrote it was killed", where=str(path),
        rule="an interrupted run is resumed before another one begins",
        fix="run the same command again with --resume")


def _cannot_write(path: Path, error: OSError) -> JournalError:
    return JournalError(f"{path}: the journal cannot be written: {error.strerror or error}. "
                        "Rule: nothing is done that is not written down before. "
                        "Fix: check its permissions and the disk.")


