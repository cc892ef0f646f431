"""Weigh dollars against waiting: the least cost of a fleet for its waiting, and by which settings.

Somebody who connects to a stopped WorkSpace waits for it to start: a cold start. A shorter timeout
saves hours and brings more of them. What a fleet should be set to depends on what a minute of
waiting is worth to whoever pays; here every answer to that has its price.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from html import escape
from math import isfinite

import numpy as np
import pandas as pd

from wsanalytics.billing import HourRule
from wsanalytics.defaults import WAIT_MINUTES
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.errors import InputError
from wsanalytics.formatting import as_output, counted, html_table, number, usd
from wsanalytics.history import configured
from wsanalytics.prices import PriceBook
from wsanalytics.settings import Setting, setting_grid
from wsanalytics.tables import FLEET_FRONTIER, FRONTIER, SESSIONS, TODAY, WORKSPACES, refuse_another
from wsanalytics.timeline import Window, coded
from wsanalytics.tradeoffs.efficient import SAME, FleetOptions, Marks, best, efficient, mixtures
from wsanalytics.tradeoffs.options import TradeoffRequest, calling_policies, options_of

ROUND_PRICES = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Prices of a waiting minute in USD at which a fleet's mixtures are shown to people."""


@dataclass(frozen=True, eq=False)
class Choice:
    """One option for each WorkSpace, and its cost and waiting.

    ``options`` is a ``frontier`` table. The amounts are those of the fleet, a month and a week;
    ``present_usd`` and ``present_waits`` those of the present settings. ``changes`` counts the
    WorkSpaces that are not left as they are, ``by_option`` how many take which; ``over_limit``
    those that none of their options keeps within the limit of cold starts.
    """

    options: pd.DataFrame
    usd_per_month: float
    cold_starts_per_week: float
    waiting_minutes_per_month: float
    present_usd: float
    present_waits: float
    changes: int
    by_option: pd.Series
    over_limit: tuple[str, ...] = ()

    @property
    def saving_usd_per_month(self) -> float:
        """The saving against the present settings; negative where it costs more."""
        return self.present_usd - self.usd_per_month

    @property
    def extra_cold_starts_per_week(self) -> float:
        """The cold starts beyond those of the present settings."""
        return self.cold_starts_per_week - self.present_waits

    def __repr__(self) -> str:
        return (f"<Choice {usd(self.usd_per_month)} a month, "
                f"{number(self.cold_starts_per_week)} cold starts a week, "
                f"{counted(self.changes, 'change')}>")


@dataclass(frozen=True, eq=False)
class Frontier:
    """The least cost of each WorkSpace and of the fleet for its waiting.

    ``options`` is a ``frontier`` table, in which the cheapest option is chosen. ``fleet_options``
    is the fleet as it is today and all of it in one option: option, usd_per_month,
    cold_starts_per_week, waiting_minutes_per_month, efficient. ``fleet_points`` is a
    ``fleet_frontier`` table: all that the fleet can do where each WorkSpace takes the option that
    suits it, from the cheapest on. ``workspaces`` are counted in these two; those that are
    ``terminated``, ``unpriced`` or ``absent`` (created after the window) are not. ``counted`` is a
    note on those of whom only a part of the window counts.
    """

    options: pd.DataFrame
    fleet_options: pd.DataFrame
    fleet_points: pd.DataFrame
    window: Window
    wait_minutes: float
    prices_date: str
    discount: float
    workspaces: int
    terminated: int
    unpriced: int
    absent: int
    ids: pd.Index
    names: tuple[str, ...]
    offers: FleetOptions
    efficient: Marks
    counts: Marks
    counted: str = ""

    def choose(
        self,
        *,
        max_cold_starts_per_week: float | None = None,
        value_of_waiting_minute_usd: float = 0.0,
    ) -> Choice:
        """Choose for each WorkSpace the option that costs least, its user's waiting included.

        *max_cold_starts_per_week* is the most that any user shall have, and
        *value_of_waiting_minute_usd* what a minute of waiting counts for. Where nothing keeps
        within the limit, the option of fewest cold starts is taken. Raises :class:`InputError`
        for what is not a number from 0 on.
        """
        _refuse_unless(value_of_waiting_minute_usd, "value_of_waiting_minute_usd")
        offers, limit = self.offers.for_workspaces(self.counts), max_cold_starts_per_week
        if limit is not None:
            _refuse_unless(limit, "max_cold_starts_per_week")
            offers = offers.within(limit)
        option = best(offers, value_of_waiting_minute_usd)
        fleet, ids = np.arange(len(option)), self.ids[self.counts]
        chosen = np.zeros(self.efficient.shape, dtype=bool)
        chosen[np.flatnonzero(self.counts), option] = True
        waits = offers.waits[fleet, option]
        over_limit = () if limit is None else tuple(ids[waits > limit + SAME])
        taken = pd.Series(np.bincount(option, minlength=len(self.names)), index=list(self.names))
        return Choice(
            _table(self.ids, self.names, self.offers, self.efficient, chosen),
            float(offers.usd[fleet, option].sum()), float(waits.sum()),
            float(offers.minutes[fleet, option].sum()), float(offers.usd[offers.present].sum()),
            float(offers.waits[offers.present].sum()),
            int((~offers.present[fleet, option]).sum()), taken[taken > 0], over_limit,
        )

    def at_prices(self, prices_usd: Iterable[float] = ROUND_PRICES) -> pd.DataFrame:
        """Return the row of ``fleet_points`` that is best at each price of a waiting minute."""
        wanted = np.asarray(list(prices_usd), dtype=np.float64)
        # "right" - 1: the last point whose price has been reached.
        point = self.fleet_points["waiting_minute_usd"].searchsorted(wanted + SAME, "right") - 1
        return (
            self.fleet_points.iloc[point].assign(waiting_minute_usd=wanted).reset_index(drop=True)
        )

    def __repr__(self) -> str:
        return (f"<Frontier {counted(self.workspaces, 'WorkSpace')}, "
                f"{counted(len(self.fleet_points), 'mixture')} of {len(self.names)} options, "
                f"{self.window}>")

    def _repr_html_(self) -> str:
        return as_output(
            f"<p>{escape(repr(self)[1:-1])}; all of it in one option:</p>"
            f"{html_table(self.fleet_options)}<p>each WorkSpace in its own:</p>"
            f"{html_table(self.at_prices())}")


@renamed_arguments(orders="commands")
def frontier(
    sessions: pd.DataFrame,
    workspaces: pd.DataFrame,
    *,
    window: Window,
    prices: PriceBook,
    settings: Iterable[Setting | str] | None = None,
    policies: Iterable[str] | None = None,
    hour_rule: HourRule | str = HourRule.CLOCK_HOUR,
    maintenance_hours: float = 1,
    wait_minutes: float = WAIT_MINUTES,
    present: pd.Series | None = None,
    commands: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> Frontier:
    """Weigh dollars a month against users' waiting, for each WorkSpace and the whole fleet.

    *sessions* and *workspaces* are checked tables; sessions before *window* are history that
    policies see. *settings* are tried on every WorkSpace (default: ALWAYS_ON, AUTO_STOP:60, :120
    and :240), its *present* one beside them (by id; default: as listed). *policies* are played in
    a :func:`~wsanalytics.backtesting.backtest` on the present settings, or, written
    ``AUTO_STOP:60+stop_when_idle:minutes=15``, on that one for all (default:
    :func:`~wsanalytics.tradeoffs.calling_policies`; an empty list: none). *wait_minutes* is how
    long a cold start takes; *commands* are starts and stops that were observed beside the sessions,
    *gaps* the intervals that nobody observed. Amounts are counted as :func:`wsanalytics.compare`
    counts them: of WorkSpaces whose use has changed for good, what came after the change.

    It shows what could be, certain or not; :func:`wsanalytics.recommend` proposes what is worth
    changing. Raises :class:`InputError` for a policy or setting that does not exist.
    """
    refuse_another(sessions, SESSIONS)
    refuse_another(workspaces, WORKSPACES)
    _refuse_unless(wait_minutes, "wait_minutes", above_zero=True)
    request = TradeoffRequest(
        window=window, prices=prices,
        settings=setting_grid(auto_stop_minutes=(), always_on=False,
                              include=setting_grid() if settings is None else settings),
        policies=tuple(dict.fromkeys(calling_policies() if policies is None else policies)),
        present=configured(workspaces) if present is None else present,
        hour_rule=HourRule.parse(hour_rule), maintenance_hours=maintenance_hours,
        wait_minutes=wait_minutes,
    )
    fleet, offers, counting = options_of(workspaces, sessions, request, step, commands, gaps)
    result = frontier_of(
        offers,
        request.names,
        request.common,
        ids=pd.Index(fleet["workspace_id"]),
        terminated=fleet["terminated_at"].notna().to_numpy(),
        window=window,
        wait_minutes=wait_minutes,
        prices_date=prices.date,
        discount=prices.discount,
    )
    return replace(result, counted=counting.note)


def frontier_of(
    offers: FleetOptions,
    names: tuple[str, ...],
    common: Collection[str],
    *,
    ids: pd.Index,
    terminated: Marks,
    window: Window,
    wait_minutes: float,
    prices_date: str,
    discount: float,
    knows_present: bool = True,
) -> Frontier:
    """Build the frontier of the options of WorkSpaces.

    The rows of *offers* are the WorkSpaces *ids*, of which some are *terminated*; its columns are
    the options *names*, of which every WorkSpace has the *common* ones. Without *knows_present*
    there is no fleet as it is today.
    """
    # No months in the window: nothing of it can be counted, whatever its prices.
    absent = ~terminated & np.isnan(offers.minutes).any(axis=1)
    unpriced = ~terminated & ~absent & (offers.offered & np.isnan(offers.usd)).any(axis=1)
    counts = ~terminated & ~absent & ~unpriced
    of_counted = offers.for_workspaces(counts)
    marks = efficient(offers.usd, offers.waits, offers.offered)
    chosen = np.zeros(offers.usd.shape, dtype=bool)
    chosen[np.flatnonzero(counts), best(of_counted)] = True
    rows = {TODAY: of_counted.present} if knows_present else {}
    rows |= {f"all {name}": np.arange(len(names)) == column
             for column, name in enumerate(names) if name in common}
    return Frontier(
        _table(ids, names, offers, marks, chosen),
        _fleet_options(of_counted, rows),
        _points(of_counted),
        window,
        wait_minutes,
        prices_date,
        discount,
        int(counts.sum()),
        int(terminated.sum()),
        int(unpriced.sum()),
        int(absent.sum()),
        ids,
        names,
        offers,
        marks,
        counts,
    )


def _table(
    ids: pd.Index, names: tuple[str, ...], offers: FleetOptions, marks: Marks, chosen: Marks
) -> pd.DataFrame:
    """Build the ``frontier`` table of all options."""
    row, option = np.nonzero(offers.offered)
    return pd.DataFrame({
        "workspace_id": ids[row],
        "option": coded(option, names, ordered=True),
        "usd_per_month": offers.usd[row, option],
        "cold_starts_per_week": offers.waits[row, option],
        "waiting_minutes_per_month": offers.minutes[row, option],
        "efficient": marks[row, option],
        "chosen": chosen[row, option],
        "present": offers.present[row, option],
    })[list(FRONTIER.names)]


def _points(offers: FleetOptions) -> pd.DataFrame:
    mixed = mixtures(offers)
    return pd.DataFrame({
        "waiting_minute_usd": mixed.price_usd, "usd_per_month": mixed.usd,
        "cold_starts_per_week": mixed.waits, "waiting_minutes_per_month": mixed.minutes,
        "changes": mixed.changes,
    })[list(FLEET_FRONTIER.names)]


def _fleet_options(offers: FleetOptions, rows: Mapping[str, Marks]) -> pd.DataFrame:
    """Return the fleet's cost and waiting by each of *rows*: a name, and who has which option."""
    frame = pd.DataFrame([
        {"option": option} | {
            column: float(np.where(marks, amounts, 0.0).sum()) for column, amounts in (
                ("usd_per_month", offers.usd), ("cold_starts_per_week", offers.waits),
                ("waiting_minutes_per_month", offers.minutes))}
        for option, marks in rows.items()
    ])
    marks = efficient(frame[["usd_per_month"]].to_numpy().T,
                      frame[["cold_starts_per_week"]].to_numpy().T,
                      np.ones((1, len(frame)), dtype=bool))
    return frame.assign(efficient=marks[0])


def _refuse_unless(value: float, name: str, *, above_zero: bool = False) -> None:
    if not (isfinite(value) and (value > 0 if above_zero else value >= 0)):
        raise InputError(f"{name} is {value}", where="frontier", rule="it is a number "
                         f"{'over' if above_zero else 'from'} 0{'' if above_zero else ' on'}",
                         fix="correct it")
