"""Plans for the fleet of a sandbox, made by rote: every WorkSpace that may be changed, is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.history.history import configured
from wsanalytics.recommendations.plan import Plan
from wsanalytics.settings import RunningMode, Setting
from wsanalytics.tables.contract import Kind
from wsanalytics.tables.results import RECOMMENDATIONS

ACCOUNT, REGION = "111122223333", "us-east-1"


def changeable(workspaces: pd.DataFrame) -> pd.DataFrame:
    """The WorkSpaces that nothing stands against."""
    kept = (workspaces["running_mode"] != "MANUAL") & ~workspaces["standby"]
    free = ~workspaces["tags"].str.contains("Skip_Convert", case=False)
    return workspaces[kept & free & (workspaces["license"] != "byol")]


def plan_of(
    changes: dict[str, tuple[str, str]], *, account: str | None = ACCOUNT,
    region: str | None = REGION, created_at: datetime | None = None, **more: Any,
) -> Plan:
    """A plan that changes each WorkSpace from one setting to another, the first saving most."""
    rows = [
        {"workspace_id": name, "action": "change", "from_setting": before, "to_setting": after,
         "saving_usd_per_month": float(len(changes) - place), "saving_low_usd": 0.5,
         "saving_high_usd": 900.0, "cold_starts_per_week": 1.0,
         "extra_cold_starts_per_week": 0.5, "best_date": "2026-01-31", "reason": "By rote."} | more
        for place, (name, (before, after)) in enumerate(changes.items())
    ]
    frame = pd.DataFrame(rows).reindex(columns=list(RECOMMENDATIONS.names))
    for column in RECOMMENDATIONS.columns:
        empty = "" if column.kind is Kind.TEXT else np.nan
        frame[column.name] = frame[column.name].astype("object").fillna(empty).astype(column.dtype)
    frame = frame.sort_values("workspace_id", ignore_index=True)
    return Plan(frame, created_at or datetime.now(UTC), HourRule.CLOCK_HOUR, "2026-11-01",
                account_id=account, region=region)


def rote_changes(workspaces: pd.DataFrame, count: int) -> dict[str, tuple[str, str]]:
    """*count* changes of all kinds: to ALWAYS_ON, to AUTO_STOP with one call and with two."""
    settings = configured(changeable(workspaces)).items()
    after = ("AUTO_STOP:60", "AUTO_STOP:120", "ALWAYS_ON", "AUTO_STOP:240")
    found: dict[str, tuple[str, str]] = {}
    for place, (name, before) in enumerate(settings):
        if len(found) < count:
            chosen = next(one for one in after[place % 4:] + after if one != before)
            found[str(name)] = (before, chosen)
    assert len(found) == count, f"the fleet has only {len(found)} that may be changed"
    return found


def orders_on_the_way(before: str, after: str) -> list[str]:
    """What AWS is told on the way from one setting to another: the mode first, then the timeout."""
    mode = Setting.parse(after).running_mode
    if Setting.parse(before).running_mode is RunningMode.ALWAYS_ON is not mode:
        return ["AUTO_STOP:60"] if after == "AUTO_STOP:60" else ["AUTO_STOP:60", after]
    return [after]
