"""Collect the faults of one file or frame, so that one message says them all.

Whoever checks a table adds what is wrong to one :class:`Faults` and goes on with what is right;
:meth:`Faults.refuse` ends the check. A single fault is raised as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from wsanalytics.errors import InputError, Notice, warn_caller
from wsanalytics.formatting import counted

Mask = npt.NDArray[np.bool_]
MOST_NAMED = 10
"""So many faults of a file are written out; of the others it is said how many there are."""
_WHOLE = -1


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a frame, for the messages: a name, and how its rows are counted."""

    name: str
    csv: bool = False

    def row(self, position: int) -> str:
        """Return the place of the row at *position* (from 0) as a person would look it up."""
        unit, number = ("line", position + 2) if self.csv else ("row", position + 1)
        return f"{self.name}, {unit} {number}"


class _Fault(NamedTuple):
    position: int
    column: str
    error: InputError


class Faults:
    """The faults of what comes from one *origin*, and what was taken for something else in it.

    *given* are columns that may be absent, with the value that each row has then.
    """

    def __init__(self, origin: Origin, given: Mapping[str, str] | None = None) -> None:
        self.origin = origin
        self.given = dict(given or {})
        self.is_header_checked = False
        self.renamed: dict[str, str] = {}
        """The columns that stand there by another name, and the names that the contract has."""
        self.header: list[str] = []
        """The names of all columns of a file, as they are renamed."""
        self.layout = ""
        """What a reader should know of how the file is written; empty where that is as usual."""
        self._named: list[_Fault] = []
        self._counts: Counter[str] = Counter()
        self._bad: dict[str, Mask | None] = {}
        self._notes: dict[str, None] = {}

    def add(self, error: InputError, *, column: str = "") -> None:
        """Add what is wrong with the table, or with a whole *column* of it."""
        self._named.append(_Fault(_WHOLE, column, error))
        self._counts[column] += 1
        if column:
            self.spoil(column)

    def spoil(self, column: str) -> None:
        """Mark all cells of a *column* as not sound, such as where it is missing."""
        self._bad[column] = None

    def add_rows(
        self, bad: Mask, columns: tuple[str, ...], error: Callable[[int], InputError]
    ) -> None:
        """Add a fault of each row marked in *bad*; *error* describes that of one position.

        The cells of these *columns* are not sound there. The faults are counted by the first.
        """
        positions = np.flatnonzero(bad)
        if not positions.size:
            return
        self._named += [_Fault(int(position), columns[0], error(int(position)))
                        for position in positions[:MOST_NAMED]]
        self._counts[columns[0]] += int(positions.size)
        for column in columns:
            before = self._bad.get(column, np.zeros(len(bad), dtype=bool))
            self._bad[column] = None if before is None else before | bad

    def sound(self, rows: int, *columns: str) -> Mask:
        """Mark those of so many *rows* in which the cells of *columns* have no fault so far."""
        sound = np.ones(rows, dtype=bool)
        for column in columns:
            if column in self._bad:
                bad = self._bad[column]
                sound &= False if bad is None else ~bad
        return sound

    def note(self, text: str) -> None:
        """Keep a *text* about what was taken for something else; it is said once, at the end."""
        self._notes[text] = None

    def refuse(self) -> None:
        """Raise :class:`InputError` with every fault; without any, say what was taken for what."""
        if not self._counts:
            notes = [f"{self.layout}, and is read so"] if self.layout else []
            if notes := [*notes, *self._notes]:
                warn_caller(f"{self.origin.name}: {'; '.join(notes)}", Notice)
            return
        total = self._counts.total()
        if total == 1:
            error = self._named[0].error
            raise error if not self.layout else InputError(
                f"{error.what}; {self.layout}", where=error.where, rule=error.rule, fix=error.fix)
        first = sorted(self._named, key=lambda fault: fault.position)[:MOST_NAMED]
        texts = [f"{number}) {text}" for number, text in enumerate(self._texts(first), start=1)]
        left = self._counts - Counter(fault.column for fault in first)
        if left:
            columns = ", ".join(f"{name} {count:,}" for name, count in left.items() if name)
            texts.append(f"And {left.total():,} more" + (f" ({columns})." if columns else "."))
        raise InputError(
            f"{f'{self.layout}; ' if self.layout else ''}{counted(total, 'fault')}: "
            f"{' '.join(texts)}", where=self.origin.name,
            fix="correct them in the file" if self.origin.csv else "correct them",
            faults=texts)

    def _texts(self, faults: list[_Fault]) -> list[str]:
        """Return each of *faults* in words; a rule and a remedy are not said again."""
        texts, said = [], set[tuple[str, str]]()
        for fault in faults:
            error = fault.error
            row = error.where.removeprefix(self.origin.name).removeprefix(", ")
            rule, fix = error.rule, error.fix
            if ("rule", rule) in said:
                rule = ""
                fix = "" if ("fix", fix) in said else fix
            said |= {("rule", rule), ("fix", fix)}
            texts.append(str(InputError(error.what, where=row, rule=rule, fix=fix)))
        return texts
