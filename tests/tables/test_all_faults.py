"""All faults of a file are named in one message: the first ten, and how many more there are."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.tables.test_bad_input import FILES, SESSIONS, WORKSPACES, simulate
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.history import check_workspaces, read_samples, read_sessions, read_workspaces
from wsanalytics.prices import load_prices

SIX = WORKSPACES.splitlines()[0] + """
ws-1,us-east-1,STANDARD,ALWAYS_ON,
ws-2,us-east-1,STANDRAD,AUTO_STOP,60
ws-3,US East (N. Virginia),VALUE,AUTO_STOP,60
ws-4,us-east-1,VALUE,AUTOSTOP,60
ws-5,us-east-1,VALUE,AUTO_STOP,90
ws-1,us-east-1,VALUE,AUTO_STOP,
"""
"""Six mistakes, two of them in the last line."""


def message(read: object, path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read(path)  # type: ignore[operator]  # a function that reads a table
    return caught.value


def test_six_mistakes_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "workspaces.csv"
    path.write_text(SIX)
    error = message(read_workspaces, path)
    places = ["line 3: compute_type is 'STANDRAD'", "line 4: region is 'US East (N. Virginia)'",
              "line 5: running_mode is 'AUTOSTOP'", "line 6: auto_stop_minutes is 90",
              "line 7: ws-1 stands there twice", "line 7: auto_stop_minutes is empty"]
    assert len(error.faults) == 6
    for number, (fault, words) in enumerate(zip(error.faults, places, strict=True), start=1):
        assert fault.startswith(f"{number}) {words}")
    text = str(error)
    assert text.startswith(f"{path}: 6 faults: 1) line 3: ")
    for words in ("did you mean STANDARD?", "Fix: write us-east-1.", "did you mean AUTO_STOP?",
                  "multiple of 60", "remove one of the two rows", "fill in for example 60"):
        assert words in text, words
    assert text.endswith("Fix: correct them in the file.") and "\n" not in text


@pytest.mark.parametrize("line", [3, 4, 5, 6])
def test_a_single_mistake_is_said_as_it_is(tmp_path: Path, line: int) -> None:
    path = tmp_path / "workspaces.csv"
    head, *rows = SIX.splitlines()
    path.write_text("\n".join([head, rows[0], rows[line - 2]]) + "\n")
    error = message(read_workspaces, path)
    assert str(error).startswith(f"{path}, line 3: ") and error.faults == ()
    assert error.rule and error.fix and "fault" not in str(error)


def test_the_command_line_says_them_in_one_line_and_on_a_terminal_in_a_line_each(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "workspaces.csv").write_text(SIX)
    assert main([*simulate()]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "workspaces.csv: 6 faults: 1) line 3" in said
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "400")
    assert main([*simulate()]) == 2
    shown = capsys.readouterr().err
    lines = shown[shown.index("wsanalytics simulate"):].splitlines()
    assert lines[0] == "wsanalytics simulate: workspaces.csv: 6 faults:"
    assert [line[:11] for line in lines[1:7]] == [
        f"  {number}) line {line}" for number, line in enumerate([3, 4, 5, 6, 7, 7], start=1)]
    assert lines[7:] == ["Fix: correct them in the file."]
    assert not (folder / "charges.csv").exists()


def test_of_many_the_first_ten_are_named_and_the_others_counted(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    rows = [f"ws-{n},2026-03-02 09:{n % 60:02}:00,2026-03-02T12:00:00Z" for n in range(25)]
    rows[20] = "ws-20,2026-03-02T09:00:00Z,soon"
    path.write_text("\n".join([SESSIONS.splitlines()[0], *rows]) + "\n")
    text = str(message(read_sessions, path))
    assert "25 faults" in text
    assert re.findall(r"(\d+)\) line (\d+)", text) == [
        (str(number), str(number + 1)) for number in range(1, 11)]
    assert "And 15 more (connected_at 14, disconnected_at 1)." in text
    assert text.count("Rule: ") == 1


def test_what_is_missing_is_said_with_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    path.write_text("workspace_id,connected_at,startuncertain_minutes\nws-1,2026-03-02,1\n,x,2\n")
    error = message(read_sessions, path)
    assert len(error.faults) == 5
    for fault, words in zip(error.faults, (
            "1) column disconnected_at is missing (there are: workspace_id, connected_at, startu",
            "2) there is a column startuncertain_minutes, and none called start_uncertain_minutes",
            "3) line 2: connected_at is '2026-03-02'", "4) line 3: workspace_id is empty",
            "5) line 3: connected_at is 'x'"), strict=True):
        assert fault.startswith(words)


def test_sessions_that_end_first_and_overlap_are_named_beside_bad_cells(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    path.write_text(SESSIONS + "ws-1,2026-03-02T11:00:00Z,2026-03-02T13:00:00Z\n"
                    "ws-1,2026-03-05T11:00:00Z,2026-03-05T10:00:00Z\nws-1,2026-03-06,x\n")
    error = message(read_sessions, path)
    assert len(error.faults) == 4
    for fault, words in zip(error.faults, (
            "line 4: two sessions of ws-1 overlap (with line 2)",
            "line 5: the session of ws-1 ends at 2026-03-05T10:00:00+00:00, not after its start",
            "line 6: connected_at is '2026-03-06'", "line 6: disconnected_at is 'x'"), strict=True):
        assert words in fault


def test_samples_and_prices_too(tmp_path: Path) -> None:
    for name, read, old, new in (
            ("samples.csv", read_samples, "2026-03-02T09:05:00Z,DISCONNECTED", "09:05,OFFLINE"),
            ("prices.csv", lambda path: load_prices(path=path), "AUTO_STOP,9,0.25",
             "SOMETIMES,-9,0.25")):
        (tmp_path / name).write_text(FILES[name].replace(old, new))
        error = message(read, tmp_path / name)
        assert len(error.faults) == 2 and all("line 3" in fault for fault in error.faults)


def test_prices_that_clash_are_named_beside_bad_cells(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    head, on, auto = FILES["prices.csv"].splitlines()
    path.write_text("\n".join([head, on, on.replace(",30,", ",31,"), auto, auto.replace(
        ",0.25,", ",0.5,"), auto.replace(",9,", ",x,")]) + "\n")
    error = message(lambda file: load_prices(path=file), path)
    assert [fault[:48] for fault in error.faults] == [
        "1) two different prices for us-east-1 STANDARD W",
        "2) two different prices for us-east-1 STANDARD W",
        "3) line 6: monthly_usd is 'x'. Rule: monthly_usd"]


def test_a_parquet_file_and_a_frame_have_rows(tmp_path: Path) -> None:
    (tmp_path / "workspaces.csv").write_text(SIX)
    frame = pd.read_csv(tmp_path / "workspaces.csv", dtype="str", keep_default_na=False)
    frame.to_parquet(tmp_path / "workspaces.parquet")
    from_file = message(read_workspaces, tmp_path / "workspaces.parquet")
    with pytest.raises(InputError) as caught:
        check_workspaces(frame)
    assert "the workspaces frame: 6 faults: 1) row 2: compute_type" in str(caught.value)
    assert from_file.faults == caught.value.faults


def test_types_of_several_columns_of_parquet_are_named_at_once(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"workspace_id": ["ws-1"], "connected_at": [[1]], "disconnected_at": [True]})
    frame.to_parquet(tmp_path / "sessions.parquet")
    error = message(read_sessions, tmp_path / "sessions.parquet")
    assert [fault[:30] for fault in error.faults] == [
        "1) column connected_at holds l", "2) column disconnected_at hold"]


def test_lines_of_too_many_or_too_few_cells_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    path.write_text(SESSIONS + "ws-1,2026-03-05T09:00:00Z\n" + SESSIONS.splitlines()[1]
                    + "\nws-1,a,b,c\n")
    error = message(read_sessions, path)
    assert [fault[:54] for fault in error.faults] == [
        "1) line 4: it has 2 cells, and there are 3 columns: 'w",
        "2) line 6: it has 4 cells, and there are 3 columns: 'w"]
    path.write_text(SESSIONS + "ws-1,2026-03-05T09:00:00Z\n")
    assert "it cannot be read as csv" in str(message(read_sessions, path))


def test_a_file_of_something_else_has_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "workspaces.csv"
    path.write_text("Instance,Price\ni-1,3\n")
    text = str(message(read_workspaces, path))
    assert text.startswith(f"{path}: column workspace_id, region, compute_type, running_mode is ")
    assert "no rows" not in text
