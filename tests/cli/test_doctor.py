"""The commands ``doctor`` and ``iam-policy``, against the local AWS endpoint."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.endpoints import forget_aws, use_sandbox
from wsanalytics.aws.connect import connect
from wsanalytics.aws.errors import AwsError
from wsanalytics.cli import doctor_checks
from wsanalytics.cli.commands import prices
from wsanalytics.cli.commands.doctor import doctor, iam_policy
from wsanalytics.cli.options import REPORTED, AccountOptions
from wsanalytics.cli.permissions import actions_of
from wsanalytics.collection.collector import collect
from wsanalytics.errors import InputError, OutputError
from wsanalytics.history.store import Store
from wsanalytics.prices.book import built_in_prices, load_prices
from wsanalytics.prices.price_list import map_products
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.tables.results import PRICES

client = sys.modules["wsanalytics.aws.connect"]  # its package shows the function of this name

HOME, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{OTHER}:role/reader"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(workspaces=60, history_days=7, accounts=(HOME, OTHER)) as box:
        yield box


@pytest.fixture
def box(
    running: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Sandbox]:
    forget_aws(monkeypatch)
    use_sandbox(monkeypatch, running)
    monkeypatch.setenv("WSANALYTICS_HOME", str(tmp_path / "home"))
    for module in (client, doctor_checks):
        monkeypatch.setattr(module, "connect", partial(connect, pace=(500, 50)))  # no waiting
    running.calls.clear()
    yield running
    running.faults.change({name: getattr(Faults(), name) for name in (
        "denied_regions", "denied_accounts", "denied_actions", "clock_skew_seconds", "expired")})


def run_doctor(
    *, store: Path | None = None, for_commands: Sequence[str] = (), **account: Any
) -> int | None:
    return doctor(account=AccountOptions(**account), store=store, for_commands=for_commands)


def lines(capsys: pytest.CaptureFixture[str], status: str = "") -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith(status)]


def test_all_is_well(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_doctor() == 0
    verdict, blank, *told = lines(capsys)
    assert verdict == "Ready: 14 checks were made." and not blank
    assert all(line.startswith("ok    ") for line in told)
    text = "\n".join(told)
    assert "credentials found in the environment variables" in text
    assert f"account {HOME}, as arn:aws:iam::{HOME}:" in text
    for action in ("workspaces:DescribeWorkspacesConnectionStatus", "cloudwatch:GetMetricData",
                   "cloudtrail:LookupEvents", "tag:GetResources"):
        assert f"{HOME} us-east-1: {action} is allowed" in text
    assert "the clock agrees with AWS's to within" in text
    assert "30 WorkSpaces, 4 calls; one poll takes about 1 s at the service's pace" in text
    assert f"prices in force: AWS list prices, of {load_prices().dates}" in text
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    assert f"{secret}'" not in text and os.environ["AWS_ACCESS_KEY_ID"] not in text
    assert {action for _, action in box.calls} <= {
        "GetCallerIdentity", "DescribeWorkspaces", "DescribeWorkspacesConnectionStatus",
        "DescribeWorkspaceDirectories", "DescribeWorkspaceBundles", "GetResources",
        "GetMetricData", "LookupEvents"}


def test_denied_actions_come_with_their_statement(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    box.faults.denied_actions = ("cloudtrail:LookupEvents", "tag:GetResources")
    assert run_doctor() == 1
    out = capsys.readouterr().out
    failed = [line for line in out.splitlines() if line.startswith("fail")]
    assert out.startswith("Not ready: 2 of 14 checks failed")
    assert out.splitlines()[2] == failed[0]  # what is to be repaired stands first
    assert len(failed) == 2 and "cloudtrail:LookupEvents is not allowed" in failed[0]
    assert out.count('"Effect": "Allow"') == 1
    assert ('{"Effect": "Allow", "Action": ["cloudtrail:LookupEvents", "tag:GetResources"], '
            '"Resource": "*"}') in out
    box.faults.denied_actions = ("tag:GetResources",)
    run_doctor()
    assert ('{"Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"}'
            in capsys.readouterr().out)


def test_a_region_that_denies_everything_gets_one_statement(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    box.faults.denied_regions = ("us-east-1",)
    assert run_doctor() == 1
    out = capsys.readouterr().out
    (failed,) = (line for line in out.splitlines() if line.startswith("fail"))
    needed = actions_of(REPORTED)
    assert failed.startswith(f"fail  account {HOME}, us-east-1: none of these is allowed: ")
    assert all(action in failed for action in needed)
    statement = {"Effect": "Allow", "Action": needed, "Resource": "*"}
    assert out.count("Effect") == 1 and json.dumps(statement) in out


@pytest.mark.parametrize(("seconds", "status"), [(-120, "warn"), (30, "ok"), (400, "fail")])
def test_a_clock_that_is_off(
    box: Sandbox, capsys: pytest.CaptureFixture[str], seconds: float, status: str
) -> None:
    box.faults.clock_skew_seconds = seconds
    assert run_doctor() == (0 if status == "ok" else 1)
    clock = [line for line in lines(capsys, status) if "clock" in line]
    assert len(clock) == 1
    assert seconds == 30 or (" ahead of AWS's" if seconds < 0 else " behind AWS's") in clock[0]


def test_roles_and_regions(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    box.faults.denied_regions = ("eu-west-1",)
    roles = [ROLE, f"arn:aws:iam::{HOME}:role/none", "arn:aws:iam::999999999999:role/x"]
    assert run_doctor(region=["us-east-1", "eu-west-1"], role_arn=roles) == 1
    text = "\n".join(lines(capsys))
    assert "role arn:aws:iam::999999999999:role/x: the role cannot be assumed" in text
    assert f"ok    {OTHER} us-east-1: workspaces:DescribeWorkspaces is allowed" in text
    assert (f"fail  account {OTHER}, eu-west-1, role {ROLE}: none of these is allowed: "
            "cloudtrail:LookupEvents, cloudwatch:GetMetricData, ") in text
    assert "the role's credentials are renewed before they expire" in text


@pytest.mark.usefixtures("box")
def test_what_would_change_something_is_not_tried(
    capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_doctor(for_commands=["apply", "prices"]) == 0
    told = lines(capsys)
    (note,) = (line for line in told if line.startswith("note"))
    assert note.startswith("note  not tried, as they change something: workspaces:ModifyWork")
    assert f"ok    {HOME} us-east-1: pricing:GetProducts is allowed" in told
    assert not any("cloudtrail" in line for line in told)


@pytest.mark.usefixtures("box")
def test_a_region_without_prices_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_doctor(region=["cn-northwest-1"]) == 1
    told = lines(capsys)
    assert "warn  no prices are known for cn-northwest-1" in told
    assert f"ok    {HOME} cn-northwest-1: there are no WorkSpaces" in told


@pytest.mark.usefixtures("box")
def test_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_doctor(store=tmp_path / "none") == 0
    assert "there is no store in" in "\n".join(lines(capsys, "ok"))
    assert run_doctor(store=tmp_path) == 1
    assert "there is no store" in lines(capsys, "fail")[0]
    store = Store.create(tmp_path / "store")
    collect(store)
    assert run_doctor(store=store.folder) == 0
    assert f"ok    store {store.folder}: 30 samples of 1 day, 0 holes" in lines(capsys)


def test_without_credentials_or_region_it_is_refused(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.faults.expired = True
    with pytest.raises(AwsError, match="have expired"):
        run_doctor()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(AwsError, match="no region was named"):
        run_doctor()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AwsError, match="no AWS credentials"):
        run_doctor(region=["us-east-1"])
    with pytest.raises(InputError, match="no policy is known for 'fly'"):
        run_doctor(for_commands=["fly"])


def test_the_policy_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    iam_policy(for_commands=["collect", "apply"], role_arn=[ROLE])
    printed = json.loads(capsys.readouterr().out)
    assert [one["Sid"] for one in printed["Statement"]] == ["Read", "Apply", "AssumeRole"]
    with pytest.raises(InputError, match="is not the ARN of a role"):
        iam_policy(for_commands=[], role_arn=["reader"])


def test_a_region_out_of_reach_is_told_once(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", box.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert run_doctor(for_commands=["prices"], region=["us-east-1"]) == 1
    two_of_workspaces = doctor_checks.READS[-2:]
    monkeypatch.setattr(doctor_checks, "READS", two_of_workspaces)
    assert run_doctor() == 1
    told = [line for line in lines(capsys, "fail") if "cannot be reached" in line]
    assert len(told) == 2 and "pricing" not in told[1]


# Prices, all the way: the built-in table told by the endpoint, read, and put in force.


def refresh(**other: object) -> int | None:
    return prices.refresh(**other)


@pytest.mark.usefixtures("box")
def test_prices_come_back_as_they_were_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    regions = sorted(set(built_in_prices().frame["region"]))
    assert {"us-east-1", "eu-west-1", "ap-south-1", "us-gov-west-1"} < {*regions}
    assert refresh(output=tmp_path / "all.parquet") == 0
    columns = [*PRICES.key, "monthly_usd", "hourly_usd"]
    told, read = built_in_prices().frame, load_prices(path=tmp_path / "all.parquet").frame
    assert told[columns].equals(read[columns])
    assert {*read["source"]} == {"AWS Price List API"}
    assert "0 new, 0 gone, 0 changed, 4,418 the same" in capsys.readouterr().out


@pytest.mark.usefixtures("box")
def test_prices_of_one_region_are_put_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh(region=["eu-west-1"]) == 0
    out = capsys.readouterr().out
    assert "product family WorkSpaces Core" in out and "software" in out
    assert {*load_prices("eu-west-1").frame["source"]} == {"AWS Price List API"}
    assert load_prices("us-east-1").origin == "AWS list prices"


def test_prices_may_be_denied(box: Sandbox) -> None:
    box.faults.denied_actions = ("pricing:GetProducts",)
    with pytest.raises(AwsError, match="pricing:GetProducts is not allowed"):
        refresh(region=["us-east-1"])


@pytest.mark.usefixtures("box")
def test_a_home_that_cannot_be_made_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WSANALYTICS_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises((OutputError, InputError)):
        refresh(region=["us-east-1"])


def test_nothing_to_map_is_an_empty_table() -> None:
    assert map_products([]).frame.empty
