"""The web application: finds out what is asked, lets it pass or fail, and answers as AWS does."""

from __future__ import annotations

import logging
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, timedelta
from email.utils import format_datetime
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from wsanalytics.sandbox.control import Control
from wsanalytics.sandbox.services.cloudtrail import HANDLERS as TRAIL
from wsanalytics.sandbox.services.cloudwatch import HANDLERS as METRICS
from wsanalytics.sandbox.services.pricing import HANDLERS as PRODUCTS
from wsanalytics.sandbox.services.protocol import (
    Answer,
    ApiError,
    Call,
    Shape,
    error_json,
    error_xml,
    read_form,
    read_json,
    to_json,
    to_xml,
)
from wsanalytics.sandbox.services.sts import HANDLERS as IDENTITY
from wsanalytics.sandbox.services.tagging import HANDLERS as TAGGING
from wsanalytics.sandbox.services.workspaces_read import HANDLERS as DESCRIBING
from wsanalytics.sandbox.services.workspaces_write import HANDLERS as CHANGING
from wsanalytics.sandbox.world import Handlers, World

log = logging.getLogger(__name__)

SERVED = {"workspaces": "workspaces", "monitoring": "cloudwatch", "pricing": "pricing",
          "tagging": "resourcegroupstaggingapi", "sts": "sts", "cloudtrail": "cloudtrail"}
"""The services answered for, by the name that requests are signed with."""
HANDLERS: Handlers = {
    **DESCRIBING, **CHANGING, **METRICS, **PRODUCTS, **IDENTITY, **TAGGING, **TRAIL,
}
"""Every action that the sandbox answers."""
MARK = {"x-wsanalytics-sandbox": "true"}
"""The header that marks every answer as not being AWS's."""
MOST_BYTES = 4 << 20
"""The largest request; the largest that AWS takes here is under a megabyte."""
OWN_CLOCK = "x-wsanalytics-sandbox-clock"
"""The header that marks the time of a sandbox as not being the wall clock's."""
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_HTML = b"<html><body><h1>It works!</h1><p>But this is not AWS.</p></body></html>"
_Environ = dict[str, Any]
_Start = Callable[..., Any]


class Models:
    """AWS's service models, as botocore ships them; each is read once."""

    def __init__(self) -> None:
        self._loader = Loader()
        self._services: dict[str, Any] = {}
        self._lock = threading.Lock()

    def operation(self, service: str, action: str) -> Any:  # noqa: ANN401  # botocore's own
        """Return the model of one action."""
        with self._lock:  # botocore's loader is not made for threads
            if service not in self._services:
                raw = self._loader.load_service_model(service, "service-2")
                self._services[service] = ServiceModel(raw, service)
            return self._services[service].operation_model(action)


class Endpoint:
    """The sandbox as a WSGI application."""

    def __init__(self, world: World, control: Control) -> None:
        self.world, self.control = world, control
        self._models = Models()

    def __call__(self, environ: _Environ, start_response: _Start) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        request.max_content_length = MOST_BYTES
        try:
            body = request.get_data()
        except RequestEntityTooLarge:
            refused = Response(f"A request is {MOST_BYTES:,} bytes at most.\n", 413,
                               {"Connection": "close"} | MARK)
            return refused(environ, start_response)
        scope = _SCOPE.search(request.headers.get("Authorization", ""))
        if scope is None:
            response = self.control.answer(request, body)
        else:
            try:
                response = self._answer(request, body, scope)
            except ConnectionError:
                _hang_up(environ)
                raise
        response.headers.update(MARK)
        skew = timedelta(seconds=self.world.faults.clock_skew_seconds)
        shown = (self.world.clock.now() + skew).astimezone(UTC)
        response.headers["Date"] = format_datetime(shown, usegmt=True)
        if self.world.clock.is_simulated:
            response.headers[OWN_CLOCK] = "true"
        return response(environ, start_response)

    def _answer(self, request: Request, body: bytes, scope: re.Match[str]) -> Response:
        key, region, signing_name = scope.groups()
        service = SERVED.get(signing_name, signing_name)
        form = request.form if service == "sts" else {}
        action = form.get("Action") or request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        call = Call(service=service, action=action, region=region, key=key,
                    account=self.world.keys.account(key))
        request_id = str(uuid.uuid4())
        try:
            content = self._perform(call, body, dict(form), request_id)
            response = Response(content, 200, content_type=_content_type(service))
        except ApiError as error:
            response = _error_response(service, error, request_id)
        except ConnectionError:
            raise
        except Exception as error:
            log.exception("the sandbox failed to answer %s %s", service, action)
            failure = ApiError("InternalFailure", repr(error), status=500)
            response = _error_response(service, failure, request_id)
        response.headers["x-amzn-RequestId"] = request_id
        return self._spoil(response)

    def _perform(self, call: Call, body: bytes, form: dict[str, str], request_id: str) -> bytes:
        world = self.world
        world.keys.check(call.key, call.service)
        world.gate.pass_on(call)
        handler = HANDLERS.get((call.service, call.action))
        if handler is None:
            raise ApiError("UnknownOperationException",
                           f"The sandbox does not serve {call.permission}.")
        operation = self._models.operation(call.service, call.action)
        shape: Shape | None = operation.input_shape
        if call.service == "sts":
            params = read_form(call.service, shape, form)
        else:
            params = read_json(call.service, shape, body)
        with world.lock:
            world.calls[call.service, call.action] += 1
            call = replace(call, now=world.clock.now(), params=params)
            try:
                answer: Answer = handler(world, call)
            except ApiError as error:
                world.record.note(call, None, error)
                raise
            world.record.note(call, answer if isinstance(answer, dict) else None)
        if call.service == "sts":
            assert isinstance(answer, dict)
            return to_xml(call.action, answer, request_id)
        return to_json(operation.output_shape, answer)

    def _spoil(self, response: Response) -> Response:
        """Answer with half a body or with HTML, where the faults say so."""
        faults = self.world.faults
        if response.status_code == 200 and faults.happens(faults.cut_share):
            whole = response.get_data()
            response.set_data(whole[: len(whole) // 2])
        elif response.status_code == 200 and faults.happens(faults.html_share):
            response = Response(_HTML, 200, content_type="text/html")
        return response


def _hang_up(environ: _Environ) -> None:
    """Close the connection without an answer."""
    connection = environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)


def _content_type(service: str) -> str:
    if service == "sts":
        return "text/xml"
    return f"application/x-amz-json-{'1.0' if service == 'cloudwatch' else '1.1'}"


def _error_response(service: str, error: ApiError, request_id: str) -> Response:
    head = {}
    if service == "sts":
        content = error_xml(error.code, str(error), request_id)
    else:
        content = error_json(error.code, str(error))
    if service == "cloudwatch":
        blame = "Receiver" if error.status >= 500 else "Sender"
        head["x-amzn-query-error"] = f"{error.code};{blame}"
    return Response(content, error.status, head, content_type=_content_type(service))

