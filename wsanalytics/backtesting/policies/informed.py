"""``informed``: what somebody could do who knew how much each person will work in every month."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wsanalytics.backtesting.policies.rule import BacktestData, Reference
from wsanalytics.settings import ALWAYS_ON, auto_stop


class Informed(Reference):
    """Knows each person's true hours of every month, but not on which days they fall.

    At the beginning of each month the cheaper mode for that month is taken, with the timeout
    that costs least, and kept until the month ends. This, and not the clairvoyant, who
    also times changes within the month, is the limit for any forecast of how much somebody works.
    A WorkSpace without a known price is left as it is.
    """

    name = "informed"

    def look_back(self, case: BacktestData) -> tuple[npt.NDArray[np.object_], None]:
        """Return the cheaper mode of each month."""
        month = np.searchsorted(case.months.edges, case.days.edges[:-1], side="right") - 1
        turns = np.flatnonzero(np.append(True, month[1:] != month[:-1]))
        hourly = case.tariff.hourly[:, None]
        costs = np.stack([case.tariff.always_on] + [
            case.tariff.auto_stop + hourly * (
                np.add.reduceat(case.days.hours(minutes), turns, axis=1) + case.maintained)
            for minutes in case.timeouts])
        names = np.array([str(ALWAYS_ON), *(str(auto_stop(m)) for m in case.timeouts)],
                         dtype=object)
        best = np.where(np.isnan(costs), np.inf, costs).argmin(axis=0)
        chosen = names[best][:, month]
        return np.where(case.tariff.is_priced[:, None], chosen, case.present[:, None]), None
