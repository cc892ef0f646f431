"""Which WorkSpace is meant: by its id, or by its user's name where that user has one alone."""

from __future__ import annotations

from difflib import get_close_matches

import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.formatting import listed
from wsanalytics.safe_text import plain


def workspace_meant(name: str, workspaces: pd.DataFrame) -> str:
    """Return the id of the WorkSpace that *name* means: an id, or the name of a user who has one.

    *workspaces* has the columns workspace_id and, if users are known, user_name. Of a user's
    WorkSpaces those that were terminated do not count, unless there is no other. Raises
    :class:`InputError`, with what comes close, where there is none or more than one.
    """
    ids = workspaces["workspace_id"].astype("str").tolist()
    if name in set(ids):
        return name
    of_user = _of_user(name, workspaces)
    if len(of_user) == 1:
        return of_user[0]
    if of_user:
        raise InputError(
            f"the user {name!r} has {len(of_user)} WorkSpaces: {listed(of_user)}",
            where="the fleet", rule="a user's name stands for a WorkSpace where it is the only one",
            fix="name one of the ids")
    raise _nobody(name, ids, workspaces)


def _of_user(name: str, workspaces: pd.DataFrame) -> list[str]:
    if "user_name" not in workspaces:
        return []
    wanted = workspaces["user_name"].fillna("").astype("str").str.casefold() == name.casefold()
    rows = workspaces[wanted & (workspaces["user_name"].fillna("") != "")]
    if "terminated_at" in rows and rows["terminated_at"].isna().any():
        rows = rows[rows["terminated_at"].isna()]
    return rows["workspace_id"].astype("str").tolist()


def _nobody(name: str, ids: list[str], workspaces: pd.DataFrame) -> InputError:
    users = workspaces["user_name"].fillna("").astype("str").tolist() if (
        "user_name" in workspaces) else [""] * len(ids)
    named = dict(zip(ids, users, strict=True))
    meant = [label for label in ids if label.casefold() == name.casefold()]
    meant = meant or get_close_matches(name, ids, n=3, cutoff=0.8)
    if not meant:
        close = get_close_matches(name, [*filter(None, users)], n=3, cutoff=0.75)
        meant = [label for label in ids if named[label] in close]
    candidates = [plain(f"{label} ({named[label]})" if named[label] else label)
                  for label in meant[:3]]
    return InputError(
        f"there is no WorkSpace {name!r}", where="the fleet",
        rule="a WorkSpace is named by its id, ws-…, as it stands in the inventory, or by its "
        "user's name",
        fix=f"did you mean {' or '.join(candidates)}?" if candidates else
        "check the id, and what narrows the fleet")
