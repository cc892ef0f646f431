"""Orders that are found in looks of our own: late, of odd length, and with holes between them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pandas as pd
import pytest

from tests.helpers.build import ME, window, workspaces
from wsanalytics.history.history import History
from wsanalytics.sessions.find import find_sessions
from wsanalytics.sessions.observed_commands import observed_commands
from wsanalytics.settings import Setting
from wsanalytics.simulation.fleet import replay
from wsanalytics.simulation.workspace import EventKind, Life, Order, live

DAYS = 10
WHEN = window("2026-03-02", "2026-03-12")
INSTANTS = ("sampled_at", "last_connected_at", "checked_at")
Pairs = list[tuple[datetime, datetime]]


def draw(luck: random.Random, *, meddled: bool) -> tuple[Pairs, list[Order]]:
    """The sessions of ten days, and who else starts and stops the WorkSpace in them."""
    commands = []
    for day in range(DAYS) if meddled else ():
        for share, kind in ((0.6, EventKind.START_REQUESTED), (0.3, EventKind.STOP_REQUESTED)):
            moment = WHEN.start + timedelta(days=day, minutes=luck.uniform(0, 1439))
            commands += [Order(moment, kind)] if luck.random() < share else []
    stops = [order.at for order in commands if order.kind is EventKind.STOP_REQUESTED]
    pairs = []
    moment = WHEN.start + timedelta(minutes=luck.uniform(0, 600))
    while moment < WHEN.end - timedelta(hours=6):
        leaves = moment + timedelta(minutes=luck.uniform(5, 300))
        pairs.append((moment, min([leaves, *(at for at in stops if moment < at < leaves)])))
        moment = leaves + timedelta(minutes=luck.uniform(2, 900))
    return pairs, commands


def looks(
    luck: random.Random, pairs: Pairs, life: Life, *, every: int, takes: int, lag: int, holes: bool
) -> pd.DataFrame:
    """What looks of so many minutes' distance see, each of up to *takes* seconds."""
    unseen = [(start, start + timedelta(minutes=luck.uniform(12, 400)))
              for start in (WHEN.start + timedelta(minutes=luck.uniform(0, 14_400))
                            for _ in range(5 if holes else 0))]
    rows = []
    for step in range(DAYS * 1440 // every):
        at = WHEN.start + timedelta(minutes=every * step, seconds=luck.uniform(0, takes))
        at = at.replace(microsecond=0)
        checked = (at - timedelta(seconds=luck.uniform(0, lag))).replace(microsecond=0)
        if any(start <= at < end for start, end in unseen):
            continue
        is_on = any(run.started_at <= at < run.stopped_at for run in life.runs)
        starts = any(came <= at < came + timedelta(seconds=80) for came in life.cold_starts)
        busy = any(came <= checked < left for came, left in pairs)
        last = [min(left, checked) for came, left in pairs if came <= checked]
        rows.append((ME, at, "CONNECTED" if busy else "DISCONNECTED",
                     "STARTING" if starts else "AVAILABLE" if is_on else "STOPPED",
                     last[-1].replace(microsecond=0) if last else pd.NaT, checked))
    frame = pd.DataFrame(rows, columns=["workspace_id", "sampled_at", "connection_state", "state",
                                        "last_connected_at", "checked_at"])
    for name in INSTANTS:
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    frame = frame.sort_values("sampled_at").drop_duplicates("sampled_at", ignore_index=True)
    return frame.assign(source="sample")


def hours_touched(pairs: Pairs) -> int:
    """How many hours of the clock some runs touch."""
    return len({hour for start, end in pairs
                for hour in pd.date_range(pd.Timestamp(start).floor("h"), end, freq="h",
                                          inclusive="left")})


@pytest.mark.parametrize("how", [
    pytest.param({"every": 5, "takes": 30, "lag": 90, "holes": False}, id="five minutes"),
    pytest.param({"every": 5, "takes": 420, "lag": 0, "holes": False}, id="a look of 7 minutes"),
    pytest.param({"every": 5, "takes": 30, "lag": 90, "holes": True}, id="holes"),
    pytest.param({"every": 30, "takes": 60, "lag": 60, "holes": False}, id="half an hour"),
])
@pytest.mark.parametrize("meddled", [False, True])
def test_looks_of_our_own_find_the_hours_that_were_on_and_make_up_none(
    how: dict[str, int], *, meddled: bool
) -> None:
    truth = found = 0
    for seed in range(8):
        luck = random.Random(seed)
        setting = f"AUTO_STOP:{luck.choice([60, 60, 120, 240])}"
        pairs, commands = draw(luck, meddled=meddled)
        life = live(pairs, Setting.parse(setting), WHEN, commands=commands)
        seen = History(workspaces(auto_stop_minutes=int(setting[10:])),
                       looks(luck, pairs, life, **how), WHEN)  # type: ignore[arg-type]
        sessions = find_sessions(seen)
        made = observed_commands(seen, sessions)
        assert meddled or made.empty
        runs = replay(sessions, [setting], window=WHEN, commands=made).runs
        own = hours_touched([(run.started_at, run.stopped_at) for run in life.runs])
        same = hours_touched(list(zip(runs["started_at"], runs["stopped_at"], strict=True)))
        assert how["holes"] or abs(same - own) <= 3
        truth, found = truth + own, found + same
    assert (0.93 if how["holes"] else 0.99) * truth <= found <= 1.01 * truth
