"""Run a backtest: a fleet and its time, in which one policy after another is played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.backtesting.decisions import Codes, SettingCodes, Texts, decided, started
from wsanalytics.backtesting.every import DAY, decides_on, next_decision
from wsanalytics.backtesting.idle_stops import worth_stopping
from wsanalytics.backtesting.policies.rule import BacktestData, Reference, Rule
from wsanalytics.backtesting.policies.seen import Allowed, Seen
from wsanalytics.billing import (
    DailyUse,
    HourRule,
    Tariff,
    billable,
    charges_of,
    check_owners,
    maintenance_starts,
    paid_after,
)
from wsanalytics.errors import InputError
from wsanalytics.history import configured
from wsanalytics.prices import PriceBook
from wsanalytics.rules import FleetRules, HouseRule, RuleBook
from wsanalytics.schedule import START, STOP, Schedule, check_commands
from wsanalytics.sessions import unobserved_by_day
from wsanalytics.settings import ALWAYS_ON, auto_stop
from wsanalytics.simulation import replay
from wsanalytics.tables import ORDERS, OUTCOMES, check_sessions
from wsanalytics.timeline import (
    MICROS_PER_DAY,
    MICROS_PER_MINUTE,
    Window,
    column_micros,
    from_micros,
    instants,
    months_of,
    to_micros,
)

_NEVER = np.iinfo(np.int64).max
DECISIONS = ("policy", "workspace_id", "at", "from_setting", "to_setting")


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What is known of the WorkSpaces of one day, and by what it is known again (``key``)."""

    key: tuple[bytes, int]
    ids: pd.Index
    fleet: pd.DataFrame
    rates: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class BacktestRun:
    """Everything that is the same for all policies.

    ``days`` begin with the history before ``window``, ``billed`` are those of it alone; ``created``
    and ``terminated`` are days of the former, by WorkSpace. ``first`` and ``final`` are the days of
    the window, by WorkSpace, on which it is decided about for the first and the last time, and
    ``new`` marks those that are created within the window. ``allowed`` are the settings that
    policies may choose, ``every`` says on which days they do, ``unseen`` marks the days of
    ``days`` (columns) on which nobody observed a WorkSpace (rows), if that is known, and ``rules``
    are those of the house; references, which know the future, are not bound by them.
    """

    sessions: pd.DataFrame
    commands: pd.DataFrame
    fleet: pd.DataFrame
    tariff: Tariff
    rates: pd.DataFrame
    window: Window
    rule: HourRule
    maintenance_hours: float
    present: Texts
    timeouts: tuple[int, ...]
    days: DailyUse
    billed: DailyUse
    created: Codes
    terminated: Codes
    first: Codes
    final: Codes
    new: npt.NDArray[np.bool_]
    allowed: Allowed
    every: str = DAY
    unseen: npt.NDArray[np.bool_] | None = None
    rules: FleetRules | None = None
    _kept: list[_Known] = field(default_factory=list)

    @classmethod
    def of(
        cls, sessions: pd.DataFrame, workspaces: pd.DataFrame, prices: PriceBook, window: Window,
        *, hour_rule: HourRule, maintenance_hours: float, present: pd.Series | None,
        timeouts: tuple[int, ...], commands: pd.DataFrame | None = None,
        gaps: pd.DataFrame | None = None, allowed: pd.DataFrame | None = None, every: str = DAY,
        observed_from: datetime | None = None, rules: RuleBook | None = None,
    ) -> BacktestRun:
        """Prepare the backtest of checked tables; raises as :func:`backtest` does.

        History begins with the first session; *observed_from* is when it began if there is none.
        """
        _refuse_parts_of_days(window)
        _refuse_timeouts(timeouts)
        sessions = check_sessions(sessions)
        check_owners(sessions, workspaces)
        fleet = workspaces[billable(workspaces)].sort_values("workspace_id", ignore_index=True)
        ids = pd.Index(fleet["workspace_id"].astype("str"), name="workspace_id")
        sessions = sessions[sessions["workspace_id"].isin(ids)].reset_index(drop=True)
        listed_settings = configured(workspaces).reindex(ids)
        present_settings = (
            listed_settings if present is None else present.reindex(ids).fillna(listed_settings)
        )
        begins = history_begins(sessions, window.start, observed_from)
        commands = check_commands(commands if commands is not None else pd.DataFrame(
            columns=list(ORDERS.names)))
        commands = commands[commands["workspace_id"].isin(ids)].reset_index(drop=True)
        days = DailyUse.of(sessions, ids, Window(begins, window.end), hour_rule, commands)
        start, end = window.micros
        count = (end - start) // MICROS_PER_DAY
        created = _day(fleet["created_at"], start, unknown=-1)
        last_day = _day(fleet["terminated_at"], start, unknown=count - 1)
        return cls(
            sessions, commands, fleet, Tariff.of(fleet, prices, months_of(window)),
            prices.rates(fleet).set_index(ids), window, hour_rule, maintenance_hours,
            present_settings.to_numpy(dtype=object), timeouts,
            days, days if begins == window.start else DailyUse.of(
                sessions, ids, window, hour_rule, commands),
            np.maximum(_day(fleet["created_at"], int(days.edges[0]), unknown=0), 0),
            np.maximum(_day(fleet["terminated_at"], int(days.edges[0]), unknown=_NEVER), 0),
            np.clip(created, 0, None), np.clip(last_day, -1, count - 1), created >= 0,
            Allowed.of(allowed, ids), every,
            unobserved_by_day(gaps, ids, days.edges) if gaps is not None and len(gaps) else None,
            rules.on(fleet, [ALWAYS_ON, *map(auto_stop, timeouts)]) if rules else None,
        )

    @property
    def count(self) -> int:
        """The number of days of the window."""
        start, end = self.window.micros
        return (end - start) // MICROS_PER_DAY

    def play(self, rule: Rule) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the outcomes and the decisions of one policy."""
        names = SettingCodes()
        more: list[pd.DataFrame] = []
        names.code_of(ALWAYS_ON)
        if isinstance(rule, Reference):
            texts, stops = rule.look_back(self._case())
            chosen = names.codes_of(texts.ravel()).reshape(-1, self.count)
            more = [] if stops is None else [stops.assign(order=STOP)]
        else:
            chosen, starts = self._decide(rule, names)
            more = [
                self._let(self._while_it_exists(start), lambda rule: rule.leave_alone).assign(
                    order=START) for start in starts if len(start)
            ]
        if rule.idle_stop_minutes is not None:
            more.append(self._let(self._stops(rule.idle_stop_minutes, names.minutes_of(chosen)),
                                  lambda rule: rule.never_stop or rule.leave_alone))
        opening, moved = self._moves(chosen)
        schedule = self._schedule(rule, names, opening, moved, chosen, more)
        played = replay(self.sessions, [schedule], window=self.window, commands=self.commands)
        charges = charges_of(played, self.fleet, self.tariff, self.rule, self.maintenance_hours)
        outcomes = charges.rename(columns={"setting": "policy"}).assign(policy=rule.name)
        changed = moved.copy()
        # On the first day a decision is a change against the setting that was found, not against a
        # day before.
        changed[:, 0] = ~self.new & (names.text_of(opening) != self.present)
        outcomes["switches"] = self._switches(changed).ravel()
        return outcomes[list(OUTCOMES.names)], self._decisions(rule, names, changed, chosen)

    def _case(self) -> BacktestData:
        months = months_of(self.window)
        maintained = self.maintenance_hours * maintenance_starts(
            self.fleet, months, self.window).astype(np.float64)
        return BacktestData(self.fleet, self.billed.with_visits(), self.window, months, self.tariff,
                    maintained, self.present, self.timeouts)

    def _decide(self, rule: Rule, names: SettingCodes) -> tuple[Codes, list[pd.DataFrame]]:
        """Ask the policy on each day; return its settings by WorkSpace and day, and its starts."""
        history = self.days.shape[1] - self.count
        now = names.codes_of(self.present)
        chosen = np.repeat(now[:, None], self.count, axis=1)
        # WorkSpaces x all days, history included: the timeout that held on each, 0 for ALWAYS_ON.
        # Policies may look only at the columns before today.
        minutes_by_day = np.repeat(names.minutes_of(now)[:, None], self.days.shape[1], axis=1)
        paid, starts = np.zeros(len(now), dtype=bool), []
        for day in range(self.count):
            at = self.window.start + timedelta(days=day)
            rows = np.flatnonzero((self.first <= day) & (day <= self.final))
            opens = day == 0 or at.day == 1
            decides = decides_on(at, self.every)
            if len(rows) and (decides or rule.starts_some):
                view = self.seen(at, rows, names.text_of(now[rows]), paid[rows] & (not opens),
                                 minutes_by_day, opens=opens)
                if decides:
                    now[rows] = decided(rule, names, view)
                starts.append(started(rule, view))
            # After the decision: from here on *now* is what holds on this day.
            is_on = names.minutes_of(now) == 0
            # A new WorkSpace opens its own month: it is prepaid exactly if it begins ALWAYS_ON.
            paid = np.where(self.new & (self.first == day), is_on,
                            paid_after(paid, is_on, opens=opens))
            chosen[:, day], minutes_by_day[:, history + day] = now, names.minutes_of(now)
        return chosen, starts

    def seen(
        self, at: datetime, rows: Codes, settings: Texts, paid: npt.NDArray[np.bool_],
        minutes_by_day: Codes, *, opens: bool,
    ) -> Seen:
        """Return what a policy sees at the midnight *at* of the WorkSpaces *rows*.

        *settings* (text) and *paid* are theirs, *minutes_by_day* those of the whole fleet.
        """
        day = (at - self.window.start) // timedelta(days=1)
        known = self._known_at(at, rows)
        ids = known.ids
        return Seen(
            now=at,
            workspaces=known.fleet.copy(deep=False),  # whatever a policy does with it
            settings=pd.Series(settings, index=ids, name="setting"),
            paid=pd.Series(paid, index=ids, name="paid"),
            rates=known.rates,
            timeouts=self.timeouts if self.rules is None else self.rules.timeouts,
            hour_rule=self.rule,
            opens_month=opens, next_at=next_decision(at, self.every),
            allowed=self.allowed.of_rows(rows),
            rules=None if self.rules is None else self.rules.of_rows(rows),
            is_new=self.new[rows] & (self.first[rows] == day),
            rows=rows, _billed=self.billed, _days=self.days, _minutes_by_day=minutes_by_day,
            _created=self.created, _terminated=self.terminated, _unseen=self.unseen,
        )

    def _known_at(self, at: datetime, rows: Codes) -> _Known:
        """Return what is known of the WorkSpaces *rows*: the day before's, where nothing changed.

        WorkSpaces come and go on few days, and all policies go through the same ones.
        """
        gone = int(np.count_nonzero(self.fleet["terminated_at"] < pd.Timestamp(at)))
        key = rows.tobytes(), gone
        if not self._kept or self._kept[0].key != key:
            whole = len(rows) == len(self.fleet)
            fleet = self.fleet if whole else self.fleet.iloc[rows].reset_index(drop=True)
            self._kept[:] = [_Known(
                key, self.days.ids[rows], _without_the_future(fleet, at),
                self.rates if whole else self.rates.iloc[rows])]
        return self._kept[0]

    def _moves(self, chosen: Codes) -> tuple[Codes, npt.NDArray[np.bool_]]:
        """Return the setting in which each WorkSpace begins, and the days on which it changes."""
        alive = self.first < self.count
        # Whoever exists on no day of the window has no first day; day 0 stands in and is never
        # billed.
        opening = chosen[np.arange(len(chosen)), np.where(alive, self.first, 0)]
        moved = np.zeros(chosen.shape, dtype=bool)
        moved[:, 1:] = chosen[:, 1:] != chosen[:, :-1]
        day = np.arange(chosen.shape[1])
        moved &= (day > self.first[:, None]) & (day <= self.final[:, None])
        return opening, moved

    def _schedule(
        self, rule: Rule, names: SettingCodes, opening: Codes, moved: npt.NDArray[np.bool_],
        chosen: Codes, more: list[pd.DataFrame],
    ) -> Schedule:
        row, day = np.nonzero(moved)
        commands = [pd.DataFrame({
            "workspace_id": self.days.ids[row],
            "at": instants(self.window.micros[0] + day * MICROS_PER_DAY),
            "order": names.text_of(chosen[row, day]),
        })]
        commands_of_all = pd.concat(
            [some for some in [*commands, *more] if len(some)] or commands[:1], ignore_index=True
        )
        return Schedule(pd.Series(names.text_of(opening), index=self.days.ids),
                        commands_of_all[list(ORDERS.names)], rule.name)

    def _while_it_exists(self, starts: pd.DataFrame) -> pd.DataFrame:
        """Return those of *starts* that find the WorkSpace created and not yet terminated."""
        row = self.days.ids.get_indexer(pd.Index(starts["workspace_id"]))
        at, has_end = column_micros(starts["at"]), self.fleet["terminated_at"].notna().to_numpy()
        early = at < column_micros(self.fleet["created_at"])[row]  # unknown is the least of all
        late = has_end[row] & (at >= column_micros(self.fleet["terminated_at"])[row])
        return starts[~early & ~late]

    def _let(
        self, commands: pd.DataFrame, unless: Callable[[HouseRule], bool]
    ) -> pd.DataFrame:
        """Return those of *commands* whose WorkSpace has no rule that stands against them."""
        if self.rules is None:
            return commands
        row = self.days.ids.get_indexer(pd.Index(commands["workspace_id"]))
        return commands[~self.rules.marked(unless)[row]]

    def _stops(self, minutes: float, minutes_by_day: Codes) -> pd.DataFrame:
        """Return a stop so long after each disconnect after which nobody came back in that time.

        Only where that saves an hour, by the timeout in force on that day (*minutes_by_day*).
        """
        days, wait = self.days, round(minutes * MICROS_PER_MINUTE)
        start, end = self.window.micros
        at = days.disconnects + wait
        next_connect = np.full(len(at), end)
        same = days.workspace[1:] == days.workspace[:-1]
        # Sessions are sorted by WorkSpace and time, so entry i + 1 is the next connect, unless it
        # is another's.
        next_connect[:-1] = np.where(same, days.connects[1:], end)
        is_stop = (at < next_connect) & (at >= start) & (at < end)
        day = np.clip((at - start) // MICROS_PER_DAY, 0, self.count - 1)
        timeout = minutes_by_day[days.workspace, day] * MICROS_PER_MINUTE
        # A WorkSpace that is ALWAYS_ON takes no stop; what is asked of it has no effect.
        is_stop &= worth_stopping(days.workspace, days.connects, at, days.disconnects + timeout,
                                  self.rule)
        return pd.DataFrame({"workspace_id": days.ids[days.workspace[is_stop]],
                             "at": instants(at[is_stop]), "order": STOP})

    def _switches(self, changed: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Count changes of setting by WorkSpace and month.

        A new WorkSpace's first setting is none.
        """
        months = months_of(self.window)
        midnights = self.window.micros[0] + np.arange(self.count) * MICROS_PER_DAY
        month = np.searchsorted(months.edges, midnights, side="right") - 1
        return np.stack([changed[:, month == n].sum(axis=1) for n in range(len(months.days))],
                        axis=1)

    def _decisions(
        self, rule: Rule, names: SettingCodes, changed: npt.NDArray[np.bool_], chosen: Codes
    ) -> pd.DataFrame:
        row, day = np.nonzero(changed)
        before = names.text_of(chosen[row, np.maximum(day - 1, 0)])
        frame = pd.DataFrame({
            "policy": rule.name,
            "workspace_id": self.days.ids[row],
            "at": instants(self.window.micros[0] + day * MICROS_PER_DAY),
            "from_setting": np.where(day == 0, self.present[row], before),
            "to_setting": names.text_of(chosen[row, day]),
        })
        return frame[list(DECISIONS)]


def _without_the_future(fleet: pd.DataFrame, at: datetime) -> pd.DataFrame:
    """Return the WorkSpaces as known at the midnight *at*: nobody is terminated yet."""
    if fleet["terminated_at"].isna().all():
        return fleet
    later = fleet["terminated_at"] >= pd.Timestamp(at)
    return fleet.assign(terminated_at=fleet["terminated_at"].mask(later),
                        state=fleet["state"].mask(later, "AVAILABLE"))


def _day(column: pd.Series, start: int, *, unknown: int) -> Codes:
    """Return the day of the window, from 0 on, that each instant lies in; *unknown* for none."""
    days = (column_micros(column) - start) // MICROS_PER_DAY
    return np.where(column.notna().to_numpy(), days, unknown).astype(np.int64)


def history_begins(
    sessions: pd.DataFrame, until: datetime, observed_from: datetime | None = None
) -> datetime:
    """Return the midnight before the first session, if that is before *until* (a midnight).

    *observed_from* is when history began where there is no session at all.
    """
    first = observed_from if sessions.empty else sessions["connected_at"].min()
    if first is None or first >= until:
        return until
    return from_micros(to_micros(first) // MICROS_PER_DAY * MICROS_PER_DAY)


def _refuse_parts_of_days(window: Window) -> None:
    if any(edge % MICROS_PER_DAY for edge in window.micros):
        raise InputError(f"the window is {window}", where="the window",
                         rule="a backtest is of whole UTC days", fix="use Window.of_days")


def _refuse_timeouts(timeouts: tuple[int, ...]) -> None:
    if not timeouts:
        raise InputError("there is no timeout", where="the timeouts",
                         rule="policies may choose between one timeout and many",
                         fix="give for example 60 and 120")
    for minutes in timeouts:
        auto_stop(minutes)

