"""The command line. A command is one file in ``commands``, with its options and its function."""

from wsanalytics.cli.main import main

__all__ = ["main"]
