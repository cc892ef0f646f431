"""Answer what-if questions: replay a fleet once, then price it again and again.

    question = ws.what_if(history)
    question.answer(timeouts=[60, 120], max_cold_starts_per_week=2, discount=0.1)

Each answer takes some milliseconds, and its figures are those of ``ws.bill`` and ``ws.frontier``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np
import pandas as pd

from wsanalytics.billing import HourRule
from wsanalytics.defaults import WAIT_MINUTES
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted
from wsanalytics.history import History, configured
from wsanalytics.prices import PriceBook, load_prices
from wsanalytics.recommendations import Analysis
from wsanalytics.sessions import found_in
from wsanalytics.settings import ALWAYS_ON, Setting, auto_stop, setting_grid
from wsanalytics.simulation import Replay, replay
from wsanalytics.timeline import Window
from wsanalytics.tradeoffs.answer import Answer, WhatIfRequest, answer_of
from wsanalytics.tradeoffs.metered import AS_CHARGED, MeteredFleet, from_charges, from_replay

TIMEOUTS = (60, 120, 180, 240, 360, 480, 720)
"""The timeouts, in minutes, that are replayed where the user names no others."""


@dataclass(frozen=True, eq=False)
class WhatIf:
    """A fleet that was replayed and metered once, ready to be asked.

    ``timeouts`` (minutes), ``hour_rules`` and ``prices`` (names) are what can be asked for, the
    first of each rule and price taken where none is named; ``always_on`` is whether ALWAYS_ON
    can. ``made_by`` is the line of Python that makes it.
    """

    ground: MeteredFleet
    timeouts: tuple[int, ...]
    wait_minutes: float
    made_by: str

    @property
    def hour_rules(self) -> tuple[str, ...]:
        """The hour rules that can be asked for."""
        return self.ground.hour_rules

    @property
    def prices(self) -> tuple[str, ...]:
        """The names of the prices that can be asked for."""
        return tuple(self.ground.labels)

    @property
    def always_on(self) -> bool:
        """Whether ALWAYS_ON is among the settings that were replayed."""
        return ALWAYS_ON in self.ground.settings

    def answer(
        self,
        *,
        timeouts: Iterable[int] | None = None,
        always_on: bool = True,
        hour_rule: str | None = None,
        prices: str | None = None,
        discount: float = 0.0,
        max_cold_starts_per_week: float | None = None,
        value_of_waiting_minute_usd: float = 0.0,
        min_saving_usd: float = 0.0,
    ) -> Answer:
        """Return the fleet's cost with these options, each WorkSpace in the one that suits it.

        *timeouts* (minutes; default: all that were replayed) and, if *always_on*, ALWAYS_ON are
        offered to every WorkSpace beside its present setting. *hour_rule* and *prices* are names
        (default: the first); *discount* is a share taken off all prices, 0.12 for 12 %.
        *max_cold_starts_per_week* is the most that any user shall have,
        *value_of_waiting_minute_usd* what a minute of waiting counts for, *min_saving_usd* the
        least saving a month, waiting counted, for which a WorkSpace is changed at all.

        Raises :class:`InputError` for what was not replayed or priced and for numbers out of
        range.
        """
        minutes = self.timeouts if timeouts is None else self.replayed(timeouts)
        _number("discount", discount, below=1)
        for name, value in (("value_of_waiting_minute_usd", value_of_waiting_minute_usd),
                            ("min_saving_usd", min_saving_usd)):
            _number(name, value)
        if max_cold_starts_per_week is not None:
            _number("max_cold_starts_per_week", max_cold_starts_per_week)
        if min_saving_usd and self.ground.present is None:
            raise InputError("a least saving needs something to save against",
                             where="min_saving_usd", fix="pass baseline to what_if")
        request = WhatIfRequest(
            settings=setting_grid(
                auto_stop_minutes=minutes, always_on=always_on and self.always_on
            ),
            hour_rule=_one_of(self.hour_rules, hour_rule, "hour_rule"),
            prices=_one_of(self.prices, prices, "prices"),
            discount=discount,
            max_cold_starts_per_week=max_cold_starts_per_week,
            value_of_waiting_minute_usd=value_of_waiting_minute_usd,
            min_saving_usd=min_saving_usd,
            wait_minutes=self.wait_minutes,
        )
        return answer_of(self.ground, request, self._code(request, always_on))

    def replayed(self, timeouts: Iterable[int]) -> tuple[int, ...]:
        """Return the *timeouts* in order; :class:`InputError` for one that was not replayed."""
        in_order = _timeouts(timeouts)
        for minutes in in_order:
            if auto_stop(minutes) not in self.ground.settings:
                raise InputError(f"AUTO_STOP:{minutes} was not replayed", where="timeouts",
                                 fix=f"add {minutes} to timeouts")
        return in_order

    def _code(self, question: WhatIfRequest, always_on: bool) -> str:
        """Write three lines of Python, the last with those arguments that are not the default."""
        timeouts = tuple(setting.auto_stop_minutes for setting in question.settings
                      if setting.auto_stop_minutes)
        usual: dict[str, object] = {
            "timeouts": self.timeouts, "always_on": True, "hour_rule": self.hour_rules[0],
            "prices": self.prices[0], "discount": 0.0, "max_cold_starts_per_week": None,
            "value_of_waiting_minute_usd": 0.0, "min_saving_usd": 0.0}
        arguments = {name: getattr(question, name, None) for name in usual} | {
            "timeouts": timeouts, "always_on": always_on}
        written = [f"{name}={_literal(value)}" for name, value in arguments.items()
                if value != usual[name]]
        return "\n".join(["import wsanalytics as ws", f"question = {self.made_by}",
                          f"answer = question.answer({', '.join(written)})"])

    def __repr__(self) -> str:
        return (f"<WhatIf {counted(len(self.ground.ids), 'WorkSpace')}, "
                f"{counted(len(self.ground.settings), 'setting')}, "
                f"{counted(len(self.hour_rules), 'hour rule')}, {self.ground.window}>")


def what_if(
    of: History | Analysis | pd.DataFrame,
    *,
    workspaces: pd.DataFrame | None = None,
    window: Window | None = None,
    prices: PriceBook | Mapping[str, PriceBook] | None = None,
    baseline: pd.Series | None = None,
    timeouts: Iterable[int] | None = None,
    hour_rules: Iterable[str] | None = None,
    wait_minutes: float = WAIT_MINUTES,
) -> WhatIf:
    """Replay and meter a fleet once, so that what-if questions are answered at once.

    *of* is a :class:`History`, whose sessions are found and replayed under ALWAYS_ON, the
    *timeouts* (minutes, default ``TIMEOUTS``) and each present setting; an :class:`Analysis`,
    whose replay is taken unless other *timeouts* or a shorter *window* are asked for; or a
    ``charges`` frame of ``ws.bill``, of which only that can be asked which was charged.
    Hours are counted by each of *hour_rules* (default: all). *prices* is one price book or
    several by name (default: the prices in force, or the analysis's). *baseline* is each
    WorkSpace's present setting by ``workspace_id`` (default: as configured; of charges it is
    unknown). *wait_minutes* is how long a cold start takes.

    With charges, *workspaces* have users and lifetimes and *window* is what was charged for;
    without them everybody lived through whole months. Raises :class:`InputError` for whatever does
    not fit together.
    """
    _number("wait_minutes", wait_minutes, above_zero=True)
    by_name = {"workspaces": workspaces, "window": window, "prices": prices, "baseline": baseline}
    named = [f"{name}={name}" for name, value in by_name.items() if value is not None]
    minutes = None if timeouts is None else _timeouts(timeouts)
    rules = None if hour_rules is None else tuple(HourRule.parse(name) for name in hour_rules)
    if rules == () or (isinstance(prices, Mapping) and not prices):
        raise InputError("there are no hour rules or no prices", where="what_if",
                         fix="name one of each, or leave them out")
    made_by = _made_by(of, named, minutes, rules, wait_minutes)
    if isinstance(of, pd.DataFrame):
        if prices is not None or len(rules or ()) > 1:
            raise InputError("charges have their prices and their one hour rule", where="what_if",
                             fix="pass a history or an analysis to choose among several")
        rule = str(rules[0]) if rules else AS_CHARGED
        metered = from_charges(of, workspaces, window, rule, baseline)
        usual = tuple(
            setting.auto_stop_minutes for setting in metered.settings if setting.auto_stop_minutes
        )
    elif isinstance(of, History | Analysis):
        metered = _replayed(of, workspaces, window, _books(of, prices), baseline, minutes,
                           rules or tuple(HourRule))
        usual = TIMEOUTS if isinstance(of, History) else _candidates(of)
    else:
        raise InputError(f"{type(of).__name__} cannot be asked", where="what_if",
                         rule="of is a History, an Analysis or a frame of charges",
                         fix="pass for example ws.sample_history()")
    result = WhatIf(metered, usual, wait_minutes, made_by)
    return result if minutes is None else replace(result, timeouts=result.replayed(minutes))


def _replayed(
    of: History | Analysis, workspaces: pd.DataFrame | None, window: Window | None,
    prices: Mapping[str, PriceBook], baseline: pd.Series | None, timeouts: tuple[int, ...] | None,
    rules: tuple[HourRule, ...],
) -> MeteredFleet:
    """Meter a history or an analysis, replayed where that has not been done."""
    fleet = of.workspaces if workspaces is None else workspaces
    usual = of.configured if isinstance(of, History) else configured(of.workspaces)
    present = usual if baseline is None else baseline
    gaps: pd.DataFrame | None
    if isinstance(of, History):
        found, hours_a_month = found_in(of), 1.0
        gaps = found.gaps
        settings = _settings(TIMEOUTS if timeouts is None else timeouts, present)
        played = replay(found.sessions, settings, window=window or of.window,
                        commands=found.commands)
    else:
        hours_a_month, gaps = of.limits.maintenance_hours, of.gaps
        played = _again(of, window, timeouts, present)
    return from_replay(played, fleet, prices, rules, hours_a_month, present, gaps)


def _again(
    of: Analysis, window: Window | None, timeouts: tuple[int, ...] | None, present: pd.Series
) -> Replay:
    """Return the replay of an analysis, or another one of its sessions where that is not enough."""
    if window is not None and not of.window.start <= window.start < window.end <= of.window.end:
        raise InputError(f"the window {window} is not within the analysis's", where="what_if",
                         rule=f"its sessions are those of {of.window}",
                         fix="analyse the longer window, or pass a history")
    settings = _settings(_candidates(of) if timeouts is None else timeouts, present)
    replayed = {setting for setting in of.replay.settings if isinstance(setting, Setting)}
    if (window in (None, of.window)) and (timeouts is None or replayed >= {*settings}):
        return of.replay
    return replay(of.replay.sessions, settings, window=window or of.window,
                  commands=of.replay.commands)


def _settings(timeouts: tuple[int, ...], present: pd.Series) -> tuple[Setting, ...]:
    return setting_grid(auto_stop_minutes=timeouts, include=present.dropna().unique())


def _candidates(of: Analysis) -> tuple[int, ...]:
    return tuple(setting.auto_stop_minutes for setting in setting_grid(
        auto_stop_minutes=(), always_on=False, include=of.limits.candidates)
        if setting.auto_stop_minutes)


def _books(
    of: History | Analysis, prices: PriceBook | Mapping[str, PriceBook] | None
) -> dict[str, PriceBook]:
    """Return the price books by name; one alone is called by its origin."""
    if isinstance(prices, Mapping):
        return dict(prices)
    usual = of.prices if isinstance(of, Analysis) else None
    book = prices or usual or load_prices()
    return {book.origin: book}


def _made_by(
    of: object, named: list[str], timeouts: tuple[int, ...] | None,
    rules: tuple[HourRule, ...] | None, wait_minutes: float,
) -> str:
    """Write the line of Python that calls :func:`what_if` so."""
    name = {History: "history", Analysis: "analysis"}.get(type(of), "charges")
    literal: dict[str, object] = {}
    if timeouts is not None:
        literal["timeouts"] = timeouts
    if rules is not None:
        literal["hour_rules"] = tuple(map(str, rules))
    if wait_minutes != WAIT_MINUTES:
        literal["wait_minutes"] = wait_minutes
    more = [f"{key}={_literal(value)}" for key, value in literal.items()]
    return f"ws.what_if({', '.join([name, *named, *more])})"


def _literal(value: object) -> str:
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


def _timeouts(timeouts: Iterable[object]) -> tuple[int, ...]:
    """Return the *timeouts*, each once, from the shortest on."""
    minutes_of = []
    for minutes in timeouts:
        if isinstance(minutes, bool) or not isinstance(minutes, int | np.integer):
            raise InputError(f"a timeout is {minutes!r}", where="timeouts",
                             rule="timeouts are whole minutes", fix="use for example [60, 120]")
        minutes_of.append(auto_stop(int(minutes)).auto_stop_minutes or 0)
    return tuple(sorted(set(minutes_of)))


def _one_of(offered: tuple[str, ...], wanted: str | None, name: str) -> str:
    """Return *wanted*, which is one of *offered*; the first of them for None."""
    if wanted is None:
        return offered[0]
    if wanted not in offered:
        raise InputError(f"there is no {str(wanted)!r}", where=name,
                         rule=f"there is {', '.join(offered)}",
                         fix="use one of these, or hand it to what_if")
    return str(wanted)


def _number(
    name: str, value: object, *, below: float | None = None, above_zero: bool = False
) -> None:
    """Raise :class:`InputError` unless *value* is a number from 0 on, or over 0, and *below*."""
    amount = nan
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        amount = float(value)
    fits = isfinite(amount) and (amount > 0 if above_zero else amount >= 0)
    if not fits or (below is not None and amount >= below):
        end = " on" if below is None else f" to less than {below:g}"
        raise InputError(f"{name} is {value}", where="what_if", rule="it is a number "
                         f"{'over 0' if above_zero else f'from 0{end}'}", fix="correct it")
