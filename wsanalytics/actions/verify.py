"""What changes have saved so far, against what was promised: ``verify``.

Nobody knows what would have been. But what users really did since a change is known, so it is
replayed under the setting that was and under the one that is, and both are billed by the same
rules, conversions and free hours included. The difference is what the change has saved. What was
set earlier in the change's month is the same for both, as the store knows it: hours that a flat
fee had paid for already are nobody's saving.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.actions.journal import read_journal
from wsanalytics.actions.ledger import ALREADY, DONE, ChangeAttempt, NetChange, journal_state
from wsanalytics.billing import HourRule, bill
from wsanalytics.errors import InputError, NotBilledWarning
from wsanalytics.history import Store
from wsanalytics.prices import PriceBook, load_prices
from wsanalytics.schedule import Schedule, schedule_of
from wsanalytics.sessions import find_stored, is_unjudgeable, unobserved_days
from wsanalytics.settings import RunningMode
from wsanalytics.simulation import replay
from wsanalytics.tables import SETTINGS, VERIFIED
from wsanalytics.timeline import INSTANT_DTYPE, Window, months_later, months_of

OLD, NEW = "as it was", "as it is"
_CENT = 0.005
_CLOCKS_APART = timedelta(minutes=5)
"""How far the journal's clock may be from AWS's, which turns away calls that are further off."""


@dataclass(frozen=True, slots=True)
class _Made:
    """One change that is in force: when it was begun, from when it pays, until when it counts."""

    standing: NetChange
    began: datetime
    pays_from: datetime
    until: datetime

    @property
    def name(self) -> str:
        return self.standing.latest.workspace_id

    @property
    def months(self) -> float:
        """How many months the promise runs, by the days of each."""
        if self.until <= self.pays_from:
            return 0.0
        months = months_of(Window(self.pays_from, self.until))
        return float(months.covered.sum())


def verify(
    journal: Path | str,
    store: Store | Path | str,
    *,
    min_days: float = 7,
    hour_rule: HourRule | str | None = None,
    prices: Path | str | None = None,
    discount: float | None = None,
) -> pd.DataFrame:
    """A ``verified`` table: what each change that *journal* tells of has saved, by *store*.

    Changes that were taken back, or never came to their end, are left out; those younger than
    *min_days* at the end of what the store covers are *too early*. A change from ALWAYS_ON to
    AUTO_STOP pays from the next 1st. What was promised a month counts for as long; it is held
    against what users really did until then, or until somebody changed the setting again.
    *hour_rule* and *discount* default to what the plan was made with, *prices* to those in force.
    Raises :class:`InputError` for a file that is no journal and a store that knows none of the
    WorkSpaces.
    """
    store = Store.of(store)
    ledger = journal_state(read_journal(journal))
    done = [net_change for net_change in ledger.net_changes.values()
            if net_change.is_sure and net_change.latest.kind == "apply"]
    if not done:
        return _frame([])
    inventory, end = store.inventory(), store.covered().end
    known = set(inventory["workspace_id"])
    if not any(one.latest.workspace_id in known for one in done):
        raise InputError(
            "it knows none of the WorkSpaces that the journal tells of", where=str(store.folder),
            rule="a change is verified by what its user did since",
            fix="name the store of that account and region")
    settings = store.settings()
    changed = _changed_again(done, settings)
    made = [_Made(one, _began(one, ledger.attempts), _pays_from(one),
                  min(end, changed.get(one.latest.workspace_id, end)))
            for one in done if one.latest.workspace_id in known]
    rows = []
    for (first, until, _), group in _alike(made).items():
        early = [one for one in group
                 if until - one.standing.since < timedelta(days=min_days)]
        rows += [_row(one, {}, "too early") for one in early]
        ripe = [one for one in group if one not in early]
        if ripe:
            rows += _judged(ripe, Window(first, until), store, inventory, settings,
                            _prices(ripe[0].standing, prices, discount),
                            _rule(ripe[0].standing, hour_rule))
    return _frame(rows)


def _pays_from(one: NetChange) -> datetime:
    """To AUTO_STOP, hours are billed from the next 1st (``switching``); all else at once."""
    is_mode = one.latest.before.running_mode is not one.current.running_mode
    if not is_mode or one.current.running_mode is RunningMode.ALWAYS_ON:
        return one.since
    return months_later(one.since, 1)


def _began(one: NetChange, attempts: list[ChangeAttempt]) -> datetime:
    """When its first call was made, which may be that of a run which did not come to its end."""
    began, latest = one.since, one.latest
    mine = [attempt for attempt in attempts if attempt.workspace_id == latest.workspace_id]
    for attempt in reversed(mine[: mine.index(latest) + 1]):
        if attempt is not latest and (
            attempt.kind != latest.kind or attempt.outcome in {DONE, ALREADY}
        ):
            break
        if attempt.touched:
            began = min(began, attempt.calls[0].at)
    return began


def _changed_again(done: Iterable[NetChange], settings: pd.DataFrame) -> dict[str, datetime]:
    """The day on which somebody gave a WorkSpace another setting, as the store saw it."""
    found = {}
    rows = settings.groupby("workspace_id", observed=True)
    for one in done:
        name = one.latest.workspace_id
        if name not in rows.groups:
            continue
        own = rows.get_group(name)
        later = own[own["since"] > one.since + timedelta(minutes=30)]
        other = later[later["setting"] != str(one.current)]
        if len(other):
            at = other["since"].iloc[0].to_pydatetime()
            found[name] = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return found


_Alike = tuple[datetime, datetime, tuple[object, ...]]


def _alike(made: list[_Made]) -> dict[_Alike, list[_Made]]:
    """The changes by the window they are replayed in, from their month's 1st, and their terms."""
    groups: dict[_Alike, list[_Made]] = {}
    for one in made:
        first = one.standing.since.astimezone(UTC).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0)
        plan = one.standing.latest.run_begin.get("plan", {})
        options = tuple(plan.get(name) for name in ("hour_rule", "discount", "maintenance_hours"))
        until = max(one.until, first + timedelta(days=1))
        groups.setdefault((first, until, options), []).append(one)
    return groups


def _judged(
    group: list[_Made], window: Window, store: Store, inventory: pd.DataFrame,
    settings: pd.DataFrame, book: PriceBook, rule: HourRule,
) -> list[dict[str, Any]]:
    """The changes of one window, replayed under both settings and billed."""
    names = [one.name for one in group]
    fleet = inventory[inventory["workspace_id"].isin(names)].reset_index(drop=True)
    found = find_stored(store, fleet, window)
    both = replay(found.sessions, _both_ways(group, settings, window), window=window,
                  commands=found.commands)
    hours = group[0].standing.latest.run_begin.get("plan", {}).get("maintenance_hours", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotBilledWarning)
        charges = bill(both, fleet, book, hour_rule=rule, maintenance_hours=hours)
    sums = charges.pivot_table(
        index="workspace_id", columns="setting", values=["total_usd", "cold_starts"],
        aggfunc=lambda values: values.sum(min_count=1), observed=True)
    priced = set(charges.loc[charges["total_usd"].notna(), "workspace_id"])
    names = pd.Index(found.gaps["workspace_id"].unique())
    unobserved = dict(zip(names, unobserved_days(found.gaps, names), strict=True))
    rows = []
    for one in group:
        if one.months == 0:
            rows.append(_row(one, {}, "too early"))
            continue
        days = (one.until - one.standing.since).total_seconds() / 86400
        if one.name not in priced:
            rows.append(_row(one, {}, "no price"))
            continue
        cell = sums.loc[one.name]
        values = {"realised_usd": cell["total_usd", OLD] - cell["total_usd", NEW],
                  "extra_cold_starts": cell["cold_starts", NEW] - cell["cold_starts", OLD]}
        is_silent = is_unjudgeable(days, unobserved.get(one.name, 0.0))
        rows.append(_row(one, values, "unobserved" if is_silent else ""))
    return rows


def _both_ways(
    group: list[_Made], settings: pd.DataFrame, window: Window
) -> tuple[Schedule, Schedule]:
    """What held in *window* without the changes, and with them.

    What held before a change is what the store knows of it, and at last the setting that the
    journal found: where the store knows nothing, that held from the window's start.
    """
    ended = {one.name: pd.Timestamp(one.began - _CLOCKS_APART) for one in group}
    known = settings[settings["since"] < settings["workspace_id"].map(ended)]
    found = pd.DataFrame({
        "workspace_id": [one.name for one in group],
        "setting": [str(one.standing.latest.before) for one in group],
        "since": pd.Series([ended[one.name] for one in group], dtype=INSTANT_DTYPE)})
    was = schedule_of(pd.concat([known[list(SETTINGS.names)], found], ignore_index=True), window)
    made = pd.DataFrame({
        "workspace_id": [one.name for one in group],
        "at": pd.Series([one.standing.since for one in group], dtype=INSTANT_DTYPE),
        "order": [str(one.standing.current) for one in group]})
    commands = pd.concat([was.commands, made], ignore_index=True)
    return Schedule(was.opening, was.commands, OLD), Schedule(was.opening, commands, NEW)


def _row(one: _Made, values: dict[str, Any], verdict: str) -> dict[str, Any]:
    attempt, promise = one.standing.latest, one.standing.latest.promise
    promised = {f"promised{part}_usd": _scaled(promise.get(f"saving{name}"), one.months)
                for part, name in (("", "_usd_per_month"), ("_low", "_low_usd"),
                                   ("_high", "_high_usd"))}
    row: dict[str, Any] = {
        "workspace_id": one.name, "user_name": attempt.user_name,
        "from_setting": str(one.standing.latest.before), "to_setting": str(one.standing.current),
        "changed_at": one.standing.since, "until_at": one.until,
        "days": max(0.0, (one.until - one.pays_from).total_seconds() / 86400),
        "realised_usd": np.nan, "extra_cold_starts": np.nan,
    } | (promised if verdict != "too early" else dict.fromkeys(promised, np.nan)) | values
    return row | {"verdict": verdict or _verdict(row)}


def _scaled(amount: float | None, months: float) -> float:
    return np.nan if amount is None else amount * months


def _verdict(row: dict[str, Any]) -> str:
    saved = row["realised_usd"]
    if saved < -_CENT:
        return "wrong"
    low = row["promised_low_usd"] if not np.isnan(row["promised_low_usd"]) else row["promised_usd"]
    high = row["promised_high_usd"] if not np.isnan(row["promised_high_usd"]) else (
        row["promised_usd"])
    if saved < low - _CENT:
        return "less"
    return "better" if saved > high + _CENT else "as promised"


def _rule(one: NetChange, hour_rule: HourRule | str | None) -> HourRule:
    told = one.latest.run_begin.get("plan", {}).get("hour_rule", HourRule.CLOCK_HOUR)
    return HourRule.parse(hour_rule or told)


def _prices(one: NetChange, path: Path | str | None, discount: float | None) -> PriceBook:
    told = one.latest.run_begin.get("plan", {}).get("discount", 0.0)
    return load_prices(path=path).discounted(told if discount is None else discount)


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(VERIFIED.names))
    frame = frame.astype({column.name: column.dtype for column in VERIFIED.columns})
    return frame.sort_values("workspace_id", ignore_index=True)


