"""The ``sessions`` table, checked: no session ends before it begins, none overlaps another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.tables.check import checked_table
from wsanalytics.tables.faults import Faults, Origin
from wsanalytics.tables.observed import SESSIONS
from wsanalytics.timeline import column_micros


def check_sessions(frame: pd.DataFrame, origin: Origin | None = None) -> pd.DataFrame:
    """Return a checked ``sessions`` table, sorted by WorkSpace and start; it may have no rows.

    Raises :class:`InputError` with all that is wrong: whatever the contract forbids, sessions that
    end before or when they start, and two sessions of one WorkSpace that overlap.
    """
    return checked_sessions(frame, Faults(origin or Origin("the sessions frame")))


def checked_sessions(frame: pd.DataFrame, faults: Faults) -> pd.DataFrame:
    """Return what :func:`check_sessions` does; *faults* has what was found in the file so far."""
    checked = checked_table(frame, SESSIONS, faults)
    ends_first = (checked["disconnected_at"] <= checked["connected_at"]).to_numpy()
    faults.add_rows(
        ends_first & faults.sound(len(checked), "connected_at", "disconnected_at"),
        ("disconnected_at", "connected_at"), lambda position: _backwards(checked, position, faults))
    sound = np.flatnonzero(faults.sound(
        len(checked), "workspace_id", "connected_at", "disconnected_at"))
    rows = checked.iloc[sound]
    owner, _ = pd.factorize(rows["workspace_id"], sort=True)
    starts, ends = column_micros(rows["connected_at"]), column_micros(rows["disconnected_at"])
    order = np.lexsort((starts, owner))
    owner, starts, ends = owner[order], starts[order], ends[order]
    overlap = np.flatnonzero((owner[1:] == owner[:-1]) & (starts[1:] < ends[:-1]))
    before = {int(sound[order[place + 1]]): int(sound[order[place]]) for place in overlap}
    overlaps = np.zeros(len(checked), dtype=bool)
    overlaps[list(before)] = True
    faults.add_rows(overlaps, ("connected_at",), lambda position: InputError(
        f"two sessions of {checked['workspace_id'].iloc[position]} overlap "
        f"(with {faults.origin.row(before[position]).rpartition(', ')[2]})",
        where=faults.origin.row(position),
        rule="the sessions of one WorkSpace do not overlap; touching ones are one",
        fix="merge the two rows or correct their times",
    ))
    faults.refuse()
    return checked.iloc[order].reset_index(drop=True)


def _backwards(checked: pd.DataFrame, position: int, faults: Faults) -> InputError:
    row = checked.iloc[position]
    return InputError(
        f"the session of {row['workspace_id']} ends at {row['disconnected_at'].isoformat()}, "
        f"not after its start at {row['connected_at'].isoformat()}",
        where=faults.origin.row(position),
        rule="a session ends after it starts",
        fix="correct the row or remove it",
    )
