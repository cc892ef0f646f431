"""Find the cheapest running mode and AutoStop timeout for every Amazon WorkSpace.

Frames flow, values do not change: samples become sessions, sessions are replayed under other
settings, the replay is billed, the charges are compared, the comparison becomes a plan.

    import wsanalytics as ws
    history = ws.sample_history()
    analysis = ws.analyse_history(history)

What a notebook needs is here, listed by topic in ``__init__.pyi``; each name is loaded on first
use, so importing costs nothing.
"""

from __future__ import annotations

import warnings
from typing import Any

import lazy_loader

# The stub is the list of public names, for people, type checkers and this loader alike.
_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
_RENAMED = {"Terms": "RunOptions", "observed_orders": "observed_commands",
            "by_fear": "calibration_table"}
"""Public names of earlier versions, and what they are now."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  # whatever the name stands for
    if name == "Patience":  # its fields have other names, too
        return _load("RetryPolicy").of_patience
    if name in _RENAMED:
        warnings.warn(f"wsanalytics.{name} is called {_RENAMED[name]} now", DeprecationWarning,
                      stacklevel=2)
        return _load(_RENAMED[name])
    return _load(name)
