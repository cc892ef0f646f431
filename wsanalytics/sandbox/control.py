"""The control path, outside of what AWS has: the clock, the faults, and the truth.

``GET /sandbox/clock`` tells the sandbox's now and speed; ``POST`` with ``step_seconds`` and
``speed`` moves it. ``POST /sandbox/faults`` sets faults by name. ``GET /sandbox/workspaces``,
``sessions``, ``settings``, ``orders`` and ``bill?hour_rule=…`` tell the truth as JSON records.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from typing import Any

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
        try:
            if request.method == "POST":
                return self._change(name, json.loads(body or b"{}"))
            return self._tell(name, request)
        except (InputError, ValueError, TypeError) as error:
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
        names = [one.name for one in fields(faults) if not one.name.startswith("_")]
        return _json({name: getattr(faults, name) for name in names})


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")
