"""Answers of AWS with parts that are not of the type that its service model names.

botocore gives up a whole page where one instant of it cannot be read or one member is a text
instead of a structure. Here such a part is left out and what is around it is kept, so that one odd
WorkSpace does not hide the 24 beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import botocore.session
from botocore.parsers import JSONParser, ResponseParserFactory
from botocore.utils import parse_timestamp

Described = Mapping[str, Any]
"""Something as AWS describes it, by the member names of its service model."""
_WHAT_PARSING_RAISES = (ValueError, TypeError, OverflowError, AttributeError, OSError,
                        RuntimeError)


def parsed_instant(value: object) -> datetime | None:
    """Return the instant that *value* is, in botocore's ways to write one; None where it is none.

    >>> parsed_instant("2026-03-02T09:00:00Z").isoformat()
    '2026-03-02T09:00:00+00:00'
    >>> parsed_instant(1e18) is parsed_instant("soon") is None
    True
    """
    try:
        instant: datetime = parse_timestamp(value)
    except _WHAT_PARSING_RAISES:
        return None
    return instant


class _PartByPart(JSONParser):  # type: ignore[misc]  # botocore ships no types
    """A parser of JSON answers that leaves out what is not of the type that stands in the model."""

    def _handle_structure(self, shape: Any, value: Any) -> Any:  # noqa: ANN401  # botocore's
        is_structure = shape.is_document_type or isinstance(value, Mapping)
        return super()._handle_structure(shape, value) if is_structure else None

    def _handle_list(self, shape: Any, node: Any) -> Any:  # noqa: ANN401  # botocore's
        return super()._handle_list(shape, node) if isinstance(node, list) else None

    def _handle_map(self, shape: Any, value: Any) -> Any:  # noqa: ANN401  # botocore's
        return super()._handle_map(shape, value) if isinstance(value, Mapping) else None


class _Parsers(ResponseParserFactory):  # type: ignore[misc]  # botocore ships no types
    def create_parser(self, protocol_name: str) -> Any:  # noqa: ANN401  # botocore's
        # Only AWS's JSON services: for the others botocore's own parsers stay.
        if protocol_name == "json":
            return _PartByPart(timestamp_parser=parsed_instant)
        return super().create_parser(protocol_name)


def parse_part_by_part(session: botocore.session.Session) -> None:
    """Let the clients that *session* makes from now on keep what can be read of an answer."""
    session.register_component("response_parser_factory", _Parsers())


def text(value: object) -> str:
    """*value* if it is text, else nothing: what AWS's service model calls a string."""
    return value if isinstance(value, str) else ""


def members(value: object) -> Described:
    """*value* if it has members, else one without any."""
    return value if isinstance(value, Mapping) else {}


def many(value: object) -> list[Described]:
    """Return those entries of *value*, if it is a list, that have members."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(
        value, list | tuple) else []
