"""How a value of ``wsanalytics.toml`` would be written on the command line.

Nothing heavy is imported here: help must answer at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from wsanalytics.cli.options import day, names, tag


class Unfit(Exception):  # noqa: N818  # it says why a value does not fit, and becomes an InputError
    """A value that an option does not take."""


def words_of(action: argparse.Action, value: Any, folder: Path) -> list[str]:  # noqa: ANN401  # whatever TOML can write
    """The words that give *value* to an option; none for ``false`` and for an empty list.

    Paths are relative to *folder*. Raises :class:`Unfit` where the option does not take the value.
    """
    name = max(action.option_strings, key=len)
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise Unfit(f"{value!r} is neither true nor false")
        return [name] if value else []
    texts = [_text(action, one, folder) for one in _values(action, value)]
    if action.type is names and texts:
        texts = [",".join(texts)]
    # one word for each value: it may begin with a dash, and takes no word of the line for its own
    return [f"{name}={text}" for text in texts]


def _values(action: argparse.Action, value: Any) -> list[Any]:  # noqa: ANN401  # as above
    """The single values of *value*."""
    if isinstance(value, dict):
        if action.type is not tag:
            raise Unfit("it is no table")
        return [_pair(name, one) for name, inner in value.items()
                for one in (inner if isinstance(inner, list) else [inner])]
    if isinstance(value, list):
        if action.nargs is None and action.type is not names:
            raise Unfit(f"{value!r} is a list, and one value is taken")
        return value
    return [value]


def _pair(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise Unfit(f"{value!r} is not text in quotes")
    if "=" in name:
        raise Unfit(f"the name {name!r} has a =")
    return f"{name}={value}"


def _text(action: argparse.Action, value: object, folder: Path) -> str:
    """One value as text, checked by the option's own type and choices."""
    convert: Callable[[str], Any] = action.type if callable(action.type) else str
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number != _takes_numbers(convert):
        raise Unfit(f"{value!r} is not text in quotes" if number else
                    f"{_shown(value)} is not a number, written without quotes")
    if isinstance(value, date) and not isinstance(value, datetime) and convert is day:
        text = value.isoformat()
    elif number or isinstance(value, str):
        text = str(value)
    else:
        raise Unfit(f"{_shown(value)} is not text in quotes")
    if convert is Path:
        text = _path(text, folder)
    try:
        converted = convert(text)
    except argparse.ArgumentTypeError as error:
        raise Unfit(str(error)) from None
    except (TypeError, ValueError):
        raise Unfit(f"{text} is not a {'whole ' if convert is int else ''}number") from None
    if action.choices is not None and converted not in action.choices:
        raise Unfit(f"there is no {text!r}; there are: {', '.join(map(str, action.choices))}")
    return text


def _takes_numbers(convert: Callable[[str], Any]) -> bool:
    """Whether an option's values are numbers."""
    return convert not in {str, Path} and any(
        isinstance(_tried(convert, text), int | float) for text in ("1", "0.5"))


def _tried(convert: Callable[[str], Any], text: str) -> object:
    try:
        return convert(text)
    except (argparse.ArgumentTypeError, ValueError):
        return None


def _path(text: str, folder: Path) -> str:
    if not text:
        raise Unfit("an empty path names no file")
    path = Path(text).expanduser()
    return str(path if folder == Path.cwd() else folder / path)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date) else repr(value)
