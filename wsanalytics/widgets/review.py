"""The review of a plan in a notebook: look, tick, read why, dry run, apply, take back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from ipywidgets import (
    Box,
    Button,
    Dropdown,
    HBox,
    IntProgress,
    Layout,
    Text,
    VBox,
)

from wsanalytics.actions import RunOptions, journal_beside
from wsanalytics.aws import Writer
from wsanalytics.calendars import Zones
from wsanalytics.defaults import RUN_LIMIT
from wsanalytics.deprecated import renamed_arguments
from wsanalytics.formatting import counted, html_table, usd, usd_range
from wsanalytics.recommendations import Analysis, Plan, read_plan
from wsanalytics.simulation import Replay
from wsanalytics.views import Evidence, facts_of, sure_changes
from wsanalytics.widgets.base import QUIET, Relay, Showable, facts, html, message, text
from wsanalytics.widgets.review_rows import COLUMNS
from wsanalytics.widgets.review_state import Act, Phase, Review
from wsanalytics.widgets.review_worker import Worker, worker_for
from wsanalytics.widgets.table import DETAILS, Table
from wsanalytics.widgets.why import drawing, in_words, why

LIMITS = {"min_saving_usd": "Saves at least, USD", "max_chance_of_loss": "Loss at most, %",
          "max_extra_cold_starts_per_week": "Extra cold starts at most"}
"""Filters by a number that is typed; empty: any."""
FEW = 50
"""So many rows are shown where widgets do not run."""
HOW_TO_APPLY = ("Look only: nothing can be changed from here. To apply, hand over a writer on "
                "purpose: ws.review(plan, …, writer=ws.open_writer())")


class ReviewPanel(Showable, VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A plan's changes to sort, filter, search, tick, try and make; made by :func:`review`.

    ``state`` is what is ticked, asked and done (:class:`~wsanalytics.widgets.review_state.Review`);
    ``plan`` the plan, ``picked`` the plan with the ticked changes alone; ``outcomes`` the table of
    the last run, as :func:`wsanalytics.apply_plan` gives it.
    """

    def __init__(
        self, state: Review, evidence: Evidence, worker: Worker | None, height: int,
        how_to_apply: str = HOW_TO_APPLY,
    ) -> None:
        self.state, self.evidence, self.worker = state, evidence, worker
        self._places = {name: row for row, name in enumerate(state.rows["workspace_id"])}
        self._make(height, how_to_apply)
        super().__init__([self.head, self.sums, self.filters, self.buttons, self.asking,
                          self.progress, self.words, self.table, self.why])
        self.add_class("wsanalytics-review")
        self._wire()
        state.listen(Relay(self._show))
        if worker is not None:
            worker.take_up()
        self._show()

    @property
    def plan(self) -> Plan:
        """The plan under review."""
        return self.state.plan

    @property
    def picked(self) -> Plan:
        """The plan with the ticked changes alone, to be written or applied elsewhere."""
        return self.plan.only(self.state.picked)

    @property
    def outcomes(self) -> pd.DataFrame | None:
        """The outcome of each change in the last run."""
        return self.worker.outcomes if self.worker else None

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the run that is under way is over; whether it is."""
        return self.worker is None or self.worker.wait(timeout_seconds)

    # What there is to see --------------------------------------------------------------------

    def _make(self, height: int, how_to_apply: str) -> None:
        state = self.state
        title = f"Review of {counted(len(state.rows), 'change')}"
        facts_html = facts([*facts_of(state.plan), ("journal", self.worker.journal.name)]
                     if self.worker else facts_of(state.plan))
        self.head = html(
            f"<h3 style='margin:4px 0'>{text(title)}</h3><details><summary>about this plan"
            f"</summary>{facts_html}</details>" + ("" if state.places else message(how_to_apply)))
        self.sums = html()
        self.table = Table(state.rows, COLUMNS, tickable=True, label="recommended changes",
                           height=height, sort=("saving_usd_per_month", "descending"),
                           hint="Choose a row to read why it is proposed.")
        self.filters = self._filters()
        self.dry_run = _button("Dry run", "What would be done, and what not: nothing is changed",
                               style="primary")
        self.apply = _button("Apply…", "Make the ticked changes, after a typed confirmation")
        self.undo = _button("Undo…", "Give every WorkSpace back what it had, after a confirmation")
        self.cancel = _button("Cancel", "Begin no more changes; what is begun is finished",
                              style="warning")
        self.buttons = HBox([self.dry_run, self.apply, self.undo, self.cancel])
        self.question = html()
        self.typed = Text(placeholder="type the words", description="Confirm:",
                          continuous_update=True, layout=Layout(width="420px"))
        self.go = _button("Yes, do it", "Begin", style="danger")
        self.back = _button("No, go back", "Change nothing")
        self.asking = VBox([self.question, HBox([self.typed, self.go, self.back])],
                           layout=Layout(border_left="4px solid #d55e00", padding="0 0 0 10px"))
        self.progress = IntProgress(0, 0, 1, layout=Layout(width="420px"),
                                    style={"description_width": "initial"})
        self.words, self.why = html(), html()
        self.why.add_class(DETAILS)

    def _filters(self) -> Box:
        state, boxes = self.state, []
        self._controls: dict[str, Any] = {}
        for name, label in (("directory_id", "Directory"), ("compute_type", "Bundle"),
                            ("change", "Change")):
            choices = state.choices(name)
            if len(choices) > 1:
                boxes.append(self._control(name, Dropdown(
                    options=[("all", ""), *((choice[:60], choice) for choice in choices)], value="",
                    description=label, layout=Layout(width="250px", margin="2px 12px 2px 2px"),
                    style={"description_width": "initial"})))
        for name, label in LIMITS.items():
            boxes.append(self._control(name, Text(
                "", placeholder="any", description=label, continuous_update=False,
                layout=Layout(width="auto", max_width="245px", margin="2px 12px 2px 2px"),
                style={"description_width": "initial"})))
        self.clear = _button("Clear filters", "Show all rows")
        return Box([*boxes, self.clear], layout=Layout(flex_flow="row wrap", align_items="center"))

    def _control(self, name: str, widget: Any) -> Any:  # noqa: ANN401  # a widget
        self._controls[name] = widget
        widget.observe(lambda _: self._filter(), "value")
        return widget

    def _wire(self) -> None:
        self.table.observe(lambda _: self._ticked(), "ticked")
        self.table.observe(self._chosen, "current")
        self.clear.on_click(lambda _: self._clear())
        self.dry_run.on_click(lambda _: self._start(self.state.begin(Act.DRY_RUN)))
        self.apply.on_click(lambda _: self.state.request(Act.APPLY))
        self.undo.on_click(lambda _: self._ask_undo())
        self.cancel.on_click(lambda _: self.state.cancel())
        self.back.on_click(lambda _: self.state.back())
        self.go.on_click(lambda _: self._start(self.state.confirm(self.typed.value)))
        self.typed.observe(lambda _: self._show_asking(), "value")

    # What people do -------------------------------------------------------------------------------

    def _start(self, act: Act | None) -> None:
        if act is not None and self.worker is not None:
            self.worker.start(act)

    def _ask_undo(self) -> None:
        if self.worker is not None and self.state.may_tick:
            self.worker.refresh()
        self.state.request(Act.UNDO)

    def _ticked(self) -> None:
        marks = self.table.marks
        if (marks != self.state.ticked).any() and not self.state.tick(marks):
            self.table.marks = self.state.ticked

    def _chosen(self, change: Any) -> None:  # noqa: ANN401  # what traitlets tell
        chosen = change["new"]
        if 0 <= chosen < len(self.state.rows):
            row = self.state.rows.iloc[chosen].to_dict()
            self.why.value = in_words(row) + drawing(self.evidence)  # at once; pictures take longer
            self.table.opened = chosen
            self.why.value = why(row, self.evidence)
        else:
            self.why.value = ""
            self.table.opened = chosen

    def _filter(self) -> None:
        wanted: dict[str, Any] = {}
        for name, control in self._controls.items():
            if name not in LIMITS:
                wanted[name] = control.value
                continue
            try:
                number = float(control.value.strip(" $%")) if control.value.strip() else None
            except ValueError:
                self.state.say(f"{control.description}: {control.value!r} is no number, so it "
                               "limits nothing. Write for example 5.", trouble=True)
                number = None
            is_share = name == "max_chance_of_loss" and number is not None
            wanted[name] = number / 100 if is_share and number is not None else number
        self.state.filter(**wanted)

    def _clear(self) -> None:
        for control in self._controls.values():
            control.value = ""
        self.table.query = ""

    # What follows from it -------------------------------------------------------------------------

    def _show(self) -> None:
        state = self.state
        running = state.phase is Phase.RUNNING
        if (self.table.marks != state.ticked).any():
            self.table.marks = state.ticked
        self.table.show_only(state.shown)
        self.table.locked = not state.may_tick
        self.table.tell_outcomes({self._places[name]: (end.outcome, end.message)
                                  for name, end in state.ended.items() if name in self._places})
        self.sums.value = _sums(state)
        can = state.may_tick and self.worker is not None
        self.dry_run.disabled = self.apply.disabled = not (can and state.ticked.any())
        self.undo.disabled = not (can and state.can_undo)
        self.undo.description = f"Undo {state.can_undo:,}…" if state.can_undo else "Undo…"
        self.buttons.layout.display = "" if self.worker else "none"
        _show_if(self.cancel, running)
        self.cancel.disabled = state.is_cancelled
        _show_if(self.progress, running)
        self.progress.max, self.progress.value = max(state.expected, 1), len(state.ended)
        self.progress.description = f"{state.act or ''}: {len(state.ended)} of {state.expected}"
        self.words.value = message(state.message, trouble=state.trouble) if state.message else ""
        self._show_asking()

    def _show_asking(self) -> None:
        ask = self.state.ask
        _show_if(self.asking, ask is not None)
        if ask is None:
            self.typed.value = ""
            return
        self.question.value = (f"<p style='margin:2px 0'>{text(ask.question)} Type "
                               f"<b><code>{text(ask.words)}</code></b> to go on.</p>")
        self.go.disabled = self.typed.value.strip() != ask.words

    # Where widgets do not run -----------------------------------------------------------------

    def static_text(self) -> str:
        """Return the changes in plain text."""
        lines = [f"Review of {self.plan!r}"[:-1].replace("<", ""), str(_all(self.state)), ""]
        lines += [f"{row['workspace_id']}  {row['from_setting']} -> {row['to_setting']}  "
                  f"{usd(row['saving_usd_per_month'])}  {row['reason']}"
                  for row in self.state.rows.head(FEW).to_dict("records")]
        return "\n".join([*lines, *_left_out(self.state)])

    def static_html(self) -> str:
        """Return the changes as a table."""
        rows = self.state.rows.head(FEW)
        shown = pd.DataFrame({
            "WorkSpace": rows["workspace_id"], "user": rows["user_name"],
            "from": rows["from_setting"], "to": rows["to_setting"],
            "saves a month": rows["saving_usd_per_month"].map(usd),
            "80 % interval": [usd_range(low, high) for low, high in zip(
                rows["saving_low_usd"], rows["saving_high_usd"], strict=True)],
            "reason": rows["reason"],
        })
        return (f"<p>{text(repr(self.plan)[1:-1])}. {text(str(_all(self.state)))}.</p>"
                f"{html_table(shown)}<p>{text(' '.join(_left_out(self.state)))}</p>")

    def __repr__(self) -> str:
        return f"<ReviewPanel of {self.plan!r}>"


@renamed_arguments(terms="options")
def review(
    plan: Plan | Analysis | Path | str,
    comparison: pd.DataFrame | None = None,
    replay: Replay | None = None,
    workspaces: pd.DataFrame | None = None,
    *,
    gaps: pd.DataFrame | None = None,
    writer: Writer | Sequence[Writer] | None = None,
    journal: Path | str | None = None,
    limit: int | None = RUN_LIMIT,
    zones: Zones | None = None,
    options: RunOptions | None = None,
    height: int = 420,
    how_to_apply: str = HOW_TO_APPLY,
) -> ReviewPanel:
    """Show the changes of *plan* in a table to sort, filter, search and tick, with reasons.

    *plan* is a :class:`Plan`, what :func:`wsanalytics.analyse` gave (nothing else is needed then),
    or the path of a ``plan.json``. *comparison*, *replay* and *workspaces* are those that it was
    made from, and show costs, sessions and the week of a chosen row; *gaps*
    (:func:`wsanalytics.find_gaps`) keep its week from taking unobserved hours for free ones. Only
    with *writer*
    (:func:`wsanalytics.open_writer`, one for each account and region) can anything be changed:
    then there are dry run, apply, cancel and undo. Each run makes at most *limit* changes (None: no
    limit), those that save most first; *options* say more, and their limit holds then. Every call
    is written to *journal* (by default beside the plan's file, else a file named after the plan in
    the working directory); a run that was cut off, by a kernel that died for instance, is offered
    to be gone on with.

    Hours of the day are those on people's clocks: a column ``time_zone`` of *workspaces*, or that
    of their directories in *zones* (default: that of the AWS region).
    """
    zones = zones or Zones.of_regions()
    beside = None
    if not isinstance(plan, Analysis | Plan):
        beside, plan = journal_beside(Path(plan)), read_plan(plan)
    if isinstance(plan, Analysis):
        evidence, plan = Evidence.of(plan, zones), plan.plan
    else:
        evidence = Evidence(comparison=comparison, replay=replay, workspaces=workspaces, gaps=gaps,
                            zones=zones, prices_date=plan.prices_date)
    writers = [] if writer is None else [writer] if isinstance(writer, Writer) else list(writer)
    account_regions = tuple(
        (writer.connection.account_id or "", writer.connection.region) for writer in writers
    )
    options = options or RunOptions(limit=limit)
    state = Review(plan, evidence.workspaces, account_regions, options.limit)
    worker = None
    if writers:
        named = Path(journal) if journal is not None else beside
        worker = worker_for(state, writers, options, Path.cwd(), named)
    return ReviewPanel(state, evidence, worker, height, how_to_apply)


def _button(label: str, tooltip: str, style: str = "") -> Button:
    return Button(description=label, tooltip=tooltip, button_style=style,
                  layout=Layout(width="auto"))


def _show_if(widget: Any, is_wanted: bool) -> None:  # noqa: ANN401  # a widget
    widget.layout.display = "" if is_wanted else "none"


def _all(state: Review) -> str:
    return f"All together: {state.sums_of(state.ticked | True)}"


def _sums(state: Review) -> str:
    all_html = f"<span style='color:{QUIET}'>{text(_all(state))}.</span>"
    if sure := sure_changes(state.plan):
        all_html += f"<br><span style='color:{QUIET}'>{text(sure)}</span>"
    if not state.ticked.any():
        return f"<p style='margin:2px 0'><b>Nothing is ticked.</b> {all_html}</p>"
    hidden = int((state.ticked & ~state.shown).sum())
    more = f" {counted(hidden, 'ticked row')} not shown by the filters." if hidden else ""
    return (
        f"<p style='margin:2px 0'><b>Ticked: {text(str(state.sums))}.</b>{more}<br>{all_html}</p>"
    )


def _left_out(state: Review) -> list[str]:
    more = len(state.rows) - FEW
    return [f"{more:,} more are not shown here; plan.changes has them all."] if more > 0 else []
