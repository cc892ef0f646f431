"""What new WorkSpaces get, from how comparable WorkSpaces are used; and creating them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.helpers.fakes import RETRY, FakeFleet
from tests.helpers.sandboxes import QUICK, all_workspaces, connected, frozen
from wsanalytics.actions.create import create_workspaces
from wsanalytics.actions.journal import read_journal
from wsanalytics.actions.run import RunOptions
from wsanalytics.aws.writer import Answer, Writer
from wsanalytics.errors import InputError
from wsanalytics.recommendations.new_workspaces import (
    NewWorkspaces,
    creation_properties,
    creation_request,
    priced_as,
)
from wsanalytics.sandbox.faults import Faults
from wsanalytics.service_model import refuse_invalid_request
from wsanalytics.settings import ALWAYS_ON, auto_stop

TERMS = RunOptions(limit=None, retry=QUICK)


def comparison(costs: dict[str, list[float]], waits: dict[str, float]) -> pd.DataFrame:
    rows = [{"workspace_id": f"ws-{place}", "setting": setting, "usd_per_month": usd,
             "cold_starts_per_week": waits[setting], "observed_days": 60.0}
            for setting, values in costs.items() for place, usd in enumerate(values)]
    return pd.DataFrame(rows)


LIGHT = comparison({"ALWAYS_ON": [35] * 6, "AUTO_STOP:60": [12, 14, 20, 16, 11, 60],
                    "AUTO_STOP:120": [14, 16, 23, 18, 13, 70]},
                   {"ALWAYS_ON": 0, "AUTO_STOP:60": 5, "AUTO_STOP:120": 3})


def test_the_cheapest_on_average_is_chosen_and_how_sure_that_is() -> None:
    found = creation_properties(LIGHT)
    assert found.setting == auto_stop(60)
    assert found.properties == {"RunningMode": "AUTO_STOP",
                                "RunningModeAutoStopTimeoutInMinutes": 60}
    row = found.table.set_index("setting").loc["AUTO_STOP:60"]
    assert row["usd_per_month"] == pytest.approx(133 / 6)
    assert row["usd_low"] < row["usd_per_month"] < row["usd_high"]
    assert row["best_for"] == pytest.approx(5 / 6)
    assert 0.7 < found.chance < 1
    assert found.workspaces == 6
    assert "6 comparable WorkSpaces" in str(found)
    assert "<table>" in found._repr_html_()


def test_limits_and_candidates_hold() -> None:
    assert creation_properties(LIGHT, max_cold_starts_per_week=3).setting == auto_stop(120)
    assert creation_properties(LIGHT, max_cold_starts_per_week=1).properties == {
        "RunningMode": "ALWAYS_ON"}
    assert creation_properties(LIGHT, candidates=["ALWAYS_ON"]).setting == ALWAYS_ON
    with pytest.raises(InputError, match="more than 1 cold starts"):
        creation_properties(LIGHT, candidates=[auto_stop(60)], max_cold_starts_per_week=1)
    few = LIGHT[LIGHT["workspace_id"].isin(["ws-0", "ws-1"])]
    young = LIGHT.assign(observed_days=5.0)
    unpriced = LIGHT.assign(usd_per_month=np.nan)
    for frame in (few, young, unpriced):
        with pytest.raises(InputError, match="comparable WorkSpace"):
            creation_properties(frame)


FLEET = pd.DataFrame({
    "workspace_id": ["ws-1", "ws-2", "ws-3"], "directory_id": ["d-906734a1b2"] * 2 + ["d-1"],
    "bundle_id": ["wsb-0zsvgp8fc", "wsb-bh8rsxt14", "wsb-bh8rsxt14"],
    "region": "us-east-1", "compute_type": ["POWER", "STANDARD", "STANDARD"],
    "operating_system": "WINDOWS", "license": "included", "root_gib": [175, 80, 80],
    "user_gib": [100, 50, 50]})


def for_new_users() -> NewWorkspaces:
    return creation_properties(LIGHT)


def test_the_request_is_valid_by_awss_model() -> None:
    request = creation_request(for_new_users(), FLEET, ["ada", "bob"])
    assert [one["UserName"] for one in request["Workspaces"]] == ["ada", "bob"]
    assert request["Workspaces"][0] | {"UserName": ""} == {
        "UserName": "", "DirectoryId": "d-906734a1b2", "BundleId": "wsb-bh8rsxt14",
        "WorkspaceProperties": for_new_users().properties}
    refuse_invalid_request("workspaces", "CreateWorkspaces", request)
    assert creation_request(for_new_users(), FLEET)["Workspaces"][0]["UserName"] == "USER_NAME"
    many = [f"user-{place}" for place in range(60)]
    assert len(creation_request(for_new_users(), FLEET, many)["Workspaces"]) == 60


@pytest.mark.parametrize(("more", "words"), [
    ({"users": ["ada", "ada"]}, "named twice"), ({"users": [""]}, "UserName"),
    ({"users": ["x" * 64]}, "its size is 64"), ({"bundle_id": "nonsense"}, "BundleId"),
    ({"directory_id": "nonsense"}, "DirectoryId"),
])
def test_what_awss_model_refuses_is_refused(more: dict[str, Any], words: str) -> None:
    users = more.pop("users", ["ada"])
    with pytest.raises(InputError, match=words):
        creation_request(for_new_users(), FLEET, users, **more)


def test_the_model_says_what_is_wrong() -> None:
    good = creation_request(for_new_users(), FLEET, ["ada"])
    one = good["Workspaces"][0]
    for bad, words in (
        ({"Workspaces": []}, "size is 0"), ({}, "it is missing"),
        ({"Workspaces": [one | {"Nonsense": 1}]}, "no such member"),
        ({"Workspaces": [one | {"WorkspaceProperties": {"RunningMode": "OFF"}}]}, "OFF"),
        ({"Workspaces": [one | {"UserName": 7}]}, "wants a string"),
        ({"Workspaces": [one] * 26}, "size is 26"),
    ):
        with pytest.raises(InputError, match=words):
            refuse_invalid_request("workspaces", "CreateWorkspaces", bad)


def test_comparable_ones_are_priced_as_what_the_new_one_gets() -> None:
    priced = priced_as(FLEET, "wsb-bh8rsxt14")
    assert set(priced["compute_type"]) == {"STANDARD"}
    assert set(priced["root_gib"]) == {80}
    assert priced["bundle_id"].tolist() == FLEET["bundle_id"].tolist()
    assert priced_as(FLEET, "wsb-000000000") is FLEET


def requests(box: Any, names: list[str], setting: dict[str, Any]) -> list[dict[str, Any]]:
    row = box.workspaces().query("license == 'included'").iloc[0]
    return [{"UserName": name, "DirectoryId": row["directory_id"], "BundleId": row["bundle_id"],
             "WorkspaceProperties": setting} for name in names]


def test_they_are_created_once_whatever_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = {"RunningMode": "AUTO_STOP", "RunningModeAutoStopTimeoutInMinutes": 120}
    with frozen(workspaces=20) as (box, clients), connected(box) as (opened, _):
        writer, journal = Writer(opened[0]), tmp_path / "c.jsonl"
        wanted = requests(box, [f"new-{place}" for place in range(30)], setting)
        dry = create_workspaces(wanted, writer, options=TERMS)
        assert (dry["outcome"] == "would be done").all()
        assert box.calls["workspaces", "CreateWorkspaces"] == 0
        assert not journal.exists()
        faults = [Faults(html_share=1.0), Faults(server_error_share=1.0), Faults(cut_share=1.0)]
        real = writer.create

        def create(*more: Any) -> Answer:
            box.faults = faults.pop() if faults else Faults()
            try:
                return real(*more)
            finally:
                box.faults = Faults()

        monkeypatch.setattr(writer, "create", create)
        frame = create_workspaces(wanted, writer, dry_run=False, journal=journal, options=TERMS)
        assert not faults
        assert (frame["outcome"] == "done").all()
        there = {one["UserName"]: one for one in all_workspaces(clients("workspaces"))}
        made = [there[one["UserName"]] for one in wanted]
        assert len(there) == 50
        assert all(one["WorkspaceProperties"]["RunningModeAutoStopTimeoutInMinutes"] == 120
                   for one in made)
        assert set(frame["workspace_id"]) == {one["WorkspaceId"] for one in made}
        again = create_workspaces(wanted, writer, dry_run=False, journal=journal, options=TERMS)
        assert (again["outcome"] == "skipped").all()
        assert again["message"].str.contains("already").all()
        kinds = [one["event"] for one in read_journal(journal)]
        assert kinds.count("call") == kinds.count("answer")


def test_what_aws_refuses_is_told_row_by_row(tmp_path: Path) -> None:
    box = FakeFleet(10)
    writer = box.writer()
    good, bad = requests(box, ["new-1", "new-2"], {"RunningMode": "ALWAYS_ON"})
    bad["BundleId"] = "wsb-000000000"
    frame = create_workspaces(
        [good, bad], writer, dry_run=False, journal=tmp_path / "c.jsonl",
        options=RunOptions(limit=None, retry=RETRY)).set_index("user_name")
    assert frame["outcome"].to_dict() == {"new-1": "done", "new-2": "failed"}
    assert "ResourceNotFound.Bundle" in frame.loc["new-2", "message"]
    limited = create_workspaces(
        requests(box, ["a", "b", "c"], {"RunningMode": "ALWAYS_ON"}), writer,
        options=RunOptions(limit=2))
    assert limited["outcome"].tolist() == ["would be done"] * 2 + ["left for the next run"]
    with pytest.raises(InputError, match="no journal"):
        create_workspaces([good], writer, dry_run=False)
    assert json.dumps(good)
