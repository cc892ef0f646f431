"""The papers that reports are printed on, and the text of a PDF that Chromium has printed."""

from __future__ import annotations

import re
import zlib
from typing import Any
from unicodedata import normalize

PAPERS: dict[str, dict[str, Any]] = {
    f"{size.lower()}_{'landscape' if landscape else 'portrait'}": {
        "format": size, "landscape": landscape, "prefer_css_page_size": False}
    for size in ("A4", "Letter") for landscape in (False, True)}
"""By name, what Playwright's ``page.pdf`` is asked for."""
PICTURE = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for each picture in the text of a page."""
_MILLIMETRES = {"A4": (210, 297), "Letter": (216, 279)}
_MARGINS = 24
"""The left and the right margin of the report together, in millimetres."""


def print_width(name: str) -> int:
    """Return how many CSS pixels wide the text on a paper is."""
    options = PAPERS[name]
    across = _MILLIMETRES[options["format"]][options["landscape"]]
    return int((across - _MARGINS) / 25.4 * 96)


def pages_of(pdf: bytes) -> list[str]:
    """Return the text of each page, in the order of drawing, without spaces and ligatures.

    Chromium writes texts as numbers of glyphs, and beside each font a table that turns them into
    letters; objects stand in the file one after the other, their streams packed by zlib.
    """
    objects = {int(number): body for number, body in re.findall(
        rb"(?ms)^(\d+) 0 obj\s*(.*?)^endobj", pdf)}
    tables = {number: _letters(objects, body) for number, body in objects.items()
              if b"/ToUnicode" in body}
    pages = [body for body in objects.values() if re.search(rb"/Type\s*/Page\b", body)]
    return [_text(objects, tables, body) for body in pages]


def _stream(body: bytes) -> bytes:
    head, _, rest = body.partition(b"stream")
    data = re.sub(rb"\r?\nendstream\s*$", b"", rest.lstrip(b"\r").removeprefix(b"\n"))
    return zlib.decompressobj().decompress(data) if b"FlateDecode" in head else data


def _letters(objects: dict[int, bytes], font: bytes) -> dict[str, str]:
    """The letters of each glyph of a font, by its number in four hexadecimal digits."""
    reference = re.search(rb"/ToUnicode (\d+) 0 R", font)
    assert reference is not None
    table = _stream(objects[int(reference[1])]).decode("latin-1")
    found = {}
    for block in re.findall(r"(?s)beginbfchar(.*?)endbfchar", table):
        for glyph, text in re.findall(r"<(\w+)> <(\w+)>", block):
            found[glyph.upper()] = bytes.fromhex(text).decode("utf-16-be")
    for block in re.findall(r"(?s)beginbfrange(.*?)endbfrange", table):
        for first, last, text in re.findall(r"<(\w+)> <(\w+)> <(\w+)>", block):
            for step in range(int(last, 16) - int(first, 16) + 1):
                found[f"{int(first, 16) + step:04X}"] = chr(int(text, 16) + step)
    return found


def _text(
    objects: dict[int, bytes], tables: dict[int, dict[str, str]], page: bytes
) -> str:
    fonts = {name.decode(): tables.get(int(number), {}) for name, number in re.findall(
        rb"/(F\d+) (\d+) 0 R", page)}
    contents = re.search(rb"/Contents (\d+) 0 R", page)
    assert contents is not None
    drawn = _stream(objects[int(contents[1])]).decode("latin-1")
    letters: dict[str, str] = {}
    words = []
    for font, glyphs, image in re.findall(
            r"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|/(X\d+) Do", drawn):
        if font:
            letters = fonts[font]
        elif image:
            words.append(PICTURE)
        else:
            words += [letters.get(glyphs[at:at + 4].upper(), "") for at in range(0, len(glyphs), 4)]
    return normalize("NFKC", "".join(words)).replace(" ", "")
