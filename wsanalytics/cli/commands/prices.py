"""The commands ``prices refresh`` and ``prices show``: AWS's current prices, used or not.

Before anything is replaced the difference to the prices in use is shown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import AWS, INPUT, OUTPUT, SAFETY, command, flag, one_of, option
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH, TEXTS

if TYPE_CHECKING:
    import pandas as pd

    from wsanalytics.aws import Items
    from wsanalytics.errors import InputError
    from wsanalytics.prices import Mapped, PriceBook

OFFER_SOURCE = "AWS public price list"
SOURCE = one_of("region or file", required=True)


@command("Read AWS's Price List (pricing:GetProducts; without credentials its bulk offer file) and "
         "put the prices in force, after showing what differs.",
         "wsanalytics prices refresh --region eu-west-1 us-east-1 --dry-run",
         "wsanalytics prices refresh --from-file index.json")
def refresh(
    *,
    region: Annotated[Sequence[str], option("the regions to refresh", TEXTS, metavar="R",
                                            group=(INPUT, SOURCE))] = (),
    from_file: Annotated[Path | None, option(
        "a bulk offer file of AmazonWorkSpaces that was downloaded before", PATH, metavar="F",
        group=(INPUT, SOURCE))] = None,
    profile: Annotated[str | None, option("a profile of AWS's configuration files", metavar="P",
                                          group=AWS)] = None,
    output: Annotated[Path | None, option(
        "write the table there instead of putting it in force", PATH, metavar="F",
        group=OUTPUT)] = None,
    replace: Annotated[bool, flag(
        "with --from-file: prices of the file's regions that it lacks are removed (default: they "
        "stay)", group=SAFETY)] = False,
    dry_run: Annotated[bool, flag("show what differs, change nothing", group=SAFETY)] = False,
) -> int:
    """Take current prices from AWS or a file and use them; 1 if some were not understood.

    Without regions those of the file are taken, or of the table that is used now.
    """
    from wsanalytics.aws import check_regions, read_products
    from wsanalytics.cli.exit_codes import status_of
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import note
    from wsanalytics.cli.printing.prices import print_difference, print_mapped
    from wsanalytics.files import check_output
    from wsanalytics.formatting import counted, listed
    from wsanalytics.prices import (
        built_in_prices,
        difference,
        load_prices,
        map_products,
        with_the_rest,
    )
    from wsanalytics.tables import PRICES, write_table

    if output:
        check_output(output)
    check_regions(region)
    refreshed = _refreshed_prices()
    before = built_in_prices() if refreshed is None else load_prices()
    regions = region or sorted(set(before.frame["region"]))
    if from_file:
        items, source, regions = read_products(from_file), from_file.name, region
        endpoint = ""
    else:
        items, source, endpoint = _current(regions, profile)
    mapped = map_products(items, regions=regions, source=source)
    if mapped.frame.empty:
        raise _nothing_usable(mapped, source, regions)
    print_mapped(mapped)
    frame = mapped.frame
    if from_file and not replace:
        frame, kept_regions = with_the_rest(before.frame, frame)
        if kept_regions:
            note(f"{counted(kept_regions, 'price')} of the same regions that the file lacks "
                 "stay in force; --replace removes them")
    differing = difference(before.frame, frame)
    if is_json():
        print_json("prices-refresh", regions=sorted(set(mapped.frame["region"])),
                   new=records(differing.new), gone=records(differing.gone),
                   changed=records(differing.changed), unchanged=differing.unchanged,
                   not_understood=[{"sku": sku, "why": why} for sku, why in mapped.unmapped])
    print_difference(differing, before.origin)
    missing = sorted(set(regions) - set(mapped.frame["region"]))
    if missing:
        note(f"no prices for {listed(missing)}; those in force stay as they are")
    if dry_run:
        note("a dry run: nothing was written")
    elif output:
        write_table(mapped.frame, output, PRICES)
        note(f"{counted(len(mapped.frame), 'price')} written to {output}; "
             "the prices in force are as they were")
    else:
        _put_in_force(frame, refreshed, endpoint)
    return status_of(is_complete=not (mapped.unmapped or missing))


def _current(regions: Sequence[str], profile: str | None) -> tuple[Items, str, str]:
    """Return the products of *regions*, where they come from, and the endpoint that gave them.

    They come from the API, or without credentials from AWS's public files.
    """
    from wsanalytics.aws import AwsError, connect, download_products, fetch_products, pricing_region
    from wsanalytics.cli.printing.console import note
    from wsanalytics.prices import API_SOURCE
    from wsanalytics.progress import step_bar

    try:
        connections, _ = connect(regions=[pricing_region(regions[0])], profile=profile)
    except AwsError as error:
        if error.refusal.kind != "missing" or profile or _has_own_endpoint():
            raise
        note("no AWS credentials were found; reading AWS's public price files")
        with step_bar(len(regions)) as step:
            return download_products(regions, on_file=step), OFFER_SOURCE, ""
    with connections[0] as connection, step_bar(len(regions)) as step:
        items: Items = []
        for region in regions:
            step(region)
            items += fetch_products(connection, [region])
        endpoint = str(connection.client("pricing").meta.endpoint_url)
    return items, API_SOURCE, endpoint


def _has_own_endpoint() -> bool:
    return bool(os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_PRICING"))


def _nothing_usable(mapped: Mapped, source: str, regions: Sequence[str]) -> InputError:
    from wsanalytics.errors import InputError
    from wsanalytics.formatting import counted, listed

    read = sum(mapped.skipped.values()) + len(mapped.unmapped)
    first = ""
    if mapped.unmapped:
        first = (f"; {counted(len(mapped.unmapped), 'product')} could not be understood, "
                f"the first: {mapped.unmapped[0][1]}")
    return InputError(
        f"there is no price of a WorkSpace among {counted(read, 'product')}{first}",
        where=source + (f", {listed(regions)}" if regions else ""),
        rule="a price list is put in force only where it has prices",
        fix="name a region in which there are WorkSpaces; nothing was written")


def _refreshed_prices() -> PriceBook | None:
    """Return the prices that were refreshed before.

    A table that is broken is about to be replaced.
    """
    from wsanalytics.cli.printing.console import warn
    from wsanalytics.errors import InputError
    from wsanalytics.prices import refreshed_prices

    try:
        return refreshed_prices()
    except InputError as error:
        warn(f"{error} It is left out here, and replaced if prices are put in force.")
        return None


def _put_in_force(frame: pd.DataFrame, refreshed: PriceBook | None, endpoint: str) -> None:
    """Make the prices of *frame* those that are used from now on."""
    import pandas as pd

    from wsanalytics.aws import without_secrets
    from wsanalytics.cli.printing.console import note
    from wsanalytics.files import Made
    from wsanalytics.formatting import counted
    from wsanalytics.prices import is_of_aws, refreshed_path
    from wsanalytics.tables import PRICES, sort_by_key, write_table

    path = refreshed_path(endpoint)
    if refreshed is not None and path == refreshed_path():
        other_regions = refreshed.frame[~refreshed.frame["region"].isin(set(frame["region"]))]
        frame = sort_by_key(pd.concat([other_regions, frame], ignore_index=True), PRICES)
    with Made() as made:
        for folder in (*reversed(path.parent.parents), path.parent):
            made.folder(folder)
        write_table(frame, path, PRICES)
    if is_of_aws(endpoint):
        note(f"{counted(len(frame), 'price')} in force from now on, kept in {path}")
    else:
        note(f"{counted(len(frame), 'price')} of {without_secrets(endpoint)}, which is "
                      "not AWS: they hold only where AWS_ENDPOINT_URL names it, and never for an "
                      f"account of AWS; kept in {path}")


@command("Which prices are in force, and from when.", "wsanalytics prices show")
def show() -> None:
    """Print which prices are used, where they come from, their dates, and rows by region."""
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.prices import print_prices
    from wsanalytics.prices import built_in_prices, load_prices, refreshed_path, refreshed_prices
    from wsanalytics.tables import PRICES

    book = load_prices()
    if is_json():
        print_json("prices", origin=book.origin, dates=book.dates, prices=records(book.frame,
                                                                                 PRICES))
    print_prices(book, refreshed_prices(), built_in_prices(), str(refreshed_path()))
