"""Meter a fleet once, so that its price can be asked again and again.

Replaying and metering take seconds; pricing what was metered takes no time. So each setting is
replayed and each hour rule counted once, by the same functions that ``bill`` goes by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wsanalytics.billing import HourRule, Meter, Tariff, billable, check_owners, warn_left_out
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted, listed
from wsanalytics.prices import PriceBook
from wsanalytics.recommendations import Counting, life_of
from wsanalytics.settings import Setting, setting_grid
from wsanalytics.simulation import Replay
from wsanalytics.tables import CHARGES
from wsanalytics.timeline import Window, months_of
from wsanalytics.tradeoffs.efficient import Amounts, Marks

AS_CHARGED = "as charged"
"""The name of the hour rule and of the prices where only charges are known."""


@dataclass(frozen=True, slots=True)
class PriceLabel:
    """A label of prices: the date they hold from, and the share taken off already."""

    date: str
    discount: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MeteredFleet:
    """The use of a fleet under each of ``settings`` in ``window``, and what is owed for it.

    Arrays are WorkSpaces (rows, ``ids``) × settings: ``starts_a_week`` and ``starts_a_month`` the
    cold starts, and in ``owed``, by hour rule and name of the prices, the fees and the billed hours
    in USD a month of existence; NaN where a price lacks, or where a WorkSpace has no ``months`` in
    the window. ``present`` is each WorkSpace's setting, None where nobody knows. ``not_billed``
    counts those that are MANUAL or standby, of which there are no rows. ``counted`` is a note
    on those of whom only a part of the window counts.
    """

    settings: tuple[Setting, ...]
    window: Window
    ids: pd.Index
    users: tuple[str, ...]
    terminated: Marks
    months: Amounts
    starts_a_week: Amounts
    starts_a_month: Amounts
    owed: dict[tuple[str, str], tuple[Amounts, Amounts]]
    labels: dict[str, PriceLabel]
    present: pd.Series | None
    not_billed: int
    counted: str = ""

    @property
    def hour_rules(self) -> tuple[str, ...]:
        """The hour rules that can be asked for, the usual one first."""
        return tuple(dict.fromkeys(rule for rule, _ in self.owed))


def from_replay(
    replay: Replay, workspaces: pd.DataFrame, prices: Mapping[str, PriceBook],
    rules: Sequence[HourRule], maintenance_hours: float, present: pd.Series,
    gaps: pd.DataFrame | None = None,
) -> MeteredFleet:
    """Meter a *replay* of settings, each hour rule counted and each price book asked once.

    WorkSpaces that are not billed, or have no price in the first book, are named by the warnings
    of ``bill``. Raises :class:`InputError` for sessions of WorkSpaces that *workspaces* lacks, and
    for a present setting that is unknown or was not replayed.
    """
    check_owners(replay.sessions, workspaces)
    fleet = workspaces[billable(workspaces)].sort_values("workspace_id", ignore_index=True)
    ids = pd.Index(fleet["workspace_id"])
    settings = tuple(setting for setting in replay.settings if isinstance(setting, Setting))
    counting = Counting.of(replay, fleet, ids, gaps)
    rows = [counting.at(str(setting)) for setting in settings]
    scale, hours = counting.life.per_month[:, None], counting.hours[rows].T
    tariffs = {name: Tariff.of(fleet, book, months_of(replay.window))
               for name, book in prices.items()}
    warn_left_out(workspaces, fleet, next(iter(tariffs.values())))
    meters = {rule: Meter.of(replay, fleet, rule, maintenance_hours) for rule in rules}
    owed = {}
    for rule, meter in meters.items():
        for name, tariff in tariffs.items():
            # Meters are settings x WorkSpaces x months; schedules behind the settings are cut off.
            fixed, hourly = (usd.sum(axis=2)[: len(settings)].T for usd in meter.owed(tariff))
            owed[str(rule), name] = fixed * scale, hourly * hours
    starts = meters[rules[0]].cold_starts.sum(axis=2)[: len(settings)].astype(np.float64)
    share = counting.starts[rows]
    return MeteredFleet(
        settings=settings,
        window=replay.window,
        ids=ids,
        users=tuple(fleet["user_name"]),
        terminated=fleet["terminated_at"].notna().to_numpy(),
        months=counting.life.months,
        owed=owed,
        starts_a_week=counting.starts_a_week(starts, share).T,
        starts_a_month=counting.starts_a_month(starts, share).T,
        counted=counting.note,
        labels={name: PriceLabel(book.date, book.discount) for name, book in prices.items()},
        present=_present(present, ids, settings),
        not_billed=len(workspaces) - len(fleet),
    )


def from_charges(
    charges: pd.DataFrame, workspaces: pd.DataFrame | None, window: Window | None, rule: str,
    present: pd.Series | None,
) -> MeteredFleet:
    """Take the use from *charges*, a table that ``bill`` made: their hour rule and prices alone.

    Without a *window* whole months are taken; without *workspaces* everybody lived through all of
    it, and nobody is MANUAL or standby. Raises :class:`InputError` for a frame that is no such
    table or lacks rows, and for a present setting that was not charged.
    """
    settings, ids, months = _axes_of(charges)
    shape = (len(ids), len(settings))
    row = ids.get_indexer(pd.Index(charges["workspace_id"].astype("str")))
    column = pd.Index(list(map(str, settings))).get_indexer(
        pd.Index(charges["setting"].astype("str")))

    def summed(name: str) -> Amounts:
        sums = np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1],
                           weights=charges[name].to_numpy(dtype=np.float64))
        return sums.astype(np.float64).reshape(shape)

    when = window or _whole(months)
    users, terminated = ("",) * len(ids), np.zeros(len(ids), dtype=bool)
    lived = np.full(len(ids), months_of(when).covered.sum())
    if workspaces is not None:
        fleet = _rows_of(workspaces, ids)
        users = tuple(fleet["user_name"])
        terminated = fleet["terminated_at"].notna().to_numpy()
        lived = life_of(fleet, ids, when).months
    scale = _per_month(lived)[:, None]
    return MeteredFleet(
        settings=settings, window=when, ids=ids, users=users, terminated=terminated, months=lived,
        starts_a_week=summed("cold_starts") / when.weeks,
        starts_a_month=summed("cold_starts") * scale,
        owed={(rule, AS_CHARGED): (summed("fixed_usd") * scale, summed("hourly_usd") * scale)},
        labels={AS_CHARGED: PriceLabel("", 0.0)},
        present=None if present is None else _present(present, ids, settings),
        not_billed=0 if workspaces is None else int((~billable(workspaces)).sum()),
    )


def _axes_of(charges: pd.DataFrame) -> tuple[tuple[Setting, ...], pd.Index, tuple[str, ...]]:
    """Return settings, WorkSpaces and months of a charges table that has a row for each of all."""
    missing = [name for name in CHARGES.names if name not in charges]
    if missing:
        raise InputError(f"the frame lacks {', '.join(missing)}", where="what_if",
                         rule="a frame is a charges table", fix="pass what ws.bill gave")
    settings = setting_grid(auto_stop_minutes=(), always_on=False,
                            include=charges["setting"].astype("str").unique())
    ids = pd.Index(sorted(charges["workspace_id"].astype("str").unique()), dtype="str")
    months = tuple(sorted(charges["month"].astype("str").unique()))
    whole = len(settings) * len(ids) * len(months)
    keys = charges[list(CHARGES.key)]
    if not whole or len(charges) != whole or keys.duplicated().any():
        raise InputError(
            f"the charges have {counted(len(charges), 'row')}, of {whole:,}", where="what_if",
            rule="there is one row for each setting, WorkSpace and month",
            fix="bill all settings of the whole fleet at once")
    return settings, ids, months


def _rows_of(workspaces: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    missing = ids[~ids.isin(workspaces["workspace_id"])]
    if len(missing):
        raise InputError(f"the workspaces lack some that were charged: {listed(list(missing))}",
                         where="what_if", fix="pass the workspaces that were billed")
    return workspaces.set_index("workspace_id", drop=False).loc[ids]


def _whole(months: Sequence[str]) -> Window:
    first, last = pd.Period(months[0], "M"), pd.Period(months[-1], "M")
    return Window.of_days(first.start_time.date(), (last + 1).start_time.date())


def _per_month(months: Amounts) -> Amounts:
    per_month: Amounts = np.divide(1, months, out=np.full(len(months), np.nan), where=months > 0)
    return per_month


def _present(present: pd.Series, ids: pd.Index, settings: tuple[Setting, ...]) -> pd.Series:
    """Return the present settings of the WorkSpaces *ids*, each among *settings*."""
    settings_now = present.reindex(ids)
    missing = ids[settings_now.isna()]
    if len(missing):
        raise InputError(
            f"{counted(len(missing), 'WorkSpace')} without a present setting: "
            f"{listed(list(missing))}",
            where="baseline",
            rule="each WorkSpace has a setting to compare with",
            fix="pass baseline=history.configured",
        )
    settings_now = settings_now.astype("str")
    unknown = sorted(set(settings_now) - set(map(str, settings)))
    if unknown:
        setting = Setting.parse(unknown[0], where="baseline")
        minutes = setting.auto_stop_minutes
        raise InputError(
            f"{counted(int((settings_now == str(setting)).sum()), 'WorkSpace')} with {setting}, "
            "which was not charged",
            where="baseline",
            rule="the present setting is among those charged",
            fix=f"add {minutes} to auto_stop_minutes" if minutes else "pass always_on=True",
        )
    return settings_now
