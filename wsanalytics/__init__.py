"""Find the cheapest running mode and AutoStop timeout for every Amazon WorkSpace.

Frames flow, values do not change: samples become sessions, sessions are replayed under other
settings, the replay is billed, the charges are compared, the comparison becomes a plan.

    import wsanalytics as ws
    history = ws.sample_history()
    sessions = ws.find_sessions(history)

What a notebook needs is here; each name is loaded on first use, so importing costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PLACES = {
    "Analysis": "analysis",
    "Backtest": "simulate.backtest",
    "History": "history",
    "HourRule": "hourrules",
    "InputError": "errors",
    "Patience": "changing",
    "Plan": "recommendations",
    "PriceBook": "prices",
    "Replay": "simulate.fleet",
    "Rule": "policies.rule",
    "RunningMode": "settings",
    "Schedule": "schedule",
    "Seen": "policies.seen",
    "Setting": "settings",
    "Store": "store",
    "Terms": "carrying",
    "Window": "timeline",
    "Writer": "aws.writer",
    "Zones": "workdays",
    "WsanalyticsError": "errors",
    "analyse": "analysis",
    "analyse_history": "analysis",
    "app": "widgets.app",
    "apply_plan": "applying",
    "backfill": "backfilling",
    "backtest": "simulate.backtest",
    "bill": "billing",
    "bundle_rates": "fleetviews",
    "by_fear": "calibration",
    "calibrate": "calibration",
    "clock_caption": "summaries",
    "collect": "collector",
    "compare": "comparison",
    "cost_by": "fleetviews",
    "cost_by_month": "fleetviews",
    "coverage": "calibration",
    "create_workspaces": "creations",
    "creation_properties": "newcomers",
    "creation_request": "newcomers",
    "explain": "explaining",
    "explore": "widgets.explorer",
    "find_gaps": "sessions",
    "find_sessions": "sessions",
    "fleet_costs": "summaries",
    "for_each": "policies.rule",
    "forecast_spend": "budget",
    "frontier": "frontiers",
    "load_prices": "prices",
    "monthly_hours": "fleetviews",
    "look_at": "widgets.onlook",
    "observed_orders": "observedorders",
    "observed_runs": "observedruns",
    "open_writer": "aws.writer",
    "overview": "widgets.fleet",
    "read_history": "archive",
    "read_plan": "planfile",
    "read_sessions": "history",
    "read_workspaces": "history",
    "recommend": "recommendations",
    "render_report": "report.page",
    "replay": "simulate.fleet",
    "review": "widgets.reviewing",
    "sample_history": "archive",
    "setting_grid": "settings",
    "standing_out": "fleetviews",
    "start_early": "arrivals",
    "stop_idle": "idling",
    "undo": "applying",
    "verify": "verification",
    "weekly_usage": "summaries",
    "what_if": "whatif",
    "write_history": "archive",
    "write_plan": "planfile",
}
_MODULES = ("plot",)

if TYPE_CHECKING:
    from wsanalytics import plot as plot
    from wsanalytics.analysis import Analysis as Analysis
    from wsanalytics.analysis import analyse as analyse
    from wsanalytics.analysis import analyse_history as analyse_history
    from wsanalytics.applying import apply_plan as apply_plan
    from wsanalytics.applying import undo as undo
    from wsanalytics.archive import read_history as read_history
    from wsanalytics.archive import sample_history as sample_history
    from wsanalytics.archive import write_history as write_history
    from wsanalytics.arrivals import start_early as start_early
    from wsanalytics.aws.writer import Writer as Writer
    from wsanalytics.aws.writer import open_writer as open_writer
    from wsanalytics.backfilling import backfill as backfill
    from wsanalytics.billing import bill as bill
    from wsanalytics.budget import forecast_spend as forecast_spend
    from wsanalytics.calibration import by_fear as by_fear
    from wsanalytics.calibration import calibrate as calibrate
    from wsanalytics.calibration import coverage as coverage
    from wsanalytics.carrying import Terms as Terms
    from wsanalytics.changing import Patience as Patience
    from wsanalytics.collector import collect as collect
    from wsanalytics.comparison import compare as compare
    from wsanalytics.creations import create_workspaces as create_workspaces
    from wsanalytics.errors import InputError as InputError
    from wsanalytics.errors import WsanalyticsError as WsanalyticsError
    from wsanalytics.explaining import explain as explain
    from wsanalytics.fleetviews import bundle_rates as bundle_rates
    from wsanalytics.fleetviews import cost_by as cost_by
    from wsanalytics.fleetviews import cost_by_month as cost_by_month
    from wsanalytics.fleetviews import monthly_hours as monthly_hours
    from wsanalytics.fleetviews import standing_out as standing_out
    from wsanalytics.frontiers import frontier as frontier
    from wsanalytics.history import History as History
    from wsanalytics.history import read_sessions as read_sessions
    from wsanalytics.history import read_workspaces as read_workspaces
    from wsanalytics.hourrules import HourRule as HourRule
    from wsanalytics.idling import stop_idle as stop_idle
    from wsanalytics.newcomers import creation_properties as creation_properties
    from wsanalytics.newcomers import creation_request as creation_request
    from wsanalytics.observedorders import observed_orders as observed_orders
    from wsanalytics.observedruns import observed_runs as observed_runs
    from wsanalytics.planfile import read_plan as read_plan
    from wsanalytics.planfile import write_plan as write_plan
    from wsanalytics.policies.rule import Rule as Rule
    from wsanalytics.policies.rule import for_each as for_each
    from wsanalytics.policies.seen import Seen as Seen
    from wsanalytics.prices import PriceBook as PriceBook
    from wsanalytics.prices import load_prices as load_prices
    from wsanalytics.recommendations import Plan as Plan
    from wsanalytics.recommendations import recommend as recommend
    from wsanalytics.report.page import render_report as render_report
    from wsanalytics.schedule import Schedule as Schedule
    from wsanalytics.sessions import find_gaps as find_gaps
    from wsanalytics.sessions import find_sessions as find_sessions
    from wsanalytics.settings import RunningMode as RunningMode
    from wsanalytics.settings import Setting as Setting
    from wsanalytics.settings import setting_grid as setting_grid
    from wsanalytics.simulate.backtest import Backtest as Backtest
    from wsanalytics.simulate.backtest import backtest as backtest
    from wsanalytics.simulate.fleet import Replay as Replay
    from wsanalytics.simulate.fleet import replay as replay
    from wsanalytics.store import Store as Store
    from wsanalytics.summaries import clock_caption as clock_caption
    from wsanalytics.summaries import fleet_costs as fleet_costs
    from wsanalytics.summaries import weekly_usage as weekly_usage
    from wsanalytics.timeline import Window as Window
    from wsanalytics.verification import verify as verify
    from wsanalytics.whatif import what_if as what_if
    from wsanalytics.widgets.app import app as app
    from wsanalytics.widgets.explorer import explore as explore
    from wsanalytics.widgets.fleet import overview as overview
    from wsanalytics.widgets.onlook import look_at as look_at
    from wsanalytics.widgets.reviewing import review as review
    from wsanalytics.workdays import Zones as Zones

__all__ = ["__version__", *_MODULES, *_PLACES]  # noqa: PLE0604  # names, all of them


def __getattr__(name: str) -> Any:  # noqa: ANN401  # whatever the name stands for
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
