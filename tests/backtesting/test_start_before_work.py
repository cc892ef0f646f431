"""The policy that starts WorkSpaces before their users come: whom, when, and what it is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from tests.helpers.build import ME, at, book, fleet_sessions, sessions, window, workspaces
from wsanalytics.actions.start_early import usual_arrivals
from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.backtesting.policies.catalog import policy_named
from wsanalytics.backtesting.policies.rule import Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.backtesting.policies.start_before_work import StartBeforeWork
from wsanalytics.billing.fees import billable
from wsanalytics.errors import InputError
from wsanalytics.people.person import Archetype, Person, make_people
from wsanalytics.people.working_days import fleet_sessions as people_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import load_prices
from wsanalytics.sessions.arrival_times import EARLY_QUANTILE, usual_on
from wsanalytics.timeline import Window

DAY = timedelta(days=1)
WINTER = Window(at("2026-01-01"), at("2026-04-01"))


class Watched(StartBeforeWork):
    """The policy, and what it said."""

    def __init__(self, **how: object) -> None:
        super().__init__(**how)  # type: ignore[arg-type]  # numbers and a zone
        self.told: dict[datetime, pd.DataFrame] = {}

    def starts(self, seen: Seen) -> pd.DataFrame:
        self.told[seen.now] = super().starts(seen)
        return self.told[seen.now]

    @property
    def times(self) -> list[str]:
        every = pd.concat(list(self.told.values()))
        return [f"{one:%m-%d %H:%M}" for one in every["at"]]


def invented(count: int, *, seed: int) -> tuple[list[Person], pd.DataFrame, pd.DataFrame]:
    """People, their sessions, and those of their WorkSpaces that are billed."""
    people = make_people(count, seed=seed, window=WINTER)
    fleet = make_workspaces(people, seed=seed, window=WINTER)
    fleet = fleet[billable(fleet)].reset_index(drop=True)
    used = people_sessions(people, WINTER)
    return people, used[used["workspace_id"].isin(fleet["workspace_id"])], fleet


def mornings(first: str, last: str, connected: str, left: str) -> list[tuple[str, str]]:
    """The same session on each working day."""
    return [(f"{day:%Y-%m-%d} {connected}", f"{day:%Y-%m-%d} {left}")
            for day in pd.date_range(first, last, freq="B")]


def played(pairs: pd.DataFrame, *policies: str | Rule, when: Window, rule: str = "exact",
           **columns: object) -> Backtest:
    ids = sorted({ME, *pairs["workspace_id"]})
    return backtest(pairs, policies, workspaces=workspaces(*ids, **columns), prices=book(),
                    window=when, hour_rule=rule)


def test_who_comes_at_nine_every_day_waits_no_more() -> None:
    """A quarter of an hour more a day; on a day off, the hour until the timeout has passed."""
    came = mornings("2026-02-02", "2026-03-13", "09:00", "17:00")
    came.remove(("2026-03-11 09:00", "2026-03-11 17:00"))
    policy = Watched()
    found = played(sessions(*came), "hold", policy, when=window("2026-03-09", "2026-03-16"))
    assert policy.times == [f"03-{day:02} 08:45" for day in range(9, 14)]
    hold, ours = found.outcomes.to_dict("records")
    assert (hold["cold_starts"], ours["cold_starts"]) == (4, 0)
    assert hold["billed_hours"] == 4 * 9
    assert ours["billed_hours"] == 4 * 9.25 + 1
    assert ours["switches"] == 0 and found.decisions.empty


def test_nobody_is_started_whose_habits_are_unknown_or_who_comes_too_seldom() -> None:
    came = mornings("2026-02-23", "2026-03-13", "09:00", "17:00")
    policy = Watched()
    played(sessions(*came), policy, when=window("2026-02-23", "2026-03-07"))
    assert policy.times == [f"03-{day:02} 08:45" for day in range(2, 7)]  # after five days
    mondays = [pair for pair in mornings("2026-02-02", "2026-03-13", "09:00", "17:00")
               if at(pair[0]).weekday() == 0]
    for chance, days in ((0.5, ["03-09 08:45"]), (0.0, [f"03-{d:02} 08:45" for d in range(9, 14)]),
                         (1.0, [])):
        some = Watched(chance=chance)
        played(sessions(*mondays), some, when=window("2026-03-09", "2026-03-16"))
        assert some.times == days
    never = Watched(chance=0)
    played(sessions(("2026-01-01 09:00", "2026-01-01 10:00")), never,
           when=window("2026-03-09", "2026-03-16"))
    assert never.times == []  # over four weeks ago


def test_days_before_it_was_created_say_nothing_of_its_user() -> None:
    came = mornings("2026-03-03", "2026-03-13", "09:00", "17:00")
    policy = Watched()
    played(fleet_sessions({ME: came, "ws-old": [("2026-02-01 00:00", "2026-02-01 01:00")]}),
           policy, when=window("2026-03-01", "2026-03-14"), created_at="2026-03-03 08:00")
    assert policy.times == ["03-11 08:45", "03-12 08:45", "03-13 08:45"]


def test_who_comes_after_midnight_is_started_the_day_before() -> None:
    came = [(f"{day:%Y-%m-%d} 00:05", f"{day:%Y-%m-%d} 06:00")
            for day in pd.date_range("2026-02-02", "2026-03-14")]
    policy = Watched()
    found = played(sessions(*came), policy, when=window("2026-03-09", "2026-03-14"))
    assert policy.times == [f"03-{day:02} 23:50" for day in range(9, 14)]
    assert found.outcomes["cold_starts"].item() == 1  # on the first day


def test_who_is_there_already_and_what_is_always_on_are_not_started() -> None:
    """Connected over midnight, and usually here from 22:00 on: a start today would be too late."""
    nights = [(f"{day:%Y-%m-%d} 22:00", f"{day + DAY:%Y-%m-%d} 06:00")
              for day in pd.date_range("2026-02-02", "2026-03-13")]
    policy = Watched()
    played(sessions(*nights), policy, when=window("2026-03-09", "2026-03-14"))
    assert policy.times == []
    gone_by_ten = [(came, came[:10] + " 23:00") for came, _ in nights]
    late = Watched()
    played(sessions(*gone_by_ten), late, when=window("2026-03-09", "2026-03-14"))
    assert late.times == [f"03-{day:02} 21:45" for day in range(9, 14)]
    settled = Watched()
    played(sessions(*gone_by_ten), settled, when=window("2026-03-09", "2026-03-14"),
           running_mode="ALWAYS_ON", auto_stop_minutes=None)
    assert settled.times == []


def test_the_clock_of_a_zone_tells_the_days() -> None:
    """Nine in New York is 14:00 UTC in winter and 13:00 UTC from 8 March 2026 on."""
    zone = ZoneInfo("America/New_York")
    came = [(datetime(day.year, day.month, day.day, 9, tzinfo=zone).astimezone(UTC),
             datetime(day.year, day.month, day.day, 17, tzinfo=zone).astimezone(UTC))
            for day in pd.date_range("2026-02-02", "2026-03-13", freq="B")]
    policy = Watched(zone="America/New_York")
    found = played(sessions(*came), policy, when=window("2026-03-05", "2026-03-12"))
    assert policy.times == [
        "03-05 13:45", "03-06 13:45", "03-09 12:45", "03-10 12:45", "03-11 12:45"]
    assert found.outcomes["cold_starts"].item() == 0


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Australia/Sydney"])
def test_it_goes_by_the_rule_of_start_early(zone: str) -> None:
    """Whom ``usual_arrivals`` expects in the 24 hours is started, but for those who are there."""
    _, used, fleet = invented(40, seed=11)
    policy = Watched(zone=zone, chance=0.4, ahead=30)
    when = window("2026-03-05", "2026-04-01")
    backtest(used, [policy], workspaces=fleet, prices=load_prices(), window=when)
    hourly = fleet[fleet["running_mode"] == "AUTO_STOP"]
    count = 0
    for now, told in policy.told.items():
        there = hourly[~(hourly["terminated_at"] < now) & ~(hourly["created_at"] >= now + DAY)]
        expected = expected_on(now, used, there, ZoneInfo(zone))
        found = told.sort_values(["workspace_id", "at"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)
        assert told["at"].between(now, now + DAY, inclusive="left").all()
        count += len(told)
    assert count > 200


def expected_on(
    now: datetime, used: pd.DataFrame, fleet: pd.DataFrame, zone: ZoneInfo
) -> pd.DataFrame:
    """By ``usual_arrivals``, asked for each local day that the 24 hours and the half touch."""
    seen = used[used["connected_at"] < now]
    unborn = fleet[fleet["created_at"].notna()]
    created_on = unborn["created_at"].dt.tz_convert(zone).dt.normalize()
    gaps = pd.DataFrame({"workspace_id": unborn["workspace_id"], "from_at": at("2025-12-01"),
                         "to_at": created_on + pd.DateOffset(days=1)})
    ahead, parts = timedelta(minutes=30), []
    for later in range(3):
        day = now.astimezone(zone).replace(hour=12, minute=0) + later * DAY
        rows = usual_arrivals(
            seen, dict.fromkeys(fleet["workspace_id"], zone), day.astimezone(UTC),
            observed=Window(now - 28 * DAY, now), gaps=gaps)
        if not later:
            midnight = day.replace(hour=0)
            here = set(seen[seen["disconnected_at"] >= midnight]["workspace_id"])
            rows = rows[~rows["workspace_id"].isin(here)]
        parts.append(rows[rows["chance"] >= 0.4])
    every = pd.concat([part for part in parts if len(part)] or parts[:1])
    every["at"] = pd.to_datetime(every["expected_at"], utc=True) - ahead
    inside = every[(every["at"] >= now) & (every["at"] < now + DAY)]
    return inside.sort_values(["workspace_id", "at"])[["workspace_id", "at"]].reset_index(drop=True)


def test_it_spares_waits_and_costs_hours_and_starts_nobody_who_never_comes() -> None:
    people, used, fleet = invented(80, seed=7)
    fleet = fleet.assign(running_mode="AUTO_STOP", auto_stop_minutes=60)
    policy = Watched()
    found = backtest(used, ["hold", policy], workspaces=fleet, prices=load_prices(),
                     window=window("2026-02-01", "2026-04-01"))
    hold, ours = (found.outcomes[found.outcomes["policy"] == name]
                  for name in ("hold", "start_before_work"))
    assert ours["cold_starts"].sum() < 0.75 * hold["cold_starts"].sum()
    dearer = ours["total_usd"].sum() / hold["total_usd"].sum()
    assert 1 < dearer < 1.15
    started = set(pd.concat(list(policy.told.values()))["workspace_id"])
    unused = {one.workspace_id for one in people if one.archetype is Archetype.UNUSED}
    assert unused and not unused & started
    same = [rows[rows["workspace_id"].isin(unused)].drop(columns="policy").reset_index(drop=True)
            for rows in (hold, ours)]
    pd.testing.assert_frame_equal(*same)
    assert len(same[0])


def test_the_early_quantile_is_numpys() -> None:
    rng = np.random.default_rng(4)
    ordinals = np.arange(739_000, 739_028)
    first = rng.integers(0, 86_400, (200, 28)) / 60
    first[rng.random(first.shape) < rng.random(200)[:, None]] = np.nan
    today = 739_028
    alike = ((ordinals + 6) % 7 >= 5) == ((today + 6) % 7 >= 5)
    usual = usual_on(today, ordinals, first, np.ones(first.shape, dtype=bool))
    for row, minute in zip(first[:, alike], usual.minute, strict=True):
        came = row[~np.isnan(row)]
        assert minute == np.quantile(came, EARLY_QUANTILE) if len(came) else np.isnan(minute)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("start_before_work:chance=2", "between 0 and 1"),
        ("start_before_work:ahead=1441", "minutes from 0 to 1440"),
        ("start_before_work:zone=Europe/Berlim", "IANA"),
        ("start_before_work:zone=", "IANA"),
        ("start_before_work:chance=often", "NAME:PARAM=VALUE"),
        ("start_before_work:minutes=15", "NAME:PARAM=VALUE"),
    ],
)
def test_what_it_does_not_take(text: str, rule: str) -> None:
    with pytest.raises(InputError) as refused:
        policy_named(text)
    error = refused.value
    assert rule in error.rule and error.where and error.fix
    with pytest.raises(InputError):
        StartBeforeWork(chance=float("nan"))
    with pytest.raises(InputError):
        StartBeforeWork(ahead=-1)


def test_how_it_is_written() -> None:
    policy = policy_named("start_before_work:ahead=30,chance=0.75,zone=Asia/Kolkata")
    assert isinstance(policy, StartBeforeWork)
    assert (policy.ahead, policy.chance, str(policy.zone)) == (30, 0.75, "Asia/Kolkata")
    assert policy.name == "start_before_work:ahead=30,chance=0.75,zone=Asia/Kolkata"
