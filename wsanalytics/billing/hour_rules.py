"""Turn running time into billed hours: the hour rules, each with its source.

AWS has not published how partial hours are billed. Four ways to count are offered; the evidence
for each stands at :class:`HourRule`. :func:`hours_of` counts what was running,
:func:`session_hours` counts as AWS's own tool does, from what was connected.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from wsanalytics.errors import InputError
from wsanalytics.timeline import MICROS_PER_DAY, MICROS_PER_HOUR, Hours, Micros, Pieces

TOOL_RUNS_AT = 23 * MICROS_PER_HOUR
"""AWS's tool runs daily at 23:00 UTC (its ``ecs-cluster-resources.ts``) and counts up to then."""


class HourRule(StrEnum):
    """A rule by which the seconds of a running piece become billed hours.

    AWS has not published its rule.

    ``CLOCK_HOUR``: the distinct UTC clock hours that running pieces touch. Best supported, and
    the default: Cost Optimizer issue 17, and its versions 1.1 to 2.1 counted so.
    ``CEIL_PER_RUN``: each piece rounded up to whole hours. ``EXACT``: no rounding; one genuine
    bill of 2022 speaks against it (whole hours), so it is a lower bound.
    ``CEIL_PER_SESSION_PLUS_TIMEOUT``: how AWS's own tool counts (Cost Optimizer 2.8.7,
    ``get_user_connected_hours``), which is no bill: see :func:`session_hours`.
    """

    CLOCK_HOUR = "clock_hour"
    CEIL_PER_RUN = "ceil_per_run"
    EXACT = "exact"
    CEIL_PER_SESSION_PLUS_TIMEOUT = "ceil_per_session_plus_timeout"

    @property
    def meaning(self) -> str:
        """The counting of the rule, in words for a report."""
        return _MEANINGS[self]

    @property
    def label(self) -> str:
        """The counting of the rule, in the few words of a list to choose from."""
        return _LABELS[self]

    @classmethod
    def parse(cls, text: str) -> HourRule:
        """Return the rule called *text*; :class:`InputError` if there is none."""
        if text not in list(cls):
            raise InputError(
                f"there is no hour rule {text!r}",
                where="hour_rule",
                rule=f"the hour rules are {', '.join(cls)}",
                fix="use one of them",
            )
        return cls(text)


_MEANINGS = {
    HourRule.CLOCK_HOUR: "each UTC clock hour in which a WorkSpace is on counts as one hour",
    HourRule.CEIL_PER_RUN: "each run is rounded up to whole hours",
    HourRule.EXACT: "running time is not rounded",
    HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT: "each session is rounded up and its timeout added, as "
    "AWS's own tool counts (which is not how AWS bills)",
}
_LABELS = {
    HourRule.CLOCK_HOUR: "each clock hour that is touched (usual)",
    HourRule.CEIL_PER_RUN: "each run rounded up to whole hours",
    HourRule.EXACT: "exactly, without rounding",
    HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT: "as AWS's Cost Optimizer counts",
}


def hours_of(pieces: Pieces, groups: npt.NDArray[np.int64], rule: HourRule) -> Hours:
    """Return the billed hours of each running piece, one entry a piece.

    *groups* numbers which pieces are billed together (one WorkSpace, setting and month); the
    pieces of a group are adjacent, in the order of time, and do not overlap. Under
    CLOCK_HOUR an hour that two pieces of a group share is counted for the first of them.
    """
    if rule is HourRule.CEIL_PER_SESSION_PLUS_TIMEOUT:
        raise ValueError(f"{rule} counts sessions, not runs: use session_hours")
    seconds = pieces.stops - pieces.starts
    if rule is HourRule.EXACT:
        return seconds / MICROS_PER_HOUR
    if rule is HourRule.CEIL_PER_RUN:
        return np.ceil(seconds / MICROS_PER_HOUR)
    # first and last: the numbers of the clock hours in which a piece begins and ends. The end is
    # excluded, so a stop at the full hour does not touch the next one.
    first = pieces.starts // MICROS_PER_HOUR
    last = (pieces.stops - 1) // MICROS_PER_HOUR
    shared = np.zeros(len(first), dtype=bool)
    # An hour is billed once, however many runs touch it; the piece before has counted it.
    shared[1:] = (groups[1:] == groups[:-1]) & (first[1:] == last[:-1])
    return (last - first + 1 - shared).astype(np.float64)


def tool_edges(edges: Micros) -> Micros:
    """Return the *edges* (months' first instants), and every 23:00 UTC between first and last."""
    first = edges[0] // MICROS_PER_DAY * MICROS_PER_DAY + TOOL_RUNS_AT
    daily = np.arange(first, edges[-1], MICROS_PER_DAY, dtype=np.int64)
    return np.unique(np.concatenate([edges, daily]))


def session_hours(
    pieces: Pieces, groups: npt.NDArray[np.int64], timeout: Micros
) -> tuple[npt.NDArray[np.intp], Hours]:
    """Return the hours of connected intervals as AWS's own tool counts them.

    *pieces* are sessions cut at :func:`tool_edges`; *groups* (a WorkSpace and one of the tool's
    days) are adjacent, in the order of time. Pieces of a group with a gap shorter than
    *timeout* (microseconds, an entry a piece) between them are one; each of these is rounded up
    to whole hours, and the timeout is added, once each. Gives the first piece of each, and its
    hours.
    """
    fresh = np.ones(len(groups), dtype=bool)
    gap = pieces.starts[1:] - pieces.stops[:-1]
    fresh[1:] = (groups[1:] != groups[:-1]) | (gap >= timeout[:-1])
    first = np.flatnonzero(fresh)
    final = np.append(first[1:], len(groups))[: len(first)] - 1
    connected = np.ceil((pieces.stops[final] - pieces.starts[first]) / MICROS_PER_HOUR)
    return first, connected + timeout[first] / MICROS_PER_HOUR
