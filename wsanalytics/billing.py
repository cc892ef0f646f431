"""From runs to charges: what each WorkSpace costs in each UTC month under each setting.

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
* Changes of the running mode within a month: ``switching``.
* Maintenance: an AUTO_STOP WorkSpace that is over 7 days old in a directory with maintenance
  mode is started once a month, in a window that opens on the third Monday (admin guide, WorkSpace
  maintenance); AWS bills that start (AWS staff, 2024; Cost Optimizer 2.8.0 counts one hour).
"""

from __future__ import annotations

import warnings
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.errors import InputError, NotBilledWarning, UnpricedWarning
from wsanalytics.prices import PriceBook
from wsanalytics.schedule import Schedule
from wsanalytics.settings import RunningMode, Setting
from wsanalytics.show import counted, listed
from wsanalytics.simulate.fleet import Replay
from wsanalytics.switching import Modes, always_on_at, modes_of
from wsanalytics.tables import CHARGES
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    Micros,
    Months,
    Pieces,
    Window,
    coded,
    column_micros,
    cut,
    months_of,
)

Hours = npt.NDArray[np.float64]

_NEVER = np.iinfo(np.int64).max
MAINTENANCE_AGE = 7 * MICROS_PER_DAY
"""Only WorkSpaces older than seven days go through maintenance (admin guide)."""


class HourRule(StrEnum):
    """How the seconds of a running piece become billed hours: AWS has not published it.

    ``CLOCK_HOUR``: the distinct UTC clock hours that running pieces touch. Best supported, and
    the default: Cost Optimizer issue 17, and its versions 1.1 to 2.1 counted so.
    ``CEIL_PER_RUN``: each piece rounded up to whole hours. ``EXACT``: no rounding; one genuine
    bill of 2022 speaks against it (whole hours), so it is a lower bound.
    """

    CLOCK_HOUR = "clock_hour"
    CEIL_PER_RUN = "ceil_per_run"
    EXACT = "exact"

    @classmethod
    def parse(cls, text: str) -> HourRule:
        """The rule called *text*; :class:`InputError` if there is none."""
        if text not in list(cls):
            raise InputError(
                f"there is no hour rule {text!r}",
                where="hour_rule",
                rule=f"the hour rules are {', '.join(cls)}",
                mend="use one of them",
            )
        return cls(text)


def hours_of(pieces: Pieces, groups: npt.NDArray[np.int64], rule: HourRule) -> Hours:
    """The billed hours of each running piece, one entry a piece.

    *groups* tells which pieces are billed together (one WorkSpace, setting and month); the
    pieces of a group stand together, in the order of time, and do not overlap. Under
    CLOCK_HOUR an hour that two pieces of a group share is counted for the first of them.
    """
    seconds = pieces.stops - pieces.starts
    if rule is HourRule.EXACT:
        return seconds / MICROS_PER_HOUR
    if rule is HourRule.CEIL_PER_RUN:
        return np.ceil(seconds / MICROS_PER_HOUR)
    first = pieces.starts // MICROS_PER_HOUR
    last = (pieces.stops - 1) // MICROS_PER_HOUR
    shared = np.zeros(len(first), dtype=bool)
    shared[1:] = (groups[1:] == groups[:-1]) & (first[1:] == last[:-1])
    return (last - first + 1 - shared).astype(np.float64)


def fee_shares(workspaces: pd.DataFrame, months: Months) -> Hours:
    """The share of a month's fee that each WorkSpace owes in each month, before the window cut.

    One row a WorkSpace, one column a month: 0 before its creation and after its termination, in
    the month of its creation the days left (that day included) over the days of the month, else
    1, the month of its termination included (price page).
    """
    edges, days = months.edges, months.days
    shares = np.ones((len(workspaces), len(days)))
    created = column_micros(workspaces["created_at"])[:, None]
    is_known = workspaces["created_at"].notna().to_numpy()[:, None]
    days_gone = np.floor((created - edges[:-1]) / MICROS_PER_DAY)
    left = np.clip((days - days_gone) / days, 0, 1)
    shares = np.where(is_known, left, shares)
    ended = column_micros(workspaces["terminated_at"])[:, None]
    is_gone = workspaces["terminated_at"].notna().to_numpy()[:, None]
    return np.where(is_gone & (ended < edges[:-1]), 0.0, shares)


def third_mondays(months: Months) -> Micros:
    """00:00 UTC of the third Monday of each month."""
    firsts = months.edges[:-1] // MICROS_PER_DAY
    weekday = (firsts + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    return (firsts + (-weekday) % 7 + 14) * MICROS_PER_DAY


def maintenance_starts(
    workspaces: pd.DataFrame, months: Months, window: Window
) -> npt.NDArray[np.bool_]:
    """Which WorkSpaces are started for maintenance in which months, if they are AUTO_STOP."""
    opens = third_mondays(months)
    start, end = window.micros
    covered = (opens >= start) & (opens + MICROS_PER_DAY <= end)
    enabled = workspaces["maintenance_enabled"].to_numpy(dtype=bool)[:, None]
    created = column_micros(workspaces["created_at"])[:, None]
    young = workspaces["created_at"].notna().to_numpy()[:, None] & (
        opens - created <= MAINTENANCE_AGE
    )
    ended = column_micros(workspaces["terminated_at"])[:, None]
    gone = workspaces["terminated_at"].notna().to_numpy()[:, None] & (ended <= opens)
    started: npt.NDArray[np.bool_] = enabled & covered & ~young & ~gone
    return started


def billable(workspaces: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which WorkSpaces are simulated and billed: all but MANUAL ones and standbys."""
    manual = (workspaces["running_mode"] == "MANUAL").to_numpy()
    is_standby = workspaces["standby"].to_numpy(dtype=bool)
    return np.asarray(~manual & ~is_standby, dtype=np.bool_)


def bill(
    replay: Replay,
    workspaces: pd.DataFrame,
    prices: PriceBook,
    *,
    hour_rule: HourRule | str = HourRule.CLOCK_HOUR,
    maintenance_hours: float = 1,
) -> pd.DataFrame:
    """What each WorkSpace costs in each month under each setting of *replay*: a ``charges`` table.

    *workspaces* is a checked ``workspaces`` table. One row for every setting, WorkSpace and
    month that the window touches, zeros included. A month that the window covers in part owes
    its fee times days covered over days of the month. *maintenance_hours* are billed for each
    month's maintenance of an AUTO_STOP WorkSpace. Amounts are not rounded.

    A WorkSpace without a known price keeps its hours, has empty amounts and is named by an
    :class:`UnpricedWarning`; MANUAL and standby ones have no rows and are named by a
    :class:`NotBilledWarning`. Raises :class:`InputError` for a session whose WorkSpace
    *workspaces* lacks.
    """
    hour_rule = HourRule.parse(hour_rule)
    _refuse_strangers(replay, workspaces)
    fleet = workspaces[billable(workspaces)].sort_values("workspace_id", ignore_index=True)
    _warn_not_billed(workspaces)
    months = months_of(replay.window)
    modes = [_modes(setting, fleet, months, replay.window) for setting in replay.settings]
    hours, cold_starts = _metered(replay, fleet["workspace_id"], months, hour_rule, modes)
    maintained = maintenance_starts(fleet, months, replay.window)
    for place, setting in enumerate(replay.settings):
        hours[place] += maintenance_hours * (
            maintained & _is_metered(setting, fleet, months, modes[place])
        )
    rates = prices.rates(fleet)
    _warn_unpriced(fleet, rates)
    owed = fee_shares(fleet, months) * months.covered
    fixed = np.stack([_fees(mode, rates, owed) for mode in modes])
    hourly = np.where(hours > 0, hours * rates["hourly_usd"].to_numpy()[None, :, None], 0.0)
    return _charges(replay.settings, fleet, months, hours, cold_starts, fixed, hourly)


def _modes(
    setting: Setting | Schedule, fleet: pd.DataFrame, months: Months, window: Window
) -> Modes:
    """How each WorkSpace is paid for in each month."""
    if isinstance(setting, Schedule):
        return modes_of(setting, fleet["workspace_id"], months, window)
    shape = (len(fleet), len(months.days))
    is_on = np.full(shape, setting.running_mode is RunningMode.ALWAYS_ON)
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


def _fees(modes: Modes, rates: pd.DataFrame, owed: Hours) -> Hours:
    """The monthly fee of the mode in which a month opens, and what a conversion adds to it."""
    always_on = rates["always_on_usd"].to_numpy(dtype=np.float64)[:, None]
    auto_stop = rates["auto_stop_usd"].to_numpy(dtype=np.float64)[:, None]
    fee = np.where(modes.opens_always_on, always_on, auto_stop) * owed
    return np.where(modes.converted_share > 0, fee + always_on * modes.converted_share, fee)


def _metered(
    replay: Replay, ids: pd.Series, months: Months, rule: HourRule, modes: list[Modes]
) -> tuple[Hours, npt.NDArray[np.int64]]:
    """Billed hours and cold starts of the runs, by setting, WorkSpace and month."""
    shape = (len(modes), len(ids), len(months.days))
    free_from = np.stack([mode.free_from for mode in modes]).ravel()
    place = pd.Index(ids).get_indexer(replay.runs["workspace_id"].cat.categories)
    owner = _owner(replay.runs, place, shape)
    known = owner >= 0
    starts = column_micros(replay.runs["started_at"])[known]
    stops = column_micros(replay.runs["stopped_at"])[known]
    pieces = cut(starts, stops, months.edges)
    group = owner[known][pieces.source] * shape[2] + pieces.span
    pieces, group = _before(pieces, group, free_from[group])
    size = int(np.prod(shape))
    billed = hours_of(pieces, group, rule)
    hours = np.bincount(group, weights=billed, minlength=size).astype(np.float64)
    owner = _owner(replay.cold_starts, place, shape)
    connects = column_micros(replay.cold_starts["connected_at"])[owner >= 0]
    month = np.searchsorted(months.edges, connects, side="right") - 1
    cold = np.bincount(owner[owner >= 0] * shape[2] + month, minlength=size).astype(np.int64)
    return hours.reshape(shape), cold.reshape(shape)


def _before(
    pieces: Pieces, group: npt.NDArray[np.int64], end: Micros
) -> tuple[Pieces, npt.NDArray[np.int64]]:
    """What of each piece lies before the *end* of its own: what is not free."""
    kept = pieces.starts < end
    stops = np.minimum(pieces.stops, end)
    return (
        Pieces(pieces.source[kept], pieces.span[kept], pieces.starts[kept], stops[kept]),
        group[kept],
    )


def _owner(
    frame: pd.DataFrame, place: npt.NDArray[np.intp], shape: tuple[int, int, int]
) -> npt.NDArray[np.int64]:
    """Setting and WorkSpace of each row as one number, -1 for WorkSpaces that are not billed."""
    setting = frame["setting"].cat.codes.to_numpy(dtype=np.int64)
    codes = frame["workspace_id"].cat.codes.to_numpy()
    workspace = place[codes] if len(frame) else np.empty(0, dtype=np.intp)
    return np.where(workspace < 0, -1, setting * shape[1] + workspace)


def _charges(
    settings: tuple[Setting | Schedule, ...],
    fleet: pd.DataFrame,
    months: Months,
    hours: Hours,
    cold_starts: npt.NDArray[np.int64],
    fixed: Hours,
    hourly: Hours,
) -> pd.DataFrame:
    shape = hours.shape
    where = np.unravel_index(np.arange(hours.size), shape)
    unpriced = np.isnan(fixed) | np.isnan(hourly)
    fixed, hourly = np.where(unpriced, np.nan, fixed), np.where(unpriced, np.nan, hourly)
    frame = pd.DataFrame(
        {
            "setting": coded(where[0], [str(s) for s in settings], ordered=True),
            "workspace_id": coded(where[1], fleet["workspace_id"].tolist()),
            "month": coded(where[2], months.labels, ordered=True),
            "billed_hours": hours.ravel(),
            "cold_starts": cold_starts.ravel(),
            "fixed_usd": fixed.ravel(),
            "hourly_usd": hourly.ravel(),
            "total_usd": (fixed + hourly).ravel(),
        }
    )
    return frame[list(CHARGES.names)]


def _refuse_strangers(replay: Replay, workspaces: pd.DataFrame) -> None:
    strangers = sorted(
        set(replay.sessions["workspace_id"].unique()) - set(workspaces["workspace_id"])
    )
    if strangers:
        raise InputError(
            f"there are sessions of WorkSpaces that the workspaces lack: {listed(strangers)}",
            where="sessions",
            rule="each session belongs to a WorkSpace of the workspaces table",
            mend="add them to the workspaces, or remove their sessions",
        )


def _warn_not_billed(workspaces: pd.DataFrame) -> None:
    left_out = workspaces.loc[~billable(workspaces), "workspace_id"].tolist()
    if left_out:
        warnings.warn(
            f"{counted(len(left_out), 'WorkSpace')} MANUAL or standby, so not simulated: "
            + ", ".join(left_out),
            NotBilledWarning,
            stacklevel=3,
        )


def _warn_unpriced(fleet: pd.DataFrame, rates: pd.DataFrame) -> None:
    unpriced = fleet.loc[rates.isna().any(axis=1).to_numpy(), "workspace_id"].tolist()
    if unpriced:
        warnings.warn(
            f"{counted(len(unpriced), 'WorkSpace')} with no known price, left out of totals: "
            + ", ".join(unpriced),
            UnpricedWarning,
            stacklevel=3,
        )
