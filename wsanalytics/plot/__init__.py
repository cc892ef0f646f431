"""Plots: a frame in, an Axes out, nothing computed.

Each takes an ``ax`` to draw on, or makes a figure of its own, and returns the Axes.
"""

from wsanalytics.plot.costs import break_even_histogram, cost_by_option
from wsanalytics.plot.frontier import frontier
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
    "calibration",
    "cost_by_option",
    "detached",
    "frontier",
    "png",
    "regret_by_policy",
    "regret_of_fleets",
    "regret_over_time",
    "saving_against_waiting",
    "week_heat_map",
    "workspace_timeline",
]
