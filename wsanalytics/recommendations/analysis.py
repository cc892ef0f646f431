"""From a fleet's sessions to a plan in one call: decide, replay, bill, compare, recommend.

What the commands ``recommend``, ``report`` and ``demo`` have in common. In a notebook the same
steps are taken one by one, each result to be looked at.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.backtesting import Choice, Decision, Rule, Seen, decide, rule_of
from wsanalytics.billing import HourRule, bill
from wsanalytics.defaults import DEFAULT_POLICY
from wsanalytics.deprecated import renamed_arguments, renamed_attribute
from wsanalytics.errors import NotBilledWarning, UnpricedWarning, did_you_mean
from wsanalytics.formatting import as_output, counted, listed, percent, usd
from wsanalytics.history import History, Remarks, configured
from wsanalytics.kernel import in_kernel
from wsanalytics.not_simulated import set_aside
from wsanalytics.prices import PriceBook, load_prices
from wsanalytics.recommendations.compare import compare
from wsanalytics.recommendations.plan import Basis, Plan, held_rules, recommend, timeouts_of
from wsanalytics.recommendations.plan_limits import PlanLimits
from wsanalytics.rules import FleetRules, RuleBook
from wsanalytics.safe_text import plain
from wsanalytics.sessions import found_in
from wsanalytics.settings import Setting, setting_grid
from wsanalytics.simulation import Replay, replay
from wsanalytics.tables import SESSIONS, WORKSPACES, refuse_another
from wsanalytics.timeline import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The policy that decides, the limits that a user sets for it, and how hours are counted.

    ``policy`` is a name as in a backtest, or a policy of one's own; ``rules`` are those of the
    house (:func:`wsanalytics.read_rules`), which bind it beside the limits.
    """

    candidates: tuple[Setting, ...] = field(default_factory=setting_grid)
    hour_rule: HourRule = HourRule.CLOCK_HOUR
    maintenance_hours: float = 1
    max_cold_starts_per_week: float | None = None
    min_saving_usd: float = 1.0
    min_chance_of_saving: float = 0.0
    allow_losing_open_programs: bool = False
    policy: str | Rule | Callable[[Seen], Choice] = DEFAULT_POLICY
    rules: RuleBook | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Analysis:
    """The analysis of a fleet in one window; typed alone, it shows the main figures."""

    workspaces: pd.DataFrame
    prices: PriceBook
    limits: Limits
    replay: Replay
    charges: pd.DataFrame
    comparison: pd.DataFrame
    decision: Decision
    plan: Plan
    gaps: pd.DataFrame | None = None
    commands: pd.DataFrame | None = None
    defaults: dict[str, int] = field(default_factory=dict)
    note: str = ""
    remarks: Remarks | None = None
    """The remarks that a store keeps on single WorkSpaces beside the tables."""

    orders = renamed_attribute("orders", "commands")

    @property
    def window(self) -> Window:
        """The interval of time that was studied."""
        return self.replay.window

    @property
    def present(self) -> pd.DataFrame:
        """The rows of the comparison for the setting that each WorkSpace has."""
        return self.comparison[self.comparison["setting"].astype("str")
                               == self.comparison["baseline"]]

    @property
    def unpriced(self) -> list[str]:
        """The WorkSpaces whose present setting has no known price."""
        rows = self.present
        return rows.loc[rows["usd_per_month"].isna(), "workspace_id"].tolist()

    @property
    def headline(self) -> str:
        """The fleet's cost, and the saving of the plan, in one line."""
        plan, cost = self.plan, float(self.present["usd_per_month"].sum())
        share = f", {percent(plan.saving_usd_per_month / cost)}" if cost > 0 else ""
        return (f"{counted(len(self.workspaces), 'WorkSpace')} cost {usd(cost)} a month; "
                f"{counted(len(plan.changes), 'change')} would save "
                f"{usd(plan.saving_usd_per_month)}{share}")

    @property
    def left_out(self) -> list[str]:
        """The WorkSpaces that no total holds, a line a reason: not simulated, or without a price.

        In plain Python :class:`~wsanalytics.errors.NotBilledWarning` and
        :class:`~wsanalytics.errors.UnpricedWarning` say the same; in a notebook these lines alone.
        """
        lines = [f"{counted(len(ids), 'WorkSpace')} {title}: {listed(ids)}"
                 for title, ids in set_aside(self.workspaces).items()]
        if self.unpriced:
            lines.append(f"{counted(len(self.unpriced), 'WorkSpace')} with no known price: "
                         f"{listed(self.unpriced)}")
        return lines

    def __repr__(self) -> str:
        return "".join([f"<Analysis of {self.window}: {self.headline}",
                        *(f"; {line}" for line in self.left_out), ">"])

    def _repr_html_(self) -> str:
        head = escape(f"Analysis of {self.window}: {self.headline}")
        lines = "".join(f"<br><small>{escape(plain(line))}</small>" for line in self.left_out)
        return as_output(f"<p>{head}{lines}</p>") + self.plan._repr_html_()


@renamed_arguments(orders="commands")
def analyse(
    sessions: pd.DataFrame,
    workspaces: pd.DataFrame,
    *,
    window: Window,
    prices: PriceBook,
    limits: Limits | None = None,
    gaps: pd.DataFrame | None = None,
    commands: pd.DataFrame | None = None,
    settings: pd.DataFrame | None = None,
    defaults: dict[str, int] | None = None,
    account_id: str | None = None,
    region: str | None = None,
    source: str = "",
    note: str = "",
    step: Callable[[str], None] = lambda _: None,
    now: datetime | None = None,
    **more: Any,  # noqa: ANN401  # the fields of Limits
) -> Analysis:
    """Replay, bill, compare, decide and recommend for a fleet of checked frames.

    The policy of *limits* (default: ``forecast``) decides at the last midnight of *window*, from
    the *sessions* before and, with *settings* (a ``settings`` table), from what each WorkSpace was
    set to. The candidates of *limits* are tried on every WorkSpace, the present setting of each
    beside them, each with the observed *commands* (starts and stops that no session explains;
    None: nothing is known of them). *gaps* and *defaults* (how many rows relied on the default of a
    column) are passed on for the report, *account_id*, *region* and *source* (the store or the
    files) to the plan, *note* (how old the data are) to the report; *step* is called with the name
    of each step before it begins. In place of *limits* its fields may be given:
    ``max_cold_starts_per_week=5``.

    WorkSpaces that are not simulated, or have no known price, are named by a
    :class:`NotBilledWarning` and an :class:`UnpricedWarning`; in a notebook the result says it,
    without warnings.
    """
    refuse_another(sessions, SESSIONS)
    refuse_another(workspaces, WORKSPACES)
    limits = _limits(limits, more)
    present = configured(workspaces)
    rule, timeouts = rule_of(limits.policy), timeouts_of(limits.candidates)
    rules = held_rules(limits.rules, workspaces, limits.candidates)

    def decided(allowed: pd.DataFrame | None) -> Decision:
        return decide(
            rule, sessions, workspaces=workspaces, prices=prices, at=window.end,
            observed_from=window.start, present=present,
            settings=settings, timeouts=timeouts, allowed=allowed, rules=limits.rules,
            hour_rule=limits.hour_rule, maintenance_hours=limits.maintenance_hours,
            commands=commands, gaps=gaps)

    step("deciding")
    candidates, decision = limits.candidates, None
    if candidates == setting_grid():
        # A policy of one's own may choose what is no candidate by default; that is tried as well.
        decision = decided(None)
        candidates = _only([*candidates, *decision.wanted], besides=rules)
    step("replaying")
    tried = _only([*candidates, *present.unique(), *_ruled(rules, present)])
    replayed = replay(sessions, tried, window=window, commands=commands)
    step("billing")
    charges = _billed(replayed, workspaces, prices, limits)
    step("comparing")
    comparison = compare(charges, replayed, workspaces, baseline=present, gaps=gaps)
    step("recommending")
    bounds = PlanLimits(
        candidates=frozenset(map(str, candidates)),
        max_cold_starts_per_week=limits.max_cold_starts_per_week,
        min_saving_usd=limits.min_saving_usd, min_chance_of_saving=limits.min_chance_of_saving,
        rules=rules)
    if decision is None or limits.max_cold_starts_per_week is not None:
        decision = decided(bounds.allowed_in(comparison))
    plan = recommend(
        comparison,
        baseline=present,
        workspaces=workspaces,
        decision=decision,
        candidates=candidates,
        max_cold_starts_per_week=limits.max_cold_starts_per_week,
        min_saving_usd=limits.min_saving_usd,
        min_chance_of_saving=limits.min_chance_of_saving,
        allow_losing_open_programs=limits.allow_losing_open_programs,
        hour_rule=limits.hour_rule,
        prices_date=prices.date,
        rules=limits.rules,
        now=now,
    )
    basis = replace(
        _basis_of(limits, decision.policy, window), workspaces=len(workspaces),
        sessions=len(sessions), source=source, discount=prices.discount)
    return Analysis(
        workspaces=workspaces, prices=prices, limits=limits, replay=replayed, charges=charges,
        comparison=comparison, gaps=gaps, commands=commands, decision=decision,
        plan=replace(plan, account_id=account_id, region=region, basis=basis),
        defaults=dict(defaults or {}), note=note,
    )


def _basis_of(limits: Limits, policy: str, window: Window) -> Basis:
    return Basis(
        from_at=window.start, to_at=window.end, workspaces=0, sessions=0,
        maintenance_hours=limits.maintenance_hours, min_saving_usd=limits.min_saving_usd,
        max_cold_starts_per_week=limits.max_cold_starts_per_week,
        min_chance_of_saving=limits.min_chance_of_saving, policy=policy)


def _only(
    settings: Iterable[Setting | str], *, besides: FleetRules | None = None
) -> tuple[Setting, ...]:
    """Return each of *settings* once, in order, without those that rules bring in for some."""
    distinct = setting_grid(auto_stop_minutes=(), always_on=False, include=settings)
    return tuple(setting for setting in distinct
                 if besides is None or setting not in besides.brought)


def _ruled(rules: FleetRules | None, present: pd.Series) -> list[Setting | str]:
    """Return the settings that rules bring in, and those that they demand in place of others."""
    if rules is None:
        return []
    known = present.reindex(rules.ids)
    is_set = known.notna().to_numpy()
    kept = rules.of_rows(np.flatnonzero(is_set)).kept_to(known[is_set].to_numpy(dtype=object))
    return [*rules.brought, *set(kept)]


def _billed(
    replayed: Replay, workspaces: pd.DataFrame, prices: PriceBook, limits: Limits
) -> pd.DataFrame:
    with warnings.catch_warnings():
        if in_kernel():  # there the result is looked at, and says it itself
            warnings.simplefilter("ignore", NotBilledWarning)
            warnings.simplefilter("ignore", UnpricedWarning)
        return bill(replayed, workspaces, prices, hour_rule=limits.hour_rule,
                    maintenance_hours=limits.maintenance_hours)


def analyse_history(
    history: History,
    *,
    prices: PriceBook | None = None,
    limits: Limits | None = None,
    source: str = "",
    step: Callable[[str], None] = lambda _: None,
    now: datetime | None = None,
    **more: Any,  # noqa: ANN401  # the fields of Limits
) -> Analysis:
    """Go the whole way from a history to a plan: find sessions and gaps, then :func:`analyse`.

    In place of *limits* its fields may be given: ``max_cold_starts_per_week=5``.

    *prices* are the built-in list prices unless others are handed over. The plan is for the
    account and region of the fleet where it has one of each, and can be applied there.
    """
    limits = _limits(limits, more)
    step("finding sessions")
    fleet = history.workspaces
    found = found_in(history)
    return analyse(
        found.sessions, fleet, window=history.window, commands=found.commands,
        settings=history.settings,
        prices=load_prices() if prices is None else prices, limits=limits,
        gaps=found.gaps, source=source, step=step, now=now,
        account_id=the_one(fleet["account_id"]) or None, region=the_one(fleet["region"]))


def _limits(limits: Limits | None, more: dict[str, Any]) -> Limits:
    """Give the *limits* with the fields that were given by name."""
    names = [field.name for field in fields(Limits)]
    for name in more.keys() - set(names):
        raise TypeError(f"there is no limit {name!r}: "
                        + did_you_mean(name, names, otherwise=f"there are {', '.join(names)}"))
    return replace(limits or Limits(), **more)


def the_one(column: pd.Series) -> str | None:
    """Return the value of a column that has only one, such as the account of a fleet."""
    values = column.unique()
    return str(values[0]) if len(values) == 1 else None
