"""A simulated account in memory: no server, no wire, and a clock that runs when somebody waits.

The fleet is the sandbox's own, so AWS's rules are in one place. What AWS adds on the way is here:
each call takes a moment, a change of setting is shown some seconds after it was taken, answers get
lost, and too many calls are throttled.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

from tests.helpers.sandboxes import NOON
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.errors import CUT, AwsError
from wsanalytics.aws.writer import Writer
from wsanalytics.sandbox.clock import Clock
from wsanalytics.sandbox.faults import Faults, Gate
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.sandbox.services.endpoint import HANDLERS
from wsanalytics.sandbox.services.protocol import ApiError, Call
from wsanalytics.service_model import plain_session

CALL_SECONDS = 0.1
"""How long a call takes, unless a fleet has another ``call_seconds``."""
SHOWN_AFTER_SECONDS = 4
"""AWS shows a change of setting within ten seconds."""
_TRIES = 8
"""How often a call that only reads is made, as the real connection does."""
_AGAIN = {"server", "throttled", "unreachable", "cut"}


class FakeTime:
    """Seconds that pass only while somebody waits."""

    seconds = 0.0

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        assert seconds >= 0
        self.seconds += seconds

    def monotonic(self) -> float:
        """How many have passed."""
        return self.seconds


TIME = FakeTime()
"""The time of all fakes, so that settings for it can be written down once."""
RETRY = RetryPolicy(sleep=TIME.sleep, monotonic=TIME.monotonic)
"""The waits of the product as they are, on that time."""


class FakeClock(Clock):
    """An account's clock that goes on with :data:`TIME`, and can be moved forward."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start, 0)
        self._began = TIME.seconds

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=TIME.seconds - self._began)

    def step(self, by: timedelta) -> datetime:
        super().step(by)
        return self.now()


class FakeGate(Gate):
    """Throttles by :data:`TIME`, not by the computer's clock."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._left: dict[tuple[str, str], tuple[float, float]] = {}

    def _throttle(self, call: Call) -> None:
        if self.faults.throttle is None or call.service != "workspaces":
            return
        rate, burst = self.faults.throttle
        place = call.account, call.region
        left, since = self._left.get(place, (burst, TIME.seconds))
        left = min(burst, left + rate * (TIME.seconds - since))
        self._left[place] = left - (left >= 1), TIME.seconds
        if left < 1:
            self.throttled += 1
            raise ApiError("ThrottlingException", "Rate exceeded")


class FakeFleet(Sandbox):
    """A sandbox that is never started: :meth:`writer` and :meth:`client` talk to it in memory."""

    def __init__(self, workspaces: int = 60, **options: Any) -> None:
        super().__init__(**({"workspaces": workspaces, "start": NOON, "speed": 0,
                             "history_days": 7} | options))
        self.clock = self.world.clock = FakeClock(self.clock.now())
        self.world.gate = FakeGate(self.faults)
        self.call_seconds = CALL_SECONDS
        self._old: dict[str, list[tuple[datetime, dict[str, Any]]]] = {}

    def connection(self, region: str = "us-east-1", account: str | None = None) -> FakeConnection:
        """A connection to one account and region of it."""
        account = account or self.world.keys.accounts[0]
        return FakeConnection(self, account, region)

    def writer(self, region: str = "us-east-1", account: str | None = None) -> Writer:
        """What changes its WorkSpaces."""
        return Writer(self.connection(region, account))

    def client(self, service: str) -> FakeClient:
        """A client as boto3 makes them, for what somebody else does: nothing ever befalls it."""
        return FakeClient(self, service)

    def ask(self, call: Call) -> dict[str, Any]:
        """What AWS answers to *call*, if it answers."""
        with self.world.lock:
            return self._answer(call)

    def _answer(self, call: Call) -> dict[str, Any]:
        world = self.world
        world.calls[call.service, call.action] += 1
        call = replace(call, now=self.clock.now())
        changed = call.params["WorkspaceId"] if call.action == "ModifyWorkspaceProperties" else ""
        desktop = world.estate(call).desktops.get(changed)
        before = desktop and desktop.describe(call.now)["WorkspaceProperties"]
        answer = HANDLERS[call.service, call.action](world, call)
        assert isinstance(answer, dict)
        if before:
            until = call.now + timedelta(seconds=SHOWN_AFTER_SECONDS)
            self._old.setdefault(changed, []).append((until, before))
        if call.action == "DescribeWorkspaces":
            answer["Workspaces"] = [self._as_shown(entry, call.now)
                                    for entry in answer["Workspaces"]]
        return deepcopy({name: value for name, value in answer.items() if value is not None})

    def _as_shown(self, entry: dict[str, Any], now: datetime) -> dict[str, Any]:
        """An entry with the properties that AWS still shows; of several the oldest."""
        for until, properties in self._old.get(entry["WorkspaceId"], ()):
            if until > now:
                return entry | {"WorkspaceProperties": properties}
        return entry


class FakeConnection(Connection):
    """One account and region of a :class:`FakeFleet`, for a reader and a writer as they are."""

    def __init__(self, fleet: FakeFleet, account: str, region: str) -> None:
        super().__init__(session=_session(account), account_id=account, region=region,
                         # each process has an account of its own
                         endpoint_url=f"https://memory-{os.getpid()}.invalid",
                         pace=None)  # type: ignore[arg-type]  # nothing here is paced
        self.fleet = fleet

    def once(self, service: str, operation: str, **params: object) -> dict[str, Any]:
        TIME.sleep(self.fleet.call_seconds)
        fleet, faults = self.fleet, self.fleet.faults
        call = Call(service=service, action=operation, region=self.region,
                    account=self.account_id, params=dict(params))
        try:
            fleet.world.gate.pass_on(call)
            answer = fleet.ask(call)
        except ApiError as error:
            raise self.refuse(service, operation, error.code, str(error)) from error
        except ConnectionResetError as error:
            raise self.refuse(service, operation, "ConnectionClosedError", str(error)) from error
        headers = {"x-amzn-RequestId": "1",
                   "date": format_datetime(fleet.clock.now().astimezone(UTC), usegmt=True)}
        if faults.happens(faults.cut_share):
            answer = {}
        elif faults.happens(faults.html_share):
            answer, headers = {}, {}
        return answer | {"ResponseMetadata": {"HTTPHeaders": headers}}

    def call(
        self, service: str, operation: str, *, member: str | None = None, **params: object
    ) -> dict[str, Any]:
        for left in range(_TRIES - 1, -1, -1):
            try:
                answer = self.once(service, operation, **params)
                if member is None or member in answer:
                    return answer
                raise self.refuse(service, operation, CUT, f"it lacks {member}")
            except AwsError as error:
                if not left or error.refusal.kind not in _AGAIN:
                    raise
            TIME.sleep(0.1 * 2 ** (_TRIES - left))
        raise AssertionError

    def answers(
        self, service: str, operation: str, member: str, **params: object
    ) -> Iterator[dict[str, Any]]:
        token = "PaginationToken" if service == "resourcegroupstaggingapi" else "NextToken"
        while True:
            page = self.call(service, operation, member=member, **params)
            yield page
            if not page.get(token):
                return
            params[token] = page[token]


class FakeClient:
    """Calls of one service by the names that boto3 gives them."""

    def __init__(self, fleet: FakeFleet, service: str) -> None:
        self._fleet, self._service = fleet, service

    def get_paginator(self, name: str) -> Any:
        """What gives an answer page by page."""
        connection, operation = self._fleet.connection(), _action(name)
        return SimpleNamespace(paginate=lambda **params: connection.answers(
            self._service, operation, "ResponseMetadata", **params))

    def __getattr__(self, name: str) -> Any:
        fleet = self._fleet
        action = _action(name)

        def ask(**params: Any) -> dict[str, Any]:
            return fleet.ask(Call(
                service=self._service, action=action, region=fleet.world.fleet.regions[0],
                account=fleet.world.keys.accounts[0], params=params))

        return ask


def _action(name: str) -> str:
    """AWS's name of what boto3 calls *name*."""
    return re.sub(r"(?:^|_)([a-z])", lambda found: found[1].upper(), name)


@cache
def _session(account: str) -> Any:
    """A session whose STS says that it belongs to *account*."""
    session = plain_session()
    session.set_credentials("a", "b")
    told = {"Account": account, "Arn": f"arn:aws:iam::{account}:user/fake"}
    session.create_client = lambda *_, **__: SimpleNamespace(
        meta=SimpleNamespace(endpoint_url="https://sts.invalid"), close=lambda: None,
        get_caller_identity=lambda: told)
    return session
