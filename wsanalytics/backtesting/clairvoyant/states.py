"""Keep the labels of the search at each midnight, and drop the dominated ones.

The search is label-setting dynamic programming: a *label* is one way to come to a midnight, with
what it has cost and how much of a billed hour it has left (``slack``). A label is *dominated* by
another one of the same state that cost no more and has no less slack: whatever follows, the other
way can do as well. Only undominated labels are kept, so the search stays exact and small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wsanalytics.timeline import Hours

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class LabelSet:
    """Labels of one state: rows are the labels, columns the WorkSpaces.

    ``usd`` is the least cost; infinite where a WorkSpace has no such label. ``previous`` is the
    row, at the midnight before, from which each was reached. ``slack`` is how much of a billed hour
    is left, in microseconds. The bits of ``stopped`` are the disconnects of the day at which it was
    stopped, the first one in the lowest.
    """

    usd: Hours
    previous: npt.NDArray[np.int16]
    slack: npt.NDArray[np.int64]
    stopped: npt.NDArray[np.int64]

    @classmethod
    def none(cls, size: int) -> LabelSet:
        """Give a state that nobody can be in."""
        return cls(np.full((1, size), np.inf), np.zeros((1, size), dtype=np.int16),
                   np.zeros((1, size), dtype=np.int64), np.zeros((1, size), dtype=np.int64))

    def union(self, other: LabelSet) -> LabelSet:
        """Give these labels and the *other* ones."""
        return LabelSet(*(np.concatenate([getattr(self, name), getattr(other, name)])
                          for name in LabelSet.__slots__))

    def cheapest(self) -> LabelSet:
        """Give the cheapest label of each WorkSpace alone, without any slack."""
        # best: one row a column; slack is dropped, since it is worth nothing where this is asked.
        best = self.usd.argmin(axis=0)[None, :]
        return LabelSet(np.take_along_axis(self.usd, best, 0),
                        np.take_along_axis(self.previous, best, 0),
                        np.zeros(best.shape, dtype=np.int64),
                        np.take_along_axis(self.stopped, best, 0))

    def undominated(self) -> LabelSet:
        """Give the labels that no other one dominates by costing no more with no less slack."""
        if len(self.usd) == 1:
            return self
        if not self.slack.any():
            return self.cheapest()
        ordered = self._by_cost()
        return ordered.packed(ordered.on_the_front())

    def _by_cost(self) -> LabelSet:
        """Give the labels of each WorkSpace by cost; of equal ones those with more slack first."""
        # Column by column: each WorkSpace's labels are ordered by themselves.
        order = np.lexsort((-self.slack, self.usd), axis=0)
        return LabelSet(*(np.take_along_axis(getattr(self, name), order, 0)
                          for name in LabelSet.__slots__))

    def on_the_front(self) -> Flags:
        """Mark the labels, in the order of cost, that have more slack than every cheaper one."""
        front = np.isfinite(self.usd)
        # Sorted by cost, so a label is dominated exactly if some earlier one has at least its
        # slack.
        most_so_far = np.maximum.accumulate(self.slack, axis=0)
        front[1:] &= self.slack[1:] > most_so_far[:-1]
        return front

    def packed(self, chosen: Flags) -> LabelSet:
        """Give the *chosen* labels in as few rows as hold the most that any WorkSpace has."""
        # Within a column the chosen ones are numbered from 0 on: that is the row they move to.
        target = np.cumsum(chosen, axis=0) - 1
        rows = max(int(target.max()) + 1, 1)
        row, column = target[chosen], np.nonzero(chosen)[1]
        nobody = LabelSet.none(self.usd.shape[1])
        packed = LabelSet(*(np.repeat(getattr(nobody, name), rows, axis=0)
                            for name in LabelSet.__slots__))
        for name in LabelSet.__slots__:
            getattr(packed, name)[row, column] = getattr(self, name)[chosen]
        return packed

    def by_state(
        self, is_on: Flags, slack: npt.NDArray[np.int64], usd: Hours
    ) -> tuple[LabelSet, LabelSet]:
        """Give those that end the day off, and those that end it on, at a cost of *usd* more."""
        total = self.usd + usd
        return (LabelSet(np.where(is_on, np.inf, total), self.previous, np.zeros_like(self.slack),
                         self.stopped),
                LabelSet(np.where(is_on, total, np.inf), self.previous,
                         np.broadcast_to(slack, total.shape), self.stopped))
