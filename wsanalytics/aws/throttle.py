"""Limit the rate of calls to AWS.

A token bucket for each account and region, shared by all callers.

The WorkSpaces API answers two calls a second with a burst of five and refuses the rest, and a
refused call costs a second one. So every attempt waits for its turn before it is sent.
"""

from __future__ import annotations

import threading
import time

PER_CALL = 25
"""WorkSpaces in one call: in an answer of DescribeWorkspaces, in a question for statuses, and in
StartWorkspaces, StopWorkspaces and CreateWorkspaces."""
RATE_PER_SECOND, BURST = 1.95, 4.0
"""The pace of WorkSpaces calls: just under what the service takes (2 a second, burst 5)."""
TRAIL_RATE_PER_SECOND, TRAIL_BURST = 1.95, 1.0
"""The pace of CloudTrail's LookupEvents, which takes 2 calls a second and knows no burst."""


class Bucket:
    """A token bucket that any number of threads may share: *rate* tokens a second, *burst* at most.

    It starts full.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._filled_at = burst, time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one token: 0.0, or where none is left the seconds to wait before asking again."""
        with self._lock:
            now = time.monotonic()
            # Refilled when somebody asks, by the time since: no thread is needed to fill the
            # bucket.
            self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
            self._filled_at = now
            if self._tokens < 1:
                return (1 - self._tokens) / self.rate
            self._tokens -= 1
            return 0.0

    def wait(self) -> None:
        """Take one token, however long that takes."""
        # Another thread may have taken the token meanwhile, so ask again after each sleep.
        while seconds := self.take():
            time.sleep(seconds)

    def set_pace(self, rate: float, burst: float) -> None:
        """Go on with another rate and burst; tokens that were taken stay taken."""
        with self._lock:
            self.rate, self.burst = rate, burst


_BUCKETS: dict[tuple[str, ...], Bucket] = {}
_BUCKETS_LOCK = threading.Lock()


def bucket_for(*key: str, rate: float, burst: float) -> Bucket:
    """Return the one bucket of this process for *key* (endpoint, account, region, service)."""
    with _BUCKETS_LOCK:
        if key not in _BUCKETS:
            _BUCKETS[key] = Bucket(rate, burst)
        bucket = _BUCKETS[key]
    # Outside of the lock of all buckets: a bucket has its own.
    bucket.set_pace(rate, burst)
    return bucket
