"""What a look or a backfill learns of single WorkSpaces beside the tables, noted in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from wsanalytics.history import (
    APPLICATION,
    EXISTED,
    GUESSED,
    Store,
    contradicted,
    guesses_in,
    licensed,
    remarks_of,
)


def note_guesses(
    store: Store, own: pd.DataFrame, created: Mapping[str, datetime], at: datetime, name: str
) -> None:
    """Note when WorkSpaces were probably created, by first figures, and what speaks against it.

    *own* are the WorkSpaces without guesses: of those whose creation is known none is made.
    """
    unknown = own.loc[own["created_at"].isna(), "workspace_id"]
    guesses = {one: pd.Timestamp(created[one]) for one in unknown if one in created}
    if not guesses:
        return
    known = store.remarks()
    before = guesses_in(known)
    new = {one: first.to_pydatetime() for one, first in guesses.items()
           if before.get(one) != first}
    against = contradicted(guesses, store.samples(workspaces=list(guesses)))
    _add(store, [remarks_of(GUESSED, new, at), remarks_of(EXISTED, against, at)], name)


def note_looked(
    store: Store, workspaces: pd.DataFrame, samples: pd.DataFrame,
    bundles: Iterable[Mapping[str, Any]], at: datetime, name: str,
) -> None:
    """Note what a look has against guesses, and which bundles have licences that cost more."""
    known = store.remarks()
    against = contradicted(guesses_in(known), samples)
    named = {str(one.get("BundleId")): licensed(one) for one in bundles}
    before = known[known["remark"] == APPLICATION]
    there = set(zip(before["workspace_id"], before["value"], strict=True))
    pairs = zip(workspaces["workspace_id"], workspaces["bundle_id"], strict=True)
    new = {one: named[bundle] for one, bundle in pairs
           if named.get(bundle) and (one, named[bundle]) not in there}
    _add(store, [remarks_of(EXISTED, against, at), remarks_of(APPLICATION, new, at)], name)


def _add(store: Store, parts: list[pd.DataFrame], name: str) -> None:
    rows = pd.concat(parts, ignore_index=True)
    if len(rows):
        store.add_remarks(rows, name)
