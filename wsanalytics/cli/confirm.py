"""What the commands that change something have in common: who calls, and who agrees."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from wsanalytics.actions import went_well
from wsanalytics.aws import Refusal, Writer, connect
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.errors import InputError, OutputError
from wsanalytics.formatting import listed
from wsanalytics.safe_text import one_line
from wsanalytics.tables import Table, write_table

PARTLY, INTERRUPTED = 1, 130


def confirmed(words: str, what: str) -> bool:
    """Ask a person at a terminal to type *words*."""
    if not sys.stdin.isatty():
        raise InputError("there is nobody to ask: standard input is no terminal",
                         where="--interactive", rule="a person types the confirmation",
                         mend="run it at a terminal, or use --yes in a script")
    sys.stderr.write(f"{one_line(what)}. Type '{words}' to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == words


def exit_status(frame: pd.DataFrame) -> int:
    """0 where all that was asked for came about, 1 where something failed or had changed.

    A limit, a rule, a tag of the owner's and a date that has not come are no failures.
    """
    return 0 if went_well(frame) else PARTLY


def written(frame: pd.DataFrame, path: Path | None, table: Table, *, is_real: bool) -> bool:
    """Write what was done to *path*; whether that went well.

    After a real run a file that cannot be written is told, and undoes nothing; without one
    :class:`OutputError` is raised.
    """
    if path is None:
        return True
    try:
        write_table(frame, path, table)
    except OutputError as error:
        if not is_real:
            raise
        terminal.tell(f"{error} What was done is done all the same.")
        return False
    return True


class Writers(list[Writer]):
    """Writers, and the roles that were ``refused``: what is theirs is left out."""

    refused: tuple[Refusal, ...] = ()


@contextmanager
def writers_of(
    args: Namespace, regions: list[str], accounts: set[str | None] | None = None
) -> Iterator[Writers]:
    """Writers for the *regions*, in the account of the caller or of each role that is named.

    Raises :class:`InputError` where *accounts* are told and the credentials are for none of them.
    """
    connections, refused = connect(
        regions=sorted(set(regions)), profile=args.profile, role_arns=args.role_arn)
    try:
        for refusal in refused:
            terminal.tell(str(refusal))
        own = [one for one in connections if accounts is None or one.account_id in accounts]
        if not own:
            raise InputError(
                f"it is of account {listed(sorted(filter(None, accounts or ())))}, and these "
                f"credentials are for {listed(sorted({one.account_id for one in connections}))}",
                where="the store", rule="a fleet is changed only in the account that it is in",
                mend="use credentials (--profile, --role-arn) of that account")
        writers = Writers(Writer(one) for one in own)
        writers.refused = tuple(refused)
        yield writers
    finally:
        for one in connections:
            one.close()
