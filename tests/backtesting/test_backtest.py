"""Policies played through time: nobody sees the future, and the bill is the one of everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from tests.helpers.build import ME, at, book, fleet_sessions, sessions, window, workspaces
from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.backtesting.policies.catalog import POLICIES, policy_named
from wsanalytics.backtesting.policies.rule import (
    ByFunction,
    Choice,
    Reference,
    Rule,
    WorkspaceView,
    for_each,
)
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing.bill import bill
from wsanalytics.billing.fees import billable
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.cli import main
from wsanalytics.errors import InputError, NotBilledWarning, UnpricedWarning
from wsanalytics.history.checks import check_workspaces
from wsanalytics.history.history import configured
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions as people_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import PriceBook, load_prices
from wsanalytics.schedule import Schedule
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.results import OUTCOMES
from wsanalytics.timeline import Window

DAY = timedelta(days=1)
KNOWN = Window(at("2026-01-05"), at("2026-04-20"))
WINDOW = window("2026-02-20", "2026-04-08")  # neither of its ends is a month's
RULES = list(HourRule)


def _is_reference(name: str) -> bool:
    maker = POLICIES[name]
    return isinstance(maker, type) and issubclass(maker, Reference)


CHOOSE_SETTINGS = [name for name in ("hold", "cost_optimizer", "break_even", "forecast")
                   if name in POLICIES] + ["always_on", "auto_stop:60", "auto_stop:120"]
SEE_THE_PAST = [*(name for name in POLICIES if not _is_reference(name)), "always_on",
                "auto_stop:120", "stop_when_idle:minutes=20"]


@cache
def prices() -> PriceBook:
    return load_prices()


@cache
def invented() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sessions and WorkSpaces of forty people; some come, some go, all have a price."""
    people = make_people(40, seed=8, window=KNOWN)
    fleet = make_workspaces(people, seed=8, window=KNOWN)
    fleet = fleet[billable(fleet)].reset_index(drop=True)
    used = people_sessions(people, KNOWN)
    used = used[used["workspace_id"].isin(fleet["workspace_id"])]
    born, gone = fleet["created_at"], fleet["terminated_at"]
    assert ((born > WINDOW.start) & (born < WINDOW.end)).any()
    if not ((gone > WINDOW.start) & (gone < WINDOW.end)).any():
        busy = used["workspace_id"].value_counts().index[:2]
        ends = pd.Series([at("2026-03-10 15:00"), at("2026-04-01")], index=busy)
        told = fleet["workspace_id"].map(ends)
        fleet["terminated_at"] = pd.to_datetime(told, utc=True).dt.as_unit("us")
        fleet.loc[told.notna(), "state"] = "TERMINATED"
        last = used["workspace_id"].map(ends)
        used = used[~(used["connected_at"] >= last)]
        used["disconnected_at"] = used["disconnected_at"].mask(
            used["disconnected_at"] > last, pd.to_datetime(last, utc=True).dt.as_unit("us"))
    return used.reset_index(drop=True), fleet


def played(*policies: str | Rule | Callable[[Seen], Choice], used: pd.DataFrame | None = None,
           fleet: pd.DataFrame | None = None, when: Window = WINDOW, rule: str = "clock_hour",
           **more: object) -> Backtest:
    pairs, there = invented()
    return backtest(pairs if used is None else used, policies,
                    workspaces=there if fleet is None else fleet, prices=prices(), window=when,
                    hour_rule=rule, **more)  # type: ignore[arg-type]  # options of a backtest


def costs(found: Backtest, policy: str) -> pd.DataFrame:
    rows = found.outcomes[found.outcomes["policy"] == policy]
    return rows.drop(columns=["policy"]).reset_index(drop=True)


# No policy sees the future.


class Overheard(Rule):
    """Another policy, and what it said at each midnight."""

    def __init__(self, policy: Rule) -> None:
        self.policy, self.name = policy, policy.name
        self.idle_stop_minutes = policy.idle_stop_minutes
        self.said: dict[datetime, tuple[pd.Series, pd.DataFrame]] = {}

    def decide(self, seen: Seen) -> Choice:
        choice = self.policy.decide(seen)
        settings = pd.Series(choice, index=seen.ids, dtype=object).astype(str)
        self.said[seen.now] = settings, pd.DataFrame(columns=["workspace_id", "at"])
        return choice

    def starts(self, seen: Seen) -> pd.DataFrame | None:
        outcome = self.policy.starts(seen)
        if outcome is not None:
            self.said[seen.now] = self.said[seen.now][0], outcome
        return outcome


def cut_at(used: pd.DataFrame, moment: datetime) -> pd.DataFrame:
    """What was seen of sessions up to a moment."""
    before = used[used["connected_at"] < moment]
    return before.assign(disconnected_at=before["disconnected_at"].clip(upper=moment))


def otherwise_after(
    used: pd.DataFrame, fleet: pd.DataFrame, moment: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same up to a moment; after it everybody is there all day, and others are terminated."""
    later = pd.date_range(moment, KNOWN.end, freq="D")
    more = pd.DataFrame([(one, come, come + timedelta(hours=22))
                         for one in fleet["workspace_id"] for come in later],
                        columns=["workspace_id", "connected_at", "disconnected_at"])
    before = cut_at(used, moment)[list(more)]
    ends = fleet["terminated_at"].mask(fleet["terminated_at"] >= moment)
    ends[::3] = ends[::3].fillna(pd.Timestamp(moment + 3 * DAY))
    return pd.concat([before, more], ignore_index=True), fleet.assign(
        terminated_at=ends, state="AVAILABLE")


@pytest.mark.parametrize("policy", SEE_THE_PAST)
def test_what_comes_later_changes_no_decision(policy: str) -> None:
    used, fleet = invented()
    whole = Overheard(policy_named(policy))
    found = played(whole)
    assert len(whole.said) == WINDOW.days
    for moment in (at("2026-02-26"), at("2026-03-18")):
        for pairs, there in ((cut_at(used, moment), fleet),
                             otherwise_after(used, fleet, moment)):
            part = Overheard(policy_named(policy))
            less = played(part, used=pairs, fleet=there)
            for now, (settings, outcome) in part.said.items():
                if now <= moment:
                    pd.testing.assert_series_equal(settings, whole.said[now][0])
                    pd.testing.assert_frame_equal(outcome, whole.said[now][1])
            until = [each.decisions[each.decisions["at"] <= moment].reset_index(drop=True)
                     for each in (found, less)]
            pd.testing.assert_frame_equal(*until)


@pytest.mark.parametrize("policy", SEE_THE_PAST)
def test_workspaces_that_are_created_later_change_no_decision(policy: str) -> None:
    used, fleet = invented()
    moment = at("2026-03-01")
    known = fleet[~(fleet["created_at"] >= moment)].reset_index(drop=True)
    assert len(known) < len(fleet)
    found = [played(policy), played(policy, fleet=known,
                                    used=used[used["workspace_id"].isin(known["workspace_id"])])]
    until = [each.decisions[each.decisions["at"] < moment].reset_index(drop=True)
             for each in found]
    pd.testing.assert_frame_equal(*until)


def all_of(seen: Seen) -> dict[str, object]:
    """Everything that a policy can ask of what was seen."""
    zone = ZoneInfo("America/New_York")
    days, minutes = seen.first_minutes(zone, 28 * DAY)
    past = seen.past(60)
    return {
        "workspaces": seen.workspaces, "settings": seen.settings, "paid": seen.paid,
        "rates": seen.rates, "is_new": seen.is_new, "sessions": seen.sessions,
        "hours": seen.hours_by_day(60), "cold starts": seen.cold_starts_by_day(120),
        "tool": seen.tool_hours_by_day(240), "minutes": seen.minutes_by_day,
        "late": seen.hours(7), "month": seen.hours_this_month(minutes=240),
        "local days": days.ordinals, "first": minutes, "were there": seen.were_there(seen.now),
        "today": seen.were_there(seen.now - 7 * DAY), "past": past.hours, "born": past.born,
        "ended": past.ended, "so far": seen.hours_this_month(minutes=60),
        "break-even": seen.break_even_hours, "own": seen.own_timeout,
        "in force": seen.minutes_in_force,
    }


class Spy(Rule):
    """Changes settings often, and keeps what it was shown."""

    name = "spy"

    def __init__(self) -> None:
        self.shown: dict[datetime, dict[str, object]] = {}

    def decide(self, seen: Seen) -> Choice:
        self.shown[seen.now] = all_of(seen)
        return ["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:240"][seen.now.toordinal() // 3 % 3]


@pytest.mark.parametrize("rule", RULES)
def test_what_is_shown_ends_now(rule: str) -> None:
    used, fleet = invented()
    spy = Spy()
    played(spy, rule=rule)
    for now, shown in spy.shown.items():
        pairs, there = shown["sessions"], shown["workspaces"]
        assert isinstance(pairs, pd.DataFrame) and isinstance(there, pd.DataFrame)
        assert (pairs["connected_at"] < now).all() and (pairs["disconnected_at"] <= now).all()
        assert not (there["terminated_at"] >= now).any() and "TERMINATED" not in set(
            there["state"])
        assert not (there["created_at"] >= now + DAY).any()
        table = shown["hours"]
        assert isinstance(table, np.ndarray)
        assert table.shape == (len(there), (now - KNOWN.start) // DAY)
    for moment in (WINDOW.start, at("2026-03-18")):
        for pairs, changed in ((cut_at(used, moment), fleet),
                               otherwise_after(used, fleet, moment)):
            other = Spy()
            played(other, rule=rule, used=pairs, fleet=changed)
            for name, value in other.shown[moment].items():
                same(spy.shown[moment][name], value)


def same(left: object, right: object) -> None:
    if isinstance(left, pd.DataFrame):
        assert isinstance(right, pd.DataFrame)
        pd.testing.assert_frame_equal(left, right)
    elif isinstance(left, pd.Series):
        assert isinstance(right, pd.Series)
        pd.testing.assert_series_equal(left, right)
    else:
        np.testing.assert_array_equal(left, right)  # type: ignore[call-overload]  # arrays


def test_what_is_shown_cannot_be_changed() -> None:
    def forger(seen: Seen) -> str:
        seen.hours_by_day(60)[:] = 0
        return "ALWAYS_ON"

    with pytest.raises(ValueError, match="read-only"):
        played(forger)


# The bill is the one of everything.


@pytest.mark.parametrize("rule", RULES)
def test_policies_that_never_change_cost_what_a_bill_says(rule: str) -> None:
    used, fleet = invented()
    listed = configured(fleet)
    found = played("always_on", "auto_stop:60", "hold", rule=rule)
    grid = sorted({"ALWAYS_ON", "AUTO_STOP:60", *listed})
    charges = bill(replay(used, grid, window=WINDOW), fleet, prices(), hour_rule=rule)
    charges = charges.astype({"setting": "str", "workspace_id": "str", "month": "str"})
    for policy, setting in (("always_on", "ALWAYS_ON"), ("auto_stop:60", "AUTO_STOP:60"),
                            ("hold", None)):
        wanted = charges["workspace_id"].map(listed) if setting is None else setting
        expected = charges[charges["setting"] == wanted].drop(columns="setting")
        expected = expected.sort_values(["workspace_id", "month"])
        got = costs(found, policy).astype({"workspace_id": "str", "month": "str"})
        pd.testing.assert_frame_equal(
            got.drop(columns="switches"), expected.reset_index(drop=True), check_exact=False,
            rtol=0, atol=1e-9)
    assert not costs(found, "hold")["switches"].any()
    assert (found.outcomes["billed_hours"] > 0).any()


def test_what_is_in_force_as_the_window_begins_is_what_is_held() -> None:
    _, fleet = invented()
    present = pd.Series("ALWAYS_ON", index=fleet["workspace_id"][:10])
    found = played("hold", "always_on", present=present)
    ids = set(present.index)
    parts = [rows[rows["workspace_id"].isin(ids)].reset_index(drop=True)
             for rows in (costs(found, "hold"), costs(found, "always_on"))]
    pd.testing.assert_frame_equal(*parts)
    assert not parts[1]["switches"].any()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_nobody_beats_the_clairvoyant(rule: str, seed: int) -> None:
    """WorkSpace by WorkSpace; maintenance, creations and terminations among them."""
    when = window("2026-02-11", "2026-04-04")
    people = make_people(16, seed=seed, window=KNOWN)
    fleet = make_workspaces(people, seed=seed, window=KNOWN).assign(maintenance_enabled=True)
    used = people_sessions(people, KNOWN)
    found = played("clairvoyant", "informed", *CHOOSE_SETTINGS, flapping, used=used, fleet=fleet,
                   when=when, rule=rule)
    usd = found.outcomes.astype({"policy": "str"}).pivot_table(
        index="workspace_id", columns="policy", values="total_usd", aggfunc="sum", observed=True)
    for policy in usd:
        assert (usd[policy] >= usd["clairvoyant"] - 1e-6).all(), policy
    totals = found.totals.set_index("policy")["regret_usd"]
    assert totals["clairvoyant"] == 0 and (totals >= 0).all()
    assert found.regret["regret_usd"].min() > -1e-6
    assert found.references == ("clairvoyant", "informed")


def flapping(seen: Seen) -> np.ndarray:
    """Every WorkSpace another setting every few days, each on days of its own."""
    choices = np.array(["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:240"], object)
    number = np.array([sum(map(ord, one)) for one in seen.ids])
    return choices[(number + seen.now.toordinal() // (2 + number % 5)) % 4]


# Decisions, and what the outcomes say of them.


def test_decisions_take_effect_at_midnight() -> None:
    """ALWAYS_ON on 10 March, AUTO_STOP:120 on 20 March: as a schedule of those two says."""
    def decide(seen: Seen) -> str:
        day = seen.now.day
        return "AUTO_STOP:60" if day < 10 else "ALWAYS_ON" if day < 20 else "AUTO_STOP:120"

    march = window("2026-03-01", "2026-04-01")
    used = sessions(("2026-03-02 09:00", "2026-03-02 17:00"),
                    ("2026-03-09 23:00", "2026-03-10 02:00"),
                    ("2026-03-25 09:00", "2026-03-25 10:00"))
    found = backtest(used, [decide], workspaces=workspaces(), prices=book(), window=march)
    told = [("2026-03-10", "AUTO_STOP:60", "ALWAYS_ON"), ("2026-03-20", "ALWAYS_ON",
                                                          "AUTO_STOP:120")]
    assert found.decisions.to_dict("records") == [
        {"policy": "decide", "workspace_id": ME, "at": pd.Timestamp(day, tz="UTC"),
         "from_setting": before, "to_setting": after} for day, before, after in told]
    commands = pd.DataFrame([(ME, pd.Timestamp(day, tz="UTC"), after) for day, _, after in told],
                          columns=["workspace_id", "at", "order"])
    schedule = Schedule(pd.Series({ME: "AUTO_STOP:60"}).rename_axis("workspace_id"), commands)
    by_hand = bill(replay(used, [schedule], window=march), workspaces(), book())
    row = found.outcomes.to_dict("records")[0]
    assert row["total_usd"] == by_hand["total_usd"].item() == pytest.approx(
        9.75 + 35 * 22 / 31 + 10 * 0.30)
    assert (row["billed_hours"], row["switches"]) == (10, 2)


def test_switches_are_the_decisions() -> None:
    found = played(flapping, "always_on", "cost_optimizer", "break_even")
    made = found.decisions
    assert (made["from_setting"] != made["to_setting"]).all()
    assert (made["at"].dt.normalize() == made["at"]).all()
    assert made["at"].between(WINDOW.start, WINDOW.end, inclusive="left").all()
    counted = made.assign(month=made["at"].dt.strftime("%Y-%m")).groupby(
        ["policy", "workspace_id", "month"]).size()
    rows = found.outcomes.astype({"policy": "str", "workspace_id": "str", "month": "str"})
    switches = rows.set_index(["policy", "workspace_id", "month"])["switches"]
    pd.testing.assert_series_equal(
        switches[switches > 0].sort_index(), counted.sort_index(), check_names=False)
    _, fleet = invented()
    born = fleet.set_index("workspace_id")["created_at"]
    assert (made["at"] > made["workspace_id"].map(born).fillna(pd.Timestamp(KNOWN.start))).all()


def test_every_policy_workspace_and_month_has_its_row() -> None:
    used, fleet = invented()
    found = played("hold", "always_on", flapping)
    rows = found.outcomes
    assert list(rows) == list(OUTCOMES.names)
    months = ["2026-02", "2026-03", "2026-04"]
    wanted = [(policy, one, month) for policy in ("hold", "always_on", "flapping")
              for one in sorted(fleet["workspace_id"]) for month in months]
    assert list(zip(rows["policy"], rows["workspace_id"], rows["month"], strict=True)) == wanted
    assert (rows["total_usd"] == rows["fixed_usd"] + rows["hourly_usd"]).all()
    assert not rows.isna().any().any()
    ever_used = set(used[used["connected_at"] < WINDOW.end]["workspace_id"])
    idle = rows[~rows["workspace_id"].isin(ever_used)]
    assert len(idle) and not idle[["cold_starts"]].any().any()
    assert set(found.seconds) == {"hold", "always_on", "flapping"}


def test_the_order_of_rows_does_not_matter() -> None:
    used, fleet = invented()
    names = ["cost_optimizer", "clairvoyant", flapping]
    first = played(*names)
    again = played(*names, used=used.sample(frac=1, random_state=1),
                   fleet=fleet.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(first.outcomes, again.outcomes)
    pd.testing.assert_frame_equal(first.decisions, again.decisions)


def test_what_was_before_is_seen_and_not_billed_and_what_comes_after_is_neither() -> None:
    used, _ = invented()
    inside = used[(used["connected_at"] < WINDOW.end) & (used["disconnected_at"] > WINDOW.start)]
    assert len(inside) < len(used)
    names = ["hold", "always_on", "clairvoyant", "stop_when_idle"]
    pd.testing.assert_frame_equal(
        played(*names).outcomes, played(*names, used=inside).outcomes)
    until = used[used["connected_at"] < WINDOW.end]
    pd.testing.assert_frame_equal(
        played("cost_optimizer", "break_even").outcomes,
        played("cost_optimizer", "break_even", used=until).outcomes)
    spies = Spy(), Spy()
    played(spies[0])
    played(spies[1], used=inside)
    opening = [spy.shown[WINDOW.start]["sessions"] for spy in spies]
    assert len(opening[0]) > len(opening[1])  # type: ignore[arg-type]  # frames


def test_a_session_in_progress_is_cut_now() -> None:
    shown = []

    def look(seen: Seen) -> pd.Series:
        shown.append([*seen.sessions.itertuples(index=False, name=None)])
        return seen.settings

    stay = sessions(("2026-03-02 20:00", "2026-03-04 10:00"),
                    ("2026-03-05 00:00", "2026-03-05 01:00"))
    backtest(stay, [look], workspaces=workspaces(), prices=book(),
             window=window("2026-03-02", "2026-03-06"))
    ends = [[str(left)[5:16] for _, _, left in row] for row in shown]
    assert ends == [[], ["03-03 00:00"], ["03-04 00:00"], ["03-04 10:00"]]


def test_a_user_of_one_at_a_time() -> None:
    """``for_each`` is shown one WorkSpace; the same rule for the whole fleet at once."""
    def lazy(one: WorkspaceView) -> str:
        assert one.setting == one.setting and isinstance(one.workspace["user_name"], str)
        costs_more = one.hours(7) * one.rates["hourly_usd"] * 4 > one.rates["always_on_usd"]
        return "ALWAYS_ON" if one.paid or costs_more else "AUTO_STOP:60"

    def eager(seen: Seen) -> np.ndarray:
        week, since = seen.sessions, pd.Timestamp(seen.now - 7 * DAY)
        spans = week["disconnected_at"] - week["connected_at"].clip(lower=since)
        hours = (spans / timedelta(hours=1)).clip(lower=0).groupby(week["workspace_id"]).sum()
        cost = hours.reindex(seen.ids).fillna(0) * seen.rates["hourly_usd"] * 4
        dear = cost.to_numpy() > seen.rates["always_on_usd"].to_numpy()
        return np.where(dear | seen.paid.to_numpy(), "ALWAYS_ON", "AUTO_STOP:60")

    when = window("2026-02-24", "2026-03-10")
    found = played(for_each(lazy), eager, when=when)
    pd.testing.assert_frame_equal(costs(found, "lazy"), costs(found, "eager"))
    assert found.decisions["policy"].value_counts().nunique() == 1


@pytest.mark.parametrize("wrap", [
    lambda ids, told: told[:len(ids)], lambda ids, told: dict(zip(ids, told, strict=True)),
    lambda ids, told: pd.Series(told, index=ids)[::-1], lambda ids, told: [*told][:len(ids)],
    lambda ids, told: np.array([f" {one} " for one in told], dtype=object)[:len(ids)],
])
def test_settings_may_be_told_in_many_ways(wrap: Callable[[pd.Index, np.ndarray], Choice]) -> None:
    found = played(flapping, ByFunction(lambda seen: wrap(seen.ids, flapping(seen)), "wrapped"))
    pd.testing.assert_frame_equal(costs(found, "flapping"), costs(found, "wrapped"))


# Whom nothing is billed for, and what is refused.


def odd_fleet() -> tuple[pd.DataFrame, pd.DataFrame]:
    """One of the usual kind, one without a price, one MANUAL and one standby."""
    fleet = pd.concat([
        workspaces("ws-a"), workspaces("ws-b", root_gib=20), workspaces("ws-c", standby=True),
        workspaces("ws-d", running_mode="MANUAL", auto_stop_minutes=None)], ignore_index=True)
    day = [("2026-03-02 09:00", "2026-03-02 17:00")]
    return fleet_sessions(dict.fromkeys(fleet["workspace_id"], day)), check_workspaces(fleet)


MARCH = window("2026-03-01", "2026-04-01")


def test_who_is_left_out_is_named_once() -> None:
    used, fleet = odd_fleet()
    with pytest.warns() as told:
        found = backtest(used, ["hold", "always_on", "break_even", "forecast", "clairvoyant",
                                "informed"], workspaces=fleet, prices=book(), window=MARCH)
    assert [(one.category, str(one.message).split(": ")[1]) for one in told] == [
        (NotBilledWarning, "ws-c, ws-d"), (UnpricedWarning, "ws-b")]
    assert all(one.filename == __file__ for one in told)
    assert set(found.outcomes["workspace_id"]) == {"ws-a", "ws-b"}
    odd = found.outcomes[found.outcomes["workspace_id"] == "ws-b"].set_index("policy")
    assert odd[["fixed_usd", "hourly_usd", "total_usd"]].isna().all().all()
    assert odd["billed_hours"].to_dict() == {
        "hold": 9, "always_on": 0, "break_even": 9, "forecast": 9, "clairvoyant": 9, "informed": 9}
    assert (found.totals["workspaces"] == 1).all()
    regret = found.regret
    assert regret[regret["workspace_id"] == "ws-b"]["regret_usd"].isna().all()


def garbage(what: object) -> Callable[[Seen], Choice]:
    return lambda _seen: what  # type: ignore[return-value]  # that is what it is about


class Starter(Rule):
    """Starts as a test says."""

    name = "starter"

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome

    def decide(self, seen: Seen) -> Choice:
        return seen.settings

    def starts(self, seen: Seen) -> pd.DataFrame | None:
        return self.outcome  # type: ignore[return-value]  # nonsense, mostly


def outcome(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"workspace_id": [one for one, _ in rows],
                         "at": pd.to_datetime([when for _, when in rows])})


TWO = fleet_sessions({"ws-1": [("2026-03-02 09:00", "2026-03-02 17:00")], "ws-2": []})


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ("clairvoyance", "did you mean clairvoyant"),
        ("hold:minutes=3", "'minutes=3' is no parameter"),
        ("auto_stop", "'AUTO_STOP:' is not"), ("auto_stop:90", "'AUTO_STOP:90' is not"),
        ("auto_stop:60,120", "is not a setting"), ("auto_stop:0", "'AUTO_STOP:0' is not"),
        ("always_on:", "behind the colon|no policy"), ("always_on:60", "no policy"),
        ("hold:", "nothing stands behind"), ("", "no policy"), ("HOLD", "did you mean hold"),
        ("stop_when_idle:minutes=0", "over 0"), ("stop_when_idle:minutes=-5", "write a number"),
        ("stop_when_idle:minutes=soon", "write a number"),
        ("stop_when_idle:minutes=5,minutes=6", "twice"), ("stop_when_idle:15", "no parameter"),
        ("stop_when_idle:name=x", "no parameter"), ("break_even:timeout=90", "STOP:90' is"),
        ("break_even:timeout=1.5", "1.5"),
        (garbage("SOMETIMES"), "'SOMETIMES' is not a setting"), (garbage(None), "a NoneType"),
        (garbage(60), "a int"), (garbage(["ALWAYS_ON"]), "1 settings"),
        (garbage(["ALWAYS_ON"] * 3), "3 settings"), (garbage([None, "ALWAYS_ON"]), "for ws-1"),
        (garbage({"ws-1": "ALWAYS_ON"}), "no setting for ws-2"), (garbage({}), "for ws-1, ws-2"),
        (garbage(pd.Series(["ALWAYS_ON"] * 2)), "no setting for ws-1, ws-2"),
        (garbage(pd.Series({"ws-1": "ALWAYS_ON", "ws-2": float("nan")})), "for ws-2"),
        (garbage(["ALWAYS_ON", "AUTO_STOP:61"]), "'AUTO_STOP:61' is not a setting"),
        (garbage([["ALWAYS_ON", "ALWAYS_ON"]]), "a list"),
        (garbage(pd.DataFrame({"a": ["ALWAYS_ON"] * 2})), "a DataFrame"),
        (Starter("ws-1"), "no frame"), (Starter(pd.DataFrame({"at": []})), "no frame"),
        (Starter(outcome(("ws-1", "2026-03-01T09:00"))), "without a zone"),
        (Starter(outcome(("ws-1", "2026-03-02T00:00Z"))), "another day"),
        (Starter(outcome(("ws-1", "2026-02-28T23:59Z"))), "another day"),
        (Starter(outcome(("ws-9", "2026-03-01T09:00Z"))), "ws-9"),
    ],
)
def test_policies_that_are_refused(policy: str | Rule | Callable[[Seen], Choice],
                                   what: str) -> None:
    with pytest.raises(InputError, match=what) as refused:
        backtest(TWO, [policy], workspaces=workspaces("ws-1", "ws-2"), prices=book(),
                 window=window("2026-03-01", "2026-03-02"))
    name = policy.partition(":")[0] if isinstance(policy, str) else "policy"
    assert refused.value.rule and refused.value.fix and name in refused.value.where


@pytest.mark.parametrize(
    ("policies", "options", "what"),
    [
        ([], {}, "there is no policy"), (["hold", "hold"], {}, "hold is there twice"),
        ([garbage("ALWAYS_ON"), garbage("ALWAYS_ON")], {}, "twice"),
        (["hold"], {"window": window("2026-03-01 06:00", "2026-03-03")}, "whole UTC days"),
        (["hold"], {"window": window("2026-03-01", "2026-03-03 06:00")}, "whole UTC days"),
        (["hold"], {"workspaces": workspaces("ws-2")}, "ws-1"),
        (["hold"], {"hour_rule": "per_minute"}, "per_minute"),
        (["hold"], {"timeouts": (60, 90)}, "90 minutes"), (["hold"], {"timeouts": ()}, "timeout"),
        (["hold"], {"present": pd.Series({"ws-1": "OFF"})}, "OFF"),
        (["hold"], {"sessions": pd.concat([TWO, TWO])}, "overlap|before"),
    ],
)
def test_backtests_that_are_refused(policies: list[str], options: dict[str, object],
                                    what: str) -> None:
    usual = {"workspaces": workspaces("ws-1", "ws-2"), "window": MARCH, "prices": book()}
    with pytest.raises(InputError, match=what) as refused:
        backtest(options.pop("sessions", TWO), policies,  # type: ignore[arg-type]  # as it is
                 **usual | options)  # type: ignore[arg-type]  # likewise
    assert refused.value.rule and refused.value.fix


def test_regret_needs_the_clairvoyant() -> None:
    found = backtest(TWO, ["hold"], workspaces=workspaces("ws-1", "ws-2"), prices=book(),
                     window=MARCH)
    assert "regret_usd" not in found.totals
    with pytest.raises(InputError, match="clairvoyant is not among"):
        _ = found.regret
    assert repr(found) == ("<Backtest of 1 policies, 2 WorkSpaces, 2026-03-01 to 2026-04-01 "
                           "(31 days, the end excluded)>")
    assert "<table" in found._repr_html_()


def test_starts_outside_of_its_life_are_none() -> None:
    """It is created at noon of the 1st and terminated at noon of the 1st."""
    for when, hours in (("11:59", 0), ("12:00", 1), ("12:59", 1), ("13:00", 0)):
        found = backtest(
            TWO.iloc[:0], [Starter(outcome(("ws-1", f"2026-03-01T{when}Z")))],
            workspaces=workspaces("ws-1", created_at="2026-03-01 12:00",
                                  terminated_at="2026-03-01 13:00"),
            prices=book(), window=window("2026-03-01", "2026-03-02"), hour_rule="exact")
        assert found.outcomes["billed_hours"].item() == hours


def test_a_fleet_of_nobody() -> None:
    """All of them are MANUAL, or were gone before, or come later."""
    with pytest.warns(NotBilledWarning):
        found = backtest(TWO, [*SEE_THE_PAST, "clairvoyant"], prices=book(), window=MARCH,
                         workspaces=workspaces("ws-1", "ws-2", running_mode="MANUAL",
                                               auto_stop_minutes=None))
    assert found.outcomes.empty and found.decisions.empty
    for life in ({"terminated_at": "2026-02-01"}, {"created_at": "2026-04-02"}):
        found = backtest(TWO.iloc[:0], [*SEE_THE_PAST, "clairvoyant"], prices=book(), window=MARCH,
                         workspaces=workspaces("ws-1", **life))
        assert len(found.outcomes) == len(SEE_THE_PAST) + 1
        assert not found.outcomes["total_usd"].any() and not found.outcomes["switches"].any()


# The command.


@cache
def twelve_and_the_odd() -> tuple[pd.DataFrame, pd.DataFrame]:
    people = make_people(12, seed=3, window=KNOWN)
    used, fleet = people_sessions(people, KNOWN), make_workspaces(people, seed=3, window=KNOWN)
    odd_used, odd = odd_fleet()
    used = pd.concat([used, odd_used], ignore_index=True)[
        ["workspace_id", "connected_at", "disconnected_at"]]
    return used, pd.concat([fleet, odd], ignore_index=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    used, fleet = twelve_and_the_odd()
    used.to_csv(tmp_path / "sessions.csv", index=False)
    fleet.to_csv(tmp_path / "workspaces.csv", index=False)
    used.to_parquet(tmp_path / "sessions.parquet")
    fleet.to_parquet(tmp_path / "workspaces.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FILES = ["--sessions", "sessions.csv", "--workspaces", "workspaces.csv"]
DATES = ["--start", "2026-03-01", "--end", "2026-04-01"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("rule", RULES)
def test_the_command_says_what_the_function_does(
    rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = ["hold", "cost_optimizer", "clairvoyant", "start_before_work:ahead=20"]
    assert main(["backtest", *FILES, *DATES, "--policy", *policies[:2], "--policy", *policies[2:],
                 "--hour-rule", rule, "--output", "outcomes.csv"]) == 0
    said = capsys.readouterr()
    assert said.err.count("ws-b") == said.err.count("ws-c") == 1
    assert "no known price" in said.err and "MANUAL or standby" in said.err
    assert all(policy.partition(":")[0] in said.out for policy in policies)
    rows = pd.read_csv("outcomes.csv")
    used, fleet = (pd.read_parquet(f"{name}.parquet") for name in ("sessions", "workspaces"))
    with pytest.warns():
        found = backtest(used, policies, workspaces=check_workspaces(fleet), prices=prices(),
                         window=MARCH, hour_rule=rule)
    same_rows = found.outcomes.astype({"policy": "str", "workspace_id": "str", "month": "str"})
    pd.testing.assert_frame_equal(rows, same_rows, check_exact=False, rtol=1e-12)
    assert set(rows["workspace_id"]) & {"ws-a", "ws-b", "ws-c", "ws-d"} == {"ws-a", "ws-b"}
    assert rows[rows["workspace_id"] == "ws-b"]["total_usd"].isna().all()
    assert rows["total_usd"].notna().sum() == 4 * 13


@pytest.mark.usefixtures("folder")
def test_csv_and_parquet_hold_the_same() -> None:
    swapped = [name.replace(".csv", ".parquet") for name in FILES]
    for files, output in ((FILES, "a.parquet"), (swapped, "b.csv")):
        assert main(["backtest", *files, *DATES, "--policy", "hold", "break_even",
                     "--output", output]) == 0
    rows = pd.read_parquet("a.parquet").astype({"policy": "str", "workspace_id": "str",
                                                "month": "str"})
    pd.testing.assert_frame_equal(rows, pd.read_csv("b.csv"), check_exact=False, rtol=1e-12)


@pytest.mark.usefixtures("folder")
def test_history_before_the_start_is_seen_by_the_command() -> None:
    """Without it nobody's habits are known in the first days."""
    name = ["--policy", "start_before_work", "--output"]
    assert main(["backtest", *FILES, "--start", "2026-03-01", "--end", "2026-03-07", *name,
                 "a.csv"]) == 0
    used = pd.read_parquet("sessions.parquet")
    used[used["connected_at"] >= at("2026-03-01")].to_csv("sessions.csv", index=False)
    assert main(["backtest", *FILES, "--start", "2026-03-01", "--end", "2026-03-07", *name,
                 "b.csv"]) == 0
    knows, knows_not = (pd.read_csv(f"{one}.csv")["cold_starts"].sum() for one in "ab")
    assert knows < knows_not


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--policy", "clairvoyance"], "did you mean clairvoyant?"),
        (["--policy", "hold", "hold"], "hold is there twice"),
        (["--policy", "stop_when_idle:minutes=0"], "over 0"),
        (["--policy", "start_before_work:zone=Berlin"], "IANA"),
        (["--policy", "auto_stop:61"], "'AUTO_STOP:61' is not a setting"),
        (["--policy", "hold", "--timeout", "61"], "61 minutes"),
        (["--policy", "hold", "--hour-rule", "per_minute"], "per_minute"),
        (["--policy", "hold", "--start", "2026-04-02"], "not after"),
        (["--policy"], "expected at least one"),
        ([], "--policy"),
    ],
)
def test_what_the_command_refuses(
    more: list[str], what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.iterdir())
    try:
        status = main(["backtest", *FILES, *DATES, *more, "--output", "outcomes.csv"])
    except SystemExit as stop:
        status = int(stop.code or 0)
    said = capsys.readouterr()
    assert status == 2 and said.out == ""
    assert what in said.err and len(said.err.strip().splitlines()) == 1
    assert sorted(folder.iterdir()) == before
