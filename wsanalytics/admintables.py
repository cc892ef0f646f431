"""The contracts of the tables that tell what was done in AWS, and what it has brought."""

from __future__ import annotations

from wsanalytics.tables import Column, Kind, Table

OUTCOMES = ("done", "already in force", "would be done", "not due", "skipped", "failed", "unknown",
            "left for the next run")


def _text(name: str, meaning: str, choices: tuple[str, ...] = ()) -> Column:
    return Column(name=name, kind=Kind.TEXT, meaning=meaning, choices=choices)


def _number(name: str, meaning: str, unit: str) -> Column:
    return Column(name=name, kind=Kind.NUMBER, meaning=meaning, unit=unit, nullable=True)


def _at(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.INSTANT, meaning=meaning, unit="UTC", nullable=True)


_ID = _text("workspace_id", "the WorkSpace's id, ws-…")
_USER = _text("user_name", "its user")
_FROM = _text("from_setting", "the setting before, ALWAYS_ON or AUTO_STOP:MINUTES")
_TO = _text("to_setting", "the setting after")
_OUTCOME = _text("outcome", "what became of it", OUTCOMES)
_MESSAGE = _text("message", "why, where it is not simply done")

APPLIED = Table(
    "applied",
    "one change of a plan or a journal, and what became of it",
    (
        _ID, _USER, _FROM, _TO,
        _text("found_setting", "the setting that was found last; empty where nobody looked"),
        _number("saving_usd_per_month", "what the change is expected to save", "USD a month"),
        _number("extra_cold_starts_per_week", "how many more cold starts it brings", "a week"),
        _OUTCOME, _MESSAGE,
    ),
    ("workspace_id",),
)
SWITCHED = Table(
    "switched",
    "one WorkSpace that was stopped or started, or was not",
    (
        _ID, _USER,
        _text("directory_id", "its directory, d-…"),
        _text("setting", "its setting"),
        _text("state", "its state, as AWS told it last"),
        _at("last_connected_at", "when its user was last known to be connected"),
        _at("expected_at", "when its user usually comes; empty for stop-idle"),
        _number("chance", "the chance that its user comes today; empty for stop-idle", "0 to 1"),
        _number("saved_hours", "hours that are not billed because of it (negative: more)", "h"),
        _OUTCOME, _MESSAGE,
    ),
    ("workspace_id",),
)
VERIFIED = Table(
    "verified",
    "one change that was made, what it promised so far and what it has saved so far",
    (
        _ID, _USER, _FROM, _TO,
        _at("changed_at", "when it was changed"),
        _at("until_at", "the end of the days that are counted"),
        _number("days", "how long that is, from when the change pays", "days"),
        _number("promised_usd", "what was promised for that time", "USD"),
        _number("promised_low_usd", "lower end of the promise's interval", "USD"),
        _number("promised_high_usd", "upper end of the promise's interval", "USD"),
        _number("realised_usd", "what it has saved, by the hours really worked", "USD"),
        _number("extra_cold_starts", "cold starts beyond those of the old setting", "count"),
        _text("verdict", "what came of the promise",
              ("as promised", "better", "less", "wrong", "too early", "no price", "unobserved")),
    ),
    ("workspace_id",),
)
CREATED = Table(
    "created",
    "one user for whom a WorkSpace was created, or was not",
    (
        _USER,
        _text("workspace_id", "the WorkSpace's id, ws-…; empty where there is none"),
        _text("directory_id", "its directory, d-…"),
        _text("bundle_id", "its bundle, wsb-…"),
        _text("setting", "the setting that was asked for"),
        _text("state", "its state, as AWS told it last"),
        _OUTCOME, _MESSAGE,
    ),
    ("user_name",),
)

BUDGET = Table(
    "budget",
    "what a part of the fleet is expected to cost in one month, as it is set or under the plan",
    (
        _text("part", "fleet, directory, or tag NAME"),
        _text("name", "the directory's id or the tag's value; empty for the fleet, and for those "
              "without the tag"),
        _text("month", "UTC month, YYYY-MM"),
        _text("under", "present settings, or the plan", ("present", "plan")),
        Column(name="workspaces", kind=Kind.WHOLE, meaning="how many are counted",
               unit="WorkSpaces"),
        _number("expected_usd", "expected cost of the whole month", "USD"),
        _number("low_usd", "lower end of its 80 % interval", "USD"),
        _number("high_usd", "upper end of its 80 % interval", "USD"),
    ),
    ("part", "name", "month", "under"),
)
