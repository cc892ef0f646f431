"""Every bad input is refused: status 2, one message that helps, no traceback, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from wsanalytics.cli import main

SESSIONS = """workspace_id,connected_at,disconnected_at
ws-1,2026-03-02T09:00:00Z,2026-03-02T12:00:00Z
ws-2,2026-03-03 09:00:00+00:00,2026-03-03 17:30:00+00:00
"""
WORKSPACES = """workspace_id,region,compute_type,running_mode,auto_stop_minutes
ws-1,us-east-1,STANDARD,ALWAYS_ON,
ws-2,us-east-1,VALUE,AUTO_STOP,60
"""
PRICES = """region,compute_type,operating_system,license,root_gib,user_gib,running_mode,\
monthly_usd,hourly_usd,source,effective_date
us-east-1,STANDARD,WINDOWS,included,80,50,ALWAYS_ON,30,0,mine,2026-01-01
us-east-1,STANDARD,WINDOWS,included,80,50,AUTO_STOP,9,0.25,mine,2026-01-01
"""
SAMPLES = """workspace_id,sampled_at,connection_state,state,last_connected_at,source
ws-1,2026-03-02T09:00:00Z,CONNECTED,AVAILABLE,2026-03-02T09:00:00Z,sample
ws-1,2026-03-02T09:05:00Z,DISCONNECTED,AVAILABLE,,sample
"""
FILES = {"sessions.csv": SESSIONS, "workspaces.csv": WORKSPACES, "prices.csv": PRICES,
         "samples.csv": SAMPLES}

Run = Callable[..., str]


@pytest.fixture
def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line that must be refused; gives its message."""

    def run(*argv: str) -> str:
        before = sorted(folder.rglob("*"))
        try:
            status = main(list(argv))
        except SystemExit as stop:  # argparse's way to refuse
            status = int(stop.code or 0)
        said = capsys.readouterr()
        assert status == 2, said
        assert said.out == ""
        assert "Traceback" not in said.err
        assert len(said.err.strip().splitlines()) == 1
        assert sorted(folder.rglob("*")) == before
        return said.err

    return run


def simulate(*more: str) -> tuple[str, ...]:
    return ("simulate", "--sessions", "sessions.csv", "--workspaces", "workspaces.csv",
            "--start", "2026-03-01", "--end", "2026-04-01", "--setting", "ALWAYS_ON",
            "--output", "charges.csv", *more)


def test_the_good_input_is_taken(folder: Path) -> None:
    assert main(list(simulate("--prices", "prices.csv", "--setting", "AUTO_STOP:60"))) == 0
    assert (folder / "charges.csv").read_text().count("\n") == 5
    assert main(["sessions", "--samples", "samples.csv", "--output", "found.csv"]) == 0
    fleet = simulate()[1:9]
    assert main(["recommend", *fleet, "--output", "plan.json"]) == 0
    assert main(["report", *fleet, "--output", "new/report.html"]) == 0


@pytest.mark.parametrize("name", ["sessions.csv", "workspaces.csv", "prices.csv"])
def test_a_missing_an_empty_and_a_strange_file(refused: Run, folder: Path, name: str) -> None:
    path = folder / name
    more = ("--prices", "prices.csv")
    path.write_text("")
    assert name in (message := refused(*simulate(*more))) and "empty" in message
    path.write_bytes(b"PK\x03\x04\x00\x00\xff\xfe\x00binary\x00\x01")
    assert name in refused(*simulate(*more))
    path.unlink()
    assert "no such file" in refused(*simulate(*more))
    path.mkdir()
    assert "folder" in refused(*simulate(*more))


@pytest.mark.parametrize("name", ["sessions.csv", "workspaces.csv", "prices.csv"])
def test_a_file_that_is_cut_off(refused: Run, folder: Path, name: str) -> None:
    (folder / name).write_text(FILES[name].rstrip()[: -len(FILES[name].splitlines()[-1]) // 2])
    assert name in refused(*simulate("--prices", "prices.csv"))


def test_another_kind_of_file(refused: Run, folder: Path) -> None:
    (folder / "sessions.parquet").write_text(SESSIONS)
    argv = [a.replace("sessions.csv", "sessions.parquet") for a in simulate()]
    assert "cannot be read as parquet" in refused(*argv)
    (folder / "sessions.parquet").unlink()
    pd.DataFrame({"a": [1]}).to_parquet(folder / "sessions.csv")
    assert "sessions.csv" in refused(*simulate())
    (folder / "sessions.txt").write_text(SESSIONS)
    assert ".csv or .parquet" in refused(
        *[a.replace("sessions.csv", "sessions.txt") for a in simulate()])


def test_a_parquet_file_that_is_cut_off(refused: Run, folder: Path) -> None:
    frame = pd.read_csv(folder / "workspaces.csv")
    frame.to_parquet(folder / "workspaces.parquet")
    whole = (folder / "workspaces.parquet").read_bytes()
    (folder / "workspaces.parquet").write_bytes(whole[: len(whole) // 2])
    argv = [a.replace("workspaces.csv", "workspaces.parquet") for a in simulate()]
    assert "workspaces.parquet" in refused(*argv)


@pytest.mark.parametrize("name", ["workspaces.csv", "prices.csv"])
def test_a_header_without_rows_where_rows_are_needed(
    refused: Run, folder: Path, name: str
) -> None:
    (folder / name).write_text(FILES[name].splitlines()[0] + "\n")
    assert "no rows" in refused(*simulate("--prices", "prices.csv"))


def test_samples_need_rows_too(refused: Run, folder: Path) -> None:
    (folder / "samples.csv").write_text(SAMPLES.splitlines()[0] + "\n")
    assert "no rows" in refused("sessions", "--samples", "samples.csv", "--output", "s.csv")


def test_sessions_without_rows_are_a_fleet_that_nobody_used(folder: Path) -> None:
    (folder / "sessions.csv").write_text(SESSIONS.splitlines()[0] + "\n")
    assert main(list(simulate("--setting", "AUTO_STOP:60"))) == 0
    charges = pd.read_csv(folder / "charges.csv")
    assert charges["billed_hours"].tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("name", "column"),
    [(name, column) for name, text in FILES.items() for column in
     text.splitlines()[0].split(",") if column != "auto_stop_minutes"],
)
def test_a_missing_column(refused: Run, folder: Path, name: str, column: str) -> None:
    rows = [line.split(",") for line in FILES[name].splitlines()]
    place = rows[0].index(column)
    text = "\n".join(",".join(cell for i, cell in enumerate(row) if i != place) for row in rows)
    (folder / name).write_text(text + "\n")
    argv = (("sessions", "--samples", name, "--output", "s.csv") if name == "samples.csv"
            else simulate("--prices", "prices.csv"))
    message = refused(*argv)
    assert f"column {column} is missing" in message and name in message


BAD_SESSIONS = {
    "naive": ("ws-1,2026-03-02T09:00:00,2026-03-02T12:00:00Z", "no zone"),
    "a date": ("ws-1,2026-03-02,2026-03-02T12:00:00Z", "no zone"),
    "empty": ("ws-1,,2026-03-02T12:00:00Z", "connected_at is empty"),
    "nonsense": ("ws-1,yesterday,2026-03-02T12:00:00Z", "'yesterday'"),
    "no such day": ("ws-1,2026-02-30T09:00:00Z,2026-03-02T12:00:00Z", "2026-02-30"),
    "a number": ("ws-1,1772442000,2026-03-02T12:00:00Z", "1772442000"),
    "NaN": ("ws-1,NaN,2026-03-02T12:00:00Z", "NaN"),
    "NaN id": ("NaN,2026-03-02T09:00:00Z,2026-03-02T12:00:00Z", "workspace_id"),
    "no id": (",2026-03-02T09:00:00Z,2026-03-02T12:00:00Z", "workspace_id is empty"),
    "ends when it starts": ("ws-1,2026-03-02T09:00:00Z,2026-03-02T09:00:00Z", "not after"),
    "ends before it starts": ("ws-1,2026-03-02T09:00:00Z,2026-03-02T08:00:00Z", "not after"),
    "overlaps": ("ws-2,2026-03-03T17:00:00Z,2026-03-03T18:00:00Z", "overlap"),
    "twice": ("ws-2,2026-03-03T09:00:00Z,2026-03-03T17:30:00Z", "overlap"),
    "a stranger": ("ws-9,2026-03-03T09:00:00Z,2026-03-03T17:30:00Z", "ws-9"),
    "too few cells": ("ws-1,2026-03-02T09:00:00Z", "cannot be read"),
}


@pytest.mark.parametrize("case", BAD_SESSIONS)
def test_bad_sessions(refused: Run, folder: Path, case: str) -> None:
    row, words = BAD_SESSIONS[case]
    header, *rows = SESSIONS.splitlines()
    (folder / "sessions.csv").write_text("\n".join([header, rows[1], row]) + "\n")
    message = refused(*simulate())
    assert words in message and "sessions.csv" in message


def test_the_line_is_named(refused: Run, folder: Path) -> None:
    (folder / "sessions.csv").write_text(SESSIONS + "ws-1,2026-03-09T09:00:00Z,soon\n")
    assert "sessions.csv, line 4" in refused(*simulate())


BAD_WORKSPACES = {
    "twice": ("ws-1,us-east-1,STANDARD,ALWAYS_ON,", "twice"),
    "mode": ("ws-3,us-east-1,STANDARD,AUTOSTOP,60", "did you mean AUTO_STOP"),
    "no timeout": ("ws-3,us-east-1,STANDARD,AUTO_STOP,", "auto_stop_minutes is empty"),
    "90 minutes": ("ws-3,us-east-1,STANDARD,AUTO_STOP,90", "multiple of 60"),
    "0 minutes": ("ws-3,us-east-1,STANDARD,AUTO_STOP,0", "multiple of 60"),
    "too long": ("ws-3,us-east-1,STANDARD,AUTO_STOP,2940", "multiple of 60"),
    "negative": ("ws-3,us-east-1,STANDARD,AUTO_STOP,-60", "-60"),
    "NaN minutes": ("ws-3,us-east-1,STANDARD,AUTO_STOP,NaN", "NaN"),
    "half a minute": ("ws-3,us-east-1,STANDARD,AUTO_STOP,60.5", "whole number"),
    "endless": ("ws-3,us-east-1,STANDARD,AUTO_STOP,1e300", "1e300"),
    "word": ("ws-3,us-east-1,STANDARD,AUTO_STOP,an hour", "an hour"),
    "compute type": ("ws-3,us-east-1,STANDRAD,ALWAYS_ON,", "did you mean STANDARD"),
    "no region": ("ws-3,,STANDARD,ALWAYS_ON,", "region is empty"),
}


@pytest.mark.parametrize("case", BAD_WORKSPACES)
def test_bad_workspaces(refused: Run, folder: Path, case: str) -> None:
    row, words = BAD_WORKSPACES[case]
    (folder / "workspaces.csv").write_text(WORKSPACES + row + "\n")
    message = refused(*simulate())
    assert words in message and "workspaces.csv, line 4" in message


@pytest.mark.parametrize(
    ("column", "value"),
    [("created_at", "2026-03-01"), ("terminated_at", "NaT"), ("maintenance_enabled", "yes"),
     ("standby", "1"), ("root_gib", "NaN"), ("user_gib", "ten"), ("tags", "team=a"),
     ("tags", '{"a":NaN}')],
)
def test_bad_optional_columns(refused: Run, folder: Path, column: str, value: str) -> None:
    lines = WORKSPACES.splitlines()
    text = "\n".join([f"{lines[0]},{column}", f"{lines[1]},", f"{lines[2]},{value}"])
    (folder / "workspaces.csv").write_text(text + "\n")
    message = refused(*simulate())
    assert column in message and value in message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [(",30,0,", ",NaN,0,", "monthly_usd"), (",30,0,", ",-30,0,", "not negative"),
     (",30,0,", ",,0,", "monthly_usd is empty"), (",9,0.25,", ",9,inf,", "hourly_usd"),
     ("80,50,ALWAYS_ON", "80,50,SOMETIMES", "running_mode"),
     ("80,50,ALWAYS_ON,30", "80,50,AUTO_STOP,30", "two different prices")],
)
def test_bad_prices(refused: Run, folder: Path, old: str, new: str, words: str) -> None:
    (folder / "prices.csv").write_text(PRICES.replace(old, new))
    message = refused(*simulate("--prices", "prices.csv"))
    assert words in message and "prices.csv" in message


BAD_OPTIONS = {
    "setting": (("--setting", "AUTO_STOP:90"), "multiple of 60"),
    "setting without timeout": (("--setting", "AUTO_STOP"), "AUTO_STOP"),
    "setting word": (("--setting", "ALWAYSON"), "use for example ALWAYS_ON"),
    "manual": (("--setting", "MANUAL"), "MANUAL"),
    "hour rule": (("--hour-rule", "per_minute"), "per_minute"),
    "end before start": (("--end", "2026-02-01"), "not after"),
    "end is start": (("--end", "2026-03-01"), "not after"),
    "no day": (("--start", "2026-02-30"), "2026-02-30"),
    "another century": (("--start", "1926-03-01", "--end", "1926-04-01"), "2000 and 2100"),
    "a century long": (("--start", "1926-03-01"), "ten years at most"),
    "leading zero": (("--setting", "AUTO_STOP:060"), "multiple of 60"),
    "no date": (("--start", "march"), "march"),
    "elsewhere": (("--start", "2025-01-01", "--end", "2025-02-01"), "2026-03-02"),
    "maintenance": (("--maintenance-hours", "NaN"), "NaN"),
    "tag": (("--tag", "team"), "NAME=VALUE"),
    "narrowed away": (("--workspace", "ws-9"), "there is no WorkSpace 'ws-9'"),
    "no such directory": (("--directory", "d-9"), "--directory: no WorkSpace is left"),
    "unknown option": (("--colour", "red"), "--colour"),
    "output folder": (("--output", "nowhere/charges.csv"), "does not exist"),
    "output kind": (("--output", "charges.txt"), ".csv or .parquet"),
    "all for nothing": (("--discount", "1"), "share from 0 to less than 1"),
    "discount in percent": (("--discount", "12"), "share from 0 to less than 1"),
    "negative discount": (("--discount", "-0.1"), "-0.1"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options(refused: Run, case: str) -> None:
    options, words = BAD_OPTIONS[case]
    assert words in refused(*simulate(*options))


def test_bad_timeouts(refused: Run) -> None:
    recommend = ("recommend", *simulate()[1:9], "--output", "plan.json")
    for minutes in ("90", "0", "-60", "2940"):
        assert "multiple of 60" in refused(*recommend, "--timeout", minutes)
    assert "an hour" in refused(*recommend, "--timeout", "an hour")
    assert "--setting and --timeout" in refused(
        *recommend, "--timeout", "60", "--setting", "ALWAYS_ON")


def test_bad_plans(refused: Run, folder: Path) -> None:
    (folder / "plan.json").write_text('{"schema": "wsanalytics.plan", "version": 1, "chan')
    for about in ("show", "diff", "check"):
        assert "line 1, column" in refused("plan", about, "plan.json")
        assert "no such file" in refused("plan", about, "plans.json")
    assert ".csv or .xlsx" in refused("plan", "show", "plan.json", "--output", "plan.pdf")


def test_a_table_of_another_separator_shows_its_columns(refused: Run, folder: Path) -> None:
    (folder / "sessions.csv").write_text(SESSIONS.replace(",", "|"))
    assert "workspace_id|connected_at|disconnected_at" in refused(*simulate())


def test_a_command_that_does_not_exist(refused: Run) -> None:
    assert "did you mean simulate" in refused("simluate")
    assert "COMMAND" in refused()


def test_a_missing_option(refused: Run) -> None:
    assert "--output" in refused("sessions", "--samples", "samples.csv")
    assert "--setting" in refused("simulate", "--sessions", "sessions.csv",
                                  "--workspaces", "workspaces.csv", "--output", "c.csv")


def test_no_days_to_take_the_window_from(refused: Run, folder: Path) -> None:
    (folder / "sessions.csv").write_text(SESSIONS.splitlines()[0] + "\n")
    assert "give --start and --end" in refused(
        "simulate", "--sessions", "sessions.csv", "--workspaces", "workspaces.csv",
        "--setting", "ALWAYS_ON", "--output", "c.csv")


@pytest.mark.parametrize("minutes", ["0", "-5", "NaN", "soon"])
def test_bad_bridges(refused: Run, minutes: str) -> None:
    assert minutes in refused("sessions", "--samples", "samples.csv", "--output", "s.csv",
                              "--bridge-gaps", minutes)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("CONNECTED,AV", "ONLINE,AV", "connection_state"), ("09:00:00Z,CONN", "09:00:00,CONN", "zone"),
     ("09:00:00Z,sample", "09:00,sample", "last_connected_at")],
)
def test_bad_samples(refused: Run, folder: Path, old: str, new: str, words: str) -> None:
    (folder / "samples.csv").write_text(SAMPLES.replace(old, new, 1))
    assert words in refused("sessions", "--samples", "samples.csv", "--output", "s.csv")


def test_bad_plans_and_reports(refused: Run) -> None:
    fleet = ("--sessions", "sessions.csv", "--workspaces", "workspaces.csv")
    assert ".json" in refused("recommend", *fleet, "--output", "plan.csv")
    assert "does not exist" in refused("recommend", *fleet, "--output", "new/plan.json")
    assert "does not exist" in refused("report", *fleet, "--output", "new/er/report.html")
    assert ".html" in refused("report", *fleet, "--output", "report.pdf")
    assert "does not exist" in refused("demo", "--output", "new/er")
    assert "a file" in refused("demo", "--output", "sessions.csv")
    assert "nothing" in refused("recommend", *fleet, "--output", "plan.json",
                                "--min-saving-usd", "nothing")
    assert "there is no table 'session'" in refused("columns", "session")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs Linux's /proc")
def test_a_folder_that_may_not_be_written_to(refused: Run) -> None:
    assert "written" in refused(*simulate("--output", "/proc/charges.csv"))


def test_naive_and_other_parquet_times(refused: Run, folder: Path) -> None:
    frame = pd.read_csv(folder / "sessions.csv")
    for column in ("connected_at", "disconnected_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    argv = [a.replace("sessions.csv", "sessions.parquet") for a in simulate()]
    naive = frame.assign(connected_at=frame["connected_at"].dt.tz_localize(None))
    naive.to_parquet(folder / "sessions.parquet")
    assert "without a zone" in refused(*argv)
    for unit in ("s", "ms", "us", "ns"):
        frame.assign(connected_at=frame["connected_at"].astype(f"datetime64[{unit}, UTC]")
                     ).to_parquet(folder / "sessions.parquet")
        assert main(argv) == 0


def test_an_old_output_survives_a_refusal(refused: Run, folder: Path) -> None:
    (folder / "charges.csv").write_text("mine")
    (folder / "sessions.csv").write_text(SESSIONS + "ws-1,x,y\n")
    refused(*simulate())
    assert (folder / "charges.csv").read_text() == "mine"
