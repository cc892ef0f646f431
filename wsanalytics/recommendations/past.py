"""A replay's days as a past: what was seen of each WorkSpace, for telling what may come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.billing import DailyUse, HourRule
from wsanalytics.forecasting import UsagePast, like_other_days, weekdays
from wsanalytics.sessions import unobserved_by_day
from wsanalytics.settings import STEP_MINUTES, Setting
from wsanalytics.simulation import Replay
from wsanalytics.timeline import MICROS_PER_DAY, Window, column_micros


def past_of(
    replay: Replay, workspaces: pd.DataFrame, ids: pd.Index, gaps: pd.DataFrame | None = None
) -> UsagePast:
    """What was seen of each WorkSpace, day by day, for telling what may come.

    Days on which nobody looked (*gaps*) are taken to have been like the others of that weekday.
    """
    around = Window.around(replay.window.start, replay.window.end)
    minutes = [
        setting.auto_stop_minutes for setting in replay.settings if isinstance(setting, Setting)
    ]
    days = DailyUse.of(replay.sessions, ids, around, HourRule.CLOCK_HOUR, replay.commands)
    rows = workspaces.set_index("workspace_id").reindex(ids)
    first = days.edges[0]

    def day(name: str, unknown: int) -> npt.NDArray[np.int64]:
        there = rows[name].notna().to_numpy()
        at = (column_micros(rows[name]) - first) // MICROS_PER_DAY
        return np.where(there, np.maximum(at, 0), unknown).astype(np.int64)

    ended = day("terminated_at", np.iinfo(np.int64).max)
    hours = days.hours(min(filter(None, minutes), default=STEP_MINUTES))
    calendar = weekdays(int(first), days.shape[1])
    if gaps is not None and len(gaps):
        hours = like_other_days(hours, unobserved_by_day(gaps, ids, days.edges), calendar)
    return UsagePast(hours, calendar, day("created_at", 0), ended)
