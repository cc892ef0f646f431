"""Read what the AWS CLI prints about WorkSpaces and connections: JSON in files, no call of AWS."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from wsanalytics.aws import (
    STATUS_INSTANTS,
    Statuses,
    check_regions,
    configured_region,
    members,
    parsed_instant,
    status_in_utc,
    text,
    workspaces_frame,
)
from wsanalytics.collection.samples import as_samples
from wsanalytics.errors import InputError, Notice, warn_caller
from wsanalytics.files import json_of, refuse_no_file
from wsanalytics.formatting import counted, listed
from wsanalytics.history import accepted_workspaces, with_tag_columns
from wsanalytics.tables import SAMPLES, WORKSPACES, Faults, Origin, sort_by_key

_WORKSPACES, _STATUSES = "Workspaces", "WorkspacesConnectionStatus"
_COMMANDS = {_WORKSPACES: "describe-workspaces", _STATUSES: "describe-workspaces-connection-status"}
_OPTIONS = {_WORKSPACES: "--workspaces", _STATUSES: "--samples"}
_KEY_ARN = re.compile(r"arn:aws[\w-]*:kms:([a-z0-9-]+):(\d{12}):")


class _AccountRegion(NamedTuple):
    account_id: str
    region: str


def described_workspaces(
    path: Path | str, region: str | None = None, *, tag_columns: Iterable[str] = ()
) -> pd.DataFrame:
    """Return the ``workspaces`` table of what ``aws workspaces describe-workspaces`` printed.

    *path* is a file with one or several of its JSON documents. They do not name their *region*: by
    default it is the one of the keys that volumes are encrypted with, or the one that boto3 finds.
    Values that nobody knows are kept as they are. Raises :class:`InputError` for a file that holds
    anything else.
    """
    path = Path(path)
    entries = list(_entries(path, _WORKSPACES))
    account_region = _account_region_of(path, entries, region)
    frame = accepted_workspaces(
        workspaces_frame(account_region, _distinct(path, entries)), Origin(str(path)))
    faults = Faults(Origin(str(path)))
    frame = with_tag_columns(frame, frame, tag_columns, faults)
    faults.note(f"region {account_region.region}")
    faults.note("tags, maintenance mode and licences are not in what describe-workspaces prints")
    faults.refuse()
    return frame


def described_samples(path: Path | str) -> pd.DataFrame:
    """Return the ``samples`` table of ``aws workspaces describe-workspaces-connection-status``.

    *path* is a file with one or several of its JSON documents, or a folder of such files. Each
    status is a sample of when AWS checked the connection; one without that time is left out.
    Raises :class:`InputError` for a file that holds anything else.
    """
    path = Path(path)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError("there is no .json file in it", where=str(path),
                         rule="a folder of samples holds what the AWS CLI printed",
                         fix=_how(_STATUSES))
    statuses, undated = list[dict[str, Any]](), 0
    for file in files:
        faults = Faults(Origin(str(file)))
        for entry in _entries(file, _STATUSES):
            status = _status(entry, faults)
            undated += STATUS_INSTANTS[0] not in status
            statuses += [status] if STATUS_INSTANTS[0] in status else []
        faults.refuse()
    if not statuses:
        raise InputError(
            f"none of its {undated:,} statuses says when AWS checked the connection",
            where=str(path), rule=f"a sample is of its {STATUS_INSTANTS[0]}",
            fix="ask again while WorkSpaces are switched on")
    samples = as_samples((Statuses(status[STATUS_INSTANTS[0]], [status["WorkspaceId"]], [status])
                          for status in statuses), {}).drop_duplicates(
        list(SAMPLES.key), keep="last")
    left_out = f"; {undated:,} without that time are left out" if undated else ""
    warn_caller(
        f"{path}: {counted(len(samples), 'sample')} from {counted(len(files), 'file')}, each of "
        f"when AWS checked the connection{left_out}", Notice)
    return sort_by_key(samples, SAMPLES)


def _entries(path: Path, member: str) -> Iterator[dict[str, Any]]:
    """Give the entries of all documents in a file that are in the *member* of AWS's answer."""
    count = found = 0
    for document in _documents(path, member):
        for entry in _listed(document, member, path):
            count += 1
            if text(members(entry).get("WorkspaceId")):
                found += 1
                yield dict(entry)
    if not found:
        raise InputError(
            f"none of its {count:,} entries has a WorkspaceId" if count else "it has no entries",
            where=str(path), rule=f"each entry of {member} is of one WorkSpace", fix=_how(member))
    if found < count:
        warn_caller(f"{path}: {count - found:,} of its {count:,} entries have no WorkspaceId and "
                    "are left out", Notice)


def _listed(document: object, member: str, path: Path) -> list[Any]:
    """Return the entries of one *document*: an answer, a list of answers or of entries, or one."""
    if isinstance(document, list):
        return [entry for part in document for entry in (
            _listed(part, member, path) if _is_answer(part) else [part])]
    if isinstance(document, dict) and text(document.get("WorkspaceId")):
        return [document]
    entries = members(document).get(member)
    if isinstance(entries, list):
        return entries
    other = next((name for name in _COMMANDS if name in members(document)), "")
    holds = f"it has {listed(list(map(str, members(document))))}" if members(document) else (
        "it holds no object")
    raise InputError(
        f"{member} is no list" if member in members(document) else
        f"it has no {member}: {holds}", where=str(path),
        rule=f"it is what 'aws workspaces {_COMMANDS[member]}' prints as JSON",
        fix=f"give it as {_OPTIONS[other]}" if other and other != member else _how(member))


def _is_answer(part: object) -> bool:
    return isinstance(part, dict) and any(name in part for name in _COMMANDS)


def _how(member: str) -> str:
    return f"write it with 'aws workspaces {_COMMANDS[member]} --output json > F.json'"


def _documents(path: Path, member: str) -> Iterator[Any]:
    """Give the JSON documents that stand in a file, one after another."""
    refuse_no_file(path, f"the answer of {_COMMANDS[member]}")
    try:
        raw = path.read_bytes()
        # PowerShell writes what a command prints as UTF-16.
        is_utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        rest = raw.decode("utf-16" if is_utf16 else "utf-8-sig").strip()
        if not rest:
            raise InputError("the file is empty", where=str(path),
                             rule="it is what the AWS CLI prints as JSON", fix=_how(member))
        while rest:
            _, end = json.JSONDecoder().raw_decode(rest)
            document = json_of(rest[:end])
            json.dumps(document, ensure_ascii=False).encode()  # half a character is no text
            yield document
            rest = rest[end:].lstrip()
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise InputError(f"it cannot be read as JSON: {reason}", where=str(path),
                         rule="the file is whole, and what the AWS CLI prints as JSON",
                         fix=_how(member)) from error


def _distinct(path: Path, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each entry once; two different ones of one WorkSpace are refused."""
    by_id: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if by_id.setdefault(entry["WorkspaceId"], entry) != entry:
            raise InputError(
                f"{entry['WorkspaceId']} is described twice, and not alike", where=str(path),
                rule=f"workspace_id is unique in a {WORKSPACES.name} table",
                fix="keep the answers of one time alone")
    return list(by_id.values())


def _account_region_of(
    path: Path, entries: list[dict[str, Any]], region: str | None
) -> _AccountRegion:
    """Return where the WorkSpaces are: by *region*, their keys, or boto3's configuration."""
    keys: set[tuple[str, str]] = {(found[1], found[2]) for entry in entries
            if (found := _KEY_ARN.match(text(entry.get("VolumeEncryptionKey"))))}
    of_keys, account_id = keys.pop() if len(keys) == 1 else ("", "")
    code = region or of_keys or configured_region()
    if not code:
        raise InputError(
            "it does not say in which region the WorkSpaces are", where=str(path),
            rule="prices depend on the region, and describe-workspaces does not print it",
            fix="give for example --workspaces-region eu-west-1")
    check_regions([code], where="--workspaces-region")
    return _AccountRegion(account_id if code == of_keys else "", code)


def _status(entry: dict[str, Any], faults: Faults) -> dict[str, Any]:
    """Return a connection status with its times as instants in UTC; odd ones are *faults*."""
    status = dict(entry)
    for name in STATUS_INSTANTS:
        if (value := status.pop(name, None)) in (None, ""):
            continue
        instant = parsed_instant(value)
        if instant is None or instant.tzinfo is None:
            faults.add(InputError(
                f"{name} of {entry['WorkspaceId']} is {value!r}", where=faults.origin.name,
                rule="a time is ISO 8601 with its zone, or a count of seconds since 1970"
                + ("; this one has no zone" if instant else ""), fix=f"correct {name}"))
        else:
            status[name] = instant
    return status_in_utc(status)
