"""Dollars against waiting, in arrays: which options are efficient, and how a fleet mixes them.

Rows are WorkSpaces, columns are options; ``offered`` tells which options a WorkSpace has. Amounts
that differ by less than a billionth are the same: they are sums of the same hours in another order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Amounts = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class FleetOptions:
    """What each option costs a WorkSpace a month, and how often and how long its user waits.

    ``waits`` are a week, ``minutes`` of waiting a month. ``present`` tells which option is the one
    in force; among equals it is taken.
    """

    usd: Amounts
    waits: Amounts
    minutes: Amounts
    offered: Marks
    present: Marks

    def some(self, rows: Marks) -> FleetOptions:
        """Those of some WorkSpaces alone."""
        return FleetOptions(
            self.usd[rows],
            self.waits[rows],
            self.minutes[rows],
            self.offered[rows],
            self.present[rows],
        )

    def within(self, most_waits: float) -> FleetOptions:
        """Only options of *most_waits* at most; a WorkSpace without any keeps those of fewest."""
        kept = self.offered & (self.waits <= most_waits + SAME)
        fewest = _least(self.waits, self.offered)
        return replace(self, offered=np.where(kept.any(axis=1, keepdims=True), kept, fewest))


@dataclass(frozen=True, slots=True, eq=False)
class EfficientFleet:
    """The least that a fleet can cost for its waiting: an entry for each mixture of options.

    The first is best where a waiting minute costs nothing, each other one from its ``price_usd``
    on. Whatever lies between two neighbours mixes them; nothing lies below the line through them.
    ``changes`` counts the WorkSpaces that are not in their present option.
    """

    price_usd: Amounts
    usd: Amounts
    waits: Amounts
    minutes: Amounts
    changes: npt.NDArray[np.int64]


def efficient(usd: Amounts, waits: Amounts, offered: Marks) -> Marks:
    """Which options no other one of the same row beats.

    One beats another if it has no more dollars and no more waits, and less of one of them.
    Options without a price (NaN) are never efficient.
    """
    beaten = np.zeros(usd.shape, dtype=bool)
    for other in range(usd.shape[1]):
        dollars, more = usd[:, [other]], waits[:, [other]]
        no_worse = (dollars <= usd + SAME) & (more <= waits + SAME)
        better = (dollars < usd - SAME) | (more < waits - SAME)
        beaten |= offered[:, [other]] & no_worse & better
    known: Marks = offered & ~np.isnan(usd) & ~beaten
    return known


def best(offers: FleetOptions, price_usd: float = 0.0) -> Places:
    """The option of each WorkSpace that costs least where a waiting minute costs *price_usd*.

    Among equals that of least waiting, then the present one, then the first. The amounts of all
    options that are offered are known.
    """
    kept = _least(offers.usd + price_usd * offers.minutes, offers.offered)
    kept = _least(offers.minutes, kept)
    return _first(kept, offers.present)


def mixtures(offers: FleetOptions) -> EfficientFleet:
    """All mixtures of options that are best at some price of a waiting minute.

    At each price every WorkSpace takes its own best option, so the fleet's line is made of the
    WorkSpaces' own, their pieces in the order of their slopes.
    """
    fleet = np.arange(len(offers.usd))
    now = best(offers)
    opening = now.copy()
    walked: list[tuple[Amounts, Places, Places]] = []
    while len(fleet):
        usd, minutes = offers.usd[fleet], offers.minutes[fleet]
        rows = np.arange(len(fleet))
        less = minutes[rows, now][:, None] - minutes
        further = offers.offered[fleet] & (less > SAME)
        moving = further.any(axis=1)
        more = usd - usd[rows, now][:, None]
        slope = np.divide(more, less, out=np.full(more.shape, np.inf), where=further)[moving]
        fleet = fleet[moving]
        if not len(fleet):
            break
        steepness = slope.min(axis=1)
        kept = _least(slope, further[moving])
        kept = _least(minutes[moving], kept)  # of those on one line the furthest
        now = _first(kept, offers.present[fleet])
        walked.append((steepness, fleet, now))
    return _joined(offers, opening, walked)


def _joined(
    offers: FleetOptions, opening: Places, walked: list[tuple[Amounts, Places, Places]]
) -> EfficientFleet:
    """The steps of all WorkSpaces in the order of what a minute costs at each."""
    none = np.empty(0, dtype=np.intp)
    slope, row, after = (
        (np.concatenate(parts) for parts in zip(*walked, strict=True)) if walked
        else (np.empty(0), none, none))
    order = np.argsort(slope, kind="stable")
    slope, row, after = slope[order], row[order], after[order]
    new = np.flatnonzero(np.diff(slope, prepend=0.0) > SAME)
    fleet = np.arange(len(opening))
    tables = (offers.usd, offers.waits, offers.minutes, ~offers.present)
    now = [np.asarray(table[fleet, opening], dtype=np.float64) for table in tables]
    totals, done = [], 0
    for end in [*new, len(slope)]:
        for table, amounts in zip(tables, now, strict=True):
            for place in range(done, end):  # one WorkSpace may take two steps
                amounts[row[place]] = table[row[place], after[place]]
        done = end
        totals.append([amounts.sum() for amounts in now])  # anew, so that nothing adds up
    usd, waits, minutes, changes = np.array(totals).T
    return EfficientFleet(np.append(0.0, slope[new]), usd, waits, minutes, changes.astype(np.int64))


def _least(amounts: Amounts, kept: Marks) -> Marks:
    """Those of *kept* whose amount is the row's least."""
    known = np.where(kept, amounts, np.inf)
    least: Marks = kept & (known <= known.min(axis=1, keepdims=True) + SAME)
    return least


def _first(kept: Marks, preferred: Marks) -> Places:
    """The first preferred one of each row's *kept*, else its first."""
    both = kept & preferred
    chosen: Places = np.where(both.any(axis=1), both.argmax(axis=1), kept.argmax(axis=1))
    return chosen
