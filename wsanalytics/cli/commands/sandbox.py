"""The command ``sandbox``: serve a simulated account until it is stopped."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import command, flag, option
from wsanalytics.cli.value_kinds import COUNT, POSITIVE, TEXTS, WHOLE

if TYPE_CHECKING:
    from wsanalytics.sandbox import Sandbox

_STANDARD_INPUT = 0


@command("Serve the WorkSpaces, CloudWatch, CloudTrail, Price List, STS and tagging calls of a "
         "simulated account on this computer. Prints its URL as the first line; give that to boto3 "
         "as AWS_ENDPOINT_URL. Ctrl-C ends it.",
         "wsanalytics sandbox --workspaces 50 --seed 7",
         "wsanalytics sandbox --accounts 3 --regions us-east-1 eu-west-1 --throttle",
         has_json=False)
def sandbox(
    *,
    port: Annotated[int, option("the port (default: a free one)", WHOLE, metavar="P")] = 0,
    workspaces: Annotated[int, option("how many WorkSpaces live in it (default: 100)", WHOLE,
                                      metavar="N")] = 100,
    speed: Annotated[float, option("how fast its clock runs (default: 1)", POSITIVE,
                                   metavar="X")] = 1.0,
    seed: Annotated[int, option("another seed, another fleet (default: 1)", WHOLE,
                                metavar="N")] = 1,
    host: Annotated[str, option("the address to listen on (default: 127.0.0.1)",
                                metavar="H")] = "127.0.0.1",
    history_days: Annotated[int, option("days of history behind its clock (default: 63)", WHOLE,
                                        metavar="N")] = 63,
    accounts: Annotated[int, option(
        "over how many accounts they are spread, each opened by the role that is printed beside it "
        "(default: 1)", COUNT, metavar="N")] = 1,
    region: Annotated[Sequence[str], option(
        "the regions that have WorkSpaces (default: us-east-1)", TEXTS, metavar="R",
        name=("--regions", "--region"))] = (),
    throttle: Annotated[bool, flag("refuse over 2 calls a second, burst 5, as AWS does")] = False,
    fault: Annotated[Sequence[str], option(
        "a fault to show, such as server_error_share=0.05", TEXTS, metavar="NAME[=VALUE]")] = (),
    intervene: Annotated[Sequence[str], option(
        "who else switches WorkSpaces on and off, and of which share of them: night-jobs, "
        "early-stops, hangs", TEXTS, metavar="NAME=SHARE")] = (),
    with_parent: Annotated[bool, flag("end as soon as standard input is closed")] = False,
) -> None:
    """Serve a sandbox until SIGINT or SIGTERM; the URL is the first line of standard output.

    The accounts follow, one a line, each with the role that opens it.
    """
    from wsanalytics.sandbox import THROTTLE, Faults, Interventions, Sandbox, account_ids, role_arn

    faults = Faults.parse(fault)
    if throttle and faults.throttle is None:
        faults.throttle = THROTTLE
    box = Sandbox(
        workspaces=workspaces, seed=seed, speed=speed, history_days=history_days,
        regions=region or ("us-east-1",), faults=faults, accounts=account_ids(accounts),
        interventions=Interventions.parse([*intervene]), port=port, host=host,
    )
    box.listen()
    _stop_on_signals(box)
    if with_parent:
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

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _stop_with_parent(box: Sandbox) -> None:
    """Stop when the parent, which holds the other end of standard input, is gone.

    It is read past Python's buffer, whose lock a thread may not hold while the interpreter ends.
    """
    with suppress(OSError):  # there may be no standard input at all
        while os.read(_STANDARD_INPUT, 1024):
            pass
    box.stop()


def _introduce(box: Sandbox) -> None:
    from wsanalytics.safe_text import is_quiet

    if is_quiet():
        return
    exports = "\n".join(f"export {name}={value}" for name, value in box.environment().items())
    sys.stderr.write(
        f"This is a sandbox, not AWS: {box.world.fleet.size:,} invented WorkSpaces, "
        f"{box.clock.speed:g} times as fast as the wall clock. Ctrl-C ends it. To use it:\n"
        f"{exports}\n"
    )
    sys.stderr.flush()
