"""The limits that a user sets for the changes of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.hibernation import hibernates, stops_sooner
from wsanalytics.rules import FleetRules, HouseRule
from wsanalytics.settings import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """The limits that hold for every change of one plan.

    ``candidates`` are the settings that may be proposed (None: all that were compared); ``rules``
    are those of the house, which hold beside them. ``not_hibernating`` are the WorkSpaces that lose
    open programs when they stop: they are not to stop, or to stop sooner, unless their rule or
    ``allow_losing_open_programs`` lets them. Raises :class:`InputError` for limits that are no
    numbers.
    """

    candidates: frozenset[str] | None = None
    max_cold_starts_per_week: float | None = None
    min_saving_usd: float = 1.0
    min_chance_of_saving: float = 0.0
    rules: FleetRules | None = None
    allow_losing_open_programs: bool = False
    not_hibernating: frozenset[str] = frozenset()

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
        rule = self.rule_for(row["workspace_id"])
        setting = Setting.parse(row["setting"])
        if rule is not None and (rule.leave_alone or rule.against(setting)):
            return False
        if not (self.is_candidate(row["setting"]) or (
                rule is not None and self.rules is not None
                and setting in rule.allowed(self.rules.candidates))):
            return False
        limit = self.most_waits(rule)
        return limit is None or row["cold_starts_per_week"] <= limit

    def is_candidate(self, setting: str) -> bool:
        """Whether *setting* may be proposed to anybody."""
        return self.candidates is None or setting in self.candidates

    def rule_for(self, workspace_id: str) -> HouseRule | None:
        """Return the rule of the house that holds for a WorkSpace."""
        return None if self.rules is None else self.rules.by_id.get(workspace_id)

    def loses(self, workspace_id: str, before: str, after: str) -> bool:
        """Whether a change would have a WorkSpace stop, or stop sooner, that cannot hibernate."""
        return workspace_id in self.not_hibernating and stops_sooner(
            Setting.parse(before), Setting.parse(after))

    def may_lose(self, workspace_id: str) -> bool:
        """Whether such a change may be proposed for it."""
        rule = self.rule_for(workspace_id)
        return self.allow_losing_open_programs or (
            rule is not None and rule.allow_losing_open_programs)

    def most_waits(self, rule: HouseRule | None) -> float | None:
        """Return the most cold starts a week, by the user's limit and by a *rule*: the lesser."""
        limits = [self.max_cold_starts_per_week,
                  None if rule is None else rule.most_cold_starts_per_week]
        return min((limit for limit in limits if limit is not None), default=None)

    def allowed_in(self, comparison: pd.DataFrame) -> pd.DataFrame | None:
        """Return which settings may be proposed: WorkSpaces x settings; None where all may.

        By the user's limits: rules of the house bind a policy by themselves, and what a rule brings
        in need be no candidate.
        """
        if self.candidates is None and self.max_cold_starts_per_week is None:
            return None
        may = pd.Series(True, index=comparison.index)
        setting = comparison["setting"].astype("str")
        if self.candidates is not None:
            may &= setting.isin(self.candidates) | self._is_brought(comparison, setting)
        if self.max_cold_starts_per_week is not None:
            may &= comparison["cold_starts_per_week"] <= self.max_cold_starts_per_week
        table = pd.DataFrame({"workspace_id": comparison["workspace_id"].astype("str"),
                              "setting": setting, "may": may})
        return table.pivot_table(index="workspace_id", columns="setting", values="may",
                                 aggfunc="first").astype(bool)

    def _is_brought(self, comparison: pd.DataFrame, setting: pd.Series) -> pd.Series:
        """Mark the rows whose setting a rule has brought in for their WorkSpace."""
        marked = pd.Series(False, index=comparison.index)
        if self.rules is None:
            return marked
        names = comparison["workspace_id"].astype("str")
        for one in self.rules.brought:
            marked |= (setting == str(one)) & names.isin(self.rules.ids[self.rules.may_be(one)])
        return marked


def not_hibernating(workspaces: pd.DataFrame | None) -> frozenset[str]:
    """Return the ids of those of *workspaces* that lose open programs when they stop."""
    if workspaces is None:
        return frozenset()
    keeps = workspaces["compute_type"].astype("str").map(hibernates).astype(bool)
    return frozenset(workspaces.loc[~keeps, "workspace_id"].astype("str"))
