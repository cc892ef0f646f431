"""Parse the values of options: a text in, a value out, or a ValueError with the reason.

Both the command line and ``wsanalytics.toml`` give texts, so an option means the same in either.
Nothing heavy is imported here: help must answer at once.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from cyclopts import Token

from wsanalytics.bounds import (
    HOURS_A_MONTH,
    MINUTES_A_YEAR,
    MOST,
    MOST_A_WEEK,
    MOST_DAYS,
    SECONDS_A_DAY,
)

LONGEST_NAME = 255
"""Bytes of a name, on every file system that people have."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value, and the converter of cyclopts for options that take it.

    ``parse`` reads one text and raises :class:`ValueError`. ``written`` is how the value is
    written in TOML. ``is_list``: the option takes several values.
    """

    parse: Callable[[str], Any]
    written: Literal["text", "number", "day", "path", "pair", "names"] = "text"
    is_list: bool = False

    def __call__(self, _type: object, tokens: Sequence[Token]) -> Any:  # noqa: ANN401  # whatever parse gives
        """The value that *tokens* of the command line write."""
        values = [self.parse(token.value) for token in tokens]
        return values if self.is_list else values[-1]

    def several(self) -> Kind:
        """The kind of an option that takes several such values."""
        return replace(self, is_list=True)


def _text(text: str) -> str:
    return text


def path(text: str) -> Path:
    """A file or a folder; an empty text would be the working directory."""
    if not text or "\0" in text:
        raise ValueError(f"{text!r} names no file and no folder")
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(text).parts):
        raise ValueError(f"{text!r} has a part of over {LONGEST_NAME} bytes, which no file and no "
                         "folder can be called")
    return Path(text)


def day(text: str) -> date:
    """A UTC day."""
    message = f"{text!r} is not a UTC day, written YYYY-MM-DD"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(message)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(message) from None


def limit(text: str, most: float = MOST) -> float:
    """A number from 0 on, to *most*."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{text!r} is not a number from 0 on")
    if value > most:
        raise ValueError(f"{text!r} is more than {most:,.10g}, the most it can be")
    return value


def positive(text: str, most: float = MOST) -> float:
    """A number over 0, to *most*."""
    if (value := limit(text, most)) == 0:
        raise ValueError(f"{text!r} is not more than 0")
    return value


def minutes(text: str) -> float:
    """Minutes, from 0 to a year of them."""
    return limit(text, MINUTES_A_YEAR)


def some_minutes(text: str) -> float:
    """Minutes, over 0 and to a year of them."""
    return positive(text, MINUTES_A_YEAR)


def seconds(text: str) -> float:
    """Seconds, from 0 to a day of them."""
    return limit(text, SECONDS_A_DAY)


def hours(text: str) -> float:
    """Hours of a month."""
    return limit(text, HOURS_A_MONTH)


def some_days(text: str) -> float:
    """Days, over 0 and to a million of them."""
    return positive(text, MOST_DAYS)


def a_week(text: str) -> float:
    """A number of times in a week, at most once a minute."""
    return limit(text, MOST_A_WEEK)


def share(text: str) -> float:
    """A share, from 0 to less than 1."""
    if (value := limit(text)) >= 1:
        raise ValueError(f"{text!r} is not a share from 0 to less than 1")
    return value


def part(text: str) -> float:
    """A share, over 0 and up to 1."""
    if (value := positive(text)) > 1:
        raise ValueError(f"{text!r} is not a share of up to 1")
    return value


def count(text: str) -> int:
    """A whole number over 0."""
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise ValueError(f"{text!r} is not a whole number over 0")
    return int(text)


def whole(text: str) -> int:
    """A whole number; the option checks its range."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text} is not a whole number") from None


def pair(text: str) -> tuple[str, str]:
    """A name and a value, such as those of a tag."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ValueError(f"{text!r} is not a tag, written NAME=VALUE")
    return name, value


def span(text: str) -> timedelta:
    """A span up to a day."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    span = timedelta(0)
    if match and float(match[1]) < 1e6:
        span = timedelta(seconds=float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]])
    if not timedelta(0) < span <= timedelta(days=1):
        raise ValueError(f"{text!r} is not a span up to a day, written 30s, 5m or 1h")
    return span


def names(text: str) -> list[str]:
    """Names, with commas between them."""
    return [name for name in re.split(r"[,\s]+", text) if name]


TEXT = Kind(_text)
TEXTS = TEXT.several()
PATH = Kind(path, "path")
DAY = Kind(day, "day")
LIMIT = Kind(limit, "number")
POSITIVE = Kind(positive, "number")
MINUTES = Kind(minutes, "number")
SOME_MINUTES = Kind(some_minutes, "number")
SECONDS = Kind(seconds, "number")
HOURS = Kind(hours, "number")
SOME_DAYS = Kind(some_days, "number")
A_WEEK = Kind(a_week, "number")
SHARE = Kind(share, "number")
PART = Kind(part, "number")
COUNT = Kind(count, "number")
WHOLE = Kind(whole, "number")
WHOLES = WHOLE.several()
PAIRS = Kind(pair, "pair", is_list=True)
SPAN = Kind(span)
NAMES = Kind(names, "names")
