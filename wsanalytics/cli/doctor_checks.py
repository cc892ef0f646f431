"""Check an account for ``doctor``: each check gives findings, and changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Literal

from wsanalytics.aws import (
    AwsError,
    Connection,
    Refusal,
    connect,
    fix_together,
    pricing_region,
    read_workspaces,
    try_action,
    who_am_i,
)
from wsanalytics.cli.permissions import READS, WRITES
from wsanalytics.collection import pace_text
from wsanalytics.errors import WsanalyticsError
from wsanalytics.formatting import counted, listed
from wsanalytics.history import Store, store_summary
from wsanalytics.prices import load_prices
from wsanalytics.progress import step_bar

SKEW_WARNED, SKEW_REFUSED = timedelta(seconds=60), timedelta(minutes=5)
"""AWS refuses requests that are more than five minutes off."""
_SOON = timedelta(hours=1)
_HOPELESS = {"unreachable", "slow", "missing", "unobtainable", "expired", "invalid", "clock"}
"""Kinds of failure after which other actions need not be tried in the same region."""
_DENIED = {"denied", "forbidden"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``doctor``: ``ok``, ``warn``, ``fail``, or a ``note`` that is neither."""

    status: Literal["ok", "warn", "fail", "note"]
    text: str
    fix: str = ""


def verdict(findings: Iterable[Finding]) -> str:
    """Return in one line whether everything is in place.

    >>> verdict([Finding("ok", "AWS answers"), Finding("warn", "the clock is off", "set it")])
    'Ready, with 1 warning: 2 checks were made.'
    """
    counts = Counter(finding.status for finding in findings)
    checks = counted(counts["ok"] + counts["warn"] + counts["fail"], "check")
    if counts["fail"]:
        return f"Not ready: {counts['fail']} of {checks} failed; what repairs them stands below."
    warned = f", with {counted(counts['warn'], 'warning')}" if counts["warn"] else ""
    return f"Ready{warned}: {checks} were made."


def check_credentials(connection: Connection) -> Iterator[Finding]:
    """Check whose credentials these are, where they are from, and how long they hold."""
    try:
        caller = who_am_i(connection)
    except AwsError as error:
        yield failed(error.refusal)
        return
    yield Finding("ok", f"credentials found in {caller.method}")
    yield Finding("ok", f"account {caller.account_id}, as {caller.arn}")
    if connection.role_arn:
        yield Finding("ok", "the role's credentials are renewed before they expire")
    elif caller.expires_at is None:
        yield Finding("ok", "the credentials do not say when they expire")
    else:
        remaining = caller.expires_at - datetime.now(UTC)
        yield Finding(
            "ok" if remaining > _SOON else "warn",
            f"the credentials hold until {caller.expires_at:%Y-%m-%d %H:%M} UTC",
            ""
            if remaining > _SOON
            else "a collector that runs longer needs ones that renew "
            "themselves, such as a role or single sign-on",
        )


def check_region(
    connection: Connection, actions: Iterable[str], profile: str | None
) -> Iterator[Finding]:
    """Try each of *actions* that only reads in one region, and compare the clocks."""
    account_region = f"{connection.account_id} {connection.region}"
    skews: list[timedelta] = []
    allowed, denied = set(), []
    for action in (action for action in actions if action in READS):
        try:
            skew = _tried(connection, action, profile)
            skews += [] if skew is None else [skew]
            allowed.add(action)
            yield Finding("ok", f"{account_region}: {action} is allowed")
        except AwsError as error:
            if error.refusal.kind in _DENIED:
                denied.append(error.refusal)
                continue
            yield failed(error.refusal)
            if error.refusal.kind in _HOPELESS and not action.startswith("pricing:"):
                return
    yield from _denials(denied, are_all=not allowed)
    if allowed:
        yield Finding("ok", f"{account_region}: AWS answers")
    if skews:
        yield _clock(account_region, min(skews, key=abs))
    if "workspaces:DescribeWorkspaces" in allowed:
        yield from _pace(account_region, connection)


def _denials(denied: Sequence[Refusal], *, are_all: bool) -> Iterator[Finding]:
    """List what is denied in one region, with one statement for all that go together."""
    for _, alike in groupby(sorted(denied, key=_kind), key=_kind):
        refusals = list(alike)
        first, last = refusals[0], refusals[-1]
        actions = [refusal.action for refusal in refusals]
        fix = fix_together(refusals)
        if are_all and len(refusals) == len(denied) > 1:
            yield Finding("fail", f"{first.where}: none of these is allowed: "
                                  f"{listed(actions, len(actions))}", fix)
            continue
        for refusal in refusals:
            yield Finding("fail", f"{refusal.where}: {refusal.what}",
                          fix if refusal is last else "")


def _kind(refusal: Refusal) -> str:
    return refusal.kind


def _tried(connection: Connection, action: str, profile: str | None) -> timedelta | None:
    """Try *action*; prices are asked for in a region that has them."""
    if not action.startswith("pricing:"):
        return try_action(connection, action)
    roles = [connection.role_arn] if connection.role_arn else []
    pricing_connections, _ = connect(regions=[pricing_region(connection.region)], profile=profile,
                       role_arns=roles, endpoint_url=connection.endpoint_url)
    with pricing_connections[0] as pricing:
        return try_action(pricing, action)


def _clock(account_region: str, skew: timedelta) -> Finding:
    seconds = round(abs(skew.total_seconds()))
    if abs(skew) <= SKEW_WARNED:
        return Finding("ok", f"{account_region}: the clock agrees with AWS's to within "
                             f"{max(1, seconds)} s")
    side = "behind" if skew > timedelta() else "ahead of"
    return Finding("fail" if abs(skew) > SKEW_REFUSED else "warn",
                   f"{account_region}: the clock of this computer is {seconds:,} s {side} AWS's",
                   "set the clock; AWS refuses requests that are more than 5 minutes off")


def _pace(account_region: str, connection: Connection) -> Iterator[Finding]:
    try:
        with step_bar(1) as step:
            step(f"counting WorkSpaces in {account_region}")
            count = len(read_workspaces(connection))
    except AwsError as error:
        yield failed(error.refusal)
        return
    yield Finding(
        "ok",
        pace_text(account_region, count) if count else f"{account_region}: there are no WorkSpaces",
    )


def name_untried(actions: Iterable[str]) -> Iterator[Finding]:
    """Name those of *actions* that were not tried, as they would change something."""
    changing = [action for action in actions if action in WRITES]
    if changing:
        yield Finding("note", f"not tried, as they change something: {listed(changing)}")


def check_prices(connections: Iterable[Connection]) -> Iterator[Finding]:
    """Check which prices are used, and whether each region has some."""
    try:
        book = load_prices()
    except WsanalyticsError as error:
        yield Finding("fail", str(error))
        return
    yield Finding("ok", f"prices in force: {book.origin}, of {book.dates}")
    lacking = sorted({connection.region for connection in connections} - set(book.frame["region"]))
    if lacking:
        yield Finding("warn", f"no prices are known for {listed(lacking)}",
                      f"run 'wsanalytics prices refresh --region {' '.join(lacking)}'")


def check_store(path: Path | None) -> Iterator[Finding]:
    """Check what the store at *path* holds, if one was named."""
    if path is None:
        return
    if not path.exists():
        yield Finding("ok", f"there is no store in {path} yet; 'collect' makes it")
        return
    try:
        summary = store_summary(Store(path))
        yield Finding("ok", f"store {path}: {counted(summary.samples, 'sample')} of "
                            f"{counted(summary.days, 'day')}, "
                            f"{counted(len(summary.holes), 'hole')}")
    except WsanalyticsError as error:
        yield Finding("fail", str(error))


def failed(refusal: Refusal) -> Finding:
    """Turn what AWS refused into a finding."""
    return Finding("fail", f"{refusal.where}: {refusal.what}", refusal.fix)
