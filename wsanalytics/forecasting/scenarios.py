"""How much people may work in the months to come, against how much they did.

A saving that is worked out from the past is a forecast: the same person working as before. This
module says how far the time until the end of the
next month may be from that, as draws of its *pace*: 1 for a month in which
somebody bills as many hours a day as in the past that counts, 0 for one in which they bill none.

* Half of the draws are blocks of two weeks of the person's own past, laid end to end; the other
  half is what followed the most similar situations of the whole fleet
  (:mod:`.neighbours`), so a short history leans on others, and a long one has had its own
  ups and downs.
* The draws are stretched around their median by as much as it would have taken so many days ago
  (and twice as many) to cover what then came in four cases out of five.
* Where somebody's use has changed for good (another job, a leave), what lies before the change
  does not count: see :func:`changed_since`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from wsanalytics.forecasting.change_points import _MOST_WEEKS, NOTHING, changed_since
from wsanalytics.forecasting.neighbours import HORIZONS, Memory, Outlook, Past, Rows
from wsanalytics.timeline import Hours, Window, months_later

DRAWS = 240
USUAL_STRETCH = 1.25
"""By how much draws are stretched where the past is too short to tell."""
LEVEL = 0.8
"""The share of cases that the stretch makes the interval cover."""
LEAST_SPREAD = 0.04
"""Half of the least width of an interval, as a share of the pace: months differ in length."""
_ENOUGH_DAYS = 21


@dataclass(frozen=True, slots=True, eq=False)
class Prospects:
    """Draws of the pace of each WorkSpace (rows), ascending; and the days that count of its past.

    ``counted_days`` reach back from the end of the past; ``changed`` tells where they do so only
    to a change. Of those who are ``gone`` the pace is against all of their past instead: somebody
    who has stopped working may come back, which no multiple of nothing could say.
    """

    paces: Hours
    counted_days: Rows
    changed: npt.NDArray[np.bool_]
    gone: npt.NDArray[np.bool_]

    def quantile(self, share: float) -> Hours:
        """The pace that so large a share of the draws does not exceed."""
        return np.asarray(np.quantile(self.paces, share, axis=1))


def days_ahead(window: Window) -> int:
    """For how many days something is foreseen: from the *window*'s end to the next month's."""
    return (months_later(window.end, 2) - window.end) // timedelta(days=1)


def prospects_of(past: Past, *, ahead_days: int, seed: int = 0) -> Prospects:
    """The prospects of all WorkSpaces of a *past* for so many days, *seed* fixing the draws."""
    weeks = changed_since(past)
    age = np.maximum(past.today - past.born, 1)
    changed = weeks > 0
    counted = np.where(changed, 7 * weeks, age)
    draws = _draws(past, counted, seed, ahead_days)
    stretch = _stretch(past, seed, ahead_days)
    middle = np.median(draws, axis=1, keepdims=True)
    _, gone = _reference(past, counted)
    return Prospects(np.sort(_stretched(draws, middle, stretch), axis=1), counted, changed, gone)


def _draws(past: Past, counted: Rows, seed: int, ahead_days: int) -> Hours:
    """The draws before they are stretched: own weeks first, then what others did next."""
    rows = np.arange(len(past.hours))
    rng = np.random.default_rng([seed, past.today])
    mean, gone = _reference(past, counted)
    own = _own_weeks(past, counted, rng, ahead_days)
    since = Past(past.hours, past.weekday, np.where(gone, past.born, past.today - counted),
                 past.ended)
    outlook = Outlook(Memory(past), since, rows)
    place = min(int(np.searchsorted(HORIZONS, ahead_days)), len(HORIZONS) - 1)
    shares, weights = outlook.outcomes(place)
    points = (np.arange(DRAWS // 2) + 0.5) / (DRAWS // 2)
    reached = weights.cumsum(axis=1)
    taken = np.stack([np.searchsorted(one, points) for one in reached]) if len(rows) else (
        np.empty((0, len(points)), dtype=np.int64))
    taken = np.minimum(taken, shares.shape[1] - 1)
    others = np.take_along_axis(shares, taken, 1) * (
        outlook.usual_hours(ahead_days) / ahead_days)[:, None]
    both = np.concatenate([own, others], axis=1)
    return np.where(mean[:, None] > 0, both / np.maximum(mean, 1e-9)[:, None], 1.0)


def _reference(past: Past, counted: Rows) -> tuple[Hours, npt.NDArray[np.bool_]]:
    """The hours a day that a pace of 1 stands for; and who is gone."""
    lately = _mean_day(past, counted)
    ever = _mean_day(past, np.maximum(past.today - past.born, 1))
    gone = lately < NOTHING * ever
    return np.where(gone, ever, lately), gone


def _mean_day(past: Past, counted: Rows) -> Hours:
    """Hours a day over the days that count."""
    day = np.arange(past.today)[None, :]
    counts = day >= (past.today - counted)[:, None]
    mean: Hours = (past.hours * counts).sum(axis=1) / np.maximum(counted, 1)
    return mean


def _own_weeks(
    past: Past, counted: Rows, rng: np.random.Generator, ahead_days: int
) -> Hours:
    """Hours a day in months that are laid together from blocks of two own weeks."""
    size, length = len(past.hours), max(1, round(ahead_days / 7))
    have = max(1, min(past.today // 7, _MOST_WEEKS))
    weeks = np.stack([past.hours[:, max(past.today - 7 * n - 7, 0):past.today - 7 * n].sum(axis=1)
                      for n in range(have)], axis=1) / min(7, max(past.today, 1))
    known = np.clip(counted // 7, 1, have)
    blocks = -(-length // 2)
    first = (rng.random((size, DRAWS // 2, blocks)) * known[:, None, None]).astype(np.int64)
    drawn = ((first[..., None] + np.arange(2)) % known[:, None, None, None]).reshape(
        size, DRAWS // 2, 2 * blocks)[:, :, :length]
    months = np.zeros((size, DRAWS // 2))
    for place in range(length):
        months += np.take_along_axis(weeks, drawn[:, :, place], 1)
    return months / length


def _stretch(past: Past, seed: int, ahead_days: int) -> float:
    """By how much draws of one and two such times ago had to be stretched to cover what came."""
    needed = []
    for times in (1, 2):
        then = past.today - times * ahead_days
        if then < _ENOUGH_DAYS:
            continue
        before = Past(past.hours[:, :then], past.weekday, past.born, past.ended)
        counted = np.maximum(then - past.born, 1)
        there = (counted >= _ENOUGH_DAYS) & (past.ended >= then + ahead_days)
        there &= before.hours.sum(axis=1) > 0
        weeks = changed_since(before)
        counted = np.where(weeks > 0, 7 * weeks, counted)
        draws = _draws(before, counted, seed, ahead_days)
        mean = np.maximum(_reference(before, counted)[0], 1e-9)
        came = past.hours[:, then:then + ahead_days].mean(axis=1) / mean
        needed.append(_needed(draws, came)[there])
    found = np.concatenate(needed) if needed else np.empty(0)
    if len(found) < 1 / (1 - LEVEL) * 4:
        return USUAL_STRETCH
    return float(np.clip(np.quantile(found, LEVEL), 1.0, 4.0))


def _needed(draws: Hours, came: Hours) -> Hours:
    """The least stretch of the *draws* whose interval reaches what *came*."""
    low, middle, high = np.quantile(draws, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], axis=1)
    off = np.abs(came - middle)
    half = np.where(came >= middle, high - middle, middle - low)
    return np.where(off <= LEAST_SPREAD * middle, 0.0, off / np.maximum(half, 0.01))


def _stretched(draws: Hours, middle: Hours, stretch: float) -> Hours:
    """The *draws*, stretched around their *middle*; no narrower than months differ by length."""
    moved = middle + stretch * (draws - middle)
    ranks = moved.argsort(axis=1).argsort(axis=1)
    tilt = (2 * (ranks + 0.5) / draws.shape[1] - 1) * LEAST_SPREAD / LEVEL * middle
    far = np.abs(moved - middle) > np.abs(tilt)
    return np.maximum(np.where(far, moved, middle + tilt), 0.0)
