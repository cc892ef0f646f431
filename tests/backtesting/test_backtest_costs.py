"""Policies played through time: nobody sees the future, and the bill is the one of everything."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.backtesting.backtests import (
    KNOWN,
    RULES,
    WINDOW,
    costs,
    flapping,
    invented,
    played,
    prices,
)
from tests.helpers.build import window
from wsanalytics.backtesting.policies.catalog import POLICIES
from wsanalytics.billing.bill import bill
from wsanalytics.history.history import configured
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions as people_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.simulation.fleet import replay

CHOOSE_SETTINGS = [name for name in ("hold", "cost_optimizer", "break_even", "forecast")
                   if name in POLICIES] + ["always_on", "auto_stop:60", "auto_stop:120"]


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
