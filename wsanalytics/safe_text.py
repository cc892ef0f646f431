"""The one way out: text that leaves for a terminal, a log or a spreadsheet is harmless.

Names, ids and what AWS or a library says are whatever somebody wrote. Before a message leaves,
control characters and line breaks become a mark, words without an end are cut, and the password of
an address is left out. Nothing heavy is imported here: help must answer at once.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from textwrap import fill
from typing import Any, TextIO, cast

LONGEST_WORD, LONGEST_MESSAGE = 240, 4000
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which a spreadsheet takes a cell of a CSV file for a formula."""
_ENDLESS = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
_SECRET = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s@]*@")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def plain(text: str) -> str:
    r"""Return text that a terminal shows as it is: control characters become a replacement mark.

    >>> plain("ada\x1b[31m") == "ada\ufffd[31m"
    True
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def one_line(text: str) -> str:
    r"""One line that may be shown to anybody: no control characters, no password, bounded.

    >>> one_line("ws-1\n2: https://ada:secret@proxy:8080/ refused")
    'ws-1 2: https://…@proxy:8080/ refused'
    >>> len(one_line("x" * 100_000)) < 300
    True
    """
    # Cut first: a message of megabytes must not go through the patterns below.
    text = plain(re.sub(r"[\r\n]+\s*", " ", text[: 10 * LONGEST_MESSAGE]))
    text = _ENDLESS.sub(lambda found: f"{found[0][:LONGEST_WORD - 40]}…{found[0][-40:]}",
                        _SECRET.sub(r"\1…@", text))
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def escape_formula(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; see :func:`unescape_formula`.

    >>> escape_formula("=1+1"), escape_formula("ada"), escape_formula("'=1+1")
    ("'=1+1", 'ada', "''=1+1")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(text: str) -> str:
    """Return the text that :func:`escape_formula` was given.

    >>> [unescape_formula(text) for text in ("'=1+1", "ada", "'ada", "=1+1")]
    ['=1+1', 'ada', "'ada", '=1+1']
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


class _Quiet:
    """Whether notes and progress bars are left out. One flag, as threads of a run write them."""

    is_on = False


@contextmanager
def quiet_messages() -> Iterator[None]:
    """Leave out notes and progress bars while the block runs; warnings and errors are shown."""
    before, _Quiet.is_on = _Quiet.is_on, True
    try:
        yield
    finally:
        _Quiet.is_on = before


def is_quiet() -> bool:
    """Whether notes and progress bars are left out."""
    return _Quiet.is_on


class _Lenient:
    """A stream whose reader may leave, or whose disk may fill: what was done is not undone by it.

    ``error`` is the first thing that went wrong; from then on nothing is written.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream, self.error = stream, cast("OSError | None", None)

    def write(self, text: str) -> int:
        if self.stream and self.error is None:
            try:
                return self.stream.write(text)
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        if self.stream and self.error is None:
            try:
                self.stream.flush()
            except OSError as error:
                self._give_up(error)

    def isatty(self) -> bool:
        return bool(self.stream and self.stream.isatty())

    def _give_up(self, error: OSError) -> None:
        self.error = error
        assert self.stream is not None
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())  # the interpreter writes what is left as it ends
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the stream has
        return getattr(self.stream, name)


@contextmanager
def lenient_streams(out: TextIO | None, error: TextIO | None) -> Iterator[_Lenient]:
    """Standard output and error for a block that runs to its end even if nobody reads them.

    Gives the output, whose ``error`` says why something of it was lost.
    """
    streams = _Lenient(out), _Lenient(error)
    with redirect_stdout(cast("TextIO", streams[0])), redirect_stderr(cast("TextIO", streams[1])):
        try:
            yield streams[0]
        finally:
            for stream in streams:
                stream.flush()


def say(text: str) -> None:
    """Write one line to standard error; on a terminal it is broken at spaces, not within words."""
    line = one_line(text)
    if sys.stderr.isatty():
        line = folded(line, shutil.get_terminal_size().columns)
    sys.stderr.write(f"{line}\n")


def folded(text: str, width: int) -> str:
    """Break lines at spaces so that they fit *width*; a word that is longer stays whole.

    What follows a line that is set in stays set in as far.

    >>> print(folded("  the plan is of 2025-01-01, 14 days ago", 24))
      the plan is of
      2025-01-01, 14 days
      ago
    """
    return "\n".join(
        line if len(line) <= width else fill(
            line.strip(), max(width, 20), break_long_words=False, break_on_hyphens=False,
            initial_indent=_indent(line), subsequent_indent=_indent(line))
        for line in text.split("\n"))


def _indent(line: str) -> str:
    return line[:len(line) - len(line.lstrip(" "))]
