"""Prices of WorkSpaces by the hour and by the month."""

from __future__ import annotations

from wsanalytics.prices.book import (
    PriceBook,
    break_even,
    break_even_hours,
    built_in_prices,
    is_of_aws,
    load_prices,
    refreshed_path,
    refreshed_prices,
)
from wsanalytics.prices.price_list import API_SOURCE, Mapped, map_products
from wsanalytics.prices.refresh import Difference, difference, with_the_rest
from wsanalytics.prices.volumes import AMOUNTS, GROWN, nearest_pairs

__all__ = [
    "AMOUNTS",
    "API_SOURCE",
    "GROWN",
    "Difference",
    "Mapped",
    "PriceBook",
    "break_even",
    "break_even_hours",
    "built_in_prices",
    "difference",
    "is_of_aws",
    "load_prices",
    "map_products",
    "nearest_pairs",
    "refreshed_path",
    "refreshed_prices",
    "with_the_rest",
]
