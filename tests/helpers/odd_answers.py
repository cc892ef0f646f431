"""An endpoint between the product and the simulated account, which alters what passes through."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.helpers.endpoints import answering
from tests.helpers.sandboxes import FAST
from wsanalytics.aws.connect import connect
from wsanalytics.aws.connection import Connection
from wsanalytics.aws.errors import Refusal

Alter = Callable[[str, dict[str, Any]], Any]
"""Takes the operation's name and the body of its answer; gives the body that is sent on."""

ODD_VALUES: tuple[Any, ...] = (
    None, "", "BRAND_NEW", "x" * 5000, "\x1b]0;title\x07", 0, -1, 30, 90, 4320, 1e18, -1e18,
    1790000000000, True, [], ["AUTO_STOP"], {}, {"Name": []}, [[[]]], "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z", "soon", 2**63)
"""What stands where AWS's service model has something else; None removes the member."""


@contextmanager
def altered(url: str, alter: Alter) -> Iterator[str]:
    """The address of an endpoint that answers as the one at *url*, but for what *alter* changes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            request = urllib.request.Request(url, body, headers)  # noqa: S310  # on this machine
            try:
                with urllib.request.urlopen(request) as answer:  # noqa: S310  # likewise
                    status, given, kind = 200, answer.read(), answer.headers["Content-Type"]
            except urllib.error.HTTPError as error:
                status, given, kind = error.code, error.read(), error.headers["Content-Type"]
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            if status == 200 and operation:
                given = json.dumps(alter(operation, json.loads(given))).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind or "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(given)))
            self.end_headers()
            self.wfile.write(given)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with answering(Handler) as address:
        yield address


@contextmanager
def connections_to(url: str) -> Iterator[tuple[list[Connection], list[Refusal]]]:
    """Connections to the endpoint at *url*, closed at the end."""
    opened, refused = connect(regions=("us-east-1",), endpoint_url=url, credentials=("a", "b"),
                              pace=FAST)
    yield opened, refused
    for connection in opened:
        connection.close()


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body, from the outermost in."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for name, member in inner:
        yield from paths_of(member, (*path, name))


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """*value* with *new* at *path*; None takes a member away."""
    copy = json.loads(json.dumps(value))
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    if new is None and isinstance(holder, dict):
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return copy
