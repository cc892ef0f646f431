"""``cost_optimizer``: the rule of AWS's own tool, flaws included. It is the rival."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt

from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.defaults import DEFAULT_TIMEOUT
from wsanalytics.files import tags_of
from wsanalytics.schedule import ALWAYS_ON_TIMEOUT
from wsanalytics.settings import ALWAYS_ON, auto_stop
from wsanalytics.timeline import Hours

THRESHOLDS = {
    "VALUE": 81, "STANDARD": 85, "PERFORMANCE": 80, "POWER": 92, "POWERPRO": 78,
    "GRAPHICS_G4DN": 334, "GRAPHICSPRO_G4DN": 80,
}
"""The tool's default limits in hours a month, by bundle; it skips all other bundles."""
CONVERTED_MINUTES = DEFAULT_TIMEOUT
"""The tool sets the running mode alone, so AWS's default timeout of an hour holds."""


class CostOptimizer(Rule):
    """Cost Optimizer for Amazon WorkSpaces 2.8.7, as it is scheduled: daily at 23:00 UTC.

    An AUTO_STOP WorkSpace whose hours of the month so far are over its bundle's limit turns
    ALWAYS_ON; an ALWAYS_ON one turns AUTO_STOP (timeout 60) on the last day of the month if they
    are not. Hours are counted as the tool does: sessions cut at 23:00 UTC, each rounded up, plus
    the timeout each (an hour for ALWAYS_ON); no more a day than have passed; the last hour of
    each month belongs to no month; one hour more on the last day where the directory has
    maintenance mode. WorkSpaces with the tag ``Skip_Convert`` are left alone. Nothing is known of
    prices, of other months, or of the days that are left.

    Source: github aws-solutions/cost-optimizer-for-amazon-workspaces, ``workspaces_helper.py``
    and ``metrics_helper.py``. *thresholds* replaces the limits. Where the whole fleet has no
    session before the backtest begins, the run on the eve of it is left out: the tool has nothing
    to read then.
    """

    name = "cost_optimizer"

    def __init__(self, thresholds: dict[str, float] | None = None) -> None:
        self.thresholds = dict(THRESHOLDS if thresholds is None else thresholds)

    def decide(self, seen: Seen) -> Choice:
        """Return the settings that the run at 23:00 UTC of the day before makes."""
        eve = seen.now - timedelta(days=1)
        first = seen.today - eve.day
        hours = self.counted(seen)[:, max(first, 0):].sum(axis=1)
        if first >= seen.today or not seen.today:
            return seen.settings
        is_last_day = seen.now.day == 1
        limit = seen.workspaces["compute_type"].map(self.thresholds).to_numpy(dtype=np.float64)
        if is_last_day:
            cared_for = seen.workspaces["maintenance_enabled"].to_numpy(dtype=bool)
            hours = hours + (cared_for & ~seen.is_always_on & (hours > 0))
        skipped = np.isnan(limit) | seen.is_new | self._opted_out(seen)
        over = hours > np.where(skipped, np.inf, limit)
        chosen = seen.settings.to_numpy().copy()
        chosen[over & ~seen.is_always_on] = str(ALWAYS_ON)
        if is_last_day:
            chosen[~over & seen.is_always_on & ~skipped] = str(auto_stop(CONVERTED_MINUTES))
        return chosen

    def counted(self, seen: Seen) -> Hours:
        """Return the hours that the tool adds at each of its runs so far, by WorkSpace and day."""
        minutes_by_day = np.where(seen.minutes_by_day > 0, seen.minutes_by_day, ALWAYS_ON_TIMEOUT)
        added = np.zeros(minutes_by_day.shape)
        for minutes in np.unique(minutes_by_day):
            is_set = minutes_by_day == minutes
            added[is_set] = seen.tool_hours_by_day(int(minutes))[is_set]
        elapsed = np.full(seen.today, 24.0)
        elapsed[[day for day in range(seen.today)
                 if (seen.since + timedelta(days=day)).day == 1]] = 23.0
        capped: Hours = np.minimum(added, elapsed)
        return capped

    def _opted_out(self, seen: Seen) -> npt.NDArray[np.bool_]:
        tags = seen.workspaces["tags"]
        return np.array(["Skip_Convert" in text and "Skip_Convert" in tags_of(text)
                         for text in tags], dtype=np.bool_)
