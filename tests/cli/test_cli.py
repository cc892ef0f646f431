"""The commands on good input: what they write, in which order, and what narrows a fleet."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.build import at
from wsanalytics import billing
from wsanalytics.aws.errors import Refusal
from wsanalytics.cli import main
from wsanalytics.cli.printing.fleet import print_rounds
from wsanalytics.files.outputs import write_text
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.tables.observed import SESSIONS, WORKSPACES
from wsanalytics.tables.results import CHARGES
from wsanalytics.timeline import Window

QUARTER = Window(at("2026-01-01"), at("2026-04-01"))
HOSTILE = ['<script>alert(1)</script>', '=cmd|"/c calc"!A1', "Doe, Jane", "\u202egnorw", "名前 🙂",
           "x" * 300, '"quoted"', "bell\x07\x1b[31m"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty invented people, in the files sessions.csv and workspaces.csv."""
    people = make_people(40, seed=3, window=QUARTER)
    fleet = make_workspaces(people, seed=3, window=QUARTER)
    fleet["user_name"] = [HOSTILE[n % len(HOSTILE)] for n in range(len(fleet))]
    sessions = fleet_sessions(people, QUARTER)
    sessions[["workspace_id", "connected_at", "disconnected_at"]].to_csv(
        tmp_path / "sessions.csv", index=False)
    fleet.to_csv(tmp_path / "workspaces.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


FLEET = ["--sessions", "sessions.csv", "--workspaces", "workspaces.csv"]
SETTINGS = ["--setting", "AUTO_STOP:240", "ALWAYS_ON", "--setting", "AUTO_STOP:60"]


def simulate(*more: str, output: str = "charges.csv") -> pd.DataFrame:
    assert main(["simulate", *FLEET, *SETTINGS, *more, "--output", output]) == 0
    path = Path(output)
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def test_one_row_for_every_setting_workspace_and_month(folder: Path) -> None:
    charges = simulate()
    assert list(charges) == list(CHARGES.names)
    fleet = pd.read_csv(folder / "workspaces.csv")
    billed = fleet[(fleet["running_mode"] != "MANUAL") & ~fleet["standby"]]
    assert len(charges) == 3 * len(billed) * 3
    assert charges["setting"].drop_duplicates().tolist() == [
        "ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:240"]
    for _, rows in charges.groupby("setting"):
        keys = list(zip(rows["workspace_id"], rows["month"], strict=True))
        assert keys == sorted(keys)
    known = charges["total_usd"].notna()
    total = charges["fixed_usd"] + charges["hourly_usd"]
    assert (charges["total_usd"] == total)[known].all()


def test_the_order_of_input_rows_does_not_matter(folder: Path) -> None:
    simulate()
    before = (folder / "charges.csv").read_bytes()
    for name in ("sessions.csv", "workspaces.csv"):
        header, *rows = (folder / name).read_text().splitlines()
        shuffled = np.random.default_rng(0).permutation(rows)
        (folder / name).write_text("\n".join([header, *shuffled]) + "\n")
    simulate()
    assert (folder / "charges.csv").read_bytes() == before


def test_csv_and_parquet_hold_the_same(folder: Path) -> None:
    text, binary = simulate(), simulate(output="charges.parquet")
    pd.testing.assert_frame_equal(text, binary, check_dtype=False, check_categorical=False)
    for name, table in (("sessions", SESSIONS), ("workspaces", WORKSPACES)):
        frame = pd.read_csv(folder / f"{name}.csv")
        for column in table.columns:
            if column.name.endswith("_at") and column.name in frame:
                frame[column.name] = pd.to_datetime(frame[column.name], utc=True)
        frame.to_parquet(folder / f"{name}.parquet")
    argv = [word.replace(".csv", ".parquet") for word in FLEET]
    assert main(["simulate", *argv, *SETTINGS, "--output", "again.csv"]) == 0
    assert (folder / "again.csv").read_bytes() == (folder / "charges.csv").read_bytes()


def test_a_byte_order_mark_and_windows_lines_are_read(folder: Path) -> None:
    simulate()
    before = (folder / "charges.csv").read_bytes()
    for name in ("sessions.csv", "workspaces.csv"):
        text = (folder / name).read_text()
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    simulate()
    assert (folder / "charges.csv").read_bytes() == before


def test_the_fleet_is_narrowed(folder: Path) -> None:
    fleet = pd.read_csv(folder / "workspaces.csv")
    everything = simulate()
    billed = set(everything["workspace_id"])
    directory = fleet["directory_id"].iloc[0]
    tags = fleet["tags"].map(json.loads)
    name, value = next(iter(tags.iloc[0].items()))
    cases = {
        ("--directory", directory): fleet["directory_id"] == directory,
        ("--bundle", *fleet["bundle_id"].iloc[:2]): fleet["bundle_id"].isin(
            fleet["bundle_id"].iloc[:2]),
        ("--workspace", *fleet["workspace_id"].iloc[:3]): fleet.index < 3,
        ("--tag", f"{name}={value}"): tags.map(lambda t: t.get(name) == value),
        ("--tag", f"{name}={value}", "--directory", directory): tags.map(
            lambda t: t.get(name) == value) & (fleet["directory_id"] == directory),
    }
    for options, kept in cases.items():
        ids = set(fleet.loc[kept, "workspace_id"]) & billed
        part = simulate(*options)
        expected = everything[everything["workspace_id"].isin(ids)]
        pd.testing.assert_frame_equal(part, expected.reset_index(drop=True))


def test_the_window_can_be_given(folder: Path) -> None:
    assert set(simulate("--start", "2026-02-01")["month"]) == {"2026-02", "2026-03"}
    assert set(simulate("--end", "2026-02-15")["month"]) == {"2026-01", "2026-02"}
    assert (folder / "charges.csv").exists()


def test_two_plans_of_one_fleet_are_the_same(folder: Path) -> None:
    plans = []
    for name in ("one.json", "two.json"):
        assert main(["recommend", *FLEET, "--output", name]) == 0
        plan = json.loads((folder / name).read_text())
        assert plan.pop("created_at")
        assert plan.pop("digest")  # of the whole file, the second in which it was made included
        plans.append(plan)
    assert plans[0] == plans[1]
    assert plans[0]["changes"]


def test_a_plan_saves_about_what_simulate_charges(folder: Path) -> None:
    assert main(["recommend", *FLEET, "--output", "plan.json"]) == 0
    charges = simulate("--setting", "AUTO_STOP:120", "AUTO_STOP:180", "AUTO_STOP:480",
                       "AUTO_STOP:1440")
    total = charges.groupby(["workspace_id", "setting"])["total_usd"].sum() / 3
    created = pd.read_csv(folder / "workspaces.csv").set_index("workspace_id")["created_at"]
    promised, charged = [], []
    for change in json.loads((folder / "plan.json").read_text())["changes"]:
        before, after = (
            f"{side['running_mode']}:{side['auto_stop_minutes']}".removesuffix(":None")
            for side in (change["from"], change["to"])
        )
        name = change["workspace_id"]
        if pd.isna(created[name]):
            charged.append(total[name, before] - total[name, after])
            promised.append(change["saving_usd_per_month"])
    # One may work more than they did and another less; all together they go on as they did.
    assert len(promised) > 5 and sum(promised) == pytest.approx(sum(charged), rel=0.1)


def test_hostile_names_are_shown_as_text(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recommend", *FLEET, "--output", "plan.json"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert main(["report", *FLEET, "--output", "out"]) == 0
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Doe, Jane" in page


def test_sessions_round_trip_through_their_own_output(folder: Path) -> None:
    header = "workspace_id,sampled_at,connection_state,state,last_connected_at,source"
    rows = [f"ws-1,2026-03-02T09:{minute:02d}:00Z,{state},AVAILABLE,,s"
            for minute, state in ((0, "DISCONNECTED"), (5, "CONNECTED"), (10, "CONNECTED"),
                                  (15, "UNKNOWN"))]
    (folder / "samples.csv").write_text("\n".join([header, *rows, ""]))
    assert main(["sessions", "--samples", "samples.csv", "--output", "found.csv",
                 "--gaps", "gaps.csv"]) == 0
    assert (folder / "found.csv").read_text().splitlines() == [
        ("workspace_id,connected_at,disconnected_at,start_uncertain_minutes,"
        "end_uncertain_minutes,revealed"),
        "ws-1,2026-03-02T09:02:30Z,2026-03-02T09:12:30Z,2.5,2.5,false",
    ]
    assert (folder / "gaps.csv").read_text() == "workspace_id,from_at,to_at\n"
    (folder / "w.csv").write_text("workspace_id,region,compute_type,running_mode\n"
                                  "ws-1,us-east-1,VALUE,ALWAYS_ON\n")
    assert main(["simulate", "--sessions", "found.csv", "--workspaces", "w.csv", "--setting",
                 "AUTO_STOP:60", "--output", "c.csv"]) == 0
    assert pd.read_csv(folder / "c.csv")["billed_hours"].tolist() == [2.0]


def test_results_on_one_stream_and_messages_on_the_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulate()
    said = capsys.readouterr()
    assert "billed hours" in said.out
    assert "written to charges.csv" in said.err
    assert folder.exists()


def test_an_interruption_is_said_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(billing, "bill", interrupted)
    before = sorted(folder.iterdir())
    assert main(["simulate", *FLEET, *SETTINGS, "--output", "charges.csv"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before


def test_columns_prints_one_table_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["columns", "charges"]) == 0
    one = capsys.readouterr().out
    assert "billed_hours" in one and "sampled_at" not in one
    assert main(["columns"]) == 0
    assert "sampled_at" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "required"), [
    ("plan", {"schema", "version", "created_at", "changes", "account_id", "region", "hour_rule",
              "prices_date"}),
    ("journal", {"at", "run", "event"})])
def test_columns_prints_the_json_schema_of_plans_and_journals(
    capsys: pytest.CaptureFixture[str], name: str, required: set[str]
) -> None:
    assert main(["columns", "--json-schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == f"wsanalytics.{name}"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    top = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    assert set(top["required"]) == required
    assert main(["columns", "charges", "--json-schema", name]) == 2
    assert f"is named beside --json-schema {name}" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["columns", "--markdown", "--json-schema", name])
    assert left.value.code == 2
    assert "not allowed with argument --markdown" in capsys.readouterr().err


def test_an_unknown_option_is_refused_in_the_name_of_its_command(
    capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect", "--store", "s", "--evry", "5m"]) == 2
    said = capsys.readouterr().err
    assert said == ("wsanalytics collect: unrecognized arguments: --evry 5m. "
                    "Fix: did you mean --every? 'wsanalytics collect --help' shows the usage.\n")
    assert main(["recommend", "--stor", "fleet"]) == 2  # said before what is missing
    assert "--stor fleet. Fix: did you mean --store? " in capsys.readouterr().err
    assert main(["prices", "refresh", "--region", "us-east-1", "--dry"]) == 2
    assert "wsanalytics prices refresh: unrecognized arguments: --dry" in capsys.readouterr().err


def test_recommend_says_why_it_leaves_workspaces_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.exists()
    assert main(["recommend", *FLEET, "--output", "plan.json"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "left alone" in line)
    assert re.fullmatch(r"(\d+) WorkSpaces? left alone: (\d+ [\w ,]+)(; \d+ [\w ,]+)*\. "
                        r"\d+ WorkSpaces? unused\.", line)
    counts = [int(count) for count in re.findall(r"(?:: |; )(\d+) ", line)]
    assert sum(counts) == int(line.split()[0])


@pytest.mark.usefixtures("undrawn")
def test_dollars_for_hours_are_not_called_hours(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *FLEET, "--output", "report.html"]) == 0
    page, printed = (folder / "report.html").read_text(), capsys.readouterr().out
    for text in (page, printed):
        assert "for hours" in text and "billed hours</th>" not in text
    assert "billed hours" not in printed


def test_files_get_the_rights_that_any_new_file_gets(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    before = os.umask(0o027)
    try:
        write_text("a", tmp_path / "a")
    finally:
        os.umask(before)
    write_text("b", tmp_path / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "b").stat().st_mode == usual.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "usual"]


def test_why_a_region_refused_is_told_whole_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    refusal = Refusal(action="workspaces:DescribeWorkspaces", code="AccessDeniedException",
                      message="User: arn:aws:iam::111122223333:user/me is not authorized",
                      account_id="111122223333", region="us-east-1")
    row = {"account_id": "111122223333", "region": "us-east-1", "outcome": "refused",
           "message": str(refusal), "workspaces": 0, "samples": 0}
    print_rounds(pd.DataFrame([row, row, row | {"outcome": "done", "message": ""}]))
    told = capsys.readouterr().out
    assert told.count("refused") == 2 and told.count('"Effect": "Allow"') == 1
    assert str(refusal) in told.splitlines()
