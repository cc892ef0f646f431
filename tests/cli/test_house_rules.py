"""Rules of the house on the command line: one bundle at least 120 minutes, another 480."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.endpoints import use_sandbox
from tests.helpers.sandboxes import BoxClock, connected, frozen
from wsanalytics.cli import main
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import collect
from wsanalytics.recommendations.plan_file import read_plan
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.tables.csv_parquet import write_table
from wsanalytics.tables.observed import WORKSPACES

client = sys.modules["wsanalytics.aws.connect"]  # its package shows the function of this name
Capture = pytest.CaptureFixture[str]
FLEET = ("--store", "fleet")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, list[str]]]:
    """A sandbox and a store in the working folder, and the two commonest bundles, with rules."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(client, "RATE_PER_SECOND", 1e4)
        patch.setattr(client.connect, "__kwdefaults__",
                      client.connect.__kwdefaults__ | {"pace": (1e4, 1e4)})
        with frozen(workspaces=60, speed=120, history_days=41) as (box, _):
            use_sandbox(patch, box)
            with connected(box) as both:
                box.clock.step(timedelta(hours=9))
                collect(folder / "fleet", connections=both, clock=BoxClock(box))
                backfill(folder / "fleet", connections=both, days=40, clock=BoxClock(box))
            bundles = box.workspaces()["bundle_id"].value_counts().index[:2].tolist()
            path = folder / "wsanalytics.toml"
            path.write_text(f"""
[[rules]]
name = "kept long"
tag = "Keep=long"
least-timeout = 480

[[rules]]
name = "design"
bundle = "{bundles[0]}"
least-timeout = 120

[[rules]]
name = "trading"
bundle = ["{bundles[1]}"]
least-timeout = 480
never-always-on = true
""", encoding="utf-8")
            patch.setenv("WSANALYTICS_CONFIG", str(path))
            yield box, bundles


def run(capsys: Capture, *argv: str) -> tuple[int, str, str]:
    status = main(list(argv))
    told = capsys.readouterr()
    return status, told.out, told.err


def test_rules_check_says_for_whom_they_hold_and_what_they_cost(
    house: tuple[Sandbox, list[str]], capsys: Capture
) -> None:
    box, bundles = house
    status, out, err = run(capsys, "rules", "check", *FLEET)
    assert status == 0, err
    assert out.startswith("3 rules for ") and "a month more than without rules" in out
    assert "The rule 'kept long' matches nobody: check its conditions." in out
    document = json.loads(run(capsys, "rules", "check", *FLEET, "--json")[1])
    rows = {row["rule"]: row for row in document["rules"]}
    counts = box.workspaces()["bundle_id"].value_counts()
    assert [rows[name]["workspaces"] for name in ("kept long", "design", "trading")] == [
        0, counts[bundles[0]], counts[bundles[1]]]
    assert rows[""]["more_usd_per_month"] == pytest.approx(0)
    assert rows["trading"]["more_usd_per_month"] > 0
    assert sum(row["workspaces"] for row in rows.values()) == len(box.workspaces())


def test_rules_check_of_a_file_of_workspaces_alone(
    house: tuple[Sandbox, list[str]], capsys: Capture
) -> None:
    box, bundles = house
    write_table(box.workspaces(), Path("workspaces.csv"), WORKSPACES)
    status, out, err = run(capsys, "rules", "check", "--workspaces", "workspaces.csv")
    assert status == 0, err
    assert "design" in out and "$" not in out
    assert str((box.workspaces()["bundle_id"] == bundles[0]).sum()) in out


def test_from_the_file_to_a_plan_to_what_is_applied(
    house: tuple[Sandbox, list[str]], capsys: Capture
) -> None:
    box, bundles = house
    status, _, err = run(capsys, "recommend", *FLEET, "--output", "plan.json", "--force")
    assert status == 0, err
    changes = read_plan(Path("plan.json")).changes.set_index("workspace_id")
    bundle = box.workspaces().set_index("workspace_id")["bundle_id"].reindex(changes.index)
    timeouts = pd.to_numeric(changes["to_setting"].str.partition(":")[2]).fillna(9999)
    assert (timeouts[bundle == bundles[0]] >= 120).all()
    assert (changes.loc[bundle == bundles[1], "to_setting"].str.startswith("AUTO_STOP")).all()
    assert (timeouts[bundle == bundles[1]] >= 480).all()
    assert changes.loc[bundle == bundles[1], "reason"].str.startswith(
        "By the rule 'trading': ").all()
    assert (timeouts[~bundle.isin(bundles)] == 60).any()
    # Somebody tags a WorkSpace after the plan was made: what AWS says now is what holds.
    name = next(str(one) for one in changes.index[timeouts < 480])
    with connected(box) as ([connection], _):
        connection.client("workspaces").create_tags(
            ResourceId=name, Tags=[{"Key": "Keep", "Value": "long"}])
    status, out, err = run(capsys, "apply", "plan.json", "--limit", "100", "--json")
    rows = {row["workspace_id"]: row for row in json.loads(out)["rows"]}
    assert rows[name]["outcome"] == "skipped"
    assert rows[name]["message"].startswith("by the rule 'kept long': ")
    others = {row["outcome"] for one, row in rows.items() if one != name}
    assert status == 0 and "would be done" in others, (status, others, err)


@pytest.mark.usefixtures("house")
def test_a_backtest_is_bound_by_the_file(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = []
    for name in ("", "wsanalytics.toml"):
        monkeypatch.setenv("WSANALYTICS_CONFIG", str(Path(name).absolute()) if name else "")
        status, out, err = run(capsys, "backtest", *FLEET, "--policy", "forecast", "--output",
                               "outcomes.csv", "--json")
        assert status == 0, err
        costs.append(json.loads(out)["totals"][0]["total_usd"])
    assert costs[1] > costs[0]


def test_what_a_new_workspace_may_be(
    house: tuple[Sandbox, list[str]], capsys: Capture
) -> None:
    _, bundles = house
    status, out, err = run(capsys, "creation-properties", *FLEET, "--from-bundle", bundles[1])
    assert status == 0, err
    properties = json.loads(out)["Workspaces"][0]["WorkspaceProperties"]
    assert properties == {"RunningMode": "AUTO_STOP", "RunningModeAutoStopTimeoutInMinutes": 480}
    assert "by the rule 'trading': at least 480 minutes, never ALWAYS_ON" in err


def test_a_wrong_rule_stops_every_command(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wsanalytics.toml"
    monkeypatch.setenv("WSANALYTICS_CONFIG", str(path))
    path.write_text('[[rules]]\nname = "a"\nleast-timeot = 60\n', encoding="utf-8")
    for argv in (["columns"], ["recommend", "--store", "none", "--output", "plan.json"]):
        status, _, err = run(capsys, *argv)
        assert status == 2 and "did you mean least-timeout?" in err
    path.write_text("", encoding="utf-8")
    status, _, err = run(capsys, "rules", "check", "--store", "none")
    assert status == 2 and "there are no rules" in err


def test_what_cannot_hibernate_from_the_plan_to_the_report_and_stop_idle(
    house: tuple[Sandbox, list[str]], capsys: Capture, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path
) -> None:
    box, _ = house
    monkeypatch.setenv("WSANALYTICS_CONFIG", "")
    fleet = box.workspaces()
    unused = fleet[(fleet["running_mode"] == "ALWAYS_ON") & (fleet["license"] == "included")
                   & (fleet["operating_system"] == "WINDOWS") & ~fleet["standby"]].head(3).assign(
                       created_at=pd.NaT, terminated_at=pd.NaT, state="AVAILABLE")
    unused[["compute_type", "root_gib", "user_gib"]] = ["GRAPHICS_G4DN", 100, 100]
    write_table(unused, tmp_path / "workspaces.csv", WORKSPACES)
    (tmp_path / "sessions.csv").write_text("workspace_id,connected_at,disconnected_at\n")
    files = ["--sessions", str(tmp_path / "sessions.csv"), "--workspaces",
             str(tmp_path / "workspaces.csv"), "--start", "2026-06-01", "--end", "2026-08-01"]
    plan = tmp_path / "plan.json"
    allowed = "--allow-losing-open-programs"
    for more, changes in (([], 0), ([allowed], len(unused))):
        status, _, err = run(capsys, "recommend", *files, *more, "--output", str(plan), "--force")
        assert status == 0, err
        found = read_plan(plan)
        assert len(found.changes) == changes
        assert found.recommendations["reason"].str.contains(
            "open programs and unsaved work are lost").all()
        status, _, err = run(capsys, "report", *files, *more, "--output",
                             str(tmp_path / "report.html"))
        assert status == 0, err
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert ("open programs" in page) or not changes
        status, out, _ = run(capsys, "explain", unused["workspace_id"].iloc[0], *files, *more)
        assert status == 0 and "open programs and unsaved work" in " ".join(out.split())
    config = tmp_path / "wsanalytics.toml"
    config.write_text('[[rules]]\nname = "farm"\ncompute-type = "Graphics.g4dn"\n'
                      "allow-losing-open-programs = true\n", encoding="utf-8")
    monkeypatch.setenv("WSANALYTICS_CONFIG", str(config))
    assert run(capsys, "recommend", *files, "--output", str(plan), "--force")[0] == 0
    assert len(read_plan(plan).changes) == len(unused)
    assert run(capsys, "stop-idle", *FLEET, "--idle-minutes", "5", allowed)[0] == 0
