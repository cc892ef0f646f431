"""The command ``app``: the review of a plan as a page, served by Voilà on this machine."""

from __future__ import annotations

import json
import os
import secrets
import socket
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from wsanalytics.errors import InputError
from wsanalytics.planfile import read_plan
from wsanalytics.report import terminal
from wsanalytics.store import Store
from wsanalytics.widgets.app import ENVIRONMENT, refuse_without_fleet
from wsanalytics.workdays import Zones

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
    token = secrets.token_urlsafe(24) if args.allow_apply else ""
    os.environ[ENVIRONMENT] = json.dumps(_asked(args))
    address = f"http://{HERE}:{port}/" + (f"?token={token}" if token else "")
    print(address, flush=True)  # noqa: T201  # the result of this command
    terminal.tell("changes can be made from this page: keep its address to yourself"
                  if args.allow_apply else "read only; --allow-apply lets it change WorkSpaces")
    _serve(page, port, token)


def _asked(args: Namespace) -> dict[str, object]:
    paths = {name: str(path.resolve()) for name in ("plan", "store", "journal")
             if (path := getattr(args, name)) is not None}
    return paths | {
        "folder": str(Path.cwd()), "limit": args.limit, "allow_apply": args.allow_apply,
        "time_zone": args.time_zone, "time_zone_by_directory": args.time_zone_by_directory,
        "profile": args.profile, "role_arn": args.role_arn}


def _page() -> Path:
    package = Path(__file__).resolve().parent
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


def _serve(page: Path, port: int, token: str) -> None:
    from traitlets.config import Config  # noqa: PLC0415  # comes with Voilà, which is optional
    from voila.app import Voila  # noqa: PLC0415  # likewise

    Voila.launch_instance(
        argv=[str(page), "--no-browser", f"--port={port}", f"--Voila.ip={HERE}",
              "--strip_sources=True", "--Voila.log_level=WARN",
              "--Voila.port_retries=0"],  # never another port than the one that was printed
        config=Config({"Voila": {"token": token}} if token else {}))
