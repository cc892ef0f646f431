"""Small frames and texts about a fleet or one WorkSpace, for plots, pages and panels."""

from __future__ import annotations

from wsanalytics.views.caution import LIKELY, cost_of_caution, sure_changes
from wsanalytics.views.costs import (
    GROUPINGS,
    break_even_usage,
    bundle_rates,
    cost_by,
    cost_by_month,
    fleet_costs,
    monthly_hours,
    priced_rows,
    tag_names,
)
from wsanalytics.views.explain import COSTS, Explanation, explain
from wsanalytics.views.headline import Headline, headline
from wsanalytics.views.outliers import standing_out
from wsanalytics.views.plan import (
    HEADINGS,
    NUMBERS,
    VIEW,
    changes_view,
    facts_of,
    read_view,
    write_csv_view,
)
from wsanalytics.views.usage import clock_caption, weekly_usage
from wsanalytics.views.which import workspace_meant
from wsanalytics.views.workspace import SHOWN_DAYS, Evidence, busiest_days, stretch_of

__all__ = [
    "COSTS",
    "GROUPINGS",
    "HEADINGS",
    "LIKELY",
    "NUMBERS",
    "SHOWN_DAYS",
    "VIEW",
    "Evidence",
    "Explanation",
    "Headline",
    "break_even_usage",
    "bundle_rates",
    "busiest_days",
    "changes_view",
    "clock_caption",
    "cost_by",
    "cost_by_month",
    "cost_of_caution",
    "explain",
    "facts_of",
    "fleet_costs",
    "headline",
    "monthly_hours",
    "priced_rows",
    "read_view",
    "standing_out",
    "stretch_of",
    "sure_changes",
    "tag_names",
    "weekly_usage",
    "workspace_meant",
    "write_csv_view",
]
