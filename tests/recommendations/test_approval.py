"""Changes of a plan are approved or struck by people, in a workbook, a CSV file or by name."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.plans import plan_of
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.recommendations.approval import approve, take_decisions, unapproved
from wsanalytics.recommendations.plan import Plan
from wsanalytics.recommendations.plan_file import read_plan, write_plan
from wsanalytics.report.workbook import write_workbook
from wsanalytics.views.plan import read_view, write_csv_view

ADA, BOB, CYN, DEE = "ws-aaaaaaaa1", "ws-bbbbbbbb2", "ws-cccccccc3", "ws-dddddddd4"
CHANGES = {ADA: ("ALWAYS_ON", "AUTO_STOP:60"), BOB: ("AUTO_STOP:60", "ALWAYS_ON"),
           CYN: ("AUTO_STOP:120", "AUTO_STOP:60"), DEE: ("AUTO_STOP:240", "ALWAYS_ON")}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_plan(plan_of(CHANGES), tmp_path / "plan.json")
    return tmp_path / "plan.json"


def decided(plan: Path) -> dict[str, str]:
    changes = read_plan(plan).changes
    return dict(zip(changes["workspace_id"], changes["approved"], strict=True))


def written(plan: Plan, path: Path) -> Path:
    (write_workbook if path.suffix == ".xlsx" else write_csv_view)(plan, path)
    return path


def filled_in(path: Path, cells: dict[tuple[str, str], str]) -> Path:
    """The view after people have written into it, by WorkSpace and heading."""
    if path.suffix == ".csv":
        frame = pd.read_csv(path, dtype="str", keep_default_na=False)
        for (name, heading), text in cells.items():
            frame.loc[frame["workspace_id"] == name, heading.lower().replace("to", "to_setting")
                      ] = text
        frame.to_csv(path, index=False)
        return path
    book = openpyxl.load_workbook(path)
    sheet = book["Changes"]
    headings = {cell.value: cell.column for cell in sheet[1]}
    lines = {sheet.cell(line, headings["WorkSpace"]).value: line
             for line in range(2, sheet.max_row + 1)}
    for (name, heading), text in cells.items():
        sheet.cell(lines[name], headings[heading], text)
    book.save(path)
    return path


@pytest.mark.parametrize("name", ["view.xlsx", "view.csv"])
def test_what_people_wrote_into_a_view_is_taken_into_the_plan(plan: Path, name: str) -> None:
    view = filled_in(written(read_plan(plan), plan.with_name(name)), {
        (ADA, "Approve"): "Yes", (ADA, "Comment"): "after Easter", (BOB, "Approve"): " no",
        (CYN, "Comment"): "ask Cyn"})
    assert main(["plan", "approve", "plan.json", "--from", name]) == 0
    assert decided(plan) == {ADA: "yes", BOB: "no", CYN: "", DEE: ""}
    comments = read_plan(plan).changes.set_index("workspace_id")["comment"]
    assert comments.to_dict() == {ADA: "after Easter", BOB: "", CYN: "ask Cyn", DEE: ""}
    # read again, and written again: the same
    again = written(read_plan(plan), view)
    back = read_view(again).set_index("workspace_id")
    assert back["approve"].to_dict() == {ADA: "yes", BOB: "no", CYN: "", DEE: ""}
    assert back.loc[ADA, "comment"] == "after Easter"


def test_what_changed_in_between_is_refused_by_row(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled_in(written(read_plan(plan), plan.with_name("view.xlsx")), {
        (name, "Approve"): "yes" for name in CHANGES} | {(DEE, "Approve"): "perhaps"})
    document = json.loads(plan.read_text())
    changes = {change["workspace_id"]: change for change in document["changes"]}
    changes[ADA]["to"] = {"running_mode": "AUTO_STOP", "auto_stop_minutes": 120}
    changes[BOB]["saving_usd_per_month"] += 1
    document["changes"] = [changes[name] for name in (ADA, BOB, DEE)]
    document["of_others"] = {"kept": True}
    plan.write_text(json.dumps(document))
    assert main(["plan", "approve", "plan.json", "--from", "view.xlsx"]) == 2  # no row is left
    document["changes"].append(changes[CYN])
    plan.write_text(json.dumps(document))
    capsys.readouterr()
    assert main(["plan", "approve", "plan.json", "--from", "view.xlsx"]) == 1
    shown = capsys.readouterr().out
    assert decided(plan) == {ADA: "", BOB: "", CYN: "yes", DEE: ""}
    assert "it was to change to AUTO_STOP:60; the plan says AUTO_STOP:120 now" in shown
    assert "it was to save $" in shown and "approve holds 'perhaps'" in shown
    assert json.loads(plan.read_text())["of_others"] == {"kept": True}


def test_by_name_by_user_and_all(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "approve", "plan.json", ADA, CYN]) == 0
    assert decided(plan) == {ADA: "yes", BOB: "", CYN: "yes", DEE: ""}
    assert capsys.readouterr().out == "2 changes approved, 0 struck, 2 undecided.\n"
    assert main(["plan", "approve", "plan.json", "--all"]) == 0
    assert set(decided(plan).values()) == {"yes"}
    for words in ([], [ADA, "--all"], ["ws-unknown00"], ["--from", "none.xlsx"]):
        before = plan.read_bytes()
        assert main(["plan", "approve", "plan.json", *words]) == 2
        assert plan.read_bytes() == before
    with pytest.raises(InputError, match="it does not change ws-x"):
        approve(plan, ["ws-x"])


def test_a_plan_with_decisions_is_not_replaced(plan: Path) -> None:
    from wsanalytics.cli.replacing import refuse_to_replace  # of this test alone

    refuse_to_replace(plan)
    approve(plan, [ADA])
    with pytest.raises(InputError, match="somebody has edited it"):
        refuse_to_replace(plan)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "WorkSpace;Approve\n"])
def test_what_is_no_view_is_refused(plan: Path, text: str) -> None:
    (plan.parent / "view.csv").write_text(text)
    assert main(["plan", "approve", "plan.json", "--from", "view.csv"]) == 2
    (plan.parent / "view.xlsx").write_text(text)
    assert main(["plan", "approve", "plan.json", "--from", "view.xlsx"]) == 2
    assert set(decided(plan).values()) == {""}


def test_a_view_that_was_filled_in_is_not_replaced(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show = ["plan", "show", "plan.json", "--output", "view.xlsx"]
    assert main(show) == main(show) == 0  # an empty one is
    view = filled_in(plan.with_name("view.xlsx"), {(ADA, "Comment"): "ask Ada"})
    before = view.read_bytes()
    assert main(show) == 2 and view.read_bytes() == before
    assert f"somebody has written into it, beside {ADA}" in capsys.readouterr().err
    assert main(["plan", "approve", "plan.json", "--from", "view.xlsx"]) == 0
    assert main(show) == 0  # what was written is in the plan, and comes back
    assert read_view(view).set_index("workspace_id").loc[ADA, "comment"] == "ask Ada"
    filled_in(view, {(BOB, "Approve"): "yes"})
    assert main([*show, "--force"]) == 0
    assert set(read_view(view)["approve"]) == {""}


def test_a_view_of_another_country_is_read(plan: Path) -> None:
    view = written(read_plan(plan), plan.with_name("view.csv"))
    frame = pd.read_csv(view, dtype="str", keep_default_na=False)
    frame.loc[frame["workspace_id"] == ADA, "approve"] = "yes"
    frame["saving_usd_per_month"] = frame["saving_usd_per_month"].str.replace(".", ",")
    frame.to_csv(view, index=False, sep=";", encoding="utf-8-sig")
    assert main(["plan", "approve", "plan.json", "--from", "view.csv"]) == 0
    assert decided(plan)[ADA] == "yes"


def test_what_was_decided_is_shown(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", "check", "plan.json"])
    assert "edited" not in capsys.readouterr().out
    approve(plan, [ADA])
    main(["plan", "check", "plan.json"])
    assert "edited since it was written" in capsys.readouterr().out
    main(["plan", "show", "plan.json"])
    shown = " ".join(capsys.readouterr().out.split())
    saving = read_plan(plan).changes.set_index("workspace_id").loc[ADA, "saving_usd_per_month"]
    assert f"approved 1 (${saving:.2f} a month), struck 0, undecided 3" in shown
    document = json.loads(plan.read_text())
    document["left_alone"] = [{"workspace_id": "ws-eeeeeeee5", "reason": "It is the cheapest."}]
    plan.write_text(json.dumps(document))
    assert main(["plan", "approve", "plan.json", "ws-eeeeeeee5"]) == 2
    assert "which it leaves alone: It is the cheapest." in capsys.readouterr().err


def test_a_comment_that_looks_like_a_formula_comes_back_as_it_was(plan: Path) -> None:
    document = json.loads(plan.read_text())
    document["changes"][0]["comment"] = "=1+1 for two"
    plan.write_text(json.dumps(document))
    view = read_view(written(read_plan(plan), plan.with_name("view.csv")))
    taken, refused = take_decisions(plan, view)
    assert refused.empty
    assert "=1+1 for two" in set(taken.changes["comment"])


@given(st.dictionaries(st.sampled_from(list(CHANGES)), st.sampled_from(["yes", "no", ""])))
def test_one_approval_makes_the_undecided_wait(words: dict[str, str]) -> None:
    changes = plan_of(CHANGES).changes
    changes["approved"] = [words.get(name, "") for name in changes["workspace_id"]]
    left = set(unapproved(changes))
    made = set(CHANGES) - left
    assert not made & {name for name, word in words.items() if word == "no"}
    if "yes" in words.values():
        assert made == {name for name, word in words.items() if word == "yes"}
    else:
        assert left == {name for name, word in words.items() if word == "no"}
