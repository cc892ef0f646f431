"""A whole fleet under many settings in one vectorised pass, equal to ``simulate.workspace``.

:func:`replay` takes and gives frames; :func:`replay_arrays` below it takes flat arrays and gives
flat arrays. The idea: in the order of WorkSpace and time, a session continues the run of the one
before it exactly if both are of one WorkSpace and the silence between them is shorter than the
timeout. So a run begins at every session that does not, and ends a timeout after the session
before the next beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.history import check_sessions
from wsanalytics.settings import Setting, setting_grid
from wsanalytics.show import html_table
from wsanalytics.timeline import (
    MICROS_PER_MINUTE,
    MICROS_PER_SECOND,
    Micros,
    Window,
    clipped,
    coded,
    column_micros,
    instants,
)


@dataclass(frozen=True, eq=False)
class Replay:
    """What would have happened to a fleet in ``window`` under each of ``settings``.

    ``runs``: setting, workspace_id, started_at, stopped_at. ``cold_starts``: setting,
    workspace_id, connected_at. ``sessions``: the sessions, cut to the window. ALWAYS_ON has
    neither runs nor cold starts: it never stops.
    """

    settings: tuple[Setting, ...]
    window: Window
    sessions: pd.DataFrame
    runs: pd.DataFrame
    cold_starts: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"<Replay {len(self.sessions):,} sessions under {len(self.settings)} settings: "
            f"{len(self.runs):,} runs, {len(self.cold_starts):,} cold starts, {self.window}>"
        )

    def _repr_html_(self) -> str:
        counts = self.runs.groupby("setting", observed=False).size().rename("runs").reset_index()
        return f"<p>{escape(repr(self)[1:-1])}</p>{html_table(counts)}"


@dataclass(frozen=True, slots=True)
class Runs:
    """Flat arrays of one entry a run, in the order of WorkSpace and time.

    ``connects`` are the connects that found the WorkSpace stopped: one at the head of each run.
    """

    workspace: npt.NDArray[np.int64]
    starts: Micros
    stops: Micros
    connects: Micros


def replay_arrays(
    workspace: npt.NDArray[np.int64],
    connects: Micros,
    disconnects: Micros,
    timeout: int,
    window: tuple[int, int],
    *,
    resume: int = 0,
) -> Runs:
    """The runs of AUTO_STOP WorkSpaces with one *timeout*; all instants and spans in microseconds.

    The three arrays hold sessions in the order of *workspace* and time, cut to *window*, not
    overlapping. *timeout* includes any network grace.
    """
    stops_idle = disconnects + timeout
    fresh = np.ones(len(workspace), dtype=bool)
    fresh[1:] = (workspace[1:] != workspace[:-1]) | (connects[1:] >= stops_idle[:-1])
    first = np.flatnonzero(fresh)
    final = np.append(first[1:], len(workspace))[: len(first)] - 1
    owner, stops = workspace[first], np.minimum(stops_idle[final], window[1])
    starts = np.maximum(connects[first] - resume, window[0])
    if resume:  # it cannot be switched on again before it has stopped
        again = np.flatnonzero(owner[1:] == owner[:-1]) + 1
        starts[again] = np.maximum(starts[again], stops[again - 1])
    return Runs(owner, starts, stops, connects[first])


def replay(
    sessions: pd.DataFrame,
    settings: Iterable[Setting | str],
    *,
    window: Window,
    resume_seconds: float = 0,
    network_grace_minutes: float = 0,
) -> Replay:
    """Replay the *sessions* of a fleet (a ``sessions`` table) under each of *settings*.

    Sessions are cut to *window*: one that is going on at its start connects, cold, at that very
    instant, and those outside it leave no trace. *resume_seconds* and *network_grace_minutes*
    are explained at :func:`wsanalytics.simulate.workspace.live`. Raises :class:`InputError` if
    the frame is no ``sessions`` table or sessions of one WorkSpace overlap.
    """
    settings = setting_grid(auto_stop_minutes=(), always_on=False, include=settings)
    cut = cut_sessions(check_sessions(sessions), window)
    workspace, ids = pd.factorize(cut["workspace_id"], sort=True)
    connects = column_micros(cut["connected_at"])
    disconnects = column_micros(cut["disconnected_at"])
    grace = round(network_grace_minutes * MICROS_PER_MINUTE)
    runs = {
        place: replay_arrays(
            workspace.astype(np.int64),
            connects,
            disconnects,
            setting.auto_stop_minutes * MICROS_PER_MINUTE + grace,
            window.micros,
            resume=round(resume_seconds * MICROS_PER_SECOND),
        )
        for place, setting in enumerate(settings)
        if setting.auto_stop_minutes is not None
    }
    names = [str(setting) for setting in settings]
    setting_codes = np.repeat(
        np.array(list(runs), dtype=np.int64), [len(r.workspace) for r in runs.values()]
    )
    both = {
        "setting": coded(setting_codes, names, ordered=True),
        "workspace_id": coded(_joined([r.workspace for r in runs.values()]), list(ids)),
    }
    return Replay(
        settings,
        window,
        cut,
        pd.DataFrame(
            both
            | {
                "started_at": instants(_joined([r.starts for r in runs.values()])),
                "stopped_at": instants(_joined([r.stops for r in runs.values()])),
            }
        ),
        pd.DataFrame(
            both | {"connected_at": instants(_joined([r.connects for r in runs.values()]))}
        ),
    )


def cut_sessions(sessions: pd.DataFrame, window: Window) -> pd.DataFrame:
    """The sessions (checked, in order) that lie in *window*, cut to it."""
    inside = (sessions["connected_at"] < window.end) & (sessions["disconnected_at"] > window.start)
    cut = sessions[inside].reset_index(drop=True)
    cut["connected_at"] = clipped(cut["connected_at"], window)
    cut["disconnected_at"] = clipped(cut["disconnected_at"], window)
    return cut


def _joined(parts: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
