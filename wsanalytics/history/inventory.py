"""The WorkSpaces of a fleet as they were seen again and again, and what changed in between."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from wsanalytics.eligibility import GONE
from wsanalytics.history.checks import accepted_workspaces
from wsanalytics.history.history import configured
from wsanalytics.tables import SETTINGS, WORKSPACES, sort_by_key
from wsanalytics.timeline import INSTANT_DTYPE

SEEN_AT = "seen_at"
PASSING = ("state",)
"""Columns that come and go from look to look; the samples tell of them."""


def changed_since(now: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """The rows of *now* that are new or differ from *before* in more than a passing way."""
    if before is None or before.empty:
        return now
    columns = [name for name in WORKSPACES.names if name not in PASSING]
    known = before.set_index("workspace_id")[columns[1:]].reindex(now["workspace_id"])
    present = now.set_index("workspace_id")[columns[1:]]
    same = (present.eq(known) | (present.isna() & known.isna())).fillna(False)
    return now[~same.all(axis=1).to_numpy(dtype=bool)]


def updated(
    now: pd.DataFrame, before: pd.DataFrame | None, looked_at: datetime, *, whole: bool
) -> pd.DataFrame:
    """*now* with what only time tells: when WorkSpaces came, and which of *before* are gone.

    A WorkSpace that was not there at an earlier look was created since, if that look saw others
    of its directory: looks may be narrowed to directories. One that is there no more, where this
    look was *whole* (not narrowed), was terminated; so was one that AWS still lists as that.
    """
    now = ended_by_state(now, before, looked_at)
    if before is None or before.empty:
        return now
    known = before.set_index("workspace_id")
    now = now.copy()
    created = known["created_at"].reindex(now["workspace_id"]).reset_index(drop=True)
    is_new = ~now["workspace_id"].isin(known.index) & now["directory_id"].isin(
        before["directory_id"].unique())
    created[is_new.to_numpy()] = looked_at
    now["created_at"] = created.set_axis(now.index)
    is_gone = ~before["workspace_id"].isin(now["workspace_id"]) & before["terminated_at"].isna()
    gone = before[is_gone]
    if not whole or gone.empty:
        return now
    ended = gone.assign(state="TERMINATED", terminated_at=pd.Timestamp(looked_at).as_unit("us"))
    return pd.concat([now, ended], ignore_index=True)


TOLD_BY = {
    "directories": ("maintenance_enabled", "license"),
    "bundles": ("operating_system", "license", "root_gib", "user_gib"),
    "tags": ("tags",),
}
"""Which columns are told by what else AWS is asked for beside its WorkSpaces."""


def with_last_known(
    now: pd.DataFrame, before: pd.DataFrame | None, failed: set[str]
) -> pd.DataFrame:
    """*now* with what was known *before* where a *failed* question would have told."""
    if before is None or before.empty or not failed:
        return now
    known = before.set_index("workspace_id").reindex(now["workspace_id"])
    is_known = now["workspace_id"].isin(before["workspace_id"]).to_numpy()
    now = now.copy()
    for name in {column for one in failed for column in TOLD_BY[one]}:
        last = known[name].set_axis(now.index)
        now[name] = now[name].where(~is_known, last).astype(now[name].dtype)
    return now


def inventory_of(seen: pd.DataFrame) -> pd.DataFrame:
    """Each WorkSpace as it was last seen: a checked ``workspaces`` table.

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
    """*now* with an end for what AWS lists as TERMINATING or TERMINATED: when that was first seen.

    AWS goes on listing such WorkSpaces for a while, and does not say since when.
    """
    earlier = pd.Series(pd.NaT, index=now.index, dtype=INSTANT_DTYPE)
    if before is not None and len(before):
        known = before.set_index("workspace_id")["terminated_at"]
        earlier = pd.Series(known.reindex(now["workspace_id"]).set_axis(now.index),
                            dtype=INSTANT_DTYPE)
    stamp = pd.Timestamp(looked_at).as_unit("us")
    return now.assign(terminated_at=_ends(now, earlier.fillna(stamp)))


def _ends(frame: pd.DataFrame, since: pd.Series) -> pd.Series:
    """``terminated_at`` of *frame*, by *since* for those whose state says that they are gone."""
    stated = pd.Series(frame["terminated_at"], dtype=INSTANT_DTYPE)
    return stated.mask(frame["state"].isin(GONE) & stated.isna(), since)


def settings_of_inventory(seen: pd.DataFrame) -> pd.DataFrame:
    """How each WorkSpace was set each time it was seen: a ``settings`` table."""
    parts = [
        configured(rows).reset_index().assign(since=at)
        for at, rows in seen.groupby("seen_at", sort=True)
    ]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SETTINGS.names)
    return sort_by_key(frame[list(SETTINGS.names)], SETTINGS)
