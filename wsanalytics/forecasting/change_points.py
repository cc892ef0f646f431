"""Find since when somebody works as they do now: the last change point of their weeks.

A single split of the weeks is searched that separates two regimes, by two well-known statistics:
a t statistic for the difference of the two means, which says that it is no chance, and the
Mann-Whitney AUC (the probability that a week of the one part has more hours than one of the other),
which says that hardly a week of the one part could be one of the other. Both are needed: weeks of
use are few and have outliers (a vacation), which move means but not ranks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wsanalytics.forecasting.neighbours import Rows, UsagePast
from wsanalytics.timeline import Hours

FEWEST_WEEKS = 3
"""Weeks that there must be on either side of a change."""
WEEKS_AWAY = 6
"""The weeks without use after which somebody has stopped; before, it may be a vacation."""
NOTHING = 0.1
"""Less than this share of what somebody used to do counts as nothing."""
MOST_WEEKS = 26
"""Half a year: what lies further back hardly counts for today."""
_LEAST_T = 4.0
"""The least t statistic of a change. It is the largest of up to twenty splits that are tried, so
the usual 2 would find a change in nearly everybody."""
_LEAST_PART = 0.4
"""The least difference of the two means, as a part of the larger one: less changes no plan."""
_MOST_OVERLAP = 0.1
"""The most overlap of the two parts: the AUC is at most this, or at least 1 less this."""
_USUAL_SPREAD = 0.1
"""Added to the spread, as a part of the larger mean: a few equal weeks would have none at all."""


def changed_since(past: UsagePast) -> Rows:
    """Give for how many weeks, by WorkSpace, use has been what it is; 0 where it has not changed.

    A change splits the weeks of the last half year into later and earlier ones, at least three
    each, so that the means differ by more than four times what chance would let them and by two
    fifths of the larger one, and that hardly a week of the one part is like those of the other.
    Who has stopped altogether must have been away for six weeks, longer than vacations last.
    """
    count = min(past.today // 7, MOST_WEEKS)
    size = len(past.hours)
    if count < 2 * FEWEST_WEEKS or not size:
        return np.zeros(size, dtype=np.int64)
    end = past.today
    # weeks: WorkSpaces x weeks, hours in each; week 0 is the latest one, so a split at 4 has the
    # last four weeks on its later side.
    weeks = np.stack([past.hours[:, end - 7 * n - 7:end - 7 * n].sum(axis=1)
                      for n in range(count)], axis=1)
    # WorkSpaces x weeks: a week counts only if the WorkSpace existed in all of it.
    existed = np.arange(count)[None, :] < ((end - past.created) // 7)[:, None]
    best, since = np.full(size, _LEAST_T), np.zeros(size, dtype=np.int64)
    away = np.zeros(size, dtype=bool)
    for split in range(FEWEST_WEEKS, count - FEWEST_WEEKS + 1):
        earlier = existed & (np.arange(count) >= split)[None, :]
        enough = earlier.sum(axis=1) >= FEWEST_WEEKS
        t_statistic = _difference(weeks, split, earlier)
        # The best split wins; a WorkSpace with none above the least t keeps 0, which means no
        # change.
        better = enough & (t_statistic > best)
        best[better], since[better] = t_statistic[better], split
        before = _mean(weeks, earlier)
        away[better] = (weeks[:, :split].mean(axis=1) < NOTHING * before)[better]
    return np.where(away & (since < WEEKS_AWAY), 0, since)


def _difference(weeks: Hours, split: int, earlier: npt.NDArray[np.bool_]) -> Hours:
    """Give the t statistic of later against earlier weeks; 0 where they overlap too much."""
    late = weeks[:, :split]
    after, before = late.mean(axis=1), _mean(weeks, earlier)
    larger = np.maximum(after, before)
    auc = _auc(weeks, split, earlier)
    # Both tests: far enough apart for a plan, and hardly any overlap of the ranks.
    apart = (np.abs(after - before) > _LEAST_PART * larger) & (
        (auc <= _MOST_OVERLAP) | (auc >= 1 - _MOST_OVERLAP))
    error = _standard_error(weeks, split, earlier)
    return np.where(apart & (larger > 0), np.abs(after - before) / np.maximum(error, 1e-9), 0.0)


def _mean(weeks: Hours, chosen: npt.NDArray[np.bool_]) -> Hours:
    """Give the mean of each row over the *chosen* weeks; 0 where there are none."""
    mean: Hours = (weeks * chosen).sum(axis=1) / np.maximum(chosen.sum(axis=1), 1)
    return mean


def _standard_error(weeks: Hours, split: int, earlier: npt.NDArray[np.bool_]) -> Hours:
    """Give the standard error of the difference of the two means, from their pooled spread."""
    late, number = weeks[:, :split], np.maximum(earlier.sum(axis=1), 1)
    after, before = late.mean(axis=1), _mean(weeks, earlier)
    # Sums of squares of both sides, pooled: the two spreads are taken for equal, as weeks are few.
    squares = ((late - after[:, None]) ** 2).sum(axis=1) + (
        earlier * (weeks - before[:, None]) ** 2).sum(axis=1)
    spread = np.sqrt(squares / (split + number - 2)) + _USUAL_SPREAD * np.maximum(after, before)
    return np.asarray(spread * np.sqrt(1 / split + 1 / number))


def _auc(weeks: Hours, split: int, earlier: npt.NDArray[np.bool_]) -> Hours:
    """Give the Mann-Whitney AUC: how often a later week has more hours than an earlier one."""
    late = weeks[:, :split]
    # WorkSpaces x later weeks x earlier weeks: each pair once, ties count half.
    higher = (late[:, :, None] > weeks[:, None, :]) + 0.5 * (
        late[:, :, None] == weeks[:, None, :])
    pairs = split * np.maximum(earlier.sum(axis=1), 1)
    return np.asarray((higher * earlier[:, None, :]).sum(axis=(1, 2)) / pairs)
