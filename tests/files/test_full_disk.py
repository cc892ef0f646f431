"""A journal or an output that cannot be written in the middle: nothing is lost, and all is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.test_admin_commands import Capture, box, planned, run, settings
from wsanalytics.actions.journal import Journal, JournalError, read_journal
from wsanalytics.sandbox.server import Sandbox

__all__ = ["box"]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """A disk that is full after so many lines of a journal; none by default."""
    lines = {"left": 10**6}
    real = Journal.write

    def write(self: Journal, event: str, **more: object) -> None:
        lines["left"] -= 1
        if lines["left"] < 0:
            raise JournalError("plan.journal.jsonl: the journal cannot be written: No space left")
        real(self, event, **more)

    monkeypatch.setattr(Journal, "write", write)
    return lines


@pytest.mark.parametrize("lines", [3, 4, 7, 12])
def test_a_journal_that_is_full_in_the_middle_ends_the_run_with_a_table(
    box: Sandbox, capsys: Capture, full: dict[str, int], lines: int
) -> None:
    plan, before = planned(box, 6), settings(box)
    full["left"] = lines
    status, out, err = run(capsys, "apply", "plan.json", "--yes", "--output", "done.csv")
    changed = {name for name, one in settings(box).items() if one != before[name]}
    assert status == 1
    assert "No space left" in err
    assert "--resume" in err
    assert "plan.journal.jsonl" in err
    told = pd.read_csv("done.csv").set_index("workspace_id")
    assert set(told.index) == set(plan)
    assert changed <= set(told.index[told["outcome"].isin(["done", "unknown"])])
    assert (told["outcome"] == "left for the next run").any()
    assert out
    full["left"] = 10**6
    assert run(capsys, "apply", "plan.json", "--yes", "--resume")[0] == 0
    assert settings(box) == before | {name: after for name, (_, after) in plan.items()}
    assert run(capsys, "undo", "plan.journal.jsonl", "--yes")[0] == 0
    assert settings(box) == before


def test_a_journal_that_is_full_before_anything_was_asked_is_a_refusal(
    box: Sandbox, capsys: Capture, full: dict[str, int]
) -> None:
    planned(box, 3)
    before = settings(box)
    full["left"] = 1
    status, _, err = run(capsys, "apply", "plan.json", "--yes")
    assert status == 2
    assert "No space left" in err
    assert settings(box) == before


def test_an_output_that_cannot_be_written_after_the_changes_is_told_and_exits_1(
    box: Sandbox, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(box, 3)
    from wsanalytics.cli import confirm
    from wsanalytics.errors import OutputError

    def write(_frame: pd.DataFrame, path: Path, _table: object) -> None:
        raise OutputError(f"{path}: it cannot be written: No space left on device.")

    monkeypatch.setattr(confirm, "write_table", write)
    status, out, err = run(capsys, "apply", "plan.json", "--yes", "--output", "done.csv")
    assert (status, "3 changes done" in out) == (1, True)
    assert "done all the same" in err
    assert [one["event"] for one in read_journal("plan.journal.jsonl")][-1] == "end"
