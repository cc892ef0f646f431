"""Histories on disk: a folder of three files, a collector's store, or the sample fleet."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wsanalytics.errors import InputError
from wsanalytics.files import replaced
from wsanalytics.history.checks import read_samples, read_workspaces
from wsanalytics.history.history import History
from wsanalytics.history.store import Store
from wsanalytics.schedule import check_settings
from wsanalytics.tables import SAMPLES, SETTINGS, WORKSPACES, origin_of, read_table, sort_by_key
from wsanalytics.timeline import Window

WORKSPACES_FILE = "workspaces.parquet"
SAMPLES_FILE = "samples.parquet"
SETTINGS_FILE = "settings.parquet"


def read_history(
    folder: Path | str, *, start: date | None = None, end: date | None = None
) -> History:
    """Return the history in *folder*: a collector's store, or what :func:`write_history` wrote.

    Its window is the whole UTC days from *start* to *end* (excluded), by default those that the
    samples cover. Raises :class:`InputError` where a file is missing or holds anything but its
    table.
    """
    folder = Path(folder)
    if Store.is_at(folder):
        return Store(folder).history(start=start, end=end)
    samples = read_samples(folder / SAMPLES_FILE)
    covered = Window.around(samples["sampled_at"].min(), samples["sampled_at"].max())
    window = Window.of_days(start or covered.start.date(), end or covered.end.date())
    inside = (samples["sampled_at"] >= window.start) & (samples["sampled_at"] < window.end)
    settings = folder / SETTINGS_FILE
    return History(
        read_workspaces(folder / WORKSPACES_FILE),
        samples if inside.all() else samples[inside].reset_index(drop=True),
        window,
        check_settings(read_table(settings, SETTINGS), origin_of(settings))
        if settings.is_file() else pd.DataFrame(),
    )


def write_history(history: History, folder: Path | str) -> None:
    """Write *history* into the existing *folder*, each file whole or not at all.

    Samples are stored sorted by WorkSpace and time with delta-coded instants, which takes well
    under a byte a sample where sampling is regular. The same history gives the same bytes.
    """
    folder = Path(folder)
    samples = sort_by_key(history.samples, SAMPLES)
    text = {"workspace_id": "category", "connection_state": "category", "state": "category",
            "source": "category"}
    instants = ["sampled_at", "last_connected_at", "checked_at"]
    if "checked_at" not in samples or (samples["checked_at"] == samples["sampled_at"]).all():
        samples = samples.drop(columns="checked_at", errors="ignore")  # the default is not written
        instants = instants[:2]
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
    for name, frame, table in ((WORKSPACES_FILE, history.workspaces, WORKSPACES),
                               (SETTINGS_FILE, history.settings, SETTINGS)):
        with replaced(folder / name, private=table is WORKSPACES) as file:
            pq.write_table(
                pa.Table.from_pandas(sort_by_key(frame, table), preserve_index=False), file,
                compression="zstd",
            )


def sample_history() -> History:
    """Return the sample fleet that comes with wsanalytics: about 200 WorkSpaces over four months.

    Its people are made up (``wsanalytics.people``) and its WorkSpaces were never anybody's;
    ``data/README.md`` describes them. No AWS account is needed.
    """
    return read_history(sample_folder())


def sample_folder() -> Path:
    """Return the folder of the sample fleet; :class:`InputError` where it is not installed."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_sample", package.parent / "data" / "sample"):
        if (folder / SAMPLES_FILE).is_file():
            return folder
    raise InputError(
        "the sample fleet is not installed",
        where=str(package),
        fix="install wsanalytics from its wheel or a clone, or run data/make_sample.py",
    )
