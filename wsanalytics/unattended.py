"""In words: WorkSpaces that are on with nobody connected, and how they come to be."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalytics.schedule import START, STOP
from wsanalytics.show import hours, number
from wsanalytics.timeline import MICROS_PER_DAY, MICROS_PER_MINUTE, Window, column_micros

WORTH_A_WORD = 1.0
"""Hours a month from which being on with nobody connected is named."""
_USUAL = 0.5
_WITHIN_MINUTES = 10


def sentence(hours_per_month: float) -> str:
    """What stands beside a cost that has hours in it that no session explains; empty for few.

    >>> sentence(61.5)
    ' On for 62 h a month with nobody connected, which no session explains.'
    """
    if not hours_per_month >= WORTH_A_WORD:
        return ""
    return (f" On for {hours(hours_per_month)} a month with nobody connected, which no session "
            "explains.")


def how_it_happens(orders: pd.DataFrame, window: Window) -> str:
    """What one WorkSpace's observed *orders* (rows of an ``orders`` table) have in common.

    How often it was started for nobody, at what time of the UTC day if there is a usual one, and
    how often it was stopped before its timeout.
    """
    is_rest = column_micros(orders["at"]) == window.micros[0]  # of a run that began before
    if is_rest.any():
        orders = orders[~is_rest]
        orders = orders[(orders["order"] != STOP) | (orders["order"].shift() == START)]
    begun = _first_of_each_night(orders)
    stops = int((orders["order"] == STOP).sum())
    parts = []
    if len(begun):
        text = f"started for nobody {_times(len(begun), window)}"
        parts.append(text + (f", usually at {usual} UTC" if (usual := _usual_time(begun)) else ""))
    if stops:
        parts.append(f"stopped before its timeout {_times(stops, window)}")
    return "; ".join(parts)


def _times(count: int, window: Window) -> str:
    a_week = count / window.weeks
    return f"{number(a_week, 1)} times a week" if count > 1 else "once"


def _first_of_each_night(orders: pd.DataFrame) -> np.ndarray:
    """The starts after which the hourly ones follow that only say that it stayed on."""
    at = column_micros(orders.loc[orders["order"] == START, "at"])
    fresh = np.ones(len(at), dtype=bool)
    fresh[1:] = np.diff(at) > 61 * MICROS_PER_MINUTE
    return at[fresh]


def _usual_time(at: np.ndarray) -> str:
    """The time of the day at which most of the instants *at* lie, or nothing."""
    minute = at % MICROS_PER_DAY // MICROS_PER_MINUTE
    near = [int((np.abs((minute - one + 720) % 1440 - 720) <= _WITHIN_MINUTES).sum())
            for one in minute]
    best = int(np.argmax(near))
    if len(at) < 2 or near[best] < _USUAL * len(at):
        return ""
    rounded = int(round(float(minute[best]) / 5) * 5) % 1440
    return f"{rounded // 60:02}:{rounded % 60:02}"
