"""Explain a failed call to AWS: who was asked for what, why it failed, and how to fix it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from wsanalytics.aws.iam import partition_of, statement_for
from wsanalytics.errors import WsanalyticsError

CUT = "CutAnswer"
"""The code of an answer that came with status 200 and was not whole."""
CLOSED = "ConnectionClosed"
"""The code of a call that was given up because its connection was closed."""


ODD = "OddAnswer"
"""The code of an answer that was whole and that nobody can make sense of."""
UNOBTAINABLE, MISCONFIGURED = "CredentialsUnobtainable", "Misconfigured"
"""The codes of credentials, and of settings of boto3, that cannot be used as they are."""
NO_TERMINAL = "the role wants a code of an MFA device, and there is no terminal to type it at"
_ODD_ANSWER = (KeyError, ValueError, TypeError, AttributeError, OverflowError, IndexError,
               RecursionError)
"""Errors that botocore's parsers raise on answers whose parts are of other types than the
model's.
"""


@dataclass(frozen=True, slots=True)
class _Advice:
    what: str
    rule: str = ""
    fix: str = ""


_POLICY = "'wsanalytics iam-policy' prints the whole policy that a command needs"
_ADVICE = {
    "missing": _Advice(
        "no AWS credentials were found",
        "calls are signed with credentials that boto3 finds: options and environment first, then "
        "the shared files, single sign-on, and the role of the machine",
        "name a profile (--profile or AWS_PROFILE), set AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or run 'aws configure'"),
    "unobtainable": _Advice(
        "the AWS credentials could not be obtained: {message}",
        "the profile, the single sign-on session or the role must give credentials",
        "check the profile in ~/.aws/config; for single sign-on run 'aws sso login'"),
    "misconfigured": _Advice(
        "boto3 cannot work with its settings: {message}",
        "its settings are the AWS_… variables and the lines of ~/.aws/config",
        "correct or remove the setting that is named"),
    "expired": _Advice(
        "the AWS credentials have expired ({code})",
        "temporary credentials hold for a limited time",
        "obtain new ones, for single sign-on with 'aws sso login', and run the command again"),
    "invalid": _Advice(
        "AWS does not accept these credentials ({code})",
        "the key is active, belongs to this partition, and the region is enabled in the account",
        "check the access key and its secret; if only this region fails, enable it in the account "
        "or leave it out"),
    "denied": _Advice(
        "{action} is not allowed: {message}",
        _POLICY,
        "add this statement to the policy of that user or role: {statement}"),
    "forbidden": _Advice(
        "{action} is denied by a policy: {message}",
        "an explicit deny stands above every permission",
        "ask whoever keeps that policy; the action needs {statement}"),
    "trust": _Advice(
        "the role cannot be assumed: {message}",
        "the caller may call sts:AssumeRole on the role, and the role's trust policy names the "
        "caller",
        "allow the caller {statement} and check the trust policy of the role"),
    "unreachable": _Advice(
        "AWS cannot be reached: {message}",
        "the region's endpoint must answer over HTTPS (or AWS_ENDPOINT_URL where it is set)",
        "check the region, the network, the proxy settings and AWS_ENDPOINT_URL"),
    "slow": _Advice(
        "AWS did not answer in time: {message}",
        "an answer is waited for 20 s, those of CloudWatch, CloudTrail and the price list 60 s, "
        "in each of several tries",
        "try again; check the network and the proxy"),
    "clock": _Advice(
        "the time of this computer does not agree with AWS's ({code})",
        "the clock of this computer is right to within five minutes",
        "set the clock; 'wsanalytics doctor' shows by how much it is off"),
    "throttled": _Advice(
        "{action} is throttled ({code}), tried over and over",
        "an account has a limited number of calls a second, shared by all that call",
        "run it again later, or stop other programs that call the same API"),
    "cut": _Advice(
        "the answer to {action} came cut off or was not from AWS, tried over and over",
        "an answer is whole, or it is not used",
        "check what stands between here and AWS (a proxy, a login page), and run it again"),
    "odd": _Advice(
        "the answer to {action} cannot be understood: {message}",
        "an answer has the members and types of AWS's service model",
        "run it again; if it stays so, update boto3 and wsanalytics"),
    "closed": _Advice(
        "the connection was closed before {action} was answered", "", "run it again"),
    "server": _Advice(
        "AWS failed to answer {action}: {code}: {message}", "", "run it again later"),
    "region": _Advice(
        "no region was named and none is configured", "every call goes to a region",
        "name one (--region), or set AWS_DEFAULT_REGION or the profile's region"),
    "other": _Advice("{action} failed with {code}: {message}"),
}
_KINDS = {
    "missing": "NoCredentialsError NoAuthTokenError",
    "unobtainable": "PartialCredentialsError CredentialRetrievalError SSOError SSOTokenLoadError "
    "TokenRetrievalError RefreshWithMFAUnsupportedError InvalidConfigError "
    "UnknownCredentialError MetadataRetrievalError ConfigNotFound InfiniteLoopConfigError "
    f"LoginError LoginTokenLoadError {UNOBTAINABLE}",
    "misconfigured": "InvalidSTSRegionalEndpointsConfigError InvalidDefaultsMode "
    "InvalidChecksumConfigError InvalidRetryModeError InvalidMaxRetryAttemptsError "
    "InvalidRetryConfigurationError InvalidEndpointConfigurationError "
    f"MissingDependencyException UnknownServiceError {MISCONFIGURED}",
    "expired": "ExpiredToken ExpiredTokenException TokenExpired UnauthorizedSSOTokenError "
    "LoginRefreshTokenExpired",
    "invalid": "InvalidClientTokenId UnrecognizedClientException UnrecognizedClient "
    "SignatureDoesNotMatch InvalidSignatureException IncompleteSignature "
    "IncompleteSignatureException InvalidAccessKeyId MissingAuthenticationToken "
    "MissingAuthenticationTokenException OptInRequired SubscriptionRequiredException "
    "NotSignedUp",
    "denied": "AccessDenied AccessDeniedException UnauthorizedOperation "
    "UnauthorizedException AuthorizationError Forbidden",
    "unreachable": "EndpointConnectionError ConnectTimeoutError ConnectionClosedError "
    "ProxyConnectionError SSLError HTTPClientError ConnectionError UnknownEndpointError",
    "slow": "ReadTimeoutError",
    "clock": "RequestTimeTooSkewed RequestExpired RequestInTheFuture",
    "throttled": "Throttling ThrottlingException ThrottledException TooManyRequestsException "
    "RequestLimitExceeded RequestThrottled RequestThrottledException SlowDown LimitExceeded "
    "LimitExceededException PriorRequestNotComplete BandwidthLimitExceeded",
    "cut": f"{CUT} ResponseStreamingError IncompleteReadError ResponseParserError",
    "server": "500 502 503 504 InternalError InternalFailure InternalServerError "
    "InternalServerException InternalServiceError InternalServiceFault ServiceUnavailable "
    "ServiceUnavailableException",
    "closed": CLOSED,
    "odd": ODD,
    "region": "NoRegionError",
}
_KIND_OF = {code: kind for kind, codes in _KINDS.items() for code in codes.split()}
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
_USER = re.compile(r"//[^/@\s]*@")
_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One call that AWS did not answer, or one account or region that could not be used.

    ``action`` is named as IAM names it (``workspaces:DescribeWorkspaces``), ``code`` as AWS or
    botocore names the error. ``what``, ``where``, ``rule`` and ``fix`` say it in words.
    """

    action: str
    code: str
    message: str
    account_id: str | None = None
    region: str | None = None
    role_arn: str | None = None

    @property
    def kind(self) -> str:
        """The kind of failure in one word, such as ``denied``, ``expired`` or ``throttled``."""
        kind = _KIND_OF.get(self.code, "other")
        if kind == "invalid" and "expired" in self.message.lower():
            return "clock"
        if kind == "denied" and self.action == "sts:AssumeRole":
            return "trust"
        return "forbidden" if kind == "denied" and "explicit deny" in self.message else kind

    @property
    def where(self) -> str:
        """The account, region and role that were asked, as far as they are known."""
        account = f"account {self.account_id}" if self.account_id else ""
        role = f"role {self.role_arn}" if self.role_arn else ""
        return ", ".join(filter(None, (account, self.region, role)))

    @property
    def what(self) -> str:
        """The failure in words."""
        return self._say(_ADVICE[self.kind].what)

    @property
    def rule(self) -> str:
        """The rule that was broken; empty where none is known."""
        return self._say(_ADVICE[self.kind].rule)

    @property
    def fix(self) -> str:
        """The remedy; for a denied action with the IAM statement that allows it."""
        return self._say(_ADVICE[self.kind].fix)

    @property
    def statement(self) -> dict[str, object]:
        """The IAM statement that allows the action."""
        arns = [self.role_arn] if self.role_arn else []
        parts = (self.role_arn or "").split(":")
        partition = parts[1] if len(parts) > 1 else partition_of(self.region)
        return statement_for(self.action, partition=partition, role_arns=arns)

    def _say(self, text: str) -> str:
        return text.format(action=self.action, code=self.code, message=self.message,
                           statement=json.dumps(self.statement))

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        parts += [f"Rule: {self.rule}"] if self.rule else []
        parts += [f"Fix: {self.fix}"] if self.fix else []
        return ". ".join(part.rstrip(".") for part in parts) + "."


def fix_together(refusals: Sequence[Refusal]) -> str:
    """Give one remedy for *refusals* of one kind and on the same resources.

    One statement for all.
    """
    first = refusals[0]
    if len(refusals) == 1:
        return first.fix
    actions = list(dict.fromkeys(refusal.action for refusal in refusals))
    together = json.dumps(first.statement | {"Action": actions})
    return first.fix.replace(json.dumps(first.statement), together).replace(
        "the action needs", "the actions need")


class AwsError(WsanalyticsError):
    """A failed call to AWS; ``refusal`` has which one and why.

    The message names what is wrong, where, which rule it breaks and how to fix it. It never
    holds a secret.
    """

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))


def refusal_of(
    error: ClientError | BotoCoreError,
    *,
    action: str,
    account_id: str | None = None,
    region: str | None = None,
    role_arn: str | None = None,
) -> Refusal:
    """Describe the *error* that botocore raised in the call of *action*."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        if error.operation_name == "AssumeRole":  # credentials are renewed amid any other call
            action = "sts:AssumeRole"
        code, message = (
            str(details.get("Code") or "Unknown"),
            str(details.get("Message") or "no message"),
        )
    else:
        code, message = _known_name(error), str(error)
        if "Invalid header value" in message:  # the message holds the key, or the session token
            code = UNOBTAINABLE
            message = "a key or token has a line break or a letter that no key has"
    return Refusal(action=action, code=code, message=_plain(code, message), account_id=account_id,
                   region=region, role_arn=role_arn)


@contextmanager
def failures_told(
    action: str,
    *,
    account_id: str | None = None,
    region: str | None = None,
    role_arn: str | None = None,
) -> Iterator[None]:
    """Turn whatever botocore raises in this block into an :class:`AwsError` about *action*."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise AwsError(refusal_of(error, action=action, account_id=account_id, region=region,
                                  role_arn=role_arn)) from error
    except ResponseParserError as error:  # half an answer in XML from STS, or HTML
        raise AwsError(Refusal(
            action=action, code=CUT, message="it is no whole answer", account_id=account_id,
            region=region, role_arn=role_arn)) from error
    except RuntimeError as error:
        is_expired = "still expired" in str(error)
        # what AWS has just lent for an hour has expired by our clock alone
        expired = "ExpiredToken" if "AWS_CREDENTIAL_EXPIRATION" in os.environ else "RequestExpired"
        raise AwsError(Refusal(
            action=action, code=expired if is_expired else ODD,
            message="new credentials have expired already" if is_expired else _of_type(error),
            account_id=account_id, region=region, role_arn=role_arn)) from error
    except EOFError as error:  # botocore asks for the code of an MFA device
        raise AwsError(Refusal(action=action, code=UNOBTAINABLE, message=NO_TERMINAL,
                               account_id=account_id, region=region, role_arn=role_arn)) from error
    except OSError as error:  # such as the file of a web identity's token, or a program, not there
        raise AwsError(Refusal(action=action, code=UNOBTAINABLE, message=_plain("", str(error)),
                               account_id=account_id, region=region, role_arn=role_arn)) from error
    except _ODD_ANSWER as error:
        raise AwsError(Refusal(
            action=action, code=CUT if action.startswith("sts:") else ODD,
            message=_of_type(error), account_id=account_id, region=region,
            role_arn=role_arn)) from error


def _of_type(error: Exception) -> str:
    """Describe a parsing error in a line: its kind, and its message."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:_LONGEST_MESSAGE]}"


def _known_name(error: BotoCoreError) -> str:
    """Return the name of the error's class, or of its nearest base class that is known here."""
    names = [kind.__name__ for kind in type(error).__mro__]
    return next((name for name in names if name in _KIND_OF), names[0])


def _plain(code: str, message: str) -> str:
    """Return the message in one line and without secrets.

    AWS answers a wrong signature with the request it should have signed, session token included.
    """
    if _KIND_OF.get(code) == "invalid":
        return "the signature has expired" if "expired" in message.lower() else "not accepted"
    return without_secrets(message)


def without_secrets(message: str) -> str:
    """Return a *message* in one line, without the id of a key or the password of an address.

    >>> without_secrets("cannot reach http://joe:secret@127.0.0.1:9/")
    'cannot reach http://…@127.0.0.1:9/'
    """
    line = " ".join(message.split())[:_LONGEST_MESSAGE]
    return _USER.sub("//…@", _KEY_ID.sub("(key id)", line)).rstrip(".")
