"""Convert CloudWatch's figures about a WorkSpace to samples, as if it had been polled.

``UserConnected`` says for each five minutes whether a user was connected at any time in them, so a
session that lies in several of them was going on at every edge between two. A sample is made at
each edge between two known periods: connected if both of them say so. Its sessions come out
unbiased, their ends within half a period. A session within a single period has no such edge; it
is given one sample in the middle, and the edges beside it are left out.

Where neither metric has a value nothing was published: no sample. Where only ``Stopped`` has one
the WorkSpace was stopped, which is known and not connected.

``Stopped`` (its minimum: 0 if the WorkSpace ran at any time in the period) says as much of the
state: a sample is AVAILABLE where the WorkSpace ran in both periods beside it, STOPPED where it
did not in one of them, and has no state where AWS published nothing of it. As periods begin with
the clock's hours, a run that is made of such samples touches the hours that the true one touched.

Hourly figures (all that is left after 63 days) say how many of an hour's periods were connected,
not which: average times number of values. They are laid to the side of the hour at which the
neighbouring hour was connected as well. The hourly maximum would call a whole hour connected for
one minute's visit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.tables import SAMPLES, Source
from wsanalytics.timeline import MICROS_PER_SECOND, instants

PERIOD, HOUR = 300, 3600
PERIODS_PER_HOUR = HOUR // PERIOD
FINE, HOURLY = Source.CLOUDWATCH, Source.CLOUDWATCH_HOURLY
"""The ``source`` of samples from metrics: by five minutes, and by the hour."""
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """The five-minute periods of one WorkSpace, an entry each.

    They begin at ``start``, in epoch seconds.
    """

    start: int
    known: Flags
    connected: Flags
    stopped: Flags
    on: Flags
    """Whether the WorkSpace ran at any time of the period, as far as that was published."""

    @property
    def first_known(self) -> int | None:
        """The start, in epoch seconds, of the first period with any value."""
        indices = np.flatnonzero(self.known)
        return self.start + PERIOD * int(indices[0]) if indices.size else None


def fine_periods(
    start: int, count: int, user_connected: tuple[Counts, npt.NDArray[np.float64]],
    stopped: tuple[Counts, npt.NDArray[np.float64]],
) -> Periods:
    """Make periods from five-minute values: pairs of instants (epoch seconds) and statistics.

    Of *user_connected* the maxima, of *stopped* the minima.
    """
    connected, is_known = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    is_stopped, is_on = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    for (at, values), flags in ((user_connected, connected), (stopped, is_stopped)):
        # index: the period of each value; CloudWatch may answer with values beside the time asked
        # for.
        index = (at - start) // PERIOD
        inside = (index >= 0) & (index < count)
        is_known[index[inside]] = True
        flags[index[inside]] = values[inside] > 0
        # The minimum of Stopped is 0 where the WorkSpace ran at any time of the five minutes.
        if flags is is_stopped:
            is_on[index[inside]] = values[inside] <= 0
    # A connected user proves that it ran, whatever Stopped says of the same five minutes.
    return Periods(start, is_known, connected, is_stopped & ~connected, is_on | connected)


def hourly_periods(
    start: int, hours: int, average: tuple[Counts, npt.NDArray[np.float64]],
    sample_count: tuple[Counts, npt.NDArray[np.float64]],
    stopped: tuple[Counts, npt.NDArray[np.float64]],
) -> Periods:
    """Make periods from hourly values of UserConnected (average, number) and Stopped (average)."""
    means, numbers, off = (np.zeros(hours) for _ in range(3))
    is_known = np.zeros(hours, dtype=bool)
    for (at, values), target in ((average, means), (sample_count, numbers), (stopped, off)):
        index = (at - start) // HOUR
        inside = (index >= 0) & (index < hours)
        is_known[index[inside]] = True
        target[index[inside]] = values[inside]
    # UserConnected is 0 or 1 in each period, so average times number of values is the connected
    # count.
    counts = np.clip(np.rint(means * numbers), 0, PERIODS_PER_HOUR).astype(np.int64)
    connected = _place_within_hour(counts)
    # From hours to periods: each of the twelve periods inherits what is known of its hour.
    each = np.repeat(is_known, PERIODS_PER_HOUR)
    is_off = np.repeat(off >= 0.5, PERIODS_PER_HOUR) & ~connected
    return Periods(start, each, connected, is_off, each & ~is_off)


def _place_within_hour(counts: Counts) -> Flags:
    """Choose which of an hour's twelve periods were connected, given only how many were.

    A person who was there in the hour before or after most likely was so without a break, so the
    connected periods are placed at that side of the hour; with both neighbours half at either
    side, with none in the middle. *counts* has an entry an hour, what is given one a period.
    """
    before = np.append(0, counts[:-1])[: len(counts)] > 0  # the hour before has somebody
    after = np.append(counts[1:], 0)[: len(counts)] > 0
    alone = ~before & ~after
    # Periods [first, behind) at the hour's beginning (or in its middle), and the last *tail* ones.
    first = np.where(alone, (PERIODS_PER_HOUR - counts) // 2, 0)
    behind = np.select(
        [before & after, before, after], [(counts + 1) // 2, counts, 0],
        default=(PERIODS_PER_HOUR + counts) // 2,
    )
    tail = np.where(after, counts - np.where(before, behind, 0), 0)
    period = np.arange(PERIODS_PER_HOUR)[None, :]  # hours x periods, once broadcast
    connected = (period >= first[:, None]) & (period < behind[:, None])
    connected |= period >= (PERIODS_PER_HOUR - tail)[:, None]
    flags: Flags = (connected & (counts > 0)[:, None]).ravel()
    return flags


def samples_of(workspace_id: str, periods: Periods, source: str) -> pd.DataFrame:
    """Give the ``samples`` that stand for these periods of one WorkSpace."""
    is_known, connected = periods.known, periods.connected
    # A period on each side, so that the first and the last have neighbours: nobody is there.
    padded = np.concatenate([[False], connected, [False]])
    # alone: connected in this period and in neither neighbour; such a session touches no edge.
    alone = connected & ~padded[:-2] & ~padded[2:]
    near = np.concatenate([[False], alone, [False]])
    # between: a free period between two that are alone, which would be lost with its two edges.
    between = ~connected & is_known & near[:-2] & near[2:]
    edge = is_known[1:] & is_known[:-1] & ~alone[1:] & ~alone[:-1]
    edges = np.flatnonzero(edge) + 1  # edge n lies between periods n - 1 and n
    middles = np.flatnonzero(alone | between)
    # Instants in epoch seconds: the edges, then the middles of single periods; sorted only below.
    at = np.concatenate([edges * PERIOD, middles * PERIOD + PERIOD // 2]) + periods.start
    is_on = np.concatenate([connected[edges] & connected[edges - 1], alone[middles]])
    after = np.concatenate([edges, middles])
    before = np.concatenate([edges - 1, middles])  # an edge lies between two periods
    # Off if either neighbour was stopped; on only if it ran in both.
    is_off = periods.stopped[after] & ~is_on
    ran, stood = periods.on[after] & periods.on[before], is_off | periods.stopped[before]
    order = np.argsort(at)
    states = np.where(is_on, 0, np.where(is_off, 2, 1))[order]
    ran_code = np.select([is_on | ran, stood], [0, 1], default=2)[order]
    size = len(order)
    frame = pd.DataFrame({
        "workspace_id": _constant(workspace_id, size),
        "sampled_at": instants(at[order] * MICROS_PER_SECOND),
        "connection_state": pd.Categorical.from_codes(
            states, categories=pd.Index(["CONNECTED", "DISCONNECTED", "UNKNOWN"], dtype="str")),
        "state": pd.Categorical.from_codes(
            ran_code.astype(np.int8),
            categories=pd.Index(["AVAILABLE", "STOPPED", ""], dtype="str")),
        "last_connected_at": instants(np.full(size, np.iinfo(np.int64).min)),
        "checked_at": instants(at[order] * MICROS_PER_SECOND),
        "source": _constant(source, size),
    })
    return frame[list(SAMPLES.names)]


def _constant(text: str, size: int) -> pd.Categorical:
    return pd.Categorical.from_codes(
        np.zeros(size, dtype=np.int8), categories=pd.Index([text], dtype="str"))


def compare_with_samples(periods: Periods, at: Counts, connected: Flags) -> tuple[int, Counts]:
    """Count the samples (epoch seconds, connected or not) that can be compared with the periods.

    Also return the positions of those that disagree: connected in a period that nobody was
    connected in, or not connected though the periods before, around and after it all were.
    """
    size = len(periods.known)
    index = (at - periods.start) // PERIOD
    # The first and the last period lack a neighbour to compare with.
    inside = (index >= 1) & (index < size - 1)
    inside[inside] = periods.known[index[inside]]
    where = np.flatnonzero(inside)
    middle = index[where]
    # A sample next to a session's end may rightly differ, so free samples count only deep in a
    # session.
    busy = (periods.connected[middle - 1] & periods.connected[middle]
            & periods.connected[middle + 1])
    wrong = np.where(connected[where], ~periods.connected[middle], busy)
    return len(where), where[wrong]
