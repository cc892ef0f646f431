"""New prices against those that are used now: what differs, and what stays."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from wsanalytics.tables import PRICES, sort_by_key

_KEY = list(PRICES.key)
_USD = ["monthly_usd", "hourly_usd"]


@dataclass(frozen=True, eq=False)
class Difference:
    """The differences of new prices from the effective ones, in the regions of the new ones.

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
    in_both = both[both["_merge"] == "both"].drop(columns="_merge")
    moved = (in_both["monthly_usd"] != in_both["monthly_usd_before"]) \
        | (in_both["hourly_usd"] != in_both["hourly_usd_before"])
    return Difference(
        new=both.loc[both["_merge"] == "right_only", _KEY + _USD],
        gone=both.loc[both["_merge"] == "left_only", _KEY].merge(before, on=_KEY),
        changed=in_both[moved],
        unchanged=int((~moved).sum()),
    )


def with_the_rest(before: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the prices *new* and, of their regions, those *before* that they lack.

    And how many.
    """
    same_regions = before[before["region"].isin(set(new["region"]))]
    new_keys = pd.MultiIndex.from_frame(new[_KEY].astype("str"))
    same_regions = same_regions[
        ~pd.MultiIndex.from_frame(same_regions[_KEY].astype("str")).isin(new_keys)
    ]
    return sort_by_key(pd.concat([same_regions, new], ignore_index=True), PRICES), len(same_regions)
