"""Convert what one poll of a fleet saw to a ``samples`` table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from wsanalytics.aws import BURST, PER_CALL, RATE_PER_SECOND, Statuses
from wsanalytics.check_times import CLOCKS_DIFFER
from wsanalytics.formatting import counted
from wsanalytics.tables import SAMPLES, Source
from wsanalytics.timeline import INSTANT_DTYPE

_STATES = ("CONNECTED", "DISCONNECTED", "UNKNOWN")


@dataclass(frozen=True, slots=True, eq=False)
class Poll:
    """One poll of one account and region: its WorkSpaces, and a sample of each.

    ``lost`` lists what AWS refused for some of them; ``nameless``: how many entries of AWS's
    answer had no id, so that nobody knows whose they are.
    """

    workspaces: pd.DataFrame
    samples: pd.DataFrame
    polled_at: datetime
    lost: Sequence[str] = ()
    nameless: int = 0

    @property
    def present(self) -> int:
        """The number of WorkSpaces."""
        return len(self.workspaces)


def as_samples(answers: Iterable[Statuses], states: Mapping[str, str]) -> pd.DataFrame:
    """Return the *answers* about connection, and the *states* of WorkSpaces by id, as ``samples``.

    A WorkSpace that AWS says nothing of (new, or in ERROR) is kept as UNKNOWN, and ``source``
    says so. Instants are whole seconds. ``checked_at`` is when AWS checked the connection; a
    check ahead of its own answer was misdated, and is taken for one of the answer's time. Where
    AWS's clock, by the date of its answer, is over five minutes off this computer's, AWS's counts.
    """
    rows = []
    for answer in answers:
        by_id = {row["WorkspaceId"]: row for row in answer.found}
        sampled_at = _by_the_right_clock(answer).replace(microsecond=0)
        for workspace_id in answer.asked:
            status = by_id.get(workspace_id, {})
            state = status.get("ConnectionState")
            last = status.get("LastKnownUserConnectionTimestamp")
            checked = status.get("ConnectionStateCheckTimestamp")
            checked_at = min(checked.replace(microsecond=0), sampled_at) if checked else sampled_at
            rows.append((
                workspace_id, sampled_at, state if state in _STATES else "UNKNOWN",
                states.get(workspace_id, ""), last.replace(microsecond=0) if last else None,
                checked_at, Source.SAMPLE if state in _STATES else Source.NO_STATUS,
            ))
    frame = pd.DataFrame(rows, columns=list(SAMPLES.names))
    instants = ("sampled_at", "last_connected_at", "checked_at")
    return frame.astype(dict.fromkeys(instants, INSTANT_DTYPE))


def _by_the_right_clock(answer: Statuses) -> datetime:
    """Return when an answer came.

    By this computer's clock, unless AWS's shows quite another time.
    """
    if answer.aws_at is None or abs(answer.aws_at - answer.answered_at) <= CLOCKS_DIFFER:
        return answer.answered_at
    return answer.aws_at


def seconds_per_poll(workspaces: int, rate_per_second: float = RATE_PER_SECOND) -> float:
    """Return the least seconds that one poll of so many WorkSpaces of an account and region takes.

    Two calls for each 25 of them, the first few at once.

    >>> round(seconds_per_poll(10_000))
    408
    """
    calls = 2 * math.ceil(workspaces / PER_CALL)
    return max(0, calls - BURST) / rate_per_second


def pace_text(where: str, count: int, every: timedelta | None = None) -> str:
    """Describe how long a poll of *count* WorkSpaces takes, and how often it can be repeated."""
    seconds = seconds_per_poll(count)
    shortest = max(1, math.ceil(seconds * 1.05 / 60))
    calls = 2 * math.ceil(count / PER_CALL)
    text = (f"{where}: {counted(count, 'WorkSpace')}, {counted(calls, 'call')}; one poll takes "
            f"about {max(1, seconds):.0f} s at the service's pace, so it can be repeated every "
            f"{shortest} min")
    if every is not None and every.total_seconds() < seconds:
        text += f"; every {every.total_seconds() / 60:g} min is more often than that"
    return text
