"""What was found in a store's samples, kept beside them, so that it is found once.

The folder ``found`` of a store holds some answers, each under a name made of everything that it was
made from: the files of the store with their sizes and times, the window, the options, and the
version of wsanalytics. Where one of them is another, so is the name: nothing is ever stale. What is
there may be removed at any time.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

import pandas as pd
import pyarrow as pa

from wsanalytics.errors import InputError
from wsanalytics.files import is_private, replaced
from wsanalytics.history import KINDS, Store
from wsanalytics.tables import read_sealed, write_sealed
from wsanalytics.timeline import Window
from wsanalytics.version import __version__

FOLDER = "found"
FEWEST_SAMPLES = 200_000
"""Of fewer samples everything is found faster than it is read."""
_MOST_KEPT = 4
_FORMAT = 1
_LOG = logging.getLogger(__name__)
Frames = dict[str, pd.DataFrame]


def key_of(store: Store, window: Window, bridge_gaps: timedelta | None) -> str:
    """Return the name of what is found in *store* as it is now."""
    parts = {"version": [__version__, _FORMAT], "window": list(window.micros),
             "bridge": bridge_gaps and bridge_gaps // timedelta(microseconds=1),
             "files": list(_states(store, window))}
    return sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _states(store: Store, window: Window) -> Iterator[tuple[str, int, int, int]]:
    """Give the files that matter, with what changes whenever one of them is written.

    The time of the last change of a file's status cannot be set back, as that of its content can.
    """
    folders = [folder for day, folder in store.days().items()
               if window.start.date() <= day < window.end.date()]
    folders += [store.folder / kind for kind in KINDS if kind != "samples"]
    for folder in folders:
        for path in sorted(folder.glob("*.parquet")):
            status = path.stat()
            yield (str(path.relative_to(store.folder)), status.st_size, status.st_mtime_ns,
                   status.st_ctime_ns)


def read_kept(store: Store, key: str) -> Frames | None:
    """Return the frames that were kept as *key*, by name; None where there are none, or damaged."""
    folder = store.folder / FOLDER / key
    try:
        names = [path.stem for path in folder.glob("*.parquet")]
        frames = {name: read_sealed(folder / f"{name}.parquet").to_pandas() for name in names}
    except (InputError, OSError) as error:
        _LOG.warning("%s: found again: %s", folder, error)
        return None
    return frames or None


def keep(store: Store, key: str, frames: Frames) -> None:
    """Keep *frames* by name as *key*, and no more than some others; a full disk is no matter."""
    folder = store.folder / FOLDER
    new = folder / f".{secrets.token_hex(6)}.tmp"
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        new.mkdir()
        for name, frame in frames.items():
            with replaced(new / f"{name}.parquet", private=is_private(store.folder)) as file:
                write_sealed(pa.Table.from_pandas(frame, preserve_index=False), file)
        new.rename(folder / key)  # all of it is there at once
        kept = sorted((path for path in folder.iterdir() if not path.name.startswith(".")),
                      key=lambda path: path.stat().st_mtime)
        for path in kept[:-_MOST_KEPT]:
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(new, ignore_errors=True)
