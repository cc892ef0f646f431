"""The notebooks run from their own folder, and carry small outputs, which are those of today."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.helpers.browsing import CHROMIUM, Visit, chromium
from tests.helpers.build import REPOSITORY
from wsanalytics.widgets.base import WIDGET_VIEW

FOLDER = REPOSITORY / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PANEL = '<div class="wsanalytics-page'
OF_NBCONVERT = ("https://cdnjs.cloudflare.com/", "https://unpkg.com/@jupyter-widgets/")
SAME_EVERY_DAY = {"01_first_look", "04_backtest", "06_your_own_files"}
"""The notebooks without a local account, whose clock goes on while they run."""
NAMES = ["01_first_look", "02_collect", "03_review_and_apply", "04_backtest",
         "05_verified_saving", "06_your_own_files", "app"]


@cache
def script() -> ModuleType:
    """``notebooks/run.py``, imported where it is needed: that takes a second in each process."""
    spec = importlib.util.spec_from_file_location("run", FOLDER / "run.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_notebook_is_run() -> None:
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_is_small_and_says_nothing_of_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert text == script().written(notebook)
    assert len(text) < 400_000
    assert notebook["metadata"] == script().METADATA
    cells = notebook["cells"]
    assert [cell["id"] for cell in cells] == [f"cell-{place:02d}" for place in range(len(cells))]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    assert bool(outputs) == (path.stem not in script().BARE)
    assert all(cell["metadata"] == {} and cell.get("execution_count") is None for cell in cells)
    for output in outputs:
        assert output["output_type"] != "error" and output.get("name") != "stderr"
        assert set(output.get("data", {})) <= {"text/plain", "text/html", "image/png"}
        assert len(output.get("data", {}).get("image/png", "")) < 60_000
    said = json.dumps(outputs)
    assert not re.search(r"/(tmp|home|root|Users)/|127\.0\.0\.1|localhost|\b0x[0-9a-f]{6}", said)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_links_lead_somewhere(path: Path) -> None:
    words = "".join("".join(cell["source"]) for cell in json.loads(
        path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)]+)\)", words):
        assert (FOLDER / target).exists(), target


@pytest.fixture(autouse=True)
def _as_in_jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)  # Jupyter chooses its own


def committed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    return found


def outputs_of(notebook: Any) -> tuple[list[Any], str]:
    """The outputs of a notebook's cells, each text in one piece, and all that they say."""
    outputs = [{name: whole(value) for name, value in out.items()}
               for cell in notebook["cells"] if cell["cell_type"] == "code"
               for out in cell["outputs"]]
    texts = "".join(str(out.get("text", "")) + str(out.get("data", {})) for out in outputs)
    assert not [out for out in outputs if out["output_type"] == "error"]
    assert not [out for out in outputs if out.get("name") == "stderr"], texts
    return outputs, texts


def whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    return "".join(value) if isinstance(value, list) else value


def run(name: str) -> Iterator[tuple[list[Any], str]]:
    """The outputs of a notebook as it runs now, then those that are committed; and what they say.

    Where nothing depends on today's date or on the time that things take, they are the same to the
    letter, pictures apart, whose bytes depend on fonts.
    """
    notebook = script().run(name)
    yield outputs_of(notebook)
    if name in script().BARE:
        return
    now, then = script().kept(notebook), committed(name)
    how = f"python notebooks/run.py {name}"
    assert [list(map(kinds, cell.get("outputs", []))) for cell in now["cells"]] == [
        list(map(kinds, cell.get("outputs", []))) for cell in then["cells"]], how
    assert [cell["source"] for cell in now["cells"]] == [cell["source"] for cell in then["cells"]]
    if name in SAME_EVERY_DAY:
        assert letters(now) == letters(then), how
    yield outputs_of(then)


def kinds(output: Any) -> tuple[str, ...]:
    return (output["output_type"], *sorted(output.get("data", {})))


def letters(notebook: Any) -> list[str]:
    """What outputs say, without their pictures."""
    said = [output.get("text") or [text for kind, text in sorted(output["data"].items())
                                   if kind != "image/png"]
            for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return [re.sub(r"base64,[A-Za-z0-9+/=]+", "", str(one)) for one in said]


def images(outputs: list[Any]) -> int:
    return sum("image/png" in out.get("data", {}) for out in outputs)


def panels(outputs: list[Any]) -> list[tuple[str, str]]:
    """The page and the plain text of each panel: a program that runs a notebook gets no widgets."""
    found = [out["data"] for out in outputs if PANEL in out.get("data", {}).get("text/html", "")]
    assert not [data for data in found if WIDGET_VIEW in data]
    return [(data["text/html"], data["text/plain"]) for data in found]


def amounts(pattern: str, texts: str) -> list[float]:
    """The numbers in what *pattern* finds, where each # stands for a number."""
    regex = re.escape(pattern).replace(r"\#", r"([\d,]+(?:\.\d+)?)")
    found = re.search(regex, texts)
    assert found, pattern
    return [float(number.replace(",", "")) for number in found.groups()]


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_a_first_look() -> None:
    for outputs, texts in run("01_first_look"):
        assert images(outputs) == 3
        assert "200 WorkSpaces" in texts
        assert "no known price" in texts and "MANUAL or standby" in texts
        changes, saving, alone = amounts(
            "<Plan # changes saving $# a month; # WorkSpaces left alone>", texts)
        assert changes > 50 and saving > 5000 and alone > 50
        (fleet, words), (what_if, asked), (review, review_text) = panels(outputs)
        assert fleet.count("<img ") == 3 and "Heat map" in fleet and "never disconnected" in words
        assert what_if.count("<img ") == 2 and "each its own" in asked
        assert "import wsanalytics as ws" in what_if
        assert f"{changes:.0f} changes saving ${saving:,.2f}" in review_text  # the plan above
        assert "over the break-even of" in review


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_collecting() -> None:
    for outputs, texts in run("02_collect"):
        assert images(outputs) == 1
        for words in ("60 WorkSpaces, 6 calls; one poll takes about", "calls of GetMetricData for",
                      "IN_FORCE", "no own samples of that time"):
            assert words in texts, words
        # CloudWatch keeps 63 days; the two at the ends are rarely whole.
        assert re.search(r"\b6[23] days", texts)


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_reviewing_and_applying() -> None:
    for outputs, texts in run("03_review_and_apply"):
        (page, _), = panels(outputs)
        assert page.count("<tr") == 19  # a plan of eighteen changes and its head
        for words in ("Plan 18 changes saving $", "MANUAL or standby",
                      '"schema": "wsanalytics.plan"',
                      "left for the next run", "already in force", '"event": "call"', "expected_at",
                      "saved_hours", "comparable WorkSpaces"):
            assert words in texts, words
        told = [out["data"]["text/plain"] for out in outputs
                if out.get("data", {}).get("text/plain", "").startswith("outcome")]
        assert [dict(re.findall(r"^([a-z ]+?) +(\d+)$", one, re.MULTILINE)) for one in told] == [
            {"done": "8", "left for the next run": "10"}, {"already in force": "8", "done": "10"},
            {"done": "18"}, {"would be done": "18"}]  # applied, applied, taken back, as it was
        assert "failed" not in texts
        assert "skipped" not in texts


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_backtesting() -> None:
    for outputs, texts in run("04_backtest"):
        assert images(outputs) == 4
        for words in ("120 WorkSpaces", "Backtest of 8 policies", "last_four_weeks",
                      "stop_when_idle:minutes=15"):
            assert words in texts, words
        held, = amounts("changes; in the interval: #%", texts)
        assert 70 <= held <= 90
        came, = amounts("came: #% of what was promised", texts)
        assert 94 <= came <= 106
        share, = amounts("regret is #% of the Cost Optimizer's", texts)
        assert share <= 65


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_verifying_a_saving() -> None:
    for outputs, texts in run("05_verified_saving"):
        assert images(outputs) == 2
        promised, realised = amounts("promised $#, realised $#", texts)
        assert promised > 500 and 0.7 < realised / promised < 1.5
        predicted, billed, exact, all_of_them = amounts(
            "predicted $#, billed $#; to the cent: # of # WorkSpaces", texts)
        assert billed > 1000 and predicted == pytest.approx(billed, abs=0.02)
        assert exact == all_of_them == 39
        replayed, metered = amounts("realised by ws.verify $#, by the two meters $#", texts)
        assert replayed == realised
        assert metered == pytest.approx(realised, abs=1)  # an hour, should the machine be very slow
        for words in ("as promised", "wrong", "AUTO_STOP:60, best on 2026-11-30", "not due",
                      "leave alone. ", "its best date is 2026-11-30", "MANUAL or standby"):
            assert words in texts, words
        assert "failed" not in texts
        assert "skipped" not in texts


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_your_own_files() -> None:
    for _, texts in run("06_your_own_files"):
        for words in ("6 faults in workspaces.csv", "1) line 3: compute_type is 'Standrad'",
                      "2) line 4: region is 'Europe (Ireland)'",
                      "3) line 5: running_mode is 'HOURLY'",
                      "4) line 6: auto_stop_minutes is 1", "5) line 7: auto_stop_minutes is empty",
                      "6) line 8: ws-ada000001 stands there twice", "WorkspaceId as workspace_id",
                      "running_mode AlwaysOn is taken as ALWAYS_ON",
                      "compute_type Standard is taken as STANDARD",
                      "it is separated by semicolons (;)",
                      "132 sessions", '{"team": "sales"}', "Expected to bill 260 h a month"):
            assert words in texts, words
        shown, changes, saving, alone = amounts(
            "report.html shows # WorkSpaces and <Plan # changes saving $# a month; "
            "# WorkSpaces left alone>", texts)
        assert (shown, changes, alone) == (6, 6, 0)
        by_team = [float(found) for found in re.findall(
            r"\b(?:support|sales) +3 +[\d.]+ +[\d.]+ +([\d.]+)", texts)]
        assert sum(by_team) == pytest.approx(saving, abs=0.02) and saving > 100


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_the_page_shows_the_sample_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WSANALYTICS_APP", raising=False)
    notebook = script().run("app")
    outputs, _ = outputs_of(notebook)
    (page, words), = panels(outputs)
    assert re.search(r"Review of Plan \d+ changes saving \$[\d,.]+ a month", words)
    assert "<table" in page and "over the break-even of" in page
    from nbconvert import HTMLExporter  # as slow to import as run.py

    exported, _ = HTMLExporter().from_notebook_node(notebook)
    assert PANEL in exported
    if CHROMIUM is not None:
        is_read_offline(exported)


def is_read_offline(page: str) -> None:
    """The table of a panel stands in a page that ``nbconvert --to html`` made, without a network.

    nbconvert's own page asks for MathJax and the like, whatever is in it; the panel for nothing.
    """
    with chromium() as browser:
        visit = Visit(browser)
        visit.page.set_content(page, wait_until="domcontentloaded")
        panel = visit.page.locator(".wsanalytics-page")
        panel.get_by_text("over the break-even of").first.wait_for()
        assert panel.locator("tr").count() > 20
        assert all(url.startswith(OF_NBCONVERT) for url in visit.outside)
        visit.close()
