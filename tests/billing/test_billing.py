"""Every rule of the bill, as a story with its sum. Prices: $35.00, or $9.75 + $0.30 an hour."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.helpers.build import (
    ME,
    book,
    charge,
    fleet_sessions,
    hours,
    month,
    sessions,
    window,
    workspaces,
)
from wsanalytics.billing.bill import bill
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.errors import InputError, NotBilledWarning, UnpricedWarning
from wsanalytics.prices.book import load_prices
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.check_sessions import check_sessions

MARCH = month("2026-03")
WORKDAY = [("2026-03-10 09:00", "2026-03-10 16:00")]
RULES = ["clock_hour", "ceil_per_run", "exact"]


def test_always_on_is_a_flat_fee_without_hours_or_cold_starts() -> None:
    bill_of_march = charge(WORKDAY, "ALWAYS_ON", MARCH).loc["2026-03"]
    assert bill_of_march.to_dict() == {
        "billed_hours": 0, "cold_starts": 0, "fixed_usd": 35, "hourly_usd": 0, "total_usd": 35,
    }


def test_auto_stop_is_a_fee_and_eight_hours_for_a_day_of_seven_and_its_idle_hour() -> None:
    bill_of_march = charge(WORKDAY, "AUTO_STOP:60", MARCH).loc["2026-03"]
    assert bill_of_march["billed_hours"] == 8
    assert bill_of_march["cold_starts"] == 1
    assert bill_of_march["fixed_usd"] == 9.75
    assert bill_of_march["hourly_usd"] == pytest.approx(2.40)
    assert bill_of_march["total_usd"] == pytest.approx(12.15)


def test_an_unused_workspace_owes_the_fee_alone() -> None:
    assert charge([], "AUTO_STOP:60", MARCH).loc["2026-03"].tolist() == [0, 0, 9.75, 0, 9.75]


@pytest.mark.parametrize(
    ("rule", "by_month"), [("clock_hour", [2, 2]), ("ceil_per_run", [2, 2]), ("exact", [1.25, 1.5])]
)
def test_a_run_over_the_first_is_two_pieces_each_rounded_by_itself(
    rule: str, by_month: list[float]
) -> None:
    """22:45 to 00:30 and the idle hour to 01:30: uncut it would be 3 hours when rounded up."""
    across = [("2026-03-31 22:45", "2026-04-01 00:30")]
    charges = charge(across, "AUTO_STOP:60", window("2026-03-01", "2026-05-01"), hour_rule=rule)
    assert charges["billed_hours"].tolist() == by_month
    assert charges["cold_starts"].tolist() == [1, 0]


def test_a_leap_day_belongs_to_february_and_new_year_turns_the_month() -> None:
    leap = charge([("2024-02-29 22:00", "2024-02-29 23:00")], "AUTO_STOP:60",
                  window("2024-02-28", "2024-03-02"))
    assert leap["billed_hours"].to_dict() == {"2024-02": 2, "2024-03": 0}
    new_year = charge([("2025-12-31 23:00", "2025-12-31 23:30")], "AUTO_STOP:60",
                      window("2025-12-31", "2026-01-02"))
    assert new_year["billed_hours"].to_dict() == {"2025-12": 1, "2026-01": 1}


@pytest.mark.parametrize(
    ("rule", "billed"), [("clock_hour", 2), ("ceil_per_run", 2), ("exact", 1.25)]
)
def test_the_windows_end_cuts_a_session_and_its_idle_time(rule: str, billed: float) -> None:
    late = [("2026-03-10 22:45", "2026-03-11 03:00")]
    assert hours(late, "AUTO_STOP:240", window("2026-03-10", "2026-03-11"), rule) == billed


def test_a_session_that_goes_on_at_the_windows_start_connects_cold_at_that_instant() -> None:
    overnight = [("2026-03-09 20:00", "2026-03-10 01:00")]
    charges = charge(overnight, "AUTO_STOP:60", window("2026-03-10", "2026-03-11"))
    assert charges["billed_hours"].tolist() == [2]
    assert charges["cold_starts"].tolist() == [1]


def test_sessions_outside_the_window_leave_no_trace_not_even_their_idle_time() -> None:
    """The evening before ends at the very edge; its idle hour is not carried in."""
    outside = [("2026-03-09 20:00", "2026-03-10 00:00"), ("2026-03-11 00:00", "2026-03-11 01:00")]
    charges = charge(outside, "AUTO_STOP:60", window("2026-03-10", "2026-03-11"))
    assert charges[["billed_hours", "cold_starts"]].to_numpy().tolist() == [[0, 0]]


def test_two_runs_in_one_clock_hour_are_one_clock_hour_but_two_when_rounded_by_run() -> None:
    """08:10-10:20 and 10:40-12:00, idle hours included: 8, 9, 10, 11 o'clock; 3 and 2 hours."""
    visits = [("2026-03-10 08:10", "2026-03-10 09:20"), ("2026-03-10 10:40", "2026-03-10 11:00")]
    assert hours(visits, "AUTO_STOP:60", MARCH, "clock_hour") == 4
    assert hours(visits, "AUTO_STOP:60", MARCH, "ceil_per_run") == 5
    assert hours(visits, "AUTO_STOP:60", MARCH, "exact") == pytest.approx(3.5)


def test_a_month_that_the_window_covers_in_part_owes_its_fee_by_the_day() -> None:
    """17 January to 10 March: 15 of 31 days, all of February, 9 of 31 days."""
    when = window("2026-01-17", "2026-03-10")
    assert charge([], "ALWAYS_ON", when)["fixed_usd"].tolist() == pytest.approx(
        [35 * 15 / 31, 35, 35 * 9 / 31]
    )
    assert charge([], "AUTO_STOP:60", when)["fixed_usd"].tolist() == pytest.approx(
        [9.75 * 15 / 31, 9.75, 9.75 * 9 / 31]
    )


@pytest.mark.parametrize("setting", ["ALWAYS_ON", "AUTO_STOP:60"])
def test_the_month_of_creation_owes_the_days_left_in_either_mode(setting: str) -> None:
    """Created on the 20th of April, at whatever hour: 11 of 30 days; nothing before, all after."""
    prices = book(monthly=30, fee=30)
    for created_at in ("2026-04-20", "2026-04-20 23:59"):
        charges = charge([], setting, window("2026-03-01", "2026-06-01"), prices=prices,
                         created_at=created_at)
        assert charges["fixed_usd"].tolist() == pytest.approx([0, 11, 30])


def test_created_on_the_first_owes_the_whole_month() -> None:
    assert charge([], "ALWAYS_ON", MARCH, created_at="2026-03-01 18:00")["fixed_usd"].item() == 35


def test_the_windows_cut_comes_on_top_of_the_month_of_creation() -> None:
    """11 of 30 days owed for April, of which the window covers 15 of 30 days."""
    charges = charge([], "ALWAYS_ON", window("2026-04-16", "2026-05-01"), prices=book(monthly=60),
                     created_at="2026-04-20")
    assert charges["fixed_usd"].item() == pytest.approx(60 * 11 / 30 * 15 / 30)


@pytest.mark.parametrize("last_day", ["2026-04-02 10:00", "2026-04-30 23:00", "2026-04-01"])
def test_the_month_of_termination_owes_its_full_fee_and_later_ones_nothing(last_day: str) -> None:
    charges = charge([], "ALWAYS_ON", window("2026-03-01", "2026-06-01"), terminated_at=last_day)
    assert charges["fixed_usd"].tolist() == [35, 35, 0]


def test_created_on_the_20th_and_gone_on_the_21st_owes_the_20th_to_the_months_end() -> None:
    charges = charge([], "AUTO_STOP:60", window("2026-04-01", "2026-06-01"), prices=book(fee=30),
                     created_at="2026-04-20 09:00", terminated_at="2026-04-21 09:00")
    assert charges["fixed_usd"].tolist() == pytest.approx([11, 0])


# Maintenance. The third Monday of March 2026 is the 16th; of April, the 20th; of June 2026 (which
# begins on a Monday) the 15th.


def test_maintenance_bills_one_hour_to_a_workspace_that_nobody_used() -> None:
    charges = charge([], "AUTO_STOP:60", MARCH, maintenance_enabled=True).loc["2026-03"]
    assert charges["billed_hours"] == 1
    assert charges["hourly_usd"] == pytest.approx(0.30)
    assert charges["cold_starts"] == 0


def test_maintenance_is_one_hour_more_than_the_use_in_every_month() -> None:
    when = window("2026-03-01", "2026-07-01")
    charges = charge(WORKDAY, "AUTO_STOP:60", when, maintenance_enabled=True)
    assert charges["billed_hours"].tolist() == [9, 1, 1, 1]


def test_maintenance_may_be_said_to_take_longer_and_never_bills_always_on() -> None:
    long = charge([], "AUTO_STOP:60", MARCH, maintenance_enabled=True, maintenance_hours=5)
    assert long["billed_hours"].item() == 5
    none = charge([], "AUTO_STOP:60", MARCH, maintenance_enabled=True, maintenance_hours=0)
    assert none["billed_hours"].item() == 0
    flat = charge([], "ALWAYS_ON", MARCH, maintenance_enabled=True, maintenance_hours=5)
    assert flat[["billed_hours", "hourly_usd"]].to_numpy().tolist() == [[0, 0]]


def test_without_the_directorys_maintenance_mode_nothing_is_billed() -> None:
    assert charge([], "AUTO_STOP:60", MARCH, maintenance_enabled=False)["billed_hours"].item() == 0


@pytest.mark.parametrize(
    ("start", "end", "billed"),
    [
        ("2026-03-16", "2026-03-17", 1),
        ("2026-03-16 00:01", "2026-04-01", 0),  # that Monday is not covered, only touched
        ("2026-03-01", "2026-03-16 12:00", 0),
        ("2026-03-17", "2026-04-01", 0),
        ("2026-03-01", "2026-03-16", 0),
        ("2026-06-15", "2026-06-16", 1),
        ("2026-06-01", "2026-06-15", 0),
        ("2026-06-16", "2026-06-30", 0),
    ],
)
def test_maintenance_falls_in_months_whose_third_monday_the_window_covers(
    start: str, end: str, billed: int
) -> None:
    charges = charge([], "AUTO_STOP:60", window(start, end), maintenance_enabled=True)
    assert charges["billed_hours"].item() == billed


@pytest.mark.parametrize(
    ("created_at", "billed"),
    [
        ("2026-03-08 23:59", 1),
        ("2026-03-09 00:00", 0),  # exactly seven days old on the third Monday
        ("2026-03-09 00:01", 0),
        ("2026-03-20", 0),
    ],
)
def test_maintenance_needs_a_workspace_over_seven_days_old(created_at: str, billed: int) -> None:
    charges = charge([], "AUTO_STOP:60", window("2026-03-01", "2026-05-01"),
                     maintenance_enabled=True, created_at=created_at)
    assert charges["billed_hours"].tolist() == [billed, 1]


def test_a_terminated_workspace_has_no_maintenance() -> None:
    charges = charge([], "AUTO_STOP:60", window("2026-03-01", "2026-05-01"),
                     maintenance_enabled=True, terminated_at="2026-03-02")
    assert charges["billed_hours"].tolist() == [0, 0]


# Rows, warnings and refusals.


def test_there_is_a_row_for_every_setting_workspace_and_month_zeros_included() -> None:
    outcome = replay(sessions(*WORKDAY, of="ws-b"), ["AUTO_STOP:120", "ALWAYS_ON", "AUTO_STOP:60"],
                     window=window("2026-03-31", "2026-04-02"))
    charges = bill(outcome, workspaces("ws-b", "ws-a"), book())
    assert list(charges.columns) == [
        "setting", "workspace_id", "month", "billed_hours", "cold_starts", "fixed_usd",
        "hourly_usd", "total_usd",
    ]
    assert charges[["setting", "workspace_id", "month"]].to_numpy().tolist() == [
        [setting, name, label]
        for setting in ("ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120")
        for name in ("ws-a", "ws-b")
        for label in ("2026-03", "2026-04")
    ]
    assert (charges["billed_hours"] == 0).all()
    assert not charges.isna().any(axis=None)


def test_manual_and_standby_workspaces_have_no_rows_and_are_named() -> None:
    fleet = pd.concat([
        workspaces("ws-core", running_mode="MANUAL"), workspaces("ws-spare", standby=True),
        workspaces("ws-used"),
    ])
    used = fleet_sessions(dict.fromkeys(["ws-core", "ws-spare", "ws-used"], WORKDAY))
    outcome = replay(used, ["AUTO_STOP:60"], window=MARCH)
    with pytest.warns(NotBilledWarning, match=r"ws-core.*ws-spare"):
        charges = bill(outcome, fleet, book())
    assert charges["workspace_id"].tolist() == ["ws-used"]
    assert charges["billed_hours"].tolist() == [8]


@pytest.mark.parametrize(
    "unknown",
    [{"region": "eu-west-1"}, {"operating_system": "UBUNTU"}, {"license": "byol"},
     {"user_gib": 40}, {"compute_type": "GENERALPURPOSE_4XLARGE"}],
)
def test_a_workspace_without_a_price_keeps_its_hours_and_is_named(
    unknown: dict[str, object]
) -> None:
    fleet = pd.concat([workspaces("ws-odd", **unknown), workspaces("ws-priced")])
    used = fleet_sessions(dict.fromkeys(["ws-odd", "ws-priced"], WORKDAY))
    outcome = replay(used, ["ALWAYS_ON", "AUTO_STOP:60"], window=MARCH)
    with pytest.warns(UnpricedWarning, match="1 .*ws-odd"):
        charges = bill(outcome, fleet, book()).set_index(["workspace_id", "setting"])
    assert charges.loc["ws-odd", "billed_hours"].tolist() == [0, 8]
    assert charges.loc["ws-odd", "cold_starts"].tolist() == [0, 1]
    assert charges.loc["ws-odd", ["fixed_usd", "hourly_usd", "total_usd"]].isna().all(axis=None)
    assert charges.loc["ws-priced", "total_usd"].tolist() == pytest.approx([35, 12.15])


def test_a_session_of_an_unknown_workspace_is_refused_by_name() -> None:
    outcome = replay(sessions(*WORKDAY, of="ws-stranger"), ["AUTO_STOP:60"], window=MARCH)
    with pytest.raises(InputError, match="ws-stranger"):
        bill(outcome, workspaces(), book())


def test_an_hour_rule_that_does_not_exist_is_refused() -> None:
    outcome = replay(sessions(*WORKDAY), ["AUTO_STOP:60"], window=MARCH)
    with pytest.raises(InputError, match="by_the_minute"):
        bill(outcome, workspaces(), book(), hour_rule="by_the_minute")


def test_the_contracts_hour_rules_exist() -> None:
    assert {"clock_hour", "ceil_per_run", "exact"} <= {str(rule) for rule in HourRule}


def test_overlapping_sessions_are_refused_and_touching_ones_are_one() -> None:
    touching = [("2026-03-10 09:00", "2026-03-10 12:00"), ("2026-03-10 12:00", "2026-03-10 16:00")]
    one = charge(touching, "AUTO_STOP:60", MARCH).loc["2026-03"]
    assert (one["billed_hours"], one["cold_starts"]) == (8, 1)
    with pytest.raises(InputError, match="overlap"):
        check_sessions(sessions(("2026-03-10 09:00", "2026-03-10 12:01"), touching[1]))


@pytest.mark.parametrize("rule", RULES)
def test_the_total_is_fixed_plus_hourly_to_the_last_bit(rule: str) -> None:
    charges = charge([("2026-01-20 09:10", "2026-03-05 17:20")], "AUTO_STOP:120",
                     window("2026-01-17", "2026-03-09"), hour_rule=rule,
                     prices=book(fee=9.7533, hourly=0.3071))
    assert (charges["total_usd"] == charges["fixed_usd"] + charges["hourly_usd"]).all()
    assert (charges["hourly_usd"] == charges["billed_hours"] * 0.3071).all()


def test_amounts_are_not_rounded() -> None:
    share = charge([], "ALWAYS_ON", window("2026-03-01", "2026-03-02"))["fixed_usd"].item()
    assert math.isclose(share, 35 / 31, rel_tol=1e-12)


def test_the_list_prices_of_us_east_1_bill_the_same_story() -> None:
    """AWS price page, Standard 80+50 GB in us-east-1: 35, or 9.75 + 0.30."""
    outcome = replay(sessions(*WORKDAY), ["ALWAYS_ON", "AUTO_STOP:60"], window=MARCH)
    charges = bill(outcome, workspaces(), load_prices("us-east-1"))
    assert charges["workspace_id"].tolist() == [ME, ME]
    assert charges["total_usd"].tolist() == pytest.approx([35, 12.15])
