"""Show a policy, at one midnight, everything up to then and nothing after."""

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
from wsanalytics.defaults import DEFAULT_TIMEOUT
from wsanalytics.deprecated import renamed_attribute
from wsanalytics.forecasting import UsagePast, like_other_days, weekdays
from wsanalytics.prices import break_even_hours
from wsanalytics.rules import FleetRules
from wsanalytics.sessions import LocalDays, Minutes
from wsanalytics.settings import ALWAYS_ON, Setting
from wsanalytics.timeline import MICROS_PER_DAY, Hours, from_micros, months_later, to_micros


@dataclass(frozen=True, slots=True, eq=False)
class Allowed:
    """The settings that may be chosen for each WorkSpace: all of them, unless a table says less.

    ``table`` is WorkSpaces x ``settings`` (text); a setting that is not among them is not allowed.
    None: every setting is. The present setting may always stay.
    """

    settings: tuple[str, ...] = ()
    table: npt.NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame | None, ids: pd.Index) -> Allowed:
        """Take a *frame* with a row a WorkSpace (index) and a column a setting (true: it may)."""
        if frame is None:
            return cls()
        return cls(tuple(map(str, frame.columns)),
                   frame.reindex(ids, fill_value=False).to_numpy(dtype=bool))

    def of_rows(self, rows: npt.NDArray[np.int64]) -> Allowed:
        """Return the same for the WorkSpaces *rows* alone."""
        return self if self.table is None else Allowed(self.settings, self.table[rows])

    def may_be(self, setting: Setting | str, count: int) -> npt.NDArray[np.bool_]:
        """Mark for which of the *count* WorkSpaces *setting* may be chosen."""
        if self.table is None:
            return np.ones(count, dtype=np.bool_)
        if str(setting) not in self.settings:
            return np.zeros(count, dtype=np.bool_)
        column: npt.NDArray[np.bool_] = self.table[:, self.settings.index(str(setting))]
        return column


@dataclass(frozen=True, eq=False)
class Seen:
    """The past of the whole fleet as a policy sees it at 00:00 UTC of one day.

    ``now`` is that midnight. ``workspaces`` are those that exist or are created on this day, a
    ``workspaces`` table; ``settings`` are their current settings (as text, by ``workspace_id``),
    and ``paid`` is whether the rest of their month is prepaid (hours are free until the 1st).
    ``rates`` has ``always_on_usd``, ``auto_stop_usd`` (a month) and ``hourly_usd`` by
    ``workspace_id``, NaN without a price. ``timeouts`` are those that a policy may choose;
    ``is_new`` marks the WorkSpaces for which this is the first decision. ``opens_month`` holds on
    the 1st and on the first day of the backtest, when a month opens in what is decided now.
    ``next_at`` is the midnight at which it decides next, ``allowed`` says which settings it may
    choose for whom, and ``rules`` are those of the house that bind it. ``rows`` are the positions
    of the WorkSpaces in the tables of the whole fleet (:meth:`past`).
    """

    now: datetime
    workspaces: pd.DataFrame
    settings: pd.Series
    paid: pd.Series
    rates: pd.DataFrame
    timeouts: tuple[int, ...]
    hour_rule: HourRule
    opens_month: bool
    next_at: datetime
    allowed: Allowed
    is_new: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]
    _billed: DailyUse
    _days: DailyUse
    _minutes_by_day: npt.NDArray[np.int64]
    _created: npt.NDArray[np.int64]
    _terminated: npt.NDArray[np.int64]
    _unseen: npt.NDArray[np.bool_] | None = None
    rules: FleetRules | None = None

    @property
    def ids(self) -> pd.Index:
        """The WorkSpaces to decide about, in the order of ``workspaces``."""
        ids: pd.Index = self.settings.index
        return ids

    @property
    def today(self) -> int:
        """The number of whole days that have been seen."""
        return int((to_micros(self.now) - self._days.edges[0]) // MICROS_PER_DAY)

    @property
    def source(self) -> object:
        """The object that the days come from: the same one at all midnights of a backtest."""
        return self._days

    @property
    def since(self) -> datetime:
        """The midnight at which the days that were seen begin."""
        return from_micros(self._days.edges[0])

    @cached_property
    def sessions(self) -> pd.DataFrame:
        """The sessions so far, a ``sessions`` table; those in progress are cut now."""
        frame = self._days.frame(to_micros(self.now))
        return frame[frame["workspace_id"].isin(self.ids)].reset_index(drop=True)

    def hours_by_day(self, minutes: int) -> Hours:
        """Return billed hours by WorkSpace (rows) and day seen, in AUTO_STOP with *minutes*."""
        return self._past(self._days.hours(minutes))

    def cold_starts_by_day(self, minutes: int) -> Hours:
        """Return cold starts by WorkSpace (rows) and day seen, in AUTO_STOP with *minutes*."""
        return self._past(self._days.cold_starts(minutes))

    def tool_hours_by_day(self, minutes: int) -> Hours:
        """Return the hours that AWS's own tool adds at 23:00 UTC of each day, with that timeout."""
        return self._past(self._days.tool_run_hours(minutes))

    def first_minutes(self, zone: ZoneInfo, history: timedelta) -> tuple[LocalDays, Minutes]:
        """Return the last whole days on the clock in *zone*, and when each user came first.

        The minutes after midnight, by WorkSpace (rows) and day; NaN where nobody came. The days
        lie wholly within *history*, and within what was seen.
        """
        begins = max(self.since, self.now - history)
        days = LocalDays.within(begins, self.now, zone)
        all_days, minutes = self._days.first_minutes(zone)
        # The table begins with the first day of all; *days* begins so many columns later.
        skipped = days.first - all_days.first
        return days, minutes[self.rows, skipped : skipped + days.count]

    def connected_since(self, since: datetime) -> npt.NDArray[np.bool_]:
        """Mark those whose user was connected at some time from *since* on, up to now."""
        recent = (self._days.connects < to_micros(self.now)) & (
            self._days.disconnects >= to_micros(since))
        is_connected = np.zeros(len(self._days.ids), dtype=np.bool_)
        is_connected[self._days.workspace[recent]] = True
        return is_connected[self.rows]

    were_there = renamed_attribute("were_there", "connected_since")

    @property
    def minutes_by_day(self) -> npt.NDArray[np.int64]:
        """The timeout that was in force on each day seen, by WorkSpace (rows); 0 for ALWAYS_ON.

        Before the backtest: what it was at its begin.
        """
        return self._minutes_by_day[self.rows, : self.today]

    def hours(self, days: int = 28, *, minutes: int = 60) -> pd.Series:
        """Return hours that each would have billed in the last *days* in AUTO_STOP, by id."""
        past = self.hours_by_day(minutes)
        return pd.Series(past[:, max(self.today - days, 0):].sum(axis=1), index=self.ids)

    def billed_this_month(self, minutes: npt.NDArray[np.int64]) -> Hours:
        """Return hours of each since the month (or the backtest) began, in AUTO_STOP.

        Each with its *minutes*, as they are billed: what was going on as the backtest began counts
        from then on.
        """
        passed = (to_micros(self.now) - self._billed.edges[0]) // MICROS_PER_DAY
        first = max(self.now.replace(day=1), from_micros(self._billed.edges[0]))
        since = passed - (self.now - first) // timedelta(days=1)
        total = np.zeros(len(minutes))
        for timeout in np.unique(minutes):
            has_it = minutes == timeout
            table = self._billed.hours(int(timeout))[self.rows, since:passed]
            total[has_it] = table[has_it].sum(axis=1)
        return total

    def hours_this_month(self, *, minutes: int = 60) -> pd.Series:
        """Return hours that each would have billed since the month (or the backtest) began."""
        each = np.full(len(self.ids), minutes, dtype=np.int64)
        return pd.Series(self.billed_this_month(each), index=self.ids)

    @property
    def created(self) -> npt.NDArray[np.int64]:
        """The day, counted as in the tables by day, on which each was created; 0 if before."""
        return self._created[self.rows]

    @property
    def next_month(self) -> datetime:
        """The midnight at which the next month opens."""
        return months_later(self.now.replace(day=1), 1)

    @property
    def decides_first_this_month(self) -> bool:
        """Whether it has not decided in this month yet."""
        return self.now.day <= (self.next_at - self.now).days

    @property
    def decides_before_next_month(self) -> bool:
        """Whether it decides again before or as the next month opens."""
        return self.next_at <= self.next_month

    def may_be(self, setting: Setting | str) -> npt.NDArray[np.bool_]:
        """Mark the WorkSpaces for which *setting* may be chosen of those that are tried."""
        may = self.may_become(setting)
        return may if self.rules is None else may & self.rules.may_be(setting)

    def may_become(self, setting: Setting | str) -> npt.NDArray[np.bool_]:
        """Mark the WorkSpaces for which *setting* breaks no limit and no rule.

        Beside :meth:`may_be` this is true of settings that are not tried, such as a timeout that
        a rule brings in for others.
        """
        may = self.allowed.may_be(setting, len(self.settings))
        if self.rules is None:
            return may
        return may & self.rules.permits(setting) & self._waits_are_few(setting)

    def _waits_are_few(self, setting: Setting | str) -> npt.NDArray[np.bool_]:
        """Mark those that *setting* would have made wait no more often than their rule allows."""
        assert self.rules is not None
        most, minutes = self.rules.most_cold_starts, Setting.parse(str(setting)).auto_stop_minutes
        if minutes is None or np.isinf(most).all():
            return np.ones(len(most), dtype=np.bool_)
        return np.asarray(self.cold_starts_per_week(minutes) <= most + 1e-9, dtype=np.bool_)

    def cold_starts_per_week(self, minutes: int) -> Hours:
        """Return the cold starts a week of each so far, had it been in AUTO_STOP with *minutes*.

        Of the days on which it was there and somebody observed it.
        """
        starts = self.cold_starts_by_day(minutes).sum(axis=1)
        days = self.today - np.minimum(self.created, self.today)
        if self._unseen is not None:
            days = days - self._unseen[self.rows, : self.today].sum(axis=1)
        return np.asarray(starts * 7 / np.maximum(days, 1), dtype=np.float64)

    @property
    def days_left(self) -> int:
        """The number of days that the month has left, this one included."""
        return monthrange(self.now.year, self.now.month)[1] - self.now.day + 1

    def past(self, minutes: int) -> UsagePast:
        """Return the days seen of all WorkSpaces of the fleet, in AUTO_STOP with *minutes*.

        Its rows are all of the fleet; ``rows`` are the positions of those to be decided about.
        """
        hours = self._days.hours(minutes)[:, : self.today]
        if self._unseen is not None:
            hours = like_other_days(hours, self._unseen[:, : self.today],
                                    weekdays(self._days.edges[0], self.today))
        # An end that is still to come is not known yet: a policy must not see it.
        terminated = np.where(
            self._terminated <= self.today, self._terminated, np.iinfo(np.int64).max
        )
        return UsagePast(
            hours, weekdays(self._days.edges[0], self.today), self._created, terminated
        )

    @cached_property
    def break_even_hours(self) -> pd.Series:
        """The billed hours a month at which both modes cost the same, by id."""
        return break_even_hours(self.rates)

    @cached_property
    def minutes_in_force(self) -> npt.NDArray[np.int64]:
        """The timeout in minutes that each is set to; 0 for those that are ALWAYS_ON."""
        texts = self.settings.to_numpy()
        minutes_of = {text: int(text.partition(":")[2] or 0) for text in set(texts)}
        return np.array([minutes_of[text] for text in texts], dtype=np.int64)

    @cached_property
    def own_timeout(self) -> npt.NDArray[np.int64]:
        """The timeout in minutes that the ``workspaces`` table lists for each; 60 for none."""
        listed = self.workspaces["auto_stop_minutes"].fillna(DEFAULT_TIMEOUT)
        return np.asarray(listed, dtype=np.int64)

    @cached_property
    def is_always_on(self) -> npt.NDArray[np.bool_]:
        """Whether each of them is ALWAYS_ON now."""
        return np.asarray(self.settings.to_numpy() == str(ALWAYS_ON), dtype=np.bool_)

    def _past(self, table: Hours) -> Hours:
        past = table[self.rows, : self.today]
        # A view of the table that all policies share: none may write to it.
        past.flags.writeable = False
        return past

