"""A plan that people have edited, or that was applied, is not replaced without being asked for."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.helpers.build import at, workspaces
from tests.history.test_store import samples
from tests.tables.test_bad_input import FILES, simulate
from wsanalytics.actions.journal import open_journal
from wsanalytics.cli import main
from wsanalytics.cli.replacing import newer_than
from wsanalytics.history.store import Store

RECOMMEND = ["recommend", *simulate()[1:9], "--output", "plan.json"]
ALWAYS = {"running_mode": "ALWAYS_ON", "auto_stop_minutes": None}
HOURLY = {"running_mode": "AUTO_STOP", "auto_stop_minutes": 60}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(RECOMMEND) == 0
    return tmp_path


def apply_one(path: Path) -> None:
    """A journal of one change that was made."""
    with open_journal(path, clock=lambda: at("2026-04-02 10:00")) as journal:
        journal.begin("apply", plan={})
        journal.write("change", workspace_id="ws-1", user_name="", account_id="1", region="r",
                      **{"from": ALWAYS, "to": HOURLY}, promise={})
        journal.write("call", call="c", request={"WorkspaceId": "ws-1",
                                                 "WorkspaceProperties": {}})
        journal.write("answer", call="c", meaning="taken")
        journal.write("outcome", workspace_id="ws-1", outcome="done", message="", found="")
        journal.write("end")


def test_an_unedited_plan_is_replaced_again_and_again(folder: Path) -> None:
    assert main(RECOMMEND) == 0
    assert "digest" in json.loads((folder / "plan.json").read_text())


@pytest.mark.parametrize("edit", ["comment", "strike", "no digest", "no plan"])
def test_an_edited_plan_is_replaced_only_with_force(
    folder: Path, capsys: pytest.CaptureFixture[str], edit: str
) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    match edit:
        case "comment":
            plan["comment"] = "not before May"
        case "strike":
            plan["left_alone"] = plan["left_alone"][1:]
        case "no digest":
            del plan["digest"]
        case "no plan":
            plan = {"packages": {}}
    (folder / "plan.json").write_text(json.dumps(plan))
    before = (folder / "plan.json").read_bytes()
    assert main(RECOMMEND) == 2
    assert "--force" in capsys.readouterr().err
    assert (folder / "plan.json").read_bytes() == before
    assert main([*RECOMMEND, "--force"]) == 0
    assert main(RECOMMEND) == 0


def test_a_plan_with_changes_in_its_journal_is_replaced_only_with_force(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apply_one(folder / "plan.journal.jsonl")
    assert main(RECOMMEND) == 2
    assert "plan.journal.jsonl tells of 1 change" in capsys.readouterr().err
    assert main([*RECOMMEND, "--force"]) == 0
    said = capsys.readouterr().err
    assert "warning: plan.journal.jsonl tells of 1 call up to 2026-04-02 10:00 UTC" in said


def test_an_empty_file_stands_in_nobodys_way(folder: Path) -> None:
    (folder / "plan.json").write_text("")
    assert main(RECOMMEND) == 0


def test_a_journal_older_than_the_data_is_no_reason_to_warn(tmp_path: Path) -> None:
    apply_one(tmp_path / "plan.journal.jsonl")
    store = Store.create(tmp_path / "store")
    store.add_workspaces(workspaces("ws-a"), at("2026-03-02"), "first")
    store.add_samples(samples(5, 1435), "look")
    newest = store.newest_at()
    assert newest == at("2026-03-02 23:55")
    assert "after the newest data" in newer_than(tmp_path / "plan.json", newest)
    later = at("2026-04-02 10:00") + timedelta(seconds=1)
    assert newer_than(tmp_path / "plan.json", later) == ""
