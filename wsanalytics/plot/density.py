"""Many points as few: what lies close together becomes one mark, the larger the more it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CROWD = 5000
"""More points than these are drawn as densities."""
LARGEST, SMALLEST = 90.0, 3.0
"""Areas of marks, in square points."""
Numbers = npt.NDArray[np.float64]


def gathered(
    ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike, *, columns: int = 56, rows: int = 36
) -> tuple[Numbers, Numbers, Numbers]:
    """Return the middles of the cells of *ax* in which points lie, and how many lie in each.

    *ax* has its scales and limits; cells are of one size on paper. Points outside, and those
    without a number, are left out.
    """
    points = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    corners = np.column_stack([ax.get_xlim(), ax.get_ylim()])
    points = points[np.isfinite(points).all(axis=1)]
    # On the scaled axes (logarithmic ones as well), so that all cells have one size on paper.
    on_paper, (first, last) = ax.transScale.transform(points), ax.transScale.transform(corners)
    size = (last - first) / (columns, rows)
    places = np.floor((on_paper - first) / size).astype(np.int64)
    places = places[((places >= 0) & (places < (columns, rows))).all(axis=1)]
    # axis=0: pairs of cell numbers, each once, with the number of its points.
    cells, counts = np.unique(places, axis=0, return_counts=True)
    # Half a cell further is its middle; back from paper to the units of the data.
    middles = ax.transScale.inverted().transform(first + (cells.reshape(-1, 2) + 0.5) * size)
    return middles[:, 0], middles[:, 1], counts.astype(np.float64)


def mesh(
    ax: Axes, x: npt.ArrayLike, y: npt.ArrayLike, *, columns: int = 36, rows: int = 30
) -> tuple[Numbers, Numbers, Numbers]:
    """The edges of the cells of *ax* across and upwards, and how many points lie in each cell.

    *ax* has its scales and limits; cells without points are empty (NaN).
    """
    corners = np.column_stack([ax.get_xlim(), ax.get_ylim()])
    first, last = ax.transScale.transform(corners)
    steps = [np.linspace(first[axis], last[axis], count + 1)
             for axis, count in ((0, columns), (1, rows))]
    points = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    on_paper = ax.transScale.transform(points[np.isfinite(points).all(axis=1)]).reshape(-1, 2)
    counts, _, _ = np.histogram2d(on_paper[:, 0], on_paper[:, 1], bins=steps)
    inverse = ax.transScale.inverted()
    across = inverse.transform(np.column_stack([steps[0], np.full(columns + 1, first[1])]))[:, 0]
    upwards = inverse.transform(np.column_stack([np.full(rows + 1, first[0]), steps[1]]))[:, 1]
    return across, upwards, np.where(counts > 0, counts, np.nan).T


def areas(counts: Numbers, most: float) -> Numbers:
    """Return the area of the mark of each cell, if the fullest of all holds *most*."""
    sizes: Numbers = SMALLEST + (LARGEST - SMALLEST) * np.sqrt(counts / max(most, 1.0))
    return sizes
