"""Plans are applied with care: checked, capped, journalled, read back, and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.actions.applied import present
from tests.helpers.plans import ACCOUNT
from wsanalytics.actions.apply import journal_beside
from wsanalytics.actions.guards import Guards
from wsanalytics.aws.writer import open_writer
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.settings import ALWAYS_ON, auto_stop


def test_a_user_who_is_connected_is_not_disturbed() -> None:
    guards, long, short = Guards(), auto_stop(240), auto_stop(60)
    now = datetime(2026, 9, 16, 12, tzinfo=UTC)
    stale = now - timedelta(minutes=61)
    assert guards.against_change(present(), long, short) == ""  # its timer does not run
    assert "connected" in guards.against_change(present(last_connected_at=stale), long, short)
    assert "connected" in guards.against_change(present(last_connected_at=None), long, short)
    gone = present(connection="DISCONNECTED", last_connected_at=stale)
    assert guards.against_change(gone, long, short) == ""  # it stops at once, under nobody
    always = present(setting=ALWAYS_ON, running_mode="ALWAYS_ON", last_connected_at=stale)
    assert guards.against_change(always, ALWAYS_ON, short) == ""  # a change of mode stops nobody
    assert guards.against_change(present(setting=short, last_connected_at=stale), short, long) == ""


def test_states_modifications_and_commitments_stand_against_a_change() -> None:
    long, short = auto_stop(240), auto_stop(60)
    assert "modification" in Guards().against_change(present(modifying=True), long, short)
    for state in ("PENDING", "MAINTENANCE", "ADMIN_MAINTENANCE", "ERROR", "UPDATING", "SUSPENDED"):
        assert state in Guards().against_change(present(state=state), long, short)
    gpu = present(compute_type="GRAPHICS_G4DN")
    for known, word in (("byol", "commitment"), ("", "is not known"), ("included", "")):
        guards = Guards(license_of=lambda _, known=known: known)
        said = guards.against_change(gpu, long, ALWAYS_ON)
        assert word in said
        assert bool(said) == bool(word)
        assert guards.against_change(gpu, long, short) == ""  # the mode stays
    plain = Guards(license_of=lambda _: "byol")
    assert plain.against_change(present(), long, ALWAYS_ON) == ""


def test_a_writer_is_opened_for_one_place() -> None:
    with Sandbox(workspaces=3) as box:
        writer = open_writer(region="us-east-1", endpoint_url=box.url, credentials=("a", "b"))
        assert repr(writer) == f"<Writer {ACCOUNT} us-east-1>"
        writer.connection.close()


def test_the_journal_stands_beside_the_plan() -> None:
    assert journal_beside(Path("a/b.c.json")) == Path("a/b.c.journal.jsonl")
