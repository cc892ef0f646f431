"""From AWS into a store: polls of the fleet, and the history that CloudWatch keeps."""

from __future__ import annotations

from wsanalytics.collection.accounts import DONE
from wsanalytics.collection.backfill import Backfilled, backfill
from wsanalytics.collection.cli_json import described_samples, described_workspaces
from wsanalytics.collection.collector import collect
from wsanalytics.collection.samples import pace_text

__all__ = [
    "DONE",
    "Backfilled",
    "backfill",
    "collect",
    "described_samples",
    "described_workspaces",
    "pace_text",
]
