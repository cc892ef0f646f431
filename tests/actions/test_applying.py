"""Plans are applied with care: checked, capped, journalled, read back, and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers.fakes import RETRY, FakeFleet
from tests.helpers.plans import ACCOUNT, changeable, orders_on_the_way, plan_of, rote_changes
from tests.helpers.sandboxes import MODIFY, QUICK, fleet, modify, settings
from wsanalytics.actions.apply import apply_plan, journal_beside
from wsanalytics.actions.guards import Guards
from wsanalytics.actions.journal import read_journal
from wsanalytics.actions.ledger import journal_state
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.undo import undo
from wsanalytics.aws.current_state import WorkspaceState
from wsanalytics.aws.errors import AwsError
from wsanalytics.aws.writer import Writer, open_writer
from wsanalytics.errors import InputError
from wsanalytics.history.history import configured
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.settings import ALWAYS_ON, Setting, auto_stop

TERMS = RunOptions(limit=None, retry=RETRY)
InMemory = tuple[FakeFleet, Callable[[str], Any], Writer]


@contextmanager
def in_memory(workspaces: int = 60, **options: Any) -> Iterator[InMemory]:
    """A fleet in memory, a client of whoever else changes something, and a writer."""
    box = FakeFleet(workspaces, **options)
    yield box, box.client, box.writer()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "plan.journal.jsonl"


def outcomes(frame: pd.DataFrame) -> dict[str, int]:
    return {str(name): int(count) for name, count in frame["outcome"].value_counts().items()}


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


def test_what_somebody_has_set_back_is_not_changed_again(journal: Path) -> None:
    with in_memory() as (box, clients, writer):
        changes = rote_changes(box.workspaces(), 4)
        made = datetime(2026, 9, 16, 11, tzinfo=UTC)
        plan = plan_of(changes, created_at=made)
        apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        name, (before, _) = next(iter(changes.items()))
        box.clock.step(timedelta(minutes=5))
        change_by_hand(clients, box, name, before)
        assert settings(box)[name] == before
        frame = apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        assert outcomes(frame) == {"already in force": 3, "skipped": 1}
        assert "has set it back since" in frame["message"].iloc[0]
        taken = undo(journal, writer, dry_run=False, retry=RETRY)
        assert outcomes(taken) == {"already in force": 1, "done": 3}


def interrupt(journal: Path, keep: int) -> None:
    """Cut a journal as a kill would have: after so many lines."""
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:keep]))


def test_an_interrupted_run_is_resumed_at_any_line(tmp_path: Path) -> None:
    with in_memory(40) as (box, _, writer):
        changes = rote_changes(box.workspaces(), 4)
        whole = tmp_path / "whole.jsonl"
        apply_plan(plan_of(changes), writer, dry_run=False, journal=whole, options=TERMS)
        lines = len(whole.read_bytes().splitlines())
        calls = box.calls[MODIFY]
        for keep in range(2, lines):  # the first line alone is a run that did nothing
            path = tmp_path / f"{keep}.jsonl"
            path.write_bytes(whole.read_bytes())
            interrupt(path, keep)
            with pytest.raises(InputError, match="--resume"):
                apply_plan(plan_of(changes), writer, dry_run=False, journal=path, options=TERMS)
            frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=path, options=TERMS,
                               resume=True)
            assert set(outcomes(frame)) <= {"done", "already in force"}
            assert journal_state(read_journal(path)).interrupted == ""
        assert box.calls[MODIFY] == calls
        box.clock.step(timedelta(minutes=5))
        path = tmp_path / f"{lines - 1}.jsonl"
        undo(path, writer, dry_run=False, retry=RETRY)
        assert {name: settings(box)[name] for name in changes} == {
            name: before for name, (before, _) in changes.items()}


def change_by_hand(clients: Callable[[str], Any], box: Sandbox, name: str, after: str) -> None:
    """What somebody else does at the console."""
    client, setting = clients("workspaces"), Setting.parse(after)
    if settings(box)[name].partition(":")[0] != str(setting.running_mode):
        modify(client, name, RunningMode=str(setting.running_mode))
    if setting.auto_stop_minutes and settings(box)[name] != after:
        modify(client, name, RunningModeAutoStopTimeoutInMinutes=setting.auto_stop_minutes)
    box.clock.step(timedelta(minutes=5))


def test_what_stopped_between_its_two_calls_is_undone(journal: Path) -> None:
    with in_memory(40) as (box, clients, writer):
        before = configured(changeable(box.workspaces()))
        name = str(before.index[before == "ALWAYS_ON"][0])
        plan = plan_of({name: ("ALWAYS_ON", "AUTO_STOP:120")})
        apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        entries = read_journal(journal)
        second = [place for place, one in enumerate(entries) if one["event"] == "call"][1]
        interrupt(journal, second)
        change_by_hand(clients, box, name, "AUTO_STOP:60")  # as after the first call
        assert outcomes(undo(journal, writer)) == {"would be done": 1}
        assert outcomes(undo(journal, writer, dry_run=False, retry=RETRY)) == {"done": 1}
        assert settings(box)[name] == "ALWAYS_ON"


def test_undo_goes_back_over_our_own_changes_and_no_further(journal: Path) -> None:
    with in_memory(40) as (box, clients, writer):
        before = configured(changeable(box.workspaces()))
        made = [datetime(2026, 9, 16, 11, tzinfo=UTC)]
        ours, theirs = (str(one) for one in before.index[before == "AUTO_STOP:60"][:2])

        def change(steps: dict[str, tuple[str, str]]) -> None:
            made.append(made[-1] + timedelta(days=1))
            told = apply_plan(plan_of(steps, created_at=made[-1]), writer, dry_run=False,
                              journal=journal, options=TERMS)
            assert set(told["outcome"]) == {"done"}, told["message"].tolist()
            box.clock.step(timedelta(minutes=5))

        change({ours: ("AUTO_STOP:60", "AUTO_STOP:120"), theirs: ("AUTO_STOP:60", "ALWAYS_ON")})
        change_by_hand(clients, box, theirs, "AUTO_STOP:480")
        change({ours: ("AUTO_STOP:120", "AUTO_STOP:240"), theirs: ("AUTO_STOP:480", "ALWAYS_ON")})
        assert outcomes(undo(journal, writer, dry_run=False, retry=RETRY)) == {"done": 2}
        assert settings(box)[ours] == "AUTO_STOP:60"
        assert settings(box)[theirs] == "AUTO_STOP:480"


def test_a_plan_that_leads_back_is_not_forgotten_halfway(journal: Path) -> None:
    with in_memory(40) as (box, clients, writer):
        before = configured(changeable(box.workspaces()))
        name = str(before.index[before == "ALWAYS_ON"][0])
        change_by_hand(clients, box, name, "AUTO_STOP:120")
        first = plan_of({name: ("AUTO_STOP:120", "ALWAYS_ON")},
                        created_at=datetime(2026, 9, 1, tzinfo=UTC))
        back = plan_of({name: ("ALWAYS_ON", "AUTO_STOP:120")},
                       created_at=datetime(2026, 9, 2, tzinfo=UTC))
        for plan in (first, back):
            told = apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
            assert outcomes(told) == {"done": 1}
            box.clock.step(timedelta(minutes=5))
        places = [place for place, one in enumerate(read_journal(journal))
                  if one["event"] == "call"]
        interrupt(journal, places[-1])
        change_by_hand(clients, box, name, "AUTO_STOP:60")  # its first call was answered
        assert len(journal_state(read_journal(journal)).unfinished()) == 1
        told = apply_plan(back, writer, dry_run=False, journal=journal, options=TERMS, resume=True)
        assert outcomes(told) == {"done": 1}
        assert settings(box)[name] == "AUTO_STOP:120"


def test_a_newer_plan_that_ends_a_half_made_change_is_undone_to_the_start(journal: Path) -> None:
    with in_memory(40) as (box, clients, writer):
        before = configured(changeable(box.workspaces()))
        name = str(before.index[before == "ALWAYS_ON"][0])
        plan = plan_of({name: ("ALWAYS_ON", "AUTO_STOP:120")},
                       created_at=datetime(2026, 9, 1, tzinfo=UTC))
        apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        places = [place for place, one in enumerate(read_journal(journal))
                  if one["event"] == "call"]
        interrupt(journal, places[-1])
        change_by_hand(clients, box, name, "AUTO_STOP:60")
        newer = plan_of({name: ("AUTO_STOP:60", "AUTO_STOP:240")},
                        created_at=datetime(2026, 9, 2, tzinfo=UTC))
        told = apply_plan(newer, writer, dry_run=False, journal=journal, options=TERMS, resume=True)
        assert outcomes(told) == {"done": 1}
        box.clock.step(timedelta(minutes=5))
        assert outcomes(undo(journal, writer, dry_run=False, retry=RETRY)) == {"done": 1}
        assert settings(box)[name] == "ALWAYS_ON"


def test_a_run_that_could_not_even_look_leaves_nothing_to_resume(journal: Path) -> None:
    with in_memory(20) as (box, _, writer):
        plan = plan_of(rote_changes(box.workspaces(), 3))
        box.faults = Faults(denied_actions=("DescribeWorkspaces",))
        with pytest.raises(AwsError):
            apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        box.faults = Faults()
        assert outcomes(apply_plan(plan, writer, dry_run=False, journal=journal,
                                   options=TERMS)) == {"done": 3}


def test_an_undo_that_was_killed_is_settled_by_the_next(journal: Path) -> None:
    with in_memory(20) as (box, clients, writer):
        changes = rote_changes(box.workspaces(), 2)
        apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=TERMS)
        box.clock.step(timedelta(minutes=5))
        kept = len(read_journal(journal))
        undo(journal, writer, dry_run=False, retry=RETRY)
        box.clock.step(timedelta(minutes=5))
        entries = read_journal(journal)
        interrupt(journal, next(place for place, one in enumerate(entries)
                                if place >= kept and one["event"] == "call") + 1)
        assert set(outcomes(undo(journal, writer, dry_run=False, retry=RETRY))) == {
            "already in force"}
        name, (_, after) = next(iter(changes.items()))
        change_by_hand(clients, box, name, after)
        assert undo(journal, writer, dry_run=False, retry=RETRY).empty


def test_a_dry_run_says_what_passing_states_hide(journal: Path) -> None:
    guards = Guards()
    starting = present(state="STARTING", tags={"Skip_Convert": ""})
    assert "STARTING" in guards.against_change(present(state="STARTING"), auto_stop(240),
                                               ALWAYS_ON)
    assert "Skip_Convert" in guards.against_change(starting, auto_stop(240), ALWAYS_ON)
    with in_memory(60) as (box, clients, writer):
        fleet_now = box.workspaces()
        off = fleet_now[(fleet_now["state"] == "STOPPED") & ~fleet_now["standby"]
                        & (fleet_now["running_mode"] == "AUTO_STOP")]
        names = off["workspace_id"].tolist()[:2]
        client = clients("workspaces")
        client.start_workspaces(StartWorkspaceRequests=[{"WorkspaceId": one} for one in names])
        client.create_tags(ResourceId=names[0], Tags=[{"Key": "Skip_Convert", "Value": ""}])
        now = settings(box)
        plan = plan_of({name: (now[name], "ALWAYS_ON") for name in names})
        told = apply_plan(plan, writer, journal=journal).set_index("workspace_id")
        assert told["outcome"].to_dict() == {names[0]: "skipped", names[1]: "would be done"}


def test_a_torn_last_line_is_mended_by_resume_alone(journal: Path) -> None:
    with in_memory(40) as (box, _, writer):
        plan = plan_of(rote_changes(box.workspaces(), 3))
        apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        with journal.open("ab") as file:
            file.write(b'{"at": "2026-09-16T12:00:00.000Z", "run": "0')
        before = journal.read_bytes()
        with pytest.raises(InputError, match="cut off"):
            apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        assert journal.read_bytes() == before
        frame = apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS, resume=True)
        assert outcomes(frame) == {"already in force": 3}
        assert [one["event"] for one in read_journal(journal)].count("mended") == 1


def test_what_was_begun_and_then_struck_from_the_plan_is_told(journal: Path) -> None:
    said: list[str] = []
    with in_memory(40) as (box, _, writer):
        changes = rote_changes(box.workspaces(), 4)
        apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=TERMS)
        entries = read_journal(journal)
        first = next(place for place, one in enumerate(entries) if one["event"] == "call")
        interrupt(journal, first + 1)
        struck = entries[first]["request"]["WorkspaceId"]
        rest = {name: one for name, one in changes.items() if name != struck}
        frame = apply_plan(plan_of(rest), writer, dry_run=False, journal=journal, resume=True,
                           options=RunOptions(limit=None, retry=RETRY, log=said.append))
        assert outcomes(frame) == {"already in force": 3}
        assert len(said) == 1
        assert struck in said[0]
        entries = read_journal(journal)
        assert [one["workspace_id"] for one in entries if one["event"] == "stray"] == [struck]
        assert journal_state(entries).interrupted == ""


def test_a_journal_that_is_none_is_refused(journal: Path) -> None:
    good = {"at": "2026-09-16T12:00:00Z", "run": "1", "event": "begin", "kind": "apply",
            "schema": "wsanalytics.journal", "version": 1}
    lines = {
        "not a journal\nat all\n": "no entry of a journal",
        json.dumps(good | {"version": 9}) + "\n": "version 9",
        json.dumps(good) + "\n{broken\n" + json.dumps(good) + "\n": "line 2",
        json.dumps(good | {"event": "outcome"}) + "\n": "begins with another line",
        json.dumps(good) + "\n" + json.dumps(
            {"at": good["at"], "run": "1", "event": "change"}) + "\n": "lacks what it needs",
        json.dumps(good) + "\n" + json.dumps(
            {"at": "x", "run": "1", "event": "change"}) + "\n": "its at is not an instant",
    }
    with in_memory(20) as (box, _, writer):
        plan = plan_of(rote_changes(box.workspaces(), 2))
        for text, words in lines.items():
            journal.write_text(text)
            for act in (lambda: apply_plan(plan, writer, dry_run=False, journal=journal,
                                           resume=True, options=TERMS),
                        lambda: undo(journal, writer, dry_run=False, options=TERMS)):
                with pytest.raises(InputError, match=words):
                    act()
            assert journal.read_text() == text
        assert box.calls[MODIFY] == 0
    with pytest.raises(InputError, match="no such file"):
        undo(journal.with_name("none.jsonl"), writer, options=TERMS)


def test_where_aws_stops_telling_halfway_it_can_be_resumed(journal: Path) -> None:
    said: list[str] = []
    with in_memory(80) as (box, _, writer):
        changes = rote_changes(box.workspaces(), 40)
        terms = RunOptions(limit=None, retry=RETRY, log=said.append)
        real, looks = writer.connection.pages, 0

        def pages(service: str, operation: str, *more: Any, **params: Any) -> Any:
            nonlocal looks
            looks += operation == "DescribeWorkspaces"
            if looks == 2:
                box.faults = Faults(denied_actions=("DescribeWorkspaces",))
            return real(service, operation, *more, **params)

        writer.connection.pages = pages  # type: ignore[method-assign]
        frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=terms)
        assert outcomes(frame) == {"unknown": 25, "left for the next run": 15}
        assert "--resume" in said[-1]
        box.faults = Faults()
        with pytest.raises(InputError, match="--resume"):
            apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=terms)
        frame = apply_plan(plan_of(changes), writer, dry_run=False, journal=journal, options=terms,
                           resume=True)
        assert outcomes(frame) == {"done": 40}
        assert box.calls[MODIFY] == sum(len(orders_on_the_way(*one)) for one in changes.values())


def test_nothing_is_begun_where_aws_does_not_tell(journal: Path) -> None:
    with in_memory(20) as (box, _, writer):
        plan = plan_of(rote_changes(box.workspaces(), 3))
        box.faults = Faults(denied_actions=("tag:GetResources",))
        with pytest.raises(AwsError, match="GetResources"):
            apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        assert box.calls[MODIFY] == 0


def present(**more: Any) -> WorkspaceState:
    now = datetime(2026, 9, 16, 12, tzinfo=UTC)
    values = {"workspace_id": "ws-1", "running_mode": "AUTO_STOP", "setting": auto_stop(240),
              "state": "AVAILABLE", "modifying": False, "standby": False, "user_name": "ada",
              "directory_id": "d-1", "compute_type": "STANDARD", "described": {},
              "connection": "CONNECTED", "checked_at": now, "last_connected_at": now}
    return WorkspaceState(**(values | more))


def test_a_user_who_is_connected_is_not_disturbed() -> None:
    guards, long, short = Guards(), auto_stop(240), auto_stop(60)
    now = datetime(2026, 9, 16, 12, tzinfo=UTC)
    stale = now - timedelta(minutes=61)
    assert guards.against_change(present(), long, short) == ""  # its timer does not run
    assert "connected" in guards.against_change(present(last_connected_at=stale), long, short)
    assert "connected" in guards.against_change(present(last_connected_at=None), long, short)
    gone = present(connection="DISCONNECTED", last_connected_at=stale)
    assert guards.against_change(gone, long, short) == ""  # it stops at once, under nobody
    always = present(setting=ALWAYS_ON, running_mode="ALWAYS_ON", last_connected_at=stale)
    assert guards.against_change(always, ALWAYS_ON, short) == ""  # a change of mode stops nobody
    assert guards.against_change(present(setting=short, last_connected_at=stale), short, long) == ""


def test_states_modifications_and_commitments_stand_against_a_change() -> None:
    long, short = auto_stop(240), auto_stop(60)
    assert "modification" in Guards().against_change(present(modifying=True), long, short)
    for state in ("PENDING", "MAINTENANCE", "ADMIN_MAINTENANCE", "ERROR", "UPDATING", "SUSPENDED"):
        assert state in Guards().against_change(present(state=state), long, short)
    gpu = present(compute_type="GRAPHICS_G4DN")
    for known, word in (("byol", "commitment"), ("", "cannot be told"), ("included", "")):
        guards = Guards(license_of=lambda _, known=known: known)
        said = guards.against_change(gpu, long, ALWAYS_ON)
        assert word in said
        assert bool(said) == bool(word)
        assert guards.against_change(gpu, long, short) == ""  # the mode stays
    plain = Guards(license_of=lambda _: "byol")
    assert plain.against_change(present(), long, ALWAYS_ON) == ""


def test_a_writer_is_opened_for_one_place() -> None:
    with Sandbox(workspaces=3) as box:
        writer = open_writer(region="us-east-1", endpoint_url=box.url, credentials=("a", "b"))
        assert repr(writer) == f"<Writer {ACCOUNT} us-east-1>"
        writer.connection.close()


def test_the_journal_stands_beside_the_plan() -> None:
    assert journal_beside(Path("a/b.c.json")) == Path("a/b.c.journal.jsonl")
