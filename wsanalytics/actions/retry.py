"""Decide when a call that changes AWS is sent again, and when it is given up: one rule for all.

ModifyWorkspaceProperties, StartWorkspaces, StopWorkspaces and CreateWorkspaces are never repeated
blindly. After each answer the WorkSpace is read again, and only where it is not as it was asked
for does :func:`next_step` say what follows: wait, send the request again, or give up. That makes it
safe to lose an answer: a request that took effect is seen to have done so, and is not sent twice.

What each kind of answer allows (:class:`~wsanalytics.aws.Meaning`):

=========  ====================================================================================
taken      AWS has accepted it: wait up to ``confirm_seconds`` for the effect, never send again
unsure     no answer, or none to be trusted: send again after ``propagation_seconds`` at the least
later      AWS has not done it (throttled, another change): send again after the backoff
refused    the caller ends it at once
=========  ====================================================================================

*Reads* are retried by :mod:`wsanalytics.aws` itself, for they change nothing; what still
fails is read ``max_reads`` times (:func:`read_with_retries`), so that a change is seen to its end.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from wsanalytics.aws import Answer, AwsError, Meaning

T = TypeVar("T")

PASSING_READ_FAILURES = {"server", "slow", "unreachable", "cut", "odd", "throttled"}
"""Kinds of failure of a read after which it is made once more."""
LONGEST_BACKOFF_SECONDS = 20.0
"""Doubling ends here: AWS's own clients wait no longer between two tries either."""


_FIELDS_BEFORE = {
    "settle": "propagation_seconds", "confirm": "confirm_seconds", "passing": "transition_seconds",
    "poll": "poll_seconds", "backoff": "backoff_seconds", "tries": "max_attempts",
    "looks": "max_reads",
}
"""Former names of the fields of the retry policy, from when it was called Patience."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The seconds and counts for which AWS is waited for, in everything that changes it.

    ``propagation_seconds``: after an answer that says nothing, how long an effect is looked for
    before the request is sent again (AWS shows a change within 10 s). ``confirm_seconds``: how long
    after AWS has accepted it. ``transition_seconds``: how long for STARTING or STOPPING to be over.
    ``poll_seconds``: between two reads. ``backoff_seconds``: before the second attempt of what AWS
    puts off, doubled from attempt to attempt. ``max_attempts``: of one request. ``max_reads``: of
    one state, where reading itself fails. ``sleep`` waits for so many seconds, and ``monotonic``
    counts them: by the computer's clock or another one.
    """

    propagation_seconds: float = 15
    confirm_seconds: float = 180
    transition_seconds: float = 90
    poll_seconds: float = 2
    backoff_seconds: float = 1
    max_attempts: int = 10
    max_reads: int = 4
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    @classmethod
    def of_patience(cls, **fields: Any) -> RetryPolicy:  # noqa: ANN401  # seconds and counts
        """Give the policy by the names of fields that it once had; deprecated."""
        warnings.warn("Patience is RetryPolicy now, and its fields carry units: "
                      f"{', '.join(f'{old} is {new}' for old, new in _FIELDS_BEFORE.items())}",
                      DeprecationWarning, stacklevel=2)
        return cls(**{_FIELDS_BEFORE[name]: value for name, value in fields.items()})

    def seconds_since(self, attempts: Attempts) -> float:
        """Return the seconds since the last of *attempts* was sent."""
        return self.monotonic() - attempts.sent_at


@dataclass(slots=True)
class Attempts:
    """The requests that were sent for one change: how many, when, and what the last answer meant.

    ``count`` begins anew with a request for something else, such as the timeout after the mode.
    ``message`` is what AWS said last. ``sent_at`` is monotonic seconds.
    """

    count: int = 0
    sent_at: float = 0.0
    meaning: Meaning = Meaning.UNSURE
    message: str = ""

    def record(self, answer: Answer, *, sent_at: float, is_new_request: bool = False) -> None:
        """Note that a request was sent, and what came of it."""
        self.count = 1 if is_new_request else self.count + 1
        self.sent_at, self.meaning = sent_at, answer.meaning
        self.message = f"{answer.code}: {answer.message}" if answer.code else ""


class Step(StrEnum):
    """The next step after a read that does not show the requested effect."""

    WAIT = "wait"
    SEND = "send"
    UNCONFIRMED = "unconfirmed"
    """AWS has accepted it, and it has not come about in all that time."""
    GIVE_UP = "give up"
    """It was sent as often as it may be."""


def next_step(attempts: Attempts, policy: RetryPolicy) -> Step:
    """Say what to do about a change that a fresh read does not show yet."""
    waited = policy.seconds_since(attempts)
    if attempts.meaning is Meaning.TAKEN:
        return Step.UNCONFIRMED if waited > policy.confirm_seconds else Step.WAIT
    needed = policy.propagation_seconds if attempts.meaning is Meaning.UNSURE else min(
        LONGEST_BACKOFF_SECONDS, policy.backoff_seconds * 2.0 ** (attempts.count - 1))
    if waited < needed:
        return Step.WAIT
    # Only now: the last attempt deserves the same time to show its effect as those before it.
    return Step.GIVE_UP if attempts.count >= policy.max_attempts else Step.SEND


def failure_of(step: Step, attempts: Attempts, policy: RetryPolicy, found: str) -> str:
    """Say why a change has failed, where *found* was read last; empty where it goes on."""
    if step is Step.UNCONFIRMED:
        return f"AWS took it, but after {policy.seconds_since(attempts):.0f} s it is {found}"
    if step is Step.GIVE_UP:
        return f"given up after {attempts.count} tries; it is {found}. {attempts.message}"
    return ""


def read_with_retries(read: Callable[[], T], policy: RetryPolicy) -> T:
    """Read, and again where AWS fails to answer in passing; :class:`AwsError` of the last time."""
    for _ in range(policy.max_reads - 1):
        try:
            return read()
        except AwsError as error:
            if error.refusal.kind not in PASSING_READ_FAILURES:
                raise
            policy.sleep(policy.poll_seconds)
    return read()
