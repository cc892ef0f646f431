"""A local AWS endpoint with a living fleet, to try things out on and to test against.

>>> from wsanalytics.sandbox import Sandbox
>>> with Sandbox(workspaces=2) as box:
...     len(box.workspaces())
2
"""

from __future__ import annotations

from wsanalytics.sandbox.faults import Faults
from wsanalytics.sandbox.interventions import Interventions
from wsanalytics.sandbox.process import SandboxProcess
from wsanalytics.sandbox.server import Sandbox

__all__ = ["Faults", "Interventions", "Sandbox", "SandboxProcess"]
