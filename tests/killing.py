"""Kill a collector at random moments, look at what it left: ``python killing.py TIMES SEED DIR``.

Every look happens in a process of its own line, forked from this one so that the imports are paid
for once. After each SIGKILL the store must open and hold every look that had come to its end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from datetime import date, datetime
from pathlib import Path
from urllib.request import Request, urlopen

from wsanalytics.aws.client import connect
from wsanalytics.collector import collect
from wsanalytics.looking import Clock
from wsanalytics.sandbox import SandboxProcess
from wsanalytics.store import Store

WORKSPACES = 60


class Stepped(Clock):
    """A clock that stands still but for a minute a look."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.step(0)

    def step(self, seconds: float) -> None:
        body = json.dumps({"step_seconds": seconds}).encode()
        with urlopen(Request(f"{self.url}/sandbox/clock", data=body, method="POST")) as answer:  # noqa: S310  # our own endpoint
            self.at = datetime.fromisoformat(json.load(answer)["now"])

    def now(self) -> datetime:
        return self.at

    def seen(self, answered_at: datetime) -> datetime:
        return self.at


def keep_looking(url: str, store: Path, done: int) -> None:
    """Look again and again, and say on *done* which looks have come to their end."""
    opened = connect(regions=["us-east-1"], endpoint_url=url, credentials=("a", "b"),
                     pace=(10_000, 10_000))
    clock = Stepped(url)
    for number in range(1_000_000):
        clock.step(60 if number % 7 else 40_000)  # now and then a new day, and work to compact
        collect(store, connections=opened, clock=clock)
        os.write(done, f"{clock.at:%Y-%m-%dT%H:%M:%S}\n".encode())
        if number % 3 == 2:
            Store(store).compact(clock.at.date())


def main(times: int, seed: int, folder: Path) -> None:
    """Kill *times* times, and on until as many looks were finished; print what was found as JSON.

    On a busy machine few looks come to their end between two kills.
    """
    rng = random.Random(seed)
    finished: list[str] = []
    with SandboxProcess(workspaces=WORKSPACES, speed=0.001) as box:
        kills = 0
        while kills < times or (len(finished) < times and kills < 10 * times):
            kills += 1
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reader)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                keep_looking(box.url, folder / "store", writer)
            os.close(writer)
            time.sleep(rng.uniform(0.05, 1.2))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            with os.fdopen(reader) as said:
                finished += said.read().split()
            check(folder / "store", finished)
    left = [path.name for path in (folder / "store").rglob("*.tmp")]
    days = len(Store(folder / "store").days())
    said = {"kills": kills, "looks": len(finished), "days": days, "left": len(left)}
    sys.stdout.write(json.dumps(said) + "\n")


def check(folder: Path, finished: list[str]) -> None:
    if not finished and not Store.is_at(folder):
        return
    store = Store(folder)
    counts = {} if not store.days() else store.samples()["sampled_at"].dt.strftime(
        "%Y-%m-%dT%H:%M:%S").value_counts().to_dict()
    missing = [look for look in finished if counts.get(look, 0) != WORKSPACES]
    assert not missing, f"{missing[:3]} of {len(finished)} looks are not whole"
    if finished:
        assert len(store.inventory()) == WORKSPACES
        store.history(start=date.fromisoformat(finished[0][:10]))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
