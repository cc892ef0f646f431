"""Kill an apply again and again, and look at what is left: ``python killing_apply.py SEED …``.

For each seed a plan of 500 changes is applied to a sandbox that throttles and fails 5 % of all
calls, killed three times on the way and resumed each time; then everything is taken back. What
was ordered of each WorkSpace is held against the plan: nothing twice, nothing forgotten.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pandas as pd

from tests.helpers.plans import REGION, orders_on_the_way, plan_of, rote_changes
from wsanalytics.actions.apply import apply_plan
from wsanalytics.actions.journal import read_lines
from wsanalytics.actions.ledger import journal_state
from wsanalytics.actions.retry import RetryPolicy
from wsanalytics.actions.run import RunOptions
from wsanalytics.actions.undo import undo
from wsanalytics.aws.connect import connect
from wsanalytics.aws.writer import Writer
from wsanalytics.sandbox.process import SandboxProcess

KILLS = 3
FAULTS = ("throttle=100,20", "server_error_share=0.02", "reset_share=0.01", "cut_share=0.01",
          "html_share=0.005", "in_progress_share=0.005")
"""5 % of the calls go wrong, and those over the pace are refused besides."""
QUICK = RetryPolicy(
    propagation_seconds=0.4,
    confirm_seconds=20,
    transition_seconds=20,
    poll_seconds=0.05,
    backoff_seconds=0.05,
    max_reads=8,
)
TERMS = RunOptions(limit=None, stop_after_failures=20, retry=QUICK)


def told(url: str, name: str) -> Any:
    """What the sandbox says is true."""
    with urlopen(f"{url}/sandbox/{name}") as answer:  # noqa: S310  # our own endpoint
        return json.load(answer)


def in_a_child(
    url: str, work: Callable[[Writer], object], *, largest: int | None = None
) -> int:
    """Do *work* in a process of its own, which can be killed; its id.

    No file of it grows over the *largest* size.
    """
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    status = 1
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    try:
        opened, _ = connect(regions=[REGION], endpoint_url=url, credentials=("a", "b"),
                            pace=(400, 100))
        work(Writer(opened[0]))
        status = 0
    except Exception:  # noqa: BLE001  # told by the parent
        traceback.print_exc()
    finally:
        os._exit(status)


def one_seed(
    seed: int, count: int, kills: int = KILLS, *, full: bool = False
) -> dict[str, Any]:
    """Apply, kill, resume, undo; what was done and how often.

    With *full* the disk has room for a random part of the journal in place of each kill.
    """
    rng = random.Random(seed)
    faults = (*FAULTS, f"seed={seed}")
    with tempfile.TemporaryDirectory() as folder, SandboxProcess(
        workspaces=round(count * 1.2) + 10, seed=seed, speed=120, history_days=1, fault=faults,
    ) as box:
        workspaces = pd.DataFrame(told(box.url, "workspaces"))
        changes = rote_changes(workspaces, count)
        plan, journal = plan_of(changes), Path(folder) / "plan.journal.jsonl"
        old = len(told(box.url, "orders"))
        killed, torn = 0, 0
        while True:
            room = rng.randrange(100, 60 * count) if full and killed < kills else None
            size = journal.stat().st_size if journal.exists() else 0
            child = in_a_child(box.url, lambda writer: apply_plan(
                plan, writer, dry_run=False, journal=journal, resume=True, options=TERMS),
                largest=None if room is None else size + room)
            if room is not None:
                os.waitpid(child, 0)
                killed += 1
                continue
            if killed < kills:
                time.sleep(rng.uniform(0.1, count / 100))
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if journal.exists():
                torn += bool(read_lines(journal)[1])
            if not os.WIFSIGNALED(status):
                assert status == 0, "a run that was not killed failed"
                if killed >= kills:
                    break
            killed += 1
        commands = told(box.url, "orders")[old:]
        check_commands(changes, commands)
        check_settings(box.url, {name: after for name, (_, after) in changes.items()})
        calls = check_journal(journal, commands)
        child = in_a_child(box.url, lambda writer: undo(journal, writer, dry_run=False,
                                                        options=TERMS))
        assert os.waitpid(child, 0)[1] == 0
        check_settings(box.url, {name: before for name, (before, _) in changes.items()})
        assert not journal_state(read_lines(journal)[0]).net_changes
    return {"seed": seed, "changes": count, "kills": killed, "orders": len(commands),
            "calls": calls, "torn lines": torn}


def check_commands(changes: dict[str, tuple[str, str]], commands: list[dict[str, Any]]) -> None:
    """Each WorkSpace was told what it had to be told, once."""
    got: dict[str, list[str]] = {name: [] for name in changes}
    for one in sorted(commands, key=lambda one: one["at"]):
        got[one["workspace_id"]].append(one["order"])
    for name, (before, after) in changes.items():
        assert got[name] == orders_on_the_way(before, after), (name, before, after, got[name])


def check_settings(url: str, wanted: dict[str, str]) -> None:
    """Each WorkSpace has the setting that it is to have."""
    for one in told(url, "workspaces"):
        if one["workspace_id"] in wanted:
            minutes = one["auto_stop_minutes"]
            setting = one["running_mode"] + (f":{minutes:.0f}" if minutes else "")
            assert setting == wanted[one["workspace_id"]], one


def check_journal(journal: Path, commands: list[dict[str, Any]]) -> int:
    """The journal is whole, and no order was given that is not in it; how many calls there were."""
    entries, torn = read_lines(journal)
    assert torn == b""
    assert not journal_state(entries).interrupted
    asked: dict[str, int] = {}
    for entry in entries:
        if entry["event"] == "call":
            name = entry["request"]["WorkspaceId"]
            asked[name] = asked.get(name, 0) + 1
    for one in commands:
        asked[one["workspace_id"]] -= 1
    assert min(asked.values()) >= 0
    return sum(asked.values()) + len(commands)


def main(seeds: list[int], count: int, *, full: bool) -> None:
    """One line of JSON a seed."""
    for seed in seeds:
        sys.stdout.write(json.dumps(one_seed(seed, count, full=full)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "full"]
    main([int(word) for word in words[1:]], int(words[0]), full="full" in sys.argv)
