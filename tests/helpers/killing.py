"""Kill a collector at random moments, look at what it left: ``python killing.py TIMES SEED DIR``.

It collects, backfills and compacts in turn, in a process forked from this one so that the imports
are paid for once. After each SIGKILL the store must open and hold every look and every backfill
that had come to its end. ``python killing.py full TIMES SEED DIR`` has the disk fill up instead:
the kernel lets no file grow over a random size while each of the three is at work.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from wsanalytics.aws.connect import connect
from wsanalytics.collection.backfill import backfill
from wsanalytics.collection.clock import Clock
from wsanalytics.collection.collector import collect
from wsanalytics.errors import WsanalyticsError
from wsanalytics.history.store import Store
from wsanalytics.history.store_check import check_store
from wsanalytics.sandbox.process import SandboxProcess

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


def opened_at(url: str) -> tuple[Any, Any]:
    """Connections to the endpoint at *url*, at no pace."""
    return connect(regions=["us-east-1"], endpoint_url=url, credentials=("a", "b"),
                   pace=(10_000, 10_000))


def keep_looking(url: str, store: Path, done: int, seed: int) -> None:
    """Look again and again, and say on *done* what begins, and what has come to its end."""
    opened, clock, rng = opened_at(url), Stepped(url), random.Random(seed)

    def say(word: str) -> None:
        os.write(done, f"{word}\n".encode())

    while True:
        clock.step(rng.choice([60, 60, 60, 40_000]))  # now and then a new day: work to compact
        what = rng.choice(["collect", "collect", "backfill", "compact"])
        say(f"begins:{what}")
        if what == "collect" or not Store.is_at(store):
            collect(store, connections=opened, clock=clock)
            say(f"look:{clock.at:%Y-%m-%dT%H:%M:%S}")
        elif what == "backfill":
            backfill(store, days=1, connections=opened, clock=clock)
            say(f"samples:{len(Store(store).samples())}")
        else:
            Store(store).compact(clock.at.date())


@dataclass
class Known:
    """What was said to be done: looks by their instant, and how many samples there were at least.

    ``cut_off`` counts what was going on as the kill came.
    """

    looks: list[str] = field(default_factory=list)
    samples: int = 0
    cut_off: Counter[str] = field(default_factory=Counter)

    def take(self, said: str) -> None:
        doing = "collect"
        for line in said.splitlines():
            word, _, value = line.partition(":")
            if word == "look":
                self.looks.append(value)
            elif word == "samples":
                self.samples = max(self.samples, int(value))
            else:
                doing = value
        self.cut_off[doing] += 1


def kill(times: int, seed: int, folder: Path) -> None:
    """Kill *times* times, and on until as many looks were finished; print what was found as JSON.

    On a busy machine few looks come to their end between two kills.
    """
    rng, known = random.Random(seed), Known()
    with SandboxProcess(workspaces=WORKSPACES, speed=0.001) as box:
        kills, opened, clock = 0, opened_at(box.url), Stepped(box.url)
        while kills < times or (len(known.looks) < times and kills < 10 * times):
            kills += 1
            compacts = kills % 3 == 0
            if compacts:  # which is done in a moment: there is to be something to do, and no more
                for _ in range(4):
                    clock.step(43_200)
                    collect(folder / "store", connections=opened, clock=clock)
                    known.looks.append(f"{clock.at:%Y-%m-%dT%H:%M:%S}")
                clock.step(86_400)
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reader)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                if compacts:
                    os.write(writer, b"begins:compact\n")
                    Store(folder / "store").compact(clock.at.date())
                    os.write(writer, b"begins:nothing\n")
                    time.sleep(60)
                keep_looking(box.url, folder / "store", writer, seed * 10_000 + kills)
            os.close(writer)
            time.sleep(rng.uniform(0, 0.12) if compacts else rng.uniform(0.05, 1.6))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            with os.fdopen(reader) as said:
                known.take(said.read())
            check(folder / "store", known)
    left = [path.name for path in (folder / "store").rglob("*.tmp")]
    days = len(Store(folder / "store").days())
    said = {"kills": kills, "looks": len(known.looks), "days": days, "left": len(left),
            "cut off": dict(known.cut_off), "samples": known.samples}
    sys.stdout.write(json.dumps(said) + "\n")


def fill(times: int, seed: int, folder: Path) -> None:
    """Let the disk be full *times* times for each of the three; print what was found as JSON."""
    rng, known, failed = random.Random(seed), Known(), Counter[str]()
    store = folder / "store"
    with SandboxProcess(workspaces=WORKSPACES, speed=0.001) as box:
        opened, clock = opened_at(box.url), Stepped(box.url)
        for number in range(3 * times):
            clock.step(60 if number % 7 else 40_000)
            collect(store, connections=opened, clock=clock)
            known.looks.append(f"{clock.at:%Y-%m-%dT%H:%M:%S}")
            clock.step(90_000 if number % 3 == 2 else 60)  # there is a day to compact
            what = ("collect", "backfill", "compact")[number % 3]
            child = os.fork()
            if child == 0:
                largest = rng.choice([0, 1, 200, rng.randrange(8_000), rng.randrange(40_000)])
                largest = min(largest, 4_000) if what == "compact" else largest
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
                os._exit(_tried(what, store, opened, clock))
            rng.random()
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) in {0, 3}, what
            failed[what] += os.waitstatus_to_exitcode(status) == 3
            check(store, known)
    sys.stdout.write(json.dumps({"tried": 3 * times, "failed": dict(failed)}) + "\n")


def _tried(what: str, store: Path, opened: tuple[Any, Any], clock: Stepped) -> int:
    """0 where it was done after all, 3 where it was refused in a sentence, 1 for anything else."""
    try:
        if what == "collect":
            collect(store, connections=opened, clock=clock)
        elif what == "backfill":
            done = backfill(store, days=1, connections=opened, clock=clock)
            return 0 if done.complete else 3
        else:
            Store(store).compact(clock.at.date())
    except WsanalyticsError:
        return 3
    except BaseException:  # noqa: BLE001  # told by the parent
        traceback.print_exc()
        return 1
    return 0


def check(folder: Path, known: Known) -> None:
    """The store is whole and holds all that is *known*."""
    if not known.looks and not Store.is_at(folder):
        return
    store = Store(folder)
    samples = store.samples() if store.days() else None
    own = [] if samples is None else samples[samples["source"] == "sample"]["sampled_at"]
    counts = {} if samples is None else own.dt.strftime(
        "%Y-%m-%dT%H:%M:%S").value_counts().to_dict()
    missing = [look for look in known.looks if counts.get(look, 0) != WORKSPACES]
    assert not missing, f"{missing[:3]} of {len(known.looks)} looks are not whole"
    assert known.samples <= (0 if samples is None else len(samples)), "a backfill is not whole"
    assert check_store(store).is_whole, check_store(store).problems
    if known.looks:
        assert len(store.inventory()) == WORKSPACES
        store.history(start=date.fromisoformat(known.looks[0][:10]))


if __name__ == "__main__":
    if sys.argv[1] == "full":
        fill(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    else:
        kill(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
