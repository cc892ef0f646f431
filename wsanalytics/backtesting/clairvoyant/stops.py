"""A day with a choice at each disconnect: to stop the WorkSpace, or leave it to its timeout.

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
"""So many disconnects of a day may be stopped at; the bits of a number tell of them."""
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
        start = np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))
        nth = np.arange(len(group)) - start
        goes_on = np.zeros(len(group), dtype=bool)
        goes_on[:-1] = pieces.source[1:] == pieces.source[:-1]
        came_over = np.append(False, goes_on[:-1])[: len(group)]
        order = np.lexsort((owner, nth, day))
        self._bounds = np.searchsorted(day[order], np.arange(days.shape[1] + 1))
        self._nth, self._owner = nth[order], owner[order]
        self._starts, self._stops = pieces.starts[order], pieces.stops[order]
        self._ends, self._came_over = ~goes_on[order], came_over[order]
        self.left: Micros = np.full(len(days.ids), _NEVER, dtype=np.int64)
        self._day = 0

    def pass_day(
        self, day: int, off: LabelSet, on: LabelSet, rate: Hours, wait_usd: float
    ) -> tuple[LabelSet, LabelSet]:
        """The states in which a day ends that begins in *off* and *on*; *rate* is USD an hour.

        Days are passed in their order, each with the same sessions for all states: what is kept
        beside them is when each user left last.
        """
        left, midnight = self._left_before(day), int(self.days.edges[day])
        since = np.full(len(rate), midnight, dtype=np.int64)
        there = np.zeros(len(rate), dtype=bool)
        low, high = self._bounds[day], self._bounds[day + 1]
        for turn in range(int(self._nth[low:high].max(initial=-1)) + 1):
            rows = np.arange(low, high)[self._nth[low:high] == turn]
            who = self._owner[rows]
            begins, ends = np.zeros((2, len(rate)), dtype=np.int64)
            begins[who], ends[who] = self._starts[rows], self._stops[rows]
            mine = np.zeros(len(rate), dtype=bool)
            mine[who] = True
            over = np.zeros(len(rate), dtype=bool)
            over[who] = self._came_over[rows]
            session = _Session(mine, begins, ends, since,
                               np.where(over, ends, left + self.timeout))
            off, on = _connected(off, on, session, rate, wait_usd)
            leaves = mine.copy()
            leaves[who] &= self._ends[rows]
            off = _stopped(off, on, leaves, turn)
            left, since = np.where(leaves, ends, left), np.where(mine, ends, since)
            there[who] = ~self._ends[rows]
        limit = np.where(there, self.days.edges[day + 1], left + self.timeout)
        return _idle(off, on, since, int(self.days.edges[day + 1]), limit, there, rate)

    def _left_before(self, day: int) -> Micros:
        """When each user left last before a day."""
        if day < self._day:
            self.left[:], self._day = _NEVER, 0
        rows = np.arange(self._bounds[self._day], self._bounds[day])
        np.maximum.at(self.left, self._owner[rows], self._stops[rows])
        self._day = day
        return self.left


def _more_hours(spare: npt.NDArray[np.int64], spent: npt.NDArray[np.int64]) -> npt.NDArray[
        np.int64]:
    """The hours that must be begun for *spent* microseconds, so many of which are to *spare*."""
    hours: npt.NDArray[np.int64] = -(np.minimum(spare - spent, 0) // MICROS_PER_HOUR)
    return hours


@dataclass(frozen=True, slots=True, eq=False)
class _Session:
    """One session of each WorkSpace that has one (``mine``).

    ``since`` is until when its hours are counted already, ``limit`` when its timeout runs out.
    """

    mine: npt.NDArray[np.bool_]
    begins: Micros
    ends: Micros
    since: Micros
    limit: Micros


def _connected(
    off: LabelSet, on: LabelSet, session: _Session, rate: Hours, wait_usd: float
) -> tuple[LabelSet, LabelSet]:
    """What a session makes of the states: from off a new run, from on the same or a new one."""
    mine, begins, ends = session.mine, session.begins, session.ends
    since, limit = session.since, session.limit
    hours = _more_hours(np.zeros_like(begins), ends - begins)
    spare = hours * MICROS_PER_HOUR - (ends - begins)
    fresh = LabelSet(np.where(mine, off.usd + hours * rate + wait_usd, np.inf), off.came,
                np.broadcast_to(spare, off.slack.shape), off.stopped)
    stays = limit > begins
    same = _more_hours(on.slack, ends - since)
    ended = _more_hours(on.slack, np.maximum(limit - since, 0))
    usd = np.where(stays, same * rate, (ended + hours) * rate + wait_usd)
    slack = np.where(stays, on.slack + same * MICROS_PER_HOUR - (ends - since), spare)
    going = LabelSet(np.where(mine, on.usd + usd, on.usd), on.came,
                np.where(mine, slack, on.slack), on.stopped)
    return (LabelSet(np.where(mine, np.inf, off.usd), off.came, off.slack, off.stopped),
            going.union(fresh).undominated())


def _stopped(off: LabelSet, on: LabelSet, leaves: npt.NDArray[np.bool_], turn: int) -> LabelSet:
    """The states off, those among them that are stopped as the user leaves."""
    if turn >= MOST_STOPS:
        return off
    stops = LabelSet(np.where(leaves, on.usd + _STOP_USD, np.inf), on.came, np.zeros_like(on.slack),
                on.stopped | np.int64(1 << turn))
    return off.union(stops).cheapest()


def _idle(
    off: LabelSet,
    on: LabelSet,
    since: Micros,
    end: int,
    limit: Micros,
    there: npt.NDArray[np.bool_],
    rate: Hours,
) -> tuple[LabelSet, LabelSet]:
    """From the last session of the day to its end."""
    stays = there | (limit > end)
    spent = np.where(there, 0, np.maximum(np.minimum(limit, end) - since, 0))
    hours = _more_hours(on.slack, spent)
    total = on.usd + hours * rate
    left = LabelSet(np.where(stays, np.inf, total), on.came, np.zeros_like(on.slack), on.stopped)
    going = LabelSet(np.where(stays, total, np.inf), on.came,
                on.slack + hours * MICROS_PER_HOUR - spent, on.stopped)
    return off.union(left).cheapest(), going.undominated()
