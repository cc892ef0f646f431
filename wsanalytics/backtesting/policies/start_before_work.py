"""``start_before_work``: StartWorkspaces shortly before the user usually comes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd

from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.calendars import zone_named
from wsanalytics.errors import InputError
from wsanalytics.sessions import HISTORY, Flags, LocalDays, instants_on, ordinals_of, usual_on
from wsanalytics.timeline import MICROS_PER_MINUTE, column_micros, instants, to_micros

_LONGEST_MINUTES = 24 * 60


class StartBeforeWork(Rule):
    """Settings stay as they are, but AUTO_STOP WorkSpaces are switched on before work.

    Each is started *ahead* minutes before its user usually comes on a day such as this, by the
    sessions of the last four weeks (the rule of ``wsanalytics start-early``, which stands in
    :mod:`.sessions.arrival_times`), where they come with a *chance* of at least so much, and have
    not been there on that day. Days are those of the clock in *zone*, such as ``Europe/Berlin``.
    Fewer users wait; who comes later than usual, or not at all, costs hours.
    """

    name = "start_before_work"

    def __init__(self, ahead: float = 15, chance: float = 0.5, zone: str = "UTC") -> None:
        if not 0 <= ahead <= _LONGEST_MINUTES:
            raise InputError(f"ahead is {ahead}", where=self.name,
                             rule=f"it is a number of minutes from 0 to {_LONGEST_MINUTES}",
                             fix="use for example ahead=15")
        if not 0 <= chance <= 1:
            raise InputError(f"chance is {chance}", where=self.name,
                             rule="a chance lies between 0 and 1",
                             fix="use for example chance=0.5")
        self.ahead, self.chance = ahead, chance
        self.zone = zone_named(zone, f"{self.name}, zone")

    def decide(self, seen: Seen) -> Choice:
        """Keep the current settings."""
        return seen.settings

    def starts(self, seen: Seen) -> pd.DataFrame:
        """Whom to start within the 24 hours from now on, and when: ``workspace_id``, ``at``."""
        begins, ends = seen.now, seen.now + timedelta(days=1)
        ahead = round(self.ahead * MICROS_PER_MINUTE)
        days, minutes = seen.first_minutes(self.zone, HISTORY)
        observed = _was_created(seen, days)
        today = begins.astimezone(self.zone).toordinal()
        final = (ends + timedelta(minutes=self.ahead)).astimezone(self.zone).toordinal()
        parts = []
        for day in range(today, final + 1):
            usual = usual_on(day, days.ordinals, minutes, observed)
            chosen = usual.is_known & (usual.chance >= self.chance) & ~seen.is_always_on
            if day == today:
                midnight = datetime.combine(date.fromordinal(day), time(), self.zone)
                chosen &= ~seen.connected_since(midnight)
            rows = np.flatnonzero(chosen)
            at = instants_on(day, usual.minute[rows], self.zone) - ahead
            inside = (at >= to_micros(begins)) & (at < to_micros(ends))
            parts.append(pd.DataFrame({"workspace_id": seen.ids[rows[inside]],
                                       "at": instants(at[inside])}))
        return pd.concat(parts, ignore_index=True)


def _was_created(seen: Seen, days: LocalDays) -> Flags:
    """On which of *days* (columns) each WorkSpace was there from the day's beginning on."""
    created = seen.workspaces["created_at"]
    day = ordinals_of(column_micros(created), days.zone)
    return (day[:, None] < days.ordinals[None, :]) | created.isna().to_numpy()[:, None]
