"""Define the type of a journal's entries, so that an edited or damaged journal is noticed early.

Every line has ``at``, ``run`` and ``event``; which of the other fields it has depends on the event.
Fields that are not named here are for people to read, and may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from wsanalytics.bounds import HOURS_A_MONTH, MOST_A_WEEK, MOST_USD
from wsanalytics.tables import Refused, read_as

_Usd = Annotated[float, Meta(ge=-MOST_USD, le=MOST_USD)]


class RequestObject(Struct, kw_only=True):
    """The request of a call that changes one WorkSpace's settings; others have other fields."""

    WorkspaceId: str | UnsetType = UNSET
    WorkspaceProperties: dict[str, Any] | UnsetType = UNSET


class PromiseObject(Struct, kw_only=True):
    """The expected effect of a change: savings in USD a month, and cold starts a week."""

    saving_usd_per_month: _Usd | None = None
    saving_low_usd: _Usd | None = None
    saving_high_usd: _Usd | None = None
    extra_cold_starts_per_week: Annotated[
        float, Meta(ge=-MOST_A_WEEK, le=MOST_A_WEEK)] | None = None


class PlanNote(Struct, kw_only=True):
    """The plan that a run applies, and the rules by which its savings were calculated."""

    created_at: str | None = None
    hour_rule: str | None = None
    discount: Annotated[float, Meta(ge=0, le=1)] | None = None
    maintenance_hours: Annotated[float, Meta(ge=0, le=HOURS_A_MONTH)] | None = None


class JournalEntry(Struct, kw_only=True, rename={"from_": "from"}):
    """One line of a journal (JSON Lines): what was done to AWS, as it was done."""

    at: Annotated[datetime, Meta(tz=True)]
    run: str
    event: str
    kind: str | UnsetType = UNSET
    workspace_id: str | UnsetType = UNSET
    user_name: str | UnsetType = UNSET
    account_id: str | UnsetType = UNSET
    region: str | UnsetType = UNSET
    call: str | UnsetType = UNSET
    meaning: str | UnsetType = UNSET
    outcome: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    found: str | UnsetType | None = UNSET
    request: RequestObject | UnsetType = UNSET
    from_: dict[str, Any] | UnsetType = UNSET
    to: dict[str, Any] | UnsetType = UNSET
    promise: PromiseObject | UnsetType | None = UNSET
    plan: PlanNote | UnsetType | None = UNSET


def what_is_wrong(entry: Mapping[str, Any]) -> str:
    """Say what in *entry* cannot be what was written; empty if it can."""
    read = read_as(dict(entry), JournalEntry, any_text=True)
    if not isinstance(read, Refused):
        return ""
    name = "'s ".join(str(step) for step in read.steps)
    _, _, words = read.rule.partition(" is ")
    return f"its {name} is not {words.removesuffix(' or null')}"


def journal_schema() -> dict[str, Any]:
    """Give the JSON schema of one line of a journal."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "wsanalytics.journal", **msgspec.json.schema(JournalEntry)}
