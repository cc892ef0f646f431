"""Plots of what was said against what came: predictions and bills, promises and savings."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from wsanalytics.formatting import counted
from wsanalytics.plot.density import areas, gathered
from wsanalytics.plot.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    axes,
    dressed,
    in_dollars,
    nothing,
    ruled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

MANY = 2000
"""More points than these are drawn as densities."""
MOST_WHISKERS = 150
LINEAR_USD = 10
_TICKS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_DECADES = (10, 100, 1000, 10_000)
VERDICTS = {"as promised": (BLUE, "o"), "better": (GREEN, "^"), "less": (ORANGE, "v"),
            "wrong": (VERMILION, "X")}
"""Colour and mark of each verdict on a promise."""
_Group = tuple[str, pd.DataFrame, str, str]


def predicted_against_billed(
    frame: pd.DataFrame, ax: Axes | None = None, *, caption: str = ""
) -> Axes:
    """Plot each WorkSpace's predicted cost against AWS's bill: on the line, both agree.

    *frame* has a row a WorkSpace: ``workspace_id``, ``predicted_usd``, ``billed_usd``, and if the
    caller judged them ``is_close`` (true/false), which colours those that are off.
    """
    ax = axes(ax, width=5.2, height=4.6)
    title = "What was predicted, and what was billed"
    rows = frame[frame["predicted_usd"].notna() & frame["billed_usd"].notna()]
    if rows.empty:
        return nothing(ax, title, caption)
    groups: list[_Group] = [("WorkSpaces", rows, BLUE, "o")]
    if "is_close" in rows:
        close = rows["is_close"].to_numpy(dtype=bool)
        groups = [("close", rows[close], BLUE, "o"), ("off", rows[~close], VERMILION, "X")]
    note = _against(ax, groups, "predicted_usd", "billed_usd", "WorkSpace")
    return dressed(ax, title, "predicted, USD", "billed, USD", workspaces=len(rows),
                   caption=" · ".join(filter(None, [note, caption])))


def promised_against_realised(
    verified: pd.DataFrame, ax: Axes | None = None, *, caption: str = ""
) -> Axes:
    """Plot each change's expected saving against the actual one: on the line, both agree.

    *verified* is what :func:`wsanalytics.verify` gives. Whiskers are the promise's interval, drawn
    for up to 150 changes. Changes that could not be judged are left out, and counted.
    """
    ax = axes(ax, width=5.6, height=4.6)
    title = "What was promised, and what was saved"
    judged = verified["realised_usd"].notna() & verified["promised_usd"].notna()
    judged &= verified["verdict"].isin(list(VERDICTS))
    rows = verified[judged]
    left_out = len(verified) - len(rows)
    left_out_text = f"{counted(left_out, 'change')} not judged" if left_out else ""
    if rows.empty:
        return nothing(ax, title, " · ".join(filter(None, [left_out_text, caption])))
    if len(rows) <= MOST_WHISKERS:
        x = rows["promised_usd"].to_numpy(dtype=float)
        low, high = (rows[name].fillna(rows["promised_usd"]).to_numpy(dtype=float)
                     for name in ("promised_low_usd", "promised_high_usd"))
        ax.errorbar(x, rows["realised_usd"], linestyle="none", ecolor=GREY, elinewidth=0.7,
                    xerr=np.clip([x - low, high - x], 0, None), zorder=2)
    groups: list[_Group] = [(verdict, rows[rows["verdict"] == verdict], *look)
                            for verdict, look in VERDICTS.items()]
    note = _against(ax, groups, "promised_usd", "realised_usd", "change")
    return dressed(
        ax,
        title,
        "promised so far, USD",
        "saved so far, USD",
        caption=" · ".join(
            filter(None, [counted(len(rows), "change"), left_out_text, note, caption])
        ),
    )


def _against(ax: Axes, groups: list[_Group], x: str, y: str, row: str) -> str:
    """Plot points around the diagonal, densities where they are many; return what marks mean.

    *row* is what a row is: a WorkSpace, a change.
    """
    both = pd.concat([rows[[x, y]] for _, rows, *_ in groups])
    values = both.to_numpy(dtype=float)
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    ax.set_xscale("symlog", linthresh=LINEAR_USD)
    ax.set_yscale("symlog", linthresh=LINEAR_USD)
    ax.set_xlim(low * 1.3, high * 1.3)
    ax.set_ylim(low * 1.3, high * 1.3)
    ends = [low * 1.3, high * 1.3]
    ax.plot(ends, ends, color=INK, linewidth=1, linestyle="--", zorder=1)
    note = ""
    if len(both) > MANY:
        cells = [gathered(ax, rows[x], rows[y], columns=44, rows=44) for _, rows, *_ in groups]
        most = max((counts.max() for *_, counts in cells if len(counts)), default=1.0)
        note = f"the largest marks stand for {counted(int(most), row)}"
        drawn = [(*cell[:2], areas(cell[2], most)) for cell in cells]
    else:
        drawn = [(rows[x].to_numpy(float), rows[y].to_numpy(float), np.full(len(rows), 24.0))
                 for _, rows, *_ in groups]
    for (label, rows, colour, mark), (across, up, size) in zip(groups, drawn, strict=True):
        if len(rows):
            ax.scatter(across, up, s=size, color=colour, marker=mark, alpha=0.7, linewidths=0,
                       zorder=3, label=f"{label} ({len(rows):,})", rasterized=True)
    inside = [side * tick for side in (-1, 1) for tick in _TICKS
              if ends[0] <= side * tick <= ends[1]]
    few = [tick for tick in inside if abs(tick) in _DECADES] if len(inside) > 7 else inside
    for axis, ticks in ((ax.xaxis, few), (ax.yaxis, inside)):
        axis.set_ticks([0, *ticks])
        axis.set_ticks([], minor=True)
        in_dollars(axis)
    ruled(ax)
    for handle in ax.legend(fontsize=8, frameon=False, loc="upper left").legend_handles:
        cast("PathCollection", handle).set_sizes([28])
    return note
