"""Explain why a change is proposed, or none, in a sentence that a help desk can read out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pandas import isna

from wsanalytics.formatting import CENT, counted, hours, measured, number, percent, usd
from wsanalytics.hibernation import LOST
from wsanalytics.prices import break_even
from wsanalytics.recommendations.plan_limits import PlanLimits
from wsanalytics.recommendations.unattended import sentence
from wsanalytics.rules import HouseRule
from wsanalytics.sessions import is_too_little_observed
from wsanalytics.settings import ALWAYS_ON, RunningMode, Setting
from wsanalytics.timeline import months_later

ENOUGH_DAYS = 21
"""A fleet that was observed for fewer days has too short a history for a plan: three whole weeks,
the least from which resampling weeks says anything."""
NEEDS_APPROVAL = "needs approval"
"""How an entry of ``checked`` begins by which a change is made only once it is approved."""


def reason_for(present: dict[str, Any], best: dict[str, Any], when: str = "") -> str:
    """Return the sentences that explain why *best* is proposed instead of *present*.

    Both are rows of a ``comparison`` table, of one WorkSpace; *when* says from when on.
    """
    since = "" if isna(best["counted_from"]) else (
        f"Since {best['counted_from']:%Y-%m-%d}, when its use changed: ")
    return since + _reason_for(present, best) + when + sentence(
        present.get("unattended_hours_per_month", 0.0))


def _reason_for(present: dict[str, Any], best: dict[str, Any]) -> str:
    before, after = usd(present["expected_usd_per_month"]), usd(best["expected_usd_per_month"])
    waits = best["extra_cold_starts_per_week"]
    wait = (
        f", for {measured(waits, 'more cold start')} a week" if round(waits, 1) > 0
        else f", with {measured(-waits, 'fewer cold start')} a week" if round(waits, 1) < 0
        else ""
    )
    if not present["sessions"]:
        return (
            f"Nobody connected in {counted(int(present['observed_days']), 'day')}: "
            f"{best['setting']} costs {after} a month instead of {before}."
        )
    old, new = Setting.parse(present["setting"]), Setting.parse(best["setting"])
    billed = hours(best["expected_hours_per_month"])
    if old.running_mode is RunningMode.ALWAYS_ON:
        return (
            f"Connected {hours(best['connected_hours_per_month'])} a month; expected to bill "
            f"{billed}: {after} instead of the flat {before}{wait}."
        )
    present_hours = hours(present["expected_hours_per_month"])
    if new.running_mode is RunningMode.ALWAYS_ON:
        limit = _break_even(present, best)
        over = "over" if present["expected_hours_per_month"] > limit else "against"
        return (
            f"Expected to bill {present_hours} a month, {over} the break-even of "
            f"{hours(limit)}: the flat {after} instead of {before}{wait}."
        )
    return (
        f"A timeout of {new.auto_stop_minutes} instead of {old.auto_stop_minutes} minutes is "
        f"expected to bill {billed} instead of {present_hours} a month: {after} instead of "
        f"{before}{wait}."
    )


def when_text(present: str, from_now: str, later: str, at: datetime) -> str:
    """Say what is decided for the rest of the month of *at*, and what for the next one."""
    opens = f"{months_later(at.replace(day=1), 1):%Y-%m-%d}"
    always_on = str(ALWAYS_ON)
    if from_now == present:
        if present == always_on:
            return f" This month is paid for, so it counts from {opens} on."
        if later == always_on:
            return f" The rest of this month costs less by the hour; from {opens} on the flat fee."
        return ""
    if from_now == always_on:
        return (" What the rest of this month is expected to bill costs more than its part of the "
                "flat fee") + ("." if later == always_on else f"; from {opens} on {later} again.")
    return ""


def by_rule(rule: HouseRule | None) -> str:
    """Name the rule of the house that has a say in a WorkSpace's setting; empty for none.

    >>> by_rule(HouseRule(name="design", least_timeout=120))
    "By the rule 'design': at least 120 minutes. "
    """
    if rule is None or not rule.is_about_settings:
        return ""
    what = "it is left alone" if rule.leave_alone else rule.phrase
    return f"By the rule {rule.name!r}: {what}. "


def demanded_text(rule: HouseRule, broken: str, best: dict[str, Any]) -> str:
    """Say that a *rule* demands *best*, since the present setting breaks it (*broken* says how)."""
    more, cost = -best["saving_usd_per_month"], usd(best["expected_usd_per_month"])
    than_now = "as now" if abs(more) < CENT else (
        f"{usd(-more)} less than now" if more < 0 else
        f"{usd(more)} more than now, and is proposed since the rule demands it")
    return (f"By the rule {rule.name!r}: {broken}. {best['setting']} is expected to cost {cost} a "
            f"month, {than_now}.")


def would_lose_text(best: dict[str, Any]) -> str:
    """Say that a change is left alone, since the WorkSpace cannot hibernate."""
    saving = best["saving_usd_per_month"]
    what = f"would save {usd(saving)} a month" if saving > 0 else "was decided"
    return (f"{best['setting']} {what}, but its hardware does not hibernate: {LOST}. "
            f"--allow-losing-open-programs, or a rule, lets it be proposed.")


def loses_text() -> str:
    """Warn in a reason of a change that the WorkSpace cannot hibernate."""
    return f" Its hardware does not hibernate: {LOST}."


def needs_approval_text(rule: HouseRule) -> str:
    """Say in ``checked`` that a change is made only if somebody has approved it."""
    return f"{NEEDS_APPROVAL} by the rule {rule.name!r}"


def checks_of(
    best: dict[str, Any], *, policy: str, limits: PlanLimits, demanded_by: str = ""
) -> list[str]:
    """List what *best* was held against before it was proposed, a short sentence each.

    *best* is a row of a ``comparison`` table. A rule that demands it is named by *demanded_by*:
    the limits of saving and chance do not hold then.
    """
    rule = limits.rule_for(best["workspace_id"])
    approval = [needs_approval_text(rule)] if rule is not None and rule.needs_approval else []
    if demanded_by:
        return [f"demanded by the rule {demanded_by!r}", *approval]
    waits = f"{measured(best['cold_starts_per_week'], 'cold start')} a week"
    silent = best["unobserved_days"]
    limit, least = limits.most_waits(rule), limits.min_chance_of_saving
    likely = f"chance of a loss: {percent(best['chance_of_loss'])}"
    return [
        f"decided by {policy}",
        counted(int(best["observed_days"]), "day") + " observed"
        + (f", {number(silent, 1)} not" if round(silent, 1) > 0 else ""),
        likely + (f", at most {percent(1 - least)}" if least else ""),
        f"at least {usd(limits.min_saving_usd)} a month",
        f"{waits}, no limit" if limit is None else f"{waits}, at most {number(limit, 1)}",
        *approval,
    ]


def _break_even(auto: dict[str, Any], always_on: dict[str, Any]) -> float:
    """Return the billed hours a month at which both modes cost the same."""
    fixed = auto["usd_per_month"] - auto["hourly_usd_per_month"]
    rate = (auto["expected_usd_per_month"] - fixed) / auto["expected_hours_per_month"]
    return break_even(float(always_on["usd_per_month"]), float(fixed), float(rate))


def why_kept(
    present: dict[str, Any], options: list[dict[str, Any]], *, policy: str, limits: PlanLimits
) -> str:
    """Say why a policy keeps the present setting. *options* are all rows of the WorkSpace."""
    cheaper = [row for row in options if row["saving_usd_per_month"] > max(
        limits.min_saving_usd, CENT) and row is not present]
    allowed = [row for row in cheaper if limits.allows(row)]
    if cheaper and not allowed:
        limit = limits.most_waits(limits.rule_for(present["workspace_id"]))
        within = [row for row in cheaper if _is_within(row, limits)]
        if within and limit is not None:
            least = min(row["cold_starts_per_week"] for row in within)
            return (
                f"Every cheaper setting has more cold starts than the limit of "
                f"{number(limit, 1)} a week (at least {number(least, 1)})."
            )
    if not allowed:
        unused = "" if present["sessions"] else "Nobody used it, and "
        return f"{unused}{present['setting']} is the cheapest of the settings that were tried."
    best = max(allowed, key=lambda row: (row["saving_usd_per_month"], row["setting"]))
    return (
        f"{policy} keeps {present['setting']}: {best['setting']} may save "
        f"{usd(best['saving_usd_per_month'])} a month until the end of the next month (chance of "
        f"a loss: {percent(best['chance_of_loss'])})."
    )


def _is_within(row: dict[str, Any], limits: PlanLimits) -> bool:
    """Whether the setting of *row* would do but for its cold starts."""
    return limits.allows(row | {"cold_starts_per_week": 0.0})


def why_left_out(best: dict[str, Any], *, limits: PlanLimits) -> str:
    """Say by which of the user's limits a change is not proposed after all; empty if it is."""
    saving, loss = best["saving_usd_per_month"], best["chance_of_loss"]
    if limits.min_saving_usd > 0 and not saving >= limits.min_saving_usd - 1e-9:
        if saving < 0:
            return f"{best['setting']} is expected to cost {usd(-saving)} a month more."
        return (
            f"{best['setting']} would save only {usd(saving)} a month, "
            f"less than {usd(limits.min_saving_usd)}."
        )
    if 1 - loss < limits.min_chance_of_saving - 1e-9:
        return (
            f"{best['setting']} may save {usd(saving)} a month, but with a chance of "
            f"{percent(1 - loss)} only, less than {percent(limits.min_chance_of_saving)}."
        )
    return ""


def lacks_observation(row: dict[str, Any]) -> bool:
    """Whether too much of the WorkSpace of a comparison's *row* was not observed."""
    return is_too_little_observed(row["observed_days"], row["unobserved_days"])


def too_short_text(days: float) -> str:
    """Say that the fleet was observed for too short a time."""
    return (
        f"The history is too short: {counted(int(days), 'day')} observed, {ENOUGH_DAYS} needed."
    )


def unobserved_text(row: dict[str, Any]) -> str:
    """Say that too few days of the WorkSpace of a comparison's *row* were observed."""
    days, unobserved = row["observed_days"], row["unobserved_days"]
    return (
        f"Observed on {days:.0f} of {days + unobserved:.0f} days only, and the rest would count as "
        "unused: choose days that were observed."
    )
