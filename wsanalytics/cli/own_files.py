"""Know what ``demo`` made in a folder, and distinguish it from what somebody else put there.

A file of its own in the folder lists what an earlier demonstration made, each with a digest of what
was in it. What is not listed, or has changed since, is somebody's: it is neither replaced nor
removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from wsanalytics.errors import InputError, OutputError
from wsanalytics.files import write_text

MARKER = ".wsanalytics-demo.json"


@dataclass(frozen=True, slots=True)
class Own:
    """The files of an earlier demonstration: the digest of each, by its path in the folder."""

    digests: Mapping[str, str]

    def remove_store(self, store: Path) -> None:
        """Remove the store of the earlier demonstration, which was found to be as it left it."""
        try:
            for path in _files_of(store):
                path.unlink()
        except OSError as error:
            raise OutputError(f"{error.filename}: it cannot be removed: {error.strerror}. "
                              "Fix: name another folder with --output.") from error
        _remove_empty(store)


def read_own(folder: Path, names: Sequence[str], store: str) -> Own:
    """Read the files of an earlier demonstration in *folder*; nothing is changed.

    Raises :class:`InputError` where a file of one of *names*, or anything in the *store*, is not
    what it made: that is somebody's.
    """
    own = Own(_digests(folder / MARKER))
    try:
        present = [folder / name for name in names if _is_there(folder / name)]
        if (folder / store).is_symlink() or (folder / store).is_file():
            present.append(folder / store)
        present += _files_of(folder / store)
        strange = [path for path in present
                   if own.digests.get(path.relative_to(folder).as_posix()) != _digest(path)]
    except OSError as error:
        raise OutputError(f"{error.filename}: it cannot be read: {error.strerror}. "
                          "Nothing was written.") from error
    if strange:
        raise InputError(
            f"{strange[0].relative_to(folder)} is there, and it is not as a demonstration left it"
            + (f" ({len(strange) - 1:,} more)" if len(strange) > 1 else ""), where=str(folder),
            rule="a demonstration replaces and removes only what an earlier one made",
            fix="name another folder with --output, or move it away")
    return own


def write_own(folder: Path, names: Sequence[str], store: str) -> None:
    """Write down what was made in *folder*: the files *names*, and all in the *store*."""
    paths = [*(folder / name for name in names), *_files_of(folder / store)]
    digests = {path.relative_to(folder).as_posix(): _digest(path) for path in paths}
    write_text(json.dumps({"made": digests}, indent=1) + "\n", folder / MARKER)


@contextmanager
def own_store(store: Path) -> Iterator[None]:
    """A store that is made within the block, and removed again where the block is interrupted."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for path in _files_of(store):
                path.unlink()
            _remove_empty(store)
        raise


def _digests(marker: Path) -> Mapping[str, str]:
    try:
        digests = json.loads(marker.read_text(encoding="utf-8"))["made"]
        return {str(name): str(digest) for name, digest in digests.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # no demonstration was here, or it left no word of what it made


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _files_of(store: Path) -> list[Path]:
    if store.is_symlink() or not store.is_dir():
        return []
    return sorted(path for path in store.rglob("*") if path.is_symlink() or not path.is_dir())


def _remove_empty(store: Path) -> None:
    folders = [path for path in store.rglob("*") if path.is_dir()]
    for path in (*sorted(folders, reverse=True), *([store] if store.is_dir() else [])):
        with suppress(OSError):  # something is in it
            path.rmdir()


def _digest(path: Path) -> str:
    """Return the digest of a file; of none that was ever made where it is no plain file."""
    if path.is_symlink() or not path.is_file():
        return ""
    return sha256(path.read_bytes()).hexdigest()
