"""Defaults that functions, commands and their help share. Nothing heavy is imported here.

What is not here stands where its rule is, such as the tags that opt out, in
:mod:`.actions.guards`.
"""

from __future__ import annotations

DEFAULT_TIMEOUT = 60
"""Minutes that AWS sets where nothing else was asked for (administration guide)."""
COMMON_TIMEOUTS = (60, 120, 240)
"""The timeouts, in minutes, that are tried where the user names no others."""
EVERY = ("day", "week", "month")
"""How often policies decide in a backtest; the first is the usual one."""
DEFAULT_POLICY = "forecast"
"""The policy that plans are made by: the one that backtests prove best."""
RUN_LIMIT = 25
"""The most changes in one run: a first run that went wrong is quickly taken back."""
FINE_DAYS, HOURLY_DAYS = 63, 455
"""For how long CloudWatch keeps five-minute and hourly values (CloudWatch API reference)."""
WAIT_MINUTES = 1.5
"""The length of a cold start: AWS documents that a stopped WorkSpace is there in typically under 90
seconds (Amazon WorkSpaces administration guide, running mode)."""
