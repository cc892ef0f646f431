"""Charge a change of the running mode in the month in which it is made.

The rules, with their sources (short names as in ``billing``):

* A month owes the fee of the mode in which it opens; a change at 00:00 UTC of the 1st sets that
  mode (AWS staff, 2024: fees are charged at that instant).
* AUTO_STOP to ALWAYS_ON on a later day adds, once a month, the monthly fee for the days left, that
  day included, over the days of the month; the hours billed before stay (FAQ, quoted by re:Post
  "WorkSpaces billing": a prorated amount for the remainder of the month). That the day itself
  counts, and that it counts whole, is not documented.
* From that change on no hour is billed until the month ends, whatever changes follow: the month
  is paid for.
* ALWAYS_ON to AUTO_STOP costs nothing and bills hours from the next 1st (same FAQ: it takes effect
  the following month), though the WorkSpace stops and starts like AUTO_STOP at once.
* In a month that the window covers in part, its first covered day counts as the 1st, and a
  conversion pays for the covered days that are left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.schedule import ModeChanges, Schedule
from wsanalytics.timeline import MICROS_PER_DAY, Micros, Months, Window

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """The mode by which each WorkSpace (rows) is paid for in each month (columns) of a window.

    ``opens_always_on``: the mode in which the month opens. ``free_from``: the instant from which
    hours are free until the month ends, in microseconds. ``converted_share``: the share of the
    monthly fee that a conversion to ALWAYS_ON adds.
    """

    opens_always_on: npt.NDArray[np.bool_]
    free_from: Micros
    converted_share: npt.NDArray[np.float64]


def modes_of(schedule: Schedule, ids: pd.Series, months: Months, window: Window) -> Modes:
    """Return how the WorkSpaces *ids* are paid for under *schedule*."""
    changes = schedule.changes.of(ids)
    start, end = window.micros
    # A month that the window covers in part opens and ends with the window.
    opens_at = np.maximum(months.edges[:-1], start)
    ends_at = np.minimum(months.edges[1:], end)
    opens = changes.always_on_at(opens_at)
    converted = _first_conversions(changes, opens, opens_at, ends_at)
    is_converted = converted < _NEVER
    share = np.where(is_converted, share_left(converted, ends_at, months.days), 0.0)
    # _NEVER where there was no switch: hours are paid to the month's end.
    free_from = np.where(opens, opens_at, converted)
    return Modes(opens, free_from, share)


def share_left(at: Micros, ends_at: Micros, days: npt.NDArray[np.float64]) -> npt.NDArray[
        np.float64]:
    """Return the share of a month's fee that a switch at *at* pays.

    The days left, its own included.

    *ends_at* is when the month, or the window, ends; *days* how many days the month has.
    """
    # The whole day of the switch is paid for, so count from its midnight.
    day = at // MICROS_PER_DAY * MICROS_PER_DAY
    return (ends_at - day) / MICROS_PER_DAY / days


def paid_after(
    paid: npt.NDArray[np.bool_], always_on: npt.NDArray[np.bool_], *, opens: bool
) -> npt.NDArray[np.bool_]:
    """Whether the rest of the month is prepaid, after the decisions of one midnight.

    *paid* is what held before, *always_on* what was decided; *opens* says that a month opens.
    """
    return always_on if opens else paid | always_on


def always_on_at(schedule: Schedule, ids: pd.Series, instants: Micros) -> npt.NDArray[np.bool_]:
    """Whether each WorkSpace (rows) is ALWAYS_ON at each of *instants* (columns)."""
    return schedule.changes.of(ids).always_on_at(instants)


def _first_conversions(
    changes: ModeChanges, opens: npt.NDArray[np.bool_], opens_at: Micros, ends_at: Micros
) -> Micros:
    """Find when each WorkSpace first became ALWAYS_ON in a month that opened in AUTO_STOP."""
    first = np.full(opens.shape, _NEVER, dtype=np.int64)
    # "left" - 1: a change exactly at an opening gets the month before, whose end then rules it out:
    # it sets the mode of the new month instead.
    month = np.searchsorted(opens_at, changes.at, side="left") - 1
    counts = changes.always_on & (month >= 0) & (changes.at < ends_at[np.maximum(month, 0)])
    counts &= ~opens[changes.owner, np.maximum(month, 0)]
    # ufunc.at, since several changes of one WorkSpace and month compete: the earliest wins.
    np.minimum.at(first, (changes.owner[counts], month[counts]), changes.at[counts])
    return first
