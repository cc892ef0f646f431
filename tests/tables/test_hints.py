"""Files of other tools are known for what they are, and the message says what to do."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.tables.test_bad_input import SAMPLES, SESSIONS, WORKSPACES, simulate
from wsanalytics.cli import main
from wsanalytics.errors import Notice
from wsanalytics.history import read_workspaces

Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, *argv: str) -> str:
    assert main(list(argv)) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize(("written", "hint"), [
    ("0001-01-01T00:00:00Z", "it stands for 'never' in other tools: leave the cell empty"),
    ("1/1/0001 00:00:00", "it stands for 'never' in other tools: leave the cell empty"),
    ("1970-01-01T00:00:00Z", "it stands for 'never' in other tools: leave the cell empty"),
    ("Never", "Fix: leave the cell empty where there is none"),
    ("None", "Fix: leave the cell empty where there is none"),
    ("11/22/2022 17:56", "it is a date of a local form"),
    ("1662526200.1", "it is a count since 1970: write it as ISO 8601"),
    ("1662526200123", "unit='ms'"),
    ("2026-03-02 09:00:00 CET", "a zone is written as Z or as an offset"),
])
def test_a_last_connection_as_other_tools_write_it(
    folder: Path, capsys: Capture, written: str, hint: str
) -> None:
    text = SAMPLES.replace("AVAILABLE,2026-03-02T09:00:00Z", f"AVAILABLE,{written}")
    (folder / "samples.csv").write_text(text)
    assert hint in refused(capsys, "sessions", "--samples", "samples.csv", "--output", "s.csv")


def test_an_instant_that_must_be_there_is_not_to_be_left_empty(
    folder: Path, capsys: Capture
) -> None:
    (folder / "samples.csv").write_text(SAMPLES.replace("2026-03-02T09:05:00Z", "Never"))
    said = refused(capsys, "sessions", "--samples", "samples.csv", "--output", "s.csv")
    assert "write the instant, or remove the row" in said


def workspaces_as(folder: Path, capsys: Capture, text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / "workspaces.csv").write_bytes(raw)
    return refused(capsys, *simulate())


@pytest.mark.parametrize(("old", "new", "hint"), [
    (",", "|", "its columns are separated by bars (|), as spreadsheets of some countries write"),
    ("us-east-1", "US East (N. Virginia)", "Fix: write us-east-1"),
    ("us-east-1", "Europe (Ireland)", "Fix: write eu-west-1"),
    (",60", ",1", "write minutes: 1 hours are 60"),
    (",60", ",0", "0 stands for none in other tools"),
])
def test_workspaces_as_other_tools_write_them(
    folder: Path, capsys: Capture, old: str, new: str, hint: str
) -> None:
    assert hint in workspaces_as(folder, capsys, WORKSPACES.replace(old, new))


def as_written(folder: Path, *argv: str) -> str:
    """The charges of the sessions and workspaces that lie in *folder*."""
    assert main([*simulate(*argv)]) == 0
    return (folder / "charges.csv").read_text()


AWS_HEAD = "WorkspaceId,Region,ComputeTypeName,RunningMode,RunningModeAutoStopTimeoutInMinutes"


def test_columns_and_values_as_aws_and_its_tools_write_them(
    folder: Path, capsys: Capture
) -> None:
    expected = as_written(folder, "--setting", "AUTO_STOP:60")
    capsys.readouterr()
    text = WORKSPACES.replace(WORKSPACES.splitlines()[0], AWS_HEAD)
    text = text.replace("AUTO_STOP", "AutoStop").replace("ALWAYS_ON", "always_on")
    (folder / "workspaces.csv").write_text(text.replace("STANDARD", "Standard"))
    assert as_written(folder, "--setting", "AUTO_STOP:60") == expected
    said = capsys.readouterr().err
    for words in ("WorkspaceId as workspace_id", "RunningMode as running_mode",
                  "running_mode AutoStop is taken as AUTO_STOP",
                  "running_mode always_on is taken as ALWAYS_ON",
                  "compute_type Standard is taken as STANDARD"):
        assert said.count(words) == 1, words


def test_aws_names_are_taken_from_parquet_and_frames_too(folder: Path) -> None:
    (folder / "aws.csv").write_text(WORKSPACES.replace(WORKSPACES.splitlines()[0], AWS_HEAD))
    frame = pd.read_csv(folder / "aws.csv", dtype="str")
    frame.to_parquet(folder / "aws.parquet")
    with pytest.warns(Notice, match="ComputeTypeName as compute_type"):
        from_file = read_workspaces(folder / "aws.parquet")
    with pytest.warns(Notice, match="the workspaces frame: columns by AWS's names"):
        from_frame = read_workspaces(frame)
    pd.testing.assert_frame_equal(from_file, read_workspaces(folder / "workspaces.csv"))
    pd.testing.assert_frame_equal(from_frame, from_file)


def test_two_of_awss_names_for_one_column_are_refused(folder: Path, capsys: Capture) -> None:
    head, *rows = WORKSPACES.splitlines()
    text = "\n".join([head.replace("compute_type", "ComputeType,ComputeTypeName"),
                      *(row.replace(",STANDARD,", ",STANDARD,VALUE,").replace(
                          "1,VALUE,", "1,VALUE,VALUE,") for row in rows)])
    assert "column compute_type is missing" in workspaces_as(folder, capsys, text + "\n")


@pytest.mark.parametrize("mode", ["AUTOSTOP", "autostop", "Auto", "HOURLY"])
def test_a_mode_that_is_not_the_same_words_is_refused(
    folder: Path, capsys: Capture, mode: str
) -> None:
    said = workspaces_as(folder, capsys, WORKSPACES.replace("AUTO_STOP", mode))
    assert f"workspaces.csv, line 3: running_mode is '{mode}'" in said


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons (;)"), ("\t", "tabs")])
def test_another_separator_is_read_and_named(
    folder: Path, capsys: Capture, mark: str, name: str
) -> None:
    expected = as_written(folder)
    capsys.readouterr()
    for file in ("sessions.csv", "workspaces.csv"):
        text = (folder / file).read_text().replace(",", mark)
        (folder / file).write_bytes(b"\xef\xbb\xbf" + text.encode())  # as Excel begins it
    assert as_written(folder) == expected
    said = capsys.readouterr().err
    for file in ("sessions.csv", "workspaces.csv"):
        assert (f"{file}: it is separated by {name}, as spreadsheets of some countries write, "
                "and is read so") in said


def test_a_decimal_comma_is_refused_with_the_number_that_is_meant(
    folder: Path, capsys: Capture
) -> None:
    head, *rows = SESSIONS.replace(",", ";").splitlines()
    (folder / "workspaces.csv").write_text("workspace_id;region\nws-1;\n")
    assert ("workspaces.csv: it is separated by semicolons (;), as spreadsheets of some countries "
            "write; 2 faults: 1) column compute_type, running_mode is missing") in refused(
                capsys, *simulate())
    (folder / "workspaces.csv").write_text(WORKSPACES)
    (folder / "sessions.csv").write_text("\n".join(
        [f"{head};start_uncertain_minutes", *(f"{row};2,5" for row in rows[:1])]) + "\n")
    said = refused(capsys, *simulate())
    assert "start_uncertain_minutes is '2,5'; it is separated by semicolons (;), as spre" in said
    assert "write 2.5, with a point" in said


def test_utf16_and_a_report_of_the_cost_optimizer_are_named(
    folder: Path, capsys: Capture
) -> None:
    assert "it is UTF-16 text" in workspaces_as(folder, capsys, WORKSPACES.encode("utf-16"))
    said = workspaces_as(folder, capsys, "WorkspaceID,Billable Hours,Usage Threshold\nws-1,4,85\n")
    assert "AWS's Cost Optimizer" in said


@pytest.mark.parametrize(("tags", "hint"), [
    ("\"[{'Key': 'team', 'Value': 'ops'}]\"", "the list of Key and Value that AWS writes"),
    ("\"{'team': 'ops'}\"", "it is a Python dict"),
])
def test_tags_of_other_forms(folder: Path, capsys: Capture, tags: str, hint: str) -> None:
    head, *rows = WORKSPACES.splitlines()
    text = "\n".join([f"{head},tags", *(f"{row},{tags}" for row in rows)]) + "\n"
    assert hint in workspaces_as(folder, capsys, text)


def test_json_is_named_for_what_it_may_be(folder: Path, capsys: Capture) -> None:
    (folder / "cli.json").write_text('{"Workspaces": []}')
    argv = [word.replace("workspaces.csv", "cli.json") for word in simulate()]
    said = refused(capsys, *argv)
    assert "cli.json: it has no entries" in said and "aws workspaces describe-workspaces" in said
    argv = [word.replace("sessions.csv", "cli.json") for word in simulate()]
    assert "JSON is read of 'aws workspaces describe-workspaces' by --workspaces" in refused(
        capsys, *argv)


def test_a_number_as_a_tag_is_found_by_its_digits(folder: Path) -> None:
    head, *rows = WORKSPACES.splitlines()
    tags = ['"{""team"": 1}"', '"{""team"": [""a""]}"']
    (folder / "workspaces.csv").write_text("\n".join(
        [f"{head},tags", *(f"{row},{tag}" for row, tag in zip(rows, tags, strict=True))]) + "\n")
    assert main([*simulate("--tag", "team=1")]) == 0
    assert "ws-1" in (folder / "charges.csv").read_text()
    assert "ws-2" not in (folder / "charges.csv").read_text()
