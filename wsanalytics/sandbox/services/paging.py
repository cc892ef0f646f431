"""Pages: what is left after the last id, so that nothing is shown twice or lost between them."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any, TypeVar

from wsanalytics.sandbox.services.protocol import ApiError, Call

T = TypeVar("T")
PAGE_SIZE = 25
"""The most rows on a page of the WorkSpaces API."""
_TOKENS = {"NextToken", "PaginationToken"}
_REFUSAL = {
    "workspaces": ("InvalidParameterValuesException", "The NextToken is invalid."),
    "pricing": ("InvalidNextTokenException", "The NextToken is invalid."),
    "cloudwatch": ("InvalidNextToken", "The NextToken is invalid."),
    "cloudtrail": ("InvalidNextTokenException", "The NextToken is invalid."),
    "resourcegroupstaggingapi": ("InvalidParameterException", "The PaginationToken is invalid."),
}


def write_token(call: Call, position: Any) -> str:  # noqa: ANN401  # whatever marks the position
    """Return a token for the page that begins at *position*.

    It holds for this very request only.
    """
    text = json.dumps([position, _scope(call)])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_token(call: Call, token: str | None) -> Any:  # noqa: ANN401  # as it was written
    """Return the position in *token*, None without one; another request's token is refused."""
    if not token:
        return None
    try:
        position, scope = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        scope = position = None
    if scope != _scope(call):
        raise ApiError(*_REFUSAL[call.service])
    return position


def _scope(call: Call) -> str:
    query = {name: value for name, value in call.params.items() if name not in _TOKENS}
    text = json.dumps([call.action, call.region, call.account, query], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:16]


def page_by_id(
    call: Call, ids: Sequence[str], find: Callable[[str], T | None], *, size: int
) -> tuple[list[T], str | None]:
    """Up to *size* of what *find* makes of the sorted *ids*, and the token for the rest.

    *find* says None to what does not belong to the answer. The next page begins after the last id
    of this one, whatever has come or gone meanwhile.
    """
    params = call.params
    after = read_token(call, params.get("NextToken") or params.get("PaginationToken"))
    start = bisect_right(ids, after) if after else 0
    chosen = list(islice(_found(ids, start, find), size + 1))
    token = write_token(call, chosen[size - 1][0]) if len(chosen) > size else None
    return [row for _, row in chosen[:size]], token


def _found(
    ids: Sequence[str], start: int, find: Callable[[str], T | None]
) -> Iterator[tuple[str, T]]:
    for position in range(start, len(ids)):
        row = find(ids[position])
        if row is not None:
            yield ids[position], row


def page_by_place(
    call: Call, rows: Iterable[T], *, size: int, token: str | None
) -> tuple[list[T], str | None]:
    """Up to *size* of *rows* that do not change between pages, and the token for the rest."""
    start = read_token(call, token) or 0
    chosen = list(islice(rows, start, start + size + 1))
    return chosen[:size], write_token(call, start + size) if len(chosen) > size else None
