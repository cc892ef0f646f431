"""CSV and Parquet, in and out: the same columns in both, outputs whole or not at all.

How a file takes its place is in :mod:`wsanalytics.files.outputs`.
"""

from __future__ import annotations

import codecs
import csv
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from wsanalytics.errors import InputError
from wsanalytics.files import Batch, check_output, ending_of, refuse_no_file, replaced
from wsanalytics.safe_text import escape_formula, plain, unescape_formula
from wsanalytics.tables.check import Origin, refuse_missing_columns
from wsanalytics.tables.column_types import refuse_types
from wsanalytics.tables.contract import Kind, Table
from wsanalytics.tables.foreign_columns import file_hint
from wsanalytics.tables.sealed_parquet import BROKEN, frame_of, read_columns, write_sealed

_LOG = logging.getLogger(__name__)
Quoting = Literal[0, 1, 2, 3]
READ_BACK = {"workspaces", "samples", "sessions", "gaps", "prices", "settings", "orders"}
"""The tables that commands read, beside writing them: what they hold comes back to the letter."""


def origin_of(path: Path) -> Origin:
    """Return how messages call the rows of the file at *path*."""
    return Origin(str(path), csv=path.suffix == ".csv")


def read_table(path: Path, table: Table) -> pd.DataFrame:
    """Return the columns of *table* that the file at *path* has, as they stand there, unchecked.

    From CSV every cell comes as text, an empty one as ``""``. Raises :class:`InputError` where
    there is no such file, or it is empty, of another kind, cut off or not readable.
    """
    read = _readers().get(path.suffix)
    if read is None:
        raise InputError(
            f"the ending {path.suffix!r} says nothing of its kind",
            where=str(path),
            rule="tables are .csv or .parquet",
            fix=file_hint(path.suffix),
        )
    refuse_no_file(path, f"a {table.name} table")
    began = time.monotonic()
    try:
        if path.stat().st_size == 0:
            raise InputError(
                "the file is empty",
                where=str(path),
                rule=f"a {table.name} table has at least its column names",
                fix="check how the file was made",
            )
        frame = read(path, table)
    except BROKEN as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        raise InputError(
            f"it cannot be read: {reason}" if reason else
            f"it cannot be read as {path.suffix[1:]}: {(str(error).splitlines() or [''])[0]}",
            where=str(path),
            rule="the file is whole, of the kind that its ending says, and its text is UTF-8",
            fix="check its permissions, and that it is complete; or make it again",
        ) from error
    _LOG.info("%s: %d rows of a %s table read in %.2f s", path, len(frame), table.name,
              time.monotonic() - began)
    return frame


def read_source(
    source: Path | str | pd.DataFrame, table: Table
) -> tuple[pd.DataFrame, Origin | None]:
    """Return a frame as it is, or the columns of *table* in the file that is named.

    And where it is.
    """
    if isinstance(source, pd.DataFrame):
        return source, None
    if not isinstance(source, Path | str):
        raise InputError(f"it is {type(source).__name__}", where=f"the {table.name}",
                         rule=f"a {table.name} table comes from a file or is a frame",
                         fix="name a .csv or .parquet file")
    path = Path(source)
    return read_table(path, table), origin_of(path)


def _readers() -> dict[str, Callable[[Path, Table], pd.DataFrame]]:
    return {".csv": _read_csv, ".parquet": _read_parquet}


def _read_csv(path: Path, table: Table) -> pd.DataFrame:
    _refuse_utf16(path)
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    with pa.csv.open_csv(path, parse_options=parse) as reader:
        names = [name.strip() for name in reader.schema.names]
    _refuse_twice(names, path, table)
    refuse_missing_columns(names, table, str(path))
    wanted = [name for name in names if name in table.names]
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    data = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(column_names=names, skip_rows=1)
        if names != reader.schema.names
        else None,
        parse_options=parse,
        convert_options=convert,
    )
    frame: pd.DataFrame = data.select(wanted).to_pandas()
    for name in wanted:
        armed = frame[name].str.startswith("'")
        if armed.any():
            frame[name] = frame[name].where(~armed, frame[name].map(unescape_formula))
    return frame


def _refuse_utf16(path: Path) -> None:
    """Excel's 'Unicode text' begins with a mark of its own, and is no CSV for anybody else."""
    with path.open("rb") as file:
        begins = file.read(2)
    if begins in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        raise InputError("it is UTF-16 text", where=str(path), rule="the text of a CSV is UTF-8",
                         fix="save it as CSV UTF-8 (comma delimited)")


def _read_parquet(path: Path, table: Table) -> pd.DataFrame:
    names, data = read_columns(path, table.names)
    _refuse_twice(names, path, table)
    refuse_missing_columns(names, table, str(path))
    refuse_types(data, table, str(path))
    return frame_of(path, data)


def _refuse_twice(names: list[str], path: Path, table: Table) -> None:
    for name in table.names:
        if names.count(name) > 1:
            raise InputError(
                f"column {name} stands there twice",
                where=str(path),
                rule="column names are unique",
                fix="remove or rename one of them",
            )


def write_table(
    frame: pd.DataFrame, path: Path | str, table: Table, *, batch: Batch | None = None
) -> None:
    """Write the contract's columns of *frame* to *path*, as CSV or Parquet by its ending.

    A new file of a table with names of users is for its owner alone.
    """
    path = Path(path)
    check_output(path)
    columns = frame[list(table.names)]
    with replaced(path, private="user_name" in table.names, batch=batch) as file:
        if ending_of(path) == ".csv":
            text, quoting = _as_csv(columns, table)
            text.to_csv(file, index=False, lineterminator="\n", quoting=quoting)
        else:
            write_sealed(pa.Table.from_pandas(columns, preserve_index=False), file)
    _LOG.info("%s: %d rows of a %s table written", path, len(frame), table.name)


def _as_csv(frame: pd.DataFrame, table: Table) -> tuple[pd.DataFrame, Quoting]:
    """Return instants as ISO 8601 with Z, flags as true and false.

    And which cells are to be quoted.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, which is taken
    off again where the table is read. Control characters become a mark in tables that nothing
    reads back; in the others they stay, and a line break within a cell is quoted.
    """
    text: dict[str, pd.Series] = {}
    quoting: Quoting = csv.QUOTE_MINIMAL
    for column in table.columns:
        values = frame[column.name]
        if column.kind is Kind.INSTANT:
            text[column.name] = _iso(values)
        elif column.kind is Kind.FLAG:
            text[column.name] = values.map({True: "true", False: "false"})
        elif column.kind is Kind.TEXT:
            distinct = {value: escape_formula(value if table.name in READ_BACK else plain(value))
                        for value in map(str, values.dropna().unique())}
            text[column.name] = values.astype("str").map(distinct)
            if any("\r" in value for value in distinct.values()):
                quoting = csv.QUOTE_NONNUMERIC  # the writer takes a lone CR for a plain letter
        else:
            text[column.name] = values
    return pd.DataFrame(text), quoting


def _iso(values: pd.Series) -> pd.Series:
    whole = bool((values.dropna().dt.microsecond == 0).all())
    form = "%Y-%m-%dT%H:%M:%SZ" if whole else "%Y-%m-%dT%H:%M:%S.%fZ"
    texts: pd.Series = values.dt.strftime(form)
    return texts
