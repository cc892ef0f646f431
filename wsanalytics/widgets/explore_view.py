"""An answer to a what-if question as pieces of a page: its headline, and its pictures in words."""

from __future__ import annotations

from collections.abc import Callable

from wsanalytics import plot
from wsanalytics.formatting import CENT, number, percent, usd
from wsanalytics.tradeoffs import Answer
from wsanalytics.widgets.base import picture, text


def headline(answer: Answer) -> str:
    """Return the headline with its main figure before it, escaped.

    Screen readers say it as it changes.
    """
    saving, fleet = answer.saving_usd_per_month, answer.choice
    if saving is None:
        lead = f"{usd(fleet.usd_per_month)} a month"
    elif abs(saving) < CENT:
        lead = "Costs the same as today"
    else:
        share = f" ({percent(abs(saving) / fleet.present_usd)})" if fleet.present_usd > 0 else ""
        lead = f"{'Saves' if saving > 0 else 'Costs'} {usd(abs(saving))} a month{share}"
        lead += "" if saving > 0 else " more"
    return (f"<div role='status'><div style='font-size:1.5em;font-weight:600;line-height:1.5'>"
            f"{text(lead)}</div><div style='line-height:1.5'>{text(answer.headline)}</div></div>")


def pictures(answer: Answer) -> list[str]:
    """Return both pictures as HTML.

    Their size is stated, so that nothing jumps while they are exchanged.
    """
    return [picture(png, words).replace("<img ", f"<img {_size(png)} ", 1)
            for png, words in zip(plot.what_if_pictures(answer), _captions(answer), strict=True)]


def _size(png: bytes) -> str:
    """Return the attributes for a PNG image's size in pixels, from its header."""
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    return f'width="{width}" height="{height}"'


def _captions(answer: Answer) -> tuple[str, str]:
    """Describe the two pictures in words."""
    bars = "; ".join(f"{row['option']} {usd(row['total_usd'], cents=False)}"
                     for row in answer.costs.to_dict("records"))
    fleet, points = answer.choice, answer.frontier.fleet_points
    ends = [f"{usd(row['usd_per_month'], cents=False)} and "
            f"{number(row['cold_starts_per_week'], 1)} cold starts a week"
            for row in points.iloc[[0, -1]].to_dict("records")]
    curve = (f"The fleet's cost against its cold starts, from {ends[0]} to {ends[1]}; chosen: "
             f"{usd(fleet.usd_per_month, cents=False)} and "
             f"{number(fleet.cold_starts_per_week, 1)} cold starts a week.")
    return f"Bars of what the fleet costs a month: {bars}.", curve


def each_line(words: str, shown_as: Callable[[str], str]) -> str:
    """Return each line of *words* made safe by itself, so that lines stay lines."""
    return "\n".join(map(shown_as, words.split("\n")))
