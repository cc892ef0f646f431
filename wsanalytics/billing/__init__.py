"""From runs to charges: every billing rule, with its source."""

from __future__ import annotations

from wsanalytics.billing.bill import Meter, bill, charges_of, check_owners, warn_left_out
from wsanalytics.billing.daily import DailyUse
from wsanalytics.billing.fees import Tariff, billable
from wsanalytics.billing.hour_rules import HourRule, hours_of
from wsanalytics.billing.maintenance import maintenance_starts, third_mondays
from wsanalytics.billing.mode_changes import paid_after, share_left

__all__ = [
    "DailyUse",
    "HourRule",
    "Meter",
    "Tariff",
    "bill",
    "billable",
    "charges_of",
    "check_owners",
    "hours_of",
    "maintenance_starts",
    "paid_after",
    "share_left",
    "third_mondays",
    "warn_left_out",
]
