"""The review panel without a browser: its controls are moved, and AWS (the local one) looked at."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.hostile import HOSTILE
from tests.helpers.plans import plan_of, rote_changes
from tests.helpers.sandboxes import QUICK, fleet, settings
from wsanalytics.actions.journal import read_journal
from wsanalytics.actions.ledger import journal_state
from wsanalytics.actions.run import RunOptions
from wsanalytics.files.locks import held
from wsanalytics.prices.book import load_prices
from wsanalytics.recommendations.analysis import Analysis, analyse
from wsanalytics.recommendations.plan import Plan
from wsanalytics.recommendations.plan_file import write_plan
from wsanalytics.safe_text import plain
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.timeline import Window
from wsanalytics.widgets.base import WIDGET_VIEW
from wsanalytics.widgets.review import ReviewPanel, review
from wsanalytics.widgets.review_state import Act
from wsanalytics.widgets.table import Column, Table, packed, unpacked

TERMS = RunOptions(limit=25, retry=QUICK)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def reviewed(count: int = 6, **more: Any) -> Iterator[tuple[Sandbox, ReviewPanel, dict[str, Any]]]:
    """A local account, and a review of a plan for it with a writer."""
    with fleet() as (box, _, writer):
        changes = rote_changes(box.workspaces(), count)
        yield box, review(plan_of(changes), workspaces=box.workspaces(), writer=writer,
                          **({"options": TERMS} | more)), changes


def carry_out(panel: ReviewPanel, button: Any) -> None:
    """Click, type the words that are asked for, and wait."""
    button.click()
    if panel.state.ask is not None:
        panel.typed.value = panel.state.ask.words
        assert not panel.go.disabled
        panel.go.click()
    assert panel.wait(60)


def tick(panel: ReviewPanel, rows: list[int]) -> None:
    """As the browser does it."""
    marks = np.zeros(len(panel.state.rows), dtype=bool)
    marks[rows] = True
    panel.table.ticked = packed(marks)


def test_dry_run_apply_and_undo() -> None:
    with reviewed() as (box, panel, changes):
        before = settings(box)
        assert panel.dry_run.disabled and panel.apply.disabled and panel.undo.disabled
        tick(panel, [0, 2])
        carry_out(panel, panel.dry_run)
        assert settings(box) == before
        assert panel.words.value.count("Dry run: 2 would be done. Nothing was changed.") == 1
        assert panel.table.outcomes == {"0": ["would be done", ""], "2": ["would be done", ""]}
        carry_out(panel, panel.apply)
        names = list(changes)
        wanted = before | {names[place]: changes[names[place]][1] for place in (0, 2)}
        assert settings(box) == wanted
        assert "Applied: 2 done." in panel.words.value
        assert panel.outcomes is not None and set(panel.outcomes["outcome"]) == {"done"}
        assert panel.undo.description == "Undo 2…"
        carry_out(panel, panel.undo)
        assert settings(box) == before
        assert "Taken back: 2 done." in panel.words.value
        assert panel.undo.disabled


def test_without_a_writer_it_cannot_apply_and_says_how() -> None:
    panel = review(plan_of({"ws-1": ("ALWAYS_ON", "AUTO_STOP:60")}))
    tick(panel, [0])
    panel.apply.click()
    panel.dry_run.click()
    assert panel.state.ask is None and panel.state.act is None
    assert panel.buttons.layout.display == "none"
    assert "writer=ws.open_writer()" in panel.head.value
    assert list(Path().iterdir()) == []


def test_the_words_have_to_be_typed() -> None:
    with reviewed() as (box, panel, _):
        before = settings(box)
        tick(panel, [1])
        panel.apply.click()
        assert "apply 1 in 111122223333 us-east-1" in panel.question.value
        assert panel.go.disabled and panel.table.locked
        for wrong in ("", "apply", "yes", "apply 2 in 111122223333 us-east-1"):
            panel.typed.value = wrong
            panel.go.click()
        assert panel.state.act is None
        panel.back.click()
        assert not panel.table.locked
        assert settings(box) == before


def test_what_is_under_way_cannot_be_changed_and_is_begun_once() -> None:
    with reviewed(6) as (box, panel, changes):
        tick(panel, [0, 1, 2])
        panel.apply.click()
        panel.typed.value = panel.state.ask.words
        panel.go.click()
        panel.go.click()
        panel.dry_run.click()
        tick(panel, [3])  # the browser may send one that was clicked a moment ago
        assert panel.state.under_way == tuple(list(changes)[:3])
        assert panel.wait(60)
        begins = [one for one in read_journal(panel.worker.journal) if one["event"] == "begin"]
        assert len(begins) == 1
        assert begins[0]["plan"]["asked"] == list(changes)[:3]
        made = {name for name, (_, after) in changes.items() if settings(box)[name] == after}
        assert made == set(list(changes)[:3])


def test_a_run_is_cancelled_between_two_changes() -> None:
    with reviewed(6) as (box, panel, changes):
        tick(panel, list(range(6)))
        ended = panel.worker.options.ended

        def stop_after_two(task: Any) -> None:
            ended(task)
            if len(panel.state.ended) == 2:
                panel.cancel.click()

        panel.worker.options = replace(panel.worker.options, ended=stop_after_two)
        before = settings(box)
        panel.dry_run.click()
        assert panel.wait(60)
        outcomes = [panel.state.ended[name].outcome for name in changes]
        assert outcomes.count("would be done") == 2
        assert outcomes.count("left for the next run") == 4
        assert "cancelled" in panel.state.ended[list(changes)[-1]].message
        assert settings(box) == before


def test_a_cancelled_run_finishes_what_it_has_begun() -> None:
    with reviewed(6) as (box, panel, changes):
        tick(panel, list(range(6)))
        asked = []
        stop = panel.worker.options.stop

        def cancel_at_the_third(*_: object) -> str:
            asked.append(1)
            if len(asked) == 4:  # once for the round, then before each change
                panel.cancel.click()
            return stop()

        panel.worker.options = replace(panel.worker.options, stop=cancel_at_the_third)
        carry_out(panel, panel.apply)
        made = [name for name, (_, after) in changes.items() if settings(box)[name] == after]
        assert 1 <= len(made) < 6
        assert journal_state(read_journal(panel.worker.journal)).unfinished() == []
        assert panel.undo.description == f"Undo {len(made)}…"


def test_a_kernel_that_died_in_the_middle_loses_nothing() -> None:
    with reviewed(4) as (box, panel, changes):
        tick(panel, [0, 1, 2])
        carry_out(panel, panel.apply)
        journal = panel.worker.journal
        lines = journal.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["event"] not in {"outcome", "end"}]
        journal.write_bytes(b"".join(kept) + b'{"at": "2026')  # killed after the last answer
        again = review(panel.plan, workspaces=box.workspaces(), writer=panel.worker.writers,
                       options=TERMS)
        assert again.worker is not None and again.worker.journal == journal
        assert "did not come to its end" in again.words.value
        assert again.state.picked == list(changes)[:3]
        assert "Of 3 changes that it was asked for 3 are in this plan" in again.words.value
        assert again.undo.description == "Undo 3…"
        carry_out(again, again.apply)
        assert set(again.outcomes["outcome"]) == {"done"}
        assert journal_state(read_journal(journal)).interrupted == ""
        carry_out(again, again.undo)
        assert all(settings(box)[name] == before for name, (before, _) in changes.items())


def test_another_account_is_refused_and_the_panel_goes_on() -> None:
    with fleet() as (box, _, writer):
        plan = plan_of(rote_changes(box.workspaces(), 2), account="999900009999")
        panel = review(plan, writer=writer, options=TERMS)
        tick(panel, [0])
        carry_out(panel, panel.dry_run)
        assert "999900009999" in panel.words.value and "alert" in panel.words.value
        assert panel.table.locked is False


def test_a_journal_of_another_region_is_left_alone() -> None:
    with reviewed(3) as (_, panel, _):
        tick(panel, [0, 1])
        carry_out(panel, panel.apply)
        journal = panel.worker.journal
        kept = [line for line in journal.read_bytes().splitlines(keepends=True)
                if json.loads(line)["event"] not in {"outcome", "end"}]
        journal.write_bytes(b"".join(kept))
        later = panel.plan.created_at + timedelta(hours=1)
        elsewhere = replace(panel.plan, region="eu-west-1", created_at=later)
        assert review(elsewhere, writer=panel.worker.writers).worker.journal != journal
        others = replace(plan_of({"ws-else": ("ALWAYS_ON", "AUTO_STOP:60")}), created_at=later)
        assert review(others, writer=panel.worker.writers).worker.journal != journal
        again = replace(panel.plan, created_at=later)  # the same fleet, judged anew
        assert review(again, writer=panel.worker.writers).worker.journal == journal


def test_a_run_that_is_under_way_elsewhere_is_said() -> None:
    with reviewed(3) as (_, panel, _), held(Path.cwd(), panel.worker.journal.name):
        panel.worker.journal.touch()
        other = review(panel.plan, writer=panel.worker.writers)
        assert "is under way, in another panel or program" in other.words.value
        assert other.state.picked == []


def test_earlier_changes_that_can_be_taken_back_are_named() -> None:
    with reviewed(3) as (_, panel, _):
        tick(panel, [0])
        carry_out(panel, panel.apply)
        later = replace(panel.plan, created_at=panel.plan.created_at + timedelta(hours=1))
        other = review(later, writer=panel.worker.writers)
        assert panel.worker.journal.name in other.words.value


def test_undo_takes_back_what_was_confirmed_and_no_more() -> None:
    with reviewed(4) as (box, panel, changes):
        names = list(changes)
        tick(panel, [0])
        carry_out(panel, panel.apply)
        other = review(panel.plan, writer=panel.worker.writers, options=TERMS)
        tick(other, [1])
        carry_out(other, other.apply)
        panel.undo.click()  # it is read anew what there is to undo
        assert panel.state.ask.words == "undo 2 in 111122223333 us-east-1"
        tick(other, [2])
        carry_out(other, other.apply)  # between the question and its answer
        panel.typed.value = panel.state.ask.words
        panel.go.click()
        assert panel.wait(60)
        now = settings(box)
        assert [now[name] == changes[name][0] for name in names[:3]] == [True, True, False]


def test_aws_that_refuses_is_told_row_by_row() -> None:
    with reviewed(3) as (box, panel, changes):
        before = settings(box)
        tick(panel, [0, 1, 2])
        box.faults = Faults(denied_actions=("ModifyWorkspaceProperties",))
        carry_out(panel, panel.apply)
        box.faults = Faults()
        assert [one[0] for one in panel.table.outcomes.values()] == ["failed"] * 3
        assert all("AccessDenied" in one[1] for one in panel.table.outcomes.values())
        assert "Applied: 3 failed" in panel.words.value and "alert" in panel.words.value
        assert settings(box) == before
        assert next(iter(changes)) in panel.state.ended


def test_filters_and_sums() -> None:
    with reviewed() as (_, panel, changes):
        panel._controls["min_saving_usd"].value = "4"
        assert unpacked(panel.table.shown, 6).tolist() == [True, True, True, False, False, False]
        panel._controls["min_saving_usd"].value = "a lot"
        assert "is no number" in panel.words.value
        panel.clear.click()
        assert unpacked(panel.table.shown, 6).all()
        assert "All together: 6 changes, $21.00 a month saved, 3 more cold starts a week" in (
            panel.sums.value)
        tick(panel, [5])
        panel._controls["min_saving_usd"].value = "4"
        assert "1 ticked row not shown by the filters" in panel.sums.value
        assert panel.picked.changes["workspace_id"].tolist() == [list(changes)[5]]


def test_a_plan_in_a_file_has_its_journal_beside_it(tmp_path: Path) -> None:
    with fleet() as (box, _, writer):
        folder = tmp_path / "march"
        folder.mkdir()
        write_plan(plan_of(rote_changes(box.workspaces(), 2)), folder / "plan.json")
        panel = review(folder / "plan.json", writer=writer)
        assert panel.worker.journal == folder / "plan.journal.jsonl"


@pytest.fixture(scope="module")
def found() -> Analysis:
    with fleet(30) as (box, _, _writer):
        inventory, sessions = box.workspaces(), box.sessions()
        end = box.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are MANUAL, one has no price
        return analyse(sessions, inventory, window=Window(end - timedelta(days=28), end),
                       prices=load_prices())


def test_a_row_shows_why(found: Analysis) -> None:
    panel = review(found)
    sessions = found.replay.sessions["workspace_id"]
    used = panel.state.rows["workspace_id"].isin(sessions).to_numpy()
    assert used.any()
    place = int(np.flatnonzero(used)[0])
    panel.table.current = place
    row = panel.state.rows.iloc[place]
    assert row["reason"][:30] in panel.why.value
    assert panel.why.value.count("<img") == 3
    for words in ("Bars: what it costs a month under each setting", "Timeline from", "Heat map",
                  "clock of America/New_York"):
        assert words in panel.why.value, words
    panel.table.current = -1
    assert panel.why.value == ""


def test_where_widgets_do_not_run(found: Analysis) -> None:
    panel = review(found)
    bundle = panel._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", WIDGET_VIEW}
    first = found.plan.changes.iloc[0]
    for text in (bundle["text/plain"], bundle["text/html"]):
        assert first["workspace_id"] in text and "All together" in text
    assert "<script" not in bundle["text/html"]


def hostile_plan() -> tuple[Plan, pd.DataFrame]:
    changes = {f"ws-{place:02d}": ("ALWAYS_ON", "AUTO_STOP:60") for place in range(len(HOSTILE))}
    plan = plan_of(changes)
    users = dict(zip(changes, HOSTILE, strict=True))
    frame = plan.recommendations
    frame["user_name"] = frame["workspace_id"].map(users)
    frame["reason"] = frame["workspace_id"].map(users) + " is why"
    inventory = pd.DataFrame({
        "workspace_id": list(changes), "directory_id": HOSTILE, "compute_type": HOSTILE,
        "tags": [json.dumps({name: name}) for name in HOSTILE]})
    return plan, inventory


def test_hostile_names_are_text() -> None:
    plan, inventory = hostile_plan()
    panel = review(plan, workspaces=inventory)
    pages = [panel.head.value, panel.sums.value, panel.static_html()]
    for place in range(len(HOSTILE)):
        panel.table.current = place
        pages.append(panel.why.value)
    for page in pages:
        for forbidden in ("<script", "<img src=x", "onerror=\"w", "\u202e", "</textarea>"):
            assert forbidden not in page
    assert "&lt;script&gt;" in pages[3]


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 1000])
def test_ticks_travel_as_bits(rows: int) -> None:
    marks = np.random.default_rng(rows).random(rows) < 0.5
    assert len(packed(marks)) == -(-rows // 8)
    assert unpacked(packed(marks), rows).tolist() == marks.tolist()


def test_what_a_table_sends() -> None:
    frame = pd.DataFrame({"name": ["a", None, "b\u202ec"], "usd": [1.5, np.nan, np.inf]})
    table = Table(frame, [Column("name", "Name"), Column("usd", "USD", "usd")])
    assert json.loads(table.data) == [["a", "", plain("b\u202ec")], [1.5, None, None]]
    assert unpacked(table.shown, 3).all() and not table.marks.any()
    assert table.columns[1]["width"] == 100


def test_an_act_that_needs_no_words() -> None:
    assert [str(one) for one in Act] == ["dry run", "apply", "undo"]
