"""Replay in flat arrays: sessions in, runs and cold starts out, for a whole fleet at once.

All instants and spans are whole microseconds. :func:`replay_constant` is for one timeout that
never changes: in the order of WorkSpace and time a session continues the run of the one before it
exactly if the gap between them is shorter than the timeout. :func:`replay_schedule` is for
settings that change and for requests to start and stop: time is cut at these commands into
segments, and the first segments of all WorkSpaces are replayed together, then the second ones.
Both must equal :mod:`.workspace` in every run and every cold start: a property of the tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from wsanalytics.timeline import Micros

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ALWAYS_ON, START, STOP = -1, -2, -3
"""Codes of commands, where they are not a timeout in microseconds."""
_NEVER = np.iinfo(np.int64).min // 4


@dataclass(frozen=True, slots=True)
class Runs:
    """Flat arrays in the order of WorkSpace and time: an entry a run, an entry a cold start.

    ``connects`` are the connects that found a WorkSpace stopped, ``waiting`` whose they are.
    """

    workspace: Codes
    starts: Micros
    stops: Micros
    waiting: Codes
    connects: Micros


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands of a fleet: ``opening`` holds at first, one entry a WorkSpace.

    ``workspace``, ``at`` and ``what`` (a timeout, or ALWAYS_ON, START, STOP) hold an entry a
    command, in the order of WorkSpace, time, and what comes first at one instant.
    """

    opening: Micros
    workspace: Codes
    at: Micros
    what: Micros


def replay_constant(
    workspace: Codes, connects: Micros, disconnects: Micros, timeout: int,
    window: tuple[int, int], *, resume: int = 0,
) -> Runs:
    """Replay AUTO_STOP WorkSpaces with one *timeout*, any network grace included.

    The three arrays hold sessions in the order of *workspace* and time, cut to *window*, not
    overlapping.
    """
    stops_idle = disconnects + timeout
    # A session is fresh if it begins a run: another WorkSpace's, or one that had stopped. A connect
    # at the very instant of the stop comes after it, as in the event simulator.
    fresh = np.ones(len(workspace), dtype=bool)
    fresh[1:] = (workspace[1:] != workspace[:-1]) | (connects[1:] >= stops_idle[:-1])
    # Runs lie between fresh sessions: the positions of their first and final sessions.
    first = np.flatnonzero(fresh)
    final = np.append(first[1:], len(workspace))[: len(first)] - 1
    owner, stops = workspace[first], np.minimum(stops_idle[final], window[1])
    starts = np.maximum(connects[first] - resume, window[0])
    if resume:  # it cannot be switched on again before it has stopped
        again = np.flatnonzero(owner[1:] == owner[:-1]) + 1
        starts[again] = np.maximum(starts[again], stops[again - 1])
    return Runs(owner, starts, stops, owner, connects[first])


def replay_with_commands(
    workspace: Codes, connects: Micros, disconnects: Micros, timeout: int, commands: Commands,
    window: tuple[int, int], *, resume: int = 0, grace: int = 0,
) -> Runs:
    """Replay with one *timeout* a fleet of which some WorkSpaces were observed to start or stop.

    *commands* are observed starts and stops. As :func:`replay_schedule`, but only their WorkSpaces
    take its slower path.
    """
    has_commands = np.zeros(len(commands.opening), dtype=bool)
    has_commands[commands.workspace] = True
    slow = has_commands[workspace]
    plain = replay_constant(workspace[~slow], connects[~slow], disconnects[~slow],
                            timeout + grace, window, resume=resume)
    if not has_commands.any():
        return plain
    ordered = replay_schedule(workspace[slow], connects[slow], disconnects[slow], commands, window,
                              resume=resume, grace=grace, observed=True)
    return _together(plain, ordered)


def _together(some: Runs, others: Runs) -> Runs:
    """Merge the runs of two parts of a fleet, in the order of WorkSpace and time."""
    workspace, starts, stops, waiting, connects = (
        np.concatenate([getattr(some, name), getattr(others, name)])
        for name in ("workspace", "starts", "stops", "waiting", "connects"))
    # Stable, so that within a WorkSpace the order of time stays.
    run, wait = np.argsort(workspace, kind="stable"), np.argsort(waiting, kind="stable")
    return Runs(workspace[run], starts[run], stops[run], waiting[wait], connects[wait])


def replay_schedule(
    workspace: Codes, connects: Micros, disconnects: Micros, commands: Commands,
    window: tuple[int, int], *, resume: int = 0, grace: int = 0, observed: bool = False,
) -> Runs:
    """Replay WorkSpaces that are given commands through time.

    Sessions as for :func:`replay_constant`; *commands* lie in *window*, its end excluded. What each
    command does is defined at :class:`wsanalytics.simulation.Machine`. Where starts were
    *observed* and not ordered, one at the very instant of a stop says that it never stopped: both
    runs are one.
    """
    commands, timeout_after = _effective(commands)
    pieces = _Pieces.of(workspace, connects, disconnects, commands)
    fleet = _Fleet(commands, timeout_after, window, resume, grace)
    for turn in range(fleet.most_commands + 1):
        fleet.obey(turn, pieces)
        fleet.pass_segment(turn, pieces)
    return fleet.runs(observed=observed)


def _effective(commands: Commands) -> tuple[Commands, Micros]:
    """Drop starts and stops of ALWAYS_ON WorkSpaces; also return the timeout after each command."""
    is_setting = commands.what >= ALWAYS_ON
    index = np.arange(len(commands.at))
    first = np.searchsorted(commands.workspace, commands.workspace)
    # The latest command so far that is a setting; one before *first* is another WorkSpace's.
    latest = np.maximum.accumulate(np.where(is_setting, index, -1)) if len(index) else index
    # No setting before this command: the opening one still holds.
    timeout = np.where(
        latest >= first, commands.what[latest], commands.opening[commands.workspace]
    )
    is_effective = is_setting | (timeout != ALWAYS_ON)
    effective = Commands(commands.opening, commands.workspace[is_effective],
                         commands.at[is_effective], commands.what[is_effective])
    return effective, timeout[is_effective]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Sessions cut at the commands within them, in the order of segment, WorkSpace and time.

    ``fresh``: begins with a connect; ``final``: ends with a disconnect, else it goes on in the
    next segment. ``connected``: pairs of segment and WorkSpace whose user is connected as the
    segment begins, and was not cut off before.
    """

    segment: Codes
    workspace: Codes
    start: Micros
    end: Micros
    fresh: Flags
    final: Flags
    connected: dict[int, Codes]

    @classmethod
    def of(
        cls, workspace: Codes, connects: Micros, disconnects: Micros, commands: Commands
    ) -> _Pieces:
        # An entry a session: how many commands, of all WorkSpaces in their order, come before its
        # connect and its disconnect; those between cut it. A command at the instant of a connect
        # comes first, one at the instant of a disconnect after it.
        before_connect = _commands_before(commands, workspace, connects, including=True)
        before_disconnect = _commands_before(commands, workspace, disconnects, including=False)
        count = before_disconnect - before_connect + 1
        # An entry a piece: its session, and the piece's number in it (0, 1, …).
        session = np.repeat(np.arange(len(workspace)), count)
        nth = np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count)
        fresh, final = nth == 0, nth == count[session] - 1
        # The command at which the piece begins, if it is not fresh; it may be -1 where it is. The
        # next one ends it, if it is not final; the 0 behind all commands stands for none.
        opening = before_connect[session] + nth - 1
        at = np.append(commands.at, 0)
        start = np.where(fresh, connects[session], at[opening])
        end = np.where(final, disconnects[session], at[np.minimum(opening + 1, len(at) - 1)])
        was_cut_off, is_cut_off = _cut_off(commands, before_connect[session], opening, fresh)
        # Segments are counted from the first command of the WorkSpace on.
        first = np.searchsorted(commands.workspace, workspace)
        segment = before_connect[session] + nth - first[session]
        # goes_on: the piece begins connected, as its session began earlier and no STOP cut it off.
        owner = workspace[session]
        goes_on = ~fresh & ~was_cut_off
        connected = {
            int(turn): np.unique(owner[goes_on & (segment == turn)])
            for turn in np.unique(segment[goes_on])
        }
        order = np.flatnonzero(~is_cut_off)
        order = order[np.lexsort((start[order], owner[order], segment[order]))]
        return cls(
            segment[order],
            owner[order],
            start[order],
            end[order],
            fresh[order],
            final[order],
            connected,
        )

    def within(self, turn: int) -> slice:
        low, high = np.searchsorted(self.segment, [turn, turn + 1])
        return slice(int(low), int(high))


def _cut_off(
    commands: Commands, before_connect: Codes, opening: Codes, fresh: Flags
) -> tuple[Flags, Flags]:
    """Mark pieces that come after their session was cut off by a STOP, before or at their start.

    A user who is cut off is gone until they connect again: what would follow of the session does
    not happen. The first array: it was cut off before the command that opens the piece.
    """
    # stops[n]: how many of the first n commands are STOPs; between two n there was one if it grew.
    stops = np.append(0, np.cumsum(commands.what == STOP))
    before = stops[before_connect]
    was_cut_off = stops[np.maximum(opening, 0)] > before
    return was_cut_off, ~fresh & (was_cut_off | (stops[opening + 1] > before))


def _commands_before(
    commands: Commands, workspace: Codes, at: Micros, *, including: bool
) -> npt.NDArray[np.intp]:
    """Count the commands, of all WorkSpaces in their order, before each instant of its own."""
    # One sorted key for WorkSpace and time: times become ranks, so that a WorkSpace is a block of
    # *width* keys, and one search answers for all WorkSpaces at once.
    instants = np.unique(commands.at)
    width = len(instants) + 1
    keys = commands.workspace * width + np.searchsorted(instants, commands.at)
    rank = np.searchsorted(instants, at, side="right" if including else "left")
    return np.searchsorted(keys, workspace * width + rank)


@dataclass(slots=True)
class _Fleet:
    """The state of every WorkSpace, an entry each, as segment after segment passes."""

    commands: Commands
    timeout_after: Micros
    window: tuple[int, int]
    resume: int
    grace: int
    timeout: Micros = field(init=False)
    first: Codes = field(init=False)
    count: Codes = field(init=False)
    on: Flags = field(init=False)
    since: Micros = field(init=False)
    idle: Micros = field(init=False)
    off: Micros = field(init=False)
    started: Flags = field(init=False)
    """Whether the present run began with a command to start."""
    done: list[tuple[Codes, Micros, Micros, Flags]] = field(default_factory=list)
    waits: list[tuple[Codes, Micros]] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = len(self.commands.opening)
        self.timeout = self.commands.opening.copy()
        self.first = np.searchsorted(self.commands.workspace, np.arange(size))
        self.count = np.bincount(self.commands.workspace, minlength=size).astype(np.int64)
        self.on = np.zeros(size, dtype=bool)
        self.since = np.zeros(size, dtype=np.int64)
        self.idle = np.full(size, _NEVER, dtype=np.int64)
        self.off = np.full(size, self.window[0], dtype=np.int64)
        self.started = np.zeros(size, dtype=bool)

    @property
    def most_commands(self) -> int:
        return int(self.count.max(initial=0))

    def switch_off(self, who: Codes, at: Micros) -> None:
        """Close the runs of *who* at *at*; runs of no length leave no trace."""
        some = self.since[who] < at
        self.done.append((who[some], self.since[who[some]], at[some], self.started[who[some]]))
        self.on[who], self.off[who] = False, at

    def obey(self, turn: int, pieces: _Pieces) -> None:
        """Carry out the command with which this segment begins."""
        if turn == 0:
            return
        # who: the WorkSpaces that have a command number *turn* (from 1); all arrays below have its
        # length.
        who = np.flatnonzero(self.count >= turn)
        command = self.first[who] + turn - 1
        now, what = self.commands.at[command], self.commands.what[command]
        is_connected = np.isin(who, pieces.connected.get(turn, np.empty(0, dtype=np.int64)))
        was_always_on = self.timeout[who] == ALWAYS_ON
        self.timeout[who] = self.timeout_after[command]
        stopped = (what == STOP) & self.on[who]
        cut_off = who[stopped & is_connected]
        # The user who is cut off is gone: from now on the WorkSpace counts as idle.
        self.idle[cut_off] = now[stopped & is_connected]
        ends = stopped | ((what == ALWAYS_ON) & self.on[who])
        self.switch_off(who[ends], now[ends])
        starts = (what == START) & ~self.on[who]
        self.idle[who[starts]] = now[starts]
        self.started[who[starts]] = True
        # From ALWAYS_ON to a timeout: the WorkSpace is on, and from now on metered.
        turns = (what >= 0) & was_always_on
        self.started[who[turns]] = False
        starts |= turns
        self.on[who[starts]], self.since[who[starts]] = True, now[starts]
        # A shorter timeout that has passed already stops it now, as Machine._stop_in_time does.
        over = (what >= 0) & self.on[who] & ~is_connected
        over &= self.idle[who] + self.timeout[who] <= now
        self.switch_off(who[over], now[over])

    def pass_segment(self, turn: int, pieces: _Pieces) -> None:
        """Let the sessions of this segment happen, and the stops that follow from them."""
        part = pieces.within(turn)
        who, start, end = pieces.workspace[part], pieces.start[part], pieces.end[part]
        fresh, final = pieces.fresh[part], pieces.final[part]
        idle_from = end + self.grace
        # first and last: whether a piece is its WorkSpace's first or last one of this segment.
        first = np.ones(len(who), dtype=bool)
        first[1:] = who[1:] != who[:-1]
        last = np.append(first[1:], True)[: len(who)]
        auto = self.timeout[who] != ALWAYS_ON
        self._replay(who[auto], start[auto], idle_from[auto], fresh[auto], first[auto], last[auto])
        leaving = last & final
        self.idle[who[leaving]] = idle_from[leaving]
        # A last piece that is not final crosses into the next segment: its user is connected at the
        # end.
        self._stop_the_idle(turn, who[last & ~final])

    def _replay(
        self, who: Codes, start: Micros, idle_from: Micros, fresh: Flags, first: Flags, last: Flags
    ) -> None:
        """Replay AUTO_STOP WorkSpaces; the last run of each may go on in the next segment."""
        stops = idle_from + self.timeout[who]
        # When the run before each session would stop: of the session before it in this segment, or
        # of the run that is carried in from the last one.
        before = np.append(0, stops[:-1])[: len(who)]
        carried = first & self.on[who]
        before[carried] = self.idle[who[carried]] + self.timeout[who[carried]]
        new = fresh & ((first & ~carried) | (start >= before))
        closing = carried & new
        self.switch_off(who[closing], before[closing])
        # A resume may not reach back before the WorkSpace was last switched off.
        off = np.where(first, self.off[who], before)
        begins = np.maximum(start - self.resume, off)
        self.waits.append((who[new], start[new]))
        # A run is a group of sessions, which begins where one is new or the segment begins.
        group = np.flatnonzero(new | first)
        owner, since = who[group], np.where(new[group], begins[group], self.since[who[group]])
        final = np.append(group[1:], len(who))[: len(group)] - 1
        inner = ~last[final]  # over for good: another session follows in this segment
        by_order = ~new[group] & self.started[owner]  # what is carried on may have begun so
        self.done.append((owner[inner], since[inner], stops[final][inner], by_order[inner]))
        self.on[owner[~inner]], self.since[owner[~inner]] = True, since[~inner]
        self.started[owner[~inner]] = by_order[~inner]

    def _stop_the_idle(self, turn: int, connected: Codes) -> None:
        """Stop whoever's timeout passes before the segment ends, connected ones excepted."""
        idle = self.on & (self.count >= turn)
        idle[connected] = False
        who = np.flatnonzero(idle)
        # The segment ends with the next command, or with the window where there is none.
        ends = np.append(self.commands.at, 0)[np.minimum(self.first[who] + turn,
                                                       len(self.commands.at))]
        ends = np.where(self.count[who] > turn, ends, self.window[1])
        stops = self.idle[who] + self.timeout[who]
        over = stops <= ends
        self.switch_off(who[over], stops[over])
        final = np.flatnonzero(self.on & (self.count == turn))
        self.switch_off(final, np.full(len(final), self.window[1], dtype=np.int64))

    def runs(self, *, observed: bool) -> Runs:
        """Return all runs; where starts were *observed*, one at a stop's instant ends no run."""
        workspace, starts, stops, by_order = _joined(self.done, 4)
        order = np.lexsort((starts, workspace))
        workspace, starts, stops = workspace[order], starts[order], stops[order]
        # A run begins anew unless it touches the one before it and was itself observed to start.
        # Sorted by WorkSpace and start: entry i continues the run before it only if both touch.
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (workspace[1:] != workspace[:-1]) | (starts[1:] != stops[:-1]) | (
            ~by_order.astype(bool)[order][1:] | np.bool_(not observed))
        first = np.flatnonzero(fresh)
        final = np.append(first[1:], len(order))[: len(first)] - 1
        waiting, connects = _joined(self.waits, 2)
        queue = np.lexsort((connects, waiting))
        return Runs(workspace[first], starts[first], stops[final], waiting[queue],
                    connects[queue])


def _joined(parts: Iterable[tuple[npt.NDArray[Any], ...]], width: int) -> list[Micros]:
    columns = list(zip(*parts, strict=True)) or [()] * width
    return [np.concatenate(c) if c else np.empty(0, dtype=np.int64) for c in columns]
