"""What is offered to each WorkSpace: settings that are replayed, policies that are played, billed.

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
    """The policies that stop and start WorkSpaces by calls, which are tried where none are named.

    Each on the settings that there are, and on AUTO_STOP:60 for everybody, as AWS lets only
    AUTO_STOP WorkSpaces be stopped and started.
    """
    known = [text for text in _BY_CALLS if text.partition(":")[0] in POLICIES]
    return (*known, *(f"{auto_stop(60)}+{text}" for text in known))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Question:
    """What is to be tried on a fleet, in which days, at which prices.

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


def offers_of(
    workspaces: pd.DataFrame, sessions: pd.DataFrame, question: Question,
    step: Callable[[str], None], commands: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, FleetOptions, Counting]:
    """The WorkSpaces that are billed, in order, what each is offered, and how it was counted."""
    plays: dict[Setting | None, list[str]] = {}
    for text in question.policies:
        base, policy = _base_of(text)
        plays.setdefault(base, []).append(policy)
    step("settings")
    played = replay(sessions, question.tried, window=question.window, commands=commands)
    charges = [bill(played, workspaces, question.prices, hour_rule=question.hour_rule,
                    maintenance_hours=question.maintenance_hours)]
    present = question.present
    for base, policies in plays.items():
        prefix = "" if base is None else f"{base}+"
        on = present if base is None else pd.Series(str(base), index=present.index)
        with warnings.catch_warnings():  # the bill has told already
            warnings.simplefilter("ignore", UnpricedWarning)
            warnings.simplefilter("ignore", NotBilledWarning)
            found = backtest(
                sessions, policies, workspaces=workspaces, prices=question.prices,
                window=question.window, hour_rule=question.hour_rule,
                maintenance_hours=question.maintenance_hours, present=on, commands=commands,
                step=_prefixed(step, prefix))
        charges.append(found.outcomes.assign(
            setting=prefix + found.outcomes["policy"].astype("str")))
    fleet = workspaces[billable(workspaces)].sort_values("workspace_id", ignore_index=True)
    counting = Counting.of(played, fleet, pd.Index(fleet["workspace_id"]), gaps)
    return fleet, _summed(charges, fleet, question, counting), counting


def _prefixed(step: Callable[[str], None], prefix: str) -> Callable[[str], None]:
    return lambda name: step(f"{prefix}{name}")


def _base_of(text: str) -> tuple[Setting | None, str]:
    """The setting on which a policy is to be played, and the policy; None: the present ones."""
    base, plus, policy = text.partition("+")
    policy_named(policy if plus else text)
    return (Setting.parse(base, where=f"the option {text!r}"), policy) if plus else (None, text)


def _summed(
    charges: Sequence[pd.DataFrame], fleet: pd.DataFrame, question: Question, counting: Counting
) -> FleetOptions:
    """What each option costs a month and how its users wait, by WorkSpace (rows)."""
    ids, options = pd.Index(fleet["workspace_id"]), pd.Index(question.names)
    shape = (len(ids), len(options))
    fixed, hourly, starts = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for frame in charges:
        row = ids.get_indexer(pd.Index(frame["workspace_id"].astype("str")))
        place = options.get_indexer(pd.Index(frame["setting"].astype("str")))
        for total, name in ((fixed, "fixed_usd"), (hourly, "hourly_usd"), (starts, "cold_starts")):
            np.add.at(total, (row, place), frame[name].to_numpy(dtype=np.float64))
    has = options.get_indexer(pd.Index(question.present.reindex(ids)))
    is_present = np.arange(len(options)) == has[:, None]
    rows = [counting.at(name) if name in counting.settings else counting.reference
            for name in question.names]  # a policy is none of the settings that were replayed
    usd = fixed * counting.life.per_month[:, None] + hourly * counting.hours[rows].T
    share = counting.starts[rows]
    return FleetOptions(usd, counting.starts_a_week(starts.T, share).T,
                  counting.starts_a_month(starts.T, share).T * question.wait_minutes,
                  is_present | options.isin(question.common), is_present)
