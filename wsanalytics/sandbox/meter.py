"""The sandbox's own meter: what each WorkSpace costs by month, worked out run by run.

It is written against AWS's rules a second time, apart from :mod:`wsanalytics.billing.bill`, so that
either can be held against the other. All months are UTC. A month that the meter covers in part
costs that part of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from wsanalytics.sandbox.life import MAINTENANCE_AGE, Life, third_monday
from wsanalytics.timeline import Window, from_micros

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HourRule(StrEnum):
    """A rule by which running time becomes billed hours."""

    CLOCK_HOUR = "clock_hour"
    CEIL_PER_RUN = "ceil_per_run"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one WorkSpace in USD: a month ALWAYS_ON, a month's AUTO_STOP fee, an hour."""

    always_on_usd: float
    auto_stop_usd: float
    hourly_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The reading of the meter for one WorkSpace and month (``YYYY-MM``)."""

    month: str
    billed_hours: float
    cold_starts: int
    fixed_usd: float
    hourly_usd: float

    @property
    def total_usd(self) -> float:
        """Both parts."""
        return self.fixed_usd + self.hourly_usd


@dataclass(frozen=True, slots=True)
class Month:
    """One UTC month and the interval of it that is metered."""

    first: datetime
    after: datetime
    start: datetime
    end: datetime

    @property
    def days(self) -> int:
        """The number of days of the month."""
        return (self.after - self.first).days

    def share(self, since: datetime) -> float:
        """Return the part of the month between *since* and the end of the metered interval."""
        return max((self.end - max(since, self.start)) / DAY, 0.0) / self.days


def months_within(window: Window) -> Iterator[Month]:
    """Give the UTC months that *window* touches."""
    first = datetime(window.start.year, window.start.month, 1, tzinfo=UTC)
    while first < window.end:
        after = (first + timedelta(days=32)).replace(day=1)
        yield Month(first, after, max(first, window.start), min(after, window.end))
        first = after


def read_meter(
    life: Life, rates: Rates, window: Window, rule: HourRule,
    *, created_at: datetime | None, maintenance_enabled: bool,
) -> list[Reading]:
    """Meter one WorkSpace in every month that *window* touches, up to its end."""
    meter = _Meter(life, rates, window, rule, created_at, maintenance_enabled)
    return [meter.read(month) for month in months_within(window)]


@dataclass(frozen=True)
class _Meter:
    life: Life
    rates: Rates
    window: Window
    rule: HourRule
    created_at: datetime | None
    maintenance_enabled: bool

    def read(self, month: Month) -> Reading:
        created, ended_at = self.created_at, self.life.ended_at
        is_there = (created is None or created < month.end) and (
            ended_at is None or ended_at >= month.first)
        if not is_there:
            return Reading(month=f"{month.first:%Y-%m}", billed_hours=0.0, cold_starts=0,
                           fixed_usd=0.0, hourly_usd=0.0)
        free_from = self._free_from(month)
        hours = self._hours(month, free_from) + self._maintenance_hours(month, free_from)
        return Reading(
            month=f"{month.first:%Y-%m}",
            billed_hours=hours,
            cold_starts=self._cold_starts(month),
            fixed_usd=self._fees(month),
            hourly_usd=hours * self.rates.hourly_usd,
        )

    def _opens_flat(self, month: Month) -> bool:
        """Whether the month opens in ALWAYS_ON; a change at its first instant counts."""
        return self.life.setting_at(month.start).auto_stop_minutes is None

    def _turned_flat_at(self, month: Month) -> datetime | None:
        """Return when it first went from AUTO_STOP to ALWAYS_ON within the month."""
        flat = self._opens_flat(month)
        for at, setting in self.life.settings:
            # A change at the month's first instant sets the mode in which it opens, and is none
            # within it.
            if month.start < at < month.end:
                turns_flat = setting.auto_stop_minutes is None
                if turns_flat and not flat:
                    return at
                flat = turns_flat
        return None

    def _free_from(self, month: Month) -> datetime:
        """From when on the month's hours cost nothing more."""
        if self._opens_flat(month):
            return month.start
        return self._turned_flat_at(month) or month.end

    def _fees(self, month: Month) -> float:
        opens_flat = self._opens_flat(month)
        fee = self.rates.always_on_usd if opens_flat else self.rates.auto_stop_usd
        fee *= self._part_of_creation_month(month) * month.share(month.start)
        turned_at = None if opens_flat else self._turned_flat_at(month)
        if turned_at is not None:
            fee += self.rates.always_on_usd * month.share(_midnight(turned_at))
        return fee

    def _part_of_creation_month(self, month: Month) -> float:
        if self.created_at is None or self.created_at < month.first:
            return 1.0
        return (month.after - _midnight(self.created_at)) / DAY / month.days

    def _hours(self, month: Month, free_from: datetime) -> float:
        pieces = list(self._pieces(month.start, min(free_from, month.end)))
        if self.rule is HourRule.EXACT:
            return sum((stop - start) / HOUR for start, stop in pieces)
        if self.rule is HourRule.CEIL_PER_RUN:
            return float(sum(math.ceil((stop - start) / HOUR) for start, stop in pieces))
        # A set: a clock hour that two runs touch is billed once.
        touched = {hour for start, stop in pieces for hour in _hours_touched(start, stop)}
        return float(len(touched))

    def _pieces(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Give the runs, cut to what lies between *start* and *end*."""
        runs = self.life.runs(self.window.end)
        for begun, ended in zip(runs.starts.tolist(), runs.ends.tolist(), strict=True):
            low, high = max(from_micros(begun), start), min(from_micros(ended), end)
            if low < high:
                yield low, high

    def _maintenance_hours(self, month: Month, free_from: datetime) -> int:
        day = third_monday(month.first)
        is_metered = month.start <= day and day + DAY <= month.end and day < free_from
        is_old = self.created_at is None or day - self.created_at > MAINTENANCE_AGE
        is_there = self.life.ended_at is None or self.life.ended_at > day
        is_stopping = self.life.setting_at(day).auto_stop_minutes is not None
        return int(self.maintenance_enabled and is_metered and is_old and is_there and is_stopping)

    def _cold_starts(self, month: Month) -> int:
        starts = (from_micros(at) for at in self.life.cold_starts)
        return sum(month.start <= at < month.end for at in starts)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _hours_touched(start: datetime, stop: datetime) -> range:
    """Return the UTC clock hours that ``[start, stop)`` touches, counted from 1970."""
    return range((start - _EPOCH) // HOUR, -((_EPOCH - stop) // HOUR))
