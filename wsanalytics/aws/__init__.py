"""Everything that knows boto3. Only ``aws/writer.py`` can alter anything in AWS."""

from __future__ import annotations

from wsanalytics.aws.called_actions import (
    FLEET_READS,
    METRIC_READS,
    PRICE_READS,
    TRAIL_READS,
    WRITES,
)
from wsanalytics.aws.cloudtrail import Change, read_changes
from wsanalytics.aws.cloudwatch import MetricRequest, Series, calls_needed, price_usd, read_metrics
from wsanalytics.aws.connect import check_regions, check_role_arns, configured_region, connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.credentials import who_am_i
from wsanalytics.aws.current_state import StateReader, WorkspaceState
from wsanalytics.aws.errors import AwsError, Refusal, fix_together, without_secrets
from wsanalytics.aws.iam import NEEDS_NO_PERMISSION, partition_of, resources_for, statement_for
from wsanalytics.aws.odd_answers import many, members, parsed_instant, text
from wsanalytics.aws.price_list import (
    Items,
    download_products,
    fetch_products,
    pricing_region,
    read_products,
)
from wsanalytics.aws.probe import try_action
from wsanalytics.aws.throttle import BURST, PER_CALL, RATE_PER_SECOND
from wsanalytics.aws.workspaces import (
    STATUS_INSTANTS,
    Statuses,
    chunked,
    known_directories,
    read_bundles,
    read_directories,
    read_statuses,
    read_tags,
    read_workspaces,
    status_in_utc,
)
from wsanalytics.aws.workspaces_table import workspaces_frame
from wsanalytics.aws.writer import Answer, Meaning, Writer, open_writer

__all__ = [
    "BURST",
    "FLEET_READS",
    "METRIC_READS",
    "NEEDS_NO_PERMISSION",
    "PER_CALL",
    "PRICE_READS",
    "RATE_PER_SECOND",
    "STATUS_INSTANTS",
    "TRAIL_READS",
    "WRITES",
    "Answer",
    "AwsError",
    "Change",
    "Connection",
    "Items",
    "Meaning",
    "MetricRequest",
    "Refusal",
    "Series",
    "StateReader",
    "Statuses",
    "WorkspaceState",
    "Writer",
    "calls_needed",
    "check_regions",
    "check_role_arns",
    "chunked",
    "configured_region",
    "connect",
    "download_products",
    "fetch_products",
    "fix_together",
    "known_directories",
    "many",
    "members",
    "open_writer",
    "parsed_instant",
    "partition_of",
    "price_usd",
    "pricing_region",
    "read_bundles",
    "read_changes",
    "read_directories",
    "read_metrics",
    "read_products",
    "read_statuses",
    "read_tags",
    "read_workspaces",
    "resources_for",
    "statement_for",
    "status_in_utc",
    "text",
    "try_action",
    "who_am_i",
    "without_secrets",
    "workspaces_frame",
]
