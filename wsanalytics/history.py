"""What was observed of a fleet: its WorkSpaces, the samples taken of them, and when.

A history is read from a folder, or comes with the package as the sample fleet; a collector writes
one. It holds frames in the dtypes of their contracts (``wsanalytics columns``), so that whatever
follows need not check them again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.aws.model import compute_types
from wsanalytics.checking import Origin, check_table, refuse_duplicates, sort_by_key
from wsanalytics.errors import InputError
from wsanalytics.files import origin_of, read_table, replaced
from wsanalytics.prices import load_prices, with_base_volumes
from wsanalytics.settings import ALWAYS_ON, RULE, Setting, auto_stop
from wsanalytics.show import html_table
from wsanalytics.tables import SAMPLES, SESSIONS, WORKSPACES
from wsanalytics.timeline import Micros, Window, column_micros

WORKSPACES_FILE = "workspaces.parquet"
SAMPLES_FILE = "samples.parquet"
SHOWN = ("workspace_id", "user_name", "region", "compute_type", "running_mode",
         "auto_stop_minutes", "operating_system", "state")
"""The columns that a notebook shows of a history's WorkSpaces."""


@dataclass(frozen=True, eq=False)
class History:
    """A fleet's past: ``workspaces`` and ``samples`` (frames) in the ``window`` they cover.

    Typed alone in a notebook it shows how much it holds.
    """

    workspaces: pd.DataFrame
    samples: pd.DataFrame
    window: Window

    @cached_property
    def configured(self) -> pd.Series:
        """The setting that each WorkSpace has, by ``workspace_id``; MANUAL ones are left out."""
        return configured(self.workspaces)

    def __repr__(self) -> str:
        return (
            f"<History {len(self.workspaces):,} WorkSpaces, {len(self.samples):,} samples, "
            f"{self.window}>"
        )

    def _repr_html_(self) -> str:
        head = self.workspaces.head()[list(SHOWN)]
        return f"<p>{escape(repr(self)[1:-1])}; the first WorkSpaces:</p>{html_table(head)}"


def configured(workspaces: pd.DataFrame) -> pd.Series:
    """The setting of each WorkSpace as text, by ``workspace_id``; MANUAL ones are left out."""
    known = workspaces[workspaces["running_mode"] != "MANUAL"]
    minutes = known["auto_stop_minutes"].fillna(0).astype(int)
    settings = [
        str(ALWAYS_ON if mode == ALWAYS_ON.running_mode else auto_stop(timeout))
        for mode, timeout in zip(known["running_mode"], minutes, strict=True)
    ]
    index = pd.Index(known["workspace_id"], name="workspace_id")
    return pd.Series(settings, index=index, name="setting", dtype="str")


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
    _check_compute_types(checked, origin, priced)
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


def read_workspaces(path: Path, *, priced: Iterable[str] | None = None) -> pd.DataFrame:
    """The checked ``workspaces`` table in the CSV or Parquet file at *path*."""
    return check_workspaces(read_table(path, WORKSPACES), origin_of(path), priced=priced)


def read_sessions(path: Path) -> pd.DataFrame:
    """The checked ``sessions`` table in the CSV or Parquet file at *path*."""
    return check_sessions(read_table(path, SESSIONS), origin_of(path))


def read_samples(path: Path) -> pd.DataFrame:
    """The checked ``samples`` table in the CSV or Parquet file at *path*, in any row order."""
    return check_table(read_table(path, SAMPLES), SAMPLES, origin_of(path), rows_needed=True)


def read_history(folder: Path | str) -> History:
    """The history in *folder*: the files ``workspaces.parquet`` and ``samples.parquet`` in it.

    Its window is the whole UTC days that the samples touch. Raises :class:`InputError` where
    a file is missing or holds anything but its table.
    """
    folder = Path(folder)
    samples = read_samples(folder / SAMPLES_FILE)
    return History(
        read_workspaces(folder / WORKSPACES_FILE),
        samples,
        Window.around(samples["sampled_at"].min(), samples["sampled_at"].max()),
    )


def write_history(history: History, folder: Path | str) -> None:
    """Write *history* into the existing *folder*, each file whole or not at all.

    Samples are stored sorted by WorkSpace and time with delta-coded instants, which takes well
    under a byte a sample where sampling is regular. The same history gives the same bytes.
    """
    import pyarrow as pa  # noqa: PLC0415  # only the writer needs it
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    folder = Path(folder)
    samples = sort_by_key(history.samples, SAMPLES)
    text = {"workspace_id": "category", "connection_state": "category", "state": "category",
            "source": "category"}
    instants = ["sampled_at", "last_connected_at"]
    with replaced(folder / SAMPLES_FILE) as file:
        pq.write_table(
            pa.Table.from_pandas(samples.astype(text), preserve_index=False),
            file,
            compression="zstd",
            compression_level=9,
            use_dictionary=list(text),
            column_encoding=dict.fromkeys(instants, "DELTA_BINARY_PACKED"),
            row_group_size=1 << 20,
        )
    with replaced(folder / WORKSPACES_FILE) as file:
        workspaces = sort_by_key(history.workspaces, WORKSPACES)
        pq.write_table(
            pa.Table.from_pandas(workspaces, preserve_index=False), file, compression="zstd"
        )


def sample_history() -> History:
    """The sample fleet that comes with wsanalytics: about 200 WorkSpaces over four months.

    Its people are made up (``wsanalytics.people``) and its WorkSpaces were never anybody's;
    ``data/README.md`` tells who they are. No AWS account is needed.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_sample", package.parent / "data" / "sample"):
        if (folder / SAMPLES_FILE).is_file():
            return read_history(folder)
    raise InputError(
        "the sample fleet is not installed",
        where=str(package),
        mend="install wsanalytics from its wheel or a clone, or run data/make_sample.py",
    )


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
                mend="correct auto_stop_minutes",
            ) from error


def _check_tags(frame: pd.DataFrame, origin: Origin) -> None:
    for position, text in enumerate(frame["tags"]):
        try:
            fits = isinstance(json.loads(text, parse_constant=_no_constant), dict)
        except ValueError:
            fits = False
        if not fits:
            raise InputError(
                f"tags is {text!r}", where=origin.row(position),
                rule="tags are a JSON object", mend='write for example {"team": "sales"}',
            )


def _no_constant(name: str) -> None:
    """Python's JSON would take NaN and Infinity, which are none."""
    raise ValueError(name)


def _check_lifetimes(frame: pd.DataFrame, origin: Origin) -> None:
    backwards = (frame["terminated_at"] < frame["created_at"]).to_numpy()
    if backwards.any():
        raise InputError(
            "terminated_at is before created_at",
            where=origin.row(int(np.flatnonzero(backwards)[0])),
            rule="a WorkSpace ends after it was created", mend="correct one of the two",
        )


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
