"""Define today's use of each WorkSpace: the one way to turn a window into a month.

Whoever sums up a fleet (the comparison, and from it the plan, the report and the budget; the
frontier; what-if) counts alike: fees and hours a month of existence in the window, and where the
use of a WorkSpace has changed for good, the hours and cold starts since the change alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.forecasting import changed_since
from wsanalytics.recommendations.past import past_of
from wsanalytics.settings import Setting
from wsanalytics.simulation import Replay
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    Micros,
    Window,
    column_micros,
    months_of,
)

Amounts = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Life:
    """The time that each WorkSpace existed in the window, and when it ended if it did."""

    days: Amounts
    months: Amounts
    terminated_at: pd.DatetimeIndex

    @property
    def per_month(self) -> Amounts:
        """The factor from a sum over the window to one a month of existence; NaN for none."""
        with np.errstate(divide="ignore"):
            return 1 / np.where(self.months > 0, self.months, np.nan)


def life_of(workspaces: pd.DataFrame, ids: pd.Index, window: Window) -> Life:
    """Return how long each of *ids* existed in *window*, the day of its creation whole."""
    rows = workspaces.set_index("workspace_id").reindex(ids)
    start, end = window.micros
    created = column_micros(rows["created_at"]) // MICROS_PER_DAY * MICROS_PER_DAY
    begins = np.where(rows["created_at"].notna(), np.maximum(created, start), start)
    terminated = column_micros(rows["terminated_at"])
    ends = np.where(rows["terminated_at"].notna(), np.minimum(terminated, end), end)
    months = months_of(window)
    return Life(
        np.maximum(ends - begins, 0) / MICROS_PER_DAY,
        (_overlap(begins, ends, months.edges) / np.diff(months.edges)).sum(axis=1),
        # What ends after the window is not known at its end.
        pd.DatetimeIndex(rows["terminated_at"].mask(terminated >= end)),
    )


def _overlap(begins: Micros, ends: Micros, edges: Micros) -> Amounts:
    """Return how much of each interval (rows) lies in each span between *edges* (columns)."""
    # WorkSpaces x spans by broadcasting: a column of intervals against a row of edges.
    low = np.maximum(begins[:, None], edges[:-1])
    high = np.minimum(ends[:, None], edges[1:])
    overlap: Amounts = np.maximum(high - low, 0).astype(np.float64)
    return overlap


@dataclass(frozen=True, slots=True, eq=False)
class Counting:
    """The part of each WorkSpace's use (an entry of ``ids``) that counts, and by how much.

    ``changed`` marks whose use has changed for good, and ``days`` how many days before the
    window's end did that: only they count. ``hours`` and ``starts`` are settings (``settings``) ×
    WorkSpaces: the factor from billed hours, or what they cost, over the window into a month's, and
    which share of the cold starts of the window falls into the days that count.
    """

    settings: tuple[str, ...]
    ids: pd.Index
    window: Window
    life: Life
    changed: Flags
    days: Amounts
    hours: Amounts
    starts: Amounts

    @classmethod
    def of(
        cls, replay: Replay, workspaces: pd.DataFrame, ids: pd.Index,
        gaps: pd.DataFrame | None = None,
    ) -> Counting:
        """Count the fixed settings of *replay* for the WorkSpaces *ids* (sorted).

        Of days in *gaps* it is not known whether they were used: no change is made of them.
        """
        past = past_of(replay, workspaces, ids, gaps)
        weeks = changed_since(past)
        days = np.where(weeks > 0, 7 * weeks, np.maximum(past.today - past.created, 1))
        return cls.since(replay, life_of(workspaces, ids, replay.window), ids,
                         changed=weeks > 0, days=days)

    @classmethod
    def since(
        cls, replay: Replay, life: Life, ids: pd.Index, *, changed: Flags,
        days: npt.NDArray[np.int64],
    ) -> Counting:
        """Count where it is known whose use has *changed*, and how many *days* count."""
        settings = tuple(sorted(
            (str(setting) for setting in replay.settings if isinstance(setting, Setting)),
            key=lambda name: Setting.parse(name).order))
        shape = len(settings), len(ids)
        per_month = np.broadcast_to(life.per_month, shape)
        if not changed.any():
            return cls(settings, ids, replay.window, life, changed, days.astype(np.float64),
                       per_month, np.ones(shape))
        # An instant a WorkSpace (row of ids): where nothing changed it is never asked for.
        since = replay.window.micros[1] - np.where(changed, days, 0) * MICROS_PER_DAY

        def summed(
            frame: pd.DataFrame, amount: Callable[[pd.DataFrame, Micros], npt.NDArray[Any]]
        ) -> Amounts:
            of_changed = frame[frame["workspace_id"].isin(ids[changed])]
            setting = pd.Index(settings).get_indexer(pd.Index(of_changed["setting"].astype("str")))
            of_changed, setting = of_changed[setting >= 0], setting[setting >= 0]
            row = ids.get_indexer(pd.Index(of_changed["workspace_id"].astype("str")))
            # setting times WorkSpaces plus WorkSpace: the cell of the flattened table; amounts add
            # up in it.
            total = np.bincount(
                setting * shape[1] + row, minlength=shape[0] * shape[1],
                weights=amount(of_changed, since[row]).astype(np.float64))
            return total.astype(np.float64).reshape(shape)

        all_run = summed(replay.runs, lambda runs, _: (
            column_micros(runs["stopped_at"]) - column_micros(runs["started_at"])))
        later_run = summed(replay.runs, lambda runs, begin: np.maximum(
            column_micros(runs["stopped_at"])
            - np.maximum(column_micros(runs["started_at"]), begin), 0))
        all_starts = summed(replay.cold_starts, lambda cold, _: np.ones(len(cold), dtype=np.int64))
        later_starts = summed(replay.cold_starts, lambda cold, begin: (
            column_micros(cold["connected_at"]) >= begin))
        with np.errstate(divide="ignore", invalid="ignore"):
            # Billed hours are known by month only, so the part of them after the change is taken
            # to be as large as that of the running time.
            share = np.where(all_run > 0, later_run / all_run, 0.0)
            lately = np.where(all_starts > 0, later_starts / all_starts, 0.0)
            # The part after the change, per day that counts, times the days of an average month of
            # existence.
            factor = share * life.days / life.months / days
        return cls(settings, ids, replay.window, life, changed, days.astype(np.float64),
                   np.where(changed, factor, per_month), np.where(changed, lately, 1.0))

    def starts_a_week(self, starts: Amounts, share: Amounts | None = None) -> Amounts:
        """Return cold starts a week, from those of the window (WorkSpaces in columns)."""
        counted = starts * (self.starts if share is None else share)
        weeks = np.where(self.changed, self.days / 7, self.window.weeks)
        return counted / weeks

    def starts_a_month(self, starts: Amounts, share: Amounts | None = None) -> Amounts:
        """Return cold starts a month of existence, from those of the window (by column)."""
        return starts * (self.starts if share is None else share) * self.to_a_month

    @property
    def to_a_month(self) -> Amounts:
        """The factor from a sum over the days that count to one a month of existence."""
        with np.errstate(invalid="ignore"):
            return np.where(self.changed, self.life.days * self.life.per_month / self.days,
                            self.life.per_month)

    def at(self, setting: str) -> int:
        """Return the row of *setting*."""
        return self.settings.index(setting)

    @property
    def reference(self) -> int:
        """The row that stands for what is no fixed setting: the shortest timeout, if there is one.

        What policies that start and stop WorkSpaces bill after a change of use is taken to be
        as large a part of the whole as under that one.
        """
        return min(1, len(self.settings) - 1) if self.settings[:1] == ("ALWAYS_ON",) else 0

    @property
    def note(self) -> str:
        """For how many WorkSpaces only a part of the window counts; empty for none."""
        count = int(self.changed.sum())
        some = "1 WorkSpace counts" if count == 1 else f"{count:,} WorkSpaces count"
        return f"{some} only since its use changed" if count == 1 else (
            f"{some} only since their use changed" if count else "")


def hours_since(frame: pd.DataFrame, since: Micros) -> Amounts:
    """Return connected hours of each session from *since* (an instant each) on."""
    return np.maximum(column_micros(frame["disconnected_at"]) - np.maximum(
        column_micros(frame["connected_at"]), since), 0) / MICROS_PER_HOUR
