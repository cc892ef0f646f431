"""JupyterLab, Notebook and Voilà on this machine, and Debian's Chromium to look at them.

Everything lives in a folder of its own: settings, kernels' files, the browser's cache. Nothing is
fetched from outside; what a page asks of other hosts is refused, and listed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--font-render-hinting=none"]
HERE = re.compile(r"(data|blob|about|chrome):|(https?|wss?)://(127\.0\.0\.1|localhost)[:/]")
CDN_OF_VOILA = ("https://cdnjs.cloudflare.com/", "https://maxcdn.bootstrapcdn.com/",
                "https://cdn.jsdelivr.net/", "https://unpkg.com/")
"""Voilà's own page asks these for a font that comes with it as well; without, all works."""
RUN_ALL = """async (limit) => {
  const app = jupyterapp, panel = app.shell.currentWidget, session = panel.context.sessionContext;
  await panel.context.ready;
  await session.ready;
  const until = Date.now() + limit;
  while (session.session?.kernel?.status !== 'idle') {
    if (Date.now() > until) return ['the kernel did not come up'];
    await new Promise((go) => setTimeout(go, 50));
  }
  await app.commands.execute('notebook:run-all-cells');
  return [...panel.content.model.cells].filter((cell) => cell.type === 'code')
    .flatMap((cell) => cell.outputs.toJSON())
    .filter((output) => output.output_type === 'error')
    .map((output) => `${output.ename}: ${output.evalue}`);
}"""


def environment(home: Path, **more: str) -> dict[str, str]:
    """The surroundings of a server that keeps everything under *home*."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("JUPYTER", "MPLBACKEND", "AWS_", "WSANALYTICS"))}
    folders = {"HOME": home, "JUPYTER_CONFIG_DIR": home / "config",
               "JUPYTER_DATA_DIR": home / "data", "JUPYTER_RUNTIME_DIR": home / "run",
               "IPYTHONDIR": home / "ipython", "MPLCONFIGDIR": home / "matplotlib",
               "JUPYTERLAB_SETTINGS_DIR": home / "lab",
               "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces"}
    return kept | {name: str(path) for name, path in folders.items()} | more


def _lab_settings(home: Path) -> None:
    folder = home / "config" / "labconfig"
    folder.mkdir(parents=True, exist_ok=True)
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    whole = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
             "@jupyterlab/docmanager-extension:plugin": {"autosave": False}}
    (folder / "page_config.json").write_text(json.dumps(quiet))
    (folder / "default_setting_overrides.json").write_text(json.dumps(whole))


@contextmanager
def jupyter(
    root: Path, home: Path, *, app: str = "lab", **more: str
) -> Iterator[tuple[str, str]]:
    """The address of a server for the notebooks in *root*, and its token; *app*: lab, notebook."""
    _lab_settings(home)
    token = secrets.token_hex(16)
    name = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}[app]
    command = [
        sys.executable, "-m", "jupyter", app, "--no-browser", "--allow-root", "--port=0",
        "--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}", f"--{name}.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly"]
    with _running(command, root, home, more) as process:
        told = home / "run" / f"jpserver-{process.pid}.json"
        _until(told.exists, process, home)
        url = json.loads(told.read_text())["url"].rstrip("/")
        _until(lambda: _answers(f"{url}/api/status?token={token}"), process, home)
        yield url, token


@contextmanager
def page_of(options: list[str], cwd: Path, home: Path, **more: str) -> Iterator[str]:
    """The address that ``wsanalytics app`` with *options*, started in *cwd*, prints."""
    command = [sys.executable, "-m", "wsanalytics", "app", *options]
    with _running(command, cwd, home, more) as process:
        log = home / "server.log"
        _until(lambda: "\n" in log.read_text(errors="replace"), process, home)
        address = log.read_text(errors="replace").splitlines()[0]
        _until(lambda: _answers(address.partition("?")[0] + "voila/static/"), process, home)
        yield address


@contextmanager
def _running(
    command: list[str], cwd: Path, home: Path, more: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment(home, **more), stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def _until(there: Any, process: subprocess.Popen[bytes], home: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not there():
        if process.poll() is not None or time.monotonic() > end:
            log = (home / "server.log").read_text(errors="replace")
            raise RuntimeError(f"the server did not come up: {log[-3000:]}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310  # our own server
            return bool(answer.status)
    except URLError as error:
        return getattr(error, "code", 0) in {403, 404}
    except OSError:
        return False


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page in a fresh context; ``outside`` lists what it asked of other hosts, all refused."""

    def __init__(self, browser: Browser, *, width: int = 1400, height: int = 1000) -> None:
        self.outside: list[str] = []
        self.dialogs: list[str] = []
        self.console: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce",
            timezone_id="UTC", locale="en-US", accept_downloads=True)
        self.context.route("**/*", self._let)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(45_000)
        self.page.on("dialog", self._dialog)
        self.page.on("console", lambda message: self.console.append(message.text))

    def _let(self, route: Route, request: Request) -> None:
        if HERE.match(request.url):
            route.continue_()
        else:
            self.outside.append(request.url)
            route.abort()

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.accept()

    def open_notebook(self, server: tuple[str, str], name: str, *, app: str = "lab") -> Page:
        """The page of a notebook whose document is there."""
        url, token = server
        place = f"lab/tree/{name}?reset&token={token}" if app == "lab" else (
            f"notebooks/{name}?token={token}")
        self.page.goto(f"{url}/{place}")
        self.page.wait_for_function(
            "window.jupyterapp?.shell?.currentWidget?.context?.sessionContext")
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        return self.page

    def run_all(self) -> None:
        """Run all cells; the first error of any cell is raised."""
        errors = self.page.evaluate(RUN_ALL, 60_000)
        assert errors == [], errors

    def close(self) -> None:
        self.context.close()


def notebook(*cells: str) -> str:
    """A notebook of code cells, as its file holds it."""
    return json.dumps({
        "cells": [{"cell_type": "code", "id": f"cell-{place:02d}", "metadata": {}, "outputs": [],
                   "execution_count": None, "source": cell} for place, cell in enumerate(cells)],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python",
                                    "name": "python3"}},
        "nbformat": 4, "nbformat_minor": 5})
