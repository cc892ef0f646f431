"""Plan what to change, and why: what a policy decides today, within the limits of its user.

A change is proposed where the policy decides it, where it is expected to save enough, where it is
as likely to save as was asked, and where the proposed setting keeps to the limit of cold starts.
Everything else is left alone, and the reason is said in a sentence.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.backtesting import Choice, Decision, Rule, Seen, decide
from wsanalytics.billing import HourRule
from wsanalytics.defaults import COMMON_TIMEOUTS, DEFAULT_POLICY
from wsanalytics.errors import InputError
from wsanalytics.formatting import as_output, counted, html_table, listed, usd, usd_range
from wsanalytics.not_simulated import reasons_set_aside, titles, waits_for
from wsanalytics.prices import PriceBook
from wsanalytics.recommendations.choose import CHANGE, LEAVE_ALONE, Chooser, left_alone
from wsanalytics.recommendations.due_dates import schedule
from wsanalytics.recommendations.plan_limits import PlanLimits, not_hibernating
from wsanalytics.recommendations.reasons import lacks_observation
from wsanalytics.rules import FleetRules, RuleBook
from wsanalytics.settings import ALWAYS_ON, Setting, auto_stop
from wsanalytics.simulation import Replay
from wsanalytics.tables import RECOMMENDATIONS

_KINDS = {
    "it is left alone": "left alone by a rule of the house",
    "does not hibernate": "that would lose open programs",
    "is the cheapest": "already in the cheapest setting",
    " keeps ": "kept by the policy as they are",
    "would save only": "with a saving that is too small",
    "is expected to cost": "expected to cost more after the change",
    "but with a chance of": "less likely to save than was asked",
    "The history is too short": "with too short a history",
    "Observed on": "observed on too few days",
    "cold starts than the limit": "held by the limit of cold starts",
    "No price": "without a known price",
    "did not exist": "that did not exist in these days",
    "was terminated": "terminated",
    **dict(titles()),
}
"""Kinds of reasons of those left alone, by words that only their sentences have."""
TOO_EARLY = (_KINDS["The history is too short"], _KINDS["Observed on"])
"""The kinds of those of which too little was observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """From which data a plan was made, and by which limits.

    ``from_at`` and ``to_at`` are the window, in UTC, its end excluded; ``workspaces`` and
    ``sessions`` count what was looked at; ``source`` names the store or the files, if there are
    any. ``discount`` is the share taken off all prices, ``policy`` names what decided.
    """

    from_at: datetime
    to_at: datetime
    workspaces: int
    sessions: int
    source: str = ""
    discount: float = 0.0
    maintenance_hours: float = 1.0
    min_saving_usd: float = 1.0
    max_cold_starts_per_week: float | None = None
    min_chance_of_saving: float = 0.0
    policy: str = ""


@dataclass(frozen=True, eq=False)
class Plan:
    """The changes recommended to a fleet, and what is left alone, with the reasons.

    ``recommendations`` is a ``recommendations`` table with one row a WorkSpace. ``unused`` lists
    the WorkSpaces that nobody connected to. ``basis`` says from what data it was made, where
    that is known. Nothing is changed by a plan: it is a proposal.
    """

    recommendations: pd.DataFrame
    created_at: datetime
    hour_rule: HourRule
    prices_date: str
    unused: tuple[str, ...] = ()
    account_id: str | None = None
    region: str | None = None
    basis: Basis | None = None

    @property
    def changes(self) -> pd.DataFrame:
        """The WorkSpaces to change, the largest saving first."""
        chosen = self.recommendations[self.recommendations["action"] == CHANGE]
        return chosen.sort_values(
            ["saving_usd_per_month", "workspace_id"], ascending=[False, True], ignore_index=True
        )

    @property
    def left_alone(self) -> pd.DataFrame:
        """The WorkSpaces to leave as they are."""
        return self.recommendations[
            self.recommendations["action"] == LEAVE_ALONE
        ].reset_index(drop=True)

    @property
    def kinds_left_alone(self) -> pd.Series:
        """The kind of reason for each WorkSpace of ``left_alone``, in a few words."""
        return self.left_alone["reason"].map(_kind_of).astype("str")

    @property
    def saving_usd_per_month(self) -> float:
        """The expected saving of all changes together, a month."""
        return float(self.changes["saving_usd_per_month"].sum())

    def likely(self, chance: float) -> pd.DataFrame:
        """The changes that are at least so likely to save until the end of the next month."""
        changes = self.changes
        return changes[1 - changes["chance_of_loss"] >= chance - 1e-9].reset_index(drop=True)

    def only(self, workspace_ids: Iterable[str]) -> Plan:
        """Return the plan with these changes alone, as if all other rows of it were struck.

        Raises :class:`InputError` for a WorkSpace that it does not change.
        """
        wanted = set(workspace_ids)
        frame = self.recommendations
        is_change = frame["action"] == CHANGE
        if strangers := sorted(wanted - set(frame.loc[is_change, "workspace_id"])):
            raise InputError(f"it does not change {listed(strangers)}", where="the plan",
                             rule="what is picked out of a plan are changes of it",
                             fix="name WorkSpaces of plan.changes")
        remaining = frame[~is_change | frame["workspace_id"].isin(wanted)]
        return replace(self, recommendations=remaining.reset_index(drop=True))

    def __repr__(self) -> str:
        return (
            f"<Plan {counted(len(self.changes), 'change')} saving "
            f"{usd(self.saving_usd_per_month)} a month; "
            f"{counted(len(self.left_alone), 'WorkSpace')} left alone>"
        )

    def _repr_html_(self) -> str:
        columns = ["workspace_id", "from_setting", "to_setting", "saving", "interval", "reason"]
        top = self.changes.head(10)
        shown = top.assign(
            saving=top["saving_usd_per_month"].map(usd),
            interval=[usd_range(low, high) for low, high in
                      zip(top["saving_low_usd"], top["saving_high_usd"], strict=True)],
        )[columns]
        head = escape(repr(self)[1:-1])
        return as_output(f"<p>{head}; the first of them:</p>{html_table(shown)}")


def recommend(
    comparison: pd.DataFrame,
    *,
    baseline: pd.Series,
    workspaces: pd.DataFrame | None = None,
    replay: Replay | None = None,
    prices: PriceBook | None = None,
    policy: str | Rule | Callable[[Seen], Choice] = DEFAULT_POLICY,
    decision: Decision | None = None,
    candidates: Iterable[Setting | str] | None = None,
    max_cold_starts_per_week: float | None = None,
    min_saving_usd: float = 1.0,
    min_chance_of_saving: float = 0.0,
    allow_losing_open_programs: bool = False,
    hour_rule: HourRule | str = HourRule.CLOCK_HOUR,
    prices_date: str = "",
    rules: RuleBook | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan what a policy has decided for each WorkSpace of *comparison*, within the limits.

    The *policy* decides at the end of the window of *replay*, from its sessions, with *prices* and
    *workspaces*; or it has decided already (*decision*, see :func:`wsanalytics.decide`). Without
    all of these the setting with the least expected cost of the comparison is taken, with a
    DeprecationWarning: that is no policy which a backtest has proven.

    *candidates* are the settings that may be proposed (default: all that were compared);
    *max_cold_starts_per_week* limits the proposed setting's own cold starts per 7 days of
    window; *min_saving_usd* is the least expected saving a month worth a change (0: whatever the
    policy decides), and *min_chance_of_saving* leaves out what is less likely than that to save
    until the end of the next month. A change by which a WorkSpace stops, or stops sooner, that
    cannot hibernate is left alone unless *allow_losing_open_programs*. With *workspaces*, those
    that were not compared (MANUAL, standby) are listed too. Users, accounts and regions are those
    of the comparison, or of *workspaces*, so that the plan can be applied. *hour_rule* and
    *prices_date* are noted in the plan. *rules* of the house bind what is proposed to the
    *workspaces*, and what they demand is proposed whatever it costs. *now* (default: the clock)
    dates the plan and each change's best day. Raises :class:`InputError` for limits that are no
    numbers.
    """
    wanted = None if candidates is None else frozenset(map(str, candidates))
    limits = PlanLimits(
        candidates=wanted, max_cold_starts_per_week=max_cold_starts_per_week,
        min_saving_usd=min_saving_usd, min_chance_of_saving=min_chance_of_saving,
        rules=held_rules(rules, workspaces, wanted or _compared(comparison)),
        allow_losing_open_programs=allow_losing_open_programs,
        not_hibernating=not_hibernating(workspaces))
    now = now or datetime.now(UTC)
    if now.tzinfo is None:
        raise InputError(f"now is {now.isoformat()}, without a zone", where="recommend",
                         rule="instants are UTC-aware", fix="use datetime.now(UTC)")
    if decision is None and replay is not None and prices is not None and workspaces is not None:
        decision = decide(
            policy, replay.sessions, workspaces=workspaces, prices=prices, at=replay.window.end,
            observed_from=replay.window.start, present=baseline,
            timeouts=timeouts_of(comparison["setting"].cat.categories), rules=rules,
            allowed=limits.allowed_in(comparison), hour_rule=hour_rule, commands=replay.commands)
    if decision is None:
        warnings.warn("recommend takes the least expected cost of the comparison, since replay=, "
                      "prices= and workspaces= are not all given: with them it plans what a policy "
                      "decides", DeprecationWarning, stacklevel=2)
        decision = least_expected_cost(comparison, limits, baseline, now)
    observed = comparison["observed_days"].max() if len(comparison) else 0.0
    chooser = Chooser(limits=limits, policy=decision.policy, decided=_as_pairs(decision),
                      at=decision.at, days=float(observed), now=now)
    present = baseline.to_dict()
    columns = list(comparison.columns)
    groups: dict[str, list[dict[str, Any]]] = {}
    # Plain tuples: a fleet has 100,000 rows, and iterrows would make a Series of each.
    for values in comparison.itertuples(index=False, name=None):
        row = dict(zip(columns, values, strict=True))
        groups.setdefault(row["workspace_id"], []).append(row)
    rows = [chooser.choose(options, present[name]) for name, options in groups.items()]
    # Those that were never billed follow, so that every WorkSpace has its reason.
    rows += _not_compared(workspaces, set(groups))
    # Nobody connected although it was observed; without observation nobody can say so.
    unused = sorted(
        name for name, options in groups.items()
        if not options[0]["sessions"] and not lacks_observation(options[0])
    )
    frame = _frame(schedule(rows, now), comparison if workspaces is None else workspaces)
    return Plan(
        frame,
        now,
        HourRule.parse(hour_rule),
        prices_date,
        tuple(unused),
        account_id=(account := _the_one(frame["account_id"])),
        region=_the_one(frame["region"]) if account else None,  # of files nobody knows the account
    )


def timeouts_of(settings: Iterable[Setting | str]) -> tuple[int, ...]:
    """Return the timeouts in minutes among *settings*, which a policy may choose between."""
    minutes = tuple(sorted({Setting.parse(str(setting)).auto_stop_minutes or 0
                            for setting in settings} - {0}))
    return minutes or COMMON_TIMEOUTS  # ALWAYS_ON alone may be proposed: then none is allowed


def _compared(comparison: pd.DataFrame) -> list[str]:
    return [str(setting) for setting in comparison.get("setting", pd.Series(dtype="str")).unique()]


def held_rules(
    rules: RuleBook | None, workspaces: pd.DataFrame | None, candidates: Iterable[Setting | str]
) -> FleetRules | None:
    """Hold *rules* against a fleet whose policies choose the timeouts of *candidates*."""
    if not rules:
        return None
    if workspaces is None:
        raise InputError("rules are given, and no workspaces", where="recommend",
                         rule="rules tell WorkSpaces by their tags, bundles and the like",
                         fix="give workspaces=")
    return rules.on(workspaces, [ALWAYS_ON, *map(auto_stop, timeouts_of(candidates))])


def least_expected_cost(
    comparison: pd.DataFrame, limits: PlanLimits, baseline: pd.Series, at: datetime
) -> Decision:
    """Decide by a comparison alone: the setting with the least expected cost of those allowed."""
    best: dict[str, str] = {}
    rows = comparison.astype({"setting": "str"}).to_dict("records")
    # Of equals the present setting, then the one with fewer cold starts.
    for row in sorted(rows, key=lambda row: (
            -np.nan_to_num(round(row["saving_usd_per_month"], 9)),
            row["setting"] != row["baseline"], row["cold_starts_per_week"],
            Setting.parse(row["setting"]).order)):
        if limits.allows(row) or row["setting"] == row["baseline"]:
            best.setdefault(row["workspace_id"], row["setting"])
    chosen = pd.Series(best, dtype="str").reindex(baseline.index).dropna()
    return Decision("the least expected cost", at.replace(day=1), pd.DataFrame(
        {"from_now": chosen, "from_next_month": chosen}))


def _as_pairs(decision: Decision) -> dict[str, tuple[str, str]]:
    frame = decision.settings
    return dict(zip(frame.index, zip(frame["from_now"], frame["from_next_month"], strict=True),
                    strict=True))


def _the_one(column: pd.Series) -> str | None:
    """Return the account, or region, of a fleet that has only one."""
    values = column.unique()
    return str(values[0]) or None if len(values) == 1 else None


def _frame(rows: list[dict[str, Any]], whose: pd.DataFrame) -> pd.DataFrame:
    """Return the *rows* as a ``recommendations`` table.

    *whose* says where each is and whose it is.
    """
    frame = pd.DataFrame(rows, columns=list(RECOMMENDATIONS.names)).assign(comment="", approved="")
    for name in ("user_name", "account_id", "region"):
        known = {} if name not in whose else dict(
            zip(whose["workspace_id"], whose[name], strict=True))
        frame[name] = frame["workspace_id"].map(known).fillna("").astype("str")
    if "state" in whose:
        states = dict(zip(whose["workspace_id"], whose["state"].astype("str"), strict=True))
        waits = frame["workspace_id"].map(states).fillna("").map(waits_for)
        frame["reason"] += waits.where(frame["action"] == CHANGE, "")
    return frame.sort_values("workspace_id", ignore_index=True)


def _kind_of(reason: str) -> str:
    return next((kind for words, kind in _KINDS.items() if words in reason), "for other reasons")


def _not_compared(workspaces: pd.DataFrame | None, compared: set[str]) -> list[dict[str, Any]]:
    if workspaces is None:
        return []
    reasons = reasons_set_aside(workspaces)
    is_rest = (reasons != "") & ~workspaces["workspace_id"].isin(compared)
    return [
        left_alone({"workspace_id": name, "setting": "", "cold_starts_per_week": np.nan}, reason)
        for name, reason in zip(workspaces.loc[is_rest, "workspace_id"], reasons[is_rest],
                                strict=True)
    ]
