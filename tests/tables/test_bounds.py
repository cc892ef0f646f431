"""Every number that is read has a bound from its meaning, and what is printed cannot fail."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pandas as pd
import pytest

from tests.tables.test_bad_input import FILES, PRICES, simulate
from wsanalytics import formatting as show
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.files.parsing import DEEPEST, json_of, tags_of, toml_of
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.observed import WORKSPACES
from wsanalytics.timeline import Window

Capture = pytest.CaptureFixture[str]


FLEET = simulate()[1:9]


@pytest.mark.parametrize("argv", [
    ("sessions", "--samples", "samples.csv", "--output", "s.csv", "--bridge-gaps", "1e308"),
    simulate("--resume-seconds", "1e308"), simulate("--network-grace-minutes", "1e15"),
    simulate("--maintenance-hours", "745"),
    ("recommend", *FLEET, "--output", "p.json", "--max-cold-starts-per-week", "1e9"),
    ("recommend", *FLEET, "--output", "p.json", "--min-saving-usd", "1e299"),
    ("stop-idle", "--store", ".", "--idle-minutes", "1e15"),
    ("start-early", "--store", ".", "--ahead-minutes", "1e15"),
    ("verify", "j", "--store", ".", "--days", "1e300"),
    ("apply", "plan.json", "--old-after-days", "1e300"),
    ("frontier", *FLEET, "--wait-minutes", "1e308"),
])
def test_an_option_has_a_bound(folder: Path, capsys: Capture, argv: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(argv))
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "the most it can be" in said and said.count("\n") == 1
    assert len(list(folder.iterdir())) == len(FILES)


@pytest.mark.parametrize(("old", "new"), [
    (",30,0,", ",1e299,0,"), (",9,0.25,", ",9,1e9,"), (",80,50,", ",80,5000000,"),
])
def test_a_price_and_a_volume_have_bounds(
    folder: Path, capsys: Capture, old: str, new: str
) -> None:
    (folder / "prices.csv").write_text(PRICES.replace(old, new, 1))
    assert main([*simulate("--prices", "prices.csv")]) == 2
    assert "is at most" in capsys.readouterr().err


def test_a_window_of_75_years_is_refused_at_once(folder: Path, capsys: Capture) -> None:
    argv = list(simulate())
    argv[argv.index("--end") + 1] = "2100-01-01"
    assert main(argv) == 2
    assert "a window is of ten years at most" in capsys.readouterr().err
    assert not (folder / "charges.csv").exists()


def test_what_functions_are_given_has_the_same_bounds() -> None:
    frame = pd.DataFrame({"workspace_id": [], "connected_at": [], "disconnected_at": []})
    when = Window(pd.Timestamp("2026-03-01", tz="UTC"), pd.Timestamp("2026-03-02", tz="UTC"))
    with pytest.raises(InputError, match="resume_seconds is 1e\\+308"):
        replay(frame, ["AUTO_STOP:60"], window=when, resume_seconds=1e308)


@pytest.mark.parametrize("value", [1e299, -1e299, 1e15, math.inf, -math.inf, math.nan, 1e-300])
def test_nothing_that_is_printed_can_fail(value: float) -> None:
    for text in (show.usd(value), show.number(value, 2), show.hours(value), show.percent(value),
                 show.usd_range(value, value), show.measured(value, "hour")):
        assert text


def test_json_and_toml_that_are_deep_huge_or_no_numbers_are_one_kind_of_error() -> None:
    deep = "[" * (DEEPEST + 2) + "]" * (DEEPEST + 2)
    for text in ("[" * 100_000, deep, "NaN", "[1e5, Infinity]", "9" * 5000, "{", "\x00", ""):
        with pytest.raises(ValueError, match=r"."):
            json_of(text)
    for text in ("a = " + "[" * 5000, f"a = {deep}", "a = " + "9" * 5000, "a = 0x" + "f" * 6000,
                 "a = 9223372036854775808"):
        with pytest.raises(ValueError, match=r"."):
            toml_of(text)
    assert json_of("[" * DEEPEST + "]" * DEEPEST)
    assert tags_of("no json") == tags_of("[1]") == {} and tags_of('{"a": [1]}') == {"a": "[1]"}


def test_a_pipe_is_no_file_to_read(folder: Path, capsys: Capture) -> None:
    os.mkfifo(folder / "pipe.csv")
    os.mkfifo(folder / "pipe.json")
    for argv in (simulate("--prices", "pipe.csv"), ("plan", "check", "pipe.json"),
                 ("undo", "pipe.json"), ("prices", "refresh", "--from-file", "pipe.json")):
        assert main(list(argv)) == 2
        assert "no file but a pipe" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "column", "values"), [
    ("prices", "monthly_usd", pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)),
    ("prices", "monthly_usd", pd.to_timedelta(["1h", "2h"])),
    ("prices", "hourly_usd", [True, False]),
    ("workspaces", "root_gib", [True, True]),
    ("workspaces", "region", [["us-east-1"], ["us-east-1"]]),
    ("workspaces", "workspace_id", [{"a": 1}, {"a": 2}]),
    ("workspaces", "compute_type", [b"\xff", b"\xfe"]),
    ("workspaces", "user_name", [1.5, 2.5]),
    ("sessions", "connected_at", [1, 2]),
])
def test_a_parquet_column_of_another_type_is_refused_by_name_and_type(
    folder: Path, capsys: Capture, name: str, column: str, values: object
) -> None:
    frame = pd.read_csv(folder / f"{name}.csv")
    frame[column] = values
    frame.to_parquet(folder / f"{name}.parquet")
    argv = [word.replace(f"{name}.csv", f"{name}.parquet")
            for word in simulate("--prices", "prices.csv")]
    assert main(argv) == 2
    assert f"column {column} holds" in capsys.readouterr().err


def test_a_frame_of_a_notebook_is_held_to_the_same_types() -> None:
    from wsanalytics.tables.check import check_table

    frame = pd.DataFrame({name: ["x"] for name in WORKSPACES.names}).assign(
        created_at=pd.NaT, terminated_at=pd.NaT, maintenance_enabled=False, standby=False,
        running_mode="ALWAYS_ON", auto_stop_minutes=60, root_gib=80, user_gib=50)
    assert len(check_table(frame, WORKSPACES)) == 1
    for column, value in (("root_gib", pd.Timestamp("2026-01-01")), ("root_gib", True),
                          ("user_name", 1.5), ("tags", ["a"]), ("standby", 1)):
        with pytest.raises(InputError, match=f"column {column} holds"):
            check_table(frame.assign(**{column: pd.Series([value])}), WORKSPACES)
