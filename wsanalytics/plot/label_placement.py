"""Words beside marks, placed so that they cover neither marks nor one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from math import hypot
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from wsanalytics.plot.style import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

POINTS_PER_INCH = 72
LINE, MARK = 1.25, 6.0
"""Height of a line as a share of the font's size; half a mark in points."""
GAP, CLEARLY = 3.0, 1.5
"""Points between a mark and its words; how many times as far from them another mark must be."""
_BESIDE = (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5)
_BELOW = (-1.1, -2, -3, 1.1, 2, 3)
Place = tuple[float, float]
Mark = tuple[float, float, str]
Box = tuple[float, float, float, float]


def label_marks(
    ax: Axes, marks: Sequence[Mark], *, size: float, colour: str, taken: list[Box],
    below: bool = False, radii: Sequence[float] = (), others: Iterable[Place] = (),
) -> None:
    """Write the text of each of *marks* (x, y, text) beside it, or below it, where there is room.

    Where there is none right beside it, or another mark, of these or of *others*, is about as near
    to the text, a thin line joins the text to its own. *radii* are those of the marks in points
    (default: a usual mark's). To be called when *ax* has its limits and its place. What is written
    is added to *taken*.
    """
    scale = POINTS_PER_INCH / ax.figure.dpi
    font = FontProperties(size=size)
    begin, end = ax.bbox.x0 * scale, ax.bbox.x1 * scale
    shifts = _BELOW if below else _BESIDE
    around = _positions(ax, [*(mark[:2] for mark in marks), *others])
    wide = [*(radii or [MARK] * len(marks)), *[MARK] * len(around)][: len(around)]
    for index, (x, y, text) in enumerate(marks):
        left, middle = around[index]
        apart = wide[index] + GAP
        width, *_ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
        height = LINE * size
        # Words go to the right of a mark where they fit in, else to its left.
        sides = [0] if below else [1, -1] if left + apart + width < end + GAP else [-1, 1]
        room = [(side, shift, _box(left, middle + shift * height, width, height, side, apart))
                for shift in shifts for side in sides]
        # A tuple as a key: covering something is worst, then leaving the axes, then being unclear.
        # Of equal ones min() takes the first, which is the nearest.
        side, shift, box = min(
            room,
            key=lambda candidate: (
                _hits(candidate[2], taken) or (not below and candidate[2][0] < begin),
                not below and candidate[2][2] > end + GAP,
                not _is_nearest(candidate[2], index, around, wide),
            ),
        )
        taken.append(box)
        is_beside = shift == shifts[0] and _is_nearest(box, index, around, wide)
        join = None if is_beside else {
            "arrowstyle": "-", "color": GREY, "linewidth": 0.7, "shrinkA": 0,
            "shrinkB": apart - GAP, "relpos": ((0.5, 0.5), (0, 0.5), (1, 0.5))[side]}
        ax.annotate(
            text, (x, y), (side * apart, shift * height), textcoords="offset points",
            ha=("center", "left", "right")[side], va="center", fontsize=size, color=colour,
            zorder=7, parse_math=False, arrowprops=join)


def mark_boxes(ax: Axes, marks: Iterable[Place], radii: Sequence[float] = ()) -> list[Box]:
    """Return the room that marks themselves take."""
    return [(x - far, y - far, x + far, y + far) for (x, y), far in zip(
        _positions(ax, marks), radii or repeat(MARK), strict=False)]


def line_boxes(ax: Axes, line: Line2D) -> list[Box]:
    """Return the room that a line takes, in small pieces."""
    scale = POINTS_PER_INCH / ax.figure.dpi
    x, y = (np.asarray(values, dtype=np.float64) for values in line.get_data())
    points = ax.transData.transform(np.column_stack([x, y])) * scale
    # along: the length of the line up to each of its points, in points of 1/72 inch.
    along = np.append(0.0, np.hypot(*np.diff(points, axis=0).T).cumsum())
    steps = np.arange(0.0, along[-1] + MARK, MARK)
    return [(left - 1, low - 1, left + 1, low + 1) for left, low in zip(
        np.interp(steps, along, points[:, 0]), np.interp(steps, along, points[:, 1]), strict=True)]


def _positions(ax: Axes, marks: Iterable[Place]) -> list[Place]:
    """Return the positions of marks in points."""
    scale = POINTS_PER_INCH / ax.figure.dpi
    return [(float(x) * scale, float(y) * scale) for x, y in map(ax.transData.transform, marks)]


def _box(x: float, y: float, width: float, height: float, side: int, apart: float) -> Box:
    begin = (x - width / 2, x + apart, x - apart - width)[side]
    return begin, y - height / 2, begin + width, y + height / 2


def _is_nearest(
    box: Box, index: int, around: Sequence[Place], radii: Sequence[float]
) -> bool:
    """Whether a *box* of words is clearly nearer to its *own* one of the marks *around*."""
    # The distance from the box's edge to each mark's edge; 0 in each direction in which they
    # overlap.
    far = [hypot(max(box[0] - x, 0, x - box[2]), max(box[1] - y, 0, y - box[3])) - wide + MARK
           for (x, y), wide in zip(around, radii, strict=True)]
    return all(distance > far[index] * CLEARLY for other, distance in enumerate(far)
               if other != index and around[other] != around[index])


def _hits(box: Box, taken: list[Box]) -> bool:
    return any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
               for other in taken)
