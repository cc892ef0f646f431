"""Note in the store what a poll or a backfill learns of single WorkSpaces beside the tables."""

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
    store: Store, workspaces: pd.DataFrame, created: Mapping[str, datetime], at: datetime, name: str
) -> None:
    """Note when WorkSpaces were probably created, by first figures, and what speaks against it.

    *workspaces* are those without guesses: of those whose creation is known none is made.
    """
    unknown = workspaces.loc[workspaces["created_at"].isna(), "workspace_id"]
    guesses = {
        workspace_id: pd.Timestamp(created[workspace_id])
        for workspace_id in unknown
        if workspace_id in created
    }
    if not guesses:
        return
    remarks = store.remarks()
    before = guesses_in(remarks)
    new = {workspace_id: first.to_pydatetime() for workspace_id, first in guesses.items()
           if before.get(workspace_id) != first}
    against = contradicted(guesses, store.samples(workspaces=list(guesses)))
    _add(store, [remarks_of(GUESSED, new, at), remarks_of(EXISTED, against, at)], name)


def note_polled(
    store: Store, workspaces: pd.DataFrame, samples: pd.DataFrame,
    bundles: Iterable[Mapping[str, Any]], at: datetime, name: str,
) -> None:
    """Note what a poll has against guesses, and which bundles have licences that cost more."""
    remarks = store.remarks()
    against = contradicted(guesses_in(remarks), samples)
    named = {str(bundle.get("BundleId")): licensed(bundle) for bundle in bundles}
    before = remarks[remarks["remark"] == APPLICATION]
    noted = set(zip(before["workspace_id"], before["value"], strict=True))
    pairs = zip(workspaces["workspace_id"], workspaces["bundle_id"], strict=True)
    new = {workspace_id: named[bundle_id] for workspace_id, bundle_id in pairs
           if named.get(bundle_id) and (workspace_id, named[bundle_id]) not in noted}
    _add(store, [remarks_of(EXISTED, against, at), remarks_of(APPLICATION, new, at)], name)


def _add(store: Store, parts: list[pd.DataFrame], name: str) -> None:
    rows = pd.concat(parts, ignore_index=True)
    if len(rows):
        store.add_remarks(rows, name)
