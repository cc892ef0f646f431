"""Define the types that a column takes, by its contract: in Parquet files and in frames.

A timestamp, a duration or a flag can be turned into a number, and a list into text, without a word;
none of them is what the column holds.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import types

from wsanalytics.errors import InputError
from wsanalytics.tables.contract import Column, Kind, Table

_TAKES: dict[Kind, str] = {
    Kind.TEXT: "text", Kind.INSTANT: "a UTC timestamp, or text in ISO 8601",
    Kind.WHOLE: "a whole number", Kind.NUMBER: "a number", Kind.FLAG: "true or false",
}


def type_faults(data: pa.Table, table: Table, where: str) -> dict[str, InputError]:
    """Map each column of a Parquet file whose type is not the contract's to what is wrong."""
    columns = {column.name: column for column in table.columns}
    return {field.name: _refusal(columns[field.name], str(field.type), where)
            for field in data.schema
            if field.name in columns
            and not _arrow_fits(field.type, columns[field.name].kind)
            and not _is_empty(data.column(field.name))}


def _arrow_fits(kind: pa.DataType, wanted: Kind) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind) or _is_string(kind):
        return True
    match wanted:
        case Kind.TEXT:
            return bool(types.is_integer(kind))
        case Kind.INSTANT:
            return bool(types.is_timestamp(kind))  # one without a zone is refused by its own rule
        case Kind.FLAG:
            return bool(types.is_boolean(kind))
        case _:
            return bool(types.is_integer(kind) or types.is_floating(kind)
                        or types.is_decimal(kind))


def _is_string(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind)
                or types.is_string_view(kind))


def _is_empty(values: pa.ChunkedArray) -> bool:
    """Whether no cell holds anything: pandas writes such a column as floating numbers."""
    return bool(values.null_count == len(values) or (
        types.is_floating(values.type) and pd.isna(values.to_pandas()).all()))


def kind_fault(
    values: pd.Series, missing: np.ndarray, column: Column, where: str
) -> InputError | None:
    """Return what is wrong with a column of a frame that holds another kind of thing."""
    dtype = values.dtype
    if missing.all() or isinstance(dtype, pd.StringDtype | pd.CategoricalDtype):
        return None
    if pd.api.types.is_object_dtype(dtype):
        fits = _FITS[column.kind]
        strange = next((value for value in values[~missing] if not fits(value)), None)
        return None if strange is None else _refusal(column, type(strange).__name__, where)
    return None if _dtype_fits(values, column.kind) else _refusal(column, str(dtype), where)


def _dtype_fits(values: pd.Series, wanted: Kind) -> bool:
    flag, whole = pd.api.types.is_bool_dtype(values), pd.api.types.is_integer_dtype(values)
    match wanted:
        case Kind.TEXT:
            return whole
        case Kind.FLAG:
            return flag
        case Kind.INSTANT:
            return True  # has a rule of its own
        case _:
            return not flag and (whole or pd.api.types.is_float_dtype(values))


def _is_number(value: object) -> bool:
    return isinstance(value, str | Real | Decimal) and not isinstance(value, bool | np.bool_)


_FITS: dict[Kind, Callable[[object], bool]] = {
    Kind.TEXT: lambda value: isinstance(value, str | int | np.integer) and not isinstance(
        value, bool),
    Kind.INSTANT: lambda _: True,
    Kind.WHOLE: _is_number,
    Kind.NUMBER: _is_number,
    Kind.FLAG: lambda value: isinstance(value, str | bool | np.bool_),
}


def _refusal(column: Column, holds: str, where: str) -> InputError:
    return InputError(
        f"column {column.name} holds {holds}", where=where,
        rule=f"{column.name} is {_TAKES[column.kind]}: {column.meaning}",
        fix=f"store it as {_TAKES[column.kind]}")
