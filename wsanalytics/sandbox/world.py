"""Hold the world that answers are made from: the fleet, its clock, and what was done to it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from wsanalytics.sandbox.clock import Clock
from wsanalytics.sandbox.event_record import Record
from wsanalytics.sandbox.faults import Faults, Gate
from wsanalytics.sandbox.fleet import Estate, Fleet
from wsanalytics.sandbox.keys import Keys
from wsanalytics.sandbox.services.protocol import Answer, Call


@dataclass(eq=False)
class World:
    """The sandbox's state. Whoever touches the fleet holds ``lock``."""

    fleet: Fleet
    clock: Clock
    gate: Gate
    keys: Keys
    record: Record = field(default_factory=Record)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def faults(self) -> Faults:
        """The failures that are injected at present."""
        return self.gate.faults

    def estate(self, call: Call) -> Estate:
        """Return the estate of the caller's account in the region that was called."""
        return self.fleet.estate(call.account, call.region, call.now)


Handler = Callable[[World, Call], Answer]
"""Answers one action; raises ApiError where AWS would answer an error."""
Handlers = dict[tuple[str, str], Handler]
"""The handlers of actions, by service and action."""
