"""Sessions found from what was collected, against the sessions that people really had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from tests.helpers.fakes import FakeFleet
from tests.helpers.sandboxes import BoxClock
from wsanalytics.collection.collector import collect
from wsanalytics.history.folder import read_history
from wsanalytics.sessions.find import find_sessions

START = datetime(2026, 10, 6, 11, 0, 11, tzinfo=UTC)
"""Where the office hours of most of the fleet begin."""
EVERY = timedelta(minutes=5)
LOOKS = 12 * 12
WORKSPACES = 150
SECOND = pd.Timedelta(seconds=1)


@pytest.fixture(scope="module")
def twelve_hours(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Twelve hours of a fleet, looked at every five minutes: found sessions, and the true ones."""
    store = tmp_path_factory.mktemp("collected") / "store"
    box = FakeFleet(WORKSPACES, history_days=2, seed=5, start=START)
    box.call_seconds = 0
    for _ in range(LOOKS):
        collect(store, connections=([box.connection()], []), clock=BoxClock(box))
        box.clock.step(EVERY)
    truth = box.sessions()
    history = read_history(store, start=START.date(), end=(START + LOOKS * EVERY).date()
                           + timedelta(days=1))
    assert len(history.samples) == WORKSPACES * LOOKS
    return find_sessions(history), truth


def observed(truth: pd.DataFrame) -> pd.DataFrame:
    end = START + (LOOKS - 1) * EVERY
    return truth[(truth["connected_at"] > START) & (truth["disconnected_at"] < end)]


def test_no_session_is_lost_that_lasted_over_an_interval(
    twelve_hours: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    found, truth = twelve_hours
    own = observed(truth)
    long = own[own["disconnected_at"] - own["connected_at"] > EVERY]
    assert len(long) > 60
    for row in long.itertuples():
        same = found[found["workspace_id"] == row.workspace_id]
        assert ((same["connected_at"] < row.disconnected_at)
                & (same["disconnected_at"] > row.connected_at)).any(), row


def test_no_session_is_lost_whose_end_a_look_could_still_tell(
    twelve_hours: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """AWS tells the last moment of connection, so of several ends between two looks the last."""
    found, truth = twelve_hours
    own = observed(truth)
    look = ((own["disconnected_at"] - START) // EVERY).astype("int64")
    last = own[~own.assign(look=look).duplicated(["workspace_id", "look"], keep="last")]
    seen = truth.copy()
    for row in last.itertuples():
        next_look = START + (((row.disconnected_at - START) // EVERY) + 1) * EVERY
        again = seen[(seen["workspace_id"] == row.workspace_id)
                     & (seen["connected_at"] > row.disconnected_at)
                     & (seen["connected_at"] <= next_look)]
        if len(again):
            continue  # connected again at the next look: that is the last moment then
        same = found[found["workspace_id"] == row.workspace_id]
        off = (same["disconnected_at"] - row.disconnected_at).abs()
        assert (off <= 2 * SECOND).any(), row


def test_every_end_lies_within_the_stated_uncertainty(
    twelve_hours: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    found, truth = twelve_hours
    assert len(found) > 150 and found["revealed"].any()
    end = START + (LOOKS - 1) * EVERY
    for row in found.itertuples():
        same = truth[truth["workspace_id"] == row.workspace_id]
        for instant, uncertain, column in (
            (row.connected_at, row.start_uncertain_minutes, "connected_at"),
            (row.disconnected_at, row.end_uncertain_minutes, "disconnected_at"),
        ):
            if not START + EVERY < instant < end - EVERY:
                continue  # at the edge of the observation nobody knows
            allowed = pd.Timedelta(minutes=uncertain) + 2 * SECOND
            assert ((same[column] - instant).abs() <= allowed).any(), (row, column)
