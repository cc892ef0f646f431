"""Stop idle WorkSpaces in a backtest: when, and only where a stop saves a billed hour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wsanalytics.billing import HourRule
from wsanalytics.timeline import MICROS_PER_HOUR

Instants = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def saves_an_hour(
    stops: Instants, ends: Instants, starts: Instants | int, rule: HourRule
) -> Mask:
    """Whether a run that began at *starts* is billed less if it is stopped at *stops*.

    *ends* is when it would stop by itself if nobody came: that is all that is known of it when it
    is stopped. An hour that has begun is paid. All in microseconds.

    >>> nine = 9 * MICROS_PER_HOUR
    >>> minute = MICROS_PER_HOUR // 60
    >>> at, ends = np.array([nine + 10 * minute] * 2), nine + np.array([55, 65]) * minute
    >>> saves_an_hour(at, ends, nine, HourRule.CLOCK_HOUR).tolist()
    [False, True]
    """
    if rule is HourRule.CLOCK_HOUR:
        # The end is excluded: a stop at the full hour does not touch the next one.
        return np.asarray((ends - 1) // MICROS_PER_HOUR > (stops - 1) // MICROS_PER_HOUR)
    if rule is HourRule.CEIL_PER_RUN:
        return np.asarray(-((starts - ends) // MICROS_PER_HOUR)
                          > -((starts - stops) // MICROS_PER_HOUR))
    return np.asarray(ends > stops)


def worth_stopping(
    row: npt.NDArray[np.int64], connects: Instants, stops: Instants, ends: Instants,
    rule: HourRule,
) -> Mask:
    """Mark the stops that save something: one a session, sorted by WorkSpace (*row*) and time.

    *stops* and *ends* are of the run that each session ends in, if nobody comes before. A run goes
    on from session to session where the next one comes before it has ended or was stopped, so
    where runs are rounded one by one each stop depends on those before it.
    """
    if rule is not HourRule.CEIL_PER_RUN:
        return saves_an_hour(stops, ends, 0, rule)
    is_worth = np.zeros(len(row), dtype=np.bool_)
    began = 0
    for number in range(len(row)):
        is_first = number == 0 or row[number] != row[number - 1]
        before = number - 1
        if is_first or connects[number] >= (
                min(stops[before], ends[before]) if is_worth[before] else ends[before]):
            began = int(connects[number])
        is_worth[number] = bool(saves_an_hour(
            stops[number:number + 1], ends[number:number + 1], began, rule)[0])
    return is_worth
