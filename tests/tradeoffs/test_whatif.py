"""What if: every answer is the one that bill and frontier give, asked anew."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wsanalytics as ws
from tests.helpers.build import ME, at, book, fleet_sessions, sample, sessions, window, workspaces
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.errors import InputError
from wsanalytics.history.checks import check_workspaces
from wsanalytics.history.history import configured
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions as lived
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.settings import setting_grid
from wsanalytics.tradeoffs.answer import Answer
from wsanalytics.tradeoffs.what_if import TIMEOUTS, WhatIf

WHEN = window("2026-02-11", "2026-04-06")  # neither its first nor its last month is whole
BOOKS = {"list": book(), "ours": book(28.0, 8.0, 0.22)}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a few are MANUAL or have no price
        yield


@cache
def fleet() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A small invented fleet with all there is: new ones, gone ones, unpriced and MANUAL ones."""
    people = make_people(24, seed=5, window=WHEN)
    base = make_workspaces(people, seed=5, window=WHEN).assign(
        region="us-east-1", compute_type="STANDARD", operating_system="WINDOWS",
        license="included", root_gib=80, user_gib=50, maintenance_enabled=True)
    used = lived(people, WHEN)
    base.loc[0, "region"] = "mars-north-1"
    base.loc[1, ["running_mode", "auto_stop_minutes"]] = "MANUAL", pd.NA
    base.loc[2, "terminated_at"] = pd.Timestamp(at("2026-03-20"))
    base.loc[3, "created_at"] = pd.Timestamp(at("2026-05-01"))
    base.loc[4, ["running_mode", "auto_stop_minutes"]] = "AUTO_STOP", 1440
    used = used[used["workspace_id"] != base.loc[3, "workspace_id"]]
    gone = base.loc[2, "workspace_id"]
    used = used[(used["workspace_id"] != gone) | (used["disconnected_at"] < at("2026-03-20"))]
    return check_workspaces(base, priced=["STANDARD"]), used.reset_index(drop=True)


def analysed(**limits: Any) -> ws.Analysis:
    base, used = fleet()
    return ws.analyse(used, base, window=WHEN, prices=BOOKS["list"],
                      limits=ws.Limits(**limits) if limits else None)


@cache
def whole() -> WhatIf:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return ws.what_if(analysed(), timeouts=TIMEOUTS, prices=BOOKS)


def anew(
    timeouts: tuple[int, ...] = TIMEOUTS, always_on: bool = True, hour_rule: str = "clock_hour",
    prices: str = "list", discount: float = 0.0, **limits: Any
) -> tuple[Any, Any]:
    """The frontier and the choice that are found by replaying and billing all of it again."""
    base, used = fleet()
    found = ws.frontier(
        used, base, window=WHEN, prices=BOOKS[prices].discounted(discount), policies=[],
        settings=setting_grid(auto_stop_minutes=timeouts, always_on=always_on),
        hour_rule=hour_rule)
    return found, found.choose(**limits)


def same(answer: Answer, found: Any, choice: Any) -> None:
    for name in ("options", "fleet_options", "fleet_points"):
        pd.testing.assert_frame_equal(getattr(answer.frontier, name), getattr(found, name),
                                      check_categorical=False, rtol=1e-9, atol=1e-7)
    pd.testing.assert_frame_equal(answer.choice.options, choice.options, check_categorical=False)
    for name in ("usd_per_month", "cold_starts_per_week", "waiting_minutes_per_month",
                 "present_usd", "present_waits", "changes"):
        assert getattr(answer.choice, name) == pytest.approx(getattr(choice, name))
    assert answer.over_limit == choice.over_limit
    for name in ("workspaces", "terminated", "unpriced", "absent", "prices_date", "window"):
        assert getattr(answer.frontier, name) == getattr(found, name)
    assert answer.frontier.discount == pytest.approx(found.discount)


@pytest.mark.parametrize("rule", list(HourRule))
@pytest.mark.parametrize("discount", [0.0, 0.12, 0.6])
def test_an_answer_is_that_of_bill_and_frontier(rule: str, discount: float) -> None:
    for limits in ({}, {"max_cold_starts_per_week": 1}, {"value_of_waiting_minute_usd": 0.4},
                   {"max_cold_starts_per_week": 0, "value_of_waiting_minute_usd": 2.0}):
        asked: dict[str, Any] = {"hour_rule": rule, "discount": discount} | limits
        same(whole().answer(**asked), *anew(**asked))


@settings(max_examples=25)
@given(st.sets(st.sampled_from(TIMEOUTS), min_size=1), st.booleans(), st.sampled_from(HourRule),
       st.sampled_from(["list", "ours"]), st.floats(0, 0.99), st.none() | st.floats(0, 20),
       st.floats(0, 5))
def test_whatever_is_asked(
    timeouts: set[int], always_on: bool, rule: str, prices: str, discount: float,
    limit: float | None, worth: float,
) -> None:
    asked: dict[str, Any] = {
        "timeouts": tuple(timeouts), "always_on": always_on, "hour_rule": rule, "prices": prices,
        "discount": discount, "max_cold_starts_per_week": limit,
        "value_of_waiting_minute_usd": worth}
    same(whole().answer(**asked), *anew(**asked))


def test_costs_are_those_of_the_charges() -> None:
    base, used = fleet()
    played = ws.replay(used, setting_grid(auto_stop_minutes=TIMEOUTS,
                                          include=configured(base).unique()), window=WHEN)
    costs = whole().answer(hour_rule="exact").costs.set_index("option")
    found = ws.compare(ws.bill(played, base, book(), hour_rule="exact"), played, base,
                       baseline=configured(base))
    counts = whole().answer().table["workspace_id"]
    mine = found[found["workspace_id"].isin(counts)]
    changed = set(mine.loc[mine["counted_from"].notna(), "workspace_id"])
    assert costs["workspaces"].eq(len(counts)).all() and len(counts) == 19
    assert not changed  # else their months would be counted from the change on
    for option, row in costs.drop("each its own").iterrows():
        setting = mine["setting"].astype("str")
        rows = mine[setting == (mine["baseline"] if option == "today"
                                else str(option).removeprefix("all "))]
        assert row["total_usd"] == pytest.approx(rows["usd_per_month"].sum())
        assert row["hourly_usd"] == pytest.approx(rows["hourly_usd_per_month"].sum())
        assert row["fixed_usd"] + row["hourly_usd"] == pytest.approx(row["total_usd"])
        assert row["cold_starts_per_week"] == pytest.approx(rows["cold_starts_per_week"].sum())


def test_table_and_headline_add_up() -> None:
    answer = whole().answer(max_cold_starts_per_week=1, discount=0.1)
    table, choice = answer.table, answer.choice
    assert table["usd_per_month"].sum() == pytest.approx(choice.usd_per_month)
    assert table["present_usd_per_month"].sum() == pytest.approx(choice.present_usd)
    assert (table["present"] != table["chosen"]).sum() == choice.changes == answer.changes
    assert set(table["workspace_id"]) <= set(fleet()[0]["workspace_id"])
    assert table["user_name"].ne("").all()
    assert answer.costs["option"].tolist()[:2] == ["today", "each its own"]
    assert f"${choice.present_usd:,.2f} a month" in answer.headline
    assert f"${answer.saving_usd_per_month:,.2f}" in answer.headline
    assert "less 10 %" in answer.note and "2 WorkSpaces terminated" in answer.note
    assert "1 WorkSpace without a known price" in answer.note
    assert "<table>" in answer._repr_html_() and "Answer" in repr(answer)


def test_a_month_by_hand() -> None:
    used = sessions(*[(f"2026-02-{day:02} 09:00", f"2026-02-{day:02} 12:00")
                      for day in range(1, 29)])
    when, base = window("2026-02-01", "2026-03-01"), workspaces()
    played = ws.replay(used, ["ALWAYS_ON", "AUTO_STOP:60"], window=when)
    charges = ws.bill(played, base, book())
    question = ws.what_if(charges, baseline=configured(base))
    answer = question.answer(discount=0.5)
    assert answer.choice.present_usd == pytest.approx((9.75 + 28 * 4 * 0.30) / 2)
    assert answer.choice.usd_per_month == pytest.approx(35.0 / 2)
    assert answer.costs["cold_starts_per_week"].tolist() == [7.0, 0.0, 0.0, 7.0]
    assert answer.table["chosen"].tolist() == ["ALWAYS_ON"]
    assert answer.headline == (
        "As set today: $21.68 a month and 7 cold starts a week. 1 WorkSpace would cost $17.50 a "
        "month: $4.18 (19 %) less, by 1 change, with 0 cold starts a week.")


def test_charges_answer_what_they_can() -> None:
    base, used = fleet()
    played = ws.replay(used, setting_grid(auto_stop_minutes=TIMEOUTS,
                                          include=configured(base).unique()), window=WHEN)
    charges = ws.bill(played, base, book(), hour_rule="exact")
    asked: dict[str, Any] = {"discount": 0.2, "max_cold_starts_per_week": 2,
                             "timeouts": (60, 240)}
    question = ws.what_if(charges, workspaces=base, window=WHEN, baseline=configured(base),
                          hour_rules=["exact"])
    known = question.answer(**asked)
    _, choice = anew(**asked, hour_rule="exact")
    assert known.choice.usd_per_month == pytest.approx(choice.usd_per_month)
    assert known.choice.present_usd == pytest.approx(choice.present_usd)
    alone = ws.what_if(charges)
    assert alone.hour_rules == ("as charged",) and 1440 in alone.timeouts
    unknown = alone.answer(**asked)
    assert unknown.saving_usd_per_month is None and unknown.changes is None
    for options in (unknown.costs["option"], unknown.frontier.fleet_options["option"]):
        assert "today" not in set(options)
    assert "today" not in unknown.headline and set(unknown.table["present"]) == {""}
    assert unknown.table["present_usd_per_month"].isna().all()
    assert str(alone.ground.window).startswith("2026-02-01 to 2026-05-01")
    with pytest.raises(InputError, match="there is no 'exact'"):
        alone.answer(hour_rule="exact")
    with pytest.raises(InputError, match="pass baseline"):
        alone.answer(min_saving_usd=1)
    with pytest.raises(InputError, match="nothing to choose from"):
        alone.answer(timeouts=[], always_on=False)


def test_changes_that_save_too_little_are_left_out() -> None:
    for limits in ({}, {"max_cold_starts_per_week": 1}, {"value_of_waiting_minute_usd": 0.3}):
        free, held = whole().answer(**limits), whole().answer(**limits, min_saving_usd=40)
        worth = limits.get("value_of_waiting_minute_usd", 0.0)
        offers = free.frontier.offers.for_workspaces(free.frontier.counts)
        rows, now = np.arange(len(free.chosen)), offers.present.argmax(axis=1)
        cost = offers.usd + worth * offers.minutes
        small = cost[rows, now] - cost[rows, free.chosen] < 40 - 1e-9
        broken = offers.waits[rows, now] > limits.get("max_cold_starts_per_week", np.inf)
        expected = np.where(small & ~broken, now, free.chosen)
        assert held.chosen.tolist() == expected.tolist()
        assert 0 < (held.changes or 0) < (free.changes or 0)


@pytest.mark.parametrize("asked", [
    {}, {"timeouts": [60, 240], "discount": 0.1}, {"always_on": False, "prices": "ours"},
    {"hour_rule": "ceil_per_run", "max_cold_starts_per_week": 1.5, "min_saving_usd": 2.0,
     "value_of_waiting_minute_usd": 0.25}])
def test_the_code_makes_it_again(asked: dict[str, Any]) -> None:
    answer = whole().answer(**asked)
    lines = answer.code.splitlines()
    assert len(lines) == 3 and lines[0] == "import wsanalytics as ws"
    assert lines[2].count("=") == 1 + len(asked)
    names: dict[str, Any] = {"analysis": analysed(), "prices": BOOKS}
    exec(answer.code, names)  # noqa: S102  # it is what is promised
    pd.testing.assert_frame_equal(names["answer"].table, answer.table)
    pd.testing.assert_frame_equal(names["answer"].costs, answer.costs)


def test_an_analysis_is_taken_as_it_is() -> None:
    analysis = analysed()
    question = ws.what_if(analysis)
    assert question.timeouts == (60, 120, 240) and question.prices == ("this test",)
    costs = question.answer().costs.set_index("option")
    wide = whole().answer(timeouts=(60, 120, 240)).costs.set_index("option")
    pd.testing.assert_frame_equal(costs, wide)
    assert ws.what_if(analysed(maintenance_hours=0)).answer().choice.usd_per_month < costs.loc[
        "each its own", "total_usd"]
    short = ws.what_if(analysis, window=window("2026-03-01", "2026-04-01"), hour_rules=["exact"])
    assert short.ground.window.days == 31 and short.hour_rules == ("exact",)
    with pytest.raises(InputError, match="not within"):
        ws.what_if(analysis, window=window("2026-01-01", "2026-04-01"))


def test_a_history_is_replayed() -> None:
    history = sample()
    question = ws.what_if(history, timeouts=[60], hour_rules=["clock_hour"], wait_minutes=2.0)
    answer = question.answer(max_cold_starts_per_week=3)
    found = ws.frontier(
        ws.find_sessions(history), history.workspaces, window=history.window, policies=[],
        prices=ws.load_prices(), settings=["ALWAYS_ON", "AUTO_STOP:60"], wait_minutes=2.0,
        present=history.configured)
    same(answer, found, found.choose(max_cold_starts_per_week=3))
    assert answer.code.splitlines()[1:] == [
        ("question = ws.what_if(history, timeouts=[60], hour_rules=['clock_hour'], "
         "wait_minutes=2.0)"), "answer = question.answer(max_cold_starts_per_week=3)"]
    assert "WorkSpaces" in repr(question)


@pytest.mark.parametrize(("asked", "message"), [
    ({"timeouts": [1380]}, "AUTO_STOP:1380 was not replayed. Fix: add 1380 to timeouts"),
    ({"timeouts": [90]}, "timeout of 90 minutes"), ({"timeouts": ["60"]}, "a timeout is '60'"),
    ({"hour_rule": "lunch"}, "there is no 'lunch'"), ({"prices": "theirs"}, "there is no 'theirs'"),
    ({"discount": 1.0}, "discount is 1.0"), ({"discount": -0.1}, "discount is -0.1"),
    ({"discount": float("nan")}, "discount is nan"), ({"discount": "0.1"}, "discount is 0.1"),
    ({"max_cold_starts_per_week": -1}, "max_cold_starts_per_week is -1"),
    ({"max_cold_starts_per_week": float("inf")}, "max_cold_starts_per_week is inf"),
    ({"value_of_waiting_minute_usd": float("nan")}, "value_of_waiting_minute_usd is nan"),
    ({"min_saving_usd": -5}, "min_saving_usd is -5")])
def test_what_cannot_be_asked(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        whole().answer(**asked)


def test_what_cannot_be_made() -> None:
    base, used = fleet()
    played = ws.replay(used, ["AUTO_STOP:60", "AUTO_STOP:120"], window=WHEN)
    charges = ws.bill(played, base, book())
    some = configured(base).mask(configured(base) != "AUTO_STOP:60", "AUTO_STOP:120")
    for call, message in (
        (lambda: ws.what_if([charges]), "list cannot be asked"),
        (lambda: ws.what_if(charges.drop(columns="month")), "the frame lacks month"),
        (lambda: ws.what_if(charges.iloc[1:]), "one row for each"),
        (lambda: ws.what_if(pd.concat([charges, charges])), "one row for each"),
        (lambda: ws.what_if(charges, prices=book()), "charges have their prices"),
        (lambda: ws.what_if(charges, timeouts=[240]), "AUTO_STOP:240 was not replayed"),
        (lambda: ws.what_if(charges, baseline=some.iloc[5:]), "without a present setting"),
        (lambda: ws.what_if(charges, baseline=configured(base)), "which was not charged"),
        (lambda: ws.what_if(charges, workspaces=base.iloc[5:]), "the workspaces lack some"),
        (lambda: ws.what_if(analysed(), hour_rules=[]), "no hour rules"),
        (lambda: ws.what_if(analysed(), prices={}), "no prices"),
        (lambda: ws.what_if(analysed(), wait_minutes=0), "wait_minutes is 0"),
        (lambda: ws.what_if(analysed(), hour_rules=["noon"]), "there is no hour rule"),
    ):
        with pytest.raises(InputError, match=message):
            call()
    assert ws.what_if(charges, baseline=some).answer(always_on=True).costs["option"].tolist() == [
        "today", "each its own", "all AUTO_STOP:60", "all AUTO_STOP:120"]


def test_a_fleet_of_nobody() -> None:
    manual = workspaces(running_mode="MANUAL", auto_stop_minutes=None)
    nobody = ws.analyse(fleet_sessions({ME: []}), workspaces(), window=WHEN, prices=book())
    answer = ws.what_if(nobody, workspaces=manual).answer(max_cold_starts_per_week=1)
    assert answer.table.empty and answer.frontier.workspaces == 0
    assert answer.choice.usd_per_month == 0 and "0 WorkSpaces" in answer.headline
