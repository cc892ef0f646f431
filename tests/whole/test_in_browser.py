"""The notebooks and the page as people use them: real clicks and keys in a real browser."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browsing import (
    CDN_OF_VOILA,
    CHROMIUM,
    Visit,
    chromium,
    jupyter,
    notebook,
    page_of,
)
from tests.helpers.build import REPOSITORY
from tests.helpers.hostile import HOSTILE
from tests.helpers.pages import steps_against
from tests.helpers.plans import plan_of, rote_changes
from tests.helpers.sandboxes import BoxClock, fleet, settings
from tests.widgets.test_review import hostile_plan
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import collect
from wsanalytics.recommendations.plan_file import write_plan
from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.server import Sandbox

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"),
        reason="there is no Chromium here (Debian: apt-get install chromium)"),
    pytest.mark.filterwarnings("default"),  # Playwright's own
]
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    one = Visit(browser)
    yield one
    one.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with jupyter(root, tmp_path_factory.mktemp("home")) as server:
        yield server


def put(root: Path, name: str, *cells: str) -> str:
    (root / name).write_text(notebook(*cells), encoding="utf-8")
    return name


def at(box: Sandbox) -> str:
    """The first cell of a notebook that talks to *box*."""
    return (f"import os, tempfile\nos.environ.update({box.environment()!r})\n"
            "import wsanalytics as ws")


def tick(page: Page, name: str) -> None:
    """Search for a WorkSpace, and click its box with the mouse."""
    field = page.get_by_label("Search recommended changes")
    field.click()
    field.fill(name)
    box = page.get_by_label(f"Tick {name}")
    expect(page.locator(".wsa-table tr[data-row]")).to_have_count(1)
    place = box.bounding_box()
    assert place is not None
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(box).to_be_checked()


def confirm(page: Page, button: str, words: str) -> None:
    """Press *button*, type the *words*, and press the button that they free."""
    page.get_by_role("button", name=re.compile(f"^{button}")).click()
    go = page.get_by_role("button", name="Yes, do it")
    expect(go).to_be_disabled()
    page.get_by_placeholder("type the words").click()
    page.keyboard.type(words)
    expect(go).to_be_enabled()
    go.click()


def review_with_clicks(page: Page, box: Sandbox, changes: dict[str, tuple[str, str]]) -> None:
    """The whole job: filter, tick, dry run, apply, and take it back; *changes*: all of the plan."""
    before, names = settings(box), list(changes)
    page.locator(".wsa-table tr[data-row]").first.wait_for()
    field = page.get_by_label("Saves at least, USD")
    field.click()
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    expect(page.locator(".wsa-counts").first).to_have_text(f"{len(names) - 3} of {len(names)} rows "
                                                           "shown")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".wsa-counts").first).to_have_text(f"{len(names)} rows")
    for name in names[1:3]:
        tick(page, name)
    expect(page.get_by_text("Ticked: 2 changes")).to_be_visible()
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_text("Dry run: 2 would be done. Nothing was changed.")).to_be_visible()
    assert settings(box) == before
    confirm(page, "Apply", "apply 2 in 111122223333 us-east-1")
    expect(page.get_by_text("Applied: 2 done.")).to_be_visible(timeout=60_000)
    assert settings(box) == before | {name: changes[name][1] for name in names[1:3]}
    page.get_by_label("Search recommended changes").fill("")
    expect(page.locator('.wsa-outcome[data-outcome="done"]')).to_have_count(2)
    confirm(page, "Undo 2", "undo 2 in 111122223333 us-east-1")
    expect(page.get_by_text("Taken back: 2 done.")).to_be_visible(timeout=60_000)
    assert settings(box) == before


def test_a_plan_is_reviewed_applied_and_taken_back_in_jupyterlab(
    visit: Visit, lab: tuple[str, str], root: Path
) -> None:
    with fleet() as (box, _, _writer):
        changes = rote_changes(box.workspaces(), 8)
        write_plan(plan_of(changes), root / "plan.json")
        name = put(root, "review.ipynb", at(box),
                   "ws.review('plan.json', writer=ws.open_writer())")
        page = visit.open_notebook(lab, name)
        visit.run_all()
        review_with_clicks(page, box, changes)
        first = next(iter(changes))
        page.get_by_text(first, exact=True).click()
        expect(page.get_by_text(f"Why {first}")).to_be_visible()
    assert visit.outside == []


def test_the_steps_of_the_analysts_page_end_in_an_applied_and_undone_change(
    visit: Visit, lab: tuple[str, str], root: Path
) -> None:
    with fleet(60, history_days=63) as (box, _, writer):
        both, clock = ([writer.connection], []), BoxClock(box)
        collect(root / "fleet", connections=both, clock=clock)
        backfill(root / "fleet", connections=both, days=60, clock=clock)
        review = ("ws.review(plan, savings, replay, history.workspaces, "
                  "writer=ws.open_writer())")
        name = put(root, "ten.ipynb", at(box), steps_against(Path("fleet"), review))
        page = visit.open_notebook(lab, name)
        visit.run_all()
        before, first = settings(box), page.locator(".wsa-table tr[data-row]").first
        first.wait_for(timeout=90_000)
        found = re.search(r"ws-[0-9a-z]+", first.inner_text())
        assert found
        tick(page, found[0])
        confirm(page, "Apply", "apply 1 in 111122223333 us-east-1")
        expect(page.get_by_text("Applied: 1 done.")).to_be_visible(timeout=60_000)
        changed = settings(box)
        assert {one for one in before if before[one] != changed[one]} == {found[0]}
        confirm(page, "Undo 1", "undo 1 in 111122223333 us-east-1")
        expect(page.get_by_text("Taken back: 1 done.")).to_be_visible(timeout=60_000)
        assert settings(box) == before


WHERE = """() => {
  const all = document.querySelector('.wsanalytics-review').getBoundingClientRect();
  const panel = document.querySelector('.wsa-scroller').getBoundingClientRect();
  const inside = (name) => {
    const place = [...document.querySelectorAll('.wsa-table thead th')].findIndex(
      (head) => head.dataset.column === name);
    if (place < 0) return false;
    const cell = document.querySelector('.wsa-table tr[data-row]').children[place];
    const { left, right } = cell.getBoundingClientRect();
    return left >= panel.left && right <= Math.min(panel.right, all.right, innerWidth) + 1;
  };
  return ['workspace_id', 'saving_usd_per_month', 'from_setting', 'to_setting', 'reason',
          'user_name'].map(inside);
}"""
"""Which columns of the first row lie within the panel."""
CHOOSE = """(place) => {
  const row = document.querySelectorAll('.wsanalytics-review tr[data-row]')[place];
  row.children[1].click();
  const details = document.querySelector('.wsanalytics-review .wsa-details');
  const around = document.querySelector('.jp-WindowedPanel-outer, .jp-Notebook');
  const end = Math.min(innerHeight, around.getBoundingClientRect().bottom);
  const shown = end - details.getBoundingClientRect().top;
  const { top, bottom } = row.getBoundingClientRect();
  return [row.getAttribute('aria-selected'), row.classList.contains('wsa-current'),
          document.querySelector('.wsanalytics-review .wsa-said').textContent, shown,
          top > 0 && bottom < innerHeight];
}"""
"""Choose a row; what is there before Python can have answered: the script has not ended."""


def test_a_chosen_row_answers_at_once_and_in_view(
    visit: Visit, lab: tuple[str, str], root: Path
) -> None:
    names = [f"ws-{place:02d}" for place in range(40)]
    plan = plan_of(dict.fromkeys(names, ("ALWAYS_ON", "AUTO_STOP:60")))
    write_plan(plan, root / "choose.json")
    name = put(root, "choose.ipynb", "import wsanalytics as ws", "ws.review('choose.json')")
    page = visit.open_notebook(lab, name)
    visit.run_all()
    page.locator(".wsa-table tr[data-row]").first.wait_for()
    for width, height in ((1440, 700), (820, 1000)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        for place in (3, 1):
            selected, marked, said, shown, in_view = page.evaluate(CHOOSE, place)
            assert (selected, marked, said) == (
                "true", True, f"ws-{place:02d}: being looked up …")
            assert shown >= 200 and in_view, (width, shown)
            expect(page.get_by_text(f"Why ws-{place:02d}")).to_be_in_viewport()
            expect(page.locator(".wsanalytics-review .wsa-said")).to_have_text("")
        assert page.evaluate(WHERE)[:4] == [True] * 4, width
        assert page.locator("th[data-column=user_name]").count() == 0  # nobody is named
    more = page.get_by_role("button", name="more columns")
    more.click()
    expect(page.locator("th[data-column=reason]")).to_have_count(1)
    page.get_by_role("button", name="Fewer columns").click()
    expect(page.locator("th[data-column=reason]")).to_have_count(0)


def test_keys_in_notebook_7(
    visit: Visit, root: Path, tmp_path: Path
) -> None:
    changes = {f"ws-{place:02d}": ("ALWAYS_ON", "AUTO_STOP:60") for place in range(40)}
    write_plan(plan_of(changes), root / "keys.json")
    name = put(root, "keys.ipynb", "import wsanalytics as ws\nws.review('keys.json')")
    with jupyter(root, tmp_path / "home", app="notebook") as server:
        page = visit.open_notebook(server, name, app="notebook")
        visit.run_all()
        page.get_by_label("recommended changes: arrow keys move, Space ticks").focus()
        for key in ("ArrowDown", "ArrowDown", "Space", "ArrowDown", "Space"):
            page.keyboard.press(key)
        expect(page.get_by_text("Ticked: 2 changes, $77.00 a month saved")).to_be_visible()
        expect(page.get_by_text("Why ws-02")).to_be_visible()
        for width in (1440, 820, 700):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(300)
            assert page.evaluate(WHERE)[:4] == [True] * 4, width
        page.keyboard.press("End")
        expect(page.get_by_text("Why ws-39")).to_be_visible()
        expect(page.get_by_label("Tick ws-39")).to_be_visible()
        cell = page.locator("th[data-column=workspace_id]")
        for key, way in (("Space", "ascending"), ("Enter", "descending")):
            cell.get_by_role("button").focus()
            page.keyboard.press(key)  # sorts, and ticks nothing
            expect(cell).to_have_attribute("aria-sort", way)
            assert page.evaluate("document.activeElement.closest('th').dataset.column"
                                 ) == "workspace_id"
        page.get_by_label("Search recommended changes").fill("ws-30")
        expect(page.locator(".wsa-table tr[data-row]")).to_have_count(1)
        page.get_by_label("recommended changes: arrow keys move, Space ticks").focus()
        page.keyboard.press("Space")  # ws-39, where the keys are, is not shown
        page.get_by_label("Search recommended changes").fill("")
        expect(page.get_by_text("Ticked: 2 changes, $77.00 a month saved")).to_be_visible()
        page.get_by_role("button", name="Tick all 40 shown").click()
        expect(page.get_by_text("Ticked: 40 changes")).to_be_visible()
        expect(page.get_by_text("Look only: nothing can be changed from here")).to_be_visible()
        expect(page.get_by_role("button", name="Apply")).to_have_count(0)
    assert visit.outside == []


def test_hostile_names_are_text_in_the_browser(
    visit: Visit, lab: tuple[str, str], root: Path
) -> None:
    plan, inventory = hostile_plan()
    write_plan(plan, root / "hostile.json")
    inventory.to_json(root / "hostile_inventory.json")
    name = put(root, "hostile.ipynb", "import pandas as pd, wsanalytics as ws",
               "ws.review('hostile.json', workspaces=pd.read_json('hostile_inventory.json'))")
    page = visit.open_notebook(lab, name)
    visit.run_all()
    rows = page.locator(".wsa-table tr[data-row]")
    expect(rows).to_have_count(len(HOSTILE))
    for place in range(len(HOSTILE)):
        rows.nth(place).locator("td").nth(1).click()
        expect(page.get_by_text(re.compile(f"^Why ws-{place:02d}"))).to_be_visible()
    expect(rows.nth(0).get_by_text(HOSTILE[0], exact=True).first).to_be_visible()
    for option in ("Directory", "Bundle"):
        assert page.get_by_label(option).locator("option").count() == len(HOSTILE) + 1
    assert page.evaluate("window.broken === undefined")
    assert visit.dialogs == [] and visit.outside == []


def test_a_kernel_that_is_restarted_in_the_middle_loses_nothing(
    visit: Visit, lab: tuple[str, str], root: Path
) -> None:
    folder = root / "restart"
    folder.mkdir()
    with fleet() as (box, _, _writer):
        changes = rote_changes(box.workspaces(), 6)
        write_plan(plan_of(changes), folder / "plan.json")
        before = settings(box)
        name = put(root, "restart.ipynb", at(box),
                   "ws.review('restart/plan.json', writer=ws.open_writer())")
        page = visit.open_notebook(lab, name)
        visit.run_all()
        box.faults = Faults(in_progress_share=1.0)
        page.get_by_role("button", name="Tick all 6 shown").click()
        confirm(page, "Apply", "apply 6 in 111122223333 us-east-1")
        journal = folder / "plan.journal.jsonl"
        until(lambda: journal.exists() and journal.read_text().count('"call"') >= 2)
        page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"
                      ".restart()")
        box.faults = Faults()
        visit.run_all()
        expect(page.get_by_text("An earlier run of apply that plan.journal.jsonl tells of did not "
                                "come to its end").first).to_be_visible()
        expect(page.get_by_text("Ticked: 6 changes")).to_be_visible()
        confirm(page, "Apply", "apply 6 in 111122223333 us-east-1")
        expect(page.get_by_text(re.compile("Applied: .*6 done|Applied: 6"))).to_be_visible(
            timeout=90_000)
        assert settings(box) == before | {name: after for name, (_, after) in changes.items()}


def test_the_first_notebook_and_its_sliders(
    visit: Visit, lab: tuple[str, str], root: Path
) -> None:
    source = REPOSITORY / "notebooks" / "01_first_look.ipynb"
    (root / source.name).write_bytes(source.read_bytes())
    page = visit.open_notebook(lab, source.name)
    visit.run_all()
    expect(page.locator(".wsanalytics-review .wsa-table tr[data-row]").first).to_be_visible()
    move_a_slider(page)
    fleet_tabs = page.locator(".wsanalytics-overview")
    fleet_tabs.get_by_role("tab", name="WorkSpaces").click()
    expect(fleet_tabs.get_by_text("200 rows")).to_be_visible()
    assert page.locator("mjx-container").count() == 0  # no dollar sign is taken for a formula
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert visit.outside == []


def move_a_slider(page: Page) -> None:
    """The discount's slider to its end: another picture, other words."""
    panel = page.locator(".wsanalytics-explorer")
    image = panel.locator("img").first
    image.wait_for()
    before = image.get_attribute("src")
    row = panel.locator(".widget-hbox", has=page.get_by_label(re.compile("^Discount"))).last
    row.locator(".noUi-handle").focus()
    page.keyboard.press("End")
    expect(image).not_to_have_attribute("src", str(before))


def test_the_page_applies_where_it_may(visit: Visit, tmp_path: Path) -> None:
    with fleet() as (box, _, _writer):
        changes = rote_changes(box.workspaces(), 8)
        write_plan(plan_of(changes), tmp_path / "plan.json")
        with page_of(["--plan", "plan.json", "--allow-apply"], tmp_path, tmp_path / "home",
                     **box.environment()) as address:
            visit.page.goto(address.partition("?")[0])
            assert visit.page.locator(".wsa-table").count() == 0  # not without its secret
            visit.page.goto(address)
            review_with_clicks(visit.page, box, changes)
            assert "ws.app()" not in visit.page.content()
        assert (tmp_path / "plan.journal.jsonl").exists()
    assert all(url.startswith(CDN_OF_VOILA) for url in visit.outside)


def test_the_page_of_the_sample_fleet_only_reads(visit: Visit, tmp_path: Path) -> None:
    with page_of([], tmp_path, tmp_path / "home") as address:
        page = visit.page
        page.goto(address)
        expect(page.get_by_text("this page was started without --allow-apply")).to_be_visible(
            timeout=90_000)
        page.locator(".wsa-table tr[data-row]").first.locator("td").nth(1).click()
        expect(page.get_by_role("img", name=re.compile("^Heat map"))).to_be_visible()
        for button in ("Dry run", "Apply", "Undo"):
            expect(page.get_by_role("button", name=button)).to_have_count(0)
        page.get_by_role("tab", name="What if").click()
        move_a_slider(page)
        page.get_by_role("tab", name="The fleet").click()
        expect(page.locator(".wsanalytics-overview img").first).to_be_visible(timeout=60_000)
    assert list(tmp_path.glob("*.jsonl")) == []
    assert all(url.startswith(CDN_OF_VOILA) for url in visit.outside)


def until(there: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.05)
