"""The sample fleet: the samples agree with the truth, and what ships is what the script makes."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from wsanalytics.history.checks import read_sessions
from wsanalytics.history.folder import read_history
from wsanalytics.history.history import History
from wsanalytics.people.person import Archetype, make_people
from wsanalytics.sessions.find import find_gaps, find_sessions
from wsanalytics.timeline import MICROS_PER_MINUTE, Window, column_micros

DATA = Path(__file__).resolve().parents[2] / "data"
FILES = ("samples.parquet", "workspaces.parquet")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sample", DATA / "make_sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shipped() -> History:
    return read_history(DATA / "sample")


@pytest.fixture(scope="module")
def observed(script: ModuleType) -> tuple[History, pd.DataFrame]:
    """Forty people over two months as a collector saw them, and the truth."""
    window = Window.of_days(date(2026, 7, 1), date(2026, 9, 1))
    history, truth = script.make_history(40, window, 11)
    return history, truth


def test_the_same_arguments_give_the_same_bytes(script: ModuleType, tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        arguments = ["--workspaces", "12", "--months", "1", "--seed", "5", "--output", str(folder),
                     "--truth", str(folder / "truth.csv")]
        assert script.main(arguments) == 0
        written.append([(folder / file).read_bytes() for file in (*FILES, "truth.csv")])
    assert written[0] == written[1]


def test_the_truth_can_be_had_without_samples(script: ModuleType, tmp_path: Path) -> None:
    truth = tmp_path / "truth.parquet"
    arguments = ["--workspaces", "12", "--months", "13", "--start", "2026-12", "--no-samples",
                 "--output", str(tmp_path), "--truth", str(truth)]
    assert script.main(arguments) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"truth.parquet", "workspaces.parquet"}
    sessions = read_sessions(truth)
    assert sessions["connected_at"].min() >= pd.Timestamp("2026-12-01", tz="UTC")
    assert sessions["disconnected_at"].max() <= pd.Timestamp("2028-01-01", tz="UTC")
    assert sessions["workspace_id"].nunique() > 8


def test_an_output_folder_that_does_not_exist_is_refused(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--workspaces", "2", "--months", "1", "--output", str(tmp_path / "none")]
    assert script.main(arguments) == 2
    assert "make_sample: " in capsys.readouterr().err


def of(frame: pd.DataFrame, workspace_id: str, *names: str) -> list[np.ndarray]:
    own = frame[frame["workspace_id"] == workspace_id]
    return [column_micros(own[name]) for name in names]


def test_every_true_session_over_ten_minutes_is_found(
    observed: tuple[History, pd.DataFrame],
) -> None:
    history, truth = observed
    found, gaps = find_sessions(history), find_gaps(history)
    looked_for = 0
    for name in truth["workspace_id"].unique():
        came, left = of(truth, name, "connected_at", "disconnected_at")
        found_came, found_left = of(found, name, "connected_at", "disconnected_at")
        dark_from, dark_to = of(gaps, name, "from_at", "to_at")
        seen_until = of(history.samples, name, "sampled_at")[0].max()
        for start, end in zip(came, left, strict=True):
            dark = ((dark_from < end) & (dark_to > start)).any() or end > seen_until
            if end - start > 10 * MICROS_PER_MINUTE and not dark:
                looked_for += 1
                assert ((found_came < end) & (found_left > start)).any(), (name, start)
    assert looked_for > 2_000


def test_the_ends_of_what_is_found_are_as_certain_as_they_claim(
    observed: tuple[History, pd.DataFrame],
) -> None:
    history, truth = observed
    found, gaps = find_sessions(history), find_gaps(history)
    slack = MICROS_PER_MINUTE / 60
    for name in found["workspace_id"].unique():
        own = found[found["workspace_id"] == name]
        seen = of(history.samples, name, "sampled_at")[0]
        for column, uncertain, dark in (
            ("connected_at", "start_uncertain_minutes", "to_at"),
            ("disconnected_at", "end_uncertain_minutes", "from_at"),
        ):
            edge = of(found, name, column)[0]
            off = np.abs(of(truth, name, column)[0][None, :] - edge[:, None]).min(axis=1)
            # A session that runs on in a silence ends there by rule, not by evidence.
            by_rule = np.isin(edge, of(gaps, name, dark)[0]) | np.isin(edge, [seen[0], seen[-1]])
            allowed = own[uncertain].to_numpy() * MICROS_PER_MINUTE + slack
            assert (by_rule | (off <= allowed)).all(), (name, column)


def test_lost_samples_leave_gaps_for_the_whole_fleet_and_for_single_workspaces(
    observed: tuple[History, pd.DataFrame],
) -> None:
    history, _ = observed
    gaps = find_gaps(history)
    hours = (gaps["to_at"] - gaps["from_at"]).dt.total_seconds() / 3600
    night = gaps[hours.between(5.9, 6.3)].groupby("to_at").size()
    assert hours.between(1, 8.5).sum() > 10
    assert len(gaps) > 100
    assert night.sum() >= 30
    whole = history.window.days * 288 * len(history.workspaces)
    assert 0.93 < len(history.samples) / whole < 0.99


def test_no_sample_is_older_than_its_workspace_or_younger(
    observed: tuple[History, pd.DataFrame],
) -> None:
    history, _ = observed
    first_last = history.samples.groupby("workspace_id", observed=True)["sampled_at"].agg(
        ["min", "max"]
    )
    fleet = history.workspaces.set_index("workspace_id").join(first_last)
    assert fleet["created_at"].notna().sum() >= 2
    assert (fleet["min"] >= fleet["created_at"])[fleet["created_at"].notna()].all()
    assert (fleet["max"] < fleet["terminated_at"])[fleet["terminated_at"].notna()].all()


def test_the_shipped_fleet_is_small_on_disk_and_large_enough(shipped: History) -> None:
    assert sum((DATA / "sample" / file).stat().st_size for file in FILES) < 6_000_000
    assert len(shipped.workspaces) == 200
    assert str(shipped.window) == "2026-07-01 to 2026-11-01 (123 days, the end excluded)"
    assert 6_000_000 < len(shipped.samples) < 7_100_000


def test_every_archetype_is_in_the_shipped_fleet(script: ModuleType, shipped: History) -> None:
    people = make_people(200, seed=script.SEED, window=shipped.window)
    assert {person.workspace_id for person in people} == set(shipped.workspaces["workspace_id"])
    assert {person.archetype for person in people} == set(Archetype)


@pytest.mark.thorough
def test_the_shipped_fleet_is_what_the_script_makes(script: ModuleType, tmp_path: Path) -> None:
    assert script.main(["--output", str(tmp_path)]) == 0
    for file in FILES:
        assert (tmp_path / file).read_bytes() == (DATA / "sample" / file).read_bytes(), file
