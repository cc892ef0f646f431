"""The command ``verify``."""

from __future__ import annotations

from argparse import Namespace

from wsanalytics.admintables import VERIFIED
from wsanalytics.files import check_output, write_table
from wsanalytics.report import outcomes, terminal
from wsanalytics.store import Store
from wsanalytics.verification import verify as verify_changes


def verify(args: Namespace) -> None:
    """Say what the changes of a journal have saved, against what was promised."""
    if args.output:
        check_output(args.output)
    with terminal.progress(1) as step:
        step("replaying what users did since")
        frame = verify_changes(args.journal, Store(args.store), min_days=args.days,
                               hour_rule=args.hour_rule, prices=args.prices,
                               discount=args.discount)
    outcomes.print_verified(frame)
    if args.output:
        write_table(frame, args.output, VERIFIED)
        terminal.tell(f"the table is in {args.output}")
