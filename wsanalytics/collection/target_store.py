"""The store that something is collected into: made if there is none, taken back if all failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from wsanalytics.errors import WsanalyticsError
from wsanalytics.files import Made
from wsanalytics.history import Store
from wsanalytics.progress import working

_LOG = logging.getLogger(__name__)


@contextmanager
def new_store(store: Store | Path | str) -> Iterator[Store]:
    """Open the store, made if there is none; taken back where nothing came to be in it."""
    if isinstance(store, Store):
        yield store
        return
    made = Made()
    opened = Store.create(store, made)
    try:
        yield opened
    except BaseException:
        if made.files:
            opened.take_back(made)
        raise


def compacted(store: Store, before: date, log: Callable[[str], None]) -> None:
    """Compact what can be; a damaged file is logged and delays nobody."""
    try:
        with working("putting the files of days together", len(store.scattered(before))) as advance:
            store.compact(before, advance)
    except WsanalyticsError as error:
        _LOG.warning("%s", error)
        log(f"not compacted: {error}")
