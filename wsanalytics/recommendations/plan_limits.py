"""The limits that a user sets for the changes of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """The limits that hold for every change of one plan.

    ``candidates`` are the settings that may be proposed (None: all that were compared). Raises
    :class:`InputError` for limits that are no numbers.
    """

    candidates: frozenset[str] | None = None
    max_cold_starts_per_week: float | None = None
    min_saving_usd: float = 1.0
    min_chance_of_saving: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no limit."""
        for name in ("max_cold_starts_per_week", "min_saving_usd"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value >= 0):
                raise InputError(f"{name} is {value}", where="recommend",
                                 rule="a limit is a number and not negative", fix="correct it")
        if not 0 <= self.min_chance_of_saving <= 1:
            raise InputError(f"min_chance_of_saving is {self.min_chance_of_saving}",
                             where="recommend", rule="a chance lies between 0 and 1",
                             fix="use for example 0.9")

    def allows(self, row: Mapping[Any, Any]) -> bool:
        """Whether the setting of a comparison's *row* may be proposed."""
        if self.candidates is not None and row["setting"] not in self.candidates:
            return False
        limit = self.max_cold_starts_per_week
        return limit is None or row["cold_starts_per_week"] <= limit

    def allowed_in(self, comparison: pd.DataFrame) -> pd.DataFrame | None:
        """Return which settings may be proposed: WorkSpaces x settings; None where all may."""
        if self.candidates is None and self.max_cold_starts_per_week is None:
            return None
        may = pd.Series(True, index=comparison.index)
        setting = comparison["setting"].astype("str")
        if self.candidates is not None:
            may &= setting.isin(self.candidates)
        if self.max_cold_starts_per_week is not None:
            may &= comparison["cold_starts_per_week"] <= self.max_cold_starts_per_week
        table = pd.DataFrame({"workspace_id": comparison["workspace_id"].astype("str"),
                              "setting": setting, "may": may})
        return table.pivot_table(index="workspace_id", columns="setting", values="may",
                                 aggfunc="first").astype(bool)
