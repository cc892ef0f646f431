"""A bar for work that takes long: on a terminal's error stream, and in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from wsanalytics.safe_text import is_quiet


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel that can show a bar (with ipywidgets)."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and shell.has_trait("kernel") and find_spec("ipywidgets") is not None


@contextmanager
def working(
    what: str, total: int | None, *, shown: bool = True
) -> Iterator[Callable[[int], None]]:
    """A bar over *total* (None: not known yet) for *what*; gives the function that advances it.

    Threads may share that function. Nothing is shown where nobody looks, under ``--quiet``, or
    unless *shown*.
    """
    shown = shown and not is_quiet()
    notebook = shown and in_notebook()
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(),
        console=Console() if notebook else Console(stderr=True),
        transient=True, disable=not (shown and (notebook or sys.stderr.isatty())),
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
