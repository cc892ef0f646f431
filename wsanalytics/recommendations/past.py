"""Turn a replay's days into a past that forecasts are made from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.billing import DailyUse, HourRule
from wsanalytics.forecasting import UsagePast, like_other_days, month_begins, weekdays
from wsanalytics.sessions import unobserved_by_day
from wsanalytics.settings import STEP_MINUTES, Setting
from wsanalytics.simulation import Replay
from wsanalytics.timeline import MICROS_PER_DAY, Window, column_micros


def begins_of(window: Window, past: UsagePast) -> tuple[int, ...]:
    """Return the days of a *past* of *window* on which months begin, and the first to come."""
    return month_begins(Window.around(window.start, window.end).micros[0], past.today)


def past_of(
    replay: Replay, workspaces: pd.DataFrame, ids: pd.Index, gaps: pd.DataFrame | None = None
) -> UsagePast:
    """Return the past of each WorkSpace, day by day, to forecast from.

    Days on which nobody looked (*gaps*) are taken to have been like the others of that weekday.
    """
    around = Window.around(replay.window.start, replay.window.end)
    # The shortest timeout of the replay: forecasts are of ratios, which hardly depend on it.
    minutes = [
        setting.auto_stop_minutes for setting in replay.settings if isinstance(setting, Setting)
    ]
    days = DailyUse.of(replay.sessions, ids, around, HourRule.CLOCK_HOUR, replay.commands)
    rows = workspaces.set_index("workspace_id").reindex(ids)
    first = days.edges[0]

    def day(name: str, unknown: int) -> npt.NDArray[np.int64]:
        is_known = rows[name].notna().to_numpy()
        at = (column_micros(rows[name]) - first) // MICROS_PER_DAY
        return np.where(is_known, np.maximum(at, 0), unknown).astype(np.int64)

    terminated = day("terminated_at", np.iinfo(np.int64).max)
    hours = days.hours(min(filter(None, minutes), default=STEP_MINUTES))
    calendar = weekdays(int(first), days.shape[1])
    if gaps is not None and len(gaps):
        hours = like_other_days(hours, unobserved_by_day(gaps, ids, days.edges), calendar)
    return UsagePast(hours, calendar, day("created_at", 0), terminated)
