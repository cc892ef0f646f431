"""The README is true: its code runs, its commands run, and CI runs its test command."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.build import REPOSITORY
from tests.helpers.sandboxes import BoxClock, connected, frozen
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.cli import main
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import collect
from wsanalytics.history.history import configured
from wsanalytics.recommendations.plan_file import read_plan, write_plan

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


SHELL = [line for block in blocks("sh") for line in block.splitlines()]
COMMANDS = [line for line in SHELL if line.startswith("wsanalytics ")]


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


def test_its_commands_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [shlex.split(line)[1] for line in COMMANDS] == [
        "sessions", "simulate", "recommend", "report", "backtest", "budget"]
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    monkeypatch.chdir(tmp_path)
    for line in COMMANDS:
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "budget.csv", "charges.csv", "data", "gaps.csv", "outcomes.csv", "plan.json", "report.html",
        "sessions.parquet"]


def test_its_python_runs() -> None:
    (code,) = blocks("python")
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the sample fleet has WorkSpaces without a price
        exec(compile(code, "README.md", "exec"), names)  # noqa: S102  # that is the test
    assert repr(names["plan"]).startswith("<Plan ")


def readme_against(store: Path, end: str = "") -> str:
    """README's Python, with the changes that it tells of: a store of one's own, and a writer."""
    (code,) = blocks("python")
    own = code.replace("ws.sample_history()", f"ws.read_history({str(store)!r})")
    assert own != code
    review = "ws.review(plan, savings, replay, history.workspaces)"
    assert own.rstrip().endswith(review)
    return own.replace(review, end)


def test_its_ten_lines_make_a_plan_that_can_be_applied_and_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with frozen(workspaces=60, speed=120, history_days=63) as (box, _), connected(box) as both:
        clock = BoxClock(box)
        collect(tmp_path / "fleet", connections=both, clock=clock)
        backfill(tmp_path / "fleet", connections=both, days=60, clock=clock)
        names: dict[str, Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some WorkSpaces have no price
            exec(compile(readme_against(tmp_path / "fleet"), "README.md", "exec"), names)  # noqa: S102  # as above
        for name, value in box.environment().items():
            monkeypatch.setenv(name, value)
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


def test_its_iam_policy_is_the_one_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = blocks("json")
    assert main(["iam-policy", "--for", "collect,backfill"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(shown)


def test_the_commands_for_an_account_can_be_parsed() -> None:
    from wsanalytics.cli.parser import split, understand

    lines = [line for block in blocks("text") for line in block.splitlines()
             if line.startswith("wsanalytics ")]
    assert len(lines) > 15
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        assert understand(split(words)).words == tuple(words[:len(split(words).words)])


def test_its_configuration_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wsanalytics.cli.config import read_config

    (text,) = blocks("toml")
    (tmp_path / "wsanalytics.toml").write_text(text)
    monkeypatch.setenv("WSANALYTICS_CONFIG", str(tmp_path / "wsanalytics.toml"))
    assert read_config().path == tmp_path / "wsanalytics.toml"


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (REPOSITORY / target).exists(), target


def test_its_options_exist() -> None:
    from wsanalytics.cli.option_table import all_tables

    options = {f"--{key}" for table in all_tables().values() for key in table.options}
    for option in set(re.findall(r"`(--[a-z-]+)", README)):
        assert option in {*options, "--help", "--version", "--thorough"}


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "wsanalytics", "--version"], check=True,
                          capture_output=True, text=True)
    assert re.fullmatch(r"wsanalytics \d+\.\d+\.\d+\n", done.stdout)
