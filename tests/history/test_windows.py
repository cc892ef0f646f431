"""Which days a figure is of: never days that nobody observed, and never old ones in silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.build import sessions, workspaces
from tests.helpers.sandboxes import NOON, BoxClock, connected
from wsanalytics.cli import main
from wsanalytics.cli.inputs import age_text
from wsanalytics.collection.backfill import backfill
from wsanalytics.sandbox.server import Sandbox


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty days of twelve WorkSpaces, up to the noon of 2026-09-16."""
    folder = tmp_path_factory.mktemp("windows") / "store"
    with Sandbox(workspaces=12, seed=5, start=NOON, speed=0) as box, \
            connected(box) as connections:
        backfill(folder, days=40, connections=connections, clock=BoxClock(box))
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(one) for one in arguments])
    said = capsys.readouterr()
    return status, said.out, " ".join(said.err.split())


def test_a_backtest_that_begins_before_the_first_observed_day_begins_later_and_says_so(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "outcomes.csv"
    status, _, said = run(capsys, "backtest", "--store", store, "--start", "2026-05-01",
                          "--policy", "hold", "--output", output)
    assert status == 0
    assert "--start 2026-05-01 is before the first observed day, 2026-08-07" in said
    assert "it begins on 2026-08-28, when policies have seen some weeks" in said
    assert set(pd.read_csv(output)["month"]) == {"2026-08", "2026-09"}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("command", ["simulate", "recommend", "report", "budget", "frontier"])
def test_days_that_nobody_observed_are_cut_off_everywhere(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    outputs = {"recommend": "plan.json", "report": "report.html"}
    more = ("--setting", "ALWAYS_ON") if command == "simulate" else ()
    output = tmp_path / outputs.get(command, "table.csv")
    status, _, said = run(capsys, command, "--store", store, "--start", "2026-09-01", "--end",
                          "2026-11-01", *more, "--output", output)
    assert status == 0
    assert "--end 2026-11-01 is after the last observed day: it ends with 2026-09-16" in said
    if command == "simulate":
        assert set(pd.read_csv(output)["month"]) == {"2026-09"}


def test_days_of_which_nothing_was_observed_are_refused(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for start, end in (("2026-01-01", "2026-02-01"), ("2026-10-01", "2026-11-01")):
        status, _, said = run(capsys, "simulate", "--store", store, "--start", start, "--end", end,
                              "--setting", "ALWAYS_ON", "--output", tmp_path / "c.csv")
        assert status == 2 and "there are no samples" in said


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("command", ["recommend", "report", "store"])
def test_old_data_are_called_old(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    days = (datetime.now(UTC) - NOON).days
    output = tmp_path / ("plan.json" if command == "recommend" else "report.html")
    arguments = ("store", "info", "--store", store) if command == "store" else (
        command, "--store", store, "--output", output)
    status, _, said = run(capsys, *arguments)
    assert status == 0 and f"warning: the newest sample is {days} days old" in said
    if command == "report":
        assert f"the newest sample is {days} days old" in output.read_text(encoding="utf-8")


def test_the_age_of_data_in_words() -> None:
    assert age_text(NOON, NOON - timedelta(hours=1)) == ""
    assert age_text(NOON, NOON + timedelta(minutes=7)) == "the newest sample is 7 minutes old"
    assert not age_text(NOON, NOON + timedelta(hours=23)).startswith("warning")
    assert age_text(NOON, NOON + timedelta(hours=25)).startswith("warning")


def test_a_window_far_beyond_the_sessions_of_a_file_says_what_it_takes_for_unused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions(("2026-03-02 09:00", "2026-03-02 10:00"),
             ("2026-03-29 09:00", "2026-03-29 10:00")).to_parquet(tmp_path / "s.parquet")
    workspaces().to_parquet(tmp_path / "w.parquet")
    files = ("--sessions", tmp_path / "s.parquet", "--workspaces", tmp_path / "w.parquet",
             "--setting", "ALWAYS_ON", "--output", tmp_path / "c.csv")
    said = run(capsys, "simulate", *files, "--start", "2026-01-01", "--end", "2026-04-01")[2]
    assert "count as unused" in said
    assert "count as unused" not in run(capsys, "simulate", *files)[2]
