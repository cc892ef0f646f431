"""Replay sessions under other settings and policies."""

from __future__ import annotations

from wsanalytics.simulation.arrays import (
    START,
    STOP,
    Codes,
    Commands,
    Runs,
    replay_constant,
    replay_with_commands,
)
from wsanalytics.simulation.fleet import Replay, cut_sessions, replay
from wsanalytics.simulation.workspace import Event, EventKind, Machine, live

__all__ = [
    "START",
    "STOP",
    "Codes",
    "Commands",
    "Event",
    "EventKind",
    "Machine",
    "Replay",
    "Runs",
    "cut_sessions",
    "live",
    "replay",
    "replay_constant",
    "replay_with_commands",
]
