"""Price WorkSpaces: by dated list prices in USD, or by the user's own.

The built-in table holds AWS's own list prices of Amazon WorkSpaces Personal, read from the public
file behind AWS's pricing page (``data/README.md`` says where, when and how it was checked). A
WorkSpace whose region, bundle, operating system or licence are not in the table has no price:
never a regional factor. Volumes that were grown beyond the listed pairs are priced by ``volumes``.

``wsanalytics prices refresh`` keeps current prices in a table of the user's own. In force is the
built-in table with the regions of that one in place of its own rows of them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import pandas as pd
import platformdirs

from wsanalytics.errors import InputError
from wsanalytics.formatting import number
from wsanalytics.prices.volumes import AMOUNTS, GROWN, nearest_pairs
from wsanalytics.tables import (
    PRICES,
    Faults,
    Kind,
    Origin,
    checked_table,
    read_source,
    read_table,
    sort_by_key,
)

_Usd = TypeVar("_Usd", float, pd.Series)
BUILT_IN = "AWS list prices"
"""The name of the built-in table."""
REFRESHED_FILE = "prices.parquet"
_FAMILIES = ("WINDOWS", "UBUNTU", "RHEL", "ROCKY")
_KIND = ["region", "compute_type", "operating_system", "license"]
_KEY = [*_KIND, "root_gib", "user_gib"]


@dataclass(frozen=True, eq=False)
class PriceBook:
    """Prices by kind of WorkSpace, and the date they hold from.

    ``frame`` is a checked ``prices`` table with one row a kind and running mode. ``discount`` is
    the share that is already taken off the prices in it.
    """

    frame: pd.DataFrame
    origin: str
    discount: float = 0.0

    @property
    def date(self) -> str:
        """The effective date that most of the prices share; :attr:`dates` has all."""
        return self._dated[0][0]

    @property
    def dates(self) -> str:
        """The effective dates and how many prices each stands for, as reports print them."""
        if len(self._dated) == 1:
            return self.date or "undated"
        return ", ".join(f"{date or 'undated'} ({count:,} prices)" for date, count in self._dated)

    @property
    def _dated(self) -> list[tuple[str, int]]:
        """The dates and their number of prices, the most frequent first, then the oldest."""
        counts = Counter(self.frame["effective_date"])
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    @property
    def compute_types(self) -> frozenset[str]:
        """The bundles that have a price."""
        return frozenset(self.frame["compute_type"])

    def discounted(self, share: float) -> PriceBook:
        """Return a book of the same prices, each less *share* of it: 0.12 takes 12 % off.

        Raises :class:`InputError` for a share that is not from 0 to less than 1.

        >>> built_in_prices("us-east-1").discounted(0.12)
        <PriceBook 264 prices of 2025-10-03, AWS list prices less a discount of 12 %>
        """
        if not 0 <= share < 1:
            raise InputError(f"the discount is {share}", where="discount",
                             rule="it is a share from 0 to less than 1", fix="write 12 % as 0.12")
        if share == 0:
            return self
        frame = self.frame.assign(monthly_usd=self.frame["monthly_usd"] * (1 - share),
                                  hourly_usd=self.frame["hourly_usd"] * (1 - share))
        return replace(self, frame=frame, discount=1 - (1 - self.discount) * (1 - share),
                       origin=f"{self.origin} less a discount of {number(100 * share, 2)} %")

    def rates(self, workspaces: pd.DataFrame) -> pd.DataFrame:
        """Return the rates of each WorkSpace in either mode, in the order of *workspaces*.

        Columns, all USD and NaN where there is no price: ``always_on_usd`` (a month),
        ``auto_stop_usd`` (the fixed fee, a month), ``hourly_usd`` (a billed hour). Of volumes that
        no price names, those of :meth:`grown`.
        """
        wanted = _as_priced(workspaces)
        # A left merge keeps the order and the rows of *wanted*; its index is that of the key, so it
        # is set anew.
        rates = wanted.merge(self._both_modes, on=_KEY, how="left").drop(columns=_KEY)
        rates = rates.set_index(workspaces.index)
        lacks = rates.isna().any(axis=1)
        if lacks.any():
            grown = nearest_pairs(wanted[lacks], self._both_modes, _KIND, discount=self.discount)
            rates.loc[grown.index, AMOUNTS] = grown[AMOUNTS]
        return rates

    def grown(self, workspaces: pd.DataFrame) -> pd.DataFrame:
        """Return the prices of those of *workspaces* whose volumes no price names.

        By ``workspace_id``: root_gib, user_gib, the listed pair (listed_root_gib, listed_user_gib)
        that it is priced by, extra_gib beyond it and what they cost (extra_usd a month, NaN where
        no price of a GiB is known for the region: they are left out of both modes then).
        """
        wanted = _as_priced(workspaces)
        matched = wanted.merge(self._both_modes, on=_KEY, how="left").set_index(workspaces.index)
        lacks = matched[AMOUNTS].isna().any(axis=1)
        grown = nearest_pairs(wanted[lacks], self._both_modes, _KIND, discount=self.discount)
        names = workspaces.loc[grown.index, "workspace_id"].to_numpy()
        return grown[GROWN].set_index(pd.Index(names, name="workspace_id"))

    def missing(self, workspaces: pd.DataFrame) -> str:
        """Return the property of the first unpriced workspace that no price names."""
        listed, wanted = self._both_modes.dropna(subset=AMOUNTS), _as_priced(workspaces.iloc[:1])
        for column in _KIND:
            value = wanted[column].iloc[0]
            listed = listed[listed[column] == value]
            if listed.empty:
                return f"{column.replace('_', ' ')} {value}"
        return "volumes " + "/".join(
            "?" if pd.isna(size) else f"{size}"
            for size in wanted[["root_gib", "user_gib"]].iloc[0]) + " GiB"

    @cached_property
    def _both_modes(self) -> pd.DataFrame:
        """One row a kind of WorkSpace, with what it costs in either mode."""
        # outer: a kind that is priced in one mode only keeps its row, with NaN in the other.
        is_flat = self.frame["running_mode"] == "ALWAYS_ON"
        flat = self.frame.loc[is_flat, [*_KEY, "monthly_usd"]]
        auto = self.frame.loc[~is_flat, [*_KEY, "monthly_usd", "hourly_usd"]]
        return flat.rename(columns={"monthly_usd": "always_on_usd"}).merge(
            auto.rename(columns={"monthly_usd": "auto_stop_usd"}), on=_KEY, how="outer"
        )

    @property
    def source(self) -> str:
        """The ``origin`` for readers elsewhere: of a file its name, without the folders around it.

        >>> PriceBook(built_in_prices().frame, "/home/jane/prices.csv").source
        'prices.csv'
        """
        before, joint, file = self.origin.rpartition(f"{BUILT_IN}, and ")
        return before + joint + re.split(r"[/\\]", file)[-1]

    def __repr__(self) -> str:
        return f"<PriceBook {len(self.frame):,} prices of {self.date or 'no date'}, {self.origin}>"


def _as_priced(workspaces: pd.DataFrame) -> pd.DataFrame:
    """Return the kind of each of *workspaces*, as price lists write it."""
    wanted = workspaces[_KEY].copy()
    wanted["operating_system"] = price_family(wanted["operating_system"])
    wanted["license"] = wanted["license"].str.lower()
    return wanted


def break_even_hours(rates: pd.DataFrame) -> pd.Series:
    """Give the billed hours a month at which both modes cost the same, row by row of *rates*.

    NaN without a price; infinite where hours cost nothing.
    """
    return break_even(rates["always_on_usd"], rates["auto_stop_usd"], rates["hourly_usd"])


def break_even(always_on_usd: _Usd, auto_stop_usd: _Usd, hourly_usd: _Usd) -> _Usd:
    """Give the billed hours a month at which the flat fee costs as much as fee and hours.

    *always_on_usd* is the monthly fee, *auto_stop_usd* the small one, *hourly_usd* an hour's price:
    the one formula of the break-even, for prices and for what was really charged alike.

    >>> break_even(35.0, 9.75, 0.3)
    84.16666666666667
    """
    return (always_on_usd - auto_stop_usd) / hourly_usd


def price_family(operating_systems: pd.Series) -> pd.Series:
    """Return the operating system as price lists write it: WINDOWS for WINDOWS_11, and so on.

    DescribeWorkspaces names versions (``WINDOWS_11``, ``UBUNTU_22_04``); prices know families.
    """
    families = operating_systems.astype("str").str.upper()
    # A fleet has few systems: each is looked at once.
    named = {name: _family(name) for name in families.dropna().unique()}
    return families.replace({name: family for name, family in named.items() if name != family})


def _family(system: str) -> str:
    if system == "AMAZON_LINUX":
        return "AMAZON_LINUX_2"
    return next((family for family in _FAMILIES if system.startswith(f"{family}_")), system)


def load_prices(region: str | None = None, *, path: Path | str | None = None) -> PriceBook:
    """Return the price table in force, or the user's own at *path* in its place.

    In force are the built-in prices, and for regions that were refreshed from AWS those
    (:func:`refreshed_path`). *region* keeps that region's prices only. Raises
    :class:`InputError` for a region that the table lacks, a file that is no ``prices`` table,
    and two different prices of one date for one kind of WorkSpace (of several dates the latest
    holds).

    >>> built_in_prices("us-east-1")
    <PriceBook 264 prices of 2025-10-03, AWS list prices>
    """
    if path is None:
        return _effective(region)
    return _book(_checked(*read_source(path, PRICES)), str(Path(path)), region)


def built_in_prices(region: str | None = None) -> PriceBook:
    """Return the prices that come with wsanalytics, of all regions or of *region* alone."""
    return _book(_built_in().copy(), BUILT_IN, region)


def refreshed_path(endpoint: str | None = None) -> Path:
    """Return the path of prices refreshed from AWS; the file need not exist.

    In ``$WSANALYTICS_HOME``, else where the system keeps an application's data for its user (on
    Linux in ``wsanalytics`` in ``$XDG_DATA_HOME``, else in ``~/.local/share``). Those of an
    *endpoint* in place of AWS's own (by default the one that the environment names) are kept
    beside them and hold for that endpoint alone.
    """
    if endpoint is None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_PRICING") or os.environ.get(
            "AWS_ENDPOINT_URL") or ""
    name = REFRESHED_FILE
    # A sandbox's prices must never be taken for AWS's: each endpoint has a file of its own.
    if not is_of_aws(endpoint):
        mark = sha256(endpoint.rstrip("/").encode()).hexdigest()[:12]
        name = f"{Path(name).stem}-of-{mark}{Path(name).suffix}"
    home = os.environ.get("WSANALYTICS_HOME")
    if home:
        return Path(home) / name
    return platformdirs.user_data_path("wsanalytics", appauthor=False) / name


def is_of_aws(endpoint: str) -> bool:
    """Whether an *endpoint* is AWS's own; none is named where it is empty.

    >>> is_of_aws(""), is_of_aws("https://api.pricing.us-east-1.amazonaws.com")
    (True, True)
    >>> is_of_aws("http://127.0.0.1:8080"), is_of_aws("https://amazonaws.com.example")
    (False, False)
    """
    try:
        host = urlsplit(endpoint).hostname or ""
    except ValueError:
        return False
    return not endpoint or host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def refreshed_prices() -> PriceBook | None:
    """Return the prices that were refreshed from AWS; None where none were.

    Raises :class:`InputError` for a file that is no ``prices`` table.
    """
    path = refreshed_path()
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"the refreshed prices cannot be read: {error.strerror or error}", where=str(path),
            fix="check the path and its permissions, or set WSANALYTICS_HOME",
        ) from error
    return PriceBook(_refreshed(path, stat.st_mtime_ns, stat.st_size).copy(), str(path))


@lru_cache(maxsize=4)
def _refreshed(path: Path, modified_at: int, size: int) -> pd.DataFrame:  # noqa: ARG001  # they tell whether the file is the same
    try:
        return _checked(*read_source(path, PRICES))
    except InputError as error:
        raise InputError(
            f"the refreshed prices cannot be used: {error.what}", where=str(path),
            rule=error.rule,
            fix="run 'wsanalytics prices refresh' again, or remove the file to go back to the "
            "built-in prices",
        ) from error


def _effective(region: str | None) -> PriceBook:
    refreshed = refreshed_prices()
    if refreshed is None:
        return built_in_prices(region)
    regions = sorted(set(refreshed.frame["region"]))
    if region is not None:
        return _book(refreshed.frame, refreshed.origin, region) if region in regions \
            else built_in_prices(region)
    built_in = _built_in()
    other_regions = built_in[~built_in["region"].isin(regions)]
    frame = sort_by_key(pd.concat([other_regions, refreshed.frame], ignore_index=True), PRICES)
    named = ", ".join(regions) if len(regions) <= 3 else f"{len(regions)} regions"
    if other_regions.empty:
        return PriceBook(frame, refreshed.origin)
    return PriceBook(frame, f"{BUILT_IN}, and {refreshed.origin} for {named}")


def _book(frame: pd.DataFrame, origin: str, region: str | None) -> PriceBook:
    """Return a book of the *frame*, of *region* alone if one is named."""
    if region is None:
        return PriceBook(frame, origin)
    rows = frame[frame["region"] == region].reset_index(drop=True)
    if rows.empty:
        raise InputError(
            f"there is no price for region {region!r}",
            where=origin,
            rule="prices are never carried over from another region",
            fix=f"use one of {', '.join(sorted(set(frame['region'])))}, or your own price file",
        )
    return PriceBook(rows, origin)


@cache
def _built_in() -> pd.DataFrame:
    file = resources.files("wsanalytics") / "prices.parquet"
    with resources.as_file(file) as path:
        return _checked(read_table(path, PRICES), Faults(Origin(BUILT_IN)))


def _checked(frame: pd.DataFrame, faults: Faults) -> pd.DataFrame:
    """Return the table with one row a kind and mode; of several dates the latest."""
    frame = checked_table(frame, PRICES, faults, rows_needed=True)
    frame = frame[faults.sound(len(frame), *PRICES.names)]
    text = [c.name for c in PRICES.columns if c.kind is Kind.TEXT]
    frame = frame.astype(dict.fromkeys(text, "str"))
    frame["operating_system"] = price_family(frame["operating_system"])
    frame["license"] = frame["license"].str.lower()
    key = list(PRICES.key)
    frame = frame.drop_duplicates([*key, "monthly_usd", "hourly_usd", "effective_date"])
    dated = [*key, "effective_date"]
    clash = frame.duplicated(dated, keep=False)
    for row in frame[clash].drop_duplicates(dated).to_dict("records"):
        faults.add(InputError(
            f"two different prices for {' '.join(str(row[name]) for name in key)}",
            where=faults.origin.name,
            rule="one kind of WorkSpace has one price in one running mode at one date",
            fix="remove the wrong row, or tell the two apart by effective_date",
        ))
    faults.refuse()
    latest = frame.sort_values(dated, kind="stable").drop_duplicates(key, keep="last")
    return sort_by_key(latest, PRICES)
