"""The clock of a collector: what time it is, and waiting, so that tests need not wait."""

from __future__ import annotations

from datetime import UTC, datetime


class Clock:
    """This computer's clock, in UTC; tests and simulated endpoints have their own."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)

    def seen(self, answered_at: datetime) -> datetime:
        """Return the instant of an answer that came at *answered_at* of this computer's clock."""
        return answered_at
