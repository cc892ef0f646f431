"""The command ``wsanalytics sandbox``: serve until somebody says stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from argparse import Namespace
from contextlib import suppress

from wsanalytics.sandbox import THROTTLE, Faults, Interventions, Sandbox, account_ids, role_arn

_STANDARD_INPUT = 0


def sandbox(args: Namespace) -> None:
    """Serve a sandbox until SIGINT or SIGTERM; the URL is the first line of standard output.

    The accounts follow, one a line, each with the role that opens it.
    """
    faults = Faults.parse(args.fault)
    if args.throttle and faults.throttle is None:
        faults.throttle = THROTTLE
    box = Sandbox(
        workspaces=args.workspaces, seed=args.seed, speed=args.speed,
        history_days=args.history_days, regions=args.region or ("us-east-1",), faults=faults,
        accounts=account_ids(args.accounts), interventions=Interventions.parse(args.intervene),
        port=args.port, host=args.host,
    )
    box.listen()
    _stop_on_signals(box)
    if args.with_parent:
        threading.Thread(target=_stop_with_parent, args=(box,), daemon=True).start()
    roles = "".join(f"{account} {role_arn(account)}\n" for account in box.world.keys.accounts)
    sys.stdout.write(f"{box.url}\n{roles}")
    sys.stdout.flush()
    _introduce(box)
    box.serve()


def _stop_on_signals(box: Sandbox) -> None:
    """Stop from a thread of its own: the one that serves would wait for itself."""

    def stop(_signal: int, _frame: object) -> None:
        threading.Thread(target=box.stop, daemon=True).start()

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, stop)


def _stop_with_parent(box: Sandbox) -> None:
    """The parent holds the other end of standard input; it closes when the parent is gone.

    It is read past Python's buffer, whose lock a thread may not hold while the interpreter ends.
    """
    with suppress(OSError):  # there may be no standard input at all
        while os.read(_STANDARD_INPUT, 1024):
            pass
    box.stop()


def _introduce(box: Sandbox) -> None:
    exports = "\n".join(f"export {name}={value}" for name, value in box.environment().items())
    sys.stderr.write(
        f"This is a sandbox, not AWS: {box.world.fleet.size:,} invented WorkSpaces, "
        f"{box.clock.speed:g} times as fast as the wall clock. Ctrl-C ends it. To use it:\n"
        f"{exports}\n"
    )
    sys.stderr.flush()
