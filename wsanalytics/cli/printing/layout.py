"""The one way to lay out a table on a terminal: at any width, nothing that matters is cut.

Columns have an order of importance. Where all of them do not fit, the least important go; where
even those that must stay do not fit, each row becomes a block of lines. Words are broken at spaces.
In a pipe or a file, which have no width, all columns are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from textwrap import fill

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table

from wsanalytics.cli.printing.console import console, has_width, new_table

FEWEST_LETTERS = 24
"""The least width of a column of sentences: below it they are hard to read."""
_BETWEEN = 2
"""The letters between two columns: a space, and a line that is not drawn."""
Row = Mapping[str, str]
"""A row: text by the column's name; a column that it lacks is empty in it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table on a terminal.

    ``name`` is its heading. ``leaves``: where not all columns fit, those with the highest number
    leave first; 0: it never does, as for ids, settings, outcomes and money. ``right``: its cells
    are set to the right, as numbers are. ``wraps``: it holds sentences, which may be broken at
    spaces. ``most``: longer cells end in an ellipsis, as names of people may.
    """

    name: str
    leaves: int = 0
    right: bool = False
    wraps: bool = False
    most: int = 0

    def shown(self, text: str) -> str:
        """Return *text* as it stands in this column."""
        if self.most and cell_len(text) > self.most:
            return set_cell_size(text, self.most - 1).rstrip() + "…"
        return text


def print_rows(
    title: str, columns: Sequence[Column], rows: Sequence[Row], *, sums: Row | None = None,
    out: Console | None = None,
) -> tuple[str, ...]:
    """Print a table as it fits, with *sums* under a line; return the columns that were left out."""
    out = out or console()
    every = [*rows, sums] if sums else list(rows)
    widths = {column.name: _natural_width(column, every) for column in columns}
    if not has_width(out):
        out.width = max(out.width, _least_width(columns, widths))
    width = out.width
    kept = _that_fit(columns, widths, width)
    if kept is None:
        _print_blocks(title, columns, rows, sums, out)
        return ()
    table = _table(title, kept, rows, sums, _wrapped_widths(kept, widths, width))
    out.print(table)
    out.print()
    return tuple(column.name for column in columns if column not in kept)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and what they hold, a line each; what is longer goes on below what it holds."""
    out, rows = console(), list(facts)
    longest = max((cell_len(name) for name, _ in rows), default=0)
    for name, text in rows:
        _print_beside(f"  {name:<{longest}}  ", text, out)


def _print_beside(label: str, text: str, out: Console) -> None:
    """Print a sentence beside its label; a word longer than a line, such as an id, stays whole."""
    indent = " " * cell_len(label)
    width = max(out.width, len(indent) + 12) if has_width(out) else 10_000
    out.print(fill(" ".join(text.split()), width, initial_indent=label, subsequent_indent=indent,
                   break_long_words=False, break_on_hyphens=False), soft_wrap=True)


def _natural_width(column: Column, rows: Sequence[Row]) -> int:
    """Return the width at which nothing of a column is broken."""
    lines = [line for row in rows for line in column.shown(row.get(column.name, "")).split("\n")]
    return max(map(cell_len, [*column.name.split("\n"), *lines]))


def _least(column: Column, natural: int) -> int:
    return min(natural, FEWEST_LETTERS) if column.wraps else natural


def _least_width(columns: Sequence[Column], widths: Mapping[str, int]) -> int:
    """Return the least width of a table with these columns."""
    return (sum(_least(column, widths[column.name]) for column in columns)
            + _BETWEEN * (len(columns) - 1))


def _that_fit(
    columns: Sequence[Column], widths: Mapping[str, int], width: int
) -> list[Column] | None:
    """Return the columns that stay at a width; None where not even those fit that must."""
    kept = list(columns)
    while _least_width(kept, widths) > width:
        last = max(kept, key=lambda column: column.leaves)
        if not last.leaves:
            return None
        kept.remove(last)
    return kept


def _wrapped_widths(
    columns: Sequence[Column], widths: Mapping[str, int], width: int
) -> dict[str, int]:
    """Share what is left of the width among the columns of sentences, from the left."""
    free = width - _least_width(columns, widths)
    found = {}
    for column in columns:
        least = _least(column, widths[column.name])
        found[column.name] = min(widths[column.name], least + free)
        free -= found[column.name] - least
    return found


def _table(
    title: str, columns: Sequence[Column], rows: Sequence[Row], sums: Row | None,
    widths: Mapping[str, int],
) -> Table:
    table = new_table(title)
    for column in columns:
        table.add_column(column.name, justify="right" if column.right else "left",
                         overflow="fold", no_wrap=not column.wraps, width=widths[column.name])
    for row in rows:
        table.add_row(*(column.shown(row.get(column.name, "")) for column in columns))
    if sums:
        table.add_section()
        table.add_row(*(column.shown(sums.get(column.name, "")) for column in columns))
    return table


def _print_blocks(
    title: str, columns: Sequence[Column], rows: Sequence[Row], sums: Row | None, out: Console
) -> None:
    """Print each row as lines of its own: what it is about, and under it what the others hold."""
    if title:
        out.print(title, style="bold")
    about = list(takewhile(lambda column: not (column.leaves or column.right), columns[:2]))
    others = [column for column in columns if column not in about]
    names = {column.name: column.name.replace("\n", " ") for column in others}
    longest = max(map(cell_len, names.values()), default=0)
    for row in [*rows, *([sums] if sums else [])]:
        out.print("  ".join(filter(None, (row.get(column.name, "") for column in about))),
                  soft_wrap=True)
        for column in others:
            if text := row.get(column.name, ""):
                label = f"  {names[column.name]:<{longest}}  "
                if column.wraps:
                    _print_beside(label, text, out)
                else:
                    out.print(f"{label}{text}", no_wrap=True, overflow="ignore", crop=False)
    out.print()
