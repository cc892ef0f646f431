"""The commands from sessions to advice: recommend, report, demo.

As in :mod:`.simulate`, an output is checked before any work is done, and written when
all work is done.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wsanalytics.billing import HourRule
from wsanalytics.cli.inputs import fleet_of, tell_defaults
from wsanalytics.cli.plan_replacement import newer_than, refuse_to_replace
from wsanalytics.cli.printing import fleet as terminal
from wsanalytics.errors import InputError
from wsanalytics.files import Made, check_output, new_folder, page_at, write_text
from wsanalytics.history import Store
from wsanalytics.recommendations import EXTENSIONS, Analysis, Limits, analyse, write_plan
from wsanalytics.report import render_report
from wsanalytics.sessions import hearsay_of
from wsanalytics.settings import Setting, setting_grid

REPORT_ENDINGS = (".html",)


def recommend(args: Namespace) -> None:
    """Sessions to a plan."""
    check_output(args.output, EXTENSIONS)
    if not args.force:
        refuse_to_replace(args.output)
    analysis = analysis_of(args, steps=5)
    if warning := newer_than(args.output, known_until(args, analysis)):
        terminal.tell(warning)
    write_plan(analysis.plan, args.output)
    terminal.print_changes(analysis)
    tell_defaults(analysis.defaults)
    terminal.tell(f"the plan is in {args.output}; nothing in AWS was changed")


def known_until(args: Namespace, analysis: Analysis) -> datetime:
    """Up to when what a plan rests on was seen: the newest sample of a store, or its window."""
    return Store(args.store).newest_at() if args.store is not None else analysis.window.end


def report(args: Namespace) -> None:
    """Sessions to a page."""
    path = _report_path(args.output)
    analysis = analysis_of(args, steps=6)
    page = render_report(analysis)
    with Made() as made:
        made.folder(path.parent)
        write_text(page, path, private=True)
    terminal.print_costs(analysis)
    tell_defaults(analysis.defaults)
    terminal.tell(f"the report is in {path}")


def analysis_of(args: Namespace, *, steps: int, as_then: bool = False) -> Analysis:
    """The analysis that a command line asks for; *steps* is how many its progress counts.

    *as_then*: its plan is dated as if it were made at the window's end.
    """
    with terminal.progress(steps) as step:
        step("reading")
        fleet = fleet_of(args)
        if fleet.note:
            terminal.tell_when_done(fleet.note)
        limits = Limits(
            candidates=candidates_of(args),
            hour_rule=HourRule.parse(args.hour_rule),
            maintenance_hours=args.maintenance_hours,
            max_cold_starts_per_week=args.max_cold_starts_per_week,
            min_saving_usd=args.min_saving_usd,
        )
        found = analyse(fleet.sessions, fleet.workspaces, window=fleet.window,
                       prices=fleet.prices, limits=limits, defaults=fleet.defaults,
                       gaps=fleet.gaps, orders=fleet.orders, account_id=fleet.account_id,
                       region=fleet.region, source=fleet.source, note=fleet.note, step=step,
                       now=fleet.window.end if as_then else None)
        known = hearsay_of(Store(args.store)) if args.store is not None else None
        return replace(found, hearsay=known)


def candidates_of(args: Namespace) -> tuple[Setting, ...]:
    """What may be proposed, by ``--setting`` or ``--timeout``."""
    if args.setting and args.timeout:
        raise InputError(
            "both --setting and --timeout are given", where="the options",
            rule="what may be proposed comes from --setting S …, or from --timeout M …, which "
            "adds ALWAYS_ON", mend="give the one or the other",
        )
    if args.timeout:
        return setting_grid(auto_stop_minutes=args.timeout)
    chosen = setting_grid(auto_stop_minutes=(), always_on=False, include=args.setting)
    return chosen or setting_grid()


def _report_path(output: Path) -> Path:
    """The page to write: *output*, or ``report.html`` in it where it names a folder."""
    path = page_at(output)
    if path.suffix in REPORT_ENDINGS and new_folder(path.parent):
        return path
    check_output(path, REPORT_ENDINGS)
    return path
