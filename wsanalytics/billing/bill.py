"""Turn runs into charges: the cost of each WorkSpace in each UTC month under each setting.

Every billing rule stands here and nowhere else, with its source. Short names of the sources:
*admin guide* is the Amazon WorkSpaces administration guide (running mode page); *price page* is
AWS's WorkSpaces pricing page and FAQ as quoted by re:Post and others; *Cost Optimizer* is AWS's
own tool, github aws-solutions/cost-optimizer-for-amazon-workspaces.

* ALWAYS_ON: a flat monthly fee, no hours. AUTO_STOP: a smaller monthly fee plus a rate for each
  billed hour (price page).
* The meter runs from the start of a WorkSpace until its timeout has passed since the disconnect,
  idle hours included (admin guide: billing stops when the AutoStop time period expires).
* The month turns at 00:00 UTC on the 1st (UTC instead of Pacific time since April 2020; AWS
  staff, "Understanding cost for Amazon WorkSpaces", 2024). A run across it is two pieces.
* In the month of its creation a WorkSpace owes its monthly fee for the days left, that day
  included, in either mode; in the month of its termination the full fee (price page, quoted by
  blog.serverworks.co.jp 2020-08).
* Changes of the running mode within a month: :mod:`.mode_changes`.
* Maintenance: an AUTO_STOP WorkSpace that is over 7 days old in a directory with maintenance
  mode is started once a month, in a window that opens on the third Monday (admin guide, WorkSpace
  maintenance); AWS bills that start (AWS staff, 2024; Cost Optimizer 2.8.0 counts one hour).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.billing.fees import Tariff, billable
from wsanalytics.billing.hour_rules import HourRule
from wsanalytics.billing.maintenance import maintenance_starts, third_mondays
from wsanalytics.billing.metering import metered
from wsanalytics.billing.mode_changes import Modes, always_on_at, modes_of
from wsanalytics.errors import NotBilledWarning, UnpricedWarning, warn_caller
from wsanalytics.formatting import counted
from wsanalytics.not_simulated import set_aside
from wsanalytics.prices import PriceBook
from wsanalytics.schedule import Schedule
from wsanalytics.settings import RunningMode, Setting
from wsanalytics.simulation import Replay
from wsanalytics.tables import CHARGES, check_known_ids
from wsanalytics.timeline import (
    Hours,
    Months,
    Window,
    coded,
    months_of,
)

_NEVER = np.iinfo(np.int64).max


def bill(
    replay: Replay,
    workspaces: pd.DataFrame,
    prices: PriceBook,
    *,
    hour_rule: HourRule | str = HourRule.CLOCK_HOUR,
    maintenance_hours: float = 1,
) -> pd.DataFrame:
    """Return the ``charges`` table: the cost of each WorkSpace, month and setting of *replay*.

    *workspaces* is a checked ``workspaces`` table. One row for every setting, WorkSpace and
    month that the window touches, zeros included. A month that the window covers in part owes
    its fee times days covered over days of the month. *maintenance_hours* are billed for each
    month's maintenance of an AUTO_STOP WorkSpace. Amounts are not rounded.

    A WorkSpace without a known price keeps its hours, has empty amounts and is named by an
    :class:`UnpricedWarning`; those that are not simulated (MANUAL, standbys, what this version
    does not know) have no rows and are named by a :class:`NotBilledWarning`. Raises
    :class:`InputError` for a session whose WorkSpace *workspaces* lacks.
    """
    check_owners(replay.sessions, workspaces)
    fleet = workspaces[billable(workspaces)].sort_values("workspace_id", ignore_index=True)
    tariff = Tariff.of(fleet, prices, months_of(replay.window))
    warn_left_out(workspaces, fleet, tariff)
    return charges_of(replay, fleet, tariff, HourRule.parse(hour_rule), maintenance_hours)


def charges_of(
    replay: Replay, fleet: pd.DataFrame, tariff: Tariff, hour_rule: HourRule,
    maintenance_hours: float,
) -> pd.DataFrame:
    """Return the charges of a *fleet* of billed WorkSpaces, sorted by id, without warnings."""
    meter = Meter.of(replay, fleet, hour_rule, maintenance_hours)
    return _charges(meter, fleet["workspace_id"].tolist(), *meter.owed(tariff))


@dataclass(frozen=True, slots=True, eq=False)
class Meter:
    """The metered use of a fleet under each of ``settings``, by WorkSpace and month.

    ``hours`` (billed ones, those of maintenance included) and ``cold_starts`` are arrays of
    settings × WorkSpaces × months; ``modes`` is how each setting's WorkSpaces are paid for.
    """

    settings: tuple[Setting | Schedule, ...]
    months: Months
    modes: list[Modes]
    hours: Hours
    cold_starts: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls, replay: Replay, fleet: pd.DataFrame, hour_rule: HourRule, maintenance_hours: float
    ) -> Meter:
        """Meter the runs of *replay*, for a *fleet* that holds only what is billed."""
        months = months_of(replay.window)
        modes = [_modes(setting, fleet, months, replay.window) for setting in replay.settings]
        hours, cold_starts = metered(replay, fleet["workspace_id"], months, hour_rule, modes)
        maintained = maintenance_starts(fleet, months, replay.window)
        for index, setting in enumerate(replay.settings):
            hours[index] += maintenance_hours * (
                maintained & _is_metered(setting, fleet, months, modes[index])
            )
        return cls(replay.settings, months, modes, hours, cold_starts)

    def owed(self, tariff: Tariff) -> tuple[Hours, Hours]:
        """Return fees and billed hours in USD, shaped like ``hours``; NaN where a price lacks."""
        fixed = np.stack([_fees(mode, tariff) for mode in self.modes])
        # No hours cost nothing, whatever the rate: NaN times 0 would be NaN.
        hourly = np.where(self.hours > 0, self.hours * tariff.hourly[None, :, None], 0.0)
        # A sum with one part missing would look like a low price, so both parts are NaN.
        unpriced = np.isnan(fixed) | np.isnan(hourly)
        return np.where(unpriced, np.nan, fixed), np.where(unpriced, np.nan, hourly)


def _modes(
    setting: Setting | Schedule, fleet: pd.DataFrame, months: Months, window: Window
) -> Modes:
    """Return how each WorkSpace is paid for in each month."""
    if isinstance(setting, Schedule):
        return modes_of(setting, fleet["workspace_id"], months, window)
    shape = (len(fleet), len(months.days))
    is_on = np.full(shape, setting.running_mode is RunningMode.ALWAYS_ON)
    # ALWAYS_ON: hours are free from the window's first instant; AUTO_STOP: never.
    return Modes(is_on, np.where(is_on, months.edges[0], _NEVER), np.zeros(shape))


def _is_metered(
    setting: Setting | Schedule, fleet: pd.DataFrame, months: Months, modes: Modes
) -> npt.NDArray[np.bool_]:
    """Whether an hour of maintenance on the third Monday is one that is billed."""
    opens = third_mondays(months)
    metered: npt.NDArray[np.bool_] = opens < modes.free_from
    if isinstance(setting, Schedule):
        metered &= ~always_on_at(setting, fleet["workspace_id"], opens)
    return metered


def _fees(modes: Modes, tariff: Tariff) -> Hours:
    """Return the fee of the mode in which a month opens, plus the prorated fee of a switch."""
    fee = np.where(modes.opens_always_on, tariff.always_on, tariff.auto_stop)
    added = tariff.monthly[:, None] * modes.converted_share
    return np.where(modes.converted_share > 0, fee + added, fee)


def _charges(meter: Meter, ids: list[str], fixed: Hours, hourly: Hours) -> pd.DataFrame:
    """Build the table of what was used, and of what is owed for it."""
    # where: setting, WorkSpace and month number of each entry of the raveled arrays.
    where = np.unravel_index(np.arange(meter.hours.size), meter.hours.shape)
    frame = pd.DataFrame(
        {
            "setting": coded(where[0], [str(s) for s in meter.settings], ordered=True),
            "workspace_id": coded(where[1], ids),
            "month": coded(where[2], meter.months.labels, ordered=True),
            "billed_hours": meter.hours.ravel(),
            "cold_starts": meter.cold_starts.ravel(),
            "fixed_usd": fixed.ravel(),
            "hourly_usd": hourly.ravel(),
            "total_usd": (fixed + hourly).ravel(),
        }
    )
    return frame[list(CHARGES.names)]


def check_owners(sessions: pd.DataFrame, workspaces: pd.DataFrame) -> None:
    """Raise :class:`InputError` for sessions of WorkSpaces that *workspaces* lacks."""
    check_known_ids(
        sessions["workspace_id"].unique(), workspaces["workspace_id"],
        what="there are sessions of WorkSpaces that the workspaces lack", where="sessions",
        rule="each session belongs to a WorkSpace of the workspaces table",
        fix="add them to the workspaces, or remove their sessions")


def warn_left_out(workspaces: pd.DataFrame, fleet: pd.DataFrame, tariff: Tariff) -> None:
    """Warn of *workspaces* that are not billed, and of those of *fleet* without a price."""
    for title, ids in set_aside(workspaces).items():
        warn_caller(
            f"{counted(len(ids), 'WorkSpace')} {title}: " + ", ".join(ids),
            NotBilledWarning,
        )
    unpriced = fleet.loc[~tariff.is_priced, "workspace_id"].tolist()
    if unpriced:
        warn_caller(
            f"{counted(len(unpriced), 'WorkSpace')} with no known price, left out of totals: "
            + ", ".join(unpriced),
            UnpricedWarning,
        )
