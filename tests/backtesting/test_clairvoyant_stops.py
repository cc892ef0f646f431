"""``clairvoyant:stops=true`` against brute force: all settings by day × all sets of stops."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.build import ME, book, fleet_sessions, window, workspaces
from wsanalytics.backtesting.backtest import backtest
from wsanalytics.billing.bill import bill
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions as sessions_of
from wsanalytics.schedule import STOP, Schedule
from wsanalytics.simulation.fleet import replay

TURN = window("2026-01-31", "2026-02-02")
CHOICES = ("ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120")
Pairs = list[tuple[datetime, datetime]]


@st.composite
def two_days(draw: st.DrawFn) -> Pairs:
    """At most five sessions around midnight of a month's end, with short gaps among them."""
    lengths = draw(st.lists(st.sampled_from([10, 20, 35, 50, 70, 95, 130, 300]), min_size=2,
                            max_size=10))
    at, pairs = TURN.start + timedelta(minutes=draw(st.integers(0, 1800))), []
    for stay, away in zip(lengths[::2], lengths[1::2], strict=False):
        left = at + timedelta(minutes=stay)
        if left >= TURN.end:
            break
        pairs.append((at, left))
        at = left + timedelta(minutes=away)
    return pairs


def cheapest(pairs: Pairs, opens: str, monthly: float, rule: str) -> float:
    """A WorkSpace for every sequence of settings and every set of stops."""
    days, leaves = round(TURN.days), [left for _, left in pairs]
    ways = list(product(product(CHOICES, repeat=days), product([False, True],
                                                               repeat=len(leaves))))
    rows, opening = [], {}
    for number, (told, stops) in enumerate(ways):
        name = f"ws-{number:04}"
        opening[name] = told[0]
        rows += [(name, TURN.start + timedelta(days=day), told[day]) for day in range(1, days)
                 if told[day] != told[day - 1]]
        rows += [(name, left, STOP) for left, stop in zip(leaves, stops, strict=True) if stop]
    frame = pd.DataFrame(rows, columns=["workspace_id", "at", "order"])
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    schedule = Schedule(pd.Series(opening, dtype="str").rename_axis("workspace_id"), frame, "all")
    mine = fleet_sessions({ME: pairs})
    used = pd.concat([mine] * len(opening), ignore_index=True)
    used["workspace_id"] = np.repeat(list(opening), len(mine))
    mode, _, minutes = opens.partition(":")
    fleet = workspaces(*opening, running_mode=mode,
                       auto_stop_minutes=int(minutes) if minutes else None)
    charges = bill(replay(used, [schedule], window=TURN), fleet, book(monthly, 1.0, 0.3),
                   hour_rule=rule)
    return float(charges.groupby("workspace_id", observed=True)["total_usd"].sum().min())


@pytest.mark.parametrize("rule", list(HourRule))
@given(pairs=two_days(), opens=st.sampled_from(CHOICES), monthly=st.sampled_from([20.0, 400.0]))
@settings(max_examples=settings.default.max_examples // 6)
def test_no_set_of_stops_is_cheaper(rule: str, pairs: Pairs, opens: str, monthly: float) -> None:
    mode, _, minutes = opens.partition(":")
    fleet = workspaces(running_mode=mode, auto_stop_minutes=int(minutes) if minutes else None)
    found = backtest(fleet_sessions({ME: pairs}), ["clairvoyant:stops=true"], workspaces=fleet,
                     prices=book(monthly, 1.0, 0.3), window=TURN, hour_rule=rule,
                     timeouts=(60, 120))
    assert found.outcomes["total_usd"].sum() == pytest.approx(
        cheapest(pairs, opens, monthly, rule), abs=1e-6)


@pytest.mark.parametrize("rule", list(HourRule))
def test_it_is_the_floor_for_policies_that_stop_some(rule: str) -> None:
    when = window("2026-01-10", "2026-03-01")
    people = make_people(40, seed=5, window=when)
    used = sessions_of(people, when)
    fleet = workspaces(*(person.workspace_id for person in people))
    found = backtest(used, ["clairvoyant:stops=true", "clairvoyant", "stop_when_idle:minutes=5",
                            "stop_when_idle:minutes=30"], workspaces=fleet, prices=book(),
                     window=when, hour_rule=rule)
    table = found.outcomes.astype({"policy": "str"}).pivot_table(
        index="workspace_id", columns="policy", values="total_usd", aggfunc="sum")
    for other in table.columns:
        assert (table["clairvoyant:stops=true"] <= table[other] + 1e-6).all(), other
