"""A local AWS endpoint with a living fleet, to try things out on and to test against.

>>> from wsanalytics.sandbox import Sandbox
>>> with Sandbox(workspaces=2) as box:
...     len(box.workspaces())
2
"""

from __future__ import annotations

from wsanalytics.sandbox.faults import THROTTLE, Faults
from wsanalytics.sandbox.interventions import Interventions
from wsanalytics.sandbox.keys import account_ids, role_arn
from wsanalytics.sandbox.process import SandboxProcess
from wsanalytics.sandbox.server import Sandbox

__all__ = [
    "THROTTLE",
    "Faults",
    "Interventions",
    "Sandbox",
    "SandboxProcess",
    "account_ids",
    "role_arn",
]
