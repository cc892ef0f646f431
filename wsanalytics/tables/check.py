"""Holding a frame against its table's contract, cell by cell.

What comes out of :func:`check_table` has exactly the contract's columns in its dtypes, defaults
filled in, sorted by the table's key. What does not fit is refused with the first offending line,
the value that stands there, the rule and the repair; nothing is guessed or dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wsanalytics.bounds import most_of
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.tables.column_types import refuse_kinds
from wsanalytics.tables.contract import Column, Kind, Table
from wsanalytics.tables.foreign_columns import column_hint, instant_hint
from wsanalytics.tables.misspellings import meant_columns
from wsanalytics.timeline import EARLIEST, INSTANT_DTYPE, LATEST

Mask = npt.NDArray[np.bool_]

_ZONE = r"(?:[Zz]|[+-]\d{2}:?\d{2})\s*$"
_DAY = r"^\s*\d{4}-?\d{2}-?\d{2}"
_EARLIEST, _LATEST = pd.Timestamp(EARLIEST), pd.Timestamp(LATEST)
_MOST = 1e9
_INSTANT_RULE = "an instant is ISO 8601 with its zone, such as 2026-03-01T09:00:00Z"
_ABSENT = frozenset({"nan", "nat", "null", "none", "inf", "-inf", "infinity"})


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a frame, for the messages: a name, and how its rows are counted."""

    name: str
    csv: bool = False

    def row(self, position: int) -> str:
        """Return the place of the row at *position* (from 0) as a person would look it up."""
        unit, number = ("line", position + 2) if self.csv else ("row", position + 1)
        return f"{self.name}, {unit} {number}"


def check_table(
    frame: pd.DataFrame, table: Table, origin: Origin | None = None, *, rows_needed: bool = False
) -> pd.DataFrame:
    """Return the *frame* as the contract of *table* wants it, in a new frame.

    Raises :class:`InputError` for a missing column, an empty cell where none may be, a value of
    the wrong kind, NaN, a duplicate of the table's key where a key must be unique, and, if
    *rows_needed*, for a frame without rows.
    """
    origin = origin or Origin(f"the {table.name} frame")
    refuse_missing_columns(list(map(str, frame.columns)), table, origin.name)
    if rows_needed and frame.empty:
        raise InputError(
            "there are no rows",
            where=origin.name,
            rule=f"a {table.name} table needs at least one row",
            fix="check how the file was made",
        )
    return pd.DataFrame(
        {column.name: _checked_column(frame, column, origin) for column in table.columns},
        index=pd.RangeIndex(len(frame)),
    )


def refuse_another(frame: object, table: Table) -> None:
    """Raise :class:`InputError` where *frame* is no *table*: two were swapped, or it is a path."""
    where = f"the {table.name}"
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"it is {type(frame).__name__}, not a frame", where=where,
                         rule=f"a {table.name} table is handed over",
                         fix=f"read a file with read_{table.name}")
    missing = [column.name for column in table.columns
               if column.required and column.name not in frame.columns]
    if missing:
        raise InputError(
            f"column {', '.join(missing)} is missing (there are: "
            f"{', '.join(map(str, list(frame.columns)[:12]))})", where=where,
            rule="sessions come first, workspaces after them",
            fix="look whether two frames were swapped")


def refuse_missing_columns(names: Sequence[str], table: Table, where: str) -> None:
    """Raise :class:`InputError` unless *names* hold every column that *table* must have."""
    needed = [column.name for column in table.columns if column.required]
    missing = [name for name in needed if name not in names]
    meant = meant_columns(names, table)
    if missing:
        close = [f"{name} to {known}" for name, known in meant.items() if known in missing]
        raise InputError(
            f"column {', '.join(missing)} is missing (there are: {', '.join(names)})",
            where=where,
            rule=f"a {table.name} table has {', '.join(needed)}",
            fix=column_hint(names) or (
                f"rename {', '.join(close)}" if close else
                f"add it; 'wsanalytics columns {table.name}' explains each column"),
        )
    for name, known in meant.items():
        raise InputError(
            f"there is a column {name}, and none called {known}", where=where,
            rule=f"a column that is not known is ignored, and without {known} its default would "
            "count", fix=f"did you mean {known}? Rename it, or remove it")


def sort_by_key(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The rows in the order of the table's key (ids, then time), whatever order they came in."""
    return frame.sort_values(list(table.key), kind="stable", ignore_index=True)


def refuse_duplicates(frame: pd.DataFrame, table: Table, origin: Origin) -> None:
    """Raise :class:`InputError` where two rows have the same key."""
    again = frame.duplicated(list(table.key)).to_numpy()
    if again.any():
        position = int(np.flatnonzero(again)[0])
        key = ", ".join(str(frame[name].iloc[position]) for name in table.key)
        raise InputError(
            f"{key} stands there twice",
            where=origin.row(position),
            rule=f"{', '.join(table.key)} is unique in a {table.name} table",
            fix="remove one of the two rows",
        )


def defaults_used(frame: pd.DataFrame, table: Table) -> dict[str, int]:
    """Count the rows of the unchecked *frame* that rely on the default of each column with one."""
    counts = {}
    for column in table.columns:
        if column.required or column.default_text.startswith("needed"):
            continue
        if column.name not in frame.columns:
            counts[column.name] = len(frame)
        else:
            counts[column.name] = int(_is_missing(frame[column.name]).sum())
    return {name: count for name, count in counts.items() if count}


def _checked_column(frame: pd.DataFrame, column: Column, origin: Origin) -> pd.Series:
    if column.name not in frame.columns:
        return _filled(pd.Series([None] * len(frame), dtype="object"), column)
    if list(frame.columns).count(column.name) > 1:
        raise InputError(
            f"column {column.name} stands there twice",
            where=origin.name,
            rule="column names are unique",
            fix="remove or rename one of them",
        )
    # By position from here on, whatever index the frame had: positions are what messages name.
    values = frame[column.name].reset_index(drop=True)
    missing = _is_missing(values)
    if missing.any() and column.required and not column.nullable:
        position = int(np.flatnonzero(missing)[0])
        raise InputError(
            f"{column.name} is empty",
            where=origin.row(position),
            rule=f"{column.name}: {column.meaning}",
            fix="fill the cell or remove the row",
        )
    refuse_kinds(values, missing, column, origin.name)
    checked = _CONVERTERS[column.kind](values, missing, column, origin)
    return _filled(checked, column) if missing.any() else checked


def _filled(values: pd.Series, column: Column) -> pd.Series:
    default = "" if column.kind is Kind.TEXT and column.default is None else column.default
    # A category must be known before a cell can take it.
    if isinstance(values.dtype, pd.CategoricalDtype) and default not in values.cat.categories:
        values = values.cat.add_categories([str(default)])
    if default is not None:
        values = values.where(values.notna(), default)
    if column.kind is Kind.INSTANT and not isinstance(values.dtype, pd.DatetimeTZDtype):
        return pd.Series(pd.NaT, index=values.index, dtype=INSTANT_DTYPE)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values
    return values.astype(pd.api.types.pandas_dtype(column.dtype))


def _is_missing(values: pd.Series) -> Mask:
    missing = values.isna()
    if _is_text(values):
        missing |= values == ""
    return missing.to_numpy(dtype=bool)


def _is_text(values: pd.Series) -> bool:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return isinstance(dtype, pd.StringDtype) or pd.api.types.is_object_dtype(dtype)


def _refuse(bad: Mask, values: pd.Series, column: Column, origin: Origin, rule: str) -> None:
    """Raise for the first row marked in *bad*."""
    # The first offending row alone: one message that can be acted on.
    position = int(np.flatnonzero(bad)[0])
    value = values.iloc[position]
    fix = f"correct {column.name}"
    if column.kind is Kind.INSTANT:
        fix = instant_hint(str(value), nullable=column.nullable) or fix
    if column.choices:
        fix = did_you_mean(str(value).upper(), column.choices,
                            otherwise=f"use {' or '.join(column.choices)}")
    raise InputError(
        f"{column.name} is {str(value)!r}", where=origin.row(position), rule=rule, fix=fix
    )


def _convert_text(
    values: pd.Series, missing: Mask, column: Column, origin: Origin
) -> pd.Series:
    if column.choices:
        bad = ~values.isin(column.choices).to_numpy() & ~missing
        if bad.any():
            _refuse(bad, values, column, origin,
                    f"{column.name} is {', '.join(column.choices[:-1])} or {column.choices[-1]}")
    if column.name == "workspace_id":
        absent = [name for name in values.unique() if str(name).lower() in _ABSENT]
        if absent:
            _refuse(values.isin(absent).to_numpy(), values, column, origin,
                    "a workspace_id names one WorkSpace")
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values
    return values.where(~missing).astype("str")


def _convert_instant(
    values: pd.Series, missing: Mask, column: Column, origin: Origin
) -> pd.Series:
    rule = f"{_INSTANT_RULE}; {column.name}: {column.meaning}"
    if missing.all():
        return pd.Series(pd.NaT, index=values.index, dtype=INSTANT_DTYPE)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        try:
            instants = pd.Series(values.dt.tz_convert("UTC"), dtype=INSTANT_DTYPE)
        except (ValueError, OverflowError) as error:
            raise InputError(f"{column.name} holds an instant that is none: {error}",
                             where=origin.name, rule=f"{rule}, between the years 2000 and 2100",
                             fix="correct it") from error
    elif _is_text(values):
        instants = _parsed_instants(values, missing, column, origin, rule)
    else:
        kind = "a time without a zone" if str(values.dtype).startswith("datetime64") else "no time"
        raise InputError(
            f"{column.name} holds {values.dtype}, {kind}",
            where=origin.name,
            rule=rule,
            fix="store UTC-aware timestamps",
        )
    bad = ((instants < _EARLIEST) | (instants >= _LATEST)).to_numpy()
    if bad.any():
        _refuse(bad, values, column, origin, f"{rule}, between the years 2000 and 2100")
    return instants


def _parsed_instants(
    values: pd.Series, missing: Mask, column: Column, origin: Origin, rule: str
) -> pd.Series:
    if not missing.any():
        try:  # the common case at full speed: Arrow refuses what has no zone
            # large_string: a column of over two gigabytes of text would not fit into 32-bit
            # offsets.
            array = pa.array(values.astype("str"), type=pa.large_string())
            parsed = pc.cast(array, pa.timestamp("us", tz="UTC"))
            naive_utc = parsed.to_numpy(zero_copy_only=False).astype("datetime64[us]")
            return pd.Series(naive_utc, index=values.index).dt.tz_localize("UTC")
        except pa.ArrowInvalid:
            pass
    texts = values.astype("str").where(~missing)
    zoned = texts.str.contains(_ZONE, regex=True).fillna(False).to_numpy(dtype=bool)
    dated = texts.str.contains(_DAY, regex=True).fillna(False).to_numpy(dtype=bool)
    instants = pd.to_datetime(texts.where(zoned & dated), utc=True, format="ISO8601",
                              errors="coerce")
    bad = instants.isna().to_numpy() & ~missing
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        naive = dated[first] and not zoned[first]
        _refuse(bad, values, column, origin, rule + ("; this one has no zone" if naive else ""))
    return pd.Series(instants, dtype=INSTANT_DTYPE)


def _convert_number(
    values: pd.Series, missing: Mask, column: Column, origin: Origin
) -> pd.Series:
    numbers = pd.to_numeric(values.where(~missing), errors="coerce").astype("float64")
    bad = ~np.isfinite(numbers.to_numpy()) & ~missing
    if bad.any():
        _refuse(bad, values, column, origin, f"{column.name} is a finite number ({column.unit})")
    most = most_of(column.unit)
    bad = np.abs(numbers.to_numpy()) > most
    if bad.any():
        _refuse(bad, values, column, origin, f"{column.name} is at most {most:,.10g} {column.unit}")
    bad = numbers.to_numpy() < 0
    if bad.any() and table_cells_are_positive(column):
        _refuse(bad, values, column, origin, f"{column.name} is not negative")
    return numbers


def table_cells_are_positive(column: Column) -> bool:
    """Whether negative numbers make no sense in *column* (they do in savings)."""
    return "saving" not in column.name and "extra" not in column.name


def _convert_whole(
    values: pd.Series, missing: Mask, column: Column, origin: Origin
) -> pd.Series:
    numbers = _convert_number(values, missing, column, origin)
    bad = ((numbers != numbers.round()) | (numbers > _MOST)).to_numpy() & ~missing
    if bad.any():
        _refuse(bad, values, column, origin, f"{column.name} is a whole number ({column.unit})")
    return numbers.astype("Int64")


def _convert_flag(
    values: pd.Series, missing: Mask, column: Column, origin: Origin
) -> pd.Series:
    if values.dtype == bool:
        return values
    words = values.astype("str").str.strip().str.lower()
    bad = ~words.isin(["true", "false"]).to_numpy() & ~missing
    if bad.any():
        _refuse(bad, values, column, origin, f"{column.name} is true or false")
    return (words == "true").astype("object").where(~missing)


_CONVERTERS: dict[Kind, Callable[[pd.Series, Mask, Column, Origin], pd.Series]] = {
    Kind.TEXT: _convert_text,
    Kind.INSTANT: _convert_instant,
    Kind.WHOLE: _convert_whole,
    Kind.NUMBER: _convert_number,
    Kind.FLAG: _convert_flag,
}
