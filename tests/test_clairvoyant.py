"""The floor: no sequence of settings costs less, under any hour rule; tried by brute force."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import ME, at, book, fleet_sessions, window, workspaces
from wsanalytics.billing import bill
from wsanalytics.hourrules import HourRule
from wsanalytics.schedule import Schedule
from wsanalytics.simulate.backtest import backtest
from wsanalytics.simulate.fleet import replay
from wsanalytics.timeline import Window

CHOICES = ("ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120")
DAY = timedelta(days=1)


def every_sequence(when: Window) -> list[Schedule]:
    """A schedule for every sequence of daily settings, the first one in force from the start."""
    days = round(when.days)
    found = []
    for number, chosen in enumerate(product(CHOICES, repeat=days)):
        orders = [(ME, when.start + day * DAY, chosen[day]) for day in range(1, days)
                  if chosen[day] != chosen[day - 1]]
        frame = pd.DataFrame(orders, columns=["workspace_id", "at", "order"])
        frame["at"] = pd.to_datetime(frame["at"], utc=True)
        opening = pd.Series({ME: chosen[0]}, dtype="str").rename_axis("workspace_id")
        found.append(Schedule(opening, frame, f"sequence {number}"))
    return found


def least_of_all(pairs: pd.DataFrame, when: Window, fleet: pd.DataFrame, rule: str,
                 prices: object) -> float:
    played = replay(pairs, every_sequence(when), window=when)
    charges = bill(played, fleet, prices, hour_rule=rule)  # type: ignore[arg-type]  # a PriceBook
    return float(charges.groupby("setting", observed=True)["total_usd"].sum().min())


@st.composite
def days_of_use(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Sessions over four days around a month's turn, some over midnight, gaps of all lengths."""
    minutes = sorted(draw(st.lists(st.integers(0, 4 * 24 * 12), min_size=2, max_size=14,
                                   unique=True)))
    starts = at("2026-01-30")
    pairs = list(zip(minutes[::2], minutes[1::2], strict=False))
    return [(starts + timedelta(minutes=5 * a + draw(st.integers(0, 2))),
             starts + timedelta(minutes=5 * b - draw(st.integers(0, 2)))) for a, b in pairs]


@pytest.mark.parametrize("rule", list(HourRule))
@given(pairs=days_of_use(), monthly=st.sampled_from([2.0, 20.0, 60.0, 400.0]),
       opens=st.sampled_from(CHOICES))
@settings(max_examples=25, deadline=None)
def test_brute_force_finds_nothing_cheaper_and_nothing_else(
    rule: str, pairs: list[tuple[str, str]], monthly: float, opens: str
) -> None:
    when = window("2026-01-30", "2026-02-03")
    prices = book(monthly=monthly, fee=1.0, hourly=0.3)
    mode, _, minutes = opens.partition(":")
    fleet = workspaces(running_mode=mode, auto_stop_minutes=int(minutes) if minutes else None)
    used = fleet_sessions({ME: pairs})
    found = backtest(used, ["clairvoyant"], workspaces=fleet, prices=prices, window=when,
                     hour_rule=rule, timeouts=(60, 120))
    assert found.outcomes["total_usd"].sum() == pytest.approx(
        least_of_all(used, when, fleet, rule, prices), abs=1e-6)
