"""Write numbers for people: all rounding and currency signs live here.

Frames and files keep amounts unrounded; whatever a person reads goes through these functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from html import escape
from math import isnan
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from wsanalytics.safe_text import plain

CENT = 0.005
"""Less than this is no loss."""

NOTHING = "–"
_EXACT = 1e15
SHORT = 30
"""Text of so many letters is not broken into lines in a table."""
HEADING = 14
"""A heading of more letters is broken, so that it makes no column wider than what is in it."""


def usd(amount: float, *, cents: bool = True, sign: bool = False) -> str:
    """Return an amount of dollars as text; *sign* writes a plus before a positive one.

    >>> usd(1234.5), usd(-0.004), usd(12.345, sign=True), usd(1999.6, cents=False)
    ('$1,234.50', '$0.00', '+$12.35', '$2,000')
    """
    if isnan(amount):  # no price is known
        return NOTHING
    rounded = _rounded(amount, 2 if cents else 0)
    mark = "-" if rounded < 0 else "+" if sign and rounded > 0 else ""
    return f"{mark}${abs(rounded):,.{2 if cents else 0}f}"


def size_text(size_bytes: int) -> str:
    """Return a size on disk, as people say it.

    >>> size_text(4_200), size_text(123_456_789), size_text(2_500_000_000)
    ('4 kB', '123 MB', '2.5 GB')
    """
    if size_bytes < 1e6:
        return f"{size_bytes / 1e3:,.0f} kB"
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:,.1f} GB"


def cents(price_usd: float) -> str:
    """Return a small price, never shown as nothing.

    >>> cents(0.0004), cents(1.234)
    ('less than $0.01', 'about $1.23')
    """
    return "less than $0.01" if price_usd < 0.01 else f"about {usd(price_usd)}"


def usd_range(low: float, high: float, *, cents: bool = True) -> str:
    """Return an interval of dollars as text.

    >>> usd_range(-1.2, 3)
    '-$1.20 to $3.00'
    """
    return NOTHING if isnan(low) or isnan(high) else (
        f"{usd(low, cents=cents)} to {usd(high, cents=cents)}")


def number(value: float, digits: int = 0) -> str:
    """Return a number with thousands separators and at most *digits* decimals.

    >>> number(1234.56), number(0.25, 1), number(3.0, 1)
    ('1,235', '0.3', '3')
    """
    if isnan(value):
        return NOTHING
    text = f"{_rounded(value, digits):,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if digits else text
    return "0" if text == "-0" else text


def percent(share: float) -> str:
    """Return a share as a percentage, small ones distinguished from none.

    >>> percent(0.046), percent(0.0004), percent(0.0)
    ('5 %', 'under 1 %', '0 %')
    """
    if isnan(share):
        return NOTHING
    return "under 1 %" if 0 < share < 0.005 else f"{number(100 * share)} %"


def hours(value: float) -> str:
    """Return a number of hours as text, whole from ten on.

    >>> hours(7.26), hours(141.7), hours(0.01)
    ('7.3 h', '142 h', 'under 0.1 h')
    """
    if 0 < value < 0.05:
        return "under 0.1 h"
    return f"{number(value, 1 if abs(value) < 10 else 0)} h"


def round_parts(parts: Sequence[float], digits: int = 2) -> list[float]:
    """Return the *parts* rounded so that they add up to their rounded total.

    None moves by as much as a step: all are rounded down, and those that lost most get a step
    until the total is right (the method of largest remainders).

    >>> round_parts([0.333, 0.333, 0.335])
    [0.33, 0.33, 0.34]
    >>> round_parts([10.004, 1.004, 1.004])
    [10.01, 1.0, 1.0]
    """
    if not parts:
        return []
    step = Decimal(1).scaleb(-digits)
    # Decimals of the shortest text: 0.1 + 0.2 in floats would cost or win a cent.
    exact = [Decimal(repr(float(part))) for part in parts]
    rounded = [part.quantize(step, ROUND_FLOOR) for part in exact]
    total = sum(exact, Decimal()).quantize(step, ROUND_HALF_UP)
    missing = int((total - sum(rounded, Decimal())) / step)
    # rounded - exact is negative or zero: the most negative, which lost most, comes first.
    most_lost = sorted(range(len(exact)), key=lambda index: rounded[index] - exact[index])
    for index in most_lost[:missing]:
        rounded[index] += step
    return [float(part) for part in rounded]


def rounding_note(amounts: Iterable[float]) -> str:
    """Give a note where amounts, each rounded by itself, do not add up to their rounded total.

    An amount that is shown in several tables reads the same in all of them that way.

    >>> rounding_note([1.0, 2.0])
    ''
    >>> rounding_note([1.004, 1.004])
    'Each amount is rounded by itself, the total as a whole.'
    """
    exact = [Decimal(repr(float(amount))) for amount in amounts]
    cent = Decimal("0.01")
    parts = sum((amount.quantize(cent, ROUND_HALF_UP) for amount in exact), Decimal())
    total = sum(exact, Decimal()).quantize(cent, ROUND_HALF_UP)
    return "" if parts == total else "Each amount is rounded by itself, the total as a whole."


def counted(count: int, noun: str) -> str:
    """Return a count and its noun.

    >>> counted(1, "WorkSpace"), counted(2300, "WorkSpace")
    ('1 WorkSpace', '2,300 WorkSpaces')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def measured(value: float, noun: str, digits: int = 1) -> str:
    """Return a number of at most so many *digits* and its noun.

    >>> measured(1.04, "cold start"), measured(1.06, "cold start"), measured(0, "cold start")
    ('1 cold start', '1.1 cold starts', '0 cold starts')
    """
    text = number(value, digits)
    return f"{text} {noun}{'' if text == '1' else 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names in a row, shortened with a word on how many more there are.

    >>> listed(["ws-1", "ws-2", "ws-3"], most=2)
    'ws-1, ws-2 and 1 more'
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def html_table(frame: pd.DataFrame, *, right: Iterable[str] = ()) -> str:
    """Return a small frame as an HTML table, all of it escaped.

    Text stands to the left, numbers to the right, and so do the columns *right*, whose numbers are
    texts already.
    """
    numbers = set(right)
    sides = ["right" if name in numbers or is_numeric_dtype(frame[name]) else "left"
             for name in frame.columns]

    def cells(tag: str, texts: Iterable[str]) -> str:
        styled = zip(sides, texts, strict=True)
        short = HEADING if tag == "th" else SHORT
        return "".join(
            f'<{tag} style="text-align:{side};padding:2px 8px;white-space:'
            f'{"nowrap" if len(text) <= short else "normal"}">{escape(plain(text))}</{tag}>'
            for side, text in styled)

    rows = frame.astype("object").where(frame.notna(), NOTHING).itertuples(index=False)
    body = "".join(f"<tr>{cells('td', map(str, row))}</tr>" for row in rows)
    head = cells("th", map(str, frame.columns))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def as_output(page: str, name: str = "") -> str:
    """Return HTML as the output of a cell, in which Jupyter takes no dollar signs for formulas.

    *name* is a class by which the output can be found.

    >>> as_output("<p>$5 to $7</p>")
    '<div class="tex2jax_ignore mathjax_ignore"><p>$5 to $7</p></div>'
    """
    classes = " ".join(filter(None, (name, "tex2jax_ignore mathjax_ignore")))
    return f'<div class="{classes}">{page}</div>'


def _rounded(value: float, digits: int) -> float:
    """Half up, as people round money; binary floats alone would make 12.345 into 12.34."""
    if not abs(value) < _EXACT:  # too large to have such digits, or infinite
        return float(value)
    step = Decimal(1).scaleb(-digits)
    return float(Decimal(repr(float(value))).quantize(step, ROUND_HALF_UP)) + 0.0


def volumes_text(row: Mapping[Any, Any]) -> str:
    """By which pair of volumes a grown WorkSpace is priced (a row of :meth:`PriceBook.grown`).

    >>> volumes_text({"root_gib": 80, "user_gib": 175, "listed_root_gib": 80,
    ...               "listed_user_gib": 100, "extra_gib": 75, "extra_usd": 7.5})
    '80/175 GiB are priced as 80/100 and 75 GiB more for $7.50 a month'
    """
    listed_pair = f"{row['listed_root_gib']:.0f}/{row['listed_user_gib']:.0f}"
    more = ("that are left out of both modes, since no price of a GiB is known there"
            if isnan(row["extra_usd"]) else f"for {usd(row['extra_usd'])} a month")
    return (f"{row['root_gib']:.0f}/{row['user_gib']:.0f} GiB are priced as {listed_pair} and "
            f"{row['extra_gib']:.0f} GiB more {more}")
