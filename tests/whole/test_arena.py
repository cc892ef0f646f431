"""What the rivals get wrong (ARENA 2a), each with the truth; what they decide: test_cost_optimizer.

ARENA's truths round each run up (``ceil_per_run``); what ``clock_hour`` says of the same story
stands beside it. Where ARENA leaves the hours of the day open, the story says which were chosen.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from tests.helpers.build import ME, at, book, charge, hours, month, sessions, window, workspaces
from wsanalytics.billing.bill import bill
from wsanalytics.prices.book import load_prices
from wsanalytics.sessions.find import find_gaps, find_sessions
from wsanalytics.simulation.fleet import replay
from wsanalytics.timeline import Window

JANUARY, MARCH = month("2026-01"), month("2026-03")
RIVAL = "ceil_per_session_plus_timeout"
FIVE = timedelta(minutes=5)
HOUR = timedelta(hours=1)
Span = tuple[datetime, datetime]


def working_days(first: date, last: date) -> list[date]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5]


JANUARYS_21 = working_days(date(2026, 1, 2), date(2026, 1, 30))
MARCHS_22 = working_days(date(2026, 3, 2), date(2026, 3, 31))


def daily(days: list[date], from_hour: float, to_hour: float) -> list[Span]:
    """A session on each of *days*, in hours from 00:00 UTC of that day; may leave it."""
    midnights = [at(f"{day}") for day in days]
    return [(day + from_hour * HOUR, day + to_hour * HOUR) for day in midnights]


def looks(connected: list[Span], observed: list[Span]) -> pd.DataFrame:
    """CloudWatch's five-minute samples in the middle of their five minutes, where *observed*."""
    rows = []
    for start, end in observed:
        when = start + FIVE / 2
        while when < end:
            rows.append((when, any(a <= when < b for a, b in connected)))
            when += FIVE
    return pd.DataFrame(
        {
            "workspace_id": ME,
            "sampled_at": pd.to_datetime([when for when, _ in rows], utc=True),
            "connection_state": ["CONNECTED" if is_on else "DISCONNECTED" for _, is_on in rows],
            "state": "",
            "last_connected_at": pd.to_datetime([None] * len(rows), utc=True),
            "source": "cloudwatch",
        }
    )


def billed(found: pd.DataFrame, rule: str, when: Window = MARCH) -> float:
    outcome = replay(found, ["AUTO_STOP:60"], window=when)
    return float(bill(outcome, workspaces(), book(), hour_rule=rule)["billed_hours"].sum())


def test_f1_missing_points_are_bridged_if_asked_and_unobserved_if_not() -> None:
    """Connected 09-17, the 24 points from 11 to 13 lost. Bridged 9 h; else 8 h and 2 h of silence.

    By default the runs are 09:00-11:57:30 (3 h) and 13:02:30-18:00 (5 h). From the last point
    before the silence to the first one after it are 24 + 1 steps of five minutes.
    """
    day = "2026-03-10"
    seen = looks(
        [(at(f"{day} 09:00"), at(f"{day} 17:00"))],
        [(at(f"{day} 00:00"), at(f"{day} 11:00")), (at(f"{day} 13:00"), at("2026-03-11"))],
    )
    bridged = find_sessions(seen, bridge_gaps=timedelta(hours=3))
    assert (billed(bridged, "ceil_per_run"), billed(bridged, "clock_hour")) == (9, 9)
    assert find_gaps(seen, bridge_gaps=timedelta(hours=3)).empty
    by_default = find_sessions(seen)
    assert (billed(by_default, "ceil_per_run"), billed(by_default, "clock_hour")) == (8, 8)
    gaps = find_gaps(seen)
    assert (gaps["to_at"] - gaps["from_at"]).tolist() == [2 * HOUR + FIVE]


def visits_and_silence(starts: list[datetime]) -> pd.DataFrame:
    """A visit of 15 minutes at each start, then 11 zero points (55 min), then no points at all."""
    visits = [(start, start + 3 * FIVE) for start in starts]
    return looks(visits, [(start, start + 14 * FIVE) for start in starts])


def test_f1_three_visits_of_15_minutes_with_silence_between_are_six_hours() -> None:
    """At 09:00, 12:00 and 15:00; each keeps the machine on for 75 minutes."""
    starts = [at(f"2026-03-10 {hour}:00") for hour in ("09", "12", "15")]
    found = find_sessions(visits_and_silence(starts))
    assert len(found) == 3
    assert (billed(found, "ceil_per_run"), billed(found, "clock_hour")) == (6, 6)


def test_f1_twenty_two_days_with_a_visit_and_silence_are_44_hours() -> None:
    """44 h over 22 days is 2 h a day: one such visit a day, at 09:00 on March's working days."""
    found = find_sessions(visits_and_silence([at(f"{day} 09:00") for day in MARCHS_22]))
    assert len(found) == 22
    assert (billed(found, "ceil_per_run"), billed(found, "clock_hour")) == (44, 44)


def test_f1_two_visits_three_days_apart_stay_two_sessions() -> None:
    """The rival makes them one, 2 March 09:00 to 5 March 09:55."""
    found = find_sessions(visits_and_silence([at("2026-03-02 09:00"), at("2026-03-05 09:00")]))
    assert len(found) == 2
    assert (found["disconnected_at"] - found["connected_at"]).max() <= 3 * FIVE
    assert (billed(found, "ceil_per_run"), billed(found, "clock_hour")) == (4, 4)


@pytest.mark.parametrize(
    ("where", "from_hour", "to_hour", "setting", "truth", "rival"),
    [
        ("US West 09-17 PST", 17, 25, "AUTO_STOP:60", 189, 210),
        ("US West 09-17 PST", 17, 25, "AUTO_STOP:240", 252, 336),
        ("US West 14-17 PST", 22, 25, "AUTO_STOP:60", 84, 105),
        ("Sydney 09-17 AEDT", -2, 6, "AUTO_STOP:60", 189, 210),
        ("London 09-17 GMT", 9, 17, "AUTO_STOP:60", 189, 189),
        ("Tokyo 08-17 JST", -1, 8, "AUTO_STOP:60", 210, 210),
    ],
)
def test_f2_a_session_over_23_utc_is_one_session(
    where: str, from_hour: float, to_hour: float, setting: str, truth: float, rival: float
) -> None:
    """21 working days of January 2026 (the 1st is a holiday), all on whole hours.

    The rival cuts what is open at 23:00 UTC, and rounds and extends both parts.
    """
    assert len(JANUARYS_21) == 21
    visits = daily(JANUARYS_21, from_hour, to_hour)
    for rule, many in (("ceil_per_run", truth), ("clock_hour", truth),
                       (RIVAL, rival)):
        assert hours(visits, setting, JANUARY, rule) == many, where


@pytest.mark.parametrize("rule", ["ceil_per_run", "clock_hour"])
def test_f3_a_late_shift_of_84_hours_stays_cheaper_on_auto_stop(rule: str) -> None:
    """22-01 UTC on 21 weekdays; the rival counts 105 h, 87 by the 18th evening, and switches."""
    charges = charge(daily(JANUARYS_21, 22, 25), "AUTO_STOP:60", JANUARY, hour_rule=rule)
    assert charges["billed_hours"].item() == 84
    assert charges["total_usd"].item() == pytest.approx(34.95)
    assert hours(daily(JANUARYS_21, 22, 25), "AUTO_STOP:60", JANUARY, RIVAL) == 105
    assert charge([], "ALWAYS_ON", JANUARY)["total_usd"].item() == 35


def test_f4_a_reconnect_over_23_utc_inside_the_timeout_is_one_run() -> None:
    """Connected 20:00-22:50 and 23:10-24:00: one run 20:00-01:00, however it is rounded."""
    evening = [("2026-03-10 20:00", "2026-03-10 22:50"), ("2026-03-10 23:10", "2026-03-11 00:00")]
    assert hours(evening, "AUTO_STOP:60", MARCH, "ceil_per_run") == 5
    assert hours(evening, "AUTO_STOP:60", MARCH, "clock_hour") == 5
    assert hours(evening, "AUTO_STOP:60", MARCH, RIVAL) == 6
    later = [("2026-03-10 20:50", "2026-03-10 22:50"), ("2026-03-10 23:10", "2026-03-11 00:50")]
    assert hours(later, "AUTO_STOP:60", MARCH, "ceil_per_run") == 5
    assert hours(later, "AUTO_STOP:60", MARCH, "clock_hour") == 6


@pytest.mark.parametrize("rule", ["ceil_per_run", "clock_hour"])
def test_f6_the_timeout_that_is_asked_about_is_the_one_that_counts(rule: str) -> None:
    """One hour a day on 22 working days: 44 h with an hour's timeout, 110 h with four."""
    visits = daily(MARCHS_22, 9, 10)
    assert hours(visits, "AUTO_STOP:60", MARCH, rule) == 44
    assert hours(visits, "AUTO_STOP:240", MARCH, rule) == 110


@pytest.mark.parametrize("rule", ["ceil_per_run", "clock_hour", "exact"])
def test_f7_a_user_round_the_clock_has_the_744_hours_of_march(rule: str) -> None:
    round_the_clock = [("2026-02-20", "2026-04-10")]
    assert hours(round_the_clock, "AUTO_STOP:60", MARCH, rule) == 744


def test_f7_twenty_visits_of_five_minutes_touch_24_clock_hours() -> None:
    """Every 72 minutes from 00:00: twenty runs of 65 minutes, 40 h if each is rounded up."""
    day = at("2026-03-10")
    visits = [(day + n * 72 * FIVE / 5, day + n * 72 * FIVE / 5 + FIVE) for n in range(20)]
    assert hours(visits, "AUTO_STOP:60", MARCH, "clock_hour") == 24
    assert hours(visits, "AUTO_STOP:60", MARCH, "ceil_per_run") == 40
    assert charge(visits, "AUTO_STOP:60", MARCH)["cold_starts"].item() == 20


@pytest.mark.parametrize("rule", ["ceil_per_run", "clock_hour", "exact"])
def test_f8_the_last_hour_of_march_is_billed_in_march(rule: str) -> None:
    """Connected 23:00-24:00 on the 31st; the idle hour after it is April's."""
    last_hour = [("2026-03-31 23:00", "2026-04-01 00:00")]
    charges = charge(last_hour, "AUTO_STOP:60", window("2026-03-01", "2026-05-01"), hour_rule=rule)
    assert charges["billed_hours"].to_dict() == {"2026-03": 1, "2026-04": 1}
    assert hours(last_hour, "AUTO_STOP:60", MARCH, rule) == 1


def test_f8b_nine_hours_of_march_2026_are_not_carried_into_march_2027() -> None:
    """Connected 09-17 on one day, and then never again."""
    charges = charge(daily([date(2026, 3, 10)], 9, 17), "AUTO_STOP:60",
                     window("2026-03-01", "2027-04-01"))
    assert len(charges) == 13
    assert charges.loc["2026-03", "billed_hours"] == 9
    assert charges["billed_hours"].sum() == 9


def test_f8c_maintenance_is_one_hour_a_month_however_often_one_looks() -> None:
    """One session of 8 h: 9 h with its idle hour, 10 h with maintenance; the rival ends at 37."""
    pairs = sessions(*daily([date(2026, 3, 10)], 9, 17))
    outcome = replay(pairs, ["AUTO_STOP:60"], window=MARCH)
    fleet = workspaces(maintenance_enabled=True)
    assert [bill(outcome, fleet, book())["billed_hours"].item() for _ in range(4)] == [10] * 4


def test_f9_sydney_power_at_98_hours_is_cheaper_by_the_hour() -> None:
    """97.22 against 103 a month, POWER 80+10 GB: above the rival's fixed threshold of 92 h."""
    stay = sessions(("2026-03-02 00:00", "2026-03-06 01:00"))  # 97 h, and the idle hour
    outcome = replay(stay, ["ALWAYS_ON", "AUTO_STOP:60"], window=MARCH)
    fleet = workspaces(region="ap-southeast-2", compute_type="POWER", root_gib=80, user_gib=10)
    charges = bill(outcome, fleet, load_prices())
    assert charges["billed_hours"].tolist() == [0, 98]
    assert charges["total_usd"].tolist() == pytest.approx([103, 97.22])


@pytest.mark.parametrize(
    ("by_month", "auto_stop_usd"),
    [([95, 75] * 6, 423.00), ([90] * 12, 441.00), ([80] * 12, 405.00)],
)
def test_f11_a_year_in_one_setting(by_month: list[int], auto_stop_usd: float) -> None:
    """Hours billed month by month, one stay from each 1st with its idle hour; ALWAYS_ON is 420."""
    firsts = [at(f"2026-{number:02}-01") for number in range(1, 13)]
    stays = [(first, first + (h - 1) * HOUR) for first, h in zip(firsts, by_month, strict=True)]
    year = window("2026-01-01", "2027-01-01")
    charges = charge(stays, "AUTO_STOP:60", year)
    assert charges["billed_hours"].tolist() == by_month
    assert charges["total_usd"].sum() == pytest.approx(auto_stop_usd)
    assert charge(stays, "ALWAYS_ON", year)["total_usd"].sum() == pytest.approx(420)


@pytest.mark.parametrize("rule", ["ceil_per_run", "clock_hour"])
def test_jospas_forgets_the_idle_hour(rule: str) -> None:
    """Four connected clock hours on 22 weekdays: it sees 88 h, an hour's timeout bills 110 h."""
    assert hours(daily(MARCHS_22, 9, 13), "AUTO_STOP:60", MARCH, rule) == 110


@pytest.mark.parametrize(
    ("start", "end", "setting", "by_clock_hour", "by_run"),
    [
        ("09:00", "11:59", "AUTO_STOP:60", 4, 4),
        ("09:15", "12:14", "AUTO_STOP:60", 5, 4),
        ("09:00", "11:59", "AUTO_STOP:240", 7, 7),
        ("09:15", "12:14", "AUTO_STOP:240", 8, 7),
    ],
)
def test_issue_17_is_what_clock_hour_says(
    start: str, end: str, setting: str, by_clock_hour: int, by_run: int
) -> None:
    """Cost Optimizer issue 17, the reporter's "Actual" column; DOMAIN 1.3."""
    stay = [(f"2026-03-10 {start}", f"2026-03-10 {end}")]
    assert hours(stay, setting, MARCH, "clock_hour") == by_clock_hour
    assert hours(stay, setting, MARCH, "ceil_per_run") == by_run
