"""Plots: a frame in, an Axes out, nothing computed.

Each takes an ``ax`` to draw on, or makes a figure of its own, and returns the Axes.
"""

from wsanalytics.plot.choice import break_even_lines, cost_by_setting
from wsanalytics.plot.costs import break_even_histogram, cost_by_option
from wsanalytics.plot.frontier import frontier
from wsanalytics.plot.hours import hours_by_bundle
from wsanalytics.plot.outcomes import predicted_against_billed, promised_against_realised
from wsanalytics.plot.parts import cost_by_group, cost_by_month
from wsanalytics.plot.policies import (
    calibration,
    regret_by_policy,
    regret_of_fleets,
    regret_over_time,
)
from wsanalytics.plot.style import detached, png
from wsanalytics.plot.timeline import workspace_timeline
from wsanalytics.plot.tradeoff import saving_against_waiting
from wsanalytics.plot.usage import week_heat_map

__all__ = [
    "break_even_histogram",
    "break_even_lines",
    "calibration",
    "cost_by_group",
    "cost_by_month",
    "cost_by_option",
    "cost_by_setting",
    "detached",
    "frontier",
    "hours_by_bundle",
    "png",
    "predicted_against_billed",
    "promised_against_realised",
    "regret_by_policy",
    "regret_of_fleets",
    "regret_over_time",
    "saving_against_waiting",
    "week_heat_map",
    "workspace_timeline",
]
