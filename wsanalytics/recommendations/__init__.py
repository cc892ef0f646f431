"""From charges to differences to a plan."""

from __future__ import annotations

from wsanalytics.recommendations.analysis import Analysis, Limits, analyse, analyse_history, the_one
from wsanalytics.recommendations.approval import approve, take_decisions, unapproved
from wsanalytics.recommendations.budget import forecast_spend
from wsanalytics.recommendations.calibration import calibrate, calibration_table, coverage
from wsanalytics.recommendations.choose import CHANGE
from wsanalytics.recommendations.compare import compare
from wsanalytics.recommendations.cost_of_rules import cost_of_rules
from wsanalytics.recommendations.due_dates import CALLS_A_CHANGE, DONE_BY
from wsanalytics.recommendations.monthly_use import Counting, hours_since, life_of
from wsanalytics.recommendations.new_workspaces import (
    NewWorkspaces,
    creation_properties,
    creation_request,
    of_most,
    priced_as,
)
from wsanalytics.recommendations.past import past_of
from wsanalytics.recommendations.plan import TOO_EARLY, Basis, Plan, recommend
from wsanalytics.recommendations.plan_file import (
    EXTENSIONS,
    digest_of,
    read_plan,
    write_plan,
)
from wsanalytics.recommendations.plan_limits import PlanLimits
from wsanalytics.recommendations.plan_model import SCHEMA, plan_schema
from wsanalytics.recommendations.reasons import ENOUGH_DAYS
from wsanalytics.recommendations.unattended import WORTH_A_WORD, how_it_happens

__all__ = [
    "CALLS_A_CHANGE",
    "CHANGE",
    "DONE_BY",
    "ENOUGH_DAYS",
    "EXTENSIONS",
    "SCHEMA",
    "TOO_EARLY",
    "WORTH_A_WORD",
    "Analysis",
    "Basis",
    "Counting",
    "Limits",
    "NewWorkspaces",
    "Plan",
    "PlanLimits",
    "analyse",
    "analyse_history",
    "approve",
    "calibrate",
    "calibration_table",
    "compare",
    "cost_of_rules",
    "coverage",
    "creation_properties",
    "creation_request",
    "digest_of",
    "forecast_spend",
    "hours_since",
    "how_it_happens",
    "life_of",
    "of_most",
    "past_of",
    "plan_schema",
    "priced_as",
    "read_plan",
    "recommend",
    "take_decisions",
    "the_one",
    "unapproved",
    "write_plan",
]
