"""Show the changes of a plan in the table of a review."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.recommendations import Plan
from wsanalytics.widgets.table import Column

COLUMNS = (
    Column("workspace_id", "WorkSpace", width=116),
    Column("saving_usd_per_month", "saves a month", "usd", 136, "expected saving, USD a month"),
    Column("from_setting", "from", width=128),
    Column("to_setting", "to", width=128),
    Column("user_name", "user", width=136, leaves=2),
    Column("extra_cold_starts_per_week", "extra cold starts", "number", 148,
           "cold starts a week beyond the present setting's", leaves=1),
    Column("chance_of_loss", "loss", "percent", 76,
           "chance that it costs more until the end of the next month", leaves=3),
    Column("saving_low_usd", "at least", "usd", 92, "lower end of the 80 % interval of the saving",
           leaves=4),
    Column("saving_high_usd", "at most", "usd", 92, "upper end of the 80 % interval", leaves=4),
    Column("best_date", "best date", width=96, leaves=5),
    Column("directory_id", "directory", width=120, leaves=7),
    Column("compute_type", "bundle", width=110, leaves=6),
    Column("reason", "reason", width=420, leaves=8),
    Column("tags", "tags", width=200, leaves=9),
)

Marks = npt.NDArray[np.bool_]
ROWS = ("workspace_id", "user_name", "directory_id", "compute_type", "from_setting", "to_setting",
        "saving_usd_per_month", "saving_low_usd", "saving_high_usd", "chance_of_loss",
        "extra_cold_starts_per_week", "best_date", "reason", "tags", "account_id", "region")
"""The columns of :attr:`Review.rows`, a row a change, the largest saving first."""
Place = tuple[str, str]
"""An account and a region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of a review; one that is None or empty lets all rows through.

    Rows whose chance of a loss is not known pass no limit of it.
    """

    directory_id: str = ""
    compute_type: str = ""
    change: str = ""
    min_saving_usd: float | None = None
    max_chance_of_loss: float | None = None
    max_extra_cold_starts_per_week: float | None = None

    def marks(self, rows: pd.DataFrame) -> Marks:
        """Mark the *rows* that the filters let through."""
        marks = np.ones(len(rows), dtype=bool)
        for name in ("directory_id", "compute_type"):
            if wanted := getattr(self, name):
                marks &= (rows[name] == wanted).to_numpy()
        if self.change:
            marks &= (changes_in_words(rows) == self.change).to_numpy()
        if self.min_saving_usd is not None:
            marks &= (rows["saving_usd_per_month"] >= self.min_saving_usd).to_numpy()
        if self.max_chance_of_loss is not None:
            marks &= (rows["chance_of_loss"] <= self.max_chance_of_loss).to_numpy()
        if self.max_extra_cold_starts_per_week is not None:
            marks &= (rows["extra_cold_starts_per_week"]
                     <= self.max_extra_cold_starts_per_week).to_numpy()
        return marks


def changes_in_words(rows: pd.DataFrame) -> pd.Series:
    """From which setting to which, a text a row."""
    return rows["from_setting"] + " → " + rows["to_setting"]


def rows_of(plan: Plan, workspaces: pd.DataFrame | None) -> pd.DataFrame:
    """Return the changes of *plan* as a review shows them, with what *workspaces* knows of each."""
    changes = plan.changes
    for name in ("directory_id", "compute_type", "tags"):
        by_id = {} if workspaces is None or name not in workspaces else dict(
            zip(workspaces["workspace_id"], workspaces[name], strict=True))
        changes[name] = changes["workspace_id"].map(by_id).astype("str").fillna("")
    changes["tags"] = changes["tags"].replace("{}", "")
    for name, of_plan in (("account_id", plan.account_id), ("region", plan.region)):
        changes[name] = changes[name].fillna("").replace("", of_plan or "").astype("str")
    return changes[list(ROWS)]
