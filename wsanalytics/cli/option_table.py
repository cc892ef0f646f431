"""List the options of each command, read from its function by cyclopts: for files and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from cyclopts import Argument, ArgumentCollection, Group

from wsanalytics.cli.app import COMMANDS, build_app, command_in
from wsanalytics.cli.options import OneOf
from wsanalytics.cli.value_kinds import TEXT, Kind

Words = tuple[str, ...]
"""The words of a command, such as ``("plan", "show")``; none for the file's top level."""
_ALTERNATIVES = (("store", "sessions"), ("store", "workspaces"), ("setting", "timeout"))
"""Options that stand in each other's place, beside those of a group that allows one of them."""


@dataclass(frozen=True, slots=True)
class OptionTable:
    """The options of one command by their long names without dashes, and what it is about."""

    options: Mapping[str, Argument]
    subjects: tuple[str, ...]

    def alternatives_of(self, key: str) -> set[str]:
        """Return the options that cannot stand beside *key*."""
        names = {name for pair in _ALTERNATIVES if key in pair for name in pair}
        for group in _alternative_groups(self.options[key]):
            names |= {name for name, argument in self.options.items()
                      if group in _alternative_groups(argument)}
        return (names & self.options.keys()) - {key}


Tables = Mapping[Words, OptionTable]


def _alternative_groups(argument: Argument) -> set[str]:
    """Return the groups that allow one of their options alone."""
    groups = argument.parameter.group
    return {group.name for group in (groups if isinstance(groups, tuple) else ())
            if isinstance(group, Group) and alternatives_in(group)}


def alternatives_in(group: Group) -> list[OneOf]:
    """Return the checks of a group that allows one of its options alone."""
    checks = group.validator
    return [check for check in (checks if isinstance(checks, tuple | list) else ())
            if isinstance(check, OneOf)]


def table_of(arguments: ArgumentCollection) -> OptionTable:
    """Return the options among the *arguments* of a command."""
    return OptionTable(
        {name[2:]: argument for argument in arguments if argument.parse
         for name in argument.names if name.startswith("--")},
        tuple(argument.field_info.name for argument in arguments if is_subject(argument)))


@cache
def all_tables() -> Tables:
    """Return the options of all commands; this imports every command's file, and nothing heavy.

    They are read once, as it takes a tenth of a second. Nobody gives these arguments values.
    """
    return {words: table_of(arguments_of(words)) for words in all_commands()}


def all_commands() -> list[Words]:
    """Return the words of every command, those with sub-commands by both words."""
    return [tuple(name.split()) for name, entry in COMMANDS.items() if entry.function]


@cache
def arguments_of(words: Words) -> ArgumentCollection:
    """Return the arguments of one command, as cyclopts reads them from its function.

    They are read once for all the lines of a process. Nobody gives these arguments values.
    """
    return command_in(build_app(), words).assemble_argument_collection(parse_docstring=False)


def is_subject(argument: Argument) -> bool:
    """Whether an argument is a word of the command line that belongs to no option."""
    return argument.is_positional_only()


def kind_of(argument: Argument) -> Kind:
    """Return the kind of an option's values."""
    kind = argument.parameter.converter
    return kind if isinstance(kind, Kind) else TEXT
