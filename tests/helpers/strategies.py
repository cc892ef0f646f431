"""What hypothesis draws: fleets of sessions, windows and settings that look for trouble.

Sessions never overlap, but they touch, stay away for exactly a timeout or one unit of time more
or less, cross midnights, month ends, year ends and 29 February, stick out of the window on
either side and go on for days. *unit* is the resolution of all instants.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from wsanalytics.timeline import Window

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
Session = tuple[datetime, datetime]

TURNS = [
    datetime(2026, 1, 1, tzinfo=UTC),  # a year's end
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),  # after a February of 28 days
    datetime(2026, 4, 1, tzinfo=UTC),
    datetime(2026, 5, 1, tzinfo=UTC),
]
"""Instants at which calendars go wrong; windows are laid around them."""

timeouts = st.sampled_from([60, 120, 180, 240, 480, 1440, 2880]) | st.integers(1, 48).map(
    lambda hours: hours * 60
)
"""AutoStop timeouts in minutes, 60 to 2880."""


def grids(always_on: bool = True) -> st.SearchStrategy[list[str]]:
    """Lists of settings as text, sometimes with ALWAYS_ON among them."""
    names = st.lists(timeouts.map("AUTO_STOP:{}".format), min_size=1, max_size=3, unique=True)
    if always_on:
        return st.tuples(names, st.booleans()).map(lambda d: d[0] + ["ALWAYS_ON"] * d[1])
    return names


@st.composite
def windows(draw: st.DrawFn, *, unit: timedelta = MINUTE, longest_days: int = 9) -> Window:
    """Windows of whole days or with ends at any time, mostly across a turn of the calendar."""
    start = draw(st.sampled_from(TURNS)) - draw(st.integers(0, longest_days)) * DAY
    end = start + draw(st.integers(1, longest_days)) * DAY
    if draw(st.booleans()):
        start += unit * draw(st.integers(0, DAY // unit - 1))
        end += unit * draw(st.integers(0, DAY // unit - 1))
    if end <= start:
        end = start + unit * draw(st.integers(1, 90 * MINUTE // unit))
    return Window(start, end)


@st.composite
def lives(
    draw: st.DrawFn, window: Window, *, unit: timedelta = MINUTE, most: int = 9
) -> list[Session]:
    """The sessions of one WorkSpace around *window*, in order and not overlapping."""
    now = window.start + draw(st.sampled_from([-3 * DAY, -1 * DAY, 0 * DAY])) + unit * draw(
        st.integers(0, DAY // unit)
    )
    sessions = []
    for _ in range(draw(st.integers(0, most))):
        start = now + draw(_silences(unit))
        if draw(st.integers(0, 5)) == 0:
            start = _next_midnight(start)
        end = start + draw(_lengths(unit))
        if draw(st.integers(0, 7)) == 0:
            end = _next_midnight(end)
        sessions.append((start, end))
        now = end
    return sessions


@st.composite
def fleets(
    draw: st.DrawFn, window: Window, *, unit: timedelta = MINUTE, largest: int = 3
) -> dict[str, list[Session]]:
    """The sessions of several WorkSpaces, by id; some have none."""
    count = draw(st.integers(1, largest))
    return {f"ws-{letter}": draw(lives(window, unit=unit)) for letter in "abcdef"[:count]}


def _silences(unit: timedelta) -> st.SearchStrategy[timedelta]:
    near_a_timeout = st.tuples(timeouts, st.sampled_from([-1, 0, 1])).map(
        lambda drawn: drawn[0] * MINUTE + drawn[1] * unit
    )
    return (
        st.just(timedelta(0))
        | near_a_timeout
        | st.integers(0, 5 * 60 * MINUTE // unit).map(lambda count: count * unit)
        | st.integers(0, 4).map(lambda days: days * DAY)
    )


def _lengths(unit: timedelta) -> st.SearchStrategy[timedelta]:
    return (
        st.just(unit)
        | st.integers(1, 60).map(lambda count: count * MINUTE)
        | st.integers(1, 9 * 60 * MINUTE // unit).map(lambda count: count * unit)
        | st.integers(1, 4).map(lambda days: days * DAY)
    )


def _next_midnight(instant: datetime) -> datetime:
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == instant else midnight + DAY


@st.composite
def commands(
    draw: st.DrawFn, sessions: list[Session], window: Window, *, unit: timedelta = MINUTE
) -> list[tuple[datetime, str, str | None]]:
    """What somebody tells a WorkSpace: (instant, START / STOP / SET, setting), in order.

    Mostly at the instants that matter: where a session begins or ends, or a timeout after that.
    """
    hours = [timedelta(hours=n) for n in (0, 1, 2)]
    moments = [edge + hour for pair in sessions for edge in pair for hour in hours]
    moments += [window.start, window.end, window.end - unit]
    told = []
    for _ in range(draw(st.integers(0, 7))):
        off = draw(st.sampled_from([0, 0, 0, -1, 1, 30, -30]))
        at = draw(st.sampled_from(moments)) + unit * off
        what = draw(st.sampled_from(["START", "STOP", "SET", "SET"]))
        setting = draw(st.sampled_from(["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120"]))
        told.append((at, what, setting if what == "SET" else None))
    ranks = {"SET": 0, "STOP": 1, "START": 2}
    return sorted(told, key=lambda order: (order[0], ranks[order[1]]))
