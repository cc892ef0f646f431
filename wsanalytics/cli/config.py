"""The file ``wsanalytics.toml``: options that need not be written on every command line.

It is looked for in the working directory and upwards; the first one found holds. What the command
line says wins over the file, and a command's own table in the file wins over its top level. What
the file says reaches cyclopts as texts, like the words of a command line, so that an option means
the same in either place. Nothing heavy is imported here: help must answer at once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from wsanalytics.cli.config_values import MisfitError, texts_of
from wsanalytics.cli.option_table import OptionTable, Tables, Words, all_tables
from wsanalytics.errors import InputError
from wsanalytics.files import refuse_no_file, toml_of

NAME = "wsanalytics.toml"
ENVIRONMENT = "WSANALYTICS_CONFIG"
"""Names the file instead; empty for none."""
RULES = "rules"
"""The tables of the file that are no options: :mod:`wsanalytics.rules` reads them."""

BY_THEMSELVES = {"sandbox", "demo", "columns", "completion"}
"""Commands without an account or a fleet of yours: the top level of the file is not about them."""
_ABOUT_OTHERS = {(command, key) for command in ("apply", "undo")
                 for key in ("workspace", "directory", "bundle", "tag")}
"""Top-level keys on a fleet for all commands, which narrow neither what a plan changes nor what is
undone: a plan was narrowed when it was made."""
_ACT = "nothing is changed in AWS without an explicit act on the command line"
_NEVER = {"yes": _ACT, "interactive": _ACT, "create": _ACT, "resume": _ACT, "allow-apply": _ACT,
          "force": "what is replaced is decided each time",
          "help": "it is a question, not a setting", "version": "it is a question, not a setting",
          "with-parent": "it is for programs that start a sandbox"}


@dataclass(frozen=True, slots=True)
class Config:
    """The contents of a file: the values by option, for each command and, under ``()``, for all."""

    path: Path | None = None
    looked: str = ""
    distrusted: str = ""
    values: Mapping[Words, Mapping[str, Any]] = field(default_factory=dict)

    def texts_for(
        self, command: Words, table: OptionTable, given_keys: set[str]
    ) -> dict[str, list[str | None]]:
        """Return what the file adds to a command line that has the options *given_keys*.

        Texts, by option.
        """
        if self.path is None:
            return {}
        added = dict[str, list[str | None]]()
        decided, active = set(given_keys), set(given_keys)
        for level in (command, ()) if command[0] not in BY_THEMSELVES else (command,):
            here = {key: texts_of(table.options[key], value, self.path.parent)
                    for key, value in self.values.get(level, {}).items()
                    if key in table.options and key not in decided
                    and (level or (command[0], key) not in _ABOUT_OTHERS)
                    and not table.alternatives_of(key) & active
                    and (level or _fits(table, key, value, self.path.parent))}
            added |= here
            decided |= here.keys()
            active |= {key for key, texts in here.items() if texts}
        return added


def find_config() -> tuple[Path | None, str]:
    """Return the file that holds here, and, where there is none, where it was looked for."""
    named = os.environ.get(ENVIRONMENT)
    if named is not None:
        return (Path(named).expanduser().absolute(), "") if named else (
            None, f"no {NAME} is read: {ENVIRONMENT} is empty")
    here = Path.cwd()
    path = next((folder / NAME for folder in (here, *here.parents)
                  if (folder / NAME).is_file()), None)
    if path is not None and (reason := _why_distrusted(path)):
        return None, f"{path} is not read: {reason}; {ENVIRONMENT}={path} reads it all the same"
    return path, "" if path else f"no {NAME} from {here} upwards"


def _why_distrusted(path: Path) -> str:
    """Give the reason why a file that was found, and not named, is not used; empty if it is.

    Who may write it could have other prices and other stores used, or other roles.
    """
    if not hasattr(os, "getuid"):
        return ""
    file, folder = path.stat(), path.resolve().parent.stat()
    if file.st_uid not in {os.getuid(), 0}:
        return "it belongs to another user"
    if (file.st_mode | folder.st_mode) & stat.S_IWOTH:
        return "everybody may write to it" if file.st_mode & stat.S_IWOTH else (
            "everybody may write to its folder")
    return ""


def read_config() -> Config:
    """Return the file that holds here, checked whole; :class:`InputError` names what is wrong.

    The options of all commands are asked for only where there is a file.
    """
    path, looked = find_config()
    if path is None:
        return Config(looked=looked, distrusted=looked if " is not read: " in looked else "")
    try:
        refuse_no_file(path, "what holds for all commands")
        document = toml_of(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"it cannot be read: {reason}", where=str(path),
                         rule="it is a TOML file", fix="correct the file, or remove it") from None
    except ValueError as error:
        hint = (": options stand above all tables, and where an option is called like a command, "
                'its table is written ["store info"]' if "overwrite" in str(error) else "")
        raise InputError(f"it cannot be read: {error}", where=str(path), rule="it is a TOML file",
                         fix=f"correct it there{hint}") from None
    tables = all_tables()
    values: dict[Words, dict[str, Any]] = {}
    for command, key, value in _entries(document, tables, path):
        entries = values.setdefault(command, {})
        if key in entries:
            raise InputError("it stands there twice", where=_place(path, command, key),
                             rule="an option stands there once, with - or with _",
                             fix="remove one of them")
        entries[key] = value
    config = Config(path, looked, values=values)
    for command, entries in values.items():
        for key in entries:
            _check(config, command, key, tables)
    return config


def _entries(
    document: Mapping[str, Any], tables: Tables, path: Path
) -> Iterator[tuple[Words, str, Any]]:
    """Give each value of the file: for which command it is, its option, and itself."""
    firsts = {command[0] for command in tables}
    for name, value in document.items():
        key = name.replace("_", "-")
        words = tuple(key.split())
        if key == RULES and _holds_rules(value, path):
            continue
        if isinstance(value, dict) and words in tables:
            yield from ((words, inner.replace("_", "-"), entry) for inner, entry in value.items())
        elif isinstance(value, dict) and key in firsts:
            yield from _inner_entries(key, value, tables, path)
        else:
            yield (), key, value


def _holds_rules(value: object, path: Path) -> bool:
    """Whether *value* are the rules of the house, which are no options; checked whole.

    A table ``[rules.check]`` is about the options of that command.
    """
    if isinstance(value, list):
        # Heavy, and so imported only where a file has rules.
        from wsanalytics.rules import RuleBook  # noqa: PLC0415

        RuleBook.of(value, str(path))
        return True
    if isinstance(value, dict) and set(value) <= {"check"}:
        return False
    raise InputError("rules are no list of tables", where=f"{path}: {RULES}",
                     rule="each rule is a table of its own, with two brackets",
                     fix="write [[rules]] above each")


def _inner_entries(
    first: str, table: Mapping[str, Any], tables: Tables, path: Path
) -> Iterator[tuple[Words, str, Any]]:
    inner = [command[1] for command in tables if command[0] == first]
    for name, value in table.items():
        second = name.replace("_", "-")
        if second not in inner or not isinstance(value, dict):
            raise InputError(
                f"{first!r} has no sub-command {second!r}" if isinstance(value, dict) else
                f"{second!r} stands under a command that has sub-commands",
                where=_place(path, (first,), second),
                rule=f"the tables are {', '.join(f'[{first}.{item}]' for item in inner)}",
                fix="put it into one of them")
        yield from (((first, second), key.replace("_", "-"), item) for key, item in value.items())


def _check(config: Config, command: Words, key: str, tables: Tables) -> None:
    """Raise :class:`InputError` where *key* may not stand where it does, or not as it does."""
    assert config.path is not None
    where = _place(config.path, command, key)
    if key in _NEVER:
        raise InputError(f"{key!r} may not stand in the file", where=where, rule=_NEVER[key],
                         fix="remove it there" if _NEVER[key] is not _ACT else
                         f"remove it there, and write --{key} where you mean it")
    holders = {name: table for name, table in tables.items()
               if key in table.options and (
                   name == command if command else name[0] not in BY_THEMSELVES)}
    if not holders:
        raise _unknown(where, command, key, tables)
    entries, value = config.values[command], config.values[command][key]
    folder = config.path.parent
    # Options of one name may take different values (every = "5m" of collect, "week" of backtest):
    # above all tables one holds for the commands that it fits.
    fitting = {words: table for words, table in holders.items()
               if not command and _fits(table, key, value, folder)}
    for words, table in (fitting or holders).items():
        name = " ".join(words)
        try:
            texts = texts_of(table.options[key], value, config.path.parent)
        except MisfitError as reason:
            raise InputError(str(reason), where=where, rule=f"it is an option of '{name}', and "
                             "its values are those of the command line",
                             fix=f"'wsanalytics {name} --help' shows what it takes") from None
        for other in table.alternatives_of(key) & entries.keys():
            if texts and texts_of(table.options[other], entries[other], config.path.parent):
                raise InputError(f"{key!r} and {other!r} stand beside each other", where=where,
                                 rule=f"'{name}' takes one of them",
                                 fix="remove one, or put each into the tables of its commands")


def _fits(table: OptionTable, key: str, value: Any, folder: Path) -> bool:  # noqa: ANN401  # as TOML has it
    """Whether a value of the file is one of the option *key* of a command."""
    try:
        texts_of(table.options[key], value, folder)
    except MisfitError:
        return False
    return True


def _unknown(where: str, command: Words, key: str, tables: Tables) -> InputError:
    """Build the error of a key that is no option here."""
    meant = {name: table for name, table in tables.items() if command in {(), name}}
    if any(key == subject.replace("_", "-") for table in meant.values()
           for subject in table.subjects):
        return InputError(f"{key!r} is what a command is about, not an option", where=where,
                          rule="only options stand in the file",
                          fix="remove it there, and name it on the command line")
    alone = [" ".join(name) for name, table in meant.items() if key in table.options]
    if alone:
        return InputError(f"{key!r} is an option of '{alone[0]}' alone", where=where,
                          rule=f"the top level is not about {', '.join(sorted(BY_THEMSELVES))}",
                          fix=f"put it under [{alone[0]}]")
    options = {name for table in meant.values() for name in table.options} - _NEVER.keys()
    if not command:
        options |= {name[0] for name in tables}
    close = get_close_matches(key, sorted(options), n=1)
    holder = f"'{' '.join(command)}'" if command else "any command"
    return InputError(f"{key!r} is no option of {holder}", where=where,
                      rule="keys are the long names of options, without the dashes",
                      fix=f"did you mean {close[0]}?" if close else "remove it there")


def _place(path: Path, command: Words, key: str) -> str:
    table = f"[{'.'.join(command)}] " if command else ""
    return f"{path}: {table}{key}"
