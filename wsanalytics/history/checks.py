"""Check the tables of a history: WorkSpaces, the samples taken of them, and when.

A history holds frames in the dtypes of their contracts (``wsanalytics columns``), so that
whatever follows need not check them again. ``archive`` reads one from a folder or a store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from wsanalytics.bundles import BASE_VOLUMES, with_base_volumes
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.files import json_of
from wsanalytics.service_model import compute_types, region_at
from wsanalytics.settings import RULE, auto_stop
from wsanalytics.tables import (
    SAMPLES,
    SESSIONS,
    WORKSPACES,
    Origin,
    check_sessions,
    check_table,
    read_source,
    refuse_duplicates,
    sort_by_key,
    tags_hint,
    timeout_hint,
)


def check_workspaces(
    frame: pd.DataFrame,
    origin: Origin | None = None,
    *,
    priced: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return a checked ``workspaces`` table: defaults filled in, timeouts valid, sorted by id.

    *priced* are the compute types of the price table in force (default: the built-in one's).
    Raises :class:`InputError` for whatever the contract forbids, a timeout that AWS does not
    offer, tags that are no JSON object, a termination before the creation, and a compute type
    that neither AWS's service model nor the price table knows.
    """
    origin = origin or Origin("the workspaces frame")
    checked = check_table(frame, WORKSPACES, origin, rows_needed=True)
    refuse_duplicates(checked, WORKSPACES, origin)
    _check_timeouts(checked, origin)
    _check_tags(checked, origin)
    _check_lifetimes(checked, origin)
    _check_regions(checked, origin)
    _check_compute_types(checked, origin, priced)
    return sort_by_key(with_base_volumes(checked), WORKSPACES)


_AS_ANSWERED = replace(WORKSPACES, columns=tuple(
    replace(column, choices=(), nullable=column.nullable or column.name == "running_mode")
    for column in WORKSPACES.columns))


def accepted_workspaces(frame: pd.DataFrame, origin: Origin | None = None) -> pd.DataFrame:
    """A ``workspaces`` table of what AWS answered, with values that nobody knows kept as they are.

    What is refused in people's files is let in here: ``not_simulated`` sets such WorkSpaces aside,
    each by name. Raises :class:`InputError` where the table itself is not whole.
    """
    origin = origin or Origin("the workspaces of a store")
    checked = check_table(frame, _AS_ANSWERED, origin, rows_needed=True)
    refuse_duplicates(checked, WORKSPACES, origin)
    checked["running_mode"] = checked["running_mode"].fillna("")
    return sort_by_key(with_base_volumes(checked), WORKSPACES)


def read_workspaces(
    source: Path | str | pd.DataFrame, *, priced: Iterable[str] | None = None
) -> pd.DataFrame:
    """Return the checked ``workspaces`` table in a CSV or Parquet file, or in a frame."""
    return check_workspaces(*read_source(source, WORKSPACES), priced=priced)


def read_sessions(source: Path | str | pd.DataFrame) -> pd.DataFrame:
    """Return the checked ``sessions`` table in a CSV or Parquet file, or in a frame."""
    return check_sessions(*read_source(source, SESSIONS))


def read_samples(source: Path | str | pd.DataFrame) -> pd.DataFrame:
    """The checked ``samples`` table in a CSV or Parquet file, or in a frame, in any row order."""
    frame, origin = read_source(source, SAMPLES)
    samples = check_table(frame, SAMPLES, origin, rows_needed=True)
    samples["checked_at"] = samples["checked_at"].fillna(samples["sampled_at"])
    return samples


def _check_timeouts(frame: pd.DataFrame, origin: Origin) -> None:
    for position in np.flatnonzero(frame["running_mode"] == "AUTO_STOP"):
        minutes = frame["auto_stop_minutes"].iloc[position]
        where = origin.row(int(position))
        if pd.isna(minutes):
            raise InputError(
                "auto_stop_minutes is empty", where=where,
                rule="an AUTO_STOP WorkSpace has a timeout", fix="fill in for example 60",
            )
        try:
            auto_stop(int(minutes))
        except InputError as error:
            raise InputError(
                f"auto_stop_minutes is {minutes}", where=where, rule=RULE,
                fix=timeout_hint(int(minutes)),
            ) from error


def _check_tags(frame: pd.DataFrame, origin: Origin) -> None:
    for position, text in enumerate(frame["tags"]):
        try:
            fits = isinstance(json_of(text), dict)
        except ValueError:
            fits = False
        if not fits:
            raise InputError(
                f"tags is {text!r}", where=origin.row(position),
                rule="tags are a JSON object", fix=tags_hint(text),
            )


def _check_lifetimes(frame: pd.DataFrame, origin: Origin) -> None:
    backwards = (frame["terminated_at"] < frame["created_at"]).to_numpy()
    if backwards.any():
        raise InputError(
            "terminated_at is before created_at",
            where=origin.row(int(np.flatnonzero(backwards)[0])),
            rule="a WorkSpace ends after it was created", fix="correct one of the two",
        )


def _check_regions(frame: pd.DataFrame, origin: Origin) -> None:
    """Refuse the names that the console and price lists give to regions."""
    for position, text in enumerate(frame["region"]):
        if code := region_at(text):
            raise InputError(
                f"region is {text!r}", where=origin.row(position),
                rule="a region is written as its code", fix=f"write {code}")


def _check_compute_types(
    frame: pd.DataFrame, origin: Origin, priced: Iterable[str] | None
) -> None:
    known = set(BASE_VOLUMES if priced is None else priced)  # the service model takes 0.1 s to read
    strange = ~frame["compute_type"].isin(known).to_numpy()
    if strange.any():
        known |= compute_types()
        strange = ~frame["compute_type"].isin(known).to_numpy()
    if strange.any():
        position = int(np.flatnonzero(strange)[0])
        value = frame["compute_type"].iloc[position]
        raise InputError(
            f"compute_type is {value!r}",
            where=origin.row(position),
            rule="a compute type is one that AWS's service model or the price table knows",
            fix=did_you_mean(value.upper(), sorted(known),
                              otherwise="correct it, or add its price"),
        )
