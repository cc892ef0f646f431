"""A simulated month of stop-idle and start-early on a living fleet: ``python idlemonth.py DAYS``.

Two sandboxes with the same people: in one nothing is done, in the other the two commands run again
and again, over HTTP. Printed as JSON: what the sandbox's own meter says and how often users waited,
before and after, and by how much the machine in ``simulate.workspace``, fed with the same sessions
and the same orders, disagrees (by nothing).
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from tests.helpers.sandboxes import BoxClock, connected
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.start_early import start_early
from wsanalytics.actions.stop_idle import stop_idle
from wsanalytics.aws.writer import Writer
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.collector import collect
from wsanalytics.history.store import Store
from wsanalytics.sandbox.server import Sandbox
from wsanalytics.settings import Setting
from wsanalytics.simulation.workspace import EventKind, Order, live
from wsanalytics.timeline import Window

START = datetime(2026, 10, 1, tzinfo=UTC)
STEP = timedelta(minutes=30)
TERMS = RunOptions(limit=None, retry=RetryPolicy(poll_seconds=0.01, propagation_seconds=0.1))


def month(
    days: int, *, workspaces: int = 40, seed: int = 4, step: timedelta = STEP
) -> dict[str, Any]:
    """Let *days* pass with and without the two commands, which run once every *step*."""
    end = START + timedelta(days=days)
    options: dict[str, Any] = {"workspaces": workspaces, "seed": seed, "start": START, "speed": 0,
                               "history_days": 30}
    with Sandbox(**options) as calm:
        calm.clock.step(end - START)
        before = totals(calm)
    with Sandbox(**options) as box, connected(box) as both, tempfile.TemporaryDirectory() as tmp:
        stopped, started = keep_at_it(box, both, Path(tmp), end, step)
        after = totals(box)
        differing = disagreements(box, Window(START, end))
    return {"days": days, "workspaces": workspaces, "stopped": stopped, "started": started,
            "before": before, "after": after, "disagreements": differing}


def keep_at_it(
    box: Sandbox, both: Any, folder: Path, end: datetime, step: timedelta
) -> tuple[int, int]:
    """Backfill once, then run both commands again and again; how much was done."""
    store, journal, writer = folder / "store", folder / "a.jsonl", Writer(both[0][0])
    clock = BoxClock(box)
    collect(store, connections=both, clock=clock)
    backfill(store, connections=both, days=29, clock=clock)
    place, done = Store(store), [0, 0]
    terms = RunOptions(limit=None, retry=TERMS.retry, clock=box.clock.now)
    while box.clock.now() + step <= end:
        before = box.clock.now().date()
        if box.clock.step(step).date() != before:
            backfill(store, connections=both, days=2, clock=clock)
            place.compact(box.clock.now().date())
        collect(store, connections=both, clock=clock)
        frames = (
            stop_idle(place, writer, idle=timedelta(minutes=15), dry_run=False, journal=journal,
                      options=terms),
            start_early(place, writer, ahead=step, min_chance=0.7, dry_run=False, journal=journal,
                        options=terms),
        )
        for number, frame in enumerate(frames):
            done[number] += int(frame["outcome"].eq("done").sum())
    box.clock.step(end - box.clock.now())
    return done[0], done[1]


def totals(box: Sandbox) -> dict[str, float]:
    """What the meter says of the days since START; the history before is in whole months."""
    bill = box.bill()
    own = bill[bill["month"] >= f"{START:%Y-%m}"]
    return {"usd": round(float(own["total_usd"].sum()), 2),
            "billed_hours": float(own["billed_hours"].sum()),
            "waits": int(own["cold_starts"].sum())}


def disagreements(box: Sandbox, window: Window) -> int:
    """In how many WorkSpaces the machine, fed with the same orders, has other runs or waits."""
    sessions, settings, commands = box.sessions(), box.settings(), box.orders()
    kinds = {"START": EventKind.START_REQUESTED, "STOP": EventKind.STOP_REQUESTED}
    wrong = 0
    for desktop in box.world.fleet.everything():
        if desktop.facts.manual:
            continue
        name, life = desktop.workspace_id, desktop.life
        own = sessions[sessions["workspace_id"] == name]
        told = commands[commands["workspace_id"] == name]
        opening = settings[settings["workspace_id"] == name]["setting"].iloc[0]
        since = max(life.born_at, box.history_start)
        lived = live(
            list(zip(own["connected_at"], own["disconnected_at"], strict=True)),
            Setting.parse(opening), Window(since, window.end),
            commands=[Order(row["at"].to_pydatetime(), kinds.get(row["order"],
                    EventKind.SETTING_CHANGES), None if row["order"] in kinds
                    else Setting.parse(row["order"])) for row in told.to_dict("records")])
        real = life.runs(window.end)
        runs = [(pd.Timestamp(one.started_at).value // 1000,
                 pd.Timestamp(one.stopped_at).value // 1000) for one in lived.runs]
        cold = [pd.Timestamp(one).value // 1000 for one in lived.cold_starts]
        wrong += runs != list(zip(real.starts.tolist(), real.ends.tolist(), strict=True)) or (
            cold != [at for at in life.cold_starts if at <= window.micros[1]])
    return wrong


if __name__ == "__main__":
    sys.stdout.write(json.dumps(month(int(sys.argv[1])), indent=1) + "\n")
