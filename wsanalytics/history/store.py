"""A collector's store: a folder of Parquet files, one folder a day, that only ever grows.

Every file is written aside, flushed to disk and moved into place, so a kill at any moment leaves
each file whole or absent. What is read twice counts once, so nothing has to be undone after a
kill in the middle: not the same sample in two files, not a day that was compacted but whose
single files are still there.

What lies where is said in :mod:`.store_files`.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa

from wsanalytics.errors import InputError, OutputError, StoreWarning, warn_caller
from wsanalytics.files import (
    BusyError,
    Made,
    held,
    is_private,
    json_of,
    refuse_filled,
    refuse_no_file,
    replaced,
    write_text,
)
from wsanalytics.formatting import listed
from wsanalytics.history.history import History
from wsanalytics.history.inventory import SEEN_AT, inventory_of, settings_of_inventory
from wsanalytics.history.remarks import no_remarks, with_guesses
from wsanalytics.history.sample_files import (
    as_frame,
    no_samples,
    read_day,
    read_rows,
    steadily,
    write_samples,
)
from wsanalytics.history.store_files import KINDS, day_folders, parquet_files, strangers
from wsanalytics.schedule import check_settings
from wsanalytics.tables import SETTINGS, WORKSPACES, write_sealed
from wsanalytics.timeline import Window, whole_days

_LOG = logging.getLogger(__name__)


class EmptyError(InputError):
    """There are no WorkSpaces, or no samples, in the store yet."""


SCHEMA, VERSION = "wsanalytics.store", 1
_COMPACT = "day.parquet"
_LEFT_BY_A_KILL = re.compile(r"\.store\.json\.[0-9a-f]+\.tmp$|\.(collect|backfill|write)\.lock$")
_ABANDONED_SECONDS = 3600
_COMPACT_WORKSPACES, _MANY_FILES = "all.parquet", 100


@dataclass(frozen=True)
class Store:
    """The store in ``folder``; :meth:`create` makes one, or opens the one that is there."""

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))
        self._check_version()

    @classmethod
    def of(cls, store: Store | Path | str) -> Store:
        """Return the *store*, or the one in the folder that is named."""
        return store if isinstance(store, Store) else cls(Path(store))

    @staticmethod
    def is_at(folder: Path | str) -> bool:
        """Whether there is a store in *folder*."""
        return (Path(folder) / "store.json").is_file()

    @classmethod
    def create(cls, folder: Path | str, made: Made | None = None) -> Store:
        """Open the store in *folder*, made if there is none.

        Only the last part of the path is made.

        *made* remembers what was. Raises :class:`InputError` where other things than a store are
        in the folder, hidden ones too, and :class:`OutputError` where it cannot be written to.
        """
        folder = Path(folder)
        if cls.is_at(folder):
            return cls(folder)
        made = made or Made()
        if not made.folder(folder):
            refuse_filled(folder, _LEFT_BY_A_KILL)
        about = {"schema": SCHEMA, "version": VERSION}
        write_text(json.dumps(about) + "\n", folder / "store.json")
        made.files.append(folder / "store.json")
        return cls(folder)

    def _check_version(self) -> None:
        path = self.folder / "store.json"
        try:
            if path.exists():
                refuse_no_file(path, "what a store is")
            about = json_of(path.read_text(encoding="utf-8"))
            schema, version = about["schema"], about["version"]
        except FileNotFoundError:
            raise InputError(
                "there is no store", where=str(self.folder),
                rule="a store is a folder with store.json in it",
                fix="check the path, or make one: wsanalytics collect --store DIR",
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"it cannot be read: {error}", where=str(path),
                rule=f'it holds {{"schema": "{SCHEMA}", "version": {VERSION}}}',
                fix="restore the file; the samples beside it are whole",
            ) from error
        if (schema, version) != (SCHEMA, VERSION):
            raise InputError(
                f"it is {schema} of version {version}", where=str(path),
                rule=f"this wsanalytics reads {SCHEMA} of version {VERSION}",
                fix="use the wsanalytics that wrote it, or collect into another folder",
            )

    def locked(self, what: str, *, wait_seconds: float = 0) -> AbstractContextManager[None]:
        """Hold the lock for *what* (``collect``, ``backfill``, ``write``) against other processes.

        Raises :class:`BusyError` if somebody else holds it; a lock dies with its process.
        """
        return held(self.folder, what, wait_seconds)

    def add_samples(self, samples: pd.DataFrame, name: str) -> None:
        """Add a ``samples`` table, in a file called *name* in the folder of each of its days.

        The same name and days take the place of what was there. Instants are kept to the
        millisecond.
        """
        for day, part in samples.groupby(samples["sampled_at"].dt.strftime("%Y-%m-%d")):
            folder = self._made("samples", f"day={day}")
            with self.locked("write", wait_seconds=60):
                write_samples(part, folder / f"{name}.parquet")
            _LOG.info("%s: %d samples of %s written", self.folder, len(part), day)

    def add_workspaces(self, rows: pd.DataFrame, seen_at: datetime, name: str) -> None:
        """Add WorkSpaces that are new or changed: rows of a ``workspaces`` table."""
        frame = rows[list(WORKSPACES.names)].assign(
            **{SEEN_AT: pd.Series(pd.DatetimeIndex([seen_at] * len(rows)).as_unit("us"),
                                  index=rows.index)}
        )
        self._add(frame, "workspaces", name)

    def add_settings(self, rows: pd.DataFrame, name: str) -> None:
        """Add changes of setting that were learned of elsewhere: a ``settings`` table."""
        self._add(rows[list(SETTINGS.names)], "settings", name)

    def _add(self, frame: pd.DataFrame, kind: str, name: str) -> None:
        folder = self._made(kind)
        with replaced(folder / f"{name}.parquet", private=is_private(folder)) as file:
            write_sealed(pa.Table.from_pandas(frame, preserve_index=False), file)

    def _made(self, *parts: str) -> Path:
        """Make a folder in the store; the one with names of users is for its owner alone."""
        folder = self.folder.joinpath(*parts)
        try:
            folder.mkdir(mode=0o700 if parts[0] == "workspaces" else 0o777, parents=True,
                         exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder}: it cannot be made: {error.strerror or error}. Nothing was lost."
            ) from error
        return folder

    def days(self) -> dict[date, Path]:
        """Return the UTC days of which there are samples, and their folders, in order."""
        return day_folders(self.folder)

    def samples(
        self, start: date | None = None, end: date | None = None,
        *, workspaces: list[str] | None = None, sources: list[str] | None = None,
    ) -> pd.DataFrame:
        """Read the ``samples`` of the days from *start* to *end* (excluded); text is categorical.

        Several samples of one instant count once; a poll of our own counts before a metric's.
        *workspaces* are the ids to read, *sources* the sources, by default all.
        """
        began = time.monotonic()
        wanted = {"workspace_id": workspaces, "source": sources}
        tables = [
            steadily(partial(read_day, folder, wanted))
            for day, folder in self.days().items()
            if (start is None or day >= start) and (end is None or day < end)
        ]
        frame = as_frame(pa.concat_tables(tables) if tables else no_samples())
        _LOG.info("%s: %d samples of %d days read in %.2f s", self.folder, len(frame), len(tables),
                  time.monotonic() - began)
        return frame

    def inventory(self, *, guesses: bool = True) -> pd.DataFrame:
        """Return every WorkSpace that was ever seen, as it was last seen: a ``workspaces`` table.

        Where nothing says when one was created, there may be a guess, unless *guesses* is false.
        """
        inventory = inventory_of(self._seen())
        return with_guesses(inventory, self.remarks()) if guesses else inventory

    def add_remarks(self, rows: pd.DataFrame, name: str) -> None:
        """Add what was learned of single WorkSpaces beside the tables."""
        self._add(rows, "remarks", name)

    def remarks(self) -> pd.DataFrame:
        """Return what is known of single WorkSpaces beside the tables (``remarks.COLUMNS``)."""
        return pd.concat(steadily(partial(self._rows, "remarks")) or [no_remarks()],
                         ignore_index=True)

    def _rows(self, kind: str) -> list[pd.DataFrame]:
        return [read_rows(path) for path in parquet_files(self.folder / kind)]

    def _seen(self) -> pd.DataFrame:
        """Return the stored rows about WorkSpaces, in order of time; ``seen_at`` is when."""
        parts = steadily(partial(self._rows, "workspaces"))
        if not parts:
            raise EmptyError(
                "there are no WorkSpaces in it yet", where=str(self.folder),
                rule="a store is filled by collect, and by backfill",
                fix="run wsanalytics collect --store DIR --once",
            )
        return pd.concat(parts, ignore_index=True).sort_values(
            ["workspace_id", SEEN_AT], kind="stable", ignore_index=True)

    def settings(self) -> pd.DataFrame:
        """Return the settings of each WorkSpace through time: a ``settings`` table.

        A setting holds from when it was first seen, or from when CloudTrail says it was made.
        """
        parts = steadily(partial(self._rows, "settings"))
        parts.append(settings_of_inventory(self._seen()))
        return check_settings(
            pd.concat(parts, ignore_index=True).drop_duplicates(list(SETTINGS.key))
        )

    def history(self, *, start: date | None = None, end: date | None = None) -> History:
        """Read the history of the UTC days from *start* to *end* (excluded).

        By default those days that the samples cover whole; else those that they touch.
        """
        window = self.window(start, end)
        samples = self.samples(window.start.date(), window.end.date())
        return History(self.inventory(), samples, window, self.settings())

    def window(self, start: date | None = None, end: date | None = None) -> Window:
        """Return the UTC days from *start* to *end*, by default those of :meth:`covered`."""
        if strange := strangers(self.folder):
            warn_caller(f"{self.folder}: {listed(strange, 3)}, which is left out", StoreWarning)
        covered = self.covered()
        first, final = start or covered.start.date(), end or covered.end.date()
        if final <= first:
            raise InputError(
                f"--end {final} is not after --start {first}", where=str(self.folder),
                rule=f"a window ends after it starts; the samples cover {covered}",
                fix="give other days")
        if first >= covered.end.date() or final <= covered.start.date():
            raise InputError(
                f"there are no samples from {first} to {final}", where=str(self.folder),
                rule=f"a history has samples; they cover {covered}", fix="give other days")
        return Window.of_days(first, final)

    def covered(self) -> Window:
        """Return the UTC days that the samples cover whole, or else those that they touch."""
        (_, first), (_, last) = self._first_and_last()
        return whole_days(first, last)

    def observed(self) -> Window:
        """Return the UTC days from the first sample's to the newest one's, both included."""
        (first, _), (last, _) = self._first_and_last()
        return Window.of_days(first, last + timedelta(days=1))

    def newest_at(self) -> datetime:
        """Return when the newest sample was taken."""
        newest: datetime = self._first_and_last()[1][1].to_pydatetime()
        return newest

    def _first_and_last(self) -> tuple[tuple[date, pd.Timestamp], tuple[date, pd.Timestamp]]:
        """Return the first and the newest sample.

        Their days and instants. A file may hold no row.
        """
        days = list(self.days())
        first = next(((day, taken[0]) for day in days if len(taken := self.instants(day)[1])), None)
        if first is None:
            raise EmptyError(
                "there are no samples", where=str(self.folder), rule="a history has samples",
                fix="run wsanalytics collect or backfill on it")
        last = next((day, taken[-1]) for day in reversed(days)
                    if len(taken := self.instants(day)[1]))
        return first, last

    def scattered(self, before: date) -> list[Path]:
        """Return the folders of the days before *before* that are of more than one file."""
        return [folder for day, folder in self.days().items() if day < before
                and [file.name for file in parquet_files(folder)] != [_COMPACT]]

    def compact(self, before: date, advance: Callable[[int], None] = lambda _: None) -> int:
        """Make one file of the files of each day before *before*; return the number of days done.

        A kill in between loses nothing: the old files go once the new one is in place. *advance*
        is called with 1 after each day.
        """
        scattered = self.scattered(before)
        for folder in scattered:
            with self.locked("write", wait_seconds=60):
                # Listed again under the lock: a collector may have added a file since.
                files = parquet_files(folder)
                write_samples(as_frame(read_day(folder)), folder / _COMPACT)
                for file in files:
                    if file.name != _COMPACT:
                        file.unlink(missing_ok=True)
            advance(1)
        self._compact_workspaces()
        return len(scattered)

    def _compact_workspaces(self) -> None:
        """Make one file of the many that hold how WorkSpaces changed: each poll reads them all."""
        files = parquet_files(self.folder / "workspaces")
        if len(files) < _MANY_FILES:
            return
        with self.locked("write", wait_seconds=60):
            rows = pd.concat([read_rows(path) for path in files], ignore_index=True)
            folder = self.folder / "workspaces"
            with replaced(folder / _COMPACT_WORKSPACES, private=is_private(folder)) as file:
                write_sealed(pa.Table.from_pandas(rows.drop_duplicates(), preserve_index=False),
                             file)
            for path in files:
                if path.name != _COMPACT_WORKSPACES:
                    path.unlink(missing_ok=True)

    def instants(self, day: date) -> tuple[int, pd.DatetimeIndex]:
        """Count the samples of a day, and return the distinct instants at which any was taken."""
        folder = self.days()[day]
        taken = steadily(partial(read_day, folder)).column("sampled_at")
        # Distinct in Arrow first: a day has millions of rows, and only hundreds of instants.
        distinct = pd.DatetimeIndex(taken.unique().to_pandas()).as_unit("us").sort_values()
        return len(taken), distinct

    def take_back(self, made: Made) -> None:
        """Remove what was *made* for a store that nothing came to be in; no other file goes."""
        if any(self.folder.rglob("*.parquet")):
            return
        for kind in KINDS:
            made.folders += [self.folder / kind, *sorted((self.folder / kind).glob("day=*"))]
        made.files += [self.folder / f".{what}.lock" for what in ("collect", "backfill", "write")]
        # Where somebody else collects into it, the store is in use and stays.
        with suppress(BusyError), self.locked("collect"), self.locked("backfill"):
            made.take_back()

    def tidy(self) -> None:
        """Remove what a killed process was writing, once it is an hour old."""
        past = time.time() - _ABANDONED_SECONDS
        for path in self.folder.rglob(".*.tmp"):
            with suppress(FileNotFoundError):  # moved into place meanwhile
                if path.stat().st_mtime < past:
                    path.unlink()

    def size_bytes(self) -> int:
        """Return the size of the store on disk, in bytes."""
        size = 0
        for path in self.folder.rglob("*"):
            with suppress(FileNotFoundError):
                size += path.stat().st_size if path.is_file() else 0
        return size
