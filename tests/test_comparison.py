"""Savings: what each setting would save a month, and how far that may be off."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import ME, at, book, fleet_sessions, month, window, workspaces
from wsanalytics.billing import bill
from wsanalytics.comparison import compare
from wsanalytics.errors import InputError
from wsanalytics.history import configured
from wsanalytics.settings import ALWAYS_ON, auto_stop, setting_grid
from wsanalytics.simulate.fleet import replay
from wsanalytics.tables import COMPARISON
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
    assert flat["saving_usd_per_month"] == pytest.approx(43.35 - 35)
    assert flat["cold_starts_per_week"] == 0
    assert flat["extra_cold_starts_per_week"] == -7
    longer = row(frame, "AUTO_STOP:240")
    assert longer["saving_usd_per_month"] == pytest.approx(-28 * 3 * 0.30)
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
        assert mine["saving_low_usd"] == pytest.approx(mine["saving_usd_per_month"])
        assert mine["saving_high_usd"] == pytest.approx(mine["saving_usd_per_month"])


def test_weeks_that_differ_widen_the_interval() -> None:
    when = month("2026-02")
    uneven = [8] * 7 + [0] * 7 + [2] * 7 + [0] * 7
    mine = row(compared({ME: daily(when, uneven)}, when, workspaces()), "ALWAYS_ON")
    assert mine["saving_low_usd"] < mine["saving_usd_per_month"] - 5
    assert mine["saving_high_usd"] > mine["saving_usd_per_month"] + 5
    wide = row(compared({ME: daily(when, uneven)}, when, workspaces(), level=0.95), "ALWAYS_ON")
    assert wide["saving_low_usd"] <= mine["saving_low_usd"]
    assert wide["saving_high_usd"] >= mine["saving_high_usd"]


def test_the_interval_is_that_of_resampled_weeks() -> None:
    """Two kinds of weeks in equal number: the mean of n draws is binomial, known in closed form."""
    when = Window.of_days(date(2026, 2, 1), date(2026, 3, 29))  # 56 days in 2 months
    hours = ([3] * 7 + [0] * 7) * 4
    mine = row(compared({ME: daily(when, hours)}, when, workspaces(), level=0.8), "ALWAYS_ON")
    months = 1 + 28 / 31
    weekly = 7 * 4 * 0.30
    draws = np.random.default_rng(1).binomial(8, 0.5, size=200_000) * weekly / months
    fixed = 9.75 - 35
    low, high = np.quantile(draws, [0.1, 0.9]) + fixed
    assert mine["saving_low_usd"] == pytest.approx(low, abs=0.01)
    assert mine["saving_high_usd"] == pytest.approx(high, abs=0.01)


def test_neither_order_nor_neighbours_matter() -> None:
    when = month("2026-02")
    sessions = {"ws-a": daily(when, [8] * 7 + [0] * 7 + [2] * 14), "ws-b": daily(when, [1] * 28)}
    both = compared(sessions, when, workspaces("ws-a", "ws-b"))
    alone = compared({"ws-a": sessions["ws-a"]}, when, workspaces("ws-a"))
    other = compared(dict(reversed(sessions.items())), when, workspaces("ws-b", "ws-a"))
    pd.testing.assert_frame_equal(both, other)
    first = both[both["workspace_id"] == "ws-a"].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, alone)


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
