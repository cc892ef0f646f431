"""Plots as data: what stands in the Axes, whatever the fleet's size and whatever its names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tests.plot.drawings import (
    HOSTILE,
    Frame,
    bills,
    comparison,
    drawn,
    groups,
    monthly,
    months,
    rates,
    texts,
    ticks,
    verified,
)
from wsanalytics import plot
from wsanalytics.plot import fonts as letters
from wsanalytics.plot.style import NOTHING_TO_SHOW, detached, shown

SIZES = (1, 6, 60_000)


def costs(size: int) -> Frame:
    return pd.DataFrame({"option": ["today", "the plan"], "workspaces": size,
                         "fixed_usd": [10.0 * size, 40.0 * size],
                         "hourly_usd": [50.0 * size, 0.0], "total_usd": [60.0 * size, 40.0 * size],
                         "cold_starts_per_week": 0.0})


def usage(size: int) -> Frame:
    return pd.DataFrame({"workspace_id": [f"ws-{n}" for n in range(size)],
                         "baseline": "ALWAYS_ON", "billed_hours_per_month": 10.0,
                         "break_even_hours": 80.0, "share": np.linspace(0, 9, size)})


FLEETS: dict[str, tuple[Callable[..., Axes], Callable[[int], Frame]]] = {
    "saving_against_waiting": (plot.saving_against_waiting, comparison),
    "hours_by_bundle": (plot.hours_by_bundle, monthly),
    "cost_by_group": (plot.cost_by_group, groups),
    "cost_by_option": (plot.cost_by_option, costs),
    "break_even_histogram": (plot.break_even_histogram, usage),
    "predicted_against_billed": (plot.predicted_against_billed, bills),
    "promised_against_realised": (plot.promised_against_realised, verified),
    "cost_by_month": (plot.cost_by_month, lambda size: months(min(size, 60))),
    "cost_by_setting": (plot.cost_by_setting, lambda size: comparison(min(size, 1))),
}


@pytest.mark.parametrize("name", FLEETS)
@pytest.mark.parametrize("size", SIZES)
def test_every_plot_at_every_size(name: str, size: int) -> None:
    draw, frame = FLEETS[name]
    ax = drawn(draw, frame(size), caption="list prices of 2026-01-01")
    assert ax.get_title(loc="left")
    assert "2026-01-01" in ax.get_xlabel()
    assert NOTHING_TO_SHOW not in texts(ax)
    points = sum(len(part.get_offsets()) for part in ax.collections)
    assert points < 6000  # marks, however many WorkSpaces


@pytest.mark.parametrize("name", FLEETS)
def test_an_empty_frame_says_so(name: str) -> None:
    draw, frame = FLEETS[name]
    ax = drawn(draw, frame(6)[:0], caption="no data")
    assert texts(ax) == [NOTHING_TO_SHOW]
    assert ax.get_xlabel() == "no data"


@pytest.mark.parametrize("name", FLEETS)
def test_an_axes_that_was_handed_over_is_the_one_drawn_on(name: str) -> None:
    draw, frame = FLEETS[name]
    _, mine = plt.subplots()
    assert draw(frame(6), mine) is mine
    assert draw(frame(6)[:0], plt.subplots()[1]) is not mine


def test_the_legend_of_a_wide_plot_is_one_row() -> None:
    legend = drawn(plot.cost_by_setting, comparison(1)).get_legend()
    tops = {round(text.get_window_extent().y0) for text in legend.get_texts()}
    assert len(legend.get_texts()) == 3 and len(tops) == 1


@pytest.mark.parametrize("name", [
    "saving_against_waiting", "hours_by_bundle", "cost_by_group", "cost_by_option",
    "break_even_histogram", "cost_by_month"])
def test_a_plot_as_narrow_as_a_phone_has_all_its_words(name: str) -> None:
    draw, frame = FLEETS[name]
    figure, mine = detached((3.5, 6))
    ax = draw(frame(13), mine, caption="2026-07-01 to 2026-11-01, list prices of 2026-01-01")
    FigureCanvasAgg(figure).draw()
    legend = ax.get_legend()
    low, high = ax.get_xlim()
    below = [label for label in ax.get_xticklabels() if low <= label.get_position()[0] <= high]
    words = [*ax.texts, ax.xaxis.label, *below, *ax.get_yticklabels(),
             *(legend.get_texts() if legend else ())]
    boxes = {text.get_text(): text.get_window_extent() for text in words if text.get_text()}
    right = figure.bbox.width
    assert [word for word, box in boxes.items() if box.x0 < -3 or box.x1 > right + 3] == []
    labels = [label.get_window_extent() for label in below if label.get_text()]
    assert all(one.x1 <= other.x0 for one, other in pairwise(labels))
    if legend:  # it is not written over the title
        title = next(part for part in ax.get_children()
                     if getattr(part, "get_text", str)() == ax.get_title(loc="left") != "")
        assert legend.get_window_extent().y1 <= title.get_window_extent().y0 + 3


def test_hostile_names_are_text() -> None:
    bad = groups(3).assign(group=[HOSTILE, "$a$ and $b$", ""])
    ax = drawn(plot.cost_by_group, bad, by=HOSTILE, caption=f"{HOSTILE} $1 to $2")
    labels = ticks(ax)
    assert labels[0].startswith("<script>$x^2$ \ufffd\ufffd[1m") and "…" in labels[0]
    assert labels[1:] == ["$a$ and $b$ (2)", "(none) (2)"]
    assert all(len(label) <= 40 for label in labels)
    assert not any(label.get_parse_math() for label in ax.get_yticklabels())
    assert not ax.xaxis.label.get_parse_math()
    assert "\u202e" not in ax.get_title(loc="left") + ax.get_xlabel()
    title = next(part for part in ax.get_children()
                 if getattr(part, "get_text", str)() == ax.get_title(loc="left") != "")
    assert not title.get_parse_math()


@pytest.mark.parametrize(("name", "text"), [
    ("ada", "ada"), ("$x^2$", "$x^2$"), ("a\nb\x00", "a\ufffdb\ufffd"), ("\ud800", "\ufffd"),
    ("x" * 41, "x" * 39 + "…"), ("x" * 40, "x" * 40), (7, "7"), ("", ""),
])
def test_what_a_name_is_shown_as(name: object, text: str) -> None:
    assert shown(name) == text


@pytest.fixture
def fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lets fonts be chosen that may help out, whichever this machine has."""
    def choose(*names: str) -> None:
        monkeypatch.setattr(letters, "FAMILIES", names)
        letters.installed.cache_clear()

    yield choose
    letters.installed.cache_clear()


CIRCLED = "\u24b6\u24b7"  # STIXGeneral, which comes with matplotlib, has them in bold; DejaVu not


def test_letters_that_no_font_has_are_replaced(fonts: Callable[..., None]) -> None:
    fonts("No Such Font")
    assert shown(f"{CIRCLED}a\u4f60") == "\ufffd\ufffda\ufffd"
    fonts("No Such Font", "STIXGeneral")
    assert shown(f"{CIRCLED}a\u4f60") == f"{CIRCLED}a\ufffd"


def test_letters_that_the_usual_font_lacks_are_drawn_in_another(fonts: Callable[..., None]) -> None:
    fonts("No Such Font", "STIXGeneral")
    one = comparison(1)
    one["setting"] = one["setting"].cat.rename_categories({"AUTO_STOP:60": CIRCLED})
    one["workspace_id"] = f"ws-{CIRCLED}"
    ax = drawn(plot.cost_by_setting, one, proposed=CIRCLED, caption=CIRCLED)
    usual, other, _ = ax.get_yticklabels()
    assert other.get_text() == f"{CIRCLED} (proposed)"
    assert other.get_fontfamily() == [*usual.get_fontfamily(), "STIXGeneral"]
    assert ax.get_title(loc="left").startswith(f"ws-{CIRCLED}")
    assert CIRCLED in ax.get_xlabel()
    many = comparison(60_000)
    many["setting"] = many["setting"].cat.rename_categories({"AUTO_STOP:60": CIRCLED})
    panels = drawn(plot.saving_against_waiting, many).child_axes
    assert CIRCLED in [panel.get_title(loc="left") for panel in panels]
    few = comparison(6)
    few["setting"] = few["setting"].cat.rename_categories({"AUTO_STOP:60": CIRCLED})
    legend = drawn(plot.saving_against_waiting, few).get_legend()
    assert CIRCLED in [text.get_text() for text in legend.get_texts()]


def test_names_in_any_script_are_drawn_without_a_warning() -> None:
    for name in ("\u4f60\u597d", "\u304b\u3099", "e\u3099", "\ud55c\uae00", "\u0633\u0644\u0627",
                 "\u0928\u092e\u0938\u094d\u0924\u0947", "\U0001f600\U0001f3fb", "\u845b\ufe00"):
        drawn(plot.cost_by_setting, comparison(1).assign(workspace_id=name), caption=name)
        drawn(plot.cost_by_group, groups(3).assign(group=name))


def test_hostile_ids_and_settings() -> None:
    one = comparison(1).assign(workspace_id=HOSTILE)
    one["setting"] = one["setting"].cat.rename_categories({"AUTO_STOP:60": HOSTILE})
    ax = drawn(plot.cost_by_setting, one, proposed=HOSTILE, caption=HOSTILE)
    assert ax.get_title(loc="left").startswith("<script>$x^2$ \ufffd")
    other = monthly(20).assign(compute_type=HOSTILE)
    assert ticks(drawn(plot.hours_by_bundle, other))[0].startswith("<script>")
    many = comparison(3).assign(setting=one["setting"].cat.categories[[0, 1, 2] * 3])
    drawn(plot.saving_against_waiting, many.astype({"setting": "category"}))
    drawn(plot.break_even_lines, rates(), name=HOSTILE)
