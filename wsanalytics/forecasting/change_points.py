"""Since when somebody works as they do now: the last change point of their weeks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wsanalytics.forecasting.neighbours import Past, Rows
from wsanalytics.timeline import Hours

FEWEST_WEEKS = 3
"""Weeks that there must be on either side of a change."""
WEEKS_AWAY = 6
"""Who did nothing for so many weeks has stopped; before, it may be a vacation."""
NOTHING = 0.1
"""Less than this share of what somebody used to do counts as nothing."""
_MOST_WEEKS = 26
_SURE, _APART, _ALIKE = 4.0, 0.4, 0.1


def changed_since(past: Past) -> Rows:
    """For how many weeks, by WorkSpace, use has been what it is; 0 where it has not changed.

    A change splits the weeks of the last half year into later and earlier ones, at least three
    each, so that the means differ by more than four times what chance would let them and by two
    fifths of the larger one, and that hardly a week of the one part is like those of the other.
    Who has stopped altogether must have been away for six weeks, longer than vacations last.
    """
    count = min(past.today // 7, _MOST_WEEKS)
    size = len(past.hours)
    if count < 2 * FEWEST_WEEKS or not size:
        return np.zeros(size, dtype=np.int64)
    end = past.today
    weeks = np.stack([past.hours[:, end - 7 * n - 7:end - 7 * n].sum(axis=1)
                      for n in range(count)], axis=1)
    lived = np.arange(count)[None, :] < ((end - past.born) // 7)[:, None]
    best, since = np.full(size, _SURE), np.zeros(size, dtype=np.int64)
    away = np.zeros(size, dtype=bool)
    for split in range(FEWEST_WEEKS, count - FEWEST_WEEKS + 1):
        earlier = lived & (np.arange(count) >= split)[None, :]
        enough = earlier.sum(axis=1) >= FEWEST_WEEKS
        sure = _difference(weeks, split, earlier)
        better = enough & (sure > best)
        best[better], since[better] = sure[better], split
        before = (weeks * earlier).sum(axis=1) / np.maximum(earlier.sum(axis=1), 1)
        away[better] = (weeks[:, :split].mean(axis=1) < NOTHING * before)[better]
    return np.where(away & (since < WEEKS_AWAY), 0, since)


def _difference(weeks: Hours, split: int, earlier: npt.NDArray[np.bool_]) -> Hours:
    """How many times more than by chance later weeks differ from earlier ones; 0: not enough."""
    late = weeks[:, :split]
    number = np.maximum(earlier.sum(axis=1), 1)
    after = late.mean(axis=1)
    before = (weeks * earlier).sum(axis=1) / number
    larger = np.maximum(after, before)
    squares = ((late - after[:, None]) ** 2).sum(axis=1) + (
        earlier * (weeks - before[:, None]) ** 2).sum(axis=1)
    spread = np.sqrt(squares / (split + number - 2)) + 0.1 * larger
    chance = spread * np.sqrt(1 / split + 1 / number)
    higher = (late[:, :, None] > weeks[:, None, :]) + 0.5 * (
        late[:, :, None] == weeks[:, None, :])
    above = (higher * earlier[:, None, :]).sum(axis=(1, 2)) / (split * number)
    apart = (np.abs(after - before) > _APART * larger) & (
        (above <= _ALIKE) | (above >= 1 - _ALIKE))
    return np.where(apart & (larger > 0), np.abs(after - before) / np.maximum(chance, 1e-9), 0.0)
