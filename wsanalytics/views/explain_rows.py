"""Describe one WorkSpace in rows of a label and a text; without a label, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

import pandas as pd

from wsanalytics.formatting import (
    counted,
    hours,
    number,
    percent,
    round_parts,
    usd,
    usd_range,
    volumes_text,
)
from wsanalytics.prices import break_even_hours
from wsanalytics.recommendations import CHANGE, ENOUGH_DAYS, WORTH_A_WORD, Analysis, how_it_happens
from wsanalytics.safe_text import plain
from wsanalytics.sessions import Usage
from wsanalytics.settings import ALWAYS_ON, Setting
from wsanalytics.timeline import MICROS_PER_MINUTE, column_micros

Row = tuple[str, str]
Record = dict[Any, Any]
LONGEST_MONTH_HOURS = 744
_AN_HOUR = timedelta(hours=1)


def what_it_is(machine: Record, setting: str) -> Iterator[Row]:
    """Give its user, hardware, place, state and present setting; *machine* is its inventory row."""
    yield "user", plain(machine["user_name"]) or "not known"
    licence = "own licence" if machine["license"].lower() == "byol" else "licence included"
    volumes = ", ".join(f"{int(machine[name])} GiB {what}" for name, what in (
        ("root_gib", "root"), ("user_gib", "user")) if not is_missing(machine[name]))
    yield "bundle", plain(", ".join(filter(None, (
        machine["compute_type"], f"{machine['operating_system']} ({licence})", volumes,
        machine["bundle_id"]))))
    yield "where", plain(", ".join(filter(None, (
        machine["region"], _named("directory", machine["directory_id"]),
        _named("account", machine["account_id"]), _named("computer", machine["computer_name"])))))
    yield "state", plain("; ".join(filter(None, (
        machine["state"] if is_missing(machine["terminated_at"]) else "",
        _dated("created", machine["created_at"]), _dated("terminated", machine["terminated_at"]),
        "a standby WorkSpace" if machine["standby"] else ""))))
    minutes = machine["auto_stop_minutes"]
    yield "present setting", _in_words(setting) if setting else plain(machine["running_mode"]) + (
        "" if is_missing(minutes) else f":{int(minutes)}")


def how_it_is_used(usage: Usage, zone: str) -> Iterator[Row]:
    """Describe how much and when its user works; hours and weekdays are on the clock in *zone*."""
    if usage.observed is None:
        yield "", "It did not exist in these days."
        return
    observed, unobserved = round_parts([usage.observed_days, usage.unobserved_days], 1)
    unobserved_text = f"; nobody looked for {number(unobserved, 1)} more" if unobserved > 0 else ""
    yield "observed", (f"{_moment(usage.observed[0])} to {_moment(usage.observed[1])} UTC, "
                       f"{_days(observed)}{unobserved_text}")
    if not usage.sessions:
        yield "sessions", "none: nobody connected in these days"
        return
    yield "sessions", (f"{number(usage.sessions)}, on {number(usage.used_days)} of "
                       f"{counted(usage.whole_days, 'day')}")
    yield "connected", f"{hours(usage.hours_a_week)} a week"
    yield "usual days", usage.usual_weekdays or "none: on no weekday more often than not"
    hour, share = usage.likeliest_hour
    usual = usage.usual_hours
    named = f"{usual} {zone}" if ":" in usual else usual
    yield "usual hours", named or (
        f"none; most often {hour} {zone}, on {percent(share)} of the days it is used")
    if usage.absence is not None:
        begin, end = usage.absence
        unknown = timedelta(days=usage.absence_unseen_days)
        yield "longest absence", (
            f"{_span(end - begin)}, {_moment(begin)} to {_moment(end)} UTC"
            + (f" (nobody looked for {_span(unknown)} of it)" if unknown > _AN_HOUR else ""))
    if usage.last_at is not None:
        yield "last connected", ("still, as these days ended" if usage.is_connected
                                 else f"{_moment(usage.last_at)} UTC")


def what_it_costs(
    analysis: Analysis, machine: Record, options: list[Record], usage: Usage
) -> Iterator[Row]:
    """Describe the basis of the amounts; *options* are its rows of the comparison, or none."""
    if not options:
        yield "", ("It is not simulated, so its cost is not known." if usage.observed else
                   "It did not exist, so its cost is not known.")
        return
    if all(is_missing(row["usd_per_month"]) for row in options):
        of_region = analysis.workspaces[
            analysis.workspaces["workspace_id"] == machine["workspace_id"]
        ]
        yield (
            "",
            (
                f"No price is known for it: there is none for its "
                f"{analysis.prices.missing(of_region)} in {analysis.prices.origin} (looked for by "
                "region, compute type, operating system, license and volumes). Its hours and "
                "cold starts are known all the same."
            ),
        )
        return
    if not is_missing(options[0]["counted_from"]):
        yield "", (f"Its use changed on {options[0]['counted_from']:%Y-%m-%d}, so only what came "
                   "after that counts.")
    frame, rates = analysis.prices.frame, _rates(analysis, machine)
    of_region = replace(analysis.prices, frame=frame[frame["region"] == machine["region"]])
    yield "prices", (
        f"ALWAYS_ON {usd(rates['always_on_usd'])}, or AUTO_STOP {usd(rates['auto_stop_usd'])} and "
        f"{_rate(rates['hourly_usd'])} a billed hour ({of_region.origin}, {of_region.dates})")
    grown = analysis.prices.grown(pd.DataFrame([machine]))
    if len(grown):
        yield "volumes", volumes_text(grown.iloc[0].to_dict())
    yield "hours", f"counted by {analysis.limits.hour_rule.value}"
    yield from _with_nobody(analysis, machine, options, rates["hourly_usd"])
    yield "a cold start", ("its user connects and has to wait until it has started, typically "
                           "under 90 seconds")


def _with_nobody(
    analysis: Analysis, machine: Record, options: list[Record], rate: float
) -> Iterator[Row]:
    """Describe how long it was on without a session, how that comes, and its cost by the hour."""
    if analysis.commands is None:
        yield "other starts", ("not known: these sessions come from files, which say nothing of "
                               "starts without a login")
        return
    on = options[0]["unattended_hours_per_month"]
    own_commands = analysis.commands[analysis.commands["workspace_id"] == machine["workspace_id"]]
    if own_commands.empty or not on >= WORTH_A_WORD:
        return
    sessions = analysis.replay.sessions
    disconnects = sessions.loc[
        sessions["workspace_id"] == machine["workspace_id"], "disconnected_at"
    ]
    minutes = Setting.parse(str(options[0]["baseline"])).auto_stop_minutes or 0
    how = how_it_happens(own_commands, analysis.window,
                         column_micros(disconnects) + minutes * MICROS_PER_MINUTE)
    yield "on with nobody", (
        f"{hours(on)} a month that no session explains ({how}); "
        f"by the hour that is about {usd(on * rate)} a month")
    yield "", ("A job, an administrator or another tool does that, or it fails to stop. It counts "
               "in every AUTO_STOP setting: either whatever starts it is what to change, or the "
               "flat fee is right for it.")


def in_short(advice: Record) -> str:
    """Return the advice in a few words."""
    if advice["action"] != CHANGE:
        return "leave it as it is"
    return (f"change it from {advice['from_setting']} to {advice['to_setting']}, which saves "
            f"{usd(advice['saving_usd_per_month'])} a month")


def advice_on(advice: Record) -> Iterator[Row]:
    """Describe the recommendation, its reason, how sure it is, and when it is due."""
    if advice["action"] != CHANGE:
        yield "", "Leave it as it is."
        yield "why", advice["reason"]
        return
    yield "", f"Change it to {_in_words(advice['to_setting'])}."
    yield "why", advice["reason"]
    yield "saves", (f"{usd(advice['saving_usd_per_month'])} a month (80 % interval: "
                    f"{usd_range(advice['saving_low_usd'], advice['saving_high_usd'])})")
    if isfinite(advice.get("chance_of_loss", float("nan"))):
        yield "chance of a loss", (f"{percent(advice['chance_of_loss'])}, until the end of the "
                                   "next month")
    more = advice["extra_cold_starts_per_week"]
    yield "cold starts", (f"{number(advice['cold_starts_per_week'], 1)} a week, "
                    + (f"{number(abs(more), 1)} {'more' if more > 0 else 'fewer'} than now"
                       if round(more, 1) else "as now"))
    yield "best date", _when(advice)
    yield "checked", advice["checked"]


def what_would_change(
    analysis: Analysis, machine: Record, options: list[Record], advice: Record, usage: Usage
) -> Iterator[Row]:
    """Break-even hours against its own, and what is still missing for a firm advice."""
    if not is_missing(machine["terminated_at"]):
        yield "", "Nothing: it is gone."
        return
    if not options:
        yield "", ("It can be advised on once it is ALWAYS_ON or AUTO_STOP, and no standby."
                   if usage.observed else "Days in which it exists (--start, --end).")
        return
    if all(is_missing(row["usd_per_month"]) for row in options):
        yield "", "A price for it: 'wsanalytics prices refresh', or a table of your own (--prices)."
        return
    yield from _break_even(analysis, machine, options)
    missing = ENOUGH_DAYS - usage.observed_days
    if missing > 0 and "too short" not in advice["reason"]:
        were = "was" if usage.observed_days == 1 else "were"
        yield "", (f"More days: only {_days(usage.observed_days)} of it {were} observed, so the "
                   "forecast leans on what others do.")
    elif missing > 0:
        ready = analysis.window.end + timedelta(days=-(-missing // 1))
        yield "", (f"More days: {ENOUGH_DAYS} have to be observed, which they will be on "
                   f"{ready:%Y-%m-%d} at the earliest.")
    most = analysis.limits.max_cold_starts_per_week
    if most is not None and "cold starts than the limit" in advice["reason"]:
        yield "", f"Another limit than {number(most, 1)} cold starts a week."
    if "but with a chance of" in advice["reason"]:
        yield "", (f"A smaller chance of saving than "
                   f"{percent(analysis.limits.min_chance_of_saving)} as the least that is enough, "
                   "or more weeks of steady use.")
    if "would save only" in advice["reason"]:
        yield "", (f"Less than {usd(analysis.limits.min_saving_usd)} a month as the least saving "
                   "worth a change.")


def _break_even(analysis: Analysis, machine: Record, options: list[Record]) -> Iterator[Row]:
    """From how many hours a month on the flat fee is cheaper, against its own."""
    rates = _rates(analysis, machine)
    hourly = [row for row in options if row["setting"] != str(ALWAYS_ON)
              and not is_missing(row["usd_per_month"])]
    limit = float(break_even_hours(pd.DataFrame([rates])).iloc[0])
    if not hourly or not isfinite(limit):
        return
    best = min(hourly, key=lambda row: (row["usd_per_month"], row["cold_starts_per_week"]))
    billed_hours, setting = best["billed_hours_per_month"], best["setting"]
    if limit > LONGEST_MONTH_HOURS:
        yield "break-even", (f"{hours(limit)} billed a month, more than a month has: AUTO_STOP is "
                             "cheaper than ALWAYS_ON however it is used")
    else:
        yield "break-even", (f"{hours(limit)} billed a month: over it ALWAYS_ON is cheaper "
                             f"({usd(rates['always_on_usd'])} flat), under it {setting}")
    side = (
        f"{hours(limit - billed_hours)} under it"
        if billed_hours <= limit
        else f"{hours(billed_hours - limit)} over it"
    )
    yield "its own hours", f"{hours(billed_hours)} a month, as {setting} would bill: {side}"


def _rates(analysis: Analysis, machine: Record) -> Record:
    """Return its cost in either mode, USD."""
    rates: Record = analysis.prices.rates(pd.DataFrame([machine])).to_dict("records")[0]
    return rates


def _rate(hourly_usd: float) -> str:
    """Return a price of an hour, to a hundredth of a cent where it needs that."""
    text = usd(hourly_usd)
    return text if abs(hourly_usd - round(hourly_usd, 2)) < 5e-5 else f"${hourly_usd:.4f}"


def is_missing(value: object) -> bool:
    """Whether a cell is empty."""
    return bool(pd.isna(value))  # type: ignore[call-overload]  # any one cell


def _when(advice: Record) -> str:
    text = str(advice["best_date"])
    if advice["apply_by"]:
        until = datetime.fromisoformat(advice["apply_by"])
        return (f"{text}; begun by {until:%Y-%m-%d %H:%M} UTC, before the month turns and the flat "
                "fee is owed once more")
    return f"{text} (UTC)"


def _in_words(setting: str) -> str:
    minutes = Setting.parse(setting).auto_stop_minutes
    return f"{setting} " + ("(a flat fee, always on)" if minutes is None else
                            f"(paid by the hour, stops {minutes} minutes after its user has left)")


def _named(what: str, name: str) -> str:
    return f"{what} {name}" if name else ""


def _dated(what: str, at: pd.Timestamp) -> str:
    return "" if is_missing(at) else f"{what} {at:%Y-%m-%d %H:%M} UTC"


def _moment(at: datetime) -> str:
    whole = not (at.hour or at.minute or at.second)
    return f"{at:%Y-%m-%d}" if whole else f"{at:%Y-%m-%d %H:%M}"


def _span(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return _days(days) if days >= 2 else hours(24 * days)


def _days(days: float) -> str:
    return f"{number(days, 1)} day{'' if round(days, 1) == 1 else 's'}"
