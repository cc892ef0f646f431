"""The control path, outside of what AWS has: the clock, the faults, and the truth.

``GET /sandbox/clock`` returns the sandbox's now and speed; ``POST`` with ``step_seconds`` and
``speed`` moves it. ``POST /sandbox/faults`` sets faults by name. ``GET /sandbox/workspaces``,
``sessions``, ``settings``, ``orders`` and ``bill?hour_rule=…`` tell the truth as JSON records.
"""

from __future__ import annotations

import json
import socket
from dataclasses import fields
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from wsanalytics.errors import InputError
from wsanalytics.sandbox.truth import Truth, as_text
from wsanalytics.sandbox.world import World

WORDS = (
    "This is the sandbox of wsanalytics: it answers as AWS would, about an invented fleet. "
    "Nothing in it exists or costs anything.\n"
)


class Control:
    """Answers whatever is no signed request to AWS."""

    def __init__(self, world: World) -> None:
        self.world, self.truth = world, Truth(world)

    def answer(self, request: Request, body: bytes) -> Response:
        """Answer one request of the control path."""
        _, _, name = request.path.partition("/sandbox/")
        if not is_from_here(request.headers.get("Host", ""), request.headers.get("Origin")):
            return _json({"error": "the control path answers this machine's own programs, and no "
                                   "web page"}, status=403)
        try:
            if request.method == "POST":
                return self._change(name, json.loads(body or b"{}"))
            return self._tell(name, request)
        except (InputError, ValueError, TypeError, AttributeError, OverflowError,
                RecursionError) as error:
            return _json({"error": str(error)}, status=400)

    def _tell(self, name: str, request: Request) -> Response:
        match name:
            case "":
                return Response(WORDS, content_type="text/plain")
            case "clock":
                return self._clock()
            case "faults":
                return self._faults()
            case "bill":
                frame = self.truth.bill(request.args.get("hour_rule", "clock_hour"))
            case "workspaces" | "sessions" | "settings" | "orders":
                frame = getattr(self.truth, name)()
            case _:
                return _json({"error": f"there is no {request.path}"}, status=404)
        return Response(as_text(frame), content_type="application/json")

    def _change(self, name: str, wanted: dict[str, Any]) -> Response:
        match name:
            case "clock":
                if "speed" in wanted:
                    self.world.clock.speed = float(wanted["speed"])
                self.world.clock.step(timedelta(seconds=float(wanted.get("step_seconds", 0))))
                return self._clock()
            case "faults":
                self.world.faults.change(wanted)
                return self._faults()
        return _json({"error": f"/sandbox/{name} cannot be changed"}, status=404)

    def _clock(self) -> Response:
        clock = self.world.clock
        return _json({"now": clock.now().isoformat(), "speed": clock.speed})

    def _faults(self) -> Response:
        faults = self.world.faults
        names = [field.name for field in fields(faults) if not field.name.startswith("_")]
        return _json({name: getattr(faults, name) for name in names})


def is_from_here(host: str, origin: str | None) -> bool:
    """Whether a request was sent to an address, and not to a name of some web page's choice.

    A page in a browser may ask this machine under a name of its own; and says in Origin who it is.

    >>> is_from_here("127.0.0.1:8080", None), is_from_here("rebound.example:8080", None)
    (True, False)
    >>> is_from_here("localhost:8080", "https://evil.example")
    False
    """
    name = urlsplit(f"//{host}").hostname or ""
    try:
        is_address = bool(ip_address(name))
    except ValueError:
        is_address = name in {"localhost", socket.gethostname().lower()}
    return is_address and (origin is None or origin.lower() == f"http://{host.lower()}")


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")
