"""The IAM policies: as little as is needed, and all that is called."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.helpers.build import REPOSITORY
from tests.helpers.endpoints import forget_aws, use_sandbox
from wsanalytics.aws import (
    cloudtrail,
    cloudwatch,
    probe,
)
from wsanalytics.aws import (
    credentials as identity,
)
from wsanalytics.aws import (
    current_state as presence,
)
from wsanalytics.aws import (
    price_list as offers,
)
from wsanalytics.aws import (
    workspaces as reader,
)
from wsanalytics.aws.connect import connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.iam import NEEDS_NO_PERMISSION, action_of, statement_for
from wsanalytics.cli import main
from wsanalytics.cli.permissions import COMMANDS, READS, WRITES, actions_of, policy
from wsanalytics.errors import InputError
from wsanalytics.sandbox.server import Sandbox

AWS = REPOSITORY / "wsanalytics" / "aws"
ROLE = "arn:aws:iam::111122223333:role/reader"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workspaces=30) as box:
        yield box


@pytest.fixture
def connection(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    forget_aws(monkeypatch)
    use_sandbox(monkeypatch, box)
    connections, _ = connect(endpoint_url=box.url, pace=(500, 50))
    box.calls.clear()
    with connections[0] as connection:
        yield connection


def read_all(connection: Connection) -> None:
    workspaces = reader.read_workspaces(connection)
    ids = [one["WorkspaceId"] for one in workspaces]
    for _ in reader.read_statuses(connection, ids):
        pass
    reader.read_directories(connection)
    reader.read_bundles(connection, [one["BundleId"] for one in workspaces])
    reader.read_tags(connection)


def read_metrics(connection: Connection) -> None:
    ids = tuple(one["WorkspaceId"] for one in reader.read_workspaces(connection))
    now = datetime.now(UTC)
    request = cloudwatch.MetricRequest(ids, (("UserConnected", "Maximum"),),
                                       now - timedelta(hours=3), now)
    assert len([*cloudwatch.read_metrics(connection, request)]) == len(ids)


def read_changes(connection: Connection) -> None:
    now = datetime.now(UTC)
    cloudtrail.read_changes(connection, now - timedelta(days=60), now)


def try_everything(connection: Connection) -> None:
    for action in probe.PROBES:
        probe.try_action(connection, action)


def test_stop_idle_and_start_early_ask_for_no_more_than_they_read() -> None:
    reads = {"workspaces:DescribeWorkspaces", "workspaces:DescribeWorkspacesConnectionStatus",
             "tag:GetResources"}
    assert set(actions_of(["stop-idle"])) == reads | {"workspaces:StopWorkspaces"}
    assert set(actions_of(["start-early"])) == reads | {"workspaces:StartWorkspaces"}


@pytest.mark.parametrize(("region", "partition"), [
    ("us-gov-west-1", "aws-us-gov"), ("cn-northwest-1", "aws-cn"), ("eu-west-1", "aws")])
@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_policy_is_of_the_partition_of_the_region(
    how: str, region: str, partition: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = ["--region", region] if how == "option" else []
    if how == "environment":
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    assert main(["iam-policy", "--for", "apply", *more]) == 0
    assert f'"arn:{partition}:workspaces:*:*:workspace/*"' in capsys.readouterr().out


@pytest.mark.parametrize(("use", "commands"), [
    (read_all, ["collect"]),
    (read_metrics, ["backfill"]),
    (read_changes, ["backfill"]),
    (lambda connection: offers.fetch_products(connection, ["us-east-1"]), ["prices"]),
    (try_everything, ["doctor", "prices"]),
    (identity.who_am_i, []),
])
def test_nothing_outside_the_policy_is_called(
    box: Sandbox, connection: Connection, use: Callable[[Connection], object], commands: list[str]
) -> None:
    use(connection)
    called = {action_of(service, operation) for service, operation in box.calls}
    assert called
    assert called <= {*actions_of(commands), *NEEDS_NO_PERMISSION}


def operations_in(path: Path) -> set[str]:
    """Every operation that the module names in a call of ``call``, ``pages`` or ``answers``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) \
                and node.func.attr in {"call", "pages", "answers", "refuse"} and len(node.args) > 1:
            service, operation = node.args[:2]
            if isinstance(service, ast.Constant) and isinstance(operation, ast.Constant):
                found.add(action_of(str(service.value), str(operation.value)))
    return found


@pytest.mark.parametrize("module", [reader, presence, cloudwatch, cloudtrail, offers])
def test_a_module_declares_what_it_calls(module: object) -> None:
    path = Path(str(module.__file__))  # type: ignore[attr-defined]  # a module has one
    assert operations_in(path) == {*module.ACTIONS}  # type: ignore[attr-defined]  # as above


def test_no_other_module_names_an_operation_to_call() -> None:
    known = {"workspaces.py", "current_state.py", "cloudwatch.py", "cloudtrail.py", "price_list.py",
             "writer.py"}
    assert {path.name: operations_in(path) for path in AWS.glob("*.py")
            if path.name not in known and operations_in(path)} == {}


def test_whatever_only_reads_can_be_tried() -> None:
    assert {*probe.PROBES} == {*READS} == {*probe.ACTIONS}
    assert not {*READS} & {*WRITES}


# The policy itself.


def test_reading_commands_get_one_statement() -> None:
    assert policy(["collect"]) == {"Version": "2012-10-17", "Statement": [{
        "Sid": "Read", "Effect": "Allow", "Resource": "*", "Action": [
            "tag:GetResources",
            "workspaces:DescribeWorkspaceBundles",
            "workspaces:DescribeWorkspaceDirectories",
            "workspaces:DescribeWorkspaces",
            "workspaces:DescribeWorkspacesConnectionStatus",
        ]}]}


def test_changing_is_limited_to_workspaces() -> None:
    statements = policy(["apply"], partition="aws-us-gov")["Statement"]
    assert isinstance(statements, list)
    assert [one["Sid"] for one in statements] == ["Read", "Apply"]
    assert statements[1]["Action"] == ["workspaces:ModifyWorkspaceProperties"]
    assert statements[1]["Resource"] == "arn:aws-us-gov:workspaces:*:*:workspace/*"
    assert not {*WRITES} & {*statements[0]["Action"]}
    changing = {"apply", "undo", "stop-idle", "start-early", "creation-properties"}
    assert not {*WRITES} & {*actions_of(set(COMMANDS) - changing)}
    assert {*WRITES} <= {*actions_of(changing)}
    made = policy(["creation-properties"])["Statement"]
    assert isinstance(made, list)
    assert [(one["Sid"], one["Resource"]) for one in made] == [("Read", "*"), ("Create", "*")]


def test_roles_are_assumed_only_where_they_are_named() -> None:
    assert "sts:AssumeRole" not in str(policy(COMMANDS))
    statements = policy(["prices"], role_arns=[ROLE])["Statement"]
    assert isinstance(statements, list)
    assert statements[1] == {"Sid": "AssumeRole", "Effect": "Allow", "Action": ["sts:AssumeRole"],
                             "Resource": [ROLE]}


def test_a_statement_for_one_action() -> None:
    assert statement_for("workspaces:StopWorkspaces")["Resource"] == (
        "arn:aws:workspaces:*:*:workspace/*")
    assert statement_for("pricing:GetProducts")["Resource"] == "*"
    assert statement_for("sts:AssumeRole")["Resource"] == "arn:aws:iam::*:role/*"


def test_a_command_that_calls_no_aws() -> None:
    with pytest.raises(InputError, match="did you mean collect"):
        policy(["colect"])
