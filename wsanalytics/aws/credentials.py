"""Identify the caller of AWS, and open the sessions of roles that are assumed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import botocore.session
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import (
    ConfigNotFound,
    ConfigParseError,
    ProfileNotFound,
)

from wsanalytics.aws.configuration import load_credentials
from wsanalytics.aws.connection import Connection, make_client
from wsanalytics.aws.errors import AwsError, failures_told
from wsanalytics.errors import InputError, did_you_mean
from wsanalytics.service_model import plain_session

ACTIONS = ("sts:GetCallerIdentity", "sts:AssumeRole")
"""IAM actions called here; the first needs no permission, the second only where roles are named."""
ROLE_SECONDS = 3600
"""The lifetime of an assumed role's credentials before they are renewed (the longest for a
chain).
"""
_TRIES_OF_A_CUT_ANSWER = 4
_ACCOUNT = re.compile(r"[0-9]{12}")
_WHERE_CONFIGURED = ("profile", "config_file", "credentials_file")
METHODS = {
    "env": "the environment variables",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the AWS configuration file",
    "sso": "single sign-on",
    "login": "aws login",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a web identity's role",
    "custom-process": "a credential process",
    "container-role": "the container's role",
    "iam-role": "the machine's role",
    "explicit": "the key that was handed over",
}
"""The sources in which botocore finds credentials, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The caller: ``account_id``, ``arn``, the source of the credentials and until when they hold.

    ``expires_at`` is None for credentials that do not expire, or do not say.
    """

    account_id: str
    arn: str
    method: str
    expires_at: datetime | None = None


def open_session(
    profile: str | None = None, credentials: tuple[str, str] | None = None
) -> botocore.session.Session:
    """A botocore session of *profile*, or of a key's id and secret handed over as *credentials*.

    With *credentials* and without *profile* no configuration file is read. Raises
    :class:`InputError` for a profile that does not exist or a file that cannot be read.
    """
    if credentials is not None and profile is None:
        session = plain_session()
        session.set_credentials(*credentials)
        return session
    session = botocore.session.Session(profile=profile)
    try:
        session.get_scoped_config()
    except ProfileNotFound as error:
        raise _no_such_profile(session) from error
    except (ConfigParseError, ConfigNotFound, UnicodeDecodeError) as error:
        raise InputError(
            "the AWS configuration cannot be read",
            where=str(getattr(error, "kwargs", {}).get("path", "~/.aws/config")),
            rule="it has sections such as [profile NAME], with lines such as region = eu-west-1",
            fix="correct the file, or set AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE to "
            "others",
        ) from error
    if credentials is not None:
        session.set_credentials(*credentials)
    return session


def _no_such_profile(session: botocore.session.Session) -> InputError:
    name, profiles = session.profile or "", sorted(session.available_profiles)
    hint = did_you_mean(name, profiles, otherwise="create it with 'aws configure'")
    return InputError(
        f"there is no profile {name!r}", where="--profile or AWS_PROFILE",
        rule=f"the profiles are {', '.join(profiles)}" if profiles else "no profile is configured",
        fix=hint)


def as_role(
    session: botocore.session.Session,
    role_arn: str,
    *,
    region: str,
    endpoint_url: str | None = None,
    seconds: int = ROLE_SECONDS,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> botocore.session.Session:
    """Return a session that acts as *role_arn*, assumed with the credentials of *session*.

    The role is assumed at the first call and again before its credentials expire, so a collector
    may run for months. *seconds* is how long they hold each time.
    """
    load_credentials(session, region=region, role_arn=role_arn)

    def assume() -> dict[str, str]:
        client = make_client(session, "sts", region, endpoint_url)
        try:
            answer = client.assume_role(
                RoleArn=role_arn, RoleSessionName="wsanalytics", DurationSeconds=seconds)
        finally:
            client.close()
        key = answer["Credentials"]
        return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"],
                "token": key["SessionToken"], "expiry_time": key["Expiration"].isoformat()}

    # Deferred: the role is assumed with the first call, and again before each expiry.
    provider = _Ready(
        DeferredRefreshableCredentials(assume, method="assume-role", time_fetcher=now))
    # The same configuration files as the caller's session, but none of its credentials.
    files = {name: session.session_var_map[name] for name in _WHERE_CONFIGURED}
    acting = botocore.session.Session(session_vars=files, profile=session.profile)
    acting.register_component("credential_provider", CredentialResolver([provider]))
    return acting


class _Ready(CredentialProvider):  # type: ignore[misc]  # botocore ships no types
    """Gives botocore's resolver the credentials that are there already."""

    METHOD = "assume-role"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self.credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        """Return the credentials."""
        return self.credentials


def identify(
    session: botocore.session.Session,
    *,
    region: str,
    endpoint_url: str | None = None,
    role_arn: str | None = None,
) -> Identity:
    """Return the owner of the credentials of *session* (``sts:GetCallerIdentity``).

    Raises :class:`AwsError` where there are none, or AWS does not accept them.
    """
    action = "sts:AssumeRole" if role_arn else "sts:GetCallerIdentity"
    client = make_client(session, "sts", region, endpoint_url)
    try:
        for tries_left in range(_TRIES_OF_A_CUT_ANSWER - 1, -1, -1):
            try:
                with failures_told(action, region=region, role_arn=role_arn):
                    answer = client.get_caller_identity()
                    if not _ACCOUNT.fullmatch(str(answer["Account"])):
                        raise ValueError("it names no account of twelve digits")
                    # After the call, not before: an expiring credential has just been renewed by
                    # it.
                    credentials = session.get_credentials()
                break
            except AwsError as error:
                if not tries_left or error.refusal.kind != "cut":
                    raise
    finally:
        client.close()
    return Identity(account_id=answer["Account"], arn=answer["Arn"],
                    method=METHODS.get(credentials.method, credentials.method),
                    expires_at=_expiry_of(credentials))


def who_am_i(connection: Connection) -> Identity:
    """Return the identity of the caller that *connection* calls as."""
    return identify(connection.session, region=connection.region,
                    endpoint_url=connection.endpoint_url, role_arn=connection.role_arn)


def _expiry_of(credentials: object) -> datetime | None:
    expires_at = getattr(credentials, "_expiry_time", None)
    return expires_at.astimezone(UTC) if isinstance(expires_at, datetime) else None
