"""Recognise what people's files hold in place of the expected, and suggest a remedy.

Other tools write instants, separators, regions and tags in ways of their own. A message that knows
them for what they are saves its reader the search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

OTHER_NAMES = {
    "workspaceid": "workspace_id", "runningmode": "running_mode",
    "computetypename": "compute_type", "computetype": "compute_type", "bundletype": "compute_type",
    "runningmodeautostoptimeoutinminutes": "auto_stop_minutes",
    "autostoptimeoutinminutes": "auto_stop_minutes", "directoryid": "directory_id",
    "bundleid": "bundle_id", "username": "user_name", "computername": "computer_name",
    "operatingsystemname": "operating_system", "rootvolumesizegib": "root_gib",
    "uservolumesizegib": "user_gib", "connectionstate": "connection_state",
    "lastknownuserconnectiontimestamp": "last_connected_at",
    "connectionstatechecktimestamp": "checked_at",
}
"""Names of our columns in AWS, its Cost Optimizer and the console, in small letters alone."""
SEPARATORS = {";": "semicolons (;)", "\t": "tabs", "|": "bars (|)"}
"""The marks that stand between columns in place of commas, in words."""
_NEVER = {"never", "none", "null", "n/a", "na", "-", "nan", "nat"}


def column_hint(names: Sequence[str]) -> str:
    """Suggest what to do about a header of another tool; empty where nothing is known."""
    letters = {re.sub(r"[^a-z]", "", name.lower()) for name in names}
    if len(names) == 1:
        separator = next((mark for mark in SEPARATORS if mark in names[0]), None)
        if separator:
            return (
                f"its columns are separated by {SEPARATORS[separator]}, as spreadsheets of some "
                "countries write: save it with commas, as "
                "Excel's 'CSV UTF-8 (comma delimited)' in an English locale, or with "
                f"pandas.read_csv(path, sep={separator!r}).to_csv(path, index=False)"
            )
    if {"billablehours", "usagethreshold"} <= letters:
        return ("it is a report of AWS's Cost Optimizer, which lacks regions and sessions: let "
                "'wsanalytics collect' and 'backfill' ask AWS, or add the columns")
    return ""


def instant_hint(text: str, *, nullable: bool) -> str:
    """Suggest how to write an instant that cannot be read; empty where it is not recognised.

    >>> instant_hint("Never", nullable=True)
    'leave the cell empty where there is none'
    """
    text = text.strip()
    empty = "leave the cell empty where there is none" if nullable else (
        "write the instant, or remove the row")
    if text.lower() in _NEVER:
        return empty
    if re.match(r"0001-01-01|1/1/0001|01/01/0001|1970-01-01T?\s?00:00:00|0(\.0+)?$", text):
        return f"it stands for 'never' in other tools: {empty}"
    if re.fullmatch(r"\d{9,11}(\.\d+)?|\d{12,14}", text):
        unit = "ms" if len(text.partition(".")[0]) >= 12 else "s"
        return ("it is a count since 1970: write it as ISO 8601, for example with "
                f"pandas.to_datetime(column.astype(float), unit='{unit}', utc=True)")
    if re.match(r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b", text):
        return ("it is a date of a local form, in which day and month cannot be told apart and the "
                "zone is missing: write 2026-03-01T09:00:00Z")
    if re.search(r"\d\s*[A-Z]{2,5}$", text) and not text.endswith("Z"):
        return "a zone is written as Z or as an offset such as +05:30"
    return ""


def number_hint(text: str) -> str:
    """Suggest how to write a number that cannot be read; empty where it is not recognised.

    >>> number_hint("2,5")
    'write 2.5, with a point'
    """
    comma = re.fullmatch(r"\s*(-?\d+),(\d{1,2}|\d{4,})\s*", text)
    return f"write {comma[1]}.{comma[2]}, with a point" if comma else ""


def tags_hint(text: str) -> str:
    """Suggest how to write tags that AWS or Python wrote."""
    if re.match(r"\s*\[\s*\{\s*['\"]Key['\"]", text):
        return ('it is the list of Key and Value that AWS writes: write one object, such as '
                '{"team": "ops"}')
    if re.match(r"\s*\{\s*'", text):
        return 'it is a Python dict: write JSON, with double quotes (json.dumps)'
    return 'write for example {"team": "sales"}'


def timeout_hint(minutes: int) -> str:
    """Suggest what a timeout that AWS does not offer may have been meant for."""
    if 1 <= minutes <= 48:
        return f"write minutes: {minutes} hours are {60 * minutes}"
    if minutes == 0:
        return "0 stands for none in other tools: write the timeout of the WorkSpace, such as 60"
    return "correct auto_stop_minutes"


def file_hint(ending: str) -> str:
    """Suggest what to do about a file of another kind, by its ending."""
    return {
        ".json": "make a CSV of it; JSON is read of 'aws workspaces describe-workspaces' by "
        "--workspaces, and of 'describe-workspaces-connection-status' by --samples",
        ".xlsx": "save the sheet as CSV UTF-8 (comma delimited)",
        ".xls": "save the sheet as CSV UTF-8 (comma delimited)",
        ".tsv": "save it with commas, as .csv",
        ".gz": "unpack it first",
    }.get(ending.lower(), "rename the file after what it holds")
