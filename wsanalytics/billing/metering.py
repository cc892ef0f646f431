"""Meter a replay: billed hours and cold starts, by setting, WorkSpace and month."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.billing.hour_rules import HourRule, hours_of, session_hours, tool_edges
from wsanalytics.billing.mode_changes import Modes
from wsanalytics.schedule import Schedule
from wsanalytics.settings import Setting
from wsanalytics.simulation import Replay
from wsanalytics.timeline import (
    MICROS_PER_MINUTE,
    Hours,
    Micros,
    Months,
    Pieces,
    column_micros,
    cut,
)

Counts = npt.NDArray[np.int64]


def metered(
    replay: Replay, ids: pd.Series, months: Months, rule: HourRule, modes: list[Modes]
) -> tuple[Hours, Counts]:
    """Return billed hours and cold starts, by setting, WorkSpace of *ids* and month.

    *modes* have, for each setting of *replay*, from when on hours are free.
    """
    shape = (len(modes), len(ids), len(months.days))
    if rule is HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT:
        hours = np.stack([
            _tool_hours(replay, setting, ids, months, mode)
            for setting, mode in zip(replay.settings, modes, strict=True)
        ])
    else:
        hours = _running_hours(replay, ids, months, rule, modes)
    # Looked up once per category, not per run: the rows of *ids*, -1 for what is not billed.
    row_of_category = pd.Index(ids).get_indexer(replay.runs["workspace_id"].cat.categories)
    owner = _owner(replay.cold_starts, row_of_category, shape)
    connects = column_micros(replay.cold_starts["connected_at"])[owner >= 0]
    # "right" - 1: an instant at an edge belongs to the month that begins there.
    month = np.searchsorted(months.edges, connects, side="right") - 1
    size = int(np.prod(shape))
    # owner numbers setting and WorkSpace; times the months plus the month it numbers one cell of
    # *shape*.
    cold = np.bincount(owner[owner >= 0] * shape[2] + month, minlength=size).astype(np.int64)
    return hours, cold.reshape(shape)


def _running_hours(
    replay: Replay, ids: pd.Series, months: Months, rule: HourRule, modes: list[Modes]
) -> Hours:
    """Return the billed hours of the runs, as settings x WorkSpaces x months."""
    shape = (len(modes), len(ids), len(months.days))
    # settings x WorkSpaces x months, flattened: from each cell's instant on, its hours are free.
    free_from = np.stack([mode.free_from for mode in modes]).ravel()
    row_of_category = pd.Index(ids).get_indexer(replay.runs["workspace_id"].cat.categories)
    owner = _owner(replay.runs, row_of_category, shape)
    is_billed = owner >= 0
    starts = column_micros(replay.runs["started_at"])[is_billed]
    stops = column_micros(replay.runs["stopped_at"])[is_billed]
    pieces = cut(starts, stops, months.edges)
    # An entry a piece of a run within one month; group numbers its cell (setting, WorkSpace,
    # month).
    group = owner[is_billed][pieces.source] * shape[2] + pieces.span
    pieces, group = _before(pieces, group, free_from[group])
    billed = hours_of(pieces, group, rule)
    hours = np.bincount(group, weights=billed, minlength=int(np.prod(shape)))
    return hours.astype(np.float64).reshape(shape)


def _tool_hours(
    replay: Replay, setting: Setting | Schedule, ids: pd.Series, months: Months, modes: Modes
) -> Hours:
    """Count the hours of the sessions as AWS's own tool does, by WorkSpace and month.

    The timeout that counts is the one in force as the tool runs, at 23:00 UTC: at the end of each
    of its days, or when hours become free or the month ends.
    """
    shape = (len(ids), len(months.days))
    sessions = replay.sessions
    edges = tool_edges(np.clip(months.edges, *replay.window.micros))
    owner = pd.Index(ids).get_indexer(pd.Index(sessions["workspace_id"])).astype(np.int64)
    is_billed = owner >= 0
    pieces = cut(column_micros(sessions["connected_at"])[is_billed],
                 column_micros(sessions["disconnected_at"])[is_billed], edges)
    owner = owner[is_billed][pieces.source]
    month = np.searchsorted(months.edges, edges[pieces.span], side="right") - 1
    # An entry a piece: the end of the tool's day that it lies in, or the instant from which hours
    # are free.
    end = np.minimum(edges[pieces.span + 1], modes.free_from[owner, month])
    pieces, remaining = _before(pieces, np.arange(len(owner)), end)
    owner, month, end = owner[remaining], month[remaining], end[remaining]
    if isinstance(setting, Schedule):
        # One microsecond before the end: the timeout as the tool runs, before any change at that
        # instant.
        timeout = setting.timeouts_at(ids, owner, end - 1) * MICROS_PER_MINUTE
    else:
        timeout = np.full(len(owner), (setting.auto_stop_minutes or 0) * MICROS_PER_MINUTE)
    first, hours = session_hours(pieces, owner * len(edges) + pieces.span, timeout)
    # Of each merged session only the first piece has an entry in *hours*.
    group = (owner * shape[1] + month)[first]
    billed = np.bincount(group, weights=hours, minlength=int(np.prod(shape)))
    return billed.astype(np.float64).reshape(shape)


def _before(
    pieces: Pieces, group: Counts, end: Micros
) -> tuple[Pieces, Counts]:
    """Cut each piece at its *end*, from which on hours are free; drop what lies behind it."""
    has_paid_part = pieces.starts < end
    stops = np.minimum(pieces.stops, end)
    return (
        Pieces(
            pieces.source[has_paid_part],
            pieces.span[has_paid_part],
            pieces.starts[has_paid_part],
            stops[has_paid_part],
        ),
        group[has_paid_part],
    )


def _owner(
    frame: pd.DataFrame, row_of_category: npt.NDArray[np.intp], shape: tuple[int, int, int]
) -> Counts:
    """Number setting and WorkSpace of each row in one; -1 for WorkSpaces that are not billed."""
    setting = frame["setting"].cat.codes.to_numpy(dtype=np.int64)
    codes = frame["workspace_id"].cat.codes.to_numpy()
    workspace = row_of_category[codes] if len(frame) else np.empty(0, dtype=np.intp)
    # shape[1] is the number of WorkSpaces: row-major over setting and WorkSpace.
    return np.where(workspace < 0, -1, setting * shape[1] + workspace)
