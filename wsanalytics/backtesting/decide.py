"""What a policy decides today: the same code, and the same view of the past, as in a backtest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.backtesting.arena import BacktestRun, history_begins
from wsanalytics.backtesting.backtest import rule_of
from wsanalytics.backtesting.decisions import Codes, SettingCodes, Texts, checked, decided
from wsanalytics.backtesting.policies.rule import Choice, Reference, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.billing import HourRule
from wsanalytics.defaults import COMMON_TIMEOUTS
from wsanalytics.errors import InputError
from wsanalytics.prices import PriceBook
from wsanalytics.rules import RuleBook
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    Window,
    column_micros,
    from_micros,
    to_micros,
)


@dataclass(frozen=True, eq=False)
class Decision:
    """What a policy decides at the midnight ``at`` for each WorkSpace that is billed then.

    ``settings`` has by ``workspace_id`` the setting ``from_now`` on, and the one
    ``from_next_month`` on: what it would decide on the next 1st, as far as that can be said today.
    On a 1st both are the same.
    """

    policy: str
    at: datetime
    settings: pd.DataFrame

    @property
    def wanted(self) -> list[str]:
        """The distinct settings that it decides."""
        return sorted({*self.settings["from_now"], *self.settings["from_next_month"]})


def decide(
    policy: str | Rule | Callable[[Seen], Choice],
    sessions: pd.DataFrame,
    *,
    workspaces: pd.DataFrame,
    prices: PriceBook,
    at: datetime,
    observed_from: datetime | None = None,
    present: pd.Series | None = None,
    settings: pd.DataFrame | None = None,
    timeouts: Iterable[int] = COMMON_TIMEOUTS,
    allowed: pd.DataFrame | None = None,
    rules: RuleBook | None = None,
    hour_rule: HourRule | str = HourRule.CLOCK_HOUR,
    maintenance_hours: float = 1,
    commands: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
) -> Decision:
    """Return what *policy* decides at the last midnight up to *at*, from the past alone.

    It is shown what a backtest would show it on that day, by the same code: the *sessions* up to
    then (a ``sessions`` table; later ones are cut off), the fleet, its rates, and what each
    WorkSpace is set to. *present* gives the settings that hold as it decides, by ``workspace_id``
    (default: as *workspaces* lists them); with *settings*, a ``settings`` table, it is also known
    what each was set to before, and so which months are prepaid. Without it each is taken to have
    been set as it is now all along: the month of those that are ALWAYS_ON is prepaid. *allowed* has
    a row a WorkSpace and a column a setting, true where that may be chosen (default: all); what
    must not be chosen is left as it is. *rules* of the house bind the policy beside that: a
    setting that breaks one becomes what the rule demands. *observed_from* is since when the fleet
    was observed, which the sessions do not say where there are none. The rest is as in
    :func:`backtest`.

    Raises :class:`InputError` as :func:`backtest` does, and for a policy that knows the future.
    """
    rule = rule_of(policy)
    if isinstance(rule, Reference):
        raise InputError(f"{rule.name} knows the future", where="the policy",
                         rule="a plan is what a policy decides from the past alone",
                         fix="use for example forecast; references are for backtests")
    midnight = from_micros(to_micros(at) // MICROS_PER_DAY * MICROS_PER_DAY)
    past = sessions[sessions["connected_at"] < pd.Timestamp(midnight)]
    # A window of the month so far and one day more, as hours billed this month are a policy's
    # business; it is asked on that last day alone.
    begins = max(midnight.replace(day=1), history_begins(past, midnight, observed_from))
    arena = BacktestRun.of(
        past, workspaces, prices, Window(begins, midnight + timedelta(days=1)),
        hour_rule=HourRule.parse(hour_rule), maintenance_hours=maintenance_hours, present=present,
        timeouts=tuple(sorted(set(timeouts))), commands=_before(commands, midnight), gaps=gaps,
        allowed=allowed, observed_from=observed_from, rules=rules)
    return Decision(rule.name, midnight, _asked(rule, arena, midnight, settings))


def _before(commands: pd.DataFrame | None, midnight: datetime) -> pd.DataFrame | None:
    return None if commands is None else commands[commands["at"] < pd.Timestamp(midnight)]


def _asked(
    rule: Rule, arena: BacktestRun, midnight: datetime, settings: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the decisions of *rule*: ``from_now`` and ``from_next_month``, by ``workspace_id``."""
    names = SettingCodes()
    names.code_of(ALWAYS_ON)
    day = arena.count - 1
    rows = np.flatnonzero((arena.first <= day) & (day <= arena.final))
    if not len(rows):
        return pd.DataFrame({"from_now": [], "from_next_month": []}, dtype="str")
    minutes_by_day, paid = _as_it_was_set(arena, names, settings, midnight)
    view = arena.seen(midnight, rows, arena.present[rows], paid[rows], minutes_by_day,
                      opens=midnight.day == 1)
    now = names.text_of(decided(rule, names, view))
    later: object = None if view.opens_month else rule.foresee(view)
    following = now if later is None else names.text_of(checked(later, rule, names, view))
    return pd.DataFrame({"from_now": now, "from_next_month": following}, index=view.ids,
                        dtype="str")


def _as_it_was_set(
    arena: BacktestRun, names: SettingCodes, settings: pd.DataFrame | None, midnight: datetime
) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Return the timeout in force on each day (0: ALWAYS_ON), and whose month is prepaid."""
    present: Texts = arena.present
    minutes = names.minutes_of(names.codes_of(present))
    by_day = np.repeat(minutes[:, None], arena.days.shape[1], axis=1)
    opens = midnight.day == 1
    if settings is None or settings.empty:
        return by_day, (minutes == 0) & (not opens)
    midnights = arena.days.edges[:-1]
    known = settings[settings["since"] < pd.Timestamp(midnight)].sort_values(
        ["workspace_id", "since"])
    row = arena.days.ids.get_indexer(pd.Index(known["workspace_id"]))
    known, row = known[row >= 0], row[row >= 0]
    codes = names.minutes_of(names.codes_of(known["setting"].to_numpy(dtype=object)))
    # Row by row of the settings: from its midnight on it holds, until the next one overwrites it.
    # The first one of a WorkSpace holds before it as well.
    first = np.append(True, row[1:] != row[:-1])[: len(row)]
    since = np.searchsorted(midnights, column_micros(known["since"]), side="left")
    for number, begin, minutes_then in zip(row, np.where(first, 0, since), codes, strict=True):
        by_day[number, begin:] = minutes_then
    this_month = midnights >= to_micros(midnight.replace(day=1))
    this_month &= midnights < to_micros(midnight)
    paid = (by_day[:, this_month] == 0).any(axis=1) if this_month.any() else minutes == 0
    return by_day, np.asarray(paid & (not opens), dtype=np.bool_)
