"""Find the cheapest sequence of settings by label-setting dynamic programming over days.

At each midnight a WorkSpace is in one of few states: is the rest of the month prepaid, and is it
switched on, with how many minutes of a billed hour to spare. For every state the least cost up to
then is stored, and the decision that led there; the cheapest way is read off backwards. All
WorkSpaces go through the days together.

What an extra minute of running costs depends on the hour rule only through the *slack*: the rest
of an hour that is paid already (``ceil_per_run``). A state with no less slack that cost no more
dominates another one, so few labels remain, and none that could win is lost. Under AWS's own
tool's count hours depend on sessions alone, and the state is the timeout of the day before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from wsanalytics.backtesting.clairvoyant.day_options import DayOptions, day_runs, tool_runs
from wsanalytics.backtesting.clairvoyant.states import Flags, LabelSet
from wsanalytics.backtesting.clairvoyant.stops import DisconnectStops
from wsanalytics.billing import DailyUse, HourRule
from wsanalytics.timeline import MICROS_PER_HOUR, Hours

ALWAYS_ON = -1
"""The decision for ALWAYS_ON, where the others are positions in the list of timeouts."""
_SWITCH_USD = 1e-7
"""The weight of a change beside money, so that of equally cheap ways the quietest is taken."""
_WAIT_USD = 1e-9
"""The weight of a cold start beside money, so that of equally cheap ways users wait least."""


@dataclass(frozen=True, slots=True, eq=False)
class DayCosts:
    """The costs on each day (columns) for each WorkSpace (rows); amounts in USD.

    ``opens`` marks the days on which a month opens; ``always_on`` and ``auto_stop`` are its fee
    then; ``conversion`` is what turning ALWAYS_ON adds on another day; ``maintenance`` is what is
    billed on a day for maintenance in AUTO_STOP; ``hourly`` the rate, an entry a WorkSpace.
    ``allowed`` marks the timeouts (rows) that each WorkSpace (columns) may have;
    ``unborn`` the days on which nothing can change, as the WorkSpace is yet to be created.
    """

    opens: Flags
    always_on: Hours
    auto_stop: Hours
    conversion: Hours
    maintenance: Hours
    hourly: Hours
    allowed: Flags
    unborn: Flags


def cheapest(
    days: DailyUse, timeouts: Sequence[int], costs: DayCosts, present: npt.NDArray[np.int64], *,
    stops: bool = False,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the cheapest decisions by WorkSpace and day: positions in *timeouts*, or ALWAYS_ON.

    *present* is what each WorkSpace is set to before the first day. With *stops* it may also be
    stopped at its disconnects; the second array has the disconnects of each day as
    bits, the first one in the lowest bit (0: none).
    """
    disconnect_stops: list[DisconnectStops] = []
    if days.rule is HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT:  # a stop changes nothing
        runs = [tool_runs(days, minutes) for minutes in timeouts]
    elif stops and days.rule is not HourRule.CEIL_PER_RUN:  # no stop costs anything
        runs = [day_runs(days, minutes, stops=True) for minutes in timeouts]
    else:
        runs = [day_runs(days, minutes) for minutes in timeouts]
        disconnect_stops = [DisconnectStops(days, minutes) for minutes in timeouts] if stops else []
    search = _Search(costs, runs, present, disconnect_stops)
    for day in range(days.shape[1]):
        search.pass_day(day)
    chosen, stopped = search.decisions()
    if stops and not disconnect_stops and runs[0].last_hour is None:
        stopped = np.where(chosen == ALWAYS_ON, 0, -1)
    return chosen, stopped


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """The labels (rows) of all WorkSpaces (columns) at a midnight, with their least cost.

    ``previous`` is the row of the midnight before from which each was reached; ``slack`` is in
    microseconds. An entry a row: ``kind``, the latest decision; ``paid``, whether the rest of the
    month is paid for; ``on``, whether it is switched on.
    """

    usd: Hours
    previous: npt.NDArray[np.int16]
    slack: npt.NDArray[np.int64]
    stopped: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    paid: Flags
    on: Flags

    @classmethod
    def of(cls, parts: Sequence[tuple[LabelSet, int, bool, bool]]) -> _Labels:
        """Stack all *parts*, each with its kind, and whether it is paid and on."""
        # An entry a row for kind, paid and on: each part's value, repeated for all of its labels.
        counts = [len(label_set.usd) for label_set, *_ in parts]
        kind, paid, on = (np.repeat([part[field_number] for part in parts], counts)
                          for field_number in (1, 2, 3))
        label_set = [part[0] for part in parts]
        return cls(np.concatenate([each.usd for each in label_set]),
                   np.concatenate([each.previous for each in label_set]),
                   np.concatenate([each.slack for each in label_set]),
                   np.concatenate([each.stopped for each in label_set]), kind, paid, on)

    def rows(self, chosen: Flags, extra: Hours) -> LabelSet:
        """Return the *chosen* rows, *extra* (as many rows) on top of their cost."""
        rows = np.flatnonzero(chosen)
        usd = self.usd[rows] + extra[rows]
        previous = np.broadcast_to(rows[:, None].astype(np.int16), usd.shape)
        return LabelSet(usd, previous, self.slack[rows], np.zeros(usd.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """The part of a passed day that is needed to trace the way back."""

    kind: npt.NDArray[np.int64]
    previous: npt.NDArray[np.int16]
    stopped: npt.NDArray[np.int64] | None


class _Search:
    """The forward pass: the least costs of all states at one midnight after another."""

    def __init__(
        self, costs: DayCosts, runs: list[DayOptions], present: npt.NDArray[np.int64],
        disconnect_stops: list[DisconnectStops],
    ) -> None:
        self.costs, self.runs, self.last = costs, runs, len(runs)
        self.disconnect_stops = disconnect_stops
        size = len(costs.hourly)
        # Before the first day: one label for each kind, at no cost for the WorkSpaces that are set
        # to it.
        at = np.where(present == ALWAYS_ON, self.last, present)
        starts = []
        for kind in range(self.last + 1):
            usd = np.where(at == kind, 0.0, np.inf)[None, :]
            starts.append((replace(LabelSet.none(size), usd=usd), kind, True, False))
        self.labels = _Labels.of(starts)
        self.history: list[_Step] = []

    def pass_day(self, day: int) -> None:
        """Decide at the midnight with which *day* begins, and let it pass."""
        parts: list[tuple[LabelSet, int, bool, bool]] = []
        for kind in range(self.last + 1):
            parts += self._always_on(day) if kind == self.last else self._auto_stop(kind, day)
        # States that no WorkSpace can be in would only grow the tables of the coming days.
        parts = [part for part in parts if np.isfinite(part[0].usd).any()]
        self.labels = _Labels.of(parts)
        some = self.labels
        self.history.append(
            _Step(some.kind, some.previous, some.stopped if self.disconnect_stops else None)
        )

    def _always_on(self, day: int) -> list[tuple[LabelSet, int, bool, bool]]:
        labels, costs = self.labels, self.costs
        extra = self._switching(self.last, day)
        if costs.opens[day]:
            extra = extra + costs.always_on[:, day]
        else:
            converts = np.flatnonzero(~labels.paid)
            extra[converts] += costs.conversion[:, day]
            # AWS's own tool counts the hour from 23:00 UTC a day late: a switch at midnight still
            # owes it.
            for row in converts:
                hours = self.runs[labels.kind[row]].last_hour
                if hours is not None:
                    extra[row] += hours[:, day - 1] * costs.hourly
        cheapest_label = labels.rows(np.ones(len(labels.kind), dtype=bool), extra).cheapest()
        return [(cheapest_label, self.last, True, True)]

    def _auto_stop(self, kind: int, day: int) -> list[tuple[LabelSet, int, bool, bool]]:
        labels, costs = self.labels, self.costs
        extra = self._switching(kind, day) + np.where(costs.allowed[kind], 0.0, np.inf)
        if costs.opens[day]:
            extra = extra + costs.auto_stop[:, day]
            off = labels.rows(~labels.on, extra)
            on = labels.rows(labels.on, extra)
            return self._metered(
                kind,
                day,
                [state.cheapest() for state in (off, on) if len(state.usd)],
                fresh=len(off.usd) > 0,
            )
        parts = []
        for paid in (True, False):
            is_paid = labels.paid == paid
            # Slack is money only where hours are billed: in a prepaid month the cheapest label is
            # enough.
            off, on = (
                labels.rows(is_paid & ~labels.on, extra),
                labels.rows(is_paid & labels.on, extra),
            )
            states = ([off.cheapest()] if len(off.usd) else []) + (
                [on.cheapest() if paid else on.undominated()] if len(on.usd) else [])
            if states and paid:
                parts += self._free(kind, day, states, fresh=len(off.usd) > 0)
            elif states:
                parts += self._metered(kind, day, states, fresh=len(off.usd) > 0)
        return parts

    def _switching(self, kind: int, day: int) -> Hours:
        """Return the cost of a decision for changing the setting, by state and WorkSpace."""
        costs = self.costs
        change = np.full(len(costs.hourly), _SWITCH_USD)
        if not costs.opens[day]:
            # Before its creation nothing can change; on the opening day the fee of the month is
            # decided freely.
            change = np.where(costs.unborn[:, day], np.inf, change)
        return np.where((self.labels.kind != kind)[:, None], change[None, :], 0.0)

    def _free(
        self, kind: int, day: int, states: list[LabelSet], *, fresh: bool
    ) -> list[tuple[LabelSet, int, bool, bool]]:
        """Pass a day of a month that is paid for."""
        if self.disconnect_stops:
            off, on = self._pass_parts(kind, day, states, 0 * self.costs.hourly, fresh=fresh)
            return [
                (off.cheapest(), kind, True, False),
                (on.cheapest(), kind, True, True),
            ]
        ends = []
        for index, state in enumerate(states):
            outcome = self.runs[kind].off if fresh and index == 0 else self.runs[kind].on
            is_on = (outcome.goes_on | outcome.ends_on)[:, day]
            ends.append(state.by_state(is_on, np.zeros(1, dtype=np.int64),
                                  _WAIT_USD * outcome.waits[:, day]))
        return self._merged(kind, ends, paid=True)

    def _metered(
        self, kind: int, day: int, states: list[LabelSet], *, fresh: bool
    ) -> list[tuple[LabelSet, int, bool, bool]]:
        """Pass a day on which hours are billed."""
        rate, upkeep = self.costs.hourly, self.costs.maintenance[:, day]
        if self.disconnect_stops:
            off, on = self._pass_parts(kind, day, states, rate, fresh=fresh)
            return [(replace(off, usd=off.usd + upkeep), kind, False, False),
                    (replace(on, usd=on.usd + upkeep), kind, False, True)]
        ends = []
        for index, state in enumerate(states):
            outcome = self.runs[kind].off if fresh and index == 0 else self.runs[kind].on
            carried, goes_on = outcome.carried[:, day], outcome.goes_on[:, day]
            # Hours that the carried run must begin anew, once its slack is used up; floor division
            # rounds up.
            more = -((np.minimum(state.slack - carried, 0)) // MICROS_PER_HOUR)
            # If the same run goes on, its slack does; if not, the day's own last run leaves one.
            slack = np.where(goes_on, state.slack + more * MICROS_PER_HOUR - carried,
                             outcome.slack[:, day])
            usd = (more + outcome.hours[:, day]) * rate + upkeep + _WAIT_USD * outcome.waits[:, day]
            ends.append(state.by_state(goes_on | outcome.ends_on[:, day], slack, usd))
        return self._merged(kind, ends, paid=False)

    def _pass_parts(
        self, kind: int, day: int, states: list[LabelSet], rate: Hours, *, fresh: bool
    ) -> tuple[LabelSet, LabelSet]:
        """Pass a day with a choice at each disconnect."""
        none = LabelSet.none(len(rate))
        off = states[0] if fresh else none
        on = states[-1] if len(states) > fresh else none
        return self.disconnect_stops[kind].pass_day(day, off, on, rate, _WAIT_USD)

    def _merged(
        self, kind: int, ends: list[tuple[LabelSet, LabelSet]], *, paid: bool
    ) -> list[tuple[LabelSet, int, bool, bool]]:
        off, on = ends[0]
        for more_off, more_on in ends[1:]:
            off, on = off.union(more_off), on.union(more_on)
        return [(off.cheapest(), kind, paid, False),
                (on.cheapest() if paid else on.undominated(), kind, paid, True)]

    def decisions(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Trace the cheapest way back: settings by WorkSpace and day, and stops at disconnects."""
        # row: for each WorkSpace (column) its cheapest label; each step back follows ``previous``.
        row = self.labels.usd.argmin(axis=0)
        column = np.arange(len(row))
        chosen = np.zeros((len(row), len(self.history)), dtype=np.int64)
        stopped = np.zeros_like(chosen)
        for day in range(len(self.history) - 1, -1, -1):
            passed = self.history[day]
            chosen[:, day] = passed.kind[row]
            if passed.stopped is not None:
                stopped[:, day] = passed.stopped[row, column]
            row = passed.previous[row, column]
        return np.where(chosen == self.last, ALWAYS_ON, chosen), stopped
