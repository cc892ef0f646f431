"""Read the inputs of commands: a fleet's files, checked against each other, cut and narrowed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd

from wsanalytics.billing import HourRule
from wsanalytics.cli.house_rules import house_rules
from wsanalytics.cli.narrowing import Narrowing
from wsanalytics.cli.options import (
    AnalysisOptions,
    CandidateOptions,
    FleetOptions,
)
from wsanalytics.cli.printing.console import note, note_when_done
from wsanalytics.cli.workspaces_files import read_workspaces_file
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted, listed
from wsanalytics.history import Store, configured, read_sessions
from wsanalytics.prices import PriceBook, load_prices
from wsanalytics.progress import step_bar, working
from wsanalytics.recommendations import Analysis, Limits, analyse, the_one
from wsanalytics.safe_text import is_quiet
from wsanalytics.schedule import schedule_of
from wsanalytics.sessions import find_stored, read_remarks
from wsanalytics.settings import Setting, setting_grid
from wsanalytics.tables import WORKSPACES
from wsanalytics.timeline import Window

_PRICED_BY = ("operating_system", "license", "root_gib", "user_gib", "maintenance_enabled")
"""The columns whose default makes a price; the others are empty, or as one would expect."""
SEEN_FIRST = timedelta(days=21)
"""The history that policies see first, where a backtest would begin before anything was seen."""


MOST_WINDOW_DAYS = 3_660


@dataclass(frozen=True, eq=False, kw_only=True)
class Fleet:
    """A fleet from files: checked frames, the window, the prices, and which defaults were used.

    ``source`` is the name of the store, or the names of the files. ``present`` is what each
    WorkSpace was set to as the window began, by id; None: what ``workspaces`` list. ``settings``
    are those of a store through time, a ``settings`` table. ``commands``
    are the starts and stops that samples show and no session explains; None: of files nothing is
    known.
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
    settings: pd.DataFrame | None = None
    commands: pd.DataFrame | None = None


def fleet_of(
    options: FleetOptions, *, with_history: bool = False, is_noted: bool = True
) -> Fleet:
    """Return the fleet that a command line names, by the *options* that the commands share.

    *with_history*: sessions before ``--start`` are there as well. What is to be said of its data
    is said when the command is done, unless it is not *is_noted*.
    """
    fleet = _named(options, with_history=with_history)
    if fleet.note and is_noted:
        note_when_done(fleet.note)
    return replace(fleet, prices=fleet.prices.discounted(options.discount))


def analysis_of(
    options: AnalysisOptions, *, steps: int, as_then: bool = False, with_rules: bool = True
) -> Analysis:
    """Return the analysis that a command line asks for; *steps* is how many its progress counts.

    *as_then*: its plan is dated as if it were made at the window's end. Not *with_rules*: as if
    there were no rules of the house, beside an analysis with them.
    """
    with step_bar(steps) as step:
        step("reading")
        fleet = fleet_of(options, is_noted=with_rules)
        limits = Limits(
            candidates=candidates_of(options),
            hour_rule=HourRule.parse(options.hour_rule),
            maintenance_hours=options.maintenance_hours,
            max_cold_starts_per_week=options.max_cold_starts_per_week,
            min_saving_usd=options.min_saving_usd,
            min_chance_of_saving=options.min_chance_of_saving,
            allow_losing_open_programs=options.allow_losing_open_programs,
            policy=options.policy, rules=house_rules() if with_rules else None,
        )
        analysis = analyse(fleet.sessions, fleet.workspaces, window=fleet.window,
                           prices=fleet.prices, limits=limits, defaults=fleet.defaults,
                           gaps=fleet.gaps, commands=fleet.commands, settings=fleet.settings,
                           account_id=fleet.account_id,
                           region=fleet.region, source=fleet.source, note=fleet.note, step=step,
                           now=fleet.window.end if as_then else None)
        remarks = read_remarks(Store(options.store)) if options.store is not None else None
        return replace(analysis, remarks=remarks)


def same_inputs(options: FleetOptions) -> list[str]:
    """Return the words of a command line that name the same fleet, prices and window."""
    words: list[str] = []
    for name in ("store", "sessions", "workspaces", "workspaces_region", "prices", "start", "end"):
        if (value := getattr(options, name)) is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    for name in options.tag_column:
        words += ["--tag-column", name]
    if options.discount:
        words += ["--discount", f"{options.discount:g}"]
    return words


def candidates_of(options: CandidateOptions) -> tuple[Setting, ...]:
    """Return the settings that may be proposed, by ``--setting`` or ``--timeout``."""
    if options.setting and options.timeout:
        raise InputError(
            "both --setting and --timeout are given", where="the options",
            rule="what may be proposed comes from --setting S …, or from --timeout M …, which "
            "adds ALWAYS_ON", fix="give the one or the other",
        )
    if options.timeout:
        return setting_grid(auto_stop_minutes=options.timeout)
    chosen = setting_grid(auto_stop_minutes=(), always_on=False, include=options.setting)
    return chosen or setting_grid()


def note_defaults(defaults: dict[str, int]) -> None:
    """Write which defaults were used for what the workspaces table does not say.

    This is said when a command is done: one that is refused says one thing alone.
    """
    texts = {column.name: column.default_text or str(column.default or "empty")
             for column in WORKSPACES.columns}
    rows = {name: counted(count, "WorkSpace") for name, count in defaults.items()
            if name in _PRICED_BY}
    if not rows or is_quiet():
        return
    note("the workspaces table does not say everything; these defaults were priced:")
    for name, count in rows.items():
        sys.stderr.write(f"  {name:<21}{texts[name]:<25}{count}\n")


def _named(options: FleetOptions, *, with_history: bool) -> Fleet:
    narrowing = Narrowing.of(options)
    if options.store is not None:
        if options.sessions is not None or options.workspaces is not None:
            raise _which_input("both a store and files are named")
        for name, value in (("--tag-column", options.tag_column),
                            ("--workspaces-region", options.workspaces_region)):
            if value:
                raise InputError(f"{name} is given with --store", where="the options",
                                 rule=f"{name} is about the file that --workspaces names; a store "
                                 "has tags and regions", fix=f"leave out {name}")
        return stored_fleet(options.store, prices=options.prices, start=options.start,
                            end=options.end, narrowing=narrowing, with_history=with_history)
    if options.sessions is None or options.workspaces is None:
        missing = "--workspaces" if options.sessions is not None else "--sessions"
        raise _which_input(f"{missing} is missing")
    return read_fleet(sessions=options.sessions, workspaces=options.workspaces,
                      prices=options.prices, start=options.start, end=options.end,
                      narrowing=narrowing, region=options.workspaces_region,
                      tag_columns=options.tag_column)


def _which_input(what: str) -> InputError:
    return InputError(
        what, where="the options", rule="a fleet comes from --store DIR, or from --sessions F "
        "and --workspaces F", fix="give the one or the other two",
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
    """Return the fleet that a collector's store holds; sessions are found in its samples.

    *start* and *end* (excluded) default to the whole UTC days that the samples cover; days outside
    of those that were observed are cut off, and the note says so: they would pass for unused.
    Sessions of WorkSpaces that are gone count; those WorkSpaces are marked as terminated.
    *with_history*: sessions before *start* are found as well.
    """
    book = load_prices(path=prices)
    check_days(start, end)
    samples = Store(store)
    covered = samples.covered()
    first, final, cut = _observed_days(samples.observed(), start, end, with_history=with_history)
    window = samples.window(first, final)
    fleet = (narrowing or Narrowing()).keep(samples.inventory())
    with working("finding sessions", len(fleet)) as advance:
        # policies see what was before the window; a store may begin within it
        searched = Window(min(covered.start, window.start), window.end) if with_history else window
        from_store = find_stored(samples, fleet, searched, advance=advance)
    remarks = "; ".join(filter(None, [cut, age_text(samples.newest_at())]))
    return Fleet(workspaces=fleet, sessions=from_store.sessions, window=window, prices=book,
                 gaps=from_store.gaps, account_id=the_one(fleet["account_id"]),
                 region=the_one(fleet["region"]), note=remarks, source=store.resolve().name,
                 present=_settings_at_start(samples, fleet, window), settings=samples.settings(),
                 commands=from_store.commands)


def _observed_days(
    observed: Window, start: date | None, end: date | None, *, with_history: bool
) -> tuple[date | None, date | None, str]:
    """*start* and *end* within the days that were *observed*, and what was cut off in words.

    Where policies are to decide *with_history*, they have seen three weeks by the new start.
    """
    first, final = observed.start.date(), observed.end.date()
    if (start or first) >= final or (end or final) <= first:
        return start, end, ""  # nothing of it was observed: that is refused
    cuts = []
    if start is not None and start < first:
        later = min(first + SEEN_FIRST if with_history else first,
                    (min(end, final) if end else final) - timedelta(days=1))
        cuts.append(f"--start {start} is before the first observed day, {first}: it begins on "
                    f"{later}" + (", when policies have seen some weeks" if later > first else ""))
        start = later
    if end is not None and end > final:
        cuts.append(f"--end {end} is after the last observed day: it ends with "
                    f"{final - timedelta(days=1)}")
        end = final
    return start, end, "; ".join(cuts)


def age_text(newest_at: datetime, now: datetime | None = None) -> str:
    """Describe the age of the newest sample; a warning past a day, nothing for a clock ahead.

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


def _settings_at_start(
    store: Store, workspaces: pd.DataFrame, window: Window
) -> pd.Series:
    """Return the setting of each of *workspaces* as *window* began, as far as the store knows."""
    settings = store.settings()
    listed = configured(workspaces)
    if settings.empty:
        return listed
    # a WorkSpace of which the store has no setting keeps the one that its inventory lists
    return schedule_of(settings, window).opening.reindex(listed.index).fillna(listed)


def read_fleet(
    *,
    sessions: Path,
    workspaces: Path,
    prices: Path | None = None,
    start: date | None = None,
    end: date | None = None,
    narrowing: Narrowing | None = None,
    region: str | None = None,
    tag_columns: Iterable[str] = (),
) -> Fleet:
    """Read and check a fleet's files; :class:`InputError` says all that is wrong with one.

    *start* and *end* (excluded) default to the whole UTC days that the sessions touch.
    """
    book = load_prices(path=prices)
    fleet, defaults = read_workspaces_file(
        workspaces, region=region, tag_columns=tag_columns, priced=book.compute_types)
    used = read_sessions(sessions)
    _refuse_unknown(used, fleet, sessions)
    window = window_of(used, sessions, start, end)
    _refuse_elsewhere(used, window, sessions)
    fleet = (narrowing or Narrowing()).keep(fleet)
    used = used[used["workspace_id"].isin(fleet["workspace_id"])].reset_index(drop=True)
    return Fleet(
        workspaces=fleet, sessions=used, window=window, prices=book,
        defaults=defaults, source=f"{sessions.name}, {workspaces.name}",
        note=_beyond(used, window),
    )


def _beyond(sessions: pd.DataFrame, window: Window) -> str:
    """Warn in words that the window reaches over a week beyond all sessions, on either side.

    Files of sessions do not say which days were observed: nobody can tell whether people were
    away, or nobody looked.
    """
    if sessions.empty:
        return ("warning: there is no session in it, so every WorkSpace counts as unused in all of "
                f"{window}")
    first, last = sessions["connected_at"].min(), sessions["disconnected_at"].max()
    week = timedelta(days=7)
    if first - window.start <= week and window.end - last <= week:
        return ""
    return (f"the sessions span {first:%Y-%m-%d} to {last:%Y-%m-%d}; the other days of {window} "
            "count as unused: if nobody observed them, narrow --start and --end")


def window_of(
    sessions: pd.DataFrame, path: Path, start: date | None, end: date | None
) -> Window:
    """The window from *start* to *end*, each by default from the days that *sessions* touch."""
    if sessions.empty and (start is None or end is None):
        raise InputError(
            "there is no session to take the days from",
            where=str(path),
            rule="--start and --end default to the days that the sessions cover",
            fix="give --start and --end",
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
            fix="give a later --end",
        )
    if first is not None and final is not None and (final - first).days > MOST_WINDOW_DAYS:
        raise InputError(
            f"{(final - first).days:,} days, from {first} to {final}", where="the window",
            rule=f"a window is of ten years at most, {MOST_WINDOW_DAYS:,} days",
            fix="give --start and --end, or correct the instants that lie so far apart")


def _refuse_unknown(sessions: pd.DataFrame, workspaces: pd.DataFrame, path: Path) -> None:
    unknown = sorted(
        set(sessions["workspace_id"].unique()) - set(workspaces["workspace_id"])
    )
    if unknown:
        raise InputError(
            f"it has sessions of WorkSpaces that --workspaces lacks: {listed(unknown)}",
            where=str(path),
            rule="each session belongs to a WorkSpace of the --workspaces file",
            fix="add them there, or remove their sessions",
        )


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
            fix="give --start and --end that fit the sessions",
        )
