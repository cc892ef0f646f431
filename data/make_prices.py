"""Make the price table that ships in the package from the price rows in ``data/prices/``.

    python data/make_prices.py                    rows in data/prices/ -> the package's table
    python data/make_prices.py --from rows.csv    first takes up the rows worth shipping of a
                                                  larger collection of dated price rows

What is taken of a collection, and why, is said in ``data/README.md``: the rows of AWS's own
public price file of 2025-10-03, and the rows of 2026 for the two regions that AWS added since.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
ROWS = HERE / "prices" / "aws-workspaces-usd.csv"
TABLE = HERE.parent / "wsanalytics" / "prices.parquet"
KEY = ["region", "compute_type", "operating_system", "license", "root_gib", "user_gib",
       "running_mode"]
SHIPPED_SOURCES = ("github v0rts/aws-price-watcher", "github iann0036/aws-price-watcher")


def take_up(collection: Path) -> None:
    """Copy the rows worth shipping out of a collection of dated price rows."""
    rows = pd.read_csv(collection, dtype=str, keep_default_na=False)
    rows = rows[rows["source"].str.startswith(SHIPPED_SOURCES)]
    rows = rows.rename(columns={"source_date": "effective_date"})
    typo = (  # 90.00 USD an hour where Windows costs 16.52: almost surely a slip in AWS's file
        (rows["region"] == "ap-south-1") & (rows["compute_type"] == "GRAPHICSPRO_G4DN")
        & (rows["operating_system"] == "UBUNTU") & (rows["running_mode"] == "AUTO_STOP")
    )
    rows = rows[~typo & (rows["root_gib"] != "") & (rows["user_gib"] != "")]
    order = [*KEY, "monthly_usd", "hourly_usd", "source", "effective_date"]
    rows[order].sort_values(KEY).to_csv(ROWS, index=False, lineterminator="\n")


def make_table() -> None:
    """Write the package's table: the same rows, typed and compressed."""
    text = dict.fromkeys([*KEY, "source", "effective_date"], "category")
    rows = pd.read_csv(ROWS, dtype=text | {"root_gib": "int16", "user_gib": "int16"})
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata()
    pq.write_table(table, TABLE, compression="zstd", compression_level=19)


def main() -> None:
    """Read the command line and make the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="collection", type=Path, metavar="rows.csv")
    collection = parser.parse_args().collection
    if collection is not None:
        take_up(collection)
    make_table()


if __name__ == "__main__":
    main()
