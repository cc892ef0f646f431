"""Letters that the font of a plot lacks, and the fonts of this machine that have them.

matplotlib's own font has Latin, Greek, Cyrillic and some more. Names in Chinese, Japanese, Korean
or other scripts are drawn in the first of ``FAMILIES`` that is installed and has their letters.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text

FAMILIES = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK KR",
    "Noto Sans JP", "Noto Sans SC", "Noto Sans TC", "Noto Sans KR", "Yu Gothic", "Meiryo",
    "Hiragino Sans", "Microsoft YaHei", "SimHei", "PingFang SC", "WenQuanYi Micro Hei",
    "Malgun Gothic", "Apple SD Gothic Neo", "Noto Sans Arabic", "Noto Sans Hebrew",
    "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai",
    "Nirmala UI", "Leelawadee UI", "Segoe UI", "Arial Unicode MS", "Noto Sans Symbols2",
    "Noto Emoji", "Segoe UI Symbol", "Segoe UI Emoji", "Symbola",
)
"""Common fonts of many letters, the preferred ones first."""
MISSING = "\N{REPLACEMENT CHARACTER}"
_Files = tuple[str, ...]


def drawable(words: str) -> str:
    r"""Return the *words* with a replacement mark for each letter that no font here has.

    >>> drawable("ada \uffff")
    'ada �'
    """
    if words.isascii():
        return words
    of_package, others = _files(None), installed()
    return "".join(
        letter if letter.isascii() or _have(of_package, letter)
        or any(_have(files, letter) for _, files in others) else MISSING for letter in words)


def draw_all_of(texts: Iterable[Text]) -> None:
    """Let *texts* be drawn as they are: no formulas, and each letter in a font that has it."""
    for text in texts:
        text.set_parse_math(False)
        words, families = text.get_text(), list(text.get_fontfamily())
        if more := [name for name in _families(words) if name not in families]:
            text.set_fontfamily([*families, *more])


@cache
def installed() -> tuple[tuple[str, _Files], ...]:
    """Return those of ``FAMILIES`` that matplotlib knows on this machine, and their font files."""
    names = {entry.name for entry in fontManager.ttflist if Path(entry.fname).exists()}
    return tuple((name, _files(name)) for name in FAMILIES if name in names)


def _families(words: str) -> list[str]:
    """Return the fonts that are needed for what the usual one lacks of *words*."""
    if words.isascii():
        return []
    of_package, others = _files(None), installed()
    needed = [next((name for name, files in others if _have(files, letter)), None)
              for letter in words if not (letter.isascii() or _have(of_package, letter))]
    return [name for name in dict.fromkeys(needed) if name is not None]


def _files(family: str | None) -> _Files:
    """Return the files of a font's normal and bold letters; None: of the font that plots have."""
    return tuple(findfont(FontProperties(family=family, weight=weight))
                 for weight in ("normal", "bold"))


def _have(files: _Files, letter: str) -> bool:
    return all(_has(file, letter) for file in files)


@cache
def _has(file: str, letter: str) -> bool:
    return get_font(file).get_char_index(ord(letter)) != 0
