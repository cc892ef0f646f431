"""New prices against those that are used now: what differs, and what stays."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from wsanalytics.tables import PRICES, sort_by_key

_KEY = list(PRICES.key)
_USD = ["monthly_usd", "hourly_usd"]


@dataclass(frozen=True, eq=False)
class Difference:
    """How new prices differ from those in force, in the regions of the new ones.

    ``new`` and ``gone`` are rows of a ``prices`` table; ``changed`` has the columns of its key,
    ``monthly_usd`` and ``hourly_usd``, and the same two with ``_before``.
    """

    new: pd.DataFrame
    gone: pd.DataFrame
    changed: pd.DataFrame
    unchanged: int


def difference(before: pd.DataFrame, after: pd.DataFrame) -> Difference:
    """Find how the prices *after* differ from those *before*, in the regions of *after*."""
    before = before[before["region"].isin(set(after["region"]))]
    both = before[_KEY + _USD].merge(after[_KEY + _USD], on=_KEY, how="outer",
                                     suffixes=("_before", ""), indicator=True)
    # rows of both tables: of the same key, whether or not their amounts are
    kept = both[both["_merge"] == "both"].drop(columns="_merge")
    moved = (kept["monthly_usd"] != kept["monthly_usd_before"]) \
        | (kept["hourly_usd"] != kept["hourly_usd_before"])
    return Difference(
        new=both.loc[both["_merge"] == "right_only", _KEY + _USD],
        gone=both.loc[both["_merge"] == "left_only", _KEY].merge(before, on=_KEY),
        changed=kept[moved],
        unchanged=int((~moved).sum()),
    )


def with_the_rest(before: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The prices *new* and, of their regions, those *before* that they lack; and how many."""
    rest = before[before["region"].isin(set(new["region"]))]
    known = pd.MultiIndex.from_frame(new[_KEY].astype("str"))
    rest = rest[~pd.MultiIndex.from_frame(rest[_KEY].astype("str")).isin(known)]
    return sort_by_key(pd.concat([rest, new], ignore_index=True), PRICES), len(rest)
