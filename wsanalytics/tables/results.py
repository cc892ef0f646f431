"""The contracts of the tables that hold dollars against waiting."""

from __future__ import annotations

from wsanalytics.tables.contract import (
    ID,
    SETTING,
    Column,
    Kind,
    Table,
    flag,
    instant,
    number,
    text,
)

BUDGET = Table(
    "budget",
    "what a part of the fleet is expected to cost in one month, as it is set or under the plan",
    (
        text("part", "fleet, directory, or tag NAME"),
        text("name", "the directory's id or the tag's value; empty for the fleet, and for those "
             "without the tag"),
        text("month", "UTC month, YYYY-MM"),
        text("under", "present settings, or the plan", choices=("present", "plan")),
        Column(name="workspaces", kind=Kind.WHOLE, meaning="how many are counted",
               unit="WorkSpaces"),
        number("expected_usd", "expected cost of the whole month", "USD", nullable=True),
        number("low_usd", "lower end of its 80 % interval", "USD", nullable=True),
        number("high_usd", "upper end of its 80 % interval", "USD", nullable=True),
    ),
    ("part", "name", "month", "under"),
)
TODAY = "today"

_OPTION = ("ALWAYS_ON or AUTO_STOP:MINUTES; a policy, played on the present setting; or "
           "SETTING+POLICY, played on that setting")


FRONTIER = Table(
    "frontier",
    "one WorkSpace under one option: what it costs, and how often its user waits",
    (
        Column(name="workspace_id", kind=Kind.TEXT, meaning="the WorkSpace's id, ws-…"),
        Column(name="option", kind=Kind.TEXT, meaning=_OPTION),
        number("usd_per_month", "cost a month of its existence in the window; empty where no "
               "price is known", "USD a month", nullable=True),
        number("cold_starts_per_week", "cold starts per 7 days of window: its user waits",
               "a week"),
        number("waiting_minutes_per_month", "cold starts a month of its existence in the window, "
               "times the minutes that one takes", "minutes a month", nullable=True),
        flag("efficient", "no other option has both no more dollars and no more cold starts, and "
             "less of one of them", required=True),
        flag("chosen", "what was chosen for it; none for one that is terminated, has no price or "
             "is created later", required=True),
        flag("present", "the setting that it has", required=True),
    ),
    ("workspace_id", "option"),
)
FLEET_FRONTIER = Table(
    "fleet_frontier",
    "the best mixture for a fleet, each WorkSpace in its own option, from one price of a waiting "
    "minute up to the next row's",
    (
        number("waiting_minute_usd", "the lowest price of a waiting minute at which it is best",
               "USD a minute"),
        number("usd_per_month", "what the fleet costs a month", "USD a month"),
        number("cold_starts_per_week", "cold starts of the whole fleet", "a week"),
        number("waiting_minutes_per_month", "how long all its users wait", "minutes a month"),
        Column(name="changes", kind=Kind.WHOLE, unit="WorkSpaces",
               meaning="WorkSpaces that are not left as they are"),
    ),
    ("waiting_minute_usd",),
)
_WRITTEN_SETTING = "written ALWAYS_ON or AUTO_STOP:MINUTES"

PRICES = Table(
    "prices",
    "what one kind of WorkSpace costs in one running mode",
    (
        text("region", "AWS region code"),
        text("compute_type", "the bundle's hardware"),
        text("operating_system", "WINDOWS, AMAZON_LINUX_2, UBUNTU, RHEL or ROCKY"),
        text("license", "included or byol"),
        Column(name="root_gib", kind=Kind.WHOLE, unit="GiB", meaning="root volume"),
        Column(name="user_gib", kind=Kind.WHOLE, unit="GiB", meaning="user volume"),
        text("running_mode", "which of the two ways to pay",
             choices=("ALWAYS_ON", "AUTO_STOP")),
        number("monthly_usd", "the flat fee (ALWAYS_ON) or the fixed fee (AUTO_STOP)",
               "USD a month"),
        number("hourly_usd", "the rate for each billed hour; 0 for ALWAYS_ON", "USD an hour"),
        text("source", "where the price was read", nullable=True),
        text("effective_date", "the date of that source, YYYY-MM-DD or YYYY-MM", nullable=True),
    ),
    ("region", "compute_type", "operating_system", "license", "root_gib", "user_gib",
     "running_mode"),
)

_COLD_STARTS = Column(name="cold_starts", kind=Kind.WHOLE, unit="connects",
                      meaning="connects that found the WorkSpace stopped: the user waits")
_HOURLY = number("hourly_usd", "billed hours times the hourly rate", "USD", nullable=True)
_TOTAL = number("total_usd", "fixed_usd + hourly_usd; empty where no price is known", "USD",
                nullable=True)

CHARGES = Table(
    "charges",
    "what one WorkSpace costs in one month under one setting",
    (
        SETTING,
        ID,
        text("month", "UTC month, YYYY-MM"),
        number("billed_hours", "hours that are billed; 0 for ALWAYS_ON", "hours"),
        _COLD_STARTS,
        number("fixed_usd", "the monthly fee, cut to the days it is owed for", "USD",
               nullable=True),
        _HOURLY, _TOTAL,
    ),
    ("setting", "workspace_id", "month"),
)

OUTCOMES = Table(
    "outcomes",
    "what one WorkSpace would have cost in one month under one policy",
    (
        text("policy", "the policy, as it was named"),
        ID,
        text("month", "UTC month, YYYY-MM"),
        number("billed_hours", "hours that are billed", "hours"),
        _COLD_STARTS,
        number("fixed_usd", "monthly fees of both modes, and what conversions add", "USD",
               nullable=True),
        _HOURLY, _TOTAL,
        Column(name="switches", kind=Kind.WHOLE, unit="changes",
               meaning="changes of setting that the policy made in that month"),
    ),
    ("policy", "workspace_id", "month"),
)

COMPARISON = Table(
    "comparison",
    "one WorkSpace under one setting, against the setting it has",
    (
        ID,
        SETTING,
        text("baseline", f"the present setting, {_WRITTEN_SETTING}"),
        number("total_usd", "cost over the window", "USD", nullable=True),
        number("baseline_usd", "cost over the window under the present setting", "USD",
               nullable=True),
        number("usd_per_month", "cost a month", "USD a month", nullable=True),
        number("hourly_usd_per_month", "of it for billed hours", "USD a month", nullable=True),
        number("billed_hours_per_month", "hours that are billed; 0 for ALWAYS_ON",
               "hours a month", nullable=True),
        number("expected_usd_per_month", "cost that is expected until the end of the next month",
               "USD a month", nullable=True),
        number("expected_hours_per_month", "hours that it is expected to bill; 0 for ALWAYS_ON",
               "hours a month", nullable=True),
        number("saving_usd_per_month", "the present setting's expected cost less this one's",
               "USD a month", nullable=True),
        number("saving_low_usd", "lower end of the saving's interval", "USD a month",
               nullable=True),
        number("saving_high_usd", "upper end of the saving's interval", "USD a month",
               nullable=True),
        number("chance_of_loss", "how likely it costs more than the present setting until the end "
               "of the next month", "0 to 1", nullable=True),
        number("cold_starts_per_week", "cold starts per 7 days of window", "a week"),
        number("extra_cold_starts_per_week", "of them beyond the present setting's", "a week"),
        instant("counted_from", "since when use is what it is now, which is what counts a "
                "month or a week; empty: all of the window", nullable=True),
        instant("terminated_at", "when it was terminated; empty: it was not", nullable=True),
        number("observed_days", "days in which it existed and was observed", "days"),
        number("unobserved_days", "days in which it existed and nobody observed it", "days"),
        number("sessions", "sessions in the window; 0 for one that nobody used", "sessions"),
        number("connected_hours_per_month", "hours in which its user was connected",
               "hours a month", nullable=True),
        number("unattended_hours_per_month", "hours in which it was on under its present setting "
               "though neither a session nor the timeout behind one explains it", "hours a month",
               nullable=True),
        text("user_name", "the person it belongs to", "", default_text="not known"),
        text("account_id", "its AWS account", "", default_text="not known"),
        text("region", "its AWS region", "", default_text="not known"),
    ),
    ("workspace_id", "setting"),
)

RECOMMENDATIONS = Table(
    "recommendations",
    "what to do with one WorkSpace, and why",
    (
        ID,
        text("user_name", "the person it belongs to; empty: not known"),
        text("account_id", "its AWS account; empty: not known"),
        text("region", "its AWS region; empty: not known"),
        text("action", "change, or leave alone", choices=("change", "leave alone")),
        text("from_setting", f"the present setting, {_WRITTEN_SETTING}; empty for MANUAL"),
        text("to_setting", f"the proposed setting, {_WRITTEN_SETTING}; empty: leave alone"),
        number("saving_usd_per_month", "expected saving", "USD a month", nullable=True),
        number("saving_low_usd", "lower end of its interval", "USD a month", nullable=True),
        number("saving_high_usd", "upper end of its interval", "USD a month", nullable=True),
        number("chance_of_loss", "how likely it costs more until the end of the next month",
               "0 to 1", nullable=True),
        number("cold_starts_per_week", "cold starts under the proposed setting", "a week",
               nullable=True),
        number("extra_cold_starts_per_week", "of them beyond the present setting's", "a week",
               nullable=True),
        text("best_date", "the day on which the change is worth most, YYYY-MM-DD (UTC)"),
        text("apply_by", "latest start, for all to be done before the month turns, or empty"),
        text("reason", "why, in a sentence"),
        text("checked", "what was held against limits, in short sentences between semicolons"),
        text("comment", "for people: what they note beside a change"),
        text("approved", "what people have decided: yes, no, or empty for nothing yet"),
    ),
    ("workspace_id",),
)
