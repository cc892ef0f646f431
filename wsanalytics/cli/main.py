"""The command line: a thin face, every command one function of the module that does it.

Exit 0: done; 1: done in part; 2: refused, with one message on standard error and nothing written.
Nothing heavy is imported until a command line has been understood, so ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TextIO

from wsanalytics.cli.config import commands_of, configure, options_of
from wsanalytics.cli.config_report import lines_in_force
from wsanalytics.cli.parser import add_all
from wsanalytics.errors import (
    InputError,
    NotBilledWarning,
    Notice,
    StoreWarning,
    UnpricedWarning,
    WsanalyticsError,
)
from wsanalytics.files import page_at, refuse_overlaps
from wsanalytics.safe_text import lenient_streams, one_line
from wsanalytics.version import __version__

REFUSED, INTERRUPTED = 2, 130
LONGEST_NAME = 255
"""Bytes of a name, on every file system that people have."""
OUTPUTS = {"output", "gaps", "fleet_output", "plot", "journal"}
"""What a command writes, by the names of options; every other path is read, or is a store."""


class _Parser(argparse.ArgumentParser):
    """Argparse with one message instead of a page of usage, and no abbreviated options.

    ``note`` is what every refusal says besides: that a file of options was not heeded.
    """

    note = ""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  # as argparse's own
        super().__init__(**options, allow_abbrev=False)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:  # noqa: ANN401  # as argparse's own
        """As argparse's, which drops ``--bundle=--`` without a word."""
        if action.option_strings and "--" in arg_strings:
            raise argparse.ArgumentError(action, "'--' is no value of an option")
        return super()._get_values(action, arg_strings)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:  # noqa: ANN401  # as argparse's own
        """As argparse's; an empty path would be the folder that one stands in."""
        if action.type is Path:
            if not arg_string or "\0" in arg_string:
                raise argparse.ArgumentError(action, f"{arg_string!r} names no file and no folder")
            if any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(arg_string).parts):
                raise argparse.ArgumentError(
                    action, f"{arg_string!r} has a part of over {LONGEST_NAME} bytes, which no "
                    "file and no folder can be called")
        return super()._get_value(action, arg_string)

    def error(self, message: str) -> NoReturn:
        found = re.match(r"argument \w+: invalid choice: '(.*)' \(choose from (.*)\)", message)
        if found:
            names = re.findall(r"[\w-]+", found[2])
            close = get_close_matches(found[1], names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}"
            message = f"there is no command {found[1]!r}; {hint}"
        _say(f"{self.prog}: {message}. Mend: '{self.prog} --help' shows the usage."
             + _Parser.note)
        self.exit(REFUSED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    with lenient_streams(sys.stdout, sys.stderr) as out:
        status = _answered(argv)
    if out.error is None:
        return status
    if sys.stderr and not isinstance(out.error, BrokenPipeError):  # then whoever read has left
        _say(f"wsanalytics: standard output cannot be written: {out.error.strerror}; what was done "
             "is done")
    return max(status, 1)


def _answered(argv: Sequence[str]) -> int:
    args = _understood(argv)
    if args is None:
        return REFUSED
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # names of users on terminals that lack a letter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UnpricedWarning)
            warnings.simplefilter("always", NotBilledWarning)
            warnings.simplefilter("always", StoreWarning)
            warnings.simplefilter("always", Notice)
            warned: dict[str, type[Warning]] = {}
            warnings.showwarning = partial(_keep_warning, warned)
            status = _run(args)
        if _Parser.note:
            _say(f"wsanalytics:{_Parser.note}")
        for text in warned:  # told when the work is done: a refusal says one thing alone
            _say(f"wsanalytics: {text.rstrip('.')}.")
        return max(status, int(StoreWarning in warned.values()))  # done in part
    except WsanalyticsError as error:
        _say(f"wsanalytics {args.command}: {error}{_whence(error, args)}{_Parser.note}")
        return REFUSED
    except OSError as error:  # of a file that nobody looked at before: too many links, no rights
        _say(f"wsanalytics {args.command}: {error.filename or 'a file'}: "
             f"{error.strerror or error}. Mend: check the path and its permissions.{_Parser.note}")
        return REFUSED
    except KeyboardInterrupt:
        _say(f"wsanalytics {args.command}: interrupted; nothing is half-written.")
        return INTERRUPTED


def _say(text: str) -> None:
    sys.stderr.write(f"{one_line(text)}\n")


def _understood(argv: Sequence[str]) -> argparse.Namespace | None:
    """The options of a command line and of the file that holds here; None after a refusal.

    What is wrong on the command line is told before what is wrong in the file.
    """
    parser = build_parser()
    broken: InputError | None = None
    try:
        _Parser.note = ""
        found = configure(parser, argv)
        argv = found.argv
        if found.config.distrusted:
            _Parser.note = f" Note: {found.config.distrusted}."
    except InputError as error:
        broken = error
        for one in commands_of(parser).values():  # the file might have what is required
            for action in options_of(one).values():
                action.required = False
            for group in one._mutually_exclusive_groups:  # noqa: SLF001  # argparse tells them nowhere else
                group.required = False
    args, strange = parser.parse_known_args(argv)
    prog = " ".join(["wsanalytics", args.command, *filter(None, [getattr(args, "about", "")])])
    if strange:
        _say(f"{prog}: unrecognized arguments: {' '.join(strange)}. "
             f"Mend: '{prog} --help' shows the usage.")
        return None
    if broken is not None:
        _say(f"{prog}: {broken}")
        return None
    found.mark(args)
    if args.command == "doctor":
        args.in_force = list(lines_in_force(found.config, commands_of(parser)))
    return args


def _whence(error: WsanalyticsError, args: argparse.Namespace) -> str:
    """Where the refused options stand, if that is not the command line."""
    named = re.findall(r"--([a-z][a-z-]*)", error.where) if isinstance(error, InputError) else []
    if any(args.origins.get(name.replace("-", "_")) == str(args.config_path) for name in named):
        return f" It stands in {args.config_path}."
    return ""


def _run(args: argparse.Namespace) -> int:
    refuse_overlaps(*_named_files(args))
    module = import_module(f"wsanalytics.{args.module}")  # heavy, and help must answer at once
    command: Callable[[argparse.Namespace], int | None] = getattr(
        module, args.function or args.command.replace("-", "_"))
    return command(args) or 0


def _named_files(args: argparse.Namespace) -> tuple[dict[str, Path], dict[str, Path]]:
    """The files that a command line would have written, and those that it has read."""
    outputs, inputs = dict[str, Path](), dict[str, Path]()
    for name, value in vars(args).items():
        is_read = name == "journal" and args.command in {"undo", "verify"}
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, Path):
                named = outputs if name in OUTPUTS and not is_read else inputs
                named[f"--{name.replace('_', '-')}"] = path
    if args.command == "report":
        outputs["--output"] = page_at(outputs["--output"])
    return outputs, inputs


def _keep_warning(
    warned: dict[str, type[Warning]],
    message: Warning | str,
    category: type[Warning],
    filename: str,  # noqa: ARG001  # the place in our code says nothing to users
    lineno: int,  # noqa: ARG001  # likewise
    file: TextIO | None = None,  # noqa: ARG001  # likewise
    line: str | None = None,  # noqa: ARG001  # likewise
) -> None:
    if issubclass(category, (UnpricedWarning, NotBilledWarning, StoreWarning, Notice)):
        warned[str(message)] = category


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands and options."""
    parser = _Parser(
        prog="wsanalytics",
        description="What Amazon WorkSpaces cost, what they would cost in other settings, and "
        "which to change. Nothing in AWS is changed without --yes or a typed confirmation.",
    )
    parser.add_argument("--version", action="version", version=f"wsanalytics {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND",
                                     parser_class=_Parser)
    parser.set_defaults(module="cli.commands.simulate", function=None)
    add_all(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
