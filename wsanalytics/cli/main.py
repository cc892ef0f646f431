"""The one way in and the one way out: a command line is run, and ends with its exit code.

Every refusal is one line on standard error. Nothing heavy is imported until a command line has
been understood, so ``--help`` and usage errors answer at once.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from wsanalytics.cli.app import NAME, build_app, command_in
from wsanalytics.cli.config import find_config
from wsanalytics.cli.exit_codes import DONE, INTERRUPTED, PARTLY, REFUSED
from wsanalytics.cli.option_table import Words
from wsanalytics.cli.parser import (
    Call,
    HelpAskedError,
    UnknownArgumentsError,
    UsageError,
    VersionAskedError,
    split,
    understand,
)
from wsanalytics.cli.results import last_words, remember
from wsanalytics.errors import (
    InputError,
    NotBilledWarning,
    Notice,
    StoreWarning,
    UnpricedWarning,
    WsanalyticsError,
)
from wsanalytics.files import page_at, refuse_overlaps
from wsanalytics.safe_text import lenient_streams, say
from wsanalytics.version import __version__

_OUTPUTS = {"output", "gaps", "fleet_output", "plot", "journal"}
"""The options that name outputs; every other path is read, or is a store."""
_READ_JOURNALS = {("undo",), ("verify",)}
"""The commands whose journal is what they are about, and not what they write."""
_SHOWN_WARNINGS: tuple[type[Warning], ...] = (
    UnpricedWarning, NotBilledWarning, StoreWarning, Notice)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit status.

    Raises :class:`SystemExit`, as argument parsers do, after help, the version, and a command line
    that lacks something or gives an option a value that it does not take.
    """
    argv = sys.argv[1:] if argv is None else argv
    remember(argv)
    with lenient_streams(sys.stdout, sys.stderr) as out:
        status = _answered(argv)
    if out.error is None:
        return status
    if sys.stderr and not isinstance(out.error, BrokenPipeError):  # then whoever read has left
        say(f"{NAME}: standard output cannot be written: {out.error.strerror}; what was done "
             "is done")
    return max(status, PARTLY)


def _answered(argv: Sequence[str]) -> int:
    try:
        line = split(argv)
        call = understand(line)
    except HelpAskedError as asked:
        _print_help(asked.words)
        raise SystemExit(DONE) from None
    except VersionAskedError:
        sys.stdout.write(f"{NAME} {__version__}\n")
        raise SystemExit(DONE) from None
    except UnknownArgumentsError as error:
        say(str(error))
        return REFUSED
    except UsageError as error:
        say(f"{error}{_distrusted()}")
        raise SystemExit(REFUSED) from None
    except InputError as error:  # the file of options
        say(f"{' '.join((NAME, *line.words))}: {error}")
        return REFUSED
    return _run(call)


def _print_help(words: Words) -> None:
    """Print a help page: plain text for pipes, framed and coloured on a terminal."""
    root = build_app(is_plain=not sys.stdout.isatty())
    command_in(root, words)
    root.help_print(list(words))


def _distrusted() -> str:
    """Give the note of every refusal that a file of options was found and not read."""
    reason = find_config()[1]
    return f" Note: {reason}." if " is not read: " in reason else ""


def _run(call: Call) -> int:
    """Run a command, say what is to be said when it is done, and give its exit code."""
    command = call.words[0]
    note = f" Note: {call.config.distrusted}." if call.config.distrusted else ""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # names of users on terminals that lack a letter
    try:
        with warnings.catch_warnings():
            for category in _SHOWN_WARNINGS:
                warnings.simplefilter("always", category)
            warned: dict[str, type[Warning]] = {}
            warnings.showwarning = partial(_keep_warning, warned)
            refuse_overlaps(*_named_files(call))
            status = call.run()
    except WsanalyticsError as error:
        _say_refusal(f"{NAME} {command}: {error}{_whence(error, call)}{note}", error)
        return REFUSED
    except OSError as error:  # of a file that nobody looked at before: too many links, no rights
        say(f"{NAME} {command}: {error.filename or 'a file'}: "
             f"{error.strerror or error}. Fix: check the path and its permissions.{note}")
        return REFUSED
    except KeyboardInterrupt:
        say(f"{NAME} {command}: interrupted; nothing is half-written.")
        return INTERRUPTED
    if note:
        say(f"{NAME}:{note}")
    for text, category in warned.items():  # said when the work is done: a refusal is one line
        if category is not Notice or "warning:" in text or not call.values["quiet"]:
            say(f"{NAME}: {text.rstrip('.')}.")
    sys.stderr.write(last_words())
    return max(status, PARTLY) if StoreWarning in warned.values() else status


def _say_refusal(refusal: str, error: WsanalyticsError) -> None:
    """Write a *refusal* as one line; on a terminal each of a file's faults has its own."""
    faults = error.faults if isinstance(error, InputError) else ()
    if not faults or not sys.stderr.isatty():
        say(refusal)
        return
    before, _, after = refusal.partition(" ".join(faults))
    for line in (before, *(f"  {fault}" for fault in faults), after):
        say(line if line.startswith("  ") else line.strip())


def _whence(error: WsanalyticsError, call: Call) -> str:
    """Return where the refused options stand, if that is not the command line."""
    named = re.findall(r"--([a-z][a-z-]*)", error.where) if isinstance(error, InputError) else []
    if any(call.sources.get(name) == str(call.config.path) for name in named):
        return f" It stands in {call.config.path}."
    return ""


def _named_files(call: Call) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the files that a command line would have written, and those that it has read."""
    outputs, inputs = dict[str, Path](), dict[str, Path]()
    for name, value in call.values.items():
        is_read = name == "journal" and call.words in _READ_JOURNALS
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, Path):
                named = outputs if name in _OUTPUTS and not is_read else inputs
                named[f"--{name.replace('_', '-')}"] = path
    if call.words == ("report",):
        outputs["--output"] = page_at(outputs["--output"])
    return outputs, inputs


def _keep_warning(
    warned: dict[str, type[Warning]],
    message: Warning | str,
    category: type[Warning],
    filename: str,  # noqa: ARG001  # the place in our code says nothing to users
    lineno: int,  # noqa: ARG001  # nor does its line
    file: TextIO | None = None,  # noqa: ARG001  # warnings are shown on standard error alone
    line: str | None = None,  # noqa: ARG001  # nor does the line's text
) -> None:
    if issubclass(category, _SHOWN_WARNINGS):
        warned[str(message)] = category
