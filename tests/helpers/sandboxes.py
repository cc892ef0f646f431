"""Real boto3 clients of a sandbox, whose every answer is held against AWS's own model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.actions.run import RunOptions
from wsanalytics.aws.connect import connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.errors import Refusal
from wsanalytics.aws.writer import Writer
from wsanalytics.collection.clock import Clock
from wsanalytics.history.history import configured
from wsanalytics.sandbox.keys import SECRET
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.sandbox.services.protocol import find_violations

NOON = datetime(2026, 9, 16, 12, 0, 0, 123456, tzinfo=UTC)
"""A Wednesday; the odd microseconds keep it apart from anything that happens on the second."""


class Clients:
    """Clients of one sandbox, for use with ``with``: all are closed, all answers were valid."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.violations: list[str] = []
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self._made: list[Any] = []

    def __call__(
        self, service: str, *, region: str = "us-east-1", account: str | None = None,
        key: str | None = None, attempts: int = 1, read_timeout: float = 20,
    ) -> Any:
        """A client that asks *attempts* times in all."""
        access = key or self.box.environment(account)["AWS_ACCESS_KEY_ID"]
        config = Config(retries={"mode": "standard", "total_max_attempts": attempts},
                        proxies={}, read_timeout=read_timeout)
        made = boto3.client(
            service, endpoint_url=self.box.url, region_name=region, aws_access_key_id=access,
            aws_secret_access_key=SECRET, config=config,
        )
        made.meta.events.register("before-parse.*.*", self._check)
        self._made.append(made)
        return made

    def _check(self, operation_model: Any, response_dict: dict[str, Any], **_more: object) -> None:
        if response_dict["headers"].get("x-wsanalytics-sandbox") != "true":
            self.violations.append(f"{operation_model.name} does not say that it is a sandbox")
        if response_dict["status_code"] >= 300 or operation_model.output_shape is None:
            return
        if operation_model.service_model.service_name == "sts":
            return  # its answers are XML
        try:
            body = json.loads(response_dict["body"])
        except ValueError:
            return  # a fault: half a body, or HTML
        self.bodies.append((operation_model.name, body))
        self.violations += [f"{operation_model.name}{one}"
                            for one in find_violations(operation_model.output_shape, body)]

    def close(self) -> None:
        for one in self._made:
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if kind is None:
            assert self.violations == []


@contextmanager
def frozen(**options: Any) -> Iterator[tuple[Sandbox, Clients]]:
    """A sandbox whose clock stands still at NOON unless it is told otherwise, and its clients.

    A week of history lies behind it, which is quicker to make up than the usual 63 days.
    """
    usual = {"start": NOON, "speed": 0, "history_days": 7}
    with Sandbox(**(usual | options)) as box, Clients(box) as clients:
        yield box, clients


def all_workspaces(client: Any, **filters: Any) -> list[dict[str, Any]]:
    """Every WorkSpace that the pages of DescribeWorkspaces show."""
    pages = client.get_paginator("describe_workspaces").paginate(**filters)
    return [one for page in pages for one in page["Workspaces"]]


def all_statuses(client: Any) -> dict[str, dict[str, Any]]:
    """Every connection status, by WorkSpace."""
    pages = client.get_paginator("describe_workspaces_connection_status").paginate()
    return {one["WorkspaceId"]: one for page in pages for one in page["WorkspacesConnectionStatus"]}


def state_of(client: Any, workspace_id: str) -> str:
    """The state of one WorkSpace; GONE if it is not told of."""
    found = client.describe_workspaces(WorkspaceIds=[workspace_id])["Workspaces"]
    return str(found[0]["State"]) if found else "GONE"


def find(
    client: Any, mode: str, state: str | None = None, minutes: int | None = None
) -> dict[str, Any]:
    """The first WorkSpace in that running mode and state, with that timeout in minutes."""
    for one in all_workspaces(client):
        properties = one["WorkspaceProperties"]
        if (
            properties["RunningMode"] == mode
            and state in {None, one["State"]}
            and minutes in {None, properties.get("RunningModeAutoStopTimeoutInMinutes")}
        ):
            return one
    raise AssertionError(f"no WorkSpace in {mode} and {state}")


def modify(client: Any, workspace_id: str, **properties: Any) -> None:
    """Change the properties of one WorkSpace."""
    client.modify_workspace_properties(WorkspaceId=workspace_id, WorkspaceProperties=properties)


FAST = (10_000.0, 10_000.0)
"""A pace that holds nobody up."""


class BoxClock(Clock):
    """The clock of a simulated account, for what looks at it."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box

    def now(self) -> datetime:
        return self.box.clock.now()

    def seen(self, answered_at: datetime) -> datetime:
        return self.box.clock.now()


@contextmanager
def connected(
    box: Sandbox, *, pace: tuple[float, float] = FAST, regions: tuple[str, ...] = ("us-east-1",),
    role_arns: tuple[str, ...] = (),
) -> Iterator[tuple[list[Connection], list[Refusal]]]:
    """Connections to a sandbox, closed at the end."""
    opened, refused = connect(regions=regions, role_arns=role_arns, endpoint_url=box.url,
                              credentials=("a", "b"), pace=pace)
    yield opened, refused
    for connection in opened:
        connection.close()


QUICK = RetryPolicy(
    propagation_seconds=0.2,
    confirm_seconds=2,
    transition_seconds=5,
    poll_seconds=0.02,
    backoff_seconds=0.02,
)
"""Waits for a sandbox in which a minute passes in half a second."""
TERMS = RunOptions(limit=None, retry=QUICK)
MODIFY = ("workspaces", "ModifyWorkspaceProperties")


@contextmanager
def fleet(
    workspaces: int = 60, **options: Any
) -> Iterator[tuple[Sandbox, Clients, Writer]]:
    """A sandbox in which a minute passes in half a second, and a writer for it."""
    with frozen(workspaces=workspaces, **({"speed": 120} | options)) as (box, clients), connected(
        box) as (opened, _):
        yield box, clients, Writer(opened[0])


def settings(box: Sandbox) -> dict[str, str]:
    """The setting of each WorkSpace as it really is."""
    return {str(name): str(one) for name, one in configured(box.workspaces()).items()}
