"""Policies played through time: nobody sees the future, and the bill is the one of everything."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from tests.backtesting.backtests import (
    MARCH,
    SEE_THE_PAST,
    odd_fleet,
    outcome,
)
from tests.helpers.build import book, fleet_sessions, window, workspaces
from wsanalytics.backtesting.backtest import backtest
from wsanalytics.backtesting.policies.rule import (
    Choice,
    Rule,
)
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.errors import InputError, NotBilledWarning, UnpricedWarning


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
