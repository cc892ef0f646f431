"""The one way in which a command changes something in AWS: dry run, question, run, exit code.

Nothing is changed unless ``--yes`` is on the command line or a person types the confirmation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from wsanalytics.actions import Outcome, went_well
from wsanalytics.aws import Refusal, Writer, connect
from wsanalytics.cli.exit_codes import INTERRUPTED, PARTLY, status_of
from wsanalytics.cli.options import CallerOptions, ConsentOptions
from wsanalytics.cli.printing.as_json import print_json, records
from wsanalytics.cli.printing.console import next_steps, note, warn
from wsanalytics.cli.results import again, is_json
from wsanalytics.errors import InputError, OutputError
from wsanalytics.formatting import counted, listed
from wsanalytics.safe_text import one_line
from wsanalytics.tables import Table, write_table


@dataclass(frozen=True, kw_only=True)
class Action:
    """The action of a command on many WorkSpaces, and its words for it.

    A person confirms it by typing ``verb`` and the number of things, each a ``noun``, that a dry
    run found to do; ``scope`` says where they are. ``show`` prints a frame of outcomes.
    ``next_steps`` are the commands to run when it is done.
    ``done`` is the past participle ("changed"), ``with_yes`` what ``--yes`` does, and
    ``if_interrupted`` how to go on after an interruption; without that the command ends as any
    interrupted one.
    """

    verb: str
    noun: str
    done: str
    with_yes: str
    journal: Path
    show: Callable[[pd.DataFrame, bool], None]
    scope: str = ""
    if_interrupted: str = ""
    next_steps: Sequence[Sequence[str]] = ()


def carry_out(
    action: Action, run: Callable[[bool], pd.DataFrame], consent: ConsentOptions, *,
    output: Path | None = None, table: Table | None = None, is_complete: bool = True,
) -> int:
    """Do *action* by calling *run*, as far as there is consent, and give the exit code.

    *run* is called with whether it is a dry run and gives a frame of outcomes, which is shown and,
    as a *table*, written to *output*. Not *is_complete*: something was left out before it began.
    """
    is_real = consent.yes
    if consent.interactive:
        frame = run(True)
        action.show(frame, True)
        count = int(frame["outcome"].eq(Outcome.WOULD).sum())
        is_real = bool(count) and confirmed(
            f"{action.verb} {count}", counted(count, action.noun) + action.scope)
        if not is_real:
            if is_json():
                _print_json(action, frame, table, is_real=False)
            note(f"nothing was {action.done}")
            return status_of(is_complete=is_complete and went_well(frame))
    try:
        frame = run(not is_real)
    except KeyboardInterrupt:
        if not (is_real and action.if_interrupted):
            raise
        warn(f"interrupted; what was done is in {action.journal}; {action.if_interrupted}")
        return INTERRUPTED
    if is_json():
        _print_json(action, frame, table, is_real=is_real)
    else:
        action.show(frame, not is_real)
    is_written = output is None or table is None or written(frame, output, table, is_real=is_real)
    if not is_real:
        note(f"this was a dry run: nothing was {action.done}; --yes {action.with_yes}")
        if frame["outcome"].eq(Outcome.WOULD).any():
            next_steps(again("--yes"))
    elif len(frame):
        note(f"every call is in {action.journal}")
        next_steps(*action.next_steps)
    return status_of(is_complete=is_complete and went_well(frame)) if is_written else PARTLY


def _print_json(
    action: Action, frame: pd.DataFrame, table: Table | None, *, is_real: bool
) -> None:
    """Print what was done, or would be, as one JSON document."""
    aim = frame["outcome"].eq(str(Outcome.DONE if is_real else Outcome.WOULD))
    more = {"saving_usd_per_month": float(frame.loc[aim, "saving_usd_per_month"].sum())} if (
        "saving_usd_per_month" in frame) else {}
    print_json(action.verb, dry_run=not is_real,
               journal=action.journal if is_real else None, **more,
               outcomes=frame["outcome"].value_counts(), rows=records(frame, table))


def confirmed(words: str, what: str) -> bool:
    """Ask a person at a terminal to type *words*."""
    if not sys.stdin.isatty():
        raise InputError("there is nobody to ask: standard input is no terminal",
                         where="--interactive", rule="a person types the confirmation",
                         fix="run it at a terminal, or use --yes in a script")
    sys.stderr.write(f"{one_line(what)}. Type '{words}' to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == words


def written(frame: pd.DataFrame, path: Path, table: Table, *, is_real: bool) -> bool:
    """Write what was done to *path*; whether that went well.

    After a real run a file that cannot be written is reported, and undoes nothing; without one
    :class:`OutputError` is raised.
    """
    try:
        write_table(frame, path, table)
    except OutputError as error:
        if not is_real:
            raise
        warn(f"{error} What was done is done all the same.")
        return False
    return True


class Writers(list[Writer]):
    """Writers, and the roles that were ``refused``: what is theirs is left out."""

    refused: tuple[Refusal, ...] = ()


@contextmanager
def writers_of(
    caller: CallerOptions, regions: list[str], accounts: set[str | None] | None = None
) -> Iterator[Writers]:
    """Writers for the *regions*, in the account of the caller or of each role that is named.

    Raises :class:`InputError` where *accounts* are given and the credentials are for none of them.
    """
    connections, refused = connect(
        regions=sorted(set(regions)), profile=caller.profile, role_arns=caller.role_arn)
    try:
        for refusal in refused:
            warn(str(refusal))
        usable = [connection for connection in connections
                  if accounts is None or connection.account_id in accounts]
        if not usable:
            callers = sorted({connection.account_id for connection in connections})
            raise InputError(
                f"it is of account {listed(sorted(filter(None, accounts or ())))}, and these "
                f"credentials are for {listed(callers)}",
                where="the store", rule="a fleet is changed only in the account that it is in",
                fix="use credentials (--profile, --role-arn) of that account")
        writers = Writers(Writer(connection) for connection in usable)
        writers.refused = tuple(refused)
        yield writers
    finally:
        for connection in connections:
            connection.close()
