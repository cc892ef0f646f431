"""Replay a whole fleet under many settings in one vectorised pass, equal to :mod:`.workspace`.

:func:`replay` takes and returns frames; :mod:`.arrays` below it does the work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.bounds import MINUTES_A_YEAR, SECONDS_A_DAY, number_within
from wsanalytics.deprecated import renamed_arguments, renamed_attribute
from wsanalytics.errors import InputError
from wsanalytics.formatting import html_table
from wsanalytics.schedule import START, STOP, Schedule, check_commands
from wsanalytics.settings import Setting, setting_grid
from wsanalytics.simulation import arrays
from wsanalytics.simulation.arrays import Commands, Runs, replay_schedule, replay_with_commands
from wsanalytics.tables import ORDERS, SESSIONS, check_sessions, refuse_another
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
    """The result of a replay: a fleet in ``window`` under each of ``settings``.

    ``runs``: setting, workspace_id, started_at, stopped_at. ``cold_starts``: setting,
    workspace_id, connected_at. ``sessions``: the sessions, cut to the window. ALWAYS_ON has
    neither runs nor cold starts: it never stops. ``commands`` are the observed starts and stops
    that all settings were replayed with. Among the settings there may be a
    :class:`~wsanalytics.schedule.Schedule`: settings that change through time.
    """

    settings: tuple[Setting | Schedule, ...]
    window: Window
    sessions: pd.DataFrame
    runs: pd.DataFrame
    cold_starts: pd.DataFrame
    commands: pd.DataFrame = field(default_factory=lambda: check_commands(
        pd.DataFrame(columns=list(ORDERS.names))))

    orders = renamed_attribute("orders", "commands")

    def __repr__(self) -> str:
        return (
            f"<Replay {len(self.sessions):,} sessions under {len(self.settings)} settings: "
            f"{len(self.runs):,} runs, {len(self.cold_starts):,} cold starts, {self.window}>"
        )

    def _repr_html_(self) -> str:
        counts = self.runs.groupby("setting", observed=False).size().rename("runs").reset_index()
        return f"<p>{escape(repr(self)[1:-1])}</p>{html_table(counts)}"


@renamed_arguments(orders="commands")
def replay(
    sessions: pd.DataFrame,
    settings: Iterable[Setting | Schedule | str],
    *,
    window: Window,
    resume_seconds: float = 0,
    network_grace_minutes: float = 0,
    commands: pd.DataFrame | None = None,
) -> Replay:
    """Replay the *sessions* of a fleet (a ``sessions`` table) under each of *settings*.

    Sessions are cut to *window*: one that is going on at its start connects, cold, at that very
    instant, and those outside it leave no trace. A :class:`~wsanalytics.schedule.Schedule` among
    the *settings* gives WorkSpaces commands through time; those that it does not name
    are not replayed. *commands* (a ``commands`` table) are starts and stops that were observed
    (:func:`wsanalytics.observed_commands`) and happen whatever WorkSpaces are set to: a START at
    the instant of a stop means that it stayed on, and an ALWAYS_ON WorkSpace heeds none of them.
    *resume_seconds* and *network_grace_minutes* are explained at
    :func:`wsanalytics.simulation.live`. Raises :class:`InputError` if the frame is no
    ``sessions`` table or sessions of one WorkSpace overlap.
    """
    refuse_another(sessions, SESSIONS)
    number_within(resume_seconds, "resume_seconds", SECONDS_A_DAY)
    number_within(network_grace_minutes, "network_grace_minutes", MINUTES_A_YEAR)
    settings = list(settings)
    schedules = [item for item in settings if isinstance(item, Schedule)]
    fixed = setting_grid(auto_stop_minutes=(), always_on=False,
                         include=[item for item in settings if not isinstance(item, Schedule)])
    fleet = _Fleet.of(sessions, window, schedules, resume_seconds, network_grace_minutes,
                      _starts_and_stops(commands, window))
    runs = {
        index: fleet.under(setting.auto_stop_minutes)
        for index, setting in enumerate(fixed)
        if setting.auto_stop_minutes is not None
    }
    for index, schedule in enumerate(schedules, start=len(fixed)):
        runs[index] = fleet.scheduled(schedule)
    names = [*map(str, fixed), *map(str, schedules)]
    indices = np.array(list(runs), dtype=np.int64)

    def column(name: str) -> npt.NDArray[np.int64]:
        return _joined([getattr(run, name) for run in runs.values()])

    def setting(name: str) -> pd.Categorical:
        counts = [len(getattr(run, name)) for run in runs.values()]
        return coded(np.repeat(indices, counts), names, ordered=True)

    return Replay(
        (*fixed, *schedules),
        window,
        fleet.sessions,
        pd.DataFrame(
            {
                "setting": setting("workspace"),
                "workspace_id": coded(column("workspace"), fleet.ids),
                "started_at": instants(column("starts")),
                "stopped_at": instants(column("stops")),
            }
        ),
        pd.DataFrame(
            {
                "setting": setting("waiting"),
                "workspace_id": coded(column("waiting"), fleet.ids),
                "connected_at": instants(column("connects")),
            }
        ),
        fleet.commands,
    )


@dataclass(frozen=True, eq=False)
class _Fleet:
    """The sessions of a fleet, cut to the window, as flat arrays; ``ids`` are its WorkSpaces."""

    sessions: pd.DataFrame
    ids: list[str]
    workspace: npt.NDArray[np.int64]
    connects: Micros
    disconnects: Micros
    window: Window
    resume: int
    grace: int
    commands: pd.DataFrame

    @classmethod
    def of(
        cls,
        sessions: pd.DataFrame,
        window: Window,
        schedules: list[Schedule],
        resume_seconds: float,
        network_grace_minutes: float,
        commands: pd.DataFrame,
    ) -> _Fleet:
        cut = cut_sessions(check_sessions(sessions), window)
        ids = {*cut["workspace_id"].unique(), *commands["workspace_id"].unique()}
        for schedule in schedules:
            ids |= set(schedule.opening.index)
        names = sorted(ids)
        return cls(
            cut,
            names,
            pd.Index(names).get_indexer(cut["workspace_id"]).astype(np.int64),
            column_micros(cut["connected_at"]),
            column_micros(cut["disconnected_at"]),
            window,
            round(resume_seconds * MICROS_PER_SECOND),
            round(network_grace_minutes * MICROS_PER_MINUTE),
            commands,
        )

    def under(self, auto_stop_minutes: int) -> Runs:
        """Replay in AUTO_STOP with one timeout."""
        timeout = auto_stop_minutes * MICROS_PER_MINUTE
        index = pd.Index(self.ids)
        owner = index.get_indexer(pd.Index(self.commands["workspace_id"])).astype(np.int64)
        order = np.argsort(owner, kind="stable")  # within a WorkSpace they are in their order
        codes = self.commands["order"].map({START: arrays.START, STOP: arrays.STOP})
        return replay_with_commands(
            self.workspace, self.connects, self.disconnects, timeout,
            Commands(np.full(len(self.ids), timeout, dtype=np.int64), owner[order],
                   column_micros(self.commands["at"])[order],
                   np.asarray(codes, dtype=np.int64)[order]),
            self.window.micros, resume=self.resume, grace=self.grace,
        )

    def scheduled(self, schedule: Schedule) -> Runs:
        """Replay under a schedule; WorkSpaces that it does not name have no runs."""
        observed_commands = self.commands[
            self.commands["workspace_id"].isin(schedule.opening.index)
        ]
        in_window = schedule.within(self.window).with_orders(observed_commands)
        codes = {START: arrays.START, STOP: arrays.STOP}
        for text in {*in_window.opening.unique(), *in_window.commands["order"].unique()} - {*codes}:
            minutes = Setting.parse(text).auto_stop_minutes
            codes[text] = arrays.ALWAYS_ON if minutes is None else minutes * MICROS_PER_MINUTE
        index = pd.Index(self.ids)
        # WorkSpaces that the schedule does not name stay ALWAYS_ON here, which has no runs to
        # report.
        opening = np.full(len(self.ids), arrays.ALWAYS_ON, dtype=np.int64)
        opening[index.get_indexer(in_window.opening.index)] = in_window.opening.map(codes)
        owner = index.get_indexer(pd.Index(in_window.commands["workspace_id"])).astype(np.int64)
        order = np.argsort(owner, kind="stable")
        commands = Commands(
            opening,
            owner[order],
            column_micros(in_window.commands["at"])[order],
            np.asarray(in_window.commands["order"].map(codes), dtype=np.int64)[order],
        )
        return replay_schedule(
            self.workspace, self.connects, self.disconnects, commands, self.window.micros,
            resume=self.resume, grace=self.grace, observed=bool(len(observed_commands)),
        )


def cut_sessions(sessions: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return the sessions (checked, in order) that lie in *window*, cut to it."""
    inside = (sessions["connected_at"] < window.end) & (sessions["disconnected_at"] > window.start)
    cut = sessions[inside].reset_index(drop=True)
    cut["connected_at"] = clipped(cut["connected_at"], window)
    cut["disconnected_at"] = clipped(cut["disconnected_at"], window)
    return cut


def _starts_and_stops(commands: pd.DataFrame | None, window: Window) -> pd.DataFrame:
    """Return the *commands* that fall in *window*, in the order in which they happen."""
    checked = check_commands(
        commands if commands is not None else pd.DataFrame(columns=ORDERS.names)
    )
    strange = sorted(set(checked["order"].unique()) - {START, STOP})
    if strange:
        raise InputError(
            f"there is an order {strange[0]!r}", where="the orders frame",
            rule="what happens under every setting is a START or a STOP",
            fix="put settings through time into a Schedule")
    in_window = checked[(checked["at"] >= window.start) & (checked["at"] < window.end)]
    return in_window.reset_index(drop=True)


def _joined(parts: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
