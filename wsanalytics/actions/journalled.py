"""A real run, whatever it does: its journal is named, begun, and survived where it breaks.

apply, undo, stop-idle, start-early and creation all go this way, so that no call to AWS is made
that was not written down before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from wsanalytics.actions.journal import Journal, JournalError
from wsanalytics.aws import Writer, who_am_i
from wsanalytics.errors import InputError
from wsanalytics.version import __version__

JOURNAL_LOST = "the journal cannot be written any more"
"""The message of what a run has not brought to its end when its journal broke."""


def check_journal(journal: Path | str | None, *, example: str) -> Path:
    """Give the path of the *journal* of a real run; :class:`InputError` where none is named."""
    if journal is None:
        raise InputError("no journal is named", where="journal",
                         rule="every call is written down before it is made",
                         fix=f"pass journal=Path('{example}')")
    return Path(journal)


def begin_run(
    journal: Journal, kind: str, writers: Sequence[Writer], *, limit: int | None, **about: object
) -> None:
    """Write that a run of *kind* begins: by which version, who, where, and within which limit."""
    first = writers[0].connection
    journal.begin(kind, wsanalytics=__version__, account_id=first.account_id, region=first.region,
                  caller=who_am_i(first).arn, limit=limit, **about)


@contextmanager
def survive_broken_journal(
    writers: Iterable[Writer], *, broken_off: Callable[[JournalError], None]
) -> Iterator[None]:
    """End a run whose journal cannot be written any more, and keep what is known of it.

    *broken_off* is called with the error, to say what became of the rest. Where nothing was asked
    of AWS since, the :class:`JournalError` is raised: nothing has happened.
    """
    writers = list(writers)
    sent_before = sum(writer.sent for writer in writers)
    try:
        yield
    except JournalError as error:
        if sum(writer.sent for writer in writers) == sent_before:
            raise
        broken_off(error)
