"""Summarise a store: its span, its WorkSpaces, its gaps, its size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from wsanalytics.history.store import Store
from wsanalytics.tables import SHORTEST_BRIDGE
from wsanalytics.timeline import (
    MICROS_PER_HOUR,
    column_micros,
)
from wsanalytics.timeline import instants as instants_of


@dataclass(frozen=True, eq=False)
class StoreSummary:
    """The summary of a store: counts, the first and the last sample, its size, and ``holes``.

    ``holes`` (from_at, to_at, hours) are the intervals of over 20 minutes in which no WorkSpace
    was looked at; ``regions`` has a row for each account and region: account_id, region,
    workspaces, of them terminated.
    """

    days: int
    samples: int
    first_at: pd.Timestamp | None
    last_at: pd.Timestamp | None
    size_bytes: int
    regions: pd.DataFrame
    holes: pd.DataFrame


def store_summary(store: Store) -> StoreSummary:
    """Summarise *store*; reads day after day, so a year of a large fleet takes seconds."""
    taken, samples = [], 0
    for day in store.days():
        count, instants = store.instants(day)
        samples += count
        taken.append(column_micros(pd.Series(instants)))
    at = np.concatenate(taken) if taken else np.empty(0, dtype=np.int64)
    # Position i: no sample of any WorkSpace between at[i] and at[i + 1] (microseconds).
    ends = np.flatnonzero(np.diff(at) > SHORTEST_BRIDGE)
    gaps = pd.DataFrame({"from_at": instants_of(at[ends]), "to_at": instants_of(at[ends + 1]),
                          "hours": (at[ends + 1] - at[ends]) / MICROS_PER_HOUR})
    inventory = store.inventory()
    regions = inventory.assign(terminated=inventory["terminated_at"].notna()).groupby(
        ["account_id", "region"], as_index=False).agg(
        workspaces=("workspace_id", "size"), terminated=("terminated", "sum"))
    first_at, last_at = instants_of(at[[0, -1]]) if at.size else (None, None)
    return StoreSummary(len(taken), samples, first_at, last_at, store.size_bytes(), regions, gaps)
