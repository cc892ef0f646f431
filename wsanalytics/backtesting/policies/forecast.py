"""``forecast``: ours. Expected cost of the rest of the month, from what similar people did next."""

from __future__ import annotations

from calendar import monthrange

import numpy as np
import numpy.typing as npt

from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing import DailyUse
from wsanalytics.errors import InputError
from wsanalytics.forecasting import NeighbourForecast, Rows, SituationIndex, UsagePast, usual_week
from wsanalytics.settings import ALWAYS_ON, auto_stop
from wsanalytics.timeline import Hours

REFRESHED_ON = (1, 8, 15, 22)
"""The days of the month on which the memory of the fleet is made anew."""
FEWEST_DAYS = 3
"""Before so many days of the fleet were seen nothing is changed."""
LOOKED_BACK = 91
"""How many days the timeouts are compared over."""
MARGIN_SHARE = 0.01
"""For which share of the cost of its hours a WorkSpace's timeout is changed."""
AT_MOST = 2.0
"""Nobody is expected to bill more than so many times the hours a day of the last week, so those
for whom even that would not pay are not looked at in mid-month."""


class Forecast(Rule):
    """Each month by itself, by the expected cost of the days that are left.

    On the 1st a change sets the mode in which the month opens and costs nothing, so what is
    decided in one month binds none after it. The mode is taken that costs less over the month:
    the flat fee, or the fixed fee and the rate times the expected hours. Within a month that is
    billed by the hour it turns ALWAYS_ON on the day from which the expected hours of the days
    left cost more than those days' part of the flat fee: hours that are billed already are sunk.
    A month that is paid for is left alone.

    The expected hours come from :mod:`.forecasting.neighbours`; until three days of the fleet were
    seen nothing changes. Of the timeouts that may be chosen the one is taken that would have cost
    least in the last 13 weeks, each wait counted with *wait_usd* (default 0: nothing). So that it
    does not flap, the mode changes only for an expected gain of *margin_usd* (default 1.00) and
    the timeout for one of 1 %.
    """

    name = "forecast"

    def __init__(self, wait_usd: float = 0.0, margin_usd: float = 1.0) -> None:
        for name, value in (("wait_usd", wait_usd), ("margin_usd", margin_usd)):
            if not value >= 0:
                raise InputError(f"{name} is {value}", where="forecast",
                                 rule="it is an amount from 0 on", fix="use for example 1")
        self.wait_usd, self.margin_usd = wait_usd, margin_usd
        self._memory: SituationIndex | None = None
        self._made_for: tuple[DailyUse | None, int] = (None, -1)

    def decide(self, seen: Seen) -> Choice:
        """The cheaper mode of the month, or of what is left of it, and the cheapest timeout."""
        chosen = seen.settings.to_numpy(dtype=object).copy()
        if seen.today < FEWEST_DAYS:
            return chosen
        asked = np.array(seen.rates.notna().all(axis=1))
        if not seen.opens_month:
            asked &= seen.is_new | self._may_pay(seen)
        places = np.flatnonzero(asked)
        if len(places):
            opens = seen.is_new[places] | seen.opens_month
            minutes = self._timeouts(seen, places, opens)
            hours = self._expected_hours(seen, places, minutes)
            chosen[places] = self._cheaper(seen, places, hours, minutes, opens)
        return chosen

    def _may_pay(self, seen: Seen) -> npt.NDArray[np.bool_]:
        """Of whom a busy rest of the month might cost more than the flat fee for it."""
        hours = seen.hours_by_day(seen.timeouts[0])
        busiest = np.maximum(hours[:, -3:].mean(axis=1), hours[:, -7:].mean(axis=1))
        a_day = seen.rates["always_on_usd"].to_numpy() / 30
        costs = AT_MOST * busiest * seen.rates["hourly_usd"].to_numpy()
        return np.asarray(~seen.paid.to_numpy() & (costs > a_day), dtype=np.bool_)

    def _timeouts(
        self, seen: Seen, places: Rows, opens: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """The timeout for AUTO_STOP, in minutes: in mid-month what is in force."""
        now = seen.minutes_in_force[places]
        if not opens.any():
            return now
        options = seen.timeouts
        rate = seen.rates["hourly_usd"].to_numpy()[places, None]

        def costs(minutes: int) -> npt.NDArray[np.float64]:
            hours = seen.hours_by_day(minutes)[places, -LOOKED_BACK:]
            waits = seen.cold_starts_by_day(minutes)[places, -LOOKED_BACK:]
            total: npt.NDArray[np.float64] = (hours * rate + waits * self.wait_usd).sum(axis=1)
            return total

        table = np.stack([costs(minutes) for minutes in options], axis=1).round(6)
        best = len(options) - 1 - table[:, ::-1].argmin(axis=1)  # of equals the longest
        least = table[np.arange(len(places)), best]
        minutes = np.array(options, dtype=np.int64)[best]
        for one in np.unique(now[now > 0]):
            mine = now == one
            stays = mine & (costs(int(one)) <= least * (1 + MARGIN_SHARE) + 1e-9)
            minutes[stays] = one
        return np.where(opens, minutes, now)

    def _expected_hours(
        self, seen: Seen, places: Rows, minutes: npt.NDArray[np.int64]
    ) -> Hours:
        """The hours that each is expected to bill until the month ends, in AUTO_STOP."""
        past = seen.past(seen.timeouts[0])
        rows = seen.rows[places]
        memory = self._memory_of(seen, past)
        outlook = NeighbourForecast(memory, past, rows)
        hours = np.zeros(len(places))
        for one in np.unique(minutes):
            mine = minutes == one
            same = int(one) == seen.timeouts[0]
            week = outlook.week if same else usual_week(seen.past(int(one)), memory.fleet, rows)
            hours[mine] = outlook.usual_hours(seen.days_left, week)[mine]
        return outlook.share(seen.days_left) * hours

    def _memory_of(self, seen: Seen, past: UsagePast) -> SituationIndex:
        """What the fleet has lived through, as of the last day on which it was gone over."""
        days, today = self._made_for
        fresh = days is seen.days and today <= seen.today
        if self._memory is None or not fresh or seen.now.day in REFRESHED_ON:
            self._memory, self._made_for = SituationIndex(past), (seen.days, seen.today)
        return self._memory

    def _cheaper(
        self, seen: Seen, places: Rows, hours: Hours, minutes: npt.NDArray[np.int64],
        opens: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.object_]:
        """The cheaper of both modes."""
        rates = seen.rates.iloc[places]
        part = seen.days_left / monthrange(seen.now.year, seen.now.month)[1]
        flat = rates["always_on_usd"].to_numpy() * part
        by_hour = hours * rates["hourly_usd"].to_numpy() + np.where(
            opens, rates["auto_stop_usd"].to_numpy() * part, 0.0)
        is_on = seen.is_always_on[places]
        gain = np.where(is_on, flat - by_hour, by_hour - flat)
        to_on = is_on ^ (gain > self.margin_usd)
        by_minutes = {int(one): str(auto_stop(int(one))) for one in np.unique(minutes) if one}
        hourly = np.array([by_minutes.get(int(minute), str(ALWAYS_ON)) for minute in minutes],
                          dtype=object)
        return np.where(to_on, str(ALWAYS_ON), hourly)
