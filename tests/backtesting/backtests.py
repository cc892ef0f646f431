"""What the tests of backtest share: stories, fleets, short names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from tests.helpers.build import at, fleet_sessions, window, workspaces
from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.backtesting.policies.catalog import POLICIES
from wsanalytics.backtesting.policies.rule import (
    Choice,
    Reference,
    Rule,
)
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing.fees import billable
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.history.checks import check_workspaces
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions as people_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.prices.book import PriceBook, load_prices
from wsanalytics.timeline import Window

DAY = timedelta(days=1)

KNOWN = Window(at("2026-01-05"), at("2026-04-20"))

WINDOW = window("2026-02-20", "2026-04-08")  # neither of its ends is a month's

RULES = list(HourRule)


def _is_reference(name: str) -> bool:
    maker = POLICIES[name]
    return isinstance(maker, type) and issubclass(maker, Reference)

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


def all_of(seen: Seen) -> dict[str, object]:
    """Everything that a policy can ask of what was seen."""
    zone = ZoneInfo("America/New_York")
    days, minutes = seen.first_minutes(zone, 28 * DAY)
    past = seen.past(60)
    return {
        "workspaces": seen.workspaces,
        "settings": seen.settings,
        "paid": seen.paid,
        "rates": seen.rates,
        "is_new": seen.is_new,
        "sessions": seen.sessions,
        "hours": seen.hours_by_day(60),
        "cold starts": seen.cold_starts_by_day(120),
        "tool": seen.tool_hours_by_day(240),
        "minutes": seen.minutes_by_day,
        "late": seen.hours(7),
        "month": seen.hours_this_month(minutes=240),
        "local days": days.ordinals,
        "first": minutes,
        "were there": seen.connected_since(seen.now),
        "today": seen.connected_since(seen.now - 7 * DAY),
        "past": past.hours,
        "created": past.created,
        "terminated": past.terminated,
        "so far": seen.hours_this_month(minutes=60),
        "break-even": seen.break_even_hours,
        "own": seen.own_timeout,
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


def flapping(seen: Seen) -> np.ndarray:
    """Every WorkSpace another setting every few days, each on days of its own."""
    choices = np.array(["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:240"], object)
    number = np.array([sum(map(ord, one)) for one in seen.ids])
    return choices[(number + seen.now.toordinal() // (2 + number % 5)) % 4]


# Whom nothing is billed for, and what is refused.


def odd_fleet() -> tuple[pd.DataFrame, pd.DataFrame]:
    """One of the usual kind, one without a price, one MANUAL and one standby."""
    fleet = pd.concat([
        workspaces("ws-a"), workspaces("ws-b", root_gib=20), workspaces("ws-c", standby=True),
        workspaces("ws-d", running_mode="MANUAL", auto_stop_minutes=None)], ignore_index=True)
    day = [("2026-03-02 09:00", "2026-03-02 17:00")]
    return fleet_sessions(dict.fromkeys(fleet["workspace_id"], day)), check_workspaces(fleet)


MARCH = window("2026-03-01", "2026-04-01")


def outcome(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"workspace_id": [one for one, _ in rows],
                         "at": pd.to_datetime([when for _, when in rows])})
