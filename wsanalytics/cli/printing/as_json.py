"""``--json``: the result of a command as one JSON document on standard output."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pandas as pd

from wsanalytics.recommendations import Analysis
from wsanalytics.tables import Table
from wsanalytics.views import headline

VERSION = 1
"""The version of all documents; a change that a reader would notice makes the next one."""


def print_json(kind: str, **parts: Any) -> None:  # noqa: ANN401  # whatever a command has found
    """Print one document: its ``schema``, its ``version``, and the *parts* of a result."""
    document = {"schema": f"wsanalytics.{kind}", "version": VERSION,
                **{name: as_json(part) for name, part in parts.items()}}
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def headline_json(analysis: Analysis) -> dict[str, Any]:
    """Return the figures of the headline, and whose WorkSpaces nobody used."""
    figures = headline(analysis)
    return {**asdict(figures), "saving_share": figures.saving_share, "headline": str(figures),
            "unused_workspaces": list(analysis.plan.unused),
            "window": {"start": analysis.window.start, "end": analysis.window.end}}


def records(frame: pd.DataFrame, table: Table | None = None) -> list[dict[str, Any]]:
    """Return a frame as a list of objects; with a *table*, the columns of its contract alone."""
    columns = list(frame.columns) if table is None else [
        name for name in table.names if name in frame]
    return [{str(name): as_json(value) for name, value in row.items()}
            for row in frame[columns].to_dict("records")]


def as_json(value: Any) -> Any:  # noqa: ANN401, PLR0911  # one line for each kind of value
    """Return what JSON has for a value: instants as ISO 8601 in UTC, nothing as null."""
    if isinstance(value, pd.DataFrame):
        return records(value)
    if isinstance(value, pd.Series):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, Mapping):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(part) for part in value]
    if hasattr(value, "item") and not isinstance(value, pd.Timestamp):  # of numpy
        value = value.item()
    if value is None or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | Path):
        return str(value)
    return value if isinstance(value, bool | int | float | str) else str(value)
