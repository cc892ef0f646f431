"""JSON that people may have edited, read field by field: whatever is amiss is refused by its place.

Text is UTF-8, no key stands twice in one object, and numbers are numbers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from wsanalytics.bounds import MOST
from wsanalytics.errors import InputError
from wsanalytics.files import json_of, refuse_no_file
from wsanalytics.safe_text import plain
from wsanalytics.timeline import EARLIEST, LATEST

MOST_SHOWN = 60
"""Letters of a wrong value that a message repeats."""
Made = TypeVar("Made")
_CHECK = "check the file, or make it again"


def load_object(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in the file at *path*, which is to hold *what*."""
    document = _parsed(_text_of(path, what), path)
    if not isinstance(document, dict):
        raise InputError(f"it holds {_kind(document)}", where=str(path),
                         rule=f"{what} is one JSON object", mend=_CHECK)
    return document


def _text_of(path: Path, what: str) -> str:
    refuse_no_file(path, what)
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin with a byte order mark
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror or error}", where=str(path),
                         mend="check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start + 1} is not UTF-8", where=str(path),
            rule="the text is UTF-8", mend="save it as UTF-8") from error
    if not text.strip():
        raise InputError("the file is empty", where=str(path), rule=f"{what} is one JSON object",
                         mend=_CHECK)
    return text


def _parsed(text: str, path: Path) -> Any:  # noqa: ANN401  # whatever JSON holds

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            of = found.get("workspace_id")
            raise InputError(
                f"the field {_shown(twice)} stands twice in one object"
                + (f", that of {plain(of[:MOST_SHOWN])}" if isinstance(of, str) else ""),
                where=str(path), rule="a field stands once in an object", mend="remove one of them")
        return found

    def no_number(name: str) -> NoReturn:
        raise InputError(f"it holds {name}", where=str(path), rule="numbers are finite",
                         mend="write a number, or null where it is not known")

    try:
        return json_of(text, object_pairs_hook=each_once, parse_constant=no_number)
    except json.JSONDecodeError as error:
        cut_off = " (is it cut off?)" if error.pos >= len(text.rstrip()) else ""
        raise InputError(
            f"it is not JSON: {error.msg}{cut_off}",
            where=f"{path}, line {error.lineno}, column {error.colno}", mend=_CHECK) from error
    except ValueError as error:  # a number of thousands of digits; a deep nest
        raise InputError(f"it is not JSON that can be read: {error}", where=str(path),
                         mend=_CHECK) from error


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one JSON object. *path* and *place* say in messages where it stands."""

    values: dict[str, Any]
    path: str
    place: str = ""

    def refuse(self, name: str, what: str, rule: str, mend: str = "correct it") -> NoReturn:
        """Say what is wrong with the field *name*."""
        at = ", ".join(filter(None, [self.place, f"field {name}" if name else ""]))
        raise InputError(what, where=f"{self.path}: {at}" if at else self.path,
                         rule=rule, mend=mend) from None

    def require(self, names: Iterable[str]) -> None:
        """Refuse an object that lacks one of the fields *names*."""
        for name in names:
            if name not in self.values:
                self.refuse("", f"the field {name} is missing", f"{name} is always there",
                            "put it back, or make the file again")

    def text(self, name: str, *, nullable: bool = True, pattern: str = "", rule: str = "") -> str:
        """A text that fits *pattern*; ``""`` for null or none."""
        value = self.values.get(name)
        if value is None and nullable:
            return ""
        rule = rule or f"{name} is text" + (" or null" if nullable else "")
        if not isinstance(value, str) or (pattern and not re.fullmatch(pattern, value)):
            self.refuse(name, f"{_shown(value)} is not a valid {name}", rule)
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            self.refuse(name, "it holds half a character", "text can be written as UTF-8")
        return str(value)

    def number(
        self, name: str, *, nullable: bool = True, default: float = math.nan,
        least: float = -MOST, most: float = MOST,
    ) -> float:
        """A finite number from *least* to *most*; *default* for null or none."""
        value = self.values.get(name)
        if value is None and nullable:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not (
                least <= value <= most):  # JSON's 1e999 is read as infinite
            self.refuse(name, f"{_shown(value)} is not such a number",
                        f"{name} is a number from {least:g} to {most:g}"
                        + (" or null" if nullable else ""))
        return float(value)

    def whole(self, name: str, *, default: int = 0) -> int:
        """A whole number that is not negative; *default* for null or none."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
            self.refuse(name, f"{_shown(value)} is not a whole number from 0 on",
                        f"{name} is a whole number or null")
        return value

    def instant(self, name: str) -> datetime | None:
        """An aware instant in ISO 8601; None for null or none."""
        rule = (f"{name} is a UTC instant, written 2026-03-31T22:00:00Z, from {EARLIEST:%Y} to "
                f"{LATEST:%Y}")
        text = self.text(name, rule=rule)
        if not text:
            return None
        at = self._made(name, text, datetime.fromisoformat, rule)
        if at.tzinfo is None:
            self.refuse(name, f"{_shown(text)} is without a zone", rule, "add Z")
        if not EARLIEST <= at <= LATEST:
            self.refuse(name, f"{_shown(text)} is not such an instant", rule)
        return at.astimezone(UTC)

    def day(self, name: str) -> str:
        """A UTC day, ``YYYY-MM-DD``; ``""`` for null or none."""
        rule = f"{name} is a UTC day, written YYYY-MM-DD, or null"
        text = self.text(name, pattern=r"(\d{4}-\d{2}-\d{2})?", rule=rule)
        if text:
            self._made(name, text, date.fromisoformat, rule)
        return text

    def rows(self, name: str) -> list[Any]:
        """A list; an empty one for null or none."""
        value = self.values.get(name)
        if not isinstance(value, list | None):
            self.refuse(name, f"it is {_kind(value)}", f"{name} is a list")
        return value or []

    def texts(self, name: str) -> list[str]:
        """A list of texts; an empty one for null or none."""
        rows = self.rows(name)
        listed = Fields({str(place): row for place, row in enumerate(rows)}, self.path,
                        f"{self.place}, {name}".removeprefix(", "))
        rule = f"{name} is a list of texts"
        return [listed.text(place, nullable=False, rule=rule) for place in listed.values]

    def inner(self, name: str) -> Fields:
        """The object in the field *name*."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            self.refuse(name, f"it is {_kind(value)}", f"{name} is an object")
        return Fields(value, self.path, f"{self.place}, field {name}".removeprefix(", "))

    def _made(self, name: str, text: str, make: Callable[[str], Made], rule: str) -> Made:
        try:
            return make(text)
        except ValueError:
            self.refuse(name, f"{_shown(text)} is no such time", rule)


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str) if not isinstance(value, str) else (
        repr(value))
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number",
             float: "a number", type(None): "null"}
    return kinds[type(value)]
