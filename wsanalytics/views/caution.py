"""What caution costs: the saving that is given up by changing only what is likely to save."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from wsanalytics.formatting import counted, percent, usd
from wsanalytics.recommendations import Plan

LIKELY = 0.9
"""The chance from which on a change is called as good as sure."""
CHANCES = (0.5, 0.8, LIKELY, 0.95)


def cost_of_caution(plan: Plan, chances: Iterable[float] = CHANCES) -> pd.DataFrame:
    """Return what a plan saves if only changes that are likely enough to save are made.

    Columns: ``min_chance_of_saving`` (as the option of ``recommend``; the first row is 0, all of
    the plan's changes), ``changes`` (how many are left), ``saving_usd_per_month`` (what they are
    expected to save) and ``given_up_usd_per_month`` (what the others would), USD a month.
    """
    rows = []
    for chance in (0.0, *chances):
        likely = plan.likely(chance)
        saving = float(likely["saving_usd_per_month"].sum())
        rows.append((chance, len(likely), saving, plan.saving_usd_per_month - saving))
    return pd.DataFrame(rows, columns=["min_chance_of_saving", "changes", "saving_usd_per_month",
                                       "given_up_usd_per_month"])


def sure_changes(plan: Plan, chance: float = LIKELY) -> str:
    """Say how many changes a plan has, and how many of them are as good as sure; '' without any."""
    if plan.changes.empty:
        return ""
    likely = plan.likely(chance)
    return (f"{counted(len(plan.changes), 'change')}, "
            f"{usd(plan.saving_usd_per_month, cents=False)} expected; with a chance of at least "
            f"{percent(chance)}: {counted(len(likely), 'change')}, "
            f"{usd(float(likely['saving_usd_per_month'].sum()), cents=False)}.")
