"""AWS's word on a connection has an age: each status is evidence of when AWS checked it.

``ConnectionStateCheckTimestamp`` says when; most checks are a minute old, some an hour or a day.
Whatever reads a status goes by that instant, and nobody is stopped on an old one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

FRESH = timedelta(minutes=5)
"""The age from which AWS's status of a connection is out of date."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""Two clocks that are further apart do not show the same time: AWS refuses requests beyond it."""


def evidence_at(samples: pd.DataFrame) -> pd.Series:
    """Return the instant that each row of a ``samples`` table is evidence of.

    A connection is as it was when AWS checked it (``checked_at``; where that is empty, when it was
    looked at). That a WorkSpace is stopped is seen at the poll itself, and nobody is connected to
    a stopped one.

    >>> row = {"sampled_at": "2026-03-02T10:00Z", "checked_at": "2026-03-02T09:00Z",
    ...        "connection_state": "CONNECTED", "state": "AVAILABLE"}
    >>> frame = pd.DataFrame([row]).astype(dict.fromkeys(["sampled_at", "checked_at"],
    ...                                                  "datetime64[us, UTC]"))
    >>> str(evidence_at(frame)[0])
    '2026-03-02 09:00:00+00:00'
    """
    looked: pd.Series = samples["sampled_at"]
    if "checked_at" not in samples.columns:
        return looked
    checked = samples["checked_at"]
    # A stopped WorkSpace is not checked for connections: its state is evidence of the poll itself.
    is_off = (samples["state"] == "STOPPED") & (samples["connection_state"] != "CONNECTED")
    late = checked.isna() | is_off | (checked > looked)  # no check lies after its answer
    return checked.mask(late, looked)


def is_of_now(checked_at: datetime | None, now: datetime | None) -> bool:
    """Whether a status that was checked at *checked_at* still holds at *now*.

    One that lies ahead of now by more than clocks differ was misdated, so it says nothing either.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> [is_of_now(noon + timedelta(minutes=minutes), noon) for minutes in (-50, -2, 1, 120)]
    [False, True, True, False]
    """
    if checked_at is None or now is None:
        return False
    return -CLOCKS_DIFFER <= now - checked_at <= FRESH
