"""Check the tables of a history: WorkSpaces, the samples taken of them, and when.

A history holds frames in the dtypes of their contracts (``wsanalytics columns``), so that
whatever follows need not check them again. ``archive`` reads one from a folder or a store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from wsanalytics.bundles import BASE_VOLUMES, with_base_volumes
from wsanalytics.calendars import CITIES
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.files import json_of
from wsanalytics.formatting import listed
from wsanalytics.not_simulated import is_timeout
from wsanalytics.service_model import compute_types, region_at
from wsanalytics.settings import RULE
from wsanalytics.tables import (
    SAMPLES,
    SESSIONS,
    WORKSPACES,
    Faults,
    Origin,
    add_duplicates,
    check_table,
    checked_sessions,
    checked_table,
    read_source,
    refuse_duplicates,
    same_letters,
    sort_by_key,
    tags_hint,
    timeout_hint,
)


def check_workspaces(
    frame: pd.DataFrame,
    origin: Origin | None = None,
    *,
    priced: Iterable[str] | None = None,
    tag_columns: Iterable[str] = (),
) -> pd.DataFrame:
    """Return a checked ``workspaces`` table: defaults filled in, timeouts valid, sorted by id.

    *priced* are the compute types of the price table in force (default: the built-in one's).
    Each of *tag_columns* is a column of *frame* whose cells become a tag of its name.
    Raises :class:`InputError` with all that is wrong: whatever the contract forbids, a timeout
    that AWS does not offer, tags that are no JSON object, a termination before the creation, and a
    compute type that neither AWS's service model nor the price table knows.
    """
    return checked_workspaces(frame, Faults(origin or Origin("the workspaces frame")),
                              priced=priced, tag_columns=tag_columns)


def checked_workspaces(
    frame: pd.DataFrame, faults: Faults, *, priced: Iterable[str] | None = None,
    tag_columns: Iterable[str] = (),
) -> pd.DataFrame:
    """Return what :func:`check_workspaces` does; *faults* has what was found in the file so far."""
    checked = checked_table(frame, WORKSPACES, faults, rows_needed=True)
    add_duplicates(checked, WORKSPACES, faults)
    _check_timeouts(checked, faults)
    _check_tags(checked, faults)
    _check_lifetimes(checked, faults)
    _check_regions(checked, faults)
    _refuse_misspelt_regions(checked, faults)
    checked = _with_compute_types(checked, faults, priced)
    checked = with_tag_columns(checked, frame, tag_columns, faults)
    faults.refuse()
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
    source: Path | str | pd.DataFrame, *, priced: Iterable[str] | None = None,
    tag_columns: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the checked ``workspaces`` table in a CSV or Parquet file, or in a frame.

    Each of *tag_columns* is a column of it whose cells become a tag of its name.
    """
    names = list(tag_columns)
    return checked_workspaces(*read_source(source, WORKSPACES, also=names), priced=priced,
                              tag_columns=names)


def read_sessions(source: Path | str | pd.DataFrame) -> pd.DataFrame:
    """Return the checked ``sessions`` table in a CSV or Parquet file, or in a frame."""
    return checked_sessions(*read_source(source, SESSIONS))


def read_samples(source: Path | str | pd.DataFrame) -> pd.DataFrame:
    """The checked ``samples`` table in a CSV or Parquet file, or in a frame, in any row order."""
    frame, faults = read_source(source, SAMPLES)
    samples = checked_table(frame, SAMPLES, faults, rows_needed=True)
    faults.refuse()
    samples["checked_at"] = samples["checked_at"].fillna(samples["sampled_at"])
    return samples


def _check_timeouts(frame: pd.DataFrame, faults: Faults) -> None:
    sound = faults.sound(len(frame), "running_mode", "auto_stop_minutes")
    stopping = (frame["running_mode"] == "AUTO_STOP").to_numpy(dtype=bool) & sound
    minutes = frame["auto_stop_minutes"]
    is_empty = minutes.isna().to_numpy()
    faults.add_rows(stopping & is_empty, ("auto_stop_minutes",), lambda position: InputError(
        "auto_stop_minutes is empty", where=faults.origin.row(position),
        rule="an AUTO_STOP WorkSpace has a timeout", fix="fill in for example 60"))
    strange = [value for value in minutes.dropna().unique() if not is_timeout(int(value))]
    faults.add_rows(stopping & minutes.isin(strange).to_numpy(dtype=bool), ("auto_stop_minutes",),
                    lambda position: InputError(
        f"auto_stop_minutes is {minutes.iloc[position]}", where=faults.origin.row(position),
        rule=RULE, fix=timeout_hint(int(minutes.iloc[position]))))


def _check_tags(frame: pd.DataFrame, faults: Faults) -> None:
    fits = {text: _is_object(text) for text in frame["tags"].unique()}
    bad = ~frame["tags"].map(fits).to_numpy(dtype=bool) & faults.sound(len(frame), "tags")
    faults.add_rows(bad, ("tags",), lambda position: InputError(
        f"tags is {frame['tags'].iloc[position]!r}", where=faults.origin.row(position),
        rule="tags are a JSON object", fix=tags_hint(frame["tags"].iloc[position])))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json_of(text), dict)
    except ValueError:
        return False


def _check_lifetimes(frame: pd.DataFrame, faults: Faults) -> None:
    backwards = (frame["terminated_at"] < frame["created_at"]).to_numpy()
    faults.add_rows(backwards, ("terminated_at",), lambda position: InputError(
        "terminated_at is before created_at", where=faults.origin.row(position),
        rule="a WorkSpace ends after it was created", fix="correct one of the two"))


def _check_regions(frame: pd.DataFrame, faults: Faults) -> None:
    """Refuse the names that the console and price lists give to regions."""
    codes = {text: region_at(text) for text in frame["region"].unique()}
    named = frame["region"].map(codes).fillna("").astype("bool").to_numpy()
    faults.add_rows(named & faults.sound(len(frame), "region"), ("region",),
                    lambda position: InputError(
        f"region is {frame['region'].iloc[position]!r}", where=faults.origin.row(position),
        rule="a region is written as its code",
        fix=f"write {codes[frame['region'].iloc[position]]}"))


def _refuse_misspelt_regions(frame: pd.DataFrame, faults: Faults) -> None:
    """Refuse a region of an area that there is not, where it comes close to one that there is.

    A new region of a known area, or one that is like none, may only be unknown here.
    """
    areas = {region.rpartition("-")[0] for region in CITIES}
    strange = {text for text in frame["region"].unique() if text.rpartition("-")[0] not in areas}
    close = {text: get_close_matches(text, CITIES, n=1, cutoff=0.8) for text in strange if text}
    meant = {text: names[0] for text, names in close.items() if names}
    named = frame["region"].isin(list(meant)).to_numpy(dtype=bool)
    faults.add_rows(named & faults.sound(len(frame), "region"), ("region",),
                    lambda position: InputError(
        f"region is {frame['region'].iloc[position]!r}", where=faults.origin.row(position),
        rule="a region is written as its code",
        fix=f"did you mean {meant[frame['region'].iloc[position]]}?"))


def _with_compute_types(
    frame: pd.DataFrame, faults: Faults, priced: Iterable[str] | None
) -> pd.DataFrame:
    """Return *frame* with compute types as AWS writes them; unknown ones are *faults*."""
    known = set(BASE_VOLUMES if priced is None else priced)  # the service model takes 0.1 s to read
    types = frame["compute_type"]
    sound = faults.sound(len(frame), "compute_type")
    if not (~types.isin(known).to_numpy() & sound).any():
        return frame
    known |= compute_types()
    written = {value: meant for value in types[sound].unique()
               if value not in known and (meant := same_letters(str(value), sorted(known)))}
    for value, meant in written.items():
        faults.note(f"compute_type {value} is taken as {meant}")
    faults.add_rows(~types.isin(known | set(written)).to_numpy() & sound, ("compute_type",),
                    lambda position: InputError(
        f"compute_type is {types.iloc[position]!r}",
        where=faults.origin.row(position),
        rule="a compute type is one that AWS's service model or the price table knows",
        fix=did_you_mean(str(types.iloc[position]).upper(), sorted(known),
                         otherwise="correct it, or add its price")))
    return frame.assign(compute_type=types.replace(written)) if written else frame


def with_tag_columns(
    checked: pd.DataFrame, frame: pd.DataFrame, tag_columns: Iterable[str], faults: Faults
) -> pd.DataFrame:
    """Return *checked* with a tag of each of the *tag_columns* of *frame*; an empty cell is none.

    A column counts before a tag of the same name in the column ``tags``. A column that is not
    there is one of the *faults*.
    """
    names = list(dict.fromkeys(tag_columns))
    here = {faults.renamed.get(name, name): name for name in names}
    known = list(map(str, frame.columns))
    lacking = [name for column, name in here.items() if known.count(column) != 1]
    for name in lacking:
        faults.add(InputError(
            f"there is no column {name}" if name not in known else
            f"column {name} stands there twice", where=faults.origin.name,
            rule="a tag column is one column of the workspaces file",
            fix=did_you_mean(name, faults.header or known, otherwise="it has "
                             + listed(faults.header or known))))
    if not names or lacking or not faults.sound(len(checked), "tags").all():
        return checked
    cells = {name: _texts(frame[column]) for column, name in here.items()}
    texts = [json.dumps(json_of(text) | {name: values[row] for name, values in cells.items()
                                         if values[row]}, ensure_ascii=False)
             for row, text in enumerate(checked["tags"])]
    return checked.assign(tags=pd.Series(texts, dtype="str"))


def _texts(cells: pd.Series) -> list[str]:
    """Return each of *cells* as text, an empty one as empty text."""
    return ["" if is_empty else str(cell).strip()
            for cell, is_empty in zip(cells, cells.isna(), strict=True)]
