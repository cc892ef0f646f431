"""What of a replay is metered: billed hours and cold starts, by setting, WorkSpace and month."""

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
    """Billed hours and cold starts, by setting, WorkSpace of *ids* and month.

    *modes* say, for each setting of *replay*, from when on hours are free.
    """
    shape = (len(modes), len(ids), len(months.days))
    if rule is HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT:
        hours = np.stack([
            _tool_hours(replay, setting, ids, months, mode)
            for setting, mode in zip(replay.settings, modes, strict=True)
        ])
    else:
        hours = _running_hours(replay, ids, months, rule, modes)
    place = pd.Index(ids).get_indexer(replay.runs["workspace_id"].cat.categories)
    owner = _owner(replay.cold_starts, place, shape)
    connects = column_micros(replay.cold_starts["connected_at"])[owner >= 0]
    month = np.searchsorted(months.edges, connects, side="right") - 1
    size = int(np.prod(shape))
    cold = np.bincount(owner[owner >= 0] * shape[2] + month, minlength=size).astype(np.int64)
    return hours, cold.reshape(shape)


def _running_hours(
    replay: Replay, ids: pd.Series, months: Months, rule: HourRule, modes: list[Modes]
) -> Hours:
    """The hours of the runs."""
    shape = (len(modes), len(ids), len(months.days))
    free_from = np.stack([mode.free_from for mode in modes]).ravel()
    place = pd.Index(ids).get_indexer(replay.runs["workspace_id"].cat.categories)
    owner = _owner(replay.runs, place, shape)
    known = owner >= 0
    starts = column_micros(replay.runs["started_at"])[known]
    stops = column_micros(replay.runs["stopped_at"])[known]
    pieces = cut(starts, stops, months.edges)
    group = owner[known][pieces.source] * shape[2] + pieces.span
    pieces, group = _before(pieces, group, free_from[group])
    billed = hours_of(pieces, group, rule)
    hours = np.bincount(group, weights=billed, minlength=int(np.prod(shape)))
    return hours.astype(np.float64).reshape(shape)


def _tool_hours(
    replay: Replay, setting: Setting | Schedule, ids: pd.Series, months: Months, modes: Modes
) -> Hours:
    """The hours of the sessions as AWS's own tool counts them, by WorkSpace and month.

    The timeout that counts is the one in force as the tool runs, at 23:00 UTC: at the end of each
    of its days, or when hours become free or the month ends.
    """
    shape = (len(ids), len(months.days))
    sessions = replay.sessions
    edges = tool_edges(np.clip(months.edges, *replay.window.micros))
    owner = pd.Index(ids).get_indexer(pd.Index(sessions["workspace_id"])).astype(np.int64)
    known = owner >= 0
    pieces = cut(column_micros(sessions["connected_at"])[known],
                 column_micros(sessions["disconnected_at"])[known], edges)
    owner = owner[known][pieces.source]
    month = np.searchsorted(months.edges, edges[pieces.span], side="right") - 1
    end = np.minimum(edges[pieces.span + 1], modes.free_from[owner, month])
    pieces, kept = _before(pieces, np.arange(len(owner)), end)
    owner, month, end = owner[kept], month[kept], end[kept]
    if isinstance(setting, Schedule):
        timeout = setting.timeouts_at(ids, owner, end - 1) * MICROS_PER_MINUTE
    else:
        timeout = np.full(len(owner), (setting.auto_stop_minutes or 0) * MICROS_PER_MINUTE)
    first, hours = session_hours(pieces, owner * len(edges) + pieces.span, timeout)
    group = (owner * shape[1] + month)[first]
    billed = np.bincount(group, weights=hours, minlength=int(np.prod(shape)))
    return billed.astype(np.float64).reshape(shape)


def _before(
    pieces: Pieces, group: Counts, end: Micros
) -> tuple[Pieces, Counts]:
    """What of each piece lies before the *end* of its own: what is not free."""
    kept = pieces.starts < end
    stops = np.minimum(pieces.stops, end)
    return (
        Pieces(pieces.source[kept], pieces.span[kept], pieces.starts[kept], stops[kept]),
        group[kept],
    )


def _owner(
    frame: pd.DataFrame, place: npt.NDArray[np.intp], shape: tuple[int, int, int]
) -> Counts:
    """Setting and WorkSpace of each row as one number, -1 for WorkSpaces that are not billed."""
    setting = frame["setting"].cat.codes.to_numpy(dtype=np.int64)
    codes = frame["workspace_id"].cat.codes.to_numpy()
    workspace = place[codes] if len(frame) else np.empty(0, dtype=np.intp)
    return np.where(workspace < 0, -1, setting * shape[1] + workspace)
