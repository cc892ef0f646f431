"""Read AWS's current prices: from GetProducts, the public offer files, or a local file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from wsanalytics.aws.connection import Connection, is_local
from wsanalytics.aws.credentials import open_session
from wsanalytics.aws.errors import CUT, AwsError, Refusal, refusal_of
from wsanalytics.errors import InputError
from wsanalytics.files import json_of, refuse_no_file

ACTIONS = ("pricing:GetProducts",)
"""IAM actions that this module calls."""
SERVICE = "AmazonWorkSpaces"
OFFERS_URL = "https://pricing.us-east-1.amazonaws.com"
"""The site of AWS's public offer files; no credentials are needed."""
_INDEX = f"/offers/v1.0/aws/{SERVICE}/current/region_index.json"
_PER_PAGE = 100
_SECONDS = (8, 60)
_FILE_RULE = "a price file is AWS's offer file, or what 'aws pricing get-products' says, as JSON"
Items = list[dict[str, Any]]


def pricing_region(region: str) -> str:
    """Return the region whose pricing endpoint is nearest to *region*; there are three of them.

    >>> pricing_region("eu-west-1"), pricing_region("us-west-2")
    ('eu-central-1', 'us-east-1')
    """
    near = {"eu-": "eu-central-1", "af-": "eu-central-1", "me-": "eu-central-1",
            "il-": "eu-central-1", "ap-": "ap-south-1"}
    return next(
        (endpoint for start, endpoint in near.items() if region.startswith(start)), "us-east-1"
    )


def fetch_products(
    connection: Connection,
    regions: Sequence[str],
    *,
    on_page: Callable[[int], None] | None = None,
) -> Items:
    """Read all products of WorkSpaces in *regions* from GetProducts, as AWS describes them.

    *connection* leads to a region with a pricing endpoint (:func:`pricing_region`). *on_page*
    is called after each page with the number of products in it.
    """
    items: Items = []
    for region in dict.fromkeys(regions):
        for page in connection.pages(
            "pricing", "GetProducts", "PriceList", ServiceCode=SERVICE, MaxResults=_PER_PAGE,
            Filters=[{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}],
        ):
            try:
                items += _products(page)
            except ValueError:
                raise connection.refuse("pricing", "GetProducts", CUT, "a product") from None
            if on_page:
                on_page(len(page))
    return items


def download_products(
    regions: Sequence[str],
    *,
    base_url: str = OFFERS_URL,
    on_file: Callable[[str], None] | None = None,
) -> Items:
    """Read the same products from AWS's public offer files, which need no credentials.

    *on_file* is called with each region before its file is read. A region without an offer file
    adds nothing. Raises :class:`AwsError` where the files cannot be had.
    """
    index = _download(urljoin(base_url, _INDEX)).get("regions") or {}
    items: Items = []
    for region in dict.fromkeys(regions):
        if region in index:
            if on_file:
                on_file(region)
            offer = _download(urljoin(base_url, index[region]["currentVersionUrl"]))
            items += items_of(offer)
    return items


def _download(url: str) -> dict[str, Any]:
    action = "the public price list"
    verify = open_session().get_config_variable("ca_bundle") or True
    http = URLLib3Session(verify=verify, timeout=_SECONDS,
                          proxies={} if is_local(url) else get_environ_proxies(url))
    try:
        answer = http.send(AWSRequest("GET", url).prepare())
        body = answer.content
    except BotoCoreError as error:
        raise AwsError(refusal_of(error, action=action)) from error
    finally:
        http.close()
    if answer.status_code != 200:
        raise AwsError(Refusal(action=action, code=str(answer.status_code), message=url))
    try:
        return _as_object(json_of(body))
    except ValueError:
        raise AwsError(Refusal(action=action, code=CUT, message=url)) from None


def read_products(path: Path) -> Items:
    """Read the products in a file: AWS's offer file, or the saved answer of GetProducts, as JSON.

    Raises :class:`InputError` for any other file.
    """
    try:
        refuse_no_file(path, "a price list")
        document = json_of(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror or error}", where=str(path),
                         rule=_FILE_RULE, fix="check the path") from error
    except ValueError as error:
        raise InputError("it is no whole JSON file", where=str(path), rule=_FILE_RULE,
                         fix="check that it is complete, or download it again") from error
    try:
        items = (
            items_of(_as_object(document)) if isinstance(document, dict) else _products(document)
        )
    except (ValueError, TypeError, AttributeError):  # objects where lists should be, and the like
        items = []
    if not items:
        raise InputError("it holds no products", where=str(path), rule=_FILE_RULE,
                         fix=f"take the file of {SERVICE}")
    return items


def items_of(document: dict[str, Any]) -> Items:
    """Return the items of an offer file or of an answer, each as GetProducts gives it."""
    if "PriceList" in document:
        return _products(document["PriceList"])
    return list(_offered(document))


def _offered(offer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    on_demand = (offer.get("terms") or {}).get("OnDemand") or {}
    for sku, product in (offer.get("products") or {}).items():
        if (product.get("attributes") or {}).get("servicecode", SERVICE) == SERVICE:
            yield {
                "product": {"sku": sku, **product},
                "terms": {"OnDemand": on_demand.get(sku) or {}},
                "publicationDate": offer.get("publicationDate"),
            }


def _products(price_list: list[Any]) -> Items:
    """Products that come as JSON texts, as AWS sends them, or as objects already."""
    return [
        _as_object(json_of(product) if isinstance(product, str) else product)
        for product in price_list
    ]


def _as_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} is no object")  # noqa: TRY004  # as json's own
    return value
