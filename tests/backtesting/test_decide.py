"""What a plan decides on a day is what a backtest decided on that day, from the same past."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from tests.backtesting.backtests import SEE_THE_PAST, invented, prices
from tests.helpers.build import at
from wsanalytics.backtesting.backtest import backtest, rule_of
from wsanalytics.backtesting.decide import decide
from wsanalytics.backtesting.policies.rule import Choice, Rule
from wsanalytics.backtesting.policies.seen import Seen
from wsanalytics.timeline import Window

PLAYED = Window(at("2026-02-01"), at("2026-04-10"))


class Watched(Rule):
    """A policy that is looked at: what each WorkSpace was set to on each day, and became."""

    def __init__(self, name: str) -> None:
        self.rule, self.name = rule_of(name), name
        self.idle_stop_minutes = self.rule.idle_stop_minutes
        self.before: dict[datetime, pd.Series] = {}
        self.after: dict[datetime, pd.Series] = {}

    def decide(self, seen: Seen) -> Choice:
        self.before[seen.now] = seen.settings
        choice: Any = self.rule.decide(seen)
        if not isinstance(choice, pd.Series):
            choice = pd.Series([str(choice)] * len(seen.ids) if isinstance(choice, str)
                               or not hasattr(choice, "__len__") else list(map(str, choice)),
                               index=seen.ids)
        self.after[seen.now] = choice
        return choice


@pytest.mark.parametrize("name", SEE_THE_PAST)
def test_it_decides_as_a_backtest_does_on_each_day_from_the_same_past(name: str) -> None:
    sessions, fleet = invented()
    watched = Watched(name)
    backtest(sessions, [watched], workspaces=fleet, prices=prices(), window=PLAYED)
    parts = [series.rename("setting").rename_axis("workspace_id").reset_index().assign(since=day)
             for day, series in watched.after.items()]
    settings = pd.concat(parts)
    days = [day for day in watched.after if day.day in {1, 2, 6, 13, 17, 20, 24, 28}]
    assert len(days) > 12
    for day in days:
        found = decide(name, sessions, workspaces=fleet, prices=prices(), at=day,
                       present=watched.before[day],
                       settings=settings[settings["since"] < pd.Timestamp(day)])
        expected = watched.after[day].astype("str")
        told = found.settings["from_now"].reindex(expected.index)
        differs = told != expected
        if day == PLAYED.start:  # the first day of a backtest opens a month, as every 1st does
            assert day.day == 1
        assert not differs.any(), (day, told[differs], expected[differs])
