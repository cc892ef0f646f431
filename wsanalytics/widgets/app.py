"""The review as a page for people without a notebook: read only, unless it was started otherwise.

``wsanalytics app`` serves the notebook ``app.ipynb`` with Voilà and passes it by
:data:`ENVIRONMENT` what to show. Served by Voilà alone, the page shows the sample fleet.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ipywidgets import VBox, Widget

from wsanalytics.actions import RunOptions, account_regions_of, journal_beside
from wsanalytics.aws import Writer, connect
from wsanalytics.calendars import Zones
from wsanalytics.defaults import RUN_LIMIT
from wsanalytics.errors import InputError, WsanalyticsError
from wsanalytics.history import sample_folder
from wsanalytics.recommendations import Analysis, read_plan
from wsanalytics.rules import RuleBook, read_rules
from wsanalytics.views import Evidence
from wsanalytics.widgets.base import LazyTabs, Showable, html, message
from wsanalytics.widgets.explore import explore
from wsanalytics.widgets.kept import as_analysis
from wsanalytics.widgets.overview import overview
from wsanalytics.widgets.review import ReviewPanel, review

ENVIRONMENT = "WSANALYTICS_APP"
"""Holds what ``wsanalytics app`` was asked for, as JSON."""
READ_ONLY = ("Look only: nothing can be changed from here, as this page was started without "
             "--allow-apply.")


class App(Showable, VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The plan, the fleet and what-if as tabs; ``review`` is the first of them."""

    def __init__(self, panel: ReviewPanel, analysis: Analysis | None, zones: Zones) -> None:
        self.review, self.analysis = panel, analysis
        pages: list[tuple[str, Callable[[], list[Widget]]]] = [("The plan", lambda: [panel])]
        if analysis is not None:
            pages += [("The fleet", lambda: [overview(analysis, zones=zones)]),
                      ("What if", lambda: [explore(analysis)])]
        self.tabs = LazyTabs(pages)
        super().__init__([self.tabs])
        self.add_class("wsanalytics-app")

    def static_html(self) -> str:
        """Return the plan as a table."""
        return self.review.static_html()

    def static_text(self) -> str:
        """Return the plan in plain text."""
        return self.review.static_text()


def app(asked: str | None = None) -> VBox:
    """Return the page that ``wsanalytics app`` asks for; a message where that cannot be shown.

    *asked* is JSON with ``folder`` (where relative paths begin and journals go), ``plan``,
    ``store``, ``journal``, ``limit``, ``time_zone``, ``time_zone_by_directory``, ``allow_apply``,
    ``rules`` (the file with those of the house), ``profile`` and ``role_arn``, each of which may
    be missing; by default what the environment says. Without a plan or a store it is the sample
    fleet.
    """
    try:
        return _made(json.loads(os.environ.get(ENVIRONMENT, "{}") if asked is None else asked))
    except WsanalyticsError as error:
        return VBox([html(message(str(error), trouble=True))])


def _made(asked: dict[str, Any]) -> App:
    if "folder" in asked:
        os.chdir(asked["folder"])
    zones = Zones.of_regions()
    if asked.get("time_zone"):
        zones = Zones.of(asked["time_zone"], asked.get("time_zone_by_directory") or ())
    plan = read_plan(asked["plan"]) if asked.get("plan") else None
    rules = read_rules(asked["rules"]) if asked.get("rules") else RuleBook()
    analysis = None
    if asked.get("store") or plan is None:
        analysis = as_analysis(asked["store"], rules) if asked.get("store") else as_analysis(
            sample_folder())
    subject = plan or analysis.plan  # type: ignore[union-attr]  # there is one or the other
    writers: list[Writer] = []
    if asked.get("allow_apply"):
        refuse_without_fleet(asked.get("plan") or asked.get("store"))
        writers = writers_for(
            [region for _, region in account_regions_of(subject) if region], asked
        )
    of = Evidence.of(analysis, zones) if analysis else Evidence()
    panel = review(
        plan or analysis,  # type: ignore[arg-type]  # there is one or the other
        of.comparison, of.replay, of.workspaces, gaps=of.gaps, writer=writers or None, zones=zones,
        journal=asked.get("journal") or (journal_beside(Path(asked["plan"])) if plan else None),
        options=RunOptions(limit=asked.get("limit", RUN_LIMIT), rules=rules),
        how_to_apply=READ_ONLY)
    return App(panel, analysis, zones)


def refuse_without_fleet(named: object) -> None:
    """Raise :class:`InputError` where nothing is *named* that changes could be made to."""
    if not named:
        raise InputError("the sample fleet is in no account", where="--allow-apply",
                         rule="changes are made to a fleet of yours",
                         fix="name its --store, or a --plan")


def writers_for(regions: list[str], asked: dict[str, Any]) -> list[Writer]:
    """Open writers for the WorkSpaces of *regions*, with the credentials that boto3 finds."""
    connections, refused = connect(regions=sorted(set(regions)), profile=asked.get("profile"),
                                   role_arns=asked.get("role_arn") or ())
    if refused:
        for connection in connections:
            connection.close()
        raise InputError(str(refused[0]), where="--role-arn", fix="correct it")
    return [Writer(connection) for connection in connections]
