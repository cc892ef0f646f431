"""How a collector that goes on and on is doing: said once when it fails, and once when it ends.

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
    """Since when a place fails, for how many rounds, and why."""

    since: datetime
    rounds: int
    message: str
    told_at: int = 1


@dataclass
class Health:
    """Follows the rounds of a collector; *tell* is told what changes for better or worse."""

    path: Path
    log: Callable[[str], None]
    failing: dict[str, _Failing] = field(default_factory=dict)
    rounds: int = 0
    good_at: datetime | None = None
    is_written: bool = True

    def note(self, rows: Iterable[dict[str, Any]], at: datetime) -> None:
        """Take in the rows of one round, of all accounts and regions that were looked at."""
        self.rounds += 1
        for row in rows:
            self._follow(_place(row), row, at)
        if not self.failing:
            self.good_at = at
        self._write(at)

    def _follow(self, place: str, row: dict[str, Any], at: datetime) -> None:
        before = self.failing.get(place)
        if row["outcome"] != REFUSED:
            self._recovered(place)
        elif before is None:
            self.failing[place] = _Failing(at, 1, str(row["message"]))
            self.log(f"{place}: failed at {at:%Y-%m-%d %H:%M} UTC, and is tried again: "
                      f"{row['message']}")
        else:
            before.rounds, before.message = before.rounds + 1, str(row["message"])
            if before.rounds >= 2 * before.told_at:  # the longer it lasts, the rarer
                before.told_at = before.rounds
                self.log(f"{place}: still fails, {counted(before.rounds, 'round')} since "
                          f"{before.since:%Y-%m-%d %H:%M} UTC: {row['message']}")

    def _recovered(self, place: str) -> None:
        before = self.failing.pop(place, None)
        if before is not None:
            self.log(f"{place}: works again after {counted(before.rounds, 'failed round')}")

    def _write(self, at: datetime) -> None:
        about = {
            "schema": "wsanalytics.collecting", "version": 1, "at": _text(at),
            "ok": not self.failing, "good_at": _text(self.good_at), "rounds": self.rounds,
            "failing": {place: {"since": _text(one.since), "rounds": one.rounds,
                                "message": one.message}
                        for place, one in sorted(self.failing.items())},
        }
        try:
            write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", self.path)
        except WsanalyticsError as error:  # a full disk: the rows of the round say so as well
            if self.is_written:
                self.log(f"its state cannot be written: {error}")
            self.is_written = False
        else:
            self.is_written = True


def _place(row: dict[str, Any]) -> str:
    return " ".join(str(part) for part in (row["account_id"], row["region"]) if part) or "AWS"


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
