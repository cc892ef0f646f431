"""The picture and the table of the packages, from the code: ``python docs/make_floors.py``.

Floors are those that ``tests/whole/test_architecture.py`` holds, purposes the first sentences of
the packages' docstrings, and who uses whom is read from the imports. Writes
``docs/pictures/floors.svg`` and the table in ``docs/working-on-it.md``; a test holds both to the
code.
"""

from __future__ import annotations

import ast
import re
import textwrap
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "wsanalytics"
PICTURE = ROOT / "docs" / "pictures" / "floors.svg"
PAGE = ROOT / "docs" / "working-on-it.md"
BEGIN, END = "<!-- packages: made by docs/make_floors.py -->", "<!-- end of packages -->"

WIDTH, MARGIN, LABEL, GAP = 1040, 20, 34, 10
"""Pixels: of the picture, around it, for the floor's number, between boxes."""
LINE, TITLE = 15, 18
"""Pixels from one line of text to the next, and for the name of a package."""
LETTER = 6.5
"""Pixels of a letter of the small text, on average."""
STYLE = """
  .paper { fill: #fbfbfd; stroke: #c9cfda }
  .floor { fill: #eef1f7 }
  .box { fill: #ffffff; stroke: #7a8bb0 }
  .number { font: 600 15px sans-serif; fill: #6b7794 }
  .name { font: 600 14px monospace; fill: #1d2b4f }
  .text { font: 12px sans-serif; fill: #2d3445 }
  .count { font: 11px sans-serif; fill: #5c6785 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #1b1f2a; stroke: #3b455c }
    .floor { fill: #242a38 }
    .box { fill: #2e3648; stroke: #7f92bd }
    .number, .count { fill: #a9b5d0 }
    .name { fill: #dbe5ff }
    .text { fill: #e3e7f0 }
  }
"""


def floors() -> list[list[str]]:
    """The packages of each floor, the highest floor first."""
    tree = ast.parse((ROOT / "tests" / "whole" / "test_architecture.py").read_text("utf-8"))
    text = next(node.value.value for node in tree.body
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
                and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "FLOORS")
    return [line.split() for line in str(text).strip().splitlines()]


def ground() -> list[str]:
    """The files that lie beside the packages, which everybody may import."""
    return sorted(path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__"))


def purpose(path: Path) -> str:
    """The first sentence of a file's docstring."""
    words = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n\n")[0]
    return re.split(r"(?<=\.) (?=[A-Z])", " ".join(words.split()))[0]


def uses(package: str) -> set[str]:
    """The other packages that the files of *package* import, but for type checkers alone."""
    found: set[str] = set()
    for path in (PACKAGE / package).rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        typing = {id(node) for block in ast.walk(tree)
                  if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
                  for node in ast.walk(block)}
        for node in ast.walk(tree):
            if id(node) in typing:
                continue
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module == "wsanalytics":
                found |= {f"wsanalytics.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module))
    names = {name.split(".")[1] for name in found if name.startswith("wsanalytics.")}
    return {name for name in names if (PACKAGE / name).is_dir()} - {package}


def picture() -> str:
    """The floors as an SVG."""
    rows, boxes, top = floors(), list[str](), MARGIN
    used = {package: uses(package) for row in rows for package in row}
    for index, row in enumerate(rows):
        is_ground = index == len(rows) - 1
        names = [*row, "ground files"] if is_ground else row
        texts = {name: purpose(PACKAGE / name / "__init__.py") for name in row}
        if is_ground:
            texts["ground files"] = ", ".join(ground())
        shares = [3 if name == "ground files" else 1 for name in names]
        wide = (WIDTH - 2 * MARGIN - LABEL - GAP * len(names)) / sum(shares)
        wrapped = {name: textwrap.wrap(texts[name].replace("``", ""),
                                       int((wide * share - 20) / LETTER))
                   for name, share in zip(names, shares, strict=True)}
        height = TITLE + LINE * max(map(len, wrapped.values())) + LINE + 22
        boxes.append(f'<rect class="floor" x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" '
                     f'height="{height + 2 * GAP}" rx="8"/>')
        boxes.append(f'<text class="number" x="{MARGIN + 12}" y="{top + height / 2 + 14:.0f}">'
                     f"{len(rows) - index}</text>")
        left = float(MARGIN + LABEL)
        for name, share in zip(names, shares, strict=True):
            count = "" if name not in used else _count(
                len(used[name]), sum(name in others for others in used.values()))
            boxes += _box(left, top + GAP, wide * share, height, name, wrapped[name], count)
            left += wide * share + GAP
        top += height + 3 * GAP
    return "\n".join([
        (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + MARGIN - GAP}" '
        f'role="img" aria-label="The packages of wsanalytics on their floors">'),
        f"<style>{STYLE}</style>",
        (f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" '
        f'height="{top + MARGIN - GAP - 1}" rx="12"/>'), *boxes, "</svg>", ""])


def _count(uses: int, used: int) -> str:
    return f"uses {uses}, used by {used}"


def _box(
    left: float, top: float, wide: float, height: float, name: str, lines: list[str], count: str
) -> list[str]:
    """One package: its name, its purpose, and with how many others it deals."""
    title = name if name == "ground files" else f"{name}/"
    at = f'x="{left + 10:.0f}"'
    return [
        f'<rect class="box" x="{left:.1f}" y="{top}" width="{wide:.1f}" height="{height}" rx="6"/>',
        f'<text class="name" {at} y="{top + 20}">{title}</text>',
        *(f'<text class="text" {at} y="{top + 22 + LINE * number}">{escape(line)}</text>'
          for number, line in enumerate(lines, 1)),
        *([f'<text class="count" {at} y="{top + height - 8}">{count}</text>'] if count else [])]


def table() -> str:
    """The packages and the ground files as Markdown, the highest floor first."""
    rows = floors()
    lines = ["| floor | package | what it is for | uses |", "|---|---|---|---|"]
    for index, row in enumerate(rows):
        lines += [f"| {len(rows) - index} | [{name}/](../wsanalytics/{name}/__init__.py) | "
                  f"{purpose(PACKAGE / name / '__init__.py')} | "
                  f"{', '.join(sorted(uses(name)))} |" for name in row]
    lines += ["", "The ground: files beside the packages, which everybody may import.", "",
              "| file | what it is for |", "|---|---|"]
    lines += [f"| [{name}.py](../wsanalytics/{name}.py) | {purpose(PACKAGE / f'{name}.py')} |"
              for name in ground()]
    return "\n".join(lines)


def page(text: str) -> str:
    """The page *text* with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8")), encoding="utf-8")
