"""Rules of the house in a plan: what they demand, what they forbid, and how it is said."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.build import sample
from wsanalytics.prices.book import load_prices
from wsanalytics.recommendations.analysis import Analysis, analyse
from wsanalytics.recommendations.approval import approve, unapproved
from wsanalytics.recommendations.plan_file import read_plan, write_plan
from wsanalytics.rules.book import RuleBook
from wsanalytics.sessions.from_store import found_in
from wsanalytics.settings import Setting

UNKNOWN = "terminated|not simulated|set aside|No price|did not exist|Observed on"
KINDS = ("", "design", "trading", "board", "hourly")
TABLES = [
    {"name": "design", "bundle": "wsb-design", "least-timeout": 120, "needs-approval": True},
    {"name": "trading", "bundle": "wsb-trading", "least-timeout": 480},
    {"name": "board", "bundle": "wsb-board", "leave-alone": True},
    {"name": "hourly", "bundle": "wsb-hourly", "never-always-on": True},
]


def fleet() -> pd.DataFrame:
    rows = sample().workspaces.copy()
    rows["bundle_id"] = [f"wsb-{KINDS[number % len(KINDS)]}" for number in range(len(rows))]
    return rows


@cache
def analysed(*, with_rules: bool = True, **limits: object) -> Analysis:
    history = sample()
    found = found_in(history)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some WorkSpaces are not billed
        return analyse(found.sessions, fleet(), window=history.window, prices=load_prices(),
                       gaps=found.gaps, commands=found.commands, settings=history.settings,
                       rules=RuleBook.of(TABLES) if with_rules else None, **limits)


def planned(of: Analysis) -> dict[str, pd.DataFrame]:
    """The rows of a plan by the kind of WorkSpace."""
    kind = fleet().set_index("workspace_id")["bundle_id"].str[4:]
    frame = of.plan.recommendations
    return dict(iter(frame.groupby(frame["workspace_id"].map(kind))))


def after(rows: pd.DataFrame) -> pd.Series:
    settings = rows["to_setting"].where(rows["action"] == "change", rows["from_setting"])
    return settings[settings != ""].map(Setting.parse)


@pytest.mark.parametrize("limits", [{}, {"max_cold_starts_per_week": 5.0},
                                    {"min_saving_usd": 100.0}, {"policy": "cost_optimizer"}])
def test_a_plan_keeps_to_the_rules_whatever_the_limits(limits: dict[str, object]) -> None:
    rows = planned(analysed(**limits))
    for kind, least in (("design", 120), ("trading", 480)):
        kept = rows[kind][~rows[kind]["reason"].str.contains(UNKNOWN)]
        assert len(kept) > 3
        assert all((setting.auto_stop_minutes or 9999) >= least for setting in after(kept))
    assert not any(str(setting) == "ALWAYS_ON" for setting in after(
        rows["hourly"][~rows["hourly"]["reason"].str.contains(UNKNOWN)]))
    assert (rows["board"]["action"] == "leave alone").all()


def test_the_rest_is_as_free_as_without_rules() -> None:
    free, bound = planned(analysed(with_rules=False))[""], planned(analysed())[""]
    pd.testing.assert_frame_equal(
        free.drop(columns="apply_by"), bound.drop(columns="apply_by"))


def test_reasons_name_the_rule() -> None:
    rows = planned(analysed())
    for kind in KINDS[1:]:
        looked_at = rows[kind][~rows[kind]["reason"].str.contains(UNKNOWN)]
        assert looked_at["reason"].str.startswith(f"By the rule '{kind}': ").all()
    assert not rows[""]["reason"].str.contains("By the rule").any()
    kinds = analysed().plan.kinds_left_alone
    assert (kinds == "left alone by a rule of the house").sum() > 30


def test_what_a_rule_demands_is_proposed_though_it_costs_more() -> None:
    rows = planned(analysed())
    demanded = rows["hourly"][rows["hourly"]["checked"].str.startswith(
        "demanded by the rule 'hourly'")]
    dearer = demanded[demanded["saving_usd_per_month"] < -1]
    assert len(dearer) > 5 and (dearer["to_setting"] == "AUTO_STOP:60").all()
    assert dearer["reason"].str.contains("it is never to be ALWAYS_ON").all()
    assert dearer["reason"].str.contains("more than now, and is proposed since").all()
    assert rows["design"]["reason"].str.contains(
        "AUTO_STOP:60 is under its least timeout of 120 minutes").any()


def test_a_plan_is_what_the_policy_decided() -> None:
    found = analysed()
    changes = found.plan.changes.set_index("workspace_id")
    decided = found.decision.settings.loc[changes.index]
    assert ((changes["to_setting"] == decided["from_now"])
            | (changes["to_setting"] == decided["from_next_month"])).all()


def test_what_needs_approval_says_so_and_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(analysed().plan, path)
    plan = read_plan(path)
    design = set(planned(analysed())["design"]["workspace_id"])
    waiting = {name for name in plan.changes["workspace_id"] if name in design}
    assert waiting
    checked = plan.changes.set_index("workspace_id").loc[sorted(waiting), "checked"]
    assert checked.str.contains("needs approval by the rule 'design'").all()
    assert set(unapproved(plan.changes)) == waiting
    first = sorted(waiting)[0]
    found = unapproved(approve(path, [first]).changes)
    assert first not in found and waiting - {first} <= set(found)
    assert not unapproved(approve(path, None).changes)
