"""From charges to differences: what each setting would save against the one in force.

A saving is a forecast made of the past: the same person working the same kind of weeks. How far
it may be off is estimated by resampling each WorkSpace's own weeks: had its weeks come in other
numbers (the quiet ones twice, the busy ones not at all), how much would the saving differ? Seven
days are drawn together because a person's days hang together within a week.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.settings import Setting
from wsanalytics.show import counted, listed
from wsanalytics.simulate.fleet import Replay
from wsanalytics.tables import COMPARISON
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    Micros,
    Window,
    clipped,
    coded,
    column_micros,
    cut,
    months_of,
    week_edges,
)

Amounts = npt.NDArray[np.float64]

DRAWS = 1000
"""How often the weeks of each WorkSpace are drawn anew."""
_ROWS_AT_ONCE = 4000


def compare(
    charges: pd.DataFrame,
    replay: Replay,
    workspaces: pd.DataFrame,
    *,
    baseline: pd.Series,
    level: float = 0.8,
    seed: int = 0,
    gaps: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Every WorkSpace under every setting of *charges*, against the setting it has.

    *baseline* gives each WorkSpace's present setting by ``workspace_id``
    (``history.configured``). Savings are USD a month of the WorkSpace's existence in the window;
    ``saving_low_usd`` and ``saving_high_usd`` enclose the middle *level* of what resampling its
    weeks gives, *seed* fixing the draws (the same input gives the same interval). *gaps* are the
    stretches in which nobody looked, which are no observed days. Returns a ``comparison`` table;
    amounts are empty where no price is known. Raises :class:`InputError` if a WorkSpace's present
    setting is not among those charged.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}", where="compare", rule="a level lies between 0 and 1",
                         mend="use for example 0.8")
    grid = _Grid.of(charges)
    present = _present(grid, baseline)
    life = _life(workspaces, grid.ids, replay.window)
    fleet = np.arange(len(grid.ids))
    with np.errstate(invalid="ignore", divide="ignore"):
        per_month = 1 / np.where(life.months > 0, life.months, np.nan)
    saving = (grid.total[present, fleet] - grid.total) * per_month
    low, high = _intervals(grid, replay, life, present, level, seed)
    low, high = np.fmin(low, saving), np.fmax(high, saving)
    weekly = grid.cold_starts / replay.window.weeks
    connected, sessions = _connected(replay, grid.ids)
    unseen = np.minimum(_unseen_days(gaps, grid.ids, replay.window), life.days)
    names = np.array(grid.settings)
    columns = {
        "total_usd": grid.total,
        "baseline_usd": np.broadcast_to(grid.total[present, fleet], grid.total.shape),
        "usd_per_month": grid.total * per_month,
        "hourly_usd_per_month": grid.hourly * per_month,
        "billed_hours_per_month": grid.hours * per_month,
        "saving_usd_per_month": saving,
        "saving_low_usd": low,
        "saving_high_usd": high,
        "cold_starts_per_week": weekly,
        "extra_cold_starts_per_week": weekly - weekly[present, fleet],
        "observed_days": np.broadcast_to(life.days - unseen, grid.total.shape),
        "unobserved_days": np.broadcast_to(unseen, grid.total.shape),
        "sessions": np.broadcast_to(sessions, grid.total.shape),
        "connected_hours_per_month": np.broadcast_to(connected * per_month, grid.total.shape),
    }
    shape = grid.total.shape
    frame = pd.DataFrame(
        {
            "workspace_id": np.repeat(grid.ids.to_numpy(), shape[0]),
            "setting": coded(np.tile(np.arange(shape[0]), shape[1]), grid.settings, ordered=True),
            "baseline": np.repeat(names[present], shape[0]),
        }
        | {name: np.ascontiguousarray(values.T).ravel() for name, values in columns.items()}
        | {"terminated_at": life.terminated_at.repeat(shape[0])}
    )
    return frame[list(COMPARISON.names)]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Charges over the window as arrays of settings × WorkSpaces."""

    settings: list[str]
    ids: pd.Index
    total: Amounts
    fixed: Amounts
    hourly: Amounts
    hours: Amounts
    cold_starts: Amounts

    @classmethod
    def of(cls, charges: pd.DataFrame) -> _Grid:
        settings = sorted(
            {str(name) for name in charges["setting"].unique()},
            key=lambda name: Setting.parse(name).order,
        )
        ids = pd.Index(sorted(charges["workspace_id"].unique()), dtype="str")
        setting = pd.Index(settings).get_indexer(pd.Index(charges["setting"].astype("str")))
        owner = setting * len(ids) + ids.get_indexer(
            pd.Index(charges["workspace_id"].astype("str"))
        )
        shape = (len(settings), len(ids))

        def summed(name: str) -> Amounts:
            amounts = charges[name].to_numpy(dtype=np.float64)
            sums = np.bincount(owner, weights=amounts, minlength=shape[0] * shape[1])
            return sums.astype(np.float64).reshape(shape)

        return cls(
            settings, ids, summed("total_usd"), summed("fixed_usd"), summed("hourly_usd"),
            summed("billed_hours"), summed("cold_starts"),
        )


@dataclass(frozen=True, slots=True)
class _Life:
    """How long each WorkSpace existed in the window, and when it ended if it did."""

    days: Amounts
    months: Amounts
    week_days: Amounts
    terminated_at: pd.DatetimeIndex


def _present(grid: _Grid, baseline: pd.Series) -> npt.NDArray[np.intp]:
    names = baseline.reindex(grid.ids)
    lost = names.index[names.isna()]
    if len(lost):
        raise InputError(
            f"{counted(len(lost), 'WorkSpace')} with charges but no present setting: "
            f"{listed(list(lost))}",
            where="baseline", rule="each WorkSpace has a setting to compare with",
            mend="pass baseline=history.configured",
        )
    present = pd.Index(grid.settings).get_indexer(pd.Index(names.astype("str")))
    if (present < 0).any():
        setting = Setting.parse(names[present < 0].iloc[0])
        count = int((names == str(setting)).sum())
        add = (
            f"add {setting.auto_stop_minutes} to auto_stop_minutes"
            if setting.auto_stop_minutes
            else "pass always_on=True"
        )
        raise InputError(
            f"{counted(count, 'WorkSpace')} with {setting}, which was not replayed",
            where="baseline", rule="the present setting is among those replayed",
            mend=f"{add}, or pass include=history.configured, to setting_grid",
        )
    return present


def _life(workspaces: pd.DataFrame, ids: pd.Index, window: Window) -> _Life:
    rows = workspaces.set_index("workspace_id").reindex(ids)
    start, end = window.micros
    created = column_micros(rows["created_at"]) // MICROS_PER_DAY * MICROS_PER_DAY
    begins = np.where(rows["created_at"].notna(), np.maximum(created, start), start)
    ended = column_micros(rows["terminated_at"])
    ends = np.where(rows["terminated_at"].notna(), np.minimum(ended, end), end)
    months = months_of(window)
    return _Life(
        np.maximum(ends - begins, 0) / MICROS_PER_DAY,
        (_overlap(begins, ends, months.edges) / np.diff(months.edges)).sum(axis=1),
        _overlap(begins, ends, week_edges(window)) / MICROS_PER_DAY,
        pd.DatetimeIndex(rows["terminated_at"]),
    )


def _overlap(begins: Micros, ends: Micros, edges: Micros) -> Amounts:
    """How much of each stretch (rows) lies in each span between *edges* (columns)."""
    low = np.maximum(begins[:, None], edges[:-1])
    high = np.minimum(ends[:, None], edges[1:])
    overlap: Amounts = np.maximum(high - low, 0).astype(np.float64)
    return overlap


def _intervals(
    grid: _Grid, replay: Replay, life: _Life, present: npt.NDArray[np.intp], level: float, seed: int
) -> tuple[Amounts, Amounts]:
    """The ends of each saving's interval, by setting and WorkSpace."""
    fleet = np.arange(len(grid.ids))
    weekly = _weekly_usd(grid, replay, life)
    gain = weekly[present, fleet] - weekly
    with np.errstate(invalid="ignore", divide="ignore"):
        month_days = life.days / life.months
        fixed = (grid.fixed[present, fleet] - grid.fixed) / life.months
    low, high = np.full_like(fixed, np.nan), np.full_like(fixed, np.nan)
    alive = life.week_days > 0
    first, count = alive.argmax(axis=1), alive.sum(axis=1)
    for begin, weeks in {(int(f), int(c)) for f, c in zip(first, count, strict=True) if c}:
        times = np.random.default_rng([seed, weeks]).multinomial(
            weeks, np.full(weeks, 1 / weeks), size=DRAWS
        )
        alike = np.flatnonzero((first == begin) & (count == weeks))
        step = max(1, _ROWS_AT_ONCE // len(grid.settings))
        for rows in np.split(alike, range(step, len(alike), step)):
            span = slice(begin, begin + weeks)
            usd = gain[:, rows, span] @ times.T
            days = life.week_days[rows, span] @ times.T
            drawn = fixed[:, rows, None] + usd / days * month_days[rows, None]
            ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=2)
            low[:, rows], high[:, rows] = ends
    return low, high


def _weekly_usd(grid: _Grid, replay: Replay, life: _Life) -> Amounts:
    """The hourly charges of each setting and WorkSpace, spread over weeks as it was running."""
    edges = week_edges(replay.window)
    runs = replay.runs
    setting = pd.Index(grid.settings).get_indexer(runs["setting"].cat.categories.astype("str"))
    place = grid.ids.get_indexer(runs["workspace_id"].cat.categories)
    setting = setting[runs["setting"].cat.codes.to_numpy()] if len(runs) else np.empty(0, int)
    place = place[runs["workspace_id"].cat.codes.to_numpy()] if len(runs) else np.empty(0, int)
    known = (setting >= 0) & (place >= 0)
    pieces = cut(
        column_micros(runs["started_at"])[known], column_micros(runs["stopped_at"])[known], edges
    )
    owner = (setting * len(grid.ids) + place)[known][pieces.source]
    shape = (*grid.total.shape, len(edges) - 1)
    running = np.bincount(
        owner * shape[2] + pieces.span,
        weights=(pieces.stops - pieces.starts).astype(np.float64),
        minlength=int(np.prod(shape)),
    ).reshape(shape)
    spread = np.where(running.sum(axis=2, keepdims=True) > 0, running, life.week_days)
    whole = spread.sum(axis=2, keepdims=True)
    share = np.divide(spread, whole, out=np.zeros(shape), where=whole > 0)
    weekly: Amounts = grid.hourly[:, :, None] * share
    return weekly


def _connected(replay: Replay, ids: pd.Index) -> tuple[Amounts, Amounts]:
    sessions = replay.sessions
    place = ids.get_indexer(pd.Index(sessions["workspace_id"]))
    hours = (
        column_micros(sessions["disconnected_at"]) - column_micros(sessions["connected_at"])
    ) / MICROS_PER_HOUR
    known = place >= 0
    size = len(ids)
    return (
        np.bincount(place[known], weights=hours[known], minlength=size).astype(np.float64),
        np.bincount(place[known], minlength=size).astype(np.float64),
    )


def _unseen_days(
    gaps: pd.DataFrame | None, ids: pd.Index, window: Window
) -> npt.NDArray[np.float64]:
    """The days of the window in which nobody looked at each WorkSpace."""
    if gaps is None or gaps.empty:
        return np.zeros(len(ids))
    owner = ids.get_indexer(pd.Index(gaps["workspace_id"]))
    span = column_micros(clipped(gaps["to_at"], window)) - column_micros(
        clipped(gaps["from_at"], window))
    days = np.where(owner >= 0, span / MICROS_PER_DAY, 0.0)
    return np.bincount(np.maximum(owner, 0), weights=days, minlength=len(ids)).astype(np.float64)
