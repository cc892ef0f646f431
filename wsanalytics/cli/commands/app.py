"""The command ``app``: the review of a plan as a page, served by Voilà on this machine."""

from __future__ import annotations

import json
import os
import secrets
import socket
from argparse import Namespace
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wsanalytics.calendars import Zones
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.errors import InputError
from wsanalytics.history import Store
from wsanalytics.recommendations import read_plan
from wsanalytics.widgets import ENVIRONMENT, refuse_without_fleet

HERE, LAST_PORT = "127.0.0.1", 65535


def app(args: Namespace) -> None:
    """Serve the page until Ctrl-C or SIGTERM; its address is the first line that is printed."""
    if find_spec("voila") is None:
        raise InputError("Voilà is not installed", where="the page",
                         rule="the page is a notebook, served by Voilà",
                         mend="pip install 'wsanalytics[notebooks]'")
    if args.allow_apply:
        refuse_without_fleet(args.plan or args.store)
    if args.plan is not None:
        read_plan(args.plan)  # what is wrong is told here, not in the browser
    if args.store is not None:
        Store(args.store)
    if args.time_zone:
        Zones.of(args.time_zone, args.time_zone_by_directory)
    if args.port is not None and args.port > LAST_PORT:
        raise InputError(f"there is no port {args.port}", where="--port",
                         rule=f"ports go from 1 to {LAST_PORT}", mend="name a free one, or none")
    page, port = _page(), _free_port(args.port or 0)
    token = secrets.token_urlsafe(24)
    os.environ[ENVIRONMENT] = json.dumps(_asked(args))
    print(f"http://{HERE}:{port}/?token={token}", flush=True)  # noqa: T201  # this command's result
    terminal.tell(("changes can be made from this page" if args.allow_apply else
                   "read only; --allow-apply lets it change WorkSpaces")
                  + "; keep its address to yourself: whoever has it sees the fleet")
    _serve(page, port, token)


def _asked(args: Namespace) -> dict[str, object]:
    paths = {name: str(path.resolve()) for name in ("plan", "store", "journal")
             if (path := getattr(args, name)) is not None}
    return paths | {
        "folder": str(Path.cwd()), "limit": args.limit, "allow_apply": args.allow_apply,
        "time_zone": args.time_zone, "time_zone_by_directory": args.time_zone_by_directory,
        "profile": args.profile, "role_arn": args.role_arn}


def _page() -> Path:
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "_app", package.parent / "notebooks"):
        if (page := folder / "app.ipynb").is_file():
            return page
    raise InputError("the page is not installed", where=str(package),
                     mend="install wsanalytics from its wheel or a clone")


def _free_port(wanted: int) -> int:
    """The port *wanted*, or any (0), if nobody else has it."""
    with socket.socket() as one:
        try:
            one.bind((HERE, wanted))
        except OSError as error:
            raise InputError(f"port {wanted} is taken", where="--port",
                             rule="the page needs a port of its own",
                             mend="name another one, or none") from error
        return int(one.getsockname()[1])


def is_from_here(headers: Mapping[str, str], port: int) -> bool:
    """Whether a request was meant for this page, and comes from it or from no page at all.

    A page of another host in somebody's browser may send requests here, also under a name of its
    own that leads to this machine; its Host or its Origin gives it away.

    >>> is_from_here({"Host": "127.0.0.1:8866"}, 8866)
    True
    >>> is_from_here({"Host": "rebound.example:8866"}, 8866)
    False
    >>> is_from_here({"Host": "localhost:8866", "Origin": "https://evil.example"}, 8866)
    False
    """
    hosts = {f"{name}:{port}" for name in (HERE, "localhost")}
    origin = headers.get("Origin")
    return headers.get("Host", "").lower() in hosts and (
        origin is None or origin.lower() in {f"http://{host}" for host in hosts})


def _serve(page: Path, port: int, token: str) -> None:
    from tornado.web import ErrorHandler  # noqa: PLC0415  # comes with Voilà
    from traitlets.config import Config  # noqa: PLC0415  # comes with Voilà, which is optional
    from voila.app import Voila  # noqa: PLC0415  # likewise

    class Guarded(Voila):  # type: ignore[misc]  # Voilà ships no types
        """Voilà that answers nobody but its own page, by HTTP and by websocket."""

        def listen(self) -> None:
            """Ask each request where it is from before anything else looks at it."""
            app, find_handler = self.app, self.app.find_handler

            def find(request: Any, **more: Any) -> Any:  # noqa: ANN401  # tornado's
                if is_from_here(request.headers, port):
                    return find_handler(request, **more)
                return app.get_handler_delegate(request, ErrorHandler, {"status_code": 403})

            app.find_handler = find
            super().listen()

    Guarded.launch_instance(
        argv=[str(page), "--no-browser", f"--port={port}", f"--Voila.ip={HERE}",
              "--strip_sources=True", "--Voila.log_level=WARN",
              "--Voila.port_retries=0"],  # never another port than the one that was printed
        config=Config({"Voila": {"token": token}}))
