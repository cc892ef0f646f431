"""Terminals of any width: a real one for a process of its own, or a pretended one in this."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

import pytest

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def pretend_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Let results be laid out as on a terminal that is so wide, though they are captured."""
    monkeypatch.setattr("wsanalytics.cli.printing.console.WIDTH_OF_A_FILE", width)
    for module in ("console", "layout"):
        monkeypatch.setattr(f"wsanalytics.cli.printing.{module}.has_width", lambda _: True)


def on_terminal(words: Sequence[str], width: int, cwd: Path, **more: str) -> tuple[int, str]:
    """Run ``wsanalytics`` on a terminal that is so wide: its exit code, and what stood there.

    Of a line that was drawn over, as progress bars are, what stood there last is given.
    """
    terminal, far_end = pty.openpty()
    fcntl.ioctl(far_end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    surroundings = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(
        [sys.executable, "-m", "wsanalytics", *words], cwd=cwd, stdin=far_end, stdout=far_end,
        stderr=far_end, env=surroundings | {"TERM": "xterm"} | more, start_new_session=True,
    ) as process:
        os.close(far_end)
        shown = b""
        while True:
            try:
                part = os.read(terminal, 65_536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        os.close(terminal)
    text = _ESCAPES.sub("", shown.decode(errors="replace").replace("\r\n", "\n"))
    return process.returncode, "\n".join(
        line.rsplit("\r", 1)[-1] for line in text.split("\n"))
