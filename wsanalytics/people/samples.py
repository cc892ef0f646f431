"""Looking at an invented fleet as a collector would, who misses some of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.people.person import Purpose
from wsanalytics.settings import RunningMode, auto_stop
from wsanalytics.simulation import live
from wsanalytics.tables import SAMPLES, check_sessions
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    MICROS_PER_MINUTE,
    MICROS_PER_SECOND,
    Micros,
    Window,
    column_micros,
    from_micros,
    instants,
    to_micros,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The part of the truth that a collector fails to see.

    ``nights``: outages of six hours for the whole fleet in the window; ``outages_per_month``:
    further ones, of 30 to 60 minutes. Of each WorkSpace by itself, ``single_share`` of the samples
    are lost, and ``stretches_per_month`` intervals of one to eight hours.
    """

    nights: int = 1
    outages_per_month: float = 1.5
    single_share: float = 0.003
    stretches_per_month: float = 0.3


NO_LOSS = Loss(nights=0, outages_per_month=0, single_share=0, stretches_per_month=0)
_DAYS_PER_MONTH = 30
_PER_PAGE, _PAGE_SECONDS = 25, 2


def take_samples(
    sessions: pd.DataFrame,
    workspaces: pd.DataFrame,
    window: Window,
    *,
    every: timedelta = timedelta(minutes=5),
    seed: int,
    loss: Loss | None = None,
) -> pd.DataFrame:
    """Return what a collector that polls *every* so often would have seen: a ``samples`` table.

    The WorkSpaces live through *sessions* in the setting that each of them has. All WorkSpaces of
    a page are looked at together, a few seconds after each round began. The *loss* (default: an
    ordinary one, ``Loss()``) leaves out samples. Text columns are categorical, so that a year of
    a large fleet fits into memory.
    """
    loss = loss or Loss()
    step = every // timedelta(microseconds=1)
    outages = _outages(window, loss, np.random.default_rng((seed, Purpose.OUTAGES)))
    sessions = check_sessions(sessions)
    by_id = {
        str(name): own_sessions
        for name, own_sessions in sessions.groupby("workspace_id", sort=False)
    }
    polls = []
    ordered = workspaces.sort_values("workspace_id", ignore_index=True)
    for index, (_, workspace) in enumerate(ordered.iterrows()):
        rng = np.random.default_rng((seed, index, Purpose.LOSSES))
        # A page of 25 WorkSpaces is polled at one time, and each page two seconds after the one
        # before.
        offset = index // _PER_PAGE * _PAGE_SECONDS * MICROS_PER_SECOND % step
        at = np.arange(window.micros[0] + offset, window.micros[1], step, dtype=np.int64)
        lost = _is_inside(at, outages) | _is_lost(at, window, loss, rng)
        at = at[_exists(at, workspace) & ~lost]
        own_sessions = by_id.get(workspace["workspace_id"], sessions.iloc[:0])
        polls.append(_look(at, own_sessions, workspace, window))
    return _as_samples(ordered["workspace_id"], polls)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The samples of one WorkSpace, an entry a sample; ``last`` is NaT's number for never."""

    at: Micros
    connected: npt.NDArray[np.bool_]
    running: npt.NDArray[np.bool_]
    last: Micros


def _look(at: Micros, sessions: pd.DataFrame, workspace: pd.Series, window: Window) -> _Seen:
    connected_at, disconnected_at = (
        column_micros(sessions[name]) for name in ("connected_at", "disconnected_at")
    )
    # start, end, start, end …: an odd number of passed edges means connected.
    edges = np.column_stack([connected_at, disconnected_at]).ravel()
    passed = np.searchsorted(edges, at, side="right")
    connected = passed % 2 == 1
    never = np.iinfo(np.int64).min
    # An even number of passed edges: the latest is the last disconnect, entry *passed* of the list
    # that begins with "never".
    last = np.where(connected, at, np.append(never, edges)[passed])
    if workspace["running_mode"] != RunningMode.AUTO_STOP:
        return _Seen(at, connected, np.ones(len(at), dtype=bool), last)
    pairs = [
        (from_micros(c), from_micros(d)) for c, d in zip(connected_at, disconnected_at, strict=True)
    ]
    runs = live(pairs, auto_stop(int(workspace["auto_stop_minutes"])), window).runs
    switched = np.array([to_micros(t) for run in runs for t in (run.started_at, run.stopped_at)],
                        dtype=np.int64)
    return _Seen(at, connected, _is_inside(at, switched), last)


def _as_samples(ids: pd.Series, polls: list[_Seen]) -> pd.DataFrame:
    at, connected, running, last = (
        np.concatenate([getattr(poll, name) for poll in polls])
        for name in ("at", "connected", "running", "last")
    )
    # owner: the number of the WorkSpace of each sample, an entry a sample.
    owner = np.repeat(np.arange(len(polls)), [len(poll.at) for poll in polls])
    connection = np.where(connected, 0, np.where(running, 1, 2))
    frame = {
        "workspace_id": _texts(owner, ids.tolist()),
        "sampled_at": instants(at),
        "connection_state": _texts(connection, ["CONNECTED", "DISCONNECTED", "UNKNOWN"]),
        "state": _texts(np.where(running, 0, 1), ["AVAILABLE", "STOPPED"]),
        "last_connected_at": instants(last),
        "checked_at": instants(at),
        "source": _texts(np.zeros(len(at), dtype=np.int8), ["sample"]),
    }
    return pd.DataFrame(frame)[list(SAMPLES.names)]


def _texts(codes: npt.NDArray[Any], words: list[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype="str"))


def _exists(at: Micros, workspace: pd.Series) -> npt.NDArray[np.bool_]:
    exists = np.ones(len(at), dtype=bool)
    if pd.notna(workspace["created_at"]):
        exists &= at >= to_micros(workspace["created_at"])
    if pd.notna(workspace["terminated_at"]):
        exists &= at < to_micros(workspace["terminated_at"])
    return exists


def _outages(window: Window, loss: Loss, rng: np.random.Generator) -> Micros:
    """Return the edges of the intervals in which the collector did not run, ascending."""
    start, end = window.micros
    count = round(loss.outages_per_month * window.days / _DAYS_PER_MONTH)
    # Whole days after the window's start; at 22:00 UTC of such a day the outage begins.
    night = rng.integers(1, max(2, int(window.days)), loss.nights) * MICROS_PER_DAY
    starts = np.append(start + night + 22 * MICROS_PER_HOUR, rng.integers(start, end, count))
    minutes = np.append(np.full(loss.nights, 360), rng.integers(30, 61, count))
    return _joined(starts, starts + minutes * MICROS_PER_MINUTE)


def _joined(starts: Micros, ends: Micros) -> Micros:
    """Return the ascending starts and ends of the union of intervals that may overlap."""
    order = np.argsort(starts)
    # reached: the latest end so far. A start beyond it begins a new interval of the union.
    starts, reached = starts[order], np.maximum.accumulate(ends[order])
    new = np.append([True], starts[1:] > reached[:-1])[: len(starts)]
    final = np.append(new[1:], [True])[: len(starts)]
    return np.column_stack([starts[new], reached[final]]).ravel()


def _is_inside(at: Micros, edges: Micros) -> npt.NDArray[np.bool_]:
    """Mark the instants within the intervals of these ascending edges (start, end, start …)."""
    inside: npt.NDArray[np.bool_] = np.searchsorted(edges, at, side="right") % 2 == 1
    return inside


def _is_lost(
    at: Micros, window: Window, loss: Loss, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    count = rng.poisson(loss.stretches_per_month * window.days / _DAYS_PER_MONTH)
    starts = rng.integers(*window.micros, count)
    hours = rng.integers(1, 9, count)
    intervals = _joined(starts, starts + hours * MICROS_PER_HOUR)
    return _is_inside(at, intervals) | (rng.random(len(at)) < loss.single_share)
