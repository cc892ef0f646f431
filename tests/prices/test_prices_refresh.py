"""Prices from AWS: products to a table, a table put in force, and what is shown before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers.endpoints import answering
from wsanalytics.aws.errors import AwsError
from wsanalytics.aws.price_list import download_products, pricing_region, read_products
from wsanalytics.cli.commands import prices as commands
from wsanalytics.errors import InputError
from wsanalytics.prices.book import built_in_prices, load_prices, refreshed_path
from wsanalytics.prices.price_list import Mapped, map_products
from wsanalytics.tables.results import PRICES

KEY = [*PRICES.key]
USD = ["monthly_usd", "hourly_usd"]
STANDARD = {
    "bundle": "Standard", "bundleGroup": "Standard", "group": "User", "license": "Included",
    "location": "US East (N. Virginia)", "operatingSystem": "Windows", "regionCode": "us-east-1",
    "resourceType": "Hardware", "rootvolume": "80 GB", "runningMode": "AlwaysOn",
    "servicecode": "AmazonWorkSpaces", "storage": "Root:80 GB,User:50 GB", "uservolume": "50 GB",
    "usagetype": "AW-HW-99",
}
FEE = {"runningMode": "AutoStop"}
RATE = FEE | {"group": "Usage"}


def product(
    usd: float, sku: str = "SKU", *, family: str = "Enterprise Applications",
    unit: str | None = None, term: str = "JRTCKXETXF", **attributes: str | None,
) -> dict[str, Any]:
    """A product as GetProducts gives it: a Standard WorkSpace, and what is said of it besides."""
    said = {name: text for name, text in (STANDARD | attributes).items() if text is not None}
    unit = unit or ("hour" if said.get("group") == "Usage" else "Month")
    price = {"unit": unit, "pricePerUnit": {"USD": f"{usd:.10f}"}, "beginRange": "0"}
    offer = {"priceDimensions": {f"{sku}.{term}.6YS6EN2CT7": price}, "offerTermCode": term,
             "effectiveDate": "2026-06-01T00:00:00Z", "sku": sku}
    return {"product": {"productFamily": family, "attributes": said, "sku": sku},
            "terms": {"OnDemand": {f"{sku}.{term}": offer}}, "publicationDate": "2026-07-01"}


def rows(mapped: Mapped) -> list[tuple[object, ...]]:
    return [*mapped.frame[[*KEY[1:], *USD]].itertuples(index=False, name=None)]


def one(**attributes: str | None) -> tuple[object, ...]:
    """The one row that a product with these attributes gives."""
    mapped = map_products([product(35, **attributes)])
    assert not mapped.unmapped and not mapped.skipped
    return rows(mapped)[0]


def why(**attributes: Any) -> str:
    """Why a product with these attributes is not understood."""
    mapped = map_products([product(35, **attributes)])
    assert mapped.frame.empty and not mapped.skipped
    return mapped.unmapped[0][1]


def left_out(usd: float = 35, **attributes: Any) -> list[str]:
    """The reason for which a product with these attributes is left out."""
    mapped = map_products([product(usd, **attributes)])
    assert mapped.frame.empty and not mapped.unmapped
    return [*mapped.skipped]


def test_a_month_is_one_product_and_auto_stop_is_two() -> None:
    mapped = map_products([product(35, "A"), product(9.75, "B", **FEE), product(0.3, "C", **RATE)])
    assert rows(mapped) == [
        ("STANDARD", "WINDOWS", "included", 80, 50, "ALWAYS_ON", 35, 0),
        ("STANDARD", "WINDOWS", "included", 80, 50, "AUTO_STOP", 9.75, 0.3),
    ]
    assert (mapped.unmapped, mapped.skipped) == ([], {})
    assert {*mapped.frame["effective_date"]} == {"2026-06-01"}
    assert {*mapped.frame["source"]} == {"AWS Price List API"}
    assert [str(dtype) for dtype in mapped.frame.dtypes] == [c.dtype for c in PRICES.columns]


def test_the_rate_on_the_base_bundle_holds_for_every_pair_of_volumes() -> None:
    mapped = map_products([
        product(7.25, "A", **FEE, bundle="Standard-0", storage="Root:80 GB,User:10 GB",
                rootvolume=None),
        product(9.75, "B", **FEE),
        product(0.3, "C", **RATE),
    ])
    assert [row[3:] for row in rows(mapped)] == [
        (80, 10, "AUTO_STOP", 7.25, 0.3), (80, 50, "AUTO_STOP", 9.75, 0.3)]


def test_a_fee_without_a_rate_and_a_rate_without_a_fee_are_listed() -> None:
    fee = map_products([product(9.75, "FEE", **FEE)])
    assert fee.frame.empty
    kind = "us-east-1 STANDARD WINDOWS included"
    assert fee.unmapped == [("FEE", f"{kind} 80/50 GiB (AUTO_STOP fee) has no hourly rate")]
    rate = map_products([product(0.3, "RATE", **RATE), product(35, "MONTH")])
    assert len(rate.frame) == 1
    assert rate.unmapped == [("RATE", f"{kind} (AUTO_STOP hourly rate) has no monthly fee")]


@pytest.mark.parametrize(("system", "license_", "row"), [
    ("Windows", "Included", ("WINDOWS", "included")),
    ("Windows Server 2019", "Included", ("WINDOWS", "included")),
    ("Windows", "Bring Your Own License", ("WINDOWS", "byol")),
    ("Any", "Bring Your Own License", ("WINDOWS", "byol")),
    ("Amazon Linux", "None", ("AMAZON_LINUX_2", "included")),
    ("Ubuntu Linux", "None", ("UBUNTU", "included")),
    ("Red Hat Enterprise Linux", "Included", ("RHEL", "included")),
    ("Rocky Linux", "Included", ("ROCKY", "included")),
])
def test_systems_and_licences(system: str, license_: str, row: tuple[str, str]) -> None:
    assert one(operatingSystem=system, license=license_)[1:3] == row


@pytest.mark.parametrize(("group", "compute_type"), [
    ("PowerPro", "POWERPRO"), ("Graphics.g4dn", "GRAPHICS_G4DN"), ("graphics.g4dn",
    "GRAPHICS_G4DN"), ("GraphicsPro", "GRAPHICSPRO"), ("GeneralPurpose.4xlarge",
    "GENERALPURPOSE_4XLARGE"), ("Graphics.g6.xlarge", "GRAPHICS_G6_XLARGE"),
])
def test_bundles_are_told_by_their_group(group: str, compute_type: str) -> None:
    assert one(bundleGroup=group, bundle="anything")[0] == compute_type


def test_what_attributes_leave_out_is_read_from_others() -> None:
    assert one(bundleGroup=None, bundle="Performance-3")[0] == "PERFORMANCE"
    assert one(storage=None)[3:5] == (80, 50)
    assert one(group=None)[5] == "ALWAYS_ON"
    for location in ("EU (Ireland)", "Europe (Ireland)"):
        mapped = map_products([product(35, regionCode=None, location=location)])
        assert mapped.frame["region"].tolist() == ["eu-west-1"]


def test_what_cannot_be_understood_is_listed_with_its_reason() -> None:
    assert why(bundleGroup="Titan") == "its bundle 'Titan' is no known compute type"
    assert "operating system 'Any'" in why(operatingSystem="Any")
    assert "license 'Bring Your Own License'" in why(operatingSystem="Ubuntu Linux",
                                                     license="Bring Your Own License")
    assert "location 'Any'" in why(regionCode=None, location="Any")
    assert why(storage="Root:80 GB,User:10 GB") == "its volumes disagree"
    assert why(storage="Custom", rootvolume="Custom") == "its volumes are not stated"
    assert "group 'User' and its units ['hour'] disagree" in why(unit="hour")
    assert "running mode 'Sometimes'" in why(runningMode="Sometimes")
    assert "running mode 'AlwaysOn'" in why(group="Usage")


def test_one_kind_with_two_prices_gets_none() -> None:
    mapped = map_products([product(35, "A"), product(36, "B"), product(20, "C", license="None",
                                                                       operatingSystem="Ubuntu")])
    assert [row[1] for row in rows(mapped)] == ["UBUNTU"]
    assert {sku for sku, _ in mapped.unmapped} == {"A", "B"}
    twice = map_products([product(35, "A"), product(35, "B")])
    assert len(twice.frame) == 1 and not twice.unmapped


def test_prices_that_are_no_single_sum_of_dollars_are_listed() -> None:
    yuan, tiers = product(35), product(35)
    for item in (yuan, tiers):
        offer = next(iter(item["terms"]["OnDemand"].values()))
        dimensions = offer["priceDimensions"]
        first = next(iter(dimensions.values()))
        if item is yuan:
            first["pricePerUnit"] = {"CNY": "240"}
        else:
            dimensions["other"] = first | {"beginRange": "10"}
    assert map_products([yuan]).unmapped == [("SKU", "it has no price in USD")]
    assert map_products([tiers]).unmapped == [("SKU", "it has 2 prices, not one")]


def test_what_is_no_price_of_a_workspace_is_left_out_and_counted() -> None:
    assert left_out(family="WorkSpaces Core") == ["product family WorkSpaces Core"]
    assert left_out(runningMode="Manual") == ["WorkSpaces Core"]
    assert left_out(0, resourceType="Software") == ["software"]
    assert left_out(bundle="Standard Plus-0") == ["Plus bundles, whose hardware costs the same"]
    assert left_out(Restriction="Limited SKU Usage") == ["trials and other restricted offers"]
    assert left_out(term="TRIAL") == ["trials and other restricted offers"]
    assert left_out(runningMode="Pool") == left_out(runningMode="Not Applicable Pools") == ["Pools"]
    assert left_out(bundle="Storage", license="Root Volume Usage") == ["extra storage"]
    assert left_out(bundleDescription="Standard Standby") == ["standby"]
    assert left_out(0) == ["placeholders of $0"]
    assert map_products([product(35)], regions=["eu-west-1"]).skipped == {"other regions": 1}


def test_the_number_in_a_usage_type_says_nothing() -> None:
    assert one(usagetype="AW-HW-5") == one(usagetype="AW-HWB1-3-AutoStop-User")


def test_the_nearest_pricing_endpoint() -> None:
    assert [pricing_region(region) for region in (
        "us-gov-west-1", "sa-east-1", "af-south-1", "il-central-1", "ap-southeast-2")
    ] == ["us-east-1", "us-east-1", "eu-central-1", "eu-central-1", "ap-south-1"]


# Files: AWS's offer file, and the saved answer of GetProducts.


def offer_file(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "offerCode": "AmazonWorkSpaces", "publicationDate": "2026-07-01T00:00:00Z",
        "products": {item["product"]["sku"]: item["product"] for item in items},
        "terms": {"OnDemand": {item["product"]["sku"]: item["terms"]["OnDemand"]
                               for item in items}},
    }


ITEMS = [product(36, "A"), product(9.75, "B", **FEE), product(0.31, "C", **RATE)]


@pytest.mark.parametrize("held", [
    offer_file(ITEMS), {"PriceList": [json.dumps(item) for item in ITEMS]}, ITEMS,
])
def test_prices_from_a_file(tmp_path: Path, held: object) -> None:
    (tmp_path / "offer.json").write_text(json.dumps(held))
    mapped = map_products(read_products(tmp_path / "offer.json"))
    assert [row[6:] for row in rows(mapped)] == [(36, 0), (9.75, 0.31)]


@pytest.mark.parametrize(("text", "message"), [
    ("{", "it is no whole JSON file"), ("", "it is no whole JSON file"),
    ("{}", "it holds no products"), ("3", "it holds no products"), ("[1]", "it holds no products"),
    ('{"PriceList": ["x"]}', "it holds no products"), ("[]", "it holds no products"),
])
def test_a_file_that_is_no_price_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "offer.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_products(path)
    assert str(path) in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        read_products(tmp_path / "none.json")


# In force.


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("home") / "below"
    monkeypatch.setenv("WSANALYTICS_HOME", str(folder))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                 "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    return folder


def refresh(**other: object) -> int | None:
    return commands.refresh(**{"replace": True} | other)


@pytest.fixture
def offer(tmp_path: Path) -> Path:
    path = tmp_path / "offer.json"
    path.write_text(json.dumps(offer_file(ITEMS)))
    return path


def test_refreshed_regions_take_the_place_of_the_built_in_ones(
    offer: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load_prices().frame
    assert refresh(from_file=offer) == 0
    book = load_prices()
    assert refreshed_path() == home / "prices.parquet"
    assert len(book.frame[book.frame["region"] == "us-east-1"]) == 2
    others = book.frame[book.frame["region"] != "us-east-1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        others, before[before["region"] != "us-east-1"].reset_index(drop=True))
    assert book.origin == f"AWS list prices, and {home / 'prices.parquet'} for us-east-1"
    assert "2026-06-01 (2 prices)" in book.dates
    assert load_prices("us-east-1").origin == str(home / "prices.parquet")
    assert load_prices("eu-west-1").origin == "AWS list prices"
    assert len(built_in_prices().frame) == len(before)
    said = capsys.readouterr()
    assert "2 prices of us-east-1." in said.out
    assert "0 new, 262 gone, 2 changed, 0 the same" in said.out
    assert "and 244 more" in said.out
    assert "in force from now on" in said.err


def test_a_file_of_a_part_of_a_region_adds_and_replaces_rows_and_removes_none(
    offer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load_prices("us-east-1").frame
    assert refresh(from_file=offer, replace=False) == 0
    after = load_prices("us-east-1").frame
    assert len(after) == len(before) == 264
    moved = after.merge(before, on=list(PRICES.key), suffixes=("", "_before"))
    moved = moved[moved["monthly_usd"] != moved["monthly_usd_before"]]
    assert set(moved["effective_date"]) == {"2026-06-01"} and 0 < len(moved) <= 2
    said = capsys.readouterr()
    assert "0 new, 0 gone, 2 changed, 262 the same" in said.out
    assert "262 prices of the same regions that the file lacks stay in force" in said.err
    assert refresh(from_file=offer, replace=False) == 0
    assert len(load_prices("us-east-1").frame) == 264


def test_the_difference_is_shown_with_old_and_new(
    offer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refresh(from_file=offer)
    offer.write_text(json.dumps(offer_file([product(35, "A"), *ITEMS[1:]])))
    capsys.readouterr()
    refresh(from_file=offer)
    assert ("  changed  us-east-1 STANDARD WINDOWS included 80/50 GiB ALWAYS_ON: $36.00 → $35.00"
            in capsys.readouterr().out.splitlines())


def test_a_second_region_leaves_the_first_in_force(offer: Path) -> None:
    refresh(from_file=offer)
    offer.write_text(json.dumps(offer_file([product(40, regionCode="eu-west-1")])))
    refresh(from_file=offer)
    counts = load_prices().frame["region"].value_counts()
    assert (counts["us-east-1"], counts["eu-west-1"]) == (2, 1)


def test_products_that_are_not_understood_make_it_done_in_part(
    offer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offer.write_text(json.dumps(offer_file([*ITEMS, product(1, "ODD", bundleGroup="Titan")])))
    assert refresh(from_file=offer) == 1
    assert "ODD: its bundle 'Titan' is no known compute type" in capsys.readouterr().out
    assert refreshed_path().is_file()


@pytest.mark.parametrize("other", [{"dry_run": True}, {"output": True}])
def test_nothing_is_put_in_force_where_that_was_not_asked_for(
    offer: Path, tmp_path: Path, other: dict[str, object]
) -> None:
    if "output" in other:
        other = {"output": tmp_path / "mine.csv"}
    assert refresh(from_file=offer, **other) == 0
    assert not refreshed_path().exists()
    if "output" in other:
        assert len(load_prices(path=tmp_path / "mine.csv").frame) == 2


def test_a_list_without_usable_prices_is_refused_and_nothing_is_written(offer: Path) -> None:
    offer.write_text(json.dumps(offer_file([product(0, "A"), product(1, "B", storage="?",
                                                                     rootvolume="?")])))
    with pytest.raises(InputError, match="no price of a WorkSpace among 2 products; 1 product"):
        refresh(from_file=offer)
    with pytest.raises(InputError, match=r"offer\.json, eu-west-1"):
        refresh(from_file=offer, region=["eu-west-1"])
    assert not refreshed_path().exists()


def test_a_broken_table_is_named_and_can_be_replaced(
    offer: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "prices.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="the refreshed prices cannot be used") as caught:
        load_prices()
    assert str(home / "prices.parquet") in str(caught.value)
    assert "prices refresh" in str(caught.value)
    assert refresh(from_file=offer) == 0
    assert "cannot be used" in capsys.readouterr().err
    assert len(load_prices("us-east-1").frame) == 2


def test_where_the_refreshed_prices_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WSANALYTICS_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert refreshed_path() == Path("/data/wsanalytics/prices.parquet")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert refreshed_path() == Path("/home/ada/.local/share/wsanalytics/prices.parquet")


def test_show_tells_what_is_in_force(offer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands.show()
    said = capsys.readouterr().out
    assert "In force: AWS list prices." in said and "Nothing was refreshed" in said
    refresh(from_file=offer)
    capsys.readouterr()
    commands.show()
    line = next(line for line in capsys.readouterr().out.splitlines()
                if line.startswith("us-east-1"))
    assert line.split()[1:3] == ["2", "2026-06-01"] and line.endswith("(built in: 264)")


# AWS's public files, served by a small server of our own.


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def published(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "offers/v1.0/aws/AmazonWorkSpaces"
    (folder / "current").mkdir(parents=True)
    for region in ("us-east-1", "eu-west-1"):
        (folder / f"{region}.json").write_text(json.dumps(offer_file(
            [product(36, "A", regionCode=region)])))
    index = {region: {"regionCode": region, "currentVersionUrl":
                      f"/offers/v1.0/aws/AmazonWorkSpaces/{region}.json"}
             for region in ("us-east-1", "eu-west-1", "sa-east-1", "eu-west-2")}
    (folder / "current/region_index.json").write_text(json.dumps({"regions": index}))
    (folder / "sa-east-1.json").write_text('{"products": {"cut off')
    with answering(partial(_Quiet, directory=str(tmp_path))) as address:
        yield address


def test_without_credentials_the_public_files_are_read(
    published: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    download = partial(download_products, base_url=published)
    monkeypatch.setattr("wsanalytics.aws.download_products", download)
    assert refresh(region=["us-east-1", "eu-west-1"]) == 0
    assert "no AWS credentials were found" in capsys.readouterr().err
    assert {*load_prices("eu-west-1").frame["source"]} == {"AWS public price list"}
    assert refresh(region=["us-east-1", "us-west-2"]) == 1  # none of the latter
    assert "no prices for us-west-2" in capsys.readouterr().err


def test_a_public_file_that_cannot_be_had(published: str) -> None:
    with pytest.raises(AwsError, match="came cut off"):
        download_products(["sa-east-1"], base_url=published)
    with pytest.raises(AwsError, match="failed with 404"):
        download_products(["eu-west-2"], base_url=published)
    with pytest.raises(AwsError, match="cannot be reached"):
        download_products(["us-east-1"], base_url="http://127.0.0.1:9")


def test_with_an_endpoint_of_ones_own_nothing_else_is_asked(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(AwsError, match="no AWS credentials were found"):
        refresh(region=["us-east-1"])


def test_a_region_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="did you mean us-east-1"):
        refresh(region=["us-east-11"])
