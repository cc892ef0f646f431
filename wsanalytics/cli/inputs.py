"""What the commands read: a fleet's files, checked against each other, cut and narrowed."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd

from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.errors import InputError
from wsanalytics.files import tags_of
from wsanalytics.formatting import counted
from wsanalytics.history import Store, check_workspaces, configured, read_sessions
from wsanalytics.prices import PriceBook, load_prices
from wsanalytics.progress import working
from wsanalytics.recommendations import the_one
from wsanalytics.schedule import schedule_of
from wsanalytics.sessions import find_stored
from wsanalytics.tables import WORKSPACES, check_known_ids, defaults_used, origin_of, read_table
from wsanalytics.timeline import Window

_PRICED_BY = ("operating_system", "license", "root_gib", "user_gib", "maintenance_enabled")
"""The columns whose default makes a price; the others are empty, or as one would expect."""
SEEN_FIRST = timedelta(days=21)
"""What policies are given to see, where a backtest is asked to begin before anything was."""


MOST_WINDOW_DAYS = 3_660


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """Which part of a fleet a command is about; an empty field means all."""

    directories: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    bundles: tuple[str, ...] = ()
    workspaces: tuple[str, ...] = ()

    def keep(self, workspaces: pd.DataFrame) -> pd.DataFrame:
        """The rows of *workspaces* that are meant; :class:`InputError` if there are none.

        Values of one kind are alternatives; kinds narrow one another down.
        """
        kept = workspaces
        for column, values in (("directory_id", self.directories), ("bundle_id", self.bundles),
                               ("workspace_id", self.workspaces)):
            if values:
                kept = kept[kept[column].isin(values)]
        if self.tags:
            wanted = {name: {v for n, v in self.tags if n == name} for name, _ in self.tags}
            tags = kept["tags"].map(tags_of)
            kept = kept[[all(t.get(n) in values for n, values in wanted.items()) for t in tags]]
        if kept.empty:
            raise InputError(
                "no WorkSpace is left",
                where="--directory, --tag, --bundle, --workspace",
                rule="what narrows the fleet leaves at least one WorkSpace of it",
                mend="check the ids and the tag's name and value",
            )
        return kept.reset_index(drop=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class Fleet:
    """A fleet from files: checked frames, the window, the prices, and which defaults were used.

    ``source`` is the name of the store, or the names of the files. ``present`` tells what each
    WorkSpace was set to as the window began, by id; None: what ``workspaces`` list. ``orders`` are
    the starts and stops that samples show and no session explains; None: of files nothing is known.
    """

    workspaces: pd.DataFrame
    sessions: pd.DataFrame
    window: Window
    prices: PriceBook
    defaults: dict[str, int] = field(default_factory=dict)
    gaps: pd.DataFrame | None = None
    account_id: str | None = None
    region: str | None = None
    note: str = ""
    source: str = ""
    present: pd.Series | None = None
    orders: pd.DataFrame | None = None


def fleet_of(args: Namespace, *, with_history: bool = False) -> Fleet:
    """The fleet that a command line names, by the options that the commands share.

    *with_history*: sessions before ``--start`` are there as well.
    """
    fleet = _named(args, with_history=with_history)
    return replace(fleet, prices=fleet.prices.discounted(args.discount))


def tell_defaults(defaults: dict[str, int]) -> None:
    """Which defaults were used for what the workspaces table does not say, on standard error.

    Told when a command is done: one that is refused says one thing alone.
    """
    texts = {column.name: column.default_text or str(column.default or "empty")
             for column in WORKSPACES.columns}
    rows = {name: counted(count, "WorkSpace") for name, count in defaults.items()
            if name in _PRICED_BY}
    if not rows:
        return
    terminal.tell("the workspaces table does not say everything; these defaults were priced:")
    for name, count in rows.items():
        sys.stderr.write(f"  {name:<21}{texts[name]:<25}{count}\n")


def _named(args: Namespace, *, with_history: bool) -> Fleet:
    narrowing = Narrowing(
        directories=tuple(args.directory), tags=tuple(args.tag),
        bundles=tuple(args.bundle), workspaces=tuple(args.workspace),
    )
    if args.store is not None:
        if args.sessions is not None or args.workspaces is not None:
            raise _which_input("both a store and files are named")
        return stored_fleet(args.store, prices=args.prices, start=args.start, end=args.end,
                            narrowing=narrowing, with_history=with_history)
    if args.sessions is None or args.workspaces is None:
        missing = "--workspaces" if args.sessions is not None else "--sessions"
        raise _which_input(f"{missing} is missing")
    return read_fleet(sessions=args.sessions, workspaces=args.workspaces, prices=args.prices,
                      start=args.start, end=args.end, narrowing=narrowing)


def _which_input(what: str) -> InputError:
    return InputError(
        what, where="the options", rule="a fleet comes from --store DIR, or from --sessions F "
        "and --workspaces F", mend="give the one or the other two",
    )


def stored_fleet(
    store: Path,
    *,
    prices: Path | None = None,
    start: date | None = None,
    end: date | None = None,
    narrowing: Narrowing | None = None,
    with_history: bool = False,
) -> Fleet:
    """The fleet that a collector's store knows; sessions are found in its samples.

    *start* and *end* (excluded) default to the whole UTC days that the samples cover; days outside
    of those that were observed are cut off, and the note says so: they would pass for unused.
    Sessions of WorkSpaces that are gone count; those WorkSpaces are marked as terminated.
    *with_history*: sessions before *start* are found as well.
    """
    book = load_prices(path=prices)
    check_days(start, end)
    place = Store(store)
    covered = place.covered()
    first, final, cut = _observed_days(place.observed(), start, end, with_history=with_history)
    window = place.window(first, final)
    kept = (narrowing or Narrowing()).keep(place.inventory())
    with working("finding sessions", len(kept)) as advance:
        known = Window(min(covered.start, window.start), window.end) if with_history else window
        found = find_stored(place, kept, known, advance=advance)
    note = "; ".join(filter(None, [cut, age_text(place.newest_at())]))
    return Fleet(workspaces=kept, sessions=found.sessions, window=window, prices=book,
                 gaps=found.gaps, account_id=the_one(kept["account_id"]),
                 region=the_one(kept["region"]), note=note, source=store.resolve().name,
                 present=_in_force(place, kept, window), orders=found.orders)


def _observed_days(
    observed: Window, start: date | None, end: date | None, *, with_history: bool
) -> tuple[date | None, date | None, str]:
    """*start* and *end* within the days that were *observed*, and what was cut off in words.

    Where policies are to decide *with_history*, they have seen three weeks by the new start.
    """
    first, final = observed.start.date(), observed.end.date()
    if (start or first) >= final or (end or final) <= first:
        return start, end, ""  # nothing of it was observed: that is refused
    said = []
    if start is not None and start < first:
        later = min(first + SEEN_FIRST if with_history else first,
                    (min(end, final) if end else final) - timedelta(days=1))
        said.append(f"--start {start} is before the first observed day, {first}: it begins on "
                    f"{later}" + (", when policies have seen some weeks" if later > first else ""))
        start = later
    if end is not None and end > final:
        said.append(f"--end {end} is after the last observed day: it ends with "
                    f"{final - timedelta(days=1)}")
        end = final
    return start, end, "; ".join(said)


def age_text(newest_at: datetime, now: datetime | None = None) -> str:
    """How old the newest sample is; a warning past a day, nothing for a clock that is ahead.

    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> age_text(noon, noon + timedelta(hours=3))
    'the newest sample is 3 hours old'
    """
    age = (now or datetime.now(UTC)) - newest_at
    if age < timedelta(0):
        return ""
    if age < timedelta(hours=1):
        return f"the newest sample is {counted(age // timedelta(minutes=1), 'minute')} old"
    if age <= timedelta(days=1):
        return f"the newest sample is {counted(age // timedelta(hours=1), 'hour')} old"
    return (f"warning: the newest sample is {counted(age // timedelta(days=1), 'day')} old "
            f"({newest_at:%Y-%m-%d %H:%M} UTC), what happened since is not in it: "
            "'wsanalytics collect' or 'backfill' adds it")


def _in_force(store: Store, workspaces: pd.DataFrame, window: Window) -> pd.Series:
    """What each of *workspaces* was set to as *window* began, as far as the store knows."""
    known = store.settings()
    listed = configured(workspaces)
    if known.empty:
        return listed
    told = schedule_of(known, window).opening
    return told.reindex(listed.index).fillna(listed)


def read_fleet(
    *,
    sessions: Path,
    workspaces: Path,
    prices: Path | None = None,
    start: date | None = None,
    end: date | None = None,
    narrowing: Narrowing | None = None,
) -> Fleet:
    """Read and check a fleet's files; raises :class:`InputError` for the first thing wrong.

    *start* and *end* (excluded) default to the whole UTC days that the sessions touch.
    """
    book = load_prices(path=prices)
    raw = read_table(workspaces, WORKSPACES)
    fleet = check_workspaces(raw, origin_of(workspaces), priced=book.compute_types)
    used = read_sessions(sessions)
    _refuse_strangers(used, fleet, sessions)
    window = window_of(used, sessions, start, end)
    _refuse_elsewhere(used, window, sessions)
    fleet = (narrowing or Narrowing()).keep(fleet)
    used = used[used["workspace_id"].isin(fleet["workspace_id"])].reset_index(drop=True)
    return Fleet(
        workspaces=fleet, sessions=used, window=window, prices=book,
        defaults=defaults_used(raw, WORKSPACES), source=f"{sessions.name}, {workspaces.name}",
        note=_beyond(used, window),
    )


def _beyond(sessions: pd.DataFrame, window: Window) -> str:
    """That the window reaches over a week beyond all sessions, on either side, in words.

    Files of sessions do not say which days were observed: nobody can tell whether people were
    away, or nobody looked.
    """
    if sessions.empty:
        return ""
    first, last = sessions["connected_at"].min(), sessions["disconnected_at"].max()
    week = timedelta(days=7)
    if first - window.start <= week and window.end - last <= week:
        return ""
    return (f"the sessions span {first:%Y-%m-%d} to {last:%Y-%m-%d}; the other days of {window} "
            "count as unused: if nobody observed them, give --start and --end")


def window_of(
    sessions: pd.DataFrame, path: Path, start: date | None, end: date | None
) -> Window:
    """The window from *start* to *end*, each by default from the days that *sessions* touch."""
    if sessions.empty and (start is None or end is None):
        raise InputError(
            "there is no session to take the days from",
            where=str(path),
            rule="--start and --end default to the days that the sessions cover",
            mend="give --start and --end",
        )
    covered = (
        Window.around(sessions["connected_at"].min(), sessions["disconnected_at"].max())
        if start is None or end is None
        else None
    )
    first = start or (covered.start.date() if covered else date.min)
    final = end or (covered.end.date() if covered else date.max)
    check_days(first, final)
    return Window.of_days(first, final)


def check_days(first: date | None, final: date | None) -> None:
    """Refuse a window that ends before it starts."""
    if first is not None and final is not None and final <= first:
        raise InputError(
            f"--end {final} is not after --start {first}",
            where="the window",
            rule="the window runs from --start to --end, the end excluded",
            mend="give a later --end",
        )
    if first is not None and final is not None and (final - first).days > MOST_WINDOW_DAYS:
        raise InputError(
            f"{(final - first).days:,} days, from {first} to {final}", where="the window",
            rule=f"a window is of ten years at most, {MOST_WINDOW_DAYS:,} days",
            mend="give --start and --end, or correct the instants that lie so far apart")


def _refuse_strangers(sessions: pd.DataFrame, workspaces: pd.DataFrame, path: Path) -> None:
    check_known_ids(
        sessions["workspace_id"].unique(), workspaces["workspace_id"],
        what="it has sessions of WorkSpaces that --workspaces lacks", where=str(path),
        rule="each session belongs to a WorkSpace of the --workspaces file",
        mend="add them there, or remove their sessions")


def _refuse_elsewhere(sessions: pd.DataFrame, window: Window, path: Path) -> None:
    if sessions.empty:
        return
    inside = (sessions["connected_at"] < window.end) & (sessions["disconnected_at"] > window.start)
    if not inside.any():
        first, final = sessions["connected_at"].min(), sessions["disconnected_at"].max()
        raise InputError(
            f"none of its sessions lies in the window {window}; "
            f"they span {first.isoformat()} to {final.isoformat()}",
            where=str(path),
            rule="at least one session lies in the window",
            mend="give --start and --end that fit the sessions",
        )
