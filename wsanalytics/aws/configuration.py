"""Check the configuration that boto3 finds before it asks: credentials, settings, the endpoint.

Whatever it raises on the way becomes one sentence with the cause. botocore raises most of it while
a client is made, some at the first call, and much of it as plain errors of Python.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from getpass import getpass
from json import JSONDecodeError
from pathlib import Path
from urllib.parse import urlsplit

import botocore.session
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    UnknownCredentialError,
)

from wsanalytics.aws.errors import (
    MISCONFIGURED,
    NO_TERMINAL,
    UNOBTAINABLE,
    AwsError,
    Refusal,
    refusal_of,
    without_secrets,
)
from wsanalytics.errors import InputError

_FILES = {"AWS_CONFIG_FILE": "~/.aws/config",
          "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}
_NO_TEXT = re.compile(r"[^\x21-\x7e]")


def load_credentials(
    session: botocore.session.Session, *, region: str | None = None, role_arn: str | None = None
) -> None:
    """Let boto3 find the credentials of *session* now.

    Raises :class:`AwsError` that says why there are none, or why they cannot be had or used.
    """
    with _told(UNOBTAINABLE, region, role_arn):
        with suppress(UnknownCredentialError):
            resolver = session.get_component("credential_provider")
            resolver.get_provider("assume-role")._prompter = _ask  # noqa: SLF001  # no public way
        found = session.get_credentials()
        if found is None:
            raise NoCredentialsError
    if type(found) is not Credentials:
        return  # those that renew themselves are asked for at the first call
    for name, text in (("access key id", found.access_key), ("secret", found.secret_key),
                       ("session token", found.token)):
        if text and _NO_TEXT.search(text):
            raise AwsError(Refusal(
                action="sts:GetCallerIdentity", code=UNOBTAINABLE, region=region,
                role_arn=role_arn,
                message=f"the {name} has a space, a line break or a letter that no key has"))


def _ask(prompt: str) -> str:
    """Return the code of an MFA device, typed by somebody; EOFError where nobody can."""
    if not sys.stdin.isatty():
        raise EOFError
    return getpass(prompt)


@contextmanager
def settings_told(region: str | None, endpoint_url: str | None) -> Iterator[None]:
    """Turn what botocore raises while a client is made into one message with its cause."""
    if endpoint_url or asked_endpoint():
        check_endpoint(endpoint_url or asked_endpoint())
    try:
        with _told(MISCONFIGURED, region, None):
            yield
    except AwsError as error:
        if "Invalid endpoint" in error.refusal.message:
            raise _no_endpoint(endpoint_url or asked_endpoint()) from error
        raise


def check_endpoint(url: str) -> None:
    """Refuse with :class:`InputError` an endpoint that nobody can connect to."""
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or out of range
        is_fine = False
    if not is_fine:
        raise _no_endpoint(url)


def asked_endpoint() -> str:
    """Return the endpoint that the environment names in place of AWS's own."""
    return os.environ.get("AWS_ENDPOINT_URL", "")


def missing_because() -> str:
    """Give the reason why no credentials are found, where it can be seen; or empty."""
    has = {name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if os.environ.get(name)}
    if has == {"AWS_SECRET_ACCESS_KEY"}:
        return "AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not"
    for variable, usual in _FILES.items():
        named = os.environ.get(variable)
        path = Path(named or usual).expanduser()
        if (named or path.exists()) and (reason := _unreadable(path)):
            return f"{path} {reason}" + (f" ({variable})" if named else "")
    return ""


def _unreadable(path: Path) -> str:
    try:
        if path.is_dir():
            return "is a folder"
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return ""


@contextmanager
def _told(code: str, region: str | None, role_arn: str | None) -> Iterator[None]:
    action = "sts:AssumeRole" if role_arn else "sts:GetCallerIdentity"
    try:
        yield
    except NoCredentialsError as error:
        if because := missing_because():
            raise AwsError(Refusal(action=action, code=UNOBTAINABLE, region=region,
                                   role_arn=role_arn, message=because)) from error
        raise AwsError(refusal_of(error, action=action, region=region,
                                  role_arn=role_arn)) from error
    except (BotoCoreError, ClientError) as error:
        refusal = refusal_of(error, action=action, region=region, role_arn=role_arn)
        if refusal.kind == "other" or (
                refusal.kind == "unobtainable" and code == MISCONFIGURED) or (
                not _has_reason(refusal)):
            because = "" if _has_reason(refusal) else " it does not say why"
            refusal = Refusal(action=action, code=code, message=refusal.message + because,
                              region=region, role_arn=role_arn)
        raise AwsError(refusal) from error
    except EOFError as error:
        raise AwsError(Refusal(action=action, code=UNOBTAINABLE, region=region, role_arn=role_arn,
                               message=NO_TERMINAL)) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise AwsError(Refusal(action=action, code=code, region=region, role_arn=role_arn,
                               message=_plainly(error))) from error


def _has_reason(refusal: Refusal) -> bool:
    return not refusal.message.endswith(":")


def _plainly(error: Exception) -> str:
    """Explain a Python error from loading credentials, so that its cause can be found."""
    if isinstance(error, JSONDecodeError):
        return "what the credential process printed is no JSON"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror or error}"
    return without_secrets(str(error) or repr(error))


def _no_endpoint(url: str) -> InputError:
    return InputError(
        f"{without_secrets(url)!r} is not the address of an endpoint", where="the endpoint of AWS",
        rule="an endpoint is written http://HOST:PORT or https://HOST, with a port up to 65535",
        fix="correct AWS_ENDPOINT_URL, or leave it out for AWS itself")
