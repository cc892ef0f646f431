"""Policies played through time: nobody sees the future, and the bill is the one of everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from tests.backtesting.backtests import (
    DAY,
    KNOWN,
    WINDOW,
    Spy,
    costs,
    flapping,
    invented,
    played,
)
from tests.helpers.build import ME, book, sessions, window, workspaces
from wsanalytics.backtesting.backtest import backtest
from wsanalytics.backtesting.policies.rule import (
    ByFunction,
    Choice,
    WorkspaceView,
    for_each,
)
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing.bill import bill
from wsanalytics.schedule import Schedule
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.results import OUTCOMES

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
