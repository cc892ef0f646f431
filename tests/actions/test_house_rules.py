"""Rules of the house, held against what AWS describes right before a change, a stop, a start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.actions.applied import TERMS, in_memory, outcomes, present
from tests.actions.test_powering import IDLE, Place, evening  # noqa: F401  # a fixture
from tests.helpers.fakes import RETRY
from tests.helpers.plans import plan_of, rote_changes
from wsanalytics.actions.apply import apply_plan
from wsanalytics.actions.guards import Guards
from wsanalytics.actions.outcomes import went_well
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.stop_idle import stop_idle
from wsanalytics.actions.undo import undo
from wsanalytics.rules.book import RuleBook
from wsanalytics.settings import ALWAYS_ON, auto_stop


def options(*tables: dict[str, Any]) -> RunOptions:
    return RunOptions(limit=None, retry=RETRY, rules=RuleBook.of(tables))


@pytest.mark.parametrize(("effects", "after", "words"), [
    ({"least-timeout": 120}, auto_stop(60), "under its least timeout of 120"),
    ({"least-timeout": 120}, auto_stop(120), ""),
    ({"most-timeout": 120}, auto_stop(480), "over its most timeout of 120"),
    ({"never-always-on": True}, ALWAYS_ON, "never to be ALWAYS_ON"),
    ({"setting": "AUTO_STOP:300"}, auto_stop(60), "is not its AUTO_STOP:300"),
    ({"setting": "AUTO_STOP:300"}, auto_stop(300), ""),
    ({"leave-alone": True}, auto_stop(60), "the rule 'x' leaves it alone"),
    ({"never-stop": True}, auto_stop(60), ""),
])
@pytest.mark.parametrize("condition", [
    {"tag": "Team=Design"}, {"bundle": "wsb-1"}, {"directory": "d-1"}, {"workspace": "ada"},
    {"compute-type": "Standard"}, {"operating-system": "WINDOWS"}])
def test_what_breaks_a_rule_is_refused_and_the_rule_is_named(
    effects: dict[str, Any], after: Any, words: str, condition: dict[str, str]
) -> None:
    guards = Guards(rules=RuleBook.of([{"name": "x", **condition, **effects}]),
                    described_of=lambda _: {"operating_system": "WINDOWS"})
    now = present(connection="DISCONNECTED", tags={"Team": "Design"},
                  described={"BundleId": "wsb-1"})
    said = guards.against_change(now, auto_stop(240), after)
    assert words in said and bool(said) == bool(words)
    assert guards.by_rule(now, auto_stop(240), after) == said
    other = present(connection="DISCONNECTED", tags={"Team": "Sales"}, user_name="bob",
                    described={"BundleId": "wsb-2"}, directory_id="d-2", compute_type="POWER")
    elsewhere = Guards(rules=guards.rules)
    assert elsewhere.against_change(other, auto_stop(240), after) == ""


def test_apply_holds_what_the_tags_say_now_and_a_rule_is_no_failure(journal: Path) -> None:
    with in_memory() as (box, clients, writer):
        changes = rote_changes(box.workspaces(), 12)
        plan = plan_of(changes)
        first, second, *rest = (name for name, (_, to) in changes.items() if to == "AUTO_STOP:60")
        for name, team in ((first, "Design"), (second, "Board")):
            clients("workspaces").create_tags(
                ResourceId=name, Tags=[{"Key": "Team", "Value": team}])
        rules = options({"name": "design", "tag": "Team=Design", "least-timeout": 120},
                        {"name": "board", "tag": "Team=Board", "leave-alone": True})
        told = apply_plan(plan, writer, options=rules)
        made = apply_plan(plan, writer, dry_run=False, journal=journal, options=rules)
        assert outcomes(made) == {"done": 10, "skipped": 2}
        assert went_well(told) and went_well(made)
        rows = made.set_index("workspace_id")
        assert rows.loc[first, "message"] == (
            "by the rule 'design': AUTO_STOP:60 is under its least timeout of 120 minutes")
        assert rows.loc[second, "message"] == "the rule 'board' leaves it alone"
        # What was made may not be taken back where a rule, as it is now, stands against it.
        kept = rest[0] if rest else next(name for name in changes if name not in {first, second})
        before = changes[kept][0]
        pinned = options({"name": "pinned", "workspace": kept, "setting": changes[kept][1]})
        back = undo(journal, writer, dry_run=False, options=pinned)
        assert outcomes(back) == {"done": 9, "skipped": 1} and went_well(back)
        assert f"{before} is not its" in back.set_index("workspace_id").loc[kept, "message"]


def test_what_needs_approval_is_made_only_once_it_is_approved(journal: Path) -> None:
    with in_memory() as (box, _, writer):
        changes = rote_changes(box.workspaces(), 4)
        first = next(iter(changes))
        rules = options({"name": "careful", "workspace": first, "needs-approval": True})
        plan = plan_of(changes)
        found = apply_plan(plan, writer, options=rules)
        assert outcomes(found) == {"would be done": 3, "not approved": 1} and went_well(found)
        row = found.set_index("workspace_id").loc[first]
        assert row["message"] == "it needs approval by the rule 'careful', and is not approved"
        said = plan_of(changes, checked="decided by hold; needs approval by the rule 'careful'")
        assert set(outcomes(apply_plan(said, writer, options=TERMS))) == {"not approved"}
        plan.recommendations["approved"] = "yes"
        made = apply_plan(plan, writer, dry_run=False, journal=journal, options=rules)
        assert outcomes(made) == {"done": 4}


def test_who_is_never_stopped_is_not(evening: Place) -> None:  # noqa: F811
    _, _, store, writer = evening
    found = stop_idle(store, writer, idle=IDLE, options=TERMS)
    first, second = found["workspace_id"].iloc[:2]
    held = stop_idle(store, writer, idle=IDLE, options=options(
        {"name": "runs", "workspace": first, "never-stop": True},
        {"name": "board", "workspace": second, "leave-alone": True}))
    rows = held.set_index("workspace_id")
    assert rows.loc[first, "message"] == "by the rule 'runs': it is never stopped"
    assert rows.loc[second, "message"] == "the rule 'board' leaves it alone"
    assert (held["outcome"] == "would be done").sum() == len(found) - 2 and went_well(held)


def test_starting_early_asks_leave_alone_alone() -> None:
    guards = Guards(rules=RuleBook.of([{"name": "x", "never-stop": True}]))
    assert guards.against(present()) == ""
    left = Guards(rules=RuleBook.of([{"name": "x", "leave-alone": True}]))
    assert left.against(present()) == "the rule 'x' leaves it alone"


def test_what_cannot_hibernate_is_stopped_only_where_that_is_allowed() -> None:
    gpu = present(compute_type="GRAPHICS_G4DN")
    assert "does not hibernate" in Guards().against_stopping(gpu)
    assert Guards().against_stopping(present()) == ""
    assert Guards(allow_losing_open_programs=True).against_stopping(gpu) == ""
    rule = {"name": "farm", "compute-type": "GRAPHICS_G4DN", "allow-losing-open-programs": True}
    assert Guards(rules=RuleBook.of([rule])).against_stopping(gpu) == ""
