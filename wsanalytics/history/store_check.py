"""Every file of a store, read whole and held against what a store's files are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wsanalytics.errors import InputError, WsanalyticsError
from wsanalytics.history.sample_files import read_rows, read_samples_file
from wsanalytics.history.store import Store
from wsanalytics.history.store_files import KINDS, parquet_files, strangers
from wsanalytics.tables import is_sealed


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """The result of :func:`check_store`: how many files are whole, and what is amiss, by name.

    ``unsealed`` are whole as far as can be seen: an earlier version wrote them without a digest.
    """

    files: int
    unsealed: int
    problems: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is amiss."""
        return not self.problems


def check_store(
    store: Store | Path | str,
    *,
    readers: Mapping[str, Callable[[Path], object]] | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> StoreCheck:
    """Read every file of *store*, and say what cannot be read whole or is none of its files.

    *readers* read what others keep in a store's folder, such as journals, by a pattern of their
    names; each raises :class:`InputError` for a file that is not whole.
    """
    opened = Store.of(store)
    problems: list[str] = []
    files = unsealed = 0
    try:
        problems += strangers(opened.folder)
    except InputError as error:
        problems.append(str(error))
    for path in _files(opened.folder, problems):
        files += 1
        try:
            unsealed += not _is_whole(path)
        except (WsanalyticsError, OSError) as error:
            problems.append(str(error))
        advance(1)
    for pattern, read in (readers or {}).items():
        for path in sorted(opened.folder.glob(pattern)):
            try:
                read(path)
            except InputError as error:
                problems.append(str(error))
    return StoreCheck(files, unsealed, tuple(dict.fromkeys(problems)))


def _is_whole(path: Path) -> bool:
    """Whether a digest confirms it; :class:`InputError` for a file that is not whole."""
    if path.parent.name.startswith("day="):
        read_samples_file(path)
    else:
        read_rows(path)
    return is_sealed(path)


def _files(store: Path, problems: list[str]) -> Iterator[Path]:
    """Return the files of a store.

    Folders that cannot be read are listed among the *problems*.
    """
    folders = [store / kind for kind in KINDS]
    folders += sorted(path for path in folders[0].glob("day=*") if path.is_dir())
    for folder in folders:
        try:
            yield from parquet_files(folder)
        except InputError as error:
            problems.append(str(error))
            yield from sorted(path for path in folder.glob("[!.]*.parquet") if path.is_file())
