"""The IAM actions that this package may call, by what they are for; each stands at its calls."""

from __future__ import annotations

from wsanalytics.aws import cloudtrail, cloudwatch, price_list, workspaces, writer

FLEET_READS = workspaces.ACTIONS
METRIC_READS = cloudwatch.ACTIONS
TRAIL_READS = cloudtrail.ACTIONS
PRICE_READS = price_list.ACTIONS
WRITES = writer.ACTIONS
"""The actions that change something."""
