"""Volumes that were grown beyond the pairs that AWS's price list names.

A bundle is priced by its pair of volumes (root and user, GiB); what lies beyond the largest pair
that fits is charged by the GiB and month, root and user alike. Which pair AWS bills a grown
WorkSpace by is not published: here the largest listed pair that neither volume falls short of,
and every GiB beyond it. Volumes cost the same in both running modes, so whatever they cost, the
difference between the modes is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

GIB_USD = {
    "us-east-1": 0.10, "us-west-2": 0.10, "us-east-2": 0.10,
    "eu-west-1": 0.11, "ca-central-1": 0.11, "af-south-1": 0.11,
    "us-gov-west-1": 0.114, "us-gov-east-1": 0.114, "ap-northeast-2": 0.114,
    "eu-west-2": 0.116, "eu-central-1": 0.119,
    "eu-west-3": 0.12, "il-central-1": 0.12, "ap-northeast-1": 0.12, "ap-southeast-1": 0.12,
    "ap-southeast-2": 0.12, "ap-south-1": 0.12, "ap-southeast-5": 0.108, "sa-east-1": 0.19,
}
"""USD for a GiB and month beyond a bundle's pair (AWS's public price file of 2025-10-03; us-east-2
and ap-southeast-5 of 2026)."""
AMOUNTS = ["always_on_usd", "auto_stop_usd", "hourly_usd"]
GROWN = ["root_gib", "user_gib", "listed_root_gib", "listed_user_gib", "extra_gib", "extra_usd"]
_PAIR = ["root_gib", "user_gib"]


def nearest_pairs(
    wanted: pd.DataFrame, listed: pd.DataFrame, kind: list[str], *, discount: float
) -> pd.DataFrame:
    """For each row of *wanted* without a listed pair of volumes: the pair it is priced by.

    *wanted* and *listed* have the columns *kind*, ``root_gib`` and ``user_gib``; *listed* also
    the amounts of both modes. Gives a frame indexed as those rows of *wanted* for which a pair
    fits: :data:`GROWN`, and the amounts of the pair with the GiB beyond it. ``extra_usd`` (a
    month) is NaN, and nothing is added, where no price of a GiB is known for the region.
    """
    # A price list has hundreds of kinds: only those that are wanted are taken apart.
    near = listed.dropna(subset=AMOUNTS).merge(wanted[kind].drop_duplicates(), on=kind)
    pairs = dict(iter(near.groupby(kind)))
    by_size: dict[Any, dict[str, float]] = {}
    index = []
    for label, row in wanted.dropna(subset=_PAIR).to_dict("index").items():
        key = tuple(row[name] for name in kind)
        same = (key, int(row["root_gib"]), int(row["user_gib"]))
        # A fleet has few kinds of hardware: each is worked out once.
        if same not in by_size:
            by_size[same] = _by_pair(same, str(row["region"]), pairs.get(key), discount)
        if by_size[same]:
            index.append((label, by_size[same]))
    return pd.DataFrame([amounts for _, amounts in index], columns=[*GROWN, *AMOUNTS],
                        index=pd.Index([label for label, _ in index], dtype=wanted.index.dtype))


def _by_pair(
    wanted: tuple[object, int, int], region: str, pairs: pd.DataFrame | None, discount: float
) -> dict[str, float]:
    if pairs is None:
        return {}
    _, root, user = wanted
    fits = pairs[(pairs["root_gib"] <= root) & (pairs["user_gib"] <= user)]
    if fits.empty:
        return {}
    size = fits["root_gib"] + fits["user_gib"]
    # The largest listed pair that fits into the wanted one leaves the fewest GiB to be priced
    # apart.
    best = fits.assign(size=size).sort_values(["size", *_PAIR]).iloc[-1]
    extra = root - int(best["root_gib"]) + user - int(best["user_gib"])
    usd = extra * GIB_USD.get(region, np.nan) * (1 - discount)
    added = 0.0 if np.isnan(usd) else usd
    return {
        "root_gib": root, "user_gib": user,
        "listed_root_gib": int(best["root_gib"]), "listed_user_gib": int(best["user_gib"]),
        "extra_gib": extra, "extra_usd": usd,
        "always_on_usd": best["always_on_usd"] + added,
        "auto_stop_usd": best["auto_stop_usd"] + added, "hourly_usd": best["hourly_usd"],
    }
