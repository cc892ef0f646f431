"""Forecast the cost of the fleet in this month and the next: the figure for a budget.

Each WorkSpace goes on as in the days that count of its past, times a usage ratio drawn from its
scenarios; and all together times one that is drawn from the fleet's own ups and downs, for
holidays hit everybody at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.billing import Tariff, share_left
from wsanalytics.files import tags_of
from wsanalytics.forecasting import (
    Rates,
    Scenarios,
    UsagePast,
    days_ahead,
    scenarios_of,
)
from wsanalytics.recommendations.analysis import Analysis
from wsanalytics.recommendations.monthly_use import life_of
from wsanalytics.recommendations.past import begins_of, past_of
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.tables import BUDGET
from wsanalytics.timeline import MICROS_PER_DAY, Hours, Window, months_later, months_of, to_micros

PRESENT, PLANNED = "present", "plan"
LEVEL = 0.8
USUAL_SWING = 0.05
"""The spread between months of the whole fleet, where its past is too short to estimate it."""
_BLOCK_DAYS = 28


def forecast_spend(
    analysis: Analysis, *, by_directory: bool = True, tags: Iterable[str] = (), seed: int = 0
) -> pd.DataFrame:
    """Forecast the cost of this month and the next, as the fleet is set and under the plan.

    *This month* is the one in which the analysis's window ends (the one that begins, if it ends on
    a 1st); what its days so far have billed is in it. Rows for the fleet, for each directory, and
    for each value of each of *tags*: a ``budget`` table. The interval holds the middle 80 % of the
    draws, *seed* fixing them. Under the plan each change comes into force on its best date.
    Terminated, MANUAL and standby WorkSpaces and those without a price are left out. Discounts are
    those of the prices; taxes are not in it.
    """
    fleet = _Fleet.of(analysis, seed)
    totals = {PRESENT: fleet.costs(fleet.present), PLANNED: fleet.costs(fleet.planned)}
    rows = []
    for part, names in _parts(fleet.workspaces, by_directory=by_directory, tags=tags).items():
        for name in sorted(set(names)):
            in_part = np.array([each == name for each in names])
            for month_number, month in enumerate(fleet.months):
                for under, usd in totals.items():
                    drawn = usd[month_number][in_part].sum(axis=0)
                    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
                    mean = float(drawn.mean())
                    rows.append((part, name, month, under, int(in_part.sum()), mean,
                                 min(float(low), mean), max(float(high), mean)))
    return pd.DataFrame(rows, columns=list(BUDGET.names))


def _parts(
    workspaces: pd.DataFrame, *, by_directory: bool, tags: Iterable[str]
) -> dict[str, list[str]]:
    """Return the name of each WorkSpace's part in each way to divide the fleet."""
    parts = {"fleet": [""] * len(workspaces)}
    if by_directory:
        parts["directory"] = workspaces["directory_id"].tolist()
    tags_by_workspace = [tags_of(text) for text in workspaces["tags"]]
    for tag in tags:
        parts[f"tag {tag}"] = [each.get(tag, "") for each in tags_by_workspace]
    return parts


@dataclass(frozen=True, slots=True, eq=False)
class _Fleet:
    """The WorkSpaces that are counted (rows), and the scenarios of each.

    ``hours_a_day`` has a column a setting of ``settings``; ``so_far`` the hours billed in the month
    until ``now``. ``usage_ratios`` has a column a scenario. ``changes_at`` is when the plan changes
    each, in microseconds.
    """

    workspaces: pd.DataFrame
    months: tuple[str, ...]
    now: int
    edges: npt.NDArray[np.int64]
    days: Hours
    tariff: Tariff
    settings: tuple[str, ...]
    hours_a_day: Hours
    so_far: Hours
    usage_ratios: Hours
    present: npt.NDArray[np.int64]
    planned: npt.NDArray[np.int64]
    changes_at: npt.NDArray[np.int64]

    @classmethod
    def of(cls, analysis: Analysis, seed: int) -> _Fleet:
        """Collect the fleet of the *analysis*."""
        table = analysis.comparison.astype({"setting": "str"})
        table = table[table["terminated_at"].isna()]
        whole = table["usd_per_month"].notna().groupby(table["workspace_id"]).transform("all")
        table = table[whole]
        hours = table.pivot_table(index="workspace_id", columns="setting",
                                  values="billed_hours_per_month", dropna=False).sort_index()
        ids = hours.index
        workspaces = analysis.workspaces.set_index("workspace_id").loc[ids].reset_index()
        settings = tuple(hours.columns)
        baseline = table.drop_duplicates("workspace_id").set_index("workspace_id")["baseline"]
        changes = analysis.plan.changes.set_index("workspace_id")
        proposed = changes["to_setting"].reindex(ids)
        present = pd.Index(settings).get_indexer(pd.Index(baseline.loc[ids]))
        after = proposed.where(proposed.notna(), baseline.loc[ids])
        planned = pd.Index(settings).get_indexer(pd.Index(after))
        window = analysis.window
        both = Window(months_later(window.end, 0), months_later(window.end, 2))
        months = months_of(both)
        past = past_of(analysis.replay, analysis.workspaces, ids, analysis.gaps)
        rates = analysis.prices.rates(workspaces)
        ahead = scenarios_of(
            past, ahead_days=days_ahead(window), seed=seed,
            begins=begins_of(window, past),
            rates=Rates(*(rates[name].to_numpy() for name in (
                "always_on_usd", "auto_stop_usd", "hourly_usd"))))
        return cls(
            workspaces, months.labels, to_micros(window.end), months.edges, months.days,
            Tariff.of(workspaces, analysis.prices, months), settings,
            _hours_a_day(analysis, hours, ahead), _so_far(analysis, ids, settings, both),
            _usage_ratios(ahead, _swing(past), seed), present, planned, _dates(changes, ids),
        )

    def costs(self, after: npt.NDArray[np.int64]) -> list[Hours]:
        """Return USD of both months by WorkSpace and draw, if each becomes *after* on its date."""
        return [self._month(month_number, after) for month_number in (0, 1)]

    def _month(self, month_number: int, after: npt.NDArray[np.int64]) -> Hours:
        before, at = self.present, self.changes_at
        opens, ends = self.edges[month_number], self.edges[month_number + 1]
        first = max(int(opens), self.now)
        # turns: when each changes within the month; at its end if it does not change in it.
        turns = np.clip(at, first, ends)
        always_on = self.settings.index(str(ALWAYS_ON)) if str(ALWAYS_ON) in self.settings else -1
        opening = np.where(at <= opens, after, before)
        row = np.arange(len(before))
        opens_on, ends_on = opening == always_on, np.where(at < ends, after, before) == always_on
        converts = ends_on & ~opens_on
        days = (turns - first) / MICROS_PER_DAY, (ends - turns) / MICROS_PER_DAY
        hours = (self.hours_a_day[row, before] * days[0]
                 + np.where(ends_on, 0.0, self.hours_a_day[row, after]) * days[1])
        billed = self.so_far[row, before] * (month_number == 0)
        fee = np.where(
            opens_on, self.tariff.always_on[:, month_number], self.tariff.auto_stop[:, month_number]
        )
        share = share_left(
            turns, np.full(len(turns), ends), np.full(len(turns), self.days[month_number])
        )
        fee = fee + np.where(converts, self.tariff.monthly * share, 0.0)
        # A month that opens in ALWAYS_ON is prepaid to its end, whatever follows; after a switch to
        # it, hours are free from then on, which *hours* has left out already.
        rate = np.where(opens_on, 0.0, self.tariff.hourly)
        usd: Hours = fee[:, None] + rate[:, None] * (
            billed[:, None] + hours[:, None] * self.usage_ratios)
        return usd


def _hours_a_day(analysis: Analysis, hours: pd.DataFrame, ahead: Scenarios) -> Hours:
    """Return the hours a day that a usage ratio of 1 stands for, by WorkSpace and setting.

    Those of the days that count; of the inactive, those of all days, as their ratios have it.
    *hours* are billed hours a month, with a row a WorkSpace and a column a setting.
    """
    life = life_of(analysis.workspaces, hours.index, analysis.window)
    with np.errstate(invalid="ignore", divide="ignore"):
        lately = hours.to_numpy() * (life.months / life.days)[:, None]
        ever = _by_setting(analysis.charges, hours.index, hours.columns) / life.days[:, None]
    a_day: Hours = np.nan_to_num(np.where(ahead.inactive[:, None], ever, lately))
    return a_day


def _by_setting(charges: pd.DataFrame, ids: pd.Index, settings: Iterable[str]) -> Hours:
    """Sum the billed hours of *charges*, by WorkSpace and setting."""
    table = charges.astype({"setting": "str", "workspace_id": "str"}).pivot_table(
        index="workspace_id", columns="setting", values="billed_hours", aggfunc="sum")
    hours: Hours = table.reindex(index=ids, columns=list(settings)).fillna(0).to_numpy()
    return hours


def _so_far(
    analysis: Analysis, ids: pd.Index, settings: tuple[str, ...], both: Window
) -> Hours:
    """Return hours billed in the month until the window's end, by WorkSpace and setting.

    Days of the month before the window are taken to have been like those in it.
    """
    label = f"{both.start:%Y-%m}"
    rows = analysis.charges[analysis.charges["month"].astype("str") == label]
    if rows.empty or analysis.window.end == both.start:
        return np.zeros((len(ids), len(settings)))
    observed_days = (analysis.window.end - max(both.start, analysis.window.start)) / timedelta(
        days=1
    )
    passed_days = (analysis.window.end - both.start) / timedelta(days=1)
    return _by_setting(rows, ids, settings) * passed_days / observed_days


def _dates(changes: pd.DataFrame, ids: pd.Index) -> npt.NDArray[np.int64]:
    """Return when each change takes effect.

    A change to AUTO_STOP at the midnight after its date.
    """
    at = np.full(len(ids), np.iinfo(np.int64).max)
    for name, row in changes.iterrows():
        if name in ids and row["best_date"]:
            midnight = datetime.combine(date.fromisoformat(row["best_date"]), time(), UTC)
            later = timedelta(days=int(row["from_setting"] == str(ALWAYS_ON)))
            at[ids.get_loc(name)] = to_micros(midnight + later)
    return at


def _usage_ratios(ahead: Scenarios, swing: float, seed: int) -> Hours:
    """Draw each WorkSpace's usage ratios, independent but for the fleet's *swing*."""
    rng = np.random.default_rng([seed, 1])
    # Shuffled row by row: sorted scenarios would make all WorkSpaces have good months together.
    mixed = np.asarray(rng.permuted(ahead.usage_ratios, axis=1))
    drawn: Hours = np.maximum(
        mixed * (1 + swing * rng.standard_normal((1, mixed.shape[1]))), 0.0)
    return drawn


def _swing(past: UsagePast) -> float:
    """Estimate by how much the fleet's hours differ from one four weeks to the next, as a share."""
    count = past.today // _BLOCK_DAYS
    if count < 4:
        return USUAL_SWING
    existed = past.created <= past.today - count * _BLOCK_DAYS
    existed &= past.terminated >= past.today
    table: Hours = past.hours[:, past.today - count * _BLOCK_DAYS:]
    fleet = np.asarray(existed.astype(np.float64) @ table, dtype=np.float64)
    blocks = fleet.reshape(count, _BLOCK_DAYS).sum(axis=1)
    if not blocks.mean():
        return USUAL_SWING
    # The spread of differences of neighbouring blocks: a trend adds nothing. A difference of two
    # has the variance of both, hence the root of 2.
    return float(np.std(np.diff(blocks), ddof=1) / np.sqrt(2) / blocks.mean())
