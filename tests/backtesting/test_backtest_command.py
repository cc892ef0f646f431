"""Policies played through time: nobody sees the future, and the bill is the one of everything."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from tests.backtesting.backtests import (
    KNOWN,
    MARCH,
    RULES,
    odd_fleet,
    prices,
)
from tests.helpers.build import at
from wsanalytics.backtesting.backtest import backtest
from wsanalytics.cli import main
from wsanalytics.history.checks import check_workspaces
from wsanalytics.people.person import make_people
from wsanalytics.people.working_days import fleet_sessions as people_sessions
from wsanalytics.people.workspaces import make_workspaces

# The command.


@cache
def twelve_and_the_odd() -> tuple[pd.DataFrame, pd.DataFrame]:
    people = make_people(12, seed=3, window=KNOWN)
    used, fleet = people_sessions(people, KNOWN), make_workspaces(people, seed=3, window=KNOWN)
    odd_used, odd = odd_fleet()
    used = pd.concat([used, odd_used], ignore_index=True)[
        ["workspace_id", "connected_at", "disconnected_at"]]
    return used, pd.concat([fleet, odd], ignore_index=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    used, fleet = twelve_and_the_odd()
    used.to_csv(tmp_path / "sessions.csv", index=False)
    fleet.to_csv(tmp_path / "workspaces.csv", index=False)
    used.to_parquet(tmp_path / "sessions.parquet")
    fleet.to_parquet(tmp_path / "workspaces.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FILES = ["--sessions", "sessions.csv", "--workspaces", "workspaces.csv"]

DATES = ["--start", "2026-03-01", "--end", "2026-04-01"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("rule", RULES)
def test_the_command_says_what_the_function_does(
    rule: str, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = ["hold", "cost_optimizer", "clairvoyant", "start_before_work:ahead=20"]
    assert main(["backtest", *FILES, *DATES, "--policy", *policies[:2], "--policy", *policies[2:],
                 "--hour-rule", rule, "--output", "outcomes.csv"]) == 0
    said = capsys.readouterr()
    assert said.err.count("ws-b") == said.err.count("ws-c") == 1
    assert "no known price" in said.err and "MANUAL or standby" in said.err
    assert all(policy.partition(":")[0] in said.out for policy in policies)
    rows = pd.read_csv("outcomes.csv")
    used, fleet = (pd.read_parquet(f"{name}.parquet") for name in ("sessions", "workspaces"))
    with pytest.warns():
        found = backtest(used, policies, workspaces=check_workspaces(fleet), prices=prices(),
                         window=MARCH, hour_rule=rule)
    same_rows = found.outcomes.astype({"policy": "str", "workspace_id": "str", "month": "str"})
    pd.testing.assert_frame_equal(rows, same_rows, check_exact=False, rtol=1e-12)
    assert set(rows["workspace_id"]) & {"ws-a", "ws-b", "ws-c", "ws-d"} == {"ws-a", "ws-b"}
    assert rows[rows["workspace_id"] == "ws-b"]["total_usd"].isna().all()
    assert rows["total_usd"].notna().sum() == 4 * 13


@pytest.mark.usefixtures("folder")
def test_csv_and_parquet_hold_the_same() -> None:
    swapped = [name.replace(".csv", ".parquet") for name in FILES]
    for files, output in ((FILES, "a.parquet"), (swapped, "b.csv")):
        assert main(["backtest", *files, *DATES, "--policy", "hold", "break_even",
                     "--output", output]) == 0
    rows = pd.read_parquet("a.parquet").astype({"policy": "str", "workspace_id": "str",
                                                "month": "str"})
    pd.testing.assert_frame_equal(rows, pd.read_csv("b.csv"), check_exact=False, rtol=1e-12)


@pytest.mark.usefixtures("folder")
def test_history_before_the_start_is_seen_by_the_command() -> None:
    """Without it nobody's habits are known in the first days."""
    name = ["--policy", "start_before_work", "--output"]
    assert main(["backtest", *FILES, "--start", "2026-03-01", "--end", "2026-03-07", *name,
                 "a.csv"]) == 0
    used = pd.read_parquet("sessions.parquet")
    used[used["connected_at"] >= at("2026-03-01")].to_csv("sessions.csv", index=False)
    assert main(["backtest", *FILES, "--start", "2026-03-01", "--end", "2026-03-07", *name,
                 "b.csv"]) == 0
    knows, knows_not = (pd.read_csv(f"{one}.csv")["cold_starts"].sum() for one in "ab")
    assert knows < knows_not


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--policy", "clairvoyance"], "did you mean clairvoyant?"),
        (["--policy", "hold", "hold"], "hold is there twice"),
        (["--policy", "stop_when_idle:minutes=0"], "over 0"),
        (["--policy", "start_before_work:zone=Berlin"], "IANA"),
        (["--policy", "auto_stop:61"], "'AUTO_STOP:61' is not a setting"),
        (["--policy", "hold", "--timeout", "61"], "61 minutes"),
        (["--policy", "hold", "--hour-rule", "per_minute"], "per_minute"),
        (["--policy", "hold", "--start", "2026-04-02"], "not after"),
        (["--policy"], "expected at least one"),
        ([], "--policy"),
    ],
)
def test_what_the_command_refuses(
    more: list[str], what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.iterdir())
    try:
        status = main(["backtest", *FILES, *DATES, *more, "--output", "outcomes.csv"])
    except SystemExit as stop:
        status = int(stop.code or 0)
    said = capsys.readouterr()
    assert status == 2 and said.out == ""
    assert what in said.err and len(said.err.strip().splitlines()) == 1
    assert sorted(folder.iterdir()) == before
