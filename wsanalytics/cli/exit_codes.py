"""The exit codes of every command, and how a table of outcomes becomes one. Nothing heavy."""

from __future__ import annotations

DONE = 0
"""All that was asked for came about. A limit, a rule, an opt-out tag or a date that has not come
is no failure."""
PARTLY = 1
"""Some of it failed, was skipped because AWS differed from what was expected, or was lost."""
REFUSED = 2
"""Bad usage, bad input or a bad state: one message on standard error, and nothing was written."""
INTERRUPTED = 130
"""Ctrl-C or SIGTERM, as shells report it; nothing is half-written."""


def status_of(*, is_complete: bool) -> int:
    """Return the exit code of a command that ran to its end.

    >>> status_of(is_complete=True), status_of(is_complete=False)
    (0, 1)
    """
    return DONE if is_complete else PARTLY
