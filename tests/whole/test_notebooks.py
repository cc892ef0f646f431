"""The notebooks run from their own folder, say what they are for, and are committed bare."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.helpers.build import REPOSITORY
from wsanalytics.widgets.base import WIDGET_VIEW

FOLDER = REPOSITORY / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
NAMES = ["01_first_look", "02_collect", "03_review_and_apply", "04_backtest",
         "05_verified_saving", "06_your_own_files", "app"]


def test_every_notebook_is_run() -> None:
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_output(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert text == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    cells = notebook["cells"]
    assert [cell["id"] for cell in cells] == [f"cell-{place:02d}" for place in range(len(cells))]
    for cell in cells:
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_links_lead_somewhere(path: Path) -> None:
    words = "".join("".join(cell["source"]) for cell in json.loads(
        path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)]+)\)", words):
        assert (FOLDER / target).exists(), target


@pytest.fixture(autouse=True)
def _as_in_jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)  # Jupyter chooses its own


def run(name: str) -> tuple[list[nbformat.NotebookNode], str]:
    """The outputs of a notebook's cells, and all that they say."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3",
                   resources={"metadata": {"path": str(FOLDER)}}).execute()
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    texts = "".join(str(out.get("text", "")) + str(out.get("data", {})) for out in outputs)
    assert not [out for out in outputs if out.output_type == "error"]
    assert not [out for out in outputs if out.get("name") == "stderr"], texts
    return outputs, texts


def images(outputs: list[nbformat.NotebookNode]) -> int:
    return sum("image/png" in out.get("data", {}) for out in outputs)


def panels(outputs: list[nbformat.NotebookNode]) -> list[tuple[str, str]]:
    """The page and the plain text of each panel, which stand in where no widgets run."""
    found = [out["data"] for out in outputs if WIDGET_VIEW in out.get("data", {})]
    return [(data["text/html"], data["text/plain"]) for data in found if data.get("text/html")]


def amounts(pattern: str, texts: str) -> list[float]:
    """The numbers in what *pattern* finds, where each # stands for a number."""
    regex = re.escape(pattern).replace(r"\#", r"([\d,]+(?:\.\d+)?)")
    found = re.search(regex, texts)
    assert found, pattern
    return [float(number.replace(",", "")) for number in found.groups()]


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_a_first_look() -> None:
    outputs, texts = run("01_first_look")
    assert images(outputs) == 3
    assert "200 WorkSpaces" in texts
    assert "no known price" in texts and "MANUAL or standby" in texts
    changes, saving, alone = amounts(
        "<Plan # changes saving $# a month; # WorkSpaces left alone>", texts)
    assert changes > 50 and saving > 5000 and alone > 50
    (fleet, fleet_text), (what_if, asked), (review, review_text) = panels(outputs)
    assert fleet.count("<img ") == 3 and "Heat map" in fleet and "never disconnected" in fleet_text
    assert what_if.count("<img ") == 2 and "each its own" in asked
    assert "import wsanalytics as ws" in what_if
    assert f"{changes:.0f} changes saving ${saving:,.2f}" in review_text  # the plan above
    assert "over the break-even of" in review


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_collecting() -> None:
    outputs, texts = run("02_collect")
    assert images(outputs) == 1
    for words in ("60 WorkSpaces, 6 calls; one poll takes about", "calls of GetMetricData for",
                  "IN_FORCE", "no own samples of that time"):
        assert words in texts, words
    # CloudWatch keeps 63 days; the two at the ends are rarely whole.
    assert re.search(r"\b6[23] days", texts)


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_reviewing_and_applying() -> None:
    outputs, texts = run("03_review_and_apply")
    (page, _), = panels(outputs)
    assert page.count("<tr") == 13  # a plan of twelve changes and its head
    for words in ("<Plan 12 changes saving $", "MANUAL or standby", '"schema": "wsanalytics.plan"',
                  "left for the next run", "already in force", '"event": "call"', "expected_at",
                  "saved_hours", "comparable WorkSpaces"):
        assert words in texts, words
    told = [out["data"]["text/plain"] for out in outputs
            if out.get("data", {}).get("text/plain", "").startswith("outcome")]
    assert [dict(re.findall(r"^([a-z ]+?) +(\d+)$", one, re.MULTILINE)) for one in told] == [
        {"done": "8", "left for the next run": "4"}, {"already in force": "8", "done": "4"},
        {"done": "12"}, {"would be done": "12"}]  # applied, applied, taken back, as it was
    assert "failed" not in texts
    assert "skipped" not in texts


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_backtesting() -> None:
    outputs, texts = run("04_backtest")
    assert images(outputs) == 4
    for words in ("120 WorkSpaces", "Backtest of 8 policies", "last_four_weeks",
                  "stop_when_idle:minutes=15"):
        assert words in texts, words
    held, = amounts("decisions; in the interval: #%", texts)
    assert 70 <= held <= 90
    share, = amounts("regret is #% of the Cost Optimizer's", texts)
    assert share <= 65


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_verifying_a_saving() -> None:
    outputs, texts = run("05_verified_saving")
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
                  "when its use changed", "its best date is 2026-11-30", "MANUAL or standby"):
        assert words in texts, words
    assert "failed" not in texts
    assert "skipped" not in texts


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_your_own_files() -> None:
    _, texts = run("06_your_own_files")
    for words in ("6 faults in workspaces.csv", "1) line 3: compute_type is 'Standrad'",
                  "2) line 4: region is 'Europe (Ireland)'", "3) line 5: running_mode is 'HOURLY'",
                  "4) line 6: auto_stop_minutes is 1", "5) line 7: auto_stop_minutes is empty",
                  "6) line 8: ws-ada000001 stands there twice", "WorkspaceId as workspace_id",
                  "running_mode AlwaysOn is taken as ALWAYS_ON",
                  "compute_type Standard is taken as STANDARD", "it is separated by semicolons (;)",
                  "132 sessions", '{"team": "sales"}', "Billed 264 h a month, over"):
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
    outputs, _ = run("app")
    (page, words), = panels(outputs)
    assert re.search(r"Review of Plan \d+ changes saving \$[\d,.]+ a month", words)
    assert "<table" in page and "over the break-even of" in page
