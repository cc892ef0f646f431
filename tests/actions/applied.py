"""What the tests of applying share: stories, fleets, short names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from tests.helpers.fakes import RETRY, FakeFleet
from wsanalytics.actions.run import RunOptions
from wsanalytics.aws.current_state import WorkspaceState
from wsanalytics.aws.writer import Writer
from wsanalytics.settings import auto_stop

TERMS = RunOptions(limit=None, retry=RETRY)

InMemory = tuple[FakeFleet, Callable[[str], Any], Writer]


@contextmanager
def in_memory(workspaces: int = 60, **options: Any) -> Iterator[InMemory]:
    """A fleet in memory, a client of whoever else changes something, and a writer."""
    box = FakeFleet(workspaces, **options)
    yield box, box.client, box.writer()


def outcomes(frame: pd.DataFrame) -> dict[str, int]:
    return {str(name): int(count) for name, count in frame["outcome"].value_counts().items()}


def present(**more: Any) -> WorkspaceState:
    now = datetime(2026, 9, 16, 12, tzinfo=UTC)
    values = {"workspace_id": "ws-1", "running_mode": "AUTO_STOP", "setting": auto_stop(240),
              "state": "AVAILABLE", "modifying": False, "standby": False, "user_name": "ada",
              "directory_id": "d-1", "compute_type": "STANDARD", "described": {},
              "connection": "CONNECTED", "checked_at": now, "last_connected_at": now}
    return WorkspaceState(**(values | more))
