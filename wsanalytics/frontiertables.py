"""The contracts of the tables that hold dollars against waiting."""

from __future__ import annotations

from wsanalytics.tables import Column, Kind, Table

_OPTION = ("ALWAYS_ON or AUTO_STOP:MINUTES; a policy, played on the present setting; or "
           "SETTING+POLICY, played on that setting")


def _number(name: str, meaning: str, unit: str, *, nullable: bool = False) -> Column:
    return Column(name=name, kind=Kind.NUMBER, meaning=meaning, unit=unit, nullable=nullable)


def _flag(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.FLAG, meaning=meaning)


FRONTIER = Table(
    "frontier",
    "one WorkSpace under one option: what it costs, and how often its user waits",
    (
        Column(name="workspace_id", kind=Kind.TEXT, meaning="the WorkSpace's id, ws-…"),
        Column(name="option", kind=Kind.TEXT, meaning=_OPTION),
        _number("usd_per_month", "cost a month of its existence in the window; empty where no "
                "price is known", "USD a month", nullable=True),
        _number("cold_starts_per_week", "cold starts per 7 days of window: its user waits",
                "a week"),
        _number("waiting_minutes_per_month", "cold starts a month of its existence in the window, "
                "times the minutes that one takes", "minutes a month", nullable=True),
        _flag("efficient", "no other option has both no more dollars and no more waits, and less "
              "of one of them"),
        _flag("chosen", "what was chosen for it; none for one that is terminated, has no price or "
              "is created later"),
        _flag("present", "the setting that it has"),
    ),
    ("workspace_id", "option"),
)
FLEET_FRONTIER = Table(
    "fleet_frontier",
    "the best mixture for a fleet, each WorkSpace in its own option, from one price of a waiting "
    "minute up to the next row's",
    (
        _number("waiting_minute_usd", "the lowest price of a waiting minute at which it is best",
                "USD a minute"),
        _number("usd_per_month", "what the fleet costs a month", "USD a month"),
        _number("cold_starts_per_week", "cold starts of the whole fleet", "a week"),
        _number("waiting_minutes_per_month", "how long all its users wait", "minutes a month"),
        Column(name="changes", kind=Kind.WHOLE, unit="WorkSpaces",
               meaning="WorkSpaces that are not left as they are"),
    ),
    ("waiting_minute_usd",),
)
