"""The rival's decisions (ARENA 2a and 2b), each with the truth: what they cost, and what not.

Prices are 35.00 for ALWAYS_ON, 9.75 and 0.30 an hour for AUTO_STOP. A day of so many hours is one
stay from 09:00 UTC (or as the story says) and its idle hour, on whole hours. Where ARENA leaves the
days open, the story says which were chosen.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from tests.helpers.build import ME, at, book, charge, fleet_sessions, sessions, window, workspaces
from tests.whole.test_arena import MARCH, MARCHS_22, Span, daily
from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.backtesting.policies.cost_optimizer import THRESHOLDS, CostOptimizer
from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.prices.book import load_prices
from wsanalytics.timeline import Window

HOUR = timedelta(hours=1)
YEAR = window("2026-01-01", "2027-01-01")


def of_hours(day: date, hours: float) -> Span:
    """A stay from 09:00 UTC that bills so many hours of the day, with its idle hour."""
    opens = at(f"{day}") + 9 * HOUR
    return opens, opens + (hours - 1) * HOUR


def played(visits: list[Span], *policies: str | Rule, when: Window, **columns: object) -> Backtest:
    return backtest(sessions(*visits), policies, workspaces=workspaces(**columns), prices=book(),
                    window=when, timeouts=(60,))


def by_month(found: Backtest, policy: str = "cost_optimizer") -> dict[str, float]:
    rows = found.outcomes[found.outcomes["policy"] == policy]
    return dict(zip(rows["month"].astype(str), rows["total_usd"], strict=True))


def total(found: Backtest, policy: str = "cost_optimizer") -> float:
    return sum(by_month(found, policy).values())


def changes(found: Backtest) -> list[tuple[str, str]]:
    """The days on whose evening it changed something, and to what."""
    rows = found.decisions[found.decisions["policy"] == "cost_optimizer"]
    return [(f"{one - timedelta(days=1):%m-%d}", setting)
            for one, setting in zip(rows["at"], rows["to_setting"], strict=True)]


class Counting(CostOptimizer):
    """The rival, and what it counted by its last run."""

    def decide(self, seen: Seen) -> Choice:
        self.hours = self.counted(seen)
        return super().decide(seen)


def counted(visits: list[Span], when: Window, **columns: object) -> np.ndarray:
    """What the rival's runs within *when* add up to, day by day."""
    rival = Counting()
    played(visits, rival, when=Window(when.start, when.end + timedelta(days=1)), **columns)
    return rival.hours[0]


# What it counts.


def test_f3_the_late_shift_is_converted_on_day_25() -> None:
    """22-01 UTC on 21 weekdays of March (the 31st off): 87 h by its count, 84 h in truth."""
    visits = daily(MARCHS_22[:21], 22, 25)
    assert counted(visits, window("2026-03-01", "2026-03-25")).sum() == 85 - 3
    assert counted(visits, window("2026-03-01", "2026-03-26")).sum() == 87
    found = played(visits, "cost_optimizer", "hold", "clairvoyant", when=MARCH)
    assert changes(found) == [("03-25", "ALWAYS_ON")]
    assert charge(visits, "AUTO_STOP:60", MARCH)["billed_hours"].item() == 84
    assert total(found) == pytest.approx(9.75 + 70 * 0.30 + 35 * 6 / 31)  # 37.52
    assert total(found, "hold") == pytest.approx(34.95)
    assert total(found, "clairvoyant") <= 34.95


def test_f5_it_adds_the_timeout_to_what_was_stopped_by_hand() -> None:
    """3 h a day, stopped at noon: it counts 88 h; 66 h if the replay is told of the stops."""
    visits = daily(MARCHS_22, 9, 12)
    assert counted(visits, MARCH).sum() == 88
    at_once = backtest(sessions(*visits), ["stop_when_idle:minutes=0.001"], workspaces=workspaces(),
                       prices=book(), window=MARCH, hour_rule="exact")
    assert at_once.outcomes["billed_hours"].item() == pytest.approx(66, abs=0.001)


def test_f6_always_on_is_judged_at_an_hour_and_converted_without_a_timeout() -> None:
    """One hour a day on 22 working days: 44 h, which with the old four hours would be 110."""
    visits = daily(MARCHS_22, 9, 10)
    settled = {"running_mode": "ALWAYS_ON", "auto_stop_minutes": None}
    assert counted(visits, MARCH, **settled).sum() == 44
    found = played(visits, "cost_optimizer", when=window("2026-03-01", "2026-04-02"), **settled)
    assert changes(found) == [("03-31", "AUTO_STOP:60")]
    assert charge(visits, "AUTO_STOP:240", MARCH)["billed_hours"].item() == 110


def test_f7_the_cap_hides_some_of_it() -> None:
    """Round the clock: 743 h, as many as have passed. Twenty visits: 38 h of 40, 24 in truth."""
    stay = [(at("2026-02-20"), at("2026-04-10"))]
    added = counted(stay, MARCH)
    assert added[-31:].sum() == 743
    visits = [(at("2026-03-10 08:00") + n * 72 * HOUR / 60,
               at("2026-03-10 08:05") + n * 72 * HOUR / 60) for n in range(20)]
    assert counted(visits, MARCH).sum() == 38
    rules = {"ceil_per_session_plus_timeout": 40, "ceil_per_run": 40, "clock_hour": 24}
    for rule, truth in rules.items():
        assert charge(visits, "AUTO_STOP:60", MARCH, hour_rule=rule)["billed_hours"].item() == truth


def test_f8_the_last_hour_of_a_month_is_nobodys() -> None:
    """Connected 23:00-24:00 on 31 March: neither in March nor in April; on another day it is."""
    last = [(at("2026-03-31 23:00"), at("2026-04-01"))]
    assert counted(last, window("2026-03-01", "2026-05-01")).sum() == 0
    usual = [(at("2026-03-30 23:00"), at("2026-03-31"))]
    assert counted(usual, window("2026-03-01", "2026-05-01")).sum() == 2
    truth = charge(last, "AUTO_STOP:60", window("2026-03-01", "2026-05-01"))
    assert truth["billed_hours"].to_dict() == {"2026-03": 1, "2026-04": 1}


# What it decides.


def test_f10_four_hours_before_the_end_it_buys_the_rest_of_the_month() -> None:
    """4 h on 20 days until 27 April, 6 h on the 28th (86 h), 4 h on the 29th; 20 h in May."""
    april = [date(2026, 4, day) for day in range(8, 28)]
    visits = [of_hours(day, 4) for day in april]
    visits += [of_hours(date(2026, 4, 28), 6), of_hours(date(2026, 4, 29), 4)]
    visits += [of_hours(date(2026, 5, day), 4) for day in (4, 5, 6, 7, 8)]
    found = played(visits, "cost_optimizer", "hold", "clairvoyant",
                   when=window("2026-04-01", "2026-06-01"))
    assert changes(found)[0] == ("04-28", "ALWAYS_ON")
    assert {m: round(usd, 2) for m, usd in by_month(found).items()} == {
        "2026-04": 37.88, "2026-05": 35.00}
    assert by_month(found, "hold") == pytest.approx({"2026-04": 36.75, "2026-05": 15.75})
    assert total(found, "clairvoyant") <= 35 + 15.75


def spread(first: date, days: int, hours: float) -> list[Span]:
    """So many days of work, evenly over the month."""
    length = monthrange(first.year, first.month)[1]
    return [of_hours(first.replace(day=1 + n * (length - 1) // days), hours) for n in range(days)]


def year_of(*days: int) -> list[Span]:
    """A year of months with so many days of five hours each, evenly spread over each month."""
    return [one for number, many in enumerate(days, start=1)
            for one in spread(date(2026, number, 1), many, 5)]


@pytest.mark.parametrize(
    ("days", "rival", "never", "clairvoyant"),
    [
        ((19, 15) * 6, 457.90, 423.00, 403.50),  # 95 and 75 h
        ((18,) * 12, 424.01, 441.00, 420.00),  # 90 h
        ((16,) * 12, 405.00, 405.00, 405.00),  # 80 h
    ],
)
def test_f11_it_has_no_memory(
    days: tuple[int, ...], rival: float, never: float, clairvoyant: float
) -> None:
    """ALWAYS_ON is 420.00. Five hours a day, the days evenly spread over each month."""
    found = played(year_of(*days), "cost_optimizer", "hold", "always_on", "clairvoyant",
                   "informed", when=YEAR)
    assert round(total(found), 2) == rival
    assert total(found, "hold") == pytest.approx(never)
    assert total(found, "always_on") == pytest.approx(420)
    assert total(found, "clairvoyant") == pytest.approx(clairvoyant)
    assert total(found, "informed") == pytest.approx(clairvoyant)


def test_f11_it_switches_twelve_times_a_year_back_and_forth() -> None:
    found = played(year_of(*(19, 15) * 6), "cost_optimizer", when=YEAR)
    assert changes(found) == [
        (f"{busy:02}-{27 if monthrange(2026, busy)[1] == 31 else 26}", "ALWAYS_ON")
        if turn == 0 else (f"{busy + 1:02}-{monthrange(2026, busy + 1)[1]}", "AUTO_STOP:60")
        for busy in range(1, 12, 2) for turn in (0, 1)][:-1]  # the last is after the year


def test_f11_one_busy_month_in_twelve_is_paid_for_twice() -> None:
    """57 h a month; in March 85 h by the 21st, 10 h on the 22nd and 13 h after it, 108 in all."""
    visits = [one for number in range(1, 13) if number != 3
              for one in spread(date(2026, number, 1), 19, 3)]
    visits += [of_hours(date(2026, 3, day), 5) for day in range(5, 22)]
    visits += [of_hours(date(2026, 3, 22), 10)]
    visits += [of_hours(date(2026, 3, 25), 6), of_hours(date(2026, 3, 27), 7)]
    found = played(visits, "cost_optimizer", "hold", "clairvoyant", when=YEAR)
    assert changes(found) == [("03-22", "ALWAYS_ON"), ("04-30", "AUTO_STOP:60")]
    assert round(total(found), 2) == 351.91
    assert total(found, "hold") == pytest.approx(337.50)
    assert total(found, "clairvoyant") <= total(found, "hold")


def test_f12_two_days_of_work_are_not_a_quiet_month() -> None:
    """Created ALWAYS_ON on 28 March, 9 h on its two working days; 9 h each working day of April."""
    days = [date(2026, 3, 30), date(2026, 3, 31)]
    days += [day for n in range(30) if (day := date(2026, 4, 1) + timedelta(days=n)).weekday() < 5]
    visits = [of_hours(day, 9) for day in days]
    found = played(visits, "cost_optimizer", "hold", when=window("2026-03-01", "2026-05-01"),
                   running_mode="ALWAYS_ON", auto_stop_minutes=None, created_at="2026-03-28 08:00")
    assert changes(found) == [("03-31", "AUTO_STOP:60"), ("04-14", "ALWAYS_ON")]
    assert round(by_month(found)["2026-04"], 2) == 55.42
    assert by_month(found, "hold") == pytest.approx({"2026-03": 35 * 4 / 31, "2026-04": 35})


def worked(hours: float, when: Window) -> list[Span]:
    """So many hours within a month of 31 days, no more than 11 a day and all before 20:00 UTC."""
    days = [(when.start + timedelta(days=n)).date() for n in range(31)]
    whole, rest = divmod(hours, 31)
    many = [whole + (n < rest) for n in range(31)]
    return [of_hours(day, one) for day, one in zip(days, many, strict=True)]


@pytest.mark.parametrize("setting", ["AUTO_STOP", "ALWAYS_ON"])
def test_each_bundle_has_its_limit_and_all_others_are_skipped(setting: str) -> None:
    """Over the limit is over it: so many hours are not, and one more is."""
    kinds = {**THRESHOLDS, "GRAPHICS_G6_XLARGE": 85, "GENERALPURPOSE_4XLARGE": 85}
    assert THRESHOLDS == {"VALUE": 81, "STANDARD": 85, "PERFORMANCE": 80, "POWER": 92,
                          "POWERPRO": 78, "GRAPHICS_G4DN": 334, "GRAPHICSPRO_G4DN": 80}
    minutes = 60 if setting == "AUTO_STOP" else None
    fleet, used = [], {}
    for kind, limit in kinds.items():
        for more in (0, 1):
            name = f"{kind}+{more}"
            fleet.append(workspaces(name, compute_type=kind, running_mode=setting,
                                    auto_stop_minutes=minutes))
            used[name] = worked(limit + more, MARCH)
    with pytest.warns(UserWarning, match="no known price"):
        found = backtest(fleet_sessions(used), ["cost_optimizer"], workspaces=pd.concat(fleet),
                         prices=load_prices(), window=window("2026-03-01", "2026-04-02"))
    changed = set(found.decisions["workspace_id"])
    over = 1 if setting == "AUTO_STOP" else 0
    assert changed == {f"{kind}+{over}" for kind in THRESHOLDS}
    assert (found.decisions["at"] == pd.Timestamp("2026-04-01", tz="UTC")).all()
    assert set(found.decisions["to_setting"]) == {
        "ALWAYS_ON" if setting == "AUTO_STOP" else "AUTO_STOP:60"}


def test_it_goes_back_to_hourly_only_on_the_last_day_of_a_month() -> None:
    """Nobody comes. On 28 February, in the evening, and not before."""
    found = played([], "cost_optimizer", when=window("2026-02-01", "2026-04-01"),
                   running_mode="ALWAYS_ON", auto_stop_minutes=None)
    assert changes(found) == [("02-28", "AUTO_STOP:60")]
    assert by_month(found) == pytest.approx({"2026-02": 35, "2026-03": 9.75})


@pytest.mark.parametrize(
    ("tags", "is_skipped"),
    [('{"Skip_Convert": ""}', True), ('{"team": "a", "Skip_Convert": "yes"}', True), ("{}", False),
     ('{"team": "Skip_Convert"}', False), ('{"skip_convert": ""}', False)],
)
@pytest.mark.parametrize("setting", ["AUTO_STOP", "ALWAYS_ON"])
def test_the_tag_skip_convert_is_heeded(tags: str, is_skipped: bool, setting: str) -> None:
    visits = worked(120, MARCH) if setting == "AUTO_STOP" else []
    found = played(visits, "cost_optimizer", when=window("2026-03-01", "2026-04-02"), tags=tags,
                   running_mode=setting, auto_stop_minutes=60 if setting == "AUTO_STOP" else None)
    assert (changes(found) == []) is is_skipped


def test_maintenance_tips_the_scales_on_the_last_day() -> None:
    """85 h are not over 85; with the hour of maintenance they are, where somebody came at all."""
    around = window("2026-03-01", "2026-04-02")
    for enabled, told in ((False, []), (True, [("03-31", "ALWAYS_ON")])):
        found = played(worked(85, MARCH), "cost_optimizer", when=around,
                       maintenance_enabled=enabled)
        assert changes(found) == told
    low = {"STANDARD": 0}
    assert changes(played([], CostOptimizer(low), when=around, maintenance_enabled=True)) == []


def test_what_it_counted_before_the_backtest_counts() -> None:
    """A month that began before the window is remembered; its days before were seen."""
    visits = worked(120, MARCH)
    found = played(visits, "cost_optimizer", when=window("2026-03-28", "2026-04-01"))
    assert changes(found) == [("03-27", "ALWAYS_ON")]
    assert found.outcomes["switches"].tolist() == [1]
    unknown = played([one for one in visits if one[0] >= at("2026-03-28")], "cost_optimizer",
                     when=window("2026-03-28", "2026-04-01"))
    assert changes(unknown) == []


def test_who_is_new_is_not_looked_at_on_the_day_of_creation() -> None:
    visits = [of_hours(date(2026, 3, day), 9) for day in range(11, 31)]
    found = backtest(
        fleet_sessions({ME: visits, "ws-old": [("2026-02-01", "2026-02-02")]}), ["cost_optimizer"],
        workspaces=pd.concat([workspaces(created_at="2026-03-11 08:00"), workspaces("ws-old")]),
        prices=book(), window=MARCH)
    assert changes(found) == [("03-20", "ALWAYS_ON")]  # 9 h on ten days
    mine = found.outcomes[found.outcomes["workspace_id"] == ME]["total_usd"].item()
    assert mine == pytest.approx(9.75 * 21 / 31 + 90 * 0.30 + 35 * 11 / 31)
