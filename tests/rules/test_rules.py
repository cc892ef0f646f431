"""Rules of the house: how they are written, for whom they hold, what they leave to choose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.build import workspaces
from wsanalytics.errors import InputError
from wsanalytics.rules.book import RuleBook, read_rules
from wsanalytics.rules.model import Traits
from wsanalytics.settings import Setting

TOML = """
hour-rule = "clock_hour"

[[rules]]
name = "design"
bundle = "wsb-design"
least-timeout = 120

[[rules]]
name = "trading"
tag = { Team = ["Trading", "Risk"] }
least_timeout = 480
never-stop = true

[[rules]]
name = "board"
workspace = ["ws-9", "Ada"]
leave-alone = true
"""
CANDIDATES = ("ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:240")


def fleet() -> pd.DataFrame:
    rows = workspaces("ws-1", "ws-2", "ws-3", "ws-4")
    rows["bundle_id"] = ["wsb-design", "wsb-office", "wsb-office", "wsb-office"]
    rows["user_name"] = ["ada", "bob", "ADA", "eve"]
    rows["tags"] = [json.dumps({"Team": "Trading"}), json.dumps({"Team": "Risk"}), "{}", "{}"]
    return rows


def book() -> RuleBook:
    return RuleBook.of([
        {"name": "design", "bundle": "wsb-design", "least-timeout": 120},
        {"name": "trading", "tag": {"Team": ["Trading", "Risk"]}, "least-timeout": 480,
         "never-stop": True},
        {"name": "board", "workspace": ["ws-9", "Ada"], "leave-alone": True}])


def test_they_are_read_from_the_file_of_options(tmp_path: Path) -> None:
    path = tmp_path / "wsanalytics.toml"
    path.write_text(TOML, encoding="utf-8")
    assert read_rules(path) == book()
    path.write_text('hour-rule = "exact"\n', encoding="utf-8")
    assert len(read_rules(path)) == 0


def test_the_first_that_matches_holds() -> None:
    held = book().holding(fleet())["rule"]
    assert held.to_dict() == {"ws-1": "design", "ws-2": "trading", "ws-3": "board", "ws-4": ""}
    assert set(RuleBook().holding(fleet())["rule"]) == {""}


def test_all_keys_of_a_rule_must_match_and_a_list_means_any_of() -> None:
    rule = RuleBook.of([{
        "name": "x", "tag": ["Team=A", "Team=B", "Site=Oslo"], "directory": ["d-1", "d-2"],
        "compute-type": "Graphics.g4dn", "operating-system": "windows",
        "never-stop": True}]).rules[0]
    right = {"tags": {"Team": "B", "Site": "Oslo"}, "directory_id": "d-2",
             "compute_type": "GRAPHICS_G4DN", "operating_system": "WINDOWS"}
    assert rule.holds_for(Traits(**right))
    for wrong in ({"tags": {"Team": "B"}}, {"directory_id": "d-3"}, {"compute_type": "GRAPHICS"},
                  {"operating_system": "UBUNTU"}):
        assert not rule.holds_for(Traits(**(right | wrong)))


def test_a_bound_without_a_candidate_inside_brings_its_own_value_for_its_own_alone() -> None:
    table = book().allowed(fleet(), CANDIDATES)
    allowed = {name: [str(column) for column in table if row[column]]
               for name, row in table.iterrows()}
    assert allowed == {
        "ws-1": ["ALWAYS_ON", "AUTO_STOP:120", "AUTO_STOP:240"],
        "ws-2": ["ALWAYS_ON", "AUTO_STOP:480"], "ws-3": [], "ws-4": list(CANDIDATES)}


@pytest.mark.parametrize(("effects", "present", "becomes"), [
    ({"least-timeout": 120}, "AUTO_STOP:60", "AUTO_STOP:120"),
    ({"least-timeout": 120}, "AUTO_STOP:480", "AUTO_STOP:480"),
    ({"least-timeout": 480}, "AUTO_STOP:60", "AUTO_STOP:480"),
    ({"least-timeout": 480}, "ALWAYS_ON", "ALWAYS_ON"),
    ({"most-timeout": 120}, "AUTO_STOP:960", "AUTO_STOP:120"),
    ({"never-always-on": True}, "ALWAYS_ON", "AUTO_STOP:60"),
    ({"never-always-on": True, "least-timeout": 120}, "ALWAYS_ON", "AUTO_STOP:120"),
    ({"setting": "ALWAYS_ON"}, "AUTO_STOP:60", "ALWAYS_ON"),
    ({"setting": "AUTO_STOP:300"}, "ALWAYS_ON", "AUTO_STOP:300"),
    ({"leave-alone": True}, "AUTO_STOP:60", "AUTO_STOP:60"),
    ({"never-stop": True}, "AUTO_STOP:60", "AUTO_STOP:60"),
])
def test_a_setting_that_breaks_its_rule_becomes_the_nearest_that_keeps_to_it(
    effects: dict[str, object], present: str, becomes: str
) -> None:
    rules = RuleBook.of([{"name": "all", **effects}])
    found = rules.required(workspaces("ws-1"), pd.Series({"ws-1": present}), CANDIDATES)
    assert found.to_dict() == {"ws-1": becomes}
    rule = rules.rules[0]
    assert bool(rule.against(Setting.parse(present))) == (present != becomes)
    assert not rule.against(Setting.parse(becomes))


def test_what_is_brought_in_is_not_for_others_though_its_own_are_not_there() -> None:
    whole = book().on(fleet(), CANDIDATES)
    assert [str(setting) for setting in whole.brought] == ["AUTO_STOP:480"]
    free = whole.of_rows(np.array([3]))
    assert free.timeouts == whole.timeouts == (60, 120, 240, 480)
    assert not free.may_be("AUTO_STOP:480").any() and free.permits("AUTO_STOP:480").all()


def test_a_rule_overrides_candidates_that_leave_nothing() -> None:
    rules = RuleBook.of([{"name": "all", "never-always-on": True}])
    assert rules.allowed(workspaces("ws-1"), ["ALWAYS_ON"]).loc["ws-1"].to_dict() == {
        "ALWAYS_ON": False, "AUTO_STOP:60": True}


@pytest.mark.parametrize(("text", "words"), [
    ("[[rules]]\nleast-timeout = 120", ["rule 1", "no name"]),
    ('[[rules]]\nname = "a"\nbundle = "b"', ["rule 'a'", "no effect"]),
    ('[[rules]]\nname = "a"\nleast-timeot = 120', ["'least-timeot'", "did you mean least-timeout"]),
    ('[[rules]]\nname = "a"\nleast-timeout = 90', ["90", "multiple of 60"]),
    ('[[rules]]\nname = "a"\nleast-timeout = "120"', ["least-timeout", "without quotes"]),
    ('[[rules]]\nname = "a"\nleast-timeout = true', ["least-timeout is true"]),
    ('[[rules]]\nname = "a"\nmost-timeout = 3000', ["3000", "2880"]),
    ('[[rules]]\nname = "a"\nleast-timeout = 240\nmost-timeout = 120', ["240", "over", "120"]),
    ('[[rules]]\nname = "a"\nsetting = "AUTO_STOP:60"\nleast-timeout = 120', ["under"]),
    ('[[rules]]\nname = "a"\nsetting = "ALWAYS_ON"\nnever-always-on = true', ["beside"]),
    ('[[rules]]\nname = "a"\nsetting = "AUTOSTOP"', ["is not a setting", "rule 'a'"]),
    ('[[rules]]\nname = "a"\nleave-alone = true\nneeds-approval = true', ["beside"]),
    ('[[rules]]\nname = "a"\nnever-stop = 1', ["true or false"]),
    ('[[rules]]\nname = "a"\nmost-cold-starts-per-week = -1', ["-1"]),
    ('[[rules]]\nname = "a"\nnever-stop = true\ntag = "Team"', ["NAME=VALUE"]),
    ('[[rules]]\nname = "a"\nnever-stop = true\nbundle = []', ["bundle is []"]),
    ('[[rules]]\nname = "a"\nnever-stop = true\nnever_stop = true', ["twice"]),
    ('[[rules]]\nname = "a"\nnever-stop = true\n[[rules]]\nname = "A"\nnever-stop = true',
     ["two rules are called"]),
    ('[rules]\nname = "a"', ["[[rules]]"]),
    ("rules = 3", ["[[rules]]"]),
    ("rules = [3]", ["[[rules]]"]),
])
def test_what_is_wrong_with_a_rule_is_one_clear_message(
    text: str, words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "wsanalytics.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_rules(path)
    message = str(caught.value)
    assert str(path) in message and "Rule: " in message and "Fix: " in message
    for word in words:
        assert word in message, message
