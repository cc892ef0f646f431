"""A whole fleet in a notebook: when it is used, what it costs, who stands out, data holes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from ipywidgets import Dropdown, Layout, VBox, Widget

from wsanalytics import plot
from wsanalytics.calendars import Zones
from wsanalytics.errors import InputError
from wsanalytics.formatting import counted, hours, html_table, listed, number, usd
from wsanalytics.history import History, configured
from wsanalytics.not_simulated import set_aside
from wsanalytics.recommendations import Analysis
from wsanalytics.settings import ALWAYS_ON
from wsanalytics.timeline import MICROS_PER_HOUR, column_micros
from wsanalytics.views import (
    GROUPINGS,
    clock_caption,
    cost_by,
    cost_by_month,
    fleet_costs,
    monthly_hours,
    priced_rows,
    standing_out,
    tag_names,
    weekly_usage,
)
from wsanalytics.widgets.base import LazyTabs, Showable, facts, html, message, picture, text
from wsanalytics.widgets.kept import as_analysis
from wsanalytics.widgets.table import DETAILS, Column, Table
from wsanalytics.widgets.workspace import OneWorkspace

WIDE, DOTS = 820, 120
NOTHING = "Nothing to show: no WorkSpace is simulated."
WORKSPACE_COLUMNS = (
    Column("workspace_id", "WorkSpace", width=116),
    Column("usd_per_month", "costs a month", "usd", 136),
    Column("setting", "setting today", width=132),
    Column("user_name", "user", width=140, leaves=2),
    Column("connected_hours_per_month", "connected, h", "number", 122,
           "hours a month in which its user is connected", leaves=1),
    Column("billed_hours_per_month", "billed, h", "number", 96,
           "hours a month that today's setting bills; none where a flat fee is paid", leaves=3),
    Column("cold_starts_per_week", "cold starts a week", "number", 160, leaves=4),
    Column("directory_id", "directory", width=120, leaves=7),
    Column("compute_type", "bundle", width=120, leaves=5),
    Column("region", "region", width=110, leaves=8),
    Column("state", "state", width=100, leaves=6),
    Column("tags", "tags", width=220, leaves=9),
)
OUTLIER_COLUMNS = (
    Column("workspace_id", "WorkSpace", width=116),
    Column("usd_per_month", "costs a month", "usd", 136),
    Column("what", "what", width=140),
    Column("setting", "setting today", width=132, leaves=1),
    Column("user_name", "user", width=140, leaves=2),
    Column("says", "in words", width=460, leaves=3),
)
GAP_COLUMNS = (
    Column("workspace_id", "WorkSpace", width=120),
    Column("from_at", "from (UTC)", width=150),
    Column("to_at", "to (UTC)", width=150),
    Column("hours", "hours", "number", 90),
)


class FleetPanel(Showable, VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A fleet at a glance; made by :func:`overview`.

    ``analysis`` is what it shows; ``week``, ``hours``, ``machines``, ``strangers`` and ``holes``
    are the frames behind its tabs, :meth:`cost_by` the one behind the costs.
    """

    def __init__(self, analysis: Analysis, zones: Zones) -> None:
        self.analysis, self.zones = analysis, zones
        self.clock = clock_caption(analysis.workspaces, zones)
        self.hours = monthly_hours(analysis.comparison, analysis.workspaces)
        self.machines = _machines(analysis)
        self.strangers = standing_out(analysis.comparison, analysis.replay.sessions,
                                      analysis.workspaces, analysis.window)
        self.holes = _gaps(analysis)
        self.week = weekly_usage(analysis.replay.sessions, analysis.window, analysis.workspaces,
                                 zones, gaps=analysis.gaps)
        self.head = html(self._headline())
        self.tabs = LazyTabs([
            ("When people work", self._when), ("Hours", self._hours), ("Costs", self._costs),
            ("Standing out", self._standing_out), ("WorkSpaces", self._all),
            ("Data holes", self._data_gaps)])
        super().__init__([self.head, self.tabs])
        self.add_class("wsanalytics-overview")

    def cost_by(self, by: str) -> pd.DataFrame:
        """Return the cost of the fleet's parts a month, today and under the plan.

        *by* is directory, bundle, region, account, running mode, ``tag NAME``, or month.
        """
        analysis = self.analysis
        if by == "month":
            return cost_by_month(analysis.charges, configured(analysis.workspaces), analysis.window)
        return cost_by(analysis.comparison, analysis.plan, analysis.workspaces, by)

    def look_at(self, workspace_id: str) -> OneWorkspace:
        """Everything about one WorkSpace of the fleet."""
        return OneWorkspace(self.analysis, workspace_id, self.zones)

    # What there is to see --------------------------------------------------------------------

    @property
    def caption(self) -> str:
        """Return the caption of a picture: the data it rests on."""
        window, date = self.analysis.window, self.analysis.prices.date
        return f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}, prices of {date}"

    def _headline(self) -> str:
        analysis = self.analysis
        today, planned = fleet_costs(analysis.comparison, analysis.plan).head(2).to_dict("records")
        fleet = (f"{counted(len(analysis.workspaces), 'WorkSpace')}, "
                 f"{counted(len(analysis.replay.sessions), 'session')}, {analysis.window} (UTC)")
        now = (f"{usd(today['total_usd'])} a month for {counted(today['workspaces'], 'WorkSpace')} "
               f"with a known price{self._counted_since()}, prices of {analysis.prices.date}")
        then = (f"{usd(planned['total_usd'])} a month, with "
                f"{counted(len(analysis.plan.changes), 'change')}")
        strange = ", ".join(f"{count:,} {what}" for what, count in
                            self.strangers["what"].value_counts().items())
        rows = [("fleet", fleet), ("costs today", now), ("under the plan", then),
                ("standing out", strange or "nobody"),
                ("clock", f"hours of the day are {self.clock}")]
        notes = [
            (f"left out, without a known price: {listed(analysis.unpriced)}", analysis.unpriced),
            *(
                (f"{counted(len(ids), 'WorkSpace')} {title}: {listed(ids)}", ids)
                for title, ids in set_aside(analysis.workspaces).items()
            ),
        ]
        notes_html = "".join(message(words) for words, names in notes if names)
        return f"<h3 style='margin:4px 0'>The fleet</h3>{facts(rows)}{notes_html}"

    def _counted_since(self) -> str:
        """Say how many of the summed WorkSpaces count for a part of the window alone."""
        rows = priced_rows(self.analysis.comparison)
        present = rows[rows["setting"].astype("str") == rows["baseline"]]
        count = int((present["counted_from"] > self.analysis.window.start).sum())
        if not count:
            return ""
        whose = "its" if count == 1 else "their"
        return f" ({counted(count, 'WorkSpace')} counted since {whose} use changed)"

    def _when(self) -> list[Widget]:
        return [html(self._picture_of_the_week())]

    def _picture_of_the_week(self) -> str:
        fleet = counted(len(self.analysis.workspaces), "WorkSpace")
        image = plot.png((8.2, 3.0), lambda ax: plot.week_heat_map(
            self.week, ax, zone=self.clock, caption=fleet), dots_per_inch=DOTS)
        day, hour = divmod(int(self.week.to_numpy().argmax()), 24)
        return picture(image, "Heat map: WorkSpaces connected in each hour of the week, "
                       f"{self.clock}; most on {self.week.index[day]} at {hour:02d}:00.",
                       width=WIDE)

    def _hours(self) -> list[Widget]:
        return [html(self._picture_of_hours())]

    def _picture_of_hours(self) -> str:
        if self.hours.empty:
            return "<p>No WorkSpace has a known price, so there is no break-even.</p>"
        bundles = min(self.hours["compute_type"].nunique(), 9)
        image = plot.png((8.2, 1.6 + 0.55 * bundles), lambda ax: plot.hours_by_bundle(
            self.hours, ax, caption=self.caption), dots_per_inch=DOTS)
        over = int((self.hours["billed_hours_per_month"] > self.hours["break_even_hours"]).sum())
        return picture(image, "Histograms: billed hours a month by bundle, against the break-even; "
                       f"{over:,} of {len(self.hours):,} WorkSpaces are over theirs.", width=WIDE)

    def _costs(self) -> list[Widget]:
        choices = [*sorted(GROUPINGS), "running mode", "month",
                   *(f"tag {name}" for name in tag_names(self.analysis.workspaces["tags"]))]
        self.by = Dropdown(options=[(choice[:60], choice) for choice in choices], value="directory",
                           description="Costs by:", layout=Layout(width="300px"))
        self.costs = html()
        self.by.observe(lambda _: self._draw_costs(), "value")
        self._draw_costs()
        return [self.by, self.costs]

    def _draw_costs(self) -> None:
        by = self.by.value
        self.costs.value = self._told_costs(by, self.cost_by(by))

    def _told_costs(self, by: str, frame: pd.DataFrame) -> str:
        if self.analysis.comparison.empty:
            return f"<p>{NOTHING}</p>"
        return self._picture_of_costs(by, frame) + _as_read(frame)

    def _picture_of_costs(self, by: str, frame: pd.DataFrame) -> str:
        if by == "month":
            image = plot.png((8.2, 3.4), lambda ax: plot.cost_by_month(
                frame, ax, caption=self.caption), dots_per_inch=DOTS)
            return picture(image, "Bars: what the fleet cost in each month.", width=WIDE)
        image = plot.png((8.2, 1.2 + 0.42 * min(len(frame), 13)), lambda ax: plot.cost_by_group(
            frame, ax, by=by, caption=self.caption), dots_per_inch=DOTS)
        return picture(image, f"Bars: cost by {by} a month, today and under the plan.", width=WIDE)

    def _standing_out(self) -> list[Widget]:
        if self.analysis.comparison.empty:
            return [html(f"<p>{NOTHING}</p>")]
        if self.strangers.empty:
            return [html("<p>No WorkSpace is unused, and none is never disconnected.</p>")]
        return self._with_details(
            Table(self.strangers, OUTLIER_COLUMNS, label="WorkSpaces standing out"), self.strangers
        )

    def _all(self) -> list[Widget]:
        return self._with_details(
            Table(self.machines, WORKSPACE_COLUMNS, label="all WorkSpaces", height=360,
                  sort=("usd_per_month", "descending")), self.machines)

    def _with_details(self, table: Table, frame: pd.DataFrame) -> list[Widget]:
        """Return a table whose chosen row is looked at below it."""
        below = VBox()
        below.add_class(DETAILS)
        table.hint = "Choose a row to see everything about it."

        def look(row: int) -> None:
            name = frame["workspace_id"].iloc[row] if 0 <= row < len(frame) else ""
            below.children = [self.look_at(name)] if name else []
            table.opened = row

        table.observe(lambda change: look(change["new"]), "current")
        return [table, below]

    def _data_gaps(self) -> list[Widget]:
        if self.analysis.gaps is None:
            return [html("<p>It is not known when nobody looked: no samples came along.</p>")]
        if self.holes.empty:
            return [html("<p>No holes: every WorkSpace was looked at all the time.</p>")]
        whose = counted(self.holes["workspace_id"].nunique(), "WorkSpace")
        words = (f"{len(self.holes):,} times nobody looked at a WorkSpace for a while, "
                 f"{hours(self.holes['hours'].sum())} in all, of {whose}. What happened then "
                 "counts neither as connected nor as free.")
        return [html(f"<p>{text(words)}</p>"),
                Table(self.holes, GAP_COLUMNS, label="data holes", sort=("hours", "descending"))]

    # Where widgets do not run -----------------------------------------------------------------

    def static_html(self) -> str:
        """Return the pictures one below the other, and who stands out."""
        frame = self.cost_by("directory")
        few = self.strangers.head(20)[[column.name for column in OUTLIER_COLUMNS]]
        return "".join([self.head.value, self._picture_of_the_week(), self._picture_of_hours(),
                        self._told_costs("directory", frame),
                        "" if few.empty else _as_read(few)])

    def static_text(self) -> str:
        """Return the fleet's cost, and its outliers, as plain text."""
        frame = fleet_costs(self.analysis.comparison, self.analysis.plan)
        few = self.strangers.head(20)
        return "\n".join([
            repr(self)[1:-1], "", *([NOTHING] if self.analysis.comparison.empty else ()),
            *(f"{row['option']}: {usd(row['total_usd'])} a month, "
              f"{number(row['cold_starts_per_week'], 1)} cold starts a week"
              for row in frame.to_dict("records") if not self.analysis.comparison.empty), "",
            *(f"{row['workspace_id']}  {row['what']}: {row['says']}"
              for row in few.to_dict("records"))])

    def __repr__(self) -> str:
        return (f"<FleetPanel {counted(len(self.analysis.workspaces), 'WorkSpace')}, "
                f"{self.analysis.window}, {self.clock}>")


def overview(
    of: Analysis | History | Path | str, *, zones: Zones | None = None
) -> FleetPanel:
    """Show a fleet at a glance: when it is used, what it costs by what, who stands out, data holes.

    *of* is a :class:`History`, the folder of a store, or what :func:`wsanalytics.analyse` gave
    (which has your own prices and limits). Hours of the day are on people's clocks: a column
    ``time_zone`` of the ``workspaces`` table, else that of their directories in *zones* (default:
    that of their AWS regions); which clock is said wherever one is shown.
    """
    if not isinstance(of, Analysis | History | Path | str):
        raise InputError(f"it is a {type(of).__name__}", where="overview",
                         rule="it shows a History, the folder of a store, or an Analysis",
                         fix="pass ws.read_history('fleet'), or what ws.analyse gave")
    return FleetPanel(as_analysis(of), zones or Zones.of_regions())


def _machines(analysis: Analysis) -> pd.DataFrame:
    """Return a row a WorkSpace, those that are not simulated included."""
    compared = analysis.comparison
    present = compared[compared["setting"].astype("str") == compared["baseline"]]
    columns = ["usd_per_month", "connected_hours_per_month", "billed_hours_per_month",
               "cold_starts_per_week"]
    frame = analysis.workspaces.merge(present[["workspace_id", *columns]], on="workspace_id",
                                      how="left")
    settings = frame["workspace_id"].map(configured(analysis.workspaces)).astype("str")
    flat = settings == str(ALWAYS_ON)
    frame["setting"] = settings.fillna(frame["running_mode"])
    frame["billed_hours_per_month"] = frame["billed_hours_per_month"].mask(flat)
    frame["tags"] = frame["tags"].replace("{}", "")
    return frame[[column.name for column in WORKSPACE_COLUMNS]]


def _gaps(analysis: Analysis) -> pd.DataFrame:
    """Return the gaps in the observation of each WorkSpace, with their hours."""
    names = [column.name for column in GAP_COLUMNS]
    if analysis.gaps is None or analysis.gaps.empty:
        return pd.DataFrame(columns=names)
    gaps = analysis.gaps
    times = {name: gaps[name].dt.strftime("%Y-%m-%d %H:%M").astype("str")
            for name in ("from_at", "to_at")}
    spans = (column_micros(gaps["to_at"]) - column_micros(gaps["from_at"])) / MICROS_PER_HOUR
    return gaps.assign(**times, hours=spans)[names].reset_index(drop=True)


def _as_read(frame: pd.DataFrame) -> str:
    """Return a frame with its amounts as people read them."""
    shown, right = frame.copy(), []
    for name in frame.columns:
        write: Callable[[float], str] | None = None
        if name.endswith("_usd") or name == "usd_per_month":
            write = usd
        if name.endswith("_per_week") or name == "covered":
            write = _two_digits
        if write is not None:
            shown[name] = frame[name].map(write)
            right.append(name.replace("_", " "))
    table = html_table(shown.rename(columns=lambda name: str(name).replace("_", " ")), right=right)
    # the grid keeps a wide table from widening the picture above it
    return ('<div style="display:grid;grid-template-columns:minmax(0,1fr)">'
            f'<div style="overflow-x:auto">{table}</div></div>')


def _two_digits(value: float) -> str:
    return number(value, 2)
