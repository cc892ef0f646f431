"""What AWS may answer one day, or by mistake: one WorkSpace is set aside, the rest goes on."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers.odd_answers import ODD_VALUES, altered, connections_to, paths_of, with_value
from tests.helpers.sandboxes import NOON, BoxClock
from wsanalytics.aws.errors import AwsError
from wsanalytics.cli import main
from wsanalytics.collection.accounts import DONE, IN_PART
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import Collected, collect
from wsanalytics.history.store import Store
from wsanalytics.recommendations.analysis import Analysis, analyse_history
from wsanalytics.sandbox.server import Sandbox

LISTS = {"DescribeWorkspaces": "Workspaces",
         "DescribeWorkspacesConnectionStatus": "WorkspacesConnectionStatus"}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """Twelve WorkSpaces at a moment that does not pass."""
    with Sandbox(workspaces=12, seed=5, start=NOON, speed=0) as found:
        yield found


@pytest.fixture(scope="module")
def victim(box: Sandbox) -> str:
    """The WorkSpace that AWS's odd answers are about: one that is AUTO_STOP."""
    fleet = box.workspaces()
    return str(fleet.loc[fleet["running_mode"] == "AUTO_STOP", "workspace_id"].iloc[0])


class Odd:
    """Alters the victim's entry in the answers of one operation: another value at one place."""

    def __init__(self, victim: str, operation: str, path: tuple[Any, ...] | None, new: Any) -> None:
        self.victim, self.operation, self.path, self.new = victim, operation, path, new
        self.entries: list[dict[str, Any]] = []

    def __call__(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if operation != self.operation:
            return body
        entries = body[LISTS[operation]]
        for place, entry in enumerate(entries):
            if entry.get("WorkspaceId") == self.victim:
                self.entries.append(entry)
                if self.path is not None:
                    entries[place] = (with_value(entry, self.path, self.new) if self.path
                                      else self.new)
        return body


class Ticking(BoxClock):
    """A clock that goes on by a second with every look at it, where the account's stands still."""

    seconds = count(1)

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=next(self.seconds))


def look(box: Sandbox, store: Path, alter: Any) -> Collected:
    with altered(box.url, alter) as url, connections_to(url) as connections:
        return collect(store, connections=connections, clock=Ticking(box))


def places(box: Sandbox, victim: str, operation: str, store: Path) -> list[tuple[Any, ...]]:
    """Every place in the victim's entry, the whole entry first."""
    seen = Odd(victim, operation, None, None)
    look(box, store, seen)
    return [(), *paths_of(seen.entries[0])]


@pytest.mark.parametrize("operation", LISTS)
def test_whatever_stands_anywhere_in_an_answer_the_collector_goes_on(
    box: Sandbox, victim: str, operation: str, tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    chance = random.Random(7)
    where = places(box, victim, operation, tmp_path / "first")
    odd = [(path, new) for path in where for new in ODD_VALUES if path or new is not None]
    others = set(box.workspaces()["workspace_id"]) - {victim}
    store = tmp_path / "store"
    look(box, store, lambda _, body: body)
    for path, new in odd if pytestconfig.getoption("--thorough") else chance.sample(odd, 25):
        done = look(box, store, Odd(victim, operation, path, new))
        assert done.rounds["outcome"].isin([DONE, IN_PART]).all(), (path, new)
        inventory = Store(store).inventory().set_index("workspace_id")
        assert others <= set(inventory.index), (path, new)
        assert inventory.loc[sorted(others), "terminated_at"].isna().all()
        if path and path[0] != "State":
            assert pd.isna(inventory.loc[victim, "terminated_at"]), (path, new)
        Store(store).settings()
    look(box, store, lambda _, body: body)
    healed = Store(store).inventory().set_index("workspace_id").loc[victim]
    assert (healed["running_mode"], pd.isna(healed["terminated_at"])) == ("AUTO_STOP", True)


def analysed(box: Sandbox, folder: Path, alter: Any) -> Analysis:
    with altered(box.url, alter) as url, connections_to(url) as connections:
        backfill(folder / "store", days=28, connections=connections, clock=BoxClock(box))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who has no price, and who is set aside
        return analyse_history(Store(folder / "store").history(), now=NOON)


@pytest.fixture(scope="module")
def plain(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """The fleet as it is, analysed."""
    return analysed(box, tmp_path_factory.mktemp("plain"), lambda _, body: body)


@pytest.mark.parametrize(("path", "new"), [
    (("WorkspaceProperties", "RunningMode"), "ON_DEMAND"),
    (("WorkspaceProperties", "RunningModeAutoStopTimeoutInMinutes"), 4320),
    (("WorkspaceProperties", "RunningModeAutoStopTimeoutInMinutes"), "sixty"),
    (("WorkspaceProperties",), None),
    (("WorkspaceProperties",), "none"),
    (("WorkspaceProperties", "ComputeTypeName"), "GRAPHICS_G9"),
    (("State",), "HIBERNATED"),
])
def test_the_rest_of_the_fleet_costs_the_same_to_the_cent(
    box: Sandbox, victim: str, plain: Analysis, path: tuple[Any, ...], new: Any, tmp_path: Path
) -> None:
    odd = analysed(box, tmp_path, Odd(victim, "DescribeWorkspaces", path, new))
    for attribute in ("charges", "comparison"):
        frames = []
        for analysis in (plain, odd):
            frame = getattr(analysis, attribute)
            rest = frame[frame["workspace_id"] != victim].astype({"setting": "str"})
            rest = rest[rest["setting"].isin(["ALWAYS_ON", "AUTO_STOP:60"])]
            amounts = [column for column in ("workspace_id", "setting", "total_usd", "billed_hours",
                                             "usd_per_month") if column in rest]
            frames.append(rest[amounts].astype({"workspace_id": "str"}).reset_index(drop=True))
        pd.testing.assert_frame_equal(*frames)
    reasons = odd.plan.recommendations.set_index("workspace_id")["reason"]
    if path[0] == "WorkspaceProperties" and path[-1] != "ComputeTypeName":
        assert "set aside" in reasons[victim]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(one) for one in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.parametrize(("path", "new", "word"), [
    (("WorkspaceProperties", "RunningModeAutoStopTimeoutInMinutes"), 4320, "4320 minutes"),
    (("WorkspaceProperties", "RunningMode"), "ON_DEMAND", "ON_DEMAND")])
def test_a_store_that_has_seen_the_unknown_serves_every_command(
    box: Sandbox, victim: str, path: tuple[Any, ...], new: Any, word: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store, output = tmp_path / "store", tmp_path / "out"
    output.mkdir()
    with altered(box.url, Odd(victim, "DescribeWorkspaces", path, new)) as url, \
            connections_to(url) as connections:
        backfill(store, days=28, connections=connections, clock=BoxClock(box))
    for command in (
        ["store", "info"], ["sessions", "--output", output / "sessions.csv"],
        ["simulate", "--setting", "ALWAYS_ON", "--output", output / "charges.csv"],
        ["recommend", "--output", output / "plan.json"],
        ["report", "--output", output / "report.html"],
        ["budget", "--output", output / "budget.csv"],
        ["frontier", "--output", output / "frontier.csv"],
        ["backtest", "--start", "2026-09-08", "--policy", "hold", "--output",
         output / "outcomes.csv"],
    ):
        status, _, err = run(capsys, *command, "--store", store)
        assert status == 0, (command, err)
    status, out, _ = run(capsys, "explain", victim, "--store", store)
    assert status == 0 and word in " ".join(out.split())
    assert victim in (output / "report.html").read_text(encoding="utf-8")
    look(box, store, lambda _, body: body)
    assert run(capsys, "store", "info", "--store", store)[0] == 0
    assert Store(store).inventory().set_index("workspace_id").loc[victim, "running_mode"] == (
        "AUTO_STOP")


@pytest.mark.parametrize("body", [
    {"Workspaces": "none"}, {"Workspaces": {}}, {"Workspaces": 7}, {"Workspaces": None}, {}, [],
    "text", 5])
def test_a_page_that_is_no_list_is_a_refusal_and_never_an_empty_fleet(
    box: Sandbox, body: Any, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    look(box, store, lambda _, given: given)
    before = Store(store).inventory()
    with altered(box.url, lambda operation, given: body if operation == "DescribeWorkspaces"
                 else given) as url, connections_to(url) as connections, \
            pytest.raises(AwsError, match="DescribeWorkspaces"):
        collect(store, connections=connections, clock=BoxClock(box))
    pd.testing.assert_frame_equal(Store(store).inventory(), before)


def test_terminated_workspaces_that_aws_still_lists_are_in_no_plan_and_no_budget(
    box: Sandbox, victim: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    for state in ("TERMINATING", "TERMINATED"):
        with altered(box.url, Odd(victim, "DescribeWorkspaces", ("State",), state)) as url, \
                connections_to(url) as connections:
            backfill(store, days=28, connections=connections, clock=BoxClock(box))
    row = Store(store).inventory().set_index("workspace_id").loc[victim]
    assert row["terminated_at"] == pd.Timestamp(NOON)
    plan = tmp_path / "plan.json"
    assert run(capsys, "recommend", "--store", store, "--output", plan)[0] == 0
    changes = json.loads(plan.read_text(encoding="utf-8"))["changes"]
    assert victim not in [change["workspace_id"] for change in changes]
    status, out, _ = run(capsys, "explain", victim, "--store", store)
    assert status == 0 and "terminated" in out


@pytest.mark.parametrize("state", ["ERROR", "SUSPENDED", "REBUILDING", "HIBERNATED"])
def test_a_state_in_which_nothing_is_changed_is_told(
    state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.csv").write_text(
        "workspace_id,region,compute_type,running_mode,auto_stop_minutes,state\n"
        f"ws-there0001,us-east-1,STANDARD,ALWAYS_ON,,{state}\n", encoding="utf-8")
    days = pd.date_range("2026-09-01", "2026-10-31", freq="7D")
    rows = [f"ws-there0001,{day:%Y-%m-%d}T09:00:00Z,{day:%Y-%m-%d}T10:00:00Z\n" for day in days]
    (tmp_path / "s.csv").write_text("workspace_id,connected_at,disconnected_at\n" + "".join(rows),
                                    encoding="utf-8")
    plan = tmp_path / "plan.json"
    assert run(capsys, "recommend", "--sessions", tmp_path / "s.csv", "--workspaces",
               tmp_path / "w.csv", "--output", plan)[0] == 0
    change = json.loads(plan.read_text(encoding="utf-8"))["changes"][0]
    assert f"AWS last reported it as {state}" in change["reason"]


def test_a_file_that_calls_a_workspace_terminated_gets_no_advice_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.csv").write_text(
        "workspace_id,region,compute_type,running_mode,auto_stop_minutes,state\n"
        "ws-gone00001,us-east-1,STANDARD,ALWAYS_ON,,TERMINATED\n"
        "ws-there0001,us-east-1,STANDARD,ALWAYS_ON,,AVAILABLE\n", encoding="utf-8")
    days = pd.date_range("2026-09-01", "2026-10-31", freq="7D")
    rows = [f"{name},{day:%Y-%m-%d}T09:00:00Z,{day:%Y-%m-%d}T10:00:00Z\n" for day in days
            for name in ("ws-gone00001", "ws-there0001")]
    (tmp_path / "s.csv").write_text("workspace_id,connected_at,disconnected_at\n" + "".join(rows),
                                    encoding="utf-8")
    files = ("--sessions", tmp_path / "s.csv", "--workspaces", tmp_path / "w.csv")
    status, out, _ = run(capsys, "recommend", *files, "--output", tmp_path / "plan.json")
    assert status == 0 and "terminated" in out
    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert [change["workspace_id"] for change in plan["changes"]] == ["ws-there0001"]
    assert run(capsys, "budget", *files, "--output", tmp_path / "b.csv")[0] == 0
