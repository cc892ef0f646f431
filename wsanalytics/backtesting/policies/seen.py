"""What a policy is shown at one midnight: everything up to then, and nothing after."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.billing import DailyUse, HourRule
from wsanalytics.forecasting import UsagePast, weekdays
from wsanalytics.prices import break_even_hours
from wsanalytics.sessions import LocalDays, Minutes
from wsanalytics.settings import ALWAYS_ON, DEFAULT_TIMEOUT
from wsanalytics.timeline import MICROS_PER_DAY, Hours, from_micros, to_micros


@dataclass(frozen=True, eq=False)
class Seen:
    """The world as a policy sees it at 00:00 UTC of one day, for the whole fleet at once.

    ``now`` is that midnight. ``workspaces`` are those that exist or are created on this day, a
    ``workspaces`` table; what is ``settings`` in force of each (as text, by ``workspace_id``), and
    is the rest of its month ``paid`` for (its hours are free until the 1st)? ``rates`` has
    ``always_on_usd``, ``auto_stop_usd`` (a month) and ``hourly_usd`` by ``workspace_id``, NaN
    without a price. ``timeouts`` are those that a policy may choose; ``is_new`` tells for which
    WorkSpaces this is the first decision. ``opens_month`` holds on the 1st and on the first day
    of the backtest, when a month opens in what is decided now.
    """

    now: datetime
    workspaces: pd.DataFrame
    settings: pd.Series
    paid: pd.Series
    rates: pd.DataFrame
    timeouts: tuple[int, ...]
    hour_rule: HourRule
    opens_month: bool
    is_new: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]
    billed: DailyUse
    days: DailyUse
    told: npt.NDArray[np.int64]
    born: npt.NDArray[np.int64]
    ended: npt.NDArray[np.int64]

    @property
    def ids(self) -> pd.Index:
        """The WorkSpaces that are to be decided about, in the order of ``workspaces``."""
        ids: pd.Index = self.settings.index
        return ids

    @property
    def today(self) -> int:
        """How many whole days have been seen."""
        return int((to_micros(self.now) - self.days.edges[0]) // MICROS_PER_DAY)

    @property
    def since(self) -> datetime:
        """The midnight at which the days that were seen begin."""
        return from_micros(self.days.edges[0])

    @cached_property
    def sessions(self) -> pd.DataFrame:
        """The sessions so far, a ``sessions`` table; those in progress are cut now."""
        frame = self.days.frame(to_micros(self.now))
        return frame[frame["workspace_id"].isin(self.ids)].reset_index(drop=True)

    def hours_by_day(self, minutes: int) -> Hours:
        """Billed hours of each WorkSpace (rows) on each day seen, in AUTO_STOP with *minutes*."""
        return self._past(self.days.hours(minutes))

    def cold_starts_by_day(self, minutes: int) -> Hours:
        """Cold starts of each WorkSpace (rows) on each day seen, in AUTO_STOP with *minutes*."""
        return self._past(self.days.cold_starts(minutes))

    def tool_hours_by_day(self, minutes: int) -> Hours:
        """The hours that AWS's own tool adds at 23:00 UTC of each day seen, with that timeout."""
        return self._past(self.days.tool_run_hours(minutes))

    def first_minutes(self, zone: ZoneInfo, history: timedelta) -> tuple[LocalDays, Minutes]:
        """The last days on the clock in *zone* that are over, and when each came first on them.

        The minutes after midnight, by WorkSpace (rows) and day; NaN where nobody came. The days
        lie wholly within *history*, and within what was seen.
        """
        begins = max(self.since, self.now - history)
        days = LocalDays.within(begins, self.now, zone)
        known, minutes = self.days.first_minutes(zone)
        skipped = days.first - known.first
        return days, minutes[self.rows, skipped : skipped + days.count]

    def were_there(self, since: datetime) -> npt.NDArray[np.bool_]:
        """Whose user was connected at some time from *since* on, up to now."""
        recent = (self.days.connects < to_micros(self.now)) & (
            self.days.disconnects >= to_micros(since))
        there = np.zeros(len(self.days.ids), dtype=np.bool_)
        there[self.days.workspace[recent]] = True
        return there[self.rows]

    @property
    def minutes_by_day(self) -> npt.NDArray[np.int64]:
        """The timeout that was in force on each day seen, by WorkSpace (rows); 0 for ALWAYS_ON.

        Before the backtest: what it was at its begin.
        """
        return self.told[self.rows, : self.today]

    def hours(self, days: int = 28, *, minutes: int = 60) -> pd.Series:
        """Hours that each WorkSpace would have billed in the last *days* in AUTO_STOP, by id."""
        past = self.hours_by_day(minutes)
        return pd.Series(past[:, max(self.today - days, 0):].sum(axis=1), index=self.ids)

    def billed_this_month(self, minutes: npt.NDArray[np.int64]) -> Hours:
        """Hours of each since the month (or the backtest) began, in AUTO_STOP with its *minutes*.

        As they are billed: what was going on as the backtest began counts from then on.
        """
        passed = (to_micros(self.now) - self.billed.edges[0]) // MICROS_PER_DAY
        first = max(self.now.replace(day=1), from_micros(self.billed.edges[0]))
        since = passed - (self.now - first) // timedelta(days=1)
        total = np.zeros(len(minutes))
        for one in np.unique(minutes):
            mine = minutes == one
            table = self.billed.hours(int(one))[self.rows, since:passed]
            total[mine] = table[mine].sum(axis=1)
        return total

    def hours_this_month(self, *, minutes: int = 60) -> pd.Series:
        """Hours that each would have billed since the month (or the backtest) began, by id."""
        each = np.full(len(self.ids), minutes, dtype=np.int64)
        return pd.Series(self.billed_this_month(each), index=self.ids)

    @property
    def days_left(self) -> int:
        """How many days the month has left, this one included."""
        return monthrange(self.now.year, self.now.month)[1] - self.now.day + 1

    def past(self, minutes: int) -> UsagePast:
        """The days seen of all WorkSpaces there ever were, in AUTO_STOP with *minutes*.

        Its rows are all of the fleet; ``rows`` are the places of those to be decided about.
        """
        hours = self.days.hours(minutes)[:, : self.today]
        ended = np.where(self.ended <= self.today, self.ended, np.iinfo(np.int64).max)
        return UsagePast(hours, weekdays(self.days.edges[0], self.today), self.born, ended)

    @cached_property
    def break_even_hours(self) -> pd.Series:
        """The billed hours a month at which both modes cost the same, by id."""
        return break_even_hours(self.rates)

    @cached_property
    def minutes_in_force(self) -> npt.NDArray[np.int64]:
        """The timeout in minutes that each is set to; 0 for those that are ALWAYS_ON."""
        texts = self.settings.to_numpy()
        known = {text: int(text.partition(":")[2] or 0) for text in set(texts)}
        return np.array([known[text] for text in texts], dtype=np.int64)

    @cached_property
    def own_timeout(self) -> npt.NDArray[np.int64]:
        """The timeout in minutes that the ``workspaces`` table lists for each; 60 for none."""
        listed = self.workspaces["auto_stop_minutes"].fillna(DEFAULT_TIMEOUT)
        return np.asarray(listed, dtype=np.int64)

    @cached_property
    def is_always_on(self) -> npt.NDArray[np.bool_]:
        """Which of them are ALWAYS_ON now."""
        return np.asarray(self.settings.to_numpy() == str(ALWAYS_ON), dtype=np.bool_)

    def _past(self, table: Hours) -> Hours:
        past = table[self.rows, : self.today]
        past.flags.writeable = False
        return past

