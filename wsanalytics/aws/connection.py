"""One account in one region: botocore's clients, paced, retried, and never fooled by a cut answer.

Whatever botocore raises becomes an :class:`AwsError` that says what was asked of whom.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies

import botocore.session
from botocore import xform_name
from botocore.config import Config

from wsanalytics.aws.configuration import check_endpoint, load_credentials, settings_told
from wsanalytics.aws.errors import CLOSED, CUT, ODD, AwsError, Refusal, failures_told
from wsanalytics.aws.iam import action_of
from wsanalytics.aws.odd_answers import parse_part_by_part
from wsanalytics.aws.throttle import TRAIL_BURST, TRAIL_RATE_PER_SECOND, Bucket, bucket_for
from wsanalytics.version import __version__

_LOG = logging.getLogger(__name__)
CONNECT_SECONDS, READ_SECONDS = 8, 20
"""The time limits of a connection, and then of an answer, in each attempt."""
_READ_SECONDS = {"cloudwatch": 60, "cloudtrail": 60, "pricing": 60}
"""Services whose answers are long, and take longer."""
_TRIES = {"workspaces": 8, "cloudwatch": 10, "sts": 3}
"""Attempts in all, the first included, before a call is given up; 5 for the other services."""
_TRIES_OF_A_CUT_ANSWER = 4
_FAILED: Any = object()
"""Stands in place of an answer that did not come."""
_MAKING = threading.Lock()
"""botocore's session makes one client at a time."""


@dataclass(eq=False, kw_only=True)
class Connection:
    """One account in one region, as one caller reaches it.

    ``role_arn`` is the role that was assumed for it, ``endpoint_url`` an endpoint in place of
    AWS's own, ``pace`` the bucket that all WorkSpaces calls to this account and region share.
    Any number of threads may use it. ``close`` it, or use it in a ``with`` block.
    """

    session: botocore.session.Session = field(repr=False)
    account_id: str
    region: str
    pace: Bucket = field(repr=False)
    role_arn: str | None = None
    endpoint_url: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _members: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def client(self, service: str, *, once: bool = False) -> Any:  # noqa: ANN401  # botocore makes its classes at run time
        """Return the botocore client of *service*, made once; threads may share it.

        With *once* it is one that sends each request a single time.
        """
        name = f"{service} once" if once else service
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._made(service, tries=1 if once else None)
            return self._clients[name]

    def call(
        self, service: str, operation: str, *, member: str | None = None, **params: object
    ) -> dict[str, Any]:
        """Make one call, such as ``call("workspaces", "DescribeWorkspaces", WorkspaceIds=[…])``.

        An answer without *member*, if one is named, is taken for cut off and asked for again.
        Raises :class:`AwsError` where AWS refuses, cannot be reached, or never answers whole.
        """
        if member:
            self._members[operation] = member
        client = self.client(service)
        answer: dict[str, Any] = self._guarded(
            service, operation, lambda: getattr(client, xform_name(operation))(**params))
        return self._whole(answer, service, operation, member)

    def once(self, service: str, operation: str, **params: object) -> dict[str, Any]:
        """Make one call that is sent a single time: for what must not be done twice.

        Raises :class:`AwsError` as :meth:`call` does, also where no answer came: then nobody knows
        whether it was done.
        """
        client = self.client(service, once=True)
        answer: dict[str, Any] = self._guarded(
            service, operation, lambda: getattr(client, xform_name(operation))(**params))
        return answer

    def pages(
        self, service: str, operation: str, member: str, **params: object
    ) -> Iterator[list[Any]]:
        """Give the list called *member* of each page of the answer, empty pages included.

        Every page is followed to the last. Raises :class:`AwsError` as :meth:`call` does.
        """
        for page in self.answers(service, operation, member, **params):
            yield page[member]

    def answers(
        self, service: str, operation: str, member: str, **params: object
    ) -> Iterator[dict[str, Any]]:
        """Give each page of the answer as a whole; *member* must be in every one of them."""
        self._members[operation] = member
        client = self.client(service)
        method = xform_name(operation)
        if not client.can_paginate(method):
            yield self.call(service, operation, member=member, **params)
            return
        pages = iter(client.get_paginator(method).paginate(**params))
        while (page := self._guarded(service, operation, lambda: next(pages, None))) is not None:
            yield self._whole(page, service, operation, member)

    def refuse(self, service: str, operation: str, code: str, message: str) -> AwsError:
        """Build the error of an *operation* whose failure stands in an answer."""
        return AwsError(Refusal(
            action=action_of(service, operation), code=code, message=message,
            account_id=self.account_id, region=self.region, role_arn=self.role_arn))

    def close(self) -> None:
        """Close the connections to AWS; a later call opens new ones.

        A call that another thread is waiting for is not tried again: where the attempt under
        way fails, or its time is over, it raises :class:`AwsError`.
        """
        with self._lock:
            # Swapped under the lock: a thread that calls now opens new clients with a new event.
            clients, self._clients = self._clients, {}
            closed, self._closed = self._closed, threading.Event()
        closed.set()
        for client in clients.values():
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _made(self, service: str, tries: int | None) -> Any:  # noqa: ANN401  # botocore makes its classes at run time
        client = make_client(self.session, service, self.region, self.endpoint_url, tries=tries)
        name = client.meta.service_model.service_id.hyphenize()
        # First among the handlers, since botocore stops at the first one that asks for a retry.
        client.meta.events.register_first(f"needs-retry.{name}.*", self._wants_more)
        bucket = self._bucket(service)
        if bucket is not None:
            client.meta.events.register(f"before-send.{name}.*", paced_by(bucket))
        # Last, after the wait for the bucket: a connection closed during that wait sends nothing
        # more.
        client.meta.events.register_last(f"before-send.{name}.*", unless(self._closed))
        return client

    def _bucket(self, service: str) -> Bucket | None:
        if service == "cloudtrail":
            return bucket_for(self.endpoint_url or "", self.account_id, self.region, service,
                              rate=TRAIL_RATE_PER_SECOND, burst=TRAIL_BURST)
        return self.pace if service == "workspaces" else None

    def _wants_more(
        self, response: Any, operation: Any, attempts: int, **_: object,  # noqa: ANN401  # botocore's
    ) -> float | None:
        """Seconds to wait before asking again, for an answer with status 200 that is not whole.

        botocore parses half a body as an answer without members, and a fleet would end there.
        """
        member = self._members.get(operation.name)
        if member is None or response is None or attempts >= _TRIES_OF_A_CUT_ANSWER:
            return None
        http, parsed = response
        return 0.2 * attempts if http.status_code == 200 and member not in parsed else None

    def _whole(
        self, answer: dict[str, Any], service: str, operation: str, member: str | None
    ) -> dict[str, Any]:
        if member is not None and member not in answer:
            raise self.refuse(service, operation, CUT, f"it lacks {member}")
        if member is not None and answer[member] is None:
            raise self.refuse(service, operation, ODD, f"its {member} is no list")
        return answer

    def _guarded(self, service: str, operation: str, ask: Callable[[], Any]) -> Any:  # noqa: ANN401  # whatever ask gives
        began = time.monotonic()
        with failures_told(action_of(service, operation), account_id=self.account_id,
                           region=self.region, role_arn=self.role_arn):
            answer = _FAILED
            try:
                answer = ask()
            except _Closed:
                raise self.refuse(service, operation, CLOSED, "") from None
            finally:  # the seconds include waiting for the rate limit, and further attempts
                if answer is not None:  # after the last page of an answer AWS is not called
                    _LOG.info("%s in %s %s: %s after %.2f s", action_of(service, operation),
                              self.account_id, self.region,
                              "failed" if answer is _FAILED else "answered",
                              time.monotonic() - began)
            return answer


class _Closed(Exception):  # noqa: N818  # it is none: whoever asked has left
    """Raised in place of another attempt, in calls of a client that was closed."""


def unless(closed: threading.Event) -> Callable[..., None]:
    """Build a handler of botocore's ``before-send``: no attempt is made once *closed* is set."""

    def refuse(**_: object) -> None:
        if closed.is_set():
            raise _Closed

    return refuse


def paced_by(bucket: Bucket) -> Callable[..., None]:
    """Build a handler of botocore's ``before-send``: each attempt waits for *bucket*."""

    def wait(**_: object) -> None:
        bucket.wait()

    return wait


def make_client(
    session: botocore.session.Session, service: str, region: str, endpoint_url: str | None,
    *, tries: int | None = None,
) -> Any:  # noqa: ANN401  # botocore makes its classes at run time
    """Make a client with our user agent, its number of attempts (*tries*) and its time limits.

    An endpoint on this very machine is never asked for through a proxy.
    """
    mode = "adaptive" if service == "cloudwatch" else "standard"
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=_READ_SECONDS.get(service, READ_SECONDS),
        max_pool_connections=16,
        retries={"mode": mode, "total_max_attempts": tries or _TRIES.get(service, 5)},
        user_agent_extra=f"wsanalytics/{__version__}",
    )
    client = _make(session, service, region, endpoint_url, config)
    if getproxies() and is_local(client.meta.endpoint_url):
        client.close()
        client = _make(session, service, region, endpoint_url, config.merge(Config(proxies={})))
    return client


def _make(
    session: botocore.session.Session, service: str, region: str, endpoint_url: str | None,
    config: Config,
) -> Any:  # noqa: ANN401  # botocore makes its classes at run time
    with _MAKING:
        load_credentials(session, region=region)
        with settings_told(region, endpoint_url):
            parse_part_by_part(session)
            client = session.create_client(service, region_name=region, endpoint_url=endpoint_url,
                                         config=config)
    check_endpoint(client.meta.endpoint_url)
    return client


def is_local(url: str) -> bool:
    """Whether *url* leads to this very machine.

    >>> is_local("http://127.0.0.1:8080"), is_local("https://workspaces.eu-west-1.amazonaws.com")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
