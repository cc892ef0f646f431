"""Compare what changes have saved so far with what was expected: ``verify``.

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
"""The most that the journal's clock may be off AWS's, which refuses calls that are further off."""


@dataclass(frozen=True, slots=True)
class _Made:
    """One change in effect: when it was started, from when it pays, until when it counts."""

    net_change: NetChange
    began: datetime
    pays_from: datetime
    until: datetime

    @property
    def name(self) -> str:
        return self.net_change.latest.workspace_id

    @property
    def months(self) -> float:
        """Return the months for which the saving was expected, by the days of each."""
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
    """Return a ``verified`` table: what each change in *journal* has saved, by *store*.

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
    net_changes = [net_change for net_change in ledger.net_changes.values()
            if net_change.is_sure and net_change.latest.kind == "apply"]
    if not net_changes:
        return _frame([])
    inventory, end = store.inventory(), store.covered().end
    in_store = set(inventory["workspace_id"])
    if not any(change.latest.workspace_id in in_store for change in net_changes):
        raise InputError(
            "it knows none of the WorkSpaces that the journal tells of", where=str(store.folder),
            rule="a change is verified by what its user did since",
            fix="name the store of that account and region")
    settings = store.settings()
    changed = _changed_again(net_changes, settings)
    made = [_Made(change, _began(change, ledger.attempts), _pays_from(change),
                  min(end, changed.get(change.latest.workspace_id, end)))
            for change in net_changes if change.latest.workspace_id in in_store]
    rows = []
    for (first, until, _), group in _alike(made).items():
        too_young = [change for change in group
                 if until - change.net_change.since < timedelta(days=min_days)]
        rows += [_row(change, {}, "too early") for change in too_young]
        old_enough = [change for change in group if change not in too_young]
        if old_enough:
            rows += _judged(old_enough, Window(first, until), store, inventory, settings,
                            _prices(old_enough[0].net_change, prices, discount),
                            _rule(old_enough[0].net_change, hour_rule))
    return _frame(rows)


def _pays_from(net_change: NetChange) -> datetime:
    """Return when it begins to pay: to AUTO_STOP from the next 1st, all else at once."""
    is_mode = net_change.latest.before.running_mode is not net_change.current.running_mode
    if not is_mode or net_change.current.running_mode is RunningMode.ALWAYS_ON:
        return net_change.since
    return months_later(net_change.since, 1)


def _began(net_change: NetChange, attempts: list[ChangeAttempt]) -> datetime:
    """Return when its first call was made, which may be that of a run which did not end."""
    began, latest = net_change.since, net_change.latest
    of_workspace = [attempt for attempt in attempts if attempt.workspace_id == latest.workspace_id]
    for attempt in reversed(of_workspace[: of_workspace.index(latest) + 1]):
        if attempt is not latest and (
            attempt.kind != latest.kind or attempt.outcome in {DONE, ALREADY}
        ):
            break
        if attempt.touched:
            began = min(began, attempt.calls[0].at)
    return began


def _changed_again(net_changes: Iterable[NetChange], settings: pd.DataFrame) -> dict[str, datetime]:
    """Return the day on which somebody gave a WorkSpace another setting, as the store saw it."""
    changed_at = {}
    rows = settings.groupby("workspace_id", observed=True)
    for net_change in net_changes:
        name = net_change.latest.workspace_id
        if name not in rows.groups:
            continue
        of_workspace = rows.get_group(name)
        later = of_workspace[of_workspace["since"] > net_change.since + timedelta(minutes=30)]
        other = later[later["setting"] != str(net_change.current)]
        if len(other):
            at = other["since"].iloc[0].to_pydatetime()
            changed_at[name] = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return changed_at


_Alike = tuple[datetime, datetime, tuple[object, ...]]


def _alike(made: list[_Made]) -> dict[_Alike, list[_Made]]:
    """Group the changes by replay window, from their month's 1st, and by their terms."""
    groups: dict[_Alike, list[_Made]] = {}
    for change in made:
        first = change.net_change.since.astimezone(UTC).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0)
        plan = change.net_change.latest.run_begin.get("plan", {})
        options = tuple(plan.get(name) for name in ("hour_rule", "discount", "maintenance_hours"))
        until = max(change.until, first + timedelta(days=1))
        groups.setdefault((first, until, options), []).append(change)
    return groups


def _judged(
    group: list[_Made], window: Window, store: Store, inventory: pd.DataFrame,
    settings: pd.DataFrame, book: PriceBook, rule: HourRule,
) -> list[dict[str, Any]]:
    """Replay the changes of one window under both settings, and bill both."""
    names = [change.name for change in group]
    fleet = inventory[inventory["workspace_id"].isin(names)].reset_index(drop=True)
    from_store = find_stored(store, fleet, window)
    replayed = replay(from_store.sessions, _both_ways(group, settings, window), window=window,
                  commands=from_store.commands)
    hours = group[0].net_change.latest.run_begin.get("plan", {}).get("maintenance_hours", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotBilledWarning)
        charges = bill(replayed, fleet, book, hour_rule=rule, maintenance_hours=hours)
    sums = charges.pivot_table(
        index="workspace_id", columns="setting", values=["total_usd", "cold_starts"],
        aggfunc=lambda values: values.sum(min_count=1), observed=True)
    priced = set(charges.loc[charges["total_usd"].notna(), "workspace_id"])
    names = pd.Index(from_store.gaps["workspace_id"].unique())
    unobserved = dict(zip(names, unobserved_days(from_store.gaps, names), strict=True))
    rows = []
    for change in group:
        if change.months == 0:
            rows.append(_row(change, {}, "too early"))
            continue
        # Elapsed days since the change itself, not since its month's 1st, where the replay begins.
        days = (change.until - change.net_change.since).total_seconds() / 86400
        if change.name not in priced:
            rows.append(_row(change, {}, "no price"))
            continue
        cell = sums.loc[change.name]
        values = {"realised_usd": cell["total_usd", OLD] - cell["total_usd", NEW],
                  "extra_cold_starts": cell["cold_starts", NEW] - cell["cold_starts", OLD]}
        is_silent = is_unjudgeable(days, unobserved.get(change.name, 0.0))
        rows.append(_row(change, values, "unobserved" if is_silent else ""))
    return rows


def _both_ways(
    group: list[_Made], settings: pd.DataFrame, window: Window
) -> tuple[Schedule, Schedule]:
    """Return the settings that held in *window* without the changes, and with them.

    What held before a change is what the store knows of it, and at last the setting that the
    journal found: where the store knows nothing, that held from the window's start.
    """
    # A little early, so that the store's record of our own change never counts as what was before.
    ended = {change.name: pd.Timestamp(change.began - _CLOCKS_APART) for change in group}
    before = settings[settings["since"] < settings["workspace_id"].map(ended)]
    journalled = pd.DataFrame({
        "workspace_id": [change.name for change in group],
        "setting": [str(change.net_change.latest.before) for change in group],
        "since": pd.Series([ended[change.name] for change in group], dtype=INSTANT_DTYPE)})
    was = schedule_of(
        pd.concat([before[list(SETTINGS.names)], journalled], ignore_index=True), window
    )
    changed = pd.DataFrame({
        "workspace_id": [change.name for change in group],
        "at": pd.Series([change.net_change.since for change in group], dtype=INSTANT_DTYPE),
        "order": [str(change.net_change.current) for change in group]})
    commands = pd.concat([was.commands, changed], ignore_index=True)
    return Schedule(was.opening, was.commands, OLD), Schedule(was.opening, commands, NEW)


def _row(change: _Made, values: dict[str, Any], verdict: str) -> dict[str, Any]:
    attempt, promise = change.net_change.latest, change.net_change.latest.promise
    promised = {f"promised{part}_usd": _scaled(promise.get(f"saving{name}"), change.months)
                for part, name in (("", "_usd_per_month"), ("_low", "_low_usd"),
                                   ("_high", "_high_usd"))}
    row: dict[str, Any] = (
        {
            "workspace_id": change.name,
            "user_name": attempt.user_name,
            "from_setting": str(change.net_change.latest.before),
            "to_setting": str(change.net_change.current),
            "changed_at": change.net_change.since,
            "until_at": change.until,
            "days": max(0.0, (change.until - change.pays_from).total_seconds() / 86400),
            "realised_usd": np.nan,
            "extra_cold_starts": np.nan,
        }
        | (promised if verdict != "too early" else dict.fromkeys(promised, np.nan))
        | values
    )
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


def _rule(net_change: NetChange, hour_rule: HourRule | str | None) -> HourRule:
    of_plan = net_change.latest.run_begin.get("plan", {}).get("hour_rule", HourRule.CLOCK_HOUR)
    return HourRule.parse(hour_rule or of_plan)


def _prices(net_change: NetChange, path: Path | str | None, discount: float | None) -> PriceBook:
    of_plan = net_change.latest.run_begin.get("plan", {}).get("discount", 0.0)
    return load_prices(path=path).discounted(of_plan if discount is None else discount)


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(VERIFIED.names))
    frame = frame.astype({column.name: column.dtype for column in VERIFIED.columns})
    return frame.sort_values("workspace_id", ignore_index=True)


