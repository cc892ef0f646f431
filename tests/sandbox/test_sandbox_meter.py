"""The sandbox's meter on months worked out by hand; STANDARD in us-east-1: 35, 9.75 and 0.30."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from tests.helpers.build import Pair, at, window
from tests.helpers.sandboxes import NOON, all_statuses, find, frozen, modify
from wsanalytics.errors import InputError
from wsanalytics.sandbox.life import Life, third_monday
from wsanalytics.sandbox.meter import HourRule, Rates, Reading, read_meter
from wsanalytics.settings import Setting
from wsanalytics.simulation.workspace import EventKind
from wsanalytics.timeline import Window

RATES = Rates(35.0, 9.75, 0.30)
SEPTEMBER = window("2026-09-01", "2026-10-01")
AUTUMN = window("2026-09-01", "2026-11-01")


def metered(
    pairs: list[Pair], setting: str, when: Window, *changes: tuple[str, str],
    rule: str = "clock_hour", created: str | None = None, maintained: bool = False,
    ended: str | None = None,
) -> list[Reading]:
    """What the meter shows for sessions and changes written as in these stories."""
    told = [(at(came), at(left)) for came, left in pairs]

    def draw(drawn: Window) -> list[tuple[datetime, datetime]]:
        return [(max(came, drawn.start), min(left, drawn.end)) for came, left in told
                if came < drawn.end and left > drawn.start]

    created_at = at(created) if created else None
    born_at = created_at or when.start
    life = Life(draw, Setting.parse(setting), born_at, when.end,
                born_at + timedelta(days=7) if maintained else None)
    for moment, text in changes:
        life.plan(EventKind.SETTING_CHANGES, at(moment), Setting.parse(text))
    if ended:
        life.end(at(ended))
    life.advance(when.end)
    return read_meter(life, RATES, when, HourRule(rule), created_at=created_at,
                      maintenance_enabled=maintained)


DAY: list[Pair] = [("2026-09-02 09:15", "2026-09-02 12:14")]


@pytest.mark.parametrize(("rule", "hours"), [
    ("clock_hour", 5), ("ceil_per_run", 4), ("exact", 3 + 59 / 60)])
def test_a_run_lasts_until_the_timeout_after_the_session(rule: str, hours: float) -> None:
    (month,) = metered(DAY, "AUTO_STOP:60", SEPTEMBER, rule=rule)
    assert month.billed_hours == pytest.approx(hours)
    assert month.hourly_usd == pytest.approx(0.30 * hours)
    assert (month.fixed_usd, month.cold_starts, month.month) == (9.75, 1, "2026-09")
    assert month.total_usd == month.fixed_usd + month.hourly_usd


@pytest.mark.parametrize(("rule", "hours"), [
    ("clock_hour", [1, 2]), ("ceil_per_run", [1, 2]), ("exact", [0.5, 1.5])])
def test_a_run_is_cut_where_the_month_turns(rule: str, hours: list[float]) -> None:
    months = metered([("2026-09-30 23:30", "2026-10-01 00:30")], "AUTO_STOP:60", AUTUMN, rule=rule)
    assert [one.billed_hours for one in months] == hours
    assert [one.cold_starts for one in months] == [1, 0]


def test_an_hour_that_two_runs_touch_counts_once_by_the_clock_and_twice_by_runs() -> None:
    pairs = [("2026-09-02 09:00", "2026-09-02 09:10"), ("2026-09-02 10:20", "2026-09-02 10:25")]
    (clock,) = metered(pairs, "AUTO_STOP:60", SEPTEMBER)
    (runs,) = metered(pairs, "AUTO_STOP:60", SEPTEMBER, rule="ceil_per_run")
    assert (clock.billed_hours, runs.billed_hours) == (3, 4)


def test_always_on_owes_its_month_and_no_hours() -> None:
    (month,) = metered(DAY, "ALWAYS_ON", SEPTEMBER)
    assert month == Reading(month="2026-09", billed_hours=0, cold_starts=0, fixed_usd=35,
                            hourly_usd=0)


LATE: Pair = ("2026-09-20 09:00", "2026-09-20 10:00")


def test_turning_always_on_adds_the_days_left_and_frees_the_hours() -> None:
    (month,) = metered([*DAY, LATE], "AUTO_STOP:60", SEPTEMBER, ("2026-09-16 10:30", "ALWAYS_ON"))
    assert month.billed_hours == 5
    assert month.fixed_usd == pytest.approx(9.75 + 35 * 15 / 30)


def test_turning_auto_stop_costs_nothing_until_the_next_first() -> None:
    pairs = [LATE, ("2026-10-02 09:00", "2026-10-02 09:30")]
    months = metered(pairs, "ALWAYS_ON", AUTUMN, ("2026-09-16 10:30", "AUTO_STOP:60"))
    assert [one.fixed_usd for one in months] == [35, 9.75]
    assert [one.billed_hours for one in months] == [0, 2]
    assert [one.cold_starts for one in months] == [1, 1]


def test_several_turns_in_a_month_add_once() -> None:
    there_and_back = (("2026-09-11 08:00", "ALWAYS_ON"), ("2026-09-18 08:00", "AUTO_STOP:60"),
                      ("2026-09-25 08:00", "ALWAYS_ON"))
    (month,) = metered([*DAY, LATE], "AUTO_STOP:60", SEPTEMBER, *there_and_back)
    assert month.fixed_usd == pytest.approx(9.75 + 35 * 20 / 30)
    assert month.billed_hours == 5
    (month,) = metered([*DAY, LATE], "ALWAYS_ON", SEPTEMBER,
                       ("2026-09-05 08:00", "AUTO_STOP:60"), ("2026-09-25 08:00", "ALWAYS_ON"))
    assert (month.fixed_usd, month.billed_hours) == (35, 0)


def test_the_first_instant_of_a_month_sets_the_mode_that_it_opens_in() -> None:
    months = metered(DAY, "ALWAYS_ON", AUTUMN, ("2026-10-01", "AUTO_STOP:60"))
    assert [one.fixed_usd for one in months] == [35, 9.75]
    months = metered(DAY, "AUTO_STOP:60", AUTUMN, ("2026-10-01", "ALWAYS_ON"))
    assert [one.fixed_usd for one in months] == [9.75, 35]
    months = metered(DAY, "AUTO_STOP:60", AUTUMN, ("2026-10-01 00:00:01", "ALWAYS_ON"))
    assert [one.fixed_usd for one in months] == [9.75, 9.75 + 35]


def test_a_change_of_the_timeout_costs_nothing_by_itself() -> None:
    (month,) = metered([*DAY, LATE], "AUTO_STOP:60", SEPTEMBER, ("2026-09-10", "AUTO_STOP:240"))
    assert month.fixed_usd == 9.75
    assert month.billed_hours == 5 + 5


def test_the_month_of_creation_owes_the_days_left_in_either_mode() -> None:
    for setting, fee in (("ALWAYS_ON", 35), ("AUTO_STOP:60", 9.75)):
        months = metered([], setting, AUTUMN, created="2026-09-21 15:00")
        assert [one.fixed_usd for one in months] == [pytest.approx(fee * 10 / 30), fee]
    months = metered([], "ALWAYS_ON", AUTUMN, created="2026-10-03")
    assert months[0].total_usd == 0


def test_the_month_of_termination_owes_its_fee_and_the_next_nothing() -> None:
    pairs = [("2026-09-05 09:00", "2026-09-05 12:00")]
    months = metered(pairs, "AUTO_STOP:60", AUTUMN, ended="2026-09-05 10:20")
    assert [one.fixed_usd for one in months] == [9.75, 0]
    assert [one.billed_hours for one in months] == [2, 0]


def test_a_month_covered_in_part_costs_that_part() -> None:
    part = window("2026-09-11", "2026-09-21")
    (month,) = metered([], "AUTO_STOP:60", part)
    assert month.fixed_usd == pytest.approx(9.75 * 10 / 30)
    (month,) = metered([], "AUTO_STOP:60", part, ("2026-09-16 10:00", "ALWAYS_ON"))
    assert month.fixed_usd == pytest.approx(9.75 * 10 / 30 + 35 * 5 / 30)
    odd = window("2026-09-11 06:00", "2026-09-20 18:00")
    (month,) = metered([], "ALWAYS_ON", odd)
    assert month.fixed_usd == pytest.approx(35 * 9.5 / 30)


def test_maintenance_adds_an_hour_on_the_third_monday() -> None:
    assert third_monday(at("2026-09-08")) == at("2026-09-21")
    busy = [("2026-09-21 00:10", "2026-09-21 00:20")]
    (month,) = metered(busy, "AUTO_STOP:60", SEPTEMBER, maintained=True)
    assert month.billed_hours == 2 + 1
    others = [
        metered([], "ALWAYS_ON", SEPTEMBER, maintained=True),
        metered([], "AUTO_STOP:60", SEPTEMBER, maintained=False),
        metered([], "AUTO_STOP:60", SEPTEMBER, maintained=True, created="2026-09-14 00:00"),
        metered([], "AUTO_STOP:60", window("2026-09-01", "2026-09-21 23:00"), maintained=True),
        metered([], "AUTO_STOP:60", window("2026-09-21 01:00", "2026-10-01"), maintained=True),
        metered([], "AUTO_STOP:60", SEPTEMBER, ("2026-09-20", "ALWAYS_ON"), maintained=True),
        metered([], "ALWAYS_ON", SEPTEMBER, ("2026-09-03", "AUTO_STOP:60"), maintained=True),
        metered([], "AUTO_STOP:60", SEPTEMBER, maintained=True, ended="2026-09-20"),
    ]
    assert [month.billed_hours for (month,) in others] == [0] * 8
    (month,) = metered([], "AUTO_STOP:60", SEPTEMBER, maintained=True, created="2026-09-13 23:59")
    assert month.billed_hours == 1


# The bill of a living fleet


def test_the_bill_has_a_row_for_every_billable_workspace_and_month() -> None:
    with frozen(workspaces=100, history_days=63) as (box, _):
        bill, fleet = box.bill(), box.workspaces()
        billable = fleet[(fleet["running_mode"] != "MANUAL") & ~fleet["standby"]]
        months = ["2026-07", "2026-08", "2026-09"]
        assert list(zip(bill["workspace_id"], bill["month"], strict=True)) == [
            (name, month) for name in billable["workspace_id"] for month in months]
        unpriced = set(fleet.query("compute_type == 'GRAPHICS_G6_XLARGE'")["workspace_id"])
        assert unpriced == set(bill[bill["total_usd"].isna()]["workspace_id"])
        priced = bill.dropna()
        pd.testing.assert_series_equal(priced["fixed_usd"] + priced["hourly_usd"],
                                       priced["total_usd"], check_names=False)
        assert (bill["billed_hours"] >= box.bill("exact")["billed_hours"]).all()
        with pytest.raises(InputError, match="hour rule"):
            box.bill("by_guess")


def test_the_bill_grows_with_the_clock_and_follows_a_change() -> None:
    with frozen(workspaces=40, history_days=63) as (box, clients):
        client = clients("workspaces")
        flat = next(name for name, one in all_statuses(client).items()
                    if "LastKnownUserConnectionTimestamp" not in one
                    and name not in set(box.sessions()["workspace_id"]))
        before = box.bill().set_index(["workspace_id", "month"])
        one = find(client, "ALWAYS_ON")["WorkspaceId"]
        modify(client, one, RunningMode="AUTO_STOP")
        box.clock.step(timedelta(days=45))
        after = box.bill().set_index(["workspace_id", "month"])
        assert (after.loc[before.index, "total_usd"] - before["total_usd"]).dropna().min() >= 0
        assert after.loc[(one, "2026-09"), "billed_hours"] == 0
        assert after.loc[(one, "2026-10"), "fixed_usd"] < before.loc[(one, "2026-08"), "fixed_usd"]
        assert after.loc[(flat, "2026-10"), "cold_starts"] == 0
        assert NOON + timedelta(days=45) == box.clock.now()
