"""What the fields of a journal's entries are: a journal that was edited or damaged says so early.

Fields that are not named here are for people to read, and may hold anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from wsanalytics.bounds import HOURS_A_MONTH, MOST_A_WEEK, MOST_USD
from wsanalytics.timeline import EARLIEST, LATEST


def what_is_wrong(entry: Mapping[str, Any]) -> str:
    """What in *entry* cannot be what was written; empty if it can."""
    return _first_wrong(entry, _FIELDS, "")


def _first_wrong(
    values: Mapping[str, Any], fields: Mapping[str, tuple[Callable[[Any], bool], str]], of: str
) -> str:
    for name, (fits, what) in fields.items():
        if name in values and not fits(values[name]):
            return f"its {of}{name} is not {what}"
    for name, inner in _INNER.items():
        if not of and isinstance(values.get(name), dict):
            wrong = _first_wrong(values[name], inner, f"{name}'s ")
            if wrong:
                return wrong
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_object_or_none(value: object) -> bool:
    return value is None or isinstance(value, dict)


def _is_instant(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return False
    return at.tzinfo is not None and EARLIEST <= at < LATEST


def _number(least: float, most: float) -> tuple[Callable[[Any], bool], str]:
    def fits(value: object) -> bool:
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool)
                                 and least <= value <= most)

    return fits, f"a number from {least:g} to {most:g}"


_TEXT = (_is_text, "text")
_FIELDS = {
    "at": (_is_instant, "an instant"), "run": _TEXT, "event": _TEXT, "kind": _TEXT,
    "workspace_id": _TEXT, "user_name": _TEXT, "account_id": _TEXT, "region": _TEXT,
    "call": _TEXT, "meaning": _TEXT, "outcome": _TEXT, "message": _TEXT,
    "found": (_is_text_or_none, "text"), "request": (_is_object, "an object"),
    "from": (_is_object, "an object"), "to": (_is_object, "an object"),
    "promise": (_is_object_or_none, "an object"), "plan": (_is_object_or_none, "an object"),
}
_SAVING = _number(-MOST_USD, MOST_USD)
_INNER: dict[str, dict[str, tuple[Callable[[Any], bool], str]]] = {
    "request": {"WorkspaceId": _TEXT, "WorkspaceProperties": (_is_object, "an object")},
    "promise": {
        "saving_usd_per_month": _SAVING, "saving_low_usd": _SAVING, "saving_high_usd": _SAVING,
        "extra_cold_starts_per_week": _number(-MOST_A_WEEK, MOST_A_WEEK),
    },
    "plan": {
        "created_at": (_is_text_or_none, "text"), "hour_rule": (_is_text_or_none, "text"),
        "discount": _number(0, 1), "maintenance_hours": _number(0, HOURS_A_MONTH),
    },
}
