"""Sessions of a large fleet from a store, some WorkSpaces at a time, so that memory suffices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from weakref import WeakKeyDictionary

import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.history import History, Remarks, Store, as_frame, no_samples
from wsanalytics.sessions.find import find_sessions_and_gaps
from wsanalytics.sessions.kept_found import FEWEST_SAMPLES, keep, key_of, read_kept
from wsanalytics.sessions.observed_commands import observed_commands
from wsanalytics.tables import GAPS, ORDERS, SESSIONS, Source, Table
from wsanalytics.timeline import Window, clipped

"""The source of samples that were looked for here, and not read from metrics."""

ROWS_AT_ONCE = 8_000_000
_ROWS_A_DAY = 288


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The ``sessions`` and ``gaps`` of a store's WorkSpaces, and from how many samples.

    ``commands`` are the starts and stops that were seen and that no session explains.
    """

    sessions: pd.DataFrame
    gaps: pd.DataFrame
    samples: int
    commands: pd.DataFrame = field(default_factory=pd.DataFrame)


_FOUND: WeakKeyDictionary[History, Found] = WeakKeyDictionary()
_FINDING = Lock()


def found_in(history: History) -> Found:
    """Return the sessions, gaps and commands of *history*, found once for as long as it is there.

    Whoever changes a frame of what this gives changes nothing here: pandas copies it then. The
    frames of a history itself are not changed in place; another history is made instead.
    """
    with _FINDING:
        found = _FOUND.get(history)
        if found is None:
            sessions, gaps = find_sessions_and_gaps(history)
            found = Found(sessions, gaps, len(history.samples),
                          observed_commands(history, sessions))
            _FOUND[history] = found
    return Found(found.sessions.copy(deep=False), found.gaps.copy(deep=False), found.samples,
                 found.commands.copy(deep=False))


def find_stored(
    store: Store,
    workspaces: pd.DataFrame,
    window: Window,
    *,
    bridge_gaps: timedelta | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Found:
    """Return the sessions of *workspaces* (a part of the store's inventory) in *window*.

    As :func:`find_sessions`, :func:`find_gaps` and :func:`observed_commands` find them; *advance*
    is called with how many WorkSpaces were done. Of a whole fleet they are kept beside its samples,
    for all of it or a part, until a file of the store changes. Raises :class:`InputError` where
    there are no samples of them at all.
    """
    key = key_of(store, window, bridge_gaps)
    frames = read_kept(store, key)
    if frames is None:
        frames = _find(store, workspaces, window, bridge_gaps, advance)
        is_large = frames["counts"]["samples"].sum() >= FEWEST_SAMPLES
        if is_large and len(workspaces) == len(store.inventory()):
            keep(store, key, frames)
    else:
        ids = set(workspaces["workspace_id"])
        frames = {name: frame[frame["workspace_id"].isin(ids)].reset_index(drop=True)
                  for name, frame in frames.items()}
        advance(len(workspaces))
    count = int(frames["counts"]["samples"].sum())
    if not count:
        raise InputError(
            "there are no samples of these WorkSpaces", where=str(store.folder),
            rule="sessions are found in samples", fix="narrow the fleet less, or give other days")
    return Found(frames["sessions"], frames["gaps"], count, frames["commands"])


def _find(
    store: Store, workspaces: pd.DataFrame, window: Window, bridge_gaps: timedelta | None,
    advance: Callable[[int], None],
) -> dict[str, pd.DataFrame]:
    """Find sessions, gaps and commands, and count the samples of each WorkSpace, by name."""
    size = max(1, int(ROWS_AT_ONCE / (_ROWS_A_DAY * window.days)))
    sessions, gaps, commands, counts = [], [], [], []
    settings = store.settings()
    for low in range(0, len(workspaces), size):
        part = workspaces.iloc[low : low + size]
        samples = store.samples(window.start.date(), window.end.date(),
                                workspaces=part["workspace_id"].tolist())
        advance(len(part))
        if samples.empty:
            gaps.append(_never_seen(part, window))
            continue
        of_part = settings[settings["workspace_id"].isin(part["workspace_id"])]
        history = History(part, samples, window, of_part.reset_index(drop=True))
        counts.append(samples["workspace_id"].value_counts())
        sessions_of_part, gaps_of_part = find_sessions_and_gaps(history, bridge_gaps=bridge_gaps)
        sessions.append(sessions_of_part)
        commands.append(observed_commands(history, sessions[-1], bridge_gaps=bridge_gaps))
        gaps.append(gaps_of_part)
    return {
        "sessions": _together(sessions, SESSIONS), "gaps": _together(gaps, GAPS),
        "commands": _together(commands, ORDERS),
        "counts": pd.DataFrame({
            "workspace_id": [str(name) for part in counts for name in part.index],
            "samples": [int(count) for part in counts for count in part]})}


def _together(frames: list[pd.DataFrame], table: Table) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=list(table.names))
    return pd.concat(frames, ignore_index=True)[list(table.names)]


def _never_seen(workspaces: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return the gaps of WorkSpaces of which there is no sample.

    All of the window in which they were.
    """
    frame = pd.DataFrame({
        "workspace_id": workspaces["workspace_id"],
        "from_at": workspaces["created_at"].fillna(pd.Timestamp(window.start)),
        "to_at": workspaces["terminated_at"].fillna(pd.Timestamp(window.end)),
    })
    for name in ("from_at", "to_at"):
        frame[name] = clipped(frame[name], window)
    return frame[frame["from_at"] < frame["to_at"]]


def read_remarks(store: Store) -> Remarks:
    """Collect additions on single WorkSpaces; last connections as of the last polls."""
    late = next(
        (
            frame
            for day in reversed(store.days())
            if len(frame := store.samples(day, day + timedelta(days=1), sources=[Source.SAMPLE]))
        ),
        no_late_samples(),
    )
    return Remarks.of(store.inventory(), store.inventory(guesses=False), store.remarks(), late)


def no_late_samples() -> pd.DataFrame:
    """Late samples, none of them."""
    return as_frame(no_samples())
