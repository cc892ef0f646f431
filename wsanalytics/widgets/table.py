"""A table of many rows in a notebook: sorted, searched and ticked in the browser, quick at 10,000.

Only the rows in view are drawn. What is ticked is one bit a row, so a click costs little however
long the table is. ``table.js`` and ``table.css`` beside this file are all that it needs: nothing
is fetched from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from anywidget import AnyWidget
from traitlets import Bool, Bytes, Dict, Int, List, Unicode

from wsanalytics.safe_text import plain

Marks = npt.NDArray[np.bool_]
DETAILS = "wsa-details"
"""The class of a widget below a table that shows something about its chosen row."""
KINDS = {"text": 150, "usd": 100, "number": 84, "count": 70, "percent": 84}
"""The kinds of values of a column, and its width in pixels unless it has one."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a frame as it is shown: ``kind`` decides how values are written and sorted.

    ``leaves``: where not all columns fit, those with the highest number leave first; 0: it never
    does, as for ids, settings and money. A column that may leave, and in which nothing stands, is
    not shown at all.
    """

    name: str
    title: str
    kind: str = "text"
    width: int = 0
    help: str = ""
    leaves: int = 0


def _bits(_widget: object = None) -> Any:  # noqa: ANN401  # a trait
    # a view of the browser's memory arrives; traitlets want bytes
    return Bytes().tag(sync=True, from_json=lambda value, _: bytes(value))


class Table(AnyWidget):
    """The rows of *frame* in *columns*; with *tickable* each row has a box.

    ``marks`` are the ticked rows, ``current`` is the chosen one (-1: none); ``sort``
    and ``query`` can be read and set. *shown* leaves rows out, *label* is what screen readers say.

    With a *hint*, which asks to choose a row, something about the chosen row is shown by the widget
    below the table: that one gets the class :data:`DETAILS`, and ``opened`` is set to the row when
    it shows it. Until then the browser says that it is being looked up.
    """

    _esm = Path(__file__).with_name("table.js")
    _css = Path(__file__).with_name("table.css")
    columns = List(Dict()).tag(sync=True)
    data = _bits()
    count = Int(0).tag(sync=True)
    ticked = _bits()
    shown = _bits()
    tickable = Bool(default_value=False).tag(sync=True)
    locked = Bool(default_value=False).tag(sync=True)
    sort = List(["", "ascending"]).tag(sync=True)
    query = Unicode("").tag(sync=True)
    current = Int(-1).tag(sync=True)
    opened = Int(-1).tag(sync=True)
    hint = Unicode("").tag(sync=True)
    outcomes = Dict().tag(sync=True)
    label = Unicode("rows").tag(sync=True)
    height = Int(420).tag(sync=True)

    def __init__(
        self, frame: pd.DataFrame, columns: Iterable[Column], *, tickable: bool = False,
        label: str = "rows", height: int = 420, sort: tuple[str, str] = ("", "ascending"),
        hint: str = "",
    ) -> None:
        columns = [column for column in columns
                   if not column.leaves or frame.empty or _says_something(frame[column.name])]
        everything = packed(np.ones(len(frame), dtype=bool))
        super().__init__(
            columns=[
                asdict(column) | {"width": column.width or KINDS[column.kind]} for column in columns
            ],
            data=_payload(frame, columns),
            count=len(frame),
            shown=everything,
            ticked=packed(np.zeros(len(frame), dtype=bool)),
            tickable=tickable,
            label=label,
            height=height,
            sort=list(sort),
            hint=hint,
        )

    @property
    def marks(self) -> Marks:
        """The ticked rows, in the order of the frame."""
        return unpacked(self.ticked, self.count)

    @marks.setter
    def marks(self, marks: Marks) -> None:
        self.ticked = packed(marks)

    def show_only(self, marks: Marks) -> None:
        """Show the marked rows alone."""
        self.shown = packed(marks)

    def tell_outcomes(self, by_row: Mapping[int, tuple[str, str]]) -> None:
        """Show the outcomes of rows, by their position in the frame: a word, and a sentence."""
        self.outcomes = {str(row): [plain(word), plain(more)]
                         for row, (word, more) in by_row.items()}


def packed(marks: Marks) -> bytes:
    r"""Marks as bits, the first row in the highest bit of the first byte.

    >>> packed(np.array([True, False, True]))
    b'\xa0'
    """
    return np.packbits(marks).tobytes()


def unpacked(bits: bytes, count: int) -> Marks:
    r"""Return the first *count* of *bits* as marks.

    >>> unpacked(b'\xa0', 3).tolist()
    [True, False, True]
    """
    return np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=count).astype(bool)


def _says_something(values: pd.Series) -> bool:
    return bool((values.notna() & (values.astype("str") != "")).any())


def _payload(frame: pd.DataFrame, columns: list[Column]) -> bytes:
    """One array a column; what is not a number is null, as JSON has no NaN."""
    arrays: list[list[Any]] = []
    for column in columns:
        values = frame[column.name]
        if column.kind == "text":
            arrays.append([text if text.isprintable() else plain(text)
                           for text in values.fillna("").astype("str")])
        else:
            numbers = values.to_numpy(dtype=np.float64)
            is_finite = np.isfinite(numbers)
            arrays.append([value if good else None for value, good in zip(
                numbers.tolist(), is_finite.tolist(), strict=True)])
    return json.dumps(arrays, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "backslashreplace")
