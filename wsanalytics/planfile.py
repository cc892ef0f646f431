"""The plan as a file that a person can read, review and edit: ``plan.json``, versioned.

Changes stand first, the largest saving first, one object each; what is left alone follows with
its reasons. Amounts are not rounded, and times are UTC.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from wsanalytics.files import check_output, write_text
from wsanalytics.recommendations import Plan
from wsanalytics.settings import Setting

SCHEMA = "wsanalytics.plan"
VERSION = 1
EXTENSIONS = (".json",)


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as the JSON object that :func:`write_plan` writes."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "created_at": plan.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "account_id": plan.account_id,
        "region": plan.region,
        "hour_rule": str(plan.hour_rule),
        "prices_date": plan.prices_date,
        "saving_usd_per_month": plan.saving_usd_per_month,
        "changes": [_change(row) for _, row in plan.changes.iterrows()],
        "left_alone": [
            {"workspace_id": row["workspace_id"], "setting": row["from_setting"] or None,
             "reason": row["reason"]}
            for row in plan.left_alone.to_dict("records")
        ],
        "unused": list(plan.unused),
    }


def write_plan(plan: Plan, path: Path) -> None:
    """Write *plan* to the ``.json`` file at *path*, whole or not at all."""
    check_output(path, EXTENSIONS)
    text = json.dumps(plan_document(plan), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(text + "\n", path)


def _change(row: pd.Series) -> dict[str, Any]:
    return {
        "workspace_id": row["workspace_id"],
        "from": _properties(row["from_setting"]),
        "to": _properties(row["to_setting"]),
        "saving_usd_per_month": row["saving_usd_per_month"],
        "saving_low_usd": row["saving_low_usd"],
        "saving_high_usd": row["saving_high_usd"],
        "cold_starts_per_week": row["cold_starts_per_week"],
        "extra_cold_starts_per_week": row["extra_cold_starts_per_week"],
        "best_date": row["best_date"],
        "reason": row["reason"],
    }


def _properties(text: str) -> dict[str, str | int | None]:
    setting = Setting.parse(text)
    return {
        "running_mode": str(setting.running_mode),
        "auto_stop_minutes": setting.auto_stop_minutes,
    }

