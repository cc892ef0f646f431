"""Schedule the commands to the WorkSpaces of a fleet through time: settings, starts, stops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.defaults import DEFAULT_TIMEOUT
from wsanalytics.deprecated import renamed_attribute
from wsanalytics.errors import InputError
from wsanalytics.settings import ALWAYS_ON, Setting
from wsanalytics.tables import (
    ORDERS,
    SETTINGS,
    Origin,
    check_known_ids,
    check_table,
    refuse_duplicates,
    sort_by_key,
)
from wsanalytics.timeline import Micros, Window, column_micros

IN_FORCE = "IN_FORCE"
"""The ``setting`` of a charge under the settings as actually configured."""
START, STOP = "START", "STOP"
"""The commands that are no settings: StartWorkspaces and StopWorkspaces."""
ALWAYS_ON_TIMEOUT = DEFAULT_TIMEOUT
"""The timeout in minutes by which AWS's own tool judges ALWAYS_ON WorkSpaces."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """Settings, starts and stops of a fleet through time, to be replayed beside fixed settings.

    ``opening``: the setting that each WorkSpace has at first, as text by ``workspace_id``.
    ``commands``: workspace_id, at, order, where ``order`` is START, STOP, or the setting from then
    on. ``name`` stands in the ``setting`` column of what comes of it.
    """

    opening: pd.Series
    commands: pd.DataFrame
    name: str = IN_FORCE

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return (
            f"<Schedule {self.name}: {len(self.opening):,} WorkSpaces, "
            f"{len(self.commands):,} orders>"
        )

    orders = renamed_attribute("orders", "commands")

    def __post_init__(self) -> None:
        for text in self.opening.unique():
            Setting.parse(text)
        checked = check_commands(self.commands)
        check_known_ids(
            checked["workspace_id"].unique(), self.opening.index,
            what="there are orders for WorkSpaces without an opening setting", where="the schedule",
            rule="a schedule has an opening setting for each WorkSpace that it orders about",
            fix="add them to the opening settings")
        object.__setattr__(self, "commands", checked)

    def with_orders(self, commands: pd.DataFrame) -> Schedule:
        """Return the same with more *commands*, all of them for WorkSpaces that it names."""
        if commands.empty:
            return self
        return Schedule(self.opening, pd.concat([self.commands, commands], ignore_index=True),
                        self.name)

    def within(self, window: Window) -> Schedule:
        """Return the part of it that falls in *window*.

        What came before is in its opening settings.
        """
        commands = self.commands
        is_setting = ~commands["order"].isin([START, STOP])
        past = commands[is_setting & (commands["at"] < window.start)]
        latest = past.drop_duplicates("workspace_id", keep="last")
        last_setting = latest.set_index("workspace_id")["order"]
        opening = last_setting.reindex(self.opening.index).fillna(self.opening)
        in_window = commands[(commands["at"] >= window.start) & (commands["at"] < window.end)]
        return Schedule(opening, in_window, self.name)

    def timeouts_at(
        self, ids: pd.Series, owner: npt.NDArray[np.int64], at: Micros
    ) -> npt.NDArray[np.int64]:
        """Return the timeout in minutes at each instant *at*, for the WorkSpace of each.

        *owner* numbers the WorkSpaces in *ids*. An ALWAYS_ON one counts with 60, as AWS's own
        tool has it (Cost Optimizer 2.8.7, a mapping of its CloudFormation template).
        """
        minutes = {text: Setting.parse(text).auto_stop_minutes or ALWAYS_ON_TIMEOUT for text in
                   {*self.opening.unique(), *self.commands["order"].unique()} - {START, STOP}}
        settings = self.commands[~self.commands["order"].isin([START, STOP])]
        row = pd.Index(ids).get_indexer(pd.Index(settings["workspace_id"])).astype(np.int64)
        is_wanted = row >= 0
        moments, what = (
            column_micros(settings["at"])[is_wanted],
            settings["order"][is_wanted].map(minutes),
        )
        row = row[is_wanted]
        order = np.lexsort((moments, row))
        instants = np.unique(moments)
        # One sorted key for WorkSpace and rank of an instant: a WorkSpace is a block of *width*
        # keys, and one search finds the latest setting of each.
        width = len(instants) + 1
        keys = row[order] * width + np.searchsorted(instants, moments[order])
        last = np.searchsorted(
            keys, owner * width + np.searchsorted(instants, at, side="right")) - 1
        opening = self.opening.reindex(pd.Index(ids)).map(minutes).to_numpy(dtype=np.int64)
        values = np.append(what.to_numpy(dtype=np.int64)[order], 0)
        # No setting of this WorkSpace so far (the one found is another's): the opening one holds.
        is_told = (last >= 0) & (np.append(row[order], -1)[last] == owner)
        return np.where(is_told, values[last], opening[owner])

    @cached_property
    def changes(self) -> ModeChanges:
        """The changes between the two ways to pay, as the bill needs them."""
        settings = self.commands[~self.commands["order"].isin([START, STOP])]
        return ModeChanges(
            self.opening.index,
            (self.opening == str(ALWAYS_ON)).to_numpy(dtype=bool),
            self.opening.index.get_indexer(pd.Index(settings["workspace_id"])).astype(np.int64),
            column_micros(settings["at"]),
            (settings["order"] == str(ALWAYS_ON)).to_numpy(dtype=bool),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ModeChanges:
    """The changes of each WorkSpace to ALWAYS_ON or AUTO_STOP.

    ``opening`` (an entry a WorkSpace of ``ids``) is whether it is ALWAYS_ON at first. ``owner``,
    ``at`` and ``always_on`` have an entry a change, in the order of WorkSpace and time.
    """

    ids: pd.Index
    opening: npt.NDArray[np.bool_]
    owner: npt.NDArray[np.int64]
    at: Micros
    always_on: npt.NDArray[np.bool_]

    def of(self, ids: pd.Series) -> ModeChanges:
        """Return the same for *ids* alone, in their order (sorted, as fleets are)."""
        old_row = self.ids.get_indexer(pd.Index(ids))
        if (old_row < 0).any():
            missing = pd.Index(ids)[old_row < 0][0]
            raise InputError(
                f"it does not say what {missing} is set to", where="the schedule",
                rule="a schedule has an opening setting for each WorkSpace that is billed",
                fix="add it to the opening settings",
            )
        new_row = np.full(len(self.ids), -1, dtype=np.int64)
        # new_row: the new number of each old row; -1 for those that are left out.
        new_row[old_row] = np.arange(len(old_row))
        owner = new_row[self.owner]
        order = np.flatnonzero(owner >= 0)
        order = order[np.argsort(owner[order], kind="stable")]
        return ModeChanges(pd.Index(ids), self.opening[old_row], owner[order], self.at[order],
                           self.always_on[order])

    def always_on_at(self, instants: Micros) -> npt.NDArray[np.bool_]:
        """Whether each WorkSpace (rows) is ALWAYS_ON at each of *instants* (columns)."""
        is_on = np.repeat(self.opening[:, None], len(instants), axis=1)
        for column, instant in enumerate(instants):
            past = np.flatnonzero(self.at <= instant)
            is_on[self.owner[past], column] = self.always_on[past]  # the latest is written last
        return is_on


def schedule_of(settings: pd.DataFrame, window: Window) -> Schedule:
    """Build the schedule of *window* from a ``settings`` table.

    Before its first row a WorkSpace is taken to have had that setting already.
    """
    settings = check_settings(settings)
    before = settings["since"] <= window.start
    first = ~settings.duplicated("workspace_id")
    opening = settings[before | first].drop_duplicates("workspace_id", keep="last")
    later = settings[~before & ~first & (settings["since"] < window.end)]
    return Schedule(
        pd.Series(opening["setting"].to_numpy(),
                  index=pd.Index(opening["workspace_id"], name="workspace_id"),
                  name="setting", dtype="str"),
        later.rename(columns={"since": "at", "setting": "order"})[list(ORDERS.names)],
    )


def check_settings(frame: pd.DataFrame, origin: Origin | None = None) -> pd.DataFrame:
    """Check a ``settings`` table; rows that repeat the setting before them are dropped."""
    origin = origin or Origin("the settings frame")
    checked = sort_by_key(check_table(frame, SETTINGS, origin), SETTINGS)
    refuse_duplicates(checked, SETTINGS, origin)
    for text in checked["setting"].unique():
        Setting.parse(text)
    same = (checked["setting"] == checked["setting"].shift()) & (
        checked["workspace_id"] == checked["workspace_id"].shift()
    )
    return checked[~same].reset_index(drop=True)


def check_commands(frame: pd.DataFrame, origin: Origin | None = None) -> pd.DataFrame:
    """Check a ``commands`` table, and sort it in the order in which its commands happen.

    At one instant of a WorkSpace a setting comes first, then a STOP, then a START, as the event
    machine has it.
    """
    checked = check_table(frame, ORDERS, origin or Origin("the orders frame"))
    for text in checked["order"].unique():
        if text not in (START, STOP):
            Setting.parse(text)
    # A setting has the rank 0, so it comes first at one instant.
    rank = checked["order"].map({STOP: 1, START: 2}).fillna(0)
    order = checked.assign(rank=rank).sort_values([*ORDERS.key, "rank"], kind="stable")
    return order[list(ORDERS.names)].reset_index(drop=True)
