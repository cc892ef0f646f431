"""What is changed, what is left alone, when, and the sentence that says why."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers.build import ME, REPOSITORY, at, book, fleet_sessions, month, window, workspaces
from tests.recommendations.test_comparison import daily
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing.bill import bill
from wsanalytics.errors import InputError
from wsanalytics.history.history import configured
from wsanalytics.recommendations.analysis import analyse
from wsanalytics.recommendations.compare import compare
from wsanalytics.recommendations.due_dates import best_date, first_call_by, schedule
from wsanalytics.recommendations.plan import _KINDS, Plan, recommend
from wsanalytics.recommendations.plan_file import write_plan
from wsanalytics.settings import Setting, setting_grid
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.results import RECOMMENDATIONS
from wsanalytics.timeline import Window
from wsanalytics.views.caution import cost_of_caution, sure_changes

NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)
MARCH = month("2026-03")


def planned(sessions: Any, when: Window = MARCH, fleet: pd.DataFrame | None = None,
            **limits: Any) -> Plan:
    fleet = workspaces() if fleet is None else fleet
    by_id = sessions if isinstance(sessions, dict) else {ME: sessions}
    grid = setting_grid(include=configured(fleet))
    outcome = replay(fleet_sessions(by_id), grid, window=when)
    charges = bill(outcome, fleet, book())
    savings = compare(charges, outcome, fleet, baseline=configured(fleet))
    return recommend(savings, baseline=configured(fleet), workspaces=fleet, replay=outcome,
                     prices=book(), now=NOW, **limits)


def only(plan: Plan) -> Any:
    assert len(plan.recommendations) == 1
    assert list(plan.recommendations) == list(RECOMMENDATIONS.names)
    return plan.recommendations.iloc[0]


def test_a_light_user_of_always_on() -> None:
    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    mine = only(planned(daily(MARCH, [1] * 31), fleet=fleet))
    assert (mine["action"], mine["from_setting"], mine["to_setting"]) == (
        "change", "ALWAYS_ON", "AUTO_STOP:60")
    assert mine["saving_usd_per_month"] == pytest.approx(35 - 9.75 - 62 * 0.30, abs=0.2)
    assert mine["best_date"] == "2026-04-30"
    assert mine["reason"] == (
        "Connected 31 h a month; expected to bill 62 h: $28.24 instead of the flat $35.00, "
        "for 7 more cold starts a week."
    )


def test_a_heavy_user_of_auto_stop() -> None:
    mine = only(planned(daily(MARCH, [8] * 31)))
    assert mine["to_setting"] == "ALWAYS_ON"
    assert mine["reason"] == (
        "Expected to bill 277 h a month, over the break-even of 84 h: the flat $35.00 instead of "
        "$92.95, with 7 fewer cold starts a week."
    )
    assert mine["best_date"] == "2026-04-10"


def test_a_timeout_that_is_too_long() -> None:
    mine = only(planned(daily(MARCH, [0.5] * 31), fleet=workspaces(auto_stop_minutes=480)))
    assert mine["to_setting"] == "AUTO_STOP:60"
    assert mine["reason"] == (
        "A timeout of 60 instead of 480 minutes is expected to bill 62 h instead of 277 h a month: "
        "$28.24 instead of $92.95.")


def test_what_is_cheapest_already_is_left_alone() -> None:
    mine = only(planned(daily(MARCH, [1] * 31)))
    assert mine["action"] == "leave alone" and mine["to_setting"] == ""
    assert mine["reason"] == "AUTO_STOP:60 is the cheapest of the settings that were tried."


def test_an_unused_always_on_workspace_is_changed_and_listed() -> None:
    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    plan = planned([], fleet=fleet)
    mine = only(plan)
    assert (mine["to_setting"], mine["saving_usd_per_month"]) == ("AUTO_STOP:60", 25.25)
    assert mine["reason"] == (
        "Nobody connected in 31 days: AUTO_STOP:60 costs $9.75 a month instead of $35.00.")
    assert plan.unused == (ME,)


def test_an_unused_auto_stop_workspace_is_only_listed() -> None:
    plan = planned([])
    assert only(plan)["action"] == "leave alone"
    assert plan.unused == (ME,)


def test_the_limit_of_cold_starts_is_the_proposed_settings_own() -> None:
    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    sessions = daily(MARCH, [0.5] * 31)  # one a day: 7 a week
    assert only(planned(sessions, fleet=fleet, max_cold_starts_per_week=7))["action"] == "change"
    mine = only(planned(sessions, fleet=fleet, max_cold_starts_per_week=6.9))
    assert mine["reason"] == ("Every cheaper setting has more cold starts than the limit of 6.9 "
                              "a week (at least 7).")


def test_a_longer_timeout_that_keeps_to_the_limit_is_taken() -> None:
    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    every_third = [0.25, 0, 0] * 10  # 09:00-09:15 and 11:00-11:15
    twice = sorted(daily(MARCH, every_third, 9) + daily(MARCH, every_third, 11))
    assert only(planned(twice, fleet=fleet))["to_setting"] == "AUTO_STOP:60"
    assert only(planned(twice, fleet=fleet, max_cold_starts_per_week=3))["to_setting"] == (
        "AUTO_STOP:120")


def test_a_saving_that_is_too_small() -> None:
    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    sessions = daily(MARCH, [1] * 31)  # saved 6.65, and is expected to save 6.76
    mine = only(planned(sessions, fleet=fleet, min_saving_usd=6.77))
    assert mine["reason"] == "AUTO_STOP:60 would save only $6.76 a month, less than $6.77."
    assert only(planned(sessions, fleet=fleet, min_saving_usd=6.75))["action"] == "change"


def test_a_saving_that_is_not_certain_is_taken_unless_a_chance_is_asked_for() -> None:
    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    weeks = ([5] * 5 + [0] * 2 + [1] * 5 + [0] * 2) + ([4] * 5 + [0] * 2 + [1] * 5 + [0] * 2)
    mine = only(planned(daily(MARCH, [*weeks, 2, 2, 2]), fleet=fleet))
    assert (mine["action"], mine["saving_low_usd"] < 0 < mine["saving_high_usd"]) == (
        "change", True)
    assert 0.05 < mine["chance_of_loss"] < 0.5
    mine = only(planned(daily(MARCH, [*weeks, 2, 2, 2]), fleet=fleet, min_chance_of_saving=0.99))
    assert mine["action"] == "leave alone"
    assert "but with a chance of" in mine["reason"] and "less than 99 %" in mine["reason"]


@pytest.mark.parametrize(("days", "short"), [(2, True), (20, True), (21, False), (28, False)])
def test_what_is_set_is_not_called_the_cheapest_of_a_history_that_is_too_short(
    days: int, short: bool
) -> None:
    when = window("2026-03-01", f"2026-03-{days + 1:02d}")
    mine = only(planned(daily(when, [1] * days), when))
    assert mine["action"] == "leave alone"
    assert mine["reason"] == (
        f"The history is too short: {days} days observed, 21 needed." if short else
        "AUTO_STOP:60 is the cheapest of the settings that were tried.")


@pytest.mark.parametrize(("days", "short"), [(7, True), (20, True), (21, False), (28, False)])
def test_a_history_that_is_too_short(days: int, short: bool) -> None:
    when = window("2026-03-01", f"2026-03-{days + 1:02d}")
    mine = only(planned(daily(when, [8] * days), when))
    assert (mine["action"] == "leave alone") is short
    if short:
        assert mine["reason"] == (
            f"The history is too short: {days} days observed, 21 needed.")


def test_a_new_workspace_has_a_short_history_of_its_own() -> None:
    fleet = workspaces(created_at="2026-03-22 08:00")
    sessions = [(s, e) for s, e in daily(MARCH, [8] * 31) if s > at("2026-03-22 08:00")]
    assert "10 days observed" in only(planned(sessions, fleet=fleet))["reason"]


def test_those_that_are_not_simulated_or_gone_are_listed() -> None:
    fleet = pd.concat([workspaces("ws-a", running_mode="MANUAL", auto_stop_minutes=None),
                       workspaces("ws-b", standby=True), workspaces("ws-c"),
                       workspaces("ws-d", terminated_at="2026-03-20 00:00")])
    with pytest.warns(UserWarning, match="ws-a, ws-b"):
        plan = planned({"ws-c": daily(MARCH, [8] * 31), "ws-d": daily(MARCH, [8] * 10)},
                       fleet=fleet)
    reasons = plan.recommendations.set_index("workspace_id")["reason"]
    assert reasons["ws-a"] == "Its running mode MANUAL is not simulated."
    assert reasons["ws-b"] == "It is a standby WorkSpace, which is not simulated."
    assert reasons["ws-d"] == "It was terminated on 2026-03-20."
    assert plan.changes["workspace_id"].tolist() == ["ws-c"]


def test_every_reason_to_leave_alone_is_of_a_kind() -> None:
    source = "".join((REPOSITORY / "wsanalytics" / name).read_text(encoding="utf-8")
                     for name in ("recommendations/plan.py", "recommendations/choose.py",
                                  "recommendations/reasons.py",
                                  "not_simulated.py"))
    used = daily(MARCH, [8] * 31)
    always_on = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    fleet = pd.concat([workspaces("ws-a", running_mode="MANUAL", auto_stop_minutes=None),
                       workspaces("ws-b", terminated_at="2026-03-20 00:00"),
                       workspaces("ws-c", compute_type="GRAPHICS")])
    with pytest.warns(UserWarning, match="ws-"):
        mixed = planned({"ws-b": used[:5], "ws-c": used}, fleet=fleet)
    plans = {
        "already in the cheapest setting": planned(daily(MARCH, [1] * 31)),
        "with a saving that is too small": planned(used, min_saving_usd=1000),
        "held by the limit of cold starts": planned(
            daily(MARCH, [1] * 31), fleet=always_on, max_cold_starts_per_week=1),
        "with too short a history": planned(
            [(start, end) for start, end in used if start > at("2026-03-22 08:00")],
            fleet=workspaces(created_at="2026-03-22 08:00")),
    }
    told = {kind: plan.kinds_left_alone.tolist() for kind, plan in plans.items()}
    assert told == {kind: [kind] for kind in plans}
    assert sorted(mixed.kinds_left_alone) == [
        "MANUAL or standby, not simulated", "terminated", "without a known price"]
    assert all(source.count(words) >= 2 for words in _KINDS)  # in the table, and in a sentence


def test_only_candidates_and_the_present_setting_are_proposed() -> None:
    sessions = daily(MARCH, [8] * 31)
    fleet = workspaces(auto_stop_minutes=480)
    assert only(planned(sessions, fleet=fleet))["to_setting"] == "ALWAYS_ON"
    limited = planned(sessions, fleet=fleet, candidates=["AUTO_STOP:120"])
    assert only(limited)["to_setting"] == "AUTO_STOP:120"


def test_limits_are_numbers() -> None:
    with pytest.raises(InputError, match="min_saving_usd is nan"):
        planned([], min_saving_usd=float("nan"))
    with pytest.raises(InputError, match="max_cold_starts_per_week is -1"):
        planned([], max_cold_starts_per_week=-1)


ON = {"setting": "ALWAYS_ON", "usd_per_month": 35.0, "hourly_usd_per_month": 0.0}
BUSY = {"setting": "AUTO_STOP:60", "usd_per_month": 50.0, "hourly_usd_per_month": 40.25}
BARELY = {"setting": "AUTO_STOP:60", "usd_per_month": 36.0, "hourly_usd_per_month": 26.25}


@pytest.mark.parametrize(
    ("present", "proposed", "now", "best"),
    [
        (ON, BUSY, "2026-04-10", "2026-04-30"),
        (ON, BUSY, "2026-12-31", "2026-12-31"),
        (ON, BUSY, "2026-12-31 21:59", "2026-12-31"),
        (ON, BUSY, "2026-12-31 22:00", "2027-01-31"),  # too late for this month's end
        (ON, BUSY, "2027-01-31 23:59", "2027-02-28"),
        (ON, BUSY, "2028-01-31 22:00", "2028-02-29"),
        (BUSY, ON, "2026-04-10", "2026-04-10"),  # 40.25 of hours to come against 35
        (BARELY, ON, "2026-04-10", "2026-05-01"),  # 26.25 against 35: the fee is sunk this month
        (BARELY, ON, "2026-04-01", "2026-04-01"),
        (BARELY, BUSY, "2026-12-10", "2026-12-10"),
    ],
)
def test_the_best_day(present: Any, proposed: Any, now: str, best: str) -> None:
    assert best_date(present, proposed, at(now)).isoformat() == best


def test_the_best_day_is_a_day_in_utc() -> None:
    zone = timezone(timedelta(hours=9))
    assert best_date(ON, BUSY, datetime(2026, 5, 1, 6, 59, tzinfo=zone)) == date(2026, 4, 30)
    assert best_date(BUSY, ON, datetime(2026, 5, 1, 6, 59, tzinfo=zone)) == date(2026, 4, 30)


@pytest.mark.parametrize(
    ("changes", "now", "begin"),
    [
        (0, "2026-04-10", "2026-04-30 22:00"),
        (1, "2026-04-10", "2026-04-30 21:59"),
        (78, "2026-04-10", "2026-04-30 21:58"),  # 195 calls at 1.95 a second
        (61_776, "2026-04-10", "2026-04-30 00:00"),
        (61_777, "2026-04-10", "2026-04-29 23:59"),  # a day is too short for them
        (200_000, "2026-04-10", "2026-04-27 22:46"),
        (200_000, "2026-04-30 12:00:30", "2026-04-30 12:00"),  # never before now
    ],
)
def test_the_first_call_leaves_time_for_all(changes: int, now: str, begin: str) -> None:
    assert first_call_by(date(2026, 4, 30), changes, at(now)) == at(begin)


def row(before: str, after: str, best: str = "2026-04-30") -> dict[str, Any]:
    return {"from_setting": before, "to_setting": after, "best_date": best}


def test_only_changes_that_the_months_end_waits_for_are_scheduled() -> None:
    rows = [row("ALWAYS_ON", "AUTO_STOP:60")] * 78 + [
        row("AUTO_STOP:60", "ALWAYS_ON", "2026-05-01"), row("ALWAYS_ON", "", ""),
        row("AUTO_STOP:240", "AUTO_STOP:60", "2026-04-10")]
    done = schedule(rows, NOW)
    assert {one["apply_by"] for one in done[:78]} == {"2026-04-30T21:58:00Z"}
    assert {one["best_date"] for one in done[:78]} == {"2026-04-30"}
    assert [one["apply_by"] for one in done[78:]] == ["", "", ""]
    assert [one["best_date"] for one in done[78:]] == ["2026-05-01", "", "2026-04-10"]
    assert "apply_by" not in rows[0]  # the rows that came in stay as they are


def test_changes_that_no_day_holds_begin_on_the_day_before() -> None:
    done = schedule([row("ALWAYS_ON", "AUTO_STOP:60")] * 61_777, NOW)
    assert (done[0]["best_date"], done[0]["apply_by"]) == ("2026-04-29", "2026-04-29T23:59:00Z")


def test_a_plan_tells_whose_it_is_and_what_was_checked() -> None:
    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None, user_name="ada",
                       account_id="111122223333")
    mine = only(planned(daily(MARCH, [1] * 31), fleet=fleet, max_cold_starts_per_week=8))
    assert (mine["user_name"], mine["account_id"], mine["region"]) == (
        "ada", "111122223333", "us-east-1")
    assert mine["apply_by"] == "2026-04-30T21:59:00Z" and mine["comment"] == ""
    assert mine["checked"] == (
        "decided by forecast; 31 days observed; chance of a loss: 0 %; at least $1.00 a "
        "month; 7 cold starts a week, at most 8")


def test_now_has_a_zone() -> None:
    with pytest.raises(InputError, match="without a zone"):
        recommend(pd.DataFrame(), baseline=pd.Series(), now=datetime(2026, 4, 1))  # noqa: DTZ001  # refused


def test_the_plan_as_a_file(tmp_path: Path) -> None:
    fleet = workspaces("ws-a", "ws-b", "ws-c", auto_stop_minutes=240)
    plan = planned({"ws-a": daily(MARCH, [8] * 31), "ws-b": daily(MARCH, [9] * 31)}, fleet=fleet,
                   prices_date="2025-10-03")
    write_plan(plan, tmp_path / "plan.json")
    document = json.loads((tmp_path / "plan.json").read_text())
    assert document["schema"] == "wsanalytics.plan" and document["version"] == 1
    assert document["created_at"] == "2026-04-10T12:00:00Z"
    assert document["account_id"] is None and document["region"] is None
    assert document["hour_rule"] == "clock_hour" and document["prices_date"] == "2025-10-03"
    assert [change["workspace_id"] for change in document["changes"]] == ["ws-b", "ws-a"]
    first = document["changes"][0]
    assert first["from"] == {"running_mode": "AUTO_STOP", "auto_stop_minutes": 240}
    assert first["to"] == {"running_mode": "ALWAYS_ON", "auto_stop_minutes": None}
    assert first["saving_low_usd"] <= first["saving_usd_per_month"] <= first["saving_high_usd"]
    assert document["left_alone"][0]["workspace_id"] == "ws-c" and document["unused"] == ["ws-c"]


def test_a_plan_shows_itself() -> None:
    plan = planned(daily(MARCH, [8] * 31))
    assert repr(plan) == "<Plan 1 change saving $57.95 a month; 0 WorkSpaces left alone>"
    assert "ws-me" in plan._repr_html_()


MID_MARCH = window("2026-02-01", "2026-03-20")


@pytest.mark.parametrize(("present", "hours", "to", "best", "why"), [
    ("ALWAYS_ON", 1, "AUTO_STOP:60", "2026-04-30",
     "This month is paid for, so it counts from 2026-04-01 on."),
    ("AUTO_STOP:60", 8, "ALWAYS_ON", "2026-04-10",
     "What the rest of this month is expected to bill costs more than its part of the flat fee."),
    ("AUTO_STOP:60", 2.5, "ALWAYS_ON", "2026-05-01",
     "The rest of this month costs less by the hour; from 2026-04-01 on the flat fee."),
    ("AUTO_STOP:480", 0.5, "AUTO_STOP:60", "2026-04-10", ""),
])
def test_within_a_month_the_reason_says_what_is_decided_for_its_rest_and_for_the_next(
    present: str, hours: float, to: str, best: str, why: str
) -> None:
    mode, _, minutes = present.partition(":")
    fleet = workspaces(running_mode=mode, auto_stop_minutes=int(minutes) if minutes else None)
    by_day = [2, 3] * 24 if hours == 2.5 else [hours] * 48
    mine = only(planned(daily(MID_MARCH, by_day[:47]), MID_MARCH, fleet))
    assert (mine["to_setting"], mine["best_date"]) == (to, best)
    assert mine["reason"].endswith(f" {why}" if why else ".")


def test_a_policy_of_ones_own_makes_a_plan_and_may_choose_what_nobody_else_tries() -> None:
    def three_hours(seen: Seen) -> list[str]:
        return ["AUTO_STOP:180"] * len(seen.ids)

    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    sessions = fleet_sessions({ME: daily(MARCH, [0.5] * 31)})
    mine = analyse(sessions, fleet, window=MARCH, prices=book(), now=NOW, policy=three_hours)
    row = only(mine.plan)
    assert row["reason"].startswith("AUTO_STOP:180 is expected to cost")
    mine = analyse(sessions, fleet, window=MARCH, prices=book(), now=NOW, policy=three_hours,
                   min_saving_usd=0.0)
    assert only(mine.plan)["to_setting"] == "AUTO_STOP:180"
    assert mine.plan.basis is not None and mine.plan.basis.policy == "three_hours"
    mine = analyse(sessions, fleet, window=MARCH, prices=book(), now=NOW, policy=three_hours,
                   min_saving_usd=0.0, candidates=(Setting.parse("AUTO_STOP:60"),))
    assert only(mine.plan)["action"] == "leave alone"


def test_without_a_past_the_comparison_decides_and_warns() -> None:
    fleet = workspaces(running_mode="ALWAYS_ON", auto_stop_minutes=None)
    outcome = replay(fleet_sessions({ME: daily(MARCH, [1] * 31)}), setting_grid(), window=MARCH)
    savings = compare(bill(outcome, fleet, book()), outcome, fleet, baseline=configured(fleet))
    with pytest.warns(DeprecationWarning, match="replay="):
        plan = recommend(savings, baseline=configured(fleet), now=NOW)
    assert only(plan)["to_setting"] == "AUTO_STOP:60"


def test_what_caution_costs() -> None:
    fleet = workspaces("ws-a", "ws-b", running_mode="ALWAYS_ON", auto_stop_minutes=None)
    weeks = ([5] * 5 + [0] * 2 + [1] * 5 + [0] * 2) + ([4] * 5 + [0] * 2 + [1] * 5 + [0] * 2)
    plan = planned({"ws-a": daily(MARCH, [0.5] * 31), "ws-b": daily(MARCH, [*weeks, 2, 2, 2])},
                   fleet=fleet)
    costs = cost_of_caution(plan, [0.5, 1.0])
    assert costs["min_chance_of_saving"].tolist() == [0.0, 0.5, 1.0]
    assert costs["changes"].tolist() == [2, 2, 1]
    assert costs["given_up_usd_per_month"].iloc[:2].tolist() == [0, 0]
    dear = plan.changes.set_index("workspace_id")["saving_usd_per_month"]
    assert costs["given_up_usd_per_month"].iloc[2] == pytest.approx(dear["ws-b"])
    assert costs["saving_usd_per_month"].iloc[2] == pytest.approx(dear["ws-a"])
    assert sure_changes(plan).startswith("2 changes, $")
    assert "with a chance of at least 90 %: " in sure_changes(plan)
    assert not sure_changes(plan.only([]))
