"""Explain why a change is proposed, or none, in a sentence that a help desk can read out."""

from __future__ import annotations

from typing import Any

from pandas import isna

from wsanalytics.formatting import counted, hours, measured, number, percent, usd, usd_range
from wsanalytics.prices import break_even
from wsanalytics.recommendations.unattended import sentence
from wsanalytics.sessions import is_too_little_observed
from wsanalytics.settings import RunningMode, Setting

ENOUGH_DAYS = 21
"""A history of fewer observed days is called too short: three whole weeks, the least from which
resampling weeks says anything."""


def reason_for(present: dict[str, Any], best: dict[str, Any]) -> str:
    """Return the sentence that explains why *best* is proposed instead of *present*.

    Both are rows of a ``comparison`` table, of one WorkSpace.
    """
    since = "" if isna(best["counted_from"]) else (
        f"Since {best['counted_from']:%Y-%m-%d}, when its use changed: ")
    return since + _reason_for(present, best) + sentence(
        present.get("unattended_hours_per_month", 0.0))


def _reason_for(present: dict[str, Any], best: dict[str, Any]) -> str:
    before, after = usd(present["usd_per_month"]), usd(best["usd_per_month"])
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
    if old.running_mode is RunningMode.ALWAYS_ON:
        return (
            f"Connected {hours(best['connected_hours_per_month'])} a month, which bills "
            f"{hours(best['billed_hours_per_month'])}: {after} instead of the flat {before}{wait}."
        )
    if new.running_mode is RunningMode.ALWAYS_ON:
        return (
            f"Billed {hours(present['billed_hours_per_month'])} a month, over the break-even of "
            f"{hours(_break_even(present, best))}: the flat {after} instead of {before}{wait}."
        )
    return (
        f"A timeout of {new.auto_stop_minutes} instead of {old.auto_stop_minutes} minutes bills "
        f"{hours(best['billed_hours_per_month'])} instead of "
        f"{hours(present['billed_hours_per_month'])} a month: {after} instead of {before}{wait}."
    )


def checks_of(
    best: dict[str, Any], *, days_needed: int, min_saving_usd: float,
    max_cold_starts_per_week: float | None,
) -> list[str]:
    """List the checks against limits before *best* was proposed, a short sentence each.

    *best* is a row of a ``comparison`` table.
    """
    waits = f"{measured(best['cold_starts_per_week'], 'cold start')} a week"
    silent = best["unobserved_days"]
    limit = max_cold_starts_per_week
    return [
        f"{counted(int(best['observed_days']), 'day')} observed ({days_needed} needed)"
        + (f", {number(silent, 1)} not" if round(silent, 1) > 0 else ""),
        f"the interval lies above zero (chance of a loss: {percent(best['chance_of_loss'])})",
        f"at least {usd(min_saving_usd)} a month",
        f"{waits}, no limit" if limit is None else f"{waits}, at most {number(limit, 1)}",
    ]


def _break_even(auto: dict[str, Any], always_on: dict[str, Any]) -> float:
    """Return the billed hours a month at which both modes cost the same."""
    fixed = auto["usd_per_month"] - auto["hourly_usd_per_month"]
    rate = auto["hourly_usd_per_month"] / auto["billed_hours_per_month"]
    return break_even(float(always_on["usd_per_month"]), float(fixed), float(rate))


def why_nothing_is_cheaper(
    present: dict[str, Any], priced: list[dict[str, Any]], *, candidates: frozenset[str] | None,
    min_saving_usd: float, max_cold_starts_per_week: float | None,
) -> str:
    """Say why no change is proposed where no allowed setting is cheaper than the present one.

    Of a short history nobody can say what is the cheapest.
    """
    if present["observed_days"] < ENOUGH_DAYS:
        return _too_short_text(present)
    cheaper = [
        row for row in priced
        if row["saving_usd_per_month"] >= min_saving_usd
        and (candidates is None or row["setting"] in candidates)
    ]
    if cheaper:
        least = min(row["cold_starts_per_week"] for row in cheaper)
        return (
            f"Every cheaper setting has more cold starts than the limit of "
            f"{number(max_cold_starts_per_week or 0, 1)} a week "
            f"(at least {number(least, 1)})."
        )
    if lacks_observation(present):
        return _unobserved_text(present)
    unused = "" if present["sessions"] else "Nobody used it, and "
    return f"{unused}{present['setting']} is the cheapest of the settings that were tried."


def why_not_proposed(best: dict[str, Any], *, min_saving_usd: float) -> str:
    """Give the reason why the cheapest setting is not proposed after all; empty if it is."""
    saving = best["saving_usd_per_month"]
    if best["observed_days"] < ENOUGH_DAYS:
        return _too_short_text(best)
    if lacks_observation(best):
        return _unobserved_text(best)
    if best["saving_low_usd"] <= 0:
        interval = usd_range(best["saving_low_usd"], best["saving_high_usd"])
        return (
            f"{best['setting']} may save {usd(saving)} a month, but the interval "
            f"{interval} includes zero (chance of a loss: {percent(best['chance_of_loss'])})."
        )
    if saving < min_saving_usd:
        return (
            f"{best['setting']} would save only {usd(saving)} a month, "
            f"less than {usd(min_saving_usd)}."
        )
    return ""


def lacks_observation(row: dict[str, Any]) -> bool:
    """Whether too much of the WorkSpace of a comparison's *row* was not observed."""
    return is_too_little_observed(row["observed_days"], row["unobserved_days"])


def _too_short_text(row: dict[str, Any]) -> str:
    return (
        f"The history is too short: {counted(int(row['observed_days']), 'day')} observed, "
        f"{ENOUGH_DAYS} needed."
    )


def _unobserved_text(row: dict[str, Any]) -> str:
    days, unobserved = row["observed_days"], row["unobserved_days"]
    return (
        f"Observed on {days:.0f} of {days + unobserved:.0f} days only, and the rest would count as "
        "unused: choose days that were observed."
    )
