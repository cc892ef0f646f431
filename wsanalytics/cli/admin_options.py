"""The options of the commands that change something in AWS, and of those about plans."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wsanalytics.cli.options import (
    HOUR_RULES,
    add_choice,
    add_narrowing,
    add_store_option,
    add_zones,
    count,
    positive,
    share,
    some_days,
    some_minutes,
    tag,
)

Commands = argparse._SubParsersAction  # noqa: SLF001  # argparse gives its type no public name


def add_admin(commands: Commands[Any]) -> None:
    """Give the parser the commands for administrators."""
    _add_plan(commands)
    _add_apply(commands)
    _add_undo(commands)
    _add_verify(commands)
    _add_stop_idle(commands)
    _add_start_early(commands)
    _add_creation_properties(commands)
    _add_app(commands)


def _add_plan(commands: Commands[Any]) -> None:
    plan = commands.add_parser("plan", help="read, compare and check plans",
                               description="About a plan that 'recommend' wrote. No AWS is asked.")
    about = plan.add_subparsers(dest="about", required=True, metavar="WHAT")
    show = about.add_parser("show", help="what a plan would change, and why",
                            description="What a plan would change, and why.")
    show.add_argument("plan", type=Path, metavar="plan.json", help="the plan")
    show.add_argument("--output", type=Path, metavar="F",
                      help="write the changes to a .csv or .xlsx file instead")
    show.add_argument("--all", action="store_true",
                      help="print every change (default: the 100 that save most)")
    diff = about.add_parser(
        "diff", help="what a plan changes, or how two plans differ",
        description="From which setting to which, line by line; with a second plan, what was "
        "struck, added or altered in it.")
    diff.add_argument("plan", type=Path, metavar="plan.json", help="the plan")
    diff.add_argument("other", type=Path, nargs="?", metavar="other.json",
                      help="another plan to hold against it")
    check = about.add_parser("check", help="is a plan whole and valid?",
                             description="Whether a plan can be read: exit 0, or 2 and why not.")
    check.add_argument("plan", type=Path, metavar="plan.json", help="the plan")
    for one in (show, diff, check):
        one.set_defaults(module="cli.commands.plan", function=f"plan_{one.prog.rpartition(' ')[2]}")


def _add_apply(commands: Commands[Any]) -> None:
    apply = commands.add_parser(
        "apply", help="make the changes of a plan; a dry run unless told otherwise",
        description="Look at each WorkSpace of a plan, and say what would change and what it would "
        "save. With --yes the changes are made, checked before, read back after, and journalled, "
        "so that 'undo' can take them back.")
    apply.set_defaults(module="cli.commands.apply")
    apply.add_argument("plan", type=Path, metavar="plan.json", help="the plan")
    apply.add_argument("--limit", type=count, default=25, metavar="N",
                       help="the most changes to make, those that save most first (default: 25)")
    apply.add_argument("--max-share", type=_part, default=1.0, metavar="X",
                       help="the largest share of the fleet to change at once (default: 1)")
    apply.add_argument("--stop-after-failures", type=count, default=5, metavar="N",
                       help="stop after so many failures in a row (default: 5)")
    apply.add_argument("--due", action="store_true",
                       help="only changes whose best date has come")
    apply.add_argument("--resume", action="store_true",
                       help="go on where an interrupted run ended")
    apply.add_argument("--old-after-days", type=some_days, default=14.0, metavar="N",
                       help="warn of a plan or prices older than that (default: 14)")
    apply.add_argument("--output", type=Path, metavar="F",
                       help="write what became of each change to a .csv or .parquet file as well")
    _add_journal(apply, "PLAN.journal.jsonl beside the plan")
    _add_care(apply)


def _add_undo(commands: Commands[Any]) -> None:
    undo = commands.add_parser(
        "undo", help="take back the changes that a journal tells of; a dry run unless told "
        "otherwise",
        description="Give every WorkSpace that a journal says was changed, or those named, "
        "the setting it had before, with the same care as 'apply'.")
    undo.set_defaults(module="cli.commands.apply")
    undo.add_argument("journal", type=Path, metavar="JOURNAL", help="the journal of the changes")
    undo.add_argument("--workspace", nargs="+", action="extend", default=[], metavar="ID",
                      help="take back only the change of this WorkSpace; may be repeated (default: "
                      "all)")
    undo.add_argument("--limit", type=count, metavar="N",
                      help="the most changes to take back (default: all)")
    undo.add_argument("--stop-after-failures", type=count, default=5, metavar="N",
                      help="stop after so many failures in a row (default: 5)")
    undo.add_argument("--output", type=Path, metavar="F",
                      help="write what became of each to a .csv or .parquet file as well")
    _add_care(undo)


def _add_verify(commands: Commands[Any]) -> None:
    verify = commands.add_parser(
        "verify", help="what applied changes have saved, against what was promised",
        description="Replay what users really did since each change under the old setting and the "
        "new one: promised, realised, and the changes that were wrong. Asks no AWS.")
    verify.add_argument("journal", type=Path, metavar="JOURNAL", help="the journal of the changes")
    _add_store(verify)
    verify.add_argument("--days", type=some_days, default=7.0, metavar="N",
                        help="only changes that are at least so old (default: 7)")
    verify.add_argument("--hour-rule", choices=HOUR_RULES, metavar="R",
                        help="how hours are counted (default: as in the plan)")
    verify.add_argument("--prices", type=Path, metavar="F", help="your own prices table")
    verify.add_argument("--discount", type=share, metavar="X",
                        help="the share taken off all prices (default: as in the plan)")
    verify.add_argument("--output", type=Path, metavar="F",
                        help="write the table to a .csv or .parquet file as well")
    verify.set_defaults(module="cli.commands.verify")


def _add_stop_idle(commands: Commands[Any]) -> None:
    stop = commands.add_parser(
        "stop-idle", help="stop AUTO_STOP WorkSpaces whose users have been gone for a while",
        description="StopWorkspaces for AUTO_STOP WorkSpaces that run for nobody: that is how to "
        "stop before the shortest timeout. A dry run unless told otherwise.")
    stop.set_defaults(module="cli.commands.start_stop")
    stop.add_argument("--idle-minutes", type=some_minutes, required=True, metavar="N",
                      help="stop those whose user has been gone for so long")
    stop.add_argument("--working-hours", metavar="HOURS",
                      help="stop nothing within these hours, such as 'Mon-Fri 08:00-18:00'")
    _add_switching(stop)


def _add_start_early(commands: Commands[Any]) -> None:
    start = commands.add_parser(
        "start-early", help="start AUTO_STOP WorkSpaces shortly before their users usually come",
        description="StartWorkspaces for stopped AUTO_STOP WorkSpaces whose users usually come "
        "within the next minutes, as their own sessions tell. A dry run unless told otherwise.")
    start.set_defaults(module="cli.commands.start_stop")
    start.add_argument("--ahead-minutes", type=some_minutes, default=15.0, metavar="N",
                       help="start those whose user usually comes within so many minutes "
                       "(default: 15)")
    start.add_argument("--min-chance", type=_part, default=0.6, metavar="X",
                       help="the least chance that the user comes today (default: 0.6)")
    start.add_argument("--holidays", metavar="COUNTRY[-PART]",
                       help="public holidays on which nobody is expected, such as DE or DE-BY")
    _add_switching(start)


def _add_creation_properties(commands: Commands[Any]) -> None:
    create = commands.add_parser(
        "creation-properties", help="the running mode and timeout to create a WorkSpace with",
        description="A CreateWorkspaces request for newcomers, with the running mode and timeout "
        "that suit comparable WorkSpaces best. With --create and --yes the call is made.")
    create.set_defaults(module="cli.commands.create", function="creation_properties")
    add_choice(create)
    create.add_argument("--like", nargs="+", action="extend", default=[], type=tag,
                        metavar="TAG=VALUE", help="comparable are the WorkSpaces with this tag")
    create.add_argument("--user", nargs="+", action="extend", default=[], metavar="NAME",
                        help="the users to create WorkSpaces for; may be repeated")
    create.add_argument("--create", action="store_true",
                        help="create them: a dry run unless --yes is given too")
    create.add_argument("--into-directory", metavar="D",
                        help="the directory of the new WorkSpaces (default: the one of most)")
    create.add_argument("--from-bundle", metavar="B",
                        help="the bundle of the new WorkSpaces (default: the one of most)")
    create.add_argument("--output", type=Path, metavar="F.json",
                        help="write the request there instead of to standard output")
    create.add_argument("--limit", type=count, default=25, metavar="N",
                        help="the most WorkSpaces to create (default: 25)")
    _add_journal(create, "creations.journal.jsonl in the store, or in this folder")
    _add_consent(create)
    _add_callers(create)


def _add_app(commands: Commands[Any]) -> None:
    app = commands.add_parser(
        "app", help="the review of a plan as a page in a browser, served on this machine",
        description="Serve the plan, the fleet and what-if as a page for people without a "
        "notebook (needs the extra 'notebooks'). It only reads, unless it is started with "
        "--allow-apply; then changes are made after a typed confirmation, journalled, and can be "
        "taken back. Without --store and --plan it shows the sample fleet. The address is the "
        "first line printed.")
    app.set_defaults(module="cli.commands.app")
    app.add_argument("--plan", type=Path, metavar="plan.json",
                     help="the plan to review (default: one made from the store)")
    add_store_option(app, "the store of a collector, which shows why")
    app.add_argument("--allow-apply", action="store_true",
                     help="let the page make changes; its address then holds a secret")
    app.add_argument("--limit", type=count, default=25, metavar="N",
                     help="the most changes in one run (default: 25)")
    app.add_argument("--port", type=count, metavar="P", help="the port (default: a free one)")
    _add_journal(app, "PLAN.journal.jsonl beside the plan, or a file named after it here")
    add_zones(app, default="")
    _add_callers(app)


def _add_switching(parser: argparse.ArgumentParser) -> None:
    _add_store(parser)
    parser.add_argument("--limit", type=count, metavar="N", help="the most at once (default: all)")
    _add_journal(parser, "actions.journal.jsonl in the store")
    parser.add_argument("--output", type=Path, metavar="F",
                        help="write what became of each to a .csv or .parquet file as well")
    add_zones(parser)
    add_narrowing(parser)
    _add_care(parser)


def _add_store(parser: argparse.ArgumentParser) -> None:
    add_store_option(parser, "the store of a collector", required=True)


def _add_journal(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--journal", type=Path, metavar="F",
                        help=f"where every call is written down (default: {default})")


def _add_care(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--opt-out-tag", nargs="+", action="extend", default=[], metavar="NAME",
                        help="leave WorkSpaces with a tag of this name alone, beside those with "
                        "Skip_Convert; may be repeated")
    _add_consent(parser)
    _add_callers(parser)


def _add_consent(parser: argparse.ArgumentParser) -> None:
    consent = parser.add_mutually_exclusive_group()
    consent.add_argument("--yes", action="store_true",
                         help="do it, without a question; otherwise this is a dry run")
    consent.add_argument("--interactive", action="store_true",
                         help="show what would be done, and ask for a typed confirmation")


def _add_callers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", metavar="P", help="a profile of AWS's configuration files")
    parser.add_argument("--role-arn", nargs="+", action="extend", default=[], metavar="ARN",
                        help="roles to assume, one for each account; may be repeated")


def _part(text: str) -> float:
    if (value := positive(text)) > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share of up to 1")
    return value
