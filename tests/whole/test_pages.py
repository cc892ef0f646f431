"""README and the pages of docs are true: code and commands run, links, options and names exist."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import wsanalytics
from tests.helpers.build import REPOSITORY
from tests.helpers.endpoints import use_sandbox
from tests.helpers.pages import NAMES, blocks, lines_of, steps_against, text_of
from tests.helpers.sandboxes import BoxClock, connected, frozen
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.cli import main
from wsanalytics.cli.config import read_config
from wsanalytics.cli.option_table import all_commands, all_tables
from wsanalytics.cli.parser import split, understand
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import collect
from wsanalytics.history.history import configured
from wsanalytics.recommendations.plan_file import read_plan, write_plan
from wsanalytics.rules.book import read_rules

SHELL = [line for block in blocks("README.md", "sh") for line in block.splitlines()]
COMMANDS = [(name, line) for name in NAMES for line in lines_of(name, "sh")]
WITH_PYTHON = [name for name in NAMES if blocks(name, "python")]
OWN_FILES = "docs/your-own-files.md"
FOREIGN = {"--help", "--version", "--thorough", "--require-hashes"}
"""Options that are no command's own."""


def test_the_two_commands_come_first() -> None:
    assert next(line for line in SHELL if "demo" in line) == SHELL[0]
    assert next(line for line in SHELL if "test" in line) == SHELL[1]
    for line in SHELL[:2]:
        assert line.startswith("python3 -m venv .venv && ") and "--require-hashes" in line


def test_ci_runs_the_readmes_test_command() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    found = re.search(r"^command=\$\((awk '.*' README.md)\)$", script, re.MULTILINE)
    assert found
    line = subprocess.run(["bash", "-c", found[1]], cwd=REPOSITORY, capture_output=True,
                          text=True, check=True).stdout.strip()
    assert line == SHELL[1]
    assert line.endswith("-m pytest -n auto --dist worksteal")


def test_readme_is_read_in_five_minutes() -> None:
    assert len(text_of("README.md").splitlines()) < 150


def test_the_commands_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {name for name, _ in COMMANDS} == {"docs/analysts.md", OWN_FILES}
    lines = [line for name, line in COMMANDS if name == "docs/analysts.md"]
    assert [shlex.split(line)[1] for line in lines] == [
        "sessions", "simulate", "recommend", "report", "backtest", "budget"]
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    monkeypatch.chdir(tmp_path)
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "budget.csv", "charges.csv", "data", "gaps.csv", "outcomes.csv", "plan.json", "report.html",
        "sessions.parquet"]


def test_the_files_and_commands_of_the_page_on_own_files_go_to_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = re.findall(r"^`(\w+\.csv)`[^\n]*\n\n```csv\n(.*?)^```", text_of(OWN_FILES),
                       re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == ["workspaces.csv", "sessions.csv"]
    for name, text in files:
        Path(name).write_text(text, encoding="utf-8")
    described = [{"WorkspaceId": row["workspace_id"], "UserName": row["user_name"],
                  "WorkspaceProperties": {
                      "RunningMode": row["running_mode"], "ComputeTypeName": row["compute_type"]}}
                 for row in csv.DictReader(files[0][1].splitlines())]
    Path("workspaces.json").write_text(json.dumps({"Workspaces": described}), encoding="utf-8")
    said = ""
    for line in lines_of(OWN_FILES, "sh"):
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err
        said += capsys.readouterr().err
    assert "tags, maintenance mode and licences are not in what describe-workspaces prints" in said
    plan = read_plan(tmp_path / "plan.json")
    assert plan.changes["workspace_id"].tolist() == ["ws-ada000001"]
    pages = [Path(f"{name}.html").read_text(encoding="utf-8")
             for name in ("report", "from-json", "of-4711")]
    assert all("ws-ada000001" in page for page in pages)
    assert ["ws-ben000002" in page for page in pages] == [True, True, False]
    assert {"4711", "4712"} <= set(re.findall(r"\b\d{4}\b", Path("budget.csv").read_text()))


def test_the_common_mistakes_of_the_page_are_answered_as_it_says(tmp_path: Path) -> None:
    head = "workspace_id,region,compute_type,running_mode,auto_stop_minutes\n"
    (tmp_path / "w.csv").write_text(head + "ws-1,Europe (Ireland),VALUE,AUTO_STOP,1\n")
    (tmp_path / "s.csv").write_text(
        "workspace_id,connected_at,disconnected_at,end_uncertain_minutes\n"
        'ws-1,2026-03-02 08:00,3/2/2026,"2,5"\n')
    answers = []
    for read, name in ((wsanalytics.read_workspaces, "w.csv"),
                       (wsanalytics.read_sessions, "s.csv")):
        with pytest.raises(wsanalytics.InputError) as caught:
            read(tmp_path / name)
        answers += caught.value.faults
    for answer, words in zip(answers, (
            "write minutes: 1 hours are 60", "write eu-west-1", "this one has no zone",
            "day and month cannot be told apart", "write 2.5"), strict=True):
        assert words in answer


def test_which_pages_have_python() -> None:
    assert WITH_PYTHON == ["README.md", "docs/administrators.md", "docs/analysts.md"]


@pytest.mark.parametrize("name", WITH_PYTHON)
def test_the_python_of_a_page_runs(name: str) -> None:
    names: dict[str, Any] = {}
    with warnings.catch_warnings(), patch.dict(os.environ):
        warnings.simplefilter("ignore")  # the sample fleet has WorkSpaces without a price
        for code in blocks(name, "python"):
            exec(compile(code, name, "exec"), names)  # noqa: S102  # that is the test
    if name == "docs/administrators.md":
        ids = {row["WorkspaceId"] for row in names["fleet"]}
        assert len(ids & set(names["bill"]["workspace_id"])) > 20
        assert len(names["sessions"]) > 100
    else:
        plan = names["analysis"].plan if name == "README.md" else names["plan"]
        assert repr(plan).startswith("<Plan ")


def test_the_steps_make_a_plan_that_can_be_applied_and_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with frozen(workspaces=60, speed=120, history_days=63) as (box, _), connected(box) as both:
        clock = BoxClock(box)
        collect(tmp_path / "fleet", connections=both, clock=clock)
        backfill(tmp_path / "fleet", connections=both, days=60, clock=clock)
        names: dict[str, Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some WorkSpaces have no price
            exec(compile(steps_against(tmp_path / "fleet"), "analysts.md", "exec"), names)  # noqa: S102  # the test
        use_sandbox(monkeypatch, box)
        plan, ws = names["plan"], names["ws"]
        assert (plan.account_id, plan.region) == ("111122223333", "us-east-1")
        assert plan.changes["user_name"].ne("").all()
        write_plan(plan, tmp_path / "plan.json")
        assert read_plan(tmp_path / "plan.json").account_id == "111122223333"
        writer = ws.open_writer()
        before = configured(box.workspaces())
        chosen = plan.only(plan.changes["workspace_id"].iloc[:2])
        journal = tmp_path / "plan.journal.jsonl"
        patience = RetryPolicy(
            poll_seconds=0.01, propagation_seconds=0.2, confirm_seconds=5, backoff_seconds=0.01
        )
        done = ws.apply_plan(chosen, writer, dry_run=False, journal=journal, retry=patience)
        assert done["outcome"].tolist() == ["done", "done"]
        assert (configured(box.workspaces()) != before).sum() == 2
        assert ws.undo(journal, writer, dry_run=False, retry=patience)[
            "outcome"].tolist() == ["done", "done"]
        assert (configured(box.workspaces()) == before).all()
        writer.connection.close()


def test_the_iam_policy_is_the_one_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = [block for name in NAMES for block in blocks(name, "json")]
    assert main(["iam-policy", "--for", "collect,backfill"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(shown)


def test_the_commands_for_an_account_can_be_parsed() -> None:
    lines = {name: lines_of(name, "text") for name in NAMES}
    assert len(lines["README.md"]) > 5 and len(lines["docs/administrators.md"]) > 15
    for line in (line for found in lines.values() for line in found):
        words = shlex.split(line.partition(" > ")[0].partition("     (")[0], comments=True)[1:]
        assert understand(split(words)).words == tuple(words[:len(split(words).words)])


def test_the_configuration_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "wsanalytics.toml"
    monkeypatch.setenv("WSANALYTICS_CONFIG", str(path))
    texts = [block for name in NAMES for block in blocks(name, "toml")]
    assert len(texts) == 2  # options, and rules of the house
    for text in texts:
        path.write_text(text)
        assert read_config().path == path
        assert len(read_rules(path)) == text.count("[[rules]]")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
            for heading in headings}


@pytest.mark.parametrize("name", [*NAMES, "data/README.md", "CHANGELOG.md"])
def test_the_links_of_a_page_lead_somewhere(name: str) -> None:
    here = REPOSITORY / name
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(name)):
        assert "://" not in target, "no link leaves the repository"
        path, _, anchor = target.partition("#")
        page = (here.parent / path).resolve() if path else here
        assert page.exists(), target
        assert not anchor or anchor in anchors(page), target


@pytest.mark.parametrize("name", NAMES)
def test_the_options_of_a_page_exist(name: str) -> None:
    options = {f"--{key}" for table in all_tables().values() for key in table.options}
    for option in set(re.findall(r"`(--[a-z-]+)", text_of(name))):
        assert option in options | FOREIGN


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_and_names_in_the_text_of_a_page_exist(name: str) -> None:
    text = re.sub(r"^```.*?^```", "", text_of(name), flags=re.MULTILINE | re.DOTALL)
    for line in re.findall(r"`wsanalytics ([a-z][^`]*)`", text):
        words = split(line.split()).words
        assert words in all_commands(), line
        options = {f"--{key}" for key in all_tables()[words].options}
        assert set(re.findall(r"--[a-z-]+", line)) <= options | FOREIGN, line
    for public in re.findall(r"`ws\.(\w+)", text):
        assert public in wsanalytics.__all__, public


@pytest.mark.parametrize("name", NAMES)
def test_the_files_in_the_text_of_a_page_exist(name: str) -> None:
    text = re.sub(r"\]\([^)]*\)", "]", text_of(name))
    for path in re.findall(r"[\w/]+/\w+\.(?:py|ipynb|pyi|parquet)\b", text):
        assert any((folder / path).exists() for folder in (
            REPOSITORY, REPOSITORY / "wsanalytics",
            REPOSITORY / "wsanalytics" / "backtesting")), path


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "wsanalytics", "--version"], check=True,
                          capture_output=True, text=True)
    assert re.fullmatch(r"wsanalytics \d+\.\d+\.\d+\n", done.stdout)
