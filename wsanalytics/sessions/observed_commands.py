"""Explain the time that WorkSpaces were on without a session, as starts and stops.

An administrator, a nightly job or another tool may start a WorkSpace for nobody or stop it before
its timeout, and a machine may fail to stop. :func:`observed_commands` compares the states that
were seen with what the sessions and the settings of the time explain; what is left becomes starts
and stops at those times, under which any other setting can be replayed. Where no state was
observed, sessions and timeouts stand alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.history import History
from wsanalytics.schedule import START, STOP, Schedule, check_commands
from wsanalytics.sessions.find import find_sessions
from wsanalytics.sessions.observed_runs import States
from wsanalytics.settings import LONGEST_MINUTES
from wsanalytics.simulation import cut_sessions, replay
from wsanalytics.tables import ORDERS, Source
from wsanalytics.timeline import MICROS_PER_MINUTE, Micros, Window, column_micros, instants

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LATE_STOP = 15 * MICROS_PER_MINUTE
"""A WorkSpace may be seen on for so long after its timeout: the minutes that a stop takes are not
billed (admin guide: billing stops as soon as the AutoStop time period expires)."""
SLACK = MICROS_PER_MINUTE
"""Beside a sampling interval: states and connections of one sample are not of one second."""
RENEWED = 60 * MICROS_PER_MINUTE
"""The interval of assumed new starts of what stays on past its timeout: the shortest timeout."""
_FOREVER = np.iinfo(np.int64).max
_PASSES = 8
"""The most passes: a command changes what the commands after it explain."""


def observed_commands(
    history: History,
    sessions: pd.DataFrame | None = None,
    *,
    bridge_gaps: timedelta | None = None,
) -> pd.DataFrame:
    """Find the starts and stops that the states in *history* show and its sessions do not explain.

    A ``commands`` table (workspace_id, at, order) for :func:`wsanalytics.replay`. A START stands
    where a WorkSpace was seen on though nobody had connected and its timeout had passed, and again
    every hour for as long as it stayed on past its timeout; a STOP where it was seen off before
    its timeout. *sessions* are found in the samples unless they are handed over. Times are as
    certain as the samples are close; differences of less than a sampling interval, and of
    :data:`LATE_STOP` behind a stop, are none. ALWAYS_ON WorkSpaces are left out. Before
    anybody knew how a WorkSpace was set, one that stayed on after a session, or was stopped soon
    after one, may have had another timeout then, and one that was on for days may have been
    ALWAYS_ON: no commands are made of that, nor between two polls at which it was set to different
    things, when CloudTrail does not say which of the two held.
    """
    states = States.of(_with_ends(history), bridge_gaps)
    schedule = history.in_force
    within = (states.at >= history.window.micros[0]) & (states.at < history.window.micros[1])
    counts = np.isin(states.code, states.ids.get_indexer(schedule.opening.index))
    states = states.some(within & counts & ~_always_on(states, schedule))
    if not len(states.at):
        return check_commands(pd.DataFrame(columns=list(ORDERS.names)))
    if sessions is None:
        sessions = find_sessions(history, bridge_gaps=bridge_gaps)
    return _Explainer(states, cut_sessions(sessions, history.window), schedule, history.window,
                      _unknown(history)).commands()


def _unknown(history: History) -> dict[str, list[tuple[int, int]]]:
    """Return when nobody knew how a WorkSpace was set, by its id: from and to, in microseconds.

    Before its first setting, and before each that a poll found changed: since the poll before.
    """
    settings = history.settings.sort_values(["workspace_id", "since"])
    first = ~settings["workspace_id"].duplicated()
    intervals = {str(name): [(-_FOREVER, int(at))] for name, at in zip(
        # Nothing is known of the time before the first setting.
        settings.loc[first, "workspace_id"], column_micros(settings.loc[first, "since"]),
        strict=True)}
    changed = settings[~first & (settings["setting"] != settings["setting"].shift())]
    if changed.empty:
        return intervals
    samples = history.samples
    polls = samples[samples["source"].isin([Source.SAMPLE, Source.NO_STATUS])
                  & samples["workspace_id"].isin(changed["workspace_id"])]
    polled_at = {str(name): np.sort(column_micros(at))
             for name, at in polls.groupby("workspace_id", observed=True)["sampled_at"]}
    for name, since in zip(changed["workspace_id"], column_micros(changed["since"]), strict=True):
        at = polled_at.get(str(name), np.empty(0, dtype=np.int64))
        index = int(np.searchsorted(at, since - SLACK))
        if index < len(at) and at[index] <= since + LATE_STOP:  # else CloudTrail has the time
            intervals[str(name)].append((int(at[index - 1]) if index else -_FOREVER, int(since)))
    return intervals


def _with_ends(history: History) -> pd.DataFrame:
    """Return the samples' states, with a terminated WorkSpace off from its end on."""
    columns = ["workspace_id", "sampled_at", "state", "source"]
    terminated = history.workspaces[history.workspaces["terminated_at"].notna()]
    if terminated.empty:
        return history.samples[columns]
    ends = pd.DataFrame(
        {
            "workspace_id": terminated["workspace_id"],
            "state": "STOPPED",
            "source": "",
            "sampled_at": terminated["terminated_at"],
        }
    )
    samples = history.samples[columns]
    for name in ("workspace_id", "state", "source"):  # text of one dtype stays categorical
        if isinstance(samples[name].dtype, pd.CategoricalDtype):
            kinds = pd.Index([*samples[name].cat.categories, *ends[name].unique()]).unique()
            dtype = pd.CategoricalDtype(kinds)
            samples, ends = (frame.astype({name: dtype}) for frame in (samples, ends))
    return pd.concat([samples, ends], ignore_index=True)


def _always_on(states: States, schedule: Schedule) -> Flags:
    """Mark the states of a time in which the WorkSpace was set to ALWAYS_ON."""
    changes = schedule.changes
    row = changes.ids.get_indexer(states.ids)  # of those that have no setting: -1, any value
    # The entry appended for row -1 stands for WorkSpaces without a setting: never ALWAYS_ON.
    opening = np.append(changes.opening, False)[row][states.code]
    owner = states.ids.get_indexer(changes.ids)[changes.owner]
    order = np.lexsort((changes.at, owner))
    last = _before(owner[order], changes.at[order], states.code, states.at)
    has_change = last >= 0
    is_on: Flags = opening.copy()
    is_on[has_change] = changes.always_on[order][last[has_change]]
    return is_on


def _before(owner: Rows, at: Micros, code: Rows, moment: Micros) -> Rows:
    """Return the index of the latest of some instants (by owner and time) up to each *moment*.

    -1 where there is none. *owner* and *code* number the same WorkSpaces.
    """
    if not len(at):
        return np.full(len(code), -1, dtype=np.int64)
    times = np.unique(at)
    # width exceeds every rank, so keys of different WorkSpaces never meet.
    width = len(times) + 1  # a key is a WorkSpace and the rank of an instant among all of them
    keys = owner * width + np.searchsorted(times, at)
    index = np.searchsorted(
        keys, code * width + np.searchsorted(times, moment, side="right") - 1, side="right") - 1
    return np.where((index >= 0) & (np.append(owner, -1)[index] == code), index, -1)


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Runs (or sessions) of WorkSpaces, by number and time, in flat arrays."""

    code: Rows
    start: Micros
    end: Micros

    @classmethod
    def of(cls, frame: pd.DataFrame, ids: pd.Index, columns: tuple[str, str]) -> _Runs:
        code = ids.get_indexer(pd.Index(frame["workspace_id"].astype("str"))).astype(np.int64)
        start, end = (column_micros(frame[name]) for name in columns)
        order = np.lexsort((start, code))
        order = order[code[order] >= 0]
        return cls(code[order], start[order], end[order])

    def covers(self, code: Rows, at: Micros) -> tuple[Flags, Rows]:
        """Return whether each instant lies in one of them, and the latest that began before it."""
        index = _before(self.code, self.start, code, at)
        inside: Flags = (index >= 0) & (at < np.append(self.end, 0)[index])
        return inside, index


@dataclass(frozen=True, slots=True)
class _Streak:
    """States of one WorkSpace in a row that the runs worked out so far do not explain.

    Instants are microseconds. ``low`` and ``high`` are where it began and ended, as far as that
    is known; ``free_low`` and ``free_high``: the state beside it says so, rather than a gap or
    the run next to it. ``before`` and ``after`` are the ends of what is explained on both sides,
    ``earliest`` and ``latest`` the states beside it: it began between ``earliest`` and ``first``.
    """

    code: int
    on: bool
    first: int
    last: int
    low: int
    high: int
    free_low: bool
    free_high: bool
    before: int
    after: int
    earliest: int
    latest: int
    touches_before: bool
    touches_after: bool


def _sharpened(streak: _Streak, timeout: int) -> int:
    """Estimate when an unused run began, so that it begins and times out where it was seen to.

    A job at the full hour is on from the first period of that hour to the last, and its timeout
    is over with the hour; the middle of what its beginning alone leaves open would be late.
    """
    low = max(streak.earliest, streak.last - timeout)
    high = min(streak.first, streak.latest - timeout)
    is_natural = streak.free_low and streak.free_high and low <= high
    return (low + high) // 2 if is_natural else streak.low


class _Explainer:
    """Finds the commands under which the replayed runs agree with the observed states."""

    def __init__(
        self, states: States, sessions: pd.DataFrame, schedule: Schedule, window: Window,
        unknown: dict[str, list[tuple[int, int]]],
    ) -> None:
        self.states, self.schedule, self.window = states, schedule, window
        self.sessions = sessions[sessions["workspace_id"].isin(schedule.opening.index)]
        self.connected = _Runs.of(self.sessions, states.ids, ("connected_at", "disconnected_at"))
        never = [(-_FOREVER, _FOREVER)]
        self.unknown = [unknown.get(str(name), never) for name in states.ids]
        self.found: list[tuple[str, int, str]] = []

    def commands(self) -> pd.DataFrame:
        """Return all commands, once no more are found or after some passes."""
        busy, _ = self.connected.covers(self.states.code, self.states.at)
        states = self.states.some(self.states.on | ~busy)  # a session is evidence of being on
        for _ in range(_PASSES):
            affected = self._pass(states)
            if not affected:
                break
            # Only WorkSpaces whose commands have changed can show anything new.
            states = states.some(np.isin(states.code, sorted(affected)))
        return self._frame()

    def _frame(self) -> pd.DataFrame:
        rows = sorted(set(self.found))
        return check_commands(pd.DataFrame({
            "workspace_id": pd.Series([row[0] for row in rows], dtype="str"),
            "at": instants(np.array([row[1] for row in rows], dtype=np.int64)),
            "order": pd.Series([row[2] for row in rows], dtype="str"),
        }))

    def _pass(self, states: States) -> set[int]:
        """Add the commands that the present runs lack; return the WorkSpaces that they are for."""
        names = states.ids[np.unique(states.code)]
        schedule = Schedule(
            self.schedule.opening[self.schedule.opening.index.isin(names)],
            self.schedule.commands[self.schedule.commands["workspace_id"].isin(names)],
            self.schedule.name)
        commands = self._frame()
        played = replay(self.sessions[self.sessions["workspace_id"].isin(names)], [schedule],
                        window=self.window, commands=commands[commands["workspace_id"].isin(names)])
        runs = _Runs.of(played.runs, states.ids, ("started_at", "stopped_at"))
        affected, before = set(), len(set(self.found))
        streaks = list(self._streaks(states, runs))
        streaks = [streak for streak in streaks if not self._may_be_another_setting(streak)]
        for streak, timeout in zip(streaks, self._timeouts(streaks), strict=True):
            new = list(self._started(streak, timeout) if streak.on else self._stopped(streak))
            name = str(states.ids[streak.code])
            rows = [(name, at, order) for at, order in new
                    if self.window.micros[0] <= at < self.window.micros[1]]
            if set(rows) - set(self.found):
                affected.add(streak.code)
                self.found += rows
        return affected if len(set(self.found)) > before else set()

    def _streaks(self, states: States, runs: _Runs) -> Iterator[_Streak]:
        """Give the streaks of states that *runs* do not explain, by WorkSpace and time."""
        # index: the latest run that began up to each state, which for a state outside of all runs
        # also numbers the gap between two runs that it lies in. A streak stays in one of them.
        is_run, index = runs.covers(states.code, states.at)
        odd = states.on != is_run
        same = (odd[:-1] & odd[1:] & states.bridged & (states.on[:-1] == states.on[1:])
                & (index[:-1] == index[1:]))
        firsts = np.flatnonzero(odd & ~np.append([False], same))
        lasts = np.flatnonzero(odd & ~np.append(same, [False]))
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            yield self._streak(states, runs, first, last, int(index[first]), odd)

    def _streak(
        self, states: States, runs: _Runs, first: int, last: int, index: int, odd: Flags
    ) -> _Streak:
        # start and end: the window's edges, where no run lies before or after.
        code, on, start, end = int(states.code[first]), bool(states.on[first]), *self.window.micros
        # Without a close neighbour the streak may reach half a sampling interval beyond its
        # samples.
        half = int(states.interval[code]) // 2
        first_at, last_at = int(states.at[first]), int(states.at[last])
        if on:  # between two runs: the one that ended before, and the one to come
            before = int(runs.end[index]) if index >= 0 else start
            nxt = index + 1 if index >= 0 else int(np.searchsorted(runs.code, code))
            after = int(runs.start[nxt]) if nxt < len(runs.code) and runs.code[nxt] == code else end
        else:  # within a run
            before, after = int(runs.start[index]), int(runs.end[index])
        has_prev = first > 0 and bool(states.bridged[first - 1])
        has_next = last < len(states.bridged) and bool(states.bridged[last])
        prev_at = int(states.at[first - 1]) if has_prev else first_at - 2 * half
        next_at = int(states.at[last + 1]) if has_next else last_at + 2 * half
        differs_before = has_prev and bool(states.on[first - 1]) is not on
        differs_after = has_next and bool(states.on[last + 1]) is not on
        return _Streak(
            code, on, first_at, last_at,
            low=max((prev_at + first_at) // 2, before), high=min((last_at + next_at) // 2, after),
            free_low=differs_before and prev_at >= before,
            free_high=differs_after and next_at <= after,
            before=before, after=after, earliest=max(prev_at, before), latest=min(next_at, after),
            touches_before=index >= 0 and has_prev and not odd[first - 1] and prev_at < before
            if on else False,
            touches_after=has_next and not odd[last + 1] and next_at >= after if on else False)

    def _tolerance(self, code: int) -> int:
        return int(self.states.interval[code]) + SLACK

    def _may_be_another_setting(self, streak: _Streak) -> bool:
        """Whether a setting of which nobody knows explains it: another timeout, or ALWAYS_ON."""
        if not any(low < streak.first < high for low, high in self.unknown[streak.code]):
            return False
        is_own_run = streak.on and not streak.touches_before
        return not is_own_run or streak.high - streak.low > LONGEST_MINUTES * MICROS_PER_MINUTE

    def _started(self, streak: _Streak, timeout: int) -> Iterator[tuple[int, str]]:
        """Give the starts, and the stop, that a WorkSpace seen on but unused had."""
        slack = self._tolerance(streak.code)
        if streak.touches_before and streak.last - streak.before <= LATE_STOP:
            return  # the minutes that its stop took
        if streak.touches_after and not streak.touches_before and (
            streak.after - streak.first <= slack):
            return  # it was seen on a little before its user was
        low = streak.before if streak.touches_before else _sharpened(streak, timeout)
        high = streak.after if streak.touches_after else streak.high
        yield low, START
        last = low
        # Past its timeout: by more than a stop takes, or until its user came and found it on.
        # An on-streak that touches a later run was ended by a connect, so no stop took any minutes.
        allowed = 0 if streak.touches_after else max(slack, LATE_STOP)
        if high > low + timeout + allowed:
            for last in range(low + RENEWED, high - (slack if allowed else 0), RENEWED):
                yield last, START
        # A start of what is on does nothing, so of these every one at a multiple of the timeout
        # counts, and the last that counts says when the WorkSpace stops by itself.
        ends = low + ((last - low) // timeout + 1) * timeout
        if streak.free_high and high < ends - slack:
            yield high, STOP

    def _stopped(self, streak: _Streak) -> Iterator[tuple[int, str]]:
        """Give the stop that a WorkSpace seen off before its timeout had."""
        # A session's end, and the timeout behind it, is known to half a sampling interval.
        unsure = int(self.states.interval[streak.code]) // 2
        if streak.after - streak.first < unsure or (
            streak.last - streak.before <= self._tolerance(streak.code)):
            return  # its stop was seen a little early, or its start a little late
        _, index = self.connected.covers(np.array([streak.code]), np.array([streak.first]))
        last_use = int(self.connected.end[index[0]]) if index[0] >= 0 else streak.before
        yield max(streak.low, min(last_use, streak.first), streak.before), STOP

    def _timeouts(self, streaks: list[_Streak]) -> list[int]:
        """Return the timeout that was set as each of *streaks* began, in microseconds."""
        fleet = self.schedule.opening.index
        owner = fleet.get_indexer(self.states.ids[[streak.code for streak in streaks]])
        minutes = self.schedule.timeouts_at(
            pd.Series(fleet, dtype="str"), owner.astype(np.int64),
            np.array([streak.first for streak in streaks], dtype=np.int64))
        return [int(timeout) * MICROS_PER_MINUTE for timeout in minutes]
