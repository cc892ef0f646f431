"""How long ``wsanalytics simulate`` takes, and how much memory, on a large fleet.

    python benchmarks/simulate.py [--workspaces 1000] [--months 12] [--runs 5]

Makes an invented fleet, then times the whole command (start of the process to its end, CSV in,
CSV out, five settings) in turn with a yardstick: a process that only imports pandas and parses the
same sessions file. Machines are noisy, so the ratio of the two is the figure to compare.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SETTINGS = ("ALWAYS_ON", "AUTO_STOP:60", "AUTO_STOP:120", "AUTO_STOP:240", "AUTO_STOP:480")
YARDSTICK = """
import sys, pandas
frame = pandas.read_csv(sys.argv[1])
for name in ("connected_at", "disconnected_at"):
    frame[name] = pandas.to_datetime(frame[name], utc=True, format="ISO8601")
"""


def measured(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MiB of one process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Make the fleet, take turns, print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=1000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sessions, fleet = Path(folder) / "sessions.csv", Path(folder) / "workspaces.parquet"
        subprocess.run(
            [sys.executable, str(HERE.parent / "data" / "make_sample.py"), "--no-samples",
             "--workspaces", str(args.workspaces), "--months", str(args.months),
             "--start", "2025-07", "--output", folder, "--truth", str(sessions)],
            check=True, stdout=subprocess.DEVNULL,
        )
        with sessions.open() as lines:
            count = sum(1 for _ in lines) - 1
        simulate = [sys.executable, "-m", "wsanalytics", "simulate", "--sessions", str(sessions),
                    "--workspaces", str(fleet), "--setting", *SETTINGS,
                    "--output", str(Path(folder) / "charges.csv")]
        yardstick = [sys.executable, "-c", YARDSTICK, str(sessions)]
        measured(simulate)  # once for the disk cache and byte code
        turns = [(measured(simulate), measured(yardstick)) for _ in range(args.runs)]
    ours = statistics.median(seconds for (seconds, _), _ in turns)
    theirs = statistics.median(seconds for _, (seconds, _) in turns)
    memory = max(peak for (_, peak), _ in turns)
    ratio = statistics.median(one / other for (one, _), (other, _) in turns)
    print(f"{args.workspaces:,} WorkSpaces, {args.months} months, {count:,} sessions, "
          f"{len(SETTINGS)} settings, {args.runs} runs in turn")
    print(f"simulate  {ours:6.2f} s  peak {memory:5.0f} MiB")
    print(f"yardstick {theirs:6.2f} s  (pandas reads and parses the same file)")
    print(f"ratio     {ratio:6.2f}")


if __name__ == "__main__":
    main()
