"""What the fleet will cost this month and the next: the figure for a budget.

Each WorkSpace goes on as in the days that count of its past, at a pace that is drawn from its
prospects; and all together at one that is drawn from the fleet's own ups and downs, for holidays
hit everybody at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.admintables import BUDGET
from wsanalytics.analysis import Analysis
from wsanalytics.billing import Tariff
from wsanalytics.hourrules import Hours
from wsanalytics.outlook import Past
from wsanalytics.pastdays import past_of
from wsanalytics.prospects import prospects_of
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.switching import share_left
from wsanalytics.timeline import MICROS_PER_DAY, Window, months_of, to_micros

PRESENT, PLANNED = "present", "plan"
LEVEL = 0.8
USUAL_SWING = 0.05
"""How much a month of the whole fleet differs from another, where its past is too short to tell."""
_BLOCK_DAYS = 28


def forecast_spend(
    analysis: Analysis, *, by_directory: bool = True, tags: Iterable[str] = (), seed: int = 0
) -> pd.DataFrame:
    """What this month and the next will cost, as the fleet is set and under the plan.

    *This month* is the one in which the analysis's window ends (the one that begins, if it ends on
    a 1st); what its days so far have billed is in it. Rows for the fleet, for each directory, and
    for each value of each of *tags*: a ``budget`` table. The interval holds the middle 80 % of the
    draws, *seed* fixing them. Under the plan each change comes into force on its best date.
    Terminated, MANUAL and standby WorkSpaces and those without a price are left out. Discounts are
    those of the prices; taxes are not in it.
    """
    one = _Fleet.of(analysis, seed)
    totals = {PRESENT: one.costs(one.present, one.present, one.never),
              PLANNED: one.costs(one.present, one.planned, one.changes_at)}
    rows = []
    for part, names in _parts(one.workspaces, by_directory=by_directory, tags=tags).items():
        for name in sorted(set(names)):
            mine = np.array([each == name for each in names])
            for place, month in enumerate(one.months):
                for under, usd in totals.items():
                    drawn = usd[place][mine].sum(axis=0)
                    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
                    mean = float(drawn.mean())
                    rows.append((part, name, month, under, int(mine.sum()), mean,
                                 min(float(low), mean), max(float(high), mean)))
    return pd.DataFrame(rows, columns=list(BUDGET.names))


def _parts(
    workspaces: pd.DataFrame, *, by_directory: bool, tags: Iterable[str]
) -> dict[str, list[str]]:
    """What each WorkSpace is called in each way to divide the fleet."""
    parts = {"fleet": [""] * len(workspaces)}
    if by_directory:
        parts["directory"] = workspaces["directory_id"].tolist()
    known = [json.loads(text) for text in workspaces["tags"]]
    for tag in tags:
        parts[f"tag {tag}"] = [str(each.get(tag, "")) for each in known]
    return parts


@dataclass(frozen=True, slots=True, eq=False)
class _Fleet:
    """The WorkSpaces that are counted (rows), and what each is drawn to do.

    ``hours_a_day`` has a column a setting of ``settings``; ``so_far`` the hours billed in the month
    until ``now``. ``paces`` has a column a draw. ``changes_at`` is when the plan changes each, in
    microseconds, ``never`` the same where nothing is changed.
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
    paces: Hours
    present: npt.NDArray[np.int64]
    planned: npt.NDArray[np.int64]
    changes_at: npt.NDArray[np.int64]
    never: npt.NDArray[np.int64]

    @classmethod
    def of(cls, analysis: Analysis, seed: int) -> _Fleet:
        """The fleet as the *analysis* knows it."""
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
        window, never = analysis.window, np.full(len(ids), np.iinfo(np.int64).max)
        both = _two_months(window)
        months = months_of(both)
        covered = months_of(window).covered.sum()
        past = past_of(analysis.replay, analysis.workspaces, ids, analysis.gaps)
        return cls(
            workspaces, months.labels, to_micros(window.end), months.edges, months.days,
            Tariff.of(workspaces, analysis.prices, months), settings,
            hours.to_numpy() / (window.days / covered), _so_far(analysis, ids, settings, both),
            _paces(past, seed), present, planned, _dates(changes, ids, never), never,
        )

    def costs(
        self, before: npt.NDArray[np.int64], after: npt.NDArray[np.int64],
        at: npt.NDArray[np.int64],
    ) -> list[Hours]:
        """USD of both months by WorkSpace and draw, set as *before* until *at* and then *after*."""
        return [self._month(place, before, after, at) for place in (0, 1)]

    def _month(
        self, place: int, before: npt.NDArray[np.int64], after: npt.NDArray[np.int64],
        at: npt.NDArray[np.int64],
    ) -> Hours:
        opens, ends = self.edges[place], self.edges[place + 1]
        first = max(int(opens), self.now)
        turns = np.clip(at, first, ends)
        on = self.settings.index(str(ALWAYS_ON)) if str(ALWAYS_ON) in self.settings else -1
        opening = np.where(at <= opens, after, before)
        row = np.arange(len(before))
        opens_on, ends_on = opening == on, np.where(at < ends, after, before) == on
        converts = ends_on & ~opens_on
        days = (turns - first) / MICROS_PER_DAY, (ends - turns) / MICROS_PER_DAY
        hours = (self.hours_a_day[row, before] * days[0]
                 + np.where(ends_on, 0.0, self.hours_a_day[row, after]) * days[1])
        billed = self.so_far[row, before] * (place == 0)
        fee = np.where(opens_on, self.tariff.always_on[:, place], self.tariff.auto_stop[:, place])
        share = share_left(turns, np.full(len(turns), ends), np.full(len(turns), self.days[place]))
        fee = fee + np.where(converts, self.tariff.monthly * share, 0.0)
        rate = np.where(opens_on, 0.0, self.tariff.hourly)
        usd: Hours = fee[:, None] + rate[:, None] * (
            billed[:, None] + hours[:, None] * self.paces)
        return usd


def _two_months(window: Window) -> Window:
    """This month and the next."""
    start = window.end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(start, (start + timedelta(days=70)).replace(day=1))


def _so_far(
    analysis: Analysis, ids: pd.Index, settings: tuple[str, ...], both: Window
) -> Hours:
    """Hours billed in the month until the window's end, by WorkSpace and setting.

    Days of the month before the window are taken to have been like those in it.
    """
    label = f"{both.start:%Y-%m}"
    rows = analysis.charges[analysis.charges["month"].astype("str") == label]
    if rows.empty or analysis.window.end == both.start:
        return np.zeros((len(ids), len(settings)))
    table = rows.astype({"setting": "str", "workspace_id": "str"}).pivot_table(
        index="workspace_id", columns="setting", values="billed_hours")
    seen = (analysis.window.end - max(both.start, analysis.window.start)) / timedelta(days=1)
    passed = (analysis.window.end - both.start) / timedelta(days=1)
    hours: Hours = table.reindex(index=ids, columns=list(settings)).fillna(0).to_numpy()
    return hours * passed / seen


def _dates(
    changes: pd.DataFrame, ids: pd.Index, never: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """When each change comes into force: a change to AUTO_STOP at the midnight after its date."""
    at = never.copy()
    for name, row in changes.iterrows():
        if name in ids and row["best_date"]:
            day = datetime.fromisoformat(f"{date.fromisoformat(row['best_date'])}T00:00:00+00:00")
            later = timedelta(days=1) if row["from_setting"] == str(ALWAYS_ON) else timedelta(0)
            at[ids.get_loc(name)] = to_micros(day + later)
    return at


def _paces(past: Past, seed: int) -> Hours:
    """Draws of each WorkSpace's pace, independent of one another but for the fleet's swing."""
    paces = prospects_of(past, seed=seed).paces
    rng = np.random.default_rng([seed, 1])
    mixed = rng.permuted(paces, axis=1)
    swing = 1 + _swing(past) * rng.standard_normal((1, paces.shape[1]))
    drawn: Hours = np.maximum(np.asarray(mixed) * swing, 0.0)
    return drawn


def _swing(past: Past) -> float:
    """By how much the fleet's hours differ from one four weeks to the next, as a share."""
    count = past.today // _BLOCK_DAYS
    if count < 4:
        return USUAL_SWING
    there = past.born <= past.today - count * _BLOCK_DAYS
    there &= past.ended >= past.today
    table: Hours = past.hours[:, past.today - count * _BLOCK_DAYS:]
    fleet = np.asarray(there.astype(np.float64) @ table, dtype=np.float64)
    blocks = fleet.reshape(count, _BLOCK_DAYS).sum(axis=1)
    if not blocks.mean():
        return USUAL_SWING
    return float(np.std(np.diff(blocks), ddof=1) / np.sqrt(2) / blocks.mean())
