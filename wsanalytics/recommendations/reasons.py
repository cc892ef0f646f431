"""Explain a change in a sentence that a help desk can read out; and list what was checked."""

from __future__ import annotations

from typing import Any

from pandas import isna

from wsanalytics.formatting import counted, hours, measured, number, percent, usd
from wsanalytics.prices import break_even
from wsanalytics.recommendations.unattended import sentence
from wsanalytics.settings import RunningMode, Setting


def reason_for(present: dict[str, Any], best: dict[str, Any]) -> str:
    """The sentence that says why *best* is proposed instead of *present*.

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
    """The billed hours a month at which both modes cost the same."""
    fixed = auto["usd_per_month"] - auto["hourly_usd_per_month"]
    rate = auto["hourly_usd_per_month"] / auto["billed_hours_per_month"]
    return break_even(float(always_on["usd_per_month"]), float(fixed), float(rate))
