"""Run the notebooks and keep small outputs in them: ``python notebooks/run.py [NAME ...]``.

What is kept can be read on a code host, without a kernel: texts, tables, and pictures of few bytes.
There are no counts of runs, no times, no state of widgets and nothing of the machine. A test
compares what is kept with what running gives. ``app.ipynb`` stays bare: it is the source of a page.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parent
BARE = frozenset({"app"})
"""Notebooks without outputs."""
WIDTH, COLOURS, MOST = 720, (48, 24, 12), 40_000
"""Pixels, numbers of colours to be tried, and bytes of a picture that is kept."""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\n]+)")
_SCRATCH = re.compile(rf"{re.escape(str(Path(tempfile.gettempdir()) / 'tmp'))}\w+/")
"""The folder of one run, which ``tempfile.mkdtemp`` names."""
_ADDRESS = re.compile(r"(?<= at )0x[0-9a-f]{6,}")


def run(name: str) -> Any:
    """Run a notebook from its own folder; return it with all its outputs."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3",
                   resources={"metadata": {"path": str(FOLDER)}}).execute()
    return notebook


def kept(notebook: Any) -> dict[str, Any]:
    """Return a notebook that was run as it is kept."""
    cells = []
    for place, cell in enumerate(notebook["cells"]):
        one = {"cell_type": cell["cell_type"], "id": f"cell-{place:02d}", "metadata": {}}
        if cell["cell_type"] == "code":
            one |= {"execution_count": None,
                    "outputs": [_output(output) for output in _joined(cell["outputs"])]}
        cells.append(one | {"source": _lines(cell["source"])})
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def written(notebook: dict[str, Any]) -> str:
    """Return the text of a notebook's file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _joined(outputs: list[Any]) -> list[Any]:
    """Join what was printed in one go, which arrives in pieces as the machine has time."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and last.get("name") == output["name"]:
            joined[-1] = {**last, "text": "".join(last["text"]) + "".join(output["text"])}
        else:
            joined.append(output)
    return joined


def _output(output: Any) -> dict[str, Any]:
    kind = output["output_type"]
    if kind == "stream":
        return {"name": output["name"], "output_type": kind, "text": _lines(output["text"])}
    if kind == "error":
        raise ValueError(f"{output['ename']}: {output['evalue']}")
    data: dict[str, Any] = {}
    if png := output["data"].get("image/png"):
        data["image/png"] = _small(png)
    if html := output["data"].get("text/html"):
        data["text/html"] = _lines(_EMBEDDED.sub(
            lambda found: f"data:image/png;base64,{_small(found[1])}", html))
    data["text/plain"] = _lines(output["data"]["text/plain"])
    count = {"execution_count": None} if kind == "execute_result" else {}
    return {"data": data, **count, "metadata": {}, "output_type": kind}


def _small(png: str) -> str:
    """Return a picture in few bytes, as base64."""
    image = Image.open(io.BytesIO(b64decode(png)))
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    flat.thumbnail((WIDTH, 4 * WIDTH), Image.Resampling.LANCZOS)
    for colours in COLOURS:
        out = io.BytesIO()
        flat.quantize(colours).save(out, "PNG", optimize=True)
        if out.tell() <= MOST:
            break
    return b64encode(out.getvalue()).decode()


def _lines(text: str | list[str]) -> list[str]:
    return _ADDRESS.sub("0x0", _SCRATCH.sub("…/", "".join(text))).splitlines(keepends=True)


def main(names: list[str]) -> None:
    """Run the named notebooks, by default all that keep outputs."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if path.stem not in BARE and (not names or path.stem in names):
            path.write_text(written(kept(run(path.stem))), encoding="utf-8")
            print(f"{path.name}: {path.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
