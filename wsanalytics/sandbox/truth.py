"""Give the truth of the sandbox: the frames that a reading of it can be compared with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.prices import load_prices
from wsanalytics.sandbox.meter import HourRule, Rates, read_meter
from wsanalytics.sandbox.workspace import Desktop
from wsanalytics.sandbox.world import World
from wsanalytics.tables import SESSIONS, WORKSPACES, check_table, sort_by_key
from wsanalytics.timeline import INSTANT_DTYPE, Window, instants


class Truth:
    """The truth about everything in a *world*, up to its clock's now.

    It looks at every WorkSpace, which takes a few milliseconds each the first time.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def workspaces(self) -> pd.DataFrame:
        """Return a ``workspaces`` table of all WorkSpaces, the terminated ones included."""
        with self.world.lock:
            now, desktops = self._all()
            frame = pd.DataFrame(
                [_row(desktop, now) for desktop in desktops], columns=WORKSPACES.names
            )
        return sort_by_key(check_table(frame, WORKSPACES), WORKSPACES)

    def sessions(self) -> pd.DataFrame:
        """Return a ``sessions`` table; a session in progress is cut at now."""
        ids: list[str] = []
        starts, ends = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        with self.world.lock:
            now, desktops = self._all()
            for desktop in desktops:
                connected = desktop.life.connected(now)
                ids += [desktop.workspace_id] * len(connected.starts)
                starts.append(connected.starts)
                ends.append(connected.ends)
        frame = pd.DataFrame({
            "workspace_id": pd.Series(ids, dtype="str"),
            "connected_at": instants(np.concatenate(starts)),
            "disconnected_at": instants(np.concatenate(ends)),
        })
        return sort_by_key(frame, SESSIONS)

    def settings(self) -> pd.DataFrame:
        """Since when each WorkSpace has had which setting; MANUAL ones have none."""
        with self.world.lock:
            now, desktops = self._all()
            rows = [
                (desktop.workspace_id, str(setting), since)
                for desktop in desktops if not desktop.facts.manual
                for since, setting in desktop.life.settings if since <= now
            ]
        return _frame(rows, {"workspace_id": "str", "setting": "str", "since": INSTANT_DTYPE})

    def orders(self) -> pd.DataFrame:
        """Return the commands to each WorkSpace: ``START``, ``STOP`` or a setting, as text."""
        with self.world.lock:
            now, desktops = self._all()
            rows = [(desktop.workspace_id, at, order) for desktop in desktops
                    for at, order in desktop.life.orders if at <= now]
        return _frame(rows, {"workspace_id": "str", "at": INSTANT_DTYPE, "order": "str"})

    def bill(self, hour_rule: str = "clock_hour") -> pd.DataFrame:
        """Return the meter's reading of every billable WorkSpace and month up to now."""
        rule = _rule(hour_rule)
        columns = {"workspace_id": "str", "month": "str", "billed_hours": "float64",
                   "cold_starts": "int64", "fixed_usd": "float64", "hourly_usd": "float64",
                   "total_usd": "float64"}
        with self.world.lock:
            now, desktops = self._all()
            start = self.world.fleet.history.start
            rows = _readings(desktops, Window(start, now), rule) if start < now else []
        return _frame(rows, columns)

    def _all(self) -> tuple[datetime, list[Desktop]]:
        """Now, and every WorkSpace brought up to it."""
        now = self.world.clock.now()
        desktops = sorted(self.world.fleet.everything(), key=lambda desktop: desktop.workspace_id)
        for desktop in desktops:
            desktop.life.advance(now)
        return now, desktops


def _row(desktop: Desktop, now: datetime) -> dict[str, Any]:
    facts, ended_at = desktop.facts, desktop.life.ended_at
    return {
        "workspace_id": facts.workspace_id,
        "region": facts.region,
        "compute_type": facts.bundle.compute_type,
        "running_mode": desktop.running_mode,
        "auto_stop_minutes": desktop.auto_stop_minutes,
        "account_id": facts.account,
        "directory_id": facts.directory_id,
        "user_name": facts.user_name,
        "computer_name": facts.computer_name,
        "bundle_id": facts.bundle.bundle_id,
        "operating_system": facts.bundle.operating_system,
        "license": facts.bundle.license,
        "root_gib": facts.root_gib,
        "user_gib": facts.user_gib,
        "state": desktop.state(now),
        "created_at": facts.created_at,
        "terminated_at": ended_at,
        "maintenance_enabled": facts.maintenance_enabled,
        "standby": facts.standby,
        "tags": json.dumps(facts.tags, sort_keys=True),
    }


def _readings(desktops: list[Desktop], window: Window, rule: HourRule) -> list[tuple[Any, ...]]:
    billable = [desktop for desktop in desktops
                if not (desktop.facts.manual or desktop.facts.standby)]
    if not billable:
        return []
    kinds = pd.DataFrame([_row(desktop, window.end) for desktop in billable])
    prices = load_prices().rates(kinds.astype({"root_gib": "Int64", "user_gib": "Int64"}))
    rows: list[tuple[Any, ...]] = []
    usd = prices[["always_on_usd", "auto_stop_usd", "hourly_usd"]].to_numpy(dtype=float).tolist()
    for desktop, (always_on, auto_stop, hourly) in zip(billable, usd, strict=True):
        rates = Rates(always_on, auto_stop, hourly)
        readings = read_meter(
            desktop.life, rates, window, rule, created_at=desktop.facts.created_at,
            maintenance_enabled=desktop.facts.maintenance_enabled,
        )
        rows += [
            (
                desktop.workspace_id,
                reading.month,
                reading.billed_hours,
                reading.cold_starts,
                reading.fixed_usd,
                reading.hourly_usd,
                reading.total_usd,
            )
            for reading in readings
        ]
    return rows


def _rule(text: str) -> HourRule:
    try:
        return HourRule(text)
    except ValueError:
        raise InputError(
            f"{text!r} is not an hour rule of the meter",
            where="bill",
            rule=f"it knows {', '.join(HourRule)}",
            fix="use clock_hour",
        ) from None


def _frame(rows: Iterable[tuple[Any, ...]], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns)).astype(columns)


def as_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame for JSON: instants as ISO texts, what is missing as null."""
    texts = frame.copy()
    for name in texts.columns:
        if isinstance(texts[name].dtype, pd.DatetimeTZDtype):
            texts[name] = [None if pd.isna(text) else text.isoformat() for text in texts[name]]
    cells = texts.astype("object")
    rows = cells.where(cells.notna(), None).to_dict("records")
    return [{str(name): cell for name, cell in row.items()} for row in rows]


def as_text(frame: pd.DataFrame) -> str:
    """Return the rows of a frame as JSON text."""
    return json.dumps(as_records(frame), default=float)

