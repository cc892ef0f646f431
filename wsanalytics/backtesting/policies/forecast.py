"""``forecast``: ours. Expected cost of the rest of the month, from what similar people did next."""

from __future__ import annotations

from calendar import monthrange

import numpy as np
import numpy.typing as npt

from wsanalytics.backtesting.policies.rule import Choice, Rule, set_for_next_month
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.defaults import DEFAULT_TIMEOUT
from wsanalytics.errors import InputError
from wsanalytics.forecasting import (
    KeptForecasts,
    NeighbourForecast,
    Rates,
    Rows,
    WeightedForecast,
    month_begins,
    usual_week,
)
from wsanalytics.settings import ALWAYS_ON, auto_stop
from wsanalytics.timeline import Hours, to_micros

REFRESHED_ON = (1, 8, 15, 22)
"""The days of the month on which the index of the fleet is built anew."""
FEWEST_DAYS = 3
"""The days of the fleet that must be seen before anything is changed."""
LOOKED_BACK = 91
"""The days over which the timeouts are compared."""
MARGIN_SHARE = 0.01
"""The least gain of another timeout, as a share of the cost of its hours."""
AT_MOST = 2.0
"""Nobody is expected to bill more than so many times the hours a day of the last week, so those
for whom even that would not pay are left out in mid-month."""


class Forecast(Rule):
    """Each month by itself, by the expected cost of the days that are left.

    On the 1st a change sets the mode in which the month opens and costs nothing, so what is
    decided in one month binds none after it. The mode is taken that costs less over the month:
    the flat fee, or the fixed fee and the rate times the expected hours. Within a month that is
    billed by the hour it turns ALWAYS_ON on the day from which the expected hours of the days
    left cost more than those days' part of the flat fee: hours that are billed already are sunk.
    A month that is paid for is left alone. A timeout may change on any day.

    On the 1st the expected hours come from three forecasts, weighted by what their decisions of the
    finished months would have cost (:mod:`.forecasting.weighted`), on other days from the first of
    them alone (:mod:`.forecasting.neighbours`); until three days of the fleet were seen nothing
    changes. Of the timeouts that may be chosen the one is taken that would have cost least in the
    last 13 weeks, each wait counted with *wait_usd* (default 0: nothing); where nobody came, the
    one that most of the fleet would have. So that it does not flap, the mode changes only for
    an expected gain of *margin_usd* (default 1.00) and the timeout for one of 1 %.

    What is decided is a function of what was seen: nothing depends on when it was asked before.
    """

    name = "forecast"

    def __init__(self, wait_usd: float = 0.0, margin_usd: float = 1.0) -> None:
        for name, value in (("wait_usd", wait_usd), ("margin_usd", margin_usd)):
            if not value >= 0:
                raise InputError(f"{name} is {value}", where="forecast",
                                 rule="it is an amount from 0 on", fix="use for example 1")
        self.wait_usd, self.margin_usd = wait_usd, margin_usd
        self._kept = KeptForecasts()
        self._kept_for: tuple[object, int] = (None, 0)

    def decide(self, seen: Seen) -> Choice:
        """Choose the cheaper mode of the rest of the month, and the cheapest timeout."""
        chosen = seen.settings.to_numpy(dtype=object).copy()
        if seen.today < FEWEST_DAYS:
            return chosen
        is_open = np.array(seen.rates.notna().all(axis=1))
        minutes = self._timeouts(seen)
        if not seen.opens_month:
            # A timeout may change on any day; a mode only where that may pay.
            by_hour = is_open & (seen.minutes_in_force > 0)
            chosen[by_hour] = _settings_of(minutes[by_hour])
            is_open &= seen.is_new | self._may_pay(seen)
        # positions: entries of seen.ids to decide about now; the arrays below have an entry for
        # each of them.
        positions = np.flatnonzero(is_open)
        if len(positions):
            opens = seen.is_new[positions] | seen.opens_month
            hours = self._expected_hours(seen, positions, minutes[positions], seen.days_left,
                                         is_opening=seen.opens_month)
            # The part of the month that is left, today included: its share of both flat fees is
            # still open.
            part = seen.days_left / monthrange(seen.now.year, seen.now.month)[1]
            chosen[positions] = self._cheaper(
                seen, positions, hours, minutes[positions], opens, part)
        if not (seen.opens_month or seen.decides_before_next_month):
            set_for_next_month(seen, chosen, self.foresee(seen))
        return chosen

    def foresee(self, seen: Seen) -> npt.NDArray[np.object_]:
        """Choose the cheaper mode of the next month, and the cheapest timeout."""
        chosen = seen.settings.to_numpy(dtype=object).copy()
        positions = np.flatnonzero(seen.rates.notna().all(axis=1))
        if seen.today < FEWEST_DAYS or not len(positions):
            return chosen
        opens = np.ones(len(positions), dtype=np.bool_)
        minutes = self._timeouts(seen)[positions]
        month = monthrange(seen.next_month.year, seen.next_month.month)[1]
        until, through = (self._expected_hours(seen, positions, minutes, days, is_opening=True)
                          for days in (seen.days_left, seen.days_left + month))
        chosen[positions] = self._cheaper(
            seen, positions, np.maximum(through - until, 0.0), minutes, opens, 1.0)
        return chosen

    def _may_pay(self, seen: Seen) -> npt.NDArray[np.bool_]:
        """Mark those of whom a busy rest of the month might cost more than the flat fee for it."""
        hours = seen.hours_by_day(seen.timeouts[0])
        busiest = np.maximum(hours[:, -3:].mean(axis=1), hours[:, -7:].mean(axis=1))
        # A month is taken for 30 days here: this only rules out those for whom nothing can pay.
        a_day = seen.rates["always_on_usd"].to_numpy() / 30
        costs = AT_MOST * busiest * seen.rates["hourly_usd"].to_numpy()
        return np.asarray(~seen.paid.to_numpy() & (costs > a_day), dtype=np.bool_)

    def _timeouts(self, seen: Seen) -> npt.NDArray[np.int64]:
        """Choose the timeout for AUTO_STOP, in minutes, of each WorkSpace that is seen."""
        now = seen.minutes_in_force
        may_choose = np.stack([seen.may_be(auto_stop(each)) for each in seen.timeouts], axis=1)
        table = np.where(may_choose, self._costs_of(seen, seen.timeouts), np.inf)
        # Who was not used at all is no case for any timeout: it gets what the fleet would have.
        used = seen.hours_by_day(seen.timeouts[0])[:, -LOOKED_BACK:].sum(axis=1) > 0
        best = len(seen.timeouts) - 1 - table[:, ::-1].argmin(axis=1)  # of equals the longest
        is_case = used & ~np.isnan(table).any(axis=1)
        common = _most_frequent(best[is_case], seen.timeouts)
        best[~used] = np.where(may_choose[:, common], common, may_choose.argmax(axis=1))[~used]
        least = table[np.arange(len(best)), best]
        minutes = np.array(seen.timeouts, dtype=np.int64)[best]
        keeps = used | ~seen.is_new
        for current in np.unique(now[now > 0]):
            has_it = np.flatnonzero((now == current) & keeps)
            costs = self._costs_of(seen, (int(current),))[has_it, 0]
            minutes[has_it[costs <= least[has_it] * (1 + MARGIN_SHARE) + 1e-9]] = current
        # Where no timeout may be chosen the present one stays; 0 for those that are ALWAYS_ON.
        return np.where(np.asarray(may_choose.any(axis=1)), minutes, now)

    def _costs_of(self, seen: Seen, timeouts: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return what each WorkSpace's hours and waits of the last 13 weeks cost, by timeout."""
        rate = seen.rates["hourly_usd"].to_numpy()

        def costs(minutes: int) -> npt.NDArray[np.float64]:
            hours = seen.hours_by_day(minutes)[:, -LOOKED_BACK:].sum(axis=1)
            waits = seen.cold_starts_by_day(minutes)[:, -LOOKED_BACK:].sum(axis=1)
            total: npt.NDArray[np.float64] = hours * rate + waits * self.wait_usd
            return total

        return np.stack([costs(minutes) for minutes in timeouts], axis=1).round(6)

    def _expected_hours(
        self, seen: Seen, positions: Rows, minutes: npt.NDArray[np.int64], days: int, *,
        is_opening: bool,
    ) -> Hours:
        """Forecast the hours that each bills in the next so many *days*, in AUTO_STOP.

        *is_opening*: to decide in which mode a month opens.
        """
        shortest, rows = seen.timeouts[0], seen.rows[positions]
        past, kept = seen.past(shortest), self._kept_of(seen)
        index = kept.index(past, _built_on(seen))
        if is_opening:
            hours = WeightedForecast(
                past, rows, begins=month_begins(to_micros(seen.since), seen.today),
                rates=_rates(seen, len(past.hours)), kept=kept,
            ).expected_hours(days)
        else:
            neighbours = NeighbourForecast(index, past, rows)
            hours = neighbours.share(days) * neighbours.usual_hours(days)
        # What another timeout bills beside the shortest, it bills in the usual week.
        coming = past.weekday[past.today:past.today + days]
        for timeout in set(np.unique(minutes).tolist()) - {shortest, 0}:
            has_it = minutes == timeout
            usual, other = (
                usual_week(seen.past(each), index.fleet, rows[has_it])[:, coming].sum(axis=1)
                for each in (shortest, timeout))
            hours[has_it] *= np.where(usual > 0, other / np.maximum(usual, 1e-9), 1.0)
        return hours

    def _kept_of(self, seen: Seen) -> KeptForecasts:
        """Return what was computed on days before of the same past: kept for speed alone."""
        if self._kept_for[0] is not seen.source or self._kept_for[1] != seen.timeouts[0]:
            self._kept, self._kept_for = KeptForecasts(), (seen.source, seen.timeouts[0])
        return self._kept

    def _cheaper(
        self, seen: Seen, positions: Rows, hours: Hours, minutes: npt.NDArray[np.int64],
        opens: npt.NDArray[np.bool_], part: float,
    ) -> npt.NDArray[np.object_]:
        """Choose the cheaper of both modes, for a *part* of a month."""
        rates = seen.rates.iloc[positions]
        flat = rates["always_on_usd"].to_numpy() * part
        by_hour = hours * rates["hourly_usd"].to_numpy() + np.where(
            opens, rates["auto_stop_usd"].to_numpy() * part, 0.0)
        is_on = seen.is_always_on[positions]
        # The gain of leaving the current mode; only one above the margin flips it (^ is "exclusive
        # or").
        gain = np.where(is_on, flat - by_hour, by_hour - flat)
        to_on = is_on ^ (gain > self.margin_usd)
        to_on &= is_on | seen.may_be(ALWAYS_ON)[positions]
        return np.where(to_on, str(ALWAYS_ON), _settings_of(minutes))


def _settings_of(minutes: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Return the settings with these timeouts, as text; 0 stands for ALWAYS_ON."""
    texts = {int(each): str(auto_stop(int(each)) if each else ALWAYS_ON)
             for each in np.unique(minutes)}
    return np.array([texts[int(each)] for each in minutes], dtype=object)


def _built_on(seen: Seen) -> int:
    """Return the day, counted from the first one seen, of which the index of the fleet is."""
    latest = max(day for day in REFRESHED_ON if day <= seen.now.day)
    return max(seen.today - (seen.now.day - latest), FEWEST_DAYS)


def _most_frequent(best: Rows, timeouts: tuple[int, ...]) -> int:
    """Return the choice that is *best* for most; the default timeout, or the nearest, for none."""
    if len(best):
        return int(np.bincount(best).argmax())
    return int(np.abs(np.array(timeouts) - DEFAULT_TIMEOUT).argmin())


def _rates(seen: Seen, count: int) -> Rates:
    """Return the prices of so many WorkSpaces of the whole fleet; NaN for those not seen now."""
    columns = []
    for name in ("always_on_usd", "auto_stop_usd", "hourly_usd"):
        column = np.full(count, np.nan)
        column[seen.rows] = seen.rates[name].to_numpy()
        columns.append(column)
    return Rates(*columns)
