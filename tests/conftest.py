"""What all tests share: the thorough option, the profiles of hypothesis, small fleets."""

from __future__ import annotations

import os

# the tests run on all cores already; threads that wait for one another take most of their time
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read as numpy is imported
# hundreds of tests start a Python of their own: what one has compiled the others need not
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import time
from functools import cache, wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import botocore.session
import pytest
from hypothesis import HealthCheck, settings
from matplotlib.backends.backend_agg import FigureCanvasAgg

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None}
settings.register_profile("default", max_examples=60, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=250, derandomize=True, **_COMMON)

os.environ.setdefault("MPLBACKEND", "Agg")
# no price table of whoever runs the tests
os.environ["WSANALYTICS_HOME"] = str(Path(__file__).parent / "nobody")
os.environ["WSANALYTICS_CONFIG"] = ""  # and no options of theirs
# botocore reads its service models anew for each session, which takes longer than most tests
botocore.session.create_loader = cache(botocore.session.create_loader)
# between two tries of a call botocore waits for seconds, which a local endpoint does not need
botocore.endpoint.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50))
_print_png = FigureCanvasAgg.print_png


@wraps(_print_png)
def _print_quickly(*args: Any, pil_kwargs: dict[str, Any] | None = None, **more: Any) -> None:
    """A picture packed quickly rather than small; what it shows is the same."""
    _print_png(*args, pil_kwargs={"compress_level": 1} | (pil_kwargs or {}), **more)


FigureCanvasAgg.print_png = _print_quickly


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough", action="store_true",
        help="many more examples and seeds of the same tests; takes about an hour",
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("thorough" if config.getoption("--thorough") else "default")


@pytest.hookimpl(optionalhook=True)  # that of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some tests wait for a browser, a kernel or another process."""
    return (os.cpu_count() or 1) + 1


LONG = ("test_in_browser", "test_page_in_browser", "test_notebooks", "test_pages", "test_site",
        "test_tools", "test_fuzzing", "test_results", "test_replay_agrees", "test_decide")
"""The modules with the longest tests; they go first, so that no worker is left with one."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)  # stable: else in order
    if config.getoption("--thorough"):
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have a word in place of each picture, which takes most of their time.

    For tests that read what a report says; others draw the same pictures and look at them.
    """
    monkeypatch.setattr("wsanalytics.plot.png", lambda *_, **__: b"a picture")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a small fleet's files: sessions, workspaces, prices, samples."""
    from tests.tables.test_bad_input import FILES

    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path
