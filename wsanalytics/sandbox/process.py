"""The sandbox as a process of its own, for load and for demonstrations."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from wsanalytics.errors import WsanalyticsError
from wsanalytics.sandbox.keys import Keys, account_ids
from wsanalytics.sandbox.server import LOCAL, describe_environment

_PATIENCE_SECONDS = 10.0


class SandboxProcess:
    """``wsanalytics sandbox`` as a child process, for use with ``with``.

    It takes what :class:`Sandbox` takes, as far as the command does; *fault* are texts such as
    ``cut_share=0.1``. The child ends with this process, whatever happens to it.
    """

    def __init__(
        self, *, workspaces: int = 40, seed: int = 1, speed: float = 1.0, history_days: int = 63,
        regions: Sequence[str] = ("us-east-1",), accounts: int = 1, throttle: bool = False,
        fault: Sequence[str] = (), port: int = 0, host: str = LOCAL,
    ) -> None:
        self.url = ""
        self._region = regions[0]
        self.accounts = account_ids(accounts)
        self._options = [
            f"--workspaces={workspaces}", f"--seed={seed}", f"--speed={speed}", f"--port={port}",
            f"--history-days={history_days}", f"--host={host}", f"--accounts={accounts}",
            "--with-parent",
            *(f"--region={region}" for region in regions), *(f"--fault={name}" for name in fault),
            *(["--throttle"] if throttle else []),
        ]
        self.process: subprocess.Popen[str] | None = None

    def environment(self) -> dict[str, str]:
        """Return the environment in which AWS's own tools talk to the sandbox."""
        keys = Keys(self.accounts)
        return describe_environment(self.url, keys.of(keys.accounts[0]), self._region)

    def start(self) -> Self:
        """Begin without ``with``, as in a notebook; :meth:`stop` ends it."""
        return self.__enter__()

    def stop(self) -> None:
        """End the child; nothing is left behind."""
        self._close()

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "wsanalytics", "sandbox", *self._options]
        self.process = subprocess.Popen(  # noqa: S603  # our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, bufsize=1,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            status = self.process.wait(_PATIENCE_SECONDS)
            self._close()
            raise WsanalyticsError(
                f"the sandbox did not start (exit {status}); run "
                f"'wsanalytics sandbox {' '.join(self._options[:-1])}' to see why"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process = None
