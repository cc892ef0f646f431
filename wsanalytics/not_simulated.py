"""Decide which WorkSpaces are simulated and billed, and why the others are set aside.

Two kinds of rules meet here. What people write in files is checked strictly and refused
(``checking``). What AWS answers is kept as it came: a running mode or a timeout that this version
does not know sets aside that WorkSpace alone, by name, and the rest of the fleet goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.settings import RunningMode, auto_stop

MANUAL = "MANUAL"
GONE = frozenset({"TERMINATING", "TERMINATED"})
"""States of a WorkSpace that is no more; AWS goes on listing it for a while."""


MODIFIABLE = frozenset({"AVAILABLE", "STOPPED"})
"""States in which a running mode or timeout can be changed (admin guide, modify a WorkSpace)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of reason: what stands beside a number of WorkSpaces, and the sentence for one."""

    title: str
    sentence: str


_STANDBY = Kind("MANUAL or standby, not simulated",
                "It is a standby WorkSpace, which is not simulated.")
_MANUAL = Kind(_STANDBY.title, "Its running mode MANUAL is not simulated.")
_ENDED = Kind("listed as terminated, not simulated",
              "AWS lists it as {state}: it is not simulated and nothing is proposed for it.")
_NO_MODE = Kind("with a running mode or timeout that this version does not know, set aside",
                "AWS reported no running mode for it, so it is set aside.")
_MODE = Kind(_NO_MODE.title, "AWS reports its running mode as {mode}, which this version does not "
             "know, so it is set aside.")
_TIMEOUT = Kind(_NO_MODE.title, "AWS reports its AutoStop timeout as {minutes} minutes, which is "
                "not from 60 to 2880 in steps of 60, so it is set aside.")


def reasons_set_aside(workspaces: pd.DataFrame) -> pd.Series:
    """Return why each of *workspaces* is not simulated, in a sentence; empty for the simulated.

    A ``workspaces`` table in, a series of the same index out.
    """
    texts = [kind.sentence.format(state=row.state, mode=row.running_mode or "empty",
                                  minutes=row.auto_stop_minutes) if kind else ""
             for kind, row in _kinds(workspaces)]
    return pd.Series(texts, index=workspaces.index, dtype="str")


def is_simulated(workspaces: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Mark those of *workspaces* that are simulated and billed.

    All but MANUAL ones, standbys, those that AWS lists as terminated without anybody having seen
    when that was, and those whose mode or timeout this version does not know.
    """
    return np.array([kind is None for kind, _ in _kinds(workspaces)], dtype=np.bool_)


def set_aside(workspaces: pd.DataFrame) -> dict[str, list[str]]:
    """Return the ids of those that are not simulated, by the title of their kind of reason."""
    ids_by_title: dict[str, list[str]] = {}
    for kind, row in _kinds(workspaces):
        if kind is not None:
            ids_by_title.setdefault(kind.title, []).append(row.workspace_id)
    return ids_by_title


def titles() -> tuple[tuple[str, str], ...]:
    """Words that only the sentence of one kind of reason holds, and that kind's title."""
    return (("not simulated and nothing", _ENDED.title), ("set aside", _NO_MODE.title),
            ("not simulated", _STANDBY.title))


@dataclass(frozen=True, slots=True)
class _Row:
    workspace_id: str
    running_mode: str
    auto_stop_minutes: int | None
    state: str


def _kinds(workspaces: pd.DataFrame) -> Iterator[tuple[Kind | None, _Row]]:
    columns = ("workspace_id", "running_mode", "auto_stop_minutes", "state", "standby",
               "terminated_at")
    for name, mode, minutes, state, standby, terminated_at in zip(
        *(workspaces[column] for column in columns), strict=True
    ):
        row = _Row(str(name), "" if pd.isna(mode) else str(mode),
                   None if pd.isna(minutes) else int(minutes), str(state))
        yield _kind(row, standby=bool(standby), is_terminated=not pd.isna(terminated_at)), row


def _kind(row: _Row, *, standby: bool, is_terminated: bool) -> Kind | None:
    if row.state in GONE and not is_terminated:
        return _ENDED
    if standby:
        return _STANDBY
    if row.running_mode == MANUAL:
        return _MANUAL
    if not row.running_mode:
        return _NO_MODE
    if row.running_mode not in set(RunningMode):
        return _MODE
    is_fixed = row.running_mode == RunningMode.ALWAYS_ON
    return None if is_fixed or is_timeout(row.auto_stop_minutes) else _TIMEOUT


def is_timeout(minutes: int | None) -> bool:
    """Whether AWS, as far as this version knows, offers *minutes* as an AutoStop timeout."""
    try:
        auto_stop(minutes or 0)
    except InputError:
        return False
    return True


def waits_for(state: str) -> str:
    """Give a note that a change has to wait, where AWS reports a *state* in which none is made.

    >>> waits_for("STOPPED")
    ''
    >>> waits_for("ERROR")
    ' AWS last reported it as ERROR: a change waits until it is AVAILABLE or STOPPED.'
    """
    if state in MODIFIABLE or not state:
        return ""
    return f" AWS last reported it as {state}: a change waits until it is AVAILABLE or STOPPED."
