"""Turn a policy's decision for one WorkSpace into a row of a plan: a change, or none, and why.

The policy decides (:func:`wsanalytics.backtesting.decide`); here its decision is held against the
user's limits, and put into words beside what it is expected to save.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.recommendations.due_dates import best_date
from wsanalytics.recommendations.plan_limits import PlanLimits
from wsanalytics.recommendations.reasons import (
    ENOUGH_DAYS,
    by_rule,
    checks_of,
    demanded_text,
    lacks_observation,
    loses_text,
    reason_for,
    too_short_text,
    unobserved_text,
    when_text,
    why_kept,
    why_left_out,
    would_lose_text,
)
from wsanalytics.recommendations.unattended import sentence
from wsanalytics.settings import ALWAYS_ON, Setting

CHANGE, LEAVE_ALONE = "change", "leave alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """What is the same for every WorkSpace of one plan.

    ``decided`` has by ``workspace_id`` the settings that the ``policy`` decided, from ``at`` on and
    from the next 1st on; ``days`` is how long the fleet was observed.
    """

    limits: PlanLimits
    policy: str
    decided: dict[str, tuple[str, str]]
    at: datetime
    days: float
    now: datetime

    def choose(self, options: list[dict[str, Any]], setting: str) -> dict[str, Any]:
        """Return one row of the plan, from a WorkSpace's rows of the comparison."""
        present = next(row for row in options if row["setting"] == setting)
        rule = self.limits.rule_for(present["workspace_id"])
        broken = "" if rule is None else rule.against(Setting.parse(setting))
        if why := self._why_not_looked_at(present, is_demanded=bool(broken)):
            return left_alone(present, why)
        nobody = sentence(present.get("unattended_hours_per_month", 0.0))
        by = by_rule(rule)
        if rule is not None and rule.leave_alone:
            return left_alone(present, by.rstrip() + nobody)
        from_now, later = self.decided.get(present["workspace_id"], (setting, setting))
        wanted = from_now if from_now != setting else later
        best = next((row for row in options if row["setting"] == wanted), present)
        if why := self._why_not(present, best, options, is_demanded=bool(broken)):
            return left_alone(present, by + why + nobody)
        loses = self.limits.loses(present["workspace_id"], setting, best["setting"])
        warning = loses_text() if loses else ""
        if rule is not None and broken:
            # A rule holds whatever it costs: the limits of saving and chance do not.
            return self._change(present, best, from_now) | {
                "reason": demanded_text(rule, broken, best) + warning + nobody,
                "checked": "; ".join(checks_of(best, policy=self.policy, limits=self.limits,
                                               demanded_by=rule.name))}
        # On a 1st the decision is about the month that opens.
        when = "" if self.at.day == 1 else when_text(setting, from_now, later, self.at)
        return self._change(present, best, from_now) | {
            "reason": by + reason_for(present, best, when + warning),
            "checked": "; ".join(checks_of(best, policy=self.policy, limits=self.limits))}

    def _why_not(
        self, present: dict[str, Any], best: dict[str, Any], options: list[dict[str, Any]], *,
        is_demanded: bool,
    ) -> str:
        """Say why what was decided, *best*, is not proposed; empty if it is."""
        if best is present:
            return why_kept(present, options, policy=self.policy, limits=self.limits)
        name = present["workspace_id"]
        if self.limits.loses(name, present["setting"], best["setting"]) and (
                not self.limits.may_lose(name)):
            return would_lose_text(best)
        return "" if is_demanded else why_left_out(best, limits=self.limits)

    def _why_not_looked_at(self, present: dict[str, Any], *, is_demanded: bool) -> str:
        """Say why nothing is proposed, whatever a policy decides; empty for no such reason.

        In the order in which they matter: the first that holds is the one that is shown. What a
        rule demands (*is_demanded*) needs no history.
        """
        ended = present["terminated_at"]
        if not pd.isna(ended):
            return f"It was terminated on {ended:%Y-%m-%d}."
        if present["observed_days"] + present["unobserved_days"] == 0:
            return "It did not exist in the days that were looked at."
        if isnan(present["usd_per_month"]):
            return "No price is known for it, so no saving can be calculated."
        if is_demanded:
            return ""
        if self.days < ENOUGH_DAYS:
            return too_short_text(self.days)
        return unobserved_text(present) if lacks_observation(present) else ""

    def _change(
        self, present: dict[str, Any], best: dict[str, Any], from_now: str
    ) -> dict[str, Any]:
        # On a 1st the decision is about the month that opens, so nothing says whether it would
        # still be worth it on another day of that month.
        at_once = None if self.at.day == 1 else from_now == str(ALWAYS_ON)
        return {
            "workspace_id": present["workspace_id"],
            "action": CHANGE,
            "from_setting": present["setting"],
            "to_setting": best["setting"],
            "saving_usd_per_month": best["saving_usd_per_month"],
            "saving_low_usd": best["saving_low_usd"],
            "saving_high_usd": best["saving_high_usd"],
            "chance_of_loss": best["chance_of_loss"],
            "cold_starts_per_week": best["cold_starts_per_week"],
            "extra_cold_starts_per_week": best["extra_cold_starts_per_week"],
            "best_date": best_date(present, best, self.now, at_once=at_once).isoformat(),
        }


def left_alone(present: dict[str, Any], reason: str) -> dict[str, Any]:
    """Return the row of a WorkSpace that is to stay as it is, for *reason*."""
    return {
        "workspace_id": present["workspace_id"],
        "action": LEAVE_ALONE,
        "from_setting": present["setting"],
        "to_setting": "",
        "saving_usd_per_month": np.nan,
        "saving_low_usd": np.nan,
        "saving_high_usd": np.nan,
        "chance_of_loss": np.nan,
        "cold_starts_per_week": present["cold_starts_per_week"],
        "extra_cold_starts_per_week": np.nan,
        "best_date": "",
        "reason": reason,
        "checked": "",
    }
