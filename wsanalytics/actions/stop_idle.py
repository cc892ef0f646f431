"""Find WorkSpaces whose users have been gone for a while, so that they run unused: ``stop_idle``.

The shortest AutoStop timeout is an hour. Whoever stops a WorkSpace earlier, once its user has been
gone for 15 minutes say, saves the rest of it; if the user comes back within that time, they wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from wsanalytics.actions.journal import Entry, read_journal
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.start_stop import STOP, Candidate, jobs_of, start_or_stop
from wsanalytics.aws import PER_CALL, StateReader, WorkspaceState, Writer
from wsanalytics.billing import HourRule, hours_of
from wsanalytics.calendars import WorkingHours, Zones
from wsanalytics.check_times import evidence_at
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.formatting import number
from wsanalytics.history import Store
from wsanalytics.settings import RunningMode
from wsanalytics.timeline import MICROS_PER_HOUR, Pieces, to_micros

_RUNNING = {"AVAILABLE", "UNHEALTHY", "IMPAIRED"}
_SMALL_FLEET = 200
"""So many WorkSpaces are all looked at; of more, only those that may be idle by the samples."""
_SWITCHED_ON = ("it runs though its timeout has passed, so somebody has switched it on, and no "
                "sample tells when: collect more often")
Keep = Callable[[pd.DataFrame], pd.DataFrame]
"""A filter of a fleet: a ``workspaces`` table in, some of its rows out."""


@renamed_arguments(terms="options")
def stop_idle(
    store: Store | Path | str,
    writer: Writer | Sequence[Writer],
    *,
    idle: timedelta,
    dry_run: bool = True,
    journal: Path | str | None = None,
    working_hours: WorkingHours | None = None,
    zones: Zones | None = None,
    keep: Keep = lambda frame: frame,
    options: RunOptions | None = None,
) -> pd.DataFrame:
    """Stop the AUTO_STOP WorkSpaces whose users have been gone for *idle*, or say which.

    The fleet is the one that *store* knows; each WorkSpace is looked at anew, and once more right
    before the call, so that nobody who has just come back is stopped. A user is gone since the
    last connection that AWS or a sample shows; a WorkSpace that was started for somebody who
    has not come yet counts as idle since then, by the store's samples or *journal*. One that
    runs though its own timeout has passed was switched on by somebody: unless a sample shows that
    it has run for nobody since, it is left alone.
    A status that AWS checked more than some minutes ago says nothing of now, so nobody is stopped
    on it; nor is what would save no hour by the clock: it stops by itself before the next begins.
    Within *working_hours*, on the clock of the WorkSpace's directory or region (*zones*), nothing
    is stopped. Gives a ``switched`` table. Raises :class:`AwsError` where AWS cannot be asked.
    """
    options = options or RunOptions(limit=None)
    zones = zones or Zones.of_regions()
    started = _started(read_journal(journal) if journal and Path(journal).is_file() else [])
    opened = Store.of(store)
    jobs, refused = jobs_of(
        writer, keep(opened.inventory()),
        lambda reader: _Finder(opened, reader, idle, working_hours, zones, started),
        about={"idle_minutes": idle.total_seconds() / 60}, log=options.log,
    )
    return start_or_stop(
        STOP, jobs, dry_run=dry_run, journal=journal, options=options, refused=refused
    )


def _started(entries: list[Entry]) -> dict[str, datetime]:
    """Return when this journal's runs started WorkSpaces, by id."""
    started_at: dict[str, datetime] = {}
    for entry in entries:
        if entry["event"] == "call" and entry["action"] == "workspaces:StartWorkspaces":
            at = datetime.fromisoformat(entry["at"]).astimezone(UTC)
            started_at |= {
                request["WorkspaceId"]: at
                for request in entry["request"]["StartWorkspaceRequests"]
            }
    return started_at


class _Finder:
    """Finds the WorkSpaces that run for nobody."""

    def __init__(
        self,
        store: Store,
        reader: StateReader,
        idle: timedelta,
        working_hours: WorkingHours | None,
        zones: Zones,
        started: dict[str, datetime],
    ) -> None:
        self.store, self.reader, self.idle = store, reader, idle
        self.working_hours, self.zones, self.started = working_hours, zones, started
        self.zone_of: dict[str, ZoneInfo] = {}
        self.stops_at: dict[str, datetime] = {}
        """When each would stop by itself, if nobody came."""

    def find(self, workspaces: pd.DataFrame) -> list[Candidate]:
        """Find those of *workspaces* whose users are gone, the largest saving first."""
        self.zone_of = self.zones.zones_of(workspaces)
        ids = self._worth_a_look(workspaces["workspace_id"].tolist())
        if not ids:
            return []
        states = self.reader.read(ids, tags=True, connected=True)
        running = {
            name: state for name, state in states.items()
            if state.running_mode == RunningMode.AUTO_STOP and state.state == "AVAILABLE"
            and state.connection == "DISCONNECTED" and state.checked_at is not None
        }
        if not running:
            return []
        # AWS's clock, not this computer's: idle times are differences between AWS's own timestamps.
        now = max(state.looked_at for state in running.values() if state.looked_at)
        # A sample is stronger evidence than AWS's last connection, which lags; the later of both
        # counts.
        busy_at, seen_running = self._seen(list(running), now)
        candidates = []
        for name, state in running.items():
            since = self.idle_since(state, busy_at.get(name))
            checked = _checked(state)
            if since is None or checked is None or checked - since < self.idle:
                continue
            candidate = self._candidate(state, since, is_watched=name in seen_running)
            if candidate.saved_hours > 0 or candidate.why_not:
                candidates.append(candidate)
        return sorted(
            candidates, key=lambda candidate: (-candidate.saved_hours, candidate.workspace_id)
        )

    def _worth_a_look(self, ids: list[str]) -> list[str]:
        """Leave out those of a large fleet that a late sample saw in use, or stopped."""
        if len(ids) <= _SMALL_FLEET:
            return ids
        some = self.reader.read(ids[:PER_CALL], connected=True).values()
        now = max((state.looked_at for state in some if state.looked_at), default=None)
        if now is None:
            return ids
        samples = self.store.samples((now - self.idle).date(), (now + timedelta(days=1)).date(),
                                     workspaces=ids)
        late = samples[evidence_at(samples) > now - self.idle]
        in_use = late.loc[late["connection_state"] == "CONNECTED", "workspace_id"]
        last = late.sort_values("sampled_at").drop_duplicates("workspace_id", keep="last")
        stopped = last.loc[last["state"] == "STOPPED", "workspace_id"]
        left_out = {*in_use.astype("str"), *stopped.astype("str")}
        return [workspace_id for workspace_id in ids if workspace_id not in left_out]

    def _seen(self, ids: list[str], now: datetime) -> tuple[dict[str, datetime], set[str]]:
        """Return when samples last saw each WorkSpace in use or not running.

        And which were seen running for nobody within the idle time, or started by us: of the
        others nobody knows whether they were switched on a moment ago.
        """
        ours = {name for name in ids if name in self.started}
        days = (now - timedelta(days=1)).date(), (now + timedelta(days=1)).date()
        samples = self.store.samples(*days, workspaces=ids)
        if samples.empty:
            return {}, ours
        is_busy = (samples["connection_state"] == "CONNECTED") | ~samples["state"].isin(
            [*_RUNNING, ""])
        seen_at = evidence_at(samples)[is_busy]
        latest = seen_at.groupby(samples["workspace_id"][is_busy], observed=True).max()
        late = samples[~is_busy & (samples["sampled_at"] >= now - self.idle)]
        return ({str(name): at.to_pydatetime() for name, at in latest.items()},
                ours | set(late["workspace_id"].astype("str")))

    def idle_since(self, present: WorkspaceState, busy_at: datetime | None) -> datetime | None:
        """Return since when nobody has used it; None where nothing shows it."""
        times = [present.last_connected_at, busy_at, self.started.get(present.workspace_id)]
        return max((at for at in times if at is not None), default=None)

    def _candidate(
        self, present: WorkspaceState, since: datetime, *, is_watched: bool
    ) -> Candidate:
        now = present.looked_at
        assert now is not None
        assert present.setting is not None
        minutes = present.setting.auto_stop_minutes or 0
        last = present.last_connected_at
        is_within = last is not None and last + timedelta(minutes=minutes) > now
        why_not = _aged(present) or self._working_hours(present, now) or (
            "" if is_watched or is_within else _SWITCHED_ON)
        timeout = timedelta(minutes=minutes)
        # Once its timeout has passed, it was started since, at the latest now: then it runs on.
        stops_at = since + timeout if since + timeout > now else now + timeout
        self.stops_at[present.workspace_id] = stops_at
        return Candidate(
            present.workspace_id, present, last_connected_at=present.last_connected_at,
            saved_hours=hours_between(now, stops_at), why_not=why_not)

    def _working_hours(self, present: WorkspaceState, now: datetime) -> str:
        if self.working_hours is None:
            return ""
        zone = self.zone_of[present.workspace_id]
        if not self.working_hours.contains(now, zone):
            return ""
        return f"it is {now.astimezone(zone):%a %H:%M} in {zone.key}, within the working hours"

    def recheck(self, present: WorkspaceState) -> str:
        """Give the reason not to stop it after all, by a read right before the call."""
        if present.connection == "CONNECTED":
            return "its user has just come back"
        checked, now = _checked(present), present.looked_at
        if present.connection != "DISCONNECTED" or checked is None or now is None:
            return "AWS does not say whether its user is there"
        if reason := _aged(present):
            return reason
        last = present.last_connected_at
        if last is not None and checked - last < self.idle:
            gone = (checked - last).total_seconds() / 60
            return f"its user was there {number(gone)} min ago"
        if present.workspace_id in self.stops_at and hours_between(
                now, self.stops_at[present.workspace_id]) <= 0:
            return "it stops by itself before the next hour begins, so nothing would be saved"
        return self._working_hours(present, now)


def _aged(present: WorkspaceState) -> str:
    """Give the reason why AWS's connection status is too old to act on; empty if it is fresh."""
    if present.is_fresh or present.checked_at is None:
        return ""
    return (f"AWS checked its connection at {present.checked_at:%Y-%m-%d %H:%M} UTC, which says "
            "nothing of now")


def _checked(present: WorkspaceState) -> datetime | None:
    """Return when AWS checked the connection; never later than the answer that reports it."""
    if present.checked_at is None or present.looked_at is None:
        return None
    return min(present.checked_at, present.looked_at)


def hours_between(start: datetime, stop: datetime) -> float:
    """Count the extra clock hours billed if a WorkSpace that is on at *start* stops at *stop*.

    >>> hours_between(datetime(2026, 3, 2, 9, 20, tzinfo=UTC),
    ...               datetime(2026, 3, 2, 10, 5, tzinfo=UTC))
    1.0
    """
    first = to_micros(start) // MICROS_PER_HOUR * MICROS_PER_HOUR
    # Two runs from the start of the hour that is paid already, so the difference is new hours only.
    ends = np.array([max(to_micros(start), first + 1), max(to_micros(stop), first + 1)])
    alone = np.arange(2, dtype=np.int64)
    pieces = Pieces(alone, alone, np.array([first, first]), ends)
    now, later = hours_of(pieces, alone, HourRule.CLOCK_HOUR)
    return float(later - now)
