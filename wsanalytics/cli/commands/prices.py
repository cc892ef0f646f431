"""The commands ``prices refresh`` and ``prices show``: AWS's current prices, put in force or not.

Before anything is replaced the difference to the prices in force is shown.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from wsanalytics.aws import (
    AwsError,
    Items,
    check_regions,
    connect,
    download_products,
    fetch_products,
    pricing_region,
    read_products,
    without_secrets,
)
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.errors import InputError
from wsanalytics.files import Made, check_output
from wsanalytics.formatting import counted, listed, number, usd
from wsanalytics.prices import (
    API_SOURCE,
    Mapped,
    PriceBook,
    built_in_prices,
    is_of_aws,
    load_prices,
    map_products,
    refreshed_path,
    refreshed_prices,
)
from wsanalytics.tables import PRICES, sort_by_key, write_table

SHOWN = 20
"""How many differences are shown one by one."""
OFFER_SOURCE = "AWS public price list"
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
    """How the prices *after* differ from those *before*, in the regions of *after*."""
    before = before[before["region"].isin(set(after["region"]))]
    both = before[_KEY + _USD].merge(after[_KEY + _USD], on=_KEY, how="outer",
                                     suffixes=("_before", ""), indicator=True)
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


def refresh(args: Namespace) -> int:
    """Take current prices from AWS or a file and put them in force; 1 if some were not understood.

    ``args``: ``region`` (a list, may be empty), ``from_file``, ``profile``, ``dry_run``,
    ``output``. Without regions those of the file are taken, or of the table in force.
    """
    if args.output:
        check_output(args.output)
    check_regions(args.region)
    own = _own_prices()
    before = built_in_prices() if own is None else load_prices()
    regions = args.region or sorted(set(before.frame["region"]))
    if args.from_file:
        items, source, regions = read_products(args.from_file), args.from_file.name, args.region
        endpoint = ""
    else:
        items, source, endpoint = _current(regions, args.profile)
    mapped = map_products(items, regions=regions, source=source)
    if mapped.frame.empty:
        raise _nothing_usable(mapped, source, regions)
    _print_mapped(mapped)
    frame = mapped.frame
    if args.from_file and not args.replace:
        frame, kept = with_the_rest(before.frame, frame)
        if kept:
            terminal.tell(f"{counted(kept, 'price')} of the same regions that the file lacks "
                          "stay in force; --replace removes them")
    _print_difference(difference(before.frame, frame), before.origin)
    missing = sorted(set(regions) - set(mapped.frame["region"]))
    if missing:
        terminal.tell(f"no prices for {listed(missing)}; those in force stay as they are")
    if args.dry_run:
        terminal.tell("a dry run: nothing was written")
    elif args.output:
        write_table(mapped.frame, args.output, PRICES)
        terminal.tell(f"{counted(len(mapped.frame), 'price')} written to {args.output}; "
                      "the prices in force are as they were")
    else:
        _put_in_force(frame, own, endpoint)
    return 1 if mapped.unmapped or missing else 0


def _current(regions: Sequence[str], profile: str | None) -> tuple[Items, str, str]:
    """The products of *regions*, where they come from, and the endpoint that gave them.

    They come from the API, or without credentials from AWS's public files.
    """
    try:
        connections, _ = connect(regions=[pricing_region(regions[0])], profile=profile)
    except AwsError as error:
        if error.refusal.kind != "missing" or profile or _has_own_endpoint():
            raise
        terminal.tell("no AWS credentials were found; reading AWS's public price files")
        with terminal.progress(len(regions)) as step:
            return download_products(regions, on_file=step), OFFER_SOURCE, ""
    with connections[0] as connection, terminal.progress(len(regions)) as step:
        items: Items = []
        for region in regions:
            step(region)
            items += fetch_products(connection, [region])
        endpoint = str(connection.client("pricing").meta.endpoint_url)
    return items, API_SOURCE, endpoint


def _has_own_endpoint() -> bool:
    return bool(os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_PRICING"))


def _nothing_usable(mapped: Mapped, source: str, regions: Sequence[str]) -> InputError:
    seen = sum(mapped.skipped.values()) + len(mapped.unmapped)
    told = ""
    if mapped.unmapped:
        told = (f"; {counted(len(mapped.unmapped), 'product')} could not be understood, "
                f"the first: {mapped.unmapped[0][1]}")
    return InputError(
        f"there is no price of a WorkSpace among {counted(seen, 'product')}{told}",
        where=source + (f", {listed(regions)}" if regions else ""),
        rule="a price list is put in force only where it has prices",
        mend="name a region in which there are WorkSpaces; nothing was written")


def _print_mapped(mapped: Mapped) -> None:
    out = terminal.console()
    regions = sorted(set(mapped.frame["region"]))
    out.print(f"{counted(len(mapped.frame), 'price')} of {listed(regions)}.")
    if mapped.skipped:
        out.print("Products that are not in the table:")
        for reason, count in sorted(mapped.skipped.items()):
            out.print(f"  {count:>6,}  {reason}")
    if mapped.unmapped:
        out.print(f"{counted(len(mapped.unmapped), 'product')} could not be understood:")
        for sku, why in mapped.unmapped:
            out.print(f"  {sku}: {why}")


def _print_difference(found: Difference, origin: str) -> None:
    out = terminal.console()
    parts = {"new": found.new, "gone": found.gone, "changed": found.changed}
    counts = ", ".join(f"{len(frame):,} {name}" for name, frame in parts.items())
    out.print(f"Against the prices in force ({origin}): {counts}, {found.unchanged:,} the same.")
    lines = [_line(name, row) for name, frame in parts.items()
             for row in frame.to_dict("records")]
    for line in lines[:SHOWN]:
        out.print(line)
    if len(lines) > SHOWN:
        out.print(f"  and {len(lines) - SHOWN:,} more")


def _line(name: str, row: Mapping[Hashable, object]) -> str:
    words = ("region", "compute_type", "operating_system", "license")
    kind = " ".join(str(row[word]) for word in words)
    volumes = f"{row['root_gib']}/{row['user_gib']} GiB {row['running_mode']}"
    old = f"{_amount(row, '_before')} → " if name == "changed" else ""
    return f"  {name:<7}  {kind} {volumes}: {old}{_amount(row, '')}"


def _amount(row: Mapping[Hashable, object], suffix: str) -> str:
    month, hour = (float(str(row[f"{name}{suffix}"])) for name in _USD)
    hourly = f" + ${number(hour, 4)} an hour" if hour else ""  # some rates have parts of a cent
    return usd(month) + hourly


def _own_prices() -> PriceBook | None:
    """The prices that were refreshed before; a table that is broken is about to be replaced."""
    try:
        return refreshed_prices()
    except InputError as error:
        terminal.tell(f"{error} It is left out here, and replaced if prices are put in force.")
        return None


def _put_in_force(frame: pd.DataFrame, own: PriceBook | None, endpoint: str) -> None:
    path = refreshed_path(endpoint)
    if own is not None and path == refreshed_path():
        rest = own.frame[~own.frame["region"].isin(set(frame["region"]))]
        frame = sort_by_key(pd.concat([rest, frame], ignore_index=True), PRICES)
    with Made() as made:
        for folder in (*reversed(path.parent.parents), path.parent):
            made.folder(folder)
        write_table(frame, path, PRICES)
    if is_of_aws(endpoint):
        terminal.tell(f"{counted(len(frame), 'price')} in force from now on, kept in {path}")
    else:
        terminal.tell(f"{counted(len(frame), 'price')} of {without_secrets(endpoint)}, which is "
                      "not AWS: they hold only where AWS_ENDPOINT_URL names it, and never for an "
                      f"account of AWS; kept in {path}")


def show(args: Namespace) -> None:  # noqa: ARG001  # every command takes its arguments
    """Print which prices are in force, where they come from, their dates, and rows by region."""
    book, own = load_prices(), refreshed_prices()
    out = terminal.console()
    out.print(f"In force: {book.origin}.")
    out.print(f"Dates: {book.dates}.")
    if own is None:
        out.print(f"Nothing was refreshed from AWS ({refreshed_path()} does not exist).")
    refreshed = set() if own is None else set(own.frame["region"])
    built_in = Counter(built_in_prices().frame["region"])
    out.print(f"{'region':<16}{'prices':>8}  {'dated':<24}from")
    for region, rows in book.frame.groupby("region"):
        place = own.origin if own is not None and region in refreshed else "built in"
        was = f" (built in: {built_in[str(region)]:,})" if region in refreshed else ""
        dates = ", ".join(sorted({str(date) for date in rows["effective_date"]}))
        out.print(f"{region!s:<16}{len(rows):>8,}  {dates:<24}{place}{was}", soft_wrap=True)
