"""From samples to sessions: when each user was connected, and how sure that is.

Everything goes by timestamps, never by the position of a row, so lost samples cost certainty and
not hours. Three kinds of evidence make a session:

* a row of CONNECTED samples, no two of them further apart than ``bridge_gaps``;
* half a sampling interval beside it, where the neighbouring sample is close enough;
* ``last_connected_at``, the last moment that AWS knew a user to be connected: it sharpens the end
  of a session, and reveals one that began and ended between two samples.

Each status is evidence of the instant at which AWS checked it (``checked_at``), not of the poll.
UNKNOWN is what AWS says of a stopped WorkSpace, so it counts as not connected. A gap longer
than ``bridge_gaps`` is neither connected nor free: it ends the session and is listed by
:func:`find_gaps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.check_times import CLOCKS_DIFFER, evidence_at
from wsanalytics.errors import InputError
from wsanalytics.history import History
from wsanalytics.sessions.unobserved import longest_bridge, median_intervals
from wsanalytics.tables import (
    GAPS,
    SAMPLES,
    SESSIONS,
    SHORTEST_BRIDGE,
    Source,
    check_table,
    is_hourly,
    sort_by_key,
)
from wsanalytics.timeline import (
    MICROS_PER_HOUR,
    MICROS_PER_MINUTE,
    MICROS_PER_SECOND,
    Micros,
    column_micros,
    instants,
)

RESOLUTION = MICROS_PER_SECOND
"""The precision of ``last_connected_at``; also the length of the shortest session."""

Rows = npt.NDArray[np.int64]

_NEVER = np.iinfo(np.int64).min


def find_sessions(
    history: History | pd.DataFrame, *, bridge_gaps: timedelta | None = None
) -> pd.DataFrame:
    """Find the sessions in the samples of *history* (or a ``samples`` frame).

    *bridge_gaps* is the longest gap between two CONNECTED samples that is taken for one
    session; by default the larger of 20 minutes and three median sampling intervals of that
    WorkSpace. A session runs from the first CONNECTED sample of its row to the last, widened
    by half a sampling interval where the neighbouring sample lies no further off than
    *bridge_gaps*. Returns a ``sessions`` table: ``start_uncertain_minutes`` and
    ``end_uncertain_minutes`` are by how much the true instant may lie off, at the edge of the
    observation one sampling interval; ``revealed`` marks sessions that no sample saw.
    """
    return _sessions_in(_sorted_samples(history, bridge_gaps))


def find_sessions_and_gaps(
    history: History, *, bridge_gaps: timedelta | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find both what :func:`find_sessions` and :func:`find_gaps` find, sorting samples once."""
    samples = _sorted_samples(history, bridge_gaps)
    return _sessions_in(samples), _gaps_in(samples, history)


def _sessions_in(samples: _Samples) -> pd.DataFrame:
    moments = _moments(samples)
    seen_sessions = _seen_sessions(samples, moments)
    revealed = _revealed(samples, moments, seen_sessions)
    ids = samples.ids
    code = np.concatenate([seen_sessions.code, revealed.code])
    frame = pd.DataFrame(
        {
            "workspace_id": ids[code],
            "connected_at": instants(np.concatenate([seen_sessions.start, revealed.start])),
            "disconnected_at": instants(np.concatenate([seen_sessions.end, revealed.end])),
            "start_uncertain_minutes": np.concatenate(
                [seen_sessions.start_uncertain, revealed.start_uncertain]) / MICROS_PER_MINUTE,
            "end_uncertain_minutes": np.concatenate(
                [seen_sessions.end_uncertain, revealed.end_uncertain]) / MICROS_PER_MINUTE,
            "revealed": np.repeat([False, True], [len(seen_sessions.code), len(revealed.code)]),
        }
    )
    return sort_by_key(frame, SESSIONS)


def find_gaps(
    history: History | pd.DataFrame, *, bridge_gaps: timedelta | None = None
) -> pd.DataFrame:
    """Find the gaps longer than *bridge_gaps* between two samples of one WorkSpace.

    Of a history also the gaps between its window's edges and a WorkSpace's first and last
    sample, as far as the WorkSpace existed. Returns a ``gaps`` table. What happened in these
    intervals was not observed: it counts neither as connected nor as free.
    """
    return _gaps_in(_sorted_samples(history, bridge_gaps), history)


def _gaps_in(samples: _Samples, history: History | pd.DataFrame) -> pd.DataFrame:
    before = np.flatnonzero(samples.joined & ~samples.bridged)
    frame = pd.DataFrame(
        {
            "workspace_id": samples.ids[samples.code[before]],
            "from_at": instants(samples.at[before]),
            "to_at": instants(samples.at[before + 1]),
        }
    )
    if isinstance(history, History):
        frame = pd.concat([frame, *_gaps_at_edges(history, samples)], ignore_index=True)
    return sort_by_key(frame, GAPS)


def _gaps_at_edges(history: History, samples: _Samples) -> list[pd.DataFrame]:
    """Find the gaps between a window's edges and the first and last sample of each WorkSpace."""
    fleet = history.workspaces.set_index("workspace_id")
    start, end = history.window.micros
    created, terminated = (column_micros(fleet[name]) for name in ("created_at", "terminated_at"))
    opens = np.where(fleet["created_at"].isna(), start, np.clip(created, start, end))
    closes = np.where(fleet["terminated_at"].isna(), end, np.clip(terminated, start, end))
    # row: the position of each WorkSpace in samples.ids; -1 for one that was never sampled.
    row = samples.ids.get_indexer(fleet.index)
    is_sampled = row >= 0
    # bounds[i]: bounds[i + 1] are the samples of WorkSpace i, since samples are sorted by code.
    bounds = np.searchsorted(samples.code, np.arange(len(samples.ids) + 1), side="left")
    max_gap = np.full(len(fleet), SHORTEST_BRIDGE, dtype=np.int64)
    max_gap[is_sampled] = samples.max_gap[row[is_sampled]]
    first, last = closes.copy(), closes.copy()  # never seen: one gap, up to the end
    first[is_sampled] = samples.at[bounds[row[is_sampled]]]
    last[is_sampled] = samples.at[bounds[row[is_sampled] + 1] - 1]
    frames = []
    for low, high in ((opens, np.minimum(first, closes)), (last, closes)):
        # Terminated before its first sample: high < low, which is no gap.
        is_gap = high - low > max_gap
        frames.append(pd.DataFrame({
            "workspace_id": pd.Series(fleet.index[is_gap], dtype="str"),
            "from_at": instants(low[is_gap]), "to_at": instants(high[is_gap]),
        }))
    return frames


@dataclass(frozen=True, slots=True)
class _Samples:
    """The samples in flat arrays, sorted by WorkSpace and time, one entry an instant.

    The arrays over pairs (entry *i* is sample *i* and the next one) are one shorter:
    ``joined``: both are of one WorkSpace; ``bridged``: and no further apart than bridge_gaps.
    """

    ids: pd.Index
    code: Rows
    at: Micros
    connected: npt.NDArray[np.bool_]
    last: Micros
    interval: Micros
    joined: npt.NDArray[np.bool_]
    bridged: npt.NDArray[np.bool_]
    time_resolution: Micros
    max_gap: Micros


@dataclass(frozen=True, slots=True)
class _LastConnected:
    """Moments at which AWS knew a user to be connected: ``at[pair] < moment <= at[pair + 1]``."""

    pair: Rows
    at: Micros


@dataclass(frozen=True, slots=True)
class _Spans:
    code: Rows
    start: Micros
    end: Micros
    start_uncertain: Micros
    end_uncertain: Micros


def _sorted_samples(history: History | pd.DataFrame, bridge_gaps: timedelta | None) -> _Samples:
    table = history.samples if isinstance(history, History) else check_table(history, SAMPLES)
    # Without a status nothing was observed, unless the state says that it was stopped: then nobody
    # was on.
    is_unanswered = (table["source"] == Source.NO_STATUS) & (table["state"] != "STOPPED")
    if is_unanswered.any():
        table = table[~is_unanswered.to_numpy(dtype=bool)]
    if table.empty:
        raise InputError("there are no rows", where="find_sessions",
                         rule="sessions are found in samples", fix="check how they were read")
    if bridge_gaps is not None and bridge_gaps <= timedelta(0):
        raise InputError(
            f"{bridge_gaps / timedelta(minutes=1):g} minutes", where="bridge_gaps",
            rule="the longest gap that is bridged is positive", fix="use for example 20",
        )
    code, ids = pd.factorize(table["workspace_id"], sort=True)
    at = column_micros(evidence_at(table))
    sampled = column_micros(table["sampled_at"])
    connected = (table["connection_state"] == "CONNECTED").to_numpy()
    last_connected = table["last_connected_at"]
    last = np.where(last_connected.isna(), _NEVER, column_micros(last_connected))
    last[last > sampled + CLOCKS_DIFFER // timedelta(microseconds=1)] = _NEVER  # no future is known
    order = order_of(code, at)
    code, at, connected, last = code[order], at[order], connected[order], last[order]
    time_resolution = np.where(is_hourly(table["source"])[order], MICROS_PER_HOUR, 0)
    code, at, connected, last, time_resolution = _merge_same_instant(
        code, at, connected, last, time_resolution
    )
    # Entry i of joined, bridged and np.diff(at) is about samples i and i + 1: one entry fewer.
    joined = code[1:] == code[:-1]
    interval = median_intervals(code, at, joined, len(ids))
    max_gap = longest_bridge(interval)
    if bridge_gaps is not None:
        max_gap[:] = bridge_gaps // timedelta(microseconds=1)
    bridged = joined & (np.diff(at) <= max_gap[code[1:]])
    return _Samples(
        pd.Index(ids, dtype="str"),
        code,
        at,
        connected,
        last,
        interval,
        joined,
        bridged,
        time_resolution,
        max_gap,
    )


def order_of(code: Rows, at: Micros) -> Rows:
    """Return the order of samples by WorkSpace and time.

    Samples come by time, mostly: then a stable sort by WorkSpace alone is enough, and that takes no
    comparisons where their numbers have 16 bits (numpy's radix sort).
    """
    small = code.astype(np.uint16) if len(code) and code.max() < 1 << 16 else code
    order = np.argsort(small, kind="stable")
    sorted_code, sorted_at = code[order], at[order]
    is_late = (sorted_code[1:] == sorted_code[:-1]) & (sorted_at[1:] < sorted_at[:-1])
    # lexsort sorts by its last key first: by WorkSpace, then by time.
    return np.lexsort((at, code)) if is_late.any() else order


def _merge_same_instant(
    code: Rows,
    at: Micros,
    connected: npt.NDArray[np.bool_],
    last: Micros,
    time_resolution: Micros,
) -> tuple[Rows, Micros, npt.NDArray[np.bool_], Micros, Micros]:
    """Merge samples of one instant: connected if any of them is."""
    new = np.ones(len(at), dtype=bool)
    new[1:] = (code[1:] != code[:-1]) | (at[1:] != at[:-1])
    if new.all():
        return code, at, connected, last, time_resolution
    # reduceat takes each slice firsts[i]:firsts[i + 1], which is one instant of one WorkSpace.
    firsts = np.flatnonzero(new)
    return (
        code[firsts],
        at[firsts],
        np.logical_or.reduceat(connected, firsts),
        np.maximum.reduceat(last, firsts),
        np.minimum.reduceat(time_resolution, firsts),
    )


def _seen_sessions(samples: _Samples, moments: _LastConnected) -> _Spans:
    """Find the sessions that samples saw, widened into ordinary gaps and sharpened."""
    first, final = _first_and_final(samples)
    interval = samples.interval[samples.code[first]]
    start_widened, start_uncertain = _reach(samples, first - 1, interval)
    end_widened, end_uncertain = _reach(samples, final, interval)
    start_uncertain = np.maximum(start_uncertain, samples.time_resolution[first])
    end_uncertain = np.maximum(end_uncertain, samples.time_resolution[final])
    start = samples.at[first] - start_widened
    end = samples.at[final] + end_widened
    leaving = samples.connected[moments.pair] & ~samples.connected[moments.pair + 1]
    leaving &= samples.bridged[moments.pair]  # beyond, nobody knows what lies between
    # final is ascending, and each of these pairs begins with the final sample of one session.
    session = np.searchsorted(final, moments.pair[leaving])
    end[session] = moments.at[leaving]  # ascending, so the latest moment of a pair holds
    end_uncertain[session] = RESOLUTION
    end = np.maximum(end, start + RESOLUTION)
    return _Spans(samples.code[first], start, end, start_uncertain, end_uncertain)


def _first_and_final(samples: _Samples) -> tuple[Rows, Rows]:
    """Find the first and the last sample of each row of CONNECTED samples."""
    together = samples.connected[:-1] & samples.connected[1:] & samples.bridged
    return (
        np.flatnonzero(samples.connected & ~np.append([False], together)),
        np.flatnonzero(samples.connected & ~np.append(together, [False])),
    )


def _reach(samples: _Samples, pair: Rows, interval: Micros) -> tuple[Micros, Micros]:
    """Return how far a session reaches into the gap of each *pair*, and the uncertainty."""
    # The first and the last sample of all have a neighbour on one side only; so has each
    # WorkSpace's.
    real = (pair >= 0) & (pair < len(samples.joined))
    real[real] = samples.joined[pair[real]]
    widened, uncertain = np.zeros_like(interval), interval.copy()
    gap = samples.at[pair[real] + 1] - samples.at[pair[real]]
    widened[real] = np.where(
        samples.bridged[pair[real]], np.minimum(interval[real], gap) // 2, 0
    )
    uncertain[real] = gap - widened[real]
    return widened, uncertain


def _moments(samples: _Samples) -> _LastConnected:
    """Find where ``last_connected_at`` moved on, and between which two samples that moment lies.

    AWS may report it late, so the pair is found by the moment and not by the row that has it.
    """
    pairs, ats = [], []
    bounds = np.searchsorted(samples.code, np.arange(len(samples.ids) + 1), side="left")
    for low, high in pairwise(bounds.tolist()):
        # Late answers may repeat an older moment: a running maximum keeps the newest known so far.
        latest = np.maximum.accumulate(samples.last[low:high])
        moved = latest[1:][latest[1:] > latest[:-1]]
        # The sample before the moment, counted from *low*; "left", as a moment may equal the
        # sample's time.
        before = np.searchsorted(samples.at[low:high], moved, side="left") - 1
        inside = (before >= 0) & (before + 1 < high - low)
        pairs.append(before[inside] + low)
        ats.append(moved[inside])
    return _LastConnected(np.concatenate(pairs), np.concatenate(ats))


def _revealed(samples: _Samples, moments: _LastConnected, seen_sessions: _Spans) -> _Spans:
    """Find the sessions that began and ended between two samples that both say not connected.

    Also where a long gap follows a CONNECTED sample: the session that it saw ends there by rule,
    and somebody was connected later in the gap. It may have been one session
    all along, so the start of the revealed one is as uncertain as that.
    """
    unseen = ~samples.connected[moments.pair] | ~samples.bridged[moments.pair]
    missed = unseen & ~samples.connected[moments.pair + 1]
    pair, end = moments.pair[missed], moments.at[missed]
    code, before = samples.code[pair], samples.at[pair]
    # Several moments in one pair: each session after the first begins after the moment before it.
    again = np.append([False], pair[1:] == pair[:-1])[: len(pair)]
    before[again] = end[np.flatnonzero(again) - 1]
    # At the most one sampling interval long: of a longer session a sample would have seen
    # something.
    start = np.maximum(before, end - samples.interval[code])
    _, final = _first_and_final(samples)
    behind = samples.connected[pair]
    session = np.searchsorted(final, pair[behind])
    earliest = before.copy()
    earliest[behind] = seen_sessions.start[session] - seen_sessions.start_uncertain[session]
    uncertain = np.maximum(start - earliest, end - start)
    return _Spans(code, start, end, uncertain, np.full_like(end, RESOLUTION))
