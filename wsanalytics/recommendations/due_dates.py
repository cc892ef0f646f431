"""Find when a change is worth most, and until when its first call must be made.

A month owes the fee of the mode it opens in, so a WorkSpace that is ALWAYS_ON at 00:00 UTC on the
1st pays all of that month once more. Two hours are left for what goes wrong.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from wsanalytics.aws import RATE_PER_SECOND
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.timeline import months_later

DONE_BY = time(22)
"""Until when, in UTC on a month's last day, changes to AUTO_STOP are to be done."""
CALLS_A_CHANGE = 2.5
"""The calls that a change takes: a read before and one after, and for some a second request."""


def best_date(
    present: dict[str, Any], proposed: dict[str, Any], now: datetime, *,
    at_once: bool | None = None,
) -> date:
    """Return the UTC day on which a change is worth most, counted from *now*.

    ALWAYS_ON to AUTO_STOP bills from the next 1st, so on the last day of the month; from 22:00 UTC
    of that day on it is too late for that, and the last day of the next month is meant. AUTO_STOP
    to ALWAYS_ON pays the monthly fee for the days left on top of what is already billed, so today
    if the hours to come cost more than that, else on the next 1st: *at_once* says which, if a
    policy has decided it. A timeout at once. (AWS
    WorkSpaces FAQ, as quoted at repost.aws/questions/QUxRe9RXiXRcOs5aygBrkyJQ.)
    """
    today = now.astimezone(UTC).date()
    if present["setting"] == str(ALWAYS_ON):
        last = months_later(today, 1).date() - timedelta(days=1)
        is_late = now >= datetime.combine(last, DONE_BY, UTC)
        return months_later(today, 2).date() - timedelta(days=1) if is_late else last
    if proposed["setting"] == str(ALWAYS_ON):
        # Hours that cost more than the whole flat fee: even the rest of the month is worth it.
        pays_at_once = at_once if at_once is not None else (
            present["hourly_usd_per_month"] > proposed["usd_per_month"])
        return today if pays_at_once or today.day == 1 else months_later(today, 1).date()
    return today


def first_call_by(best: date, changes: int, now: datetime) -> datetime:
    """Until when the first of *changes* must begin so that all are done by 22:00 UTC of *best*.

    At the pace at which an account may be called, to the minute, and never before *now*.

    >>> first_call_by(date(2026, 4, 30), 1000, datetime(2026, 4, 10, tzinfo=UTC)).isoformat()
    '2026-04-30T21:38:00+00:00'
    """
    takes = timedelta(seconds=changes * CALLS_A_CHANGE / RATE_PER_SECOND)
    begin = datetime.combine(best, DONE_BY, UTC) - takes
    return max(begin, now.astimezone(UTC)).replace(second=0, microsecond=0)


def schedule(rows: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Return the *rows* of ``recommendations``, each with its ``apply_by``.

    Those from ALWAYS_ON to AUTO_STOP that share a best date share the hour too. So many of them
    that one day is too short for all begin on a day before, which then is their best date.
    """
    # All changes of one day share the account's rate limit, so their number decides when to begin.
    counts = Counter(row["best_date"] for row in rows if _is_bound(row))
    scheduled = []
    for row in rows:
        more = {"apply_by": ""}
        if _is_bound(row):
            best = date.fromisoformat(row["best_date"])
            begin = first_call_by(best, counts[row["best_date"]], now)
            more = {"apply_by": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
                    "best_date": begin.date().isoformat()}
        scheduled.append(row | more)
    return scheduled


def _is_bound(row: dict[str, Any]) -> bool:
    """Whether a row changes ALWAYS_ON to AUTO_STOP, which must be done before the month turns."""
    return row["from_setting"] == str(ALWAYS_ON) and row["to_setting"] not in {"", str(ALWAYS_ON)}
