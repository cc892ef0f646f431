"""Standard output and error of commands: plain text, tables, notes, and progress."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from wsanalytics.errors import Notice
from wsanalytics.safe_text import is_quiet, one_line, plain

Step = Callable[[str], None]
"""A function that begins the next step of a piece of work, and names it."""
NEVER_BROKEN = {"WorkSpace", "change", "column", "option", "policy", "setting", "unit"}
SAVES, WAITS = "saves a month", "extra cold\nstarts a week"
"""Columns of the tables of changes."""
WIDTH_OF_A_FILE = 132
"""Columns where the output goes to a file or a pipe, which have no width of their own."""


def console(*, error: bool = False) -> Console:
    """Standard output, for plain text: what users typed is never taken for markup.

    With *error* it is the error stream, where the output is for another program.
    """
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_A_FILE
    return _Console(width=width, markup=False, emoji=False, highlight=False, stderr=error)


class _Console(Console):
    """A console whose lines leave without control characters, whoever wrote what is in them."""

    def print(self, *objects: Any, **more: Any) -> None:  # noqa: ANN401  # as rich's own
        shown = (_shown(part) if isinstance(part, str) else part for part in objects)
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


def warn(text: str) -> None:
    """Write one line to standard error, under ``--quiet`` too."""
    sys.stderr.write(f"wsanalytics: {one_line(text)}\n")


def note_when_done(text: str) -> None:
    """Write one line to standard error once the command is done; none where it is refused."""
    warnings.warn(Notice(text), stacklevel=2)


def new_table(
    title: str, left: list[str], right: list[str], last: list[str] | None = None
) -> Table:
    """A table with columns set to the left, columns of numbers, and more columns to the left."""
    table = _Table(title=_shown(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD,
                  pad_edge=False, header_style="bold")
    for name in left:
        if name == "user":
            table.add_column(name, overflow="ellipsis", no_wrap=True, max_width=18)
        else:
            table.add_column(name, overflow="fold", no_wrap=name in NEVER_BROKEN)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    for name in last or ():
        table.add_column(name, overflow="fold")
    return table


def fits(out: Console, table: Table) -> bool:
    """Whether a table is as wide as *out* at most, with no cell cut."""
    return Measurement.get(out, out.options.update(width=10_000), table).maximum <= out.width
