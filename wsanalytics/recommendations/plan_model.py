"""The types that a ``plan.json`` is read into; its JSON schema is made of them.

What cannot be said by types (a change changes something, a WorkSpace stands there once) is held in
:mod:`.plan_file`. Fields that stand here with a default may be absent.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from wsanalytics.billing import HourRule
from wsanalytics.bounds import MOST, MOST_A_WEEK, MOST_USD
from wsanalytics.settings import RunningMode

SCHEMA = "wsanalytics.plan"
VERSION = 1
# The end is written without $, which would let a line end pass behind the id.
_Id = Annotated[str, Meta(pattern=r"^\S(.*\S)?(?![\s\S])", description="a WorkSpace's id is text "
                          "with no space at its ends, ws-…")]
_Account = Annotated[str, Meta(pattern=r"^(\d{12})?(?![\s\S])", description="an account's id is 12 "
                               "digits in quotes, or null")]
_Instant = Annotated[datetime, Meta(
    tz=True, description="an instant is UTC, written 2026-03-31T22:00:00Z, from 2000 to 2100")]
_Day = Annotated[date, Meta(description="a day is UTC, written YYYY-MM-DD, or null")]
_Usd = Annotated[float, Meta(ge=-MOST_USD, le=MOST_USD)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_ColdStarts = Annotated[float, Meta(ge=0, le=MOST_A_WEEK)]
_MoreColdStarts = Annotated[float, Meta(ge=-MOST_A_WEEK, le=MOST_A_WEEK)]
_Count = Annotated[int, Meta(ge=0, lt=1 << 53)]
_NotNegative = Annotated[float, Meta(ge=0, le=MOST)]


class SettingObject(Struct, kw_only=True):
    """A setting: running mode, and for AUTO_STOP the timeout in minutes, a multiple of 60."""

    running_mode: Annotated[RunningMode, Meta(
        description="running_mode is ALWAYS_ON or AUTO_STOP")]
    auto_stop_minutes: int | None = None


class ChangeObject(Struct, kw_only=True, rename={"before": "from"}):
    """One proposed change, with its saving in USD a month, its interval and its reasons."""

    workspace_id: _Id
    before: SettingObject
    to: SettingObject
    saving_usd_per_month: _Usd
    user_name: str | None = None
    account_id: str | None = None
    region: str | None = None
    saving_low_usd: _Usd | None = None
    saving_high_usd: _Usd | None = None
    chance_of_loss: _Share | None = None
    cold_starts_per_week: _ColdStarts | None = None
    extra_cold_starts_per_week: _MoreColdStarts | None = None
    best_date: _Day | None = None
    apply_by: _Instant | None = None
    reason: str | None = None
    checked: list[str] | None = None
    comment: str | None = None
    approved: bool | None = None


class LeftAloneObject(Struct, kw_only=True):
    """One WorkSpace that is left alone, with its setting and the reason."""

    workspace_id: str
    setting: str | None = None
    reason: str | None = None


class DataObject(Struct, kw_only=True):
    """From which data the plan was made, and by which limits."""

    from_at: _Instant
    to_at: _Instant
    workspaces: _Count | None = None
    sessions: _Count | None = None
    source: str | None = None
    discount: _Share | None = None
    maintenance_hours: _NotNegative | None = None
    min_saving_usd: _NotNegative | None = None
    max_cold_starts_per_week: _NotNegative | None = None
    min_chance_of_saving: _Share | None = None
    policy: str | None = None


class PlanObject(Struct, kw_only=True):
    """A plan: the changes proposed to a fleet, and what is left alone."""

    schema: str
    version: int
    created_at: _Instant
    account_id: _Account | None
    region: str | None
    hour_rule: HourRule
    prices_date: str | None
    changes: list[ChangeObject]
    left_alone: list[LeftAloneObject] | None = None
    unused: list[str] | None = None
    data: DataObject | None = None


def plan_schema() -> dict[str, Any]:
    """Give the JSON schema of a ``plan.json``, for editors and for programs that read plans."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA,
            **msgspec.json.schema(PlanObject)}
