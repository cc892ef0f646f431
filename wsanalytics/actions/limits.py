"""Limit what one run may change: a number, a share of the fleet, failures in a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from wsanalytics.actions.outcomes import Outcome
from wsanalytics.formatting import counted

_OVER = "over the limit of this run"


@dataclass(slots=True)
class RunLimits:
    """The changes that may still be started, and the failures in a row that end the run."""

    limit: int | None
    stop_after_failures: int
    why: str = _OVER
    failures: int = 0
    halted: str = ""

    def take(self) -> bool:
        """Begin one more, if that is allowed."""
        if self.halted or self.limit == 0:
            return False
        if self.limit is not None:
            self.limit -= 1
        return True

    def count(self, outcome: Outcome) -> None:
        """Count failures in a row."""
        if outcome in {Outcome.FAILED, Outcome.UNKNOWN}:
            self.failures += 1
        elif outcome is Outcome.DONE:
            self.failures = 0
        if self.failures >= self.stop_after_failures:
            self.halted = f"stopped after {self.failures} failures in a row"


def limits_of(
    limit: int | None, max_share: float, stop_after_failures: int, *, fleet_size: Callable[[], int]
) -> RunLimits:
    """Give how much may be done: at most *limit* changes, and *max_share* of the fleet.

    *fleet_size* counts the WorkSpaces where the run may make changes; it is asked only where the
    share matters, for counting takes calls.
    """
    why = _OVER
    if max_share < 1:
        fleet = fleet_size()
        # The tiny addend keeps 0.1 of 30 at 3: the product is 2.9999… or 3.0000… by float rounding.
        most = math.floor(max_share * fleet + 1e-9)
        if limit is None or most < limit:
            limit = most
            why = (f"over {max_share:.0%} of {counted(fleet, 'WorkSpace')}, the largest share of "
                   "this run")
    return RunLimits(limit, stop_after_failures, why)
