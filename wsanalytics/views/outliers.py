"""WorkSpaces that stand out: unused ones, and users who never disconnect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wsanalytics.formatting import measured
from wsanalytics.sessions import is_too_little_observed
from wsanalytics.timeline import MICROS_PER_DAY, Window, clipped, column_micros

THROUGHOUT = 0.99
"""The share of the observed time from which a user counts as never really away."""
LONGEST_DAYS = 7.0
"""A session that lasts longer than a week was hardly somebody at work all the time."""
UNUSED, NEVER_DISCONNECTED = "unused", "never disconnected"


def standing_out(
    comparison: pd.DataFrame, sessions: pd.DataFrame, workspaces: pd.DataFrame, window: Window, *,
    longest_days: float = LONGEST_DAYS,
) -> pd.DataFrame:
    """Return the WorkSpaces that somebody should look at.

    Unused, or never disconnected; by their cost.

    *Unused* is who had no session in *window* (where it was observed on enough days to say so).
    *Never disconnected* is who was connected throughout, or once for more than *longest_days* days
    on end: a session that was left open, which keeps an AUTO_STOP WorkSpace running. Columns:
    ``workspace_id``, ``user_name``, ``what`` (``unused`` or ``never disconnected``), ``setting``
    (the present one), ``usd_per_month`` (what it costs today; empty without a price), ``sessions``,
    ``longest_session_days``, ``connected_share`` (of its observed time, 0 to 1) and ``says``, in
    words. Terminated WorkSpaces are left out.
    """
    present = comparison[comparison["setting"].astype("str") == comparison["baseline"]]
    present = present[present["terminated_at"].isna()].set_index("workspace_id")
    days = _session_days(sessions, window)
    longest = days.groupby(level=0).max().reindex(present.index, fill_value=0.0)
    connected = days.groupby(level=0).sum().reindex(present.index, fill_value=0.0)
    share = (connected / present["observed_days"].where(present["observed_days"] > 0)).fillna(0)
    share = share.clip(upper=1)
    is_unobserved = pd.Series([is_too_little_observed(seen, unseen)
                        for seen, unseen in zip(present["observed_days"],
                                                present["unobserved_days"], strict=True)],
                       index=present.index, dtype=bool)
    unused = (present["sessions"] == 0) & ~is_unobserved & (present["observed_days"] > 0)
    stuck = (longest > longest_days) | ((share >= THROUGHOUT) & ~is_unobserved & (connected > 1))
    users = workspaces.set_index("workspace_id")["user_name"].fillna("").reindex(present.index)
    frame = pd.DataFrame({
        "workspace_id": present.index.astype("str"),
        "user_name": users.to_numpy(),
        "what": np.where(unused, UNUSED, NEVER_DISCONNECTED),
        "setting": present["baseline"].to_numpy(), "usd_per_month": present["usd_per_month"],
        "sessions": present["sessions"].astype(int), "longest_session_days": longest,
        "connected_share": share, "says": _says(unused, share, longest, present["observed_days"]),
    })
    return frame[unused | stuck].reset_index(drop=True).sort_values(
        ["what", "usd_per_month", "workspace_id"], ascending=[False, False, True],
        ignore_index=True)


def _session_days(sessions: pd.DataFrame, window: Window) -> pd.Series:
    """Return the days that each session lasted within *window*, by ``workspace_id``."""
    spans = column_micros(clipped(sessions["disconnected_at"], window)) - column_micros(
        clipped(sessions["connected_at"], window))
    return pd.Series(spans / MICROS_PER_DAY,
                     index=pd.Index(sessions["workspace_id"].astype("str"), name="workspace_id"))


def _says(
    unused: pd.Series, share: pd.Series, longest: pd.Series, observed: pd.Series
) -> pd.Series:
    """Explain why each stands out, in words."""
    words = [
        f"no session in {_days(observed_days)}"
        if is_unused
        else f"connected throughout {_days(observed_days)}"
        if part >= THROUGHOUT
        else f"connected for {_days(most)} on end"
        for is_unused, part, most, observed_days in zip(
            unused, share, longest, observed, strict=True
        )
    ]
    return pd.Series(words, index=unused.index, dtype="str")


def _days(days: float) -> str:
    return measured(days, "day")
