"""Standard output and error of commands: plain text, tables, notes, and progress."""

from __future__ import annotations

import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from wsanalytics.cli.results import Results, goes_to, say_last
from wsanalytics.errors import Notice
from wsanalytics.files import STANDARD_OUTPUT
from wsanalytics.safe_text import folded, is_quiet, plain, say

Step = Callable[[str], None]
"""A function that begins the next step of a piece of work, and names it."""
WIDTH_OF_A_FILE = 132
"""Columns where the output goes to a file or a pipe, which have no width of their own."""


def console(*, error: bool = False) -> Console:
    """Standard output, for plain text: what users typed is never taken for markup.

    With *error* it is the error stream, where the output is for another program.
    """
    if goes_to(Results.JSON):
        return _Console(file=StringIO(), width=WIDTH_OF_A_FILE)
    error = error or goes_to(Results.BESIDE)
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_A_FILE
    return _Console(width=width, markup=False, emoji=False, highlight=False, stderr=error)


def has_width(out: Console) -> bool:
    """Whether what is printed is read at a width: at a terminal, and not in a file or a pipe.

    A pipe has none even where COLUMNS is set: what reads it would meet other lines by chance.
    """
    return out.file.isatty()


class _Console(Console):
    """A console whose lines leave without control characters, whoever wrote what is in them."""

    def print(self, *objects: Any, **more: Any) -> None:  # noqa: ANN401  # as rich's own
        shown = [_shown(part) if isinstance(part, str) else part for part in objects]
        if more.get("soft_wrap") and has_width(self):
            shown = [folded(part, self.width) if isinstance(part, str) else part for part in shown]
        super().print(*shown, **more)


class _Table(Table):
    """A table whose cells and title are shown as they are, with no control characters."""

    def add_row(self, *cells: Any, **more: Any) -> None:  # noqa: ANN401  # as rich's own
        shown = (_shown(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*shown, **more)


def _shown(text: str) -> str:
    """Return text as it may be shown.

    The line breaks are ours, all else that is no letter is a mark.
    """
    return "\n".join(map(plain, text.split("\n")))


def note(text: str) -> None:
    """Write one line of what was done to standard error; under ``--quiet`` only a warning."""
    if not is_quiet() or "warning:" in text:
        warn(text)


def note_written(what: str, path: Path, more: str = "") -> None:
    """Say where a file was written to; of standard output nothing needs to be said."""
    if path != STANDARD_OUTPUT:
        note(f"{what} {path}{more}")


def warn(text: str) -> None:
    """Write one line to standard error, under ``--quiet`` too."""
    say(f"wsanalytics: {text}")


def next_steps(*commands: str | Sequence[str]) -> None:
    """Name the one or two commands to run next, once all else is said; not under ``--quiet``.

    A command is its words, or a line that is quoted already.
    """
    if not is_quiet() and not goes_to(Results.JSON):
        say_last([words if isinstance(words, str) else shlex.join(["wsanalytics", *words])
                  for words in commands])


def note_when_done(text: str) -> None:
    """Write one line to standard error once the command is done; none where it is refused."""
    warnings.warn(Notice(text), stacklevel=2)


def new_table(title: str) -> Table:
    """Return a table without lines between columns, and with no column yet."""
    return _Table(title=_shown(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD,
                  pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
