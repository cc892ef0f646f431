"""Convert the cells of a column to its kind; each cell that does not fit is a fault of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wsanalytics.bounds import most_of
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.tables.contract import Column, Kind
from wsanalytics.tables.faults import Faults, Mask
from wsanalytics.tables.foreign_columns import instant_hint, number_hint
from wsanalytics.tables.spellings import same_words
from wsanalytics.timeline import EARLIEST, INSTANT_DTYPE, LATEST

_ZONE = r"(?:[Zz]|[+-]\d{2}:?\d{2})\s*$"
_DAY = r"^\s*\d{4}-?\d{2}-?\d{2}"
_EARLIEST, _LATEST = pd.Timestamp(EARLIEST), pd.Timestamp(LATEST)
_MOST = 1e9
_INSTANT_RULE = "an instant is ISO 8601 with its zone, such as 2026-03-01T09:00:00Z"
_ABSENT = frozenset({"nan", "nat", "null", "none", "inf", "-inf", "infinity"})


def converted(
    values: pd.Series, missing: Mask, column: Column, faults: Faults
) -> pd.Series:
    """Return the *values* in the kind of *column*; those that do not fit are empty, and *faults*.

    *missing* marks the cells that are empty as they come.
    """
    return _CONVERTERS[column.kind](values, missing, column, faults)


def is_text(values: pd.Series) -> bool:
    """Whether the *values* may hold text."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return isinstance(dtype, pd.StringDtype) or pd.api.types.is_object_dtype(dtype)


def _add(
    bad: Mask, values: pd.Series, column: Column, faults: Faults,
    rule: str | Callable[[int], str],
) -> None:
    """Add each cell marked in *bad* to the *faults*, with the value that stands there."""

    def error(position: int) -> InputError:
        value = values.iloc[position]
        fix = f"correct {column.name}"
        if column.kind is Kind.INSTANT:
            fix = instant_hint(str(value), nullable=column.nullable) or fix
        if column.kind in {Kind.NUMBER, Kind.WHOLE}:
            fix = number_hint(str(value)) or fix
        if column.choices:
            fix = did_you_mean(str(value).upper(), column.choices,
                               otherwise=f"use {' or '.join(column.choices)}")
        return InputError(f"{column.name} is {str(value)!r}", where=faults.origin.row(position),
                          rule=rule if isinstance(rule, str) else rule(position), fix=fix)

    faults.add_rows(bad, (column.name,), error)


def _convert_text(
    values: pd.Series, missing: Mask, column: Column, faults: Faults
) -> pd.Series:
    bad = np.zeros(len(values), dtype=bool)
    if column.choices:
        bad = ~values.isin(column.choices).to_numpy() & ~missing
        if bad.any():
            values = _as_chosen(values, bad, column, faults)
            bad = ~values.isin(column.choices).to_numpy() & ~missing
            _add(bad, values, column, faults,
                 f"{column.name} is {', '.join(column.choices[:-1])} or {column.choices[-1]}")
    if column.name == "workspace_id":
        absent = [name for name in values.unique() if str(name).lower() in _ABSENT]
        if absent:
            bad = values.isin(absent).to_numpy() & ~missing
            _add(bad, values, column, faults, "a workspace_id names one WorkSpace")
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values
    keeps_all = not (missing.any() or bad.any())
    return (values if keeps_all else values.where(~missing & ~bad)).astype("str")


def _as_chosen(values: pd.Series, bad: Mask, column: Column, faults: Faults) -> pd.Series:
    """Return *values* with those that are a choice in another spelling, such as AutoStop, as it."""
    written = {str(value): meant for value in values[bad].unique()
               if (meant := same_words(str(value), column.choices))}
    if not written:
        return values
    for value, meant in written.items():
        faults.note(f"{column.name} {value} is taken as {meant}")
    texts = values.astype("object")
    return texts.where(~texts.isin(list(written)), texts.map(written)).astype("str")


def _convert_instant(
    values: pd.Series, missing: Mask, column: Column, faults: Faults
) -> pd.Series:
    rule = f"{_INSTANT_RULE}; {column.name}: {column.meaning}"
    nothing = pd.Series(pd.NaT, index=values.index, dtype=INSTANT_DTYPE)
    if missing.all():
        return nothing
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        try:
            instants = pd.Series(values.dt.tz_convert("UTC"), dtype=INSTANT_DTYPE)
        except (ValueError, OverflowError) as error:
            faults.add(InputError(
                f"{column.name} holds an instant that is none: {error}",
                where=faults.origin.name, rule=f"{rule}, between the years 2000 and 2100",
                fix="correct it"), column=column.name)
            return nothing
    elif is_text(values):
        instants = _parsed_instants(values, missing, column, faults, rule)
    else:
        kind = "a time without a zone" if str(values.dtype).startswith("datetime64") else "no time"
        faults.add(InputError(
            f"{column.name} holds {values.dtype}, {kind}", where=faults.origin.name, rule=rule,
            fix="store UTC-aware timestamps"), column=column.name)
        return nothing
    bad = ((instants < _EARLIEST) | (instants >= _LATEST)).to_numpy()
    _add(bad, values, column, faults, f"{rule}, between the years 2000 and 2100")
    return _without(instants, bad)


def _parsed_instants(
    values: pd.Series, missing: Mask, column: Column, faults: Faults, rule: str
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
    naive = dated & ~zoned
    _add(instants.isna().to_numpy() & ~missing, values, column, faults,
         lambda position: rule + ("; this one has no zone" if naive[position] else ""))
    return pd.Series(instants, dtype=INSTANT_DTYPE)


def _convert_number(
    values: pd.Series, missing: Mask, column: Column, faults: Faults
) -> pd.Series:
    given = values.where(~missing) if missing.any() else values
    numbers = pd.to_numeric(given, errors="coerce").astype("float64")
    bad = ~np.isfinite(numbers.to_numpy()) & ~missing
    _add(bad, values, column, faults, f"{column.name} is a finite number ({column.unit})")
    numbers = _without(numbers, bad)
    most = most_of(column.unit)
    bad = np.abs(numbers.to_numpy()) > most
    _add(bad, values, column, faults, f"{column.name} is at most {most:,.10g} {column.unit}")
    numbers = _without(numbers, bad)
    if table_cells_are_positive(column):
        bad = numbers.to_numpy() < 0
        _add(bad, values, column, faults, f"{column.name} is not negative")
        numbers = _without(numbers, bad)
    return numbers


def _without(values: pd.Series, bad: Mask) -> pd.Series:
    """Return the *values*, empty where they are *bad*; mostly none is, which costs nothing."""
    return values.mask(bad) if bad.any() else values


def table_cells_are_positive(column: Column) -> bool:
    """Whether negative numbers make no sense in *column* (they do in savings)."""
    return "saving" not in column.name and "extra" not in column.name


def _convert_whole(
    values: pd.Series, missing: Mask, column: Column, faults: Faults
) -> pd.Series:
    numbers = _convert_number(values, missing, column, faults)
    bad = ((numbers != numbers.round()) | (numbers > _MOST)).to_numpy() & numbers.notna().to_numpy()
    _add(bad, values, column, faults, f"{column.name} is a whole number ({column.unit})")
    return _without(numbers, bad).astype("Int64")


def _convert_flag(
    values: pd.Series, missing: Mask, column: Column, faults: Faults
) -> pd.Series:
    if values.dtype == bool:
        return values
    words = values.astype("str").str.strip().str.lower()
    bad = ~words.isin(["true", "false"]).to_numpy() & ~missing
    _add(bad, values, column, faults, f"{column.name} is true or false")
    return (words == "true").astype("object").where(~missing)


_CONVERTERS: dict[Kind, Callable[[pd.Series, Mask, Column, Faults], pd.Series]] = {
    Kind.TEXT: _convert_text,
    Kind.INSTANT: _convert_instant,
    Kind.WHOLE: _convert_whole,
    Kind.NUMBER: _convert_number,
    Kind.FLAG: _convert_flag,
}
