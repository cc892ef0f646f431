"""Where the result of a command goes: to standard output, beside it, or into one JSON document.

Nothing heavy is imported here: the command line asks it before any work begins.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto

from wsanalytics.safe_text import one_line


class Results(Enum):
    """Where that goes which people read."""

    SHOWN = auto()
    """To standard output."""
    BESIDE = auto()
    """To standard error: a file that was named ``-`` goes to standard output."""
    JSON = auto()
    """Nowhere: standard output has one JSON document."""


class _Now:
    where = Results.SHOWN
    words: Sequence[str] = ()
    last: Sequence[str] = ()


def goes_to(where: Results) -> bool:
    """Whether what people read goes there."""
    return _Now.where is where


def is_json() -> bool:
    """Whether the result of the command is to be one JSON document."""
    return goes_to(Results.JSON)


@contextmanager
def results_to(where: Results) -> Iterator[None]:
    """Let what people read go elsewhere, while the block runs."""
    before, _Now.where = _Now.where, where
    try:
        yield
    finally:
        _Now.where = before


def remember(words: Sequence[str]) -> None:
    """Keep the words of the command line, to name it again with more to it."""
    _Now.words, _Now.last = tuple(words), ()


def say_last(commands: Sequence[str]) -> None:
    """Keep the commands to run next: they are said when all else is said."""
    _Now.last = commands


def last_words() -> str:
    """Return the lines that name the commands to run next; empty where there are none."""
    return "".join(f"{'       ' if position else 'Next:  '}{one_line(line)}\n"
                   for position, line in enumerate(_Now.last))


def again(*more: str) -> str:
    """Return the command line once more, with *more* words, quoted for a shell.

    >>> remember(["apply", "my plan.json", "--dry-run"])
    >>> again("--yes")
    "wsanalytics apply 'my plan.json' --yes"
    """
    words = [word for word in _Now.words if word != "--dry-run"]
    return shlex.join(["wsanalytics", *words, *more])
