"""Rules of the house bind policies: in a backtest, and in what is decided for a plan alike."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from tests.backtesting.backtests import SEE_THE_PAST, WINDOW, invented, played, prices
from tests.backtesting.test_decide import PLAYED, Watched
from tests.helpers.build import fleet_sessions, window, workspaces
from wsanalytics.backtesting.backtest import backtest
from wsanalytics.backtesting.decide import decide
from wsanalytics.rules.book import RuleBook

BOOK = RuleBook.of([
    {"name": "design", "bundle": "wsb-design", "least-timeout": 120},
    {"name": "trading", "bundle": "wsb-trading", "least-timeout": 480, "never-stop": True},
    {"name": "kiosk", "bundle": "wsb-kiosk", "setting": "AUTO_STOP:300"},
    {"name": "board", "bundle": "wsb-board", "leave-alone": True},
    {"name": "hourly", "bundle": "wsb-hourly", "never-always-on": True},
    {"name": "patient", "bundle": "wsb-patient", "most-cold-starts-per-week": 3},
])
KINDS = ("", "design", "trading", "kiosk", "board", "hourly", "patient")


def fleet() -> pd.DataFrame:
    rows = invented()[1].copy()
    rows["bundle_id"] = [f"wsb-{KINDS[number % len(KINDS)]}" for number in range(len(rows))]
    return rows


def chosen_by(policy: str, **more: object) -> dict[str, set[str]]:
    """What each kind of WorkSpace was set to, from the second day on."""
    watched, rows = Watched(policy), fleet()
    played(watched, fleet=rows, rules=BOOK, **more)
    kind = dict(zip(rows["workspace_id"], rows["bundle_id"].str[4:], strict=True))
    found: dict[str, set[str]] = {name: set() for name in KINDS}
    is_later = [day for day in watched.before if day > WINDOW.start + timedelta(days=60)]
    for day in is_later or list(watched.before)[1:]:
        for name, setting in watched.before[day].items():
            found[kind[str(name)]].add(str(setting))
    return found


@pytest.mark.parametrize("policy", ["forecast", "cost_optimizer", "auto_stop:60", "always_on",
                                    "cheapest_fixed:days=28", "break_even", "hold"])
def test_no_policy_breaks_a_rule(policy: str) -> None:
    found = chosen_by(policy)
    timed = {kind: {int(text[10:]) for text in texts if text != "ALWAYS_ON"}
             for kind, texts in found.items()}
    assert min(timed["design"], default=120) >= 120
    assert min(timed["trading"], default=480) >= 480
    assert found["kiosk"] == {"AUTO_STOP:300"}
    assert "ALWAYS_ON" not in found["hourly"]


@pytest.mark.parametrize("policy", ["forecast", "cheapest_fixed:days=28"])
def test_what_a_rule_brings_in_is_for_its_own_alone(policy: str) -> None:
    rows = fleet()
    changes = played(policy, fleet=rows, rules=BOOK).decisions
    bundle = changes["workspace_id"].map(rows.set_index("workspace_id")["bundle_id"])
    others = changes[~bundle.isin(["wsb-trading", "wsb-kiosk"])]
    assert len(others) >= 10
    assert not others["to_setting"].isin(["AUTO_STOP:300", "AUTO_STOP:480"]).any()


def test_who_is_left_alone_stays_as_listed() -> None:
    rows = fleet()
    found = played("always_on", fleet=rows, rules=BOOK)
    changed = set(found.decisions["workspace_id"])
    assert not changed & set(rows.loc[rows["bundle_id"] == "wsb-board", "workspace_id"])
    assert changed


def test_without_a_rule_nothing_is_other_than_before() -> None:
    rows = fleet()
    for policy in ("forecast", "stop_when_idle:minutes=15"):
        free = played(policy, fleet=rows).outcomes
        for book in (RuleBook(), RuleBook.of([{"name": "none", "bundle": "wsb-none",
                                               "least-timeout": 480}])):
            pd.testing.assert_frame_equal(free, played(policy, fleet=rows, rules=book).outcomes)


def test_who_is_never_stopped_runs_on() -> None:
    rows = fleet()
    costs = {name: played("stop_when_idle:minutes=15", "hold", fleet=rows, rules=book).outcomes
             for name, book in (("free", None), ("bound", RuleBook.of(
                 [{"name": "trading", "bundle": "wsb-trading", "never-stop": True}])))}
    trading = set(rows.loc[rows["bundle_id"] == "wsb-trading", "workspace_id"])

    def hours(name: str, policy: str, *, of_trading: bool) -> float:
        frame = costs[name]
        mine = frame["workspace_id"].isin(trading) == of_trading
        return float(frame.loc[mine & (frame["policy"] == policy), "billed_hours"].sum())

    stops = "stop_when_idle:minutes=15"
    assert hours("bound", stops, of_trading=True) == hours("bound", "hold", of_trading=True)
    assert hours("free", stops, of_trading=True) < hours("free", "hold", of_trading=True)
    assert hours("bound", stops, of_trading=False) == hours("free", stops, of_trading=False)


@pytest.mark.parametrize("name", [*SEE_THE_PAST, "cheapest_fixed:days=28"])
def test_a_plan_decides_what_a_backtest_did_on_that_day(name: str) -> None:
    sessions, rows = invented()[0], fleet()
    watched = Watched(name)
    backtest(sessions, [watched], workspaces=rows, prices=prices(), window=PLAYED, rules=BOOK)
    frames = [series.rename("setting").rename_axis("workspace_id").reset_index().assign(
        since=day - timedelta(days=1)) for day, series in watched.before.items()]
    settings = pd.concat(frames)
    days = [day for day in watched.before
            if day.day in {1, 6, 17} and day + timedelta(days=1) in watched.before]
    assert len(days) > 5
    for day in days:
        told = decide(name, sessions, workspaces=rows, prices=prices(), at=day, rules=BOOK,
                      present=watched.before[day],
                      settings=settings[settings["since"] < pd.Timestamp(day)]).settings
        after = watched.before[day + timedelta(days=1)].astype("str")
        both = after.index.intersection(told.index)
        assert len(both) > 30
        found, expected = told.loc[both, "from_now"], after[both]
        assert (found == expected).all(), (day, found[found != expected])


def test_cold_starts_are_counted_by_what_was_seen() -> None:
    days = [f"2026-02-{day:02}" for day in range(1, 15)]
    once = [(f"{day} 09:00", f"{day} 10:00") for day in days]
    twice = [*once, *((f"{day} 15:00", f"{day} 16:00") for day in days)]
    rows = workspaces("ws-a", "ws-b", running_mode="ALWAYS_ON", auto_stop_minutes=None)
    found = backtest(
        fleet_sessions({"ws-a": once, "ws-b": sorted(twice)}), ["auto_stop:60", "auto_stop:480"],
        workspaces=rows, prices=prices(), window=window("2026-02-15", "2026-02-17"),
        rules=RuleBook.of([{"name": "patient", "most-cold-starts-per-week": 8}])).decisions
    assert list(zip(found["policy"], found["workspace_id"], strict=True)) == [
        ("auto_stop:60", "ws-a"),  # 7 a week; the other would wait 14 times
        ("auto_stop:480", "ws-a"), ("auto_stop:480", "ws-b")]
