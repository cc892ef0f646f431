"""The Parquet files that a store keeps samples in: small, sorted, whole or absent."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wsanalytics.check_times import evidence_at
from wsanalytics.errors import InputError
from wsanalytics.files import replaced
from wsanalytics.history.inventory import SEEN_AT
from wsanalytics.history.store_files import day_named, parquet_files
from wsanalytics.tables import (
    SAMPLES,
    SETTINGS,
    Source,
    frame_of,
    is_from_cloudwatch,
    is_hourly,
    read_sealed,
    write_sealed,
)
from wsanalytics.timeline import INSTANT_DTYPE

_TEXTS = ("workspace_id", "connection_state", "state", "source")
_INSTANTS = ("sampled_at", "last_connected_at", "checked_at")
_STORED = pa.timestamp("ms", tz="UTC")
_TRIES, _PAUSE_SECONDS = 7, 0.01
T = TypeVar("T")


def no_samples() -> pa.Table:
    """Return stored samples, none of them."""
    return pa.table({name: pa.array([], _type(name)) for name in SAMPLES.names})


def _type(name: str) -> pa.DataType:
    return _STORED if name in _INSTANTS else pa.dictionary(pa.int32(), pa.string())


def write_samples(samples: pd.DataFrame, path: Path) -> None:
    """Write a ``samples`` table to *path*, whole or not at all, sorted and packed."""
    ordered = samples.sort_values(list(SAMPLES.key), kind="stable", ignore_index=True)
    if "checked_at" not in ordered:  # an optional column
        ordered["checked_at"] = ordered["sampled_at"]
    # A connected user's last connection is the check itself: left empty, as_frame() puts it back.
    now = (ordered["last_connected_at"] == evidence_at(ordered)) & _is_told_by_itself(ordered)
    ordered["last_connected_at"] = ordered["last_connected_at"].mask(now)
    ordered["checked_at"] = ordered["checked_at"].mask(
        ordered["checked_at"] == ordered["sampled_at"])  # which is what an empty one means
    frame = ordered.assign(**{name: ordered[name].astype("category") for name in _TEXTS})
    table = pa.Table.from_pandas(frame[list(SAMPLES.names)], preserve_index=False)
    for column, name in enumerate(SAMPLES.names):
        if name in _INSTANTS:
            # Milliseconds are enough for samples, and pack into half the space of microseconds.
            instants = table.column(name).cast(_STORED, safe=False)
            table = table.set_column(column, name, instants)
    with replaced(path) as file:
        write_sealed(
            table.replace_schema_metadata(), file, compression_level=9,
            use_dictionary=list(_TEXTS), row_group_size=1 << 19,
            column_encoding=dict.fromkeys(_INSTANTS, "DELTA_BINARY_PACKED"),
        )


def read_day(folder: Path, wanted: dict[str, list[str] | None] | None = None) -> pa.Table:
    """Return the samples in a day's folder, each poll once.

    *wanted* narrows columns to some values.

    A poll of our own goes before a metric of the same instant, and what was written last before
    what was written first. Hourly figures count only in hours of which nothing finer is known.
    Raises :class:`FileNotFoundError` where a file went away meanwhile: read it again.
    """
    # The newest file first: the stable sort below keeps its rows where keys are equal.
    files = sorted(parquet_files(folder), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    parts = [read_samples_file(path, wanted) for path in files]
    table = pa.concat_tables(parts) if parts else no_samples()
    if len(parts) < 2:
        return table
    frame = as_frame(table)
    # False sorts before True: of one instant, a poll of our own wins over a metric.
    rank = is_from_cloudwatch(frame["source"])
    frame = frame.assign(rank=rank).sort_values([*SAMPLES.key, "rank"], kind="stable")
    once = frame.drop_duplicates(list(SAMPLES.key))[list(SAMPLES.names)]
    once = once[~_is_outdone(once)]
    return _typed(pa.Table.from_pandas(once, preserve_index=False))


def _is_outdone(samples: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Mark samples from hourly figures in an hour for which finer ones exist."""
    hourly = is_hourly(samples["source"])
    if not hourly.any() or hourly.all():
        return np.zeros(len(samples), dtype=bool)
    hour = samples["sampled_at"].dt.floor("h")
    # WorkSpace and hour: an hourly figure is dropped if a finer sample has the same key.
    keys = pd.MultiIndex.from_arrays([samples["workspace_id"].astype("str"), hour])
    return np.asarray(hourly & keys.isin(keys[~hourly].unique()), dtype=np.bool_)


def read_samples_file(
    path: Path, wanted: dict[str, list[str] | None] | None = None
) -> pa.Table:
    """Return the samples in one file of a day's folder.

    :class:`InputError` where it is not such a file.

    It has samples of that day alone, and every column that is not optional.
    """
    table = read_arrow(path, list(_TEXTS), wanted=wanted)
    missing = [column.name for column in SAMPLES.columns
               if column.required and column.name not in table.column_names]
    if missing:
        raise _no_such_file(path, f"column {', '.join(missing)} is missing")
    try:
        table = _typed(table)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _no_such_file(path, f"its columns are of other types: {error}") from error
    day = day_named(path.parent.name)
    if day is not None and len(table):
        start = pd.Timestamp(day, tz="UTC")
        span = pc.min_max(table.column("sampled_at")).as_py()
        if span["min"] is None or span["min"] < start or span["max"] >= start + pd.Timedelta("1D"):
            raise _no_such_file(path, f"it has samples of other days than {day}")
    return table


def _no_such_file(path: Path, what: str) -> InputError:
    return InputError(what, where=str(path), rule="the files of a store are those that it wrote",
                      fix="restore this file from a backup, or move it out of the store")


def _typed(table: pa.Table) -> pa.Table:
    for name in set(SAMPLES.names) - set(table.column_names):  # of a store that is older than it
        table = table.append_column(name, pa.nulls(len(table), _type(name)))
    schema = pa.schema([(name, _type(name)) for name in SAMPLES.names])
    return table.select(list(SAMPLES.names)).cast(schema, safe=False)


def read_arrow(
    path: Path,
    dictionary: list[str] | None = None,
    wanted: dict[str, list[str] | None] | None = None,
) -> pa.Table:
    """Return the Parquet file at *path*; :class:`InputError` where it is not whole."""
    filters = [
        (name, "in", values) for name, values in (wanted or {}).items() if values is not None
    ]
    return read_sealed(path, dictionary=dictionary, filters=filters)


def read_rows(path: Path) -> pd.DataFrame:
    """Return the rows of a file of WorkSpaces or of settings, as its folder is called."""
    table = read_arrow(path)
    needed = {"workspaces": ("workspace_id", SEEN_AT), "settings": SETTINGS.names}.get(
        path.parent.name, ())
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise _no_such_file(path, f"column {', '.join(missing)} is missing")
    return frame_of(path, table)


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Return stored samples as a ``samples`` frame; text is categorical."""
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas()
    for name in _INSTANTS:
        frame[name] = pd.Series(frame[name], dtype=INSTANT_DTYPE)
    now = frame["last_connected_at"].isna() & _is_told_by_itself(frame)
    frame["last_connected_at"] = frame["last_connected_at"].mask(now, evidence_at(frame))
    frame["checked_at"] = frame["checked_at"].fillna(frame["sampled_at"])
    return frame[list(SAMPLES.names)]


def steadily(read: Callable[[], T]) -> T:
    """Read again where a file went away meanwhile: a compaction had put another in its place."""
    for tried in range(_TRIES):
        try:
            return read()
        except FileNotFoundError:
            time.sleep(_PAUSE_SECONDS * 2**tried)  # on a busy machine it takes its time
    return read()


def _is_told_by_itself(samples: pd.DataFrame) -> pd.Series:
    """Mark where ``last_connected_at`` is the time of its own check, as of a connected user.

    It is not written then, which takes a third off the file.
    """
    return (samples["connection_state"] == "CONNECTED") & (samples["source"] == Source.SAMPLE)
