"""Buttons that hand over a file in the browser: made only when somebody asks for it.

``download.js`` beside this file is all that it needs: nothing is fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anywidget import AnyWidget
from traitlets import Dict, List

from wsanalytics.errors import WsanalyticsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A file to download: the label of its button, its name and media type, and its bytes."""

    label: str
    file_name: str
    media_type: str
    make: Callable[[], bytes]


class Download(AnyWidget):
    """One button for each of *offers*; a click makes the file and hands it to the browser.

    What cannot be made is named beside the buttons. Where a host blocks downloads nothing happens:
    offer the same in Python.
    """

    _esm = Path(__file__).with_name("download.js")
    files = List(Dict()).tag(sync=True)

    def __init__(self, offers: Iterable[Offer]) -> None:
        self._offers = {offer.file_name: offer for offer in offers}
        super().__init__(files=[
            {"label": offer.label, "name": offer.file_name} for offer in self._offers.values()])
        self.on_msg(self._asked)

    def answer(self, name: str) -> tuple[dict[str, str], list[bytes]]:
        """Answer the browser's request for the file *name*: a message and its bytes."""
        offer = self._offers.get(name)
        if offer is None:
            return {"name": "", "trouble": "There is no such file."}, []
        try:
            data = offer.make()
        except WsanalyticsError as error:
            return {"name": name, "trouble": str(error)}, []
        return {"name": name, "type": offer.media_type}, [data]

    def _asked(self, _widget: Any, content: object, _buffers: Any) -> None:  # noqa: ANN401  # a comm's
        if isinstance(content, dict):
            reply, buffers = self.answer(str(content.get("name")))
            self.send(reply | {"view": str(content.get("view", ""))}, buffers)
