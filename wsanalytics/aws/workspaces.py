"""Read the WorkSpaces of an account, and who is connected. Everything here only reads.

Answers come as AWS's own members, every page of them; ``workspaces_frame`` makes them one
``workspaces`` table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

from wsanalytics.aws.connection import Connection
from wsanalytics.aws.errors import AwsError
from wsanalytics.aws.odd_answers import many, text
from wsanalytics.aws.throttle import PER_CALL
from wsanalytics.aws.workspaces_table import workspaces_frame
from wsanalytics.errors import InputError
from wsanalytics.timeline import EARLIEST, LATEST

__all__ = ["ACTIONS", "Statuses", "answered_at", "check_directories", "known_directories",
           "read_bundles", "read_directories", "read_statuses", "read_tags", "read_workspaces",
           "status_in_utc", "workspaces_frame"]

ACTIONS = (
    "workspaces:DescribeWorkspaces",
    "workspaces:DescribeWorkspacesConnectionStatus",
    "workspaces:DescribeWorkspaceDirectories",
    "workspaces:DescribeWorkspaceBundles",
    "tag:GetResources",
)
"""IAM actions that this module calls."""
_Item = TypeVar("_Item")
_TAGS_PER_CALL = 100
_DIRECTORY = re.compile(r"(d-[0-9a-f]{8,63})|(wsd-[0-9a-z]{8,63})")
_ID = re.compile(r"ws-[!-~]{1,128}")
"""The form of a WorkSpace's id; a request cannot even name anything else."""
_UNKNOWN = {"InvalidParameterValuesException", "ResourceNotFoundException"}
_DATE = re.compile(r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_REFUSED_IN_A_ROW = 3
"""So many batches refused one after the other are no mishap of single ones."""
STATUS_INSTANTS = ("ConnectionStateCheckTimestamp", "LastKnownUserConnectionTimestamp")
"""The members of a connection status that are instants."""


def read_workspaces(
    connection: Connection,
    *,
    directories: Sequence[str] = (),
    on_page: Callable[[int], None] | None = None,
    on_nameless: Callable[[int], None] | None = None,
) -> list[dict[str, Any]]:
    """Read every WorkSpace of the connection's account and region, once, as AWS describes it.

    *directories* keeps those of these directories. *on_page* is called after each page with the
    number of WorkSpaces in it, *on_nameless* with the number of entries that have no id and are
    left out, where there are any: some WorkSpace is there that nobody can name. Raises
    :class:`AwsError` where any page cannot be had: a fleet is read whole or not at all; and
    :class:`InputError` for what is no id of a directory.
    """
    check_directories(directories)
    by_id: dict[str, dict[str, Any]] = {}
    for directory in dict.fromkeys(directories) or (None,):
        narrow = {"DirectoryId": directory} if directory else {}
        for page in connection.pages(
            "workspaces", "DescribeWorkspaces", "Workspaces", Limit=PER_CALL, **narrow
        ):
            named = [workspace for workspace in many(page)
                     if _ID.fullmatch(text(workspace.get("WorkspaceId")))]
            # By id, since a WorkSpace that moves between two pages while they are read would come
            # twice.
            by_id.update((workspace["WorkspaceId"], dict(workspace)) for workspace in named)
            if on_page:
                on_page(len(page))
            if on_nameless and len(named) < len(page):
                on_nameless(len(page) - len(named))
    return list(by_id.values())


class Statuses(NamedTuple):
    """One answer about connections: when it came, by this computer's clock and by AWS's.

    ``asked`` are the ids it was asked about, ``found`` the statuses that came; ``refused`` says
    why none came.
    """

    answered_at: datetime
    asked: list[str]
    found: list[dict[str, Any]]
    aws_at: datetime | None = None
    refused: AwsError | None = None


def read_statuses(
    connection: Connection,
    ids: Iterable[str],
    *,
    on_page: Callable[[int], None] | None = None,
    goes_on: bool = False,
) -> Iterator[Statuses]:
    """Read the connection statuses of the WorkSpaces *ids*, 25 to a call.

    AWS leaves out WorkSpaces that it has not looked at yet, so there may be fewer statuses than
    ids. Instants in them are UTC. *on_page* is called after each page with the number of statuses
    in it. With *goes_on* a call that AWS refuses loses its own WorkSpaces alone, unless several in
    a row are refused; else it raises :class:`AwsError`.
    """
    in_a_row = 0
    for asked in chunked(ids, PER_CALL):
        found: list[dict[str, Any]] = []
        aws_at = None
        try:
            for page in connection.answers(
                "workspaces", "DescribeWorkspacesConnectionStatus", "WorkspacesConnectionStatus",
                WorkspaceIds=asked,
            ):
                rows = page["WorkspacesConnectionStatus"]
                aws_at = answered_at(page)
                found += [status_in_utc(status) for status in many(rows)
                          if text(status.get("WorkspaceId"))]
                if on_page:
                    on_page(len(rows))
        except AwsError as error:
            in_a_row += 1
            if not goes_on or in_a_row >= _REFUSED_IN_A_ROW:
                raise
            yield Statuses(datetime.now(UTC), asked, [], refused=error)
            continue
        in_a_row = 0
        yield Statuses(datetime.now(UTC), asked, found, aws_at)


def answered_at(answer: Mapping[str, Any]) -> datetime | None:
    """Return the time by AWS's own clock when it gave *answer*.

    None where the answer has no date.
    """
    headers = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    dates = _DATE.findall(headers.get("date", ""))  # whoever passes an answer on may add another
    return parsedate_to_datetime(dates[-1]) if dates else None


def read_directories(connection: Connection) -> list[dict[str, Any]]:
    """Read every directory that WorkSpaces are registered in, as AWS describes it."""
    return [dict(directory) for page in connection.pages(
        "workspaces", "DescribeWorkspaceDirectories", "Directories") for directory in many(page)]


def check_directories(ids: Iterable[str]) -> None:
    """Refuse what is not written as AWS writes the id of a directory."""
    for directory_id in ids:
        if not _DIRECTORY.fullmatch(directory_id):
            raise InputError(
                f"{directory_id!r} is no id of a directory", where="--directory",
                rule="an id is d- and at least 8 digits or letters from a to f (or wsd- and at "
                "least 8 digits or small letters), such as d-906734a1b2",
                fix="copy it from the WorkSpaces console, under Directories")


def known_directories(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Return those of the directories *ids* that AWS knows in the connection's account and region.

    A directory may be known and hold no WorkSpace. Raises :class:`InputError` for what is no id.
    """
    wanted = list(dict.fromkeys(ids))
    check_directories(wanted)
    existing: set[str] = set()
    for batch in chunked(wanted, PER_CALL):
        try:
            existing |= _directories(connection, batch)
        except AwsError as error:
            if error.refusal.code not in _UNKNOWN:
                raise
            # One deleted id makes AWS refuse the whole batch: ask for each alone.
            for directory_id in batch:
                existing |= _directory_if_known(connection, directory_id)
    return existing & {*wanted}


def _directories(connection: Connection, ids: list[str]) -> set[str]:
    return {text(directory.get("DirectoryId")) for page in connection.pages(
        "workspaces", "DescribeWorkspaceDirectories", "Directories", DirectoryIds=ids)
        for directory in many(page)}


def _directory_if_known(connection: Connection, directory_id: str) -> set[str]:
    try:
        return _directories(connection, [directory_id])
    except AwsError as error:
        if error.refusal.code not in _UNKNOWN:
            raise
        return set()


def read_bundles(connection: Connection, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Read the bundles *ids*, each requested once; deleted bundles are left out."""
    bundles: list[dict[str, Any]] = []
    for batch in chunked(dict.fromkeys(ids), PER_CALL):
        try:
            bundles += _bundles(connection, batch)
        except AwsError as error:
            if error.refusal.code not in _UNKNOWN:
                raise
            # One deleted id makes AWS refuse the whole batch: ask for each alone.
            bundles += [
                bundle for bundle_id in batch for bundle in _bundle_if_known(connection, bundle_id)
            ]
    return bundles


def _bundles(connection: Connection, ids: list[str]) -> list[dict[str, Any]]:
    return [dict(bundle) for page in connection.pages(
        "workspaces", "DescribeWorkspaceBundles", "Bundles", BundleIds=ids)
        for bundle in many(page)]


def _bundle_if_known(connection: Connection, bundle_id: str) -> list[dict[str, Any]]:
    try:
        return _bundles(connection, [bundle_id])
    except AwsError as error:
        if error.refusal.code not in _UNKNOWN:
            raise
        return []


def read_tags(connection: Connection) -> dict[str, dict[str, str]]:
    """Read the tags of all WorkSpaces that have any, by WorkSpace id."""
    tags: dict[str, dict[str, str]] = {}
    for page in connection.pages(
        "resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList",
        ResourceTypeFilters=["workspaces:workspace"], ResourcesPerPage=_TAGS_PER_CALL,
    ):
        for resource in many(page):
            kind, _, workspace_id = text(
                resource.get("ResourceARN")).rpartition(":")[2].partition("/")
            if kind == "workspace":
                tags[workspace_id] = tags_of(resource)
    return tags


def tags_of(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a *resource* in an answer of GetResources, those that have a name."""
    return {text(tag.get("Key")): text(tag.get("Value"))
            for tag in many(resource.get("Tags")) if text(tag.get("Key"))}


def chunked(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Give the *items* in lists of *size*, the last one shorter.

    >>> list(chunked("abc", 2))
    [['a', 'b'], ['c']]
    """
    chunk: list[_Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def status_in_utc(status: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the *status* with its instants in UTC, where botocore gives them in the local zone.

    Left out are instants that nothing of AWS can bear (years before 2000, milliseconds read as
    seconds) and whatever else is not of its type.
    """
    in_utc: dict[str, Any] = {"WorkspaceId": text(status.get("WorkspaceId"))}
    if state := text(status.get("ConnectionState")):
        in_utc["ConnectionState"] = state
    for name in STATUS_INSTANTS:
        instant = status.get(name)
        if isinstance(instant, datetime) and EARLIEST <= instant < LATEST:
            in_utc[name] = instant.astimezone(UTC)
    return in_utc
