"""What every answer is made from: the fleet, its clock, what was done to it, and by whom."""

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
        """What goes wrong at present."""
        return self.gate.faults

    def estate(self, call: Call) -> Estate:
        """What the caller's account has in the region that was called."""
        return self.fleet.estate(call.account, call.region, call.now)


Handler = Callable[[World, Call], Answer]
"""Answers one action; raises ApiError where AWS would answer an error."""
Handlers = dict[tuple[str, str], Handler]
"""Who answers what, by service and action."""
