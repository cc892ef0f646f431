"""Plans are applied with care: checked, capped, journalled, read back, and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.actions.applied import TERMS, in_memory, outcomes, present
from tests.helpers.fakes import RETRY
from tests.helpers.plans import changeable, orders_on_the_way, plan_of, rote_changes
from tests.helpers.sandboxes import MODIFY, modify, settings
from wsanalytics.actions.apply import apply_plan
from wsanalytics.actions.guards import Guards
from wsanalytics.actions.journal import open_journal, read_journal
from wsanalytics.actions.ledger import journal_state
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.undo import undo
from wsanalytics.aws.errors import AwsError
from wsanalytics.errors import InputError
from wsanalytics.history.history import configured
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.settings import ALWAYS_ON, Setting, auto_stop


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


def test_a_journal_keeps_names_that_no_text_can_hold(journal: Path) -> None:
    """The name of a file may have bytes that are no UTF-8; what was written is read again."""
    with open_journal(journal) as book:
        book.begin("apply", plan={"name": "pl\udce4n.json"})
    (entry,) = read_journal(journal)
    assert entry["plan"] == {"name": "pl\udce4n.json"}
