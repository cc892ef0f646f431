"""Choose for one WorkSpace: the cheapest setting within the limits, or none, and why.

Where it is not certain that the cheapest setting saves anything, the next one is taken that does.
Each row of a plan begins here, from the WorkSpace's rows of the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.recommendations.due_dates import best_date
from wsanalytics.recommendations.reasons import (
    ENOUGH_DAYS,
    checks_of,
    reason_for,
    why_not_proposed,
    why_nothing_is_cheaper,
)
from wsanalytics.recommendations.unattended import sentence
from wsanalytics.settings import Setting

CHANGE, LEAVE_ALONE = "change", "leave alone"


@dataclass(frozen=True, slots=True)
class Chooser:
    """The limits that hold for every WorkSpace of one plan."""

    candidates: frozenset[str] | None
    max_cold_starts_per_week: float | None
    min_saving_usd: float
    now: datetime

    def choose(self, options: list[dict[str, Any]], setting: str) -> dict[str, Any]:
        """Return one row of the plan, from a WorkSpace's rows of the comparison."""
        present = next(row for row in options if row["setting"] == setting)
        priced = [row for row in options if not isnan(row["usd_per_month"])]
        ended = present["terminated_at"]
        # The reasons in the order in which they matter: the first that holds is the one that is
        # shown.
        if not pd.isna(ended):
            return left_alone(present, f"It was terminated on {ended:%Y-%m-%d}.")
        if present["observed_days"] + present["unobserved_days"] == 0:
            return left_alone(present, "It did not exist in the days that were looked at.")
        if present not in priced:
            return left_alone(present, "No price is known for it, so no saving can be calculated.")
        nobody = sentence(present.get("unattended_hours_per_month", 0.0))
        allowed = [row for row in priced if row is present or self._allows(row)]
        # Cheapest first; of equals the present setting, then the one with fewer cold starts.
        ordered = sorted(allowed, key=lambda row: (
            round(row["usd_per_month"], 9), row is not present, row["cold_starts_per_week"],
            Setting.parse(row["setting"]).order))
        cheaper = ordered[:ordered.index(present)]
        if not cheaper:
            return left_alone(present, why_nothing_is_cheaper(
                present, priced, candidates=self.candidates, min_saving_usd=self.min_saving_usd,
                max_cold_starts_per_week=self.max_cold_starts_per_week) + nobody)
        for row in cheaper:  # what is certain is taken before what may save more
            if not why_not_proposed(row, min_saving_usd=self.min_saving_usd):
                return self._change(present, row)
        return left_alone(
            present, why_not_proposed(cheaper[0], min_saving_usd=self.min_saving_usd) + nobody
        )

    def _allows(self, row: dict[str, Any]) -> bool:
        if self.candidates is not None and row["setting"] not in self.candidates:
            return False
        limit = self.max_cold_starts_per_week
        return limit is None or row["cold_starts_per_week"] <= limit

    def _change(self, present: dict[str, Any], best: dict[str, Any]) -> dict[str, Any]:
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
            "best_date": best_date(present, best, self.now).isoformat(),
            "reason": reason_for(present, best),
            "checked": "; ".join(checks_of(
                best, days_needed=ENOUGH_DAYS, min_saving_usd=self.min_saving_usd,
                max_cold_starts_per_week=self.max_cold_starts_per_week)),
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
