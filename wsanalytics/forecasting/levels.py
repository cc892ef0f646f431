"""Forecast use by a robust level: how much somebody works now, whatever they did in spring.

Where :mod:`.neighbours` asks what similar people did next, this asks how much each WorkSpace bills
on a usual day of the last weeks: an exponentially weighted mean with a short half-life (simple
exponential smoothing) of hours that are freed of the weekday (a multiplicative seasonal profile).
It is robust against vacations: the days of a long pause, an *absence*, count neither in hours nor
in weight. How much of the level then comes is a table that the whole fleet fills, a *fraction* by
how long nobody has used the WorkSpace, by whether it was idle for long before, as those of
contractors are, and by how many days are foreseen: a shrunk mean, which begins with a prior and
leans on it until enough was seen.

Everything is a running sum, so that one pass over the days (:class:`LevelForecasts`) gives what
could have been known on each of them: what is said of a day rests on the days before it alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from wsanalytics.forecasting.neighbours import Rows, UsagePast, running_sums
from wsanalytics.timeline import Hours

LEVEL_HALF_LIFE, PROFILE_HALF_LIFE, USED_HALF_LIFE = 14.0, 120.0, 90.0
"""Days in use after which a day counts half: for the level, the weekdays, and how many are used."""
LEAST_ABSENCE, USES_MISSED = 7, 3.0
"""A pause is an absence from so many days on, or when so many usual uses were missed."""
AHEAD = np.array((3, 7, 14, 30, 61))
"""Days ahead for which there is a fraction; between them it is interpolated."""
PAUSES = np.array((0, 3, 5, 8, 12, 18, 26, 40, 90))
"""Where the groups of pauses begin, in days of somebody whose absences begin after seven."""
PRIOR = np.array((0.95, 0.93, 0.85, 0.75, 0.65, 0.5, 0.3, 0.15, 0.03))
"""The fraction that comes by group of pauses, until it was seen."""
LONG_DAYS = 14
"""Days without use after which somebody is idle for long."""
IDLE_SHARE = 0.05
"""Who was idle for long in more than this share of the past is one who comes and goes."""
GROUPS = 2 * len(PAUSES)
"""The groups of a fraction: by pause those who stay, then by pause those who come and go."""
PRIOR_CASES, PRIOR_DAYS, PRIOR_USED = 3.0, 3.0, 0.6
"""The prior: cases of a fraction, days of a WorkSpace's weekdays, and the share of days used."""
UNUSED_DAYS = 14
"""A WorkSpace that nobody used for so long from its beginning on has no level."""
_STEP = 3
"""The fractions are learnt from every third day."""
_NEAR = 3
"""A day is in use if somebody used the WorkSpace within so many days before or after."""


@dataclass(frozen=True, slots=True, eq=False)
class _Levels:
    """What is known at the begin of a day, by WorkSpace: level, profile, and which group it is."""

    level: Hours
    profile: Hours
    group: Rows


class LevelForecasts:
    """The forecasts of a *past* by levels, of the days *asked* for and of today."""

    def __init__(self, past: UsagePast, asked: Collection[int] = ()) -> None:
        self.past = past
        self._done = running_sums(past.hours)
        self._known: dict[int, _Levels] = {}
        learnt = range(0, past.today, _STEP)
        # cases, came: learnt days x horizons x groups: how many, and the sum of what
        # came, as a part of the level.
        cases = np.zeros((len(learnt), len(AHEAD), GROUPS))
        came = np.zeros_like(cases)
        state = _State(past)
        wanted = {*asked, past.today}
        for day in range(past.today + 1):
            if day in wanted or day % _STEP == 0:
                known = state.levels(day)
                if day in wanted:
                    self._known[day] = known
                if day % _STEP == 0 and day < past.today:
                    self._learn(day, known, cases[day // _STEP], came[day // _STEP])
            if day < past.today:
                state.add(day)
        # Running sums over the days: up to entry n, the first n learnt days.
        self._cases, self._came = (np.pad(np.cumsum(table, axis=0), ((1, 0), (0, 0), (0, 0)))
                                   for table in (cases, came))

    def hours(self, day: int, days: int) -> Hours:
        """Return the hours of each WorkSpace in so many days from *day* on, as of its begin."""
        known = self._known[day]
        fractions = self._fractions(day)[:, known.group]  # horizons x WorkSpaces
        high = min(int(np.searchsorted(AHEAD, days)), len(AHEAD) - 1)
        low = max(high - 1, 0)
        # Linear between the two horizons around *days*; beyond the last one the last holds.
        span = AHEAD[high] - AHEAD[low]
        part = float(np.clip((days - AHEAD[low]) / span, 0, 1)) if span else 1.0
        fraction = (1 - part) * fractions[low] + part * fractions[high]
        return np.asarray(fraction * known.level * self._usual_days(day, days, known.profile))

    def _usual_days(self, day: int, days: int, profile: Hours) -> Hours:
        """Return how many usual days the days to come are, by WorkSpace."""
        coming = np.bincount(self.past.weekday[day:day + days], minlength=7)
        return np.asarray(profile @ coming.astype(np.float64))

    def _learn(self, day: int, known: _Levels, cases: Hours, came: Hours) -> None:
        """Add what came after *day* to its *cases* and *came*: horizons x groups."""
        past, is_there = self.past, (self.past.created <= day) & (known.level > 0)
        for row, ahead in enumerate(AHEAD):
            end = day + int(ahead)
            if end > past.today:
                return
            rows = np.flatnonzero(is_there & (past.terminated >= end))
            expected = known.level[rows] * self._usual_days(day, int(ahead), known.profile[rows])
            actual = self._done[rows, end] - self._done[rows, day]
            part = np.clip(actual / np.maximum(expected, 1e-9), 0, 2)
            cases[row] = np.bincount(known.group[rows], minlength=GROUPS)
            came[row] = np.bincount(known.group[rows], weights=part, minlength=GROUPS)

    def _fractions(self, day: int) -> Hours:
        """Return the fraction of the level that comes: horizons x groups."""
        fractions = np.empty((len(AHEAD), GROUPS))
        for row, ahead in enumerate(AHEAD):
            # Learnt days of which all days ahead lie before *day*. As they overlap each counts for
            # less.
            count = max((day - int(ahead)) // _STEP + 1, 0)
            overlap = _STEP / ahead
            cases, came = overlap * self._cases[count, row], overlap * self._came[count, row]
            fractions[row] = (came + PRIOR_CASES * np.tile(PRIOR, 2)) / (cases + PRIOR_CASES)
        return fractions


class _State:
    """The running sums of all WorkSpaces (rows) up to the begin of a day."""

    def __init__(self, past: UsagePast) -> None:
        self.past, count = past, len(past.hours)
        self.last = past.created - 1
        """The last day of use, or the day before the first one."""
        self.ever_used = np.zeros(count, dtype=np.bool_)
        # Weighted hours and weighted usual days: with the days of the present pause, and without.
        self.hours, self.days = np.zeros(count), np.zeros(count)
        self.hours_at_last, self.days_at_last = np.zeros(count), np.zeros(count)
        self.long_days = np.zeros(count)
        self.used_days, self.days_in_use = np.zeros(count), np.zeros(count)
        # By weekday (columns), each day weighted by 2^(day / half-life) instead of letting the
        # earlier ones decay: the same but for a factor, which cancels out.
        self.weekday_hours, self.weekday_days = np.zeros((count, 7)), np.zeros((count, 7))

    def levels(self, day: int) -> _Levels:
        """Return the levels at the begin of *day*."""
        pause, absence = self._pause(day), self._absence()
        is_absent = pause >= absence
        hours = np.where(is_absent, self.hours_at_last, self.hours)
        days = np.where(is_absent, self.days_at_last, self.days)
        of_fleet = hours.sum() / max(float(days[self.ever_used].sum()), 1e-9)
        level = (hours + of_fleet) / (days + 1)
        level[~self.ever_used & (day - self.past.created >= UNUSED_DAYS)] = 0.0
        group = np.searchsorted(PAUSES, pause * LEAST_ABSENCE / absence, side="right") - 1
        age = np.maximum(day - self.past.created, 4 * 7)
        goes = self.long_days > IDLE_SHARE * age
        return _Levels(level, self._profile(day), np.maximum(group, 0) + len(PAUSES) * goes)

    def add(self, day: int) -> None:
        """Let a *day* pass."""
        hours, weekday = self.past.hours[:, day], int(self.past.weekday[day])
        is_there = (self.past.created <= day) & (day < self.past.terminated)
        is_used = is_there & (hours > 0)
        # The days of an absence do not count: whoever is back goes on from the last day of use.
        back = is_used & (self._pause(day) >= self._absence())
        self.hours[back], self.days[back] = self.hours_at_last[back], self.days_at_last[back]
        usual = self._profile(day)[:, weekday]
        kept = 0.5 ** (1 / LEVEL_HALF_LIFE)
        self.hours = np.where(is_there, kept * self.hours + hours, self.hours)
        self.days = np.where(is_there, kept * self.days + usual, self.days)
        self.hours_at_last = np.where(is_used, self.hours, self.hours_at_last)
        self.days_at_last = np.where(is_used, self.days, self.days_at_last)
        self.last = np.where(is_used, day, self.last)
        self.ever_used |= is_used
        self.long_days += is_there & self.ever_used & (day - self.last > LONG_DAYS)
        self._count_days_in_use(day)

    def _count_days_in_use(self, day: int) -> None:
        """Count the day three days ago, of which it is known now whether it was in use."""
        then = day - _NEAR
        if then < 0:
            return
        in_use = self.ever_used & (self.last >= then - _NEAR) & (self.past.created <= then)
        hours = np.where(in_use, self.past.hours[:, then], 0.0)
        kept = 0.5 ** (1 / USED_HALF_LIFE)
        self.days_in_use = kept * self.days_in_use + in_use
        self.used_days = kept * self.used_days + (hours > 0)
        weight, weekday = 2.0 ** (then / PROFILE_HALF_LIFE), int(self.past.weekday[then])
        self.weekday_hours[:, weekday] += weight * hours
        self.weekday_days[:, weekday] += weight * in_use

    def _pause(self, day: int) -> Rows:
        """Return for how many days nobody has used each WorkSpace."""
        return np.asarray(np.maximum(day - 1 - self.last, 0))

    def _absence(self) -> Hours:
        """Return from how many days on a pause is an absence: longer for those who come seldom."""
        share = (self.used_days + PRIOR_USED) / (self.days_in_use + 1)
        return np.asarray(np.maximum(LEAST_ABSENCE, USES_MISSED / np.maximum(share, 1e-9)))

    def _profile(self, day: int) -> Hours:
        """Return each WorkSpace's hours on each weekday, as shares of its mean day."""
        weight = 2.0 ** (day / PROFILE_HALF_LIFE)
        hours, days = self.weekday_hours, self.weekday_days
        fleet = hours.sum(axis=0) / np.maximum(days.sum(axis=0), 1e-9)
        fleet = fleet / fleet.mean() if fleet.any() else np.ones(7)
        mean = hours.sum(axis=1) / np.maximum(days @ fleet, 1e-9)
        prior = weight * PRIOR_DAYS / 7
        own = (hours + prior * mean[:, None] * fleet) / (days + prior)
        level = own.mean(axis=1, keepdims=True)
        return np.asarray(np.where(level > 0, own / np.maximum(level, 1e-9), fleet))
