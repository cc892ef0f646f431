"""Map access keys to their owners, and how long an assumed role's key lasts."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime, timedelta

from wsanalytics.sandbox.services.protocol import ApiError

SECRET = "sandbox"  # noqa: S105  # the sandbox checks no signature
"""The secret access key that belongs to every key."""


ROLE = "wsanalytics"
"""The role that a sandbox lets anybody assume in each of its accounts."""


def account_ids(count: int) -> tuple[str, ...]:
    """Return the ids of so many accounts: 111122223333, 222233334444 and so on.

    >>> account_ids(2)
    ('111122223333', '222233334444')
    """
    pattern = [111122223333 + index * 111111111111 for index in range(8)]
    return tuple(str(pattern[index] if index < len(pattern) else 900000000000 + index)
                 for index in range(count))


def role_arn(account: str) -> str:
    """Return the role that opens an *account*."""
    return f"arn:aws:iam::{account}:role/{ROLE}"


class Keys:
    """The access keys of *accounts*; a key that names none of them is the first account's."""

    def __init__(self, accounts: tuple[str, ...]) -> None:
        self.accounts = accounts
        self._ends: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def of(self, account: str) -> str:
        """Return the lasting access key of an account."""
        return f"AKIA{account}SANDBOX0"

    def account(self, key: str) -> str:
        """Return the account that a key belongs to."""
        return next((account for account in self.accounts if account in key), self.accounts[0])

    def lend(self, account: str, lasts: timedelta) -> tuple[str, datetime]:
        """Return a key of an assumed role in *account*, and when it ends by the wall clock."""
        key = f"ASIA{account}{secrets.token_hex(4).upper()}"
        ends_at = datetime.now(UTC) + lasts
        with self._lock:
            self._ends[key] = ends_at
        return key, ends_at

    def check(self, key: str, service: str) -> None:
        """Refuse the key of an assumed role that has ended."""
        ends_at = self._ends.get(key)
        if ends_at is not None and datetime.now(UTC) >= ends_at:
            code = "ExpiredToken" if service == "sts" else "ExpiredTokenException"
            raise ApiError(code, "The security token included in the request is expired")
