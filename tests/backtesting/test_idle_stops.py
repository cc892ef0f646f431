"""A stop that saves no billed hour is not made: an hour that has begun is paid."""

from __future__ import annotations

import pytest

from tests.backtesting.backtests import prices
from tests.helpers.build import Pair, sessions, window, workspaces
from wsanalytics.backtesting.backtest import backtest

MARCH = window("2026-03-01", "2026-04-01")


def played(rule: str, *pairs: Pair, minutes: int = 60) -> dict[str, tuple[float, float]]:
    """Billed hours and cold starts of holding, and of stopping 15 minutes after a disconnect."""
    found = backtest(sessions(*pairs), ["hold", "stop_when_idle:minutes=15"],
                     workspaces=workspaces(auto_stop_minutes=minutes), prices=prices(),
                     window=MARCH, hour_rule=rule).outcomes
    return {str(row["policy"])[:4]: (row["billed_hours"], row["cold_starts"])
            for row in found.to_dict("records")}


@pytest.mark.parametrize(("rule", "left", "back", "hours", "starts"), [
    # It would stop at 9:55 by itself: nothing is saved, and who is back at 9:40 does not wait.
    # Behind 10:20 it is stopped at 10:35, which saves hour 11.
    ("clock_hour", "08:55", "09:40", (4, 3), (1, 1)),
    # It would stop at 10:05: hour 10 is saved, and hour 13 behind the second session.
    ("clock_hour", "09:05", "12:00", (5, 3), (2, 2)),
    # A run from 8:00 to 10:05 is three hours, one that is stopped at 9:20 two.
    ("ceil_per_run", "09:05", "12:00", (5, 3), (2, 2)),
    # A run from 8:00 to 9:50 is two hours, as is one that is stopped at 9:05.
    ("ceil_per_run", "08:50", "12:00", (4, 3), (2, 2)),
    ("exact", "08:55", "12:00", (23 / 12 + 4 / 3, 70 / 60 + 35 / 60), (2, 2)),
])
def test_only_what_saves_an_hour_is_stopped(
    rule: str, left: str, back: str, hours: tuple[float, float], starts: tuple[int, int]
) -> None:
    day = "2026-03-02"
    end = "12:20" if back == "12:00" else "10:20"
    found = played(rule, (f"{day} 08:00", f"{day} {left}"), (f"{day} {back}", f"{day} {end}"))
    assert (found["hold"][1], found["stop"][1]) == starts
    assert (found["hold"][0], found["stop"][0]) == pytest.approx(hours)
