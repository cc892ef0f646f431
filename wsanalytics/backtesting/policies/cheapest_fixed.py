"""``cheapest_fixed``: the setting that was the cheapest of the past, where that is sure."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt

from wsanalytics.backtesting.policies.rule import Choice, Rule, set_for_next_month
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.errors import InputError
from wsanalytics.forecasting import UsagePast, scenarios_of
from wsanalytics.settings import ALWAYS_ON, auto_stop
from wsanalytics.timeline import Hours, months_later

FEWEST_DAYS = 21
"""A WorkSpace that was seen for fewer days is left alone: three whole weeks."""
_MONTH_DAYS = 365.25 / 12


class CheapestFixed(Rule):
    """Each 1st the setting that would have cost least in the last *days*, where that is sure.

    A change is made where the interval of its saving, which holds the middle *level* of what may
    come until the end of the next month, lies above zero, and where it saves *min_saving_usd* a
    month. Of several such settings the cheapest is taken. Where use has changed for good, only the
    days since then count; WorkSpaces that were seen for less than three weeks are left alone.
    Within a month nothing changes. *days* 0 stands for all that were seen.

    This is how plans were made before they were made by ``forecast``: it looks back, and it is
    careful. What that costs stands beside the others in a backtest.
    """

    name = "cheapest_fixed"

    def __init__(
        self, days: int = 63, level: float = 0.8, min_saving_usd: float = 1.0
    ) -> None:
        for name, value, is_right, rule in (
            ("days", days, days == 0 or days >= FEWEST_DAYS,
             f"it is a number of days from {FEWEST_DAYS} on, or 0 for all"),
            ("level", level, 0 < level < 1, "a level lies between 0 and 1"),
            ("min_saving_usd", min_saving_usd, min_saving_usd >= 0,
             "it is an amount from 0 on"),
        ):
            if not is_right:
                raise InputError(f"{name} is {value}", where=self.name, rule=rule,
                                 fix="use for example days=63,level=0.8")
        self.days, self.level, self.min_saving_usd = days, level, min_saving_usd

    def decide(self, seen: Seen) -> Choice:
        """Choose as a month opens; keep the current settings on other days."""
        if seen.opens_month or seen.decides_first_this_month:
            return self.foresee(seen)
        chosen = seen.settings.to_numpy(dtype=object).copy()
        if not seen.decides_before_next_month:
            set_for_next_month(seen, chosen, self.foresee(seen))
        return chosen

    def foresee(self, seen: Seen) -> npt.NDArray[np.object_]:
        """Choose the cheapest setting of the past, or the present one."""
        chosen = seen.settings.to_numpy(dtype=object).copy()
        looked_back = min(self.days or seen.today, seen.today)
        past = _last_days(seen.past(seen.timeouts[0]), looked_back)
        age = np.minimum(looked_back, seen.today - seen.created)
        if looked_back < FEWEST_DAYS:
            return chosen
        ahead = (months_later(seen.now, 2) - seen.now) // timedelta(days=1)
        scenarios = scenarios_of(past, ahead_days=ahead)
        counted = np.minimum(scenarios.counted_days[seen.rows], looked_back)
        slow, fast = (scenarios.quantile((1 + side * self.level) / 2)[seen.rows]
                      for side in (-1, 1))
        present = _present_cost(seen, counted)
        saved = np.full(len(chosen), self.min_saving_usd - 1e-9)
        for setting in (*(auto_stop(minutes) for minutes in reversed(seen.timeouts)), ALWAYS_ON):
            fee, hourly = _monthly_cost(seen, setting.auto_stop_minutes or 0, counted)
            fixed, varying = present[0] - fee, present[1] - hourly
            # The saving is linear in how much people will work, so the ends of its interval are
            # those of the usage ratio's.
            low = np.minimum(fixed + varying * slow, fixed + varying * fast)
            saving = fixed + varying
            better = (saving > saved) & (low > 0) & (age >= FEWEST_DAYS) & seen.may_be(setting)
            chosen[better], saved = str(setting), np.where(better, saving, saved)
        return chosen


def _last_days(past: UsagePast, days: int) -> UsagePast:
    """Return the last *days* of a past, as if nothing had been seen before."""
    skipped = past.today - days
    return UsagePast(past.hours[:, skipped:], past.weekday[skipped:],
                     np.maximum(past.created - skipped, 0),
                     np.where(past.terminated > past.today, past.terminated,
                              np.maximum(past.terminated - skipped, 0)))


def _monthly_cost(
    seen: Seen, minutes: int, counted: npt.NDArray[np.int64]
) -> tuple[Hours, Hours]:
    """Return fee and cost of hours a month under one timeout (0: ALWAYS_ON), by WorkSpace."""
    rates = seen.rates
    if not minutes:
        return rates["always_on_usd"].to_numpy(), np.zeros(len(rates))
    day = np.arange(seen.today)[None, :]
    hours = (seen.hours_by_day(minutes) * (day >= seen.today - counted[:, None])).sum(axis=1)
    a_month = hours / np.maximum(counted, 1) * _MONTH_DAYS
    return rates["auto_stop_usd"].to_numpy(), a_month * rates["hourly_usd"].to_numpy()


def _present_cost(seen: Seen, counted: npt.NDArray[np.int64]) -> tuple[Hours, Hours]:
    """Return fee and cost of hours a month as each WorkSpace is set, by WorkSpace."""
    fee, hourly = np.zeros(len(counted)), np.zeros(len(counted))
    for minutes in np.unique(seen.minutes_in_force):
        has_it = seen.minutes_in_force == minutes
        both = _monthly_cost(seen, int(minutes), counted)
        fee[has_it], hourly[has_it] = both[0][has_it], both[1][has_it]
    return fee, hourly
