"""Find when WorkSpaces were switched on: intervals made of the states that AWS reported.

A session says that somebody was connected. What an hour is billed for is that the WorkSpace was
on, and the state that AWS reports (``AVAILABLE`` in samples, ``Stopped`` in CloudWatch) shows
that. :mod:`wsanalytics.sessions.observed_commands` compares it with what the sessions explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.history import History
from wsanalytics.sessions.find import order_of
from wsanalytics.sessions.unobserved import longest_bridge, median_intervals
from wsanalytics.tables import RUNS, is_hourly, sort_by_key
from wsanalytics.timeline import MICROS_PER_MINUTE, Micros, column_micros, instants

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ON = ("AVAILABLE", "IMPAIRED", "UNHEALTHY", "REBOOTING", "ADMIN_MAINTENANCE")
"""States in which a WorkSpace is switched on, and metered where it is AUTO_STOP."""
OFF = ("STOPPED", "STOPPING")
"""States in which it is not. STARTING may be the wait before a user is connected, and
MAINTENANCE is billed by its own rule: they say nothing here."""


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """Observed states in flat arrays, in the order of WorkSpace and time.

    ``code`` numbers the WorkSpaces in ``ids``; ``interval`` is the usual time between two samples
    of each. ``bridged`` (entry *i* is of states *i* and *i* + 1) says that both are of one
    WorkSpace and close enough for nothing to lie between them unseen.
    """

    ids: pd.Index
    code: Rows
    at: Micros
    on: Flags
    interval: Micros
    bridged: Flags

    @classmethod
    def of(cls, samples: pd.DataFrame, bridge_gaps: timedelta | None) -> States:
        """Take the states in *samples* that say whether a WorkSpace was on."""
        state = samples["state"]
        is_usable = state.isin([*ON, *OFF]).to_numpy(dtype=bool) & ~is_hourly(samples["source"])
        code, ids = pd.factorize(samples["workspace_id"][is_usable], sort=True)
        ids = pd.Index(ids).astype("str")  # they may be categories
        at = column_micros(samples["sampled_at"][is_usable])
        on = state[is_usable].isin(ON).to_numpy(dtype=bool)
        order = order_of(code, at)
        code, at, on = code[order].astype(np.int64), at[order], on[order]
        # Of several states of one instant: on if any of them is.
        new = np.ones(len(at), dtype=bool)
        new[1:] = (code[1:] != code[:-1]) | (at[1:] != at[:-1])
        if not new.all():
            firsts = np.flatnonzero(new)
            code, at, on = code[firsts], at[firsts], np.logical_or.reduceat(on, firsts)
        joined = code[1:] == code[:-1]
        interval = median_intervals(code, at, joined, len(ids))
        bridge = longest_bridge(interval)
        if bridge_gaps is not None:
            bridge[:] = bridge_gaps // timedelta(microseconds=1)
        bridged = joined & (np.diff(at) <= bridge[code[1:]])
        return cls(pd.Index(ids, dtype="str"), code, at, on, interval, bridged)

    def some(self, kept: Flags) -> States:
        """Take the states that are *kept*; the neighbours of one left out are no longer close."""
        # Two kept states are close if every pair between them was: between kept states that are
        # not neighbours, the unbridged pairs in between are counted by a running sum.
        indices = np.flatnonzero(kept)
        skips = np.diff(indices) > 1
        between = indices[:-1] if len(indices) else indices
        bridged = self.bridged[between] if len(between) else np.zeros(0, dtype=bool)
        whole = np.append(0, np.cumsum(~self.bridged))  # unbridged pairs before each state
        over = whole[indices[1:]] - whole[between] if len(between) else np.zeros(0, dtype=np.int64)
        return States(self.ids, self.code[indices], self.at[indices], self.on[indices],
                       self.interval, np.where(skips, over == 0, bridged))


def observed_runs(history: History, *, bridge_gaps: timedelta | None = None) -> pd.DataFrame:
    """Find the intervals in which each WorkSpace of *history* was on: a ``runs`` table.

    From the first state of a row that says so to the last, widened by half a sampling
    interval into the gap beside it where that is an ordinary one; ``start_uncertain_minutes`` and
    ``end_uncertain_minutes`` are by how much. Gaps are bridged as those of sessions
    (:func:`wsanalytics.find_sessions`). Hourly figures of CloudWatch say too little and are left
    out.
    """
    states = States.of(history.samples, bridge_gaps)
    together = states.on[:-1] & states.on[1:] & states.bridged
    first = np.flatnonzero(states.on & ~np.append([False], together)) if len(states.on) else (
        np.empty(0, dtype=np.int64))
    final = np.flatnonzero(states.on & ~np.append(together, [False])) if len(states.on) else first
    start, start_off = _widened(states, first, -1)
    end, end_off = _widened(states, final, 1)
    frame = pd.DataFrame({
        "workspace_id": pd.Series(states.ids[states.code[first]], dtype="str"),
        "started_at": instants(start), "stopped_at": instants(end),
        "start_uncertain_minutes": start_off / MICROS_PER_MINUTE,
        "end_uncertain_minutes": end_off / MICROS_PER_MINUTE,
    })
    return sort_by_key(frame, RUNS)


def _widened(states: States, edge: Rows, side: int) -> tuple[Micros, Micros]:
    """Widen the ends of rows on one *side* (-1: before, 1: after), and give their uncertainty."""
    at, interval = states.at[edge], states.interval[states.code[edge]]
    # Entry i of bridged is the pair of states i and i + 1.
    pair = edge if side > 0 else edge - 1
    inside = (pair >= 0) & (pair < len(states.bridged))
    close = np.zeros(len(edge), dtype=bool)
    close[inside] = states.bridged[pair[inside]]
    gap = np.zeros(len(edge), dtype=np.int64)
    gap[close] = np.abs(states.at[edge[close] + side] - at[close])
    # No close neighbour: gap is 0, so nothing is added, and a whole interval is uncertain.
    reach = np.minimum(interval, gap) // 2
    return at + side * reach, np.where(close, gap - reach, interval)
