"""Pass a day with a choice at each disconnect: to stop the WorkSpace, or leave it to its timeout.

Only where each run is rounded up (``ceil_per_run``) is this a question: there a stop between two
short sessions can cost an hour more than the wait for the second one. Under the other hour rules
a stop never adds to the hours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wsanalytics.backtesting.clairvoyant.states import LabelSet
from wsanalytics.billing import DailyUse
from wsanalytics.timeline import MICROS_PER_HOUR, MICROS_PER_MINUTE, Hours, Micros, cut

MOST_STOPS = 62
"""The most disconnects of a day that may be stopped at: they are the bits of one number."""
_STOP_USD = 1e-9
_NEVER = np.iinfo(np.int64).min // 4


class DisconnectStops:
    """The sessions of each day, cut at midnights, under one timeout."""

    def __init__(self, days: DailyUse, minutes: int) -> None:
        self.days, self.timeout = days, minutes * MICROS_PER_MINUTE
        pieces = cut(days.connects, days.disconnects, days.edges)
        owner, day = days.workspace[pieces.source], pieces.span
        group = owner * days.shape[1] + day
        first = np.ones(len(group), dtype=bool)
        first[1:] = group[1:] != group[:-1]
        # nth: the number of each piece in its group (a WorkSpace on a day), from 0.
        start = np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))
        nth = np.arange(len(group)) - start
        goes_on = np.zeros(len(group), dtype=bool)
        goes_on[:-1] = pieces.source[1:] == pieces.source[:-1]
        came_over = np.append(False, goes_on[:-1])[: len(group)]
        # By day, then by number, then by WorkSpace: so the n-th sessions of a day are adjacent, and
        # all WorkSpaces pass them together.
        order = np.lexsort((owner, nth, day))
        self._bounds = np.searchsorted(day[order], np.arange(days.shape[1] + 1))
        self._nth, self._owner = nth[order], owner[order]
        self._starts, self._stops = pieces.starts[order], pieces.stops[order]
        self._ends, self._came_over = ~goes_on[order], came_over[order]
        self.last_disconnect: Micros = np.full(len(days.ids), _NEVER, dtype=np.int64)
        self._day = 0

    def pass_day(
        self, day: int, off: LabelSet, on: LabelSet, rate: Hours, wait_usd: float
    ) -> tuple[LabelSet, LabelSet]:
        """Return the states in which a day ends that begins in *off* and *on*.

        *rate* is USD an hour.

        Days are passed in their order, each with the same sessions for all states; beside
        them only each user's last disconnect is carried along.
        """
        last_disconnect, midnight = self._last_disconnects(day), int(self.days.edges[day])
        since = np.full(len(rate), midnight, dtype=np.int64)
        is_connected = np.zeros(len(rate), dtype=bool)
        low, high = self._bounds[day], self._bounds[day + 1]
        # turn: the first sessions of all WorkSpaces, then the second ones. The arrays in the loop
        # have an entry a WorkSpace, zeros where it has no such session.
        for turn in range(int(self._nth[low:high].max(initial=-1)) + 1):
            rows = np.arange(low, high)[self._nth[low:high] == turn]
            who = self._owner[rows]
            begins, ends = np.zeros((2, len(rate)), dtype=np.int64)
            begins[who], ends[who] = self._starts[rows], self._stops[rows]
            has_session = np.zeros(len(rate), dtype=bool)
            has_session[who] = True
            came_over = np.zeros(len(rate), dtype=bool)
            came_over[who] = self._came_over[rows]
            session = _Session(has_session, begins, ends, since,
                               np.where(came_over, ends, last_disconnect + self.timeout))
            off, on = _connected(off, on, session, rate, wait_usd)
            leaves = has_session.copy()
            leaves[who] &= self._ends[rows]
            off = _stopped(off, on, leaves, turn)
            last_disconnect, since = (
                np.where(leaves, ends, last_disconnect),
                np.where(has_session, ends, since),
            )
            is_connected[who] = ~self._ends[rows]
        limit = np.where(is_connected, self.days.edges[day + 1], last_disconnect + self.timeout)
        return _idle(off, on, since, int(self.days.edges[day + 1]), limit, is_connected, rate)

    def _last_disconnects(self, day: int) -> Micros:
        """Return when each user last disconnected before a day."""
        if day < self._day:
            self.last_disconnect[:], self._day = _NEVER, 0
        rows = np.arange(self._bounds[self._day], self._bounds[day])
        np.maximum.at(self.last_disconnect, self._owner[rows], self._stops[rows])
        self._day = day
        return self.last_disconnect


def _more_hours(spare: npt.NDArray[np.int64], spent: npt.NDArray[np.int64]) -> npt.NDArray[
        np.int64]:
    """Return the hours to begin for *spent* microseconds, of which *spare* are prepaid."""
    hours: npt.NDArray[np.int64] = -(np.minimum(spare - spent, 0) // MICROS_PER_HOUR)
    return hours


@dataclass(frozen=True, slots=True, eq=False)
class _Session:
    """One session of each WorkSpace that has one (``has_session``).

    ``since`` is until when its hours are counted already, ``limit`` when its timeout runs out.
    """

    has_session: npt.NDArray[np.bool_]
    begins: Micros
    ends: Micros
    since: Micros
    limit: Micros


def _connected(
    off: LabelSet, on: LabelSet, session: _Session, rate: Hours, wait_usd: float
) -> tuple[LabelSet, LabelSet]:
    """Apply a session to the states: from off a new run, from on the same or a new one."""
    has_session, begins, ends = session.has_session, session.begins, session.ends
    since, limit = session.since, session.limit
    hours = _more_hours(np.zeros_like(begins), ends - begins)
    spare = hours * MICROS_PER_HOUR - (ends - begins)
    # From off: a new run, whose hours are rounded up; what they leave unused is the new slack.
    fresh = LabelSet(np.where(has_session, off.usd + hours * rate + wait_usd, np.inf), off.previous,
                np.broadcast_to(spare, off.slack.shape), off.stopped)
    # The timeout has not passed yet as the user comes back: the same run goes on.
    stays = limit > begins
    same = _more_hours(on.slack, ends - since)
    until_stop = _more_hours(on.slack, np.maximum(limit - since, 0))
    usd = np.where(stays, same * rate, (until_stop + hours) * rate + wait_usd)
    slack = np.where(stays, on.slack + same * MICROS_PER_HOUR - (ends - since), spare)
    going = LabelSet(np.where(has_session, on.usd + usd, on.usd), on.previous,
                np.where(has_session, slack, on.slack), on.stopped)
    return (LabelSet(np.where(has_session, np.inf, off.usd), off.previous, off.slack, off.stopped),
            going.union(fresh).undominated())


def _stopped(off: LabelSet, on: LabelSet, leaves: npt.NDArray[np.bool_], turn: int) -> LabelSet:
    """Return the states off, with those that are stopped as the user leaves."""
    if turn >= MOST_STOPS:
        return off
    # A tiny cost for a stop, so that of equally cheap ways the one with fewer stops wins.
    stops = LabelSet(
        np.where(leaves, on.usd + _STOP_USD, np.inf),
        on.previous,
        np.zeros_like(on.slack),
        on.stopped | np.int64(1 << turn),
    )
    return off.union(stops).cheapest()


def _idle(
    off: LabelSet,
    on: LabelSet,
    since: Micros,
    end: int,
    limit: Micros,
    is_connected: npt.NDArray[np.bool_],
    rate: Hours,
) -> tuple[LabelSet, LabelSet]:
    """Pass the time from the last session of the day to its end."""
    stays = is_connected | (limit > end)
    # A user who is connected at midnight: the hours of that session are counted on the next day.
    spent = np.where(is_connected, 0, np.maximum(np.minimum(limit, end) - since, 0))
    hours = _more_hours(on.slack, spent)
    total = on.usd + hours * rate
    stopped_labels = LabelSet(
        np.where(stays, np.inf, total), on.previous, np.zeros_like(on.slack), on.stopped
    )
    going = LabelSet(np.where(stays, total, np.inf), on.previous,
                on.slack + hours * MICROS_PER_HOUR - spent, on.stopped)
    return off.union(stopped_labels).cheapest(), going.undominated()
