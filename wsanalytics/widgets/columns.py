"""How the changes of a plan are shown in the table of a review."""

from __future__ import annotations

from wsanalytics.widgets.table import Column

COLUMNS = (
    Column("workspace_id", "WorkSpace", width=120),
    Column("user_name", "user", width=140),
    Column("from_setting", "from", width=112),
    Column("to_setting", "to", width=112),
    Column("saving_usd_per_month", "saves a month", "usd", 112, "expected saving, USD a month"),
    Column("extra_cold_starts_per_week", "more waits", "number", 92,
           "cold starts a week beyond the present setting's"),
    Column("chance_of_loss", "loss", "percent", 76,
           "chance that it costs more until the end of the next month"),
    Column("saving_low_usd", "at least", "usd", 90, "lower end of the 80 % interval of the saving"),
    Column("saving_high_usd", "at most", "usd", 90, "upper end of the 80 % interval"),
    Column("best_date", "best date", width=96),
    Column("directory_id", "directory", width=120),
    Column("compute_type", "bundle", width=110),
    Column("reason", "reason", width=420),
    Column("tags", "tags", width=200),
)
