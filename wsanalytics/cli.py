"""The command line: a thin face, every command one function of ``commands`` or ``advice``.

Exit 0: done; 1: done in part; 2: refused, with one message on standard error and nothing written.
Nothing heavy is imported until a command line has been understood, so ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TextIO

from wsanalytics import __version__
from wsanalytics.errors import NotBilledWarning, UnpricedWarning, WsanalyticsError

HOUR_RULES = ("clock_hour", "ceil_per_run", "exact")
REFUSED, INTERRUPTED = 2, 130


class _Parser(argparse.ArgumentParser):
    """Argparse with one message instead of a page of usage, and no abbreviated options."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  # as argparse's own
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        found = re.match(r"argument \w+: invalid choice: '(.*)' \(choose from (.*)\)", message)
        if found:
            names = re.findall(r"[\w-]+", found[2])
            close = get_close_matches(found[1], names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}"
            message = f"there is no command {found[1]!r}; {hint}"
        self.exit(REFUSED, f"{self.prog}: {message}. Mend: '{self.prog} --help' shows the usage.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit status."""
    args = build_parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # names of users on terminals that lack a letter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UnpricedWarning)
            warnings.simplefilter("always", NotBilledWarning)
            warnings.showwarning = _show_warning
            return _run(args)
    except WsanalyticsError as error:
        sys.stderr.write(f"wsanalytics {args.command}: {error}\n")
        return REFUSED
    except KeyboardInterrupt:
        sys.stderr.write(f"wsanalytics {args.command}: interrupted; nothing is half-written.\n")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has left
        return 1


def _run(args: argparse.Namespace) -> int:
    module = import_module(f"wsanalytics.{args.module}")  # heavy, and help must answer at once
    command: Callable[[argparse.Namespace], int | None] = getattr(module, args.command)
    return command(args) or 0


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,  # noqa: ARG001  # the place in our code says nothing to users
    lineno: int,  # noqa: ARG001  # likewise
    file: TextIO | None = None,  # noqa: ARG001  # likewise
    line: str | None = None,  # noqa: ARG001  # likewise
) -> None:
    if issubclass(category, (UnpricedWarning, NotBilledWarning)):
        sys.stderr.write(f"wsanalytics: {message}.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands and options."""
    parser = _Parser(
        prog="wsanalytics",
        description="What Amazon WorkSpaces cost, what they would cost in other settings, and "
        "which to change. Nothing in AWS is changed by any of these commands.",
    )
    parser.add_argument("--version", action="version", version=f"wsanalytics {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND",
                                     parser_class=_Parser)
    parser.set_defaults(module="commands")
    _add_demo(commands)
    _add_columns(commands)
    _add_sessions(commands)
    _add_simulate(commands)
    _add_recommend(commands)
    _add_report(commands)
    return parser


Commands = argparse._SubParsersAction  # noqa: SLF001  # argparse gives its type no public name


def _add_demo(commands: Commands[_Parser]) -> None:
    demo = commands.add_parser(
        "demo", help="the whole way on the sample fleet: report, charges, plan",
        description="Sessions, replay, bill, comparison and plan of the sample fleet that comes "
        "with wsanalytics, written into one folder. No AWS account is needed.")
    demo.add_argument("--output", type=Path, default=Path("wsanalytics-demo"), metavar="DIR",
                      help="the folder to write into (default: ./wsanalytics-demo)")
    demo.set_defaults(module="advice")


def _add_columns(commands: Commands[_Parser]) -> None:
    columns = commands.add_parser("columns", help="what the columns of each table hold",
                                  description="The contract of one table, or of all.")
    columns.add_argument("table", nargs="?", metavar="TABLE", help="one of the tables")
    columns.add_argument("--markdown", action="store_true", help="all tables as a Markdown page")


def _add_sessions(commands: Commands[_Parser]) -> None:
    sessions = commands.add_parser(
        "sessions", help="samples to sessions",
        description="Find the sessions that samples of connection states show.")
    sessions.add_argument("--samples", type=Path, required=True, metavar="F",
                          help="the samples table, .csv or .parquet")
    sessions.add_argument("--output", type=Path, required=True, metavar="F",
                          help="where the sessions go, .csv or .parquet")
    sessions.add_argument("--gaps", type=Path, metavar="F",
                          help="where the stretches go in which nobody looked")
    sessions.add_argument("--bridge-gaps", type=_positive, metavar="MINUTES",
                          help="the longest silence within one session (default: the larger of "
                          "20 minutes and three sampling intervals)")


def _add_simulate(commands: Commands[_Parser]) -> None:
    simulate = commands.add_parser(
        "simulate", help="sessions to charges under any settings",
        description="Replay sessions under each setting and bill them by month.")
    _add_fleet(simulate)
    simulate.add_argument("--setting", nargs="+", action="extend", required=True, metavar="S",
                          help="ALWAYS_ON or AUTO_STOP:MINUTES; may be repeated")
    simulate.add_argument("--resume-seconds", type=_limit, default=0.0, metavar="N",
                          help="a stopped WorkSpace is switched on that long before its user is "
                          "connected (default: 0)")
    simulate.add_argument("--network-grace-minutes", type=_limit, default=0.0, metavar="N",
                          help="AWS notices a disconnect that much later (default: 0)")
    simulate.add_argument("--output", type=Path, required=True, metavar="F",
                          help="where the charges go, .csv or .parquet")


def _add_recommend(commands: Commands[_Parser]) -> None:
    recommend = commands.add_parser(
        "recommend", help="sessions to a plan of changes",
        description="Compare settings for each WorkSpace and write the changes worth making.")
    recommend.set_defaults(module="advice")
    _add_choice(recommend)
    recommend.add_argument("--output", type=Path, required=True, metavar="plan.json",
                           help="where the plan goes")


def _add_report(commands: Commands[_Parser]) -> None:
    report = commands.add_parser(
        "report", help="sessions to a page: costs, changes, reasons, plots",
        description="One self-contained HTML page about what the fleet costs and what to change.")
    report.set_defaults(module="advice")
    _add_choice(report)
    report.add_argument("--output", type=Path, required=True, metavar="report.html",
                        help="where the page goes; a folder is made if its last part is missing")


def _add_fleet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=Path, required=True, metavar="F",
                        help="the sessions table, .csv or .parquet")
    parser.add_argument("--workspaces", type=Path, required=True, metavar="F",
                        help="the workspaces table, .csv or .parquet")
    parser.add_argument("--prices", type=Path, metavar="F",
                        help="your own prices table, in place of AWS's list prices")
    parser.add_argument("--start", type=_day, metavar="D",
                        help="first UTC day, YYYY-MM-DD (default: the first that sessions touch)")
    parser.add_argument("--end", type=_day, metavar="D",
                        help="the day after the last, YYYY-MM-DD (default: after the last touched)")
    parser.add_argument("--hour-rule", choices=HOUR_RULES, default=HOUR_RULES[0], metavar="R",
                        help=f"how hours are counted: {', '.join(HOUR_RULES)} "
                        "(default: clock_hour)")
    parser.add_argument("--maintenance-hours", type=_limit, default=1.0, metavar="N",
                        help="hours billed for a month's maintenance of an AUTO_STOP WorkSpace "
                        "whose directory has it enabled (default: 1)")
    narrow = parser.add_argument_group("narrow the fleet")
    for name, what in (("directory", "directory id"), ("bundle", "bundle id"),
                       ("workspace", "WorkSpace id")):
        narrow.add_argument(f"--{name}", nargs="+", action="extend", default=[], metavar="ID",
                            help=f"only this {what}; may be repeated")
    narrow.add_argument("--tag", nargs="+", action="extend", default=[], type=_tag,
                        metavar="NAME=VALUE", help="only WorkSpaces with this tag")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    _add_fleet(parser)
    parser.add_argument("--setting", nargs="+", action="extend", default=[], metavar="S",
                        help="what may be proposed (default: ALWAYS_ON, AUTO_STOP:60, :120, :240)")
    parser.add_argument("--max-cold-starts-per-week", type=_limit, metavar="X",
                        help="the most cold starts a week that a proposed setting may have "
                        "(default: no limit)")
    parser.add_argument("--min-saving-usd", type=_limit, default=1.0, metavar="X",
                        help="the least saving a month worth a change (default: 1.00)")


def _day(text: str) -> date:
    message = f"{text!r} is not a UTC day, written YYYY-MM-DD"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise argparse.ArgumentTypeError(message)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(message) from None


def _limit(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return value


def _positive(text: str) -> float:
    if (value := _limit(text)) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not more than 0")
    return value


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not a tag, written NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
