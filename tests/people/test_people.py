"""Stories about invented people: the same for the same seed, and each true to their kind."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from wsanalytics.people.levels import level_on
from wsanalytics.people.person import Archetype, Kind, Person, make_people
from wsanalytics.people.samples import NO_LOSS, take_samples
from wsanalytics.people.working_days import Sessions, fleet_sessions, person_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import load_prices
from wsanalytics.service_model import compute_types
from wsanalytics.timeline import Window

SUMMER = Window.of_days(date(2026, 7, 1), date(2026, 9, 1))
AUTUMN = Window.of_days(date(2026, 7, 1), date(2026, 11, 1))
PEOPLE = make_people(120, seed=7, window=AUTUMN)


def of_kind(archetype: Archetype) -> list[Person]:
    return [person for person in PEOPLE if person.archetype is archetype]


def local_days(person: Person, sessions: Sessions) -> set[date]:
    zone = ZoneInfo(person.place.zone)
    return {connected.astimezone(zone).date() for connected, _ in sessions}


def test_person_17_is_the_same_in_a_small_fleet_and_a_large_one() -> None:
    few = make_people(20, seed=7, window=AUTUMN)
    many = make_people(2_000, seed=7, window=AUTUMN)
    assert few[17] == many[17]
    assert many[17] != make_people(20, seed=8, window=AUTUMN)[17]


def test_two_thousand_people_have_two_thousand_names_and_ids() -> None:
    many = make_people(2_000, seed=7, window=AUTUMN)
    assert len({person.name for person in many}) == 2_000
    assert len({person.workspace_id for person in many}) == 2_000


def test_the_same_person_made_twice_has_the_same_sessions() -> None:
    again = make_people(120, seed=7, window=AUTUMN)
    for one, other in zip(PEOPLE[:40], again[:40], strict=True):
        assert person_sessions(one, SUMMER) == person_sessions(other, SUMMER)


@pytest.mark.parametrize("person", PEOPLE[:40], ids=lambda person: person.archetype.name)
def test_a_longer_window_keeps_the_days_that_a_shorter_one_has(person: Person) -> None:
    longer = Window.of_days(date(2026, 6, 1), date(2026, 11, 1))
    kept = [
        (max(connected, SUMMER.start), min(disconnected, SUMMER.end))
        for connected, disconnected in person_sessions(person, longer)
        if connected < SUMMER.end and disconnected > SUMMER.start
    ]
    assert kept == person_sessions(person, SUMMER)


def test_sessions_are_sorted_apart_in_the_window_and_to_the_second() -> None:
    for person in PEOPLE:
        sessions = person_sessions(person, AUTUMN)
        for connected, disconnected in sessions:
            assert AUTUMN.start <= connected < disconnected <= AUTUMN.end
            assert connected.tzinfo is UTC
            assert connected.microsecond == disconnected.microsecond == 0
        for (_, left), (came, _) in pairwise(sessions):
            assert left < came


def test_forty_people_in_a_row_hold_every_archetype() -> None:
    for first in (0, 40, 80):
        assert {p.archetype for p in PEOPLE[first : first + 40]} == set(Archetype)


def test_nobody_with_office_hours_works_on_a_public_holiday() -> None:
    labor_day, bank_holiday = date(2026, 9, 7), date(2026, 8, 31)
    at_work: dict[str, set[date]] = {}
    for person in of_kind(Archetype.NINE_TO_FIVE):
        for day in local_days(person, person_sessions(person, AUTUMN)):
            at_work.setdefault(person.place.country, set()).add(day)
    assert labor_day not in at_work["US"]
    assert labor_day in at_work["GB"]
    assert bank_holiday not in at_work["GB"]
    assert bank_holiday in at_work["US"]


def test_nine_to_five_people_rest_at_weekends_and_go_on_vacation() -> None:
    longest = timedelta(0)
    for person in of_kind(Archetype.NINE_TO_FIVE):
        sessions = person_sessions(person, AUTUMN)
        assert all(day.weekday() < 5 for day in local_days(person, sessions))
        longest = max(longest, *(came - left for (_, left), (came, _) in pairwise(sessions)))
    assert timedelta(days=9) < longest < timedelta(days=40)


def test_nine_to_five_people_begin_in_their_own_morning() -> None:
    for person in of_kind(Archetype.NINE_TO_FIVE):
        zone = ZoneInfo(person.place.zone)
        firsts: dict[date, float] = {}
        for connected, _ in person_sessions(person, AUTUMN):
            local = connected.astimezone(zone)
            firsts.setdefault(local.date(), local.hour + local.minute / 60)
        assert 6.5 < pd.Series(firsts).median() < 11


def test_night_owls_cross_midnight_and_the_end_of_the_month() -> None:
    month_ends = [datetime(2026, month, 1, tzinfo=UTC) for month in (8, 9, 10)]
    across_months = 0
    for person in of_kind(Archetype.NIGHT_OWL):
        sessions = person_sessions(person, AUTUMN)
        zone = ZoneInfo(person.place.zone)
        local = [(came.astimezone(zone), left.astimezone(zone)) for came, left in sessions]
        assert sum(came.date() < left.date() for came, left in local) > 20
        across_months += any(came < end < left for came, left in sessions for end in month_ends)
    assert across_months > 0


def test_shift_workers_work_nights_and_weekends() -> None:
    for person in of_kind(Archetype.SHIFTS):
        zone = ZoneInfo(person.place.zone)
        starts = [connected.astimezone(zone) for connected, _ in person_sessions(person, AUTUMN)]
        assert {5, 6} <= {start.weekday() for start in starts}
        assert any(start.hour >= 22 for start in starts)


def test_some_stay_connected_for_days_and_weeks() -> None:
    stays = [
        disconnected - connected
        for person in of_kind(Archetype.NEVER_LEAVES)
        for connected, disconnected in person_sessions(person, AUTUMN)
    ]
    assert max(stays) > timedelta(days=14)
    assert sum(stay > timedelta(days=1) for stay in stays) > len(stays) / 2


def test_those_who_reconnect_all_day_have_10_to_25_short_sessions_a_day() -> None:
    for person in of_kind(Archetype.RECONNECTS):
        sessions = person_sessions(person, AUTUMN)
        zone = ZoneInfo(person.place.zone)
        counts = Counter(connected.astimezone(zone).date() for connected, _ in sessions)
        counts.pop(date(2026, 6, 30), None)  # in the west the window begins in the afternoon
        assert set(counts.values()) <= set(range(10, 26))
        assert max(left - came for came, left in sessions) < timedelta(minutes=60)


def test_contractors_are_gone_for_weeks() -> None:
    stayed = [p for p in of_kind(Archetype.CONTRACTOR) if not (p.created_at or p.terminated_at)]
    assert stayed
    for person in stayed:
        sessions = person_sessions(person, AUTUMN)
        longest = max(came - left for (_, left), (came, _) in pairwise(sessions))
        assert longest > timedelta(days=14)


def test_a_contractor_whose_workspace_was_terminated_never_comes_back() -> None:
    ends = {p: p.terminated_at for p in of_kind(Archetype.CONTRACTOR) if p.terminated_at}
    assert ends
    for person, end in ends.items():
        assert all(disconnected <= end for _, disconnected in person_sessions(person, AUTUMN))


def test_the_nightly_job_runs_from_two_to_half_past_five() -> None:
    robot = next(p for p in of_kind(Archetype.AUTOMATION) if p.rhythm % 3)
    sessions = person_sessions(robot, AUTUMN)
    assert len(sessions) > 115
    for connected, disconnected in sessions:
        two = connected.replace(hour=2, minute=0, second=0)
        assert abs(connected - two) < timedelta(minutes=8)
        assert timedelta(minutes=160) < disconnected - connected < timedelta(minutes=260)


def test_an_unused_machine_has_no_sessions() -> None:
    assert [person_sessions(p, AUTUMN) for p in of_kind(Archetype.UNUSED)] == [[]] * 9


def test_a_newcomer_is_connected_only_after_the_creation() -> None:
    for person in of_kind(Archetype.NEWCOMER):
        assert person.created_at is not None
        assert AUTUMN.start < person.created_at <= person_sessions(person, AUTUMN)[0][0]


def test_some_sessions_are_too_short_for_a_look_every_five_minutes() -> None:
    sessions = fleet_sessions(of_kind(Archetype.NINE_TO_FIVE), AUTUMN)
    minutes = (sessions["disconnected_at"] - sessions["connected_at"]).dt.total_seconds() / 60
    assert minutes.min() >= 1 - 1 / 60
    assert (minutes < 4).sum() > 100


def test_a_wall_clock_that_is_set_back_keeps_the_morning_where_it_is() -> None:
    berliner = next(
        p for p in of_kind(Archetype.NINE_TO_FIVE) if p.place.zone == "Europe/Berlin"
    )
    window = Window.of_days(date(2026, 10, 1), date(2026, 11, 28))
    hours = pd.Series(
        {day: connected.hour + connected.minute / 60
         for connected, _ in reversed(person_sessions(berliner, window))
         for day in [connected.date()]}
    )
    before, after = hours[hours.index < date(2026, 10, 25)], hours[hours.index > date(2026, 10, 25)]
    assert after.median() - before.median() == pytest.approx(1, abs=0.4)


def test_workspaces_are_priced_but_for_the_one_that_has_no_known_price() -> None:
    fleet = make_workspaces(make_people(200, seed=7, window=AUTUMN), seed=7, window=AUTUMN)
    rates = load_prices().rates(fleet)
    unpriced = fleet[rates.isna().any(axis=1)]
    assert unpriced["compute_type"].tolist() == ["GRAPHICS_G6_XLARGE"]
    assert "GRAPHICS_G6_XLARGE" in compute_types()


def test_a_fleet_of_200_has_its_odd_ones() -> None:
    fleet = make_workspaces(make_people(200, seed=7, window=AUTUMN), seed=7, window=AUTUMN)
    assert (fleet["running_mode"] == "MANUAL").sum() == 2
    assert fleet["standby"].sum() == 1
    assert {60, 120, 240, 480, 1440} <= set(fleet["auto_stop_minutes"].dropna())
    assert {"WINDOWS", "AMAZON_LINUX_2", "UBUNTU"} == set(fleet["operating_system"])
    assert {"included", "byol"} == set(fleet["license"])
    assert fleet["region"].nunique() == 7
    assert fleet["workspace_id"].str.fullmatch("ws-[0-9a-z]{9}").all()
    assert fleet["directory_id"].str.fullmatch("d-[0-9a-f]{10}").all()
    assert 10 < fleet["maintenance_enabled"].sum() < 60


def samples_of_one_day(running_mode: str, minutes: int | None) -> pd.DataFrame:
    """Half past nine to ten, looked at every 15 minutes until noon."""
    window = Window(datetime(2026, 7, 6, 9, tzinfo=UTC), datetime(2026, 7, 6, 12, tzinfo=UTC))
    sessions = pd.DataFrame({
        "workspace_id": ["ws-a"],
        "connected_at": [pd.Timestamp("2026-07-06T09:30:00Z")],
        "disconnected_at": [pd.Timestamp("2026-07-06T10:00:00Z")],
    })
    workspaces = pd.DataFrame({
        "workspace_id": ["ws-a"], "running_mode": [running_mode], "auto_stop_minutes": [minutes],
        "created_at": [pd.NaT], "terminated_at": [pd.NaT],
    })
    return take_samples(
        sessions, workspaces, window, every=timedelta(minutes=15), seed=1, loss=NO_LOSS
    )


def test_a_collector_sees_an_autostop_workspace_start_idle_and_stop() -> None:
    samples = samples_of_one_day("AUTO_STOP", 60)
    assert samples["connection_state"].tolist() == (
        ["UNKNOWN"] * 2 + ["CONNECTED"] * 2 + ["DISCONNECTED"] * 4 + ["UNKNOWN"] * 4
    )
    assert samples["state"].tolist() == ["STOPPED"] * 2 + ["AVAILABLE"] * 6 + ["STOPPED"] * 4
    assert samples["last_connected_at"].isna().sum() == 2
    known = samples["last_connected_at"].dropna().dt.strftime("%H:%M").tolist()
    assert known == ["09:30", "09:45"] + ["10:00"] * 8
    assert set(samples["source"]) == {"sample"}


def test_a_collector_sees_an_always_on_workspace_available_all_day() -> None:
    samples = samples_of_one_day("ALWAYS_ON", None)
    assert set(samples["state"]) == {"AVAILABLE"}
    assert samples["connection_state"].tolist() == (
        ["DISCONNECTED"] * 2 + ["CONNECTED"] * 2 + ["DISCONNECTED"] * 8
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_people_of_each_kind_have_the_same_days_in_every_window(kind: Kind) -> None:
    for person in make_people(6, seed=5, window=SUMMER, kind=kind):
        longer = person_sessions(person, AUTUMN)
        kept = [(came, min(left, SUMMER.end)) for came, left in longer if came < SUMMER.end]
        assert kept == person_sessions(person, SUMMER)


def test_levels_stay_wander_turn_with_the_year_and_jump() -> None:
    """The level on the 15th of each month of three years, of twenty people of each kind."""
    days = [date(2024 + month // 12, month % 12 + 1, 15) for month in range(36)]
    levels = {kind: np.array([[level_on(person, day) for day in days] for person in make_people(
        20, seed=5, window=SUMMER, kind=kind)]) for kind in Kind}
    assert (levels[Kind.USUAL] == 1).all() and (levels[Kind.BREAK_EVEN] == 1).all()
    steps = np.abs(np.diff(np.log(levels[Kind.WANDERING]), axis=1))
    assert 0.2 < steps.mean() < 0.4 and (steps > 0).mean() > 0.9
    turns = levels[Kind.SEASONAL]
    assert np.abs(turns[:, :12] - turns[:, 24:]).max() < 0.03  # as two years before
    assert turns.min() < 0.4 and turns.max() > 1.5
    jumps = levels[Kind.JUMPING]
    assert np.isin(jumps.round(6), [0.5, 1, 2]).mean() > 0.8  # nobody stays for over 15 hours
    assert 0.05 < (np.diff(jumps, axis=1) != 0).mean() < 0.25


def test_shifts_near_the_break_even_bill_about_that_many_hours() -> None:
    people = make_people(20, seed=5, window=AUTUMN, kind=Kind.BREAK_EVEN)
    assert {person.archetype for person in people} == {Archetype.SHIFTS}
    hours = [sum((left - came) / timedelta(hours=1) for came, left in person_sessions(
        person, AUTUMN)) / 4 for person in people]
    assert min(hours) > 35 and max(hours) < 95
    assert 60 < np.mean(hours) < 80  # and the hour that each shift's timeout bills


def test_a_kind_of_fleet_changes_nobody_of_the_usual_one() -> None:
    usual = make_people(40, seed=7, window=AUTUMN)
    assert make_people(40, seed=7, window=AUTUMN, kind=Kind.USUAL) == usual
    assert {person.kind for person in usual} == {Kind.USUAL}
