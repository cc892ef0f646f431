"""A collector that goes on and on says when it fails, and when that ends; a file says so too."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.endpoints import use_sandbox
from tests.helpers.sandboxes import BoxClock, connected, frozen
from wsanalytics.collection.collector import collect
from wsanalytics.collection.health import NAME, Health
from wsanalytics.history.store import Store
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.keys import account_ids, role_arn
from wsanalytics.sandbox.server import Sandbox

client = sys.modules["wsanalytics.aws.connect"]  # its package shows the function of this name

ACCOUNTS = account_ids(2)
DENIED = Faults(denied_actions=("workspaces:DescribeWorkspaces",))


def watch(box: Sandbox, store: Path, faults: list[Faults], **more: Any) -> tuple[list[str], list]:
    """Collect a round under each of *faults*: what was said, and the file after each round."""
    said: list[str] = []
    states: list[dict[str, Any]] = []
    told = Health.note

    def note(self: Health, rows: Any, at: Any) -> None:
        told(self, rows, at)
        states.append(json.loads((store / NAME).read_text()))
        if len(states) < len(faults):
            box.faults = faults[len(states)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Health, "note", note)
        box.faults = faults[0]
        collect(store, every=timedelta(seconds=0.05), rounds=len(faults), log=said.append,
                clock=BoxClock(box), **more)
    return said, states


def test_the_first_failure_the_count_and_the_end_are_said(tmp_path: Path) -> None:
    fine = Faults()
    with frozen(workspaces=6) as (box, _), connected(box) as both:
        said, states = watch(box, tmp_path / "fleet", [fine, *[DENIED] * 5, fine, fine],
                             connections=both)
    place = "111122223333 us-east-1"
    about = [text for text in said if text.startswith(place) and "one poll" not in text]
    assert len(about) == 4
    assert "failed at 2026-09-16 12:00 UTC, and is tried again" in about[0]
    assert "not authorized" in about[0]
    assert "still fails, 2 rounds since 2026-09-16 12:00 UTC" in about[1]
    assert "still fails, 4 rounds" in about[2]
    assert about[3] == f"{place}: works again after 5 failed rounds"
    assert [one["ok"] for one in states] == [True, *[False] * 5, True, True]
    assert states[3]["failing"][place]["rounds"] == 3
    assert states[3]["good_at"] == states[0]["at"]


def test_a_role_that_is_refused_at_first_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.connect, "__kwdefaults__",
                        client.connect.__kwdefaults__ | {"pace": (1e4, 1e4)})
    with Sandbox(workspaces=8, accounts=ACCOUNTS) as box:
        use_sandbox(monkeypatch, box)
        refused = Faults(denied_accounts=(ACCOUNTS[1],))
        said, states = watch(box, tmp_path / "fleet", [refused, refused, Faults(), Faults()],
                             role_arns=[role_arn(one) for one in ACCOUNTS])
    assert [one["ok"] for one in states] == [False, False, True, True]
    assert [text for text in said if "works again" in text] == [
        f"{ACCOUNTS[1]} us-east-1: works again after 2 failed rounds"]
    days = list((tmp_path / "fleet").glob("samples/*/*.parquet"))
    assert sum(ACCOUNTS[1] in path.name for path in days) == 2


def test_a_state_that_cannot_be_written_ends_no_collector(tmp_path: Path) -> None:
    Store.create(tmp_path / "fleet")
    (tmp_path / "fleet" / NAME).mkdir()
    said: list[str] = []
    with frozen(workspaces=4) as (box, _), connected(box) as both:
        collect(tmp_path / "fleet", every=timedelta(seconds=0.05), rounds=3, log=said.append,
                clock=BoxClock(box), connections=both)
    assert sum("its state cannot be written" in text for text in said) == 1
