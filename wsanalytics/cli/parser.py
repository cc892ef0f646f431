"""From the words of a command line to the call of a function, or to one message that refuses it.

cyclopts knows the options from the functions, turns texts into values and prints help. What
scripts rely on beside that is done here by its public parts: words are split as they always
were, values of ``wsanalytics.toml`` are added, and every refusal is one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from inspect import BoundArguments
from typing import Any

from cyclopts import (
    App,
    Argument,
    ArgumentCollection,
    CoercionError,
    CycloptsError,
    Token,
)

from wsanalytics.cli.app import COMMANDS, NAME, build_app
from wsanalytics.cli.config import Config, read_config
from wsanalytics.cli.config_report import lines_in_force
from wsanalytics.cli.option_table import (
    Words,
    all_tables,
    alternatives_in,
    arguments_of,
    is_subject,
    table_of,
)
from wsanalytics.cli.options import spelled
from wsanalytics.cli.value_kinds import Kind
from wsanalytics.errors import InputError

HELP = ("-h", "--help")
COMMAND_LINE, DEFAULT = "the command line", "default"
"""Where the value of an option is from, if it is not from a file."""
_NEGATIVE_NUMBER = re.compile(r"-\d+|-\d*\.\d+")


class UsageError(Exception):
    """A command line that cannot be understood; the text is the whole message."""

    def __init__(self, words: Words, message: str, hint: str = "") -> None:
        self.program = " ".join((NAME, *words))
        super().__init__(f"{self.program}: {message}. "
                         f"Fix: {hint}'{self.program} --help' shows the usage.")


class UnknownArgumentsError(UsageError):
    """Words of a command line that no option and no command takes."""


class HelpAskedError(Exception):
    """The help page of a command, of a group or of all was asked for."""

    def __init__(self, words: Words) -> None:
        self.words = words
        super().__init__(" ".join(words))


class VersionAskedError(Exception):
    """The version was asked for."""


@dataclass(frozen=True)
class Line:
    """The words of a command, and what follows them."""

    words: Words
    rest: list[str]


@dataclass(frozen=True)
class Call:
    """A function with its arguments, the file of options, and where each option is from."""

    words: Words
    function: Callable[..., int | None]
    bound: BoundArguments
    config: Config = field(default_factory=Config)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """The value of each option and word, by its name in Python."""
        by_name: dict[str, Any] = {}
        for name, value in self.bound.arguments.items():
            by_name |= {field.name: getattr(value, field.name) for field in fields(value)} if (
                is_dataclass(value)) else {name: value}
        return by_name

    def run(self) -> int:
        """Call the function; its exit code."""
        return self.function(*self.bound.args, **self.bound.kwargs) or 0


def split(argv: Sequence[str]) -> Line:
    """Find the command that *argv* begins with; options before it are the command's own.

    Raises :class:`UsageError` where there is no such command, and :class:`HelpAskedError` or
    :class:`VersionAskedError` where one of these comes first.
    """
    words: list[str] = []
    before: list[str] = []
    for position, word in enumerate(argv):
        if word in HELP:
            raise HelpAskedError(tuple(words))
        if word == "--version" and not words:
            raise VersionAskedError
        if word.startswith("-"):
            before.append(word)
            continue
        if " ".join((*words, word)) not in COMMANDS:
            raise UsageError(tuple(words), _no_command(words, word))
        words.append(word)
        if COMMANDS[" ".join(words)].function:
            rest = [*before, *argv[position + 1:]]
            # Behind "--" the words are values: there --help is no request for help.
            if {*HELP} & {*rest[:rest.index("--") if "--" in rest else None]}:
                raise HelpAskedError(tuple(words))
            return Line(tuple(words), rest)
    raise UsageError(tuple(words), "the following arguments are required: "
                     + ("WHAT" if words else "COMMAND"))


def _no_command(words: Sequence[str], word: str) -> str:
    group = " ".join(words)
    names = [name.rpartition(" ")[2] for name in COMMANDS if name.rpartition(" ")[0] == group]
    close = get_close_matches(word, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}"
    return f"there is no command {word!r}; {hint}"


def understand(line: Line) -> Call:
    """Return the call that a command line asks for, with what the file of options adds to it.

    Raises :class:`UsageError` for what is wrong on the command line, which is said before what is
    wrong in the file; for that :class:`InputError`.
    """
    root = build_app()
    words = _Words(line, arguments_of(line.words))
    reader = _Reader(words)
    root.config = (reader,)
    try:
        function, bound, _, injected = root.parse_known_args(words.all())
    except CycloptsError as error:  # nothing is left for cyclopts to refuse, as far as is known
        error.verbose = False
        raise UsageError(line.words, str(error)) from None
    if "in_force" in injected:
        bound.arguments["in_force"] = tuple(lines_in_force(reader.config, all_tables()))
    bound.apply_defaults()
    return Call(line.words, function, bound, reader.config, reader.sources)


class _Words:
    """The words of a line as cyclopts reads them without a doubt.

    Each value is joined to its option by ``=``, and words that belong to no option come last,
    behind ``--``: so ``--setting=S ws-1`` gives one setting and one WorkSpace, a lone ``-`` and a
    negative number are values, and no option is abbreviated or taken for another. ``unknown`` are
    options that do not exist, and words that the command does not take.
    """

    def __init__(self, line: Line, arguments: ArgumentCollection) -> None:
        self.line = line
        self.options = {name: argument for argument in arguments if argument.parse
                        for name in argument.names if name.startswith("-")}
        self.tokens: list[str] = []
        self.subjects: list[str] = []
        self.unknown: list[str] = []
        self.taker = ""
        """The option that takes the next word."""
        rest = line.rest
        end = rest.index("--") if "--" in rest else len(rest)
        for word in rest[:end]:
            if _is_option(word, self.options):
                self._add_option(word)
            else:
                self._add_value(word)
        self._check_taken()
        self.subjects += rest[end + 1:]
        # Words beyond those that the command takes are unknown, and named as such.
        subjects = [argument for argument in arguments if is_subject(argument)]
        takes_all = any(isinstance(kind := argument.parameter.converter, Kind) and kind.is_list
                        for argument in subjects)
        if not takes_all:
            self.unknown += self.subjects[len(subjects):]
            del self.subjects[len(subjects):]

    def all(self) -> list[str]:
        """Return the words of the whole line, with those of the command."""
        return [*self.line.words, *self.tokens, "--", *self.subjects]

    def _add_option(self, word: str) -> None:
        self._check_taken()
        name, equals, value = word.partition("=")
        self.taker = ""
        if name not in self.options:
            self.unknown.append(word)
            return
        argument = self.options[name]
        if argument.is_flag() and equals:
            raise self._refusal(argument, f"ignored explicit argument {value!r}")
        if value == "--":
            raise self._refusal(argument, "'--' is no value of an option")
        self.tokens.append(word)
        if not equals and not argument.is_flag():
            self.taker = name

    def _check_taken(self) -> None:
        """Refuse an option that no value follows."""
        if self.taker and self.tokens[-1] == self.taker:
            argument = self.options[self.taker]
            raise self._refusal(argument, "expected one argument"
                                if argument.parameter.consume_multiple is None else
                                "expected at least one argument")

    def _refusal(self, argument: Argument, message: str) -> UsageError:
        return UsageError(self.line.words, f"argument {spelled(argument.names)}: {message}")

    def _add_value(self, word: str) -> None:
        if not self.taker:
            self.subjects.append(word)
            return
        if self.tokens[-1] == self.taker:
            # A first value: the option alone is replaced by option=value; further values follow as
            # own tokens.
            self.tokens.pop()  # it stood alone, until a value came
        self.tokens.append(f"{self.taker}={word}")
        if self.options[self.taker].parameter.consume_multiple is None:
            self.taker = ""


def _is_option(word: str, options: Mapping[str, object]) -> bool:
    """Whether a word is meant for an option, there or not, and not for a value."""
    if not word.startswith("-") or word == "-":
        return False
    if word.partition("=")[0] in options:
        return True
    return not _NEGATIVE_NUMBER.fullmatch(word) and " " not in word


def _meant_options(unknown: Sequence[str], known: Iterable[str]) -> str:
    """Return a question about the options that unknown words come close to; empty for none."""
    close = [name for word in unknown if word.startswith("--")
             for name in get_close_matches(word, [name for name in known if name.startswith("--")],
                                           n=1, cutoff=0.7)]
    return f"did you mean {' '.join(dict.fromkeys(close))}? " if close else ""


class _Reader:
    """The hook of cyclopts between the words of a command line and their values.

    It refuses what is wrong on the command line, and adds what ``wsanalytics.toml`` says of
    options that the command line leaves out.
    """

    def __init__(self, words: _Words) -> None:
        self.words = words
        self.config = Config()
        self.sources: dict[str, str] = {}

    def __call__(self, _app: App, command: Words, arguments: ArgumentCollection) -> None:
        """Check the words that were given as *arguments*, and add the options of the file."""
        for argument in arguments:
            if argument.tokens:
                self._check_value(argument)
        broken = self._add_from_file(command, arguments)
        self._check_alternatives(arguments, is_whole=broken is None)
        if self.words.unknown:  # before what is missing, which may be what was meant
            raise UnknownArgumentsError(
                command, f"unrecognized arguments: {' '.join(self.words.unknown)}",
                _meant_options(self.words.unknown, self.words.options))
        self._check_required(arguments, is_whole=broken is None)
        if broken is not None:
            raise broken

    def _check_value(self, argument: Argument) -> None:
        try:
            argument.convert()
        except CoercionError as error:
            name, token = _name_of(argument), error.token
            choices = argument.parameter.choices
            if isinstance(choices, tuple) and token is not None and token.value not in choices:
                raise self._refusal(
                    f"argument {name}: invalid choice: {token.value!r} "
                    f"(choose from {', '.join(map(repr, choices))})") from None
            raise self._refusal(f"argument {name}: {error.msg}") from None

    def _check_alternatives(self, arguments: ArgumentCollection, *, is_whole: bool) -> None:
        """Refuse options that stand in each other's place; the file might have what lacks."""
        for group in arguments.groups:
            members = arguments.filter_by(group=group)
            for check in alternatives_in(group):
                if is_whole or any(argument.tokens for argument in members):
                    try:
                        check(members)
                    except ValueError as error:
                        raise self._refusal(str(error)) from None

    def _check_required(self, arguments: ArgumentCollection, *, is_whole: bool) -> None:
        """Refuse a line that lacks arguments; the file might have the options among them."""
        missing = [_name_of(argument) for argument in arguments
                   if argument.parse and argument.required and not argument.tokens
                   and (is_whole or is_subject(argument))]
        if missing:
            raise self._refusal(f"the following arguments are required: {', '.join(missing)}")

    def _refusal(self, message: str) -> UsageError:
        return UsageError(self.words.line.words, message)

    def _add_from_file(
        self, command: Words, arguments: ArgumentCollection
    ) -> InputError | None:
        """Add the file's options of this command; return what is wrong in the file."""
        table = table_of(arguments)
        given = {key for key, argument in table.options.items() if argument.tokens}
        self.sources = {key: COMMAND_LINE if key in given else DEFAULT for key in table.options}
        if "with-parent" in given:  # a program has started a sandbox, and says all of it
            return None
        try:
            self.config = read_config()
        except InputError as error:
            return error
        for key, texts in self.config.texts_for(command, table, given).items():
            argument = table.options[key]
            self.sources |= {name.removeprefix("--"): str(self.config.path)
                             for name in argument.names}
            for index, text in enumerate(texts):
                argument.append(_token(argument.names[0], text, index, str(self.config.path)))
        return None


def _name_of(argument: Argument) -> str:
    """Return the name of an argument in messages."""
    if is_subject(argument):
        return argument.parameter.metavar or ""
    return spelled(argument.names)


def _token(name: str, text: str | None, index: int, source: str) -> Token:
    """One value of the file as if it stood on the command line; no text for a flag."""
    if text is None:
        return Token(keyword=name, source=source, implicit_value=True)
    return Token(keyword=name, value=text, source=source, index=index)
