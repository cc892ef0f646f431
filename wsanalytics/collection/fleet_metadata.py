"""Cache what rarely changes about a fleet: its directories, bundles and tags."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field
from typing import Any

from wsanalytics.aws import AwsError, Connection, read_bundles, read_directories, read_tags, text

_LOG = logging.getLogger(__name__)
HOLD_SECONDS = 3600
"""They are asked for again after an hour."""


@dataclass
class Facts:
    """Directories, bundles and tags of one account and region, as they were last had.

    ``missing`` says what could not be had this time, ``failed`` names what never could.
    """

    directories: list[dict[str, Any]] = field(default_factory=list)
    bundles: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    _good: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)
    _read_at: float = -math.inf

    def refresh(self, connection: Connection, described: list[dict[str, Any]]) -> None:
        """Ask again if it is time to, or if a new bundle was seen; any of the three may be denied.

        *described* are the WorkSpaces, whose bundles are asked for.
        """
        bundles = {text(workspace.get("BundleId")) for workspace in described} - {""}
        new = bundles - self._asked
        if time.monotonic() - self._read_at < HOLD_SECONDS and not new:
            return
        self._read_at, self.failed, self.missing = time.monotonic(), set(), []
        self._asked |= bundles
        for name, read in (
            ("directories", lambda: read_directories(connection)),
            ("bundles", lambda: read_bundles(connection, sorted(bundles))),
            ("tags", lambda: read_tags(connection)),
        ):
            try:
                setattr(self, name, read())
                self._good.add(name)
            except AwsError as error:
                _LOG.warning("%s", error)
                self.missing.append(f"without {name}: {error.refusal.action} was refused")
                self.failed |= {name} - self._good
                self._read_at = -math.inf  # asked for again at the next poll
