"""Share what all panels need: pictures with words, messages, and updates from threads."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

from ipywidgets import HTML, Layout, Tab, VBox, Widget

from wsanalytics.errors import NotBilledWarning, UnpricedWarning
from wsanalytics.formatting import as_output
from wsanalytics.kernel import in_batch
from wsanalytics.safe_text import plain

INK = "var(--jp-ui-font-color1, #1f2933)"
BAD = "var(--jp-warn-color0, #b34700)"
QUIET = "var(--jp-ui-font-color2, #616161)"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def picture(png: bytes, alt: str, *, width: int | None = None) -> str:
    """Return an image inside a page, and what it shows in words."""
    limit = f"max-width:min(100%,{width}px)" if width else "max-width:100%"
    card = "box-sizing:border-box;padding:6px 8px;border-radius:6px;background:#fff"
    return (f'<img style="{limit};height:auto;{card}" alt="{text(alt)}" '
            f'src="data:image/png;base64,{b64encode(png).decode()}">')


def text(value: str) -> str:
    """Return text from outside as HTML that shows it as it is."""
    return escape(plain(value))


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and what they hold, as a definition list."""
    plainly = "float:none;width:auto;font-weight:normal;margin:0;padding:0"
    entries = "".join(
        f'<dt style="{plainly};color:{QUIET}">{text(name)}</dt>'
        f'<dd style="{plainly};overflow-wrap:anywhere">{text(value)}</dd>'
        for name, value in rows)
    return (f'<dl style="display:grid;grid-template-columns:max-content 1fr;column-gap:16px;'
            f'margin:4px 0;line-height:1.5">{entries}</dl>')


def message(words: str, *, trouble: bool = False) -> str:
    """Return a word to the reader, which screen readers say when it changes."""
    colour = BAD if trouble else INK
    return (f'<div role="{"alert" if trouble else "status"}" style="color:{colour};'
            f'line-height:1.45;overflow-wrap:anywhere">{text(words)}</div>')


def html(value: str = "", **layout: Any) -> HTML:  # noqa: ANN401  # the fields of a Layout
    """Return a piece of a page."""
    return HTML(value, layout=Layout(**({"width": "auto", "margin": "2px 0"} | layout)))


@contextmanager
def telling_it_itself() -> Iterator[None]:
    """Suppress warnings beside a panel that itself lists which WorkSpaces are not billed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotBilledWarning)
        warnings.simplefilter("ignore", UnpricedWarning)
        yield


@contextmanager
def collecting_later() -> Iterator[None]:
    """For an update that somebody waits for: Python looks for garbage after it, not within.

    With a large fleet in memory a full search stops everything for some 80 ms.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Relay:
    """Calls *then* in the thread of the kernel, whichever thread asks for it, once for many asks.

    Widgets belong to that thread. Where there is no event loop (a plain script, a test), whoever
    asks makes the call.
    """

    def __init__(self, then: Callable[[], None]) -> None:
        self._then, self._home = then, threading.get_ident()
        self._is_due = threading.Event()
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def __call__(self) -> None:
        """Something has changed."""
        if threading.get_ident() == self._home or self._loop is None or self._loop.is_closed():
            self._then()
        elif not self._is_due.is_set():
            self._is_due.set()
            self._loop.call_soon_threadsafe(self._once)

    def _once(self) -> None:
        self._is_due.clear()
        self._then()


class LazyTabs(Tab):  # type: ignore[misc]  # ipywidgets has no types
    """Tabs whose pages are made when they are first opened; the first one at once.

    *pages* are titles, and what makes the widgets of each.
    """

    def __init__(self, pages: Sequence[tuple[str, Callable[[], Sequence[Widget]]]]) -> None:
        self._makers = [make for _, make in pages]
        super().__init__([VBox() for _ in pages], titles=[title for title, _ in pages])
        self.observe(lambda change: self._open(change["new"]), "selected_index")
        self._open(0)

    def _open(self, place: int | None) -> None:
        if place is not None and not self.children[place].children:
            self.children[place].children = self._makers[place]()


class Showable:
    """A panel that has a form where widgets do not run: a page without clicks, or plain text.

    To be mixed into a widget, before it. Jupyter takes the widget where it can show one, else the
    HTML, else the text. Where a program runs the notebook, and nobody can click, there is no
    widget at all.
    """

    def static_html(self) -> str:
        """Return the panel as HTML without scripts."""
        raise NotImplementedError

    def static_text(self) -> str:
        """Return the panel as plain text."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **_more: object) -> dict[str, Any]:
        assert isinstance(self, Widget)
        text = "\n".join(map(plain, self.static_text().split("\n")))
        page = as_output(self.static_html(), "wsanalytics-page")
        bundle: dict[str, Any] = {"text/plain": text, "text/html": page}
        if self._view_name is not None and not in_batch():
            bundle[WIDGET_VIEW] = {
                "version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return bundle
