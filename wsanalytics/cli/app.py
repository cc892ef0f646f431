"""Every command, as the place of its function and one line of help. Nothing else is done here.

A new command is a file in ``commands`` and a line below. The functions are imported when their
command is called, or its help is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cyclopts import App, Group

from wsanalytics.cli.help_pages import PlainPages, examples_text
from wsanalytics.cli.options import OPTIONS
from wsanalytics.version import __version__

if TYPE_CHECKING:
    from cyclopts.help.protocols import HelpFormatter

NAME = "wsanalytics"
ABOUT = ("What Amazon WorkSpaces cost, what they would cost in other settings, and which to "
         "change. Nothing in AWS is changed without --yes or a typed confirmation.")
TRY, OBSERVE, ANALYSE, CHANGE, REFER = (
    Group(title, sort_key=position) for position, title in enumerate((
        "Try it", "Observe a fleet", "Analyse", "Change", "Look up")))


class Entry(NamedTuple):
    """A command: under which heading it is listed, where its function is, and one line of help.

    ``function`` is ``file:function`` in :mod:`wsanalytics.cli.commands`.
    """

    heading: Group
    function: str
    text: str


COMMANDS = {
    "demo": Entry(
        TRY, "demo:demo",
        "the whole way on a simulated account: collect, backfill, report, plan"),
    "columns": Entry(REFER, "columns:columns", "what the columns of each table hold"),
    "collect": Entry(OBSERVE, "collect:collect", "poll the fleet in AWS and keep what is seen"),
    "backfill": Entry(
        OBSERVE, "collect:backfill",
        "months of history from CloudWatch and CloudTrail"),
    "store": Entry(OBSERVE, "", "what a store holds"),
    "store info": Entry(OBSERVE, "collect:store_info", "span, WorkSpaces, gaps, size"),
    "store check": Entry(OBSERVE, "collect:store_check", "is every file of it whole?"),
    "sessions": Entry(OBSERVE, "sessions:sessions", "samples to sessions"),
    "simulate": Entry(ANALYSE, "simulate:simulate", "sessions to charges under any settings"),
    "backtest": Entry(
        ANALYSE, "backtest:backtest",
        "what each way of deciding would have cost, seeing only the past"),
    "recommend": Entry(ANALYSE, "recommend:recommend", "sessions to a plan of changes"),
    "report": Entry(
        ANALYSE, "recommend:report",
        "sessions to a page: costs, changes, reasons, plots"),
    "budget": Entry(ANALYSE, "budget:budget", "what the fleet will cost this month and the next"),
    "frontier": Entry(
        ANALYSE, "frontier:frontier",
        "dollars against waiting: what the fleet could cost for how many cold starts"),
    "explain": Entry(
        ANALYSE, "explain:explain",
        "everything about one WorkSpace in words, for a help-desk ticket"),
    "prices": Entry(REFER, "", "the price table, and bringing it up to date"),
    "prices refresh": Entry(REFER, "prices:refresh", "take over AWS's current list prices"),
    "prices show": Entry(REFER, "prices:show", "which prices are in force, and from when"),
    "doctor": Entry(OBSERVE, "doctor:doctor", "is everything in place? changes nothing"),
    "iam-policy": Entry(
        OBSERVE, "doctor:iam_policy",
        "the least rights that commands need, as IAM JSON"),
    "plan": Entry(CHANGE, "", "read, compare, approve and check plans"),
    "plan show": Entry(CHANGE, "plan:show", "what a plan would change, and why"),
    "plan diff": Entry(CHANGE, "plan:diff", "what a plan changes, or how two plans differ"),
    "plan approve": Entry(CHANGE, "plan:approve",
                          "approve changes by id, or take over what people decided in a view"),
    "plan check": Entry(CHANGE, "plan:check", "is a plan whole and valid?"),
    "apply": Entry(
        CHANGE, "apply:apply",
        "make the changes of a plan; a dry run without --yes"),
    "undo": Entry(
        CHANGE, "apply:undo",
        "take back the changes that a journal holds; a dry run without --yes"),
    "verify": Entry(
        CHANGE, "verify:verify",
        "what applied changes have saved, against what was promised"),
    "rules": Entry(ANALYSE, "", "the rules of the house, [[rules]] of wsanalytics.toml"),
    "rules check": Entry(
        ANALYSE, "rules:check", "for how many WorkSpaces each rule holds, and what it costs"),
    "stop-idle": Entry(
        CHANGE, "start_stop:stop_idle",
        "stop AUTO_STOP WorkSpaces whose users have been gone for a while"),
    "start-early": Entry(
        CHANGE, "start_stop:start_early",
        "start AUTO_STOP WorkSpaces shortly before their users usually come"),
    "creation-properties": Entry(
        CHANGE, "create:creation_properties",
        "the running mode and timeout to create a WorkSpace with"),
    "app": Entry(
        CHANGE, "app:app",
        "the review of a plan as a page in a browser, served on this machine"),
    "sandbox": Entry(
        TRY, "sandbox:sandbox",
        "a local AWS endpoint with a living fleet, to try things on"),
    "completion": Entry(
        REFER, "completion:completion",
        "a script that completes commands and options in bash, zsh or fish"),
}
"""Every command, in the order of the page; a group of commands has no function."""
ABOUT_GROUPS = {"store": "About a collector's store.", "prices": "About the price table.",
                "plan": "About a plan that 'recommend' wrote. No AWS is asked.",
                "rules": "About the [[rules]] of wsanalytics.toml. No AWS is asked."}
"""The first words on the help page of a group of commands."""


def build_app(config: Callable[..., Any] | None = None, *, is_plain: bool = True) -> App:
    """Return the command line of all commands, none of them imported.

    *config* is called with the arguments of a command before their texts become values. Help is
    plain text where it *is_plain*, for pipes; otherwise it is framed and coloured.
    """
    formatter: HelpFormatter | Literal["default"] = PlainPages() if is_plain else "default"
    root = _app(NAME, ABOUT, config=config, help_formatter=formatter,
                help_epilogue=f"'{NAME} COMMAND --help' shows what a command takes, with examples; "
                f"'{NAME} --version' the version.")
    groups = {"": root}
    for position, (name, entry) in enumerate(COMMANDS.items()):
        group, _, last = name.rpartition(" ")
        listing: dict[str, Any] = {"sort_key": position}
        if not group:
            listing["group"] = entry.heading
        if entry.function:
            groups[group].command(f"wsanalytics.cli.commands.{entry.function}", name=last,
                                  help=entry.text, help_flags=(), version_flags=(), **listing)
        else:
            groups[name] = _app(last, entry.text, **listing)
            groups[group].command(groups[name])
    return root


def _app(name: str, text: str, **more: Any) -> App:  # noqa: ANN401  # options of cyclopts
    return App(name=name, help=text, help_flags=(), version_flags=(), version=__version__,
               help_format="plaintext",
               group_arguments=Group("Arguments", sort_key=0),
               group_parameters=OPTIONS,
               group_commands=Group("Commands", sort_key=0), **more)


def command_in(root: App, words: tuple[str, ...]) -> App:
    """Return the app of one command or group, with the text and the examples of its help page."""
    app = root
    for word in words:
        app = app[word]
    function = app.default_command
    if function is not None:
        app.help = getattr(function, "about", app.help)
        app.help_epilogue = examples_text(getattr(function, "examples", ()))
    elif words:
        app.help = ABOUT_GROUPS[" ".join(words)]
    return app
