"""The commands about a store: ``collect``, ``backfill``, ``store info`` and ``store check``."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import (
    ACCOUNT,
    INPUT,
    LIMITS,
    AccountOptions,
    command,
    flag,
    one_of,
    option,
)
from wsanalytics.cli.results import is_json
from wsanalytics.cli.value_kinds import PATH, SPAN, TEXTS, WHOLE
from wsanalytics.defaults import FINE_DAYS, HOURLY_DAYS

if TYPE_CHECKING:
    import pandas as pd

OFTEN = one_of("every or once")
_NOTES = ("one poll takes", "polled again every")
"""What a collector says of itself that is no warning, in words of its messages."""
TheStore = Annotated[Path, option("the store", PATH, metavar="DIR", group=INPUT)]


@command("Ask AWS for every WorkSpace and its connection status, once or again and again, and keep "
         "the answers in a store. Changes nothing in AWS.",
         "wsanalytics collect --store fleet --once",
         "wsanalytics collect --store fleet --region eu-west-1 us-east-1 --every 5m")
def collect(
    *,
    store: Annotated[Path, option(
        "the folder to keep it in; made if its last part is missing", PATH, metavar="DIR",
        group=INPUT)],
    account: AccountOptions = ACCOUNT,
    directory: Annotated[Sequence[str], option(
        "only WorkSpaces of this directory; may be repeated", TEXTS, metavar="D",
        group=INPUT)] = (),
    every: Annotated[timedelta | None, option(
        "poll again and again, at this interval (s, m or h), until Ctrl-C", SPAN, metavar="5m",
        group=(LIMITS, OFTEN))] = None,
    once: Annotated[bool, flag("poll once (the default)", group=(LIMITS, OFTEN))] = False,  # noqa: ARG001  # the default, said
) -> int:
    """Ask AWS about the fleet, once or again and again; 1 where an account or region refused."""
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import note, warn
    from wsanalytics.cli.printing.fleet import print_rounds
    from wsanalytics.collection import collect as collect_samples
    from wsanalytics.formatting import counted

    with _ended_by_signals():
        done = collect_samples(
            store, regions=account.region, profile=account.profile, role_arns=account.role_arn,
            directories=directory, every=every,
            log=lambda text: (note if any(map(text.__contains__, _NOTES)) else warn)(text))
    if is_json():
        print_json("collect", store=store, rounds=records(done.rounds))
    if len(done.rounds):
        print_rounds(done.rounds)
    note(f"{counted(int(done.rounds['samples'].sum()), 'sample')} added to {store}")
    if every is None and int(done.rounds["samples"].sum()):
        _print_next(store)
    return _status(done.rounds)


def _print_next(store: Path) -> None:
    """Name what to do with a store: fill it, or make a report of it."""
    from wsanalytics.cli.printing.console import next_steps
    from wsanalytics.history import Store

    covered = Store(store).covered()
    is_short = covered.end - covered.start < timedelta(days=FINE_DAYS // 2)
    if is_short:  # a report of a few days would only say that it is too early
        next_steps(["backfill", "--store", str(store)])
    else:
        next_steps(["report", "--store", str(store), "--output", "report.html"],
                   ["recommend", "--store", str(store), "--output", "plan.json"])


@command("Fill a store with what CloudWatch still knows of each WorkSpace: by five minutes for 63 "
         "days, by the hour for up to 455, and with the changes of setting that CloudTrail knows "
         "of. AWS charges for the calls; the price is shown before.",
         "wsanalytics backfill --store fleet --days 63")
def backfill(
    *,
    store: Annotated[Path, option("the store to fill", PATH, metavar="DIR", group=INPUT)],
    account: AccountOptions = ACCOUNT,
    days: Annotated[
        int,
        option(
            f"how far back, 1 to {HOURLY_DAYS} (default: {FINE_DAYS})",
            WHOLE,
            metavar="N",
            group=LIMITS,
        ),
    ] = FINE_DAYS,
) -> int:
    """Fill a store with history; 1 where some of it could not be had."""
    from wsanalytics.cli.printing.as_json import print_json, records
    from wsanalytics.cli.printing.console import next_steps, note
    from wsanalytics.cli.printing.fleet import print_disagreements, print_rounds
    from wsanalytics.collection import backfill as backfill_store
    from wsanalytics.formatting import counted

    with _ended_by_signals():
        done = backfill_store(
            store, days=days, regions=account.region, profile=account.profile,
            role_arns=account.role_arn, log=note)
    wrong = done.disagreements
    if is_json():
        print_json("backfill", store=store, price_usd=done.price_usd, compared=done.compared,
                   rounds=records(done.rounds), disagreements=records(wrong))
    print_rounds(done.rounds)
    if done.compared:
        note(f"{len(wrong):,} of {counted(done.compared, 'sample')} of the same time "
             "disagree with CloudWatch")
        if len(wrong):
            print_disagreements(wrong)
    note(f"{counted(int(done.rounds['samples'].sum()), 'sample')} of CloudWatch written to "
         f"{store}; what it had already counts once")
    if int(done.rounds["samples"].sum()):
        next_steps(["report", "--store", str(store), "--output", "report.html"],
                   ["recommend", "--store", str(store), "--output", "plan.json"])
    return _status(done.rounds)


@command("Read every file of a store and hold it against its digest: exit 0, or 1 and what is "
         "damaged, cannot be read, or is none of its files.",
         "wsanalytics store check --store fleet")
def store_check(*, store: TheStore) -> int:
    """Read every file of a store; 1 where something is amiss."""
    from wsanalytics.cli.exit_codes import status_of
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.cli.printing.console import console
    from wsanalytics.formatting import counted
    from wsanalytics.history import Store, check_store
    from wsanalytics.progress import working

    folder = Store(store)
    with working("reading files", None) as advance:
        checked = check_store(folder, advance=advance)
    if is_json():
        print_json("store-check", store=store, files=checked.files, unsealed=checked.unsealed,
                   problems=list(checked.problems), is_whole=checked.is_whole)
    out = console()
    for problem in checked.problems:
        out.print(problem, soft_wrap=True)
    whole = "nothing is amiss" if checked.is_whole else (
        f"{counted(len(checked.problems), 'thing')} amiss")
    out.print(f"{counted(checked.files, 'file')} read, {whole}"
              + (f"; {checked.unsealed:,} of an earlier version, without a digest"
                 if checked.unsealed else "") + ".", soft_wrap=True)
    return status_of(is_complete=checked.is_whole)


@command("What a store holds: span, WorkSpaces, gaps, size.",
         "wsanalytics store info --store fleet")
def store_info(*, store: TheStore) -> None:
    """Print what a store holds."""
    from wsanalytics.cli.inputs import age_text
    from wsanalytics.cli.printing.as_json import print_json
    from wsanalytics.cli.printing.console import note
    from wsanalytics.cli.printing.fleet import print_summary
    from wsanalytics.history import EmptyError, Store, store_summary

    folder = Store(store)
    summary = store_summary(folder)
    if is_json():
        print_json("store-info", store=store, samples=summary.samples, days=summary.days,
                   first_at=summary.first_at, last_at=summary.last_at,
                   size_bytes=summary.size_bytes, regions=summary.regions, holes=summary.holes)
    print_summary(str(store), summary)
    with suppress(EmptyError):
        if age := age_text(folder.newest_at()):
            note(age)


def _status(rounds: pd.DataFrame) -> int:
    from wsanalytics.cli.exit_codes import status_of
    from wsanalytics.collection import DONE

    return status_of(is_complete=bool((rounds["outcome"] == DONE).all()))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End by SIGTERM, as service managers send it, like by Ctrl-C.

    A job in the background of a shell inherits that SIGINT is ignored: it is heard here as well.
    """
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
