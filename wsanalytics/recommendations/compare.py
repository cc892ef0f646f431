"""From charges to differences: what each setting would save against the one in force.

A saving is a forecast made of the past: the same person working the same kind of weeks. Where use
has changed for good, only what came after the change counts. How far the coming weeks may be off
is told by :mod:`.forecasting.scenarios`, from blocks of the WorkSpace's own weeks and from what
others did next who had lived the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.forecasting import Prospects, days_ahead, prospects_of
from wsanalytics.formatting import CENT, counted, listed
from wsanalytics.recommendations.monthly_use import Counting, hours_since, life_of
from wsanalytics.recommendations.past import past_of
from wsanalytics.sessions import unobserved_days
from wsanalytics.settings import Setting
from wsanalytics.simulation import Replay
from wsanalytics.simulation import replay as replay_sessions
from wsanalytics.tables import COMPARISON
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    MICROS_PER_MINUTE,
    Amounts,
    Window,
    coded,
    column_micros,
    instants,
)


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
    (``history.configured``). Savings are USD a month of the WorkSpace's existence in the window,
    or since its use changed (``counted_from``). ``saving_low_usd`` and ``saving_high_usd`` enclose
    the middle *level* of what may come until the end of the next month, and ``chance_of_loss`` is
    the share of it in which the setting costs more than the present one; *seed* fixes the draws
    (the same input gives the same interval). *gaps* are the stretches in which nobody looked,
    which are no observed days. Returns a ``comparison`` table; amounts are empty where no price is
    known. Raises :class:`InputError` if a WorkSpace's present setting is not among those charged.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}", where="compare", rule="a level lies between 0 and 1",
                         mend="use for example 0.8")
    grid = _Grid.of(charges)
    present = _present(grid, baseline)
    life = life_of(workspaces, grid.ids, replay.window)
    fleet = np.arange(len(grid.ids))
    per_month = life.per_month
    past = past_of(replay, workspaces, grid.ids, gaps)
    ahead = prospects_of(past, seed=seed, ahead_days=days_ahead(replay.window))
    counting = Counting.since(replay, life, grid.ids, changed=ahead.changed,
                              days=ahead.counted_days)
    rows = [counting.at(name) for name in grid.settings]
    hourly, hours = (amount * counting.hours[rows] for amount in (grid.hourly, grid.hours))
    weekly = counting.starts_a_week(grid.cold_starts, counting.starts[rows])
    fixed = grid.fixed * per_month
    costs = fixed + hourly
    saving = costs[present, fleet] - costs
    moves = np.where(ahead.gone, grid.hourly * per_month, hourly)
    flat, moving = fixed[present, fleet] - fixed, moves[present, fleet] - moves
    low, high = _interval(flat, moving, ahead, level)
    low, high = np.fmin(low, saving), np.fmax(high, saving)
    counted_from = _counted_from(ahead, replay.window)
    connected, sessions = _connected(replay, grid.ids, counted_from)
    unseen = np.minimum(unobserved_days(gaps, grid.ids, replay.window), life.days)
    names = np.array(grid.settings)
    columns = {
        "total_usd": grid.total,
        "baseline_usd": np.broadcast_to(grid.total[present, fleet], grid.total.shape),
        "usd_per_month": costs,
        "hourly_usd_per_month": hourly,
        "billed_hours_per_month": hours,
        "saving_usd_per_month": saving,
        "saving_low_usd": low,
        "saving_high_usd": high,
        "chance_of_loss": _chance_of_loss(flat, moving, ahead),
        "cold_starts_per_week": weekly,
        "extra_cold_starts_per_week": weekly - weekly[present, fleet],
        "observed_days": np.broadcast_to(life.days - unseen, grid.total.shape),
        "unobserved_days": np.broadcast_to(unseen, grid.total.shape),
        "sessions": np.broadcast_to(sessions, grid.total.shape),
        "connected_hours_per_month": np.broadcast_to(
            connected * counting.to_a_month, grid.total.shape),
        "unattended_hours_per_month": np.broadcast_to(
            unattended_hours(replay, names_of(grid, present)) * per_month, grid.total.shape),
    }
    shape = grid.total.shape
    frame = pd.DataFrame(
        {
            "workspace_id": np.repeat(grid.ids.to_numpy(), shape[0]),
            "setting": coded(np.tile(np.arange(shape[0]), shape[1]), grid.settings, ordered=True),
            "baseline": np.repeat(names[present], shape[0]),
        }
        | {name: np.ascontiguousarray(values.T).ravel() for name, values in columns.items()}
        | {"terminated_at": life.terminated_at.repeat(shape[0]),
           "counted_from": counted_from.repeat(shape[0])}
        | {name: known.repeat(shape[0]) for name, known in _whose(workspaces, grid.ids).items()}
    )
    return frame[list(COMPARISON.names)]


def _whose(workspaces: pd.DataFrame, ids: pd.Index) -> dict[str, pd.Index]:
    """Where each WorkSpace is and whose it is, so that a plan made of it can be applied."""
    rows = workspaces.set_index("workspace_id").reindex(ids)
    return {name: pd.Index(rows[name].fillna("").astype("str")) if name in rows
            else pd.Index([""] * len(ids), dtype="str")
            for name in ("user_name", "account_id", "region")}


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


def names_of(grid: _Grid, present: npt.NDArray[np.intp]) -> pd.Series:
    """The present setting of each WorkSpace as text, by ``workspace_id``."""
    return pd.Series(np.array(grid.settings)[present], index=grid.ids, dtype="str")


def unattended_hours(replay: Replay, present: pd.Series) -> Amounts:
    """For how long each WorkSpace was on in the window and no session or timeout explains it.

    *present* is the setting of each, by ``workspace_id``; in its order the hours come out. What
    was stopped before its timeout is taken off, and less than nothing counts as nothing. The
    first timeout of the window is not counted: a session before it may explain what was on.
    """
    begins = replay.window.micros[0]
    hours = np.zeros(len(present))
    ids = present.index
    ordered = ids.isin(replay.orders["workspace_id"].unique())
    for setting in present[ordered].unique():
        names = ids[ordered & (present == setting).to_numpy()]
        plain = replay_sessions(replay.sessions[replay.sessions["workspace_id"].isin(names)],
                                [setting], window=replay.window)
        seen = replay.runs[replay.runs["setting"].astype("str") == setting]
        minutes = Setting.parse(setting).auto_stop_minutes or 0
        since = begins + minutes * MICROS_PER_MINUTE
        for runs, sign in ((seen, 1), (plain.runs, -1)):
            own = runs[runs["workspace_id"].isin(names)]
            spans = np.maximum(column_micros(own["stopped_at"]) - np.maximum(
                column_micros(own["started_at"]), since), 0)
            place = ids.get_indexer(pd.Index(own["workspace_id"].astype("str")))
            np.add.at(hours, place, sign * spans / MICROS_PER_HOUR)
    return np.maximum(hours, 0.0)


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


def _interval(
    flat: Amounts, moving: Amounts, ahead: Prospects, level: float
) -> tuple[Amounts, Amounts]:
    """The ends of each saving's interval: *flat* stays as it is, *moving* goes with the pace."""
    slow, fast = ahead.quantile((1 - level) / 2), ahead.quantile((1 + level) / 2)
    ends = np.stack([flat + moving * slow, flat + moving * fast])
    return ends.min(axis=0), ends.max(axis=0)


def _chance_of_loss(flat: Amounts, moving: Amounts, ahead: Prospects) -> Amounts:
    """How often each setting costs more than the present one, among the draws."""
    chance = np.zeros_like(flat)
    for place in range(len(flat)):
        saved = flat[place][:, None] + moving[place][:, None] * ahead.paces
        chance[place] = (saved < -CENT).mean(axis=1)
        chance[place][np.isnan(flat[place])] = np.nan
    return chance


def _counted_from(ahead: Prospects, window: Window) -> pd.DatetimeIndex:
    """Since when the past counts, where use has changed within the window."""
    end = Window.around(window.start, window.end).micros[1]
    at = instants(end - ahead.counted_days * MICROS_PER_DAY)
    return pd.DatetimeIndex(at.where(ahead.changed))


def _connected(
    replay: Replay, ids: pd.Index, counted_from: pd.DatetimeIndex
) -> tuple[Amounts, Amounts]:
    """Connected hours in the days that count, and sessions in the whole window."""
    sessions = replay.sessions[replay.sessions["workspace_id"].isin(ids)]
    place = ids.get_indexer(pd.Index(sessions["workspace_id"]))
    since = np.where(counted_from.isna(), 0, column_micros(pd.Series(counted_from)))[place]
    hours = hours_since(sessions, since)
    size = len(ids)
    return (
        np.bincount(place, weights=hours, minlength=size).astype(np.float64),
        np.bincount(place, minlength=size).astype(np.float64),
    )
