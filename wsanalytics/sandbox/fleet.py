"""The fleet: who works where, from before the sandbox started until now.

WorkSpace *i* belongs to account ``i % len(accounts)``. Nothing of a WorkSpace but its id is made
before somebody asks for it.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import cast

from wsanalytics.people import (
    Person,
    Purpose,
    code_of,
    make_people,
    make_workspace,
    person_sessions,
)
from wsanalytics.sandbox.catalog import (
    Directory,
    bundles,
    directories,
    directory_of,
    own_license_directory,
)
from wsanalytics.sandbox.interventions import Interventions
from wsanalytics.sandbox.life import DRAWN_AT_A_TIME, MAINTENANCE_AGE, Life
from wsanalytics.sandbox.workspace import CREATION, MANUAL, Desktop, Facts
from wsanalytics.settings import ALWAYS_ON, RunningMode, Setting, auto_stop
from wsanalytics.simulation import EventKind
from wsanalytics.timeline import Window

MANUAL_MINUTES = 2880
"""A MANUAL WorkSpace behaves as one that stops by itself after this many idle minutes."""
_SPARE_PEOPLE = 256
_CHANGED_EVERY, _CHANGED_PLACE = 25, 4
"""One WorkSpace in 25 had its running mode changed in the history."""


@dataclass
class Estate:
    """The WorkSpaces of one account in one region; ``ids`` are sorted, ``former`` are gone."""

    account: str
    region: str
    ids: list[str] = field(default_factory=list)
    desktops: dict[str, Desktop] = field(default_factory=dict)
    former: dict[str, Desktop] = field(default_factory=dict)
    _ending: list[Desktop] = field(default_factory=list)

    @cached_property
    def directories(self) -> dict[str, Directory]:
        """The directories by id."""
        return directories(self.account, self.region)

    def has_one(self, user_name: str, directory_id: str) -> bool:
        """Whether that user of that directory has a WorkSpace already."""
        return any(desktop.user_name == user_name and desktop.facts.directory_id == directory_id
                   for desktop in self.desktops.values())

    def add(self, desktop: Desktop) -> None:
        """A WorkSpace is created."""
        insort(self.ids, desktop.workspace_id)
        self.desktops[desktop.workspace_id] = desktop

    def terminate(self, desktop: Desktop, now: datetime) -> None:
        """Terminate a WorkSpace; it stays in answers for a minute more."""
        desktop.terminate(now)
        self._ending.append(desktop)

    def tidy(self, now: datetime) -> None:
        """Forget the WorkSpaces that are gone by *now*."""
        for desktop in [ending for ending in self._ending if ending.is_gone(now)]:
            self._ending.remove(desktop)
            self.former[desktop.workspace_id] = desktop
            del self.desktops[desktop.workspace_id]
            # ids is sorted, so that pages of answers have a stable order; bisect finds the entry.
            del self.ids[bisect_left(self.ids, desktop.workspace_id)]


class Fleet:
    """*size* invented people's WorkSpaces over *accounts* and *regions*.

    *history* is what lies behind when the sandbox starts; its end is that start.
    """

    def __init__(
        self, size: int, *, seed: int, history: Window,
        regions: tuple[str, ...], accounts: tuple[str, ...],
        interventions: Interventions | None = None,
    ) -> None:
        self.size, self.seed, self.history = size, seed, history
        self.regions, self.accounts = regions, accounts
        self.interventions = interventions or Interventions()
        self._people: tuple[Person, ...] = ()
        self._next = size

    @cached_property
    def estates(self) -> dict[tuple[str, str], Estate]:
        """The WorkSpaces by account and region."""
        estates = {(account, region): Estate(account, region)
                   for account in self.accounts for region in self.regions}
        for index in range(self.size):
            person = self.person(index)
            # By turns over the accounts first, then over the regions: every pair gets its part.
            account = self.accounts[index % len(self.accounts)]
            region = self.regions[index // len(self.accounts) % len(self.regions)]
            desktop = Desktop(person.workspace_id, person.name,
                              _Birth(self, index, account, region))
            estates[account, region].desktops[desktop.workspace_id] = desktop
        for estate in estates.values():
            estate.ids = sorted(estate.desktops)
        return estates

    def estate(self, account: str, region: str, now: datetime) -> Estate:
        """Return the estate of an account in a region *now*.

        Nothing where the sandbox has no fleet.
        """
        estate = self.estates.get((account, region))
        if estate is None:
            return Estate(account, region)
        estate.tidy(now)
        return estate

    def everything(self) -> Iterator[Desktop]:
        """Give every WorkSpace there is or was, by account, region and id."""
        for estate in self.estates.values():
            yield from sorted([*estate.desktops.values(), *estate.former.values()],
                              key=lambda desktop: desktop.workspace_id)

    def changed_at(self, index: int) -> datetime | None:
        """Return when the running mode of WorkSpace *index* was changed in the history."""
        person, days = self.person(index), self.history.days
        if index % _CHANGED_EVERY != _CHANGED_PLACE or days < 12 or index >= self.size:
            return None
        ago = person.luck(Purpose.CHANGES).uniform(10, min(55.0, days - 1))
        at = (self.history.end - timedelta(days=ago)).replace(second=0, microsecond=0)
        is_young = person.created_at is not None and at < person.created_at + timedelta(days=1)
        return None if is_young else at

    def past_changes(self, account: str, region: str) -> list[tuple[datetime, str]]:
        """Return the changes of running mode in the history, by account and region."""
        indices = range(_CHANGED_PLACE, self.size, _CHANGED_EVERY)
        estate = self.estates.get((account, region))
        changes = []
        for index in indices:
            # The change is drawn for the invented person, and found again here without any record.
            at, workspace_id = self.changed_at(index), self.person(index).workspace_id
            if at is not None and estate is not None and workspace_id in estate.desktops:
                changes.append((at, workspace_id))
        return changes

    def past_creations(self, account: str, region: str) -> list[tuple[datetime, str]]:
        """Return the creations of WorkSpaces in the history, by account and region."""
        estate = self.estates.get((account, region))
        return [
            (person.created_at, person.workspace_id)
            for person in self._people[:self.size]
            if person.created_at is not None and estate and person.workspace_id in estate.desktops
        ]

    def create(self, facts: Facts, setting: Setting, now: datetime) -> Desktop:
        """Return a new WorkSpace, with a user of its own; *facts* without an id get one.

        One in AUTO_STOP runs once it is ready, as after StartWorkspaces.
        """
        person = self.person(self._next)
        self._next += 1
        ready_at = now + CREATION
        facts = replace(facts, workspace_id=person.workspace_id, created_at=now, ready_at=ready_at,
                        computer_name=f"WSAMZN-{code_of(person.workspace_id)[:8].upper()}",
                        ip_address=_address(person.index))
        user = replace(person, created_at=ready_at, terminated_at=None)
        life = Life(lambda window: _sessions(user, window), setting, now, now,
                    now + MAINTENANCE_AGE if facts.maintenance_enabled else None)
        if setting.running_mode is RunningMode.AUTO_STOP:
            life.plan(EventKind.START_REQUESTED, ready_at)
        desktop = Desktop(facts.workspace_id, facts.user_name, lambda: (facts, life))
        self.estates[facts.account, facts.region].add(desktop)
        return desktop

    def person(self, index: int) -> Person:
        """Invented person *index*; those beyond the fleet's size are there for new WorkSpaces."""
        if index >= len(self._people):
            count = max(self.size, index + 1) + _SPARE_PEOPLE
            self._people = make_people(count, seed=self.seed, window=self.history)
        return self._people[index]


def _sessions(person: Person, window: Window) -> list[tuple[datetime, datetime]]:
    if person.created_at is not None and person.created_at >= window.end:
        return []
    return person_sessions(person, window)


@dataclass(frozen=True, slots=True)
class _Birth:
    """The creation of a WorkSpace of the invented people, once somebody asks for it."""

    fleet: Fleet
    index: int
    account: str
    region: str

    def __call__(self) -> tuple[Facts, Life]:
        fleet = self.fleet
        person = fleet.person(self.index)
        person = replace(person, terminated_at=None,
                         place=replace(person.place, region=self.region))
        row = make_workspace(person, seed=fleet.seed, window=fleet.history)
        facts = self._facts(person, row)
        now = _setting_of(row)
        born_at = person.created_at or fleet.history.start
        maintained_from = None
        if facts.maintenance_enabled:
            maintained_from = (fleet.history.start - timedelta(days=1)
                               if person.created_at is None else born_at + MAINTENANCE_AGE)
        changed_at = None if facts.manual or facts.standby else fleet.changed_at(self.index)
        # The inventory has today's mode: before the change of the history it was the other one.
        before = _other_mode(now) if changed_at is not None else now
        life = Life(lambda window: _sessions(person, window), before, born_at,
                    fleet.history.end + DRAWN_AT_A_TIME, maintained_from,
                    fleet.interventions.of(fleet.seed, person.workspace_id))
        if changed_at is not None:
            life.plan(EventKind.SETTING_CHANGES, changed_at, now)
        return facts, life

    def _facts(self, person: Person, row: dict[str, object]) -> Facts:
        bundle = bundles()[str(row["bundle_id"])]
        root, user = bundle.volumes
        directory_id = directory_of(self.account, str(row["directory_id"]))
        if bundle.license == "byol":
            directory_id = own_license_directory(self.account, self.region)
        directory = directories(self.account, self.region)[directory_id]
        return Facts(
            workspace_id=person.workspace_id, account=self.account, region=self.region,
            directory_id=directory_id, user_name=person.name,
            computer_name=str(row["computer_name"]), ip_address=_address(self.index),
            bundle=bundle, root_gib=cast("int", row["root_gib"]) or root,
            user_gib=cast("int", row["user_gib"]) or user,
            manual=row["running_mode"] == MANUAL, standby=bool(row["standby"]),
            maintenance_enabled=directory.maintenance_enabled, created_at=person.created_at,
            primary_id=f"ws-{code_of(f'primary of {person.workspace_id}')}",
            tags=json.loads(str(row["tags"])),
        )


def _setting_of(row: dict[str, object]) -> Setting:
    if row["running_mode"] == RunningMode.ALWAYS_ON:
        return ALWAYS_ON
    minutes = row["auto_stop_minutes"]
    return auto_stop(cast("int", minutes) if minutes else MANUAL_MINUTES)


def _other_mode(setting: Setting) -> Setting:
    return auto_stop(60) if setting == ALWAYS_ON else ALWAYS_ON


def _address(index: int) -> str:
    return f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
