"""The collector against the local endpoint: nothing lost, nothing hidden, nobody in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pandas as pd
import pytest

from tests.helpers.endpoints import forget_aws, use_sandbox
from tests.helpers.sandboxes import BoxClock, connected
from wsanalytics.aws.errors import AwsError
from wsanalytics.aws.workspaces import Statuses
from wsanalytics.cli import main
from wsanalytics.collection.collector import Collected, collect
from wsanalytics.collection.samples import as_samples, pace_text, seconds_per_poll
from wsanalytics.errors import InputError
from wsanalytics.history.folder import read_history
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.tables import Source


def look(box: Sandbox, store: Path, **options: object) -> Collected:
    with connected(box) as connections:
        return collect(store, connections=connections, clock=BoxClock(box), **options)


def test_a_look_sees_every_workspace_as_it_is(tmp_path: Path) -> None:
    with Sandbox(workspaces=60, history_days=7, seed=3) as box:
        done = look(box, tmp_path / "store")
        truth = box.workspaces().set_index("workspace_id")
    assert done.complete and done.rounds["samples"].tolist() == [60]
    seen = done.store.inventory().set_index("workspace_id")
    assert seen.index.tolist() == sorted(truth.index)
    for name in ("running_mode", "auto_stop_minutes", "compute_type", "region", "user_name",
                 "maintenance_enabled", "standby", "directory_id", "license", "root_gib"):
        pd.testing.assert_series_equal(seen[name], truth[name].reindex(seen.index),
                                       check_dtype=False)
    assert (seen["tags"] != "{}").any()
    samples = done.store.samples()
    assert set(samples["connection_state"].astype("str")) <= {
        "CONNECTED", "DISCONNECTED", "UNKNOWN"}
    assert samples["sampled_at"].dt.microsecond.eq(0).all()


def test_what_the_status_answer_leaves_out_is_kept_and_marked(tmp_path: Path) -> None:
    with Sandbox(workspaces=60, seed=3, faults=Faults(omit_status_share=0.3)) as box:
        done = look(box, tmp_path / "store")
    samples = done.store.samples()
    assert len(samples) == 60
    left_out = samples[(samples["source"] == Source.NO_STATUS).to_numpy()]
    assert 5 < len(left_out) < 40
    assert (left_out["connection_state"] == "UNKNOWN").all()


@pytest.mark.parametrize("fault", ["cut_share", "html_share", "server_error_share", "reset_share"])
def test_faults_on_the_way_lose_nothing(tmp_path: Path, fault: str) -> None:
    with Sandbox(workspaces=150, history_days=7, seed=3, faults=Faults(**{fault: 0.15})) as box:
        done = look(box, tmp_path / "store")
        assert done.rounds["samples"].tolist() == [150]


def test_answers_that_are_always_cut_are_an_error_and_never_an_empty_fleet(
    tmp_path: Path
) -> None:
    with Sandbox(workspaces=30, faults=Faults(cut_share=1.0)) as box, pytest.raises(AwsError):
        look(box, tmp_path / "store")


def test_empty_first_pages_are_followed(tmp_path: Path) -> None:
    with Sandbox(workspaces=60, history_days=7, faults=Faults(empty_first_page=True)) as box:
        assert look(box, tmp_path / "store").rounds["samples"].tolist() == [60]


def test_the_pace_stays_under_the_limit(tmp_path: Path) -> None:
    """Ten times as fast as AWS on both sides: not one call of 80 is refused."""
    with (
        Sandbox(workspaces=1000, history_days=7, seed=3, throttle=(20.0, 5)) as box,
        connected(box, pace=(19.5, 4)) as connections,
    ):
        done = collect(tmp_path / "store", connections=connections)
        assert done.rounds["samples"].tolist() == [1000]
        assert box.throttled == 0


def test_a_denied_region_is_a_row_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    regions = ("us-east-1", "eu-west-1")
    with (
        Sandbox(workspaces=40, history_days=7, regions=regions,
                faults=Faults(denied_regions=("eu-west-1",))) as box,
        connected(box, regions=regions) as connections,
    ):
        done = collect(tmp_path / "store", connections=connections)
    rows = done.rounds.set_index("region")
    assert rows.loc["us-east-1", "samples"] == 20
    assert rows.loc["eu-west-1", "outcome"] == "refused"
    assert "AccessDenied" in rows.loc["eu-west-1", "message"] or (
        "not allowed" in rows.loc["eu-west-1", "message"])
    assert not done.complete


def test_several_accounts_are_looked_at_side_by_side(tmp_path: Path) -> None:
    accounts = ("111122223333", "444455556666")
    roles = tuple(f"arn:aws:iam::{one}:role/reader" for one in accounts)
    with Sandbox(workspaces=30, history_days=7, accounts=accounts) as box:
        with connected(box, role_arns=roles) as connections:
            done = collect(tmp_path / "store", connections=connections)
        truth = box.workspaces()
    assert sorted(done.rounds["account_id"]) == list(accounts)
    assert done.store.inventory()["workspace_id"].tolist() == sorted(truth["workspace_id"])
    assert set(done.store.inventory()["account_id"]) == set(accounts)


def test_newcomers_and_those_that_are_gone_are_noticed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Sandbox(workspaces=20, history_days=7, seed=2) as box:
        box.clock.speed = 0
        look(box, store)
        before = box.workspaces()
        box.clock.step(timedelta(minutes=5))
        aws = boto3.client("workspaces", endpoint_url=box.url, region_name="us-east-1",
                           aws_access_key_id="a", aws_secret_access_key="b")
        gone = before["workspace_id"][3]
        aws.terminate_workspaces(TerminateWorkspaceRequests=[{"WorkspaceId": gone}])
        like = before.iloc[0]
        made = aws.create_workspaces(Workspaces=[{
            "DirectoryId": like["directory_id"], "UserName": "new.comer",
            "BundleId": like["bundle_id"], "WorkspaceProperties": {
                "RunningMode": "AUTO_STOP", "RunningModeAutoStopTimeoutInMinutes": 120},
        }])["PendingRequests"]
        changed = before[(before["running_mode"] == "ALWAYS_ON")
                         & (before["workspace_id"] != gone)]["workspace_id"].iloc[0]
        aws.modify_workspace_properties(
            WorkspaceId=changed, WorkspaceProperties={"RunningMode": "AUTO_STOP"})
        aws.close()
        box.clock.step(timedelta(minutes=30))
        done = look(box, store)
        now = box.clock.now()
    assert done.rounds["workspaces"].tolist() == [20]
    seen = done.store.inventory().set_index("workspace_id")
    assert len(seen) == 21
    assert abs(seen.loc[gone, "terminated_at"] - now) < timedelta(minutes=1)
    newcomer = made[0]["WorkspaceId"]
    assert abs(seen.loc[newcomer, "created_at"] - now) < timedelta(minutes=1)
    assert seen["created_at"].notna().sum() == 1
    settings = done.store.settings()
    assert settings.loc[settings["workspace_id"] == changed, "setting"].tolist() == [
        "ALWAYS_ON", "AUTO_STOP:60"]


def test_denied_tags_do_not_stop_a_look(tmp_path: Path) -> None:
    with Sandbox(workspaces=20, faults=Faults(denied_actions=("tag:GetResources",))) as box:
        done = look(box, tmp_path / "store")
    assert done.rounds["samples"].tolist() == [20]
    assert done.rounds["outcome"].tolist() == ["done in part"]
    assert "tag:GetResources" in done.rounds["message"].item()


def test_what_was_known_is_kept_while_tags_and_directories_are_denied(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Sandbox(workspaces=40, history_days=7, seed=3) as box:
        look(box, store)
        before = look(box, store).store.inventory()
        box.faults = Faults(denied_actions=(
            "tag:GetResources", "workspaces:DescribeWorkspaceDirectories"))
        after = look(box, store).store.inventory()
    assert before["maintenance_enabled"].any() and (before["tags"] != "{}").any()
    pd.testing.assert_frame_equal(after, before)


def test_a_look_narrowed_to_a_directory_makes_nobody_else_a_newcomer(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Sandbox(workspaces=40, history_days=7, seed=3) as box:
        directory = box.workspaces()["directory_id"].iloc[0]
        narrowed = look(box, store, directories=[directory])
        assert 0 < narrowed.rounds["workspaces"].item() < 40
        inventory = look(box, store).store.inventory()
        assert len(inventory) == 40 and inventory["created_at"].isna().all()
        again = look(box, store, directories=[directory]).store.inventory()
        assert again["terminated_at"].isna().all()
        with pytest.raises(InputError, match="no such directory"):
            look(box, store, directories=["d-9000000000"])
        with pytest.raises(InputError, match="no id of a directory"):
            look(box, store, directories=["d-nope"])


def test_an_old_check_of_one_workspace_misdates_nobody() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    old = {"WorkspaceId": "ws-a", "ConnectionState": "DISCONNECTED",
           "ConnectionStateCheckTimestamp": now - timedelta(days=1)}
    ahead = old | {"ConnectionStateCheckTimestamp": now + timedelta(hours=2)}
    for status, checked in ((old, now - timedelta(days=1)), (ahead, now)):
        samples = as_samples([Statuses(now, ["ws-a", "ws-b"], [status]),
                              Statuses(now, ["ws-c"], [])], {})
        assert (samples["sampled_at"] == now).all()
        assert samples["checked_at"].tolist() == [checked, now, now]


def test_where_this_computers_clock_is_off_the_date_of_the_answer_counts() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for off, expected in ((7200, now + timedelta(hours=2)), (-7200, now - timedelta(hours=2)),
                          (60, now)):
        answer = Statuses(now, ["ws-a"], [], now + timedelta(seconds=off))
        assert (as_samples([answer], {})["sampled_at"] == expected).all()


def test_what_was_refused_altogether_leaves_no_store_behind(tmp_path: Path) -> None:
    with (
        Sandbox(workspaces=5, faults=Faults(denied_regions=("us-east-1",))) as box,
        connected(box) as connections,
        pytest.raises(AwsError),
    ):
        collect(tmp_path / "store", connections=connections)
    assert not (tmp_path / "store").exists()


def test_a_damaged_day_does_not_end_the_looking(tmp_path: Path) -> None:
    store, said = tmp_path / "store", []
    with Sandbox(workspaces=10) as box:
        look(box, store)
        day = store / "samples" / "day=2026-01-01"
        day.mkdir()
        for name in ("one", "two"):
            (day / f"{name}.parquet").write_bytes(b"PAR1")
        with connected(box) as connections:
            done = collect(store, connections=connections, every=timedelta(seconds=0.2), rounds=3,
                           log=said.append)
    assert len(done.rounds) == 3 and done.complete
    assert any("not compacted" in text and "2026-01-01" in text for text in said)


def test_ctrl_c_ends_a_look_whose_endpoint_hangs(tmp_path: Path) -> None:
    store, hangs = tmp_path / "store", Faults(timeout_share=1.0, timeout_seconds=50)
    with (
        Sandbox(workspaces=60) as box,
        run(box, "collect", "--store", str(store), "--every", "1s") as process,
    ):
        deadline = time.monotonic() + 60
        while not list(store.rglob("day=*/*.parquet")) and time.monotonic() < deadline:
            time.sleep(0.1)
        box.faults = hangs
        time.sleep(2.5)  # a look has begun that gets no answer
        process.send_signal(signal.SIGTERM)
        try:
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_a_clock_that_is_wrong_is_set_right_by_aws(tmp_path: Path) -> None:
    with Sandbox(workspaces=20) as box:
        box.clock.step(timedelta(hours=5))
        with connected(box) as connections:
            done = collect(tmp_path / "store", connections=connections)
        off = (done.store.samples()["sampled_at"] - box.clock.now()).abs().max()
    assert off < timedelta(minutes=1)


def test_it_tells_before_how_long_a_look_takes(tmp_path: Path) -> None:
    said: list[str] = []
    with Sandbox(workspaces=60) as box:
        look(box, tmp_path / "store", log=said.append)
    assert said == [pace_text("111122223333 us-east-1", 60)]
    assert seconds_per_poll(100) < 3
    assert "every 8 min" in pace_text("x", 10_000)
    assert "more often than that" in pace_text("x", 10_000, timedelta(minutes=5))


def run(box: Sandbox, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "wsanalytics", *arguments], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=os.environ | box.environment(), start_new_session=True)


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_it_looks_every_so_often_until_it_is_ended(tmp_path: Path, ended_by: int) -> None:
    store = tmp_path / "store"
    with (
        Sandbox(workspaces=20) as box,
        run(box, "collect", "--store", str(store), "--every", "1s") as process,
    ):
        deadline = time.monotonic() + 60
        while len(list(store.rglob("day=*/*.parquet"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(ended_by)
        try:
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert "done" in out and "Traceback" not in err
    assert len(read_history(store).samples) >= 40


@pytest.mark.usefixtures("undrawn")
def test_the_command_line_collects_backfills_and_goes_on_from_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "store")
    with Sandbox(workspaces=12, seed=9) as box:
        use_sandbox(monkeypatch, box)
        assert main(["collect", "--store", store, "--once"]) == 0
        assert "12 samples added" in capsys.readouterr().err
        assert main(["backfill", "--store", store, "--days", "30"]) == 0
        said = capsys.readouterr().err
        assert "which AWS charges with less than $0.01" in said
    for arguments in (
        ["sessions", "--store", store, "--output", str(tmp_path / "s.csv")],
        ["simulate", "--store", store, "--setting", "ALWAYS_ON", "--output",
         str(tmp_path / "c.csv")],
        ["recommend", "--store", store, "--output", str(tmp_path / "plan.json")],
        ["report", "--store", store, "--output", str(tmp_path / "report.html")],
    ):
        assert main(arguments) == 0, capsys.readouterr().err
    assert len(pd.read_csv(tmp_path / "s.csv")) > 20
    capsys.readouterr()
    assert main(["report", "--store", store, "--sessions", "x.csv", "--output",
                 str(tmp_path / "r.html")]) == 2
    assert "both a store and files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (Faults(expired=True), "expired"),
        (Faults(denied_actions=("workspaces:DescribeWorkspaces",)),
         "workspaces:DescribeWorkspaces"),
    ],
)
def test_what_aws_refuses_altogether_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    faults: Faults, words: str,
) -> None:
    with Sandbox(workspaces=12, faults=faults) as box:
        use_sandbox(monkeypatch, box)
        assert main(["collect", "--store", str(tmp_path / "store"), "--once"]) == 2
    captured = capsys.readouterr()
    assert words in captured.err and "Fix:" in captured.err
    assert "Traceback" not in captured.err


def test_without_credentials_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_aws(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert main(["collect", "--store", str(tmp_path / "store"), "--once"]) == 2
    assert "credentials" in capsys.readouterr().err
    assert main(["collect", "--store", str(tmp_path / "store"), "--region", "eu-wst-1"]) == 2
    assert "eu-west-1" in capsys.readouterr().err
