"""The rows of a collection's result: one for each account and region."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pandas as pd

from wsanalytics.aws import Refusal
from wsanalytics.timeline import INSTANT_DTYPE

ROUND_COLUMNS = ("started_at", "account_id", "region", "role_arn", "workspaces", "samples",
                 "seconds", "outcome", "message")
DONE, IN_PART, REFUSED = "done", "done in part", "refused"
_TEXTS = ("account_id", "region", "role_arn")
_ACCOUNT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):")


def as_rounds(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the *rows* as one frame.

    What is not known of an account or region is an empty text.
    """
    frame = pd.DataFrame(rows, columns=list(ROUND_COLUMNS))
    texts = {name: frame[name].fillna("").astype("str") for name in _TEXTS}
    return frame.assign(**texts).astype(
        {"started_at": INSTANT_DTYPE, "workspaces": "int64", "samples": "int64"})


def refused_row(refusal: Refusal, at: datetime) -> dict[str, Any]:
    """Return the row of an account or region that could not be read."""
    return round_row(at, refusal.account_id or account_of(refusal.role_arn), refusal.region,
                     refusal.role_arn, outcome=REFUSED, message=str(refusal))


def account_of(role_arn: str | None) -> str | None:
    """Return the account that a role is in.

    >>> account_of("arn:aws:iam::111122223333:role/reader")
    '111122223333'
    """
    match = _ACCOUNT.match(role_arn or "")
    return match[1] if match else None


def round_row(
    started_at: datetime, account_id: str | None, region: str | None, role_arn: str | None,
    **more: object,
) -> dict[str, Any]:
    """Return one row; where *more* does not say otherwise, all is done."""
    defaults = {"workspaces": 0, "samples": 0, "seconds": 0.0, "outcome": DONE, "message": ""}
    return {"started_at": started_at, "account_id": account_id, "region": region,
            "role_arn": role_arn} | defaults | more
