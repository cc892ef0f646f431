"""The one place through which files and folders are made, replaced and removed.

What is here removes only what this run made, replaces only what the user named, never an input
and never another output, and keeps the rights of a file that was there. A file is written beside
the one that it is to replace, flushed to disk and moved, so that a reader (or a kill, or a full
disk) never meets half of it. Nothing heavy is imported here: the command line checks with it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from wsanalytics.errors import InputError, OutputError

EXTENSIONS = (".csv", ".parquet")
"""The files that tables are written to, by their endings."""
OWNER_ALONE = 0o600
"""The rights of a new file that holds names of users."""
STANDARD_OUTPUT = Path("-")
"""Stands for standard output where a command writes a file."""
_WRITABLE = 0o222
_LONGEST_STEM = 50  # letters of at most four bytes: with what is added a name stays under 255 bytes
_STORE_PARTS = ("store.json", "samples", "workspaces", "settings", "remarks")


def check_output(path: Path, extensions: tuple[str, ...] = EXTENSIONS) -> None:
    """Refuse, before any work is done, an output that could not be written.

    Raises :class:`InputError` for another ending than *extensions* and :class:`OutputError` for
    a folder that does not exist (it is never created) or may not be written to, a file that is
    read-only, and what is no file at all (a folder, a FIFO, a device). A link stands for the file
    that it leads to, and ``-`` for standard output, which takes the first of *extensions*.
    """
    if path == STANDARD_OUTPUT:
        return
    if path.suffix not in extensions:
        raise InputError(
            f"the ending {path.suffix!r} is not one that can be written" if path.name else
            "it names no file",
            where=str(path),
            rule=f"the output ends in {' or '.join(extensions)}",
            fix=f"use for example {Path(path.name or 'output').with_suffix(extensions[0])}",
        )
    if reason := _why_not(path):
        raise OutputError(f"{path}: {reason}")


def _why_not(path: Path) -> str:
    """Give the reason why *path* cannot be written to; empty if it can."""
    try:
        status = status_of(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            return "it is a folder. Fix: name a file in it."
        # Behind links: it is the link's target that is replaced, and its folder that must be
        # writable.
        real = real_path(path)
        folder = status_of(real.parent)
        if folder is None or not stat.S_ISDIR(folder.st_mode):
            return (f"the folder {real.parent if path.is_symlink() else path.parent} does not "
                    "exist. Rule: folders are not created. Fix: create it, or name another.")
    except (OSError, ValueError) as error:
        return f"it cannot be written: {reason_of(error)}. Nothing was written."
    if not os.access(real.parent, os.W_OK | os.X_OK):
        return f"the folder {path.parent} may not be written to."
    return "" if status is None else _why_not_replaced(real, status)


def _why_not_replaced(real: Path, status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return ("it is no file but a pipe, a device or the like. Rule: outputs are moved into "
                "their place when they are whole. Fix: name a file.")
    if not status.st_mode & _WRITABLE or not os.access(real, os.W_OK):
        return ("it is read-only. Rule: what was protected is not replaced. "
                "Fix: name another file, or make it writable.")
    return ""


def status_of(path: Path) -> os.stat_result | None:
    """Return the status of the file at *path*, behind links; None if there is none."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def reason_of(error: OSError | ValueError) -> str:
    """Give the reason for an error, in the words of the system."""
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


def real_path(path: Path) -> Path:
    """Return the file that *path* stands for, behind all links; it need not exist."""
    return Path(os.path.realpath(path))


def refuse_overlaps(outputs: Mapping[str, Path], inputs: Mapping[str, Path]) -> None:
    """Raise :class:`InputError` where an output is an input, in a store, or another output.

    Both are given by the names that users know them by, such as ``--output``. Files are the same
    where their real paths are, or the same file has two names.
    """
    before: dict[str, Path] = {}
    for name, path in outputs.items():
        for other, named in inputs.items():
            if is_same_file(path, named):
                raise InputError(
                    f"{name} and {other} name the same file", where=str(path),
                    rule="an output never replaces what a command reads",
                    fix="name another file for the output")
            if is_in_store(path, named):
                raise InputError(
                    f"{name} names a file in the store", where=str(path),
                    rule="what a store keeps is written by the commands that fill it alone",
                    fix="name a file outside of it")
        for other, named in before.items():
            if is_same_file(path, named):
                raise InputError(f"{name} and {other} name the same file", where=str(path),
                                 rule="every output has a file of its own",
                                 fix="give them two names")
        before[name] = path


def ending_of(path: Path, extensions: tuple[str, ...] = EXTENSIONS) -> str:
    """Return the kind of file to write to *path*, by its ending.

    >>> ending_of(Path("charges.parquet")), ending_of(Path("-"))
    ('.parquet', '.csv')
    """
    return extensions[0] if path == STANDARD_OUTPUT else path.suffix


def page_at(output: Path) -> Path:
    """Return the page that ``report --output`` means: ``report.html`` in what names a folder."""
    if output == STANDARD_OUTPUT:
        return output
    try:
        is_folder = output.is_dir()
    except (OSError, ValueError):
        is_folder = False
    return output / "report.html" if is_folder or not output.suffix else output


def is_same_file(first: Path, second: Path) -> bool:
    """Whether two paths lead to one file, through links and by any of its names."""
    try:
        return real_path(first) == real_path(second) or first.samefile(second)
    except (OSError, ValueError):  # one of them is not there, or cannot be looked at
        return False


def is_in_store(path: Path, folder: Path) -> bool:
    """Whether *path* is one of the files that the store in *folder* is made of."""
    try:
        if not (folder / "store.json").is_file():
            return False
        inner = real_path(path).relative_to(real_path(folder))
    except (OSError, ValueError):
        return False
    return bool(inner.parts) and inner.parts[0] in _STORE_PARTS


@dataclass
class Batch:
    """Files that are moved to where they belong all together, or none of them.

    Made by :func:`together`, and handed to what writes.
    """

    waiting: list[tuple[Path, Path]] = field(default_factory=list)
    printed: list[bytes] = field(default_factory=list)
    """What goes to standard output, after all files are in their places."""

    def move(self) -> None:
        """Move every file; where one cannot be, those that were replaced come back."""
        moved: list[Path] = []
        old: dict[Path, Path] = {}
        try:
            for beside, real in self.waiting:
                if real.exists():
                    old[real] = _second_name(real)
                beside.replace(real)
                moved.append(real)
        except OSError:
            for real in reversed(moved):
                with suppress(OSError):
                    old[real].replace(real) if real in old else real.unlink()
            raise
        finally:
            for path in old.values():
                path.unlink(missing_ok=True)
        for content in self.printed:
            _print_bytes(content)

    def drop(self) -> None:
        """Remove what was written and not moved."""
        for beside, _ in self.waiting:
            beside.unlink(missing_ok=True)


def _second_name(real: Path) -> Path:
    """Another name for a file that is about to be replaced, to bring it back by."""
    old = _beside(real)
    try:
        old.hardlink_to(real)
    except OSError:  # a disk that knows no second names
        shutil.copy2(real, old)
    return old


@contextmanager
def together() -> Iterator[Batch]:
    """A :class:`Batch`: what is written in the block appears when it ends, all or nothing."""
    batch = Batch()
    try:
        yield batch
        try:
            batch.move()
        except OSError as error:
            raise OutputError(f"{error.filename2 or error.filename}: it cannot be written: "
                              f"{reason_of(error)}. Nothing was written.") from error
    finally:
        batch.drop()


@contextmanager
def replaced(path: Path, *, private: bool = False, batch: Batch | None = None
             ) -> Iterator[BinaryIO]:
    """Give a file to write to that takes the place of *path* when the block ends without an error.

    The rights of a file that was there are kept; a new one that is *private* is for its owner
    alone. With a *batch* it takes its place when that is moved. What is written to ``-`` goes to
    standard output, when the block ends.
    """
    if path == STANDARD_OUTPUT:
        content = BytesIO()
        yield content
        if batch is None:
            _print_bytes(content.getvalue())
        else:
            batch.printed.append(content.getvalue())
        return
    real, before = _to_replace(path)
    beside = _beside(real)
    try:
        with beside.open("xb") as file:  # the kernel gives it the rights that any new file gets
            try:
                _set_rights(file.fileno(), before, private=private)
                yield file
                file.flush()
                os.fsync(file.fileno())
                if batch is None:
                    beside.replace(real)
                else:
                    batch.waiting.append((beside, real))
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise OutputError(
            f"{path}: it cannot be written: {reason_of(error)}. Nothing was written."
        ) from error


def _print_bytes(content: bytes) -> None:
    """Write to standard output as to a file: no letter is replaced, no line end changed."""
    sys.stdout.flush()
    if binary := getattr(sys.stdout, "buffer", None):
        binary.write(content)
        binary.flush()
    else:  # a stream of letters alone, as notebooks have
        sys.stdout.write(content.decode())


def _to_replace(path: Path) -> tuple[Path, os.stat_result | None]:
    """Return the file behind *path*, and what it is today.

    :class:`OutputError` if it stays as it is.
    """
    try:
        real = real_path(path)
        before = status_of(real)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: it cannot be written: {reason_of(error)}. "
                          "Nothing was written.") from error
    if before is not None and (reason := _why_not_replaced(real, before)):
        raise OutputError(f"{path}: {reason}")
    return real, before


def _beside(real: Path) -> Path:
    stem = real.name if len(os.fsencode(real.name)) <= 4 * _LONGEST_STEM else (
        real.name[:_LONGEST_STEM])
    return real.with_name(f".{stem}.{secrets.token_hex(4)}.tmp")


def is_private(folder: Path) -> bool:
    """Whether nobody but its owner may look into *folder*."""
    return not stat.S_IMODE(folder.stat().st_mode) & 0o077


def _set_rights(file: int, before: os.stat_result | None, *, private: bool) -> None:
    if before is not None:
        with suppress(OSError):  # only the administrator may give a file to somebody else
            os.chown(file, before.st_uid, before.st_gid)
        os.chmod(file, stat.S_IMODE(before.st_mode))
    elif private:
        os.chmod(file, OWNER_ALONE)


def write_text(
    text: str, path: Path, *, private: bool = False, batch: Batch | None = None
) -> None:
    """Write *text* to *path* as UTF-8, whole or not at all."""
    with replaced(path, private=private, batch=batch) as file:
        file.write(text.encode())


def flush_folder(folder: Path) -> None:
    """Make the name of a new file last; not every system can do that to a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
