"""The answer in one line: what a fleet costs, what could be saved, and what nobody uses."""

from __future__ import annotations

from dataclasses import dataclass

from wsanalytics.formatting import counted, number, percent, usd
from wsanalytics.recommendations import TOO_EARLY, Analysis
from wsanalytics.views.caution import LIKELY
from wsanalytics.views.costs import fleet_costs, priced_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The figures of the first line of a report, in USD a month; printed, it is that line.

    ``likely_changes`` are those of the changes that save with a chance of at least 90 %, and what
    they save together; ``unused_usd_per_month`` is what the WorkSpaces that nobody used cost as
    they are set; ``too_early`` counts those of which too little was observed to propose anything.
    """

    workspaces: int
    usd_per_month: float
    saving_usd_per_month: float
    changes: int
    unused: int
    unused_usd_per_month: float
    too_early: int = 0
    likely_changes: int = 0
    likely_saving_usd_per_month: float = 0.0

    @property
    def is_too_early(self) -> bool:
        """Whether nothing is proposed since most WorkSpaces were observed for too short a time."""
        return not self.changes and 2 * self.too_early > self.workspaces

    @property
    def saving_share(self) -> float:
        """The saving as a share of what the fleet costs today; 0 where it costs nothing."""
        return self.saving_usd_per_month / self.usd_per_month if self.usd_per_month else 0.0

    @property
    def answer(self) -> str:
        """The first sentence: what is saved by how many changes, or that nothing is to change."""
        unused = (f"; {counted(self.unused, 'desktop')} unused for "
                  f"{usd(self.unused_usd_per_month, cents=False)}") if self.unused else ""
        if self.is_too_early:
            return (f"Too early to say: {number(self.too_early)} of "
                    f"{counted(self.workspaces, 'WorkSpace')} were observed for too short a time.")
        if not self.changes:
            return f"Nothing to change: {self._cost}{unused}."
        return (f"Saves {usd(self.saving_usd_per_month, cents=False)} a month, "
                f"{percent(self.saving_share)}: {counted(self.changes, 'change')}{unused}.")

    @property
    def cost(self) -> str:
        """The second sentence: what the fleet costs; empty where the first has said it."""
        return f"{self._cost}." if self.changes else ""

    @property
    def _cost(self) -> str:
        return (f"{counted(self.workspaces, 'WorkSpace')} cost "
                f"{usd(self.usd_per_month, cents=False)} a month as they are set")

    def __str__(self) -> str:
        return " ".join(filter(None, [self.answer, self.cost]))


def headline(analysis: Analysis) -> Headline:
    """Return the headline of an analysis.

    Counted are, as in :func:`fleet_costs`, the WorkSpaces that exist and have a price.
    """
    today = fleet_costs(analysis.comparison, analysis.plan).iloc[0]
    rows = priced_rows(analysis.comparison)
    present = rows[rows["setting"].astype("str") == rows["baseline"]]
    likely = analysis.plan.likely(LIKELY)
    unused = present[present["workspace_id"].isin(analysis.plan.unused)]
    return Headline(
        workspaces=int(today["workspaces"]), usd_per_month=float(today["total_usd"]),
        saving_usd_per_month=analysis.plan.saving_usd_per_month,
        changes=len(analysis.plan.changes), unused=len(analysis.plan.unused),
        unused_usd_per_month=float(unused["usd_per_month"].sum()),
        too_early=int(analysis.plan.kinds_left_alone.isin(TOO_EARLY).sum()),
        likely_changes=len(likely),
        likely_saving_usd_per_month=float(likely["saving_usd_per_month"].sum()))
