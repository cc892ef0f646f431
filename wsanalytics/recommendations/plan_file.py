"""The plan as a file that a person can read, review and edit: ``plan.json``, versioned.

Changes stand first, the largest saving first, one object each; what is left alone follows with
its reasons. Amounts are not rounded, and times are UTC. Rows may be struck, comments and fields of
one's own added: what is read back is checked, and what is not known is left aside.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.billing import HourRule
from wsanalytics.bounds import MOST_A_WEEK, MOST_USD
from wsanalytics.errors import InputError
from wsanalytics.files import Batch, check_output, write_text
from wsanalytics.recommendations.choose import CHANGE, LEAVE_ALONE
from wsanalytics.recommendations.json_fields import Fields, load_object
from wsanalytics.recommendations.plan import Basis, Plan
from wsanalytics.safe_text import plain
from wsanalytics.settings import RULE, RunningMode, Setting
from wsanalytics.tables import RECOMMENDATIONS, Kind

SCHEMA = "wsanalytics.plan"
VERSION = 1
EXTENSIONS = (".json",)
BETWEEN = "; "
"""What stands between the sentences of ``checked``."""
_TOP = ("schema", "version", "created_at", "account_id", "region", "hour_rule", "prices_date",
        "changes")
_OF_A_CHANGE = ("workspace_id", "from", "to", "saving_usd_per_month")
_NUMBERS = {
    "saving_low_usd": (-MOST_USD, MOST_USD), "saving_high_usd": (-MOST_USD, MOST_USD),
    "chance_of_loss": (0.0, 1.0), "cold_starts_per_week": (0.0, MOST_A_WEEK),
    "extra_cold_starts_per_week": (-MOST_A_WEEK, MOST_A_WEEK),
}
_IDS: Any = {"pattern": r"\S(.*\S)?",
             "rule": "a WorkSpace's id is text with no space at its ends, ws-…"}
_ACCOUNT: Any = {"pattern": r"(\d{12})?", "rule": "an account's id is 12 digits in quotes, or null"}


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as the JSON object that :func:`write_plan` writes."""
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
    """What tells whether somebody has edited a plan since it was written."""
    rest = {name: value for name, value in document.items() if name != "digest"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return sha256(text.encode()).hexdigest()[:32]


def read_plan(path: Path | str) -> Plan:
    """The plan in the file at *path*, which people may have edited since it was written.

    What a reader adds is left aside, and rows that were struck are gone; totals are reckoned
    anew. Raises :class:`InputError`, with the place and the rule, for whatever is not a plan.
    """
    top = Fields(load_object(Path(path), "a plan"), str(path))
    _refuse_others(top)
    top.require(_TOP)
    created_at = top.instant("created_at")
    if created_at is None:
        top.refuse("created_at", "it is null", "a plan says when it was made")
    try:
        hour_rule = HourRule.parse(top.text("hour_rule", nullable=False))
    except InputError as error:
        top.refuse("hour_rule", error.what, error.rule, error.mend)
    if not isinstance(top.values["changes"], list):
        top.refuse("changes", "it is no list", "changes is a list, which may be empty")
    rows = _rows(top, "changes", _read_change) + _rows(top, "left_alone", _read_left_alone)
    _refuse_twice(top, [row["workspace_id"] for row in rows])
    return Plan(
        _frame(rows), created_at, hour_rule, top.text("prices_date"), tuple(top.texts("unused")),
        account_id=top.text("account_id", **_ACCOUNT) or None, region=top.text("region") or None,
        basis=_basis(top))


def _refuse_others(top: Fields) -> None:
    schema, version = top.values.get("schema"), top.values.get("version")
    if schema != SCHEMA:
        top.refuse("schema", f"{str(schema)[:60]!r} is not {SCHEMA!r}" if "schema" in top.values
                   else "it is missing", f"a plan's schema is {SCHEMA}",
                   "name a file that 'wsanalytics recommend' wrote")
    if type(version) is not int or version != VERSION:
        top.refuse("version", f"{plain(str(version)[:60])} is not a version that is known here",
                   f"this wsanalytics reads version {VERSION}",
                   "use the wsanalytics that wrote it")


def _rows(top: Fields, name: str, read: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # one of the two below
    found = []
    for place, value in enumerate(top.rows(name)):
        where = f"{name}[{place}]"
        if not isinstance(value, dict):
            top.refuse("", f"{where} is no object", f"{name} is a list of objects")
        told = value.get("workspace_id")
        of = f" ({plain(told[:60])})" if isinstance(told, str) else ""
        found.append(read(Fields(value, top.path, f"{where}{of}")))
    return found


def _read_change(one: Fields) -> dict[str, Any]:
    one.require(_OF_A_CHANGE)
    before, after = (_setting(one, name) for name in ("from", "to"))
    if before == after:
        one.refuse("to", f"it is {after}, as from is", "a change changes something",
                   "correct it, or strike the row")
    numbers = {name: one.number(name, least=least, most=most)
               for name, (least, most) in _NUMBERS.items()}
    if numbers["saving_low_usd"] > numbers["saving_high_usd"]:
        one.refuse("saving_low_usd", f"{numbers['saving_low_usd']} is more than saving_high_usd, "
                   f"{numbers['saving_high_usd']}", "an interval's lower end is not over its upper")
    apply_by = one.instant("apply_by")
    return numbers | {
        "workspace_id": one.text("workspace_id", nullable=False, **_IDS),
        "user_name": one.text("user_name"),
        "account_id": one.text("account_id"),
        "region": one.text("region"),
        "action": CHANGE,
        "from_setting": str(before),
        "to_setting": str(after),
        "saving_usd_per_month": one.number("saving_usd_per_month", nullable=False),
        "best_date": one.day("best_date"),
        "apply_by": _instant_text(apply_by) if apply_by else "",
        "reason": one.text("reason"),
        "checked": BETWEEN.join(one.texts("checked")),
        "comment": one.text("comment"),
    }


def _read_left_alone(one: Fields) -> dict[str, Any]:
    one.require(["workspace_id"])
    setting = one.text("setting")
    try:
        before = str(Setting.parse(setting)) if setting else ""
    except InputError as error:
        one.refuse("setting", error.what, error.rule, error.mend)
    return {"workspace_id": one.text("workspace_id", nullable=False), "action": LEAVE_ALONE,
            "from_setting": before, "reason": one.text("reason")}


def _setting(change: Fields, name: str) -> Setting:
    """The setting that an object with running_mode and auto_stop_minutes tells of."""
    told = change.inner(name)
    told.require(["running_mode"])
    mode, minutes = told.values["running_mode"], told.values.get("auto_stop_minutes")
    if mode not in list(RunningMode):
        told.refuse("running_mode", f"{str(mode)[:60]!r} is not a running mode of a plan",
                    "running_mode is ALWAYS_ON or AUTO_STOP")
    if minutes is not None and type(minutes) is not int:
        told.refuse("auto_stop_minutes", f"{str(minutes)[:60]!r} is not a whole number", RULE)
    try:
        return Setting(running_mode=RunningMode(mode), auto_stop_minutes=minutes)
    except InputError as error:
        told.refuse("", error.what, error.rule, error.mend)


def _refuse_twice(top: Fields, names: list[str]) -> None:
    known: set[str] = set()
    for name in names:
        if name in known:
            top.refuse("", f"WorkSpace {plain(name[:80])} stands there twice",
                       "changes and left_alone name a WorkSpace once", "strike one of them")
        known.add(name)


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The *rows* as a ``recommendations`` table; what they do not tell is empty."""
    frame = pd.DataFrame(rows, columns=list(RECOMMENDATIONS.names))
    empty = {c.name: "" if c.kind is Kind.TEXT else np.nan for c in RECOMMENDATIONS.columns}
    dtypes: dict[str, Any] = {column.name: column.dtype for column in RECOMMENDATIONS.columns}
    filled = frame.astype("object").fillna(empty).astype(dtypes)
    return filled.sort_values("workspace_id", ignore_index=True)


def _basis(top: Fields) -> Basis | None:
    if top.values.get("data") is None:
        return None
    data = top.inner("data")
    from_at, to_at = data.instant("from_at"), data.instant("to_at")
    if from_at is None or to_at is None:
        data.refuse("from_at" if from_at is None else "to_at", "it is missing",
                    "data says which days were looked at", "put it back, or strike all of data")
    limit = data.number("max_cold_starts_per_week", least=0)
    return Basis(
        from_at=from_at, to_at=to_at, workspaces=data.whole("workspaces"),
        sessions=data.whole("sessions"), source=data.text("source"),
        discount=data.number("discount", default=0.0, least=0, most=1),
        maintenance_hours=data.number("maintenance_hours", default=1.0, least=0),
        min_saving_usd=data.number("min_saving_usd", default=1.0, least=0),
        max_cold_starts_per_week=None if math.isnan(limit) else limit)


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
    }


def _instant_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime(f"%Y-%m-%dT%H:%M:%S{'.%f' if at.microsecond else ''}Z")
