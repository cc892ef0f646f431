"""The commands ``doctor`` and ``iam-policy``: what the work needs, and whether it is there.

Neither changes anything.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
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
    check_regions,
    check_role_arns,
    configured_region,
    connect,
    mend_together,
    partition_of,
    pricing_region,
    read_workspaces,
    try_action,
    who_am_i,
)
from wsanalytics.cli.permissions import READS, WRITES, actions_of, policy
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.collection import pace_text
from wsanalytics.errors import InputError, WsanalyticsError
from wsanalytics.formatting import counted, listed
from wsanalytics.history import Store, store_summary
from wsanalytics.prices import load_prices

DEFAULT_COMMANDS = ("collect", "backfill")
"""The commands whose permissions ``doctor`` looks into where none are named."""
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
    mend: str = ""


def iam_policy(args: Namespace) -> None:
    """Print the IAM policy that the commands ``args.for_commands`` need, as JSON.

    The roles ``args.role_arn`` may then be assumed too. Its ARNs are of the partition of the roles,
    or of ``args.region``, or of the region that boto3 is configured for.
    """
    roles = list(args.role_arn or ())
    check_role_arns(roles)
    named = list(getattr(args, "region", None) or ())
    check_regions(named)
    regions = named or [configured_region()]
    partitions = {role.split(":")[1] for role in roles} or {partition_of(one) for one in regions}
    if len(partitions) > 1:
        raise InputError(
            f"{listed(sorted(partitions))} at once", where="--region or --role-arn",
            rule="a policy is of one partition, as an account is", mend="name those of one")
    partition = partitions.pop()
    needed = policy(args.for_commands or DEFAULT_COMMANDS, role_arns=roles, partition=partition)
    sys.stdout.write(json.dumps(needed, indent=2) + "\n")


def doctor(args: Namespace) -> int:
    """Look into everything that the commands need, change nothing, and print what was found.

    ``args``: ``profile``, ``region``, ``role_arn``, ``store``, ``for_commands``, and, as lines to
    print at the end, ``in_force``: which options hold and from where. Gives 0 where all is well
    and 1 where there is a warning or a failure. Raises :class:`WsanalyticsError` where there are
    no credentials or no region to begin with.
    """
    commands = list(args.for_commands or DEFAULT_COMMANDS)
    actions = actions_of(commands)
    connections, refusals = connect(regions=args.region or (), profile=args.profile,
                                    role_arns=args.role_arn or ())
    findings: list[Finding] = []
    out = terminal.console()

    def tell(found: Iterable[Finding]) -> None:
        for finding in found:
            findings.append(finding)
            out.print(f"{finding.status:<4}  {finding.text}", soft_wrap=True)
            if finding.mend:
                out.print(f"      {finding.mend}", soft_wrap=True)

    try:
        tell(Finding("fail", f"{refusal.where}: {refusal.what}", refusal.mend)
             for refusal in refusals)
        for _, own in groupby(connections, key=lambda one: (one.role_arn, one.account_id)):
            tell(_credentials(next(own)))
        for connection in connections:
            tell(_region(connection, actions, args.profile))
        tell(_not_tried(actions))
        tell(_prices(connections))
        tell(_store(args.store))
        tell(Finding("note", line) for line in getattr(args, "in_force", ()))
    finally:
        for connection in connections:
            connection.close()
    return int(any(finding.status in {"warn", "fail"} for finding in findings))


def _credentials(connection: Connection) -> Iterator[Finding]:
    try:
        caller = who_am_i(connection)
    except AwsError as error:
        yield _failed(error)
        return
    yield Finding("ok", f"credentials found in {caller.method}")
    yield Finding("ok", f"account {caller.account_id}, as {caller.arn}")
    if connection.role_arn:
        yield Finding("ok", "the role's credentials are renewed before they expire")
    elif caller.expires_at is None:
        yield Finding("ok", "the credentials do not say when they expire")
    else:
        left = caller.expires_at - datetime.now(UTC)
        yield Finding("ok" if left > _SOON else "warn",
                      f"the credentials hold until {caller.expires_at:%Y-%m-%d %H:%M} UTC",
                      "" if left > _SOON else "a collector that runs longer needs ones that renew "
                      "themselves, such as a role or single sign-on")


def _region(
    connection: Connection, actions: Iterable[str], profile: str | None
) -> Iterator[Finding]:
    place = f"{connection.account_id} {connection.region}"
    skews: list[timedelta] = []
    allowed, denied = set(), []
    for action in (action for action in actions if action in READS):
        try:
            skew = _tried(connection, action, profile)
            skews += [] if skew is None else [skew]
            allowed.add(action)
            yield Finding("ok", f"{place}: {action} is allowed")
        except AwsError as error:
            if error.refusal.kind in _DENIED:
                denied.append(error.refusal)
                continue
            yield _failed(error)
            if error.refusal.kind in _HOPELESS and not action.startswith("pricing:"):
                return
    yield from _denials(denied, are_all=not allowed)
    if allowed:
        yield Finding("ok", f"{place}: AWS answers")
    if skews:
        yield _clock(place, min(skews, key=abs))
    if "workspaces:DescribeWorkspaces" in allowed:
        yield from _pace(place, connection)


def _denials(denied: Sequence[Refusal], *, are_all: bool) -> Iterator[Finding]:
    """What is denied in one region, with one statement for all that may be allowed together."""
    for _, alike in groupby(sorted(denied, key=_kind), key=_kind):
        refusals = list(alike)
        first, last = refusals[0], refusals[-1]
        actions = [refusal.action for refusal in refusals]
        mend = mend_together(refusals)
        if are_all and len(refusals) == len(denied) > 1:
            yield Finding("fail", f"{first.where}: none of these is allowed: "
                                  f"{listed(actions, len(actions))}", mend)
            continue
        for refusal in refusals:
            yield Finding("fail", f"{refusal.where}: {refusal.what}",
                          mend if refusal is last else "")


def _kind(refusal: Refusal) -> str:
    return refusal.kind


def _tried(connection: Connection, action: str, profile: str | None) -> timedelta | None:
    """Try *action*; prices are asked for in a region that has them."""
    if not action.startswith("pricing:"):
        return try_action(connection, action)
    roles = [connection.role_arn] if connection.role_arn else []
    there, _ = connect(regions=[pricing_region(connection.region)], profile=profile,
                       role_arns=roles, endpoint_url=connection.endpoint_url)
    with there[0] as pricing:
        return try_action(pricing, action)


def _clock(place: str, skew: timedelta) -> Finding:
    seconds = round(abs(skew.total_seconds()))
    if abs(skew) <= SKEW_WARNED:
        return Finding("ok", f"{place}: the clock agrees with AWS's to within "
                             f"{max(1, seconds)} s")
    side = "behind" if skew > timedelta() else "ahead of"
    return Finding("fail" if abs(skew) > SKEW_REFUSED else "warn",
                   f"{place}: the clock of this computer is {seconds:,} s {side} AWS's",
                   "set the clock; AWS refuses requests that are more than 5 minutes off")


def _pace(place: str, connection: Connection) -> Iterator[Finding]:
    try:
        with terminal.progress(1) as step:
            step(f"counting WorkSpaces in {place}")
            count = len(read_workspaces(connection))
    except AwsError as error:
        yield _failed(error)
        return
    yield Finding("ok", pace_text(place, count) if count else f"{place}: there are no WorkSpaces")


def _not_tried(actions: Iterable[str]) -> Iterator[Finding]:
    changing = [action for action in actions if action in WRITES]
    if changing:
        yield Finding("note", f"not tried, as they change something: {listed(changing)}")


def _prices(connections: Iterable[Connection]) -> Iterator[Finding]:
    try:
        book = load_prices()
    except WsanalyticsError as error:
        yield Finding("fail", str(error))
        return
    yield Finding("ok", f"prices in force: {book.origin}, of {book.dates}")
    lacking = sorted({one.region for one in connections} - set(book.frame["region"]))
    if lacking:
        yield Finding("warn", f"no prices are known for {listed(lacking)}",
                      f"run 'wsanalytics prices refresh --region {' '.join(lacking)}'")


def _store(path: Path | None) -> Iterator[Finding]:
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


def _failed(error: AwsError) -> Finding:
    refusal = error.refusal
    return Finding("fail", f"{refusal.where}: {refusal.what}", refusal.mend)
