"""The one guard around JSON and TOML from outside: whatever is amiss is one ValueError.

The library raises RecursionError for what is nested deeply and ValueError for numbers of thousands
of digits, takes NaN for a number, and gives back structures that end in RecursionError later.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any, NoReturn

DEEPEST = 64
"""Levels of objects and lists in one another; nothing that is meant goes so deep."""


def json_of(
    text: str | bytes, *,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
) -> Any:  # noqa: ANN401  # whatever JSON holds
    """Parse *text*; raises :class:`ValueError`, and nothing else, where it is no sound JSON."""
    try:
        parsed = json.loads(text, object_pairs_hook=object_pairs_hook,
                           parse_constant=parse_constant or _no_constant)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _refuse_depth(parsed)
    return parsed


_TOO_DEEP = f"it is nested more than {DEEPEST} levels deep"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def toml_of(text: str) -> dict[str, Any]:
    """Parse a TOML file; raises :class:`ValueError`, and nothing else, where it is none.

    TOML's whole numbers have 64 bits, which the library does not look at.
    """
    try:
        parsed = tomllib.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _refuse_depth(parsed)
    _refuse_large(parsed)
    return parsed


def _refuse_large(parsed: object) -> None:
    if isinstance(parsed, int) and not -(2**63) <= parsed < 2**63:
        raise ValueError("it holds a whole number of more than 64 bits")
    for inner in parsed.values() if isinstance(parsed, dict) else (
            parsed if isinstance(parsed, list) else ()):
        _refuse_large(inner)


def _refuse_depth(parsed: object) -> None:
    level = [parsed]
    for _ in range(DEEPEST):
        level = [inner for value in level if isinstance(value, dict | list)
                 for inner in (value.values() if isinstance(value, dict) else value)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def tags_of(text: object) -> dict[str, str]:
    """Return the tags of a WorkSpace, which are a JSON object or a mapping.

    None where they are neither.

    A value that is no text is taken as JSON writes it, so that 1 is found by ``team=1``.

    >>> tags_of('{"team": 1, "vip": true, "name": "Ada"}')
    {'team': '1', 'vip': 'true', 'name': 'Ada'}
    """
    if isinstance(text, str):
        try:
            text = json_of(text)
        except ValueError:
            return {}
    return {str(name): value if isinstance(value, str) else json.dumps(value, default=str)
            for name, value in text.items()} if isinstance(text, dict) else {}
