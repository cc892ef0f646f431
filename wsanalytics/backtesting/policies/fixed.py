"""``hold``, ``always_on``, ``auto_stop:MINUTES``: one setting, for good."""

from __future__ import annotations

from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.settings import Setting


class Hold(Rule):
    """Nothing changes: each WorkSpace keeps the setting that it has. What doing nothing costs."""

    name = "hold"

    def decide(self, seen: Seen) -> Choice:
        """Keep the current settings."""
        return seen.settings


class Fixed(Rule):
    """Every WorkSpace in one *setting* from the first day on: ``always_on``, ``auto_stop:60``."""

    def __init__(self, setting: Setting, name: str) -> None:
        self.setting, self.name = setting, name

    def decide(self, seen: Seen) -> Choice:  # noqa: ARG002  # it is always the same
        """Return the one setting."""
        return self.setting
