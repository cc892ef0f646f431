"""One process at a time changes an account and region, and writes to a journal, by any name."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.helpers.plans import plan_of, rote_changes
from tests.helpers.sandboxes import MODIFY, TERMS, fleet
from wsanalytics.actions.apply import apply_plan
from wsanalytics.actions.journal import journal_lock, open_journal
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.undo import undo
from wsanalytics.files.locks import BusyError


def test_one_plan_applied_twice_at_once_orders_no_change_twice(tmp_path: Path) -> None:
    with fleet(40) as (box, _, writer):
        changes = rote_changes(box.workspaces(), 6)
        plan, refused = plan_of(changes), list[BusyError]()
        under_way, tried = threading.Event(), threading.Event()

        def stop() -> str:
            under_way.set()
            tried.wait(60)
            return ""

        def first() -> None:
            apply_plan(plan, writer, dry_run=False, journal=tmp_path / "one.jsonl",
                       options=RunOptions(limit=None, retry=TERMS.retry, stop=stop))

        thread = threading.Thread(target=first)
        thread.start()
        under_way.wait(60)
        for again in (
            lambda: apply_plan(plan, writer, dry_run=False, journal=tmp_path / "two.jsonl",
                               options=TERMS),
            lambda: apply_plan(plan, writer, options=TERMS),  # a dry run disturbs nobody
        ):
            try:
                again()
            except BusyError as error:
                refused.append(error)
        tried.set()
        thread.join()
        assert len(refused) == 1
        assert "another process changes WorkSpaces there (settings)" in str(refused[0])
        assert "111122223333 us-east-1" in str(refused[0])
        calls = box.calls[MODIFY]
        apply_plan(plan, writer, dry_run=False, journal=tmp_path / "two.jsonl", options=TERMS)
        assert box.calls[MODIFY] == calls  # all was in force already
        assert (undo(tmp_path / "one.jsonl", writer, dry_run=False, options=TERMS)[
            "outcome"] == "done").all()


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
@pytest.mark.parametrize("is_new", [True, False])
def test_one_journal_is_one_by_whatever_name(
    tmp_path: Path, link: object, is_new: bool
) -> None:
    path, other = tmp_path / "a" / "j.jsonl", tmp_path / "b" / "k.jsonl"
    for folder in (path.parent, other.parent):
        folder.mkdir()
    if not is_new:
        with open_journal(path) as book:
            book.begin("apply")
    with open_journal(path) as book:
        link(path, other)  # type: ignore[operator]  # one of two functions
        with pytest.raises(BusyError), open_journal(other):
            pass
        book.begin("apply")
    with open_journal(other) as book:
        assert [one["event"] for one in book.entries] == ["begin"] * (1 if is_new else 2)
    with journal_lock(path), pytest.raises(BusyError), open_journal(path):
        pass
