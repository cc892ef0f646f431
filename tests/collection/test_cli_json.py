"""What the AWS CLI prints is a table of WorkSpaces, and a table of samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tables.test_bad_input import SESSIONS
from wsanalytics.cli import main
from wsanalytics.collection import described_samples, described_workspaces
from wsanalytics.errors import InputError, Notice
from wsanalytics.history import read_sessions
from wsanalytics.recommendations.plan_file import read_plan

Capture = pytest.CaptureFixture[str]
ADA: dict[str, Any] = {
    "WorkspaceId": "ws-1", "DirectoryId": "d-906734a1b2", "UserName": "ada", "BundleId": "wsb-1",
    "State": "AVAILABLE", "ComputerName": "WSAMZN-1", "VolumeEncryptionKey": "alias/aws/workspaces",
    "WorkspaceProperties": {
        "RunningMode": "ALWAYS_ON", "RootVolumeSizeGib": 80, "UserVolumeSizeGib": 50,
        "ComputeTypeName": "STANDARD", "OperatingSystemName": "WINDOWS_SERVER_2022"}}
BEN: dict[str, Any] = {
    "WorkspaceId": "ws-2", "UserName": "ben", "State": "STOPPED", "WorkspaceProperties": {
        "RunningMode": "AUTO_STOP", "RunningModeAutoStopTimeoutInMinutes": 120,
        "ComputeTypeName": "VALUE"}}
IS_ON = {"WorkspaceId": "ws-1", "ConnectionState": "CONNECTED",
         "ConnectionStateCheckTimestamp": "2026-03-02T10:00:00.123000+01:00",
         "LastKnownUserConnectionTimestamp": "2026-03-02T09:55:00+01:00"}
IS_OFF = {"WorkspaceId": "ws-1", "ConnectionState": "DISCONNECTED",
          "ConnectionStateCheckTimestamp": 1772442600.5,
          "LastKnownUserConnectionTimestamp": "0001-01-01T00:00:00Z"}
WITHOUT = {"WorkspaceId": "ws-3", "ConnectionState": "UNKNOWN"}


@pytest.fixture(autouse=True)
def no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


def written(folder: Path, *documents: object, name: str = "aws.json") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(document, indent=4) for document in documents))
    return path


@pytest.mark.parametrize("documents", [
    [{"Workspaces": [ADA, BEN]}], [[ADA, BEN]], [ADA, BEN],
    [{"Workspaces": [ADA], "NextToken": "x"}, {"Workspaces": [BEN]}],
    [[{"Workspaces": [ADA]}, {"Workspaces": [ADA, BEN]}]],
], ids=["an answer", "a bare list", "single ones", "pages", "a list of pages"])
def test_descriptions_of_every_form_are_the_same_table(
    tmp_path: Path, documents: list[object]
) -> None:
    with pytest.warns(Notice, match="tags, maintenance mode and licences are not in what"):
        table = described_workspaces(written(tmp_path, *documents), "eu-west-1")
    rows = table.set_index("workspace_id")
    assert list(rows.index) == ["ws-1", "ws-2"]
    assert rows.loc["ws-1", ["region", "compute_type", "running_mode", "user_name", "directory_id",
                             "root_gib", "operating_system", "tags"]].tolist() == [
        "eu-west-1", "STANDARD", "ALWAYS_ON", "ada", "d-906734a1b2", 80, "WINDOWS_SERVER_2022",
        "{}"]
    assert rows.loc["ws-2", ["running_mode", "auto_stop_minutes", "state"]].tolist() == [
        "AUTO_STOP", 120, "STOPPED"]


def test_what_powershell_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "aws.json").write_text(json.dumps({"Workspaces": [ADA]}), encoding="utf-16")
    with pytest.warns(Notice):
        assert len(described_workspaces(tmp_path / "aws.json", "eu-west-1")) == 1


def test_the_region_is_given_or_that_of_a_key_or_of_boto3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, [ADA])
    with pytest.raises(InputError, match="Fix: give for example --workspaces-region eu-west-1"):
        described_workspaces(path)
    with pytest.raises(InputError, match="there are no WorkSpaces in a region 'mars-1'"):
        described_workspaces(path, "mars-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    with pytest.warns(Notice, match="region us-west-2"):
        assert described_workspaces(path)["region"].tolist() == ["us-west-2"]
    key = ADA | {"VolumeEncryptionKey": "arn:aws:kms:eu-west-1:111122223333:key/1"}
    with pytest.warns(Notice, match="region eu-west-1"):
        table = described_workspaces(written(tmp_path, [key, BEN]))
    assert set(table["region"]) == {"eu-west-1"} and set(table["account_id"]) == {"111122223333"}


@pytest.mark.parametrize(("documents", "words"), [
    ([{"WorkspacesConnectionStatus": [IS_ON]}], "give it as --samples"),
    ([{"Reservations": []}], "it has no Workspaces: it has Reservations"),
    ([{"Workspaces": "many"}], "Workspaces is no list"),
    ([{"Workspaces": []}], "it has no entries"),
    ([[{"Id": "ws-1"}]], "none of its 1 entries has a WorkspaceId"),
    ([[ADA, ADA | {"UserName": "eve"}]], "ws-1 is described twice, and not alike"),
    ([7], "it holds no object"), ([None], "it holds no object"),
])
def test_other_json_is_refused_with_what_it_is(
    tmp_path: Path, documents: list[object], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        described_workspaces(written(tmp_path, *documents), "eu-west-1")
    assert words in str(caught.value) and "aws.json" in str(caught.value)
    assert "Rule: " in str(caught.value) and "Fix: " in str(caught.value)


@pytest.mark.parametrize(("raw", "words"), [
    (b"", "the file is empty"), (b'{"Workspaces": [', "cannot be read as JSON"),
    (b"\xff\xfe\x00", "cannot be read as JSON"), (b"[" * 100_000, "cannot be read as JSON"),
    (b'{"Workspaces": [{"WorkspaceId": NaN}]}', "NaN is no number"),
    (b'{"Workspaces": [{"WorkspaceId": "ws-1", "UserName": "\\ud800"}]}', "surrogates"),
    (b"WORKSPACES\td-1\tws-1", "cannot be read as JSON"),
])
def test_what_is_no_json_is_refused(tmp_path: Path, raw: bytes, words: str) -> None:
    (tmp_path / "aws.json").write_bytes(raw)
    with pytest.raises(InputError, match=words):
        described_workspaces(tmp_path / "aws.json", "eu-west-1")


def test_odd_members_are_left_empty_and_unknown_values_kept(tmp_path: Path) -> None:
    odd = {"WorkspaceId": "ws-9", "WorkspaceProperties": {"RunningMode": "HOURLY",
           "RootVolumeSizeGib": "big", "ComputeTypeName": 7}, "UserName": None, "Tags": 3}
    path = written(tmp_path, [odd, {"UserName": "nobody"}])
    with pytest.warns(Notice, match="licences"), pytest.warns(
            Notice, match="1 of its 2 entries have no WorkspaceId and are left out"):
        row = described_workspaces(path, "eu-west-1").iloc[0]
    assert row[["running_mode", "compute_type", "user_name"]].tolist() == ["HOURLY", "UNKNOWN", ""]


def test_statuses_are_samples_of_when_aws_checked(tmp_path: Path) -> None:
    path = written(tmp_path, {"WorkspacesConnectionStatus": [IS_ON, WITHOUT]},
                   {"WorkspacesConnectionStatus": [IS_OFF, IS_ON]})
    words = "2 samples from 1 file.*1 without that time are left out"
    with pytest.warns(Notice, match=words) as said:
        samples = described_samples(path)
    assert len(said) == 1
    assert [str(at) for at in samples["sampled_at"]] == [
        "2026-03-02 09:00:00+00:00", "2026-03-02 09:10:00+00:00"]
    assert samples["sampled_at"].equals(samples["checked_at"])
    assert samples["connection_state"].tolist() == ["CONNECTED", "DISCONNECTED"]
    assert str(samples["last_connected_at"][0]) == "2026-03-02 08:55:00+00:00"
    assert samples["last_connected_at"].isna().tolist() == [False, True]


def test_a_folder_of_statuses_becomes_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "polls").mkdir()
    for name, status in (("1", IS_ON), ("2", IS_OFF)):
        written(tmp_path / "polls", {"WorkspacesConnectionStatus": [status]}, name=f"{name}.json")
    assert main(["sessions", "--samples", "polls", "--output", "sessions.csv"]) == 0
    (session,) = read_sessions(tmp_path / "sessions.csv").to_dict("records")
    assert session["workspace_id"] == "ws-1"
    assert str(session["connected_at"]) == "2026-03-02 09:00:00+00:00"


@pytest.mark.parametrize("change", [
    {"ConnectionStateCheckTimestamp": "2026-03-02T10:00:00"},
    {"LastKnownUserConnectionTimestamp": "last week"},
])
def test_times_that_are_none_are_named(tmp_path: Path, change: dict[str, str]) -> None:
    path = written(tmp_path, [IS_ON | change, IS_OFF | change])
    (name, value), = change.items()
    with pytest.raises(InputError) as caught:
        described_samples(path)
    assert len(caught.value.faults) == 2
    assert f"1) {name} of ws-1 is {value!r}" in str(caught.value)


def test_a_time_at_the_end_of_all_time_is_none(tmp_path: Path) -> None:
    late = IS_ON | {"LastKnownUserConnectionTimestamp": "9999-12-31T23:59:59-14:00"}
    with pytest.warns(Notice):
        assert described_samples(written(tmp_path, [late]))["last_connected_at"].isna().all()


def test_statuses_without_any_check_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of its 1 statuses says when AWS checked"):
        described_samples(written(tmp_path, [WITHOUT]))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match=r"there is no \.json file in it"):
        described_samples(tmp_path / "nothing")


def test_a_plan_from_the_json_is_that_of_the_table(folder: Path, capsys: Capture) -> None:
    text = SESSIONS.splitlines()[0] + "".join(
        f"\nws-1,2026-03-{day:02}T09:00:00Z,2026-03-{day:02}T10:00:00Z" for day in range(1, 29))
    (folder / "sessions.csv").write_text(text + "\n")
    written(folder, {"Workspaces": [ADA, BEN]}, name="w.json")
    argv = ["recommend", "--sessions", "sessions.csv", "--start", "2026-03-01", "--end",
            "2026-03-29"]
    assert main([*argv, "--workspaces", "w.json", "--workspaces-region", "us-east-1", "--output",
                 "from-json.json"]) == 0
    said = capsys.readouterr().err
    assert "license              included                 2 WorkSpaces" in said
    (folder / "w.csv").write_text(
        "workspace_id,compute_type,running_mode,auto_stop_minutes,root_gib,user_gib\n"
        "ws-1,STANDARD,ALWAYS_ON,,80,50\nws-2,VALUE,AUTO_STOP,120,,\n")
    assert main([*argv, "--workspaces", "w.csv", "--workspaces-region", "us-east-1", "--output",
                 "from-csv.json"]) == 0
    one, other = (read_plan(folder / f"from-{kind}.json") for kind in ("json", "csv"))
    assert one.changes["to_setting"].tolist() == ["AUTO_STOP:60"]
    assert one.changes["saving_usd_per_month"].tolist() == other.changes[
        "saving_usd_per_month"].tolist()
    assert main(["explain", "ada", *argv[1:], "--workspaces", "w.json", "--workspaces-region",
                 "us-east-1"]) == 0
    assert "WorkSpace ws-1" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_a_region_is_given_once(capsys: Capture) -> None:
    argv = ["simulate", "--sessions", "sessions.csv", "--workspaces", "workspaces.csv",
            "--setting", "ALWAYS_ON", "--output", "c.csv", "--workspaces-region", "us-east-1"]
    assert main(argv) == 2
    assert "workspaces.csv has a column region" in capsys.readouterr().err
