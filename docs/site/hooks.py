"""What mkdocs does beside: links out of docs/ become words, for a site has no files of the code.

In the repository such a link leads to the file; on the site its words are followed by its path.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, **_: object) -> str:  # noqa: ANN401  # mkdocs's page
    """Replace links that leave the folder of pages."""
    folder = posixpath.dirname(page.file.src_uri)

    def replaced(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        path = posixpath.normpath(posixpath.join("docs", folder, target))
        if path.startswith("docs/"):
            return found[0]
        plain = words.replace("\\_", "_")
        return f"`{plain}`" if plain.strip("/") in path else f"{words} (`{path}`)"

    return LINK.sub(replaced, markdown)
