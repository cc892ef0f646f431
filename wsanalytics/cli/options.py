"""Options that several commands share, as dataclasses whose fields cyclopts reads.

A command takes one as ``fleet: FleetOptions = FLEET``; each field is an option of its own.
Nothing heavy is imported here: help must answer at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

from cyclopts import Group, Parameter

from wsanalytics.cli.logs import messages_shown
from wsanalytics.cli.results import Results, results_to
from wsanalytics.cli.value_kinds import (
    A_WEEK,
    DAY,
    HOURS,
    LIMIT,
    NAMES,
    PAIRS,
    PATH,
    SHARE,
    TEXT,
    TEXTS,
    WHOLES,
    Kind,
)
from wsanalytics.defaults import DEFAULT_POLICY
from wsanalytics.errors import InputError
from wsanalytics.files import STANDARD_OUTPUT

if TYPE_CHECKING:
    from cyclopts import ArgumentCollection

HOUR_RULES = ("clock_hour", "ceil_per_run", "exact", "ceil_per_session_plus_timeout")
REPORTED = ("collect", "backfill")
"""The commands whose permissions are looked into where none are named."""

INPUT = Group("Input", sort_key=1)
OPTIONS = Group("Options", sort_key=1)
NARROW = Group("Narrow the fleet", sort_key=2)
RULES = Group("Prices and billing", sort_key=3)
LIMITS = Group("Limits and choices", sort_key=4)
AWS = Group("AWS", sort_key=5)
SAFETY = Group("Doing it", sort_key=6)
OUTPUT = Group("Output", sort_key=7)
MESSAGES_GROUP = Group("Messages", sort_key=8)


@dataclass(frozen=True, slots=True)
class OneOf:
    """A validator of cyclopts: at most one of the options of a group is given.

    ``required``: exactly one. It raises :class:`ValueError` with the whole message.
    """

    required: bool = False

    def __call__(self, arguments: ArgumentCollection) -> None:
        """Check the options of the group."""
        given = [argument for argument in arguments if argument.tokens]
        if len(given) > 1:
            raise ValueError(f"argument {spelled(given[1].names)}: not allowed with argument "
                             f"{spelled(given[0].names)}")
        if self.required and not given:
            names = " ".join(spelled(argument.names) for argument in arguments)
            raise ValueError(f"one of the arguments {names} is required")


def spelled(names: Iterable[str]) -> str:
    """The spellings of an option as messages name it, those with two dashes first.

    >>> spelled(("--verbose", "-v"))
    '--verbose'
    >>> spelled(("--regions", "--region"))
    '--regions/--region'
    """
    return "/".join(name for name in names if name.startswith("--"))


def one_of(name: str, *, required: bool = False) -> Group:
    """A group of options that stand in each other's place; it is no heading of the help page."""
    return Group(name, show=False, validator=OneOf(required=required))


def option(
    text: str, kind: Kind = TEXT, *, metavar: str | None = None, name: str | Sequence[str] = (),
    group: Group | Sequence[Group] = (), choices: tuple[str, ...] | None = None,
) -> Parameter:
    """An option with a value: its help *text*, and the *kind* of its value.

    The last of several values holds, or all of them where the kind is a list; a value is a text,
    never JSON, and no option empties a list.
    """
    if metavar is not None and kind.is_list:
        metavar = f"{metavar} ..."
    return Parameter(
        name=name or None, help=text, converter=kind, metavar=metavar, group=group or OPTIONS,
        choices=choices, show_choices=False, show_default=False, allow_repeating=True,
        consume_multiple=1 if kind.is_list else None, negative=(), json_list=False,
        json_dict=False)


def flag(
    text: str, *, name: str | Sequence[str] = (), group: Group | Sequence[Group] = ()
) -> Parameter:
    """An option without a value; there is no --no-… beside it."""
    return Parameter(name=name or None, help=text, group=group or OPTIONS, negative=(),
                     show_default=False, allow_repeating=True)


def subject(
    text: str, metavar: str, kind: Kind = TEXT, *, choices: tuple[str, ...] | None = None
) -> Parameter:
    """Build the subject of a command: a word of the command line that belongs to no option."""
    return Parameter(name=metavar, help=text, metavar=metavar, converter=kind, choices=choices,
                     show_choices=False, show_default=False)


Pair = Annotated[tuple[str, str], Parameter(n_tokens=1)]
"""A name and a value in one word, ``NAME=VALUE``."""
StoreFolder = Annotated[Path, option("the store of a collector", PATH, metavar="DIR",
                                     group=INPUT)]


def outcome_file(what: str) -> Parameter:
    """The option ``--output`` of commands that change something."""
    return option(f"write what became of {what} to a .csv or .parquet file as well", PATH,
                  metavar="F", group=OUTPUT)


OutcomeFile = Annotated[Path | None, outcome_file("each")]


def journal_option(default: str) -> Parameter:
    """The option ``--journal``."""
    return option(f"where every call is written down (default: {default})", PATH, metavar="F",
                  group=OUTPUT)


ForCommands = Annotated[Sequence[str], option(
    f"commands, such as collect,backfill,apply (default: {','.join(REPORTED)})", NAMES,
    metavar="COMMANDS", name="--for", group=INPUT)]
"""The commands that permissions are about."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CallerOptions:
    """As whom AWS is called."""

    profile: Annotated[str | None, option(
        "a profile of AWS's configuration files", metavar="P", group=AWS)] = None
    role_arn: Annotated[list[str], option(
        "roles to assume, one for each account; may be repeated", TEXTS, metavar="ARN",
        group=AWS)] = field(default_factory=list)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AccountOptions(CallerOptions):
    """The accounts and regions of AWS to use, and the caller."""

    region: Annotated[list[str], option(
        "regions (default: the one that boto3 finds)", TEXTS, metavar="R",
        group=AWS)] = field(default_factory=list)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class NarrowingOptions:
    """The part of a fleet that is meant."""

    directory: Annotated[list[str], option(
        "only this directory id; may be repeated", TEXTS, metavar="ID",
        group=NARROW)] = field(default_factory=list)
    bundle: Annotated[list[str], option(
        "only this bundle id; may be repeated", TEXTS, metavar="ID",
        group=NARROW)] = field(default_factory=list)
    workspace: Annotated[list[str], option(
        "only this WorkSpace, by its id or its user's name; may be repeated", TEXTS, metavar="ID",
        group=NARROW)] = field(default_factory=list)
    tag: Annotated[list[Pair], option(
        "only WorkSpaces with this tag", PAIRS, metavar="NAME=VALUE",
        group=NARROW)] = field(default_factory=list)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FleetOptions(NarrowingOptions):
    """A fleet from files or a store, its prices, its window, and what narrows it."""

    store: Annotated[Path | None, option(
        "the store of a collector, in place of --sessions and --workspaces", PATH, metavar="DIR",
        group=INPUT)] = None
    sessions: Annotated[Path | None, option(
        "the sessions table, .csv or .parquet", PATH, metavar="F", group=INPUT)] = None
    workspaces: Annotated[Path | None, option(
        "the workspaces table, .csv or .parquet, or the .json of 'aws workspaces "
        "describe-workspaces'", PATH, metavar="F", group=INPUT)] = None
    workspaces_region: Annotated[str | None, option(
        "the AWS region of the WorkSpaces in a --workspaces file that does not say it (default of "
        "a .json file: the one that boto3 finds)", metavar="R", group=INPUT)] = None
    tag_column: Annotated[list[str], option(
        "a column of --workspaces that becomes a tag of its name; may be repeated", TEXTS,
        metavar="NAME", group=INPUT)] = field(default_factory=list)
    start: Annotated[date | None, option(
        "first UTC day, YYYY-MM-DD (default: the first that sessions touch)", DAY, metavar="D",
        group=INPUT)] = None
    end: Annotated[date | None, option(
        "the day after the last, YYYY-MM-DD (default: after the last touched)", DAY, metavar="D",
        group=INPUT)] = None
    prices: Annotated[Path | None, option(
        "your own prices table, in place of AWS's list prices", PATH, metavar="F",
        group=RULES)] = None
    discount: Annotated[float, option(
        "the share that is taken off all prices, such as 0.12 (default: 0)", SHARE, metavar="X",
        group=RULES)] = 0.0
    hour_rule: Annotated[str, option(
        f"how hours are counted: {', '.join(HOUR_RULES)} (default: clock_hour)", metavar="R",
        group=RULES, choices=HOUR_RULES)] = HOUR_RULES[0]
    maintenance_hours: Annotated[float, option(
        "hours billed for a month's maintenance of an AUTO_STOP WorkSpace whose directory has it "
        "enabled (default: 1)", HOURS, metavar="N", group=RULES)] = 1.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CandidateOptions:
    """The settings that are tried beside the present one."""

    setting: Annotated[list[str], option(
        "what may be proposed (default: ALWAYS_ON, AUTO_STOP:60, :120, :240)", TEXTS, metavar="S",
        group=LIMITS)] = field(default_factory=list)
    timeout: Annotated[list[int], option(
        "the timeouts in minutes that may be proposed, beside ALWAYS_ON, in place of --setting",
        WHOLES, metavar="M", group=LIMITS)] = field(default_factory=list)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AnalysisOptions(FleetOptions, CandidateOptions):
    """A fleet, and what may be proposed for it."""

    max_cold_starts_per_week: Annotated[float | None, option(
        "the most cold starts a week that a proposed setting may have (default: no limit)", A_WEEK,
        metavar="X", group=LIMITS)] = None
    min_saving_usd: Annotated[float, option(
        "the least expected saving a month worth a change, 0 for whatever the policy decides "
        "(default: 1.00)", LIMIT, metavar="X", group=LIMITS)] = 1.0
    min_chance_of_saving: Annotated[float, option(
        "leave out changes that are less likely than this to save, such as 0.9; at 0 the "
        "expected cost alone decides (default: 0)", SHARE, metavar="X", group=LIMITS)] = 0.0
    allow_losing_open_programs: Annotated[bool, flag(
        "propose a stop, or a sooner one, also where hardware does not hibernate and what is open "
        "is lost", group=LIMITS)] = False
    policy: Annotated[str, option(
        "the policy that decides, as in a backtest (default: forecast)", metavar="P",
        group=LIMITS)] = DEFAULT_POLICY


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ZoneOptions:
    """The clock that counts for the hours of the day; by default that of each AWS region."""

    time_zone: Annotated[str, option(
        "the time zone of hours of the day, such as Europe/Berlin (default: that of each AWS "
        "region)", metavar="ZONE", group=INPUT)] = ""
    time_zone_by_directory: Annotated[list[Pair], option(
        "the time zone of the WorkSpaces of one directory; may be repeated", PAIRS,
        metavar="DIRECTORY=ZONE", group=INPUT)] = field(default_factory=list)


YES_OR_ASK = one_of("yes, interactive or dry-run")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ConsentOptions:
    """Whether something is really done; otherwise it is a dry run."""

    yes: Annotated[bool, flag(
        "do it, without a question; otherwise this is a dry run", group=(SAFETY, YES_OR_ASK))
    ] = False
    interactive: Annotated[bool, flag(
        "show what would be done, and ask for a typed confirmation", group=(SAFETY, YES_OR_ASK))
    ] = False
    dry_run: Annotated[bool, flag(
        "only show what would be done (the default)", group=(SAFETY, YES_OR_ASK))] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CareOptions(ConsentOptions, CallerOptions):
    """Whether something is really done, to whom never, and as whom."""

    opt_out_tag: Annotated[list[str], option(
        "leave WorkSpaces with a tag of this name alone, beside those with Skip_Convert; may be "
        "repeated", TEXTS, metavar="NAME", group=SAFETY)] = field(default_factory=list)


VERBOSE_OR_QUIET = one_of("verbose or quiet")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MessageOptions:
    """The amount of messages on standard error; every command has these options."""

    verbose: Annotated[bool, flag(
        "log what is done: calls of AWS with seconds, rows read and written",
        name=("--verbose", "-v"), group=(MESSAGES_GROUP, VERBOSE_OR_QUIET))] = False
    quiet: Annotated[bool, flag(
        "results, warnings and errors alone: no notes and no progress",
        group=(MESSAGES_GROUP, VERBOSE_OR_QUIET))] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ResultOptions:
    """The form of a result; every command that prints one has it."""

    json: Annotated[bool, flag(
        "print the result as one JSON document, and nothing else on standard output",
        group=OUTPUT)] = False


FLEET, ANALYSIS, NARROWING, CANDIDATES = (
    FleetOptions(), AnalysisOptions(), NarrowingOptions(), CandidateOptions())
ACCOUNT, CALLER, CARE, CONSENT = AccountOptions(), CallerOptions(), CareOptions(), ConsentOptions()
ZONES, MESSAGES = ZoneOptions(), MessageOptions()
RESULT = ResultOptions()


class Command(Protocol):
    """A function that is a command: it gives its exit code, or nothing where all is done."""

    about: str
    examples: tuple[str, ...]

    def __call__(self, *args: Any, **options: Any) -> int | None:  # noqa: ANN401  # each its own
        """Run the command."""


def command(
    about: str, *examples: str, has_json: bool = True
) -> Callable[[Callable[..., int | None]], Command]:
    """A decorator that makes a function a command.

    Its help page says what it is *about* and shows the *examples*. It gets the options of
    :class:`MessageOptions`, and where it *has_json* of :class:`ResultOptions`, which hold while it
    runs.
    """
    more = {"messages": MESSAGES} | ({"result": RESULT} if has_json else {})

    def decorate(function: Callable[..., int | None]) -> Command:
        @wraps(function)
        def run(*args: Any, **options: Any) -> int | None:  # noqa: ANN401  # those of the function
            messages, result = options.pop("messages", MESSAGES), options.pop("result", RESULT)
            with messages_shown(verbose=messages.verbose, quiet=messages.quiet), _results_of(
                    result, options):
                return function(*args, **options)

        made = cast("Any", run)
        signature = inspect.signature(function)
        added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default,
                                   annotation=type(default)) for name, default in more.items()]
        made.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *added])
        made.__annotations__ = {**function.__annotations__,
                                **{name: type(default) for name, default in more.items()}}
        made.about, made.examples = about, examples
        return cast("Command", made)

    return decorate


@contextmanager
def _results_of(result: ResultOptions, options: Mapping[str, Any]) -> Iterator[None]:
    """Send results where they belong: standard output may be for JSON, or for a file named -."""
    is_taken = STANDARD_OUTPUT in options.values()
    if result.json and is_taken:
        raise InputError("--json and a file that is named - both go to standard output",
                         where="the options", rule="standard output holds one document",
                         fix="name a file, or leave out --json")
    where = Results.JSON if result.json else Results.BESIDE if is_taken else Results.SHOWN
    with results_to(where):
        yield
