"""The way in: connections to every account and region that was asked for.

``connect`` finds credentials, region and endpoint where boto3 finds them, and assumes the roles
that were named. A role that cannot be assumed becomes a :class:`Refusal`; the rest goes on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import botocore.session

from wsanalytics.aws.connection import Connection
from wsanalytics.aws.credentials import Identity, as_role, identify, open_session
from wsanalytics.aws.errors import AwsError, Refusal
from wsanalytics.aws.throttle import BURST, RATE_PER_SECOND, Bucket, bucket_for
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.service_model import regions_of

__all__ = ["BURST", "RATE_PER_SECOND", "AwsError", "Bucket", "Connection", "Refusal",
           "check_regions", "check_role_arns", "configured_region", "connect"]

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


def connect(
    *,
    regions: Sequence[str] = (),
    profile: str | None = None,
    role_arns: Sequence[str] = (),
    endpoint_url: str | None = None,
    credentials: tuple[str, str] | None = None,
    pace: tuple[float, float] = (RATE_PER_SECOND, BURST),
) -> tuple[list[Connection], list[Refusal]]:
    """A connection for each of the *regions* in the own account, or in the account of each role.

    Without *regions* the configured one is used; without *role_arns* the own account.
    *credentials* are a key's id and secret in place of those that boto3 finds; *pace* is how
    many WorkSpaces calls a second, and in one burst, each account and region is asked for.
    Returns the connections and, for each role that could not be assumed, a refusal. Raises
    :class:`AwsError` where nothing is left to connect to, and :class:`InputError` for a profile
    or region that does not exist and a role that is no ARN.
    """
    check_role_arns(role_arns)
    check_regions(regions)
    session = open_session(profile, credentials)
    named = tuple(dict.fromkeys(regions)) or (_configured_region(session),)
    connections: list[Connection] = []
    refusals: list[Refusal] = []
    # None stands for the caller's own account, where no roles are named.
    for role_arn in dict.fromkeys(role_arns) or (None,):
        try:
            acting, caller = _caller(session, role_arn, named[0], endpoint_url)
        except AwsError as error:
            refusals.append(error.refusal)
            continue
        connections += [
            Connection(session=acting, account_id=caller.account_id, region=region,
                       role_arn=role_arn, endpoint_url=endpoint_url,
                       # One bucket for each account and region, whichever role reaches it.
                       pace=_bucket(endpoint_url, caller.account_id, region, pace))
            for region in named
        ]
    if not connections:
        raise AwsError(refusals[0])
    return connections, refusals


def _caller(
    session: botocore.session.Session, role_arn: str | None, region: str, endpoint_url: str | None
) -> tuple[botocore.session.Session, Identity]:
    acting = session
    if role_arn is not None:
        acting = as_role(session, role_arn, region=region, endpoint_url=endpoint_url)
    return acting, identify(acting, region=region, endpoint_url=endpoint_url, role_arn=role_arn)


def _bucket(
    endpoint_url: str | None, account_id: str, region: str, pace: tuple[float, float]
) -> Bucket:
    url = endpoint_url or os.environ.get("AWS_ENDPOINT_URL_WORKSPACES") \
        or os.environ.get("AWS_ENDPOINT_URL") or ""
    return bucket_for(url, account_id, region, "workspaces", rate=pace[0], burst=pace[1])


def _configured_region(session: botocore.session.Session) -> str:
    region = session.get_config_variable("region")
    if not region:
        raise AwsError(Refusal(action="workspaces:DescribeWorkspaces", code="NoRegionError",
                               message="no region"))
    check_regions([region], where="AWS_DEFAULT_REGION or the profile's region")
    return str(region)


def configured_region() -> str | None:
    """Return the region that boto3 is configured for, if any can be found."""
    try:
        return open_session().get_config_variable("region") or None
    except InputError:
        return None


def check_regions(regions: Sequence[str], *, where: str = "--region") -> None:
    """Refuse a region in which there are no WorkSpaces, by botocore's list of them."""
    known = regions_of("workspaces")
    for region in regions:
        if region not in known:
            raise InputError(
                f"there are no WorkSpaces in a region {region!r}",
                where=where,
                rule=f"the regions are {', '.join(known)}",
                fix=did_you_mean(region, known, most=3, otherwise="name one of them; "
                                  "a newer region needs a newer boto3"),
            )


def check_role_arns(role_arns: Sequence[str]) -> None:
    """Refuse a role that is not written as the ARN of an IAM role."""
    for role_arn in role_arns:
        if not _ROLE_ARN.fullmatch(role_arn):
            raise InputError(
                f"{role_arn!r} is not the ARN of a role",
                where="--role-arn",
                rule="a role is written arn:aws:iam::ACCOUNT:role/NAME, with 12 digits of account",
                fix="copy the ARN from the role's page in the IAM console",
            )
