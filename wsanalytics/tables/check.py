"""Holding a frame against its table's contract, cell by cell.

What comes out of :func:`check_table` has exactly the contract's columns in its dtypes, defaults
filled in, sorted by the table's key. What does not fit is refused with each offending line, the
value that stands there, the rule and the repair; nothing is guessed or dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.tables.cells import converted, is_text
from wsanalytics.tables.column_types import kind_fault
from wsanalytics.tables.contract import Column, Kind, Table
from wsanalytics.tables.faults import Faults, Mask, Origin
from wsanalytics.tables.foreign_columns import column_hint
from wsanalytics.tables.misspellings import meant_columns
from wsanalytics.tables.spellings import aws_columns
from wsanalytics.timeline import INSTANT_DTYPE


def check_table(
    frame: pd.DataFrame, table: Table, origin: Origin | None = None, *, rows_needed: bool = False
) -> pd.DataFrame:
    """Return the *frame* as the contract of *table* wants it, in a new frame.

    Raises :class:`InputError` with all that is wrong: a missing column, an empty cell where none
    may be, a value of the wrong kind, NaN, and, if *rows_needed*, a frame without rows.
    """
    faults = Faults(origin or Origin(f"the {table.name} frame"))
    checked = checked_table(frame, table, faults, rows_needed=rows_needed)
    faults.refuse()
    return checked


def checked_table(
    frame: pd.DataFrame, table: Table, faults: Faults, *, rows_needed: bool = False
) -> pd.DataFrame:
    """Return the *frame* as :func:`check_table` does, and add what is wrong to the *faults*.

    A cell with a fault is empty in what is returned.
    """
    if not faults.is_header_checked:
        frame = frame.rename(columns=check_header(list(map(str, frame.columns)), table, faults))
    if rows_needed and not len(frame) and len(frame.columns):  # without columns nobody knows
        faults.add(InputError(
            "there are no rows",
            where=faults.origin.name,
            rule=f"a {table.name} table needs at least one row",
            fix="check how the file was made",
        ))
    frame = frame.assign(**{name: value for name, value in faults.given.items()
                            if name not in frame.columns})
    return pd.DataFrame(
        {column.name: _checked_column(frame, column, faults) for column in table.columns},
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


def check_header(names: Sequence[str], table: Table, faults: Faults) -> dict[str, str]:
    """Return the columns of *table* that stand among *names* as AWS calls them, to be renamed.

    Each column that must be there and is not, or stands there in a misspelling, is one of the
    *faults*.
    """
    where = faults.origin.name
    renamed = aws_columns(names, table)
    faults.is_header_checked, faults.renamed = True, renamed
    if renamed:
        faults.note("columns by AWS's names are taken: " + ", ".join(
            f"{name} as {known}" for name, known in renamed.items()))
    present = [*(renamed.get(name, name) for name in names), *faults.given]
    needed = [column.name for column in table.columns if column.required]
    missing = [name for name in needed if name not in present]
    meant = meant_columns(present, table)
    if missing:
        close = [f"{name} to {known}" for name, known in meant.items() if known in missing]
        faults.add(InputError(
            f"column {', '.join(missing)} is missing (there are: {', '.join(names)})",
            where=where,
            rule=f"a {table.name} table has {', '.join(needed)}",
            fix=column_hint(names) or (
                f"rename {', '.join(close)}" if close else
                f"add it; 'wsanalytics columns {table.name}' explains each column"),
        ))
        for name in missing:
            faults.spoil(name)
    for name, known in meant.items():
        if known not in missing:
            faults.add(InputError(
                f"there is a column {name}, and none called {known}", where=where,
                rule=f"a column that is not known is ignored, and without {known} its default "
                "would count", fix=f"did you mean {known}? Rename it, or remove it"), column=known)
    return renamed


def sort_by_key(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The rows in the order of the table's key (ids, then time), whatever order they came in."""
    return frame.sort_values(list(table.key), kind="stable", ignore_index=True)


def refuse_duplicates(frame: pd.DataFrame, table: Table, origin: Origin) -> None:
    """Raise :class:`InputError` where two rows have the same key."""
    faults = Faults(origin)
    add_duplicates(frame, table, faults)
    faults.refuse()


def add_duplicates(frame: pd.DataFrame, table: Table, faults: Faults) -> None:
    """Add each row whose key stands in a row before it to the *faults*."""
    sound = faults.sound(len(frame), *table.key)
    again = frame[sound].duplicated(list(table.key)).reindex(frame.index, fill_value=False)
    faults.add_rows(again.to_numpy(dtype=bool), table.key, lambda position: InputError(
        f"{', '.join(str(frame[name].iloc[position]) for name in table.key)} stands there twice",
        where=faults.origin.row(position),
        rule=f"{', '.join(table.key)} is unique in a {table.name} table",
        fix="remove one of the two rows",
    ))


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


def _checked_column(frame: pd.DataFrame, column: Column, faults: Faults) -> pd.Series:
    if column.name not in frame.columns:
        return _filled(pd.Series([None] * len(frame), dtype="object"), column)
    if list(frame.columns).count(column.name) > 1:
        faults.add(twice(column.name, faults.origin.name), column=column.name)
        return _filled(pd.Series([None] * len(frame), dtype="object"), column)
    # By position from here on, whatever index the frame had: positions are what messages name.
    values = frame[column.name].reset_index(drop=True)
    missing = _is_missing(values)
    if column.required and not column.nullable:
        faults.add_rows(missing, (column.name,), lambda position: InputError(
            f"{column.name} is empty",
            where=faults.origin.row(position),
            rule=f"{column.name}: {column.meaning}",
            fix="fill the cell or remove the row",
        ))
    if fault := kind_fault(values, missing, column, faults.origin.name):
        faults.add(fault, column=column.name)
        return _filled(pd.Series([None] * len(frame), dtype="object"), column)
    checked = converted(values, missing, column, faults)
    is_whole = not missing.any() and faults.sound(len(values), column.name).all()
    return checked if is_whole else _filled(checked, column)


def twice(name: str, where: str) -> InputError:
    """Return the fault of a column whose *name* another column has as well."""
    return InputError(f"column {name} stands there twice", where=where,
                      rule="column names are unique", fix="remove or rename one of them")


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
    if is_text(values):
        missing |= values == ""
    return missing.to_numpy(dtype=bool)
