"""Savings: what each setting would save a month, and how far that may be off."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.build import ME, at, book, fleet_sessions, month, window, workspaces
from wsanalytics.billing.bill import bill
from wsanalytics.errors import InputError, NotBilledWarning
from wsanalytics.history.history import configured
from wsanalytics.recommendations.compare import compare
from wsanalytics.settings import ALWAYS_ON, auto_stop, setting_grid
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.results import COMPARISON
from wsanalytics.timeline import Window

GRID = setting_grid(auto_stop_minutes=(60, 240))


def daily(when: Window, hours: Iterable[float], start: int = 9) -> list[tuple[datetime, datetime]]:
    """A session a day from *start* o'clock, as long as *hours* say; 0 for none."""
    days = [when.start + timedelta(days=n, hours=start) for n in range(round(when.days))]
    return [(d, d + timedelta(hours=h)) for d, h in zip(days, hours, strict=False) if h]


def compared(by_id: dict[str, Any], when: Window, fleet: pd.DataFrame, **more: Any) -> pd.DataFrame:
    outcome = replay(fleet_sessions(by_id), GRID, window=when)
    charges = bill(outcome, fleet, book())
    return compare(charges, outcome, fleet, baseline=configured(fleet), **more)


def row(frame: pd.DataFrame, setting: str, of: str = ME) -> Any:
    chosen = frame[(frame["workspace_id"] == of) & (frame["setting"] == setting)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_a_month_by_hand() -> None:
    when = month("2026-02")  # 28 days of 09:00-12:00: 4 clock hours a day with a timeout of 60
    frame = compared({ME: daily(when, [3] * 28)}, when, workspaces())
    assert list(frame) == list(COMPARISON.names)
    mine = row(frame, "AUTO_STOP:60")
    assert mine["billed_hours_per_month"] == 112
    assert mine["usd_per_month"] == pytest.approx(9.75 + 112 * 0.30)
    assert mine["saving_usd_per_month"] == 0
    assert mine["connected_hours_per_month"] == pytest.approx(84)
    flat = row(frame, "ALWAYS_ON")
    assert flat["saving_usd_per_month"] == pytest.approx(43.35 - 35, abs=0.2)
    assert flat["cold_starts_per_week"] == 0
    assert flat["extra_cold_starts_per_week"] == -7
    longer = row(frame, "AUTO_STOP:240")
    assert longer["saving_usd_per_month"] == pytest.approx(-28 * 3 * 0.30, rel=0.02)
    assert longer["sessions"] == 28 and longer["observed_days"] == 28


def test_a_part_of_a_month_is_a_rate_a_month() -> None:
    half = window("2026-06-01", "2026-06-16")  # 15 of 30 days
    frame = compared({ME: daily(half, [3] * 15)}, half, workspaces())
    assert row(frame, "ALWAYS_ON")["usd_per_month"] == pytest.approx(35)
    assert row(frame, "AUTO_STOP:60")["billed_hours_per_month"] == pytest.approx(120)


def test_a_workspace_created_in_the_window_is_judged_by_its_own_days() -> None:
    when = window("2026-05-01", "2026-07-01")
    fleet = workspaces(created_at="2026-06-01 10:00")
    sessions = [(s, e) for s, e in daily(when, [3] * 61) if s >= at("2026-06-01 12:00")]
    mine = row(compared({ME: sessions}, when, fleet), "AUTO_STOP:60")
    assert mine["observed_days"] == 30
    assert mine["usd_per_month"] == pytest.approx(9.75 + 29 * 4 * 0.30)


def test_weeks_that_are_all_alike_leave_no_doubt() -> None:
    when = month("2026-02")
    frame = compared({ME: daily(when, [3] * 28)}, when, workspaces())
    for setting in ("ALWAYS_ON", "AUTO_STOP:240"):
        mine = row(frame, setting)
        spread = 0.045 * (28 * 4 * 0.30)  # months differ in length, no more
        assert mine["saving_usd_per_month"] - mine["saving_low_usd"] <= spread
        assert mine["saving_high_usd"] - mine["saving_usd_per_month"] <= spread
        assert mine["chance_of_loss"] == (setting == "AUTO_STOP:240")


def test_weeks_that_differ_widen_the_interval() -> None:
    when = month("2026-02")
    uneven = [8] * 7 + [0] * 7 + [2] * 7 + [0] * 7
    mine = row(compared({ME: daily(when, uneven)}, when, workspaces()), "ALWAYS_ON")
    assert mine["saving_low_usd"] < mine["saving_usd_per_month"] - 5
    assert mine["saving_high_usd"] > mine["saving_usd_per_month"] + 5
    wide = row(compared({ME: daily(when, uneven)}, when, workspaces(), level=0.95), "ALWAYS_ON")
    assert wide["saving_low_usd"] <= mine["saving_low_usd"]
    assert wide["saving_high_usd"] >= mine["saving_high_usd"]


def test_a_saving_that_goes_with_the_pace_is_as_uncertain_as_the_pace() -> None:
    """Half of the weeks 3 hours a day, half none: ALWAYS_ON saves from 84.2 of 112 h on."""
    when = Window.of_days(date(2026, 2, 1), date(2026, 3, 29))
    hours = ([3] * 7 + [0] * 7) * 4
    frame = compared({ME: daily(when, hours)}, when, workspaces())
    mine, costly = row(frame, "ALWAYS_ON"), row(frame, "AUTO_STOP:240")
    assert mine["saving_low_usd"] < mine["saving_usd_per_month"] < mine["saving_high_usd"]
    assert mine["saving_high_usd"] <= 9.75 + 31 * 4 * 0.30 * 1.1 - 35  # no month has more hours
    assert 0.5 < mine["chance_of_loss"] <= 1  # every other week off: 64 hours a month
    assert costly["chance_of_loss"] > 0.7 and row(frame, "AUTO_STOP:60")["chance_of_loss"] == 0


def test_history_before_a_change_of_use_does_not_count() -> None:
    """A full-time desktop that is used for two hours on Mondays since seven weeks."""
    when = Window.of_days(date(2026, 2, 2), date(2026, 5, 11))  # 14 weeks of Mondays
    hours = [8] * 7 * 7 + [2, 0, 0, 0, 0, 0, 0] * 7
    frame = compared({ME: daily(when, hours)}, when, workspaces(running_mode="ALWAYS_ON",
                                                                 auto_stop_minutes=None))
    mine = row(frame, "AUTO_STOP:60")
    assert mine["counted_from"] == at("2026-03-23")
    days_a_month = 98 / (27 / 28 + 1 + 1 + 10 / 31)
    assert mine["billed_hours_per_month"] == pytest.approx(7 * 3 / 49 * days_a_month, rel=0.001)
    assert mine["usd_per_month"] == pytest.approx(
        9.75 + 0.30 * mine["billed_hours_per_month"], rel=0.001)
    assert mine["saving_usd_per_month"] == pytest.approx(35 - mine["expected_usd_per_month"])
    assert mine["expected_usd_per_month"] == pytest.approx(mine["usd_per_month"], rel=0.4)
    assert mine["cold_starts_per_week"] == pytest.approx(1)
    assert mine["total_usd"] > mine["baseline_usd"]  # over all of the window it would have cost


def test_a_vacation_is_no_change_of_use() -> None:
    when = Window.of_days(date(2026, 2, 2), date(2026, 5, 11))
    hours = [8] * 7 * 6 + [0] * 14 + [8] * 7 * 6
    frame = compared({ME: daily(when, hours)}, when, workspaces())
    assert frame["counted_from"].isna().all()


def test_no_order_matters_and_neighbours_for_what_is_expected_alone() -> None:
    when = month("2026-02")
    sessions = {"ws-a": daily(when, [8] * 7 + [0] * 7 + [2] * 14), "ws-b": daily(when, [1] * 28)}
    both = compared(sessions, when, workspaces("ws-a", "ws-b"))
    alone = compared({"ws-a": sessions["ws-a"]}, when, workspaces("ws-a"))
    other = compared(dict(reversed(sessions.items())), when, workspaces("ws-b", "ws-a"))
    pd.testing.assert_frame_equal(both, other)
    first = both[both["workspace_id"] == "ws-a"].reset_index(drop=True)
    pooled = ["saving_usd_per_month", "saving_low_usd", "saving_high_usd", "chance_of_loss",
              "expected_usd_per_month", "expected_hours_per_month"]
    pd.testing.assert_frame_equal(first.drop(columns=pooled), alone.drop(columns=pooled))


@given(st.lists(st.sampled_from([0, 0.5, 3, 8]), min_size=28, max_size=28))
def test_the_saving_lies_in_its_interval(hours: list[float]) -> None:
    when = month("2026-02")
    frame = compared({ME: daily(when, hours)}, when, workspaces())
    assert (frame["saving_low_usd"] <= frame["saving_usd_per_month"]).all()
    assert (frame["saving_usd_per_month"] <= frame["saving_high_usd"]).all()


def test_without_a_price_there_is_no_saving_but_there_are_cold_starts() -> None:
    when = month("2026-02")
    fleet = workspaces(region="mars-north-1")
    outcome = replay(fleet_sessions({ME: daily(when, [3] * 28)}), GRID, window=when)
    with pytest.warns(UserWarning, match="ws-me"):
        charges = bill(outcome, fleet, book())
    frame = compare(charges, outcome, fleet, baseline=configured(fleet))
    assert frame["saving_usd_per_month"].isna().all()
    assert row(frame, "AUTO_STOP:60")["cold_starts_per_week"] == 7


def test_a_present_setting_that_was_not_replayed_is_answered_with_the_repair() -> None:
    when, fleet = month("2026-02"), workspaces(auto_stop_minutes=180)
    sessions = fleet_sessions({ME: daily(when, [3])})
    outcome = replay(sessions, [ALWAYS_ON, auto_stop(60)], window=when)
    charges = bill(outcome, fleet, book())
    with pytest.raises(InputError, match=r"1 WorkSpace with AUTO_STOP:180.*add 180 to auto_stop_"):
        compare(charges, outcome, fleet, baseline=configured(fleet))
    with pytest.raises(InputError, match="no present setting: ws-me"):
        compare(charges, outcome, fleet, baseline=configured(fleet).iloc[:0])
    with pytest.raises(InputError, match="level"):
        compare(charges, outcome, fleet, baseline=configured(fleet), level=80)


def test_where_nobody_is_simulated_there_is_nothing_to_compare() -> None:
    when = month("2026-02")
    fleet = workspaces(running_mode="MANUAL", auto_stop_minutes=None)
    with pytest.warns(NotBilledWarning):
        frame = compared({ME: daily(when, [3] * 28)}, when, fleet)
    assert frame.empty and list(frame) == list(COMPARISON.names)
