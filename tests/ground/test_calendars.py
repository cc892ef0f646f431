"""When people work, against a clock that is read minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsanalytics.calendars import DAYS, Holidays, WorkingHours, Zones
from wsanalytics.errors import InputError

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)
CHANGES = [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC),
           datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC),
           datetime(2026, 4, 4, 12, tzinfo=UTC), datetime(2026, 10, 3, 12, tzinfo=UTC)]
"""Days on which clocks are changed in Berlin, New York and Lord Howe (by half an hour)."""

clocks = st.integers(0, 1439)
parts = st.tuples(st.integers(0, 6), st.integers(0, 6), clocks, st.integers(0, 1440)).filter(
    lambda part: part[2] != part[3])


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def written(part: tuple[int, int, int, int]) -> str:
    return f"{DAYS[part[0]]}-{DAYS[part[1]]} {clock(part[2])}-{clock(part[3])}"


def minutes_of(part: tuple[int, int, int, int]) -> set[tuple[int, str]]:
    """Every (weekday, HH:MM) that the hands of a clock show within a part, walked one by one."""
    first, last, start, end = part
    shown, weekday = set(), first
    while True:
        day, minute = weekday, start
        while minute != end % 1440 or not shown & {(weekday, clock(start))}:
            shown.add((day, clock(minute)))
            minute += 1
            if minute == 1440:
                day, minute = (day + 1) % 7, 0
        if weekday == last:
            return shown
        weekday = (weekday + 1) % 7


@given(st.lists(parts, min_size=1, max_size=3), st.sampled_from(CHANGES),
       st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
       st.integers(-3000, 3000))
def test_hours_are_those_that_the_clock_shows(
    several: list[tuple[int, int, int, int]], change: datetime, name: str, off: int
) -> None:
    hours = WorkingHours.parse(", ".join(map(written, several)))
    within = set().union(*map(minutes_of, several))
    zone = ZoneInfo(name)
    for minute in range(0, 180, 7):
        instant = change + (off + minute) * MINUTE
        local = instant.astimezone(zone)
        shown = (local.weekday(), local.strftime("%H:%M"))
        assert hours.contains(instant, zone) == (shown in within)
        assert hours.contains(instant + 59 * MINUTE / 60, zone) == (shown in within)


@given(st.lists(parts, min_size=1, max_size=4))
def test_what_is_written_is_read_back(several: list[tuple[int, int, int, int]]) -> None:
    hours = WorkingHours.parse(",".join(map(written, several)))
    assert str(WorkingHours.parse(str(hours))) == str(hours)
    again = WorkingHours.parse(str(hours))
    for hour in range(24 * 7):
        instant = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(hours=hour)
        assert again.contains(instant, BERLIN) == hours.contains(instant, BERLIN)


@pytest.mark.parametrize(("text", "meant"), [
    ("Mon-Fri 08:00-18:00", "Mon-Fri 08:00-18:00"),
    ("mon-thu 8:00-18:00,FRI 08:00-14:00", "Mon-Thu 08:00-18:00, Fri 08:00-14:00"),
    ("daily 06:00-22:00", "daily 06:00-22:00"),
    ("22:00-06:00", "daily 22:00-06:00"),
    ("Sat-Sun 00:00-24:00", "Sat-Sun 00:00-24:00"),
    ("Sat-Mon 10:00-12:00", "Sat-Mon 10:00-12:00"),
])
def test_ways_of_writing_hours(text: str, meant: str) -> None:
    assert str(WorkingHours.parse(text)) == meant


def test_a_week_in_berlin() -> None:
    hours = WorkingHours.parse("Mon-Fri 08:00-18:00")

    def at(text: str) -> bool:
        return hours.contains(datetime.fromisoformat(text), BERLIN)

    assert at("2026-01-05T07:00Z") and not at("2026-01-05T06:59Z")
    assert not at("2026-01-05T17:00Z") and at("2026-01-05T16:59:59Z")
    assert at("2026-07-06T06:00Z") and not at("2026-07-06T16:00Z")  # summer time
    assert not at("2026-01-04T12:00Z") and not at("2026-01-10T12:00Z")  # a weekend
    night = WorkingHours.parse("Fri 22:00-06:00")
    assert night.contains(datetime(2026, 1, 10, 4, 59, tzinfo=UTC), BERLIN)  # Saturday's morning
    assert not night.contains(datetime(2026, 1, 9, 4, 59, tzinfo=UTC), BERLIN)
    assert not night.contains(datetime(2026, 1, 10, 21, 30, tzinfo=UTC), BERLIN)


@pytest.mark.parametrize("text", [
    "", "always", "Mon-Fri", "Mo-Fr 08:00-18:00", "Mon-Fry 08:00-18:00", "Mon 8-18",
    "Mon 08:00-08:00", "Mon 08:60-09:00", "Mon 24:00-06:00", "Mon 08:00-24:01", "08:00-18:00,",
    "daily-Fri 08:00-18:00", "Mon 08:00-18:00; Tue 08:00-18:00", "Mon08:00-18:00",
    "Mon ०८:००-18:00"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        WorkingHours.parse(text)
    assert refused.value.where == "--working-hours"
    assert refused.value.rule and refused.value.fix


def test_directories_have_their_zones() -> None:
    zones = Zones.of("Europe/Berlin", [("d-1", "America/New_York")])
    assert zones.zone("d-1") == NEW_YORK
    assert zones.zone("d-2") == zones.zone("") == BERLIN


@pytest.mark.parametrize(("name", "meant"), [
    ("Europe/Berln", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"),
    ("America/New York", "America/New_York"), ("../etc/passwd", ""), ("", "")])
def test_an_unknown_zone_is_refused(name: str, meant: str) -> None:
    if name:  # nothing stands for the zones of the regions
        with pytest.raises(InputError, match="there is no time zone") as refused:
            Zones.of(name, [])
        assert refused.value.where == "--time-zone" and meant in refused.value.fix
    with pytest.raises(InputError, match="d-1"):
        Zones.of("UTC", [("d-1", name)])


def test_public_holidays_of_a_country_and_of_its_part() -> None:
    bavaria, germany = Holidays.parse("DE-BY"), Holidays.parse("DE")
    assert bavaria and germany
    epiphany, unity = date(2026, 1, 6), date(2026, 10, 3)
    assert bavaria.is_holiday(epiphany) and not germany.is_holiday(epiphany)
    assert bavaria.is_holiday(unity) and germany.is_holiday(unity)
    assert germany.name(unity) and germany.name(date(2026, 10, 2)) == ""
    assert Holidays.parse("de-by") == bavaria
    assert Holidays.parse(None) is None


@pytest.mark.parametrize("year", [1995, 2026, 2040])
def test_every_day_of_a_year_has_a_name_or_none(year: int) -> None:
    swiss = Holidays.parse("CH-ZH")
    assert swiss
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    named = [day for day in days if swiss.is_holiday(day)]
    assert date(year, 8, 1) in named and 6 <= len(named) <= 20
    assert all(bool(swiss.name(day)) == (day in named) for day in days)


@pytest.mark.parametrize(("text", "meant"), [
    ("XX", "use"), ("DEUT", "DEU"), ("DE-BX", "BY"), ("DE-", "BY"), ("US-Texas", "TX"),
    ("DE-Augsbrug", "did you mean Augsburg?"), ("-BY", "")])
def test_unknown_holidays_are_refused(text: str, meant: str) -> None:
    with pytest.raises(InputError) as refused:
        Holidays.parse(text)
    assert refused.value.where == "--holidays"
    assert meant in refused.value.rule + refused.value.fix


def test_parts_are_found_in_any_case() -> None:
    augsburg = Holidays.parse("DE-Augsburg")
    assert augsburg and augsburg == Holidays.parse("de-augsburg")
    assert augsburg.is_holiday(date(2026, 8, 8))
