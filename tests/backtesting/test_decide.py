"""What a plan decides on a day is what a backtest decided on that day, from the same past."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pandas as pd
import pytest

from tests.backtesting.backtests import SEE_THE_PAST, invented, prices
from tests.helpers.build import REPOSITORY, at, window
from wsanalytics.backtesting.backtest import backtest, rule_of
from wsanalytics.backtesting.decide import decide
from wsanalytics.backtesting.every import decides_on, next_decision
from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing.bill import bill
from wsanalytics.errors import InputError
from wsanalytics.history.checks import check_workspaces
from wsanalytics.history.folder import sample_history
from wsanalytics.history.history import configured, with_settings
from wsanalytics.recommendations.analysis import analyse
from wsanalytics.schedule import schedule_of
from wsanalytics.sessions.from_store import found_in
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.check_sessions import check_sessions
from wsanalytics.timeline import Window

TRACE = REPOSITORY / "data" / "traces" / "workplace_ev.csv.gz"
PLAYED = Window(at("2026-02-01"), at("2026-04-10"))


class Watched(Rule):
    """A policy that is looked at: what each WorkSpace was set to on each day, and became."""

    def __init__(self, name: str) -> None:
        self.rule, self.name = rule_of(name), name
        self.idle_stop_minutes = self.rule.idle_stop_minutes
        self.before: dict[datetime, pd.Series] = {}
        self.after: dict[datetime, pd.Series] = {}

    def decide(self, seen: Seen) -> Choice:
        self.before[seen.now] = seen.settings
        choice: Any = self.rule.decide(seen)
        if not isinstance(choice, pd.Series):
            choice = pd.Series([str(choice)] * len(seen.ids) if isinstance(choice, str)
                               or not hasattr(choice, "__len__") else list(map(str, choice)),
                               index=seen.ids)
        self.after[seen.now] = choice
        return choice


def equal_to_the_backtest(
    name: str, sessions: pd.DataFrame, fleet: pd.DataFrame, when: Window, days: set[int]
) -> int:
    """Hold what is decided on days of the month to what a backtest decided; count the days."""
    watched = Watched(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some WorkSpaces are not billed
        backtest(sessions, [watched], workspaces=fleet, prices=prices(), window=when)
    settings = pd.concat([
        series.rename("setting").rename_axis("workspace_id").reset_index().assign(since=day)
        for day, series in watched.after.items()])
    chosen = [day for day in watched.after if day.day in days]
    for day in chosen:
        found = decide(name, sessions, workspaces=fleet, prices=prices(), at=day,
                       present=watched.before[day],
                       settings=settings[settings["since"] < pd.Timestamp(day)])
        expected = watched.after[day].astype("str")
        told = found.settings["from_now"].reindex(expected.index)
        assert not (differs := told != expected).any(), (day, told[differs], expected[differs])
    return len(chosen)


@pytest.mark.parametrize("name", [*SEE_THE_PAST, "cheapest_fixed:days=28"])
def test_it_decides_as_a_backtest_does_on_each_day_from_the_same_past(name: str) -> None:
    sessions, fleet = invented()
    assert equal_to_the_backtest(name, sessions, fleet, PLAYED,
                                 {1, 2, 6, 13, 17, 20, 24, 28}) > 12


@cache
def sample_fleet() -> tuple[pd.DataFrame, pd.DataFrame]:
    history = sample_history()
    return found_in(history).sessions, history.workspaces


@pytest.mark.parametrize("name", ["forecast", "cost_optimizer", "break_even", "cheapest_fixed"])
def test_so_it_does_on_the_sample_fleet(name: str) -> None:
    sessions, fleet = sample_fleet()
    assert equal_to_the_backtest(name, sessions, fleet,
                                 window("2026-09-01", "2026-10-21"),
                                 {1, 5, 8, 11, 14, 20, 23, 27}) >= 12


@pytest.mark.parametrize("name", ["forecast", "cost_optimizer", "break_even", "cheapest_fixed"])
def test_so_it_does_on_a_trace_of_real_people(name: str) -> None:
    sessions = check_sessions(pd.read_csv(TRACE, dtype={"workspace_id": "str"}))
    fleet = check_workspaces(pd.DataFrame({
        "workspace_id": sessions["workspace_id"].unique(), "region": "us-east-1",
        "compute_type": "STANDARD", "running_mode": "AUTO_STOP", "auto_stop_minutes": 60}))
    assert equal_to_the_backtest(name, sessions, fleet, window("2015-04-01", "2015-06-20"),
                                 {1, 3, 10, 15, 19, 26}) >= 13


@pytest.mark.parametrize("name", ["forecast", "cheapest_fixed:days=28", "cost_optimizer",
                                  "break_even"])
def test_a_plan_on_each_1st_applied_whole_costs_what_the_backtest_says(name: str) -> None:
    sessions, fleet = invented()
    when = Window(at("2026-02-01"), at("2026-04-20"))
    present = configured(fleet)
    changes = [present.rename("setting").rename_axis("workspace_id").reset_index().assign(
        since=when.start - timedelta(days=1))]
    for first in (at("2026-02-01"), at("2026-03-01"), at("2026-04-01")):
        past = Window(at("2026-01-05"), first)
        seen = sessions[sessions["connected_at"] < pd.Timestamp(first)]
        plan = analyse(seen, with_settings(fleet, present), window=past, prices=prices(),
                       policy=name, min_saving_usd=0.0, now=first).plan.changes
        present = plan.set_index("workspace_id")["to_setting"].reindex(present.index).fillna(
            present)
        changes.append(plan.rename(columns={"to_setting": "setting"}).assign(since=first)[
            ["workspace_id", "setting", "since"]])
    lived = schedule_of(pd.concat(changes, ignore_index=True), when)
    by_hand = bill(replay(sessions, [lived], window=when), fleet, prices())
    played = backtest(sessions, [name], workspaces=fleet, prices=prices(), window=when,
                      every="month")
    usd = by_hand.groupby("workspace_id")["total_usd"].sum()
    said = played.outcomes.groupby("workspace_id")["total_usd"].sum()
    # A WorkSpace that is created on a 1st is planned for on the next one, when it has a past.
    pd.testing.assert_series_equal(usd, said.astype(usd.dtype), check_names=False)
    assert len(changes[1]) > 3


def test_what_must_not_be_chosen_is_left_as_it_is() -> None:
    sessions, fleet = invented()
    allowed = pd.DataFrame(True, index=pd.Index(fleet["workspace_id"]),
                           columns=["AUTO_STOP:120", "AUTO_STOP:240"])
    found = decide("forecast", sessions, workspaces=fleet, prices=prices(), at=at("2026-04-01"),
                   allowed=allowed)
    present = configured(fleet).reindex(found.settings.index)
    changed = found.settings["from_now"] != present
    assert changed.any()
    assert set(found.settings.loc[changed, "from_now"]) <= {"AUTO_STOP:120", "AUTO_STOP:240"}


def test_the_future_makes_no_plan() -> None:
    sessions, fleet = invented()
    with pytest.raises(InputError, match="knows the future"):
        decide("clairvoyant", sessions, workspaces=fleet, prices=prices(), at=at("2026-04-01"))


def test_what_was_prepaid_is_known_from_how_it_was_set() -> None:
    """ALWAYS_ON on the 1st, AUTO_STOP since the 10th: its hours are free until the month ends."""
    seen: list[Seen] = []

    def look(view: Seen) -> pd.Series:
        seen.append(view)
        return view.settings

    sessions, fleet = invented()
    name = fleet["workspace_id"].iloc[0]
    settings = pd.DataFrame({
        "workspace_id": name, "setting": ["ALWAYS_ON", "AUTO_STOP:60"],
        "since": [at("2026-03-01"), at("2026-03-10 15:00")]})
    present = pd.Series({name: "AUTO_STOP:60"})
    for told in (settings, None):
        decide(look, sessions, workspaces=fleet, prices=prices(), at=at("2026-03-20 08:00"),
               present=present, settings=told)
    known, unknown = seen
    assert (known.paid[name], unknown.paid[name]) == (True, False)
    assert known.now == at("2026-03-20") and not known.opens_month
    number = list(known.ids).index(name)
    by_day = known.minutes_by_day[number, -19:]  # from 1 to 19 March
    assert by_day.tolist() == [0] * 10 + [60] * 9


def test_on_which_days_policies_decide() -> None:
    first = at("2026-06-01")
    days = [first + timedelta(days=number) for number in range(61)]
    assert [day.day for day in days if decides_on(day, "month")] == [1, 1]
    assert {day.weekday() for day in days if decides_on(day, "week")} == {0}
    assert all(decides_on(day, "day") for day in days)
    for every in ("day", "week", "month"):
        for day in days:
            following = next_decision(day, every)
            assert following > day and decides_on(following, every)
            assert not any(decides_on(day + timedelta(days=more), every)
                           for more in range(1, (following - day).days))


@pytest.mark.parametrize("every", ["week", "month"])
def test_between_its_days_nothing_is_decided(every: str) -> None:
    sessions, fleet = invented()
    found = backtest(sessions, ["forecast", "break_even", "cost_optimizer"], workspaces=fleet,
                     prices=prices(), window=PLAYED, every=every)
    assert len(found.decisions) > 5
    assert all(decides_on(day.to_pydatetime(), every) for day in found.decisions["at"])


def test_how_often_is_one_of_three() -> None:
    sessions, fleet = invented()
    with pytest.raises(InputError, match="every is 'months'"):
        backtest(sessions, ["hold"], workspaces=fleet, prices=prices(), window=PLAYED,
                 every="months")
