"""Work out each day of each WorkSpace under one timeout, begun stopped or begun switched on.

These are the options of :mod:`.search`: the cost of a day and how it ends, for each state in
which it may begin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wsanalytics.billing import DailyUse, HourRule, hours_of
from wsanalytics.simulation import Codes, Runs, replay_constant
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    MICROS_PER_MINUTE,
    Hours,
    Micros,
    Pieces,
    cut,
)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class DayOutcome:
    """Days (columns) of WorkSpaces (rows) that all begin in the same state.

    ``carried`` is for how long, in microseconds, the run that is going on at midnight goes on,
    where its rounding depends on when it began; ``goes_on`` whether it lasts beyond the day.
    ``hours`` are billed for everything else; ``ends_on`` is whether the day ends switched on
    in another run, of which ``slack`` microseconds of a billed hour are left. ``waits`` counts
    cold starts.
    """

    carried: Micros
    goes_on: Flags
    hours: Hours
    ends_on: Flags
    slack: Micros
    waits: Hours


@dataclass(frozen=True, slots=True, eq=False)
class DayOptions:
    """Days under one timeout: begun ``off``, or begun ``on``.

    Under AWS's own tool's count both are the same, and ``last_hour`` is what the hour from 23:00
    UTC on adds if hours become free at its end.
    """

    off: DayOutcome
    on: DayOutcome
    last_hour: Hours | None = None


def tool_runs(days: DailyUse, minutes: int) -> DayOptions:
    """Return days as AWS's own tool counts their hours, with a timeout of *minutes*."""
    shape = days.shape
    nothing, never = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    outcome = DayOutcome(nothing, never, days.hours(minutes), never, nothing, np.zeros(shape))
    return DayOptions(outcome, outcome, last_hour=days.tool_last_hours(minutes))


def day_runs(days: DailyUse, minutes: int, *, stops: bool = False) -> DayOptions:
    """Replay each day in AUTO_STOP with a timeout of *minutes*, for both states at its beginning.

    With *stops* a WorkSpace is stopped at each disconnect of the day; what is idle as the day
    begins runs out its timeout.
    """
    pieces = cut(days.connects, days.disconnects, days.edges)
    # group: WorkSpace times days plus day, one number for each cell of the tables, an entry a
    # piece.
    group = days.workspace[pieces.source] * days.shape[1] + pieces.span
    timeout = minutes * MICROS_PER_MINUTE
    idle_until = _idle_until(days, pieces, timeout)
    within = 0 if stops else timeout
    off = _Part(days, group, pieces.starts, pieces.stops, within)
    # tail: the groups that begin with an idle run whose timeout ends after their midnight.
    tail = np.flatnonzero(idle_until > off.midnights)
    is_after_tail = np.isin(group, tail)
    tail_starts = off.midnights[tail]
    # The tails become sessions of their own, put before the day's first session: replay_constant
    # wants them sorted by group and time, and -1 keeps a session at midnight behind its tail.
    order = np.lexsort((np.append(np.zeros(len(tail)), pieces.starts[is_after_tail] - 1),
                        np.append(tail, group[is_after_tail])))
    with_tail = _Part(
        days,
        np.append(tail, group[is_after_tail])[order],
        np.append(tail_starts, pieces.starts[is_after_tail])[order],
        # The tail's end minus the timeout, which the replay adds again: it runs until idle_until.
        np.append(idle_until[tail] - within, pieces.stops[is_after_tail])[order],
        within,
    )
    begun_off = off.outcome(carrying=np.empty(0, dtype=np.int64))
    on = off.outcome(carrying=np.flatnonzero(days.connected_at_midnight().ravel()))
    return DayOptions(begun_off, _either(on, with_tail.outcome(carrying=tail), tail))


def _either(most: DayOutcome, some: DayOutcome, where: Codes) -> DayOutcome:
    """Merge two outcomes: *some* at the positions *where*, *most* elsewhere."""
    merged = {}
    for name in DayOutcome.__slots__:
        both = getattr(most, name).copy()
        both.ravel()[where] = getattr(some, name).ravel()[where]
        merged[name] = both
    return DayOutcome(**merged)


def _idle_until(days: DailyUse, pieces: Pieces, timeout: int) -> Micros:
    """Return when the last user's timeout runs out after each midnight, by group; 0: nobody.

    Also 0 where somebody is connected at that midnight.
    """
    rows, columns = days.shape
    last_disconnect = np.zeros((rows, columns), dtype=np.int64)
    owner = days.workspace[pieces.source]
    # ufunc.at, since a cell may have several pieces: the latest end stays.
    np.maximum.at(last_disconnect, (owner, pieces.span), pieces.stops)
    before = np.zeros_like(last_disconnect)
    # Shifted by a day: the last disconnect on any day before, as known at that midnight.
    before[:, 1:] = np.maximum.accumulate(last_disconnect, axis=1)[:, :-1]
    until = np.where((before > 0) & ~days.connected_at_midnight(), before + timeout, 0)
    return until.ravel()


class _Part:
    """Some groups (a WorkSpace on a day) with their sessions, replayed under one timeout."""

    def __init__(
        self, days: DailyUse, group: Codes, starts: Micros, stops: Micros, timeout: int
    ) -> None:
        self.days, self.timeout = days, timeout
        rows, columns = days.shape
        self.midnights = np.tile(days.edges[:-1], rows)
        runs = replay_constant(group, starts, stops, timeout, days.window.micros)
        self.ends = self.midnights[runs.workspace] + MICROS_PER_DAY
        self.beyond = runs.stops > self.ends
        # Without a timeout a run ends with its session; one that goes on over midnight is still the
        # same run.
        if timeout == 0:
            at_work = np.zeros(rows * columns + 1, dtype=bool)
            at_work[:-1] = days.connected_at_midnight().ravel()
            # after: the group of the next day; for a last column the extra entry at the end, which
            # is False.
            after = np.where((runs.workspace + 1) % columns == 0, rows * columns,
                             runs.workspace + 1)
            self.beyond |= (runs.stops == self.ends) & at_work[after]
        self.runs = Runs(runs.workspace, runs.starts, np.minimum(runs.stops, self.ends),
                         runs.waiting, runs.connects)

    def outcome(self, carrying: Codes) -> DayOutcome:
        """Return the days, those of the groups *carrying* begun in a run that is going on."""
        runs, shape = self.runs, self.days.shape
        size = shape[0] * shape[1]
        is_carrying = np.zeros(size, dtype=bool)
        is_carrying[carrying] = True
        # The run that comes in from the day before: the first one, beginning exactly at midnight.
        carried = is_carrying[runs.workspace] & (runs.starts == self.midnights[runs.workspace])
        waits = np.bincount(runs.workspace[~carried], minlength=size).astype(np.float64)
        ends_on, goes_on = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
        length, slack = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        if self.days.rule is HourRule.CEIL_PER_RUN:
            length[runs.workspace[carried]] = (runs.stops - runs.starts)[carried]
            goes_on[runs.workspace[carried]] = self.beyond[carried]
            # Floor division of the negative length: hours rounded up, in whole numbers.
            rounded = -((runs.starts - runs.stops) // MICROS_PER_HOUR)
            hours = np.where(carried, 0, rounded).astype(np.float64)
            going = self.beyond & ~carried
            # spare: how much of the last begun hour is not used yet, to be used after midnight.
            spare = rounded * MICROS_PER_HOUR - (runs.stops - runs.starts)
            slack[runs.workspace[going]] = spare[going]
            ends_on[runs.workspace[going]] = True
        else:
            whole = Pieces(runs.workspace, runs.workspace, runs.starts, runs.stops)
            hours = hours_of(whole, runs.workspace, self.days.rule)
            ends_on[runs.workspace[self.beyond]] = True
        total = np.bincount(runs.workspace, weights=hours, minlength=size).astype(np.float64)
        return DayOutcome(length.reshape(shape), goes_on.reshape(shape), total.reshape(shape),
                     ends_on.reshape(shape), slack.reshape(shape), waits.reshape(shape))
