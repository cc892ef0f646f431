"""Describe in words WorkSpaces that are on with nobody connected, and how that comes about."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalytics.formatting import hours, number
from wsanalytics.schedule import START, STOP
from wsanalytics.settings import LONGEST_MINUTES
from wsanalytics.timeline import MICROS_PER_DAY, MICROS_PER_MINUTE, Micros, Window, column_micros

WORTH_A_WORD = 1.0
"""Hours a month from which being on with nobody connected is named."""
_USUAL = 0.5
_WITHIN_MINUTES = 10
_HOURLY = 61 * MICROS_PER_MINUTE
"""The longest interval between starts that belong to one run that went on."""


def sentence(hours_per_month: float) -> str:
    """Give the sentence beside a cost with hours that no session explains; empty for few.

    >>> sentence(61.5)
    ' On for 62 h a month with nobody connected, which no session explains.'
    """
    if not hours_per_month >= WORTH_A_WORD:
        return ""
    return (f" On for {hours(hours_per_month)} a month with nobody connected, which no session "
            "explains.")


def how_it_happens(
    commands: pd.DataFrame, window: Window, timeouts: Micros | None = None
) -> str:
    """Describe what one WorkSpace's observed *commands* have in common.

    *commands* are rows of a ``commands`` table. How often it was started for nobody, at what time
    of the UTC day if there is a usual one, how often it was stopped before its timeout, and how
    often it stayed on past it: *timeouts* are the instants at which those of its sessions passed.
    """
    since_off = _since_it_was_off(commands, window)
    went_on = len(commands) - len(since_off) > 1 and (commands["order"].iloc[:2] == START).all()
    commands = since_off
    start_times = _first_of_each_night(commands)
    stayed = (
        np.zeros(len(start_times), dtype=bool)
        if timeouts is None
        else np.array(
            [bool((np.abs(timeouts - at) <= MICROS_PER_MINUTE).any()) for at in start_times],
            dtype=bool,
        )
    )
    start_times, hung = start_times[~stayed], int(stayed.sum())
    stops = int((commands["order"] == STOP).sum())
    parts = ["on since before these days, past its timeout"] if went_on else []
    if len(start_times):
        text = f"started for nobody {_times(len(start_times), window)}"
        parts.append(
            text + (f", usually at {usual} UTC" if (usual := _usual_time(start_times)) else "")
        )
    if hung:
        parts.append(f"stayed on past its timeout {_times(hung, window)}")
    if stops:
        parts.append(f"stopped before its timeout {_times(stops, window)}")
    return "; ".join(parts)


def _since_it_was_off(commands: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Drop from *commands* those of a run that was going on as *window* began, and its stop."""
    at, start = column_micros(commands["at"]), window.micros[0]
    if not (at == start).any():
        return commands
    is_start = (commands["order"] == START).to_numpy()
    skipped = 0
    last = start
    while skipped < len(at) and is_start[skipped] and at[skipped] - last <= _HOURLY:
        last = at[skipped]
        skipped += 1
    ends_it = skipped < len(at) and not is_start[skipped] and (
        at[skipped] - last <= LONGEST_MINUTES * MICROS_PER_MINUTE)
    return commands[skipped + ends_it:]


def _times(count: int, window: Window) -> str:
    if count == 1:
        return "once"
    a_week = number(count / window.weeks, 1)
    return "once a week" if a_week == "1" else f"{a_week} times a week"


def _first_of_each_night(commands: pd.DataFrame) -> np.ndarray:
    """Return the starts without the hourly ones after each, which only show that it stayed on."""
    at = column_micros(commands.loc[commands["order"] == START, "at"])
    fresh = np.ones(len(at), dtype=bool)
    fresh[1:] = np.diff(at) > _HOURLY
    return at[fresh]


def _usual_time(at: np.ndarray) -> str:
    """Return the time of the day at which most of the instants *at* lie, or nothing."""
    minute = at % MICROS_PER_DAY // MICROS_PER_MINUTE
    # The distance on the clock's circle of 1,440 minutes: 23:55 and 00:05 are ten minutes apart.
    near = [int((np.abs((minute - center + 720) % 1440 - 720) <= _WITHIN_MINUTES).sum())
            for center in minute]
    best = int(np.argmax(near))
    if len(at) < 2 or near[best] < _USUAL * len(at):
        return ""
    rounded = int(round(float(minute[best]) / 5) * 5) % 1440
    return f"{rounded // 60:02}:{rounded % 60:02}"
