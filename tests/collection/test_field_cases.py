"""What was met in the field: odd but genuine answers of AWS, and the right result for each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.endpoints import use_sandbox
from tests.helpers.plans import plan_of, rote_changes
from tests.helpers.sandboxes import TERMS, BoxClock, connected, fleet, frozen, settings
from wsanalytics.actions.apply import apply_plan
from wsanalytics.aws import cloudtrail
from wsanalytics.cli import main
from wsanalytics.collection.collector import collect
from wsanalytics.prices import book as prices
from wsanalytics.sandbox import workspace as desktop
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox

Capture = pytest.CaptureFixture[str]
AT = datetime(2026, 9, 1, 8, tzinfo=UTC)


def created(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    """CloudTrail's event of one CreateWorkspaces call: what was asked for, and what was made."""
    detail = {
        "eventTime": "2026-09-01T08:00:00Z", "eventSource": "workspaces.amazonaws.com",
        "requestParameters": {"workspaces": [asked for asked, _ in pairs]},
        "responseElements": {"pendingRequests": [made for _, made in pairs]},
    }
    return {"EventId": "1", "CloudTrailEvent": json.dumps(detail), "EventTime": AT}


def desk(number: int, mode: str, minutes: int | None = None, name: str | None = "") -> Any:
    """One of several WorkSpaces of one call that belong to no user."""
    shared = {"directoryId": "d-9067a0b1c2", "userName": "[UNDEFINED]"}
    if name is not None:
        shared["workspaceName"] = name or f"pool-{number}"
    properties = {"runningMode": mode, "runningModeAutoStopTimeoutInMinutes": minutes}
    return (shared | {"workspaceProperties": {one: value for one, value in properties.items()
                                              if value}},
            shared | {"workspaceId": f"ws-ffffffff{number}"})


def changes_in(event: dict[str, Any]) -> dict[str, tuple[str | None, int | None]]:
    return {one.workspace_id: (one.running_mode, one.auto_stop_minutes)
            for one in cloudtrail._changes(event, "CreateWorkspaces")}


def test_desktops_without_users_are_told_apart_by_their_names() -> None:
    event = created(desk(1, "ALWAYS_ON"), desk(2, "AUTO_STOP", 240))
    assert changes_in(event) == {"ws-ffffffff1": ("ALWAYS_ON", None),
                                 "ws-ffffffff2": ("AUTO_STOP", 240)}


def test_a_setting_that_cannot_be_attributed_is_attributed_to_none() -> None:
    nameless = created(desk(1, "ALWAYS_ON", name=None), desk(2, "AUTO_STOP", 240, name=None))
    assert changes_in(nameless) == {"ws-ffffffff1": (None, None), "ws-ffffffff2": (None, None)}
    alike = created(desk(1, "AUTO_STOP", 60, name=None), desk(2, "AUTO_STOP", 60, name=None))
    assert set(changes_in(alike).values()) == {("AUTO_STOP", 60)}


def test_a_backfill_says_what_it_was_denied_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with Sandbox(workspaces=6, faults=Faults(denied_actions=("tag:GetResources",))) as box:
        use_sandbox(monkeypatch, box)
        done = main(["backfill", "--store", str(tmp_path / "a"), "--days", "2"])
        told = capsys.readouterr()
        assert done == 1
        assert "tag:GetResources" in told.out + told.err
        box.faults = Faults()
        assert main(["backfill", "--store", str(tmp_path / "a"), "--days", "2"]) == 0


def test_one_refused_batch_of_statuses_loses_that_batch_alone(tmp_path: Path) -> None:
    with frozen(workspaces=80) as (box, _), connected(box) as both:
        (connection,) = both[0]
        real, asked = connection.answers, 0

        def answers(service: str, operation: str, *more: Any, **params: Any) -> Any:
            nonlocal asked
            asked += operation == "DescribeWorkspacesConnectionStatus"
            is_second = operation == "DescribeWorkspacesConnectionStatus" and asked == 2
            box.faults = Faults(denied_actions=(operation,)) if is_second else Faults()
            yield from real(service, operation, *more, **params)

        connection.answers = answers  # type: ignore[method-assign]
        done = collect(tmp_path / "fleet", connections=both, clock=BoxClock(box))
        (row,) = done.rounds.to_dict("records")
        assert row["outcome"] == "done in part"
        assert "no connection status of 25 WorkSpaces" in row["message"]
        samples = done.store.samples()
        assert (samples["source"] == "sample without status").sum() == 25
        assert (samples["source"] == "sample").sum() == 55


@pytest.mark.parametrize(("state", "outcome"), [
    ("UPDATE_FAILED", "done"), ("UPDATE_IN_PROGRESS", "skipped"), ("UPDATE_INITIATED", "skipped")])
def test_a_failed_change_of_hardware_is_over_and_stands_against_nothing(
    state: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = desktop.Desktop.describe

    def describe(self: Any, now: datetime) -> Any:
        return real(self, now) | {"ModificationStates": [
            {"Resource": "USER_VOLUME", "State": state}]}

    with fleet(20) as (box, _, writer):
        changes = rote_changes(box.workspaces(), 2)
        monkeypatch.setattr(desktop.Desktop, "describe", describe)
        frame = apply_plan(plan_of(changes), writer, dry_run=False,
                           journal=tmp_path / "j.jsonl", options=TERMS)
        assert set(frame["outcome"]) == {outcome}
        note = "an earlier change of its USER_VOLUME has failed" if outcome == "done" else (
            "another modification of it is in progress")
        assert set(frame["message"]) == {note}
        assert (settings(box)[next(iter(changes))] == next(iter(changes.values()))[1]) == (
            outcome == "done")


def test_an_empty_region_says_so_and_what_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    with Sandbox(workspaces=0) as box:
        use_sandbox(monkeypatch, box)
        assert main(["collect", "--store", str(tmp_path / "a")]) == 0
    err = capsys.readouterr().err
    assert "111122223333 us-east-1: there are no WorkSpaces here" in err
    assert "--region" in err


def test_prices_of_another_endpoint_never_serve_a_real_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("WSANALYTICS_HOME", str(tmp_path))
    built_in = prices.load_prices().frame
    with Sandbox(workspaces=1) as box:
        use_sandbox(monkeypatch, box)
        assert main(["prices", "refresh", "--region", "us-east-1"]) in {0, 1}
        assert "which is not AWS" in capsys.readouterr().err
        assert str(tmp_path) in prices.load_prices().origin  # they hold where they came from
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert prices.load_prices().origin == prices.BUILT_IN
    assert prices.load_prices().frame.equals(built_in)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert prices.load_prices().origin == prices.BUILT_IN
