"""Answer one question about a fleet: its cost, and how often its users wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from html import escape

import numpy as np
import pandas as pd

from wsanalytics.errors import InputError
from wsanalytics.formatting import (
    as_output,
    counted,
    html_table,
    measured,
    number,
    percent,
    usd,
)
from wsanalytics.settings import Setting, setting_grid
from wsanalytics.tables import TODAY
from wsanalytics.tradeoffs.efficient import SAME, Amounts, FleetOptions, Places, best
from wsanalytics.tradeoffs.frontier import Choice, Frontier, frontier_of
from wsanalytics.tradeoffs.metered import MeteredFleet

OWN = "each its own"
"""The name of the fleet in which each WorkSpace takes the option that suits it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfRequest:
    """A what-if question: the options that each WorkSpace has, at which prices and limits.

    ``settings`` are offered to all, beside the one that each has. ``prices`` and ``hour_rule`` are
    named as in the metered fleet.
    """

    settings: tuple[Setting, ...]
    hour_rule: str
    prices: str
    discount: float
    max_cold_starts_per_week: float | None
    value_of_waiting_minute_usd: float
    min_saving_usd: float
    wait_minutes: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Answer:
    """The cost of a fleet under the options of one question.

    ``frontier`` holds all that it could do, ``choice`` the option taken for each WorkSpace,
    ``code`` three lines of Python that make this answer again: the names in them (``history``,
    ``prices`` and so on) stand for what was handed to ``what_if``. ``not_billed`` counts the
    WorkSpaces that are MANUAL or standby, of which nothing is known here; ``counted`` says of whom
    only a part of the window counts.
    """

    question: WhatIfRequest
    code: str
    frontier: Frontier
    choice: Choice
    fixed: Amounts
    hourly: Amounts
    chosen: Places
    users: tuple[str, ...]
    has_present: bool
    not_billed: int
    counted: str = ""

    @cached_property
    def costs(self) -> pd.DataFrame:
        """The fleet's cost a month: today, each WorkSpace in its own option, all in one.

        Columns: ``option``, ``workspaces`` (how many are counted, the same in every row),
        ``fixed_usd``, ``hourly_usd``, ``total_usd`` (USD a month), ``cold_starts_per_week``.
        There is no row ``today`` where nobody knows how the WorkSpaces are set.
        """
        offers, names = self._offers, self.frontier.names
        column = np.arange(len(names))
        rows = {TODAY: offers.present} if self.has_present else {}
        rows[OWN] = column == self.chosen[:, None]
        rows |= {
            f"all {setting}": np.broadcast_to(column == names.index(str(setting)), offers.usd.shape)
            for setting in self.question.settings
        }
        return pd.DataFrame([{
            "option": option, "workspaces": len(self.chosen),
            "fixed_usd": float(self.fixed[marks].sum()),
            "hourly_usd": float(self.hourly[marks].sum()),
            "total_usd": float(offers.usd[marks].sum()),
            "cold_starts_per_week": float(offers.waits[marks].sum()),
        } for option, marks in rows.items()])

    @cached_property
    def table(self) -> pd.DataFrame:
        """The chosen option of each WorkSpace that is counted, beside its present setting.

        Columns: ``workspace_id``, ``user_name``, ``present`` (empty where not known), ``chosen``,
        ``present_usd_per_month``, ``usd_per_month``, ``present_cold_starts_per_week``,
        ``cold_starts_per_week``.
        """
        offers, names = self._offers, np.array(self.frontier.names)
        rows, then = np.arange(len(self.chosen)), self.chosen
        now = offers.present.argmax(axis=1) if self.has_present else then
        unknown = np.where(self.has_present, 0.0, np.nan)
        return pd.DataFrame({
            "workspace_id": self.frontier.ids[self.frontier.counts].astype("str"),
            "user_name": pd.Series(self.users, dtype="str"),
            "present": pd.Series(names[now] if self.has_present else "", dtype="str",
                                 index=rows),
            "chosen": pd.Series(names[then], dtype="str"),
            "present_usd_per_month": offers.usd[rows, now] + unknown,
            "usd_per_month": offers.usd[rows, then],
            "present_cold_starts_per_week": offers.waits[rows, now] + unknown,
            "cold_starts_per_week": offers.waits[rows, then],
        })

    @property
    def saving_usd_per_month(self) -> float | None:
        """The saving of the choice against today, USD a month; None where today is not known."""
        return self.choice.saving_usd_per_month if self.has_present else None

    @property
    def changes(self) -> int | None:
        """The number of WorkSpaces that are not left as they are; None where today is not known."""
        return self.choice.changes if self.has_present else None

    @property
    def over_limit(self) -> tuple[str, ...]:
        """The WorkSpaces that none of their options keeps within the limit of cold starts."""
        return self.choice.over_limit

    @property
    def headline(self) -> str:
        """The result in two or three sentences."""
        fleet, waits = self.choice, self.choice.cold_starts_per_week
        whole = counted(self.frontier.workspaces, "WorkSpace")
        subject = f"Each of {whole} in its own setting" if self.frontier.workspaces > 1 else whole
        sentence = f"{subject} would cost {usd(fleet.usd_per_month)} a month"
        after = f"{measured(waits, 'cold start')} a week"
        if not self.has_present:
            return f"{sentence}, with {after}.{self._beyond()}"
        saved = fleet.saving_usd_per_month
        share = f" ({percent(abs(saved) / fleet.present_usd)})" if fleet.present_usd > 0 else ""
        less = "the same" if abs(saved) < 0.005 else (
            f"{usd(abs(saved))}{share} {'less' if saved > 0 else 'more'}")
        return (f"As set today: {usd(fleet.present_usd)} a month and "
                f"{measured(fleet.present_waits, 'cold start')} a week. {sentence}: {less}, by "
                f"{counted(fleet.changes, 'change')}, with {after}.{self._beyond()}")

    def _beyond(self) -> str:
        limit = self.question.max_cold_starts_per_week
        if limit is None or not self.over_limit:
            return ""
        return (f" {counted(len(self.over_limit), 'WorkSpace')} cannot be kept within "
                f"{measured(limit, 'cold start')} a week.")

    @property
    def note(self) -> str:
        """The way of counting, and the WorkSpaces that were not counted, in one line."""
        question, frontier = self.question, self.frontier
        less = f", less {number(100 * frontier.discount, 2)} %" if frontier.discount else ""
        left_out = [f"{counted(count, 'WorkSpace')} {why}" for count, why in (
            (frontier.terminated, "terminated"), (frontier.unpriced, "without a known price"),
            (frontier.absent, "created later")) if count]
        return " · ".join(filter(None, [
            f"{frontier.window}, {self.counted or 'every WorkSpace over the whole window'}",
            f"hours by {question.hour_rule}",
            "savings that are certain and those that are not: a plan proposes the certain ones",
            f"prices{f' of {frontier.prices_date}' if frontier.prices_date else ''}{less}",
            f"not counted: {', '.join(left_out)}" if left_out else "",
            f"{counted(self.not_billed, 'WorkSpace')} MANUAL or standby: no hours, not simulated"
            if self.not_billed else ""]))

    @property
    def _offers(self) -> FleetOptions:
        return self.frontier.offers.for_workspaces(self.frontier.counts)

    def __repr__(self) -> str:
        return f"<Answer {self.headline}>"

    def _repr_html_(self) -> str:
        return as_output(f"<p>{escape(self.headline)}</p>{html_table(shown(self.costs))}")


def shown(costs: pd.DataFrame) -> pd.DataFrame:
    """Return the ``costs`` of an answer as people read them: amounts as text."""
    return pd.DataFrame({
        "option": costs["option"],
        "USD a month": costs["total_usd"].map(usd),
        "fees": costs["fixed_usd"].map(usd),
        "hours": costs["hourly_usd"].map(usd),
        "cold starts a week": costs["cold_starts_per_week"].map(lambda value: number(value, 1)),
    })


def answer_of(metered: MeteredFleet, question: WhatIfRequest, code: str) -> Answer:
    """Answer the *question* for a metered fleet, by the same steps as a frontier's.

    Raises :class:`InputError` where there is nothing to choose from, and for limits that are no
    numbers from 0 on.
    """
    present = metered.present
    options = setting_grid(auto_stop_minutes=(), always_on=False, include=[
        *question.settings, *(() if present is None else present.unique())])
    if not options:
        raise InputError("there is nothing to choose from", where="answer",
                         fix="allow ALWAYS_ON or a timeout")
    columns = [metered.settings.index(option) for option in options]
    names = tuple(map(str, options))
    price_factor = 1 - question.discount
    # WorkSpaces x options in USD a month, less the discount.
    fixed, hourly = (usd[:, columns] * price_factor
                     for usd in metered.owed[question.hour_rule, question.prices])
    is_present = np.zeros(fixed.shape, dtype=bool) if present is None else (
        present.to_numpy()[:, None] == np.array(names))
    is_common = np.isin(names, list(map(str, question.settings)))
    offers = FleetOptions(fixed + hourly, metered.starts_a_week[:, columns],
                    metered.starts_a_month[:, columns] * question.wait_minutes,
                    is_present | is_common, is_present)
    label = metered.labels[question.prices]
    frontier = frontier_of(
        offers,
        names,
        list(map(str, question.settings)),
        ids=metered.ids,
        terminated=metered.terminated,
        window=metered.window,
        wait_minutes=question.wait_minutes,
        prices_date=label.date,
        discount=1 - (1 - label.discount) * price_factor,
        knows_present=present is not None,
    )
    choice, chosen = _chosen(frontier, question)
    users = tuple(np.array(metered.users, dtype=object)[frontier.counts])
    return Answer(
        question=question, code=code, frontier=frontier, choice=choice, chosen=chosen,
        fixed=fixed[frontier.counts], hourly=hourly[frontier.counts], users=users,
        has_present=present is not None, not_billed=metered.not_billed, counted=metered.counted)


def _chosen(frontier: Frontier, question: WhatIfRequest) -> tuple[Choice, Places]:
    """Choose the option of each WorkSpace that counts; also return its position among the names."""
    limit, worth = question.max_cold_starts_per_week, question.value_of_waiting_minute_usd
    worthy = replace(frontier, offers=_worthwhile(frontier.offers, question))
    choice = worthy.choose(max_cold_starts_per_week=limit, value_of_waiting_minute_usd=worth)
    offers = worthy.offers.for_workspaces(frontier.counts)
    return choice, best(offers if limit is None else offers.within(limit), worth)


def _worthwhile(offers: FleetOptions, question: WhatIfRequest) -> FleetOptions:
    """Leave out changes that save too little, waiting counted at its value.

    A WorkSpace whose present setting breaks the limit of cold starts may change for less.
    """
    if not question.min_saving_usd:
        return offers
    limit = question.max_cold_starts_per_week
    counted_usd = offers.usd + question.value_of_waiting_minute_usd * offers.minutes
    # One option a row is the present one, so the sum picks its value, as a column.
    now = np.where(offers.present, counted_usd, 0.0).sum(axis=1, keepdims=True)
    saves = counted_usd <= now - question.min_saving_usd + SAME
    waits = np.where(offers.present, offers.waits, 0.0).sum(axis=1, keepdims=True)
    broken = np.zeros(waits.shape, dtype=bool) if limit is None else waits > limit + SAME
    return replace(offers, offered=offers.offered & (offers.present | saves | broken))
