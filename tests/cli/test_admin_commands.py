"""The commands for administrators, as they are typed: outputs, exit codes, refusals."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers.endpoints import use_sandbox
from tests.helpers.plans import plan_of, rote_changes
from tests.helpers.sandboxes import BoxClock, connected, frozen
from wsanalytics.cli import main
from wsanalytics.cli.commands import apply as changing_commands
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import collect
from wsanalytics.history.history import configured
from wsanalytics.recommendations.plan_file import write_plan
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.service_model import refuse_invalid_request

client = sys.modules["wsanalytics.aws.connect"]  # its package shows the function of this name

Capture = pytest.CaptureFixture[str]
MODIFY = ("workspaces", "ModifyWorkspaceProperties")


@pytest.fixture
def box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Sandbox]:
    """A sandbox that boto3 finds, and an empty folder to work in."""
    days = 41 if "store" in request.fixturenames else 7
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client, "RATE_PER_SECOND", 1e4)
    monkeypatch.setattr(client.connect, "__kwdefaults__",
                        client.connect.__kwdefaults__ | {"pace": (1e4, 1e4)})
    with frozen(workspaces=60, speed=120, history_days=days) as (sandbox, _):
        use_sandbox(monkeypatch, sandbox)
        yield sandbox


def planned(box: Sandbox, count: int, **more: Any) -> dict[str, tuple[str, str]]:
    """plan.json with so many changes."""
    found = rote_changes(box.workspaces(), count)
    write_plan(plan_of(found, **more), Path("plan.json"))
    return found


def settings(box: Sandbox) -> dict[str, str]:
    return {str(name): str(one) for name, one in configured(box.workspaces()).items()}


def run(capsys: Capture, *argv: str) -> tuple[int, str, str]:
    status = main(list(argv))
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return status, told.out, told.err


def test_the_whole_way(box: Sandbox, capsys: Capture) -> None:
    plan, before = planned(box, 12), settings(box)
    status, out, err = run(capsys, "apply", "plan.json")
    assert status == 0
    assert "12 changes would be done: saves $78.00 a month" in out
    assert all(name in out for name in plan)
    assert "nothing was changed" in err
    assert [path.name for path in Path().iterdir()] == ["plan.json"]
    assert settings(box) == before
    status, out, err = run(capsys, "apply", "plan.json", "--yes", "--output", "done.csv")
    assert status == 0
    assert "12 changes done" in out
    assert "plan.journal.jsonl" in err
    assert settings(box) == before | {name: after for name, (_, after) in plan.items()}
    told = pd.read_csv("done.csv")
    assert told["workspace_id"].tolist() == list(plan)
    assert set(told["outcome"]) == {"done"}
    status, out, _ = run(capsys, "apply", "plan.json", "--yes")
    assert (status, "12 changes already in force" in out) == (0, True)
    status, out, _ = run(capsys, "undo", "plan.journal.jsonl")
    assert (status, "12 changes would be done: costs $78.00" in out) == (0, True)
    status, out, _ = run(capsys, "undo", "plan.journal.jsonl", "--yes", "--limit", "5")
    assert (status, "5 changes done" in out) == (0, True)
    assert run(capsys, "undo", "plan.journal.jsonl", "--yes")[0] == 0
    assert settings(box) == before
    status, _, err = run(capsys, "undo", "plan.journal.jsonl", "--yes")
    assert (status, "nothing to undo" in err) == (0, True)


def test_a_single_change_is_taken_back(box: Sandbox, capsys: Capture) -> None:
    plan, before = planned(box, 6), settings(box)
    run(capsys, "apply", "plan.json", "--yes")
    changed = settings(box)
    one, two, three, *_ = plan
    undo = ("undo", "plan.journal.jsonl", "--workspace")
    status, out, _ = run(capsys, *undo, one, two, "--workspace", three)
    assert (status, "3 changes would be done" in out) == (0, True)
    assert all(name in out for name in (one, two, three))
    assert settings(box) == changed
    assert run(capsys, *undo, one, three, "--yes")[0] == 0
    assert settings(box) == changed | {name: before[name] for name in (one, three)}
    for name in (one, "ws-unknown0"):
        status, out, err = run(capsys, *undo, two, name, "--yes")
        assert (status, out) == (2, "")
        assert f"no change of {name} is in force by it" in err
    Path("wsanalytics.toml").write_text(f'workspace = "{two}"\n')  # a fleet, for other commands
    status, out, _ = run(capsys, "undo", "plan.journal.jsonl", "--yes")
    assert (status, "4 changes done" in out) == (0, True)
    assert settings(box) == before
    Path("wsanalytics.toml").unlink()
    assert run(capsys, *undo, one)[0] == 2


def test_what_was_not_approved_is_left_alone(box: Sandbox, capsys: Capture) -> None:
    plan, before = planned(box, 4), settings(box)
    one, two, three, _ = plan
    assert run(capsys, "plan", "approve", "plan.json", one, two)[0] == 0
    status, out, _ = run(capsys, "apply", "plan.json")
    assert (status, "2 changes would be done" in out, "2 changes not approved" in out) == (
        0, True, True)
    assert run(capsys, "apply", "plan.json", "--yes")[0] == 0
    assert settings(box) == before | {name: plan[name][1] for name in (one, two)}
    assert run(capsys, "plan", "approve", "plan.json", three)[0] == 0
    status, out, _ = run(capsys, "apply", "plan.json", "--yes")
    assert (status, "1 change done" in out, "2 changes already in force" in out) == (
        0, True, True)


def test_the_limit_is_25_and_the_rest_is_left(box: Sandbox, capsys: Capture) -> None:
    plan = planned(box, 30)
    dry = run(capsys, "apply", "plan.json")
    real = run(capsys, "apply", "plan.json", "--yes")
    assert dry[0] == real[0] == 0  # the limit is one that was set
    assert "5 changes left for the next run" in dry[1]
    assert "5 changes left for the next run" in real[1]
    now = settings(box)
    assert [now[name] == after for name, (_, after) in plan.items()] == [True] * 25 + [False] * 5
    assert run(capsys, "apply", "plan.json", "--yes")[0] == 0


def test_resume_without_a_journal_starts_afresh(box: Sandbox, capsys: Capture) -> None:
    planned(box, 3)
    assert run(capsys, "apply", "plan.json", "--yes", "--resume")[0] == 0
    assert run(capsys, "apply", "plan.json", "--yes", "--resume", "--journal", "own.jsonl")[0] == 0
    assert Path("own.jsonl").exists()


def test_an_interrupted_run_is_refused_without_resume(box: Sandbox, capsys: Capture) -> None:
    plan = planned(box, 6)
    assert run(capsys, "apply", "plan.json", "--yes")[0] == 0
    journal = Path("plan.journal.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for cut in (b"".join(lines[:5]), b"".join(lines[:7]) + lines[7][:20]):
        journal.write_bytes(cut)
        status, out, err = run(capsys, "apply", "plan.json", "--yes")
        assert (status, out) == (2, "")
        assert "--resume" in err
        assert journal.read_bytes() == cut
    calls = box.calls[MODIFY]
    assert run(capsys, "apply", "plan.json", "--yes", "--resume")[0] == 0
    assert box.calls[MODIFY] == calls
    assert all(settings(box)[name] == after for name, (_, after) in plan.items())


def test_only_what_is_due(box: Sandbox, capsys: Capture) -> None:
    planned(box, 4, best_date="2020-01-31")
    document = json.loads(Path("plan.json").read_text())
    for change in document["changes"][:3]:
        change["best_date"] = "2999-12-31"
    Path("plan.json").write_text(json.dumps(document))
    status, out, err = run(capsys, "apply", "plan.json", "--due", "--yes")
    assert status == 0, err
    assert "1 change done" in out
    assert "3 changes not due" in out


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another account": (lambda plan: plan.update(account_id="999999999999") or [
        one.update(account_id=None) for one in plan["changes"]], "999999999999"),
    "no account": (lambda plan: plan.update(account_id=None) or [
        one.update(account_id=None) for one in plan["changes"]], "names no account"),
    "another version": (lambda plan: plan.update(version=7), "7 is not a version"),
    "another schema": (lambda plan: plan.update(schema="x"), "schema"),
    "nonsense": (lambda plan: plan["changes"][0]["to"].update(auto_stop_minutes=61), "61"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_plan_that_must_not_be_applied(name: str, box: Sandbox, capsys: Capture) -> None:
    planned(box, 3)
    document = json.loads(Path("plan.json").read_text())
    edit, words = REFUSED[name]
    edit(document)
    Path("plan.json").write_text(json.dumps(document))
    status, out, err = run(capsys, "apply", "plan.json", "--yes")
    assert (status, out) == (2, "")
    assert words in err
    assert re.search(r"Fix: ", err)
    assert box.calls[MODIFY] == 0
    assert [path.name for path in Path().iterdir()] == ["plan.json"]


def test_a_truncated_plan_is_refused(box: Sandbox, capsys: Capture) -> None:
    planned(box, 3)
    Path("plan.json").write_bytes(Path("plan.json").read_bytes()[:900])
    status, out, err = run(capsys, "apply", "plan.json", "--yes")
    assert (status, out) == (2, "")
    assert "line" in err
    assert not box.calls


def test_other_slips(box: Sandbox, capsys: Capture) -> None:
    planned(box, 2)
    for argv, words in (
        (["apply", "plan.json", "--journal", "plan.json"], "name the same file"),
        (["apply", "none.json"], "none.json"),
        (["apply", "plan.json", "--yes", "--journal", "no/where.jsonl"], "does not exist"),
        (["apply", "plan.json", "--interactive"], "nobody to ask"),
        (["apply", "plan.json", "--output", "x.txt"], "ending"),
        (["undo", "none.jsonl", "--yes"], "no such file"),
        (["undo", "plan.json", "--yes"], "journal"),
    ):
        status, _, err = run(capsys, *argv)
        assert status == 2, argv
        assert words in err
    for argv in (["apply", "plan.json", "--yes", "--interactive"], ["apply"],
                 ["apply", "plan.json", "--limit", "0"],
                 ["apply", "plan.json", "--max-share", "2"]):
        with pytest.raises(SystemExit) as ended:
            main(argv)
        assert ended.value.code == 2
    assert box.calls[MODIFY] == 0


class Terminal(io.StringIO):
    """Somebody who types at a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_person_types_the_confirmation(
    box: Sandbox, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(box, 3)
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    status, _, err = run(capsys, "apply", "plan.json", "--interactive")
    assert (status, "nothing was changed" in err) == (0, True)
    assert "3 changes in account 111122223333 us-east-1. Type 'apply 3'" in err
    assert box.calls[MODIFY] == 0
    monkeypatch.setattr("sys.stdin", Terminal("apply 3\n"))
    status, out, _ = run(capsys, "apply", "plan.json", "--interactive")
    assert (status, "3 changes done" in out) == (0, True)


def test_what_is_old_is_warned_of(box: Sandbox, capsys: Capture) -> None:
    planned(box, 2, created_at=pd.Timestamp("2025-01-01", tz="UTC").to_pydatetime())
    _, _, err = run(capsys, "apply", "plan.json")
    assert "warning: the plan is of 2025-01-01" in err
    _, _, err = run(capsys, "apply", "plan.json", "--old-after-days", "100000")
    assert "warning: the plan" not in err  # on a month's last day it warns of the hour


def test_what_comes_too_late_for_the_month_is_warned_of(
    box: Sandbox, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(box, 20)

    class Late(changing_commands.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2026, 11, 30, 21, 59, 50, tzinfo=tz)

    monkeypatch.setattr(changing_commands, "datetime", Late)
    _, _, err = run(capsys, "apply", "plan.json")
    assert "pays another whole month" in err


def test_an_interrupt_says_how_to_go_on(
    box: Sandbox, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(box, 5)
    from wsanalytics.aws.writer import Writer

    real, calls = Writer.modify, []

    def modify(self: Writer, *more: Any) -> Any:
        calls.append(more)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, *more)

    monkeypatch.setattr(Writer, "modify", modify)
    status, _, err = run(capsys, "apply", "plan.json", "--yes")
    assert status == 130
    assert "--resume" in err
    monkeypatch.setattr(Writer, "modify", real)
    assert run(capsys, "apply", "plan.json", "--yes")[0] == 2
    assert run(capsys, "apply", "plan.json", "--yes", "--resume")[0] == 0


@pytest.fixture
def store(box: Sandbox, tmp_path: Path) -> Path:
    with connected(box) as both:
        box.clock.step(timedelta(hours=9))
        collect(tmp_path / "fleet", connections=both, clock=BoxClock(box))
        backfill(tmp_path / "fleet", connections=both, days=40, clock=BoxClock(box))
    return tmp_path / "fleet"


def test_stopping_starting_creating(box: Sandbox, store: Path, capsys: Capture) -> None:
    fleet = ["--store", str(store)]
    status, out, err = run(capsys, "stop-idle", *fleet, "--idle-minutes", "5")
    assert status == 0
    assert "nothing was done" in err
    assert box.calls["workspaces", "StopWorkspaces"] == 0
    status, out, _ = run(capsys, "stop-idle", *fleet, "--idle-minutes", "5", "--yes", "--output",
                         "stopped.csv")
    assert status == 0
    assert set(pd.read_csv("stopped.csv")["outcome"]) <= {"done"}
    status, out, _ = run(capsys, "start-early", *fleet, "--ahead-minutes", "600", "--min-chance",
                         "0.3", "--holidays", "US", "--time-zone", "America/New_York")
    assert status == 0
    status, out, err = run(capsys, "creation-properties", *fleet)
    assert status == 0
    refuse_invalid_request("workspaces", "CreateWorkspaces", json.loads(out))
    assert "nothing was created" in err
    tag = next(tags for tags in map(json.loads, box.workspaces()["tags"]) if tags)
    name, value = next(iter(tag.items()))
    assert run(capsys, "creation-properties", *fleet, "--like", f"{name}={value}", "--output",
               "request.json")[0] in {0, 2}
    status, out, _ = run(capsys, "creation-properties", *fleet, "--create", "--user", "new.one")
    assert (status, "would be done" in out) == (0, True)
    assert box.calls["workspaces", "CreateWorkspaces"] == 0
    status, out, _ = run(capsys, "creation-properties", *fleet, "--create", "--user", "new.one",
                         "--yes")
    assert (status, "done" in out) == (0, True)
    assert box.calls["workspaces", "CreateWorkspaces"] == 1
    status, out, _ = run(capsys, "creation-properties", *fleet, "--create", "--user", "new.one",
                         "--yes")
    assert (status, "already" in out) == (1, True)


def test_their_slips(box: Sandbox, store: Path, capsys: Capture) -> None:
    fleet = ["--store", str(store)]
    for argv, words in (
        (["stop-idle", *fleet, "--idle-minutes", "9", "--working-hours", "always"],
         "working hours"),
        (["stop-idle", *fleet, "--idle-minutes", "9", "--time-zone", "Berlin"], "Europe/Berlin"),
        (["stop-idle", "--store", "none", "--idle-minutes", "9"], "there is no store"),
        (["stop-idle", *fleet, "--idle-minutes", "9", "--directory", "d-none"], "no WorkSpace"),
        (["start-early", *fleet, "--holidays", "XX"], "holidays"),
        (["creation-properties", *fleet, "--create"], "nobody is named"),
        (["creation-properties", *fleet, "--yes"], "nothing is to be created"),
        (["creation-properties", *fleet, "--like", "no=tag"], "no WorkSpace"),
        (["creation-properties", *fleet, "--user", "ada", "ada"], "named twice"),
        (["verify", "none.jsonl", *fleet], "no such file"),
    ):
        status, _, err = run(capsys, *argv)
        assert status == 2, argv
        assert words in err, err
    with pytest.raises(SystemExit):
        main(["stop-idle", *fleet])
    assert box.calls["workspaces", "CreateWorkspaces"] == 0


def test_a_store_of_another_account_is_refused(
    store: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with frozen(workspaces=3, accounts=("222233334444",)) as (other, _):
        use_sandbox(monkeypatch, other)
        status, _, err = run(capsys, "stop-idle", "--store", str(store), "--idle-minutes", "5",
                             "--yes")
        assert status == 2
        assert "of account 111122223333" in err
        assert other.calls["workspaces", "StopWorkspaces"] == 0
