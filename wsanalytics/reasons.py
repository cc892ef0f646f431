"""Why a change is proposed, in a sentence that a help desk can read out."""

from __future__ import annotations

from typing import Any

from wsanalytics.settings import RunningMode, Setting
from wsanalytics.show import counted, hours, number, usd


def reason_for(present: dict[str, Any], best: dict[str, Any]) -> str:
    """The sentence that says why *best* is proposed instead of *present*.

    Both are rows of a ``comparison`` table, of one WorkSpace.
    """
    before, after = usd(present["usd_per_month"]), usd(best["usd_per_month"])
    waits = best["extra_cold_starts_per_week"]
    wait = (
        f", for {number(waits, 1)} more cold starts a week" if round(waits, 1) > 0
        else f", with {number(-waits, 1)} fewer cold starts a week" if round(waits, 1) < 0
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


def _break_even(auto: dict[str, Any], always_on: dict[str, Any]) -> float:
    """The billed hours a month at which both modes cost the same."""
    fixed = auto["usd_per_month"] - auto["hourly_usd_per_month"]
    rate = auto["hourly_usd_per_month"] / auto["billed_hours_per_month"]
    return float((always_on["usd_per_month"] - fixed) / rate)
