"""Values of ``wsanalytics.toml`` as the texts that would stand on the command line.

Nothing heavy is imported here: help must answer at once.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from cyclopts import Argument

from wsanalytics.cli.option_table import kind_of
from wsanalytics.cli.value_kinds import Kind


class MisfitError(Exception):
    """A value that an option does not take."""


def texts_of(argument: Argument, value: Any, folder: Path) -> list[str | None]:  # noqa: ANN401  # whatever TOML can write
    """Return the texts that give *value* to an option; none for ``false`` and for an empty list.

    A flag that is set has no text, which is None. Paths are relative to *folder*. Raises
    :class:`MisfitError` where the option does not take the value.
    """
    if argument.is_flag():
        if not isinstance(value, bool):
            raise MisfitError(f"{value!r} is neither true nor false")
        return [None] if value else []
    kind = kind_of(argument)
    texts = [_text(argument, kind, inner, folder) for inner in _values(kind, value)]
    return [",".join(texts)] if kind.written == "names" and texts else [*texts]


def _values(kind: Kind, value: Any) -> list[Any]:  # noqa: ANN401  # whatever TOML can write
    """Return the single values of *value*."""
    if isinstance(value, dict):
        if kind.written != "pair":
            raise MisfitError("it is no table")
        return [_pair(name, single) for name, inner in value.items()
                for single in (inner if isinstance(inner, list) else [inner])]
    if isinstance(value, list):
        if not kind.is_list and kind.written != "names":
            raise MisfitError(f"{value!r} is a list, and one value is taken")
        return value
    return [value]


def _pair(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise MisfitError(f"{value!r} is not text in quotes")
    if "=" in name:
        raise MisfitError(f"the name {name!r} has a =")
    return f"{name}={value}"


def _text(argument: Argument, kind: Kind, value: object, folder: Path) -> str:
    """One value as text, checked by the option's own kind and choices."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number != (kind.written == "number"):
        raise MisfitError(f"{value!r} is not text in quotes" if number else
                          f"{_shown(value)} is not a number, written without quotes")
    if isinstance(value, date) and not isinstance(value, datetime) and kind.written == "day":
        text = value.isoformat()
    elif number or isinstance(value, str):
        text = str(value)
    else:
        raise MisfitError(f"{_shown(value)} is not text in quotes")
    if kind.written == "path":
        text = _path(text, folder)
    try:
        kind.parse(text)
    except ValueError as error:
        raise MisfitError(str(error)) from None
    choices = argument.parameter.choices
    if isinstance(choices, tuple) and text not in choices:
        raise MisfitError(f"there is no {text!r}; there are: {', '.join(choices)}")
    return text


def _path(text: str, folder: Path) -> str:
    if not text:
        raise MisfitError("an empty path names no file")
    path = Path(text).expanduser()
    return str(path if folder == Path.cwd() else folder / path)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date) else repr(value)
