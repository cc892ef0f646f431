"""Know when people work: working hours, time zones of directories, public holidays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import holidays

from wsanalytics.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PART = re.compile(
    r"(?:(daily|[a-z]{3})(?:-([a-z]{3}))?\s+)?"
    r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})", re.IGNORECASE)
_RULE = ("working hours are written like 'Mon-Fri 08:00-18:00', several with commas between them, "
         "'daily' or no day for all days")


@dataclass(frozen=True, slots=True)
class _Part:
    """Some days of the week (0 is Monday) and the minutes of the day from which to which."""

    first: int
    last: int
    start: int
    end: int

    def starts_on(self, weekday: int) -> bool:
        return (weekday - self.first) % 7 <= (self.last - self.first) % 7

    def __str__(self) -> str:
        days = "daily" if (self.last - self.first) % 7 == 6 else DAYS[self.first] if (
            self.first == self.last) else f"{DAYS[self.first]}-{DAYS[self.last]}"
        return f"{days} {_clock(self.start)}-{_clock(self.end)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Hours of the week on a local clock, half-open; those across midnight belong to their start.

    >>> print(WorkingHours.parse("mon-fri 8:00-18:00, Sat 09:00-12:00"))
    Mon-Fri 08:00-18:00, Sat 09:00-12:00
    """

    parts: tuple[_Part, ...]

    @classmethod
    def parse(cls, text: str, *, where: str = "--working-hours") -> WorkingHours:
        """Return the hours that *text* writes; :class:`InputError` if it writes none."""
        parts = tuple(_parsed(part.strip(), text, where) for part in text.split(","))
        return cls(parts)

    def contains(self, instant: datetime, zone: ZoneInfo) -> bool:
        """Whether the clock in *zone* is within the hours at an aware *instant*."""
        local = instant.astimezone(zone)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.weekday(), (local.weekday() - 1) % 7
        for part in self.parts:
            if part.start < part.end:
                if part.starts_on(today) and part.start <= minute < part.end:
                    return True
            # Over midnight: the evening belongs to the day on which it starts, the morning to the
            # day before.
            elif (part.starts_on(today) and minute >= part.start) or (
                    part.starts_on(yesterday) and minute < part.end):
                return True
        return False

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))


def _parsed(part: str, text: str, where: str) -> _Part:
    match = _PART.fullmatch(part)
    if match is None:
        raise InputError(f"{text!r} are no working hours", where=where, rule=_RULE,
                         fix="use for example 'Mon-Fri 08:00-18:00'")
    first_day = (match[1] or "daily").lower()
    days = (match[1], match[2] or match[1])
    if first_day == "daily":
        days = (first_day, match[2]) if match[2] else ("Mon", "Sun")
    try:
        first, last = (DAYS.index(day.title()) for day in days)
    except ValueError:
        raise InputError(f"there is no day {days[0] if days[0].title() not in DAYS else days[1]!r} "
                         f"in {text!r}", where=where, rule=f"the days are {', '.join(DAYS)}",
                         fix="use for example 'Mon-Fri 08:00-18:00'") from None
    start, end = int(match[3]) * 60 + int(match[4]), int(match[5]) * 60 + int(match[6])
    # 24:00 may end a part and not start one.
    if start > 1439 or end > 1440 or int(match[4]) > 59 or int(match[6]) > 59 or start == end:
        raise InputError(f"{part!r} is no stretch of a day", where=where,
                         rule="hours go from 00:00 to 24:00, and end at another time than they "
                         "start", fix="use for example 'Mon-Fri 08:00-18:00'")
    return _Part(first, last, start, end)


CITIES = {
    "af-south-1": "Africa/Johannesburg", "ap-northeast-1": "Asia/Tokyo",
    "ap-northeast-2": "Asia/Seoul", "ap-south-1": "Asia/Kolkata",
    "ap-southeast-1": "Asia/Singapore", "ap-southeast-2": "Australia/Sydney",
    "ap-southeast-5": "Asia/Kuala_Lumpur",
    "ca-central-1": "America/Toronto", "cn-northwest-1": "Asia/Shanghai",
    "eu-central-1": "Europe/Berlin", "eu-west-1": "Europe/Dublin", "eu-west-2": "Europe/London",
    "eu-west-3": "Europe/Paris", "il-central-1": "Asia/Jerusalem",
    "sa-east-1": "America/Sao_Paulo", "us-east-1": "America/New_York",
    "us-east-2": "America/New_York",
    "us-gov-east-1": "America/New_York", "us-gov-west-1": "America/Los_Angeles",
    "us-west-2": "America/Los_Angeles",
}
"""The time zone in which each region stands (AWS's list of regions), and many of its users."""


@dataclass(frozen=True)
class Zones:
    """The time zone of people, by directory, else by region, else the ``default``."""

    default: ZoneInfo
    by_directory: Mapping[str, ZoneInfo]
    by_region: Mapping[str, ZoneInfo] = field(default_factory=dict)

    @classmethod
    def of(cls, default: str, by_directory: Iterable[tuple[str, str]]) -> Zones:
        """Zones by their names; :class:`InputError` for one that does not exist.

        With an empty *default* it is the zone in which each WorkSpace's region stands.
        """
        regional = cls.of_regions()
        chosen = {name: zone_named(zone, f"--time-zone-by-directory {name}")
                  for name, zone in by_directory}
        return cls(zone_named(default, "--time-zone"), chosen) if default else cls(
            regional.default, chosen, regional.by_region)

    @classmethod
    def of_regions(cls) -> Zones:
        """Return the zone in which the region of each WorkSpace stands.

        A guess where nobody says more.

        >>> Zones.of_regions().zone("d-1", "eu-west-1").key
        'Europe/Dublin'
        """
        return cls(ZoneInfo("UTC"), {}, {name: ZoneInfo(zone) for name, zone in CITIES.items()})

    def zone(self, directory_id: str, region: str = "") -> ZoneInfo:
        """Return the time zone of the people of a directory in a region."""
        return self.by_directory.get(directory_id) or self.by_region.get(region, self.default)

    def zones_of(self, workspaces: pd.DataFrame) -> dict[str, ZoneInfo]:
        """Return the time zone of each of *workspaces*, by its id."""
        return {str(name): self.zone(directory, region) for name, directory, region in zip(
            workspaces["workspace_id"], workspaces["directory_id"], workspaces["region"],
            strict=True)}


def zone_named(name: str, where: str) -> ZoneInfo:
    """Return the time zone called *name*, such as Europe/Berlin."""
    zones = available_timezones()
    if name not in zones:
        # A second attempt with the name in capitals, as people write "berlin" or "new york".
        by_city = did_you_mean(name.replace(" ", "_").title(), zones, most=3,
                               otherwise="use for example UTC")
        raise InputError(
            f"there is no time zone {name!r}", where=where,
            rule="a time zone is named as in the IANA database, such as Europe/Berlin",
            fix=did_you_mean(name, zones, most=3, otherwise=by_city))
    return ZoneInfo(name)


@dataclass(frozen=True)
class Holidays:
    """The public holidays of a country, or of one part of it (``DE``, ``DE-BY``).

    >>> Holidays.parse("US").name(date(2026, 7, 3))
    'Independence Day (observed)'
    """

    country: str
    part: str | None = None

    @classmethod
    def parse(cls, text: str | None, *, where: str = "--holidays") -> Holidays | None:
        """Return the holidays that *text* names; None for none; :class:`InputError` if unknown."""
        if not text:
            return None
        country, dash, part = text.partition("-")
        country, countries = country.upper(), holidays.list_supported_countries()
        if country not in countries:
            raise InputError(f"no public holidays are known for {country!r}", where=where,
                             rule="a country is named by its two letters, such as DE or US",
                             fix=did_you_mean(country, countries, most=3,
                                               otherwise="use for example US"))
        parts = {name.upper(): name for name in countries[country]}
        if dash and part.upper() not in parts:
            close = [parts[name] for name in get_close_matches(part.upper(), parts, n=3)]
            raise InputError(f"{country} has no part {part!r}", where=where,
                             rule=f"its parts are {', '.join(parts.values()) or 'none'}",
                             fix=f"did you mean {' or '.join(close)}?" if close else
                             "name one of them, or the country alone")
        return cls(country, parts[part.upper()] if part else None)

    def is_holiday(self, day: date) -> bool:
        """Whether *day* is one."""
        return bool(self.name(day))

    def name(self, day: date) -> str:
        """Return the name of the holiday; empty on other days."""
        return str(_of_year(self.country, self.part, day.year).get(day, ""))


@cache
def _of_year(country: str, part: str | None, year: int) -> Mapping[date, str]:
    by_date: Mapping[date, str] = holidays.country_holidays(country, subdiv=part, years=year)
    return dict(by_date)


