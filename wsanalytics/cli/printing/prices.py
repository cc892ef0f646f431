"""Print prices: a list of AWS, its differences, and the prices that are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

from wsanalytics.cli.printing.console import console
from wsanalytics.cli.printing.layout import Column, print_rows
from wsanalytics.formatting import counted, listed, number, usd
from wsanalytics.prices import Difference, Mapped, PriceBook

SHOWN = 20
"""The most differences that are shown one by one."""
_USD = ("monthly_usd", "hourly_usd")


def print_mapped(mapped: Mapped) -> None:
    """Print how many prices a list has, and the products that gave none."""
    out = console()
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


def print_difference(difference: Difference, origin: str) -> None:
    """Print what is new, gone and changed against the prices that are used."""
    out = console()
    parts = {"new": difference.new, "gone": difference.gone, "changed": difference.changed}
    counts = ", ".join(f"{len(frame):,} {name}" for name, frame in parts.items())
    out.print(f"Against the prices in force ({origin}): {counts}, "
              f"{difference.unchanged:,} the same.")
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


def print_prices(
    book: PriceBook, refreshed_book: PriceBook | None, built_in_book: PriceBook, path: str
) -> None:
    """The prices that are used, by region: how many, from when, and from where.

    *path* is where refreshed prices lie, if there are any.
    """
    out = console()
    out.print(f"In force: {book.origin}.")
    out.print(f"Dates: {book.dates}.")
    if refreshed_book is None:
        out.print(f"Nothing was refreshed from AWS ({path} does not exist).")
    refreshed = set() if refreshed_book is None else set(refreshed_book.frame["region"])
    built_in = Counter(built_in_book.frame["region"])
    lines = []
    for region, rows in book.frame.groupby("region"):
        origin = "built in" if refreshed_book is None or region not in refreshed else (
            refreshed_book.origin)
        was = f" (built in: {number(built_in[str(region)])})" if region in refreshed else ""
        dates = ", ".join(sorted({str(date) for date in rows["effective_date"]}))
        lines.append({"region": str(region), "prices": number(len(rows)), "dated": dates,
                      "from": f"{origin}{was}"})
    print_rows("", (Column("region"), Column("prices", right=True), Column("dated"),
                    Column("from", wraps=True, leaves=1)), lines)
