"""Only one module can change anything in AWS, and whatever it does stands in a journal."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.build import REPOSITORY
from tests.helpers.plans import plan_of, rote_changes
from tests.helpers.recording import READS, WRITES, Proxy, written
from tests.helpers.sandboxes import QUICK, TERMS, connected, frozen
from tests.whole.test_architecture import MODULES
from wsanalytics.actions.apply import apply_plan
from wsanalytics.actions.create import create_workspaces
from wsanalytics.actions.journal import open_journal, read_journal
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.start_stop import START, STOP, Candidate, PowerJob, start_or_stop
from wsanalytics.actions.undo import undo
from wsanalytics.aws import writer as writing
from wsanalytics.aws.connect import connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.writer import Answer, Meaning, Writer
from wsanalytics.cli.permissions import WRITES as ALLOWED
from wsanalytics.sandbox.faults import Faults

OPERATIONS = {action.partition(":")[2] for action in writing.ACTIONS}


def test_the_four_calls_are_all_there_are() -> None:
    assert OPERATIONS == WRITES
    assert set(ALLOWED) == set(writing.ACTIONS)


@pytest.mark.parametrize("module", sorted(name for name in MODULES if not name.startswith(
    ("sandbox", "aws.writer"))))
def test_no_other_module_names_such_a_call(module: str) -> None:
    """Neither by the operation's name nor by botocore's; permissions are named in full."""
    snake = {"modify_workspace_properties", "start_workspaces", "stop_workspaces"}
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            said = {one.value for one in node.args if isinstance(one, ast.Constant)}
            if node.func.attr in {"call", "pages", "answers"}:
                assert not said & OPERATIONS
        if isinstance(node, ast.Attribute):
            assert node.attr not in snake, module
            assert node.attr != "once" or module == "aws.connection"


def test_what_reads_cannot_be_made_to_write() -> None:
    tree = ast.parse(MODULES["aws.writer"].read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"wsanalytics.aws.workspaces", "wsanalytics.aws.current_state",
                           "wsanalytics.aws.workspaces_table", "wsanalytics.aws.cloudwatch"}
    for name in ("aws.workspaces", "aws.current_state", "aws.workspaces_table", "aws.cloudtrail"):
        assert "aws.writer" not in MODULES[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("faults", [Faults(), Faults(
    server_error_share=0.1, reset_share=0.05, cut_share=0.05, html_share=0.05, seed=5)],
    ids=["calm", "stormy"])
def test_every_call_that_passes_a_proxy_stands_in_a_journal(
    faults: Faults, tmp_path: Path
) -> None:
    with frozen(workspaces=60, speed=120) as (box, _), Proxy(box.url) as proxy:
        changes = rote_changes(box.workspaces(), 20)
        box.faults = faults
        opened, _ = connect(regions=["us-east-1"], endpoint_url=proxy.url,
                            credentials=("a", "b"), pace=(1e4, 1e4))
        writer = Writer(opened[0])
        plan, journal = plan_of(changes), tmp_path / "a.jsonl"
        apply_plan(plan, writer, journal=journal)
        assert proxy.writes == []
        apply_plan(plan, writer, dry_run=False, journal=journal, options=TERMS)
        undo(journal, writer, dry_run=False, options=TERMS)
        assert proxy.writes == written(read_journal(journal))
        assert len(proxy.writes) >= 40
        before = len(proxy.writes)
        actions = tmp_path / "b.jsonl"
        reader = writing_looker(writer)
        ids = [str(one) for one in box.workspaces()["workspace_id"]]
        for kind in (STOP, START):
            works = [PowerJob(writer=writer, reader=reader, recheck=lambda _: "",
                          candidates=[Candidate(one) for one in ids])]
            start_or_stop(kind, works, dry_run=False, journal=actions, options=TERMS)
        box.faults = Faults()
        directory = box.workspaces()["directory_id"].iloc[0]
        bundle = box.workspaces()["bundle_id"].iloc[0]
        create_workspaces(
            [{"UserName": f"new-{n}", "DirectoryId": directory, "BundleId": bundle,
              "WorkspaceProperties": {"RunningMode": "AUTO_STOP"}} for n in range(3)],
            writer, dry_run=False, journal=actions, options=RunOptions(retry=QUICK))
        assert proxy.writes[before:] == written(read_journal(actions))
        assert {action for action, _ in proxy.writes} == WRITES
        assert {action for action, _ in proxy.seen} <= WRITES | READS
        opened[0].close()


def writing_looker(writer: Writer) -> Any:
    from wsanalytics.aws.current_state import StateReader

    return StateReader(writer.connection)


def test_what_answers_mean(tmp_path: Path) -> None:
    with frozen(workspaces=30) as (box, _), connected(box) as (opened, _), open_journal(
            tmp_path / "j.jsonl") as journal:
        journal.begin("apply")
        writer = Writer(opened[0])
        name, (before, _) = next(iter(rote_changes(box.workspaces(), 1).items()))
        mode = before.partition(":")[0]

        def ask(**faults: Any) -> Answer:
            box.faults = Faults(**faults)
            return writer.modify(journal, name, {"RunningMode": mode})

        assert ask().meaning is Meaning.TAKEN
        assert ask(server_error_share=1.0).meaning is Meaning.UNSURE
        assert ask(reset_share=1.0).meaning is Meaning.UNSURE
        assert ask(html_share=1.0).meaning is Meaning.UNSURE
        assert ask(in_progress_share=1.0).meaning is Meaning.LATER
        assert ask(throttle=(0.001, 0.001)).meaning is Meaning.LATER
        assert ask(denied_actions=("ModifyWorkspaceProperties",)).meaning is Meaning.REFUSED
        assert ask(expired=True).meaning is Meaning.REFUSED
        box.faults = Faults()
        missing = writer.modify(journal, "ws-000000000", {"RunningMode": mode})
        assert (missing.meaning, missing.code) == (Meaning.REFUSED, "ResourceNotFoundException")
        failed = writer.stop(journal, ["ws-000000000"])
        assert failed.failed["ws-000000000"][0] == "ResourceNotFoundException"
    told = [json.loads(line) for line in (tmp_path / "j.jsonl").read_text().splitlines()]
    calls = [one["call"] for one in told if one["event"] == "call"]
    assert calls == [one["call"] for one in told if one["event"] == "answer"]
    assert len(calls) == len(set(calls)) == 10
    assert "sandbox-secret" not in json.dumps(told)


def test_a_call_that_is_sent_once_is_sent_once(tmp_path: Path) -> None:
    with frozen(workspaces=5) as (box, _), connected(box) as (opened, _), Proxy(
            box.url) as proxy:
        box.faults = Faults(server_error_share=1.0)
        one = Connection(session=opened[0].session, account_id="1", region="us-east-1",
                         pace=opened[0].pace, endpoint_url=proxy.url)
        with one, open_journal(tmp_path / "j.jsonl") as journal:
            Writer(one).start(journal, ["ws-000000000"])
        assert [action for action, _ in proxy.seen] == ["StartWorkspaces"]


def test_a_journal_has_one_writer_at_a_time(tmp_path: Path) -> None:
    from wsanalytics.files.locks import BusyError

    with open_journal(tmp_path / "j.jsonl"), pytest.raises(BusyError), open_journal(
            tmp_path / "j.jsonl"):
        pass


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from wsanalytics.errors import OutputError
from wsanalytics.actions.journal import open_journal, read_lines
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
path = Path(sys.argv[1])
try:
    with open_journal(path) as journal:
        journal.begin("apply")
        while True:
            journal.write("note", text="x" * 50)
except OutputError as error:
    print(error)
print(len(read_lines(path)[0]))
"""


def test_a_disk_that_is_full_is_one_clear_error(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path / "j.jsonl")],
                          cwd=REPOSITORY, capture_output=True, text=True, check=True)
    said, lines = done.stdout.splitlines()
    assert "the journal cannot be written" in said
    assert int(lines) > 3


def test_kills_lose_nothing(request: pytest.FixtureRequest) -> None:
    """Three kills on the way, on a throttled endpoint with 5 % faults; see ``killing_apply``."""
    is_thorough = request.config.getoption("--thorough")
    seeds = [str(one) for one in (range(100, 150) if is_thorough else (1,))]
    done = subprocess.run(
        [sys.executable, "tests/helpers/killing_apply.py", "500" if is_thorough else "150", *seeds],
        cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(seeds)
    assert all(one["kills"] == 3 for one in found)


def test_a_disk_that_is_full_in_the_middle_of_an_apply_loses_nothing(
    request: pytest.FixtureRequest,
) -> None:
    """The journal has room for a part of the run, three times a seed; see ``killing_apply``."""
    is_thorough = request.config.getoption("--thorough")
    seeds = [str(seed) for seed in (range(200, 204) if is_thorough else (2,))]
    done = subprocess.run(
        [sys.executable, "tests/helpers/killing_apply.py", "full",
         "150" if is_thorough else "60", *seeds],
        cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(seeds)
