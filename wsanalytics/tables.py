"""The contract of every table that crosses a border: column, dtype, unit, meaning.

A table read from a file, handed over in a notebook or written for somebody else has one entry in
:data:`wsanalytics.contracts.TABLES`. ``wsanalytics columns`` and ``data/TABLES.md`` are printed
from these entries, and :func:`wsanalytics.checking.check_table` holds frames against them, so
code, documentation and files cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds; the value is the word that users read."""

    TEXT = "text"
    INSTANT = "UTC instant"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true/false"


DTYPES = {
    Kind.TEXT: "str",
    Kind.INSTANT: "datetime64[us, UTC]",
    Kind.WHOLE: "Int64",
    Kind.NUMBER: "float64",
    Kind.FLAG: "bool",
}
"""The pandas dtype in which each kind of column stands in a checked frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a contract.

    ``required``: the column must be there. ``nullable``: a cell may be empty and stays so.
    ``default``: what an empty cell (or an absent optional column) becomes; None where that
    depends on the row, as ``default_text`` then says. ``choices``: the only values there are.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    required: bool = True
    nullable: bool = False
    default: str | bool | None = None
    default_text: str = ""
    choices: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """The pandas dtype of the column in a checked frame."""
        return DTYPES[self.kind]

    @property
    def presence(self) -> str:
        """In words: must the column be there, and what if a cell is empty."""
        if self.required:
            return "required, may be empty" if self.nullable else "required"
        return f"optional: {self.default_text or self.default or 'empty'}"


@dataclass(frozen=True, slots=True)
class Table:
    """The contract of one table: what a row is, its columns, and the key it is sorted by."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in the order of the contract."""
        return tuple(column.name for column in self.columns)


def _text(name: str, meaning: str, default: str | None = None, **more: object) -> Column:
    optional = default is not None
    return Column(name=name, kind=Kind.TEXT, meaning=meaning, required=not optional,
                  default=default, **more)  # type: ignore[arg-type]  # passed through as they are


def _at(name: str, meaning: str, **more: object) -> Column:
    return Column(name=name, kind=Kind.INSTANT, meaning=meaning, unit="UTC", **more)  # type: ignore[arg-type]  # as above


def _number(name: str, meaning: str, unit: str, **more: object) -> Column:
    return Column(name=name, kind=Kind.NUMBER, meaning=meaning, unit=unit, **more)  # type: ignore[arg-type]  # as above


def _flag(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.FLAG, meaning=meaning, required=False, default=False,
                  default_text="false")


_ID = _text("workspace_id", "the WorkSpace's id, ws-…")
_SETTING = _text("setting", "ALWAYS_ON, or AUTO_STOP:MINUTES")
_WRITTEN_SETTING = "written ALWAYS_ON or AUTO_STOP:MINUTES"

WORKSPACES = Table(
    "workspaces",
    "one WorkSpace, as it is configured now",
    (
        _ID,
        _text("region", "AWS region code, such as eu-west-1"),
        _text("compute_type", "the bundle's hardware, such as VALUE or POWERPRO"),
        _text("running_mode", "how it is paid for today; MANUAL is reported, not simulated",
              choices=("ALWAYS_ON", "AUTO_STOP", "MANUAL")),
        Column(name="auto_stop_minutes", kind=Kind.WHOLE, unit="minutes", required=False,
               nullable=True, default_text="needed for AUTO_STOP",
               meaning="AutoStop timeout: a multiple of 60 from 60 to 2880"),
        _text("account_id", "the AWS account that pays for it", ""),
        _text("directory_id", "the directory it is registered in, d-…", ""),
        _text("user_name", "the person it belongs to", ""),
        _text("computer_name", "its name in the directory", ""),
        _text("bundle_id", "the bundle it was made from, wsb-…", ""),
        _text("operating_system", "WINDOWS, AMAZON_LINUX_2, UBUNTU, RHEL, ROCKY, or AWS's longer "
              "names such as WINDOWS_11", "WINDOWS"),
        _text("license", "included, or byol for bring your own license", "included"),
        Column(name="root_gib", kind=Kind.WHOLE, unit="GiB", required=False, nullable=True,
               default_text="the bundle's base volume", meaning="root volume"),
        Column(name="user_gib", kind=Kind.WHOLE, unit="GiB", required=False, nullable=True,
               default_text="the bundle's base volume", meaning="user volume"),
        _text("state", "what AWS last said of it, such as AVAILABLE or STOPPED", "AVAILABLE"),
        _at("created_at", "when it was created", required=False, nullable=True,
            default_text="before the window"),
        _at("terminated_at", "when it was terminated", required=False, nullable=True,
            default_text="never"),
        _flag("maintenance_enabled", "its directory's maintenance mode, which starts an "
              "AUTO_STOP WorkSpace once a month"),
        _flag("standby", "a standby WorkSpace of another region: reported, not simulated"),
        _text("tags", "its tags as a JSON object", "{}", default_text="none"),
    ),
    ("workspace_id",),
)

SAMPLES = Table(
    "samples",
    "what one look at one WorkSpace saw",
    (
        _ID,
        _at("sampled_at", "when it was looked at"),
        _text("connection_state", "UNKNOWN is what AWS says of a stopped WorkSpace",
              choices=("CONNECTED", "DISCONNECTED", "UNKNOWN")),
        _text("state", "the WorkSpace's state, such as AVAILABLE or STOPPED", nullable=True),
        _at("last_connected_at", "the last moment that AWS knew a user to be connected",
            nullable=True),
        _at("checked_at", "when AWS checked the connection: the connection state is evidence of "
            "this instant", required=False, nullable=True, default_text="sampled_at"),
        _text("source", "where the sample came from", nullable=True),
    ),
    ("workspace_id", "sampled_at"),
)

SESSIONS = Table(
    "sessions",
    "one stretch in which a user was connected",
    (
        _ID,
        _at("connected_at", "when the user connected"),
        _at("disconnected_at", "when the user disconnected (excluded)"),
        _number("start_uncertain_minutes", "by how much the start may be off", "minutes",
                required=False, nullable=True, default_text="not known"),
        _number("end_uncertain_minutes", "by how much the end may be off", "minutes",
                required=False, nullable=True, default_text="not known"),
        _flag("revealed", "no sample saw it: last_connected_at gave it away"),
    ),
    ("workspace_id", "connected_at"),
)

RUNS = Table(
    "runs",
    "one stretch in which a WorkSpace was seen switched on",
    (
        _ID,
        _at("started_at", "when it was switched on"),
        _at("stopped_at", "when it was switched off (excluded)"),
        _number("start_uncertain_minutes", "by how much the start may be off", "minutes"),
        _number("end_uncertain_minutes", "by how much the end may be off", "minutes"),
    ),
    ("workspace_id", "started_at"),
)

GAPS = Table(
    "gaps",
    "one stretch in which nobody looked: neither connected nor free",
    (
        _ID,
        _at("from_at", "the last sample before the silence"),
        _at("to_at", "the first sample after it"),
    ),
    ("workspace_id", "from_at"),
)

SETTINGS = Table(
    "settings",
    "one WorkSpace from one moment on: what it is set to until its next row",
    (
        _ID,
        _SETTING,
        _at("since", "when it was set so, or was first seen so"),
    ),
    ("workspace_id", "since"),
)

ORDERS = Table(
    "orders",
    "what one WorkSpace is told to do at one moment",
    (
        _ID,
        _at("at", "when"),
        _text("order", "START, STOP, or the setting from then on"),
    ),
    ("workspace_id", "at"),
)

PRICES = Table(
    "prices",
    "what one kind of WorkSpace costs in one running mode",
    (
        _text("region", "AWS region code"),
        _text("compute_type", "the bundle's hardware"),
        _text("operating_system", "WINDOWS, AMAZON_LINUX_2, UBUNTU, RHEL or ROCKY"),
        _text("license", "included or byol"),
        Column(name="root_gib", kind=Kind.WHOLE, unit="GiB", meaning="root volume"),
        Column(name="user_gib", kind=Kind.WHOLE, unit="GiB", meaning="user volume"),
        _text("running_mode", "which of the two ways to pay",
              choices=("ALWAYS_ON", "AUTO_STOP")),
        _number("monthly_usd", "the flat fee (ALWAYS_ON) or the fixed fee (AUTO_STOP)",
                "USD a month"),
        _number("hourly_usd", "the rate for each billed hour; 0 for ALWAYS_ON", "USD an hour"),
        _text("source", "where the price was read", nullable=True),
        _text("effective_date", "the date of that source, YYYY-MM-DD or YYYY-MM", nullable=True),
    ),
    ("region", "compute_type", "operating_system", "license", "root_gib", "user_gib",
     "running_mode"),
)

CHARGES = Table(
    "charges",
    "what one WorkSpace costs in one month under one setting",
    (
        _SETTING,
        _ID,
        _text("month", "UTC month, YYYY-MM"),
        _number("billed_hours", "hours that are billed; 0 for ALWAYS_ON", "hours"),
        Column(name="cold_starts", kind=Kind.WHOLE, unit="connects",
               meaning="connects that found the WorkSpace stopped: the user waits"),
        _number("fixed_usd", "the monthly fee, cut to the days it is owed for", "USD",
                nullable=True),
        _number("hourly_usd", "billed hours times the hourly rate", "USD", nullable=True),
        _number("total_usd", "fixed_usd + hourly_usd; empty where no price is known", "USD",
                nullable=True),
    ),
    ("setting", "workspace_id", "month"),
)

OUTCOMES = Table(
    "outcomes",
    "what one WorkSpace would have cost in one month under one policy",
    (
        _text("policy", "the policy, as it was named"),
        _ID,
        _text("month", "UTC month, YYYY-MM"),
        _number("billed_hours", "hours that are billed", "hours"),
        Column(name="cold_starts", kind=Kind.WHOLE, unit="connects",
               meaning="connects that found the WorkSpace stopped: the user waits"),
        _number("fixed_usd", "monthly fees of both modes, and what conversions add", "USD",
                nullable=True),
        _number("hourly_usd", "billed hours times the hourly rate", "USD", nullable=True),
        _number("total_usd", "fixed_usd + hourly_usd; empty where no price is known", "USD",
                nullable=True),
        Column(name="switches", kind=Kind.WHOLE, unit="changes",
               meaning="changes of setting that the policy made in that month"),
    ),
    ("policy", "workspace_id", "month"),
)

COMPARISON = Table(
    "comparison",
    "one WorkSpace under one setting, against the setting it has",
    (
        _ID,
        _SETTING,
        _text("baseline", f"the present setting, {_WRITTEN_SETTING}"),
        _number("total_usd", "cost over the window", "USD", nullable=True),
        _number("baseline_usd", "cost over the window under the present setting", "USD",
                nullable=True),
        _number("usd_per_month", "cost a month", "USD a month", nullable=True),
        _number("hourly_usd_per_month", "of it for billed hours", "USD a month", nullable=True),
        _number("billed_hours_per_month", "hours that are billed; 0 for ALWAYS_ON",
                "hours a month", nullable=True),
        _number("saving_usd_per_month", "the present setting's cost less this one's",
                "USD a month", nullable=True),
        _number("saving_low_usd", "lower end of the saving's interval", "USD a month",
                nullable=True),
        _number("saving_high_usd", "upper end of the saving's interval", "USD a month",
                nullable=True),
        _number("chance_of_loss", "how likely it costs more than the present setting until the end "
                "of the next month", "0 to 1", nullable=True),
        _number("cold_starts_per_week", "cold starts per 7 days of window", "a week"),
        _number("extra_cold_starts_per_week", "of them beyond the present setting's", "a week"),
        _at("counted_from", "since when use is what it is now, which is what counts a month or a "
            "week; empty: all of the window", nullable=True),
        _at("terminated_at", "when it was terminated; empty: it was not", nullable=True),
        _number("observed_days", "days in which it existed and was looked at", "days"),
        _number("unobserved_days", "days in which it existed and nobody looked", "days"),
        _number("sessions", "sessions in the window; 0 for one that nobody used", "sessions"),
        _number("connected_hours_per_month", "hours in which its user was connected",
                "hours a month", nullable=True),
        _number("unattended_hours_per_month", "hours in which it was on under its present setting "
                "though neither a session nor the timeout behind one explains it", "hours a month",
                nullable=True),
        _text("user_name", "the person it belongs to", "", default_text="not known"),
        _text("account_id", "its AWS account", "", default_text="not known"),
        _text("region", "its AWS region", "", default_text="not known"),
    ),
    ("workspace_id", "setting"),
)

RECOMMENDATIONS = Table(
    "recommendations",
    "what to do with one WorkSpace, and why",
    (
        _ID,
        _text("user_name", "the person it belongs to; empty: not known"),
        _text("account_id", "its AWS account; empty: not known"),
        _text("region", "its AWS region; empty: not known"),
        _text("action", "change, or leave alone", choices=("change", "leave alone")),
        _text("from_setting", f"the present setting, {_WRITTEN_SETTING}; empty for MANUAL"),
        _text("to_setting", f"the proposed setting, {_WRITTEN_SETTING}; empty: leave alone"),
        _number("saving_usd_per_month", "expected saving", "USD a month", nullable=True),
        _number("saving_low_usd", "lower end of its interval", "USD a month", nullable=True),
        _number("saving_high_usd", "upper end of its interval", "USD a month", nullable=True),
        _number("chance_of_loss", "how likely it costs more until the end of the next month",
                "0 to 1", nullable=True),
        _number("cold_starts_per_week", "cold starts under the proposed setting", "a week",
                nullable=True),
        _number("extra_cold_starts_per_week", "of them beyond the present setting's", "a week",
                nullable=True),
        _text("best_date", "the day on which the change is worth most, YYYY-MM-DD (UTC)"),
        _text("apply_by", "latest start, for all to be done before the month turns, or empty"),
        _text("reason", "why, in a sentence"),
        _text("checked", "what was held against limits, in short sentences between semicolons"),
        _text("comment", "for people: what they note beside a change"),
    ),
    ("workspace_id",),
)
