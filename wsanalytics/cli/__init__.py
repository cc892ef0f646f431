"""The command line. It is the only package whose imports may stand inside functions."""

from __future__ import annotations

from wsanalytics.cli.main import main

__all__ = [
    "main",
]
