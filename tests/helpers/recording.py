"""A proxy between a client and a sandbox that writes down every call that passes."""

from __future__ import annotations

import json
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

WRITES = {"ModifyWorkspaceProperties", "StartWorkspaces", "StopWorkspaces", "CreateWorkspaces"}
READS = {"DescribeWorkspaces", "DescribeWorkspacesConnectionStatus", "GetResources",
         "DescribeWorkspaceDirectories", "DescribeWorkspaceBundles", "GetCallerIdentity"}


class Proxy:
    """Passes requests on to *url* and keeps (action, parameters) of each, for use with ``with``."""

    def __init__(self, url: str) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        target, seen = urlsplit(url).netloc, self.seen

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
                if action:
                    seen.append((action, json.loads(body)))
                elif b"GetCallerIdentity" in body:
                    seen.append(("GetCallerIdentity", {}))
                there = HTTPConnection(target)
                there.request("POST", self.path, body, dict(self.headers))
                answer = there.getresponse()
                content = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"connection", "transfer-encoding"}:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                there.close()

            def log_message(self, *_: Any) -> None:
                """Write nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True,
                                        kwargs={"poll_interval": 0.05})

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Every call that changes something: its action, and its parameters as sorted JSON."""
        return [(action, json.dumps(params, sort_keys=True)) for action, params in self.seen
                if action not in READS]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def written(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The calls that a journal tells of, as :attr:`Proxy.writes` has them."""
    return [(entry["action"].partition(":")[2], json.dumps(entry["request"], sort_keys=True))
            for entry in entries if entry["event"] == "call"]
