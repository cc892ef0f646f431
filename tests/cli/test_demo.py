"""The main job, as an installed wheel does it: no clone, no AWS account, no network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from tests.helpers.build import REPOSITORY
from wsanalytics.tables.results import CHARGES, RECOMMENDATIONS

FILES = [".wsanalytics-demo.json",
         "charges.csv", "demo-store", "plan.json", "recommendations.csv", "report.html"]


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
    assert "Next, yours:  wsanalytics doctor" in printed
    assert "2025-10-03" in printed
    # CloudWatch keeps 63 days; the two at the ends are rarely whole.
    assert "100 WorkSpaces" in printed and re.search(r"\(6[23] days", printed)


def test_it_leaves_no_process_behind(demo: tuple[Path, str]) -> None:
    assert demo
    assert sandboxes() == []


def sandboxes() -> list[str]:
    """The local endpoints that still run on this machine and belong to no running parent."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if "sandbox" in words and "--with-parent" in words and parent == "1":
            found.append(" ".join(words))
    return found


def test_ctrl_c_ends_it_and_its_endpoint(installed: Path, tmp_path: Path) -> None:
    import os
    import signal
    import time

    code = ("import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "from wsanalytics.cli import main; sys.exit(main(['demo']))")  # as in the foreground
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    store = tmp_path / "wsanalytics-demo" / "demo-store" / "store.json"
    deadline = time.monotonic() + 60
    while not store.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "interrupted" in said and "Traceback" not in said
    assert sandboxes() == []
    assert not (tmp_path / "wsanalytics-demo" / "report.html").exists()


def test_its_tables_agree(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    charges = pd.read_csv(folder / "charges.csv")
    assert list(charges) == list(CHARGES.names)
    assert 3 <= charges["month"].nunique() <= 4
    recommendations = pd.read_csv(folder / "recommendations.csv", keep_default_na=False)
    assert list(recommendations) == list(RECOMMENDATIONS.names)
    assert len(recommendations) == 100
    plan = json.loads((folder / "plan.json").read_text())
    changed = recommendations[recommendations["action"] == "change"]
    assert sorted(c["workspace_id"] for c in plan["changes"]) == changed["workspace_id"].tolist()
    assert 20 <= len(plan["changes"]) <= 80
    assert len(plan["left_alone"]) + len(plan["changes"]) == 100
    assert (plan["account_id"], plan["region"]) == ("111122223333", "us-east-1")
    saving = sum(change["saving_usd_per_month"] for change in plan["changes"])
    assert plan["saving_usd_per_month"] == pytest.approx(saving)
    by_month = charges.groupby(["workspace_id", "setting"])["total_usd"].sum()
    charged = 0.0
    for change in plan["changes"]:
        before, after = (f"{side['running_mode']}:{side['auto_stop_minutes']}".removesuffix(":None")
                         for side in (change["from"], change["to"]))
        charged += by_month[change["workspace_id"], before] - by_month[change["workspace_id"],
                                                                       after]
    assert 62 / 31 * 0.8 <= charged / saving <= 62 / 30 * 1.2  # what was, over what is expected


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
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in seen.loads)
    for words in ("costs today, a month", "without a known price", "MANUAL or standby",
                  "clock_hour", "2025-10-03", "nobody used"):
        assert words in page
