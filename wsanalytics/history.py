"""What was observed of a fleet: its WorkSpaces, the samples taken of them, and when.

A history holds frames in the dtypes of their contracts (``wsanalytics columns``), so that
whatever follows need not check them again. ``archive`` reads one from a folder or a store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.aws.model import compute_types, region_at
from wsanalytics.checking import Origin, check_table, refuse_duplicates, sort_by_key
from wsanalytics.eligibility import is_timeout
from wsanalytics.errors import InputError
from wsanalytics.files import read_source
from wsanalytics.hints import tags_hint, timeout_hint
from wsanalytics.parsing import json_of
from wsanalytics.prices import load_prices, with_base_volumes
from wsanalytics.schedule import Schedule, schedule_of
from wsanalytics.settings import ALWAYS_ON, RULE, RunningMode, Setting, auto_stop
from wsanalytics.show import html_table
from wsanalytics.tables import SAMPLES, SESSIONS, WORKSPACES
from wsanalytics.timeline import INSTANT_DTYPE, Micros, Window, column_micros

SHOWN = ("workspace_id", "user_name", "region", "compute_type", "running_mode",
         "auto_stop_minutes", "operating_system", "state")
"""The columns that a notebook shows of a history's WorkSpaces."""


@dataclass(frozen=True, eq=False)
class History:
    """A fleet's past: ``workspaces`` and ``samples`` (frames) in the ``window`` they cover.

    ``settings`` (workspace_id, setting, since) tells how each WorkSpace was set through time; by
    default each is taken to have always had the setting it has. Typed alone in a notebook a
    history shows how much it holds.
    """

    workspaces: pd.DataFrame
    samples: pd.DataFrame
    window: Window
    settings: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        if self.settings.empty:
            object.__setattr__(
                self, "settings", settings_since(configured(self.workspaces), self.window.start)
            )

    @cached_property
    def configured(self) -> pd.Series:
        """The setting in force at the window's end, by ``workspace_id``, without MANUAL ones."""
        past = self.settings[self.settings["since"] < self.window.end]
        latest = past.drop_duplicates("workspace_id", keep="last")
        now = latest.set_index("workspace_id")["setting"]
        listed = configured(self.workspaces)
        return now.reindex(listed.index).fillna(listed).astype("str").rename("setting")

    @cached_property
    def in_force(self) -> Schedule:
        """The settings that were really in force, to be replayed beside fixed ones."""
        later = configured(self.workspaces)
        known = later.index.isin(self.settings["workspace_id"])
        rest = settings_since(later[~known], self.window.start)
        return schedule_of(pd.concat([self.settings, rest], ignore_index=True), self.window)

    def __repr__(self) -> str:
        return (
            f"<History {len(self.workspaces):,} WorkSpaces, {len(self.samples):,} samples, "
            f"{self.window}>"
        )

    def _repr_html_(self) -> str:
        head = self.workspaces.head()[list(SHOWN)]
        return f"<p>{escape(repr(self)[1:-1])}; the first WorkSpaces:</p>{html_table(head)}"


def settings_since(settings: pd.Series, since: datetime) -> pd.DataFrame:
    """A ``settings`` table in which each of *settings* (by ``workspace_id``) is so since then."""
    frame = settings.rename("setting").rename_axis("workspace_id").reset_index()
    return frame.assign(since=pd.Series([since] * len(frame), dtype=INSTANT_DTYPE))


def configured(workspaces: pd.DataFrame) -> pd.Series:
    """The setting of each WorkSpace as text, by ``workspace_id``.

    Those whose running mode or timeout is none that can be set (MANUAL, or what AWS may say
    tomorrow) are left out.
    """
    minutes = workspaces["auto_stop_minutes"].fillna(0).astype("int64")
    settings = [
        str(ALWAYS_ON) if mode == ALWAYS_ON.running_mode
        else str(auto_stop(timeout)) if mode == RunningMode.AUTO_STOP and is_timeout(timeout)
        else ""
        for mode, timeout in zip(workspaces["running_mode"], minutes, strict=True)
    ]
    index = pd.Index(workspaces["workspace_id"], name="workspace_id")
    named = pd.Series(settings, index=index, name="setting", dtype="str")
    return named[named != ""]


def check_workspaces(
    frame: pd.DataFrame,
    origin: Origin | None = None,
    *,
    priced: Iterable[str] | None = None,
) -> pd.DataFrame:
    """A checked ``workspaces`` table: defaults filled in, timeouts valid, sorted by id.

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

    What is refused in people's files is let in here: ``eligibility`` sets such WorkSpaces aside,
    each by name. Raises :class:`InputError` where the table itself is not whole.
    """
    origin = origin or Origin("the workspaces of a store")
    checked = check_table(frame, _AS_ANSWERED, origin, rows_needed=True)
    refuse_duplicates(checked, WORKSPACES, origin)
    checked["running_mode"] = checked["running_mode"].fillna("")
    return sort_by_key(with_base_volumes(checked), WORKSPACES)


def check_sessions(frame: pd.DataFrame, origin: Origin | None = None) -> pd.DataFrame:
    """A checked ``sessions`` table, sorted by WorkSpace and start; it may have no rows.

    Raises :class:`InputError` for whatever the contract forbids, a session that ends before or
    when it starts, and two sessions of one WorkSpace that overlap.
    """
    origin = origin or Origin("the sessions frame")
    checked = check_table(frame, SESSIONS, origin)
    backwards = (checked["disconnected_at"] <= checked["connected_at"]).to_numpy()
    if backwards.any():
        first = int(np.flatnonzero(backwards)[0])
        row = checked.iloc[first]
        raise InputError(
            f"the session of {row['workspace_id']} ends at {row['disconnected_at'].isoformat()}, "
            f"not after its start at {row['connected_at'].isoformat()}",
            where=origin.row(first),
            rule="a session ends after it starts",
            mend="correct the row or remove it",
        )
    owner, _ = pd.factorize(checked["workspace_id"], sort=True)
    starts = column_micros(checked["connected_at"])
    order = np.lexsort((starts, owner))
    _refuse_overlaps(checked, owner[order], starts[order], order, origin)
    return checked.iloc[order].reset_index(drop=True)


def _refuse_overlaps(
    checked: pd.DataFrame,
    owner: npt.NDArray[np.intp],
    starts: Micros,
    order: npt.NDArray[np.intp],
    origin: Origin,
) -> None:
    ends = column_micros(checked["disconnected_at"])[order]
    overlap = np.flatnonzero((owner[1:] == owner[:-1]) & (starts[1:] < ends[:-1]))
    if overlap.size:
        one, other = (int(row) for row in order[overlap[0] : overlap[0] + 2])
        raise InputError(
            f"two sessions of {checked['workspace_id'].iloc[one]} overlap "
            f"(with {origin.row(one).rpartition(', ')[2]})",
            where=origin.row(other),
            rule="the sessions of one WorkSpace do not overlap; touching ones are one",
            mend="merge the two rows or correct their times",
        )


def read_workspaces(
    source: Path | str | pd.DataFrame, *, priced: Iterable[str] | None = None
) -> pd.DataFrame:
    """The checked ``workspaces`` table in a CSV or Parquet file, or in a frame."""
    return check_workspaces(*read_source(source, WORKSPACES), priced=priced)


def read_sessions(source: Path | str | pd.DataFrame) -> pd.DataFrame:
    """The checked ``sessions`` table in a CSV or Parquet file, or in a frame."""
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
                rule="an AUTO_STOP WorkSpace has a timeout", mend="fill in for example 60",
            )
        try:
            auto_stop(int(minutes))
        except InputError as error:
            raise InputError(
                f"auto_stop_minutes is {minutes}", where=where, rule=RULE,
                mend=timeout_hint(int(minutes)),
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
                rule="tags are a JSON object", mend=tags_hint(text),
            )


def _check_lifetimes(frame: pd.DataFrame, origin: Origin) -> None:
    backwards = (frame["terminated_at"] < frame["created_at"]).to_numpy()
    if backwards.any():
        raise InputError(
            "terminated_at is before created_at",
            where=origin.row(int(np.flatnonzero(backwards)[0])),
            rule="a WorkSpace ends after it was created", mend="correct one of the two",
        )


def _check_regions(frame: pd.DataFrame, origin: Origin) -> None:
    """Refuse the names that the console and price lists give to regions."""
    for position, text in enumerate(frame["region"]):
        if code := region_at(text):
            raise InputError(
                f"region is {text!r}", where=origin.row(position),
                rule="a region is written as its code", mend=f"write {code}")


def _check_compute_types(
    frame: pd.DataFrame, origin: Origin, priced: Iterable[str] | None
) -> None:
    known = set(load_prices().compute_types if priced is None else priced)
    strange = ~frame["compute_type"].isin(known).to_numpy()
    if strange.any():
        known |= compute_types()
        strange = ~frame["compute_type"].isin(known).to_numpy()
    if strange.any():
        position = int(np.flatnonzero(strange)[0])
        value = frame["compute_type"].iloc[position]
        close = get_close_matches(value.upper(), sorted(known), n=1)
        raise InputError(
            f"compute_type is {value!r}",
            where=origin.row(position),
            rule="a compute type is one that AWS's service model or the price table knows",
            mend=f"did you mean {close[0]}?" if close else "correct it, or add its price",
        )


def settings_of(configured_settings: pd.Series) -> tuple[Setting, ...]:
    """The distinct settings in a series such as :attr:`History.configured`, in their order."""
    distinct = {Setting.parse(text) for text in configured_settings.unique()}
    return tuple(sorted(distinct, key=lambda setting: setting.order))
