"""CSV and Parquet, in and out: the same columns in both, outputs whole or not at all.

How a file takes its place is in :mod:`wsanalytics.outputs`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from wsanalytics.checking import Origin, refuse_missing_columns
from wsanalytics.errors import InputError
from wsanalytics.outputs import Batch, check_output, replaced
from wsanalytics.tables import Kind, Table


def origin_of(path: Path) -> Origin:
    """How messages call the rows of the file at *path*."""
    return Origin(str(path), csv=path.suffix == ".csv")


def read_table(path: Path, table: Table) -> pd.DataFrame:
    """The columns of *table* that the file at *path* has, as they stand there, unchecked.

    From CSV every cell comes as text, an empty one as ``""``. Raises :class:`InputError` where
    there is no such file, or it is empty, of another kind, cut off or not readable.
    """
    read = _readers().get(path.suffix)
    if read is None:
        raise InputError(
            f"the ending {path.suffix!r} says nothing of its kind",
            where=str(path),
            rule="tables are .csv or .parquet",
            mend="rename the file after what it holds",
        )
    if not path.is_file():
        raise InputError(
            "it is a folder" if path.is_dir() else "there is no such file",
            where=str(path),
            rule=f"a {table.name} table is read from one file",
            mend="check the path",
        )
    try:
        if path.stat().st_size == 0:
            raise InputError(
                "the file is empty",
                where=str(path),
                rule=f"a {table.name} table has at least its column names",
                mend="check how the file was made",
            )
        return read(path, table)
    except (pa.ArrowException, UnicodeError) as error:
        raise InputError(
            f"it cannot be read as {path.suffix[1:]}: {str(error).splitlines()[0]}",
            where=str(path),
            rule="the file is whole, of the kind that its ending says, and its text is UTF-8",
            mend="check that the file is complete, or make it again",
        ) from error
    except OSError as error:
        raise InputError(
            f"it cannot be read: {error.strerror or error}",
            where=str(path),
            mend="check the path and its permissions",
        ) from error


def _readers() -> dict[str, Callable[[Path, Table], pd.DataFrame]]:
    return {".csv": _read_csv, ".parquet": _read_parquet}


def _read_csv(path: Path, table: Table) -> pd.DataFrame:
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
    return frame


def _read_parquet(path: Path, table: Table) -> pd.DataFrame:
    with pq.ParquetFile(path) as file:
        names = list(file.schema_arrow.names)
        _refuse_twice(names, path, table)
        refuse_missing_columns(names, table, str(path))
        data = file.read(columns=[n for n in names if n in table.names])
        frame: pd.DataFrame = data.to_pandas(ignore_metadata=True)
        return frame


def _refuse_twice(names: list[str], path: Path, table: Table) -> None:
    for name in table.names:
        if names.count(name) > 1:
            raise InputError(
                f"column {name} stands there twice",
                where=str(path),
                rule="column names are unique",
                mend="remove or rename one of them",
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
        if path.suffix == ".csv":
            _as_csv(columns, table).to_csv(file, index=False, lineterminator="\n")
        else:
            pq.write_table(
                pa.Table.from_pandas(columns, preserve_index=False), file, compression="zstd"
            )


def _as_csv(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Instants as ISO 8601 with Z, flags as true and false."""
    text = {}
    for column in table.columns:
        values = frame[column.name]
        if column.kind is Kind.INSTANT:
            text[column.name] = _iso(values)
        elif column.kind is Kind.FLAG:
            text[column.name] = values.map({True: "true", False: "false"})
        else:
            text[column.name] = values
    return pd.DataFrame(text)


def _iso(values: pd.Series) -> pd.Series:
    whole = bool((values.dropna().dt.microsecond == 0).all())
    form = "%Y-%m-%dT%H:%M:%SZ" if whole else "%Y-%m-%dT%H:%M:%S.%fZ"
    texts: pd.Series = values.dt.strftime(form)
    return texts
