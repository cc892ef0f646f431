"""Turn charges into differences: the saving of each setting against the present one.

What a setting costs a month is what it would have cost in the past; where use has changed for good,
only what came after the change counts. What it is expected to cost, and so what it saves, is the
mean over what may come until the end of the next month; how far that may be off is estimated by
:mod:`wsanalytics.forecasting.scenarios`, from blocks of the WorkSpace's own weeks and from what
followed in the most similar weeks of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.forecasting import Rates, Scenarios, days_ahead, scenarios_of
from wsanalytics.formatting import CENT, counted, listed
from wsanalytics.recommendations.monthly_use import Counting, Life, hours_since, life_of
from wsanalytics.recommendations.past import begins_of, past_of
from wsanalytics.sessions import unobserved_days
from wsanalytics.settings import ALWAYS_ON, Setting
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
    """Compare every WorkSpace under every setting of *charges* with the setting it has.

    *baseline* gives each WorkSpace's present setting by ``workspace_id``
    (``history.configured``). Costs are USD a month of the WorkSpace's existence in the window,
    or since its use changed (``counted_from``). Savings are expected: the mean over the scenarios
    of what may come until the end of the next month, of which ``saving_low_usd`` and
    ``saving_high_usd`` enclose the middle *level*, and ``chance_of_loss`` is the share in which the
    setting costs more than the present one; *seed* fixes the draws
    (the same input gives the same interval). *gaps* are the intervals that nobody observed:
    they are no observed days. Returns a ``comparison`` table; amounts are empty where no price is
    known. Raises :class:`InputError` if a WorkSpace's present setting is not among those charged.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}", where="compare", rule="a level lies between 0 and 1",
                         fix="use for example 0.8")
    cube = _ChargesCube.of(charges)
    present = _present_rows(cube, baseline)
    life = life_of(workspaces, cube.ids, replay.window)
    past = past_of(replay, workspaces, cube.ids, gaps)
    scenarios = scenarios_of(past, seed=seed, ahead_days=days_ahead(replay.window),
                             begins=begins_of(replay.window, past), rates=_rates(cube, life))
    counting = Counting.since(replay, life, cube.ids, changed=scenarios.changed,
                              days=scenarios.counted_days)
    monthly = _Monthly.of(cube, life, counting)
    savings = _Savings.of(monthly, cube, life, present, scenarios, level)
    counted_from = _counted_from(scenarios, replay.window)
    connected, sessions = _connected(replay, cube.ids, counted_from)
    unseen = np.minimum(unobserved_days(gaps, cube.ids, replay.window), life.days)
    # Hours of the whole window, so they go by the month of existence, not by the days that count.
    unattended = unattended_hours(replay, names_of(cube, present)) * life.per_month
    fleet, weekly = np.arange(len(cube.ids)), monthly.cold_starts_per_week
    # Settings x WorkSpaces, or an entry a WorkSpace, which holds for each of its settings.
    columns = {
        "total_usd": cube.total,
        "baseline_usd": cube.total[present, fleet],
        "usd_per_month": monthly.usd,
        "hourly_usd_per_month": monthly.hourly,
        "billed_hours_per_month": monthly.hours,
        "expected_usd_per_month": savings.expected_usd,
        "expected_hours_per_month": savings.expected_hours,
        "saving_usd_per_month": savings.usd,
        "saving_low_usd": savings.low,
        "saving_high_usd": savings.high,
        "chance_of_loss": savings.chance_of_loss,
        "cold_starts_per_week": weekly,
        "extra_cold_starts_per_week": weekly - weekly[present, fleet],
        "observed_days": life.days - unseen,
        "unobserved_days": unseen,
        "sessions": sessions,
        "connected_hours_per_month": connected * counting.to_a_month,
        "unattended_hours_per_month": unattended,
    }
    about = {"terminated_at": life.terminated_at, "counted_from": counted_from,
             **_whose(workspaces, cube.ids)}
    return _as_frame(cube, present, columns, about)


def _as_frame(
    cube: _ChargesCube, present: npt.NDArray[np.intp], columns: dict[str, Amounts],
    about: dict[str, Any],
) -> pd.DataFrame:
    """Give the ``comparison`` table: WorkSpace by WorkSpace, each under all settings in order.

    *about* holds an entry a WorkSpace, *columns* settings x WorkSpaces or an entry a WorkSpace.
    """
    shape = settings, workspaces = cube.total.shape
    frame = pd.DataFrame(
        {
            "workspace_id": np.repeat(cube.ids.to_numpy(), settings),
            "setting": coded(np.tile(np.arange(settings), workspaces), cube.settings,
                             ordered=True),
            "baseline": np.repeat(np.array(cube.settings)[present], settings),
        }
        # Rows run over the settings of one WorkSpace first: that is the transposed cube, flat.
        | {name: np.ascontiguousarray(np.broadcast_to(values, shape).T).ravel()
           for name, values in columns.items()}
        | {name: values.repeat(settings) for name, values in about.items()}
    )
    return frame[list(COMPARISON.names)]


def _whose(workspaces: pd.DataFrame, ids: pd.Index) -> dict[str, pd.Index]:
    """Return user, account and region of each WorkSpace, so that a plan of it can be applied."""
    rows = workspaces.set_index("workspace_id").reindex(ids)
    return {name: pd.Index(rows[name].fillna("").astype("str")) if name in rows
            else pd.Index([""] * len(ids), dtype="str")
            for name in ("user_name", "account_id", "region")}


@dataclass(frozen=True, slots=True)
class _ChargesCube:
    """Charges over the window as arrays of settings x WorkSpaces; USD, hours, and a count."""

    settings: list[str]
    ids: pd.Index
    total: Amounts
    fixed: Amounts
    hourly: Amounts
    hours: Amounts
    cold_starts: Amounts

    @classmethod
    def of(cls, charges: pd.DataFrame) -> _ChargesCube:
        settings = sorted(
            {str(name) for name in charges["setting"].unique()},
            key=lambda name: Setting.parse(name).order,
        )
        ids = pd.Index(sorted(charges["workspace_id"].unique()), dtype="str")
        setting = pd.Index(settings).get_indexer(pd.Index(charges["setting"].astype("str")))
        # owner: one number for each row of the charges, setting times WorkSpaces plus WorkSpace:
        # the cell of the cube that its months are summed into.
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


def names_of(cube: _ChargesCube, present: npt.NDArray[np.intp]) -> pd.Series:
    """Return the present setting of each WorkSpace as text, by ``workspace_id``."""
    return pd.Series(np.array(cube.settings)[present], index=cube.ids, dtype="str")


def unattended_hours(replay: Replay, present: pd.Series) -> Amounts:
    """Return the hours of each WorkSpace in the window that no session or timeout explains.

    *present* is the setting of each, by ``workspace_id``; in its order the hours come out. What
    was stopped before its timeout is taken off, and less than nothing counts as nothing. The
    first timeout of the window is not counted: a session before it may explain what was on.
    """
    begins = replay.window.micros[0]
    hours = np.zeros(len(present))
    ids = present.index
    # Only where starts or stops were observed can anything differ from the plain replay.
    ordered = ids.isin(replay.commands["workspace_id"].unique())
    for setting in present[ordered].unique():
        names = ids[ordered & (present == setting).to_numpy()]
        plain = replay_sessions(replay.sessions[replay.sessions["workspace_id"].isin(names)],
                                [setting], window=replay.window)
        with_commands = replay.runs[replay.runs["setting"].astype("str") == setting]
        minutes = Setting.parse(setting).auto_stop_minutes or 0
        since = begins + minutes * MICROS_PER_MINUTE
        # On with the observed commands, minus on by sessions and timeout alone.
        for runs, sign in ((with_commands, 1), (plain.runs, -1)):
            of_names = runs[runs["workspace_id"].isin(names)]
            spans = np.maximum(column_micros(of_names["stopped_at"]) - np.maximum(
                column_micros(of_names["started_at"]), since), 0)
            row = ids.get_indexer(pd.Index(of_names["workspace_id"].astype("str")))
            np.add.at(hours, row, sign * spans / MICROS_PER_HOUR)
    return np.maximum(hours, 0.0)


def _rates(cube: _ChargesCube, life: Life) -> Rates:
    """Return the prices that charges were made with, by WorkSpace; NaN where they do not show."""
    modes = np.array(cube.settings) == str(ALWAYS_ON)
    none = np.full(len(cube.ids), np.nan)
    always_on = cube.total[modes][0] * life.per_month if modes.any() else none
    if modes.all():
        return Rates(always_on, none, none)
    # The setting with the most hours says best what an hour costs; fees are the same in all.
    auto_stop = np.flatnonzero(~modes)
    most = auto_stop[cube.hours[auto_stop].sum(axis=1).argmax()]
    with np.errstate(divide="ignore", invalid="ignore"):
        hourly = np.where(cube.hours[most] > 0, cube.hourly[most] / cube.hours[most], np.nan)
    return Rates(always_on, cube.fixed[most] * life.per_month, hourly)


def _present_rows(cube: _ChargesCube, baseline: pd.Series) -> npt.NDArray[np.intp]:
    """Give the row of the cube that is each WorkSpace's present setting, an entry a WorkSpace."""
    names = baseline.reindex(cube.ids)
    missing = names.index[names.isna()]
    if len(missing):
        raise InputError(
            f"{counted(len(missing), 'WorkSpace')} with charges but no present setting: "
            f"{listed(list(missing))}",
            where="baseline", rule="each WorkSpace has a setting to compare with",
            fix="pass baseline=history.configured",
        )
    present = pd.Index(cube.settings).get_indexer(pd.Index(names.astype("str")))
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
            fix=f"{add}, or pass include=history.configured, to setting_grid",
        )
    return present


@dataclass(frozen=True, slots=True)
class _Monthly:
    """The cost of each setting in a month of the use that counts: settings x WorkSpaces.

    ``fixed`` are the fees, ``hourly`` what is paid for the billed ``hours``.
    """

    fixed: Amounts
    hourly: Amounts
    hours: Amounts
    cold_starts_per_week: Amounts

    @classmethod
    def of(cls, cube: _ChargesCube, life: Life, counting: Counting) -> _Monthly:
        # The cube and the counting may order their settings differently.
        rows = [counting.at(name) for name in cube.settings]
        return cls(
            cube.fixed * life.per_month, cube.hourly * counting.hours[rows],
            cube.hours * counting.hours[rows],
            counting.starts_a_week(cube.cold_starts, counting.starts[rows]))

    @property
    def usd(self) -> Amounts:
        return self.fixed + self.hourly


@dataclass(frozen=True, slots=True)
class _Savings:
    """The saving of each setting a month against the present one: settings x WorkSpaces, USD."""

    usd: Amounts
    low: Amounts
    high: Amounts
    chance_of_loss: Amounts
    expected_usd: Amounts
    expected_hours: Amounts

    @classmethod
    def of(
        cls, monthly: _Monthly, cube: _ChargesCube, life: Life, present: npt.NDArray[np.intp],
        scenarios: Scenarios, level: float,
    ) -> _Savings:
        """Give the savings, and how far those of the coming months may lie from them.

        Fees stay what they are, hours go with how much people will work: so a saving is a fixed
        part plus a varying part times a usage ratio, which the *scenarios* draw.
        """
        fleet = np.arange(len(cube.ids))
        fixed_part = monthly.fixed[present, fleet] - monthly.fixed
        # The ratio of somebody inactive is against all of their past (nothing has no multiple),
        # so what it multiplies are their charges of the whole window.
        hourly = np.where(scenarios.inactive, cube.hourly * life.per_month, monthly.hourly)
        hours = np.where(scenarios.inactive, cube.hours * life.per_month, monthly.hours)
        varying = hourly[present, fleet] - hourly
        mean = scenarios.usage_ratios.mean(axis=1)
        usd = fixed_part + varying * mean
        # The quantiles of the usage ratio that enclose the middle *level* of the scenarios.
        slow, fast = (scenarios.quantile((1 + side * level) / 2) for side in (-1, 1))
        # A saving is linear in the usage ratio, so its extremes lie at the ends of the ratio's
        # interval; which end is which depends on the sign of *varying*.
        ends = np.stack([fixed_part + varying * slow, fixed_part + varying * fast])
        # A mean may lie outside of the middle of what it is the mean of (seldom very busy months):
        # an interval that did not hold the saving itself would contradict the figure beside it, so
        # it is widened to do so.
        # fmin and fmax skip NaN: where one end has no price the saving itself, NaN as well,
        # decides.
        return cls(usd, np.fmin(ends.min(axis=0), usd), np.fmax(ends.max(axis=0), usd),
                   _chance_of_loss(fixed_part, varying, scenarios),
                   monthly.fixed + hourly * mean, hours * mean)


def _chance_of_loss(fixed_part: Amounts, varying: Amounts, scenarios: Scenarios) -> Amounts:
    """Give the share of scenarios in which each setting costs more than the present one."""
    chance = np.zeros_like(fixed_part)
    for row in range(len(fixed_part)):  # setting by setting: WorkSpaces x scenarios fit in memory
        saved = fixed_part[row][:, None] + varying[row][:, None] * scenarios.usage_ratios
        chance[row] = (saved < -CENT).mean(axis=1)
        chance[row][np.isnan(fixed_part[row])] = np.nan
    return chance


def _counted_from(scenarios: Scenarios, window: Window) -> pd.DatetimeIndex:
    """Return since when the past counts, where use has changed within the window."""
    end = Window.around(window.start, window.end).micros[1]
    at = instants(end - scenarios.counted_days * MICROS_PER_DAY)
    # NaT where nothing changed: the whole window counts.
    return pd.DatetimeIndex(at.where(scenarios.changed))


def _connected(
    replay: Replay, ids: pd.Index, counted_from: pd.DatetimeIndex
) -> tuple[Amounts, Amounts]:
    """Return connected hours in the days that count, and sessions in the whole window."""
    sessions = replay.sessions[replay.sessions["workspace_id"].isin(ids)]
    row = ids.get_indexer(pd.Index(sessions["workspace_id"]))
    since = np.where(counted_from.isna(), 0, column_micros(pd.Series(counted_from)))[row]
    hours = hours_since(sessions, since)
    size = len(ids)
    return (
        np.bincount(row, weights=hours, minlength=size).astype(np.float64),
        np.bincount(row, minlength=size).astype(np.float64),
    )
