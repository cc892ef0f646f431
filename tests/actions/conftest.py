"""Fixtures of the tests of actions."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "plan.journal.jsonl"
