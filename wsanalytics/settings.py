"""Define the settings of a WorkSpace that AWS can change: running mode and AutoStop timeout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from wsanalytics.defaults import COMMON_TIMEOUTS
from wsanalytics.errors import InputError

STEP_MINUTES = 60
"""Timeouts come in steps of an hour (botocore, ``RunningModeAutoStopTimeoutInMinutes``)."""
LONGEST_MINUTES = 2880
"""The longest timeout that the AWS console offers is 48 hours."""
RULE = (
    "a setting is ALWAYS_ON or AUTO_STOP:MINUTES, with minutes a multiple of "
    f"{STEP_MINUTES} from {STEP_MINUTES} to {LONGEST_MINUTES}"
)


class RunningMode(StrEnum):
    """The way a WorkSpace is paid for: by the month, or by the hour it is switched on.

    AWS knows a third one, MANUAL (WorkSpaces Core): it is read and reported, never simulated.
    """

    ALWAYS_ON = "ALWAYS_ON"
    AUTO_STOP = "AUTO_STOP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A running mode and, for AUTO_STOP, how long the WorkSpace stays on after its user left.

    ``auto_stop_minutes`` is a multiple of 60 from 60 to 2880, and None exactly for ALWAYS_ON.
    Written ``ALWAYS_ON`` or ``AUTO_STOP:60`` wherever a setting stands in a table or an option.
    Raises :class:`InputError` for anything else.

    >>> Setting.parse("AUTO_STOP:120")
    Setting("AUTO_STOP:120")
    >>> str(ALWAYS_ON)
    'ALWAYS_ON'
    """

    running_mode: RunningMode
    auto_stop_minutes: int | None = None

    def __post_init__(self) -> None:
        minutes = self.auto_stop_minutes
        if self.running_mode is RunningMode.ALWAYS_ON:
            if minutes is not None:
                raise InputError(
                    f"ALWAYS_ON with a timeout of {minutes} minutes",
                    where="Setting",
                    rule=RULE,
                    fix="leave the timeout out",
                )
        elif (
            minutes is None
            or minutes % STEP_MINUTES
            or not STEP_MINUTES <= minutes <= LONGEST_MINUTES
        ):
            raise InputError(
                f"AUTO_STOP with a timeout of {minutes} minutes",
                where="Setting",
                rule=RULE,
                fix="use for example AUTO_STOP:60",
            )

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> Setting:
        """Give the setting that plans and journals write as its ``properties``."""
        return cls(running_mode=RunningMode(properties["running_mode"]),
                   auto_stop_minutes=properties.get("auto_stop_minutes"))

    @property
    def properties(self) -> dict[str, str | int | None]:
        """``running_mode`` and ``auto_stop_minutes``, as plans and journals write them."""
        return {"running_mode": str(self.running_mode),
                "auto_stop_minutes": self.auto_stop_minutes}

    @classmethod
    def parse(cls, text: str, *, where: str = "") -> Setting:
        """Return the setting that *text* writes.

        *where* is named in the error if it writes none.
        """
        name, colon, minutes = text.strip().partition(":")
        try:
            if name == RunningMode.ALWAYS_ON and not colon:
                return cls(running_mode=RunningMode.ALWAYS_ON)
            if name == RunningMode.AUTO_STOP and re.fullmatch(r"[1-9]\d{0,5}", minutes):
                return cls(running_mode=RunningMode.AUTO_STOP, auto_stop_minutes=int(minutes))
        except InputError:
            pass
        close = get_close_matches(text.upper(), ["ALWAYS_ON", "AUTO_STOP:60"], n=1, cutoff=0.6)
        raise InputError(
            f"{text!r} is not a setting",
            where=where,
            rule=RULE,
            fix=f"use for example {close[0] if close else 'AUTO_STOP:60'}",
        )

    @property
    def order(self) -> tuple[bool, int]:
        """Sorts ALWAYS_ON first, then AUTO_STOP from the shortest timeout to the longest."""
        return self.auto_stop_minutes is not None, self.auto_stop_minutes or 0

    def __str__(self) -> str:
        minutes = self.auto_stop_minutes
        mode = self.running_mode.value
        return mode if minutes is None else f"{mode}:{minutes}"

    def __repr__(self) -> str:
        return f'Setting("{self}")'


ALWAYS_ON = Setting(running_mode=RunningMode.ALWAYS_ON)


def auto_stop(minutes: int) -> Setting:
    """Return the AUTO_STOP setting with a timeout of *minutes*."""
    return Setting(running_mode=RunningMode.AUTO_STOP, auto_stop_minutes=minutes)


def setting_grid(
    *,
    auto_stop_minutes: Iterable[int] = COMMON_TIMEOUTS,
    always_on: bool = True,
    include: Iterable[Setting | str] = (),
) -> tuple[Setting, ...]:
    """Return the settings to try out on a fleet, each once, ALWAYS_ON first and timeouts ascending.

    *include* adds settings, or texts that write them: ``include=history.configured`` makes sure
    that what every WorkSpace has today is among them.

    >>> [str(s) for s in setting_grid(auto_stop_minutes=[60], include=["AUTO_STOP:480"])]
    ['ALWAYS_ON', 'AUTO_STOP:60', 'AUTO_STOP:480']
    """
    chosen = {auto_stop(minutes) for minutes in auto_stop_minutes}
    chosen |= {s if isinstance(s, Setting) else Setting.parse(s) for s in set(include)}
    if always_on:
        chosen.add(ALWAYS_ON)
    return tuple(sorted(chosen, key=lambda setting: setting.order))
