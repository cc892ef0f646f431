"""Switch WorkSpaces on and off beside their users: jobs, administrators, failing machines.

All of it is off unless asked for. What happens is fixed by the seed and the WorkSpace, whoever
looks and whenever.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.simulation import EventKind
from wsanalytics.timeline import Window

DAY = timedelta(days=1)
_HANGS_EVERY_DAYS = 9
_HANG_HOURS = (2.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interventions:
    """The share of the WorkSpaces that others than their user switch; 0.1 is one in ten.

    ``night_jobs``: started by a job at an hour of its own, every night or (one in three) in the
    night to Sunday alone. ``early_stops``: stopped by an administrator on working days, at a
    time of its own in the afternoon, whoever is connected. ``hangs``: now and then it stays on
    for hours after its timeout.
    """

    night_jobs: float = 0.0
    early_stops: float = 0.0
    hangs: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            share = getattr(self, field.name)
            if not 0 <= share <= 1:
                raise InputError(
                    f"{field.name} is {share}", where="the sandbox's interventions",
                    rule="a share lies from 0 to 1", fix="use for example 0.1")

    @classmethod
    def parse(cls, texts: list[str], *, where: str = "--intervene") -> Interventions:
        """Parse *texts*, each NAME=SHARE.

        >>> Interventions.parse(["night-jobs=0.2"])
        Interventions(night_jobs=0.2, early_stops=0.0, hangs=0.0)
        """
        names = [field.name for field in fields(cls)]
        chosen: dict[str, float] = {}
        for text in texts:
            name, _, share = text.partition("=")
            wanted = name.strip().replace("-", "_")
            if wanted not in names:
                raise InputError(
                    f"there is no {name!r}", where=where,
                    rule=f"what can be asked for is {', '.join(names)}".replace("_", "-"),
                    fix=did_you_mean(wanted, names, otherwise="name one").replace("_", "-"))
            try:
                chosen[wanted] = float(share)
            except ValueError:
                raise InputError(f"{text!r} names no share", where=where,
                                 rule="it is written NAME=SHARE, a share from 0 to 1",
                                 fix=f"use for example {name}=0.1") from None
        return cls(**chosen)

    def of(self, seed: int, workspace_id: str) -> Meddling:
        """Draw the interventions on one WorkSpace."""
        luck = random.Random(f"{seed} {workspace_id}")  # noqa: S311  # repeatable, not secret
        job, stops, hangs = (luck.random() for _ in range(3))
        return Meddling(
            job_at=timedelta(minutes=luck.choice((0, 0, 30, 95, 150, 217))) if (
                job < self.night_jobs) else None,
            job_weekly=luck.random() < 1 / 3,
            stopped_at=timedelta(hours=15, minutes=luck.randrange(180)) if (
                stops < self.early_stops) else None,
            hangs_from=luck.randrange(_HANGS_EVERY_DAYS) if hangs < self.hangs else None,
            hang=timedelta(hours=luck.uniform(*_HANG_HOURS)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Meddling:
    """The interventions on one WorkSpace: times of the UTC day, None for what never happens."""

    job_at: timedelta | None = None
    job_weekly: bool = False
    stopped_at: timedelta | None = None
    hangs_from: int | None = None
    hang: timedelta = timedelta(0)

    def orders(self, window: Window) -> Iterator[tuple[datetime, EventKind]]:
        """Give the starts and stops within *window*."""
        day = window.start.replace(hour=0, minute=0, second=0, microsecond=0)
        while day < window.end:
            moments = []
            if self.job_at is not None and (not self.job_weekly or day.weekday() == 6):
                moments.append((day + self.job_at, EventKind.START_REQUESTED))
            if self.stopped_at is not None and day.weekday() < 5:
                moments.append((day + self.stopped_at, EventKind.STOP_REQUESTED))
            yield from (moment for moment in moments if window.start <= moment[0] < window.end)
            day += DAY

    @property
    def stops_at(self) -> Callable[[datetime], datetime] | None:
        """The function from the end of its timeout to its real stop; None if it never hangs."""
        return None if self.hangs_from is None else self._late

    def _late(self, at: datetime) -> datetime:
        day = at.toordinal() % _HANGS_EVERY_DAYS
        return at + self.hang if day == self.hangs_from else at
