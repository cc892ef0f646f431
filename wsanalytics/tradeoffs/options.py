"""List the options of each WorkSpace: settings that are replayed, policies that are played.

An option is a setting, a policy on the settings that there are (``stop_when_idle:minutes=15``), or
a policy on one setting for all (``AUTO_STOP:60+stop_when_idle:minutes=15``).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wsanalytics.backtesting import POLICIES, backtest, policy_named
from wsanalytics.billing import HourRule, bill, billable
from wsanalytics.errors import NotBilledWarning, UnpricedWarning
from wsanalytics.prices import PriceBook
from wsanalytics.recommendations import Counting
from wsanalytics.settings import Setting, auto_stop, setting_grid
from wsanalytics.simulation import replay
from wsanalytics.timeline import Window
from wsanalytics.tradeoffs.efficient import FleetOptions

_BY_CALLS = ("stop_when_idle:minutes=15", "start_before_work")


def calling_policies() -> tuple[str, ...]:
    """Return the policies that stop and start WorkSpaces by calls, tried where none are named.

    Each on the settings that there are, and on AUTO_STOP:60 for everybody, as AWS lets only
    AUTO_STOP WorkSpaces be stopped and started.
    """
    texts = [text for text in _BY_CALLS if text.partition(":")[0] in POLICIES]
    return (*texts, *(f"{auto_stop(60)}+{text}" for text in texts))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TradeoffRequest:
    """A request for a trade-off: what is tried on a fleet, in which days, at which prices.

    ``settings`` and ``policies`` are tried on every WorkSpace, its ``present`` setting (by id)
    beside them. ``wait_minutes`` is how long a cold start takes.
    """

    window: Window
    prices: PriceBook
    settings: tuple[Setting, ...]
    policies: tuple[str, ...]
    present: pd.Series
    hour_rule: HourRule
    maintenance_hours: float
    wait_minutes: float

    @property
    def common(self) -> tuple[str, ...]:
        """The options that every WorkSpace has."""
        return (*map(str, self.settings), *self.policies)

    @property
    def tried(self) -> tuple[Setting, ...]:
        """The settings that are replayed: those of all, and the present ones."""
        return setting_grid(auto_stop_minutes=(), always_on=False,
                            include=[*self.settings, *self.present.unique()])

    @property
    def names(self) -> tuple[str, ...]:
        """All options, in their order."""
        return (*map(str, self.tried), *self.policies)


def options_of(
    workspaces: pd.DataFrame, sessions: pd.DataFrame, request: TradeoffRequest,
    step: Callable[[str], None], commands: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, FleetOptions, Counting]:
    """Return the billed WorkSpaces in order, the options of each, and how they were counted."""
    plays: dict[Setting | None, list[str]] = {}
    for text in request.policies:
        base, policy = _base_of(text)
        plays.setdefault(base, []).append(policy)
    step("settings")
    played = replay(sessions, request.tried, window=request.window, commands=commands)
    charges = [bill(played, workspaces, request.prices, hour_rule=request.hour_rule,
                    maintenance_hours=request.maintenance_hours)]
    present = request.present
    for base, policies in plays.items():
        prefix = "" if base is None else f"{base}+"
        on = present if base is None else pd.Series(str(base), index=present.index)
        with warnings.catch_warnings():  # the bill has warned already
            warnings.simplefilter("ignore", UnpricedWarning)
            warnings.simplefilter("ignore", NotBilledWarning)
            backtested = backtest(
                sessions, policies, workspaces=workspaces, prices=request.prices,
                window=request.window, hour_rule=request.hour_rule,
                maintenance_hours=request.maintenance_hours, present=on, commands=commands,
                step=_prefixed(step, prefix))
        charges.append(backtested.outcomes.assign(
            setting=prefix + backtested.outcomes["policy"].astype("str")))
    fleet = workspaces[billable(workspaces)].sort_values("workspace_id", ignore_index=True)
    counting = Counting.of(played, fleet, pd.Index(fleet["workspace_id"]), gaps)
    return fleet, _summed(charges, fleet, request, counting), counting


def _prefixed(step: Callable[[str], None], prefix: str) -> Callable[[str], None]:
    return lambda name: step(f"{prefix}{name}")


def _base_of(text: str) -> tuple[Setting | None, str]:
    """Return the setting on which a policy is played, and the policy; None: the present ones."""
    base, plus, policy = text.partition("+")
    policy_named(policy if plus else text)
    return (Setting.parse(base, where=f"the option {text!r}"), policy) if plus else (None, text)


def _summed(
    charges: Sequence[pd.DataFrame], fleet: pd.DataFrame, request: TradeoffRequest,
    counting: Counting,) -> FleetOptions:
    """Return the monthly cost and the waiting of each option, by WorkSpace (rows)."""
    ids, options = pd.Index(fleet["workspace_id"]), pd.Index(request.names)
    shape = (len(ids), len(options))
    fixed, hourly, starts = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for frame in charges:
        row = ids.get_indexer(pd.Index(frame["workspace_id"].astype("str")))
        column = options.get_indexer(pd.Index(frame["setting"].astype("str")))
        for total, name in ((fixed, "fixed_usd"), (hourly, "hourly_usd"), (starts, "cold_starts")):
            # ufunc.at: a WorkSpace has a row a month, and all of them add up in one cell.
            np.add.at(total, (row, column), frame[name].to_numpy(dtype=np.float64))
    has = options.get_indexer(pd.Index(request.present.reindex(ids)))
    is_present = np.arange(len(options)) == has[:, None]
    rows = [counting.at(name) if name in counting.settings else counting.reference
            for name in request.names]  # a policy is none of the settings that were replayed
    usd = fixed * counting.life.per_month[:, None] + hourly * counting.hours[rows].T
    share = counting.starts[rows]
    return FleetOptions(usd, counting.starts_a_week(starts.T, share).T,
                  counting.starts_a_month(starts.T, share).T * request.wait_minutes,
                  is_present | options.isin(request.common), is_present)
