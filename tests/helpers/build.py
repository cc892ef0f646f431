"""Frames in few words: the tables that the stories in these tests begin with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pandas as pd

from wsanalytics.billing.bill import bill
from wsanalytics.history.checks import check_workspaces
from wsanalytics.history.folder import sample_history
from wsanalytics.history.history import History
from wsanalytics.prices.book import PriceBook
from wsanalytics.simulation.fleet import replay
from wsanalytics.tables.check import check_table
from wsanalytics.tables.results import PRICES
from wsanalytics.timeline import Window

REPOSITORY = Path(__file__).resolve().parents[2]

ME = "ws-me"
"""The WorkSpace of stories that have only one."""

Pair = tuple[datetime | str, datetime | str]


@cache
def sample() -> History:
    """The sample fleet's history, read once for all tests: whoever alters it copies it first."""
    return sample_history()


def at(text: datetime | str) -> datetime:
    """The UTC instant that *text* writes: ``2026-03-02 09:00``, or ``2026-03-02`` for midnight."""
    if isinstance(text, datetime):
        return text
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def window(start: datetime | str, end: datetime | str) -> Window:
    """The window between two instants written as :func:`at` reads them."""
    return Window(at(start), at(end))


def month(label: str) -> Window:
    """The window of one whole UTC month, ``2026-03``."""
    year, number = map(int, label.split("-"))
    return Window(
        datetime(year, number, 1, tzinfo=UTC),
        datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC),
    )


def sessions(*pairs: Pair, of: str = ME) -> pd.DataFrame:
    """A ``sessions`` frame of one WorkSpace."""
    return fleet_sessions({of: pairs})


def fleet_sessions(by_id: dict[str, Iterable[Pair]]) -> pd.DataFrame:
    """A ``sessions`` frame of several WorkSpaces."""
    rows = [(one, at(start), at(end)) for one, pairs in by_id.items() for start, end in pairs]
    frame = pd.DataFrame(rows, columns=["workspace_id", "connected_at", "disconnected_at"])
    for column in ("connected_at", "disconnected_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    return frame


def workspaces(*ids: str, **columns: object) -> pd.DataFrame:
    """A checked ``workspaces`` table: STANDARD, AUTO_STOP:60, us-east-1 unless *columns* differ."""
    row = {"region": "us-east-1", "compute_type": "STANDARD", "running_mode": "AUTO_STOP",
           "auto_stop_minutes": 60} | columns
    for column in ("created_at", "terminated_at"):
        if row.get(column):
            row[column] = at(row[column]).isoformat()  # type: ignore[arg-type]  # text or instant
    frame = pd.DataFrame([{"workspace_id": one} | row for one in ids or (ME,)])
    is_ours = row["compute_type"] == "STANDARD"  # spares reading the price table each time
    return check_workspaces(frame, priced=["STANDARD"] if is_ours else None)


def book(monthly: float = 35.0, fee: float = 9.75, hourly: float = 0.30) -> PriceBook:
    """The prices of STANDARD in us-east-1 and of nothing else; by default AWS's list prices."""
    kind = {"region": "us-east-1", "compute_type": "STANDARD", "operating_system": "WINDOWS",
            "license": "included", "root_gib": 80, "user_gib": 50, "source": "this test",
            "effective_date": "2026-01-01"}
    rows = [
        kind | {"running_mode": "ALWAYS_ON", "monthly_usd": monthly, "hourly_usd": 0.0},
        kind | {"running_mode": "AUTO_STOP", "monthly_usd": fee, "hourly_usd": hourly},
    ]
    return PriceBook(check_table(pd.DataFrame(rows), PRICES), "this test")


def charge(
    pairs: Iterable[Pair],
    setting: str,
    when: Window,
    *,
    prices: PriceBook | None = None,
    grace: float = 0,
    hour_rule: str = "clock_hour",
    maintenance_hours: float = 1,
    **columns: object,
) -> pd.DataFrame:
    """The charges of one WorkSpace with the sessions *pairs* under one setting, by month."""
    outcome = replay(sessions(*pairs), [setting], window=when, network_grace_minutes=grace)
    charges = bill(
        outcome, workspaces(**columns), prices or book(),
        hour_rule=hour_rule, maintenance_hours=maintenance_hours,
    )
    return charges.drop(columns=["setting", "workspace_id"]).set_index("month")


def hours(
    pairs: Iterable[Pair], setting: str, when: Window, rule: str = "clock_hour", grace: float = 0
) -> float:
    """The hours billed over all of the window for one WorkSpace with the sessions *pairs*."""
    return float(charge(pairs, setting, when, hour_rule=rule, grace=grace)["billed_hours"].sum())


def samples(*rows: tuple[str, str] | tuple[str, str, str | None], of: str = ME) -> pd.DataFrame:
    """A ``samples`` frame of one WorkSpace: instant, state, and the last connection if told.

    States are written C, D and U for CONNECTED, DISCONNECTED and UNKNOWN.
    """
    states = {"C": "CONNECTED", "D": "DISCONNECTED", "U": "UNKNOWN"}
    told = [(*row, None)[:3] for row in rows]
    return pd.DataFrame(
        {
            "workspace_id": of,
            "sampled_at": pd.to_datetime([at(when) for when, _, _ in told], utc=True),
            "connection_state": [states[state] for _, state, _ in told],
            "state": "AVAILABLE",
            "last_connected_at": pd.to_datetime(
                [at(last) if last else pd.NaT for _, _, last in told], utc=True
            ),
            "source": "this test",
        }
    )
