"""The file ``wsanalytics.toml``: options that need not be written on every command line.

It is looked for in the working directory and upwards; the first one found holds. What the command
line says wins over the file, and a command's own table in the file wins over its top level. What
the file says is put on the command line for argparse to read, so that an option means the same in
either place. Nothing heavy is imported here: help must answer at once.
"""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from wsanalytics.cli.config_values import Unfit, words_of
from wsanalytics.errors import InputError
from wsanalytics.files import refuse_no_file, toml_of

NAME = "wsanalytics.toml"
ENVIRONMENT = "WSANALYTICS_CONFIG"
"""Names the file instead; empty for none."""
Command = tuple[str, ...]
"""The words of a command, such as ``("plan", "show")``; no words for the file's top level."""
Options = dict[str, argparse.Action]
Parsers = Mapping[Command, argparse.ArgumentParser]

BY_THEMSELVES = {"sandbox", "demo", "columns"}
"""Commands without an account or a fleet of yours: the top level of the file is not about them."""
_ABOUT_OTHERS = {("undo", "workspace")}
"""What the top level says of a fleet for all commands, which does not narrow what is undone."""
_ACT = "nothing is changed in AWS without an explicit act on the command line"
_NEVER = {"yes": _ACT, "interactive": _ACT, "create": _ACT, "resume": _ACT, "allow-apply": _ACT,
          "force": "what is replaced is decided each time",
          "help": "it is a question, not a setting", "version": "it is a question, not a setting",
          "with-parent": "it is for programs that start a sandbox"}
_RIVALS = (("store", "sessions"), ("store", "workspaces"), ("setting", "timeout"))
"""Options that stand in each other's place, beside those that argparse knows of."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a file says: the values by option, for each command and, under ``()``, for all."""

    path: Path | None = None
    looked: str = ""
    distrusted: str = ""
    values: Mapping[Command, Mapping[str, Any]] = field(default_factory=dict)

    def words(
        self, command: Command, parser: argparse.ArgumentParser, given: set[str]
    ) -> dict[str, list[str]]:
        """What the file adds to a command line that has the options *given*, by option."""
        if self.path is None:
            return {}
        options, found = options_of(parser), dict[str, list[str]]()
        known, active = set(given), set(given)
        for level in (command, ()) if command[0] not in BY_THEMSELVES else (command,):
            own = {key: words_of(options[key], value, self.path.parent)
                   for key, value in self.values.get(level, {}).items()
                   if key in options and key not in known
                   and (level or (command[0], key) not in _ABOUT_OTHERS)
                   and not rivals_of(key, parser) & active}
            found |= own
            known |= own.keys()
            active |= {key for key, words in own.items() if words}
        return found


def commands_of(parser: argparse.ArgumentParser, words: Command = ()) -> Parsers:
    """The parser of each command, those with sub-commands by both words."""
    groups = [one for one in parser._actions  # noqa: SLF001  # argparse tells it nowhere else
              if isinstance(one, argparse._SubParsersAction)]  # noqa: SLF001  # likewise
    if not groups:
        return {words: parser}
    return {command: one for group in groups for name, inner in group.choices.items()
            for command, one in commands_of(inner, (*words, name)).items()}


def options_of(parser: argparse.ArgumentParser) -> Options:
    """The options of a command by their long names, without the dashes."""
    return {name[2:]: action for action in parser._actions  # noqa: SLF001  # as above
            for name in action.option_strings if name.startswith("--")}


def rivals_of(key: str, parser: argparse.ArgumentParser) -> set[str]:
    """The options that cannot stand beside *key*."""
    options = options_of(parser)
    rivals = {other for pair in _RIVALS if key in pair for other in pair}
    for group in parser._mutually_exclusive_groups:  # noqa: SLF001  # as above
        if options[key] in group._group_actions:  # noqa: SLF001  # as above
            rivals |= {name for name in options if options[name] in group._group_actions}  # noqa: SLF001  # as above
    return (rivals & options.keys()) - {key}


def find_config() -> tuple[Path | None, str]:
    """The file that holds here, and, where there is none, where it was looked for."""
    named = os.environ.get(ENVIRONMENT)
    if named is not None:
        return (Path(named).expanduser().absolute(), "") if named else (
            None, f"no {NAME} is read: {ENVIRONMENT} is empty")
    here = Path.cwd()
    found = next((folder / NAME for folder in (here, *here.parents)
                  if (folder / NAME).is_file()), None)
    if found is not None and (reason := _why_distrusted(found)):
        return None, f"{found} is not read: {reason}; {ENVIRONMENT}={found} reads it all the same"
    return found, "" if found else f"no {NAME} from {here} upwards"


def _why_distrusted(path: Path) -> str:
    """Why a file that was found, and not named, is not ours to heed; empty if it is.

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


def read_config(parsers: Parsers) -> Config:
    """The file that holds here, checked whole; :class:`InputError` says what is wrong in it."""
    path, looked = find_config()
    if path is None:
        return Config(looked=looked, distrusted=looked if " is not read: " in looked else "")
    try:
        refuse_no_file(path, "what holds for all commands")
        document = toml_of(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"it cannot be read: {reason}", where=str(path),
                         rule="it is a TOML file", mend="correct the file, or remove it") from None
    except ValueError as error:
        hint = (": options stand above all tables, and where an option is called like a command, "
                'its table is written ["store info"]' if "overwrite" in str(error) else "")
        raise InputError(f"it cannot be read: {error}", where=str(path), rule="it is a TOML file",
                         mend=f"correct it there{hint}") from None
    values: dict[Command, dict[str, Any]] = {}
    for command, key, value in _entries(document, parsers, path):
        own = values.setdefault(command, {})
        if key in own:
            raise InputError("it stands there twice", where=_place(path, command, key),
                             rule="an option stands there once, with - or with _",
                             mend="remove one of them")
        own[key] = value
    config = Config(path, looked, values=values)
    for command, own in values.items():
        for key in own:
            _check(config, command, key, parsers)
    return config


def _entries(
    document: Mapping[str, Any], parsers: Parsers, path: Path
) -> Iterator[tuple[Command, str, Any]]:
    """Each value of the file: for which command it is, its option, and itself."""
    firsts = {command[0] for command in parsers}
    for name, value in document.items():
        key = name.replace("_", "-")
        words = tuple(key.split())
        if isinstance(value, dict) and words in parsers:
            yield from ((words, inner.replace("_", "-"), one) for inner, one in value.items())
        elif isinstance(value, dict) and key in firsts:
            yield from _inner_entries(key, value, parsers, path)
        else:
            yield (), key, value


def _inner_entries(
    first: str, table: Mapping[str, Any], parsers: Parsers, path: Path
) -> Iterator[tuple[Command, str, Any]]:
    inner = [command[1] for command in parsers if command[0] == first]
    for name, value in table.items():
        second = name.replace("_", "-")
        if second not in inner or not isinstance(value, dict):
            raise InputError(
                f"{first!r} has no sub-command {second!r}" if isinstance(value, dict) else
                f"{second!r} stands under a command that has sub-commands",
                where=_place(path, (first,), second),
                rule=f"the tables are {', '.join(f'[{first}.{one}]' for one in inner)}",
                mend="put it into one of them")
        yield from (((first, second), key.replace("_", "-"), one) for key, one in value.items())


def _check(config: Config, command: Command, key: str, parsers: Parsers) -> None:
    """Raise :class:`InputError` where *key* may not stand where it does, or not as it does."""
    assert config.path is not None
    where = _place(config.path, command, key)
    if key in _NEVER:
        raise InputError(f"{key!r} may not stand in the file", where=where, rule=_NEVER[key],
                         mend="remove it there" if _NEVER[key] is not _ACT else
                         f"remove it there, and write --{key} where you mean it")
    holders = {one: parser for one, parser in parsers.items()
               if key in options_of(parser) and (
                   one == command if command else one[0] not in BY_THEMSELVES)}
    if not holders:
        raise _unknown(where, command, key, parsers)
    own, value = config.values[command], config.values[command][key]
    for one, parser in holders.items():
        name = " ".join(one)
        try:
            words = words_of(options_of(parser)[key], value, config.path.parent)
        except Unfit as reason:
            raise InputError(str(reason), where=where, rule=f"it is an option of '{name}', and "
                             "its values are those of the command line",
                             mend=f"'wsanalytics {name} --help' shows what it takes") from None
        for rival in rivals_of(key, parser) & own.keys():
            if words and words_of(options_of(parser)[rival], own[rival], config.path.parent):
                raise InputError(f"{key!r} and {rival!r} stand beside each other", where=where,
                                 rule=f"'{name}' takes one of them",
                                 mend="remove one, or put each into the tables of its commands")


def _unknown(where: str, command: Command, key: str, parsers: Parsers) -> InputError:
    """What to say of a key that is no option here."""
    meant = {one: parser for one, parser in parsers.items() if command in {(), one}}
    if any(action.dest.replace("_", "-") == key and not action.option_strings
           for parser in meant.values() for action in parser._actions):  # noqa: SLF001  # as above
        return InputError(f"{key!r} is what a command is about, not an option", where=where,
                          rule="only options stand in the file",
                          mend="remove it there, and name it on the command line")
    alone = [" ".join(one) for one, parser in meant.items() if key in options_of(parser)]
    if alone:
        return InputError(f"{key!r} is an option of '{alone[0]}' alone", where=where,
                          rule=f"the top level is not about {', '.join(sorted(BY_THEMSELVES))}",
                          mend=f"put it under [{alone[0]}]")
    known = {name for parser in meant.values() for name in options_of(parser)} - _NEVER.keys()
    if not command:
        known |= {one[0] for one in parsers}
    close = get_close_matches(key, sorted(known), n=1)
    holder = f"'{' '.join(command)}'" if command else "any command"
    return InputError(f"{key!r} is no option of {holder}", where=where,
                      rule="keys are the long names of options, without the dashes",
                      mend=f"did you mean {close[0]}?" if close else "remove it there")


def _place(path: Path, command: Command, key: str) -> str:
    table = f"[{'.'.join(command)}] " if command else ""
    return f"{path}: {table}{key}"


@dataclass(frozen=True, slots=True)
class Configured:
    """A command line together with what the file adds to it, and where each option is from."""

    argv: list[str]
    command: Command = ()
    config: Config = field(default_factory=Config)
    sources: Mapping[str, str] = field(default_factory=dict)

    def mark(self, args: argparse.Namespace) -> None:
        """Give *args* ``origins``, by their names, and ``config_path``."""
        args.config_path = self.config.path
        args.origins = {name: self.sources.get(name, "default") for name in vars(args)
                        if name in self.sources}


def configure(parser: argparse.ArgumentParser, argv: Sequence[str]) -> Configured:
    """Add to *argv* what the file that holds here says about its command.

    A question for help is left alone, and so is a line that names no command. Raises
    :class:`InputError` where the file cannot be used.
    """
    parsers = commands_of(parser)
    command = next((tuple(argv[:n]) for n in (1, 2) if tuple(argv[:n]) in parsers), ())
    own = list(argv[:argv.index("--")] if "--" in argv else argv)
    if not command or {"-h", "--help", "--with-parent"} & {*own}:
        return Configured(list(argv))
    config = read_config(parsers)
    options = options_of(parsers[command])
    given = {word[2:].partition("=")[0] for word in own if word.startswith("--")} & options.keys()
    added = config.words(command, parsers[command], given)
    sources = {action.dest: "default" if action.option_strings else "the command line"
               for action in parsers[command]._actions}  # noqa: SLF001  # as above
    sources |= {options[key].dest: str(config.path) for key in added}
    sources |= {options[key].dest: "the command line" for key in given}
    n = len(command)
    words = [word for key in added for word in added[key]]
    return Configured([*argv[:n], *words, *argv[n:]], command, config, sources)
