"""The pages made from the code are those of the code, and the site builds and fetches nothing."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from tests.helpers.browsing import CHROMIUM, Visit, chromium
from tests.helpers.build import REPOSITORY
from tests.helpers.pages import PAGES
from wsanalytics.cli.option_table import all_tables

DOCS = REPOSITORY / "docs"
FETCHED = re.compile(
    r"""\bsrc(?:set)?\s*=\s*["']?(?:https?:)?//[^"'\s>]+|<link\b[^>]*\bhref\s*=\s*["']?(?:https?:)?//[^>]*"""
    r"""|@import[^;]*(?:https?:)?//[^;]*|url\(\s*["']?(?:https?:)?//[^)]*""")


def script(name: str) -> ModuleType:
    """A script that lies beside the pages."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "files.md", "api.md"])
def test_a_page_of_the_reference_is_that_of_the_code(name: str) -> None:
    made = script("make_reference").PAGES[name]()
    assert (DOCS / "reference" / name).read_text(encoding="utf-8") == made, (
        "python docs/make_reference.py")


def test_the_reference_names_every_command_and_option() -> None:
    page = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    for words, table in all_tables().items():
        found = re.search(rf"^###+ {' '.join(words)}\n(.*?)(?=^##|\Z)", page,
                          re.MULTILINE | re.DOTALL)
        assert found, words
        for key in set(table.options) - {"verbose", "quiet"}:
            assert f"--{key}" in found[1], (words, key)


def test_the_floors_are_those_of_the_code() -> None:
    floors = script("make_floors")
    page = (DOCS / "working-on-it.md").read_text(encoding="utf-8")
    assert page == floors.page(page), "python docs/make_floors.py"
    picture = (DOCS / "pictures" / "floors.svg").read_text(encoding="utf-8")
    assert picture == floors.picture(), "python docs/make_floors.py"
    texts = {node.text for node in ET.fromstring(picture).iter()}  # noqa: S314  # our own
    for path in (REPOSITORY / "wsanalytics").glob("*/__init__.py"):
        assert f"{path.parent.name}/" in texts


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "built"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_has_every_page_and_no_script_of_ours(site: Path) -> None:
    for page in PAGES[1:]:
        assert (site / page.relative_to(DOCS)).with_suffix(".html").is_file()
    assert not list(site.rglob("*.py"))


def test_the_site_shows_every_public_name_with_its_docstring(site: Path) -> None:
    page = (site / "reference" / "api.html").read_text(encoding="utf-8")
    for name in ("wsanalytics.billing.bill", "wsanalytics.recommendations.Analysis",
                 "wsanalytics.plot.saving_against_waiting", "wsanalytics.sandbox.Sandbox"):
        assert f'id="{name}"' in page, name
    assert ":func:" not in page and ":class:" not in page
    assert "<blockquote" not in page  # what an example outside code would be
    named = re.findall(r"^::: (\S+)$", (DOCS / "reference" / "api.md").read_text("utf-8"),
                       re.MULTILINE)
    assert len(named) > 70
    for name in named:
        assert f'id="{name}"' in page, name


def test_nothing_of_the_site_is_fetched_from_outside(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css", ".svg", ".xml"}]
    assert len(files) > 12
    for path in files:
        assert not FETCHED.findall(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("text", [
    '<script src="https://cdn.example/x.js">', "<img src=//cdn.example/x.png>",
    '<link rel="stylesheet" href="https://cdn.example/x.css">', "@import 'https://cdn.example/x';",
    "a { background: url(http://cdn.example/x.png) }"])
def test_what_would_be_fetched_is_found(text: str) -> None:
    assert FETCHED.search(text)


def test_the_links_of_the_site_lead_to_pages_and_anchors(site: Path) -> None:
    identifiers = {path: set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8")))
                   for path in site.rglob("*.html")}
    for path in identifiers:
        if path.name == "404.html":
            continue
        for target in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', path.read_text(encoding="utf-8")):
            page, _, anchor = unquote(target).partition("#")
            assert "://" not in page, (path, target)
            there = (path.parent / page).resolve() if page not in {"", "."} else path
            there = there / "index.html" if there.is_dir() else there
            assert there.exists(), (path, target)
            assert not anchor or anchor in identifiers[there] | {"__skip", "__toc"}, (path, target)


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"),
                    reason="there is no Chromium here (Debian: apt-get install chromium)")
@pytest.mark.filterwarnings("default")  # Playwright's own
def test_a_browser_finds_a_word_and_asks_no_other_host(address: str) -> None:
    with chromium() as browser:
        visit = Visit(browser)
        page = visit.page
        for name in ("index.html", "reference/api.html", "working-on-it.html"):
            page.goto(f"{address}/{name}", wait_until="networkidle")
            assert page.locator("h1").first.is_visible()
            assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
        page.locator(".md-search__input").click()
        page.keyboard.type("clairvoyant")
        page.locator(".md-search-result__link").first.wait_for()
        assert visit.outside == []
        visit.close()
