"""The four calls that change something in AWS. No other module makes any of them.

Each call is one request on the wire, never repeated here, and stands in a journal before and
after: none can be made without one. :class:`Answer` holds what its answer means; whether and
when to ask again is for the caller, who first looks at what has become of the WorkSpace.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol

from wsanalytics.aws.connect import connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.errors import AwsError
from wsanalytics.errors import InputError
from wsanalytics.files import held_here

ACTIONS = (
    "workspaces:ModifyWorkspaceProperties",
    "workspaces:StartWorkspaces",
    "workspaces:StopWorkspaces",
    "workspaces:CreateWorkspaces",
)
"""IAM actions that this module calls, and no other."""
_UNSURE = {"server", "slow", "unreachable", "cut", "odd", "closed"}
_LATER = {"OperationInProgressException", "InvalidResourceStateException"}
_ID_HEADER = "x-amzn-requestid"


class CallLog(Protocol):
    """The record of each call, written before it is sent and when its answer has come.

    The journal of :mod:`wsanalytics.actions` is one; a call without a log cannot be made.
    """

    def number_call(self) -> str:
        """Give the name of the next call, by which its answer is found."""
        ...

    def write(self, event: str, **more: object) -> None:
        """Write one entry, on disk before this returns."""
        ...


class Meaning(StrEnum):
    """The meaning of an answer for the requested change."""

    TAKEN = "taken"
    """AWS has taken it; it is in force soon."""
    REFUSED = "refused"
    """AWS will not do it, now or later."""
    LATER = "later"
    """AWS has not done it (throttled, another change in progress), and may do it later."""
    UNSURE = "unsure"
    """No answer, or none that can be trusted: it may have been done or not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one call; ``failed`` has code and message by WorkSpace that it failed for.

    ``body`` is the answer itself where there was one.
    """

    meaning: Meaning
    code: str = ""
    message: str = ""
    failed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


class Writer:
    """The only object that can change the WorkSpaces of one account in one region.

    Handing one over is the act that lets a function change anything; each of them is a dry run
    all the same unless ``dry_run=False`` is passed.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sent = 0
        """The number of calls that were sent to change something."""

    def __repr__(self) -> str:
        return f"<Writer {self.connection.account_id} {self.connection.region}>"

    def alone(self, what: str) -> AbstractContextManager[None]:
        """Lock this account and region for *what* against all others on this computer.

        Raises :class:`BusyError` where another process holds it, whatever its journal is called.
        """
        where = self.connection
        url = where.endpoint_url or os.environ.get("AWS_ENDPOINT_URL", "")
        account_region = f"{where.account_id}-{where.region}"
        return held_here(f"{what}-{account_region}-{sha256(url.encode()).hexdigest()[:8]}",
                         f"changes WorkSpaces there ({what})", account_region.replace("-", " ", 1))

    def modify(
        self, journal: CallLog, workspace_id: str, properties: Mapping[str, object]
    ) -> Answer:
        """ModifyWorkspaceProperties: AWS takes one property in a call."""
        return self._call(journal, "ModifyWorkspaceProperties", WorkspaceId=workspace_id,
                          WorkspaceProperties=dict(properties))

    def start(self, journal: CallLog, ids: Sequence[str]) -> Answer:
        """StartWorkspaces, for up to 25 that are STOPPED."""
        return self._call(
            journal,
            "StartWorkspaces",
            StartWorkspaceRequests=[{"WorkspaceId": workspace_id} for workspace_id in ids],
        )

    def stop(self, journal: CallLog, ids: Sequence[str]) -> Answer:
        """StopWorkspaces, for up to 25 that run."""
        return self._call(
            journal,
            "StopWorkspaces",
            StopWorkspaceRequests=[{"WorkspaceId": workspace_id} for workspace_id in ids],
        )

    def create(self, journal: CallLog, requests: Sequence[Mapping[str, Any]]) -> Answer:
        """CreateWorkspaces, for up to 25 new WorkSpaces."""
        return self._call(journal, "CreateWorkspaces",
                          Workspaces=[dict(request) for request in requests])

    def _call(self, journal: CallLog, operation: str, **request: object) -> Answer:
        number, where = journal.number_call(), self.connection
        journal.write("call", call=number, action=f"workspaces:{operation}", request=request,
                      account_id=where.account_id, region=where.region)
        # Counted before the call: where it raises, the request may still have reached AWS.
        self.sent += 1
        try:
            answer = _meant(where.once("workspaces", operation, **request))
        except AwsError as error:
            answer = _failure(error)
        more = {"failed": {name: list(why) for name, why in answer.failed.items()}} if (
            answer.failed) else {}
        journal.write("answer", call=number, meaning=str(answer.meaning), code=answer.code,
                      message=answer.message, **more)
        return answer


def _meant(body: Mapping[str, Any]) -> Answer:
    headers = body.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    # A proxy or a login page may answer 200 in AWS's place: only a request id shows AWS's own
    # answer.
    if _ID_HEADER not in {name.lower() for name in headers}:
        return Answer(Meaning.UNSURE, "NotFromAws", "the answer bears no id of a request",
                      body=body)
    failed = {}
    for failure in body.get("FailedRequests") or ():
        request = failure.get("WorkspaceRequest") or {}
        name = failure.get("WorkspaceId") or request.get("UserName") or ""
        failed[name] = (
            failure.get("ErrorCode", "Unknown"),
            failure.get("ErrorMessage", "no message"),
        )
    return Answer(Meaning.TAKEN, failed=failed, body=body)


def _failure(error: AwsError) -> Answer:
    refusal = error.refusal
    if refusal.kind == "throttled" or refusal.code in _LATER:
        meaning = Meaning.LATER
    else:
        meaning = Meaning.UNSURE if refusal.kind in _UNSURE else Meaning.REFUSED
    return Answer(meaning, refusal.code, refusal.message)


def open_writer(
    *,
    region: str | None = None,
    profile: str | None = None,
    role_arn: str | None = None,
    endpoint_url: str | None = None,
    credentials: tuple[str, str] | None = None,
) -> Writer:
    """Open a writer for one account in one region, found as boto3 finds credentials and region.

    Raises :class:`AwsError` where AWS cannot be reached with them.
    """
    connections, _ = connect(
        regions=[region] if region else (), profile=profile,
        role_arns=[role_arn] if role_arn else (), endpoint_url=endpoint_url,
        credentials=credentials)
    if len(connections) != 1:
        raise InputError(f"{len(connections)} accounts and regions", where="open_writer",
                         rule="a writer is for one account in one region", fix="name one region")
    return Writer(connections[0])
