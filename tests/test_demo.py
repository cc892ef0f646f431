"""The main job, as an installed wheel does it: no clone, no AWS account, no network."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from tests.build import REPOSITORY
from wsanalytics.tables import CHARGES, RECOMMENDATIONS

FILES = ["charges.csv", "plan.json", "recommendations.csv", "report.html"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--disable-pip-version-check", "--wheel-dir", str(folder), str(REPOSITORY)],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def demo(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that ``wsanalytics demo`` made, and what it printed."""
    where = tmp_path_factory.mktemp("demo")
    code = ("import sys, wsanalytics.cli; sys.path_importer_cache.clear(); "
            "assert wsanalytics.__file__.startswith(sys.argv[1]), wsanalytics.__file__; "
            "sys.exit(wsanalytics.cli.main(['demo']))")
    done = subprocess.run(
        [sys.executable, "-c", code, str(installed)], cwd=where, capture_output=True, text=True,
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin", "HOME": str(where)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return where / "wsanalytics-demo", done.stdout


def test_it_writes_four_files_and_says_where(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert str(folder / "report.html") in printed
    assert "Next, yours: wsanalytics report" in printed
    assert "2025-10-03" in printed


def test_its_tables_agree(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    charges = pd.read_csv(folder / "charges.csv")
    assert list(charges) == list(CHARGES.names)
    assert charges["month"].unique().tolist() == ["2026-07", "2026-08", "2026-09", "2026-10"]
    recommendations = pd.read_csv(folder / "recommendations.csv", keep_default_na=False)
    assert list(recommendations) == list(RECOMMENDATIONS.names)
    assert len(recommendations) == 200
    plan = json.loads((folder / "plan.json").read_text())
    changed = recommendations[recommendations["action"] == "change"]
    assert sorted(c["workspace_id"] for c in plan["changes"]) == changed["workspace_id"].tolist()
    assert 50 <= len(plan["changes"]) <= 150
    assert len(plan["left_alone"]) + len(plan["changes"]) == 200
    saving = sum(change["saving_usd_per_month"] for change in plan["changes"])
    assert plan["saving_usd_per_month"] == pytest.approx(saving)
    by_month = charges.groupby(["workspace_id", "setting"])["total_usd"].sum() / 4
    first = plan["changes"][0]
    names = [f"{side['running_mode']}:{side['auto_stop_minutes']}".removesuffix(":None")
             for side in (first["from"], first["to"])]
    before, after = (by_month[first["workspace_id"], name] for name in names)
    assert first["saving_usd_per_month"] == pytest.approx(before - after)


class Addresses(HTMLParser):
    """Collects whatever a page would load, and its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.images += tag == "img"
        self.loads += [v for k, v in values.items() if k in {"src", "href"} and v is not None]
        if tag in {"script", "iframe", "object", "link"}:
            self.loads.append(tag)


def test_its_report_is_one_file(demo: tuple[Path, str]) -> None:
    page = (demo[0] / "report.html").read_text(encoding="utf-8")
    seen = Addresses()
    seen.feed(page)
    assert seen.images >= 3
    assert all(address.startswith("data:image/png;base64,") for address in seen.loads)
    for words in ("costs today, a month", "without a known price", "MANUAL or standby",
                  "clock_hour", "2025-10-03", "nobody used", "silences in which nobody looked"):
        assert words in page
