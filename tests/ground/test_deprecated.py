"""Names of earlier versions still work, and say what they are called now."""

from __future__ import annotations

import pytest

import wsanalytics as ws
from tests.helpers.build import at, sessions, window
from wsanalytics.errors import InputError


def test_names_of_earlier_versions_are_the_new_ones() -> None:
    with pytest.warns(DeprecationWarning, match="called RunOptions now"):
        old = ws.Terms  # type: ignore[attr-defined]  # no stub names it any more
    assert old is ws.RunOptions
    with pytest.warns(DeprecationWarning, match="called observed_commands now"):
        assert ws.observed_orders is ws.observed_commands  # type: ignore[attr-defined]
    with pytest.warns(DeprecationWarning, match="called calibration_table now"):
        assert ws.by_fear is ws.calibration_table  # type: ignore[attr-defined]
    with pytest.warns(DeprecationWarning, match="settle is propagation_seconds"):
        policy = ws.Patience(settle=3, tries=2)  # type: ignore[attr-defined]
    assert policy == ws.RetryPolicy(propagation_seconds=3, max_attempts=2)
    assert not {"Terms", "Patience", "observed_orders"} & set(ws.__all__)


def test_arguments_of_earlier_versions_are_taken() -> None:
    with pytest.warns(DeprecationWarning, match="'tell' is called 'log' now"):
        assert ws.RunOptions(tell=print).log is print  # type: ignore[call-arg]
    with (pytest.warns(DeprecationWarning, match="'looks' is called 'rounds' now"),
          pytest.raises(InputError, match="nowhere-1")):
        ws.collect("store", looks=1, regions=["nowhere-1"])  # type: ignore[call-arg]
    when = window("2026-01-05", "2026-01-06")
    used = sessions((at("2026-01-05T08:00Z"), at("2026-01-05T09:00Z")))
    with pytest.warns(DeprecationWarning, match="'orders' is called 'commands' now"):
        replayed = ws.replay(used, ["AUTO_STOP:60"], window=when, orders=None)  # type: ignore[call-arg]
    with pytest.warns(DeprecationWarning, match="Replay.orders is called commands now"):
        assert replayed.orders.empty
    with pytest.raises(TypeError, match="are the same"), pytest.warns(
            DeprecationWarning, match="called 'log' now"):
        ws.RunOptions(tell=print, log=print)  # type: ignore[call-arg]


def test_an_error_says_its_repair_by_both_names() -> None:
    with pytest.warns(DeprecationWarning, match="called 'fix' now"):
        error = InputError("x", mend="y")  # type: ignore[call-arg]
    assert str(error) == "x. Fix: y."
    with pytest.warns(DeprecationWarning, match="called fix now"):
        assert error.mend == "y"
