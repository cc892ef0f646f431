"""Two small pictures that keep up with a slider: a fleet's costs by setting, and its frontier.

They show what ``cost_by_option`` and ``frontier`` show in half the time: each is drawn on a bare
sheet whose unit is the point, with no more axes than lines and words. :func:`figure` shows the
same with those two, for keeping.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wsanalytics.formatting import counted, number, usd
from wsanalytics.plot.costs import cost_by_option
from wsanalytics.plot.label_placement import LINE, MARK, Box, label_marks, line_boxes, mark_boxes
from wsanalytics.plot.style import BLUE, GREY, INK, MARKERS, PALE, SEQUENCE, SKY
from wsanalytics.plot.tradeoffs import TICKS, frontier

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from wsanalytics.tradeoffs import Amounts, Answer, Choice, Frontier

DOTS_PER_INCH = 100
POINTS = 72
WIDTH, HEIGHT = 400, 270
"""The size of a picture in points; bars of many settings need more height."""
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 48, 34
ROW = 18
COLUMN = WIDTH - RIGHT - 68
"""The horizontal position of the settings' names."""
SMALL, NORMAL = 7.5, 8.0


def what_if_pictures(answer: Answer) -> tuple[bytes, bytes]:
    """Draw the fleet's cost by setting, and its dollars against waiting, as two PNG images."""
    return costs_png(answer.costs), frontier_png(answer.frontier, answer.choice)


def what_if_figure(answer: Answer, caption: str = "") -> Figure:
    """Both pictures in one figure that can be saved, with the answer's headline over them."""
    rows = len(answer.costs)
    whole = Figure(figsize=(14.5, max(5.2, 1.6 + 0.36 * rows)), layout="constrained")
    left, right = whole.subplots(1, 2, width_ratios=[1, 1.3])
    cost_by_option(answer.costs, left, caption=caption)
    frontier(answer.frontier, right, chosen=answer.choice, caption=caption)
    whole.suptitle(answer.headline, x=0.01, ha="left", fontsize=10, color=INK, wrap=True,
                   parse_math=False)
    return whole


def what_if_image(answer: Answer, kind: str, caption: str = "") -> bytes:
    """Return the :func:`figure` of an answer as the bytes of a file.

    *kind* is ``png`` or ``svg``.
    """
    data = BytesIO()
    what_if_figure(answer, caption).savefig(data, format=kind, dpi=144, metadata={
        "Software": None} if kind == "png" else {"Date": None})
    return data.getvalue()


def costs_png(costs: pd.DataFrame) -> bytes:
    """Bars of what a fleet costs a month; *costs* are those of an ``Answer``."""
    height = max(HEIGHT, TOP + BOTTOM + ROW * len(costs))
    ax = _sheet(height)
    left, right = LEFT + 62, WIDTH - 44
    many = counted(int(costs["workspaces"].max()), "WorkSpace")
    _title(ax, height, f"What {many} cost a month", "")
    _key(ax, height, ((BLUE, "", "fixed monthly fees"), (SKY, "///", "for billed hours")))
    most = float(costs["total_usd"].max()) or 1.0
    ticks = _round_numbers(4, 0.0, most * 1.001)
    scale = (right - left) / most
    _lines(ax, [((left + tick * scale, BOTTOM), (left + tick * scale, height - TOP))
                for tick in ticks])
    for tick in ticks:
        _text(ax, left + tick * scale, BOTTOM - 10, usd(tick, cents=most < 5), "center", SMALL)
    y = height - TOP - (np.arange(len(costs)) + 0.5) * (height - TOP - BOTTOM) / len(costs)
    fixed, hourly = (costs[name].to_numpy() * scale for name in ("fixed_usd", "hourly_usd"))
    _boxes(ax, np.full(len(y), left), fixed, y, BLUE, "")
    _boxes(ax, left + fixed, hourly, y, SKY, "///")
    for index, row in enumerate(costs.to_dict("records")):
        _text(ax, left - 5, y[index], str(row["option"]), "right", NORMAL)
        _text(ax, left + row["total_usd"] * scale + 4, y[index],
              usd(row["total_usd"], cents=False), "left", NORMAL)
    return _png(ax)


def frontier_png(found: Frontier, chosen: Choice) -> bytes:
    """Return a fleet's dollars against its users' waiting, with what was *chosen* as a ring."""
    ax = _sheet(HEIGHT)
    each = max(found.workspaces, 1)
    options, points = found.fleet_options, found.fleet_points
    waits = np.concatenate([frame["cold_starts_per_week"].to_numpy() / each
                            for frame in (options, points)])
    dollars = np.concatenate([frame["usd_per_month"].to_numpy() for frame in (options, points)])
    x, y = _scales(ax, np.append(waits, chosen.cold_starts_per_week / each),
                          np.append(dollars, chosen.usd_per_month))
    _title(ax, HEIGHT, "USD a month against waiting",
           "cold starts a week of a WorkSpace, mean of all (square-root scale)")
    line, = ax.plot(x[len(options):-1], y[len(options):-1], color=BLUE, linewidth=2.2, zorder=3)
    _key(ax, HEIGHT, ((BLUE, "-", "each its own, by what waiting is worth"),
                      ("", "o", "marks: all in one setting")))
    marks = list(zip(x, y, [str(name).removeprefix("all ") for name in options["option"]],
                     strict=False))
    for index, ((left, up, name), good) in enumerate(
            zip(marks, options["efficient"], strict=True)):
        is_today = name == "today"
        colour = INK if is_today else SEQUENCE[index % len(SEQUENCE)]
        ax.plot(left, up, linestyle="none", markersize=9 if is_today else 7, zorder=4,
                marker="X" if is_today else MARKERS[index % len(MARKERS)], markeredgecolor=colour,
                markerfacecolor=colour if good or is_today else "white", markeredgewidth=1.4)
    ax.plot(x[-1], y[-1], linestyle="none", marker="o", markersize=11, zorder=6,
            markerfacecolor="none", markeredgecolor=INK, markeredgewidth=2)
    # The last entries of x and y are those of the choice, appended for the scales above.
    marks = [(x[-1], y[-1], "chosen"), *marks]
    aside = [mark for mark in marks if mark[2].startswith("AUTO_STOP")]
    column = _column(ax, aside)
    taken = [*mark_boxes(ax, [mark[:2] for mark in marks]), column]
    taken += line_boxes(ax, line) if len(points) > 1 else []
    label_marks(ax, [mark for mark in marks if mark not in aside], size=NORMAL, colour=INK,
                taken=[*taken, (-99.0, 0.0, LEFT - 4.0, HEIGHT)])
    return _png(ax)


def _column(ax: Axes, marks: Sequence[tuple[float, float, str]]) -> Box:
    """Return the names of *marks* in a column at the right, each joined to its own.

    Gives its room.
    """
    gap = LINE * NORMAL
    rising = sorted(marks, key=lambda mark: (mark[1], -mark[0]))
    most = int((HEIGHT - TOP - BOTTOM) / gap)
    if len(rising) > most:  # some of them, evenly, the outermost among them
        rising = [rising[index] for index in np.linspace(0, len(rising) - 1, most).astype(int)]
    heights: list[float] = []
    joins = []
    for index, (x, y, name) in enumerate(rising):
        # At its mark's height if there is room, above the name below it, and low enough for those
        # to come.
        lowest, left = heights[-1] + gap if heights else BOTTOM, len(rising) - 1 - index
        heights.append(min(max(y, lowest), HEIGHT - TOP - left * gap))
        joins.append(((x + MARK, y), (COLUMN - 2.0, heights[-1])))
        _text(ax, COLUMN, heights[-1], name, "left", NORMAL)
    ax.add_collection(LineCollection(joins, colors=GREY, linewidths=0.6, zorder=2))
    return COLUMN - 2.0, 0.0, WIDTH + 99.0, float(HEIGHT)


def _scales(
    ax: Axes, waits: Amounts, dollars: Amounts
) -> tuple[Amounts, Amounts]:
    """Return the positions of waits and dollars on the sheet; their grid is drawn."""
    most = max(float(waits.max()), 0.1) * 1.7
    low, high = float(dollars.min()), float(dollars.max())
    room = max(high - low, 0.02 * high, 1.0)
    low, high = max(low - 0.12 * room, 0.0), high + 0.08 * room
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(value: Amounts) -> Amounts:
        # A square-root scale: most fleets have few cold starts, and zero must stay on the axis.
        at: Amounts = LEFT + wide * np.sqrt(np.maximum(value, 0) / most)
        return at

    def up(value: Amounts) -> Amounts:
        return BOTTOM + tall * (value - low) / (high - low)

    ticks = np.array([tick for tick in TICKS if tick <= most])
    levels = _round_numbers(5, low, high)
    _lines(ax, [((at, BOTTOM), (at, HEIGHT - TOP)) for at in across(ticks)])
    _lines(ax, [((LEFT, at), (WIDTH - RIGHT, at)) for at in up(levels)])
    for tick, at in zip(ticks, across(ticks), strict=True):
        _text(ax, at, BOTTOM - 10, number(tick, 1), "center", SMALL)
    for level, at in zip(levels, up(levels), strict=True):
        _text(ax, LEFT - 5, at, usd(level, cents=False), "right", SMALL)
    return across(waits), up(dollars)


def _round_numbers(most: int, low: float, high: float) -> Amounts:
    """Some *most* round numbers from *low* to *high*."""
    ticks = np.asarray(MaxNLocator(most).tick_values(low, high), dtype=np.float64)
    return ticks[(ticks >= low) & (ticks <= high)]


def _sheet(height: float) -> Axes:
    """Return a bare Axes that fills a figure of ``WIDTH`` × *height* points, in points."""
    figure = Figure(figsize=(WIDTH / POINTS, height / POINTS), dpi=DOTS_PER_INCH)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(0, height)
    ax.set_autoscale_on(False)
    return ax


def _text(ax: Axes, x: float, y: float, words: str, side: str, size: float) -> None:
    ax.text(x, y, words, ha=side, va="center", fontsize=size, color=INK, parse_math=False)


def _title(ax: Axes, height: float, title: str, below: str) -> None:
    ax.text(8, height - 14, title, ha="left", va="center", fontsize=10, fontweight="bold",
            color=INK, parse_math=False)
    if below:
        _text(ax, (LEFT + WIDTH - RIGHT) / 2, BOTTOM - 23, below, "center", NORMAL)


def _key(ax: Axes, height: float, entries: Sequence[tuple[str, str, str]]) -> None:
    """Under the title what colours stand for: colour, hatch (``-``: a line, ``o``: none), words."""
    at = 8.0
    for colour, hatch, words in entries:
        if hatch == "-":
            ax.plot([at, at + 16], [height - 33] * 2, color=colour, linewidth=2.2)
        elif hatch != "o":
            _boxes(ax, np.array([at]), np.array([16.0]), np.array([height - 33]), colour, hatch, 8)
        _text(ax, at + (20 if colour else 4), height - 33, words, "left", SMALL)
        at += 36 + 4.4 * len(words)


def _boxes(
    ax: Axes, left: Amounts, wide: Amounts, middle: Amounts, colour: str, hatch: str,
    thick: float = 12,
) -> None:
    """Bars from *left* on, *wide* and *thick*, all in one artist."""
    low, high = middle - thick / 2, middle + thick / 2
    # Four corners a bar, counter-clockwise, as rows of eight numbers that reshape takes apart.
    corners = np.stack([left, low, left + wide, low, left + wide, high, left, high], axis=1)
    ax.add_collection(PolyCollection(
        list(corners.reshape(-1, 4, 2)), facecolors=colour, hatch=hatch, edgecolors="white",
        linewidths=0, zorder=3))


def _lines(ax: Axes, ends: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    ax.add_collection(LineCollection(list(ends), colors=PALE, linewidths=0.8, zorder=1))


def _png(ax: Axes) -> bytes:
    image = BytesIO()
    figure = ax.figure
    assert isinstance(figure, Figure)
    with rc_context({"text.hinting": "none"}):  # letters take most of the time; so a fifth less
        figure.savefig(image, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None},
                       pil_kwargs={"compress_level": 3})
    return image.getvalue()
