"""Follow the WorkSpaces of a fleet from poll to poll, and what changed in between."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from wsanalytics.history.checks import accepted_workspaces
from wsanalytics.history.history import configured
from wsanalytics.not_simulated import GONE
from wsanalytics.tables import SETTINGS, WORKSPACES, sort_by_key
from wsanalytics.timeline import INSTANT_DTYPE

SEEN_AT = "seen_at"
PASSING = ("state",)
"""Columns that change from poll to poll; the samples have them."""


def changed_since(now: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """Return the rows of *now* that are new or differ from *before* in more than a passing way."""
    if before is None or before.empty:
        return now
    columns = [name for name in WORKSPACES.names if name not in PASSING]
    last = before.set_index("workspace_id")[columns[1:]].reindex(now["workspace_id"])
    present = now.set_index("workspace_id")[columns[1:]]
    # A missing value equals a missing one here, which ``eq`` alone would call a change.
    same = (present.eq(last) | (present.isna() & last.isna())).fillna(False)
    return now[~same.all(axis=1).to_numpy(dtype=bool)]


def updated(
    now: pd.DataFrame, before: pd.DataFrame | None, looked_at: datetime, *, whole: bool
) -> pd.DataFrame:
    """Return *now* with the creations and terminations that a comparison with *before* shows.

    A WorkSpace that was not there at an earlier poll was created since, if that poll saw others
    of its directory: polls may be narrowed to directories. One that is there no more, where this
    poll was *whole* (not narrowed), was terminated; so was one that AWS still lists as that.
    """
    now = ended_by_state(now, before, looked_at)
    if before is None or before.empty:
        return now
    last = before.set_index("workspace_id")
    now = now.copy()
    created = last["created_at"].reindex(now["workspace_id"]).reset_index(drop=True)
    is_new = ~now["workspace_id"].isin(last.index) & now["directory_id"].isin(
        before["directory_id"].unique())
    # ``created`` is in the order of *now*, by position; its labels are set only in the next line.
    created[is_new.to_numpy()] = looked_at
    now["created_at"] = created.set_axis(now.index)
    is_gone = ~before["workspace_id"].isin(now["workspace_id"]) & before["terminated_at"].isna()
    gone = before[is_gone]
    if not whole or gone.empty:
        return now
    terminated = gone.assign(
        state="TERMINATED", terminated_at=pd.Timestamp(looked_at).as_unit("us")
    )
    return pd.concat([now, terminated], ignore_index=True)


TOLD_BY = {
    "directories": ("maintenance_enabled", "license"),
    "bundles": ("operating_system", "license", "root_gib", "user_gib"),
    "tags": ("tags",),
}
"""The columns that depend on each further request beside DescribeWorkspaces."""


def with_last_known(
    now: pd.DataFrame, before: pd.DataFrame | None, failed: set[str]
) -> pd.DataFrame:
    """Return *now* with what was known *before* where a *failed* request would have updated it."""
    if before is None or before.empty or not failed:
        return now
    last = before.set_index("workspace_id").reindex(now["workspace_id"])
    is_known = now["workspace_id"].isin(before["workspace_id"]).to_numpy()
    now = now.copy()
    for name in {column for request in failed for column in TOLD_BY[request]}:
        previous = last[name].set_axis(now.index)
        now[name] = now[name].where(~is_known, previous).astype(now[name].dtype)
    return now


def inventory_of(seen: pd.DataFrame) -> pd.DataFrame:
    """Return each WorkSpace as it was last seen: a checked ``workspaces`` table.

    A creation that was learned of is kept though AWS does not repeat it.
    """
    latest = seen.drop_duplicates("workspace_id", keep="last").set_index("workspace_id")
    created = seen.groupby("workspace_id")["created_at"].min()  # skips what is not known
    latest["created_at"] = created.reindex(latest.index)
    latest["terminated_at"] = _ends(latest, latest[SEEN_AT])  # stores of before had none of these
    return accepted_workspaces(latest.reset_index()[list(WORKSPACES.names)])


def ended_by_state(
    now: pd.DataFrame, before: pd.DataFrame | None, looked_at: datetime
) -> pd.DataFrame:
    """Return *now* with an end for what AWS lists as TERMINATING or TERMINATED.

    AWS goes on listing such WorkSpaces for a while, and does not say since when.
    """
    earlier = pd.Series(pd.NaT, index=now.index, dtype=INSTANT_DTYPE)
    if before is not None and len(before):
        ends = before.set_index("workspace_id")["terminated_at"]
        earlier = pd.Series(ends.reindex(now["workspace_id"]).set_axis(now.index),
                            dtype=INSTANT_DTYPE)
    stamp = pd.Timestamp(looked_at).as_unit("us")
    return now.assign(terminated_at=_ends(now, earlier.fillna(stamp)))


def _ends(frame: pd.DataFrame, since: pd.Series) -> pd.Series:
    """Return ``terminated_at`` of *frame*, by *since* for those that are gone by their state."""
    stated = pd.Series(frame["terminated_at"], dtype=INSTANT_DTYPE)
    return stated.mask(frame["state"].isin(GONE) & stated.isna(), since)


def settings_of_inventory(seen: pd.DataFrame) -> pd.DataFrame:
    """Return the setting of each WorkSpace each time it was seen: a ``settings`` table."""
    parts = [
        configured(rows).reset_index().assign(since=at)
        for at, rows in seen.groupby("seen_at", sort=True)
    ]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SETTINGS.names)
    return sort_by_key(frame[list(SETTINGS.names)], SETTINGS)
