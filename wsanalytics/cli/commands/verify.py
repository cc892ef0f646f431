"""The command ``verify``."""

from __future__ import annotations

from argparse import Namespace

from wsanalytics.actions import verify as verify_changes
from wsanalytics.cli.printing import actions as outcomes
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.files import check_output
from wsanalytics.history import Store
from wsanalytics.prices import load_prices
from wsanalytics.tables import VERIFIED, write_table


def verify(args: Namespace) -> None:
    """Say what the changes of a journal have saved, against what was promised."""
    if args.output:
        check_output(args.output)
    store = Store(args.store)
    if args.prices is not None:
        load_prices(path=args.prices)  # it may be that no change is to be priced, but it was named
    with terminal.progress(1) as step:
        step("replaying what users did since")
        frame = verify_changes(args.journal, store, min_days=args.days,
                               hour_rule=args.hour_rule, prices=args.prices,
                               discount=args.discount)
    outcomes.print_verified(frame)
    if args.output:
        write_table(frame, args.output, VERIFIED)
        terminal.tell(f"the table is in {args.output}")
