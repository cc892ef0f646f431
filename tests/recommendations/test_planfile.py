"""A plan as a file: read back as it was written, edited by people, refused where it is amiss."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.build import at
from tests.helpers.plans import plan_of
from tests.helpers.strategies import timeouts
from tests.helpers.terminals import pretend_terminal
from wsanalytics.cli import main
from wsanalytics.errors import InputError
from wsanalytics.recommendations.plan import Basis, Plan
from wsanalytics.recommendations.plan_file import digest_of, plan_document, read_plan, write_plan
from wsanalytics.safe_text import plain
from wsanalytics.views.plan import VIEW

ADA, BOB, CLEO = "ws-aaaaaaaa1", "ws-bbbbbbbb2", "ws-cccccccc3"
NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)
BASIS = Basis(from_at=at("2026-02-01"), to_at=at("2026-04-05"), workspaces=100, sessions=4321,
              source="fleet", discount=0.12, max_cold_starts_per_week=5)
Change = Callable[[dict[str, Any]], object]


def a_plan() -> Plan:
    plan = plan_of({ADA: ("ALWAYS_ON", "AUTO_STOP:60"), BOB: ("AUTO_STOP:60", "ALWAYS_ON"),
                    CLEO: ("AUTO_STOP:240", "AUTO_STOP:120")}, created_at=NOW)
    frame = plan.recommendations.set_index("workspace_id", drop=False)
    frame.loc[ADA, ["user_name", "apply_by", "checked"]] = [
        "ada", "2026-04-30T21:59:00Z", "31 days observed (21 needed); the interval lies above zero"]
    frame.loc[BOB, ["account_id", "region"]] = ["111122223333", "us-east-1"]
    return replace(plan, recommendations=frame.reset_index(drop=True), basis=BASIS,
                   unused=("ws-dddddddd4",))


@pytest.fixture
def document() -> dict[str, Any]:
    """A plan as the object in its file."""
    made = json.loads(json.dumps(plan_document(a_plan())))
    made["left_alone"] = [
        {"workspace_id": "ws-1", "setting": None, "reason": "It is MANUAL."},
        {"workspace_id": "ws-eeeeeeee5", "setting": "ALWAYS_ON", "reason": "It stays."}]
    assert isinstance(made, dict)
    return made


def saved(document: object, folder: Path) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path, document: dict[str, Any]) -> None:
    plan = read_plan(saved(document, tmp_path))
    assert plan_document(plan) == document
    assert plan.basis == BASIS and plan.created_at == NOW
    write_plan(plan, tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["digest"] == digest_of(again)
    assert again == document | {"digest": again["digest"]}
    assert plan.recommendations.dtypes.to_dict() == a_plan().recommendations.dtypes.to_dict()


def test_the_document_has_what_scripts_rely_on(document: dict[str, Any]) -> None:
    assert list(document) == [
        "schema", "version", "created_at", "account_id", "region", "hour_rule", "prices_date",
        "data", "saving_usd_per_month", "changes", "left_alone", "unused"]
    assert document["data"] == {
        "from_at": "2026-02-01T00:00:00Z", "to_at": "2026-04-05T00:00:00Z", "workspaces": 100,
        "sessions": 4321, "source": "fleet", "discount": 0.12, "maintenance_hours": 1.0,
        "min_saving_usd": 1.0, "max_cold_starts_per_week": 5,
        "min_chance_of_saving": 0.0, "policy": ""}
    assert document["changes"][0] == {
        "workspace_id": ADA, "user_name": "ada", "account_id": None, "region": None,
        "from": {"running_mode": "ALWAYS_ON", "auto_stop_minutes": None},
        "to": {"running_mode": "AUTO_STOP", "auto_stop_minutes": 60},
        "saving_usd_per_month": 3.0, "saving_low_usd": 0.5, "saving_high_usd": 900.0,
        "chance_of_loss": None, "cold_starts_per_week": 1.0, "extra_cold_starts_per_week": 0.5,
        "best_date": "2026-01-31", "apply_by": "2026-04-30T21:59:00Z", "reason": "By rote.",
        "checked": ["31 days observed (21 needed)", "the interval lies above zero"],
        "comment": "", "approved": None}
    assert document["changes"][1]["apply_by"] is None
    assert document["changes"][1]["account_id"] == "111122223333"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
amounts = st.floats(-1e6, 1e6)


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_plan_comes_back(tmp_path: Path, data: st.DataObject) -> None:
    both = st.lists(st.just("ALWAYS_ON") | timeouts.map("AUTO_STOP:{}".format), min_size=2,
                    max_size=2, unique=True)
    names = data.draw(st.lists(st.from_regex(r"ws-[0-9a-z]{8,20}", fullmatch=True), unique=True,
                               max_size=4))
    plan = plan_of({name: tuple(data.draw(both)) for name in names},  # type: ignore[misc]  # two
                   created_at=NOW, account=data.draw(st.none() | st.just("000000000001")),
                   region=data.draw(st.none() | st.just("eu-west-1")))
    frame = plan.recommendations
    for place in range(len(frame)):
        low, saving, high = sorted(data.draw(st.tuples(amounts, amounts, amounts)))
        frame.loc[place, ["saving_low_usd", "saving_usd_per_month", "saving_high_usd"]] = [
            low, saving, high]
        frame.loc[place, "extra_cold_starts_per_week"] = data.draw(
            st.floats(-1e4, 1e4) | st.just(math.nan))
        frame.loc[place, ["user_name", "reason", "comment"]] = data.draw(
            st.tuples(texts, texts, texts))
    path = tmp_path / "plan.json"
    write_plan(plan, path)
    assert plan_document(read_plan(path)) == plan_document(plan)


def test_people_may_strike_rows_and_write_beside_them(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    del document["changes"][1], document["left_alone"], document["unused"], document["data"]
    document["approved_by"] = {"name": "Zoe", "on": ["a day"]}
    document["saving_usd_per_month"] = "a lot"
    one = document["changes"][0]
    one |= {"comment": "ask ada first", "ticket": 42}
    for name in ("saving_low_usd", "saving_high_usd", "best_date", "apply_by", "checked"):
        one[name] = None
    del one["cold_starts_per_week"], one["reason"], one["from"]["auto_stop_minutes"]
    plan = read_plan(saved(document, tmp_path))
    changes = plan.changes.set_index("workspace_id")
    assert changes.index.tolist() == [ADA, CLEO]
    assert plan.saving_usd_per_month == 4.0  # reckoned anew
    assert changes.loc[ADA, ["comment", "best_date", "checked", "reason"]].tolist() == [
        "ask ada first", "", "", ""]
    assert math.isnan(changes.loc[ADA, "saving_low_usd"])
    assert (plan.unused, plan.basis, len(plan.left_alone)) == ((), None, 0)


def test_rows_may_stand_in_any_order_and_all_be_struck(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    document["changes"].reverse()
    assert read_plan(saved(document, tmp_path)).changes["workspace_id"].tolist() == [ADA, BOB, CLEO]
    document["changes"] = []
    plan = read_plan(saved(document, tmp_path))
    assert plan.changes.empty and plan.saving_usd_per_month == 0
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(document).encode())
    assert read_plan(tmp_path / "bom.json").changes.empty


def first(**fields: object) -> Change:
    return lambda document: document["changes"][0].update(fields)


def top(**fields: object) -> Change:
    return lambda document: document.update(fields)


def without(name: str) -> Change:
    return lambda document: document.pop(name)


def change_without(name: str) -> Change:
    return lambda document: document["changes"][0].pop(name)


def to(mode: object, minutes: object = None) -> Change:
    return first(to={"running_mode": mode, "auto_stop_minutes": minutes})


def again(document: dict[str, Any]) -> None:
    document["changes"].append(document["changes"][0])


def also_left_alone(document: dict[str, Any]) -> None:
    document["left_alone"].append({"workspace_id": ADA, "setting": None, "reason": ""})


WHERE = f"changes[0] ({ADA})"
REFUSED: dict[str, tuple[Change, str]] = {
    "other schema": (top(schema="wsanalytics.journal"), "not 'wsanalytics.plan'"),
    "no schema": (without("schema"), "field schema"),
    "newer version": (top(version=2), "use the wsanalytics that wrote it"),
    "version as text": (top(version="1"), "use the wsanalytics that wrote it"),
    "version true": (top(version=True), "field version"),
    "created_at naive": (top(created_at="2026-04-10T12:00:00"), "without a zone"),
    "created_at nonsense": (top(created_at="yesterday"), "'yesterday' is no such time"),
    "created_at early": (top(created_at="1926-04-10T12:00:00Z"), "2000 to 2100"),
    "created_at null": (top(created_at=None), "field created_at"),
    "created_at number": (top(created_at=1775822400), "field created_at"),
    "account short": (top(account_id="12345"), "12 digits"),
    "account number": (top(account_id=111122223333), "12 digits"),
    "account of a change": (first(account_id=111122223333), f"{WHERE}, field account_id"),
    "region": (top(region=1), "field region"),
    "region of a change": (first(region=["us-east-1"]), f"{WHERE}, field region"),
    "hour rule": (top(hour_rule="per_minute"), "field hour_rule"),
    "hour rule null": (top(hour_rule=None), "field hour_rule"),
    "prices date": (top(prices_date=20251003), "field prices_date"),
    "changes object": (top(changes={}), "changes is a list"),
    "changes null": (top(changes=None), "changes is a list"),
    "change text": (top(changes=["ws-1"]), "changes[0] is no object"),
    "left alone": (top(left_alone={}), "left_alone is a list"),
    "left alone setting": (top(left_alone=[{"workspace_id": "ws-1", "setting": "ON"}]), "'ON'"),
    "unused": (top(unused=[1]), "unused is a list of texts"),
    "data": (top(data=[]), "data is an object"),
    "data from": (top(data={"to_at": "2026-01-01T00:00:00Z"}), "field from_at"),
    "data sessions": (top(data={"from_at": "2026-01-01T00:00:00Z",
                                "to_at": "2026-01-02T00:00:00Z", "sessions": -1}),
                      "field data, field sessions"),
    "id of a space": (first(workspace_id=" "), "no space at its ends"),
    "id empty": (first(workspace_id=""), "no space at its ends"),
    "id line end": (first(workspace_id=f"{ADA}\n"), "no space at its ends"),
    "a chance of 2940": (first(chance_of_loss=2940), "from 0 to 1"),
    "a negative rate": (first(cold_starts_per_week=-0.5), "from 0 to 10080"),
    "a saving of all money": (first(saving_usd_per_month=1e299), "to 1e+09"),
    "id number": (first(workspace_id=7), "changes[0], field workspace_id"),
    "twice": (again, f"WorkSpace {ADA} stands there twice"),
    "left alone too": (also_left_alone, f"WorkSpace {ADA} stands there twice"),
    "no change": (to("ALWAYS_ON"), f"{WHERE}, field to"),
    "mode": (to("MANUAL"), f"{WHERE}, field to, field running_mode"),
    "mode null": (to(None), "ALWAYS_ON or AUTO_STOP"),
    "mode list": (to(["AUTO_STOP"]), "ALWAYS_ON or AUTO_STOP"),
    "always on with minutes": (to("ALWAYS_ON", 60), "ALWAYS_ON with a timeout"),
    "no minutes": (to("AUTO_STOP"), f"{WHERE}, field to"),
    "90 minutes": (to("AUTO_STOP", 90), "multiple of 60"),
    "too many minutes": (to("AUTO_STOP", 2940), "multiple of 60"),
    "minutes text": (to("AUTO_STOP", "60"), "field auto_stop_minutes"),
    "minutes true": (to("AUTO_STOP", True), "field auto_stop_minutes"),
    "half a minute": (to("AUTO_STOP", 60.5), "field auto_stop_minutes"),
    "to as text": (first(to="AUTO_STOP:60"), "to is an object"),
    "to empty": (first(to={}), "running_mode is missing"),
    "saving text": (first(saving_usd_per_month="$3"), f"{WHERE}, field saving_usd_per_month"),
    "saving null": (first(saving_usd_per_month=None), "is a number from"),
    "saving true": (first(saving_usd_per_month=True), "is a number from"),
    "saving NaN": (first(saving_usd_per_month=math.nan), "it holds NaN"),
    "saving endless": (first(saving_usd_per_month=math.inf), "it holds Infinity"),
    "saving huge": (first(saving_usd_per_month=10**400), "is a number from"),
    "low over high": (first(saving_low_usd=5, saving_high_usd=4), f"{WHERE}, field saving_low_usd"),
    "waits": (first(extra_cold_starts_per_week="few"), "field extra_cold_starts_per_week"),
    "date": (first(best_date="2026-02-30"), f"{WHERE}, field best_date"),
    "date words": (first(best_date="soon"), "YYYY-MM-DD"),
    "date number": (first(best_date=20260430), "YYYY-MM-DD"),
    "apply by": (first(apply_by="22:00"), "field apply_by"),
    "apply by naive": (first(apply_by="2026-04-30T22:00:00"), "without a zone"),
    "user": (first(user_name=7), "field user_name"),
    "half a letter": (first(user_name="\ud83d"), "half a character"),
    "comment": (first(comment=["a"]), "field comment"),
    "checked": (first(checked="all"), "checked is a list"),
} | {f"no {name}": (without(name), f"field {name} is missing") for name in (
    "created_at", "account_id", "region", "hour_rule", "prices_date", "changes")
} | {f"a change without {name}": (change_without(name), f"field {name} is missing") for name in (
    "workspace_id", "from", "to", "saving_usd_per_month")}

Refused = Callable[[Path], str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Check a plan that must be refused; gives the message."""

    def run(path: Path) -> str:
        capsys.readouterr()
        assert main(["plan", "check", str(path)]) == 2
        said = capsys.readouterr()
        assert said.out == "" and "Traceback" not in said.err
        assert len(said.err.strip().splitlines()) == 1 and str(path) in said.err
        return said.err

    return run


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_amiss_is_refused_by_its_place(
    case: str, refused: Refused, tmp_path: Path, document: dict[str, Any]
) -> None:
    change, words = REFUSED[case]
    change(document)
    assert words in refused(saved(document, tmp_path))


def test_files_that_hold_no_plan(refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    assert "no such file" in refused(path)
    assert "it is a folder" in refused(tmp_path)
    for content, words in (
        (b"", "the file is empty"), (b" \n", "the file is empty"), (b"\xef\xbb\xbf", "empty"),
        (b'{"schema": "caf\xe9"}', "byte 16 is not UTF-8"), (b"[]", "it holds a list"),
        (b"null", "it holds null"), (b'"plan"', "it holds text"), (b"7", "it holds a number"),
        (b"ws-1,ALWAYS_ON\n", "line 1, column 1"), (b'{"a": 1,\n "b": }', "line 2, column 7"),
        (b'{"schema": "wsanalytics.plan", "changes": [\n  {"wo', "line 2"),
        (b'{"a": -Infinity}', "it holds -Infinity"), (b'{"a": NaN}', "it holds NaN"),
        (b'{"a": 1, "a": 1}', "'a' stands twice"),
        (b'{"a": {"workspace_id": "ws-1", "to": 1, "to": 2}}', "that of ws-1"),
        (b"[" * 100_000, "not JSON"), (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
    ):
        path.write_bytes(content)
        assert words in refused(path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_a_file_that_cannot_be_read(refused: Refused) -> None:
    assert "cannot be read" in refused(Path("/proc/self/mem"))


def test_a_plan_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    write_plan(a_plan(), tmp_path / "whole.json")
    text = (tmp_path / "whole.json").read_text(encoding="utf-8").rstrip()
    path = tmp_path / "plan.json"
    for length in range(0, len(text), 7):
        path.write_text(text[:length], encoding="utf-8")
        with pytest.raises(InputError, match=r"plan\.json"):
            read_plan(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner,
                                                                max_size=3), max_leaves=8)


@settings(max_examples=200, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_field_is_taken_or_refused(
    tmp_path: Path, data: st.DataObject
) -> None:
    made = json.loads(json.dumps(plan_document(a_plan())))
    place = data.draw(st.sampled_from([made, made["data"], *made["changes"],
                                       made["changes"][0]["to"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values)
    try:
        plan = read_plan(saved(made, tmp_path))
    except InputError as error:
        message = str(error)
    else:
        message = "plan.json"
        write_plan(plan, tmp_path / "again.json")
        assert plan_document(read_plan(tmp_path / "again.json")) == plan_document(plan)
    assert "plan.json" in message and len(message.splitlines()) == 1


def test_check_says_in_a_line_that_all_is_well(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(document, tmp_path)
    assert main(["plan", "check", str(path)]) == 0
    assert capsys.readouterr().out == (
        f"{path}: a valid plan of 2026-04-10 12:00 UTC, 3 changes, $6.00 a month.\n")


def test_show_says_what_would_change_and_why(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    document["changes"][0] |= {"user_name": "a\x1b[31mda", "comment": "after Easter"}
    assert main(["plan", "show", str(saved(document, tmp_path))]) == 0
    said = capsys.readouterr().out
    for words in ("111122223333", "us-east-1", "2026-04-10 12:00 UTC",
                  "100 WorkSpaces, 4,321 sessions, from fleet", "clock_hour",
                  "less a discount of 12 %", "3 of 5 WorkSpaces", "$6.00 a month",
                  "1.5 more a week", "2026-04-30 21:59 UTC for 1 change", "2026-01-31",
                  "ALWAYS_ON → AUTO_STOP:60", "$0.50 to $900.00",
                  f"{ADA} (a\ufffd[31mda): By rote. [after Easter]", "2 WorkSpaces left alone"):
        assert words in said
    assert "\x1b" not in said and "2,700" not in said  # the ends of intervals do not add up


def test_show_keeps_the_dates_on_a_narrow_terminal(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend_terminal(monkeypatch, 80)
    assert main(["plan", "show", str(saved(document, tmp_path))]) == 0
    said = capsys.readouterr().out
    assert said.count("2026-01-31") == 3 + 1  # in each row, and where the first call is told
    assert "interval" not in said and "AUTO_STOP:240 → AUTO_STOP:120" in said


def test_show_of_a_plan_without_changes(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    document["changes"] = []
    path = saved(document, tmp_path)
    assert main(["plan", "show", str(path)]) == 0
    assert "0 of 2 WorkSpaces" in capsys.readouterr().out
    for name in ("plan.csv", "plan.xlsx"):
        assert main(["plan", "show", str(path), "--output", str(tmp_path / name)]) == 0
    assert (tmp_path / "plan.csv").read_text().splitlines() == [",".join(VIEW)]


def test_diff_of_one_plan(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    del document["changes"][1:]
    assert main(["plan", "diff", str(saved(document, tmp_path))]) == 0
    assert capsys.readouterr().out == (
        f"{ADA}  ada\n- ALWAYS_ON\n+ AUTO_STOP:60   saves $3.00 a month\n\n"
        "1 change, $3.00 a month in all\n")


def test_diff_of_two_plans(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    old = saved(document, tmp_path).rename(tmp_path / "old.json")
    document["changes"][2] |= {"workspace_id": "ws-ffffffff6"}
    document["changes"][0] |= {
        "to": {"running_mode": "AUTO_STOP", "auto_stop_minutes": 120},
        "saving_usd_per_month": 2.5, "best_date": None, "comment": "longer"}
    new = saved(document, tmp_path)
    assert main(["plan", "diff", str(old), str(new)]) == 0
    assert capsys.readouterr().out == (
        f"struck: {CLEO}\n- AUTO_STOP:240 → AUTO_STOP:120   saves $1.00 a month\n\n"
        "added: ws-ffffffff6\n+ AUTO_STOP:240 → AUTO_STOP:120   saves $1.00 a month\n\n"
        f"altered: {ADA}  ada\n- to AUTO_STOP:60\n+ to AUTO_STOP:120\n"
        "- saves $3.00 a month\n+ saves $2.50 a month\n"
        "- best on 2026-01-31\n+ best on (nothing)\n- comment (nothing)\n+ comment longer\n\n"
        f"1 struck, 1 added, 1 altered\n- {old}: 3 changes, $6.00 a month in all\n"
        f"+ {new}: 3 changes, $5.50 a month in all\n")
    assert main(["plan", "diff", str(new), str(new)]) == 0
    assert capsys.readouterr().out.startswith("0 struck, 0 added, 0 altered\n")


HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "<script>x</script>",
           "x" * 300, "👩‍💻 Zoë", "\u202eevil\u200f", "https://example.org/x", "0012", "a,b\"c\nd",
           "\x00\x07\ufffe\uffff", ""]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A plan whose users and comments are out for trouble."""
    names = [f"ws-{place:08d}" for place in range(len(HOSTILE))]
    plan = plan_of(dict.fromkeys(names, ("ALWAYS_ON", "AUTO_STOP:60")), created_at=NOW,
                   apply_by="2026-04-30T21:58:00Z")
    frame = plan.recommendations.assign(user_name=HOSTILE, comment=HOSTILE)
    path = tmp_path / "plan.json"
    write_plan(replace(plan, recommendations=frame), path)
    return path


def test_a_csv_view_holds_no_formula(hostile: Path, tmp_path: Path) -> None:
    output = tmp_path / "view.csv"
    assert main(["plan", "show", str(hostile), "--output", str(output)]) == 0
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == VIEW and len(rows) == len(HOSTILE)
    for row, name in zip(rows, HOSTILE, strict=True):
        clean = "\n".join(map(plain, name.split("\n")))
        assert row["user_name"] == row["comment"] == (
            f"'{clean}" if clean.lstrip("'")[:1] in {"=", "+", "-", "@"} and name else clean)
    assert rows[0]["saving_usd_per_month"] == f"{len(HOSTILE)}.0"


def test_a_workbook_holds_names_as_text(hostile: Path, tmp_path: Path) -> None:
    output = tmp_path / "view.xlsx"
    assert main(["plan", "show", str(hostile), "--output", str(output)]) == 0
    sheet = openpyxl.load_workbook(output)["Changes"]
    users = [sheet.cell(line + 2, 3) for line in range(len(HOSTILE))]
    for cell, name in zip(users, HOSTILE, strict=True):
        assert cell.data_type in {"s", "n"}  # n: an empty cell
        assert cell.hyperlink is None
        if name.isprintable() or "👩" in name or "\u202e" in name:
            assert (cell.value or "") == name
        else:
            assert isinstance(cell.value, str)
    formulas = [cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    last = len(HOSTILE) + 1
    assert formulas == [f"=SUM(H2:H{last})", f"=SUM(L2:L{last})"]


def test_a_workbook_is_set_for_reading_and_printing(hostile: Path, tmp_path: Path) -> None:
    output = tmp_path / "view.xlsx"
    main(["plan", "show", str(hostile), "--output", str(output)])
    book = openpyxl.load_workbook(output, data_only=True)
    assert book.sheetnames == ["Changes", "About"]
    sheet, last = book["Changes"], len(HOSTILE) + 1
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == f"A1:Q{last}"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.page_setup.fitToHeight == 0
    assert sheet.max_row == last + 1 and sheet.cell(last + 1, 1).value == "Total"
    total = sum(range(len(HOSTILE) + 1))
    assert sheet.cell(last + 1, 8).value == total
    assert "$" in sheet.cell(2, 8).number_format and "$" in sheet.cell(last + 1, 8).number_format
    assert sheet.cell(2, 13).value == datetime(2026, 1, 31)  # noqa: DTZ001  # a workbook has no zones
    assert sheet.cell(2, 14).value == datetime(2026, 4, 30, 21, 58)  # noqa: DTZ001  # likewise
    about = {row[0].value: row[1].value for row in book["About"].iter_rows()}
    assert about["account"] == "111122223333"
    assert about["saving"] == f"${total}.00 a month"


def test_a_view_is_written_whole_or_not_at_all(
    hostile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, words in (("view.txt", ".csv or .xlsx"), ("no/view.xlsx", "does not exist"),
                        ("no/view.csv", "does not exist")):
        assert main(["plan", "show", str(hostile), "--output", str(tmp_path / name)]) == 2
        assert words in capsys.readouterr().err
    hostile.write_text("{}")
    (tmp_path / "view.xlsx").write_text("mine")
    assert main(["plan", "show", str(hostile), "--output", str(tmp_path / "view.xlsx")]) == 2
    assert (tmp_path / "view.xlsx").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "view.xlsx"]


def test_a_large_plan_is_shown_by_its_head_and_in_full_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"ws-{place:08d}" for place in range(150)]
    path = tmp_path / "plan.json"
    write_plan(plan_of(dict.fromkeys(names, ("ALWAYS_ON", "AUTO_STOP:60")), created_at=NOW), path)
    assert main(["plan", "show", str(path)]) == 0
    said = capsys.readouterr().out
    assert "and 50 more" in said and "50 changes more; --all shows them" in said
    assert len(said.splitlines()) < 230 and "150 changes" in said
    assert main(["plan", "show", str(path), "--all"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in names) and "more; --all" not in said


def test_times_as_people_write_them_are_taken(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    document["changes"][0] |= {"best_date": "", "apply_by": ""}
    document["changes"][1]["apply_by"] = "2026-04-30T21:30Z"
    changes = read_plan(saved(document, tmp_path)).changes.set_index("workspace_id")
    assert changes.loc[document["changes"][0]["workspace_id"], ["best_date", "apply_by"]].tolist(
        ) == ["", ""]
    assert changes.loc[document["changes"][1]["workspace_id"], "apply_by"] == "2026-04-30T21:30:00Z"
