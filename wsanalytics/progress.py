"""A bar for work that takes long: on a terminal's error stream, and in a notebook."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from wsanalytics.kernel import in_batch, in_kernel
from wsanalytics.safe_text import is_quiet


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel that can show somebody a bar (with ipywidgets)."""
    return in_kernel() and not in_batch() and find_spec("ipywidgets") is not None


class _Count(ProgressColumn):
    """How many are done, and of how many, where that is known."""

    def render(self, task: Task) -> Text:
        """Return the count as it stands beside the bar."""
        of = f"/{task.total:,.0f}" if task.total is not None else ""
        return Text(f"{task.completed:,.0f}{of}")


@contextmanager
def working(
    what: str, total: int | None, *, shown: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show a bar over *total* (None: not known yet) for *what*; gives the function to advance it.

    Threads may share that function. Nothing is shown where nobody looks, under ``--quiet``, or
    unless *shown*.
    """
    with _bar(_Count(), TimeElapsedColumn(), TimeRemainingColumn(),
              shown=shown) as bar:
        task = bar.add_task(what, total=total)

        def advance(count: int) -> None:
            bar.advance(task, count)
            _draw(bar)

        yield advance


@contextmanager
def step_bar(steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar over so many named *steps*; gives the function that begins a step by its name.

    Nothing is shown where nobody looks, or under ``--quiet``.
    """
    with _bar(TimeElapsedColumn()) as bar:
        task = bar.add_task("starting", total=steps)

        def step(name: str) -> None:
            bar.update(task, description=name)
            bar.advance(task)
            _draw(bar)

        yield step


def _draw(bar: Progress) -> None:
    """Draw the *bar* of a notebook, from the main thread alone.

    What the main thread prints while another one draws would be taken for a part of the bar, and
    go away with it.
    """
    if not bar.live.auto_refresh and threading.current_thread() is threading.main_thread():
        bar.refresh()


def _bar(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """Give a bar on the error stream of a terminal, or in a notebook; else one that is not seen."""
    shown = shown and not is_quiet()
    notebook = shown and in_notebook()
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), *columns,
        console=Console() if notebook else Console(stderr=True),
        auto_refresh=not notebook, transient=True,
        disable=not (shown and (notebook or sys.stderr.isatty())),
    )
