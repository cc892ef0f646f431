"""The report as people read it: on a wide screen, on a phone, in the dark, and on paper."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

import wsanalytics as ws
from tests.helpers.browsing import CHROMIUM, Visit, chromium
from tests.helpers.papers import PAPERS, PICTURE, pages_of, print_width
from wsanalytics.report.page import FIRST_ROWS
from wsanalytics.views import headline

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"),
        reason="there is no Chromium here (Debian: apt-get install chromium)"),
    pytest.mark.filterwarnings("default"),  # Playwright's own
]
CONTRASTS = """() => {
  const channel = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((value) => channel(value / 255))
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const words = (one) => [...one.childNodes].some((node) => node.nodeType === 3 &&
                                                            node.textContent.trim());
  return [...document.body.querySelectorAll('*')].filter(words).map((one) => {
    const pair = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => a - b);
    return [(pair[1] + 0.05) / (pair[0] + 0.05), one.textContent.trim().slice(0, 40)];
  });
}"""
LETTERS_A_LINE = """() => [...document.querySelectorAll('td.why')].map((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
  return [lines, cell.textContent.trim().length];
})"""
"""How many lines each reason takes, and how many letters it has; no lines: it is not shown."""


@pytest.fixture(scope="module")
def analysis() -> ws.Analysis:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # some are not simulated, some have no price
        return ws.analyse_history(ws.sample_history(), max_cold_starts_per_week=5)


@pytest.fixture(scope="module")
def report(analysis: ws.Analysis) -> str:
    return ws.render_report(analysis)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def opened(browser: Browser, report: str, width: int, height: int = 800) -> Visit:
    visit = Visit(browser, width=width, height=height)
    visit.page.set_content(report)
    return visit


def levels_of(colour: str) -> list[int]:
    """Return red, green and blue of a colour as Chromium writes it."""
    return [int(level) for level in colour.removeprefix("rgb(")[:-1].split(",")]


def box(visit: Visit, css: str) -> dict[str, float]:
    found: Any = visit.page.locator(css).first.bounding_box()
    assert found is not None, css
    return dict(found)


def test_the_first_screen_is_the_answer(
    browser: Browser, report: str, analysis: ws.Analysis
) -> None:
    visit = opened(browser, report, 1280)
    main = headline(analysis)
    assert visit.page.locator("h1").inner_text() == main.answer
    first = visit.page.locator("header").inner_text()
    for words in (main.cost, "under the plan", "how sure", "chance of a loss", "Begin by",
                  "wsanalytics apply plan.json", "Before you believe the totals"):
        assert words in first
    assert box(visit, "h1")["y"] < 100 and box(visit, "header")["height"] < 700
    link = visit.page.get_by_role("link", name="Before you believe the totals")
    link.click()
    assert visit.page.locator("#notes").is_visible()
    names = visit.page.locator("h2").all_inner_texts()
    assert names[0] == "What to change, and why"
    assert names.index("Before you believe the totals") > names.index("In pictures")
    visit.close()


def test_the_rest_of_the_changes_unfolds_by_the_keyboard_without_a_script(
    browser: Browser, report: str, analysis: ws.Analysis
) -> None:
    visit = opened(browser, report, 1280)
    rows = visit.page.locator("table.changes td.id:visible")
    assert rows.count() == FIRST_ROWS
    visit.page.get_by_role("checkbox").press("Space")
    assert rows.count() == len(analysis.plan.changes) > FIRST_ROWS
    visit.close()


def test_a_phone_shows_all_of_a_change_and_charts_that_can_be_read(
    browser: Browser, report: str
) -> None:
    visit = opened(browser, report, 400)
    wide, room = visit.page.evaluate("[document.documentElement.scrollWidth, "
                                     "document.documentElement.clientWidth]")
    assert wide <= room
    for css in ("td.id", "td.n b", "td .to", "td.why"):
        place = box(visit, css)
        assert place["x"] >= 0 and place["x"] + place["width"] <= 400, css
    smallest_letters = visit.page.evaluate(
        "[...document.images].map((one) => one.clientWidth / one.naturalWidth * 8 * 144 / 72)")
    assert min(smallest_letters) >= 10  # those of 8 points, in CSS pixels
    edges = visit.page.evaluate(
        "[...document.images].map((one) => one.getBoundingClientRect().right)")
    assert max(edges) <= 400
    visit.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_followed_and_can_be_read(
    browser: Browser, report: str, scheme: Any
) -> None:
    visit = opened(browser, report, 1280)
    visit.page.emulate_media(color_scheme=scheme)
    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = levels_of(ground)
    assert max(levels) < 60 if scheme == "dark" else min(levels) > 240
    assert min(visit.page.evaluate(CONTRASTS))[0] >= 4.5
    cards = visit.page.evaluate("[...document.querySelectorAll('figure')].map("
                                "(one) => getComputedStyle(one).backgroundColor)")
    assert set(cards) == {"rgb(255, 255, 255)"}
    visit.close()


@pytest.mark.parametrize("paper", PAPERS)
def test_paper_has_all_of_it(
    browser: Browser, report: str, analysis: ws.Analysis, paper: str
) -> None:
    visit = opened(browser, report, print_width(paper))
    visit.page.emulate_media(media="print", color_scheme="dark")
    ink = visit.page.evaluate("getComputedStyle(document.body).color")
    assert max(levels_of(ink)) < 80  # whatever the screen's theme is
    for lines, letters in visit.page.evaluate(LETTERS_A_LINE):
        assert lines == 1 or letters / lines >= 25, (lines, letters)
    headings = visit.page.locator("h2").all_inner_texts()
    groups = visit.page.locator("summary").all_inner_texts()
    pages = pages_of(visit.page.pdf(**PAPERS[paper]))
    visit.close()
    changes = analysis.plan.changes
    for row in changes.to_dict("records"):
        (page,) = [page for page in pages if row["reason"].replace(" ", "") in page
                   and row["workspace_id"] in page]
        assert "bestdate" in page  # the head of the table
    whole = "".join(pages)
    assert all(name in whole for name in analysis.plan.left_alone["workspace_id"])
    for heading in headings:  # none stands alone at a page's end
        words = heading.replace(" ", "")
        follows = [page.rpartition(words)[2] for page in pages if words in page]
        assert PICTURE in follows[-1] or len(follows[-1]) > 40, heading
    for group in groups:
        words = group.replace(" ", "") + "WorkSpacesettingwhy"
        (follow,) = [page.partition(words)[2] for page in pages if words in page]
        assert len(follow) > 30, group
    assert len(headings) >= 6 and len(groups) >= 4
