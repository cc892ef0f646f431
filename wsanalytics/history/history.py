"""The observations of a fleet in a window, in memory: :class:`History`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from html import escape

import pandas as pd

from wsanalytics.formatting import html_table
from wsanalytics.not_simulated import is_timeout
from wsanalytics.schedule import Schedule, schedule_of
from wsanalytics.settings import ALWAYS_ON, RunningMode, Setting, auto_stop
from wsanalytics.timeline import INSTANT_DTYPE, Window

SHOWN = ("workspace_id", "user_name", "region", "compute_type", "running_mode",
         "auto_stop_minutes", "operating_system", "state")
"""The columns that a notebook shows of a history's WorkSpaces."""


@dataclass(frozen=True, eq=False)
class History:
    """A fleet's past: ``workspaces`` and ``samples`` (frames) in the ``window`` they cover.

    ``settings`` (workspace_id, setting, since) has how each WorkSpace was set through time; by
    default each is taken to have always had the setting it has. Typed alone in a notebook a
    history shows how much it holds.
    """

    workspaces: pd.DataFrame
    samples: pd.DataFrame
    window: Window
    settings: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        if self.settings.empty:
            object.__setattr__(
                self, "settings", settings_since(configured(self.workspaces), self.window.start)
            )

    @cached_property
    def configured(self) -> pd.Series:
        """The setting in force at the window's end, by ``workspace_id``, without MANUAL ones."""
        past = self.settings[self.settings["since"] < self.window.end]
        latest = past.drop_duplicates("workspace_id", keep="last")
        now = latest.set_index("workspace_id")["setting"]
        listed = configured(self.workspaces)
        return now.reindex(listed.index).fillna(listed).astype("str").rename("setting")

    @cached_property
    def in_force(self) -> Schedule:
        """The settings as actually configured, to be replayed beside fixed ones."""
        later = configured(self.workspaces)
        has_settings = later.index.isin(self.settings["workspace_id"])
        without = settings_since(later[~has_settings], self.window.start)
        return schedule_of(pd.concat([self.settings, without], ignore_index=True), self.window)

    def __repr__(self) -> str:
        return (
            f"<History {len(self.workspaces):,} WorkSpaces, {len(self.samples):,} samples, "
            f"{self.window}>"
        )

    def _repr_html_(self) -> str:
        head = self.workspaces.head()[list(SHOWN)]
        return f"<p>{escape(repr(self)[1:-1])}; the first WorkSpaces:</p>{html_table(head)}"


def settings_since(settings: pd.Series, since: datetime) -> pd.DataFrame:
    """Return a ``settings`` table in which each of *settings* holds since then."""
    frame = settings.rename("setting").rename_axis("workspace_id").reset_index()
    return frame.assign(since=pd.Series([since] * len(frame), dtype=INSTANT_DTYPE))


def configured(workspaces: pd.DataFrame) -> pd.Series:
    """Return the setting of each WorkSpace as text, by ``workspace_id``.

    Those whose running mode or timeout is none that can be set (MANUAL, or what AWS may say
    tomorrow) are left out.
    """
    minutes = workspaces["auto_stop_minutes"].fillna(0).astype("int64")
    settings = [
        str(ALWAYS_ON) if mode == ALWAYS_ON.running_mode
        else str(auto_stop(timeout)) if mode == RunningMode.AUTO_STOP and is_timeout(timeout)
        else ""
        for mode, timeout in zip(workspaces["running_mode"], minutes, strict=True)
    ]
    index = pd.Index(workspaces["workspace_id"], name="workspace_id")
    named = pd.Series(settings, index=index, name="setting", dtype="str")
    return named[named != ""]


def with_settings(fleet: pd.DataFrame, settings: pd.Series) -> pd.DataFrame:
    """Return a fleet as it is listed once it has *settings*: the inverse of :func:`configured`.

    *settings* are texts by ``workspace_id``; a WorkSpace without one stays as it is.
    """
    rows = fleet.copy()
    now = rows["workspace_id"].map(settings).fillna("")
    is_set = now != ""
    parts = now[is_set].str.partition(":")
    rows.loc[is_set, "running_mode"] = parts[0]
    rows.loc[is_set, "auto_stop_minutes"] = pd.to_numeric(parts[2]).astype("Int64")
    return rows


def settings_of(configured_settings: pd.Series) -> tuple[Setting, ...]:
    """Return the distinct settings in a series such as :attr:`History.configured`, sorted."""
    distinct = {Setting.parse(text) for text in configured_settings.unique()}
    return tuple(sorted(distinct, key=lambda setting: setting.order))
