"""The options of every command. Nothing heavy is imported here: help must answer at once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wsanalytics.cli.admin_options import add_admin
from wsanalytics.cli.options import (
    a_week,
    add_account,
    add_candidates,
    add_choice,
    add_fleet,
    add_for,
    add_store_option,
    add_zones,
    count,
    limit,
    minutes,
    positive,
    seconds,
    some_minutes,
    span,
)

Commands = argparse._SubParsersAction  # noqa: SLF001  # argparse gives its type no public name


def add_all(commands: Commands[Any]) -> None:
    """Give the parser all commands."""
    _add_demo(commands)
    _add_columns(commands)
    _add_collect(commands)
    _add_backfill(commands)
    _add_store(commands)
    _add_sessions(commands)
    _add_simulate(commands)
    _add_backtest(commands)
    _add_recommend(commands)
    _add_report(commands)
    _add_budget(commands)
    _add_frontier(commands)
    _add_explain(commands)
    _add_prices(commands)
    _add_doctor(commands)
    _add_iam_policy(commands)
    add_admin(commands)
    _add_sandbox(commands)


def _add_demo(commands: Commands[Any]) -> None:
    demo = commands.add_parser(
        "demo", help="the whole way on a simulated account: collect, backfill, report, plan",
        description="Starts a local AWS endpoint with a living fleet, collects and backfills from "
        "it over HTTP, finds sessions, replays, bills, compares and recommends, and writes the "
        "report into one folder. No AWS account is needed and none is touched.")
    demo.add_argument("--output", type=Path, default=Path("wsanalytics-demo"), metavar="DIR",
                      help="the folder to write into (default: ./wsanalytics-demo)")
    demo.set_defaults(module="cli.commands.demo")


def _add_columns(commands: Commands[Any]) -> None:
    columns = commands.add_parser("columns", help="what the columns of each table hold",
                                  description="The contract of one table, or of all.")
    columns.add_argument("table", nargs="?", metavar="TABLE", help="one of the tables")
    columns.add_argument("--markdown", action="store_true", help="all tables as a Markdown page")


def _add_sessions(commands: Commands[Any]) -> None:
    sessions = commands.add_parser(
        "sessions", help="samples to sessions",
        description="Find the sessions that samples of connection states show.")
    samples = sessions.add_mutually_exclusive_group(required=True)
    samples.add_argument("--samples", type=Path, metavar="F",
                         help="the samples table, .csv or .parquet")
    add_store_option(samples, "the store of a collector, in place of --samples")
    sessions.add_argument("--output", type=Path, required=True, metavar="F",
                          help="where the sessions go, .csv or .parquet")
    sessions.add_argument("--gaps", type=Path, metavar="F",
                          help="where the stretches go in which nobody looked")
    sessions.add_argument("--bridge-gaps", type=some_minutes, metavar="MINUTES",
                          help="the longest silence within one session (default: the larger of "
                          "20 minutes and three sampling intervals)")


def _add_simulate(commands: Commands[Any]) -> None:
    simulate = commands.add_parser(
        "simulate", help="sessions to charges under any settings",
        description="Replay sessions under each setting and bill them by month.")
    add_fleet(simulate)
    simulate.add_argument("--setting", nargs="+", action="extend", required=True, metavar="S",
                          help="ALWAYS_ON or AUTO_STOP:MINUTES; may be repeated")
    simulate.add_argument("--resume-seconds", type=seconds, default=0.0, metavar="N",
                          help="a stopped WorkSpace is switched on that long before its user is "
                          "connected (default: 0)")
    simulate.add_argument("--network-grace-minutes", type=minutes, default=0.0, metavar="N",
                          help="AWS notices a disconnect that much later (default: 0)")
    simulate.add_argument("--output", type=Path, required=True, metavar="F",
                          help="where the charges go, .csv or .parquet")


def _add_backtest(commands: Commands[Any]) -> None:
    backtest = commands.add_parser(
        "backtest", help="what each way of deciding would have cost, seeing only the past",
        description="Let policies decide day by day from what they have seen so far, replay and "
        "bill what they decided. Sessions before --start are history that they see and nobody "
        "bills.")
    backtest.set_defaults(module="cli.commands.backtest")
    add_fleet(backtest)
    backtest.add_argument("--policy", nargs="+", action="extend", required=True, metavar="P",
                          help="hold, always_on, auto_stop:MINUTES, cost_optimizer, break_even, "
                          "forecast, stop_when_idle:minutes=N, start_before_work; clairvoyant and "
                          "informed know the future, for comparison; may be repeated")
    backtest.add_argument("--timeout", nargs="+", action="extend", default=[], type=int,
                          metavar="M", help="the timeouts in minutes that policies may choose "
                          "(default: 60 120 240)")
    backtest.add_argument("--output", type=Path, required=True, metavar="F",
                          help="where the outcomes go, .csv or .parquet")


def _add_recommend(commands: Commands[Any]) -> None:
    recommend = commands.add_parser(
        "recommend", help="sessions to a plan of changes",
        description="Compare settings for each WorkSpace and write the changes worth making.")
    recommend.set_defaults(module="cli.commands.recommend")
    add_choice(recommend)
    recommend.add_argument("--output", type=Path, required=True, metavar="plan.json",
                           help="where the plan goes")
    recommend.add_argument("--force", action="store_true",
                           help="replace a plan there that was edited or applied, too")


def _add_report(commands: Commands[Any]) -> None:
    report = commands.add_parser(
        "report", help="sessions to a page: costs, changes, reasons, plots",
        description="One self-contained HTML page about what the fleet costs and what to change.")
    report.set_defaults(module="cli.commands.recommend")
    add_choice(report)
    report.add_argument("--output", type=Path, required=True, metavar="report.html",
                        help="where the page goes; a folder is made if its last part is missing")


def _add_budget(commands: Commands[Any]) -> None:
    budget = commands.add_parser(
        "budget", help="what the fleet will cost this month and the next",
        description="The spend to expect for the month that --end lies in and the next, by "
        "directory and tag, with an interval, as the fleet is set and under the plan.")
    budget.set_defaults(module="cli.commands.budget")
    add_choice(budget)
    budget.add_argument("--by-tag", nargs="+", action="extend", default=[], metavar="NAME",
                        help="also by the values of this tag; may be repeated")
    budget.add_argument("--output", type=Path, metavar="F",
                        help="write the table there, .csv or .parquet")


def _add_frontier(commands: Commands[Any]) -> None:
    frontier = commands.add_parser(
        "frontier", help="dollars against waiting: what the fleet could cost for how many waits",
        description="What each WorkSpace and the fleet would cost a month, and how often their "
        "users would wait for a start, under every setting and with WorkSpaces stopped and "
        "started by calls. With --max-cold-starts-per-week or --value-of-waiting-minute-usd one "
        "option is chosen for each WorkSpace. Changes nothing.")
    frontier.set_defaults(module="cli.commands.frontier")
    add_fleet(frontier)
    add_candidates(frontier)
    tried = frontier.add_mutually_exclusive_group()
    tried.add_argument("--policy", nargs="+", action="extend", default=[], metavar="P",
                       help="policies that are tried as well, on the present settings or, as "
                       "AUTO_STOP:60+POLICY, on one for all (default: stop_when_idle:minutes=15 "
                       "and start_before_work, on both)")
    tried.add_argument("--settings-only", action="store_true",
                       help="try settings alone, and no policy that stops or starts by calls")
    frontier.add_argument("--max-cold-starts-per-week", type=a_week, metavar="X",
                          help="choose for each WorkSpace the cheapest option with so many cold "
                          "starts a week at most")
    frontier.add_argument("--value-of-waiting-minute-usd", type=limit, metavar="X",
                          help="choose for each WorkSpace the option that costs least if a minute "
                          "of waiting counts for so much")
    frontier.add_argument("--wait-minutes", type=some_minutes, default=1.5, metavar="N",
                          help="how long one cold start takes (default: 1.5; AWS says typically "
                          "under 90 seconds)")
    frontier.add_argument("--output", type=Path, metavar="F",
                          help="where each WorkSpace's options go, .csv or .parquet; chosen is, "
                          "if nothing was asked, the cheapest")
    frontier.add_argument("--fleet-output", type=Path, metavar="F",
                          help="where the fleet's best mixtures go, .csv or .parquet")
    frontier.add_argument("--plot", type=Path, metavar="F.png",
                          help="where a plot of the fleet goes, .png or .svg")


def _add_explain(commands: Commands[Any]) -> None:
    explain = commands.add_parser(
        "explain", help="everything about one WorkSpace in words, for a help-desk ticket",
        description="What one WorkSpace is, how it is used, what it costs under each setting, "
        "what is recommended and why, how sure that is, when, and what would change that. The "
        "whole fleet is analysed, so that the figures are those of the plan.")
    explain.set_defaults(module="cli.commands.explain")
    explain.add_argument("id", metavar="WORKSPACE_ID", help="the WorkSpace's id, ws-…")
    add_choice(explain)
    add_zones(explain)


def _add_collect(commands: Commands[Any]) -> None:
    collect = commands.add_parser(
        "collect", help="look at the fleet in AWS and keep what is seen",
        description="Ask AWS for every WorkSpace and its connection status, once or again and "
        "again, and keep the answers in a store. Changes nothing in AWS.")
    collect.set_defaults(module="cli.commands.collect")
    add_store_option(collect, "the folder to keep it in; made if its last part is missing",
                      required=True)
    add_account(collect)
    collect.add_argument("--directory", nargs="+", action="extend", default=[], metavar="D",
                         help="only WorkSpaces of this directory; may be repeated")
    often = collect.add_mutually_exclusive_group()
    often.add_argument("--every", type=span, metavar="5m",
                       help="look again and again, at this interval (s, m or h), until Ctrl-C")
    often.add_argument("--once", action="store_true", help="look once (the default)")
    collect.add_argument("--verbose", action="store_true", help="log each look as it is done")


def _add_backfill(commands: Commands[Any]) -> None:
    backfill = commands.add_parser(
        "backfill", help="months of history from CloudWatch and CloudTrail",
        description="Fill a store with what CloudWatch still knows of each WorkSpace: by five "
        "minutes for 63 days, by the hour for up to 455, and with the changes of setting that "
        "CloudTrail knows of. AWS charges for the calls; the price is told before.")
    backfill.set_defaults(module="cli.commands.collect")
    add_store_option(backfill, "the store to fill", required=True)
    add_account(backfill)
    backfill.add_argument("--days", type=int, default=63, metavar="N",
                          help="how far back, 1 to 455 (default: 63)")
    backfill.add_argument("--verbose", action="store_true", help="log what is done")


def _add_store(commands: Commands[Any]) -> None:
    store = commands.add_parser("store", help="what a store holds",
                                description="About a collector's store.")
    about = store.add_subparsers(dest="about", required=True, metavar="WHAT")
    info = about.add_parser("info", help="span, WorkSpaces, holes, size",
                            description="What a store holds: span, WorkSpaces, holes, size.")
    info.set_defaults(module="cli.commands.collect", function="store_info")
    add_store_option(info, "the store", required=True)
    check = about.add_parser(
        "check", help="is every file of it whole?",
        description="Read every file of a store and hold it against its digest: exit 0, or 1 and "
        "what is damaged, cannot be read, or is none of its files.")
    check.set_defaults(module="cli.commands.collect", function="store_check")
    add_store_option(check, "the store", required=True)


def _add_prices(commands: Commands[Any]) -> None:
    prices = commands.add_parser("prices", help="the price table, and bringing it up to date",
                                 description="About the price table.")
    about = prices.add_subparsers(dest="about", required=True, metavar="WHAT")
    refresh = about.add_parser(
        "refresh", help="take over AWS's current list prices",
        description="Read AWS's Price List (pricing:GetProducts; without credentials its bulk "
        "offer file) and put the prices in force, after showing what differs.")
    refresh.set_defaults(module="cli.commands.prices", function="refresh")
    source = refresh.add_mutually_exclusive_group(required=True)
    source.add_argument("--region", nargs="+", action="extend", default=[], metavar="R",
                        help="the regions to refresh")
    source.add_argument("--from-file", type=Path, metavar="F",
                        help="a bulk offer file of AmazonWorkSpaces that was downloaded before")
    refresh.add_argument("--profile", metavar="P", help="a profile of AWS's configuration files")
    refresh.add_argument("--output", type=Path, metavar="F",
                         help="write the table there instead of putting it in force")
    refresh.add_argument("--replace", action="store_true",
                         help="with --from-file: prices of the file's regions that it lacks are "
                         "removed (default: they stay)")
    refresh.add_argument("--dry-run", action="store_true", help="show what differs, change nothing")
    show = about.add_parser("show", help="which prices are in force, and from when",
                            description="Which prices are in force, and from when.")
    show.set_defaults(module="cli.commands.prices", function="show")


def _add_doctor(commands: Commands[Any]) -> None:
    doctor = commands.add_parser(
        "doctor", help="is everything in place? changes nothing",
        description="Credentials, account, denied actions and the IAM statement that would allow "
        "them, clock, store, pace for this fleet, prices. Changes nothing.")
    doctor.set_defaults(module="cli.commands.doctor")
    add_account(doctor)
    add_store_option(doctor, "a store to look at as well")
    add_for(doctor)


def _add_iam_policy(commands: Commands[Any]) -> None:
    policy = commands.add_parser(
        "iam-policy", help="the least rights that commands need, as IAM JSON",
        description="Print the IAM policy with the least rights that the named commands need.")
    policy.set_defaults(module="cli.commands.doctor", function="iam_policy")
    add_for(policy)
    policy.add_argument("--role-arn", nargs="+", action="extend", default=[], metavar="ARN",
                        help="roles that will be assumed; may be repeated")
    policy.add_argument("--region", nargs="+", action="extend", default=[], metavar="R",
                        help="where it is to hold, for its partition (GovCloud, China; default: "
                        "the configured region)")


def _add_sandbox(commands: Commands[Any]) -> None:
    sandbox = commands.add_parser(
        "sandbox", help="a local AWS endpoint with a living fleet, to try things on",
        description="Serve the WorkSpaces, CloudWatch, CloudTrail, Price List, STS and tagging "
        "calls of a simulated account on this computer. Prints its URL as the first line; give "
        "that to boto3 as AWS_ENDPOINT_URL. Ctrl-C ends it.")
    sandbox.set_defaults(module="cli.commands.sandbox")
    sandbox.add_argument("--port", type=int, default=0, metavar="P",
                         help="the port (default: a free one)")
    sandbox.add_argument("--workspaces", type=int, default=100, metavar="N",
                         help="how many WorkSpaces live in it (default: 100)")
    sandbox.add_argument("--speed", type=positive, default=1.0, metavar="X",
                         help="how fast its clock runs (default: 1)")
    sandbox.add_argument("--seed", type=int, default=1, metavar="N",
                         help="another seed, another fleet (default: 1)")
    sandbox.add_argument("--host", default="127.0.0.1", metavar="H",
                         help="the address to listen on (default: 127.0.0.1)")
    sandbox.add_argument("--history-days", type=int, default=63, metavar="N",
                         help="days of history behind its clock (default: 63)")
    sandbox.add_argument("--accounts", type=count, default=1, metavar="N",
                         help="over how many accounts they are spread, each opened by the role "
                         "that is printed beside it (default: 1)")
    sandbox.add_argument("--regions", "--region", nargs="+", action="extend", default=[],
                         dest="region", metavar="R",
                         help="the regions that have WorkSpaces (default: us-east-1)")
    sandbox.add_argument("--throttle", action="store_true",
                         help="refuse over 2 calls a second, burst 5, as AWS does")
    sandbox.add_argument("--fault", nargs="+", action="extend", default=[], metavar="NAME[=VALUE]",
                         help="a fault to show, such as server_error_share=0.05")
    sandbox.add_argument("--intervene", nargs="+", action="extend", default=[],
                         metavar="NAME=SHARE",
                         help="who else switches WorkSpaces on and off, and of which share of "
                         "them: night-jobs, early-stops, hangs")
    sandbox.add_argument("--with-parent", action="store_true",
                         help="end as soon as standard input is closed")


