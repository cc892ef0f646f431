"""What every command prints: the answer first, tables at any width, the next step last; or JSON."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.helpers.endpoints import use_sandbox
from tests.helpers.plans import plan_of, rote_changes
from tests.helpers.sandboxes import BoxClock, connected, frozen
from tests.helpers.terminals import on_terminal, pretend_terminal
from wsanalytics.cli import main
from wsanalytics.cli.printing import layout
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import collect
from wsanalytics.recommendations.plan_file import write_plan

client = sys.modules["wsanalytics.aws.connect"]  # its package shows the function of this name
FLEET = ["--store", "fleet"]
SETTINGS = re.compile(r"AUTO_STOP:\d+")
KNOWN_TIMEOUTS = {f"AUTO_STOP:{60 * hours}" for hours in range(1, 49)}
COMMANDS: dict[str, tuple[list[str], str, str]] = {
    # what is typed; how the results begin; the command that is named last
    "doctor": (["doctor", *FLEET], r"Ready", "report"),
    "store info": (["store", "info", *FLEET], r"fleet: [\d,]+ samples of \d+ days?", ""),
    "recommend": (["recommend", *FLEET, "--output", "new.json", "--force"],
                  r"Saves \$[\d,]+ a month, \d+ %: \d+ changes?; \d+ desktops? unused for \$",
                  "plan show"),
    "report": (["report", *FLEET, "--output", "report.html"], r"Saves \$", "recommend"),
    "budget": (["budget", *FLEET], r"\d{4}-\d\d: \$[\d,]+ as it is, \$[\d,]+ by the plan;",
               "recommend"),
    "frontier": (["frontier", *FLEET, "--settings-only", "--max-cold-starts-per-week", "3"],
                 r"At most \$[\d,.]+ of \$[\d,.]+ a month can be saved, with \d+ (more|fewer)",
                 "recommend"),
    "simulate": (["simulate", *FLEET, "--setting", "ALWAYS_ON", "AUTO_STOP:1440", "--output",
                  "charges.csv"], r"All in \S+: \$[\d,.]+, \$[\d,.]+ less than", "recommend"),
    "backtest": (["backtest", *FLEET, "--policy", "hold", "clairvoyant", "--output",
                  "outcomes.csv"],
                 r"hold is cheapest of those that know the past alone: \$[\d,.]+, \$[\d,.]+ above",
                 "recommend"),
    "explain": (["explain", "PRESENT", *FLEET], r"WorkSpace ws-\S+\nIn short: ", ""),
    "plan show": (["plan", "show", "plan.json"], r"plan\.json", "apply"),
    "plan diff": (["plan", "diff", "plan.json", "new.json"], r"struck|added|altered", ""),
    "plan check": (["plan", "check", "plan.json"], r"plan\.json: a valid plan", ""),
    "apply": (["apply", "plan.json", "--limit", "9"], r"9 changes would be done: saves \$[\d.]+",
              "apply"),
    "apply --yes": (["apply", "plan.json", "--yes"], r"12 changes done: saves \$78.00", "undo"),
    "undo": (["undo", "plan.journal.jsonl"], r"12 changes would be done: costs \$78.00", "undo"),
    "verify": (["verify", "plan.journal.jsonl", *FLEET, "--days", "0.001"],
               r"\$\S+ realised of \$\S+ promised", ""),
    "stop-idle": (["stop-idle", *FLEET, "--idle-minutes", "5"],
                  r"(\d+ WorkSpaces? would be stopped|There is nothing to stop)", ""),
    "start-early": (["start-early", *FLEET, "--ahead-minutes", "900", "--min-chance", "0.1"],
                    r"(\d+ WorkSpaces? would be started|There is nothing to start)", ""),
    "creation-properties": (["creation-properties", *FLEET], r"\{", ""),
    "collect": (["collect", *FLEET, "--once"], r"", "report"),
    "sessions": (["sessions", *FLEET, "--output", "sessions.csv"], r"", "recommend"),
    "columns": (["columns", "charges"], r"charges: a row is", ""),
    "prices show": (["prices", "show"], r"In force: ", ""),
    "store check": (["store", "check", *FLEET], r"\d+ files read, nothing is amiss", ""),
}


def fits(line: str, width: int) -> bool:
    """Whether a line is not too long; one word that has no space, such as a path, may be."""
    return cell_len(line.rstrip()) <= width or " " not in line.strip()


@dataclass
class Printed:
    """What a command printed, and the tables that it laid out."""

    status: int
    out: str
    err: str
    tables: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)


def ran(words: list[str]) -> Printed:
    """Run a command line, and keep what it prints."""
    out, err = io.StringIO(), io.StringIO()
    tables: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    shown = layout.print_rows

    def kept(*args: Any, **more: Any) -> tuple[str, ...]:
        tables.append((args, more))
        return shown(*args, **more)

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [name for name in sys.modules if name.startswith("wsanalytics.cli.printing.")]:
            if hasattr(sys.modules[name], "print_rows"):
                patch.setattr(f"{name}.print_rows", kept)
        status = main(words)
    return Printed(status, out.getvalue(), err.getvalue(), tables)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Printed]]:
    """What each command prints at 80 columns, and with --json: under its name and NAME --json."""
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(client, "RATE_PER_SECOND", 1e4)
        patch.setattr(client.connect, "__kwdefaults__",
                      client.connect.__kwdefaults__ | {"pace": (1e4, 1e4)})
        # reports are read here, not looked at
        patch.setattr("wsanalytics.plot.png", lambda *_, **__: b"a picture")
        pretend_terminal(patch, 80)
        with frozen(workspaces=40, speed=120, history_days=41) as (box, _):
            use_sandbox(patch, box)
            with connected(box) as both:
                box.clock.step(timedelta(hours=9))
                collect(folder / "fleet", connections=both, clock=BoxClock(box))
                backfill(folder / "fleet", connections=both, days=40, clock=BoxClock(box))
            changes = rote_changes(box.workspaces(), 12)
            plan = plan_of(changes)
            users = box.workspaces().set_index("workspace_id")["user_name"]
            write_plan(replace(plan, recommendations=plan.recommendations.assign(
                user_name=plan.recommendations["workspace_id"].map(users))), folder / "plan.json")
            present = next(iter(changes))
            found = {}
            for name, (words, _, _) in COMMANDS.items():
                typed = [present if word == "PRESENT" else word for word in words]
                found[name] = ran(typed)
                if name not in {"apply --yes", "collect"}:
                    found[f"{name} --json"] = ran([*typed, "--json"])
            found["ids"] = Printed(0, " ".join(box.workspaces()["workspace_id"]), "")
            yield found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_answer_stands_first_and_the_next_step_last(
    printed: dict[str, Printed], name: str
) -> None:
    _, first, last = COMMANDS[name]
    result = printed[name]
    assert result.status == 0, result.err
    assert re.match(first, " ".join(result.out.split()) if "\\n" not in first else result.out)
    named = [line for line in result.err.splitlines() if line.startswith("Next:  wsanalytics ")]
    if last:
        assert len(named) == 1
        assert named[0].startswith(f"Next:  wsanalytics {last} ")
        following = result.err[result.err.index(named[0]):].splitlines()
        assert all(line.startswith(("Next:  ", "       wsanalytics ")) for line in following)


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_that_matters_is_cut_at_80_columns(
    printed: dict[str, Printed], name: str
) -> None:
    known = set(printed["ids"].out.split())
    out = printed[name].out
    if name == "creation-properties":  # the request, in JSON
        return
    for line in out.splitlines():
        assert fits(line, 80), line
    assert set(re.findall(r"ws-\w+", out)) <= known
    assert set(SETTINGS.findall(out)) <= KNOWN_TIMEOUTS
    assert not re.search(r"\$[\d,.]*…", out)


@pytest.mark.parametrize("width", [30, 60, 100, 132, 160])
def test_tables_are_whole_at_every_width(
    printed: dict[str, Printed], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_terminal(monkeypatch, width)
    kept = {name: result.tables for name, result in printed.items() if result.tables}
    assert len(kept) >= 15
    for name, tables in kept.items():
        for args, more in tables:
            text, left_out = laid_out(args, more)
            check_whole(name, text, args[1], args[2], left_out, width)


def laid_out(args: tuple[Any, ...], more: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    out = io.StringIO()
    with redirect_stdout(out):
        left_out = layout.print_rows(*args, **(more | {"out": None}))
    return out.getvalue(), left_out


def check_whole(
    name: str, text: str, columns: Any, rows: Any, left_out: tuple[str, ...], width: int
) -> None:
    """Cells of columns that never leave stand there whole; lines fit."""
    lines = text.splitlines()
    is_blocks = not any("──" in line for line in lines)
    for line in lines:
        assert cell_len(line.rstrip()) <= width or is_blocks, (name, width, line)
    for column in columns:
        if column.wraps or column.most or column.name in left_out:
            continue  # broken at spaces, cut as names of people may be, or gone
        for row in rows:
            assert row.get(column.name, "") in text, (name, width, column.name)
    assert not set(left_out) & {column.name for column in columns if not column.leaves}


words = st.text(st.sampled_from("abcde 0123456789:→$.,界"), max_size=40).map(
    lambda text: " ".join(text.split()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), width=st.integers(20, 180))
def test_any_table_is_whole_or_becomes_blocks(
    monkeypatch: pytest.MonkeyPatch, data: st.DataObject, width: int
) -> None:
    pretend_terminal(monkeypatch, width)
    names = data.draw(st.lists(st.sampled_from("ABCDEFG"), min_size=1, max_size=6, unique=True))
    columns = [layout.Column(
        name, leaves=data.draw(st.integers(0, 4)), right=data.draw(st.booleans()),
        wraps=data.draw(st.booleans())) for name in names]
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, words)), max_size=4))
    text, left_out = laid_out(("a title", columns, rows), {})
    check_whole("any", text, columns, rows, left_out, width)
    # What leaves is never more important than what stays.
    stays = [column.leaves for column in columns if column.name not in left_out]
    gone = [column.leaves for column in columns if column.name in left_out]
    assert not gone or not stays or min(gone) >= max(stays)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {
    "apply --yes", "collect"}])
def test_json_is_one_document_and_nothing_else(printed: dict[str, Printed], name: str) -> None:
    result = printed[f"{name} --json"]
    assert result.status == 0, result.err
    document = json.loads(result.out)
    assert document["schema"].startswith("wsanalytics.") and document["version"] == 1
    assert len(document) > 2
    assert "Next:" not in result.err


def test_json_holds_the_figures_of_the_table(printed: dict[str, Printed]) -> None:
    plan = json.loads(printed["recommend --json"].out)
    changes = [row for row in plan["recommendations"] if row["action"] == "change"]
    assert len(changes) == plan["changes"]
    assert sum(row["saving_usd_per_month"] for row in changes) == pytest.approx(
        plan["saving_usd_per_month"])
    assert plan["headline"] in " ".join(printed["recommend"].out.split())
    assert plan["unused"] == len(plan["unused_workspaces"])
    applied = json.loads(printed["apply --json"].out)
    assert applied["dry_run"] is True and applied["journal"] is None
    assert applied["outcomes"] == {"would be done": 9, "left for the next run": 3}
    assert len(applied["rows"]) == 12
    spent = json.loads(printed["budget --json"].out)["budget"]
    assert {row["under"] for row in spent} == {"present", "plan"}


def test_a_real_terminal_and_a_pipe(printed: dict[str, Printed], tmp_path: Path) -> None:
    assert printed
    for width in (80, 100, 160):
        status, shown = on_terminal(["prices", "show"], width, tmp_path)
        assert status == 0
        assert all(fits(line, width) for line in shown.splitlines())
    status, shown = on_terminal(["columns", "applied"], 60, tmp_path)
    assert status == 0 and all(fits(line, 60) for line in shown.splitlines())


def test_a_pipe_has_every_column(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("console", "layout"):
        monkeypatch.setattr(f"wsanalytics.cli.printing.{module}.has_width", lambda _: False)
    columns = [layout.Column(name, leaves=leaves) for leaves, name in enumerate("abcdefgh")]
    assert layout.print_rows("", columns, [{name: name * 40 for name in "abcdefgh"}]) == ()
    shown = capsys.readouterr().out
    assert all(name * 40 in shown for name in "abcdefgh")


def test_a_file_named_minus_is_standard_output(
    printed: dict[str, Printed], capfd: pytest.CaptureFixture[str]
) -> None:
    assert printed
    for words, begins in (
        (["recommend", *FLEET, "--output", "-"], '{\n  "schema": "wsanalytics.plan"'),
        (["simulate", *FLEET, "--setting", "ALWAYS_ON", "--output", "-"], "setting,workspace_id,"),
        (["sessions", *FLEET, "--output", "-"], "workspace_id,connected_at,"),
        (["report", *FLEET, "--output", "-"], "<!DOCTYPE html>"),
        (["plan", "show", "plan.json", "--output", "-"], "workspace_id,approve,"),
        (["frontier", *FLEET, "--settings-only", "--output", "-"], "workspace_id,option,"),
    ):
        assert main(words) == 0
        shown = capfd.readouterr()
        assert shown.out.lower().startswith(begins.lower()), words
        assert not Path("-").exists()
    assert main(["sessions", *FLEET, "--output", "-", "--gaps", "-"]) == 2
    assert main(["simulate", *FLEET, "--setting", "ALWAYS_ON", "--output", "-", "--json"]) == 2
    shown = capfd.readouterr()
    assert shown.out == "" and "standard output" in shown.err


def test_dry_run_is_what_is_done_anyway(printed: dict[str, Printed]) -> None:
    assert printed
    plain, said = ran(["undo", "plan.journal.jsonl"]), ran(["undo", "plan.journal.jsonl",
                                                            "--dry-run"])
    assert (plain.status, plain.out) == (said.status, said.out)
    assert "Next:  wsanalytics undo plan.journal.jsonl --yes\n" in said.err
    with pytest.raises(SystemExit):
        main(["undo", "plan.journal.jsonl", "--dry-run", "--yes"])


def test_apply_and_undo_are_narrowed(printed: dict[str, Printed]) -> None:
    fleet = pd.DataFrame(json.loads(printed["undo --json"].out)["rows"])
    one = fleet.iloc[0]
    by_user = json.loads(ran(["undo", "plan.journal.jsonl", "--workspace", one["user_name"],
                              "--json"]).out)
    assert [row["workspace_id"] for row in by_user["rows"]] == [one["workspace_id"]]
    assert ran(["undo", "plan.journal.jsonl", "--tag", "no=such"]).status == 2
    listed = pd.read_json(io.StringIO(json.dumps(json.loads(ran(
        ["explain", one["workspace_id"], *FLEET, "--json"]).out)["sections"]["What it is"])))
    directory = re.search(r"d-\w+", " ".join(listed["text"]))
    assert directory
    narrowed = json.loads(ran(["undo", "plan.journal.jsonl", "--directory", directory[0],
                               "--json"]).out)
    assert one["workspace_id"] in {row["workspace_id"] for row in narrowed["rows"]}
    assert len(narrowed["rows"]) <= len(fleet)
