"""The public names, by topic: each stands here once, and is loaded from here on first use."""

# Where a fleet's past comes from: files, a store, AWS
from .history import History as History
from .history import Store as Store
from .history import read_history as read_history
from .history import read_sessions as read_sessions
from .history import read_workspaces as read_workspaces
from .history import sample_history as sample_history
from .history import write_history as write_history
from .collection import backfill as backfill
from .collection import collect as collect

# What was observed: sessions, unobserved time, machines that were on
from .sessions import find_gaps as find_gaps
from .sessions import find_sessions as find_sessions
from .sessions import observed_commands as observed_commands
from .sessions import observed_runs as observed_runs

# The short road: from a history to a plan
from .recommendations import Analysis as Analysis
from .recommendations import Limits as Limits
from .recommendations import analyse as analyse
from .recommendations import analyse_history as analyse_history

# Step by step: settings, replay, bill, comparison, plan
from .settings import RunningMode as RunningMode
from .settings import Setting as Setting
from .settings import setting_grid as setting_grid
from .schedule import Schedule as Schedule
from .timeline import Window as Window
from .simulation import Replay as Replay
from .simulation import replay as replay
from .prices import PriceBook as PriceBook
from .prices import load_prices as load_prices
from .billing import HourRule as HourRule
from .billing import bill as bill
from .recommendations import compare as compare
from .recommendations import Plan as Plan
from .recommendations import recommend as recommend
from .recommendations import read_plan as read_plan
from .recommendations import write_plan as write_plan

# Policies, and how good they and the intervals are
from .backtesting import Backtest as Backtest
from .backtesting import WorkspaceView as WorkspaceView
from .backtesting import Rule as Rule
from .backtesting import Seen as Seen
from .backtesting import backtest as backtest
from .backtesting import Decision as Decision
from .backtesting import decide as decide
from .backtesting import for_each as for_each
from .recommendations import calibration_table as calibration_table
from .recommendations import calibrate as calibrate
from .recommendations import coverage as coverage
from .recommendations import forecast_spend as forecast_spend

# Rules of the house: what holds for some WorkSpaces, whatever a policy decides
from .rules import HouseRule as HouseRule
from .rules import RuleBook as RuleBook
from .rules import read_rules as read_rules

# Dollars against waiting
from .tradeoffs import frontier as frontier
from .tradeoffs import what_if as what_if

# Changing AWS: on purpose, journalled, reversible
from .aws import Writer as Writer
from .aws import open_writer as open_writer
from .actions import Outcome as Outcome
from .actions import RetryPolicy as RetryPolicy
from .actions import RunOptions as RunOptions
from .actions import apply_plan as apply_plan
from .actions import create_workspaces as create_workspaces
from .actions import start_early as start_early
from .actions import stop_idle as stop_idle
from .actions import undo as undo
from .actions import verify as verify
from .recommendations import creation_properties as creation_properties
from .recommendations import creation_request as creation_request
from .calendars import Holidays as Holidays
from .calendars import WorkingHours as WorkingHours
from .calendars import Zones as Zones

# Small frames and texts about a fleet or one WorkSpace
from .views import bundle_rates as bundle_rates
from .views import clock_caption as clock_caption
from .views import cost_by as cost_by
from .views import cost_by_month as cost_by_month
from .views import cost_of_caution as cost_of_caution
from .views import explain as explain
from .views import fleet_costs as fleet_costs
from .views import monthly_hours as monthly_hours
from .views import standing_out as standing_out
from .views import weekly_usage as weekly_usage

# To look at, to click, to send
from . import plot as plot
from .report import render_report as render_report
from .widgets import app as app
from .widgets import explore as explore
from .widgets import look_at as look_at
from .widgets import overview as overview
from .widgets import review as review

# What goes wrong, and what is worth a warning
from .aws import AwsError as AwsError
from .errors import InputError as InputError
from .errors import NotBilledWarning as NotBilledWarning
from .errors import UnpricedWarning as UnpricedWarning
from .errors import WsanalyticsError as WsanalyticsError
from .version import __version__ as __version__
