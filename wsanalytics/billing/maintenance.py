"""Maintenance starts of AUTO_STOP WorkSpaces: the third Monday of each month."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from wsanalytics.timeline import (
    MICROS_PER_DAY,
    Micros,
    Months,
    Window,
    column_micros,
    weekday_of,
)

MAINTENANCE_AGE = 7 * MICROS_PER_DAY
"""Only WorkSpaces older than seven days go through maintenance (admin guide)."""


def third_mondays(months: Months) -> Micros:
    """Return 00:00 UTC of the third Monday of each month."""
    firsts = months.edges[:-1] // MICROS_PER_DAY
    weekday = weekday_of(firsts)
    # (-weekday) % 7 days lead from the 1st to the first Monday, Monday being 0.
    return (firsts + (-weekday) % 7 + 14) * MICROS_PER_DAY


def maintenance_starts(
    workspaces: pd.DataFrame, months: Months, window: Window
) -> npt.NDArray[np.bool_]:
    """Mark the WorkSpaces and months with a start for maintenance, if they are AUTO_STOP."""
    opens = third_mondays(months)
    start, end = window.micros
    covered = (opens >= start) & (opens + MICROS_PER_DAY <= end)
    enabled = workspaces["maintenance_enabled"].to_numpy(dtype=bool)[:, None]
    created = column_micros(workspaces["created_at"])[:, None]
    young = workspaces["created_at"].notna().to_numpy()[:, None] & (
        opens - created <= MAINTENANCE_AGE
    )
    terminated = column_micros(workspaces["terminated_at"])[:, None]
    is_gone = workspaces["terminated_at"].notna().to_numpy()[:, None] & (terminated <= opens)
    started: npt.NDArray[np.bool_] = enabled & covered & ~young & ~is_gone
    return started
