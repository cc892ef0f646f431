"""Find when users usually come, and whether they come today: ``usual_arrivals``, ``start_early``.

A WorkSpace that is started a few minutes before its user comes costs at most the hour that it
would have cost anyway; if they do not come, it costs its timeout. The rule itself stands in
``habits``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.start_stop import START, Candidate, jobs_of, start_or_stop
from wsanalytics.actions.stop_idle import Keep, hours_between
from wsanalytics.aws import PER_CALL, StateReader, WorkspaceState, Writer
from wsanalytics.calendars import Holidays, Zones
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.history import Store
from wsanalytics.sessions import (
    HISTORY,
    LocalDays,
    days_with_long_gap,
    find_stored,
    first_minutes,
    instants_on,
    usual_on,
)
from wsanalytics.settings import RunningMode
from wsanalytics.timeline import Window, column_micros, instants

ARRIVALS = ("workspace_id", "expected_at", "chance", "days", "came")


def usual_arrivals(
    sessions: pd.DataFrame,
    zone_of: dict[str, ZoneInfo],
    now: datetime,
    *,
    observed: Window,
    holidays: Holidays | None = None,
    gaps: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Estimate when each user usually comes on a day such as today, and how likely today.

    *sessions* is a ``sessions`` table of the days in *observed*, *zone_of* names the WorkSpaces
    and their time zones, *now* decides what today is in each. Columns: ``workspace_id``;
    ``expected_at`` (UTC), before which they came on one day in four only; ``chance``, from the same
    weekdays and, where these are few, from the other days of the kind; ``days`` that were
    observed of this kind (days with a gap of over two hours in *gaps* are none), and on how many
    of them they ``came``. Public *holidays* count neither
    way, and on one the chance is 0. A WorkSpace with too few days, or whose user never came on
    such a day, has no row.
    """
    ids = pd.Index(list(zone_of), dtype="str")
    owner = ids.get_indexer(pd.Index(sessions["workspace_id"])).astype(np.int64)
    connects = column_micros(sessions["connected_at"])
    gaps_by_id = {} if gaps is None else dict(iter(gaps.groupby("workspace_id", observed=True)))
    parts = [pd.DataFrame(columns=list(ARRIVALS))]
    for zone in dict.fromkeys(zone_of.values()):
        rows = np.flatnonzero([of == zone for of in zone_of.values()])
        days = LocalDays.within(observed.start, observed.end, zone)
        # The row in this zone of each WorkSpace, -1 elsewhere; owner is -1 for strangers, and the
        # entry at the end stands for them.
        row_of = np.full(len(ids) + 1, -1)
        row_of[rows] = np.arange(len(rows))
        row = row_of[owner]
        first = first_minutes(row[row >= 0], connects[row >= 0], len(rows), days)
        counted = np.stack([_counted(days, gaps_by_id.get(name), holidays) for name in ids[rows]])
        today = now.astimezone(zone).date()
        usual = usual_on(today.toordinal(), days.ordinals, first, counted)
        known = np.flatnonzero(usual.is_known)
        expected = instants_on(today.toordinal(), usual.minute[known], zone)
        parts.append(pd.DataFrame({
            "workspace_id": ids[rows[known]],
            "expected_at": instants(expected).tz_convert(now.tzinfo),
            "chance": 0.0 if holidays and holidays.is_holiday(today) else usual.chance[known],
            "days": usual.days[known], "came": usual.came[known]}, index=rows[known]))
    frame = pd.concat([part for part in parts if len(part)] or parts[:1]).sort_index()
    return frame.reset_index(drop=True).astype({"workspace_id": "str", "chance": "float64"})


def _counted(
    days: LocalDays, gaps: pd.DataFrame | None, holidays: Holidays | None
) -> npt.NDArray[np.bool_]:
    """Mark the *days* that show a user's habits: no gap over two hours, no holiday."""
    left_out = days_with_long_gap(gaps, days.zone)
    if holidays is not None:
        dates = map(date.fromordinal, days.ordinals.tolist())
        left_out |= {day for day in dates if holidays.is_holiday(day)}
    return ~np.isin(days.ordinals, [day.toordinal() for day in left_out])


@renamed_arguments(terms="options")
def start_early(
    store: Store | Path | str,
    writer: Writer | Sequence[Writer],
    *,
    ahead: timedelta = timedelta(minutes=15),
    min_chance: float = 0.6,
    dry_run: bool = True,
    journal: Path | str | None = None,
    zones: Zones | None = None,
    holidays: Holidays | None = None,
    keep: Keep = lambda frame: frame,
    options: RunOptions | None = None,
) -> pd.DataFrame:
    """Start the AUTO_STOP WorkSpaces whose users usually come within *ahead*, or say which.

    Arrivals are estimated from their own sessions of the last four weeks in *store*
    (:func:`usual_arrivals`); those who come with less than *min_chance* today are left out, and
    so are those who have been there today. Each WorkSpace is looked at right before the call.
    Gives a ``switched`` table; ``saved_hours`` is negative: what starting early is expected to
    cost. Raises :class:`AwsError` where AWS cannot be asked.
    """
    options = options or RunOptions(limit=None)
    zones = zones or Zones.of_regions()
    opened = Store.of(store)
    jobs, refused = jobs_of(
        writer, keep(opened.inventory()),
        lambda reader: _Finder(opened, reader, ahead, min_chance, zones, holidays, options),
        about={"ahead_minutes": ahead.total_seconds() / 60}, log=options.log,
    )
    return start_or_stop(
        START, jobs, dry_run=dry_run, journal=journal, options=options, refused=refused
    )


class _Finder:
    """Finds the WorkSpaces whose users are about to come."""

    def __init__(
        self, store: Store, reader: StateReader, ahead: timedelta, min_chance: float, zones: Zones,
        holidays: Holidays | None, options: RunOptions,
    ) -> None:
        self.store, self.reader, self.ahead, self.min_chance = store, reader, ahead, min_chance
        self.zones, self.holidays, self.options = zones, holidays, options
        self.zone_of: dict[str, ZoneInfo] = {}

    def find(self, workspaces: pd.DataFrame) -> list[Candidate]:
        """Return those of *workspaces* that are stopped and expected soon, the likeliest first."""
        hourly = workspaces[workspaces["running_mode"] == RunningMode.AUTO_STOP]
        if hourly.empty:
            return []
        now = self._aws_now(hourly["workspace_id"].tolist())
        self.zone_of = self.zones.zones_of(hourly)
        window = self.store.window()
        start = max(window.start, (now - HISTORY).replace(hour=0, minute=0, second=0,
                                                          microsecond=0))
        if start >= window.end:
            return []
        observed = Window(start, window.end)
        found = find_stored(self.store, hourly, observed)
        arrivals = usual_arrivals(found.sessions, self.zone_of, now, observed=observed,
                                  holidays=self.holidays, gaps=found.gaps)
        soon = arrivals[(arrivals["expected_at"] > now)
                        & (arrivals["expected_at"] <= now + self.ahead)
                        & (arrivals["chance"] >= self.min_chance)]
        if soon.empty:
            return []
        seen = self.reader.read(soon["workspace_id"].tolist(), tags=True, connected=True)
        rows = [(row, seen.get(row["workspace_id"])) for row in soon.to_dict("records")]
        chosen = [self._candidate(row["workspace_id"], present, row["expected_at"],
                                  row["chance"], now)
                  for row, present in rows
                  if present is not None and present.running_mode == RunningMode.AUTO_STOP
                  and present.state == "STOPPED" and not self._was_there_today(present, now)]
        return sorted(chosen, key=lambda choice: (-(choice.chance or 0), choice.workspace_id))

    def _aws_now(self, ids: list[str]) -> datetime:
        states = self.reader.read(ids[:PER_CALL], connected=True).values()
        return max(
            (state.looked_at for state in states if state.looked_at), default=self.options.clock()
        )

    def _was_there_today(self, present: WorkspaceState, now: datetime) -> bool:
        zone, last = self.zone_of[present.workspace_id], present.last_connected_at
        return last is not None and last.astimezone(zone).date() == now.astimezone(zone).date()

    def _candidate(
        self, name: str, present: WorkspaceState, expected_at: pd.Timestamp, chance: float,
        now: datetime,
    ) -> Candidate:
        assert present.setting is not None
        timeout = timedelta(minutes=present.setting.auto_stop_minutes or 0)
        expected = expected_at.to_pydatetime()
        # Started early and used: the hours up to the connect. Unused: the started hour and the
        # timeout.
        hours_if_used = hours_between(now, expected)
        hours_if_unused = hours_between(now - timedelta(hours=1), now + timeout)
        return Candidate(
            name, present, last_connected_at=present.last_connected_at, expected_at=expected,
            chance=chance, saved_hours=-(chance * hours_if_used + (1 - chance) * hours_if_unused))

    def recheck(self, present: WorkspaceState) -> str:
        """Give the reason not to start it after all, by a read right before the call."""
        if present.looked_at is not None and self._was_there_today(present, present.looked_at):
            return "its user has been there today"
        return ""
