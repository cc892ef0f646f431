"""Set up ``--verbose`` and ``--quiet``: log lines on standard error, and silence."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from wsanalytics.safe_text import one_line, quiet_messages


@contextmanager
def messages_shown(*, verbose: bool = False, quiet: bool = False) -> Iterator[None]:
    """Log what is done, or leave notes and progress out, while the block runs."""
    root, ours = logging.getLogger(), logging.getLogger("wsanalytics")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.INFO if verbose else logging.ERROR)
    handler.addFilter(_is_ours_or_grave)
    before = ours.level
    with ExitStack() as stack:
        if quiet:
            stack.enter_context(quiet_messages())
        # on the root, so that errors of libraries are shown too, and nothing is shown twice
        root.addHandler(handler)
        stack.callback(root.removeHandler, handler)
        if verbose:
            ours.setLevel(logging.INFO)
            stack.callback(ours.setLevel, before)
        yield


def _is_ours_or_grave(record: logging.LogRecord) -> bool:
    """Libraries talk of every connection they open; of theirs, errors alone are shown."""
    return record.name.startswith("wsanalytics") or record.levelno >= logging.ERROR


class _OneLine(logging.Formatter):
    """Log lines that leave as all messages do: one line, without control characters."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))
