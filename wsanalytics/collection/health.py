"""Follow the health of a long-running collector: logged when it fails, and when it works.

Beside that a small file in the store is replaced after every round, for whoever watches it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from wsanalytics.collection.accounts import REFUSED
from wsanalytics.errors import WsanalyticsError
from wsanalytics.files import write_text
from wsanalytics.formatting import counted

NAME = ".collect.json"
"""The file in a store's folder; a supervisor may watch its ``ok``, its ``at``, or its age."""


@dataclass
class _Failing:
    """A failing account and region: since when, for how many rounds, and why."""

    since: datetime
    rounds: int
    message: str
    logged_at_round: int = 1


@dataclass
class Health:
    """Follows the rounds of a collector; ``log`` receives each change for better or worse."""

    path: Path
    log: Callable[[str], None]
    failing: dict[str, _Failing] = field(default_factory=dict)
    rounds: int = 0
    good_at: datetime | None = None
    is_written: bool = True

    def note(self, rows: Iterable[dict[str, Any]], at: datetime) -> None:
        """Take in the rows of one round, of all accounts and regions that were polled."""
        self.rounds += 1
        for row in rows:
            self._follow(_where(row), row, at)
        if not self.failing:
            self.good_at = at
        self._write(at)

    def _follow(self, where: str, row: dict[str, Any], at: datetime) -> None:
        before = self.failing.get(where)
        if row["outcome"] != REFUSED:
            self._recovered(where)
        elif before is None:
            self.failing[where] = _Failing(at, 1, str(row["message"]))
            self.log(f"{where}: failed at {at:%Y-%m-%d %H:%M} UTC, and is tried again: "
                      f"{row['message']}")
        else:
            before.rounds, before.message = before.rounds + 1, str(row["message"])
            if before.rounds >= 2 * before.logged_at_round:  # the longer it lasts, the rarer
                before.logged_at_round = before.rounds
                self.log(f"{where}: still fails, {counted(before.rounds, 'round')} since "
                          f"{before.since:%Y-%m-%d %H:%M} UTC: {row['message']}")

    def _recovered(self, where: str) -> None:
        before = self.failing.pop(where, None)
        if before is not None:
            self.log(f"{where}: works again after {counted(before.rounds, 'failed round')}")

    def _write(self, at: datetime) -> None:
        about = {
            "schema": "wsanalytics.collecting", "version": 1, "at": _text(at),
            "ok": not self.failing, "good_at": _text(self.good_at), "rounds": self.rounds,
            "failing": {where: {"since": _text(failing.since), "rounds": failing.rounds,
                                "message": failing.message}
                        for where, failing in sorted(self.failing.items())},
        }
        try:
            write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", self.path)
        except WsanalyticsError as error:  # a full disk: the rows of the round say so as well
            if self.is_written:
                self.log(f"its state cannot be written: {error}")
            self.is_written = False
        else:
            self.is_written = True


def _where(row: dict[str, Any]) -> str:
    return " ".join(str(part) for part in (row["account_id"], row["region"]) if part) or "AWS"


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
