"""``clairvoyant``: the least that any sequence of settings could have cost. The floor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.backtesting.clairvoyant.search import ALWAYS_ON as DECIDED_ON
from wsanalytics.backtesting.clairvoyant.search import DayCosts, cheapest
from wsanalytics.backtesting.clairvoyant.stops import MOST_STOPS
from wsanalytics.backtesting.policies.rule import BacktestData, Reference
from wsanalytics.billing import DailyUse, share_left, third_mondays
from wsanalytics.settings import ALWAYS_ON, auto_stop
from wsanalytics.timeline import MICROS_PER_DAY, column_micros, instants

AT_ONCE = 2000
"""The number of WorkSpaces searched together, so that a large fleet fits into memory."""


class Clairvoyant(Reference):
    """The cheapest of all daily sequences of settings, with hindsight.

    No policy of settings can cost less, so what one costs above it is its regret.

    Modes, the timeouts that policies may choose and the one that each WorkSpace has are tried on
    each day, by exact dynamic programming (:mod:`.search`). A WorkSpace
    without a known price is left as it is.

    With *stops* a WorkSpace may also be stopped at each disconnect (StopWorkspaces): the floor for
    policies that stop some.
    """

    name = "clairvoyant"

    def __init__(self, stops: bool = False) -> None:
        self.with_stops = stops

    @property
    def stops_some(self) -> bool:
        """Whether it stops WorkSpaces as well."""
        return self.with_stops

    def look_back(self, case: BacktestData) -> tuple[npt.NDArray[np.object_], pd.DataFrame | None]:
        """Return the cheapest settings (text) of each WorkSpace by day, and its stops."""
        settings = np.empty(case.days.shape, dtype=object)
        stopped = np.zeros(case.days.shape, dtype=np.int64)
        for first in range(0, len(case.fleet), AT_ONCE):
            rows = np.arange(first, min(first + AT_ONCE, len(case.fleet)))
            settings[rows], stopped[rows] = self._some(case, rows)
        return settings, _stops_of(case.days, stopped) if self.with_stops else None

    def _some(
        self, case: BacktestData, rows: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
        present = case.present[rows]
        present_timeouts = [int(text.partition(":")[2]) for text in set(present) if ":" in text]
        timeouts = sorted({*case.timeouts, *present_timeouts})
        code = {str(auto_stop(minutes)): n for n, minutes in enumerate(timeouts)}
        at = np.array([code.get(text, DECIDED_ON) for text in present], dtype=np.int64)
        allowed = np.array([[minutes in case.timeouts or at[row] == n for row in range(len(rows))]
                            for n, minutes in enumerate(timeouts)]).reshape(-1, len(rows))
        chosen, stopped = cheapest(case.days.for_workspaces(rows), timeouts,
                                   day_costs_of(case, rows, allowed), at, stops=self.with_stops)
        names = np.array([str(auto_stop(minutes)) for minutes in timeouts] + [str(ALWAYS_ON)],
                         dtype=object)
        decided = names[np.where(chosen == DECIDED_ON, len(timeouts), chosen)]
        priced = case.tariff.is_priced[rows][:, None]
        # -1 as a code picks the last of *names*; ALWAYS_ON stands there.
        return np.where(priced, decided, present[:, None]), np.where(priced, stopped, 0)


def _stops_of(days: DailyUse, stopped: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Return the disconnects whose bits are set in *stopped*: ``workspace_id``, ``at``."""
    day = (days.disconnects - 1 - days.edges[0]) // MICROS_PER_DAY
    group = days.workspace * days.shape[1] + day
    # nth: the number of each disconnect in its day, from 0; the bit of *stopped* that stands for
    # it.
    first = np.append(True, group[1:] != group[:-1])[: len(group)]
    index = np.arange(len(group))
    nth = index - np.maximum.accumulate(np.where(first, index, 0))
    # Beyond MOST_STOPS bits the shift lands on an unused one, which is 0 (or 1 for -1: stop
    # always).
    bits = stopped[days.workspace, day] >> np.minimum(nth, MOST_STOPS)
    is_stop = (bits & 1 > 0) & (days.disconnects < days.edges[-1])
    return pd.DataFrame({"workspace_id": days.ids[days.workspace[is_stop]],
                         "at": instants(days.disconnects[is_stop])})


def day_costs_of(
    case: BacktestData, rows: npt.NDArray[np.int64], allowed: npt.NDArray[np.bool_]
) -> DayCosts:
    """Return the costs of each decision for the WorkSpaces *rows* of *case*, day by day."""
    months, tariff = case.months, case.tariff
    midnights = case.days.edges[:-1]
    month = np.searchsorted(months.edges, midnights, side="right") - 1
    # The first day of the window opens a month as well, though it may not be a 1st.
    opens = np.append(True, month[1:] != month[:-1])
    ends = np.minimum(months.edges[1:], case.window.micros[1])[month]
    priced = tariff.is_priced[rows][:, None]

    def of_month(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(priced, table[rows][:, month], 0.0)

    hourly = np.where(priced[:, 0], tariff.hourly[rows], 0.0)
    monthly = np.where(priced, tariff.monthly[rows][:, None], 0.0)
    monday = third_mondays(months)[month] == midnights
    created = column_micros(case.fleet["created_at"])[rows]
    created = np.where(case.fleet["created_at"].notna().to_numpy()[rows], created, 0)
    return DayCosts(
        opens=opens,
        always_on=of_month(tariff.always_on),
        auto_stop=of_month(tariff.auto_stop),
        conversion=monthly * share_left(midnights, ends, months.days[month]),
        maintenance=of_month(case.maintained) * hourly[:, None] * monday,
        hourly=hourly,
        allowed=allowed,
        unborn=midnights[None, :] <= (created // MICROS_PER_DAY * MICROS_PER_DAY)[:, None],
    )
