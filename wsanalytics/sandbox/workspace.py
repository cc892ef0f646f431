"""One WorkSpace as AWS shows it: what it is, and what state its life has brought it to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from wsanalytics.sandbox.catalog import Bundle, subnet_of
from wsanalytics.sandbox.life import Life
from wsanalytics.sandbox.services.protocol import Members
from wsanalytics.settings import RunningMode, Setting
from wsanalytics.simulation import EventKind
from wsanalytics.timeline import from_micros, to_micros

CREATION = timedelta(seconds=20)
"""The time for which a new WorkSpace is PENDING."""
START = timedelta(seconds=45)
"""The time for which it is STARTING after a command to start; it is metered meanwhile."""
RESUME = timedelta(seconds=60)
"""The time for which it is STARTING before a user who found it stopped is connected; unmetered."""
STOP = timedelta(seconds=60)
"""The time for which it is STOPPING; unmetered."""
REBOOT = timedelta(seconds=60)
TERMINATION = timedelta(seconds=60)
"""The time for which it is TERMINATING before it is gone from every answer."""
MAINTENANCE = timedelta(hours=1)
MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of a WorkSpace that do not change, but for its tags.

    ``created_at`` is None where it was there before the history; ``ready_at`` when it stops being
    PENDING.
    """

    workspace_id: str
    account: str
    region: str
    directory_id: str
    user_name: str
    computer_name: str
    ip_address: str
    bundle: Bundle
    root_gib: int
    user_gib: int
    manual: bool = False
    standby: bool = False
    maintenance_enabled: bool = False
    created_at: datetime | None = None
    ready_at: datetime | None = None
    workspace_name: str | None = None
    primary_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The WorkSpace's ARN, as the tagging API and bills name it."""
        return f"arn:aws:workspaces:{self.region}:{self.account}:workspace/{self.workspace_id}"


class Desktop:
    """One living WorkSpace; *make* gives its facts and its life once somebody looks at it."""

    def __init__(
        self, workspace_id: str, user_name: str, make: Callable[[], tuple[Facts, Life]]
    ) -> None:
        self.workspace_id, self.user_name = workspace_id, user_name
        self._make: Callable[[], tuple[Facts, Life]] | None = make
        self._facts: Facts
        self._life: Life
        self._starting_until: datetime | None = None
        self._rebooting_until: datetime | None = None
        self._described: Members = {}

    @property
    def facts(self) -> Facts:
        """The facts that do not change."""
        self._be_made()
        return self._facts

    @property
    def life(self) -> Life:
        """Its life so far; :meth:`Life.advance` brings it up to date."""
        self._be_made()
        return self._life

    def _be_made(self) -> None:
        if self._make is not None:
            self._facts, self._life = self._make()
            self._make = None

    @property
    def setting(self) -> Setting:
        """The setting in force; that of a MANUAL one only stands for how it behaves."""
        return self.life.machine.setting

    @property
    def running_mode(self) -> str:
        """ALWAYS_ON, AUTO_STOP or MANUAL."""
        return MANUAL if self.facts.manual else self.setting.running_mode.value

    @property
    def auto_stop_minutes(self) -> int | None:
        """The AutoStop timeout in minutes; None but for AUTO_STOP."""
        return None if self.facts.manual else self.setting.auto_stop_minutes

    def state(self, now: datetime) -> str:
        """Return the state in DescribeWorkspaces."""
        life = self.life
        life.advance(now)
        if life.ended_at is not None:
            return "TERMINATING" if now < life.ended_at + TERMINATION else "TERMINATED"
        if self.facts.ready_at is not None and now < self.facts.ready_at:
            return "PENDING"
        if self._rebooting_until is not None and now < self._rebooting_until:
            return "REBOOTING"
        if life.machine.is_on:
            is_starting = self._starting_until is not None and now < self._starting_until
            return "STARTING" if is_starting else "AVAILABLE"
        return self._state_while_off(now)

    def _state_while_off(self, now: datetime) -> str:
        life = self.life
        coming = life.next_connect()
        # The user is about to be connected: a stopped WorkSpace is already STARTING for them.
        if coming is not None and coming - now <= RESUME:
            return "STARTING"
        if life.maintained and now < life.maintained[-1] + MAINTENANCE:
            return "MAINTENANCE"
        off_since = life.machine.off_since
        return "STOPPING" if life.born_at < off_since and now < off_since + STOP else "STOPPED"

    def describe(self, now: datetime) -> Members:
        """Return the WorkSpace as DescribeWorkspaces answers it."""
        state = self.state(now)
        if not self._described:
            self._described = self._describe_facts()
        properties = self._described["WorkspaceProperties"] | {"RunningMode": self.running_mode}
        if self.auto_stop_minutes is not None:
            properties["RunningModeAutoStopTimeoutInMinutes"] = self.auto_stop_minutes
        return self._described | {"State": state, "WorkspaceProperties": properties}

    def _describe_facts(self) -> Members:
        facts = self.facts
        related = {"WorkspaceId": facts.primary_id, "Region": facts.region, "State": "AVAILABLE",
                   "Type": "PRIMARY"}
        return {
            "WorkspaceId": facts.workspace_id,
            "DirectoryId": facts.directory_id,
            "UserName": facts.user_name,
            "IpAddress": facts.ip_address,
            "BundleId": facts.bundle.bundle_id,
            "SubnetId": subnet_of(facts.directory_id, 0),
            "ComputerName": facts.computer_name,
            "UserVolumeEncryptionEnabled": False,
            "RootVolumeEncryptionEnabled": False,
            "WorkspaceName": facts.workspace_name,
            "WorkspaceProperties": {
                "RootVolumeSizeGib": facts.root_gib,
                "UserVolumeSizeGib": facts.user_gib,
                "ComputeTypeName": facts.bundle.compute_type,
                "Protocols": ["WSP"],
                "OperatingSystemName": facts.bundle.system_name,
            },
            "ModificationStates": [],
            "RelatedWorkspaces": [related] if facts.standby else None,
        }

    def connection(self, now: datetime, checked: datetime | None = None) -> Members | None:
        """Return its row of DescribeWorkspacesConnectionStatus, by *now*; None where there is none.

        The row is as *checked* (by default now), which may be a while ago.
        """
        state = self.state(now)
        if state in {"PENDING", "TERMINATING", "TERMINATED"}:
            return None
        if checked is not None and checked < now:
            return self._connection_then(max(checked, self.life.born_at), now)
        life = self.life
        row: Members = {"WorkspaceId": self.workspace_id, "ConnectionStateCheckTimestamp": now}
        if not life.machine.is_on:
            row["ConnectionState"] = "UNKNOWN"
        else:
            row["ConnectionState"] = "CONNECTED" if life.machine.connected else "DISCONNECTED"
        if life.machine.connected:
            row["LastKnownUserConnectionTimestamp"] = now
        elif life.last_left is not None:
            row["LastKnownUserConnectionTimestamp"] = from_micros(life.last_left)
        return row

    def _connection_then(self, checked: datetime, now: datetime) -> Members:
        """Return its row as it was *checked* some time before *now*."""
        at, life = to_micros(checked), self.life
        connected, switched_on = life.connected(now), life.switched_on(now)
        row: Members = {"WorkspaceId": self.workspace_id, "ConnectionStateCheckTimestamp": checked}
        # begun: sessions that had begun by then; the last of them is the one that may still go on.
        begun = int(np.searchsorted(connected.starts, at, side="right"))
        is_connected = begun > 0 and at < connected.ends[begun - 1]
        runs = int(np.searchsorted(switched_on.starts, at, side="right"))
        is_on = is_connected or (runs > 0 and at < switched_on.ends[runs - 1])
        row["ConnectionState"] = ("CONNECTED" if is_connected else
                                  "DISCONNECTED" if is_on else "UNKNOWN")
        if is_connected:
            row["LastKnownUserConnectionTimestamp"] = checked
        elif begun > 0:
            row["LastKnownUserConnectionTimestamp"] = from_micros(int(connected.ends[begun - 1]))
        return row

    def start(self, now: datetime) -> None:
        """Switch it on; whether that is possible has been checked."""
        self._starting_until = self.life.order(EventKind.START_REQUESTED, now) + START

    def stop(self, now: datetime) -> None:
        """Switch it off; whoever is connected is cut off."""
        self.life.order(EventKind.STOP_REQUESTED, now)

    def change(self, setting: Setting, now: datetime) -> None:
        """Give it another setting; one that turns ALWAYS_ON while stopped starts."""
        life = self.life
        life.advance(now)
        was_off = not life.machine.is_on
        at = life.order(EventKind.SETTING_CHANGES, now, setting)
        # ALWAYS_ON means switched on at once, but a start takes its time all the same.
        if was_off and setting.running_mode is RunningMode.ALWAYS_ON:
            self._starting_until = at + START

    def reboot(self, now: datetime) -> None:
        """Start it anew, which disconnects its user."""
        self.life.drop_connection(now)
        self._rebooting_until = now + REBOOT

    def terminate(self, now: datetime) -> None:
        """End it for good."""
        self.life.end(now)

    def is_gone(self, now: datetime) -> bool:
        """Whether it was terminated and is in no answer any more."""
        if self._make is not None:
            return False
        ended_at = self._life.ended_at
        return ended_at is not None and now >= ended_at + TERMINATION
