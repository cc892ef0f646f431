"""Know whether this runs in a Jupyter kernel, and whether a person sits before it."""

from __future__ import annotations

import os
import sys
from typing import Any


def in_kernel() -> bool:
    """Whether this runs in a Jupyter kernel, so that results are shown as they are typed."""
    return _kernel() is not None


def in_batch() -> bool:
    """Whether a program runs this notebook from top to bottom, such as ``nbconvert --execute``.

    Nobody can click then, and whoever reads the result later has no kernel. Such programs refuse
    questions to the reader, as ``input()`` asks them; so does Voilà, whose readers click.
    """
    kernel = _kernel()
    is_voila = os.environ.get("SERVER_SOFTWARE", "").startswith("voila")
    return kernel is not None and not getattr(kernel, "_allow_stdin", True) and not is_voila


def _kernel() -> Any:  # noqa: ANN401  # ipykernel's, which need not be there
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None)
