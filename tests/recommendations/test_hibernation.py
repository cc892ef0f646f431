"""What cannot hibernate loses open programs when it stops: that is said, and not proposed."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

from tests.helpers.build import sample
from wsanalytics.hibernation import hibernates
from wsanalytics.prices.book import load_prices
from wsanalytics.recommendations.analysis import Analysis, analyse
from wsanalytics.rules.book import RuleBook
from wsanalytics.sessions.from_store import found_in

LARGE = "GENERALPURPOSE_8XLARGE"


def analysed(**limits: object) -> Analysis:
    """The sample fleet, in which some unused ALWAYS_ON WorkSpaces have graphics hardware."""
    history = sample()
    found, fleet = found_in(history), history.workspaces.copy()
    is_unused = ~fleet["workspace_id"].isin(found.sessions["workspace_id"])
    wide = is_unused & (fleet["running_mode"] == "ALWAYS_ON") & (
        fleet["operating_system"] == "WINDOWS") & (fleet["license"] == "included")
    fleet.loc[wide, ["compute_type", "root_gib", "user_gib"]] = ["GRAPHICS_G4DN", 100, 100]
    assert wide.sum() > 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some WorkSpaces are not billed
        return analyse(found.sessions, fleet, window=history.window, prices=load_prices(),
                       gaps=found.gaps, commands=found.commands, settings=history.settings,
                       **limits)


def of_graphics(of: Analysis) -> pd.DataFrame:
    keeps = of.workspaces.set_index("workspace_id")["compute_type"].map(hibernates)
    frame = of.plan.recommendations
    return frame[~frame["workspace_id"].map(keeps).astype(bool)]


@pytest.mark.parametrize(("compute_type", "keeps"), [
    ("STANDARD", True), ("GENERALPURPOSE_4XLARGE", False), (LARGE, False), ("POWERPRO", True),
    ("GRAPHICS", False), ("GRAPHICSPRO_G4DN", False), ("GRAPHICS_G6_XLARGE", False),
    ("GRAPHICS_GR6_4XLARGE", False), ("GRAPHICS_G6F_LARGE", False)])
def test_which_hardware_hibernates(compute_type: str, *, keeps: bool) -> None:
    assert hibernates(compute_type) == keeps


def test_such_a_change_is_left_alone_unless_it_is_allowed() -> None:
    careful, bold = of_graphics(analysed()), of_graphics(analysed(allow_losing_open_programs=True))
    stops = bold[(bold["from_setting"] == "ALWAYS_ON") & (bold["action"] == "change")]
    assert len(stops) > 1
    assert stops["reason"].str.contains(
        "does not hibernate: when it stops, open programs and unsaved work are lost").all()
    kept = careful.set_index("workspace_id").loc[stops["workspace_id"]]
    assert (kept["action"] == "leave alone").all()
    assert kept["reason"].str.contains("--allow-losing-open-programs, or a rule").all()
    plan = analysed().plan
    assert (plan.kinds_left_alone == "that would lose open programs").sum() >= len(kept)
    # To ALWAYS_ON, or to a longer timeout, nothing is lost.
    longer = bold[(bold["to_setting"] == "ALWAYS_ON")]
    assert not longer["reason"].str.contains("hibernate").any()


def test_a_rule_allows_it_for_its_own() -> None:
    book = RuleBook.of([{"name": "render farm", "compute-type": "Graphics.g4dn",
                         "allow-losing-open-programs": True}])
    rows = of_graphics(analysed(rules=book))
    changed = rows[(rows["action"] == "change") & (rows["from_setting"] == "ALWAYS_ON")]
    assert len(changed) > 1 and changed["reason"].str.contains("are lost").all()


def test_a_rule_that_demands_a_stop_must_allow_it_as_well() -> None:
    never = {"name": "hourly", "never-always-on": True}
    kept = of_graphics(analysed(rules=RuleBook.of([never])))
    told = kept[kept["reason"].str.contains("hibernate")]
    assert len(told) > 1 and (told["action"] == "leave alone").all()
    assert told["reason"].str.startswith("By the rule 'hourly': ").all()
    made = of_graphics(analysed(rules=RuleBook.of([never | {"allow-losing-open-programs": True}])))
    assert (made["from_setting"] + made["action"] != "ALWAYS_ONleave alone").sum() > len(made) / 2
