"""Options that several commands share, and what their values may be. Nothing heavy is imported."""

from __future__ import annotations

import argparse
import math
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from wsanalytics.bounds import (
    HOURS_A_MONTH,
    MINUTES_A_YEAR,
    MOST,
    MOST_A_WEEK,
    MOST_DAYS,
    SECONDS_A_DAY,
)

HOUR_RULES = ("clock_hour", "ceil_per_run", "exact", "ceil_per_session_plus_timeout")
REPORTED = ("collect", "backfill")


def add_for(parser: argparse.ArgumentParser) -> None:
    """The commands that permissions are about."""
    parser.add_argument("--for", dest="for_commands", type=names, default=list(REPORTED),
                        metavar="COMMANDS", help="commands, such as collect,backfill,apply "
                        f"(default: {','.join(REPORTED)})")


def add_store_option(parser: Any, what: str, *, required: bool = False) -> None:  # noqa: ANN401  # a parser, or a group of one
    """The store of a collector."""
    more = {"required": True} if required else {}
    parser.add_argument("--store", type=Path, metavar="DIR", help=what, **more)


def add_account(parser: argparse.ArgumentParser) -> None:
    """Which accounts and regions of AWS, and as whom."""
    parser.add_argument("--region", nargs="+", action="extend", default=[], metavar="R",
                        help="regions (default: the one that boto3 finds)")
    parser.add_argument("--profile", metavar="P", help="a profile of AWS's configuration files")
    parser.add_argument("--role-arn", nargs="+", action="extend", default=[], metavar="ARN",
                        help="roles to assume, one for each account; may be repeated")


def add_fleet(parser: argparse.ArgumentParser) -> None:
    """A fleet from files or a store, its prices, its window, and what narrows it."""
    add_store_option(parser, "the store of a collector, in place of --sessions and --workspaces")
    parser.add_argument("--sessions", type=Path, metavar="F",
                        help="the sessions table, .csv or .parquet")
    parser.add_argument("--workspaces", type=Path, metavar="F",
                        help="the workspaces table, .csv or .parquet")
    parser.add_argument("--prices", type=Path, metavar="F",
                        help="your own prices table, in place of AWS's list prices")
    parser.add_argument("--discount", type=share, default=0.0, metavar="X",
                        help="the share that is taken off all prices, such as 0.12 (default: 0)")
    parser.add_argument("--start", type=day, metavar="D",
                        help="first UTC day, YYYY-MM-DD (default: the first that sessions touch)")
    parser.add_argument("--end", type=day, metavar="D",
                        help="the day after the last, YYYY-MM-DD (default: after the last touched)")
    parser.add_argument("--hour-rule", choices=HOUR_RULES, default=HOUR_RULES[0], metavar="R",
                        help=f"how hours are counted: {', '.join(HOUR_RULES)} "
                        "(default: clock_hour)")
    parser.add_argument("--maintenance-hours", type=hours, default=1.0, metavar="N",
                        help="hours billed for a month's maintenance of an AUTO_STOP WorkSpace "
                        "whose directory has it enabled (default: 1)")
    add_narrowing(parser)


def add_narrowing(parser: argparse.ArgumentParser) -> None:
    """Which part of a fleet is meant."""
    narrow = parser.add_argument_group("narrow the fleet")
    for name, what in (("directory", "directory id"), ("bundle", "bundle id"),
                       ("workspace", "WorkSpace id")):
        narrow.add_argument(f"--{name}", nargs="+", action="extend", default=[], metavar="ID",
                            help=f"only this {what}; may be repeated")
    narrow.add_argument("--tag", nargs="+", action="extend", default=[], type=tag,
                        metavar="NAME=VALUE", help="only WorkSpaces with this tag")


def add_candidates(parser: argparse.ArgumentParser) -> None:
    """The settings that are tried beside the present one."""
    parser.add_argument("--setting", nargs="+", action="extend", default=[], metavar="S",
                        help="what may be proposed (default: ALWAYS_ON, AUTO_STOP:60, :120, :240)")
    parser.add_argument("--timeout", nargs="+", action="extend", default=[], type=int, metavar="M",
                        help="the timeouts in minutes that may be proposed, beside ALWAYS_ON, in "
                        "place of --setting")


def add_choice(parser: argparse.ArgumentParser) -> None:
    """A fleet, and what may be proposed for it."""
    add_fleet(parser)
    add_candidates(parser)
    parser.add_argument("--max-cold-starts-per-week", type=a_week, metavar="X",
                        help="the most cold starts a week that a proposed setting may have "
                        "(default: no limit)")
    parser.add_argument("--min-saving-usd", type=limit, default=1.0, metavar="X",
                        help="the least saving a month worth a change (default: 1.00)")


def day(text: str) -> date:
    """A UTC day."""
    message = f"{text!r} is not a UTC day, written YYYY-MM-DD"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise argparse.ArgumentTypeError(message)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(message) from None


def limit(text: str, most: float = MOST) -> float:
    """A number from 0 on, to *most*."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    if value > most:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {most:,.10g}, the most it can be")
    return value


def positive(text: str, most: float = MOST) -> float:
    """A number over 0, to *most*."""
    if (value := limit(text, most)) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not more than 0")
    return value


def minutes(text: str) -> float:
    """Minutes, from 0 to a year of them."""
    return limit(text, MINUTES_A_YEAR)


def some_minutes(text: str) -> float:
    """Minutes, over 0 and to a year of them."""
    return positive(text, MINUTES_A_YEAR)


def seconds(text: str) -> float:
    """Seconds, from 0 to a day of them."""
    return limit(text, SECONDS_A_DAY)


def hours(text: str) -> float:
    """Hours of a month."""
    return limit(text, HOURS_A_MONTH)


def some_days(text: str) -> float:
    """Days, over 0 and to a million of them."""
    return positive(text, MOST_DAYS)


def a_week(text: str) -> float:
    """How often in a week, at most once a minute."""
    return limit(text, MOST_A_WEEK)


def share(text: str) -> float:
    """A share, from 0 to less than 1."""
    if (value := limit(text)) >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to less than 1")
    return value


def count(text: str) -> int:
    """A whole number over 0."""
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number over 0")
    return int(text)


def add_zones(parser: argparse.ArgumentParser, *, default: str = "UTC") -> None:
    """Whose clock tells the hours of the day; without a *default* that of each AWS region."""
    parser.add_argument("--time-zone", default=default, metavar="ZONE",
                        help="the time zone of hours of the day, such as Europe/Berlin (default: "
                        f"{default or 'that of each AWS region'})")
    parser.add_argument("--time-zone-by-directory", nargs="+", action="extend", default=[],
                        type=tag, metavar="DIRECTORY=ZONE",
                        help="the time zone of the WorkSpaces of one directory; may be repeated")


def tag(text: str) -> tuple[str, str]:
    """A tag's name and value."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not a tag, written NAME=VALUE")
    return name, value


def span(text: str) -> timedelta:
    """A span up to a day."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    span = timedelta(0)
    if found and float(found[1]) < 1e6:
        span = timedelta(seconds=float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]])
    if not timedelta(0) < span <= timedelta(days=1):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a span up to a day, written 30s, 5m or 1h")
    return span


def names(text: str) -> list[str]:
    """Names, with commas between them."""
    return [name for name in re.split(r"[,\s]+", text) if name]
