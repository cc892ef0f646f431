"""The commands that fill and describe a store: collect, backfill, store info."""

from __future__ import annotations

import logging
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pandas as pd

from wsanalytics.actions import read_journal
from wsanalytics.cli.inputs import age_text
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.collection import DONE
from wsanalytics.collection import backfill as fill_store
from wsanalytics.collection import collect as collect_samples
from wsanalytics.formatting import counted
from wsanalytics.history import EmptyError, Store, check_store, store_summary
from wsanalytics.progress import working
from wsanalytics.safe_text import one_line

PARTLY = 1


def collect(args: Namespace) -> int:
    """Look at the fleet, once or again and again; 1 where some account or region refused."""
    _log(verbose=args.verbose)
    with _ended_by_signals():
        done = collect_samples(
            args.store, regions=args.region, profile=args.profile, role_arns=args.role_arn,
            directories=args.directory, every=args.every, log=terminal.tell)
    if len(done.rounds):
        terminal.print_rounds(done.rounds)
    terminal.tell(f"{counted(int(done.rounds['samples'].sum()), 'sample')} added to {args.store}")
    return _status(done.rounds)


def backfill(args: Namespace) -> int:
    """Fill a store with history; 1 where some of it could not be had."""
    _log(verbose=args.verbose)
    with _ended_by_signals():
        done = fill_store(
            args.store, days=args.days, regions=args.region, profile=args.profile,
            role_arns=args.role_arn, log=terminal.tell)
    terminal.print_rounds(done.rounds)
    wrong = done.disagreements
    if done.compared:
        terminal.tell(f"{len(wrong):,} of {counted(done.compared, 'sample')} of the same time "
                      "disagree with CloudWatch")
        if len(wrong):
            terminal.print_disagreements(wrong)
    terminal.tell(f"{counted(int(done.rounds['samples'].sum()), 'sample')} added to {args.store}")
    return _status(done.rounds)


def store_check(args: Namespace) -> int:
    """Read every file of a store; 1 where something is amiss."""
    store = Store(args.store)
    with working("reading files", None) as advance:
        found = check_store(store, readers={"*.journal.jsonl": read_journal},
                            advance=advance)
    out = terminal.console()
    for problem in found.problems:
        out.print(problem, soft_wrap=True)
    whole = "nothing is amiss" if found.is_whole else (
        f"{counted(len(found.problems), 'thing')} amiss")
    out.print(f"{counted(found.files, 'file')} read, {whole}"
              + (f"; {found.unsealed:,} of an earlier version, without a digest"
                 if found.unsealed else "") + ".", soft_wrap=True)
    return 0 if found.is_whole else PARTLY


def store_info(args: Namespace) -> None:
    """Say what a store holds."""
    store = Store(args.store)
    terminal.print_summary(str(args.store), store_summary(store))
    with suppress(EmptyError):
        if age := age_text(store.newest_at()):
            terminal.tell(age)


def _status(rounds: pd.DataFrame) -> int:
    return 0 if (rounds["outcome"] == DONE).all() else PARTLY


def _log(*, verbose: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Harmless("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO if verbose else logging.ERROR,
                        force=True)
    for noisy in ("botocore", "urllib3", "filelock"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


class _Harmless(logging.Formatter):
    """Log lines that leave as all messages do."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM, as service managers send it, ends a look as Ctrl-C does.

    A job in the background of a shell inherits that SIGINT is ignored: it is heard here as well.
    """
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = {one: signal.signal(one, end) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
