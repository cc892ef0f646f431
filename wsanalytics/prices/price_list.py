"""AWS's price list of WorkSpaces as a ``prices`` table.

A product says what it is in its attributes: bundle, volumes, running mode, system, licence and
region. The number in its usage type says nothing reliable and is not read. The month of ALWAYS_ON
is one product; AUTO_STOP is two, a fee for each pair of volumes and one hourly rate for all of
them, which are joined here. What cannot be understood is listed, never guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import pandas as pd

from wsanalytics.bounds import MOST_USD
from wsanalytics.service_model import compute_types, region_at
from wsanalytics.tables import PRICES

FAMILY = "Enterprise Applications"
"""The product family of WorkSpaces Personal."""
TERM = "JRTCKXETXF"
"""The code of the ordinary on-demand offer; what has only other ones is a trial."""
API_SOURCE = "AWS Price List API"
_BYOL = "bring your own license"
_SYSTEMS = {
    "windows": "WINDOWS",
    "amazon linux": "AMAZON_LINUX_2",
    "ubuntu": "UBUNTU",
    "red hat": "RHEL",
    "rhel": "RHEL",
    "rocky": "ROCKY",
}
_VOLUMES = re.compile(r"root:\s*(\d+)\s*gb\s*,\s*user:\s*(\d+)\s*gb", re.IGNORECASE)
_GIB = re.compile(r"(\d+)\s*gi?b", re.IGNORECASE)


class _Part(Enum):
    MONTH = "ALWAYS_ON month"
    FEE = "AUTO_STOP fee"
    RATE = "AUTO_STOP hourly rate"


_BASES = {"hour": "hour", "hours": "hour", "hourly": "hour", "hrs": "hour", "Usage": "hour",
          "month": "month", "months": "month", "mo": "month", "User": "month"}
"""The period of a price, an hour or a month, by the words of groups and units."""
_PARTS = {("AlwaysOn", "month"): _Part.MONTH, ("AutoStop", "month"): _Part.FEE,
          ("AutoStop", "hour"): _Part.RATE}


class _Kind(NamedTuple):
    """A kind of WorkSpace, by what the hourly rate depends on."""

    region: str
    compute_type: str
    operating_system: str
    license: str


class _Price(NamedTuple):
    sku: str
    usd: float
    date: str


class _Unclear(Exception):  # noqa: N818  # it never leaves this module
    """A product that cannot be understood; the message has the reason."""


_Volumes = tuple[int, int] | None
_OTHER_SHAPE = (AttributeError, TypeError, ValueError, KeyError, IndexError, OverflowError,
                RecursionError)
_PricesByKey = dict[tuple[_Part, _Kind, _Volumes], _Price]


@dataclass(frozen=True, eq=False)
class Mapped:
    """A mapped price list: a ``prices`` table, and the products that are not in it and why.

    ``unmapped`` are pairs of SKU and reason, for products that should have a price here and could
    not be understood. ``skipped`` counts the others by reason: licences, storage, Pools and so on.
    """

    frame: pd.DataFrame
    unmapped: list[tuple[str, str]]
    skipped: Counter[str]


def map_products(
    items: Iterable[Mapping[str, Any]],
    *,
    regions: Collection[str] = (),
    source: str = API_SOURCE,
) -> Mapped:
    """Return the *items* of GetProducts as a ``prices`` table whose rows name *source*.

    *regions*, if any are named, keeps theirs only.
    """
    prices_by_key: _PricesByKey = {}
    unmapped: list[tuple[str, str]] = []
    skipped: Counter[str] = Counter()
    twice: set[tuple[_Part, _Kind, _Volumes]] = set()
    for item in items:
        sku = _sku_of(item)
        try:
            product = item.get("product") or {}
            reason = _reason_to_skip(item, product) or _elsewhere(product, regions)
            if reason:
                skipped[reason] += 1
                continue
            key, price = _key_of(item, product), _price_of(item, sku)
        except _Unclear as error:
            unmapped.append((sku, str(error)))
            continue
        except _OTHER_SHAPE:
            unmapped.append((sku, "it is of another shape than AWS's products"))
            continue
        # The same price may be stated twice; two different ones cannot both be right, so neither is
        # used.
        first_price = prices_by_key.setdefault(key, price)
        if first_price.usd != price.usd:
            twice.add(key)
            unmapped.append((sku, f"{_named(*key)} has another price too, {first_price.sku}'s"))
        elif first_price is not price:
            skipped["stated twice, with the same price"] += 1
    for key in twice:
        unmapped.append((prices_by_key[key].sku, f"{_named(*key)} has another price too"))
        del prices_by_key[key]
    rows = _in_both_modes(prices_by_key, unmapped)
    return Mapped(_as_table(rows, source), sorted(unmapped), skipped)


def _sku_of(item: Mapping[str, Any]) -> str:
    product = item.get("product")
    sku = product.get("sku") if isinstance(product, Mapping) else None
    return str(sku or "without a SKU")


def _reason_to_skip(item: Mapping[str, Any], product: Mapping[str, Any]) -> str:
    """Give the reason why a product has no place in the table; empty for one that has."""
    attributes = {name: str(text).lower() for name, text in _attributes(product).items()}
    words = " ".join(attributes.get(name, "") for name in (
        "bundle", "bundleDescription", "bundleGroup", "group", "groupDescription", "runningMode"))
    family = product.get("productFamily", FAMILY)
    # Reasons in the order in which they are tried: the first that holds is the one that is counted.
    checks = {
        f"product family {family}": family != FAMILY,
        "Pools": "pool" in words,
        "WorkSpaces Core": attributes.get("runningMode") == "manual",
        "extra storage": "storage" in (attributes.get("bundle"), attributes.get("bundleGroup"))
        or "volume usage" in attributes.get("license", ""),
        "software": attributes.get("resourceType") == "software",
        "trials and other restricted offers": bool(attributes.get("Restriction"))
        or not _offers(item),
        "standby": "standby" in words,
        "Plus bundles, whose hardware costs the same": attributes.get("bundle", "").split("-")[0]
        .endswith(" plus"),
        "placeholders of $0": _is_free(item),
    }
    return next((reason for reason, holds in checks.items() if holds), "")


def _elsewhere(product: Mapping[str, Any], regions: Collection[str]) -> str:
    if not regions:
        return ""
    try:
        region = _region_of(_attributes(product))
    except _Unclear:
        return ""
    return "" if region in regions else "other regions"


def _attributes(product: Mapping[str, Any]) -> Mapping[str, Any]:
    attributes: Mapping[str, Any] = product.get("attributes") or {}
    return attributes


def _offers(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the ordinary on-demand offers of a product."""
    on_demand = (item.get("terms") or {}).get("OnDemand") or {}
    return [offer for name, offer in on_demand.items()
            if (offer.get("offerTermCode") or str(name).rpartition(".")[2]) == TERM]


def _dimensions(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        dimension
        for offer in _offers(item)
        for dimension in (offer.get("priceDimensions") or {}).values()
    ]


def _is_free(item: Mapping[str, Any]) -> bool:
    prices = [dimension.get("pricePerUnit", {}).get("USD") for dimension in _dimensions(item)]
    try:
        return bool(prices) and all(price is not None and float(price) == 0 for price in prices)
    except ValueError:
        return False


def _price_of(item: Mapping[str, Any], sku: str) -> _Price:
    dimensions = _dimensions(item)
    if len(dimensions) != 1:
        raise _Unclear(f"it has {len(dimensions)} prices, not one")
    text = dimensions[0].get("pricePerUnit", {}).get("USD")
    try:
        usd = float(text)
    except (TypeError, ValueError):
        raise _Unclear("it has no price in USD") from None
    if not 0 < usd < MOST_USD:
        raise _Unclear(f"its price is {text}")
    date = str(_offers(item)[0].get("effectiveDate") or item.get("publicationDate") or "")
    day = date.partition("T")[0]
    if not re.fullmatch(r"(\d{4}-\d{2}(-\d{2})?)?", day):
        raise _Unclear(f"its date {day!r} is none")
    return _Price(sku, usd, day)


def _key_of(
    item: Mapping[str, Any], product: Mapping[str, Any]
) -> tuple[_Part, _Kind, _Volumes]:
    attributes = _attributes(product)
    units = {str(dimension.get("unit") or "") for dimension in _dimensions(item)}
    part = _part_of(attributes, units | {str(attributes.get("pricingUnit") or "")})
    kind = _Kind(_region_of(attributes), _compute_type_of(attributes), *_system_of(attributes))
    return part, kind, None if part is _Part.RATE else _volumes_of(attributes)


def _part_of(attributes: Mapping[str, Any], units: set[str]) -> _Part:
    mode, group = attributes.get("runningMode"), attributes.get("group")
    # Group and unit both say month or hour; only where they agree is the price understood.
    bases = {_BASES.get(unit.lower(), unit) for unit in units - {""}}
    bases |= {_BASES.get(group, group)} if group else set()
    if len(bases) != 1:
        raise _Unclear(f"its group {group!r} and its units {sorted(units - {''})} disagree")
    part = _PARTS.get((str(mode), bases.pop()))
    if part is None:
        raise _Unclear(f"its running mode {mode!r} with group {group!r} is not known")
    return part


def _region_of(attributes: Mapping[str, Any]) -> str:
    region = attributes.get("regionCode") or region_at(str(attributes.get("location") or ""))
    if not region:
        raise _Unclear(f"its location {attributes.get('location')!r} is no known region")
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]{2,12}){1,4}-\d{1,2}", str(region)):
        raise _Unclear(f"its region {str(region)!r} is none")
    return str(region)


def _compute_type_of(attributes: Mapping[str, Any]) -> str:
    name = str(attributes.get("bundleGroup") or attributes.get("bundle") or "")
    compute_type = re.sub(r"-\d+$", "", name).upper().replace(".", "_").replace(" ", "_")
    if compute_type not in compute_types():
        raise _Unclear(f"its bundle {name!r} is no known compute type")
    return compute_type


def _system_of(attributes: Mapping[str, Any]) -> tuple[str, str]:
    name = str(attributes.get("operatingSystem") or "").lower()
    license_ = str(attributes.get("license") or "").lower()
    system = next((code for start, code in _SYSTEMS.items() if name.startswith(start)), None)
    if license_ == _BYOL and (system == "WINDOWS" or name == "any"):
        return "WINDOWS", "byol"
    if system is None or license_ not in {"included", "none", "no license required"} \
            or (system == "WINDOWS" and license_ != "included"):
        raise _Unclear(f"its operating system {attributes.get('operatingSystem')!r} with license "
                       f"{attributes.get('license')!r} is not known")
    return system, "included"


def _volumes_of(attributes: Mapping[str, Any]) -> tuple[int, int]:
    pair = _VOLUMES.fullmatch(str(attributes.get("storage") or "").strip())
    single = [_GIB.fullmatch(str(attributes.get(name) or "").strip())
              for name in ("rootvolume", "uservolume")]
    stated = {(int(pair[1]), int(pair[2]))} if pair else set()
    if single[0] and single[1]:
        stated.add((int(single[0][1]), int(single[1][1])))
    if len(stated) != 1:
        raise _Unclear("its volumes disagree" if stated else "its volumes are not stated")
    return stated.pop()


def _in_both_modes(
    prices_by_key: _PricesByKey, unmapped: list[tuple[str, str]]
) -> list[dict[str, object]]:
    """Return a row for each month, and one for each fee with its rate.

    What is left over is unmapped.
    """
    rates = {kind: price for (part, kind, _), price in prices_by_key.items() if part is _Part.RATE}
    rows, used = [], set()
    for (part, kind, volumes), price in prices_by_key.items():
        if part is _Part.RATE:
            continue
        rate = rates.get(kind) if part is _Part.FEE else None
        if part is _Part.FEE and rate is None:
            unmapped.append((price.sku, f"{_named(part, kind, volumes)} has no hourly rate"))
            continue
        used.add(kind if rate else None)
        root_gib, user_gib = volumes or (0, 0)
        rows.append(kind._asdict() | {
            "root_gib": root_gib, "user_gib": user_gib,
            "running_mode": "AUTO_STOP" if rate else "ALWAYS_ON",
            "monthly_usd": price.usd, "hourly_usd": rate.usd if rate else 0.0,
            "effective_date": max(price.date, rate.date) if rate else price.date,
        })
    for kind, price in rates.items():
        if kind not in used:
            unmapped.append((price.sku, f"{_named(_Part.RATE, kind, None)} has no monthly fee"))
    return rows


def _named(part: _Part, kind: _Kind, volumes: _Volumes) -> str:
    size = f" {volumes[0]}/{volumes[1]} GiB" if volumes else ""
    return f"{' '.join(kind)}{size} ({part.value})"


def _as_table(rows: list[dict[str, object]], source: str) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(PRICES.names)).assign(source=source)
    frame = frame.astype({column.name: column.dtype for column in PRICES.columns})
    return frame.sort_values(list(PRICES.key), ignore_index=True)
