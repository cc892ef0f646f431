"""One look for all plots: readable in greyscale and by colour-blind people (Okabe and Ito)."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GREY, PALE = "#1f2933", "#7b8794", "#e4e7eb"
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442",
)
SEQUENCE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW)
MARKERS = "os^Dv*P"


def axes(ax: Axes | None, *, width: float = 7.2, height: float = 3.8) -> Axes:
    """The *ax* that was handed over, or one in a new figure."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def detached(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """A figure of *size* in inches that no notebook or window shows, and its Axes."""
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.add_subplot()


def png(
    size: tuple[float, float], draw: Callable[[Axes], object], *, dots_per_inch: int = 144
) -> bytes:
    """What *draw* draws on the Axes that it is handed, of *size* in inches, as a PNG image."""
    figure, ax = detached(size)
    draw(ax)
    image = BytesIO()
    figure.savefig(image, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return image.getvalue()


def dressed(ax: Axes, title: str, xlabel: str = "", ylabel: str = "") -> Axes:
    """Title, labels and quiet spines."""
    ax.set_title(title, loc="left", fontsize=11, color=INK, fontweight="bold")
    ax.set_xlabel(xlabel, fontsize=9, color=INK)
    ax.set_ylabel(ylabel, fontsize=9, color=INK)
    ax.tick_params(labelsize=8.5, colors=INK, length=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    return ax
