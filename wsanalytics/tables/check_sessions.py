"""The ``sessions`` table, checked: no session ends before it begins, none overlaps another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.tables.check import Origin, check_table
from wsanalytics.tables.observed import SESSIONS
from wsanalytics.timeline import Micros, column_micros


def check_sessions(frame: pd.DataFrame, origin: Origin | None = None) -> pd.DataFrame:
    """Return a checked ``sessions`` table, sorted by WorkSpace and start; it may have no rows.

    Raises :class:`InputError` for whatever the contract forbids, a session that ends before or
    when it starts, and two sessions of one WorkSpace that overlap.
    """
    origin = origin or Origin("the sessions frame")
    checked = check_table(frame, SESSIONS, origin)
    backwards = (checked["disconnected_at"] <= checked["connected_at"]).to_numpy()
    if backwards.any():
        first = int(np.flatnonzero(backwards)[0])
        row = checked.iloc[first]
        raise InputError(
            f"the session of {row['workspace_id']} ends at {row['disconnected_at'].isoformat()}, "
            f"not after its start at {row['connected_at'].isoformat()}",
            where=origin.row(first),
            rule="a session ends after it starts",
            fix="correct the row or remove it",
        )
    owner, _ = pd.factorize(checked["workspace_id"], sort=True)
    starts = column_micros(checked["connected_at"])
    order = np.lexsort((starts, owner))
    _refuse_overlaps(checked, owner[order], starts[order], order, origin)
    return checked.iloc[order].reset_index(drop=True)


def _refuse_overlaps(
    checked: pd.DataFrame,
    owner: npt.NDArray[np.intp],
    starts: Micros,
    order: npt.NDArray[np.intp],
    origin: Origin,
) -> None:
    ends = column_micros(checked["disconnected_at"])[order]
    overlap = np.flatnonzero((owner[1:] == owner[:-1]) & (starts[1:] < ends[:-1]))
    if overlap.size:
        first, second = (int(row) for row in order[overlap[0] : overlap[0] + 2])
        raise InputError(
            f"two sessions of {checked['workspace_id'].iloc[first]} overlap "
            f"(with {origin.row(first).rpartition(', ')[2]})",
            where=origin.row(second),
            rule="the sessions of one WorkSpace do not overlap; touching ones are one",
            fix="merge the two rows or correct their times",
        )
