"""Define the contracts of tables on what was done in AWS, and its effect."""

from __future__ import annotations

from wsanalytics.tables.contract import Table, instant, number, text

OUTCOMES = ("done", "already in force", "would be done", "not due", "not approved", "skipped",
            "failed", "unknown", "left for the next run")


_ID = text("workspace_id", "the WorkSpace's id, ws-…")
_USER = text("user_name", "its user")
_FROM = text("from_setting", "the setting before, ALWAYS_ON or AUTO_STOP:MINUTES")
_TO = text("to_setting", "the setting after")
_OUTCOME = text("outcome", "what became of it", choices=OUTCOMES)
_MESSAGE = text("message", "why, where it is not simply done")

APPLIED = Table(
    "applied",
    "one change of a plan or a journal, and what became of it",
    (
        _ID, _USER, _FROM, _TO,
        text("found_setting", "the setting that was read last; empty where it was not read"),
        number("saving_usd_per_month", "what the change is expected to save", "USD a month",
               nullable=True),
        number("extra_cold_starts_per_week", "how many more cold starts it brings", "a week",
               nullable=True),
        _OUTCOME, _MESSAGE,
    ),
    ("workspace_id",),
)
SWITCHED = Table(
    "switched",
    "one WorkSpace that was stopped or started, or was not",
    (
        _ID, _USER,
        text("directory_id", "its directory, d-…"),
        text("setting", "its setting"),
        text("state", "its state, as AWS reported it last"),
        instant("last_connected_at", "when its user was last known to be connected", nullable=True),
        instant("expected_at", "when its user usually comes; empty for stop-idle", nullable=True),
        number("chance", "the chance that its user comes today; empty for stop-idle", "0 to 1",
               nullable=True),
        number("saved_hours", "hours that are not billed because of it (negative: more)", "h",
               nullable=True),
        _OUTCOME, _MESSAGE,
    ),
    ("workspace_id",),
)
VERIFIED = Table(
    "verified",
    "one change that was made, what it promised so far and what it has saved so far",
    (
        _ID, _USER, _FROM, _TO,
        instant("changed_at", "when it was changed", nullable=True),
        instant("until_at", "the end of the days that are counted", nullable=True),
        number("days", "how long that is, from when the change pays", "days", nullable=True),
        number("promised_usd", "what was promised for that time", "USD", nullable=True),
        number("promised_low_usd", "lower end of the promise's interval", "USD", nullable=True),
        number("promised_high_usd", "upper end of the promise's interval", "USD", nullable=True),
        number("realised_usd", "what it has saved, by the hours really worked", "USD",
               nullable=True),
        number("extra_cold_starts", "cold starts beyond those of the old setting", "count",
               nullable=True),
        text("verdict", "what came of the promise",
             choices=("as promised", "better", "less", "wrong", "too early", "no price",
                      "unobserved")),
    ),
    ("workspace_id",),
)
CREATED = Table(
    "created",
    "one user for whom a WorkSpace was created, or was not",
    (
        _USER,
        text("workspace_id", "the WorkSpace's id, ws-…; empty where there is none"),
        text("directory_id", "its directory, d-…"),
        text("bundle_id", "its bundle, wsb-…"),
        text("setting", "the setting that was asked for"),
        text("state", "its state, as AWS reported it last"),
        _OUTCOME, _MESSAGE,
    ),
    ("user_name",),
)
