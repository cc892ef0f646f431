"""How close ``wsanalytics collect`` comes to the pace that AWS allows, and what a sample takes.

One look at a large fleet on the local endpoint, which refuses over 2 calls a second (burst 5) as
AWS does; then a day of that fleet, sampled every five minutes, is written look by look into a
store and compacted. Prints the figures of ``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from wsanalytics.aws.connect import connect
from wsanalytics.collection.collector import collect
from wsanalytics.history.store import Store
from wsanalytics.people.person import make_people
from wsanalytics.people.samples import NO_LOSS, take_samples
from wsanalytics.people.working_days import fleet_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.sandbox.process import SandboxProcess
from wsanalytics.timeline import Window

RATE, BURST = 2.0, 5
DAY = Window(datetime(2026, 10, 7, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC))


def measure_pace(workspaces: int, folder: Path) -> None:
    """One look, against the time that the limit alone would take."""
    with SandboxProcess(workspaces=workspaces, throttle=True) as box:
        opened = connect(regions=["us-east-1"], endpoint_url=box.url, credentials=("a", "b"))
        began = time.perf_counter()
        done = collect(folder / "pace", connections=opened, log=print)
        seconds = time.perf_counter() - began
    calls = 2 * -(-workspaces // 25)
    least = (calls - BURST) / RATE
    print(f"{workspaces:,} WorkSpaces, {int(done.rounds['samples'].sum()):,} samples, outcome "
          f"{done.rounds['outcome'].tolist()}: {seconds:.0f} s; the limit alone takes "
          f"{least:.0f} s ({seconds / least:.3f} times)")


def measure_size(workspaces: int, folder: Path) -> None:
    """A day of samples every five minutes, each look at its own second."""
    people = make_people(workspaces, seed=3, window=DAY)
    fleet = make_workspaces(people, seed=3, window=DAY)
    samples = take_samples(fleet_sessions(people, DAY), fleet, DAY, seed=3, loss=NO_LOSS)
    rng = np.random.default_rng(3)
    pages = samples["workspace_id"].cat.codes.to_numpy() // 25
    looks = ((samples["sampled_at"] - DAY.start) // timedelta(minutes=5)).to_numpy()
    late = rng.integers(0, 3, (pages.max() + 1, looks.max() + 1))[pages, looks]
    moved = pd.to_timedelta(late, unit="s").as_unit("us")
    connected = samples["connection_state"] == "CONNECTED"
    samples["sampled_at"] += moved
    samples.loc[connected, "last_connected_at"] = samples.loc[connected, "sampled_at"]
    store = Store.create(folder / "size")
    began = time.perf_counter()
    for look, rows in samples.groupby(looks):
        store.add_samples(rows, f"look-{look:04}")
    written, loose = time.perf_counter() - began, store.size_bytes()
    began = time.perf_counter()
    store.compact(DAY.end.date() + timedelta(days=1))
    compacted, size = time.perf_counter() - began, store.size_bytes()
    each = size / len(samples)
    print(f"{len(samples):,} samples of a day: {loose / len(samples):.2f} bytes each as written "
          f"({written:.0f} s), {each:.3f} compacted ({compacted:.0f} s); a year of 5-minute "
          f"samples of 10,000 WorkSpaces: {each * 288 * 365 * 10_000 / 1e9:.2f} GB")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=10_000)
    parser.add_argument("--size-of", type=int, default=2_000)
    parser.add_argument("--no-pace", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure_size(options.size_of, Path(name))
        if not options.no_pace:
            measure_pace(options.workspaces, Path(name))


if __name__ == "__main__":
    main()
