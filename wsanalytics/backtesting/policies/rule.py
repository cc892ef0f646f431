"""Define a policy: a rule that chooses settings at each midnight from what was seen before.

Your own is a function of :class:`Seen` that gives a setting for each
WorkSpace, or a class like those beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing import DailyUse, Tariff
from wsanalytics.settings import ALWAYS_ON, Setting
from wsanalytics.timeline import MICROS_PER_HOUR, Hours, Months, Window, column_micros

Choice = Mapping[str, object] | pd.Series | npt.NDArray[np.object_] | Setting | str
"""One setting for all, or one for each: by ``workspace_id``, or in the order of ``seen.ids``."""


class Rule:
    """A policy. ``name`` stands in the ``policy`` column of the outcomes.

    ``idle_stop_minutes``: an AUTO_STOP WorkSpace is stopped (StopWorkspaces) so long after its
    user has left, where its own timeout is longer; None: it is not.
    """

    name: str = ""
    idle_stop_minutes: float | None = None

    @property
    def stops_some(self) -> bool:
        """Whether it stops WorkSpaces, which may cost less than any sequence of settings."""
        return self.idle_stop_minutes is not None

    @property
    def starts_some(self) -> bool:
        """Whether it starts WorkSpaces, and is asked for that on each day."""
        return type(self).starts is not Rule.starts

    def decide(self, seen: Seen) -> Choice:
        """Return the setting of each WorkSpace of *seen* from now on."""
        raise NotImplementedError

    def foresee(self, seen: Seen) -> Choice | None:  # noqa: ARG002  # for those that foresee
        """Return the setting of each from the next 1st on, as far as can be said today.

        A backtest never asks for it: it asks again on that 1st. A plan does, for what is to change
        by then. None: nothing can be said but what :meth:`decide` says.
        """
        return None

    def starts(self, seen: Seen) -> pd.DataFrame | None:  # noqa: ARG002  # for those that start some
        """Return the WorkSpaces to start (StartWorkspaces) on this day.

        ``workspace_id``, ``at``.
        """
        return None

    def __repr__(self) -> str:
        return f"<policy {self.name}>"


def set_for_next_month(
    seen: Seen, chosen: npt.NDArray[np.object_], following: npt.NDArray[np.object_]
) -> None:
    """Change in *chosen* what the next month opens in, for a policy that decides no more before.

    *following* is what it would open in. Who has paid for this month loses nothing by AUTO_STOP,
    and a timeout may change at any time; ALWAYS_ON would cost its part of this month, so it waits.
    """
    becomes = following != str(ALWAYS_ON)
    becomes &= (chosen != str(ALWAYS_ON)) | (seen.is_always_on & seen.paid.to_numpy())
    chosen[becomes] = following[becomes]


@dataclass(frozen=True, slots=True, eq=False)
class BacktestData:
    """All of a backtest, future included: what references that look back are given.

    ``days`` are those of ``window`` alone; ``fleet`` are the WorkSpaces that are billed,
    ``present`` their settings before the window (text, in the same order); ``maintained`` the
    hours billed for maintenance by WorkSpace and month, if metered.
    """

    fleet: pd.DataFrame
    days: DailyUse
    window: Window
    months: Months
    tariff: Tariff
    maintained: Hours
    present: npt.NDArray[np.object_]
    timeouts: tuple[int, ...]


class Reference(Rule):
    """A reference, not a policy: it knows the future. For comparison only."""

    def decide(self, seen: Seen) -> Choice:
        """It does not decide from what was seen."""
        raise NotImplementedError

    def look_back(self, case: BacktestData) -> tuple[npt.NDArray[np.object_], pd.DataFrame | None]:
        """Return the setting (text) of each WorkSpace (rows) on each day (columns) of the window.

        And which WorkSpaces it stops besides, if it stops any: ``workspace_id``, ``at``.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class WorkspaceView:
    """The view of a policy for one WorkSpace: its row, setting, sessions and rates."""

    now: datetime
    workspace_id: str
    workspace: Mapping[Any, Any]
    setting: str
    paid: bool
    sessions: pd.DataFrame
    rates: Mapping[Any, float]

    def hours(self, days: int = 28) -> float:
        """Return hours of connection in the last *days*."""
        since = pd.Timestamp(self.now - timedelta(days=days))
        late = self.sessions[self.sessions["disconnected_at"] > since]
        began = late["connected_at"].mask(late["connected_at"] < since, since)
        micros = column_micros(late["disconnected_at"]) - column_micros(began)
        return float(micros.sum() / MICROS_PER_HOUR)


class ByFunction(Rule):
    """A policy from a function of :class:`Seen`."""

    def __init__(self, function: Callable[[Seen], Choice], name: str = "") -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", "policy")

    def decide(self, seen: Seen) -> Choice:
        """Return the decision of the function."""
        return self.function(seen)


def for_each(function: Callable[[WorkspaceView], Setting | str]) -> Rule:
    """Make a policy of a *function* that sees one WorkSpace at a time (:class:`WorkspaceView`).

    Easier to write than one for the whole fleet at once, and slower.
    """

    def decide(seen: Seen) -> dict[str, object]:
        sessions_of = dict(iter(seen.sessions.groupby("workspace_id", sort=False)))
        none = seen.sessions.iloc[:0]
        rows = seen.workspaces.to_dict("records")
        return {
            row["workspace_id"]: function(WorkspaceView(
                seen.now, row["workspace_id"], row, seen.settings[row["workspace_id"]],
                bool(seen.paid[row["workspace_id"]]), sessions_of.get(row["workspace_id"], none),
                seen.rates.loc[row["workspace_id"]].to_dict()))
            for row in rows
        }

    return ByFunction(decide, getattr(function, "__name__", "policy"))
