"""Words beside marks, placed so that they cover neither marks nor one another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

POINTS_PER_INCH = 72
LETTER, LINE, MARK = 0.58, 1.25, 6.0
"""Width of a letter and height of a line as shares of the font's size; half a mark in points."""
_BESIDE = (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5)
_BELOW = (-1.1, -2, -3, 1.1, 2, 3)
Box = tuple[float, float, float, float]


def label_marks(
    ax: Axes, marks: Iterable[tuple[float, float, str]], *, size: float, colour: str,
    taken: list[Box], below: bool = False,
) -> None:
    """Write the text of each of *marks* (x, y, text) beside it, or below it, where there is room.

    To be called when *ax* has its limits and its place. What is written is added to *taken*.
    """
    scale = POINTS_PER_INCH / ax.figure.dpi
    begin, end = ax.bbox.x0 * scale, ax.bbox.x1 * scale
    shifts = _BELOW if below else _BESIDE
    for x, y, text in marks:
        left, middle = (float(one) * scale for one in ax.transData.transform((x, y)))
        width, height = LETTER * size * len(text), LINE * size
        sides = [0] if below else [1, -1] if left + MARK + width < end else [-1, 1]
        places = [(side, shift, _box(left, middle + shift * height, width, height, side))
                  for shift in shifts for side in sides]
        side, shift, box = next((place for place in places if (below or begin < place[2][0])
                                 and not _hits(place[2], taken)), places[0])
        taken.append(box)
        ax.annotate(
            text, (x, y), (side * (MARK + 3), shift * height), textcoords="offset points",
            ha=("center", "left", "right")[side], va="center", fontsize=size, color=colour,
            zorder=7, parse_math=False)


def mark_boxes(ax: Axes, marks: Iterable[tuple[float, float]]) -> list[Box]:
    """The room that marks themselves take."""
    scale = POINTS_PER_INCH / ax.figure.dpi
    places = [ax.transData.transform(mark) * scale for mark in marks]
    return [(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in places]


def line_boxes(ax: Axes, line: Line2D) -> list[Box]:
    """The room that a line takes, in small pieces."""
    scale = POINTS_PER_INCH / ax.figure.dpi
    x, y = (np.asarray(one, dtype=np.float64) for one in line.get_data())
    places = ax.transData.transform(np.column_stack([x, y])) * scale
    along = np.append(0.0, np.hypot(*np.diff(places, axis=0).T).cumsum())
    steps = np.arange(0.0, along[-1] + MARK, MARK)
    return [(left - 1, low - 1, left + 1, low + 1) for left, low in zip(
        np.interp(steps, along, places[:, 0]), np.interp(steps, along, places[:, 1]), strict=True)]


def _box(x: float, y: float, width: float, height: float, side: int) -> Box:
    begin = (x - width / 2, x + MARK + 3, x - MARK - 3 - width)[side]
    return begin, y - height / 2, begin + width, y + height / 2


def _hits(box: Box, taken: list[Box]) -> bool:
    return any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
               for other in taken)
