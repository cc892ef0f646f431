"""The floor: no sequence of settings costs less, under any hour rule; tried by brute force.

Every sequence of daily settings is given to a WorkSpace of its own, all with the same user, so one
replay and one bill tell what each of them costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.build import ME, at, book, fleet_sessions, month, sessions, window, workspaces
from wsanalytics.backtesting.backtest import Backtest, backtest
from wsanalytics.billing.bill import bill
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.errors import UnpricedWarning
from wsanalytics.prices.book import PriceBook
from wsanalytics.schedule import Schedule
from wsanalytics.simulation.fleet import replay
from wsanalytics.timeline import Window

DAY = timedelta(days=1)
TURN = window("2026-01-30", "2026-02-03")
THIRD_MONDAY = window("2026-02-14", "2026-02-18")
Pairs = list[tuple[datetime, datetime]]


@cache
def every_sequence(choices: tuple[str, ...], when: Window, first: int) -> Schedule:
    """A WorkSpace for every sequence of daily settings from the day *first* of *when* on."""
    days = round(when.days)
    chosen = list(product(choices, repeat=days - first))
    ids = [f"ws-{number:04}" for number in range(len(chosen))]
    rows = [(name, when.start + (first + day) * DAY, told[day])
            for name, told in zip(ids, chosen, strict=True)
            for day in range(1, days - first) if told[day] != told[day - 1]]
    frame = pd.DataFrame(rows, columns=["workspace_id", "at", "order"])
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    opening = pd.Series([told[0] for told in chosen], index=pd.Index(ids, name="workspace_id"))
    return Schedule(opening, frame, "every sequence")


@dataclass(frozen=True)
class Story:
    """One WorkSpace, its user, and what a policy may choose."""

    pairs: Pairs
    when: Window
    timeouts: tuple[int, ...]
    opens: str
    monthly: float
    maintained: bool
    born: int | None
    gone: int | None

    @property
    def prices(self) -> PriceBook:
        return book(monthly=self.monthly, fee=1.0, hourly=0.3)

    @property
    def choices(self) -> tuple[str, ...]:
        """Its own timeout is among them, whatever was named."""
        named = [f"AUTO_STOP:{minutes}" for minutes in self.timeouts]
        return tuple(dict.fromkeys(["ALWAYS_ON", *named, self.opens]))

    def fleet(self, *ids: str) -> pd.DataFrame:
        mode, _, minutes = self.opens.partition(":")
        life = {"created_at": self.born, "terminated_at": self.gone}
        told = {name: self.when.start + day * DAY + 7 * DAY / 24
                for name, day in life.items() if day is not None}
        return workspaces(*ids, running_mode=mode, maintenance_enabled=self.maintained,
                          auto_stop_minutes=int(minutes) if minutes else None, **told)

    def cheapest(self, rule: str) -> float:
        """What the cheapest of all sequences costs."""
        schedule = every_sequence(self.choices, self.when, self.born or 0)
        ids = list(schedule.opening.index)
        mine = fleet_sessions({ME: self.pairs})
        used = pd.concat([mine] * len(ids), ignore_index=True)
        used["workspace_id"] = np.repeat(ids, len(mine))
        charges = bill(replay(used, [schedule], window=self.when), self.fleet(*ids), self.prices,
                       hour_rule=rule)
        return float(charges.groupby("workspace_id", observed=True)["total_usd"].sum().min())

    def played(self, rule: str) -> Backtest:
        return backtest(fleet_sessions({ME: self.pairs}), ["clairvoyant"], workspaces=self.fleet(),
                        prices=self.prices, window=self.when, hour_rule=rule,
                        timeouts=self.timeouts)


@st.composite
def evenings(draw: st.DrawFn, start: datetime, end: datetime) -> Pairs:
    """Sessions around midnights, with silences that are about a timeout, cut to a life."""
    minute, pairs = timedelta(minutes=1), []
    now = start + draw(st.integers(0, 24 * 12)) * 5 * minute
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.integers(0, 2)) == 0:
            midnight = now.replace(hour=0, minute=0) + DAY
            now = max(now, midnight - draw(st.sampled_from([0, 20, 55, 60, 90, 130, 250])) * minute)
        silence = draw(st.sampled_from([5, 20, 40, 59, 60, 61, 70, 100, 119, 120, 125, 185, 300]))
        length = draw(st.sampled_from([1, 5, 20, 45, 59, 60, 61, 75, 115, 180, 420]))
        came, left = now + silence * minute, now + (silence + length) * minute
        if left > end:
            break
        if came >= start:
            pairs.append((came, left))
        now = left
    return pairs


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Four days of somebody, at prices under which every hour may decide."""
    when = draw(st.sampled_from([TURN, TURN, TURN, THIRD_MONDAY]))
    born = draw(st.sampled_from([None, None, None, 1, 2]))
    gone = draw(st.sampled_from([None, None, None, 3]))
    begins = when.start if born is None else when.start + born * DAY + 7 * DAY / 24
    ends = when.end if gone is None else when.start + gone * DAY + 7 * DAY / 24
    return Story(
        draw(evenings(begins, ends)), when,
        draw(st.sampled_from([(60, 120), (60, 120), (60, 180), (120,)])),
        draw(st.sampled_from(["ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:240"])),
        draw(st.sampled_from([2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 25.0, 50.0, 120.0, 400.0])),
        draw(st.booleans()), born, gone)


@pytest.mark.parametrize("rule", list(HourRule))
@given(story=stories())
@settings(max_examples=settings.default.max_examples // 4)
def test_brute_force_finds_nothing_cheaper_and_nothing_else(rule: str, story: Story) -> None:
    found = story.played(rule)
    assert found.outcomes["total_usd"].sum() == pytest.approx(story.cheapest(rule), abs=1e-6)
    assert set(found.decisions["to_setting"]) <= set(story.choices)


def test_what_is_left_of_a_paid_hour_at_midnight_is_not_forgotten() -> None:
    """Both ways have cost 4 h at midnight; the one with the switch has five minutes more to spare.

    20:25-21:40 and 23:20-00:21, ``ceil_per_run``: with an hour's timeout 3 h and 3 h. With two on
    the first day and one from midnight on it is one run, 20:25-01:21: 5 h.
    """
    story = Story([(at("2026-01-30 20:25"), at("2026-01-30 21:40")),
                   (at("2026-01-30 23:20"), at("2026-01-31 00:21"))], TURN, (60, 120),
                  "AUTO_STOP:60", 120.0, maintained=False, born=None, gone=None)
    found = story.played("ceil_per_run")
    assert found.outcomes["billed_hours"].sum() == 5
    assert found.decisions["to_setting"].tolist() == ["AUTO_STOP:120", "AUTO_STOP:60"]


def mornings(*ids: str) -> pd.DataFrame:
    """Eight hours on each working day of March: 198 h with the idle ones."""
    visits = [(at(f"2026-03-{day:02} 09:00"), at(f"2026-03-{day:02} 17:00"))
              for day in range(2, 32) if at(f"2026-03-{day:02}").weekday() < 5]
    return fleet_sessions(dict.fromkeys(ids, visits))


def test_a_timeout_that_the_user_names_is_tried() -> None:
    """Five minutes in every 70, eight times: two hours a visit, or one run of 08:00-19:15."""
    comes = [at("2026-03-10 08:00") + n * timedelta(minutes=70) for n in range(8)]
    used = sessions(*[(come, come + timedelta(minutes=5)) for come in comes])
    costs = {}
    for named in ((60,), (60, 180), (180,)):
        found = backtest(used, ["clairvoyant"], workspaces=workspaces(), prices=book(),
                         window=month("2026-03"), hour_rule="ceil_per_run", timeouts=named)
        row = found.outcomes.to_dict("records")[0]
        costs[named] = row["billed_hours"], row["switches"]
    assert costs == {(60,): (16, 0), (60, 180): (12, 1), (180,): (12, 1)}


def test_its_own_timeout_is_tried_and_nobody_elses() -> None:
    """The same visits; the one that is set to three hours may go on so, though not named."""
    comes = [at("2026-03-10 08:00") + n * timedelta(minutes=70) for n in range(8)]
    visits = [(come, come + timedelta(minutes=5)) for come in comes]
    fleet = pd.concat([workspaces("ws-a", auto_stop_minutes=180), workspaces("ws-b")])
    found = backtest(fleet_sessions({"ws-a": visits, "ws-b": visits}), ["clairvoyant"],
                     workspaces=fleet, prices=book(), window=month("2026-03"),
                     hour_rule="ceil_per_run", timeouts=(60,))
    hours = dict(zip(found.outcomes["workspace_id"], found.outcomes["billed_hours"], strict=True))
    assert hours == {"ws-a": 12, "ws-b": 16}
    assert found.decisions.empty


def test_who_is_created_or_terminated_is_chosen_for_its_life() -> None:
    """Nine hours a day: 22 working days of March are too many by the hour, six are not.

    Created on the 24th: 9 h on six days cost 9.75 x 8/31 + 16.20, the flat fee 35 x 8/31. Its
    month opens in what is chosen then, which is no switch. Terminated on the 9th: the flat fee
    is due in full, so hours are cheaper.
    """
    used = mornings("ws-old", "ws-new", "ws-gone")
    born, gone = at("2026-03-24 08:00"), at("2026-03-09 18:00")
    used = used[~((used["workspace_id"] == "ws-new") & (used["connected_at"] < born))
                & ~((used["workspace_id"] == "ws-gone") & (used["connected_at"] > gone))]
    fleet = pd.concat([workspaces("ws-old"), workspaces("ws-new", created_at=born),
                       workspaces("ws-gone", terminated_at=gone)])
    found = backtest(used, ["clairvoyant", "informed"], workspaces=fleet, prices=book(),
                     window=window("2026-03-01", "2026-05-01"))
    march = found.outcomes[found.outcomes["month"] == "2026-03"]
    for policy in ("clairvoyant", "informed"):
        rows = march[march["policy"] == policy].set_index("workspace_id")
        assert rows["total_usd"].to_dict() == pytest.approx({
            "ws-old": 35, "ws-new": 35 * 8 / 31, "ws-gone": 9.75 + 6 * 9 * 0.30})
    late = found.outcomes[found.outcomes["month"] == "2026-04"].set_index(
        ["policy", "workspace_id"])["total_usd"]
    assert late["clairvoyant"].to_dict() == {"ws-old": 9.75, "ws-new": 9.75, "ws-gone": 0}
    assert "ws-new" not in set(found.decisions[found.decisions["at"] <= born]["workspace_id"])


@pytest.mark.parametrize("rule", list(HourRule))
@pytest.mark.parametrize(("maintenance", "usd", "hours"), [(0, 29.55, 198), (50, 34.55, 248),
                                                           (60, 35, 0)])
def test_maintenance_is_weighed_like_any_hour(
    maintenance: float, usd: float, hours: float, rule: str
) -> None:
    """198 h at 0.10, and the maintenance of the third Monday, against the flat fee."""
    found = backtest(mornings(ME), ["clairvoyant"], workspaces=workspaces(maintenance_enabled=True),
                     prices=book(hourly=0.1), window=month("2026-03"), hour_rule=rule,
                     maintenance_hours=maintenance)
    row = found.outcomes.to_dict("records")[0]
    assert (row["billed_hours"], row["total_usd"]) == (hours, pytest.approx(usd))


def test_whose_price_is_unknown_is_left_as_it_is() -> None:
    fleet = pd.concat([workspaces("ws-a"), workspaces("ws-b", root_gib=20),
                       workspaces("ws-c", root_gib=20, running_mode="ALWAYS_ON",
                                  auto_stop_minutes=None)])
    with pytest.warns(UnpricedWarning, match="ws-b, ws-c"):
        found = backtest(mornings("ws-a", "ws-b", "ws-c"), ["clairvoyant", "informed"],
                         workspaces=fleet, prices=book(), window=month("2026-03"))
    assert set(found.decisions["workspace_id"]) == {"ws-a"}
    rows = found.outcomes.set_index(["policy", "workspace_id"])
    for policy in ("clairvoyant", "informed"):
        assert rows.loc[policy]["billed_hours"].to_dict() == {"ws-a": 0, "ws-b": 198, "ws-c": 0}
        assert rows.loc[policy]["total_usd"].isna().tolist() == [False, True, True]
