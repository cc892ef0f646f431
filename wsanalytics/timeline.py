"""Time as the bill sees it: UTC, half-open, cut at 00:00 on the first of each month.

Amazon WorkSpaces' billing month turns at 00:00 UTC on the 1st (AWS moved it from Pacific time
to UTC in April 2020). Inside the package an instant in a flat array is a number of microseconds
since 1970-01-01T00:00:00Z in an ``int64``; in frames it is a UTC-aware timestamp of that same
resolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.errors import InputError

Hours = npt.NDArray[np.float64]

Amounts = npt.NDArray[np.float64]

Micros = npt.NDArray[np.int64]
"""Instants as microseconds since 1970-01-01T00:00:00Z."""

MICROS_PER_SECOND = 1_000_000
MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND
MICROS_PER_HOUR = 3600 * MICROS_PER_SECOND
MICROS_PER_DAY = 24 * MICROS_PER_HOUR
INSTANT_DTYPE = "datetime64[us, UTC]"
"""The dtype of every column that holds instants."""

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Instants lie between these: Amazon WorkSpaces began in 2014, and a slip of unit or century in
a file should not pass for a date."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> int:
    """Microseconds since the epoch of one aware instant."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the aware UTC instant of a number of microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=int(micros))


def column_micros(column: pd.Series) -> Micros:
    """Return a frame's column of aware instants as microseconds since the epoch.

    NaT is the least int.
    """
    naive_utc = pd.Series(column, dtype=INSTANT_DTYPE).dt.tz_localize(None)
    micros: Micros = naive_utc.to_numpy().view(np.int64)
    return micros


def coded(
    codes: npt.NDArray[np.integer], names: Sequence[str], *, ordered: bool = False
) -> pd.Categorical:
    """Return a text column of few distinct *names*, stored as *codes*.

    Cheap in frames of millions.
    """
    return pd.Categorical.from_codes(
        codes.astype(np.int64), categories=pd.Index(list(names), dtype="str"), ordered=ordered
    )


def clipped(column: pd.Series, window: Window) -> pd.Series:
    """Return a column of instants, those outside *window* moved to its nearer end."""
    low, high = pd.Timestamp(window.start), pd.Timestamp(window.end)
    return column.mask(column < low, low).mask(column > high, high)


def instants(micros: Micros) -> pd.DatetimeIndex:
    """Return a flat array of microseconds as UTC-aware timestamps for a frame."""
    return pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")


def weekday_of(days: Micros) -> Micros:
    """Give the weekday of days that are numbered from 1970-01-01, a Thursday; Monday is 0.

    >>> weekday_of(np.array([0, 4]))
    array([3, 0])
    """
    return (days + 3) % 7


def months_later(at: date, count: int) -> datetime:
    """00:00 UTC of the 1st of the month that is *count* months after that of *at*.

    >>> months_later(datetime(2026, 11, 26, tzinfo=UTC), 2).isoformat()
    '2027-01-01T00:00:00+00:00'
    """
    number = at.month - 1 + count
    return datetime(at.year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def on_clock(at: Micros, zone: ZoneInfo) -> Micros:
    """Return what the clock in *zone* shows, in microseconds since it showed 1970-01-01T00:00."""
    shown: Micros = instants(at).tz_convert(zone).tz_localize(None).to_numpy().view(np.int64)
    return shown


@dataclass(frozen=True, slots=True)
class Window:
    """The interval of time that is studied: ``[start, end)``, both UTC-aware.

    Raises :class:`InputError` when an end is naive or not after the start.

    >>> window = Window.of_days(date(2026, 2, 1), date(2026, 3, 1))
    >>> window.days
    28.0
    >>> print(window)
    2026-02-01 to 2026-03-01 (28 days, the end excluded)
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, at in (("start", self.start), ("end", self.end)):
            if at.tzinfo is None:
                raise InputError(
                    f"{name} {at.isoformat()} has no time zone",
                    where="Window",
                    rule="instants are UTC-aware",
                    fix="give it tzinfo=UTC",
                )
            if not EARLIEST <= at <= LATEST:
                raise InputError(
                    f"{name} {at.isoformat()} is out of reach",
                    where="the window",
                    rule="a window lies between the years 2000 and 2100",
                    fix="correct the year",
                )
        if not self.start < self.end:
            raise InputError(
                f"end {self.end:%Y-%m-%d} is not after start {self.start:%Y-%m-%d}",
                where="the window",
                rule="a window runs from its start to its end, the end excluded",
                fix="give an end later than the start",
            )

    @classmethod
    def of_days(cls, start: date, end: date) -> Window:
        """Return the window of whole UTC days from *start* to *end*, the end excluded."""
        return cls(
            datetime.combine(start, time(), tzinfo=UTC), datetime.combine(end, time(), tzinfo=UTC)
        )

    @classmethod
    def around(cls, first: datetime, last: datetime) -> Window:
        """Return the whole UTC days that the instants from *first* to *last* touch."""
        start = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        end = last.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if end < last or end == start:
            end += timedelta(days=1)
        return cls(start, end)

    @property
    def micros(self) -> tuple[int, int]:
        """Start and end in microseconds since the epoch."""
        return to_micros(self.start), to_micros(self.end)

    @property
    def days(self) -> float:
        """The length of the window in days."""
        return (self.end - self.start) / timedelta(days=1)

    @property
    def weeks(self) -> float:
        """The length of the window in weeks."""
        return self.days / 7

    def __str__(self) -> str:
        whole = self.start.time() == time() and self.end.time() == time()
        form = "%Y-%m-%d" if whole else "%Y-%m-%dT%H:%MZ"
        return (
            f"{self.start:{form}} to {self.end:{form}} "
            f"({self.days:g} day{'' if self.days == 1 else 's'}, the end excluded)"
        )

    def __repr__(self) -> str:
        return f"<Window {self}>"


@dataclass(frozen=True, slots=True)
class Months:
    """The UTC months that a window touches, as flat arrays of one entry a month.

    ``edges`` are the months' first instants and the end of the last one; ``days`` how many days
    each month has; ``covered`` the share of each month that the window covers (1.0 for a whole
    one); ``labels`` are ``YYYY-MM``.
    """

    edges: Micros
    days: npt.NDArray[np.float64]
    covered: npt.NDArray[np.float64]
    labels: tuple[str, ...]


def months_of(window: Window) -> Months:
    """Return the months that *window* touches.

    >>> months = months_of(Window.of_days(date(2026, 1, 17), date(2026, 3, 1)))
    >>> months.labels, months.days.tolist(), months.covered.round(4).tolist()
    (('2026-01', '2026-02'), [31.0, 28.0], [0.4839, 1.0])
    """
    start, end = window.micros
    first = np.datetime64(start, "us").astype("datetime64[M]")
    last = np.datetime64(end - 1, "us").astype("datetime64[M]")
    # One more than the months touched: its first instant is the end of the last one.
    months = np.arange(first, last + 2)
    edges = months.astype("datetime64[us]").astype(np.int64)
    lengths = np.diff(edges)
    covered = (np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)) / lengths
    return Months(edges, lengths / MICROS_PER_DAY, covered, tuple(str(m) for m in months[:-1]))


def week_edges(window: Window) -> Micros:
    """Cut the window into intervals of seven days from its start; the last may be shorter."""
    start, end = window.micros
    return np.append(np.arange(start, end, 7 * MICROS_PER_DAY, dtype=np.int64), np.int64(end))


@dataclass(frozen=True, slots=True)
class Pieces:
    """Intervals cut at edges: ``source`` is the row of each, ``span`` the span it lies in."""

    source: npt.NDArray[np.int64]
    span: npt.NDArray[np.int64]
    starts: Micros
    stops: Micros


def cut(starts: Micros, stops: Micros, edges: Micros) -> Pieces:
    """Cut the half-open intervals ``[starts, stops)`` at *edges*, in the order they came.

    *edges* are ascending; span *k* runs from edge *k* to edge *k + 1*. What lies outside all
    spans is left out. An interval that crosses an edge becomes one piece on each side of it.
    """
    low = np.maximum(starts, edges[0])
    high = np.minimum(stops, edges[-1])
    inside = low < high
    rows = np.flatnonzero(inside)
    low, high = low[rows], high[rows]
    # The spans of each interval's first and last instant; its end is excluded, hence "left".
    first = np.searchsorted(edges, low, side="right") - 1
    last = np.searchsorted(edges, high, side="left") - 1
    count = last - first + 1
    source = np.repeat(np.arange(len(rows)), count)
    # ahead: the number of each piece in its interval, from 0: the running number of the piece less
    # that of its interval's first one.
    ahead = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
    span = first[source] + ahead
    return Pieces(
        rows[source],
        span,
        np.maximum(low[source], edges[span]),
        np.minimum(high[source], edges[span + 1]),
    )


def whole_days(first: datetime, last: datetime) -> Window:
    """Return the UTC days wholly between two samples; where there is none, those they touch.

    A sample in the first or the last ten minutes of a day covers that day to its edge.
    """
    slack = timedelta(minutes=10)
    start = (first + timedelta(days=1) - slack).astimezone(UTC).date()
    end = (last + slack).astimezone(UTC).date()
    return Window.of_days(start, end) if start < end else Window.around(first, last)
