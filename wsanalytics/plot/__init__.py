"""Plots: a frame in, an Axes out, nothing computed.

Each takes an ``ax`` to draw on, or makes a figure of its own, and returns the Axes.
"""

from wsanalytics.plot.accuracy import predicted_against_billed, promised_against_realised
from wsanalytics.plot.backtest import (
    calibration,
    regret_by_policy,
    regret_of_fleets,
    regret_over_time,
)
from wsanalytics.plot.costs import (
    break_even_histogram,
    cost_by_group,
    cost_by_month,
    cost_by_option,
)
from wsanalytics.plot.style import detached, png
from wsanalytics.plot.tradeoffs import frontier, saving_against_waiting
from wsanalytics.plot.usage import hours_by_bundle, week_heat_map
from wsanalytics.plot.what_if import what_if_figure, what_if_image, what_if_pictures
from wsanalytics.plot.workspace import break_even_lines, cost_by_setting, workspace_timeline

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
    "what_if_figure",
    "what_if_image",
    "what_if_pictures",
    "workspace_timeline",
]
