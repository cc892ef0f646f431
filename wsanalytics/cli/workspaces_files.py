"""Read the WorkSpaces that ``--workspaces`` names: a table, or what the AWS CLI printed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from wsanalytics.aws import check_regions
from wsanalytics.collection import described_workspaces
from wsanalytics.errors import InputError
from wsanalytics.history import checked_workspaces
from wsanalytics.tables import WORKSPACES, Faults, defaults_used, origin_of, read_table

_NOT_PRINTED = ("license", "maintenance_enabled")
"""The columns that depend on directories and bundles, which describe-workspaces does not print."""


class WorkspacesFile(NamedTuple):
    """A checked ``workspaces`` table, and how many of its rows rely on the default of a column."""

    workspaces: pd.DataFrame
    defaults: dict[str, int]


def read_workspaces_file(
    path: Path, *, region: str | None = None, tag_columns: Iterable[str] = (),
    priced: Iterable[str] | None = None,
) -> WorkspacesFile:
    """Return the WorkSpaces in a .csv or .parquet file, or in a .json file of the AWS CLI.

    *region* is where those of a .json file are, or of a table without that column. Each of
    *tag_columns* is a column that becomes a tag.
    """
    names = list(tag_columns)
    if path.suffix == ".json":
        described = described_workspaces(path, region, tag_columns=names)
        return WorkspacesFile(described, dict.fromkeys(_NOT_PRINTED, len(described)))
    faults = Faults(origin_of(path), {} if region is None else {"region": region})
    raw = read_table(path, WORKSPACES, faults, also=names)
    if region is not None:
        check_regions([region], where="--workspaces-region")
        if "region" in raw:
            raise InputError(
                f"--workspaces-region is given, and {path} has a column region",
                where="the options",
                rule="a column says of each WorkSpace in which region it is",
                fix="leave out --workspaces-region")
    fleet = checked_workspaces(raw, faults, priced=priced, tag_columns=names)
    return WorkspacesFile(fleet, defaults_used(raw, WORKSPACES))


def named_in(path: Path, region: str | None) -> pd.DataFrame:
    """Return who is in a file of WorkSpaces, unchecked; empty where it is not even that.

    What is wrong with the file is said by whoever reads it whole.
    """
    if path.suffix == ".json":
        return described_workspaces(path, region)
    raw = read_table(path, WORKSPACES, Faults(origin_of(path)))
    return raw if "workspace_id" in raw else raw.iloc[:0].assign(workspace_id="")
