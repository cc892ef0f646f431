"""Pictures of every panel as people see it, in JupyterLab and as a page, by a real browser.

    python benchmarks/screenshots.py [FOLDER]       (default: docs/pictures, where the pages' are)

Looks at the sample fleet, in a wide window, in a narrow one and in the dark, and at a local account
in which a plan is applied and taken back. To be looked at after each change of a panel; the plots
alone are drawn by ``pictures.py``, the report by ``screens.py``. Needs Chromium and the extra
``test``. The pages show ``review.png``, ``explore.png`` and ``overview.png``; the others are
written only where a FOLDER is named.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browsing import Visit, chromium, jupyter, notebook, page_of

ROOT = Path(__file__).resolve().parents[1]
COLOURS = 160
"""So many are enough for what is written and drawn there, in a third of the bytes."""
IN_DOCS = ("review", "explore", "overview")
SAMPLE = notebook(
    "import warnings\nimport wsanalytics as ws\nwarnings.simplefilter('ignore')\n"
    "history = ws.sample_history()\nfound = ws.analyse_history(history)",
    "ws.review(found, height=300)", "ws.overview(found)", "ws.explore(history)",
    "ws.look_at(found.plan.changes['workspace_id'].iloc[9], found)")
ACCOUNT = notebook(
    """import os, tempfile, warnings
from datetime import UTC, datetime
from pathlib import Path
import wsanalytics as ws
from wsanalytics.sandbox import Sandbox
warnings.simplefilter('ignore')
os.chdir(tempfile.mkdtemp())
box = Sandbox(workspaces=60, seed=4, start=datetime(2026, 9, 30, 15, tzinfo=UTC), speed=60).start()
os.environ.update(box.environment())
store = ws.Store.create(Path('fleet').absolute())
ws.backfill(store, days=63, clock=box.clock)
found = ws.analyse_history(ws.read_history(store.folder), now=box.clock.now())""",
    "ws.review(found, writer=ws.open_writer(), height=300)")


def main() -> None:
    """Take all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures"
    folder.mkdir(exist_ok=True)
    wanted = None if len(sys.argv) > 1 else IN_DOCS
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        root = Path(scratch) / "root"
        root.mkdir()
        (root / "sample.ipynb").write_text(SAMPLE)
        (root / "account.ipynb").write_text(ACCOUNT)
        camera = Camera(folder, wanted)
        with jupyter(root, Path(scratch) / "home") as server:
            of_the_sample(opened(browser, server, "sample.ipynb"), camera)
            if wanted is None:
                narrow = opened(browser, server, "sample.ipynb", width=820)
                of_the_sample(narrow, Camera(folder, wanted, "_820"))
                dark = opened(browser, server, "sample.ipynb", theme="JupyterLab Dark")
                of_the_sample(dark, Camera(folder, wanted, "_dark"))
                of_a_window(browser, server, folder)
                of_an_account(opened(browser, server, "account.ipynb"), camera)
        if wanted is None:
            with page_of([], root, Path(scratch) / "page") as address:
                visit = Visit(browser, width=1250, height=1150)
                visit.page.goto(address)
                visit.page.locator(".wsa-table tr[data-row]").first.wait_for()
                visit.page.wait_for_timeout(1000)
                visit.page.screenshot(path=folder / "page.png")


class Camera:
    """Takes the pictures that are *wanted* (None: all) into *folder*."""

    def __init__(self, folder: Path, wanted: tuple[str, ...] | None, suffix: str = "") -> None:
        self.folder, self.wanted, self.suffix = folder, wanted, suffix

    def take(self, page: Page, css: str, name: str) -> None:
        """One element as it is now."""
        if self.wanted is None or name in self.wanted:
            page.wait_for_timeout(800)
            path = self.folder / f"{name}{self.suffix}.png"
            page.locator(css).screenshot(path=path)
            Image.open(path).quantize(COLOURS).save(path, optimize=True)


def opened(
    browser: Browser, server: tuple[str, str], name: str, *, width: int = 1450, height: int = 6500,
    theme: str = "",
) -> Page:
    """A notebook that has been run, in a window as high as all of it."""
    visit = Visit(browser, width=width, height=height)
    page = visit.open_notebook(server, name)
    if theme:
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
                      theme)
    visit.run_all()
    return page


def drawn(page: Page) -> None:
    """Wait for the last picture of the chosen row."""
    week = page.locator(".wsanalytics-review").get_by_role("img", name=re.compile("^Heat map"))
    expect(week).to_be_attached(timeout=60_000)


def of_a_window(browser: Browser, server: tuple[str, str], folder: Path) -> None:
    """A window of usual size, as it is when a row has been chosen."""
    for width, height in ((1440, 900), (820, 1100), (700, 800)):
        page = opened(browser, server, "sample.ipynb", width=width, height=height)
        page.locator(".wsanalytics-review tr[data-row]").nth(2).locator("td").nth(1).click()
        drawn(page)
        page.wait_for_timeout(800)
        page.screenshot(path=folder / f"window_{width}.png")


def of_the_sample(page: Page, camera: Camera) -> None:
    """The panels of the sample fleet."""
    rows = page.locator(".wsanalytics-review tr[data-row]")
    rows.first.wait_for()
    for place in (0, 2, 3):
        rows.nth(place).locator("input").click()
    rows.nth(2).locator("td").nth(1).click()
    drawn(page)
    camera.take(page, ".wsanalytics-review", "review")
    overview = page.locator(".wsanalytics-overview")
    for tab in ("When people work", "Costs", "Standing out", "WorkSpaces", "Data holes", "Hours"):
        overview.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(1200)
        name = "overview" if tab == "Hours" else f"overview_{tab.split()[0].lower()}"
        camera.take(page, ".wsanalytics-overview", name)
    camera.take(page, ".wsanalytics-explorer", "explore")
    camera.take(page, ".wsanalytics-one", "look_at")


def of_an_account(page: Page, camera: Camera) -> None:
    """A plan that is tried, applied and taken back."""
    rows = page.locator(".wsanalytics-review tr[data-row]")
    rows.first.wait_for()
    for place in (1, 3, 4):
        rows.nth(place).locator("input").click()
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text("Dry run: 3 would be done").wait_for()
    camera.take(page, ".wsanalytics-review", "review_dry_run")
    page.get_by_role("button", name=re.compile("^Apply")).click()
    page.get_by_placeholder("type the words").fill("apply 3 in 111122223333 us-east-1")
    camera.take(page, ".wsanalytics-review", "review_confirm")
    page.get_by_role("button", name="Yes, do it").click()
    page.get_by_text(re.compile("^apply: [0-3] of 3")).wait_for()
    camera.take(page, ".wsanalytics-review", "review_running")
    page.get_by_text("Applied: 3 done").wait_for()
    camera.take(page, ".wsanalytics-review", "review_applied")


if __name__ == "__main__":
    main()
