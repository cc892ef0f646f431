"""CSV and Parquet, in and out: the same columns in both, outputs whole or not at all.

How a file takes its place is in :mod:`wsanalytics.files.outputs`.
"""

from __future__ import annotations

import codecs
import csv
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from wsanalytics.errors import InputError
from wsanalytics.files import Batch, check_output, ending_of, refuse_no_file, replaced
from wsanalytics.formatting import counted
from wsanalytics.safe_text import escape_formula, plain, unescape_formula
from wsanalytics.tables.check import check_header, twice
from wsanalytics.tables.column_types import type_faults
from wsanalytics.tables.contract import Kind, Table
from wsanalytics.tables.faults import Faults, Origin
from wsanalytics.tables.foreign_columns import SEPARATORS, file_hint
from wsanalytics.tables.sealed_parquet import BROKEN, frame_of, read_columns, write_sealed
from wsanalytics.tables.spellings import aws_columns

_LOG = logging.getLogger(__name__)
Quoting = Literal[0, 1, 2, 3]
READ_BACK = {"workspaces", "samples", "sessions", "gaps", "prices", "settings", "orders"}
"""The tables that commands read, beside writing them: what they hold comes back to the letter."""


def origin_of(path: Path) -> Origin:
    """Return how messages call the rows of the file at *path*."""
    return Origin(str(path), csv=path.suffix == ".csv")


def read_table(
    path: Path, table: Table, faults: Faults | None = None, *, also: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the columns of *table* that the file at *path* has, as they stand there, unchecked.

    From CSV every cell comes as text, an empty one as ``""``. What AWS calls by another name has
    ours; columns that are named *also* come as well, where they are there. What is wrong with the
    columns is added to the *faults*, or raised where there are none to add to. Raises
    :class:`InputError` where there is no such file, or it is empty, of another kind, cut off or
    not readable.
    """
    found = faults or Faults(origin_of(path))
    frame = _read_table(path, table, found, also)
    if faults is None:
        found.refuse()
    return frame


def _read_table(path: Path, table: Table, faults: Faults, also: Sequence[str]) -> pd.DataFrame:
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
        frame = read(path, table, faults, also)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(
            f"it is not written in UTF-8: byte {error.start + 1:,} is {byte:#x}",
            where=str(path), rule="CSV files are written in UTF-8",
            fix="save it as 'CSV UTF-8', as spreadsheets call it") from None
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
    source: Path | str | pd.DataFrame, table: Table, *, also: Sequence[str] = ()
) -> tuple[pd.DataFrame, Faults]:
    """Return a frame as it is, or the columns of *table* in the file that is named.

    And the faults that were found so far.
    """
    if isinstance(source, pd.DataFrame):
        return source, Faults(Origin(f"the {table.name} frame"))
    if not isinstance(source, Path | str):
        raise InputError(f"it is {type(source).__name__}", where=f"the {table.name}",
                         rule=f"a {table.name} table comes from a file or is a frame",
                         fix="name a .csv or .parquet file")
    path = Path(source)
    faults = Faults(origin_of(path))
    return read_table(path, table, faults, also=also), faults


_Reader = Callable[[Path, Table, Faults, Sequence[str]], pd.DataFrame]


def _readers() -> dict[str, _Reader]:
    return {".csv": _read_csv, ".parquet": _read_parquet}


def _read_csv(path: Path, table: Table, faults: Faults, also: Sequence[str]) -> pd.DataFrame:
    _refuse_utf16(path)
    stated, separator, lines = _header(path, table)
    parse = pa.csv.ParseOptions(newlines_in_values=True, delimiter=separator)
    if separator != ",":
        faults.layout = (f"it is separated by {SEPARATORS[separator]}, as spreadsheets of some "
                         "countries write")
    renamed = check_header(stated, table, faults)
    present = [renamed.get(name, name) for name in stated]
    faults.header = present
    for name in (again := _named_twice(present, table)):
        faults.add(twice(name, str(path)), column=name)
    wanted = [place for place, name in enumerate(present)
              if (name in table.names and name not in again)
              or (name in also and present.count(name) == 1)]
    columns = [str(place) for place in range(len(present))]
    how: dict[str, Any] = {
        "read_options": pa.csv.ReadOptions(column_names=columns, skip_rows=lines),
        "convert_options": pa.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False),
    }
    try:
        data = pa.csv.read_csv(path, parse_options=parse, **how)
    except pa.ArrowInvalid:
        _refuse_uneven(path, parse, how, faults.origin)
        raise
    frame: pd.DataFrame = data.select([columns[place] for place in wanted]).to_pandas()
    frame.columns = pd.Index([present[place] for place in wanted])
    for name in frame.columns:
        armed = frame[name].str.startswith("'")
        if armed.any():
            frame[name] = frame[name].where(~armed, frame[name].map(unescape_formula))
    return frame


class _Header(NamedTuple):
    """The names in the first line of a CSV file, the mark between them, and the lines they take."""

    names: list[str]
    separator: str
    lines: int


def _header(path: Path, table: Table) -> _Header:
    """Read the first line of a CSV file that is not empty.

    The mark between its names is the comma, unless by another mark more of the columns are there
    that must be.
    """
    best = _header_by(path, ",")
    for separator in (";", "\t"):
        lacking = _lacking(best.names, table)
        if lacking and any(separator in name for name in best.names):
            other = _header_by(path, separator)
            if _lacking(other.names, table) < lacking:
                best = other
    return best


def _header_by(path: Path, separator: str) -> _Header:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=separator)
        try:
            names = next((names for names in lines if names), [])
        except csv.Error as error:
            raise ValueError(str(error)) from error
        return _Header([name.strip() for name in names], separator, lines.line_num)


def _lacking(names: list[str], table: Table) -> int:
    """Count the columns of *table* that must be there and are not among *names*."""
    present = {*names} | set(aws_columns(names, table).values())
    return sum(column.required and column.name not in present for column in table.columns)


def _named_twice(names: Sequence[str], table: Table) -> list[str]:
    return [name for name in table.names if list(names).count(name) > 1]


def _refuse_uneven(
    path: Path, parse: pa.csv.ParseOptions, how: dict[str, Any], origin: Origin
) -> None:
    """Raise :class:`InputError` where several lines have more or fewer cells than the first.

    What is in the cells is not looked at then: nobody knows which column each belongs to.
    """
    uneven: list[Any] = []

    def kept(row: object) -> str:
        uneven.append(row)
        return "skip"

    parse.invalid_row_handler = kept
    how["read_options"].use_threads = False  # only so does a row know its number
    pa.csv.read_csv(path, parse_options=parse, **how)
    if len(uneven) < 2:  # one alone is in the error that comes next
        return
    faults = Faults(origin)
    counts = {row.number - 2: row for row in uneven}
    bad = np.zeros(max(counts) + 1, dtype=bool)
    bad[list(counts)] = True
    faults.add_rows(bad, ("",), lambda position: InputError(
        f"it has {counted(counts[position].actual_columns, 'cell')}, and there are "
        f"{counted(counts[position].expected_columns, 'column')}: {counts[position].text!r}",
        where=origin.row(position), rule="every line has as many cells as the first",
        fix="put a cell that holds the mark between cells into double quotes, or fill the line"))
    faults.refuse()


def _refuse_utf16(path: Path) -> None:
    """Excel's 'Unicode text' begins with a mark of its own, and is no CSV for anybody else."""
    with path.open("rb") as file:
        begins = file.read(2)
    if begins in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        raise InputError("it is UTF-16 text", where=str(path), rule="the text of a CSV is UTF-8",
                         fix="save it as CSV UTF-8 (comma delimited)")


def _read_parquet(path: Path, table: Table, faults: Faults, also: Sequence[str]) -> pd.DataFrame:
    names, data = read_columns(path, lambda names: {
        *table.names, *aws_columns(names, table), *also})
    renamed = check_header(names, table, faults)
    present = [renamed.get(name, name) for name in names]
    faults.header = present
    again = _named_twice(present, table)
    for name in again:
        faults.add(twice(name, str(path)), column=name)
    own = [renamed.get(name, name) for name in data.column_names]
    data = data.rename_columns(own).select(
        [place for place, name in enumerate(own) if name not in again])
    wrong = type_faults(data, table, str(path))
    for name, fault in wrong.items():
        faults.add(fault, column=name)
    return frame_of(path, data.drop_columns(list(wrong)))


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
