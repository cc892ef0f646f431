"""The built-in price table against what is known of AWS's prices, and a user's own table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.helpers.build import REPOSITORY, workspaces
from wsanalytics.bundles import BASE_VOLUMES
from wsanalytics.errors import InputError
from wsanalytics.prices.book import PriceBook, load_prices, price_family

KIND = ["compute_type", "operating_system", "license", "root_gib", "user_gib", "running_mode"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return load_prices().frame


def amounts(frame: pd.DataFrame, region: str) -> pd.DataFrame:
    rows = frame[frame["region"] == region]
    return rows.set_index(KIND)[["monthly_usd", "hourly_usd"]].sort_index()


# us-east-1, Windows included: a third-party tool validated these against AWS's Price List API on
# 2026-06-27 (14 SKUs); months, fixed fees and hours, at each bundle's base volumes.
VALIDATED = {
    "VALUE": (25, 7.25, 0.22),
    "STANDARD": (35, 9.75, 0.30),
    "PERFORMANCE": (50, 13, 0.47),
    "POWER": (78, 19, 0.68),
    "POWERPRO": (140, 19, 1.53),
    "GRAPHICSPRO": (999, 66, 11.62),
    "GRAPHICS_G4DN": (537, 22, 1.54),
    "GRAPHICSPRO_G4DN": (959, 66, 11.16),
    "GENERALPURPOSE_4XLARGE": (295, 19, 2.28),
    "GENERALPURPOSE_8XLARGE": (590, 19, 4.56),
}


@pytest.mark.parametrize("compute_type", VALIDATED)
def test_base_prices_of_us_east_1(compute_type: str) -> None:
    fleet = workspaces(compute_type=compute_type)
    rates = load_prices("us-east-1").rates(fleet).iloc[0]
    assert (rates["always_on_usd"], rates["auto_stop_usd"], rates["hourly_usd"]) == (
        VALIDATED[compute_type])


def test_every_price_that_a_second_source_states(frame: pd.DataFrame) -> None:
    """162 keys are stated by another source too (named in the file), and all of them agree."""
    other = pd.read_csv(REPOSITORY / "tests" / "data" / "validated_prices.csv")
    key = ["region", *KIND]
    both = other.merge(frame, on=key, suffixes=("", "_built_in"))
    assert len(both) == len(other) == 162
    assert (both["monthly_usd"] == both["monthly_usd_built_in"]).all()
    assert (both["hourly_usd"] == both["hourly_usd_built_in"]).all()


def test_the_table_says_what_it_is(frame: pd.DataFrame) -> None:
    book = load_prices()
    assert book.date == "2025-10-03"
    assert book.dates == "2025-10-03 (4,390 prices), 2026-04 (28 prices)"
    assert len(frame) == 4418
    assert frame["region"].nunique() == 19
    assert (frame["monthly_usd"] > 0).all()
    assert ((frame["hourly_usd"] > 0) == (frame["running_mode"] == "AUTO_STOP")).all()


def test_regions_that_cost_the_same(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(amounts(frame, "us-west-2"), amounts(frame, "us-east-1"))
    africa, ireland = amounts(frame, "af-south-1"), amounts(frame, "eu-west-1")
    pd.testing.assert_frame_equal(africa, ireland.loc[africa.index])
    east, west = amounts(frame, "us-gov-east-1"), amounts(frame, "us-gov-west-1")
    pd.testing.assert_frame_equal(east, west.loc[east.index])


def test_amazon_linux_costs_what_byol_windows_costs(frame: pd.DataFrame) -> None:
    key = ["region", "compute_type", "root_gib", "user_gib", "running_mode"]
    linux = frame[frame["operating_system"] == "AMAZON_LINUX_2"]
    byol = frame[(frame["operating_system"] == "WINDOWS") & (frame["license"] == "byol")]
    both = linux.merge(byol, on=key, suffixes=("", "_byol"))
    assert len(both) == len(linux) == 640
    assert (both["monthly_usd"] == both["monthly_usd_byol"]).all()
    assert (both["hourly_usd"] == both["hourly_usd_byol"]).all()


def test_the_fixed_fee_depends_on_region_and_volumes_only(frame: pd.DataFrame) -> None:
    cpu = frame[(frame["running_mode"] == "AUTO_STOP")
                & ~frame["compute_type"].str.startswith("GRAPHICS")]
    mumbai = cpu["region"] == "ap-south-1"  # so it stands in AWS's file: 15 % dearer there are
    dearer = mumbai & (  # POWERPRO with Windows included, and the GENERALPURPOSE bundles
        cpu["compute_type"].str.startswith("GENERALPURPOSE")
        | ((cpu["compute_type"] == "POWERPRO") & (cpu["operating_system"] == "WINDOWS")
           & (cpu["license"] == "included"))
    )
    volumes = ["region", "root_gib", "user_gib"]
    usual = cpu[~dearer].groupby(volumes)["monthly_usd"]
    assert (usual.nunique() == 1).all()
    known = cpu[dearer].merge(usual.first().rename("usual"), on=volumes)
    assert (known["monthly_usd"] / known["usual"]).round(6).eq(1.15).all()


def test_the_price_that_is_surely_a_slip_is_left_out() -> None:
    fleet = workspaces(region="ap-south-1", compute_type="GRAPHICSPRO_G4DN",
                       operating_system="UBUNTU")
    rates = load_prices().rates(fleet).iloc[0]
    assert np.isnan(rates["hourly_usd"]) and rates["always_on_usd"] > 0


def test_what_is_not_known_has_no_price() -> None:
    for column, value in (("region", "mars-north-1"), ("operating_system", "TEMPLEOS"),
                          ("root_gib", 70), ("license", "lost")):
        assert load_prices().rates(workspaces(**{column: value})).isna().all(axis=None)
    with pytest.raises(InputError, match="no price for region 'mars-north-1'"):
        load_prices("mars-north-1")


@pytest.mark.parametrize(("compute_type", "root", "user", "pair", "gib"), [
    ("VALUE", 80, 175, (80, 100), 75),
    ("STANDARD", 100, 50, (80, 50), 20),
    ("POWER", 175, 500, (175, 100), 400),
    ("PERFORMANCE", 80, 80, (80, 50), 30),
    ("GRAPHICS_G4DN", 100, 200, (100, 100), 100),
])
def test_grown_volumes_are_priced_by_the_pair_that_fits_and_the_gib_beyond_it(
    compute_type: str, root: int, user: int, pair: tuple[int, int], gib: int
) -> None:
    prices = load_prices("us-east-1")
    grown = workspaces("ws-grown", compute_type=compute_type, root_gib=root, user_gib=user)
    plain = prices.rates(workspaces(compute_type=compute_type, root_gib=pair[0],
                                    user_gib=pair[1])).iloc[0]
    rates = prices.rates(grown).iloc[0]
    for name in ("always_on_usd", "auto_stop_usd"):
        assert rates[name] == pytest.approx(plain[name] + 0.10 * gib)
    assert rates["hourly_usd"] == plain["hourly_usd"]
    told = prices.grown(grown).loc["ws-grown"]
    assert (told["listed_root_gib"], told["listed_user_gib"], told["extra_gib"]) == (*pair, gib)
    half = prices.discounted(0.5).rates(grown).iloc[0]
    assert half["always_on_usd"] == pytest.approx(rates["always_on_usd"] / 2)


def test_where_no_price_of_a_gib_is_known_the_difference_of_the_modes_still_is() -> None:
    rows = load_prices("us-east-1").frame.assign(region="mars-north-1")
    prices = PriceBook(rows, "a test")
    fleet = workspaces("ws-grown", region="mars-north-1", user_gib=500)
    assert prices.grown(fleet)["extra_usd"].isna().all()
    rates, base = (prices.rates(one).iloc[0] for one in (
        fleet, workspaces(region="mars-north-1", user_gib=100)))
    assert rates.equals(base)


def test_base_volumes_have_a_price_in_every_region_that_sells_them(frame: pd.DataFrame) -> None:
    for compute_type, (root, user) in BASE_VOLUMES.items():
        rows = frame[frame["compute_type"] == compute_type]
        base = rows[(rows["root_gib"] == root) & (rows["user_gib"] == user)]
        missing = set(rows["region"]) - set(base["region"])
        assert missing <= {"us-east-2", "ap-southeast-5"}  # of these two, 28 rows are known


def test_operating_systems_as_aws_names_them() -> None:
    names = ["WINDOWS_11", "WINDOWS_SERVER_2022", "UBUNTU_22_04", "RHEL_8", "ROCKY_8",
             "AMAZON_LINUX_2", "WINDOWS"]
    assert price_family(pd.Series(names)).tolist() == [
        "WINDOWS", "WINDOWS", "UBUNTU", "RHEL", "ROCKY", "AMAZON_LINUX_2", "WINDOWS"]


HEADER = ("region,compute_type,operating_system,license,root_gib,user_gib,running_mode,"
          "monthly_usd,hourly_usd,source,effective_date")
MINE = f"""{HEADER}
us-east-1,STANDARD,WINDOWS,included,80,50,ALWAYS_ON,30,0,mine,2025-01-01
us-east-1,STANDARD,WINDOWS,included,80,50,ALWAYS_ON,28,0,mine,2026-01-01
us-east-1,STANDARD,WINDOWS,included,80,50,AUTO_STOP,9,0.25,mine,2026-01-01
"""


def own(folder: Path, text: str = MINE) -> PriceBook:
    (folder / "prices.csv").write_text(text)
    return load_prices(path=folder / "prices.csv")


def test_a_users_own_prices_take_the_place_of_all(tmp_path: Path) -> None:
    book = own(tmp_path)
    rates = book.rates(workspaces()).iloc[0]
    assert rates.tolist() == [28, 9, 0.25]  # of two dates the later one holds
    assert book.rates(workspaces(compute_type="POWER")).isna().all(axis=None)
    assert book.date == "2026-01-01"


def test_rows_that_say_the_same_are_one(tmp_path: Path) -> None:
    assert len(own(tmp_path, MINE + MINE.splitlines()[1] + "\n").frame) == 2


def test_the_table_is_made_from_the_rows_in_data(tmp_path: Path) -> None:
    before = (REPOSITORY / "wsanalytics" / "prices.parquet").read_bytes()
    for name in ("data/make_prices.py", "data/prices/aws-workspaces-usd.csv"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((REPOSITORY / name).read_bytes())
    (tmp_path / "wsanalytics").mkdir()
    subprocess.run([sys.executable, str(tmp_path / "data" / "make_prices.py")], check=True)
    assert (tmp_path / "wsanalytics" / "prices.parquet").read_bytes() == before


def test_a_book_shows_what_it_is() -> None:
    assert repr(load_prices("eu-west-1")) == "<PriceBook 264 prices of 2025-10-03, AWS list prices>"


def test_a_discount_is_taken_off_every_price_and_told() -> None:
    whole = load_prices()
    less = whole.discounted(0.12)
    assert less.origin == f"{whole.origin} less a discount of 12 %" and less.discount == 0.12
    for column in ("monthly_usd", "hourly_usd"):
        assert np.allclose(less.frame[column], whole.frame[column] * 0.88)
    rest = ["monthly_usd", "hourly_usd"]
    pd.testing.assert_frame_equal(less.frame.drop(columns=rest), whole.frame.drop(columns=rest))
    rates = less.rates(workspaces(compute_type="STANDARD")).iloc[0]
    assert rates.tolist() == pytest.approx([35 * 0.88, 9.75 * 0.88, 0.30 * 0.88])
    assert whole.discount == 0 and whole.discounted(0) is whole
    assert less.discounted(0.5).discount == pytest.approx(0.56)


@pytest.mark.parametrize("share", [-0.1, 1, 12, float("nan")])
def test_a_discount_is_a_share(share: float) -> None:
    with pytest.raises(InputError, match="from 0 to less than 1"):
        load_prices().discounted(share)


@pytest.mark.parametrize(("given", "missing"), [
    ({"compute_type": "GRAPHICS_G6_XLARGE"}, "compute type GRAPHICS_G6_XLARGE"),
    ({"region": "mx-central-1"}, "region mx-central-1"),
    ({"root_gib": 10, "user_gib": 10}, "volumes 10/10 GiB"),
])
def test_what_has_no_price_is_told_by_the_property_that_no_price_names(
    given: dict[str, object], missing: str
) -> None:
    fleet = workspaces().assign(**given)
    prices = load_prices()
    assert prices.rates(fleet).isna().all(axis=None)
    assert prices.missing(fleet) == missing
