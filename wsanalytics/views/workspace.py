"""Collect the evidence on one WorkSpace: its costs, its week, its busiest days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from wsanalytics.calendars import Zones
from wsanalytics.recommendations import Analysis
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.simulation import Replay
from wsanalytics.timeline import (
    Window,
    clipped,
)
from wsanalytics.views.usage import clock_zones, weekly_usage


def stretch_of(
    sessions: pd.DataFrame, runs: pd.DataFrame, workspace_id: str, window: Window
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sessions and runs of one WorkSpace, cut to *window*, for a plot of its timeline."""
    parts = []
    for frame, begin, end in ((sessions, "connected_at", "disconnected_at"),
                              (runs, "started_at", "stopped_at")):
        inside = (frame[begin] < window.end) & (frame[end] > window.start)
        part = frame[inside & (frame["workspace_id"] == workspace_id)].copy()
        part[begin], part[end] = clipped(part[begin], window), clipped(part[end], window)
        parts.append(part)
    return parts[0], parts[1]

SHOWN_DAYS = 14


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """From what a plan was made, as far as it is at hand; each part may be missing.

    ``comparison`` (a ``comparison`` table), ``replay`` (sessions and runs) and ``workspaces`` are
    those of the steps before :func:`wsanalytics.recommend`. ``zones`` has the clocks on which
    people live, ``gaps`` (a ``gaps`` table) when nobody looked.
    """

    comparison: pd.DataFrame | None = None
    replay: Replay | None = None
    workspaces: pd.DataFrame | None = None
    zones: Zones | None = None
    prices_date: str = ""
    gaps: pd.DataFrame | None = None

    @classmethod
    def of(cls, analysis: Analysis, zones: Zones | None = None) -> Evidence:
        """Return all that an analysis knows."""
        return cls(comparison=analysis.comparison, replay=analysis.replay,
                   workspaces=analysis.workspaces, zones=zones, prices_date=analysis.prices.date,
                   gaps=analysis.gaps)

    def options(self, workspace_id: str) -> pd.DataFrame:
        """Return the cost of one WorkSpace under each setting: its rows of the comparison."""
        if self.comparison is None:
            return pd.DataFrame()
        return self.comparison[self.comparison["workspace_id"] == workspace_id]

    def sessions(self, workspace_id: str) -> pd.DataFrame:
        """Return the sessions of one WorkSpace."""
        assert self.replay is not None
        return self.replay.sessions[self.replay.sessions["workspace_id"] == workspace_id]

    def zone(self, workspace_id: str) -> str:
        """Return the time zone on whose clock its user lives, UTC where unknown."""
        if self.workspaces is None:
            return self.zones.default.key if self.zones else "UTC"
        row = self.workspaces[self.workspaces["workspace_id"] == workspace_id]
        return str(clock_zones(row, self.zones).iloc[0]) if len(row) else "UTC"

    def week(self, workspace_id: str) -> pd.DataFrame:
        """The share of each hour of the week in which its user is connected, on their clock."""
        assert self.replay is not None
        zones = Zones.of(self.zone(workspace_id), ())
        return weekly_usage(self.sessions(workspace_id), self.replay.window, zones=zones,
                            gaps=self.gaps)

    def stretch(
        self, workspace_id: str, settings: tuple[str, ...] = (), window: Window | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Sessions, runs and cold starts of one WorkSpace under *settings* (default: all).

        All are cut to *window*, by default its busiest two weeks. Under ALWAYS_ON it is on all
        the time, which a replay has no runs for; here it is one run.
        """
        assert self.replay is not None
        window = window or self.busiest(workspace_id)
        sessions, runs = stretch_of(self.replay.sessions, self.replay.runs, workspace_id, window)
        colds = self.replay.cold_starts
        at = colds["connected_at"]
        colds = colds[(colds["workspace_id"] == workspace_id) & (at >= window.start)
                      & (at < window.end)]
        if settings:
            runs, colds = (frame[frame["setting"].isin(settings)] for frame in (runs, colds))
        flat = str(ALWAYS_ON)
        if flat in (settings or map(str, self.replay.settings)):
            order = list(dict.fromkeys([flat, *runs["setting"].cat.categories]))
            whole = pd.DataFrame({
                "setting": [flat], "workspace_id": [workspace_id],
                "started_at": pd.to_datetime([window.start]),
                "stopped_at": pd.to_datetime([window.end])})
            runs = pd.concat([whole.astype({name: runs[name].dtype for name in (
                "workspace_id", "started_at", "stopped_at")}),
                runs.astype({"setting": "str"})], ignore_index=True)
            runs["setting"] = pd.Categorical(runs["setting"], order, ordered=True)
        return sessions, runs, colds

    def busiest(self, workspace_id: str) -> Window:
        """Return the two weeks in which its user connected most often, or the last two."""
        assert self.replay is not None
        return busiest_days(self.sessions(workspace_id), self.replay.window)


def busiest_days(sessions: pd.DataFrame, window: Window, days: int = SHOWN_DAYS) -> Window:
    """Return the latest *days* in a row of *window* with most connects among *sessions*."""
    last = max(window.start, window.end - timedelta(days=days))
    if sessions.empty:
        return Window(last, window.end)
    counts = sessions["connected_at"].dt.floor("D").value_counts().sort_index()
    counts = counts.resample("D").sum()
    busiest = counts.iloc[::-1].rolling(days, min_periods=1).sum().idxmax()
    start = min(max(busiest.to_pydatetime(), window.start), last)
    return Window(start, min(start + timedelta(days=days), window.end))
