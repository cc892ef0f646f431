"""The plan as a file that a person can read, review and edit: ``plan.json``, versioned.

Changes stand first, the largest saving first, one object each; what is left alone follows with
its reasons. Amounts are not rounded, and times are UTC. Rows may be struck, comments and fields of
one's own added: what is read back is checked, and unknown fields are ignored.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.files import Batch, check_output, write_text
from wsanalytics.recommendations.choose import CHANGE, LEAVE_ALONE
from wsanalytics.recommendations.plan import Basis, Plan
from wsanalytics.recommendations.plan_model import (
    SCHEMA,
    VERSION,
    ChangeObject,
    DataObject,
    LeftAloneObject,
    PlanObject,
)
from wsanalytics.safe_text import plain
from wsanalytics.settings import Setting
from wsanalytics.tables import RECOMMENDATIONS, Kind, Refused, load_object, read_as

EXTENSIONS = (".json",)
BETWEEN = "; "
"""The separator of the sentences of ``checked``."""
_NUMBERS = ("saving_low_usd", "saving_high_usd", "chance_of_loss", "cold_starts_per_week",
            "extra_cold_starts_per_week")


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the plan as the JSON object that :func:`write_plan` writes."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "created_at": _instant_text(plan.created_at.replace(microsecond=0)),
        "account_id": plan.account_id or None,
        "region": plan.region or None,
        "hour_rule": str(plan.hour_rule),
        "prices_date": plan.prices_date,
        "data": _data(plan.basis),
        "saving_usd_per_month": plan.saving_usd_per_month,
        "changes": [_change(row) for row in plan.changes.to_dict("records")],
        "left_alone": [
            {"workspace_id": row["workspace_id"], "setting": row["from_setting"] or None,
             "reason": row["reason"]}
            for row in plan.left_alone.to_dict("records")
        ],
        "unused": list(plan.unused),
    }


def write_plan(plan: Plan, path: Path | str, *, batch: Batch | None = None) -> None:
    """Write *plan* to the ``.json`` file at *path*, whole or not at all.

    It names users: a new file is for its owner alone.
    """
    path = Path(path)
    check_output(path, EXTENSIONS)
    document = plan_document(plan)
    document["digest"] = digest_of(document)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(text + "\n", path, private=True, batch=batch)


def digest_of(document: dict[str, Any]) -> str:
    """Return the digest by which an edit of a plan since it was written shows."""
    signed = {name: value for name, value in document.items() if name != "digest"}
    text = json.dumps(signed, sort_keys=True, ensure_ascii=True)
    return sha256(text.encode()).hexdigest()[:32]


def read_plan(path: Path | str) -> Plan:
    """Give the plan in the file at *path*, which people may have edited since it was written.

    Fields that a reader adds are ignored, and rows that were struck are gone; totals are calculated
    anew. Raises :class:`InputError`, with the place and the rule, for whatever is not a plan.
    """
    document = load_object(Path(path), "a plan")
    if wrong := _wrong_kind(document):
        raise wrong.raised(document, str(path))
    plan = read_as(_leniently(document), PlanObject)
    if isinstance(plan, Refused):
        raise plan.raised(document, str(path))
    if wrong := _contradiction(plan):
        raise wrong.raised(document, str(path))
    rows = [_change_row(change) for change in plan.changes]
    rows += [_left_alone_row(row) for row in plan.left_alone or []]
    return Plan(
        _frame(rows), plan.created_at.astimezone(UTC), plan.hour_rule, plan.prices_date or "",
        tuple(plan.unused or ()), account_id=plan.account_id or None, region=plan.region or None,
        basis=_basis(plan.data))


def _leniently(document: dict[str, Any]) -> dict[str, Any]:
    """Give the *document* with empty times as none, and times that lack seconds filled up.

    People write them so; what cannot be read as a time at all is left for the types to refuse.
    """
    changes = document.get("changes")
    data = document.get("data")
    return document | _filled(document, "created_at") | ({} if not isinstance(changes, list) else {
        "changes": [change | _filled(change, "apply_by") | (
            {"best_date": None} if change.get("best_date") == "" else {})
            if isinstance(change, dict) else change for change in changes]}) | (
        {"data": data | _filled(data, "from_at") | _filled(data, "to_at")}
        if isinstance(data, dict) else {})


def _filled(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Give the field *name* as a whole instant, or null where it is empty; else nothing."""
    value = values.get(name)
    if not isinstance(value, str):
        return {}
    try:
        at = datetime.fromisoformat(value) if value else None
    except ValueError:
        return {}
    return {name: None if at is None else at.isoformat() if at.tzinfo else value}


def _wrong_kind(document: dict[str, Any]) -> Refused | None:
    """Say what is wrong with schema and version: the rest is only read if they are ours."""
    schema, version = document.get("schema"), document.get("version")
    if schema != SCHEMA:
        what = (f"{str(schema)[:60]!r} is not {SCHEMA!r}" if "schema" in document
                else "it is missing")
        return Refused(("schema",), what, f"a plan's schema is {SCHEMA}",
                       "name a file that 'wsanalytics recommend' wrote")
    if type(version) is not int or version != VERSION:
        return Refused(
            ("version",), f"{plain(str(version)[:60])} is not a version that is known here",
            f"this wsanalytics reads version {VERSION}", "use the wsanalytics that wrote it")
    return None


def _contradiction(plan: PlanObject) -> Refused | None:
    """Say what in a *plan* of the right types cannot be."""
    for index, change in enumerate(plan.changes):
        if wrong := _contradiction_of(change, ("changes", index)):
            return wrong
    for index, row in enumerate(plan.left_alone or []):
        try:
            Setting.parse(row.setting or "ALWAYS_ON")
        except InputError as error:
            return Refused(("left_alone", index, "setting"), error.what, error.rule, error.fix)
    names = [change.workspace_id for change in plan.changes]
    names += [row.workspace_id for row in plan.left_alone or []]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        return Refused((), f"WorkSpace {plain(twice[:80])} stands there twice",
                       "changes and left_alone name a WorkSpace once", "strike one of them")
    return None


def _contradiction_of(change: ChangeObject, steps: tuple[str | int, ...]) -> Refused | None:
    settings = []
    for name, value in (("from", change.before), ("to", change.to)):
        try:
            settings.append(Setting(running_mode=value.running_mode,
                                    auto_stop_minutes=value.auto_stop_minutes))
        except InputError as error:
            return Refused((*steps, name), error.what, error.rule, error.fix)
    if settings[0] == settings[1]:
        return Refused((*steps, "to"), f"it is {settings[1]}, as from is",
                       "a change changes something", "correct it, or strike the row")
    low, high = change.saving_low_usd, change.saving_high_usd
    if low is not None and high is not None and low > high:
        return Refused((*steps, "saving_low_usd"), f"{low} is more than saving_high_usd, {high}",
                       "an interval's lower end is not over its upper")
    return None


def _change_row(change: ChangeObject) -> dict[str, Any]:
    """Give the row of a ``recommendations`` table that a change stands for."""
    before, after = (Setting(running_mode=value.running_mode,
                             auto_stop_minutes=value.auto_stop_minutes)
                     for value in (change.before, change.to))
    numbers = {name: getattr(change, name) for name in _NUMBERS}
    return {name: math.nan if value is None else value for name, value in numbers.items()} | {
        "workspace_id": change.workspace_id,
        "user_name": change.user_name or "",
        "account_id": change.account_id or "",
        "region": change.region or "",
        "action": CHANGE,
        "from_setting": str(before),
        "to_setting": str(after),
        "saving_usd_per_month": change.saving_usd_per_month,
        "best_date": change.best_date.isoformat() if change.best_date else "",
        "apply_by": _instant_text(change.apply_by) if change.apply_by else "",
        "reason": change.reason or "",
        "checked": BETWEEN.join(change.checked or []),
        "comment": change.comment or "",
        "approved": {True: "yes", False: "no", None: ""}[change.approved],
    }


def _left_alone_row(row: LeftAloneObject) -> dict[str, Any]:
    return {"workspace_id": row.workspace_id, "action": LEAVE_ALONE,
            "from_setting": str(Setting.parse(row.setting)) if row.setting else "",
            "reason": row.reason or ""}


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the *rows* as a ``recommendations`` table; what they do not have is empty."""
    frame = pd.DataFrame(rows, columns=list(RECOMMENDATIONS.names))
    empty = {c.name: "" if c.kind is Kind.TEXT else np.nan for c in RECOMMENDATIONS.columns}
    dtypes: dict[str, Any] = {column.name: column.dtype for column in RECOMMENDATIONS.columns}
    filled = frame.astype("object").fillna(empty).astype(dtypes)
    return filled.sort_values("workspace_id", ignore_index=True)


def _basis(data: DataObject | None) -> Basis | None:
    if data is None:
        return None
    return Basis(
        from_at=data.from_at.astimezone(UTC), to_at=data.to_at.astimezone(UTC),
        workspaces=data.workspaces or 0, sessions=data.sessions or 0, source=data.source or "",
        discount=_given(data.discount, 0.0), maintenance_hours=_given(data.maintenance_hours, 1.0),
        min_saving_usd=_given(data.min_saving_usd, 1.0),
        max_cold_starts_per_week=data.max_cold_starts_per_week,
        min_chance_of_saving=_given(data.min_chance_of_saving, 0.0), policy=data.policy or "")


def _given(value: float | None, default: float) -> float:
    return default if value is None else float(value)


def _data(basis: Basis | None) -> dict[str, Any] | None:
    if basis is None:
        return None
    return {
        "from_at": _instant_text(basis.from_at),
        "to_at": _instant_text(basis.to_at),
        "workspaces": basis.workspaces,
        "sessions": basis.sessions,
        "source": basis.source,
        "discount": basis.discount,
        "maintenance_hours": basis.maintenance_hours,
        "min_saving_usd": basis.min_saving_usd,
        "max_cold_starts_per_week": basis.max_cold_starts_per_week,
        "min_chance_of_saving": basis.min_chance_of_saving,
        "policy": basis.policy,
    }


def _change(row: dict[Any, Any]) -> dict[str, Any]:
    numbers = {name: None if math.isnan(row[name]) else row[name] for name in _NUMBERS}
    return {
        "workspace_id": row["workspace_id"],
        "user_name": row["user_name"],
        "account_id": row["account_id"] or None,
        "region": row["region"] or None,
        "from": Setting.parse(row["from_setting"]).properties,
        "to": Setting.parse(row["to_setting"]).properties,
        "saving_usd_per_month": row["saving_usd_per_month"],
        **numbers,
        "best_date": row["best_date"] or None,
        "apply_by": row["apply_by"] or None,
        "reason": row["reason"],
        "checked": row["checked"].split(BETWEEN) if row["checked"] else [],
        "comment": row["comment"],
        "approved": {"yes": True, "no": False, "": None}[row["approved"]],
    }


def _instant_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime(f"%Y-%m-%dT%H:%M:%S{'.%f' if at.microsecond else ''}Z")
