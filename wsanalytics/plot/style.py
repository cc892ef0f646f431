"""One look for all plots: readable in greyscale and by colour-blind people (Okabe and Ito).

Names that come from data go through :func:`shown` or :func:`names_on`, so that whatever somebody
called a WorkSpace, a tag or a directory is drawn as text: shortened, never taken for a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from wsanalytics.formatting import counted, usd
from wsanalytics.plot.fonts import draw_all_of, drawable
from wsanalytics.safe_text import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.cm import ScalarMappable

INK, GREY, PALE = "#1f2933", "#7b8794", "#e4e7eb"
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, SLATE = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#52606d",
)  # slate for their yellow, which paper swallows
SEQUENCE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, SLATE)
MARKERS = "os^Dv*P"
MOST_LETTERS = 40
"""Longer names are cut."""
NOTHING_TO_SHOW = "nothing to show"
_LABEL_POINTS, _TITLE_POINTS = 9, 11
_LEGEND_ROW = 16
"""How high a row of a legend is, in points."""
_MARK_LETTERS = 7
"""The room that a legend needs for a colour and around it, in letters."""


def axes(ax: Axes | None, *, width: float = 7.2, height: float = 3.8) -> Axes:
    """Return the *ax* that was handed over, or one in a new figure."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def detached(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return a figure of *size* in inches that no notebook or window shows, and its Axes."""
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.add_subplot()


def png(
    size: tuple[float, float], draw: Callable[[Axes], object], *, dots_per_inch: int = 144
) -> bytes:
    """Draw on Axes of *size* in inches by calling *draw*, and return a PNG image."""
    figure, ax = detached(size)
    draw(ax)
    image = BytesIO()
    figure.set_dpi(dots_per_inch)
    # savefig draws a figure whose layout is constrained twice: once for the layout alone
    canvas = FigureCanvasAgg(figure)
    canvas.print_png(image, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return image.getvalue()


def shown(text: object, most: int = MOST_LETTERS) -> str:
    r"""Return a text that comes from data as plots write it: in one line, at most so many letters.

    Control characters, those that turn the direction of writing, and letters that no font
    here has become a replacement mark.

    >>> shown("ada\u202eda"), shown("x" * 50, most=5)
    ('ada�da', 'xxxx…')
    """
    words = drawable(plain(str(text)[: most + 1]))
    return words if len(words) <= most else f"{words[: most - 1]}…"


def names_on(axis: Axis, positions: Iterable[float], names: Iterable[object]) -> None:
    """Names from data at *places* of an *axis*."""
    axis.set_ticks(list(positions), [shown(name) for name in names], parse_math=False)
    draw_all_of(axis.get_ticklabels())


def ruled(ax: Axes, axis: Literal["x", "y", "both"] = "both") -> None:
    """Pale lines behind the plot at the ticks of an *axis*."""
    ax.grid(axis=axis, color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)


def in_dollars(axis: Axis) -> None:
    """Ticks of an *axis* as whole dollars."""
    axis.set_major_formatter(lambda value, _: usd(value, cents=False))


def colours_told(
    ax: Axes, image: ScalarMappable, label: str, form: Callable[[float], str], *,
    shrink: float = 1.0,
) -> None:
    """Draw a bar beside *ax* that explains the colours of an *image*, numbers by *form*."""
    bar = ax.figure.colorbar(image, ax=ax, pad=0.01, shrink=shrink)
    bar.ax.tick_params(labelsize=8, length=0)
    bar.ax.yaxis.set_major_formatter(lambda value, _: form(value))
    bar.set_label(label, fontsize=8.5, color=INK)
    bar.outline.set_visible(False)


def legend_above(ax: Axes, columns: int) -> None:
    """A legend between the title and the plot, for a plot that is dressed afterwards.

    It has so many *columns* beside one another, or fewer where the plot is narrow.
    """
    widths = [len(str(name)) + _MARK_LETTERS for name in ax.get_legend_handles_labels()[1]]
    room = _room(ax, 8)
    while columns > 1 and _letters_beside(widths, columns) > room:
        columns -= 1
    # where the plot is narrower than the words, they begin to the left of it
    left = max(0.008, 1.15 * _letters_beside(widths, columns) / room - 1) if columns == 1 else 0.008
    ax.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(-left, 0.995),
              ncols=columns, borderaxespad=0.15, borderpad=0, columnspacing=1.4,
              handletextpad=0.5)


def nothing(ax: Axes, title: str, caption: str = "") -> Axes:
    """Return an Axes with the words that there is nothing to show, instead of a plot."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.text(0.5, 0.5, NOTHING_TO_SHOW, transform=ax.transAxes, ha="center", va="center",
            fontsize=10, color=GREY)
    return dressed(ax, title, caption=caption)


def dressed(
    ax: Axes, title: str, xlabel: str = "", ylabel: str = "", *, caption: str = "",
    workspaces: int | None = None, raised: bool = False,
) -> Axes:
    """Title, labels and quiet spines; below the plot what it shows: how many, when, which prices.

    *workspaces* and the *caption* stand after the *xlabel*, in as many lines as they need. A
    *raised* title leaves room for :func:`legend_above`.
    """
    many = "" if workspaces is None else counted(workspaces, "WorkSpace")
    facts = [fact for fact in (many, shown(caption, most=200)) if fact]
    ax.set_title("\n".join(_lines(ax, [title], _TITLE_POINTS)), loc="left", fontsize=_TITLE_POINTS,
                 color=INK, fontweight="bold", pad=6 + _LEGEND_ROW * _legend_rows(ax) * raised)
    lines = [line for part in xlabel.split("\n") for line in _lines(ax, [part], _LABEL_POINTS)]
    below = _lines(ax, facts, _LABEL_POINTS)
    if lines and below and len(both := f"{lines[-1]} · {below[0]}") <= _room(ax, _LABEL_POINTS):
        lines, below = [*lines[:-1], both], below[1:]
    ax.set_xlabel("\n".join([*lines, *below]), fontsize=_LABEL_POINTS, color=INK)
    ax.set_ylabel(ylabel, fontsize=_LABEL_POINTS, color=INK)
    ax.tick_params(labelsize=8.5, colors=INK, length=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    legend = ax.get_legend()
    draw_all_of([*ax.texts, ax.xaxis.label, ax.yaxis.label, *_titles(ax),
                 *(legend.get_texts() if legend else ())])
    return ax


def _letters_beside(widths: Sequence[int], columns: int) -> int:
    """Return how wide a legend is whose entries fill so many *columns*, one after the other."""
    rows = -(-len(widths) // columns) or 1
    return sum(max(widths[first:first + rows]) for first in range(0, len(widths), rows))


def _legend_rows(ax: Axes) -> int:
    """Return how many rows the legend has; 1 where it is still to come."""
    legend = ax.get_legend()
    if legend is None:
        return 1
    columns = legend._ncols  # type: ignore[attr-defined]  # noqa: SLF001  # no public name
    return -(-len(legend.get_texts()) // int(columns))


def _titles(ax: Axes) -> list[Text]:
    return [child for child in ax.get_children() if isinstance(child, Text)]


def _lines(ax: Axes, parts: Sequence[str], points: int) -> list[str]:
    """Return the *parts* with dots between them, in lines that fit the width of *ax*."""
    room = _room(ax, points)
    lines: list[str] = []
    for part in filter(None, parts):
        if lines and len(lines[-1]) + 3 + len(part) <= room:
            lines[-1] = f"{lines[-1]} · {part}"
        else:
            lines += wrap(part, room) or [part]
    return lines


def fitting(ax: Axes, most: int, letters: int) -> int:
    """Return how many labels of so many *letters* fit beside one another below *ax*, at *most*."""
    return max(1, min(most, _room(ax, _LABEL_POINTS) // (letters + 2)))


def room_beside(ax: Axes, letters: int, points: int = 8) -> float:
    """Return by what to lengthen a scale so that so many *letters* fit beside its longest bar."""
    return 1 / (1 - min(letters / _room(ax, points), 0.7))


def _room(ax: Axes, points: int) -> int:
    """About how many letters of that size go beside one another below *ax*."""
    share = min(1.0, ax.get_position().width / 0.77)  # 1 where it has the figure to itself
    names = max((len(label.get_text()) for label in ax.get_yticklabels()), default=0)
    beside = max(0.6, names * 0.07) + 0.3
    inches = ax.figure.get_figure(root=True).get_size_inches()[0] * share - beside
    letter = 0.64 if points == _TITLE_POINTS else 0.53  # titles are bold
    return max(16, int(inches * 72 / (letter * points)))
