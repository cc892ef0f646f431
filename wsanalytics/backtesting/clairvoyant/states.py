"""The states that the search for the cheapest way keeps at each midnight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wsanalytics.timeline import Hours

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class LabelSet:
    """Some states (rows) of one kind that WorkSpaces (columns) may be in, each with its least cost.

    ``came`` is the row, at the midnight before, from which each was reached. ``slack`` is how much
    of a billed hour is left, in microseconds. The bits of ``stopped`` tell at which of the day's
    disconnects it was stopped, the first one in the lowest.
    """

    usd: Hours
    came: npt.NDArray[np.int16]
    slack: npt.NDArray[np.int64]
    stopped: npt.NDArray[np.int64]

    @classmethod
    def none(cls, size: int) -> LabelSet:
        """A state that nobody can be in."""
        return cls(np.full((1, size), np.inf), np.zeros((1, size), dtype=np.int16),
                   np.zeros((1, size), dtype=np.int64), np.zeros((1, size), dtype=np.int64))

    def union(self, other: LabelSet) -> LabelSet:
        """These and the *other* ones."""
        return LabelSet(*(np.concatenate([getattr(self, name), getattr(other, name)])
                     for name in LabelSet.__slots__))

    def cheapest_only(self) -> LabelSet:
        """The cheapest of them alone, without any slack."""
        best = self.usd.argmin(axis=0)[None, :]
        return LabelSet(
            np.take_along_axis(self.usd, best, 0),
            np.take_along_axis(self.came, best, 0),
            np.zeros(best.shape, dtype=np.int64),
            np.take_along_axis(self.stopped, best, 0),
        )

    def undominated(self) -> LabelSet:
        """Those that no other one makes needless by costing no more with no less slack."""
        if len(self.usd) == 1:
            return self
        if not self.slack.any():
            return self.cheapest_only()
        order = np.lexsort((-self.slack, self.usd), axis=0)
        ordered = LabelSet(*(np.take_along_axis(getattr(self, name), order, 0)
                        for name in LabelSet.__slots__))
        kept = np.isfinite(ordered.usd)
        kept[1:] &= ordered.slack[1:] > np.maximum.accumulate(ordered.slack, axis=0)[:-1]
        place = np.cumsum(kept, axis=0) - 1
        many = max(int(place.max()) + 1, 1)
        row, column = place[kept], np.nonzero(kept)[1]
        found = LabelSet(*(np.repeat(each, many, axis=0) for each in (
            getattr(LabelSet.none(self.usd.shape[1]), name) for name in LabelSet.__slots__)))
        for name in LabelSet.__slots__:
            getattr(found, name)[row, column] = getattr(ordered, name)[kept]
        return found

    def split(
        self, is_on: Flags, slack: npt.NDArray[np.int64], usd: Hours
    ) -> tuple[LabelSet, LabelSet]:
        """Those that end the day off, and those that end it on, at a cost of *usd* more."""
        total = self.usd + usd
        return (LabelSet(np.where(is_on, np.inf, total), self.came, np.zeros_like(self.slack),
                    self.stopped),
                LabelSet(np.where(is_on, total, np.inf), self.came,
                    np.broadcast_to(slack, total.shape), self.stopped))
