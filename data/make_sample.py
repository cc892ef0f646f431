"""Make the sample fleet that ships with wsanalytics, or a larger one.

    python data/make_sample.py                              data/sample/, as it ships
    python data/make_sample.py --workspaces 1000 --months 12 --output DIR
    python data/make_sample.py --workspaces 1000 --months 12 --no-samples --truth sessions.parquet

All of it is made up by ``wsanalytics.people``, see ``data/README.md``. The same arguments give the
same bytes. ``--truth`` writes when everybody really was connected, which the samples only hint
at: a ``sessions`` table, as CSV or Parquet.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from wsanalytics.errors import WsanalyticsError
from wsanalytics.files.outputs import check_output
from wsanalytics.history.folder import WORKSPACES_FILE, write_history
from wsanalytics.history.history import History
from wsanalytics.people.person import make_people
from wsanalytics.people.samples import take_samples
from wsanalytics.people.working_days import fleet_sessions
from wsanalytics.people.workspaces import make_workspaces
from wsanalytics.tables.csv_parquet import write_table
from wsanalytics.tables.observed import SESSIONS, WORKSPACES
from wsanalytics.timeline import Window

SAMPLE = Path(__file__).resolve().parent / "sample"
SEED = 2026


def months_from(start: datetime, count: int) -> Window:
    """The window of *count* whole UTC months from *start*, the first instant of one."""
    later = start.month - 1 + count
    return Window(start, start.replace(year=start.year + later // 12, month=later % 12 + 1))


def make_history(workspaces: int, window: Window, seed: int) -> tuple[History, pd.DataFrame]:
    """An invented fleet as a collector saw it, and its true sessions."""
    people = make_people(workspaces, seed=seed, window=window)
    machines = make_workspaces(people, seed=seed, window=window)
    sessions = fleet_sessions(people, window)
    samples = take_samples(sessions, machines, window, seed=seed)
    return History(_as_last_seen(machines, samples), samples, window), sessions


def _as_last_seen(workspaces: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """The WorkSpaces in the state that the last look at each of them saw."""
    last = samples.drop_duplicates("workspace_id", keep="last")
    states = dict(zip(last["workspace_id"], last["state"], strict=True))
    seen = workspaces["workspace_id"].map(states)
    stays = workspaces["terminated_at"].isna() & seen.notna()
    return workspaces.assign(state=workspaces["state"].mask(stays, seen))


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, make the fleet, say what was written; the exit code."""
    options = _parser().parse_args(argv)
    window = months_from(options.start, options.months)
    try:
        if options.truth is not None:
            check_output(options.truth)
        if options.samples:
            history, sessions = make_history(options.workspaces, window, options.seed)
            write_history(history, options.output)
            print(history, "in", options.output, file=sys.stderr)
        else:
            people = make_people(options.workspaces, seed=options.seed, window=window)
            sessions = fleet_sessions(people, window)
            _write_workspaces(
                make_workspaces(people, seed=options.seed, window=window), options.output
            )
        if options.truth is not None:
            write_table(sessions, options.truth, SESSIONS)
            print(f"{len(sessions):,} sessions in {options.truth}", file=sys.stderr)
    except WsanalyticsError as error:
        print(f"make_sample: {error}", file=sys.stderr)
        return 2
    return 0


def _write_workspaces(workspaces: pd.DataFrame, folder: Path) -> None:
    """Only the workspaces, in the same file as beside samples."""
    write_table(workspaces, folder / WORKSPACES_FILE, WORKSPACES)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspaces", type=_positive, default=200, metavar="N")
    parser.add_argument("--months", type=_positive, default=4, metavar="N")
    parser.add_argument("--start", type=_month, default="2026-07", metavar="YYYY-MM")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N")
    parser.add_argument("--output", type=Path, default=SAMPLE, metavar="DIR",
                        help="an existing folder (default: %(default)s)")
    parser.add_argument("--no-samples", dest="samples", action="store_false",
                        help="write the WorkSpaces (and the truth) only")
    parser.add_argument("--truth", type=Path, metavar="FILE",
                        help="also write the true sessions, as .csv or .parquet")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _month(text: str) -> datetime:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a month, such as 2026-07")
    year, month = map(int, text.split("-"))
    return datetime(year, month, 1, tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
