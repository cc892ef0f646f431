"""Handle the wire: checking against AWS's models, JSON and XML, and AWS's errors."""

from __future__ import annotations

import json
import numbers
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

Shape = Any
"""A shape of botocore's service model; botocore ships no types."""
Members = dict[str, Any]
"""A structure of AWS's: members by the model's own names."""

INVALID = {
    "cloudwatch": "ValidationError",
    "pricing": "InvalidParameterException",
    "resourcegroupstaggingapi": "InvalidParameterException",
    "sts": "ValidationError",
}
"""Each service's name for a request that its model forbids; others say ValidationException."""
DENIED = {"cloudwatch": "AccessDenied", "sts": "AccessDenied"}
"""Each service's answer to those who may not; others say AccessDeniedException."""
IAM_PREFIX = {"resourcegroupstaggingapi": "tag"}
"""The prefix of a service's actions in policies, where it is not the service's name."""


class ApiError(Exception):
    """An error that AWS would answer, with AWS's own *code*; *status* is HTTP's."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: what is asked, by whom, and when on the sandbox's clock."""

    service: str
    action: str
    region: str
    account: str
    key: str = ""
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    params: Members = field(default_factory=dict)

    @property
    def permission(self) -> str:
        """The action as policies write it, such as ``workspaces:DescribeWorkspaces``."""
        return f"{IAM_PREFIX.get(self.service, self.service)}:{self.action}"

    @property
    def caller(self) -> str:
        """The ARN of who asks."""
        if self.key.startswith("ASIA"):
            return f"arn:aws:sts::{self.account}:assumed-role/sandbox/session"
        return f"arn:aws:iam::{self.account}:user/sandbox"


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer that is JSON text already."""

    text: bytes


Answer = Members | Ready


def to_wire(shape: Shape, value: Any) -> Any:  # noqa: ANN401  # any value of the model
    """Return a value of *shape* as JSON has it; a member that the model lacks is a bug of ours."""
    kind = shape.type_name
    if kind == "structure":
        members = shape.members
        if extra := value.keys() - members.keys():
            raise TypeError(f"{shape.name} has no {sorted(extra)}")
        return {name: to_wire(members[name], one) for name, one in value.items()
                if one is not None}
    if kind == "list":
        return [to_wire(shape.member, item) for item in value]
    if kind == "timestamp" and isinstance(value, datetime):
        return value.timestamp()
    return value


_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict, "list": list, "map": dict, "boolean": bool, "integer": int, "long": int,
    "float": numbers.Real, "double": numbers.Real, "timestamp": numbers.Real,
}


def find_violations(
    shape: Shape, value: Any, at: str = "", found: list[str] | None = None  # noqa: ANN401  # any value
) -> list[str]:
    """Find where *value* breaks the model: types, members, enums, patterns, sizes."""
    found = [] if found is None else found
    kind = shape.type_name
    is_of_kind = isinstance(value, _TYPES.get(kind, str))
    if not is_of_kind or (isinstance(value, bool) and kind != "boolean"):
        found.append(f"{at or '.'}: {kind} expected, got {value!r:.40}")
        return found
    if kind == "structure":
        _look_inside(shape, value, at, found)
    elif kind == "list":
        for index, item in enumerate(value):
            find_violations(shape.member, item, f"{at}[{index}]", found)
    elif kind == "string":
        _read_text(shape, value, at, found)
    size = len(value) if kind in {"string", "list", "map"} else value
    if kind in {"string", "list", "map", "integer", "long"}:
        limits = shape.metadata
        if not limits.get("min", size) <= size <= limits.get("max", size):
            least, most = limits.get("min", 0), limits.get("max", "any")
            found.append(f"{at}: {size} is not within {least} and {most}")
    return found


def _look_inside(shape: Shape, value: Members, at: str, found: list[str]) -> None:
    found += [f"{at}.{name}: not in the model" for name in value.keys() - shape.members.keys()]
    missing = set(shape.required_members) - value.keys()
    found += [f"{at}.{name}: required" for name in sorted(missing)]
    for name, member in value.items():
        if name in shape.members:
            find_violations(shape.members[name], member, f"{at}.{name}", found)


def _read_text(shape: Shape, value: str, at: str, found: list[str]) -> None:
    choices = getattr(shape, "enum", None)
    if choices and value not in choices:
        found.append(f"{at}: {value!r:.60} is not one of {', '.join(choices)}")
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern and not pattern.search(value):
        found.append(f"{at}: {value!r:.60} does not match {pattern.pattern}")


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern else None
    except re.error:  # some are written for Java alone
        return None


def read_json(service: str, shape: Shape | None, body: bytes) -> Members:
    """Return the members of a JSON request, checked against the model."""
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        raise ApiError("SerializationException", "The request body is not JSON.") from None
    return _valid(service, shape, params)


def read_form(service: str, shape: Shape | None, form: Mapping[str, str]) -> Members:
    """Return the members of a query request; lists (``Tags.member.1``) are left out."""
    params: Members = {}
    for name, value in form.items():
        if name in {"Action", "Version"} or "." in name:
            continue
        member = shape.members.get(name) if shape is not None else None
        is_number = member is not None and member.type_name == "integer"
        params[name] = int(value) if is_number and value.lstrip("-").isdigit() else value
    return _valid(service, shape, params)


def _valid(service: str, shape: Shape | None, params: Any) -> Members:  # noqa: ANN401  # what came
    if shape is not None and (found := find_violations(shape, params)):
        errors = "; ".join(found[:5])
        raise ApiError(
            INVALID.get(service, "ValidationException"),
            f"{len(found)} validation error{'s' * (len(found) > 1)} detected: {errors}",
        )
    return dict(params)


def to_json(shape: Shape | None, answer: Answer) -> bytes:
    """Return the answer as JSON text."""
    if isinstance(answer, Ready):
        return answer.text
    return json.dumps(to_wire(shape, answer) if shape is not None else {}).encode()


def to_xml(action: str, answer: Members, request_id: str) -> bytes:
    """Return the answer as the query protocol's XML."""
    return (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{action}Result>{_elements(answer)}</{action}Result>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{action}Response>"
    ).encode()


def _elements(members: Members) -> str:
    return "".join(f"<{name}>{_content(value)}</{name}>" for name, value in members.items())


def _content(value: object) -> str:
    if isinstance(value, dict):
        return _elements(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return escape(str(value))


def error_json(code: str, message: str) -> bytes:
    """Return an error of the JSON protocols."""
    return json.dumps({"__type": code, "message": message}).encode()


def error_xml(code: str, message: str, request_id: str) -> bytes:
    """Return an error of the query protocol."""
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
