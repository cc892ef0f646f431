"""``stop_when_idle:minutes=N``: StopWorkspaces sooner than the shortest timeout would."""

from __future__ import annotations

from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.errors import InputError


class StopWhenIdle(Rule):
    """Settings stay as they are, but whoever left *minutes* ago has their WorkSpace stopped.

    AUTO_STOP cannot stop before an hour has passed; StopWorkspaces can (it takes AUTO_STOP ones
    alone). It does where that saves an hour under the hour rule: an hour that has begun is paid,
    and what would stop by itself before the next begins is left to do so. Hours are saved, and
    users who come back soon wait for a start. The replay stops each one to the minute;
    ``wsanalytics stop-idle``, run every few minutes, comes close to that.
    """

    def __init__(self, minutes: float = 15, name: str = "") -> None:
        if not minutes > 0:
            raise InputError(f"minutes is {minutes}", where="stop_when_idle",
                             rule="it is a number over 0", fix="use for example minutes=15")
        self.idle_stop_minutes = minutes
        self.name = name or f"stop_when_idle:minutes={minutes:g}"

    def decide(self, seen: Seen) -> Choice:
        """Keep the current settings."""
        return seen.settings
