"""Read rules as they are written in ``wsanalytics.toml``: tables ``[[rules]]``, checked whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.files import refuse_no_file, toml_of
from wsanalytics.rules.model import HouseRule
from wsanalytics.settings import Setting

_LISTS = {"directory": "directories", "bundle": "bundles", "compute-type": "compute_types",
          "operating-system": "operating_systems", "workspace": "workspaces"}
_FLAGS = ("never-always-on", "never-stop", "leave-alone", "needs-approval",
          "allow-losing-open-programs")
_WHOLE, _NUMBER = ("least-timeout", "most-timeout"), "most-cold-starts-per-week"
KEYS = ("name", "tag", *_LISTS, *_WHOLE, "setting", _NUMBER, *_FLAGS)
"""Everything that may stand in one rule."""
EXAMPLE = 'for example [[rules]] name = "design", bundle = "wsb-…", least-timeout = 120'


def rules_in_file(path: Path) -> tuple[HouseRule, ...]:
    """Return the rules of a ``wsanalytics.toml``, in their order; none where it has none.

    Raises :class:`InputError` for a file that cannot be read and for the first rule that is wrong.
    """
    refuse_no_file(path, "what holds for all commands")
    try:
        document = toml_of(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"it cannot be read: {reason}", where=str(path),
                         rule="it is a TOML file", fix="correct the file") from None
    except ValueError as error:
        raise InputError(f"it cannot be read: {error}", where=str(path),
                         rule="it is a TOML file", fix="correct it there") from None
    tables = document.get("rules", [])
    # A table [rules] may hold the options of the command 'rules check'.
    return () if isinstance(tables, dict) and set(tables) <= {"check"} else rules_of(
        tables, str(path))


def rules_of(tables: object, where: str) -> tuple[HouseRule, ...]:
    """Return the rules that *tables* write, a list of mappings; *where* they stand is named."""
    if not isinstance(tables, list | tuple) or not all(
            isinstance(table, Mapping) for table in tables):
        raise InputError("rules are no list of tables", where=where,
                         rule="each rule is a table of its own, [[rules]]", fix=f"write {EXAMPLE}")
    rules = [_rule(table, position, where) for position, table in enumerate(tables, start=1)]
    _refuse_twins(rules, where)
    return tuple(rules)


def _refuse_twins(rules: Iterable[HouseRule], where: str) -> None:
    names = [rule.name.casefold() for rule in rules]
    for rule in rules:
        if names.count(rule.name.casefold()) > 1:
            raise InputError(f"two rules are called {rule.name!r}", where=where,
                             rule="messages name a rule, so each has a name of its own",
                             fix="rename one of them")


def _rule(table: Mapping[str, Any], position: int, where: str) -> HouseRule:
    name = table.get("name")
    location = f"{where}: rule {name!r}" if isinstance(name, str) and name.strip() else (
        f"{where}: rule {position}")
    values: dict[str, Any] = {}
    for written, value in table.items():
        key = written.replace("_", "-")
        if key not in KEYS:
            raise InputError(f"{written!r} is nothing that a rule knows", where=location,
                             rule=f"a rule has {', '.join(KEYS)}",
                             fix=did_you_mean(key, KEYS, otherwise="remove it there"))
        if key in values:
            raise InputError(f"{key!r} stands there twice", where=location,
                             rule="a key stands there once, with - or with _",
                             fix="remove one of them")
        values[key] = value
    if not (isinstance(name, str) and name.strip()):
        raise InputError("it has no name", where=location, rule="messages name a rule",
                         fix=f'add name = "…", {EXAMPLE}')
    read = {key: _value(key, value, location) for key, value in values.items()}
    fields = {"tag": "tags"} | _LISTS
    return HouseRule(where=location, **{
        fields.get(key, key.replace("-", "_")): value for key, value in read.items()})


def _value(key: str, value: Any, location: str) -> Any:  # noqa: ANN401  # whatever TOML can write
    if key == "name":
        return value.strip()
    if key == "tag":
        return _tags(value, location)
    if key in _LISTS:
        return frozenset(_texts(key, value, location))
    if key == "setting":
        text = _texts(key, value, location, is_one=True)[0]
        return Setting.parse(text, where=f"{location}: setting")
    if key in _FLAGS:
        if not isinstance(value, bool):
            raise _misfit(key, value, location, "it is true or false, without quotes")
        return value
    is_number = isinstance(value, int | float if key == _NUMBER else int)
    if not is_number or isinstance(value, bool):
        raise _misfit(key, value, location, "it is a number without quotes" if key == _NUMBER else
                      "it is a whole number of minutes, without quotes")
    return value


def _texts(key: str, value: object, location: str, *, is_one: bool = False) -> list[str]:
    """Return the texts of one value or of a list of them."""
    written = value if isinstance(value, list | tuple) and not is_one else [value]
    texts = [text.strip() for text in written if isinstance(text, str) and text.strip()]
    if not texts or len(texts) < len(written):
        raise _misfit(key, value, location, "it is text in quotes" + (
            "" if is_one else ", or a list of such texts"))
    return texts


def _tags(value: object, location: str) -> dict[str, frozenset[str]]:
    """Return names of tags with their values: a table, or texts NAME=VALUE as of ``--tag``."""
    tags: dict[str, set[str]] = {}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            tags[str(name)] = set(_texts("tag", inner, f"{location}: {name}"))
    else:
        for text in _texts("tag", value, location):
            name, equals, inner = text.partition("=")
            if not equals or not name.strip():
                raise _misfit("tag", text, location, "a tag is written NAME=VALUE")
            tags.setdefault(name.strip(), set()).add(inner)
    if not tags:
        raise _misfit("tag", value, location, "it names a tag at least")
    return {name: frozenset(values) for name, values in tags.items()}


def _misfit(key: str, value: object, location: str, rule: str) -> InputError:
    examples = {"tag": 'tag = { Team = "Design" }', "setting": 'setting = "AUTO_STOP:120"',
                _NUMBER: f"{_NUMBER} = 5"}
    example = examples.get(key) or (f"{key} = true" if key in _FLAGS else f"{key} = 120" if (
        key in _WHOLE) else f'{key} = "…"')
    shown = str(value).lower() if isinstance(value, bool) else repr(value)[:60]
    return InputError(f"{key} is {shown}", where=location, rule=rule, fix=f"write {example}")
