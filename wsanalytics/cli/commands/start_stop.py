"""The commands ``stop-idle`` and ``start-early``: stop and start AUTO_STOP WorkSpaces by calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wsanalytics.cli.options import (
    CARE,
    LIMITS,
    NARROWING,
    ZONES,
    CareOptions,
    NarrowingOptions,
    OutcomeFile,
    StoreFolder,
    ZoneOptions,
    command,
    flag,
    journal_option,
    option,
)
from wsanalytics.cli.value_kinds import COUNT, PART, SOME_MINUTES

if TYPE_CHECKING:
    import pandas as pd

JOURNAL = "actions.journal.jsonl"
Limit = Annotated[int | None, option("the most at once (default: all)", COUNT, metavar="N",
                                     group=LIMITS)]
Journal = Annotated[Path | None, journal_option("actions.journal.jsonl in the store")]


@command("StopWorkspaces for AUTO_STOP WorkSpaces that run for nobody: that is how to stop before "
         "the shortest timeout. A dry run without --yes.",
         "wsanalytics stop-idle --store fleet --idle-minutes 15",
         "wsanalytics stop-idle --store fleet --idle-minutes 15 --working-hours "
         "'Mon-Fri 08:00-18:00' --time-zone Europe/Berlin --yes")
def stop_idle(
    *,
    idle_minutes: Annotated[float, option(
        "stop those whose user has been gone for so long", SOME_MINUTES, metavar="N",
        group=LIMITS)],
    working_hours: Annotated[str | None, option(
        "stop nothing within these hours, such as 'Mon-Fri 08:00-18:00'", metavar="HOURS",
        group=LIMITS)] = None,
    allow_losing_open_programs: Annotated[bool, flag(
        "stop WorkSpaces whose hardware does not hibernate, too: what is open there is lost",
        group=LIMITS)] = False,
    store: StoreFolder,
    limit: Limit = None,
    journal: Journal = None,
    output: OutcomeFile = None,
    zones: ZoneOptions = ZONES,
    narrowing: NarrowingOptions = NARROWING,
    care: CareOptions = CARE,
) -> int:
    """Stop what runs for nobody, or print what would be stopped."""
    from wsanalytics.actions import stop_idle as stop_them
    from wsanalytics.calendars import WorkingHours

    hours = None if working_hours is None else WorkingHours.parse(working_hours)
    idle = timedelta(minutes=idle_minutes)

    def run(dry_run: bool, **more: object) -> pd.DataFrame:
        return stop_them(idle=idle, working_hours=hours, dry_run=dry_run, **more)  # type: ignore[arg-type]  # passed through

    return _switch("stop", run, store=store, limit=limit, journal=journal, output=output,
                   zones=zones, narrowing=narrowing, care=care,
                   allow_losing_open_programs=allow_losing_open_programs)


@command("StartWorkspaces for stopped AUTO_STOP WorkSpaces whose users usually come within the "
         "next minutes, as their own sessions show. A dry run without --yes.",
         "wsanalytics start-early --store fleet --ahead-minutes 20 --holidays DE-BY --yes")
def start_early(
    *,
    ahead_minutes: Annotated[float, option(
        "start those whose user usually comes within so many minutes (default: 15)", SOME_MINUTES,
        metavar="N", group=LIMITS)] = 15.0,
    min_chance: Annotated[float, option(
        "the least chance that the user comes today (default: 0.6)", PART, metavar="X",
        group=LIMITS)] = 0.6,
    holidays: Annotated[str | None, option(
        "public holidays on which nobody is expected, such as DE or DE-BY",
        metavar="COUNTRY[-PART]", group=LIMITS)] = None,
    store: StoreFolder,
    limit: Limit = None,
    journal: Journal = None,
    output: OutcomeFile = None,
    zones: ZoneOptions = ZONES,
    narrowing: NarrowingOptions = NARROWING,
    care: CareOptions = CARE,
) -> int:
    """Start what is about to be used, or print what would be started."""
    from wsanalytics.actions import start_early as start_them
    from wsanalytics.calendars import Holidays

    calendar = Holidays.parse(holidays)
    ahead = timedelta(minutes=ahead_minutes)

    def run(dry_run: bool, **more: object) -> pd.DataFrame:
        return start_them(ahead=ahead, min_chance=min_chance, holidays=calendar, dry_run=dry_run,
                          **more)  # type: ignore[arg-type]  # passed through

    return _switch("start", run, store=store, limit=limit, journal=journal, output=output,
                   zones=zones, narrowing=narrowing, care=care)


def _switch(
    verb: str, run: Callable[..., pd.DataFrame], *, store: Path, limit: int | None,
    journal: Path | None, output: Path | None, zones: ZoneOptions, narrowing: NarrowingOptions,
    care: CareOptions, allow_losing_open_programs: bool = False,
) -> int:
    """Stop or start the WorkSpaces of a store that are meant, as far as there is consent."""
    from wsanalytics.actions import RunOptions
    from wsanalytics.calendars import Zones
    from wsanalytics.cli.confirm import Action, carry_out, writers_of
    from wsanalytics.cli.house_rules import house_rules
    from wsanalytics.cli.narrowing import Narrowing
    from wsanalytics.cli.printing.actions import print_switched
    from wsanalytics.cli.printing.console import warn
    from wsanalytics.files import check_output
    from wsanalytics.history import Store
    from wsanalytics.tables import SWITCHED

    if output:
        check_output(output)
    samples = Store(store)
    fleet = Narrowing.of(narrowing).keep(samples.inventory())
    calls = journal or samples.folder / JOURNAL
    regions = fleet.loc[fleet["terminated_at"].isna(), "region"].unique().tolist()
    terms = RunOptions(limit=limit, opt_out=tuple(care.opt_out_tag), rules=house_rules(),
                       allow_losing_open_programs=allow_losing_open_programs, log=warn)
    clocks = Zones.of(zones.time_zone, zones.time_zone_by_directory)
    zone_of = clocks.zones_of(fleet)
    meant = set(fleet["workspace_id"])
    action = Action(verb=verb, noun="WorkSpace", done="done", with_yes="does it", journal=calls,
                    show=lambda frame, dry_run: print_switched(
                        frame, verb, zone_of, dry_run=dry_run))

    with writers_of(care, regions, set(fleet["account_id"])) as writers:
        def once(dry_run: bool) -> pd.DataFrame:
            return run(store=samples, writer=writers, journal=calls, zones=clocks, options=terms,
                       keep=lambda frame: frame[frame["workspace_id"].isin(meant)],
                       dry_run=dry_run)

        return carry_out(action, once, care, output=output, table=SWITCHED,
                         is_complete=not writers.refused)
