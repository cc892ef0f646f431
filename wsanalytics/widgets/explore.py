"""Explore what-if questions by hand.

Sliders and boxes, and the fleet's cost and waiting, redrawn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from ipywidgets import Accordion, Checkbox, Dropdown, HBox, Layout, Textarea, VBox
from pandas.api.types import is_numeric_dtype

from wsanalytics import plot
from wsanalytics.billing import HourRule
from wsanalytics.defaults import WAIT_MINUTES
from wsanalytics.errors import InputError, WsanalyticsError
from wsanalytics.formatting import html_table
from wsanalytics.history import History
from wsanalytics.prices import PriceBook
from wsanalytics.recommendations import Analysis
from wsanalytics.safe_text import escape_formula, plain
from wsanalytics.timeline import Window
from wsanalytics.tradeoffs import Answer, WhatIf, shown, what_if
from wsanalytics.widgets.base import (
    QUIET,
    Showable,
    collecting_later,
    html,
    message,
    telling_it_itself,
    text,
)
from wsanalytics.widgets.download import Download, Offer
from wsanalytics.widgets.explore_view import each_line, headline, pictures
from wsanalytics.widgets.kept import question_of
from wsanalytics.widgets.sliders import Dial, LimitDial

RULES = {str(rule): rule.label for rule in HourRule} | {"as charged": "as in the charges"}
"""The hour rules in plain words."""
PAUSE_SECONDS = 0.02
"""So long is waited for more of what is being dragged, before the pictures are drawn."""
HOW = "Each WorkSpace takes what costs least of these and the setting that it has."


class Explorer(Showable, VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A fleet's what-if questions as controls, their answers as words and pictures.

    Made by :func:`explore`. ``question`` is the :class:`WhatIf` that is asked,
    ``settings`` what is asked of it now, ``answer`` what it says; :meth:`set` moves the controls
    from Python. ``code``, ``table`` and :meth:`figure` are what the buttons save, for hosts that
    block downloads.
    """

    def __init__(self, question: WhatIf) -> None:
        self.question = question
        self._said: tuple[dict[str, Any], Answer] | None = None
        self._due: asyncio.TimerHandle | None = None
        self._is_held = False
        self._controls()
        self.headline_html, self.note_html, self.costs_html = html(), html(), html()
        # ipywidgets' Image has no alternative text, and fails in the browser if given a tooltip
        self.bars, self.curve = (html(flex="1 1 420px", max_width="560px") for _ in range(2))
        self.code_area = Textarea(
            description="Python", rows=4, layout=Layout(width="99%"),
            tooltip="The lines that make this answer again")
        self.downloads = Download(self._offers())
        super().__init__([
            self.headline_html, self.panel,
            HBox([self.bars, self.curve], layout=Layout(flex_flow="row wrap", width="100%")),
            self.note_html, Accordion([self.costs_html], titles=["The figures as a table"]),
            self.downloads, self.code_area])
        self.add_class("wsanalytics-explorer")
        self.redraw()

    # What is asked ------------------------------------------------------------------------------

    def _controls(self) -> None:
        question = self.question
        self.timeouts = {minutes: _box(f"{minutes / 60:g} h", f"Offer AUTO_STOP:{minutes}")
                         for minutes in question.timeouts}
        self.always_on = _box("ALWAYS_ON", "Offer ALWAYS_ON")
        self.always_on.disabled = not question.always_on
        self.hour_rule = _choice("Hours are counted", [
            (RULES.get(rule, rule), rule) for rule in question.hour_rules])
        self.prices = _choice("Prices", [(plain(name), name) for name in question.prices])
        self.discount = Dial("Discount, %", 60, 1, most=99.9, hint="Taken off all prices")
        self.limit = LimitDial("Cold starts a week, at most", 20, 0.5,
                               hint="The most that any user shall have; or: no limit")
        self.worth = Dial("A waiting minute, USD", 3, 0.05,
                          hint="What a minute of a user's waiting counts for")
        self.least = Dial("Least saving, USD", 20, 0.5,
                          hint="A month; for less a WorkSpace is left as it is")
        boxes = [*self.timeouts.values(), self.always_on]
        for control in [*boxes, self.hour_rule, self.prices]:
            control.observe(self._changed, "value")
        dials = [self.limit, self.worth, self.discount]
        dials += [self.least] if question.ground.present is not None else []
        for slider in dials:
            slider.then(self._changed)
        wrap = Layout(flex_flow="row wrap", align_items="center")
        several = [self.prices] if len(question.prices) > 1 else []
        self.panel = VBox([
            html(f"<div style='line-height:1.4'><b>AutoStop timeouts and ALWAYS_ON</b> "
                 f"<span style='color:{QUIET}'>{text(HOW)}</span></div>"),
            HBox(boxes, layout=wrap), HBox([*dials, self.hour_rule, *several], layout=Layout(
                flex_flow="row wrap", align_items="center", grid_gap="0 24px")),
        ])

    @property
    def settings(self) -> dict[str, Any]:
        """The present question: the arguments of :meth:`WhatIf.answer`, all of them."""
        return {
            "timeouts": [minutes for minutes, box in self.timeouts.items() if box.value],
            "always_on": bool(self.always_on.value),
            "hour_rule": self.hour_rule.value,
            "prices": self.prices.value,
            "discount": round((self.discount.value or 0.0) / 100, 8),
            "max_cold_starts_per_week": self.limit.value,
            "value_of_waiting_minute_usd": self.worth.value or 0.0,
            "min_saving_usd": self.least.value or 0.0,
        }

    def set(self, **question: Any) -> None:  # noqa: ANN401  # as the names of the answer's are
        """Set controls to arguments of :meth:`WhatIf.answer`; what is not named stays.

        Raises :class:`InputError`, and moves nothing, for what cannot be asked: an unknown name, a
        timeout that has no box, a number out of range.
        """
        strange = sorted(set(question) - set(self.settings))
        if strange:
            raise InputError(f"there is no control {', '.join(strange)}", where="explorer.set",
                             rule=f"there are {', '.join(self.settings)}", fix="use one of them")
        settings = self.settings | {
            name: value for name, value in question.items()
            if value is not None or name == "max_cold_starts_per_week"}
        settings["timeouts"] = self.question.replayed(settings["timeouts"])
        lost = [minutes for minutes in settings["timeouts"] if minutes not in self.timeouts]
        if lost:
            raise InputError(f"there is no box for {lost[0]} minutes", where="explorer.set",
                             fix=f"add {lost[0]} to timeouts")
        self.question.answer(**settings)
        self._is_held = True
        for minutes, box in self.timeouts.items():
            box.value = minutes in settings["timeouts"]
        self.always_on.value = bool(settings["always_on"])
        self.hour_rule.value, self.prices.value = str(settings["hour_rule"]), settings["prices"]
        self.discount.value = round(100 * settings["discount"], 6)
        self.limit.value = settings["max_cold_starts_per_week"]
        self.worth.value = settings["value_of_waiting_minute_usd"]
        self.least.value = settings["min_saving_usd"]
        self._is_held = False
        self.redraw()

    # What is answered ---------------------------------------------------------------------------

    @property
    def answer(self) -> Answer:
        """The answer to what is asked now; :class:`InputError` if it has none."""
        settings = self.settings
        if self._said is None or self._said[0] != settings:
            self._said = settings, self.question.answer(**settings)
        return self._said[1]

    @property
    def headline(self) -> str:
        """The result in words."""
        return self.answer.headline

    @property
    def note(self) -> str:
        """The way of counting, and the WorkSpaces that were not counted."""
        return self.answer.note

    @property
    def costs(self) -> pd.DataFrame:
        """The fleet's cost a month by setting: see :attr:`Answer.costs`."""
        return self.answer.costs

    @property
    def table(self) -> pd.DataFrame:
        """The chosen option of each WorkSpace: see :attr:`Answer.table`."""
        return self.answer.table

    @property
    def code(self) -> str:
        """Three lines of Python that make this answer again."""
        return self.answer.code

    def figure(self) -> Any:  # noqa: ANN401  # a Figure: matplotlib's types are for plot alone
        """Return both pictures as one matplotlib figure, to be saved."""
        return plot.what_if_figure(self.answer)

    def csv(self) -> bytes:
        """Return the ``table`` as a CSV file.

        Text that a spreadsheet would run gets an apostrophe.
        """
        table = self.table
        texts = [str(name) for name in table if not is_numeric_dtype(table[name])]
        safe = table.assign(**{name: table[name].map(lambda text: escape_formula(plain(str(text))))
                               for name in texts})
        # RFC 4180's end of a line: with another one a lone CR in a name would not be quoted
        return safe.to_csv(index=False, lineterminator="\r\n").encode()

    def _offers(self) -> list[Offer]:
        return [
            Offer(label="Figure (PNG)", file_name="what-if.png", media_type="image/png",
                  make=lambda: plot.what_if_image(self.answer, "png")),
            Offer(label="Figure (SVG)", file_name="what-if.svg", media_type="image/svg+xml",
                  make=lambda: plot.what_if_image(self.answer, "svg")),
            Offer(label="Table (CSV)", file_name="what-if.csv", media_type="text/csv",
                  make=self.csv),
            Offer(label="Python", file_name="what_if.py", media_type="text/x-python",
                  make=self._script),
        ]

    def _script(self) -> bytes:
        return f"{self.code}\n".encode()

    # What is shown ------------------------------------------------------------------------------

    def _changed(self, _change: object = None) -> None:
        """Draw anew: at once where nothing else is to be heard, else once for all that queues."""
        if self._is_held or self._due is not None:
            return
        try:
            self._due = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.redraw)
        except RuntimeError:  # a plain script: no event loop
            self.redraw()

    @collecting_later()
    def redraw(self) -> None:
        """Bring words and pictures to what is asked now."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        try:
            answer = self.answer
        except WsanalyticsError as error:
            self.headline_html.value = message(str(error), trouble=True)
            return
        self.headline_html.value = headline(answer)
        self.bars.value, self.curve.value = pictures(answer)
        self.costs_html.value = html_table(shown(answer.costs))
        self.note_html.value = (
            f"<div style='color:{QUIET};font-size:.85em;line-height:1.4'>{text(self.note)}</div>")
        self.code_area.value = answer.code

    def static_html(self) -> str:
        """Headline, costs and pictures, for where widgets do not run."""
        try:
            answer = self.answer
        except WsanalyticsError as error:
            return message(str(error), trouble=True)
        return (f"{headline(answer)}{''.join(pictures(answer))}{html_table(shown(answer.costs))}"
                f"<p><small>{text(self.note)}</small></p><pre>{each_line(answer.code, text)}</pre>")

    def static_text(self) -> str:
        """Headline and costs as plain text."""
        try:
            answer = self.answer
        except WsanalyticsError as error:
            return str(error)
        costs = shown(answer.costs).to_string(index=False)
        return each_line(f"{answer.headline}\n\n{costs}\n\n{self.note}", plain)


def explore(
    of: History | Analysis | pd.DataFrame | WhatIf,
    *,
    workspaces: pd.DataFrame | None = None,
    window: Window | None = None,
    prices: PriceBook | Mapping[str, PriceBook] | None = None,
    baseline: pd.Series | None = None,
    timeouts: Iterable[int] | None = None,
    hour_rules: Iterable[str] | None = None,
    wait_minutes: float = WAIT_MINUTES,
) -> Explorer:
    """Ask what a fleet would cost by moving sliders: which settings, limits, prices, hour rules.

    Takes what :func:`wsanalytics.what_if` takes, or what that gave, and says by itself, without
    warnings, how many WorkSpaces are left out. Nothing can be changed in AWS from here. Raises
    :class:`InputError` as :func:`~wsanalytics.what_if` does.
    """
    by_name = {"workspaces": workspaces, "window": window, "prices": prices, "baseline": baseline,
            "timeouts": timeouts, "hour_rules": hour_rules}
    if isinstance(of, WhatIf):
        named = [name for name, value in by_name.items() if value is not None]
        if named or wait_minutes not in (WAIT_MINUTES, of.wait_minutes):
            raise InputError(f"{', '.join(named) or 'wait_minutes'} comes too late",
                             where="explore", rule="a question that is made has all of it already",
                             fix="hand it to what_if")
        return Explorer(of)
    if isinstance(of, History | Analysis) and wait_minutes == WAIT_MINUTES and all(
            value is None for value in by_name.values()):
        return Explorer(question_of(of))
    with telling_it_itself():
        question = what_if(
            of, workspaces=workspaces, window=window, prices=prices, baseline=baseline,
            timeouts=timeouts, hour_rules=hour_rules, wait_minutes=wait_minutes)
    return Explorer(question)


def _box(label: str, hint: str) -> Checkbox:
    return Checkbox(True, description=label, tooltip=hint, indent=False,
                    layout=Layout(width="auto", margin="0 14px 0 0"))


def _choice(label: str, options: list[tuple[str, str]]) -> Dropdown:
    return Dropdown(options=options, value=options[0][1], description=label, tooltip=label,
                    style={"description_width": "190px"},
                    layout=Layout(width="484px", max_width="100%"))

