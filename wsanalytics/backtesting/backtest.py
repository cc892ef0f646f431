"""Backtest policies: the cost of each way of deciding, seeing only the past at each decision.

At 00:00 UTC of each day every policy is shown what has been seen so far and says what each
WorkSpace is set to from then on. What it said becomes a schedule, which is replayed and billed as
everything else is: there is no second way to count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from math import nan

import pandas as pd

from wsanalytics.backtesting.arena import BacktestRun
from wsanalytics.backtesting.clairvoyant.policy import Clairvoyant
from wsanalytics.backtesting.every import DAY, check_every
from wsanalytics.backtesting.policies.catalog import policy_named
from wsanalytics.backtesting.policies.rule import ByFunction, Choice, Reference, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing import HourRule, warn_left_out
from wsanalytics.defaults import COMMON_TIMEOUTS
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.errors import InputError
from wsanalytics.formatting import as_output, html_table, listed
from wsanalytics.prices import PriceBook
from wsanalytics.rules import RuleBook
from wsanalytics.tables import SESSIONS, WORKSPACES, refuse_another
from wsanalytics.timeline import Window


@dataclass(frozen=True, eq=False)
class Backtest:
    """The costs of policies in ``window``.

    ``outcomes`` is an ``outcomes`` table: policy × WorkSpace × month. ``decisions`` has a row for
    each change of setting that a policy made: policy, workspace_id, at, from_setting, to_setting.
    ``seconds`` is how long each policy took. ``references`` names those that know the future, and
    ``floors`` for each policy the one that it is held against: ``clairvoyant``, or for those that
    stop WorkSpaces ``clairvoyant:stops=true``, if they are among the policies.
    """

    outcomes: pd.DataFrame
    decisions: pd.DataFrame
    window: Window
    hour_rule: HourRule
    prices_date: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    floors: Mapping[str, str] = field(default_factory=dict)

    @property
    def totals(self) -> pd.DataFrame:
        """By policy: WorkSpaces, costs, regret, cold starts a week, switches; cheapest first.

        ``regret_usd`` is the cost above the policy's floor, empty where that was not among the
        policies; without any floor there is no such column. WorkSpaces without a known price are
        left out.
        """
        priced = self.outcomes[self.outcomes["total_usd"].notna()]
        sums = priced.groupby("policy", observed=True)[
            ["total_usd", "fixed_usd", "hourly_usd", "billed_hours", "cold_starts", "switches"]
        ].sum()
        fleet = priced["workspace_id"].nunique()
        sums.insert(0, "workspaces", fleet)
        sums["cold_starts_per_week"] = sums.pop("cold_starts") / self.window.weeks / max(fleet, 1)
        if self.floors:
            usd = sums["total_usd"].to_dict()
            least = [usd.get(self.floors.get(str(name), ""), nan) for name in sums.index]
            sums.insert(2, "regret_usd", sums["total_usd"] - least)
        return sums.sort_values("total_usd", kind="stable").reset_index()

    @property
    def regret(self) -> pd.DataFrame:
        """The cost of each policy above its floor: policy, workspace_id, regret_usd."""
        return self._above("workspace_id")

    @property
    def regret_by_month(self) -> pd.DataFrame:
        """The cost of each policy above its floor: policy, month, regret_usd."""
        return self._above("month")

    def _above(self, by: str) -> pd.DataFrame:
        if not self.floors:
            raise InputError("clairvoyant is not among the policies", where="the backtest",
                             rule="regret is the cost above it", fix="add it to the policies")
        usd = self.outcomes.astype({by: "str", "policy": "str"}).groupby(
            ["policy", by], as_index=False)["total_usd"].sum(min_count=1)
        # By policy and WorkSpace (or month): the cost of its floor is looked up under the floor's
        # name.
        least = usd.set_index(["policy", by])["total_usd"].to_dict()
        usd["regret_usd"] = usd["total_usd"] - [
            least.get((self.floors.get(policy, ""), key), nan)
            for policy, key in zip(usd["policy"], usd[by], strict=True)]
        order = self.outcomes["policy"].cat.categories
        usd["policy"] = pd.Categorical(usd["policy"], categories=order, ordered=True)
        frame = pd.DataFrame(usd)[["policy", by, "regret_usd"]]
        return frame.sort_values(by=["policy", by], ignore_index=True)

    def __repr__(self) -> str:
        names = self.outcomes["policy"].nunique()
        fleet = self.outcomes["workspace_id"].nunique()
        return f"<Backtest of {names} policies, {fleet:,} WorkSpaces, {self.window}>"

    def _repr_html_(self) -> str:
        return as_output(f"<p>{escape(repr(self)[1:-1])}</p>{html_table(self.totals)}")


@renamed_arguments(orders="commands")
def backtest(
    sessions: pd.DataFrame,
    policies: Iterable[str | Rule | Callable[[Seen], Choice]],
    *,
    workspaces: pd.DataFrame,
    prices: PriceBook,
    window: Window,
    hour_rule: HourRule | str = HourRule.CLOCK_HOUR,
    maintenance_hours: float = 1,
    present: pd.Series | None = None,
    timeouts: Iterable[int] = COMMON_TIMEOUTS,
    commands: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
    every: str = DAY,
    rules: RuleBook | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> Backtest:
    """Return the costs of *policies* in *window*, deciding at 00:00 UTC of each day.

    *every* ``week`` they decide on Mondays alone, every ``month`` on the 1sts: what somebody pays
    who makes a plan so often and applies all of it. Until the first of these days each WorkSpace
    is what it was set to.

    *sessions* is a ``sessions`` table; those before *window* are history that policies see and
    nobody bills, what comes after its end is ignored, and a session in progress at a decision is
    cut there. *policies* are names as on the command line (``"hold"``, ``"auto_stop:60"``,
    ``"stop_when_idle:minutes=15"``), :class:`Rule` objects, or functions of
    :class:`Seen`. *present* is what each WorkSpace is set to as the
    window begins, by id (default: as *workspaces* lists them); *timeouts* are those that policies
    may choose. A WorkSpace that is created within the window is decided about from 00:00 UTC of
    that day on, and created in what is decided. *commands* are starts and stops that were observed
    beside the sessions (:func:`wsanalytics.observed_orders`): they happen whatever a policy says,
    and the hours that policies see count them. *gaps* are the intervals that nobody observed;
    forecasts take those days for days like the others of their weekday. *rules* of the house
    (:func:`wsanalytics.read_rules`) bind policies on the days on which they decide, and what they
    stop and start; timeouts that a rule brings in may be chosen for its WorkSpaces alone.
    References, which know the future, are not bound. *step* is called with the
    name of each policy.

    Raises :class:`InputError` if the window is not made of whole UTC days, *every* is no such
    time, two policies have one name, a policy is not known or answers with something else than
    settings, and for sessions of WorkSpaces that *workspaces* lacks.
    """
    refuse_another(sessions, SESSIONS)
    refuse_another(workspaces, WORKSPACES)
    to_play = [rule_of(policy) for policy in policies]
    _refuse_twins(to_play)
    arena = BacktestRun.of(
        sessions,
        workspaces,
        prices,
        window,
        hour_rule=HourRule.parse(hour_rule),
        maintenance_hours=maintenance_hours,
        present=present,
        timeouts=tuple(sorted(set(timeouts))),
        commands=commands,
        gaps=gaps,
        every=check_every(every),
        rules=rules,
    )
    warn_left_out(workspaces, arena.fleet, arena.tariff)
    parts, seconds = [], {}
    for rule in to_play:
        step(rule.name)
        begin = time.perf_counter()
        parts.append(arena.play(rule))
        seconds[rule.name] = time.perf_counter() - begin
    outcomes = pd.concat([part[0] for part in parts], ignore_index=True)
    names = [rule.name for rule in to_play]
    outcomes["policy"] = pd.Categorical(outcomes["policy"], categories=names, ordered=True)
    return Backtest(
        outcomes, pd.concat([part[1] for part in parts], ignore_index=True), window,
        HourRule.parse(hour_rule), prices.date, seconds,
        tuple(rule.name for rule in to_play if isinstance(rule, Reference)), _floors(to_play),
    )


def _floors(rules: list[Rule]) -> dict[str, str]:
    """Map each policy to the one that its regret is measured against."""
    # A policy that stops WorkSpaces is measured against the floor that may stop some as well.
    floors = {rule.stops_some: rule.name for rule in rules if isinstance(rule, Clairvoyant)}
    return {rule.name: floors[rule.stops_some] for rule in rules if rule.stops_some in floors}


def rule_of(policy: str | Rule | Callable[[Seen], Choice]) -> Rule:
    """Return the policy that a name writes, or that a function of :class:`Seen` is."""
    if isinstance(policy, str):
        return policy_named(policy)
    return policy if isinstance(policy, Rule) else ByFunction(policy)


def _refuse_twins(rules: list[Rule]) -> None:
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not rules:
        raise InputError(
            f"{listed(twice)} is there twice" if twice else "there is no policy",
            where="policies", rule="a backtest has at least one policy, each once",
            fix="remove one of them" if twice else "name some, such as hold and clairvoyant")
