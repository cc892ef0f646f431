"""Find the efficient options of each WorkSpace (Pareto), and the mixtures that suit a fleet.

Rows are WorkSpaces, columns are options; ``offered`` marks the options that a WorkSpace has.
Amounts that differ by less than a billionth are the same: they are sums of the same hours in
another order.
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
    """The cost of each option a month, and how often and how long its user waits.

    ``waits`` are a week, ``minutes`` of waiting a month. ``present`` marks the present option;
    among equals it is taken.
    """

    usd: Amounts
    waits: Amounts
    minutes: Amounts
    offered: Marks
    present: Marks

    def for_workspaces(self, rows: Marks) -> FleetOptions:
        """Return the options of some WorkSpaces alone."""
        return FleetOptions(
            self.usd[rows],
            self.waits[rows],
            self.minutes[rows],
            self.offered[rows],
            self.present[rows],
        )

    def within(self, most_waits: float) -> FleetOptions:
        """Keep options of *most_waits* at most; a WorkSpace without any keeps those of fewest."""
        allowed = self.offered & (self.waits <= most_waits + SAME)
        fewest = _least(self.waits, self.offered)
        return replace(self, offered=np.where(allowed.any(axis=1, keepdims=True), allowed, fewest))


@dataclass(frozen=True, slots=True, eq=False)
class EfficientFleet:
    """The least cost of a fleet for its waiting: an entry for each mixture of options.

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
    """Mark the options that no other one of the same row dominates (the Pareto front).

    One beats another if it has no more dollars and no more waits, and less of one of them.
    Options without a price (NaN) are never efficient.
    """
    beaten = np.zeros(usd.shape, dtype=bool)
    for other in range(usd.shape[1]):
        # One option against all, as a column against the table: it dominates with less of one
        # amount and no more of the other.
        dollars, more = usd[:, [other]], waits[:, [other]]
        no_worse = (dollars <= usd + SAME) & (more <= waits + SAME)
        better = (dollars < usd - SAME) | (more < waits - SAME)
        beaten |= offered[:, [other]] & no_worse & better
    is_efficient: Marks = offered & ~np.isnan(usd) & ~beaten
    return is_efficient


def best(offers: FleetOptions, price_usd: float = 0.0) -> Places:
    """Choose the option of each WorkSpace that costs least at *price_usd* a waiting minute.

    Among equals that of least waiting, then the present one, then the first. The amounts of all
    options that are offered are known.
    """
    cheapest = _least(offers.usd + price_usd * offers.minutes, offers.offered)
    cheapest = _least(offers.minutes, cheapest)
    return _first(cheapest, offers.present)


def mixtures(offers: FleetOptions) -> EfficientFleet:
    """Return all mixtures of options that are best at some price of a waiting minute.

    At each price every WorkSpace takes its own best option, so the fleet's line is made of the
    WorkSpaces' own, their pieces in the order of their slopes.
    """
    moving_rows = np.arange(len(offers.usd))
    current = best(offers)
    opening = current.copy()
    steps: list[tuple[Amounts, Places, Places]] = []
    # Each WorkSpace walks along the lower convex hull of its options, from the cheapest to the one
    # of least waiting: the next corner is always the one with the flattest slope.
    while len(moving_rows):
        usd, minutes = offers.usd[moving_rows], offers.minutes[moving_rows]
        rows = np.arange(len(moving_rows))
        # less: minutes saved by each option against the current one; slope: USD for each of them.
        less = minutes[rows, current][:, None] - minutes
        further = offers.offered[moving_rows] & (less > SAME)
        moving = further.any(axis=1)
        more = usd - usd[rows, current][:, None]
        slope = np.divide(more, less, out=np.full(more.shape, np.inf), where=further)[moving]
        moving_rows = moving_rows[moving]
        if not len(moving_rows):
            break
        steepness = slope.min(axis=1)
        # Of options with the same slope the furthest one: those between lie on the same line.
        next_option = _least(slope, further[moving])
        next_option = _least(minutes[moving], next_option)  # of those on one line the furthest
        current = _first(next_option, offers.present[moving_rows])
        steps.append((steepness, moving_rows, current))
    return _joined(offers, opening, steps)


def _joined(
    offers: FleetOptions, opening: Places, steps: list[tuple[Amounts, Places, Places]]
) -> EfficientFleet:
    """Merge the steps of all WorkSpaces in the order of what a minute costs at each."""
    none = np.empty(0, dtype=np.intp)
    slope, row, after = (
        (np.concatenate(parts) for parts in zip(*steps, strict=True)) if steps
        else (np.empty(0), none, none))
    # The fleet's line is the Minkowski sum of the WorkSpaces' lines: all pieces, by slope. Stable,
    # so that one WorkSpace's steps stay in order.
    order = np.argsort(slope, kind="stable")
    slope, row, after = slope[order], row[order], after[order]
    # Where a slope begins that differs from the one before: the fleet has a corner there.
    new = np.flatnonzero(np.diff(slope, prepend=0.0) > SAME)
    fleet = np.arange(len(opening))
    tables = (offers.usd, offers.waits, offers.minutes, ~offers.present)
    now = [np.asarray(table[fleet, opening], dtype=np.float64) for table in tables]
    totals, done = [], 0
    for end in [*new, len(slope)]:
        for table, amounts in zip(tables, now, strict=True):
            for step in range(done, end):  # one WorkSpace may take two steps
                amounts[row[step]] = table[row[step], after[step]]
        done = end
        totals.append([amounts.sum() for amounts in now])  # anew, so that nothing adds up
    usd, waits, minutes, changes = np.array(totals).T
    return EfficientFleet(np.append(0.0, slope[new]), usd, waits, minutes, changes.astype(np.int64))


def _least(amounts: Amounts, among: Marks) -> Marks:
    """Mark those of *among* whose amount is the row's least."""
    candidates = np.where(among, amounts, np.inf)
    least: Marks = among & (candidates <= candidates.min(axis=1, keepdims=True) + SAME)
    return least


def _first(among: Marks, preferred: Marks) -> Places:
    """Choose the first preferred one of each row's *among*, else its first."""
    both = among & preferred
    chosen: Places = np.where(both.any(axis=1), both.argmax(axis=1), among.argmax(axis=1))
    return chosen
