"""Plans are applied with care: checked, capped, journalled, read back, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.actions.applied import TERMS, in_memory, outcomes
from tests.helpers.fakes import RETRY
from tests.helpers.plans import ACCOUNT, changeable, orders_on_the_way, plan_of, rote_changes
from tests.helpers.sandboxes import MODIFY, QUICK, fleet, modify, settings
from wsanalytics.actions.apply import apply_plan
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.undo import undo
from wsanalytics.errors import InputError
from wsanalytics.history.history import configured
from wsanalytics.sandbox.faults import Faults
from wsanalytics.settings import ALWAYS_ON, Setting, auto_stop


def test_a_dry_run_lists_all_and_changes_nothing(journal: Path) -> None:
    with in_memory() as (box, _, writer):
        changes, before = rote_changes(box.workspaces(), 30), settings(box)
        frame = apply_plan(plan_of(changes), writer, journal=journal)
        assert outcomes(frame) == {"would be done": 25, "left for the next run": 5}
        assert frame["workspace_id"].tolist() == list(changes)
        assert settings(box) == before
        assert box.calls[MODIFY] == 0
    assert not list(journal.parent.iterdir())


@pytest.mark.parametrize(("account", "patience"), [(in_memory, RETRY), (fleet, QUICK)],
                         ids=["in memory", "over HTTP"])
def test_a_plan_is_applied_and_taken_back(
    account: Callable[[], Any], patience: RetryPolicy, journal: Path
) -> None:
    terms = RunOptions(limit=None, retry=patience)
    with account() as (box, _, writer):
        changes, before = rote_changes(box.workspaces(), 30), settings(box)
        start = box.clock.now()
        frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=terms)
        assert outcomes(frame) == {"done": 30}
        wanted = before | {name: after for name, (_, after) in changes.items()}
        assert settings(box) == wanted
        told = box.orders()
        told = told[told["at"] >= pd.Timestamp(start)].sort_values("at")
        for name, (old, new) in changes.items():
            own = told.loc[told["workspace_id"] == name, "order"].tolist()
            assert own == orders_on_the_way(old, new)
        again = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=terms)
        assert outcomes(again) == {"already in force": 30}
        assert box.calls[MODIFY] == sum(len(orders_on_the_way(*one)) for one in changes.values())
        would = undo(journal, writer)
        assert outcomes(would) == {"would be done": 30}
        assert settings(box) == wanted
        assert outcomes(undo(journal, writer, dry_run=False, retry=patience)) == {"done": 30}
        assert settings(box) == before
        calls = box.calls[MODIFY]
        assert undo(journal, writer, dry_run=False, retry=patience).empty
        assert box.calls[MODIFY] == calls
        once_more = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal,
                               options=terms)
        assert outcomes(once_more) == {"done": 30}


def test_single_changes_are_taken_back(journal: Path) -> None:
    with in_memory(20) as (box, _, writer):
        changes, before = rote_changes(box.workspaces(), 4), settings(box)
        apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=TERMS)
        one, two, three, four = changes
        assert undo(journal, writer, only=[three, one])["workspace_id"].tolist() == [three, one]
        assert outcomes(undo(journal, writer, dry_run=False, only=(name for name in (one, three)),
                             retry=RETRY)) == {"done": 2}
        kept = before | {name: changes[name][1] for name in (two, four)}
        assert settings(box) == kept
        written = journal.read_text()
        for dry_run in (True, False):
            for names, told in (([two, one], one), (["ws-unknown0"], "ws-unknown0"), ("ws-", "ws-"),
                                ([one, three], f"{one}, {three}")):
                with pytest.raises(InputError, match=f"no change of {told} is in force by it"):
                    undo(journal, writer, dry_run=dry_run, only=names, retry=RETRY)
        with pytest.raises(InputError, match=f"name some of those in force.*{two}, {four}"):
            undo(journal, writer, only=[one])
        assert undo(journal, writer, only=[]).empty
        assert (settings(box), journal.read_text()) == (kept, written)
        assert outcomes(undo(journal, writer, dry_run=False, only=two, retry=RETRY)) == {
            "done": 1}
        assert outcomes(undo(journal, writer, dry_run=False, retry=RETRY)) == {"done": 1}
        assert settings(box) == before
        with pytest.raises(InputError, match="apply the plan first"):
            undo(journal, writer, only=[one])


def test_what_has_drifted_is_skipped_with_its_reason(journal: Path) -> None:
    with in_memory(150) as (box, clients, writer):
        everything = box.workspaces().set_index("workspace_id")
        client, plain = clients("workspaces"), rote_changes(box.workspaces(), 12)
        names = list(plain)
        other = next(one for one in names if plain[one] == ("ALWAYS_ON", "AUTO_STOP:60"))
        modify(client, other, RunningMode="AUTO_STOP")
        modify(client, other, RunningModeAutoStopTimeoutInMinutes=480)
        gone, opted, own_tag, done = [one for one in names if one != other][:4]
        client.terminate_workspaces(TerminateWorkspaceRequests=[{"WorkspaceId": gone}])
        for name, tag in ((opted, "skip_convert"), (own_tag, "KeepMode")):
            client.create_tags(ResourceId=name, Tags=[{"Key": tag, "Value": ""}])
        for one in orders_on_the_way(*plain[done]):
            setting = Setting.parse(one)
            modify(client, done, RunningMode=str(setting.running_mode))
            if setting.auto_stop_minutes not in {None, 60}:
                modify(client, done, RunningModeAutoStopTimeoutInMinutes=setting.auto_stop_minutes)
        box.clock.step(timedelta(minutes=5))
        manual = everything.index[everything["running_mode"] == "MANUAL"][0]
        standby = everything.index[everything["standby"]][0]
        more = {str(manual): ("AUTO_STOP:60", "ALWAYS_ON"), str(standby): ("ALWAYS_ON",
                "AUTO_STOP:60"), "ws-000000000": ("ALWAYS_ON", "AUTO_STOP:60")}
        if everything.loc[standby, "running_mode"] != "ALWAYS_ON":
            more[str(standby)] = ("AUTO_STOP:60", "ALWAYS_ON")
        frame = apply_plan(plan_of(plain | more), writer, dry_run=False, journal=journal,
                           options=RunOptions(limit=None, retry=RETRY, opt_out=("KeepMode",)))
        rows = frame.set_index("workspace_id")
        reasons = {
            other: "AUTO_STOP:480 now, not ALWAYS_ON: somebody has changed it",
            gone: "not there any more", opted: "the tag skip_convert", own_tag: "the tag KeepMode",
            manual: "running mode is MANUAL", standby: "standby",
            "ws-000000000": "not there any more",
        }
        for name, reason in reasons.items():
            assert rows.loc[name, "outcome"] == "skipped", name
            assert reason in rows.loc[name, "message"]
        assert rows.loc[done, "outcome"] == "already in force"
        rest = rows.drop(index=[*reasons, done])
        assert rest["outcome"].eq("done").all()
        assert len(rest) == len(plain) - 5
        assert box.calls[MODIFY] - 2 - len(orders_on_the_way(*plain[done])) == sum(
            len(orders_on_the_way(*plain[name])) for name in rest.index)


def test_the_limit_takes_those_that_save_most_and_the_next_run_goes_on(journal: Path) -> None:
    with in_memory() as (box, _, writer):
        changes = rote_changes(box.workspaces(), 20)
        terms = RunOptions(limit=8, retry=RETRY)
        for done in (8, 16, 20):
            frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal,
                               options=terms)
            now = settings(box)
            changed = [name for name, (_, after) in changes.items() if now[name] == after]
            assert changed == list(changes)[:done]
        assert outcomes(frame) == {"already in force": 16, "done": 4}


def test_no_more_than_a_share_of_the_fleet_is_changed(journal: Path) -> None:
    with in_memory(60) as (box, _, writer):
        changes = rote_changes(box.workspaces(), 20)
        count = len(box.workspaces())
        terms = RunOptions(limit=None, max_share=0.1, retry=RETRY)
        frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=terms)
        assert outcomes(frame)["done"] == count // 10
        assert "10% of" in frame["message"].iloc[-1]


def test_failures_in_a_row_stop_it(journal: Path) -> None:
    denied = Faults(denied_actions=("ModifyWorkspaceProperties",))
    with in_memory(faults=denied) as (box, _, writer):
        changes, before = rote_changes(box.workspaces(), 20), settings(box)
        frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal,
                           options=RunOptions(limit=None, stop_after_failures=3, retry=RETRY))
        assert outcomes(frame) == {"failed": 3, "left for the next run": 17}
        assert "AccessDeniedException" in frame["message"].iloc[0]
        assert "stopped after 3 failures in a row" in frame["message"].iloc[-1]
        assert settings(box) == before
        box.faults = Faults()
        frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=TERMS)
        assert outcomes(frame) == {"done": 20}


@pytest.mark.parametrize("faults", [
    Faults(server_error_share=0.2, reset_share=0.1, seed=1),
    Faults(cut_share=0.15, html_share=0.15, seed=2),
    Faults(in_progress_share=0.4, throttle=(60, 5), seed=3),
], ids=["errors", "garbage", "in progress, throttled"])
def test_no_call_is_made_twice_where_answers_are_lost(faults: Faults, journal: Path) -> None:
    with in_memory(80) as (box, _, writer):
        changes, start = rote_changes(box.workspaces(), 50), box.clock.now()
        box.faults = faults
        frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal,
                           options=RunOptions(limit=None, retry=replace(RETRY, max_attempts=30)))
        box.faults = Faults()
        assert outcomes(frame) == {"done": 50}
        told = box.orders()
        told = told[told["at"] >= pd.Timestamp(start)].sort_values("at")
        for name, (old, new) in changes.items():
            own = told.loc[told["workspace_id"] == name, "order"].tolist()
            assert own == orders_on_the_way(old, new)


def test_a_plan_for_others_is_refused_without_a_call(journal: Path) -> None:
    with in_memory() as (box, _, writer):
        changes = rote_changes(box.workspaces(), 3)
        for plan, words in (
            (plan_of(changes, account="999999999999"), "999999999999 us-east-1"),
            (plan_of(changes, region="eu-west-1"), f"{ACCOUNT} eu-west-1"),
            (plan_of(changes, account=None), "names no account"),
            (plan_of(changes, region=None), "names no region"),
        ):
            with pytest.raises(InputError, match=words):
                apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        assert box.calls[MODIFY] == box.calls["workspaces", "DescribeWorkspaces"] == 0
    assert not journal.exists()


def test_changes_elsewhere_are_skipped_and_the_rest_goes_on(journal: Path) -> None:
    with in_memory(regions=("us-east-1", "eu-west-1")) as (box, _, writer):
        workspaces = box.workspaces()
        by_region = workspaces.set_index("workspace_id")["region"]
        changes = rote_changes(workspaces, 20)
        plan = plan_of(changes, region=None)
        frame = plan.recommendations
        frame["region"] = frame["workspace_id"].map(by_region)
        told = apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        here = told["workspace_id"].map(by_region) == "us-east-1"
        assert set(told.loc[here, "outcome"]) == {"done"}
        assert set(told.loc[~here, "outcome"]) == {"skipped"}
        both = [writer, box.writer("eu-west-1")]
        told = apply_plan(plan, both, dry_run=False, journal=journal, options=TERMS)
        assert outcomes(told) == {"already in force": int(here.sum()), "done": int(
            (~here).sum())}
        assert outcomes(undo(journal, both, dry_run=False, retry=RETRY)) == {"done": 20}


def test_only_what_is_due(journal: Path) -> None:
    with in_memory() as (box, _, writer):
        changes = rote_changes(box.workspaces(), 6)
        plan = plan_of(changes)
        dates = ["2026-09-30", "2026-10-01", ""] * 2
        plan.recommendations["best_date"] = dates
        frame = apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS,
                           due_on=date(2026, 9, 30))
        assert outcomes(frame) == {"done": 4, "not due": 2}
        later = frame.loc[frame["outcome"] == "not due", "message"]
        assert later.str.contains("2026-10-01").all()


def test_what_comes_after_midnight_of_the_first_waits_for_the_last() -> None:
    at = [datetime(2026, 9, 30, 23, 59, tzinfo=UTC)]
    with in_memory() as (box, _, writer):
        before = configured(changeable(box.workspaces()))
        names = [str(one) for one in before.index[before == "ALWAYS_ON"]][:3]
        hourly = [str(one) for one in before.index[before == "AUTO_STOP:60"]][:3]
        changes = dict.fromkeys(names, ("ALWAYS_ON", "AUTO_STOP:60")) | dict.fromkeys(
            hourly, ("AUTO_STOP:60", "ALWAYS_ON"))
        terms = RunOptions(limit=None, retry=RETRY, clock=lambda: at.pop() if at else datetime(
            2026, 10, 1, 0, 1, tzinfo=UTC))
        frame = apply_plan(plan_of(changes, best_date="2026-09-30"), writer, dry_run=True,
                           due_on=date(2026, 9, 30), options=terms)
        at.append(datetime(2026, 9, 30, 23, 59, tzinfo=UTC))
        assert len(frame) == 6
        from wsanalytics.actions.apply import _until_the_month_turns
        from wsanalytics.actions.change_setting import Change

        hold = _until_the_month_turns(terms.clock)
        assert "the month has turned" in hold(
            Change(workspace_id="ws-1", before=ALWAYS_ON, after=auto_stop(60)))
        assert hold(Change(workspace_id="ws-1", before=auto_stop(60), after=ALWAYS_ON)) == ""
