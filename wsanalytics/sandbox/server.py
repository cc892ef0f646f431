"""The sandbox itself: an HTTP server on this machine, its clock, its faults and its truth."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import pandas as pd
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from wsanalytics.errors import InputError
from wsanalytics.sandbox.clock import Clock
from wsanalytics.sandbox.control import Control
from wsanalytics.sandbox.faults import THROTTLE, Faults, Gate
from wsanalytics.sandbox.fleet import Fleet
from wsanalytics.sandbox.interventions import Interventions
from wsanalytics.sandbox.keys import SECRET, Keys
from wsanalytics.sandbox.services.endpoint import Endpoint
from wsanalytics.sandbox.truth import Truth
from wsanalytics.sandbox.world import World
from wsanalytics.timeline import Window

LOCAL = "127.0.0.1"
MOST_WORKSPACES = 100_000
_QUEUE = 128


class _Handler(WSGIRequestHandler):
    """Keeps connections alive, writes no log, and lets the server know of each connection."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        _connections(self.server).add(self.connection)

    def finish(self) -> None:
        super().finish()
        _connections(self.server).discard(self.connection)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status alone: the application says what server it is, and its date."""
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ANN401  # as werkzeug's
        """Write nothing."""


def _connections(server: Any) -> set[socket.socket]:  # noqa: ANN401  # werkzeug's, with our own part
    open_ones: set[socket.socket] = server.sandbox_connections
    return open_ones


class Sandbox:
    """A local AWS endpoint with a living fleet, for use with ``with``.

    The real boto3 talks to it at ``url``. *workspaces* of invented people live on a clock that
    starts at *start* (default: now, UTC) and runs *speed* times as fast as the wall clock, with
    *history_days* of history behind it; *seed* makes another fleet. They are spread over
    *accounts* and *regions*. *throttle* is calls a second and burst, True for AWS's own 2 and 5;
    *faults* what goes wrong, *interventions* who else than their users switches WorkSpaces on and
    off. *port* 0 lets the system choose. Raises :class:`InputError` for what
    cannot be, such as a port that is taken.
    """

    def __init__(
        self, *, workspaces: int = 40, seed: int = 1, speed: float = 1.0,
        start: datetime | None = None, history_days: int = 63,
        regions: Sequence[str] = ("us-east-1",), accounts: Sequence[str] = ("111122223333",),
        throttle: tuple[float, float] | bool | None = None, faults: Faults | None = None,
        interventions: Interventions | None = None, port: int = 0, host: str = LOCAL,
    ) -> None:
        start = _start(start)
        _check(workspaces, history_days, regions, accounts)
        history = Window(start - timedelta(days=history_days), start)
        faults = faults if faults is not None else Faults()
        if throttle:
            faults.throttle = throttle if isinstance(throttle, tuple) else THROTTLE
        self.world = World(
            fleet=Fleet(workspaces, seed=seed, history=history, regions=tuple(regions),
                        accounts=tuple(accounts), interventions=interventions),
            clock=Clock(start, speed), gate=Gate(faults), keys=Keys(tuple(accounts)),
        )
        self.clock = self.world.clock
        self._truth = Truth(self.world)
        self._host, self._port = host, port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address on which it listens, such as ``http://127.0.0.1:40123``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def faults(self) -> Faults:
        """The injected failures; they may be changed, or set anew, at any time."""
        return self.world.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.world.gate.faults = faults

    @property
    def history_start(self) -> datetime:
        """The beginning of the history behind the clock."""
        return self.world.fleet.history.start

    @property
    def calls(self) -> Counter[tuple[str, str]]:
        """The number of answers to each action, by service and action."""
        return self.world.calls

    @property
    def throttled(self) -> int:
        """The number of calls that were throttled."""
        return self.world.gate.throttled

    def environment(self, account: str | None = None) -> dict[str, str]:
        """The environment in which AWS's own tools talk to the sandbox, as *account* (a first)."""
        keys = self.world.keys
        return describe_environment(
            self.url, keys.of(account or keys.accounts[0]), self.world.fleet.regions[0]
        )

    def workspaces(self) -> pd.DataFrame:
        """Return the fleet as it really is now.

        A ``workspaces`` table, terminated ones included.
        """
        return self._truth.workspaces()

    def sessions(self) -> pd.DataFrame:
        """Return the true sessions: a ``sessions`` table, cut at now."""
        return self._truth.sessions()

    def settings(self) -> pd.DataFrame:
        """Return the settings through time: ``workspace_id``, ``setting``, ``since`` (UTC)."""
        return self._truth.settings()

    def orders(self) -> pd.DataFrame:
        """Return the commands to WorkSpaces: ``workspace_id``, ``at``, ``order``."""
        return self._truth.orders()

    def bill(self, hour_rule: str = "clock_hour") -> pd.DataFrame:
        """Return the meter's readings, by WorkSpace and month: hours, cold starts, USD."""
        return self._truth.bill(hour_rule)

    def listen(self) -> None:
        """Begin to listen, so that ``url`` is known; :meth:`serve` answers."""
        with _listen(self._host, self._port) as listener:
            self._port = listener.getsockname()[1]
            app = Endpoint(self.world, Control(self.world))
            self._server = make_server(
                self._host, self._port, app, threaded=True, request_handler=_Handler,
                fd=listener.fileno(),
            )
        self._server.sandbox_connections = set()  # type: ignore[attr-defined]  # our own part

    def serve(self) -> None:
        """Answer until :meth:`stop` is called from another thread."""
        assert self._server is not None
        try:
            self._server.serve_forever(poll_interval=0.02)
        finally:
            self._server.server_close()
            for connection in list(_connections(self._server)):
                _shut(connection)

    def stop(self) -> None:
        """Stop answering; connections that are open are closed."""
        if self._server is not None:
            self._server.shutdown()

    def start(self) -> Self:
        """Begin without ``with``, as in a notebook; :meth:`stop` ends it."""
        return self.__enter__()

    def __enter__(self) -> Self:
        self.listen()
        self._thread = threading.Thread(target=self.serve, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def __repr__(self) -> str:
        fleet = self.world.fleet
        return f"<Sandbox {self.url}, {fleet.size:,} WorkSpaces, seed {fleet.seed}>"


def describe_environment(url: str, key: str, region: str) -> dict[str, str]:
    """The variables that send AWS's own tools to *url*, past any proxy and any credentials."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "NO_PROXY": f"{LOCAL},localhost",
        "no_proxy": f"{LOCAL},localhost",
    }


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_QUEUE)
    except (OSError, OverflowError) as error:
        listener.close()
        raise InputError(
            f"cannot listen on {host}, port {port}: {error.__class__.__name__}: {error}",
            where="the sandbox",
            rule="the address is this machine's and the port is free",
            fix="leave --port out, and the system chooses a free one",
        ) from None
    return listener


def _start(start: datetime | None) -> datetime:
    if start is None:
        return datetime.now(UTC).replace(microsecond=0)
    if start.tzinfo is None:
        raise _refusal(f"start {start.isoformat()} has no time zone", "instants are UTC-aware",
                       "give it tzinfo=UTC")
    return start.astimezone(UTC)


def _check(
    workspaces: int, history_days: int, regions: Sequence[str], accounts: Sequence[str]
) -> None:
    if not 0 <= workspaces <= MOST_WORKSPACES:
        raise _refusal(f"{workspaces:,} WorkSpaces", f"there are 0 to {MOST_WORKSPACES:,}",
                       "use for example 40")
    if not 1 <= history_days <= 730:
        raise _refusal(f"{history_days} days of history", "there are 1 to 730", "use 63")
    if not regions or isinstance(regions, str):
        raise _refusal("no list of regions", "there is one region at least", "use us-east-1")
    if isinstance(accounts, str) or not accounts or any(
        not (account.isdigit() and len(account) == 12) for account in accounts
    ):
        raise _refusal(f"accounts {accounts!r}", "an account is twelve digits",
                       "use for example 111122223333")


def _refusal(what: str, rule: str, fix: str) -> InputError:
    return InputError(what, where="the sandbox", rule=rule, fix=fix)
