"""Hold the state of a review: ticked, filtered, asked for and done, without any widget.

The panel shows this and hands clicks to it. All rules of a review are here: what may be ticked
when, what a confirmation has to say, and that nothing begins twice. A thread that carries out
changes reports what has ended; listeners added by ``listen`` are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import RLock
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.actions import Outcome
from wsanalytics.defaults import RUN_LIMIT
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted, measured, usd
from wsanalytics.recommendations import Plan
from wsanalytics.widgets.review_rows import Filters, Marks, Place, changes_in_words, rows_of

CANCELLED = "left because the run was cancelled"


class Act(StrEnum):
    """An action on the ticked changes, or on those that can be taken back."""

    DRY_RUN = "dry run"
    APPLY = "apply"
    UNDO = "undo"


class Phase(StrEnum):
    """The phase of a review: people look and tick, are asked to confirm, or a run is under way."""

    LOOKING = "looking"
    CONFIRMING = "confirming"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of some changes: how many, USD a month, and cold starts a week beyond today's."""

    changes: int
    saving_usd_per_month: float
    extra_cold_starts_per_week: float

    def __str__(self) -> str:
        waits = self.extra_cold_starts_per_week
        side = "fewer" if round(waits, 1) < 0 else "more"
        return (f"{counted(self.changes, 'change')}, {usd(self.saving_usd_per_month)} a month "
                f"saved, {measured(abs(waits), f'{side} cold start')} a week")


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one change: an outcome as of :class:`~wsanalytics.actions.Outcome`, and why."""

    outcome: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to a person to confirm: the act, the words to be typed, for which WorkSpaces."""

    act: Act
    words: str
    ids: tuple[str, ...]
    question: str


@dataclass(eq=False)
class Review:
    """A plan under review.

    ``rows`` (:data:`ROWS`) are its changes; ``ticked`` and ``shown`` a
    mark a row. ``ended`` has what became of each change of the last run by ``workspace_id``;
    ``message`` is the last word to the reader, ``trouble`` whether it is bad news. ``places`` are
    the accounts and regions that may be changed, none where nobody handed over a writer. ``limit``
    is the most changes of one run. ``in_force`` are the changes in a journal, by
    WorkSpace, with their places: what can be taken back.
    """

    plan: Plan
    workspaces: pd.DataFrame | None = None
    places: tuple[Place, ...] = ()
    limit: int | None = RUN_LIMIT
    rows: pd.DataFrame = field(init=False)
    ticked: Marks = field(init=False)
    shown: Marks = field(init=False)
    filters: Filters = field(default_factory=Filters)
    phase: Phase = Phase.LOOKING
    ask: Ask | None = None
    act: Act | None = None
    under_way: tuple[str, ...] = ()
    ended: dict[str, Ended] = field(default_factory=dict)
    is_cancelled: bool = False
    in_force: Mapping[str, Place] = field(default_factory=dict)
    message: str = ""
    trouble: bool = False

    def __post_init__(self) -> None:
        self.rows = rows_of(self.plan, self.workspaces)
        self.ticked = np.zeros(len(self.rows), dtype=bool)
        self.shown = self.filters.marks(self.rows)
        self._lock = RLock()
        self._listeners: list[Callable[[], None]] = []

    # What is looked at ------------------------------------------------------------------------

    @property
    def may_tick(self) -> bool:
        """Whether ticks can be changed: not while what is ticked is confirmed or carried out."""
        return self.phase is Phase.LOOKING

    @property
    def picked(self) -> list[str]:
        """The ids of the WorkSpaces that are ticked, the largest saving first."""
        return self.rows.loc[self.ticked, "workspace_id"].tolist()

    @property
    def sums(self) -> Sums:
        """The sums of the ticked changes."""
        return self.sums_of(self.ticked)

    def sums_of(self, marks: Marks) -> Sums:
        """Sum up the marked rows; unknown amounts count as nothing."""
        rows = self.rows[marks]
        return Sums(len(rows), float(rows["saving_usd_per_month"].sum()),
                    float(rows["extra_cold_starts_per_week"].sum()))

    def choices(self, name: str) -> list[str]:
        """Return the values of the column *name* (or ``change``), for a filter to choose from."""
        column = changes_in_words(self.rows) if name == "change" else self.rows[name]
        return sorted(filter(None, column.unique()))

    # What people do ---------------------------------------------------------------------------

    def tick(self, marks: Marks) -> bool:
        """Tick exactly the marked rows; whether that was possible."""
        with self._lock:
            if not self.may_tick or len(marks) != len(self.ticked):
                return False
            self.ticked = marks.copy()
            self.ended = {}
        self.tell()
        return True

    def tick_ids(self, ids: Iterable[str], *, on: bool = True) -> bool:
        """Tick the rows of some WorkSpaces, or with ``on=False`` take their ticks away."""
        marks = self.rows["workspace_id"].isin(set(ids)).to_numpy()
        return self.tick(self.ticked | marks if on else self.ticked & ~marks)

    def tick_shown(self, *, on: bool = True) -> bool:
        """Tick what the filters show, beside what is ticked; or take their ticks away."""
        return self.tick(self.ticked | self.shown if on else self.ticked & ~self.shown)

    def filter(self, **named: Any) -> None:  # noqa: ANN401  # the fields of Filters
        """Show other rows; ticks stay as they are, on rows that are not shown as well.

        Raises :class:`InputError` for a filter that does not exist.
        """
        field_names = Filters.__dataclass_fields__
        if strange := sorted(set(named) - set(field_names)):
            raise InputError(
                f"there is no filter {strange[0]!r}",
                where="the review",
                rule=f"the filters are {', '.join(field_names)}",
                fix="name one of them",
            )
        with self._lock:
            self.filters = replace(self.filters, **named)
            self.shown = self.filters.marks(self.rows)
        self.tell()

    def request(self, act: Act) -> Ask | None:
        """Ask for the confirmation of *act*; None where nothing can be done, or by nobody.

        The question is about what this run will do, in the accounts where it will be done.
        """
        with self._lock:
            if act is Act.DRY_RUN or not (self.may_tick and self.places):
                return None
            account_regions = self._to_undo() if act is Act.UNDO else self._to_apply()
            if not account_regions:
                if act is Act.APPLY and self.ticked.any():
                    self._nothing_here()
                return None
            count, where = len(account_regions), _named(account_regions.values())
            more = "" if act is Act.UNDO else self._more(count)
            self.phase, what = Phase.CONFIRMING, counted(count, "change")
            self.ask = Ask(act, f"{act} {count} in {where}", tuple(account_regions),
                           f"{'Take back' if act is Act.UNDO else 'Make'} {what} in account "
                           f"{where}?{more}")
        self.tell()
        return self.ask

    def _to_apply(self) -> dict[str, Place]:
        """Return the ticked changes that one run makes, those that save most first, and where."""
        rows = self.rows[self.ticked]
        account_regions = zip(rows["account_id"], rows["region"], strict=True)
        by_workspace = {
            name: account_region
            for name, account_region in zip(rows["workspace_id"], account_regions, strict=True)
            if account_region in self.places
        }
        return dict(list(by_workspace.items())[:self.limit])

    def _to_undo(self) -> dict[str, Place]:
        return {
            name: account_region
            for name, account_region in self.in_force.items()
            if account_region in self.places
        }

    @property
    def can_undo(self) -> int:
        """The number of changes that can be taken back."""
        return len(self._to_undo())

    def _nothing_here(self) -> None:
        """Say that nothing of what is ticked is where the writers may change something."""
        rows = self.rows[self.ticked]
        theirs = _named(zip(rows["account_id"], rows["region"], strict=True))
        self.say(f"Nothing that is ticked is in {_named(self.places)}, which is what may be "
                 f"changed here: it is in {theirs}.", trouble=True)

    def _more(self, count: int) -> str:
        remaining = int(self.ticked.sum()) - count
        return (
            ""
            if not remaining
            else (
                f" {remaining:,} more that are ticked are left: one run takes {self.limit} at "
                "most, those that save most first, and only where a writer was handed over."
            )
        )

    def back(self) -> None:
        """Do not do what was asked for."""
        with self._lock:
            if self.phase is Phase.CONFIRMING:
                self.phase, self.ask = Phase.LOOKING, None
        self.tell()

    def confirm(self, typed: str) -> Act | None:
        """Begin what was asked for if *typed* are its words; which act has begun, if one has."""
        with self._lock:
            ask = self.ask
            if self.phase is not Phase.CONFIRMING or ask is None or typed.strip() != ask.words:
                return None
            return self.begin(ask.act)

    def begin(self, act: Act) -> Act | None:
        """A run begins; None, and nothing else, where one is under way or there is nothing to do.

        Apply and undo begin only where they were asked for; a dry run needs no confirmation.
        """
        with self._lock:
            act_asked = self.ask.act if self.ask and self.phase is Phase.CONFIRMING else None
            if (
                act_asked is not (None if act is Act.DRY_RUN else act)
                or self.phase is Phase.RUNNING
            ):
                return None
            if not self.places or (act is not Act.UNDO and not self.ticked.any()):
                return None
            self.under_way = self.ask.ids if act is Act.UNDO and self.ask else tuple(self.picked)
            self.phase, self.ask, self.act = Phase.RUNNING, None, act
            self.ended, self.is_cancelled, self.message, self.trouble = {}, False, "", False
        self.tell()
        return act

    def cancel(self) -> bool:
        """Begin no more changes, what is begun comes to its end; whether a run is under way."""
        with self._lock:
            if self.phase is not Phase.RUNNING:
                return False
            self.is_cancelled = True
        self.tell()
        return True

    # What a run reports -----------------------------------------------------------------------

    @property
    def expected(self) -> int:
        """The number of outcomes that the run under way will have."""
        return len(self.under_way)

    def why_stop(self) -> str:
        """Return the reason why no more changes shall be started; empty: go on."""
        return CANCELLED if self.is_cancelled else ""

    def note(self, workspace_id: str, outcome: str, message: str = "") -> None:
        """One change has come to its end."""
        with self._lock:
            self.ended = {**self.ended, workspace_id: Ended(outcome, message)}
        self.tell()

    def say(self, message: str, *, trouble: bool = False) -> None:
        """A word to the reader."""
        with self._lock:
            self.message, self.trouble = message, trouble
        self.tell()

    def finish(
        self, ended: Mapping[str, Ended], message: str, *, trouble: bool = False,
        in_force: Mapping[str, Place] | None = None,
    ) -> None:
        """The run is over: how each change ended, and what to say of it."""
        with self._lock:
            self.phase, self.under_way, self.ended = Phase.LOOKING, (), dict(ended)
            self.message, self.trouble = message, trouble
            self.in_force = self.in_force if in_force is None else in_force
        self.tell()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call *listener* after each change of this state, by whichever thread makes it."""
        self._listeners.append(listener)

    def tell(self) -> None:
        """Call the listeners."""
        for listener in self._listeners:
            listener()


def _named(places: Iterable[Place]) -> str:
    """Accounts and regions for people, each once."""
    return " and ".join(dict.fromkeys(
        f"{account or 'no account'} {region or 'no region'}" for account, region in places))


def in_words(ended: Mapping[str, Ended]) -> str:
    """Describe how many changes ended in which way.

    >>> in_words({"ws-1": Ended("done"), "ws-2": Ended("skipped", "it is gone")})
    '1 done, 1 skipped'
    """
    counts = {str(end): 0 for end in Outcome}
    for end in ended.values():
        counts[end.outcome] = counts.get(end.outcome, 0) + 1
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
