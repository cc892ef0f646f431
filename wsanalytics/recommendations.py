"""What to change, and why: the cheapest setting for each WorkSpace that its user can live with.

A change is proposed only where it saves enough, where the interval of the saving lies above zero,
where the history is long enough to say so, and where the proposed setting keeps to the limit of
cold starts. Everything else is left alone, and the reason is said in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from wsanalytics.billing import HourRule, billable
from wsanalytics.errors import InputError
from wsanalytics.reasons import reason_for
from wsanalytics.settings import ALWAYS_ON, Setting
from wsanalytics.show import counted, html_table, number, usd, usd_range
from wsanalytics.tables import RECOMMENDATIONS

ENOUGH_DAYS = 21
"""A history of fewer observed days is called too short: three whole weeks, the least from which
resampling weeks says anything."""
MOST_SILENT = 3
"""A WorkSpace is left alone where it was not observed for a third of its observed days."""
CHANGE, LEAVE_ALONE = "change", "leave alone"
_KINDS = {
    "is the cheapest": "already in the cheapest setting",
    "includes zero": "with a saving that is not certain",
    "would save only": "with a saving that is too small",
    "The history is too short": "with too short a history",
    "Observed on": "observed on too few days",
    "cold starts than the limit": "held by the limit of cold starts",
    "No price": "without a known price",
    "not simulated": "MANUAL or standby, not simulated",
    "was terminated": "terminated",
}
"""What the sentences of those left alone say, by words that only they have."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The changes recommended to a fleet, and what is left alone, with the reasons.

    ``recommendations`` is a ``recommendations`` table with one row a WorkSpace. ``unused`` lists
    the WorkSpaces that nobody connected to. Nothing is changed by a plan: it is a proposal.
    """

    recommendations: pd.DataFrame
    created_at: datetime
    hour_rule: HourRule
    prices_date: str
    unused: tuple[str, ...] = ()
    account_id: str | None = None
    region: str | None = None

    @property
    def changes(self) -> pd.DataFrame:
        """The WorkSpaces to change, the largest saving first."""
        chosen = self.recommendations[self.recommendations["action"] == CHANGE]
        return chosen.sort_values(
            ["saving_usd_per_month", "workspace_id"], ascending=[False, True], ignore_index=True
        )

    @property
    def left_alone(self) -> pd.DataFrame:
        """The WorkSpaces to leave as they are."""
        return self.recommendations[
            self.recommendations["action"] == LEAVE_ALONE
        ].reset_index(drop=True)

    @property
    def kinds_left_alone(self) -> pd.Series:
        """Why each WorkSpace of ``left_alone`` is, by the kind of reason, in a few words."""
        return self.left_alone["reason"].map(_kind_of).astype("str")

    @property
    def saving_usd_per_month(self) -> float:
        """What all changes together are expected to save a month."""
        return float(self.changes["saving_usd_per_month"].sum())

    def __repr__(self) -> str:
        return (
            f"<Plan {counted(len(self.changes), 'change')} saving "
            f"{usd(self.saving_usd_per_month)} a month; "
            f"{counted(len(self.left_alone), 'WorkSpace')} left alone>"
        )

    def _repr_html_(self) -> str:
        columns = ["workspace_id", "from_setting", "to_setting", "saving", "interval", "reason"]
        top = self.changes.head(10)
        shown = top.assign(
            saving=top["saving_usd_per_month"].map(usd),
            interval=[usd_range(low, high) for low, high in
                      zip(top["saving_low_usd"], top["saving_high_usd"], strict=True)],
        )[columns]
        return f"<p>{escape(repr(self)[1:-1])}; the first of them:</p>{html_table(shown)}"


def recommend(
    comparison: pd.DataFrame,
    *,
    baseline: pd.Series,
    workspaces: pd.DataFrame | None = None,
    candidates: Iterable[Setting | str] | None = None,
    max_cold_starts_per_week: float | None = None,
    min_saving_usd: float = 1.0,
    hour_rule: HourRule | str = HourRule.CLOCK_HOUR,
    prices_date: str = "",
    now: datetime | None = None,
) -> Plan:
    """For each WorkSpace of *comparison* the cheapest setting within the limits, or none.

    *candidates* are the settings that may be proposed (default: all that were compared);
    *max_cold_starts_per_week* limits the proposed setting's own cold starts per 7 days of
    window; *min_saving_usd* is the least saving a month worth a change. With *workspaces*, those
    that were not compared (MANUAL, standby) are listed too.
    *hour_rule* and *prices_date* are noted in the plan. *now* (default: the clock) dates the
    plan and each change's best day. Raises :class:`InputError` for limits that are no numbers.
    """
    for name, value in (("max_cold_starts_per_week", max_cold_starts_per_week),
                        ("min_saving_usd", min_saving_usd)):
        if value is not None and not (np.isfinite(value) and value >= 0):
            raise InputError(f"{name} is {value}", where="recommend",
                             rule="a limit is a number and not negative", mend="correct it")
    now = now or datetime.now(UTC)
    chooser = _Chooser(
        None if candidates is None else frozenset(str(setting) for setting in candidates),
        max_cold_starts_per_week,
        min_saving_usd,
        now.date(),
    )
    present = baseline.to_dict()
    columns = list(comparison.columns)
    groups: dict[str, list[dict[str, Any]]] = {}
    for values in comparison.itertuples(index=False, name=None):
        row = dict(zip(columns, values, strict=True))
        groups.setdefault(row["workspace_id"], []).append(row)
    rows = [chooser.choose(options, present[name]) for name, options in groups.items()]
    rows += _not_compared(workspaces, set(groups))
    unused = sorted(
        name for name, options in groups.items()
        if not options[0]["sessions"] and not _is_silent(options[0])
    )
    frame = pd.DataFrame(rows, columns=list(RECOMMENDATIONS.names))
    return Plan(
        frame.sort_values("workspace_id", ignore_index=True),
        now,
        HourRule.parse(hour_rule),
        prices_date,
        tuple(unused),
    )


def best_date(present: dict[str, Any], proposed: dict[str, Any], today: date) -> date:
    """The day on which a change is worth most, counted from *today*.

    ALWAYS_ON to AUTO_STOP bills from the next 1st, so on the last day of the month. AUTO_STOP to
    ALWAYS_ON pays the monthly fee for the days left on top of what is already billed, so today
    if the hours to come cost more than that, else on the next 1st. A timeout at once. (AWS
    WorkSpaces FAQ, as quoted at repost.aws/questions/QUxRe9RXiXRcOs5aygBrkyJQ.)
    """
    next_first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    if present["setting"] == str(ALWAYS_ON):
        return next_first - timedelta(days=1)
    if proposed["setting"] == str(ALWAYS_ON):
        pays_at_once = present["hourly_usd_per_month"] > proposed["usd_per_month"]
        return today if pays_at_once or today.day == 1 else next_first
    return today


@dataclass(frozen=True, slots=True)
class _Chooser:
    """The limits that hold for every WorkSpace of one plan."""

    candidates: frozenset[str] | None
    max_cold_starts_per_week: float | None
    min_saving_usd: float
    today: date

    def choose(self, options: list[dict[str, Any]], setting: str) -> dict[str, Any]:
        """One row of the plan, from a WorkSpace's rows of the comparison."""
        present = next(row for row in options if row["setting"] == setting)
        priced = [row for row in options if not isnan(row["usd_per_month"])]
        ended = present["terminated_at"]
        if not pd.isna(ended):
            return _left_alone(present, f"It was terminated on {ended:%Y-%m-%d}.")
        if present not in priced:
            return _left_alone(present, "No price is known for it, so no saving can be told.")
        allowed = [row for row in priced if row is present or self._allows(row)]
        best = min(allowed, key=lambda row: (round(row["usd_per_month"], 9), row is not present,
                                             row["cold_starts_per_week"],
                                             Setting.parse(row["setting"]).order))
        if best is present:
            return _left_alone(present, self._why_none(present, priced))
        against = self._objection(best)
        return _left_alone(present, against) if against else self._change(present, best)

    def _allows(self, row: dict[str, Any]) -> bool:
        if self.candidates is not None and row["setting"] not in self.candidates:
            return False
        limit = self.max_cold_starts_per_week
        return limit is None or row["cold_starts_per_week"] <= limit

    def _why_none(self, present: dict[str, Any], priced: list[dict[str, Any]]) -> str:
        cheaper = [
            row for row in priced
            if row["saving_usd_per_month"] >= self.min_saving_usd
            and (self.candidates is None or row["setting"] in self.candidates)
        ]
        if cheaper:
            least = min(row["cold_starts_per_week"] for row in cheaper)
            return (
                f"Every cheaper setting has more cold starts than the limit of "
                f"{number(self.max_cold_starts_per_week or 0, 1)} a week "
                f"(at least {number(least, 1)})."
            )
        if _is_silent(present):
            return _silence(present)
        unused = "" if present["sessions"] else "Nobody used it, and "
        return f"{unused}{present['setting']} is the cheapest of the settings that were tried."

    def _objection(self, best: dict[str, Any]) -> str:
        """Why the cheapest setting is not proposed after all; empty if it is."""
        saving, days = best["saving_usd_per_month"], best["observed_days"]
        if days < ENOUGH_DAYS:
            return (
                f"The history is too short: {counted(int(days), 'day')} observed, "
                f"{ENOUGH_DAYS} needed."
            )
        if _is_silent(best):
            return _silence(best)
        if best["saving_low_usd"] <= 0:
            interval = usd_range(best["saving_low_usd"], best["saving_high_usd"])
            return (
                f"{best['setting']} may save {usd(saving)} a month, but the interval "
                f"{interval} includes zero."
            )
        if saving < self.min_saving_usd:
            return (
                f"{best['setting']} would save only {usd(saving)} a month, "
                f"less than {usd(self.min_saving_usd)}."
            )
        return ""

    def _change(self, present: dict[str, Any], best: dict[str, Any]) -> dict[str, Any]:
        return {
            "workspace_id": present["workspace_id"],
            "action": CHANGE,
            "from_setting": present["setting"],
            "to_setting": best["setting"],
            "saving_usd_per_month": best["saving_usd_per_month"],
            "saving_low_usd": best["saving_low_usd"],
            "saving_high_usd": best["saving_high_usd"],
            "cold_starts_per_week": best["cold_starts_per_week"],
            "extra_cold_starts_per_week": best["extra_cold_starts_per_week"],
            "best_date": best_date(present, best, self.today).isoformat(),
            "reason": reason_for(present, best),
        }


def _left_alone(present: dict[str, Any], reason: str) -> dict[str, Any]:
    return {
        "workspace_id": present["workspace_id"],
        "action": LEAVE_ALONE,
        "from_setting": present["setting"],
        "to_setting": "",
        "saving_usd_per_month": np.nan,
        "saving_low_usd": np.nan,
        "saving_high_usd": np.nan,
        "cold_starts_per_week": present["cold_starts_per_week"],
        "extra_cold_starts_per_week": np.nan,
        "best_date": "",
        "reason": reason,
    }


def _kind_of(reason: str) -> str:
    return next((kind for words, kind in _KINDS.items() if words in reason), "for other reasons")


def _not_compared(workspaces: pd.DataFrame | None, compared: set[str]) -> list[dict[str, Any]]:
    if workspaces is None:
        return []
    rest = workspaces[~workspaces["workspace_id"].isin(compared) & ~billable(workspaces)]
    return [
        _left_alone(
            {"workspace_id": row.workspace_id, "setting": "", "cold_starts_per_week": np.nan},
            "It is a standby WorkSpace, which is not simulated." if row.standby
            else "Its running mode MANUAL is not simulated.",
        )
        for row in rest.itertuples()
    ]


def _is_silent(row: dict[str, Any]) -> bool:
    """Whether too much of a WorkSpace's days was not observed to say anything of it."""
    return bool(row["unobserved_days"] > row["observed_days"] / MOST_SILENT)


def _silence(row: dict[str, Any]) -> str:
    days, silent = row["observed_days"], row["unobserved_days"]
    return (
        f"Observed on {days:.0f} of {days + silent:.0f} days only, and the rest would count as "
        "unused: choose days that were observed."
    )
