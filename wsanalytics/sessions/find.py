"""From samples to sessions: when each user was connected, and how sure that is.

Everything goes by timestamps, never by the position of a row, so lost samples cost certainty and
not hours. Three kinds of evidence make a session:

* a stretch of CONNECTED samples, no two of them further apart than ``bridge_gaps``;
* half a sampling interval beside it, where the neighbouring sample is close enough;
* ``last_connected_at``, the last moment that AWS knew a user to be connected: it sharpens the end
  of a session, and reveals one that began and ended between two samples.

Each status is evidence of the instant at which AWS checked it (``checked_at``), not of the look.
UNKNOWN is what AWS says of a stopped WorkSpace, so it counts as not connected. A silence longer
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

BRIDGED_INTERVALS = 3
USUAL_INTERVAL = 5 * MICROS_PER_MINUTE
"""Taken for the sampling interval of a WorkSpace that has a single sample."""
RESOLUTION = MICROS_PER_SECOND
"""How exact ``last_connected_at`` is taken to be; also the shortest session there is."""

Rows = npt.NDArray[np.int64]

_NEVER = np.iinfo(np.int64).min


def find_sessions(
    history: History | pd.DataFrame, *, bridge_gaps: timedelta | None = None
) -> pd.DataFrame:
    """The sessions that the samples of *history* (or a ``samples`` frame) show.

    *bridge_gaps* is the longest silence between two CONNECTED samples that is taken for one
    session; by default the larger of 20 minutes and three median sampling intervals of that
    WorkSpace. A session runs from the first CONNECTED sample of its stretch to the last, widened
    by half a sampling interval where the neighbouring sample lies no further off than
    *bridge_gaps*. Returns a ``sessions`` table: ``start_uncertain_minutes`` and
    ``end_uncertain_minutes`` say by how much the true instant may lie off, at the edge of the
    observation one sampling interval; ``revealed`` marks sessions that no sample saw.
    """
    looks = _looks(history, bridge_gaps)
    moments = _moments(looks)
    stretches = _stretches(looks, moments)
    revealed = _revealed(looks, moments, stretches)
    ids = looks.ids
    code = np.concatenate([stretches.code, revealed.code])
    frame = pd.DataFrame(
        {
            "workspace_id": ids[code],
            "connected_at": instants(np.concatenate([stretches.start, revealed.start])),
            "disconnected_at": instants(np.concatenate([stretches.end, revealed.end])),
            "start_uncertain_minutes": np.concatenate(
                [stretches.start_uncertain, revealed.start_uncertain]) / MICROS_PER_MINUTE,
            "end_uncertain_minutes": np.concatenate(
                [stretches.end_uncertain, revealed.end_uncertain]) / MICROS_PER_MINUTE,
            "revealed": np.repeat([False, True], [len(stretches.code), len(revealed.code)]),
        }
    )
    return sort_by_key(frame, SESSIONS)


def find_gaps(
    history: History | pd.DataFrame, *, bridge_gaps: timedelta | None = None
) -> pd.DataFrame:
    """The silences longer than *bridge_gaps* between two samples of one WorkSpace.

    Of a history also the silences between its window's edges and a WorkSpace's first and last
    sample, as far as the WorkSpace existed. Returns a ``gaps`` table. What happened in these
    stretches was not observed: it counts neither as connected nor as free.
    """
    looks = _looks(history, bridge_gaps)
    before = np.flatnonzero(looks.joined & ~looks.bridged)
    frame = pd.DataFrame(
        {
            "workspace_id": looks.ids[looks.code[before]],
            "from_at": instants(looks.at[before]),
            "to_at": instants(looks.at[before + 1]),
        }
    )
    if isinstance(history, History):
        frame = pd.concat([frame, *_silent_edges(history, looks)], ignore_index=True)
    return sort_by_key(frame, GAPS)


def _silent_edges(history: History, looks: _Looks) -> list[pd.DataFrame]:
    """What lies between a window's edges and the first and last sample of each WorkSpace."""
    fleet = history.workspaces.set_index("workspace_id")
    start, end = history.window.micros
    created, gone = (column_micros(fleet[name]) for name in ("created_at", "terminated_at"))
    opens = np.where(fleet["created_at"].isna(), start, np.clip(created, start, end))
    closes = np.where(fleet["terminated_at"].isna(), end, np.clip(gone, start, end))
    place = looks.ids.get_indexer(fleet.index)
    seen = place >= 0
    bounds = np.searchsorted(looks.code, np.arange(len(looks.ids) + 1), side="left")
    bridge = np.full(len(fleet), SHORTEST_BRIDGE, dtype=np.int64)
    bridge[seen] = looks.bridge[place[seen]]
    first, last = closes.copy(), closes.copy()  # never seen: one silence, up to the end
    first[seen] = looks.at[bounds[place[seen]]]
    last[seen] = looks.at[bounds[place[seen] + 1] - 1]
    found = []
    for low, high in ((opens, np.minimum(first, closes)), (last, closes)):
        silent = high - low > bridge
        found.append(pd.DataFrame({
            "workspace_id": pd.Series(fleet.index[silent], dtype="str"),
            "from_at": instants(low[silent]), "to_at": instants(high[silent]),
        }))
    return found


@dataclass(frozen=True, slots=True)
class _Looks:
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
    blur: Micros
    bridge: Micros


@dataclass(frozen=True, slots=True)
class _Moments:
    """Moments known to be connected: each lies in ``at[pair] < moment <= at[pair + 1]``."""

    pair: Rows
    at: Micros


@dataclass(frozen=True, slots=True)
class _Found:
    code: Rows
    start: Micros
    end: Micros
    start_uncertain: Micros
    end_uncertain: Micros


def _looks(history: History | pd.DataFrame, bridge_gaps: timedelta | None) -> _Looks:
    samples = history.samples if isinstance(history, History) else check_table(history, SAMPLES)
    silent = (samples["source"] == Source.NO_STATUS) & (samples["state"] != "STOPPED")
    if silent.any():
        samples = samples[~silent.to_numpy(dtype=bool)]
    if samples.empty:
        raise InputError("there are no rows", where="find_sessions",
                         rule="sessions are found in samples", fix="check how they were read")
    if bridge_gaps is not None and bridge_gaps <= timedelta(0):
        raise InputError(
            f"{bridge_gaps / timedelta(minutes=1):g} minutes", where="bridge_gaps",
            rule="the longest silence that is bridged is positive", fix="use for example 20",
        )
    code, ids = pd.factorize(samples["workspace_id"], sort=True)
    at = column_micros(evidence_at(samples))
    looked = column_micros(samples["sampled_at"])
    connected = (samples["connection_state"] == "CONNECTED").to_numpy()
    seen = samples["last_connected_at"]
    last = np.where(seen.isna(), _NEVER, column_micros(seen))
    last[last > looked + CLOCKS_DIFFER // timedelta(microseconds=1)] = _NEVER  # no future is known
    order = np.lexsort((at, code))
    code, at, connected, last = code[order], at[order], connected[order], last[order]
    blur = np.where(is_hourly(samples["source"])[order], MICROS_PER_HOUR, 0)
    code, at, connected, last, blur = _one_an_instant(code, at, connected, last, blur)
    joined = code[1:] == code[:-1]
    interval = median_intervals(code, at, joined, len(ids))
    bridge = np.maximum(SHORTEST_BRIDGE, BRIDGED_INTERVALS * interval)
    if bridge_gaps is not None:
        bridge[:] = bridge_gaps // timedelta(microseconds=1)
    bridged = joined & (np.diff(at) <= bridge[code[1:]])
    return _Looks(pd.Index(ids, dtype="str"), code, at, connected, last, interval, joined, bridged,
                  blur, bridge)


def _one_an_instant(
    code: Rows,
    at: Micros,
    connected: npt.NDArray[np.bool_],
    last: Micros,
    blur: Micros,
) -> tuple[Rows, Micros, npt.NDArray[np.bool_], Micros, Micros]:
    """Several samples of one instant become one: connected if any of them says so."""
    new = np.ones(len(at), dtype=bool)
    new[1:] = (code[1:] != code[:-1]) | (at[1:] != at[:-1])
    if new.all():
        return code, at, connected, last, blur
    firsts = np.flatnonzero(new)
    return (
        code[firsts],
        at[firsts],
        np.logical_or.reduceat(connected, firsts),
        np.maximum.reduceat(last, firsts),
        np.minimum.reduceat(blur, firsts),
    )


def median_intervals(
    code: Rows, at: Micros, joined: npt.NDArray[np.bool_], count: int
) -> Micros:
    """The median time between samples of each WorkSpace."""
    gaps = np.diff(at)[joined]
    owner = code[1:][joined]
    order = np.lexsort((gaps, owner))
    gaps, owner = gaps[order], owner[order]
    size = np.bincount(owner, minlength=count)
    first = np.cumsum(size) - size
    interval = np.full(count, USUAL_INTERVAL, dtype=np.int64)
    some = size > 0
    low = first[some] + (size[some] - 1) // 2
    high = first[some] + size[some] // 2
    interval[some] = (gaps[low] + gaps[high]) // 2
    return interval


def _stretches(looks: _Looks, moments: _Moments) -> _Found:
    """The sessions that samples saw, widened into ordinary gaps and sharpened."""
    first, final = _first_and_final(looks)
    interval = looks.interval[looks.code[first]]
    start_widened, start_uncertain = _reach(looks, first - 1, interval)
    end_widened, end_uncertain = _reach(looks, final, interval)
    start_uncertain = np.maximum(start_uncertain, looks.blur[first])
    end_uncertain = np.maximum(end_uncertain, looks.blur[final])
    start = looks.at[first] - start_widened
    end = looks.at[final] + end_widened
    leaving = looks.connected[moments.pair] & ~looks.connected[moments.pair + 1]
    leaving &= looks.bridged[moments.pair]  # beyond, nobody knows what lies between
    stretch = np.searchsorted(final, moments.pair[leaving])
    end[stretch] = moments.at[leaving]  # ascending, so the latest moment of a pair holds
    end_uncertain[stretch] = RESOLUTION
    end = np.maximum(end, start + RESOLUTION)
    return _Found(looks.code[first], start, end, start_uncertain, end_uncertain)


def _first_and_final(looks: _Looks) -> tuple[Rows, Rows]:
    """The first and the last sample of each stretch of CONNECTED samples."""
    together = looks.connected[:-1] & looks.connected[1:] & looks.bridged
    return (
        np.flatnonzero(looks.connected & ~np.append([False], together)),
        np.flatnonzero(looks.connected & ~np.append(together, [False])),
    )


def _reach(looks: _Looks, pair: Rows, interval: Micros) -> tuple[Micros, Micros]:
    """How far a session reaches into the gap of each *pair*, and how uncertain that end is."""
    real = (pair >= 0) & (pair < len(looks.joined))
    real[real] = looks.joined[pair[real]]
    widened, uncertain = np.zeros_like(interval), interval.copy()
    gap = looks.at[pair[real] + 1] - looks.at[pair[real]]
    widened[real] = np.where(
        looks.bridged[pair[real]], np.minimum(interval[real], gap) // 2, 0
    )
    uncertain[real] = gap - widened[real]
    return widened, uncertain


def _moments(looks: _Looks) -> _Moments:
    """Where ``last_connected_at`` moved on, and between which two samples the moment lies.

    AWS may tell it late, so the pair is found by the moment and not by the row that told it.
    """
    pairs, ats = [], []
    bounds = np.searchsorted(looks.code, np.arange(len(looks.ids) + 1), side="left")
    for low, high in pairwise(bounds.tolist()):
        known = np.maximum.accumulate(looks.last[low:high])
        moved = known[1:][known[1:] > known[:-1]]
        place = np.searchsorted(looks.at[low:high], moved, side="left") - 1
        inside = (place >= 0) & (place + 1 < high - low)
        pairs.append(place[inside] + low)
        ats.append(moved[inside])
    return _Moments(np.concatenate(pairs), np.concatenate(ats))


def _revealed(looks: _Looks, moments: _Moments, stretches: _Found) -> _Found:
    """The sessions that began and ended between two samples that both say not connected.

    Likewise where a long silence lies behind a CONNECTED sample: the session that it saw ends
    there by rule, and somebody was connected later in the silence. It may have been one session
    all along, so the start of the revealed one is as uncertain as that.
    """
    unseen = ~looks.connected[moments.pair] | ~looks.bridged[moments.pair]
    missed = unseen & ~looks.connected[moments.pair + 1]
    pair, end = moments.pair[missed], moments.at[missed]
    code, before = looks.code[pair], looks.at[pair]
    again = np.append([False], pair[1:] == pair[:-1])[: len(pair)]
    before[again] = end[np.flatnonzero(again) - 1]
    start = np.maximum(before, end - looks.interval[code])
    _, final = _first_and_final(looks)
    behind = looks.connected[pair]
    stretch = np.searchsorted(final, pair[behind])
    earliest = before.copy()
    earliest[behind] = stretches.start[stretch] - stretches.start_uncertain[stretch]
    uncertain = np.maximum(start - earliest, end - start)
    return _Found(code, start, end, uncertain, np.full_like(end, RESOLUTION))
