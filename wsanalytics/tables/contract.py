"""The words that every table's contract is written in: kinds of column, columns, tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kind of a column's values; the value is the word that users read."""

    TEXT = "text"
    INSTANT = "UTC instant"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true/false"


DTYPES = {
    Kind.TEXT: "str",
    Kind.INSTANT: "datetime64[us, UTC]",
    Kind.WHOLE: "Int64",
    Kind.NUMBER: "float64",
    Kind.FLAG: "bool",
}
"""The pandas dtype in which each kind of column stands in a checked frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a contract.

    ``required``: the column must be there. ``nullable``: a cell may be empty and stays so.
    ``default``: what an empty cell (or an absent optional column) becomes; None where that
    depends on the row, as ``default_text`` then says. ``choices``: the only values there are.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    required: bool = True
    nullable: bool = False
    default: str | bool | None = None
    default_text: str = ""
    choices: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """The pandas dtype of the column in a checked frame."""
        return DTYPES[self.kind]

    @property
    def presence(self) -> str:
        """In words: must the column be there, and what if a cell is empty."""
        if self.required:
            return "required, may be empty" if self.nullable else "required"
        return f"optional: {self.default_text or self.default or 'empty'}"


@dataclass(frozen=True, slots=True)
class Table:
    """The contract of one table: what a row is, its columns, and the key it is sorted by."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in the order of the contract."""
        return tuple(column.name for column in self.columns)


def text(
    name: str, meaning: str, default: str | None = None, *, nullable: bool = False,
    default_text: str = "", choices: tuple[str, ...] = (), required: bool | None = None,
) -> Column:
    """Return a column of text; with a *default* it may be absent."""
    return Column(name=name, kind=Kind.TEXT, meaning=meaning, default=default, nullable=nullable,
                  default_text=default_text, choices=choices,
                  required=default is None if required is None else required)


def instant(
    name: str, meaning: str, *, nullable: bool = False, required: bool = True,
    default_text: str = "",
) -> Column:
    """Return a column of aware instants in UTC."""
    return Column(name=name, kind=Kind.INSTANT, meaning=meaning, unit="UTC", nullable=nullable,
                  required=required, default_text=default_text)


def number(
    name: str, meaning: str, unit: str, *, nullable: bool = False, required: bool = True,
    default_text: str = "",
) -> Column:
    """Return a column of numbers, in the *unit* in its name."""
    return Column(name=name, kind=Kind.NUMBER, meaning=meaning, unit=unit, nullable=nullable,
                  required=required, default_text=default_text)


def flag(name: str, meaning: str, *, required: bool = False) -> Column:
    """Return a column of true or false; where it may be absent, that is false."""
    return Column(name=name, kind=Kind.FLAG, meaning=meaning, required=required,
                  default=None if required else False, default_text="" if required else "false")


ID = text("workspace_id", "the WorkSpace's id, ws-…")
SETTING = text("setting", "ALWAYS_ON, or AUTO_STOP:MINUTES")
