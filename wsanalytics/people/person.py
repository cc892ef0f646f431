"""Invent the people of a fleet, each from a generator of their own.

Nobody in here exists. Person 17 is the same in a fleet of 20 and of 2,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import lru_cache
from hashlib import sha256

import numpy as np

from wsanalytics.timeline import Window


class Purpose(IntEnum):
    """The purpose of a generator; part of its seed, so that no two draws share one."""

    WHO = 1
    MACHINE = 2
    DAY = 3
    VACATION = 4
    SICK = 5
    ENGAGED = 6
    DECK = 7
    OUTAGES = 8
    LOSSES = 9
    CHANGES = 10
    LEVEL = 11


class Archetype(StrEnum):
    """The kind of user of a WorkSpace; the value is what a reader sees."""

    NINE_TO_FIVE = "nine to five"
    PART_TIME = "part time"
    SHIFTS = "rotating shifts"
    NIGHT_OWL = "night owl"
    NEVER_LEAVES = "never disconnects"
    RECONNECTS = "reconnects all day"
    CONTRACTOR = "contractor"
    AUTOMATION = "unattended automation"
    UNUSED = "never used"
    NEWCOMER = "created lately"


class Kind(StrEnum):
    """The kind of a fleet: how much its people work from month to month.

    Beside the ``usual`` one, which the sample fleet is of, there are fleets whose people are harder
    to foresee; :mod:`.levels` says how their days become longer and shorter.
    """

    USUAL = "usual"
    WANDERING = "wandering"
    SEASONAL = "seasonal"
    JUMPING = "jumping"
    BREAK_EVEN = "break-even"


_MIX = {
    Archetype.NINE_TO_FIVE: 14,
    Archetype.PART_TIME: 4,
    Archetype.SHIFTS: 4,
    Archetype.NIGHT_OWL: 3,
    Archetype.NEVER_LEAVES: 2,
    Archetype.RECONNECTS: 2,
    Archetype.CONTRACTOR: 3,
    Archetype.AUTOMATION: 3,
    Archetype.UNUSED: 3,
    Archetype.NEWCOMER: 2,
}
"""The number of each kind among persons 0 to 39, 40 to 79, and so on."""
_MIX_OF_LEVELS = {
    Archetype.NINE_TO_FIVE: 24,
    Archetype.PART_TIME: 7,
    Archetype.NIGHT_OWL: 3,
    Archetype.RECONNECTS: 2,
    Archetype.CONTRACTOR: 3,
    Archetype.UNUSED: 1,
}
_MIXES = {
    Kind.USUAL: _MIX,
    Kind.WANDERING: _MIX_OF_LEVELS,
    Kind.SEASONAL: _MIX_OF_LEVELS,
    Kind.JUMPING: _MIX_OF_LEVELS,
    Kind.BREAK_EVEN: {Archetype.SHIFTS: 40},
}
"""The same for each kind of fleet."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of work: its time zone, whose public holidays hold, the nearest region."""

    zone: str
    country: str
    subdivision: str | None
    region: str


PLACES = (
    Place("America/New_York", "US", "NY", "us-east-1"),
    Place("America/Chicago", "US", "IL", "us-east-1"),
    Place("America/Los_Angeles", "US", "CA", "us-west-2"),
    Place("Europe/London", "GB", "ENG", "eu-west-1"),
    Place("Europe/Berlin", "DE", "BE", "eu-central-1"),
    Place("Asia/Kolkata", "IN", None, "ap-south-1"),
    Place("Asia/Singapore", "SG", None, "ap-southeast-1"),
    Place("Australia/Sydney", "AU", "NSW", "ap-southeast-2"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented user (or robot) of a WorkSpace, and their habits.

    ``workdays`` are weekdays, Monday 0. ``starts_minutes`` is when they usually begin, in minutes
    after local midnight, and ``jitter_minutes`` the standard deviation of that; ``works_minutes``
    how long they usually stay. ``rhythm`` shifts whatever recurs (rotations, engagements, the
    minute of an hourly job). ``created_at`` and ``terminated_at`` are those of their WorkSpace;
    None where it was there before the window, or stays. ``kind`` is that of their fleet.
    """

    seed: int
    index: int
    archetype: Archetype
    place: Place
    workdays: tuple[int, ...]
    starts_minutes: float
    works_minutes: float
    jitter_minutes: float
    lunch_share: float
    breaks_per_day: float
    rhythm: int
    created_at: datetime | None = None
    terminated_at: datetime | None = None
    kind: Kind = Kind.USUAL

    @property
    def name(self) -> str:
        """Their user name: a first name and a cake, or a service."""
        if self.archetype is Archetype.AUTOMATION:
            return f"svc-job-{self.index:04}"
        names = len(_FIRST) * len(_LAST)
        last, first = divmod(self.index * 613 % names, len(_FIRST))
        again = self.index // names
        return f"{_FIRST[first]}.{_LAST[last]}{again + 1 if again else ''}"

    @property
    def workspace_id(self) -> str:
        """The id of their WorkSpace."""
        return f"ws-{code_of(f'{self.seed}/{self.index}')}"

    def luck(self, *purpose: int) -> np.random.Generator:
        """Give the generator of all chance in this person's life that has to do with *purpose*."""
        return np.random.default_rng((self.seed, self.index, *purpose))


_FIRST = ("ada", "bodo", "cleo", "dario", "edda", "femi", "gita", "hugo", "inez", "jonas", "kirti",
          "liam", "mei", "nuri", "olga", "piet", "quinn", "rosa", "sven", "tara")
_LAST = ("applepie", "brownie", "cheesecake", "doughnut", "eclair", "flapjack", "gingerbread",
         "hobnob", "icing", "jellyroll", "kringle", "lamington", "macaroon", "nougat", "oatcake",
         "pavlova", "rumbaba", "shortbread", "tiramisu", "waffle")


def code_of(text: str) -> str:
    """Nine lower-case letters and digits that stand for *text*, as AWS's ids have them."""
    number, digits = int.from_bytes(sha256(text.encode()).digest()[:8]), ""
    for _ in range(9):
        number, digit = divmod(number, 36)
        digits += "0123456789abcdefghijklmnopqrstuvwxyz"[digit]
    return digits


def make_people(
    count: int, *, seed: int, window: Window, kind: Kind = Kind.USUAL
) -> tuple[Person, ...]:
    """*count* people of all archetypes; every forty in a row hold the whole mix of their *kind*.

    Newcomers, and some contractors, come or go within *window*; nothing else depends on it, and
    nobody depends on *count*.
    """
    return tuple(_person(index, seed, window, Kind(kind)) for index in range(count))


@lru_cache(maxsize=64)
def _deck(seed: int, number: int, kind: Kind) -> tuple[Archetype, ...]:
    """Return the archetypes of forty people in a row."""
    cards = [archetype for archetype, count in _MIXES[kind].items() for _ in range(count)]
    order = np.random.default_rng((seed, number, Purpose.DECK)).permutation(len(cards))
    return tuple(cards[index] for index in order)


def _person(index: int, seed: int, window: Window, kind: Kind) -> Person:
    number, card = divmod(index, sum(_MIX.values()))
    archetype = _deck(seed, number, kind)[card]
    rng = np.random.default_rng((seed, index, Purpose.WHO))
    place = PLACES[rng.integers(len(PLACES))]
    workdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    starts, works = rng.normal(8.75 * 60, 35), rng.normal(8.5 * 60, 40)
    jitter, breaks, lunch = rng.uniform(6, 22), rng.uniform(0.3, 2.2), rng.uniform(0.2, 0.95)
    if rng.random() < 0.3:  # the desktop is for a few tasks of the day only
        works, lunch = rng.uniform(1.2, 4.5) * 60, 0.1
    match archetype:
        case Archetype.PART_TIME:
            workdays = tuple(sorted(rng.choice(5, rng.integers(2, 4), replace=False).tolist()))
            works = rng.uniform(3, 6) * 60
        case Archetype.SHIFTS:
            works = 8 * 60
        case Archetype.NIGHT_OWL:
            workdays = tuple(range(7))
            starts, works = rng.uniform(18.5, 22) * 60, rng.uniform(5.5, 8) * 60
        case Archetype.NEVER_LEAVES:
            breaks = rng.uniform(0.03, 0.35)
        case Archetype.AUTOMATION:
            place = Place("UTC", "", None, place.region)
    if kind is not Kind.USUAL:  # drawn apart, so that the usual people stay who they are
        works = _works_minutes(kind, np.random.default_rng((seed, index, Purpose.LEVEL)))
    first_day, last_day = rng.uniform(0.1, 0.8), rng.uniform(0.3, 0.95)
    fate = rng.random()
    created = archetype is Archetype.NEWCOMER or (archetype is Archetype.CONTRACTOR and fate < 0.35)
    terminated = archetype is Archetype.CONTRACTOR and fate > 0.6
    return Person(
        seed=seed, index=index, archetype=archetype, place=place, workdays=workdays,
        starts_minutes=starts, works_minutes=works, jitter_minutes=jitter, lunch_share=lunch,
        breaks_per_day=breaks, rhythm=int(rng.integers(1000)),
        created_at=_within(window, first_day) if created else None,
        terminated_at=_within(window, last_day) if terminated else None, kind=kind,
    )


def _works_minutes(kind: Kind, rng: np.random.Generator) -> float:
    """Return how long somebody stays in a usual month: mostly not far from the break-even."""
    if kind is Kind.BREAK_EVEN:  # ten shifts a month, of which some 85 billed hours pay
        return float(rng.uniform(6, 9.5) * 60)
    return float(np.exp(rng.uniform(np.log(1.5), np.log(7.5))) * 60)


def _within(window: Window, share: float) -> datetime:
    return (window.start + (window.end - window.start) * share).replace(microsecond=0)
