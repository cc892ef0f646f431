"""Pictures of the report as people see it: on a wide screen, on a phone, in the dark, on paper.

    python benchmarks/screens.py [FOLDER]      FOLDER defaults to "screens"

Draws the report of the sample fleet. Of each paper there is the PDF that Chromium prints, and a
picture of each of its pages where ``pdftoppm`` is installed (Debian: poppler-utils); otherwise one
picture of the page as it is laid out for print, as wide as the paper. Needs Chromium and the extra
``test``. To be looked at after each change of the report.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser

import wsanalytics as ws
from tests.helpers.browsing import Visit, chromium
from tests.helpers.papers import PAPERS, print_width

SCREENS = {"wide": (1280, 800), "tablet": (820, 1100), "phone": (400, 800)}
PDFTOPPM = shutil.which("pdftoppm")


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    report = folder / "report.html"
    analysis = ws.analyse_history(ws.sample_history(), max_cold_starts_per_week=5)
    report.write_text(ws.render_report(analysis), encoding="utf-8")
    with chromium() as browser:
        take_screens(browser, report, folder)
        take_papers(browser, report, folder)


def take_screens(browser: Browser, report: Path, folder: Path) -> None:
    """The first screen and the whole page at each width, in light and dark."""
    for name, (width, height) in SCREENS.items():
        visit = Visit(browser, width=width, height=height)
        visit.page.set_content(report.read_text(encoding="utf-8"))
        for scheme in ("light", "dark"):
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.screenshot(path=folder / f"{name}_{scheme}_first.png")
            visit.page.screenshot(path=folder / f"{name}_{scheme}.png", full_page=True)
        visit.close()


def take_papers(browser: Browser, report: Path, folder: Path) -> None:
    """The PDF of each paper, and its pages as pictures."""
    for name, options in PAPERS.items():
        visit = Visit(browser, width=print_width(name))
        visit.page.set_content(report.read_text(encoding="utf-8"))
        path = folder / f"{name}.pdf"
        visit.page.pdf(path=path, **options)
        if PDFTOPPM:
            subprocess.run([PDFTOPPM, "-png", "-r", "80", path, folder / name], check=True)
        else:
            visit.page.emulate_media(media="print")
            visit.page.screenshot(path=folder / f"{name}.png", full_page=True)
        visit.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("screens"))
