"""The notebooks run from their own folder, and are committed without output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.build import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_output(path: Path) -> None:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None


def run(path: Path) -> tuple[list[nbformat.NotebookNode], str]:
    """The outputs of a notebook's cells, and all that they say."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3",
                   resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    texts = "".join(str(out.get("text", "")) + str(out.get("data", {})) for out in outputs)
    assert not [out for out in outputs if out.output_type == "error"]
    assert not [out for out in outputs if out.get("name") == "stderr"], texts
    return outputs, texts


def images(outputs: list[nbformat.NotebookNode]) -> int:
    return sum("image/png" in out.get("data", {}) for out in outputs)


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_a_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND")  # Jupyter chooses its own
    outputs, texts = run(REPOSITORY / "notebooks" / "01_first_look.ipynb")
    assert images(outputs) == 3
    assert "200 WorkSpaces" in texts
    assert "no known price" in texts and "MANUAL or standby" in texts
    assert "&lt;Plan" in texts or "<Plan" in texts


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_collecting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND")
    outputs, texts = run(REPOSITORY / "notebooks" / "02_collect.ipynb")
    assert images(outputs) == 1
    for words in ("60 WorkSpaces, 6 calls; one look takes about", "calls of GetMetricData for",
                  "62 days", "IN_FORCE", "no own samples of that time"):
        assert words in texts, words


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_applying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND")
    _, texts = run(REPOSITORY / "notebooks" / "03_apply.ipynb")
    for words in ("would be done", "left for the next run", "already in force", '"event": "call"',
                  "as promised", "realised $", "expected_at", "saved_hours",
                  "comparable WorkSpaces", "new.colleague"):
        assert words in texts, words
    assert "failed" not in texts
    assert "skipped" not in texts


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_backtesting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPLBACKEND")
    outputs, texts = run(REPOSITORY / "notebooks" / "04_backtest.ipynb")
    assert images(outputs) == 4
    for words in ("120 WorkSpaces", "Backtest of 8 policies", "last_four_weeks",
                  "stop_when_idle:minutes=15"):
        assert words in texts, words
    held = re.search(r"decisions; in the interval: (\d+)%", texts)
    assert held and 70 <= int(held[1]) <= 90
    share = re.search(r"regret is (\d+)% of the Cost Optimizer's", texts)
    assert share and int(share[1]) <= 65


def test_every_notebook_is_run() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["01_first_look", "02_collect", "03_apply",
                                                 "04_backtest"]
