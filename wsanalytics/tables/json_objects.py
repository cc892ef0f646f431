"""JSON that people may have edited, read into types: what is amiss is refused by its place.

Text is UTF-8, no key stands twice in one object, and numbers are numbers. msgspec holds an object
against its type; its refusals are put into the words of this package: where, what, and which rule.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import msgspec
from msgspec import inspect

from wsanalytics.errors import InputError
from wsanalytics.files import json_of, refuse_no_file
from wsanalytics.safe_text import plain
from wsanalytics.timeline import EARLIEST, LATEST

MOST_SHOWN = 60
"""Letters of a wrong value that a message repeats."""
_CHECK = "check the file, or make it again"
_PUT_BACK = "put it back, or make the file again"
_Made = TypeVar("_Made")
_WORDS: dict[type, str] = {
    inspect.FloatType: "a number", inspect.IntType: "a whole number", inspect.ListType: "a list",
    inspect.StructType: "an object", inspect.DictType: "an object",
    inspect.DateTimeType: "an instant"}
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def load_object(path: Path, what: str) -> dict[str, Any]:
    """Give the JSON object in the file at *path*, which is to hold *what*."""
    document = _parsed(_text_of(path, what), path)
    if not isinstance(document, dict):
        raise InputError(f"it holds {kind_of(document)}", where=str(path),
                         rule=f"{what} is one JSON object", fix=_CHECK)
    return document


def _text_of(path: Path, what: str) -> str:
    refuse_no_file(path, what)
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin with a byte order mark
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror or error}", where=str(path),
                         fix="check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start + 1} is not UTF-8", where=str(path),
            rule="the text is UTF-8", fix="save it as UTF-8") from error
    if not text.strip():
        raise InputError("the file is empty", where=str(path), rule=f"{what} is one JSON object",
                         fix=_CHECK)
    return text


def _parsed(text: str, path: Path) -> Any:  # noqa: ANN401  # whatever JSON holds

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # A dict keeps the last of two equal names: fewer entries than pairs means a repeated field.
        values = dict(pairs)
        if len(values) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            of = values.get("workspace_id")
            raise InputError(
                f"the field {shown(twice)} stands twice in one object"
                + (f", that of {plain(of[:MOST_SHOWN])}" if isinstance(of, str) else ""),
                where=str(path), rule="a field stands once in an object", fix="remove one of them")
        return values

    def no_number(name: str) -> NoReturn:
        raise InputError(f"it holds {name}", where=str(path), rule="numbers are finite",
                         fix="write a number, or null where it is not known")

    try:
        return json_of(text, object_pairs_hook=each_once, parse_constant=no_number)
    except json.JSONDecodeError as error:
        cut_off = " (is it cut off?)" if error.pos >= len(text.rstrip()) else ""
        raise InputError(
            f"it is not JSON: {error.msg}{cut_off}",
            where=f"{path}, line {error.lineno}, column {error.colno}", fix=_CHECK) from error
    except ValueError as error:  # a number of thousands of digits; a deep nest
        raise InputError(f"it is not JSON that can be read: {error}", where=str(path),
                         fix=_CHECK) from error


class Refused(NamedTuple):
    """An error in a document: the *steps* to the field, what is wrong, rule and fix."""

    steps: tuple[str | int, ...]
    what: str
    rule: str
    fix: str = "correct it"

    def raised(self, document: Any, path: str) -> InputError:  # noqa: ANN401  # whatever JSON holds
        """Give the refusal as an error that names the file and the place in it."""
        at = place_of(self.steps, document)
        return InputError(self.what, where=f"{path}: {at}" if at else path, rule=self.rule,
                          fix=self.fix)


def read_as(
    document: Any,  # noqa: ANN401  # whatever JSON holds
    wanted: type[_Made],
    *,
    any_text: bool = False,
) -> _Made | Refused:
    """Give the JSON *document* as a *wanted* msgspec type, or what is wrong with it.

    Fields that the type does not know are left aside. Text that no UTF-8 file can hold is refused
    unless *any_text*: a journal keeps the names of files and users as they are.
    """
    if not any_text and (half := _half_a_character(document, ())):
        return Refused(half, "it holds half a character", "text can be written as UTF-8")
    try:
        converted = msgspec.convert(document, wanted)
    except msgspec.ValidationError as error:
        return _refused(str(error), document, wanted)
    return _out_of_reach(converted, ()) or converted


def _refused(message: str, document: Any, wanted: type) -> Refused:  # noqa: ANN401  # whatever JSON holds
    """Put a refusal of msgspec's into our words."""
    # msgspec writes the place as a path behind the message: " - at `$.changes[0].to`".
    text, _, tail = message.partition(" - at `$")
    steps = tuple(int(index) if index.isdigit() else name or index
                  for name, index in _STEP.findall(tail.removesuffix("`")))
    # A missing field has no value, so this is handled before _value_at() is asked.
    if missing := re.match(r"Object missing required field `(.*)`", text):
        name = missing[1]
        return Refused(steps, f"the field {name} is missing", f"{name} is always there", _PUT_BACK)
    value = _value_at(document, steps)
    name, rule = _rule(wanted, steps)
    # An entry of a list has no name of its own: the list's name and the number stand for it.
    if text.startswith("Expected `object`") and steps and isinstance(steps[-1], int):
        return Refused((), f"{name}[{steps[-1]}] is no object", f"{name} is a list of objects")
    if text.startswith(("Expected `object`", "Expected `array`")):
        return Refused(steps, f"it is {kind_of(value)}", rule)
    if text.startswith("Expected `datetime` with"):
        return Refused(steps, f"{shown(value)} is without a zone", rule, "add Z")
    if text.startswith("Invalid RFC3339"):
        return Refused(steps, f"{shown(value)} is no such time", rule)
    return Refused(steps, f"{shown(value)} is not a valid {name}", rule)


def _rule(wanted: type, steps: tuple[str | int, ...]) -> tuple[str, str]:
    """Give the name of the field that *steps* lead to, and the rule of its type."""
    info, name, description = inspect.type_info(wanted), "it", ""
    for step in steps:
        info, _ = _plain(info)
        if isinstance(step, int):
            assert isinstance(info, inspect.ListType)
            info = info.item_type
            if isinstance(_plain(info)[0], inspect.StrType):
                return name, f"{name} is a list of texts"
            continue
        assert isinstance(info, inspect.StructType)
        info = next(field.type for field in info.fields if field.encode_name == step)
        name = step
        description = _description(info)
    kind, is_nullable = _plain(info)
    return name, description or f"{name} is {words_of(kind)}{' or null' if is_nullable else ''}"


def _description(info: inspect.Type) -> str:
    if isinstance(info, inspect.Metadata):
        return str((info.extra_json_schema or {}).get("description", "")) or _description(info.type)
    if isinstance(info, inspect.UnionType):
        return next(filter(None, map(_description, info.types)), "")
    return ""


def _plain(info: inspect.Type) -> tuple[inspect.Type, bool]:
    """Give the type without its notes and without null; and whether it may be null."""
    if isinstance(info, inspect.Metadata):
        return _plain(info.type)
    if isinstance(info, inspect.UnionType):
        kinds = [_plain(kind)[0] for kind in info.types
                 if not isinstance(kind, inspect.NoneType)]
        # Only null can be the other member of a union in these types.
        return kinds[0], len(kinds) < len(info.types)
    return info, False


def words_of(kind: inspect.Type) -> str:
    """Say in words what a type takes."""
    if isinstance(kind, inspect.FloatType) and kind.ge is not None and kind.le is not None:
        return f"a number from {kind.ge:g} to {kind.le:g}"
    if isinstance(kind, inspect.EnumType):
        return " or ".join(str(member.value) for member in kind.cls)
    return _WORDS.get(type(kind), "text")


def place_of(steps: tuple[str | int, ...], document: Any) -> str:  # noqa: ANN401  # whatever JSON holds
    """Say where in *document* the *steps* lead: ``changes[0] (ws-1), field to``.

    >>> place_of(("changes", 0, "to"), {"changes": [{"workspace_id": "ws-1"}]})
    'changes[0] (ws-1), field to'
    """
    parts, value = list[str](), document
    for step in steps:
        value = _value_at(value, (step,))
        if isinstance(step, int):
            name = parts.pop().removeprefix("field ")
            of = value.get("workspace_id") if isinstance(value, dict) else None
            whose = f" ({plain(of[:MOST_SHOWN])})" if isinstance(of, str) else ""
            parts.append(f"{name}[{step}]{whose}")
        else:
            parts.append(f"field {step}")
    return ", ".join(parts)


def _value_at(document: Any, steps: tuple[str | int, ...]) -> Any:  # noqa: ANN401  # whatever JSON holds
    value = document
    for step in steps:
        if isinstance(value, dict):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _half_a_character(value: Any, steps: tuple[str | int, ...]) -> tuple[str | int, ...]:  # noqa: ANN401  # whatever JSON holds
    """Give the steps to a text that no file can hold: JSON can write half of a surrogate pair."""
    if isinstance(value, str):
        return steps if any("\ud800" <= letter <= "\udfff" for letter in value) else ()
    inner = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    return next(filter(None, (_half_a_character(item, (*steps, key)) for key, item in inner)), ())


def _out_of_reach(converted: Any, steps: tuple[str | int, ...]) -> Refused | None:  # noqa: ANN401  # any msgspec type
    """Refuse an instant with which nothing can be reckoned: pandas ends before Python does."""
    if isinstance(converted, datetime):
        if EARLIEST <= converted <= LATEST:
            return None
        return Refused(steps, f"{shown(converted.isoformat())} is not such an instant",
                       f"{steps[-1]} is a UTC instant from {EARLIEST:%Y} to {LATEST:%Y}")
    inner: Any = ()
    if isinstance(converted, msgspec.Struct):
        names = zip(converted.__struct_encode_fields__, converted.__struct_fields__, strict=True)
        inner = ((encoded, getattr(converted, name)) for encoded, name in names)
    elif isinstance(converted, list):
        inner = enumerate(converted)
    refusals = (_out_of_reach(item, (*steps, key)) for key, item in inner)
    return next(filter(None, refusals), None)


def shown(value: object) -> str:
    """Give a wrong value as a message repeats it, cut to a length that is read."""
    text = repr(value) if isinstance(value, str) else json.dumps(
        value, ensure_ascii=True, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def kind_of(value: object) -> str:
    """Say what kind of JSON a value is."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number",
             float: "a number", type(None): "null"}
    return kinds[type(value)]
