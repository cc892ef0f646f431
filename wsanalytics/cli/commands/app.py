"""The command ``app``: the review of a plan as a page, served by Voilà on this machine."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from wsanalytics.cli.options import (
    CALLER,
    INPUT,
    LIMITS,
    SAFETY,
    ZONES,
    CallerOptions,
    ZoneOptions,
    command,
    flag,
    journal_option,
    option,
)
from wsanalytics.cli.value_kinds import COUNT, PATH
from wsanalytics.defaults import RUN_LIMIT
from wsanalytics.errors import InputError

HERE, LAST_PORT = "127.0.0.1", 65535


@command("Serve the plan, the fleet and what-if as a page for people without a notebook (needs the "
         "extra 'notebooks'). It only reads, unless it is started with --allow-apply; then changes "
         "are made after a typed confirmation, journalled, and can be taken back. Without --store "
         "and --plan it shows the sample fleet. The address is the first line printed.",
         "wsanalytics app",
         "wsanalytics app --plan plan.json --store fleet --allow-apply", has_json=False)
def app(
    *,
    plan: Annotated[Path | None, option(
        "the plan to review (default: one made from the store)", PATH, metavar="plan.json",
        group=INPUT)] = None,
    store: Annotated[Path | None, option("the store of a collector, which shows why", PATH,
                                         metavar="DIR", group=INPUT)] = None,
    allow_apply: Annotated[bool, flag(
        "let the page make changes; its address then holds a secret", group=SAFETY)] = False,
    limit: Annotated[int, option("the most changes in one run (default: 25)", COUNT, metavar="N",
                                 group=LIMITS)] = RUN_LIMIT,
    port: Annotated[int | None, option("the port (default: a free one)", COUNT,
                                       metavar="P")] = None,
    journal: Annotated[Path | None, journal_option(
        "PLAN.journal.jsonl beside the plan, or a file named after it here")] = None,
    zones: ZoneOptions = ZONES,
    caller: CallerOptions = CALLER,
) -> None:
    """Serve the page until Ctrl-C or SIGTERM; its address is the first line that is printed."""
    from wsanalytics.calendars import Zones
    from wsanalytics.cli.config import find_config
    from wsanalytics.cli.house_rules import house_rules
    from wsanalytics.cli.printing.console import note
    from wsanalytics.history import Store
    from wsanalytics.recommendations import read_plan
    from wsanalytics.widgets import ENVIRONMENT, refuse_without_fleet

    if find_spec("voila") is None:
        raise InputError("Voilà is not installed", where="the page",
                         rule="the page is a notebook, served by Voilà",
                         fix="pip install 'wsanalytics[notebooks]'")
    if allow_apply:
        refuse_without_fleet(plan or store)
    if plan is not None:
        read_plan(plan)  # what is wrong is said here, not in the browser
    if store is not None:
        Store(store)
    if zones.time_zone:
        Zones.of(zones.time_zone, zones.time_zone_by_directory)
    if port is not None and port > LAST_PORT:
        raise InputError(f"there is no port {port}", where="--port",
                         rule=f"ports go from 1 to {LAST_PORT}", fix="name a free one, or none")
    page, free_port = _page(), _free_port(port or 0)
    token = secrets.token_urlsafe(24)
    rules = find_config()[0] if house_rules() else None
    named = _absolute(plan=plan, store=store, journal=journal, rules=rules)
    os.environ[ENVIRONMENT] = json.dumps(named | {
        "folder": str(Path.cwd()), "limit": limit, "allow_apply": allow_apply,
        "time_zone": zones.time_zone, "time_zone_by_directory": zones.time_zone_by_directory,
        "profile": caller.profile, "role_arn": caller.role_arn})
    sys.stdout.write(f"http://{HERE}:{free_port}/?token={token}\n")
    sys.stdout.flush()
    note(("changes can be made from this page" if allow_apply else
          "read only; --allow-apply lets it change WorkSpaces")
         + "; keep its address to yourself: whoever has it sees the fleet")
    _serve(page, free_port, token)


def _absolute(**paths: Path | None) -> dict[str, object]:
    """Return the *paths* that are given, as the page finds them from another folder."""
    return {name: str(path.resolve()) for name, path in paths.items() if path is not None}


def _page() -> Path:
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "_app", package.parent / "notebooks"):
        if (page := folder / "app.ipynb").is_file():
            return page
    raise InputError("the page is not installed", where=str(package),
                     fix="install wsanalytics from its wheel or a clone")


def _free_port(wanted: int) -> int:
    """Return the port *wanted*, or any (0), if nobody else has it."""
    with socket.socket() as listener:
        try:
            listener.bind((HERE, wanted))
        except OSError as error:
            raise InputError(f"port {wanted} is taken", where="--port",
                             rule="the page needs a port of its own",
                             fix="name another one, or none") from error
        return int(listener.getsockname()[1])


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
    from tornado.web import ErrorHandler
    from traitlets.config import Config
    from voila.app import Voila

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
