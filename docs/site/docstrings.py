"""Docstrings as the site shows them: examples as code, roles of reStructuredText as plain code."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:func|class|mod|meth|data|attr):`~?([^`]+)`")
EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\n).*)*", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites every docstring into Markdown before it is shown."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401  # whatever griffe hands over
        """Rewrite one docstring."""
        if obj.docstring is not None:
            text = ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = EXAMPLE.sub(r"```pycon\n\g<0>\n```", text)
