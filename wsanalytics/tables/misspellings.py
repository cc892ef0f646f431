"""Find misspelled names of columns, and suggest the names that were meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wsanalytics.tables.contract import Table
from wsanalytics.tables.foreign_columns import OTHER_NAMES


def meant_columns(names: Sequence[str], table: Table) -> dict[str, str]:
    """Return the names that no column of *table* has, and the absent one that each is close to.

    Close is what differs in case, blanks and dashes alone, or in a letter or two.
    """
    absent = [known for known in table.names if known not in names]
    meant = {}
    for name in names:
        if name in table.names:
            continue
        by_other_name = OTHER_NAMES.get(re.sub(r"[^a-z]", "", name.lower()))
        close = by_other_name if by_other_name in absent else next(
            (known for known in absent if _is_slip(_written(name), known)), None)
        if close:
            meant[name] = close
    return meant


def _written(name: str) -> str:
    """Return a name as ours are written, the blanks and dashes in it as underscores."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _is_slip(name: str, known: str) -> bool:
    """Whether one is the other but for underscores, a letter, or two letters in a long word."""
    if name.replace("_", "") == known.replace("_", ""):
        return True
    most = 2 if len(known) >= 8 else 1
    if abs(len(name) - len(known)) > most:
        return False
    row = list(range(len(known) + 1))  # of Levenshtein's table: what the first letters differ by
    for count, letter in enumerate(name, start=1):
        before, row[0] = row[0], count
        for position, other in enumerate(known, start=1):
            before, row[position] = row[position], min(
                row[position] + 1, row[position - 1] + 1, before + (letter != other))
    return row[-1] <= most
