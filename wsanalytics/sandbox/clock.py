"""Simulated time: it starts at a given time, runs at any speed, and never goes backwards."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from wsanalytics.errors import InputError
from wsanalytics.timeline import LATEST

FASTEST = 1_000_000
"""At this speed eleven days pass in a second."""
LONGEST_STEP = timedelta(days=3660)
_AGREES = timedelta(seconds=5)


class Clock:
    """The sandbox's own now, an aware UTC instant.

    It starts at *start* and runs *speed* times as fast as the wall clock; at 0 it stands still.
    """

    def __init__(self, start: datetime, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._told_at, self._told = time.monotonic(), start
        self._speed = _checked(speed)

    def now(self) -> datetime:
        """Return the time that the clock shows."""
        with self._lock:
            return self._now(time.monotonic())

    @property
    def is_simulated(self) -> bool:
        """Whether it shows another time than the wall clock."""
        return abs(self.now() - datetime.now(UTC)) > _AGREES

    def seen(self, answered_at: datetime) -> datetime:  # noqa: ARG002  # of another clock
        """The instant of an answer that came just now, for what collects from the sandbox."""
        return self.now()

    def step(self, by: timedelta) -> datetime:
        """Move the clock forward and say what it shows then."""
        if by < timedelta(0):
            raise InputError(
                f"a step of {by.total_seconds():g} seconds",
                where="the sandbox's clock",
                rule="its clock never goes backwards",
                fix="step forward, or start another sandbox",
            )
        with self._lock:
            self._set(self._speed)
            if by > LONGEST_STEP or self._told + by > LATEST:
                raise InputError(
                    f"a step of {by.days:,} days", where="the sandbox's clock",
                    rule=f"a step is {LONGEST_STEP.days:,} days at most, and none leads beyond "
                    f"{LATEST.year}",
                    fix="take smaller steps")
            self._told += by
            return self._told

    @property
    def speed(self) -> float:
        """Simulated seconds a second; 0 freezes the clock. It may be set at any time."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self._lock:
            self._set(_checked(speed))

    def _now(self, at: float) -> datetime:
        seconds = self._speed * (at - self._told_at)
        return self._told + min(timedelta(seconds=seconds), LATEST - self._told)

    def _set(self, speed: float) -> None:
        at = time.monotonic()
        self._told, self._told_at, self._speed = self._now(at), at, speed


def _checked(speed: float) -> float:
    if not 0 <= speed <= FASTEST:
        raise InputError(
            f"a speed of {speed}",
            where="the sandbox's clock",
            rule=f"the speed is a number from 0 to {FASTEST:,}: 1 is real time, 0 stands still",
            fix="use for example 3600, an hour a second",
        )
    return float(speed)
