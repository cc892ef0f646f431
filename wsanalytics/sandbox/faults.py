"""Inject the failures of AWS on purpose: all of them are off until they are asked for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from wsanalytics.errors import InputError
from wsanalytics.sandbox.services.protocol import DENIED, ApiError, Call

THROTTLE = (2.0, 5)
"""The limits of AWS by default: 2 calls a second, in bursts of 5."""


class Bucket:
    """Lets *rate* calls a second pass, and *burst* at once after a rest."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst, self._left = rate, burst, float(burst)
        self._at, self._lock = time.monotonic(), threading.Lock()

    def take(self) -> bool:
        """Whether a call may pass now."""
        with self._lock:
            at = time.monotonic()
            self._left = min(self._burst, self._left + (at - self._at) * self._rate)
            self._at = at
            if self._left < 1:
                return False
            self._left -= 1
            return True


@dataclass
class Faults:
    """The failures to inject, and how often; a share of 0.1 is one call in ten.

    All are off by default.

    ``throttle``: calls a second and burst allowed to each account and region over all actions of
    the WorkSpaces service. ``server_error_share``: answered 500 or 503. ``timeout_share``:
    answered only after ``timeout_seconds``. ``reset_share``: the connection is dropped.
    ``cut_share``: status 200, half a body. ``html_share``: status 200, a page of HTML.
    ``in_progress_share``: ModifyWorkspaceProperties says OperationInProgressException.
    ``denied_regions``, ``denied_accounts`` and ``denied_actions`` (``workspaces:StopWorkspaces``
    or ``StopWorkspaces``): not authorized. ``empty_first_page``: what comes in pages begins with
    an empty one. ``omit_status_share``: that share of connection statuses is left out.
    ``check_lag_seconds``: connections are checked so often only, so a status may be as old.
    ``clock_skew_seconds``: how far AWS's clock is ahead of the caller's. ``expired``: the
    credentials have expired. ``role_seconds``: how long an assumed role lasts, whatever was asked.
    ``seed`` makes what happens repeatable.
    """

    throttle: tuple[float, float] | None = None
    server_error_share: float = 0.0
    timeout_share: float = 0.0
    timeout_seconds: float = 5.0
    reset_share: float = 0.0
    cut_share: float = 0.0
    html_share: float = 0.0
    in_progress_share: float = 0.0
    denied_regions: tuple[str, ...] = ()
    denied_accounts: tuple[str, ...] = ()
    denied_actions: tuple[str, ...] = ()
    empty_first_page: bool = False
    omit_status_share: float = 0.0
    check_lag_seconds: float = 0.0
    clock_skew_seconds: float = 0.0
    expired: bool = False
    role_seconds: float | None = None
    seed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    _luck: random.Random | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in _NAMES:
            _check_range(name, getattr(self, name), "Faults")

    def happens(self, share: float) -> bool:
        """Whether something that befalls *share* of all calls befalls this one."""
        if share <= 0:
            return False
        with self._lock:
            if self._luck is None:
                self._luck = random.Random(self.seed)  # noqa: S311  # repeatable, not secret
            return self._luck.random() < share

    def change(self, values: dict[str, Any]) -> None:
        """Set some of the faults by name; what is not named stays."""
        for name, value in values.items():
            chosen = _field(name)
            _check_range(chosen, value, "faults")
            setattr(self, chosen, tuple(value) if isinstance(value, list) else value)

    @classmethod
    def parse(cls, texts: Iterable[str], *, where: str = "--fault") -> Faults:
        """Return the faults that *texts* name, each NAME or NAME=VALUE; lists are comma-separated.

        >>> Faults.parse(["cut-share=0.1", "denied-regions=eu-west-1,us-west-2"]).denied_regions
        ('eu-west-1', 'us-west-2')
        """
        faults = cls()
        for text in texts:
            name, equals, value = text.partition("=")
            chosen = _field(name, where)
            setattr(faults, chosen, _value(chosen, value if equals else None, where))
            _check_range(chosen, getattr(faults, chosen), where)
        return faults


_NAMES = tuple(field.name for field in fields(Faults) if not field.name.startswith("_"))


def _field(name: str, where: str = "faults") -> str:
    wanted = name.strip().replace("-", "_")
    if wanted in _NAMES:
        return wanted
    close = get_close_matches(wanted, _NAMES, n=1)
    raise InputError(
        f"there is no fault {name!r}",
        where=where,
        rule=f"the faults are {', '.join(_NAMES)}",
        fix=f"use for example {close[0] if close else 'cut_share=0.1'}",
    )


def _value(name: str, text: str | None, where: str) -> Any:  # noqa: ANN401  # as the field's type
    if name in {"empty_first_page", "expired"}:
        return text is None or text.lower() in {"true", "1", "yes"}
    if name == "throttle" and text is None:
        return THROTTLE
    try:
        if name.startswith("denied_"):
            return tuple(part for part in (text or "").split(",") if part)
        if name == "throttle":
            rate, _, burst = (text or "").partition(",")
            return float(rate), float(burst or THROTTLE[1])
        return int(text or "") if name == "seed" else float(text or "")
    except ValueError:
        raise InputError(
            f"{name} is {text!r}",
            where=where,
            rule="a share is a number from 0 to 1, a duration a number of seconds",
            fix=f"use for example {name}=0.1",
        ) from None


_MOST_SECONDS = 10 * 365 * 86400
"""The longest of any duration: ten years."""


def _check_range(name: str, value: Any, where: str) -> None:  # noqa: ANN401  # as the field's type
    if name.endswith("_share"):
        is_fine, rule = _is_within(value, 0, 1), "a share is a number from 0 to 1"
    elif name in {"timeout_seconds", "role_seconds", "check_lag_seconds"}:
        is_fine = _is_within(value, 0, _MOST_SECONDS) or (value is None and name == "role_seconds")
        rule = "a duration is a number of seconds from 0 on, ten years at most"
    elif name == "clock_skew_seconds":
        is_fine = _is_within(value, -_MOST_SECONDS, _MOST_SECONDS)
        rule = "a clock is off by ten years at most"
    elif name == "throttle":
        is_fine = value is None or (
            isinstance(value, tuple | list) and len(value) == 2
            and all(_is_within(number, 1e-6, 1e9) for number in value))
        rule = "a throttle is calls a second and a burst, both more than 0"
    elif name.startswith("denied_"):
        is_fine = isinstance(value, tuple | list) and all(isinstance(name, str) for name in value)
        rule = "what is denied is a list of names"
    elif name == "seed":
        is_fine, rule = _is_within(value, -2**63, 2**63), "a seed is a whole number"
    else:
        is_fine, rule = isinstance(value, bool), "it is true or false"
    if not is_fine:
        raise InputError(f"{name} is {value!r}", where=where, rule=rule,
                         fix=f"use for example {name}=0.1")


def _is_within(value: Any, low: float, high: float) -> bool:  # noqa: ANN401  # to be found out
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and low <= value <= high


class Gate:
    """Stands before every call: lets it pass, or does to it what the faults say."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.throttled = 0
        self._buckets: dict[tuple[object, ...], Bucket] = {}
        self._lock = threading.Lock()

    def pass_on(self, call: Call) -> None:
        """Raise what befalls this call, if anything does; it may be late as well."""
        faults = self.faults
        self._throttle(call)
        if faults.expired:
            raise ApiError("ExpiredTokenException" if call.service != "sts" else "ExpiredToken",
                           "The security token included in the request is expired")
        if faults.happens(faults.reset_share):
            raise ConnectionResetError("the sandbox drops this connection")
        if faults.happens(faults.timeout_share):
            time.sleep(faults.timeout_seconds)
        if faults.happens(faults.server_error_share):
            raise ApiError("InternalServerException", "An internal error occurred.",
                           status=500 if faults.happens(0.5) else 503)
        self._deny(call)
        if call.action == "ModifyWorkspaceProperties" and faults.happens(faults.in_progress_share):
            raise ApiError("OperationInProgressException",
                           "The properties of this WorkSpace are currently being modified. "
                           "Try again in a moment.")

    def _throttle(self, call: Call) -> None:
        limit = self.faults.throttle
        if limit is None or call.service != "workspaces":
            return
        key = (call.account, call.region, *limit)
        with self._lock:
            bucket = self._buckets.setdefault(key, Bucket(*limit))
            passes = bucket.take()
            self.throttled += not passes
        if not passes:
            raise ApiError("ThrottlingException", "Rate exceeded")

    def _deny(self, call: Call) -> None:
        faults = self.faults
        if call.action == "GetCallerIdentity":
            return  # nobody can be denied to ask who they are
        if (
            (call.region in faults.denied_regions and call.service != "sts")
            or call.account in faults.denied_accounts
            or not {call.action, call.permission}.isdisjoint(faults.denied_actions)
        ):
            raise denial(call)


def denial(call: Call, resource: str = "*") -> ApiError:
    """Return AWS's answer to those who may not do this."""
    return ApiError(
        DENIED.get(call.service, "AccessDeniedException"),
        f"User: {call.caller} is not authorized to perform: {call.permission} on resource: "
        f"{resource} because no identity-based policy allows the {call.permission} action",
        status=403 if call.service == "sts" else 400,
    )
