"""Policies played through time: nobody sees the future, and the bill is the one of everything."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from tests.backtesting.backtests import (
    DAY,
    KNOWN,
    RULES,
    SEE_THE_PAST,
    WINDOW,
    Spy,
    invented,
    played,
)
from tests.helpers.build import at
from wsanalytics.backtesting.policies.catalog import policy_named
from wsanalytics.backtesting.policies.rule import (
    Choice,
    Rule,
)
from wsanalytics.backtesting.policies.seen import Seen

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
