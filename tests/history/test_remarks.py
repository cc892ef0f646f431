"""What is known of single WorkSpaces beside the tables: marked guesses, last connections."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.build import workspaces
from tests.helpers.endpoints import use_sandbox
from tests.helpers.sandboxes import BoxClock, connected, frozen
from wsanalytics.cli import main
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.remarks import note_guesses, note_polled
from wsanalytics.history.remarks import Remarks, replacements
from wsanalytics.history.store import Store
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.sessions.from_store import read_remarks

Capture = pytest.CaptureFixture[str]
GUESS = datetime(2026, 3, 10, tzinfo=UTC)
NOW = datetime(2026, 3, 20, tzinfo=UTC)


def looked(last: str | None, at: datetime = NOW) -> pd.DataFrame:
    """A sample of one WorkSpace."""
    frame = pd.DataFrame({
        "workspace_id": ["ws-me"], "sampled_at": [at], "connection_state": "DISCONNECTED",
        "state": "AVAILABLE", "last_connected_at": [last and pd.Timestamp(last, tz="UTC")],
        "checked_at": [at], "source": "sample"})
    return frame.astype(dict.fromkeys(
        ["sampled_at", "last_connected_at", "checked_at"], "datetime64[us, UTC]"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of one WorkSpace of which nobody knows when it was created."""
    place = Store.create(tmp_path / "fleet")
    place.add_workspaces(workspaces(), NOW, "first")
    return place


def created(store: Store) -> datetime | None:
    at = store.inventory()["created_at"].iloc[0]
    return None if pd.isna(at) else at.to_pydatetime()


def test_a_guess_is_marked_and_is_no_fact(store: Store) -> None:
    note_guesses(store, store.inventory(guesses=False), {"ws-me": GUESS}, NOW, "guess")
    assert created(store) == GUESS
    assert store.inventory(guesses=False)["created_at"].isna().all()
    rows = dict(read_remarks(store).rows_on("ws-me"))
    assert "is a guess" in rows["created"]


def test_a_guess_yields_to_a_connection_before_it(store: Store) -> None:
    note_guesses(store, store.inventory(guesses=False), {"ws-me": GUESS}, NOW, "guess")
    note_polled(store, store.inventory(), looked("2026-03-10T01:00"), [], NOW, "later")
    assert created(store) == GUESS  # that speaks for nothing else
    note_polled(store, store.inventory(), looked("2026-03-09T23:00"), [], NOW, "earlier")
    assert created(store) is None
    assert not list(read_remarks(store).rows_on("ws-me"))
    note_guesses(store, store.inventory(guesses=False), {"ws-me": GUESS}, NOW, "again")
    assert created(store) is None


def test_no_guess_is_made_against_a_sample_before_it(store: Store) -> None:
    store.add_samples(looked(None, GUESS - timedelta(days=2)), "look")
    note_guesses(store, store.inventory(guesses=False), {"ws-me": GUESS}, NOW, "guess")
    assert created(store) is None


def test_a_guess_yields_to_cloudtrail(tmp_path: Path) -> None:
    with frozen(workspaces=40, seed=3, history_days=63) as (box, _), connected(box) as both:
        clock = BoxClock(box)
        box.faults = Faults(denied_actions=("cloudtrail:LookupEvents",))
        backfill(tmp_path / "fleet", connections=both, clock=clock)
        store = Store(tmp_path / "fleet")
        guessed = read_remarks(store).guessed
        assert guessed
        box.faults = Faults()
        backfill(tmp_path / "fleet", connections=both, clock=clock)
        assert not read_remarks(store).guessed & set(
            store.inventory(guesses=False).dropna(subset="created_at")["workspace_id"])
        truth = box.workspaces().set_index("workspace_id")["created_at"]
        known = store.inventory().set_index("workspace_id")["created_at"]
        for name in guessed & set(truth.dropna().index):
            assert abs(known[name] - truth[name]) < timedelta(hours=1)


def test_a_workspace_that_took_the_place_of_another_is_told_as_such() -> None:
    fleet = pd.concat([
        workspaces("ws-old", user_name="jdoe", directory_id="d-1", terminated_at="2026-03-01"),
        workspaces("ws-new", user_name="JDoe", directory_id="d-1"),
        workspaces("ws-far", user_name="jdoe", directory_id="d-2"),
        workspaces("ws-gone", user_name="[UNDEFINED]", directory_id="d-1",
                   terminated_at="2026-03-01"),
        workspaces("ws-pool", user_name="[UNDEFINED]", directory_id="d-1"),
    ], ignore_index=True)
    assert replacements(fleet) == {"ws-new": "ws-old"}
    known = Remarks({}, frozenset(), {}, replacements(fleet))
    assert "ws-old of the same user" in dict(known.rows_on("ws-new"))["replaces"]
    assert "ws-new" in dict(known.rows_on("ws-old"))["replaced by"]


def test_a_bundle_with_a_licence_for_applications_is_noted_once(store: Store) -> None:
    fleet = workspaces(bundle_id="wsb-plus")
    bundles = [{"BundleId": "wsb-plus", "Name": "Standard Plus Office 2013"}]
    for name in ("one", "two"):
        note_polled(store, fleet, looked(None), bundles, NOW, name)
    assert len(store.remarks()) == 1
    assert "Standard Plus Office 2013" in dict(read_remarks(store).rows_on("ws-me"))["applications"]


@pytest.mark.usefixtures("undrawn")
def test_the_last_connection_that_aws_knows_of_is_in_explain_and_report_on_the_first_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    store = str(tmp_path / "fleet")
    with Sandbox(workspaces=30, seed=2) as box:
        use_sandbox(monkeypatch, box)
        assert main(["collect", "--store", store]) == 0
        box.clock.step(timedelta(days=40))
        names = box.workspaces()["workspace_id"].tolist()
    capsys.readouterr()
    known = read_remarks(Store(tmp_path / "fleet"))
    asked_at, last_at = known.last[names[0]]
    assert main(["explain", names[0], "--store", store]) == 0
    expected = "never" if last_at is None else f"{last_at:%Y-%m-%d %H:%M} UTC"
    assert re.search(rf"last, by AWS\s+{expected}", capsys.readouterr().out)
    assert asked_at > datetime.now(UTC) - timedelta(hours=1)
    assert main(["report", "--store", store, "--output", str(tmp_path / "r.html")]) == 0
    page = html.unescape((tmp_path / "r.html").read_text())
    long_ago = known.long_ago(timedelta(days=28))
    assert long_ago
    assert all(name in page for name in long_ago)
    assert "last connected 28 days ago or more, or never" in page
