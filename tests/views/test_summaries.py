"""Frames about a whole fleet: by the hour of the week, by its parts, and who stands out."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.build import at, book, fleet_sessions, window, workspaces
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.calendars import Zones
from wsanalytics.errors import InputError
from wsanalytics.recommendations.plan import Plan
from wsanalytics.tables.results import COMPARISON
from wsanalytics.views.costs import bundle_rates, cost_by, cost_by_month, fleet_costs, monthly_hours
from wsanalytics.views.headline import Headline
from wsanalytics.views.outliers import standing_out
from wsanalytics.views.usage import clock_caption, clock_zones, weekly_usage

OCTOBER = window("2026-10-01", "2026-11-01")


def busy(usage: pd.DataFrame) -> dict[tuple[str, int], float]:
    """The hours of the week in which anybody is connected."""
    return {(str(day), hour): round(float(usage.loc[day, hour]), 6)
            for day in usage.index for hour in range(24) if usage.loc[day, hour]}


def test_without_zones_the_hours_of_the_week_are_utc() -> None:
    week = window("2026-10-05", "2026-10-19")  # two weeks from a Monday
    usage = weekly_usage(fleet_sessions({
        "ws-1": [("2026-10-05 09:30", "2026-10-05 11:00")],
        "ws-2": [("2026-10-05 10:00", "2026-10-05 11:00"),
                 ("2026-10-12 10:00", "2026-10-12 11:00")]}), week)
    assert busy(usage) == {("Mon", 9): 0.25, ("Mon", 10): 1.5}
    assert list(usage.columns) == list(range(24)) and usage.shape == (7, 24)


def holes(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame([(name, at(begin), at(end)) for name, begin, end in rows],
                        columns=["workspace_id", "from_at", "to_at"])


def test_what_nobody_looked_at_is_not_counted_as_free() -> None:
    """Four weeks; ws-1 is not looked at in the last two, ws-2 is looked at all the time."""
    weeks = window("2026-10-05", "2026-11-02")
    used = fleet_sessions({
        "ws-1": [("2026-10-05 09:00", "2026-10-05 10:00"), ("2026-10-12 09:00", "2026-10-12 09:30"),
                 ("2026-10-06 09:00", "2026-10-06 10:00")],
        "ws-2": [("2026-10-05 09:00", "2026-10-05 10:00")]})
    mine = used[used["workspace_id"] == "ws-1"]
    unseen = holes(("ws-1", "2026-10-19", "2026-11-09"))  # the week after the window is cut off
    assert busy(weekly_usage(mine, weeks)) == {("Mon", 9): 0.375, ("Tue", 9): 0.25}
    assert busy(weekly_usage(mine, weeks, gaps=unseen)) == {("Mon", 9): 0.75, ("Tue", 9): 0.5}
    assert busy(weekly_usage(used, weeks, gaps=unseen)) == {("Mon", 9): 1.0, ("Tue", 9): 0.5}
    for others in (unseen[:0], holes(("ws-9", "2026-10-05", "2026-11-02"))):
        pd.testing.assert_frame_equal(weekly_usage(used, weeks, gaps=others),
                                      weekly_usage(used, weeks), check_exact=True)


def test_an_hour_that_nobody_ever_looked_at() -> None:
    week = window("2026-10-05", "2026-10-12")
    used = fleet_sessions({"ws-1": [("2026-10-05 09:00", "2026-10-05 09:15"),
                                    ("2026-10-06 09:00", "2026-10-06 10:00")]})
    unseen = holes(("ws-1", "2026-10-05 09:30", "2026-10-05 10:00"),
                   ("ws-1", "2026-10-06 09:00", "2026-10-06 10:00"))
    assert busy(weekly_usage(used, week, gaps=unseen)) == {("Mon", 9): 0.5}
    berlin = Zones.of("Europe/Berlin", ())
    assert busy(weekly_usage(used, week, workspaces("ws-1"), berlin, gaps=unseen)) == {
        ("Mon", 11): 0.5}


def test_each_user_has_their_own_clock() -> None:
    week = window("2026-06-01", "2026-06-08")
    fleet = pd.concat([workspaces("ws-1", directory_id="d-berlin"),
                       workspaces("ws-2", directory_id="d-york"),
                       workspaces("ws-3", directory_id="d-delhi"),
                       workspaces("ws-4", directory_id="d-other")], ignore_index=True)
    zones = Zones.of("UTC", [("d-berlin", "Europe/Berlin"), ("d-york", "America/New_York"),
                             ("d-delhi", "Asia/Kolkata")])
    used = fleet_sessions({
        "ws-1": [("2026-06-02 07:00", "2026-06-02 08:00")],
        "ws-2": [("2026-06-02 13:00", "2026-06-02 14:00")],
        "ws-3": [("2026-06-02 03:30", "2026-06-02 04:30")],
        "ws-4": [("2026-06-02 09:00", "2026-06-02 10:00")],
        "ws-gone": [("2026-06-02 09:00", "2026-06-02 10:00")]})
    assert busy(weekly_usage(used, week, fleet, zones)) == {("Tue", 9): 5.0}
    assert busy(weekly_usage(used[:1], week, zones=Zones.of("Europe/Berlin", ()))) == {
        ("Tue", 9): 1.0}


def test_a_clock_that_is_changed_keeps_people_at_their_hours() -> None:
    """Nine in Berlin is seven UTC until 25 October 2026, and eight from then on."""
    zones = Zones.of("Europe/Berlin", ())
    used = fleet_sessions({"ws-1": [("2026-10-19 07:00", "2026-10-19 08:00"),
                                    ("2026-10-26 08:00", "2026-10-26 09:00")]})
    weeks = window("2026-10-19", "2026-11-02")
    assert busy(weekly_usage(used, weeks, workspaces("ws-1"), zones)) == {("Mon", 9): 1.0}


@pytest.mark.parametrize(("pair", "hours"), [
    (("2026-10-25 00:30", "2026-10-25 01:30"), {("Sun", 2): 0.5}),  # 02:30 to 02:30: of two hours
    (("2026-10-25 00:00", "2026-10-25 02:00"), {("Sun", 2): 1.0}),
    (("2026-03-29 00:30", "2026-03-29 01:30"), {("Sun", 1): 0.5, ("Sun", 3): 0.5}),
])
def test_the_hour_that_comes_twice_and_the_one_that_never_comes(
    pair: tuple[str, str], hours: dict[tuple[str, int], float]
) -> None:
    day = at(pair[0]).replace(hour=0, minute=0)
    usage = weekly_usage(fleet_sessions({"ws-1": [pair]}), window(day, day + timedelta(days=1)),
                         workspaces("ws-1"), Zones.of("Europe/Berlin", ()))
    assert busy(usage) == hours


def test_a_clock_that_is_changed_by_half_an_hour() -> None:
    """Lord Howe Island: UTC+10:30 in winter, UTC+11 from 4 October 2026, 2 in the morning."""
    used = fleet_sessions({"ws-1": [("2026-10-02 22:30", "2026-10-02 23:30"),
                                    ("2026-10-09 22:00", "2026-10-09 23:00")]})
    weeks = window("2026-09-28", "2026-10-12")
    usage = weekly_usage(used, weeks, workspaces("ws-1"), Zones.of("Australia/Lord_Howe", ()))
    assert busy(usage) == {("Sat", 9): 1.0}


def test_a_column_time_zone_goes_before_the_directory() -> None:
    fleet = workspaces("ws-1", "ws-2", "ws-3", directory_id="d-1").assign(
        time_zone=["Asia/Tokyo", "", None])
    before = fleet.copy()
    zones = Zones.of("UTC", [("d-1", "Europe/Berlin")])
    assert clock_zones(fleet, zones).to_dict() == {
        "ws-1": "Asia/Tokyo", "ws-2": "Europe/Berlin", "ws-3": "Europe/Berlin"}
    assert clock_zones(fleet).tolist() == ["Asia/Tokyo", "America/New_York", "America/New_York"]
    elsewhere = fleet.assign(region="")
    assert clock_zones(elsewhere).tolist() == ["Asia/Tokyo", "UTC", "UTC"]
    pd.testing.assert_frame_equal(fleet, before)
    with pytest.raises(InputError, match="Europe/Berlin"):
        clock_zones(fleet.assign(time_zone="Europe/Berln"))


def test_the_caption_names_the_clocks() -> None:
    fleet = workspaces("ws-1", "ws-2", "ws-3", "ws-4", "ws-5").assign(time_zone=[
        "Europe/Berlin", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Asia/Kolkata"])
    assert clock_caption() == "UTC"
    assert clock_caption(fleet[:0]) == "UTC"
    assert clock_caption(fleet[:2]) == "Europe/Berlin"
    assert clock_caption(zones=Zones.of("Asia/Tokyo", ())) == "Asia/Tokyo"
    assert clock_caption(fleet[:3]) == "local time (Europe/Berlin, America/New_York)"
    assert clock_caption(fleet) == "local time (Europe/Berlin, America/New_York and 2 more)"


def test_a_year_of_a_thousand_on_their_clocks_is_quick() -> None:
    days = pd.date_range("2025-11-03 08:00", periods=250, freq="30h", tz="UTC", unit="us")
    ids = [f"ws-{number:04}" for number in range(1000)]
    used = pd.DataFrame({"workspace_id": np.repeat(ids, len(days)),
                         "connected_at": np.tile(days, len(ids))})
    used["disconnected_at"] = used["connected_at"] + pd.Timedelta(hours=8)
    fleet = pd.DataFrame({"workspace_id": ids, "directory_id": "", "time_zone": (
        ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney"] * 250)})
    begun = time.perf_counter()
    usage = weekly_usage(used, window("2025-11-01", "2026-11-01"), fleet)
    assert time.perf_counter() - begun < 5  # half a second on two quiet cores
    assert usage.to_numpy().sum() == pytest.approx(1000 * 250 * 8 / 365 * 7, rel=0.01)


def compared(name: str, baseline: str, *, hours: float = 50.0, price: float = 1.0,
             **columns: object) -> list[dict[str, object]]:
    """The rows of one WorkSpace: ALWAYS_ON for $40; AUTO_STOP for $10 and 50 cents an hour."""
    row = dict.fromkeys(COMPARISON.names, 0.0) | {
        "workspace_id": name, "baseline": baseline, "counted_from": pd.NaT,
        "terminated_at": pd.NaT, "observed_days": 31.0, "sessions": 20.0} | columns
    made = []
    for setting, extra, waits in (("ALWAYS_ON", 0.0, 0.0), ("AUTO_STOP:60", hours, 3.0),
                                  ("AUTO_STOP:120", hours + 10, 1.0)):
        hourly = 0.5 * extra * price
        cost = (40.0 if setting == "ALWAYS_ON" else 10.0) * price + hourly
        made.append(row | {"setting": setting, "usd_per_month": cost, "cold_starts_per_week": waits,
                           "hourly_usd_per_month": hourly, "billed_hours_per_month": extra})
    return made


def comparison(*groups: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame([row for rows in groups for row in rows], columns=list(COMPARISON.names))
    names = pd.CategoricalDtype(["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120"], ordered=True)
    for name in ("counted_from", "terminated_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us")
    return frame.astype({"setting": names, "workspace_id": "str", "baseline": "str"})


def three() -> tuple[pd.DataFrame, pd.DataFrame, Plan]:
    """ws-1 sits in ALWAYS_ON and uses little, ws-2 is right, ws-3 has no price, ws-4 is gone."""
    table = comparison(
        compared("ws-1", "ALWAYS_ON", hours=20),
        compared("ws-2", "AUTO_STOP:120", hours=10),
        compared("ws-3", "AUTO_STOP:60", price=np.nan),
        compared("ws-4", "ALWAYS_ON", terminated_at=at("2026-10-09")))
    fleet = workspaces("ws-1", "ws-2", "ws-3", "ws-4", region="eu-west-1").assign(
        directory_id=["d-1", "d-2", "d-2", "d-3"],
        tags=['{"team": "sales"}', '{"team": "sales", "place": "Köln"}', "{}", "{}"])
    changes = pd.DataFrame({"workspace_id": ["ws-1"], "action": "change",
                            "to_setting": "AUTO_STOP:60", "saving_usd_per_month": 20.0})
    return table, fleet, Plan(changes, at("2026-11-01"), HourRule.CLOCK_HOUR, "")


def test_what_each_directory_costs() -> None:
    table, fleet, plan = three()
    rows = cost_by(table, plan, fleet, "directory")
    assert rows.to_dict("records") == [
        {"group": "d-1", "workspaces": 1, "today_usd": 40.0, "planned_usd": 20.0,
         "saving_usd": 20.0, "cold_starts_per_week": 0.0, "planned_cold_starts_per_week": 3.0,
         "unpriced": 0},
        {"group": "d-2", "workspaces": 1, "today_usd": 20.0, "planned_usd": 20.0,
         "saving_usd": 0.0, "cold_starts_per_week": 1.0, "planned_cold_starts_per_week": 1.0,
         "unpriced": 1}]
    whole = fleet_costs(table, plan).set_index("option")["total_usd"]
    assert rows["today_usd"].sum() == whole["today"]
    assert rows["planned_usd"].sum() == whole["the plan"]


@pytest.mark.parametrize(("by", "groups"), [
    ("tag team", {"sales": 60.0, "": 0.0}),
    ("tag place", {"": 40.0, "Köln": 20.0}),
    ("running mode", {"ALWAYS_ON": 40.0, "AUTO_STOP": 20.0}),
    ("bundle", {"STANDARD": 60.0}),
    ("region", {"eu-west-1": 60.0}),
    ("account", {"": 60.0}),
])
def test_the_ways_to_divide_a_fleet(by: str, groups: dict[str, float]) -> None:
    table, fleet, plan = three()
    rows = cost_by(table, plan, fleet, by)
    assert dict(zip(rows["group"], rows["today_usd"], strict=True)) == groups
    assert rows["unpriced"].sum() == 1


def test_tags_may_be_dicts_and_other_divisions_are_refused() -> None:
    table, fleet, plan = three()
    tagged = fleet.assign(tags=[{"team": 7}, {}, None, ""])
    assert cost_by(table, plan, tagged, "tag team")["group"].tolist() == ["7", ""]
    for by in ("directori", "tag ", "weather"):
        with pytest.raises(InputError, match="cannot be divided"):
            cost_by(table, plan, fleet, by)


def test_a_fleet_without_anybody_costs_nothing() -> None:
    table, fleet, plan = three()
    assert cost_by(table[:0], plan, fleet).empty
    assert monthly_hours(table[:0], fleet).empty
    assert standing_out(table[:0], fleet_sessions({}), fleet, OCTOBER).empty
    assert busy(weekly_usage(fleet_sessions({}), OCTOBER, fleet)) == {}


def test_monthly_hours_are_those_of_the_present_timeout() -> None:
    table, fleet, _ = three()
    rows = monthly_hours(table, fleet).to_dict("records")
    assert [(row["workspace_id"], row["compute_type"], row["baseline"],
             row["billed_hours_per_month"], row["break_even_hours"]) for row in rows] == [
        ("ws-1", "STANDARD", "ALWAYS_ON", 20.0, 60.0),
        ("ws-2", "STANDARD", "AUTO_STOP:120", 20.0, 60.0),
        ("ws-4", "STANDARD", "ALWAYS_ON", 50.0, 60.0)]


def test_rates_of_each_kind_with_their_break_even() -> None:
    fleet = pd.concat([workspaces("ws-1", "ws-2"), workspaces("ws-3", region="eu-west-1")])
    rows = bundle_rates(fleet, book())
    assert len(rows) == 1  # the test's prices know one region
    assert rows.iloc[0][["compute_type", "workspaces", "always_on_usd", "auto_stop_usd",
                         "hourly_usd"]].tolist() == ["STANDARD", 2, 35.0, 9.75, 0.30]
    assert rows["break_even_hours"].iloc[0] == pytest.approx(84.1667, abs=1e-4)


def test_what_each_month_cost_under_the_present_setting() -> None:
    charges = pd.DataFrame(
        [("ALWAYS_ON", "ws-1", "2026-09", 40.0, 0.0), ("ALWAYS_ON", "ws-1", "2026-10", 20.0, 0.0),
         ("AUTO_STOP:60", "ws-1", "2026-09", 10.0, 99.0),
         ("AUTO_STOP:60", "ws-1", "2026-10", 10.0, 99.0),
         ("AUTO_STOP:60", "ws-2", "2026-09", 10.0, 5.0),
         ("AUTO_STOP:60", "ws-2", "2026-10", 10.0, 7.0),
         ("AUTO_STOP:60", "ws-3", "2026-09", 10.0, 1.0),
         ("AUTO_STOP:60", "ws-3", "2026-10", np.nan, np.nan)],
        columns=["setting", "workspace_id", "month", "fixed_usd", "hourly_usd"])
    charges["total_usd"] = charges["fixed_usd"] + charges["hourly_usd"]
    present = pd.Series({"ws-1": "ALWAYS_ON", "ws-2": "AUTO_STOP:60", "ws-3": "AUTO_STOP:60"})
    rows = cost_by_month(charges, present, window("2026-09-01", "2026-10-16 12:00"))
    assert rows.to_dict("records") == [
        {"month": "2026-09", "covered": 1.0, "workspaces": 2, "fixed_usd": 50.0,
         "hourly_usd": 5.0, "total_usd": 55.0, "unpriced": 1},
        {"month": "2026-10", "covered": 0.5, "workspaces": 2, "fixed_usd": 30.0,
         "hourly_usd": 7.0, "total_usd": 37.0, "unpriced": 1}]


def test_who_stands_out() -> None:
    table = comparison(
        compared("ws-idle", "ALWAYS_ON", sessions=0.0),
        compared("ws-dear", "AUTO_STOP:60", hours=100, sessions=0.0),
        compared("ws-unseen", "ALWAYS_ON", sessions=0.0, observed_days=9.0, unobserved_days=22.0),
        compared("ws-open", "AUTO_STOP:120"),
        compared("ws-on", "ALWAYS_ON"),
        compared("ws-fine", "ALWAYS_ON"),
        compared("ws-new", "ALWAYS_ON", observed_days=0.0, sessions=0.0),
        compared("ws-gone", "ALWAYS_ON", sessions=0.0, terminated_at=at("2026-10-09")))
    fleet = workspaces("ws-idle", "ws-dear", "ws-unseen", "ws-open", "ws-on", "ws-fine", "ws-new",
                       "ws-gone", user_name="ada")
    used = fleet_sessions({
        "ws-open": [("2026-10-02 09:00", "2026-10-10 09:00")],
        "ws-on": [("2026-09-30", "2026-10-06"), ("2026-10-06", "2026-10-12"),
                  ("2026-10-12", "2026-10-18"), ("2026-10-18", "2026-10-24"),
                  ("2026-10-24", "2026-10-30"), ("2026-10-30", "2026-11-02")],
        "ws-fine": [("2026-10-05 08:00", "2026-10-12 08:00")]})
    rows = standing_out(table, used, fleet, OCTOBER)
    assert rows[["workspace_id", "what", "setting", "usd_per_month", "says"]].to_numpy().tolist() \
        == [["ws-dear", "unused", "AUTO_STOP:60", 60.0, "no session in 31 days"],
            ["ws-idle", "unused", "ALWAYS_ON", 40.0, "no session in 31 days"],
            ["ws-on", "never disconnected", "ALWAYS_ON", 40.0, "connected throughout 31 days"],
            ["ws-open", "never disconnected", "AUTO_STOP:120", 40.0,
             "connected for 8 days on end"]]
    assert set(rows["user_name"]) == {"ada"}
    longer = standing_out(table, used, fleet, OCTOBER, longest_days=9)
    assert "ws-open" not in set(longer["workspace_id"])
    assert "ws-fine" in set(standing_out(table, used, fleet, OCTOBER, longest_days=6.9)[
        "workspace_id"])


def test_too_little_observed_is_no_saving_of_nothing() -> None:
    figures: dict[str, Any] = {
        "workspaces": 60, "usd_per_month": 2332.0, "saving_usd_per_month": 0.0, "changes": 0,
        "unused": 0, "unused_usd_per_month": 0.0}
    assert str(Headline(**figures, too_early=58)) == (
        "Too early to say: 58 of 60 WorkSpaces were observed for too short a time.")
    assert str(Headline(**figures, too_early=5)) == (
        "Nothing to change: 60 WorkSpaces cost $2,332 a month as they are set.")
    saving = figures | {"changes": 2, "saving_usd_per_month": 100.0}
    assert str(Headline(**saving, too_early=58)).startswith("Saves $100 a month, 4 %: 2 changes. ")
