"""Where calls to AWS go in a test: the environment of a sandbox, and small servers of HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Protocol

import pytest


class HasEnvironment(Protocol):
    """A sandbox of this process or of another one."""

    def environment(self) -> dict[str, str]:
        """The environment in which AWS's own tools talk to it."""


def forget_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take all of AWS's own variables out of the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def use_sandbox(monkeypatch: pytest.MonkeyPatch, box: HasEnvironment) -> None:
    """Let whatever reads the environment talk to *box*."""
    for name, value in box.environment().items():
        monkeypatch.setenv(name, value)


@contextmanager
def answering(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server of this computer whose requests *handler* answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
