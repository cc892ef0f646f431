"""``break_even``: pay by the hour until the hours so far would have paid for the flat fee."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.settings import ALWAYS_ON, Setting, auto_stop


class BreakEven(Rule):
    """The classic rule for renting or buying skis: buy when the rent paid equals the price.

    Every month opens in AUTO_STOP; once the hours that it has billed reach the break-even,
    (flat fee - fixed fee) / hourly rate, the WorkSpace turns ALWAYS_ON until the month ends. It
    needs no forecast, and never costs much more than twice the best (Karlin, Manasse, Rudolph,
    Sleator 1988). *timeout*: the minutes of AUTO_STOP (default: what the table lists, else 60).
    """

    name = "break_even"

    def __init__(self, timeout: int | None = None) -> None:
        if timeout is not None:
            Setting.parse(f"AUTO_STOP:{timeout}", where=self.name)
        self.timeout = timeout

    def decide(self, seen: Seen) -> Choice:
        """AUTO_STOP on the first day of a month, ALWAYS_ON from the break-even on."""
        hourly = self.foresee(seen)
        if seen.opens_month:
            return hourly
        so_far = seen.billed_this_month(self._minutes(seen))
        reached = so_far >= seen.break_even_hours.to_numpy()
        chosen = np.where(reached | seen.paid.to_numpy(), str(ALWAYS_ON), hourly)
        return np.where(seen.is_new, hourly, chosen)

    def foresee(self, seen: Seen) -> npt.NDArray[np.object_]:
        """AUTO_STOP: every month opens in it."""
        return np.array([str(auto_stop(int(minute))) for minute in self._minutes(seen)],
                        dtype=object)

    def _minutes(self, seen: Seen) -> npt.NDArray[np.int64]:
        minutes = seen.own_timeout
        return minutes if self.timeout is None else np.full_like(minutes, self.timeout)
