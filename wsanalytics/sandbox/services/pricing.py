"""The pricing service: AWS's list prices as its Price List writes them, with all that lies beside.

The products are made from the prices that come with wsanalytics. Among them, as in AWS's own list,
are some that a reader has to leave out: software at no price, trials, WorkSpaces Core, pools,
storage, bundles with Office, and placeholders at $0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Any

from wsanalytics.bundles import BASE_VOLUMES
from wsanalytics.prices import built_in_prices
from wsanalytics.sandbox.services.paging import page_by_place
from wsanalytics.sandbox.services.protocol import ApiError, Call, Members
from wsanalytics.sandbox.world import Handlers, World

CODE = "AmazonWorkSpaces"
LARGEST_PAGE = 100
TERM, TRIAL_TERM, RATE = "JRTCKXETXF", "4WXBKM2Q7Z", "6YS6EN2CT7"
"""Codes of the usual offer term, of a trial's, and of the rate within either."""
PERSONAL, CORE = "Enterprise Applications", "WorkSpaces Core"
"""The product families: what a user has a WorkSpace of, and what partners build on."""
BUNDLES = {
    "VALUE": ("Value", 1, "2 GB"), "STANDARD": ("Standard", 2, "4 GB"),
    "PERFORMANCE": ("Performance", 2, "8 GB"), "POWER": ("Power", 4, "16 GB"),
    "POWERPRO": ("PowerPro", 8, "32 GB"), "GRAPHICS": ("Graphics", 8, "15 GB"),
    "GENERALPURPOSE_4XLARGE": ("GeneralPurpose.4xlarge", 16, "64 GB"),
    "GENERALPURPOSE_8XLARGE": ("GeneralPurpose.8xlarge", 32, "128 GB"),
    "GRAPHICSPRO": ("GraphicsPro", 16, "122 GB"),
    "GRAPHICS_G4DN": ("Graphics.g4dn", 4, "16 GB"),
    "GRAPHICSPRO_G4DN": ("GraphicsPro.g4dn", 16, "64 GB"),
}
"""The Price List's name of each bundle, its vCPUs and its memory."""
SYSTEMS = {
    ("WINDOWS", "included"): ("Windows", "Included", "HW"),
    ("WINDOWS", "byol"): ("Windows", "Bring Your Own License", "HWB"),
    ("AMAZON_LINUX_2", "included"): ("Amazon Linux", "None", "HWL"),
    ("UBUNTU", "included"): ("Ubuntu Linux", "None", "HWU"),
    ("RHEL", "included"): ("Red Hat Enterprise Linux", "Included", "HWR"),
    ("ROCKY", "included"): ("Rocky Linux", "Included", "HWK"),
}
"""Operating system, licence and letters of the usage type, by the words of the price table."""
LOCATIONS = {
    "af-south-1": "Africa (Cape Town)", "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-2": "Asia Pacific (Seoul)", "ap-south-1": "Asia Pacific (Mumbai)",
    "ap-southeast-1": "Asia Pacific (Singapore)", "ap-southeast-2": "Asia Pacific (Sydney)",
    "ap-southeast-5": "Asia Pacific (Malaysia)", "ca-central-1": "Canada (Central)",
    "eu-central-1": "EU (Frankfurt)", "eu-west-1": "EU (Ireland)", "eu-west-2": "EU (London)",
    "eu-west-3": "EU (Paris)", "il-central-1": "Israel (Tel Aviv)",
    "sa-east-1": "South America (Sao Paulo)", "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)", "us-gov-east-1": "AWS GovCloud (US-East)",
    "us-gov-west-1": "AWS GovCloud (US-West)", "us-west-2": "US West (Oregon)",
}
_SUFFIXES = {(80, 10): "-0", (80, 50): "-1", (80, 100): "-2", (175, 100): "-3"}
_ATTRIBUTES = (
    "bundle", "bundleDescription", "bundleGroup", "group", "groupDescription", "license",
    "location", "locationType", "memory", "operatingSystem", "operation", "pricingUnit",
    "productFamily", "regionCode", "resourceType", "Restriction", "rootvolume", "runningMode",
    "servicecode", "servicename", "softwareIncluded", "storage", "termType", "usagetype",
    "uservolume", "vcpu",
)
Row = dict[str, Any]


def make_product(
    row: Row, *, mode: str, group: str, unit: str, usd: float, family: str = PERSONAL,
    **other: str,
) -> Members:
    """One product of the Price List for a row of prices; *other* attributes replace the usual."""
    name, vcpus, memory = BUNDLES[row["compute_type"]]
    system, license_, letters = SYSTEMS[row["operating_system"], row["license"]]
    volumes = int(row["root_gib"]), int(row["user_gib"])
    is_base = BASE_VOLUMES[row["compute_type"]] == volumes
    bundle = name if is_base else f"{name}{_SUFFIXES.get(volumes, '')}"
    kind = {"AlwaysOn": "", "AutoStop": f"-AutoStop-{group}"}.get(mode, f"-{mode}-{group}")
    prefix = f"{row['region']}-".replace("us-east-1-", "").upper()
    number = list(BUNDLES).index(row["compute_type"]) + 1
    attributes = {
        "bundle": bundle,
        "bundleGroup": name,
        "bundleDescription": f"{name} ({vcpus} vCPU, {memory.replace(' ', '')} RAM)",
        "group": group,
        "groupDescription": f"Billed by the {'hour' if group == 'Usage' else 'month'}",
        "license": license_,
        "location": LOCATIONS.get(row["region"], row["region"]),
        "locationType": "AWS Region",
        "memory": memory,
        "operatingSystem": system,
        "operation": "",
        "regionCode": row["region"],
        "resourceType": "Hardware",
        "rootvolume": f"{volumes[0]} GB",
        "runningMode": mode,
        "servicecode": CODE,
        "servicename": "Amazon WorkSpaces",
        "softwareIncluded": "None",
        "storage": f"Root:{volumes[0]} GB,User:{volumes[1]} GB",
        "usagetype": f"{prefix}AW-{letters}-{number}{'' if is_base else bundle[-2:]}{kind}",
        "uservolume": f"{volumes[1]} GB",
        "vcpu": str(vcpus),
    } | other
    return _envelope(family, attributes, unit, usd, str(row["effective_date"]))


def _envelope(family: str, attributes: Row, unit: str, usd: float, date: str) -> Members:
    """Return a product with its sku, its one offer term and its price."""
    text = json.dumps([family, attributes, unit], sort_keys=True)
    sku = sha256(text.encode()).hexdigest()[:16].upper()
    term = TRIAL_TERM if "Restriction" in attributes else TERM
    rate, since = f"{sku}.{term}.{RATE}", f"{date or '2025-01-01'}T00:00:00Z"
    price = {
        "unit": unit,
        "endRange": "Inf",
        "description": f"${usd:g}/{unit.lower()}-{attributes['bundle']}-{attributes['storage']}",
        "appliesTo": [],
        "rateCode": rate,
        "beginRange": "0",
        "pricePerUnit": {"USD": f"{usd:.10f}"},
    }
    offer = {"priceDimensions": {rate: price}, "sku": sku, "effectiveDate": since,
             "offerTermCode": term, "termAttributes": {}}
    return {
        "product": {"productFamily": family, "attributes": attributes, "sku": sku},
        "serviceCode": CODE,
        "terms": {"OnDemand": {f"{sku}.{term}": offer}},
        "version": since[:10].replace("-", "") + "000000",
        "publicationDate": since,
    }


def _hardware(rows: list[Row]) -> Iterator[Members]:
    """The months, the AutoStop fees, and each hourly rate once, on the bundle's own volumes."""
    for row in rows:
        if row["running_mode"] == "ALWAYS_ON":
            yield make_product(row, mode="AlwaysOn", group="User", unit="Month",
                               usd=row["monthly_usd"])
            continue
        yield make_product(row, mode="AutoStop", group="User", unit="Month",
                           usd=row["monthly_usd"])
    rates: dict[tuple[str, ...], Row] = {}
    for row in rows:
        if row["running_mode"] == "AUTO_STOP":
            key = row["compute_type"], row["operating_system"], row["license"]
            first_row = rates.setdefault(key, row)
            if BASE_VOLUMES[row["compute_type"]] == (row["root_gib"], row["user_gib"]):
                rates[key] = row
            assert first_row["hourly_usd"] == row["hourly_usd"], key
    for row in rates.values():
        yield make_product(row, mode="AutoStop", group="Usage", unit="Hour", usd=row["hourly_usd"])


def _beside(rows: list[Row]) -> Iterator[Members]:
    """List the products that price no WorkSpace of a user's."""
    row = next(
        (
            price
            for price in rows
            if price["running_mode"] == "ALWAYS_ON"
            and price["operating_system"] == "WINDOWS"
            and price["license"] == "included"
        ),
        rows[0],
    )
    month = {"group": "User", "unit": "Month"}
    name, letters = BUNDLES[row["compute_type"]][0], "AW-SW"
    yield make_product(row, mode="AlwaysOn", usd=0, resourceType="Software", **month,
                       usagetype=f"{letters}-1", softwareIncluded="Basic utilities")
    yield make_product(row, mode="AlwaysOn", usd=row["monthly_usd"], bundle=f"{name} Plus", **month,
                       usagetype="AW-HW-99")
    yield make_product(row, mode="AlwaysOn", usd=15, resourceType="Software", bundle=f"{name} Plus",
                       usagetype=f"{letters}-99", softwareIncluded="Office 2019", **month)
    yield make_product(row, mode="AlwaysOn", usd=0, Restriction="Limited SKU Usage", **month)
    yield make_product(row, mode="Manual", usd=row["monthly_usd"] - 4, family=CORE, **month,
                       usagetype="WH-Manual-1")
    yield make_product(row, mode="AlwaysOn", usd=row["monthly_usd"] - 4, family=CORE, **month,
                       usagetype="WH-1")
    yield make_product(row, mode="Pool", usd=0.2, group="Usage", unit="Hour")
    yield make_product(row | {"compute_type": "GRAPHICS", "root_gib": 100, "user_gib": 100},
                       mode="AlwaysOn", usd=0, **month)
    for kind in ("Root", "User"):
        yield make_product(row, mode="Not Applicable", usd=0.1, group="Usage", unit="GB-Mo",
                           bundle="Storage", bundleGroup="Storage", bundleDescription="Storage",
                           license=f"{kind} Volume Usage", rootvolume="Custom", uservolume="0 GB",
                           storage="above 100 GB", operatingSystem="Any",
                           usagetype=f"AW-HW-{kind}-Usage")


@lru_cache(maxsize=1)
def _products() -> tuple[tuple[Members, str], ...]:
    """Return every product and its JSON text, by region."""
    made: list[tuple[Members, str]] = []
    frame = built_in_prices().frame.astype({"root_gib": "object", "user_gib": "object"})
    for _, group in frame.groupby("region", sort=True):
        named = ({str(name): cell for name, cell in row.items()}
                 for row in group.to_dict("records"))
        rows = [row for row in named if _is_known(row)]
        products = (*_hardware(rows), *_beside(rows)) if rows else ()
        made += [(product["product"], json.dumps(product)) for product in products]
    return tuple(made)


def _is_known(row: Row) -> bool:
    """Whether the row's kind has a name in AWS's list."""
    return (row["compute_type"] in BUNDLES
            and (row["operating_system"], row["license"]) in SYSTEMS)


def get_products(_world: World, call: Call) -> Members:
    """GetProducts: the products that pass every filter, as JSON texts."""
    params = call.params
    _refuse_other_service(params)
    tests = [_test(condition) for condition in params.get("Filters") or []]
    texts = (text for product, text in _products() if all(test(product) for test in tests))
    page, token = page_by_place(call, texts, size=params.get("MaxResults", LARGEST_PAGE),
                                 token=params.get("NextToken"))
    return {"FormatVersion": "aws_v1", "PriceList": page, "NextToken": token}


def _test(wanted: Members) -> Callable[[Members], bool]:
    name, value, kind = wanted["Field"], wanted["Value"], wanted["Type"]
    choices = [part.strip() for part in value.split(",")]

    def passes(product: Members) -> bool:
        has = product["attributes"].get(name, product.get(name))
        match kind:
            case "CONTAINS":
                return has is not None and value in has
            case "ANY_OF":
                return has in choices
            case "NONE_OF":
                return has not in choices
        return bool(has == value)

    return passes


def describe_services(_world: World, call: Call) -> Members:
    """DescribeServices: the one service that the sandbox has prices of."""
    if "ServiceCode" in call.params:
        _refuse_other_service(call.params)
    return {"FormatVersion": "aws_v1",
            "Services": [{"ServiceCode": CODE, "AttributeNames": sorted(_ATTRIBUTES)}]}


def get_attribute_values(_world: World, call: Call) -> Members:
    """GetAttributeValues: every value of one attribute."""
    params = call.params
    _refuse_other_service(params)
    name = params["AttributeName"]
    if name not in _ATTRIBUTES:
        raise ApiError("NotFoundException", f"The attribute {name} was not found.")
    has = {product["attributes"].get(name, product.get(name)) for product, _ in _products()}
    rows = [{"Value": value} for value in sorted(has - {None})]
    page, token = page_by_place(call, rows, size=params.get("MaxResults", LARGEST_PAGE),
                                 token=params.get("NextToken"))
    return {"AttributeValues": page, "NextToken": token}


def _refuse_other_service(params: Members) -> None:
    code = params["ServiceCode"]
    if code != CODE:
        raise ApiError("NotFoundException", f"The sandbox has prices of {CODE}, not of {code}.")


HANDLERS: Handlers = {
    ("pricing", "GetProducts"): get_products,
    ("pricing", "DescribeServices"): describe_services,
    ("pricing", "GetAttributeValues"): get_attribute_values,
}
"""The actions answered here."""
