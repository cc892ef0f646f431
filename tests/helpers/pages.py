"""README and the pages of ``docs``: their blocks of code, and the code against a store."""

from __future__ import annotations

import re
from pathlib import Path

from tests.helpers.build import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(REPOSITORY)) for path in PAGES]


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The blocks of one *language* on the page called *name*."""
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL)


def lines_of(name: str, language: str) -> list[str]:
    """The commands of wsanalytics in the blocks of one *language*, without the usage lines."""
    return [line for block in blocks(name, language) for line in block.splitlines()
            if line.startswith("wsanalytics ") and "[OPTIONS]" not in line]


def steps_against(store: Path, end: str = "") -> str:
    """The steps of the analysts' page, with a store of one's own in place of the sample fleet.

    The review at their end becomes *end*, such as one with a writer.
    """
    (code,) = blocks("docs/analysts.md", "python")
    own = code.replace("ws.sample_history()", f"ws.read_history({str(store)!r})")
    assert own != code
    review = "ws.review(plan, savings, replay, history.workspaces)"
    assert own.rstrip().endswith(review)
    return own.replace(review, end)
