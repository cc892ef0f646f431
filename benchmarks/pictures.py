"""Every plot, drawn at 6, 200 and 60,000 WorkSpaces, to be looked at.

    python benchmarks/pictures.py [FOLDER]      FOLDER defaults to "pictures"

The 200 are the sample fleet, the 6 are some of it, and the 60,000 are its rows three hundred times
over, each with hours, amounts and waits of its own. What is the same for every size (policies,
calibration, one WorkSpace) is drawn once.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import wsanalytics as ws
from wsanalytics import plot
from wsanalytics.calendars import Zones
from wsanalytics.errors import NotBilledWarning, UnpricedWarning
from wsanalytics.views.costs import break_even_usage
from wsanalytics.views.workspace import stretch_of

TIMES = 300
ZONE_NAMES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")
HOSTILE = ("<script>alert(1)</script>", "costs $5 to $x^2$", "a very long name " * 20,
           "emoji \U0001f600 and \u202eturned")
Drawing = tuple[str, Callable[[], Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Fleet:
    """A fleet of one size, and what was found out about it."""

    workspaces: pd.DataFrame
    sessions: pd.DataFrame
    window: ws.Window
    prices: ws.PriceBook
    replay: ws.Replay
    charges: pd.DataFrame
    comparison: pd.DataFrame
    plan: ws.Plan
    baseline: pd.Series
    scale: int = 1

    @property
    def caption(self) -> str:
        """When, and at which prices."""
        return (f"{self.window.start:%Y-%m-%d} to {self.window.end:%Y-%m-%d}, list prices of "
                f"{self.prices.date}")


def sampled(count: int) -> Fleet:
    """So many WorkSpaces of the sample fleet."""
    history = ws.sample_history()
    rows = history.workspaces
    fleet = rows[rows["running_mode"] != "MANUAL"].iloc[:: max(1, len(rows) // count)][:count]
    fleet = fleet.reset_index(drop=True)
    sessions = ws.find_sessions(history)
    sessions = sessions[sessions["workspace_id"].isin(fleet["workspace_id"])]
    baseline = history.configured.reindex(fleet["workspace_id"])
    settings = ws.setting_grid(auto_stop_minutes=[60, 120, 240], include=baseline)
    replay = ws.replay(sessions, settings, window=history.window)
    prices = ws.load_prices()
    charges = ws.bill(replay, fleet, prices)
    comparison = ws.compare(charges, replay, fleet, baseline=baseline)
    plan = ws.recommend(comparison, baseline=baseline, workspaces=fleet,
                        max_cold_starts_per_week=2)
    return Fleet(workspaces=fleet, sessions=sessions, window=history.window, prices=prices,
                 replay=replay, charges=charges, comparison=comparison, plan=plan,
                 baseline=baseline)


def multiplied(one: Fleet, times: int) -> Fleet:
    """The fleet so many times over; each copy has hours, amounts and waits of its own."""
    rng = np.random.default_rng(7)

    def again(frame: pd.DataFrame) -> pd.DataFrame:
        copies = np.repeat(np.arange(times), len(frame))
        names = np.tile(frame["workspace_id"].astype("str").to_numpy(dtype=object), times)
        big = pd.concat([frame] * times, ignore_index=True)
        return big.assign(workspace_id=pd.Series(
            [f"{name}-{copy}" for name, copy in zip(names, copies, strict=True)], dtype="str"))

    comparison = again(one.comparison)
    pace = np.repeat(rng.lognormal(0, 0.5, len(comparison) // one.comparison["setting"].nunique()),
                     one.comparison["setting"].nunique())
    hourly = comparison["hourly_usd_per_month"] * (pace - 1)
    for name in ("hourly_usd_per_month", "billed_hours_per_month", "cold_starts_per_week",
                 "extra_cold_starts_per_week", "saving_usd_per_month", "saving_low_usd",
                 "saving_high_usd"):
        comparison[name] *= pace
    comparison["usd_per_month"] += hourly
    return replace(one, workspaces=again(one.workspaces), comparison=comparison, scale=times,
                   plan=replace(one.plan, recommendations=again(one.plan.recommendations)))


def fleet_drawings(one: Fleet) -> Iterator[Drawing]:
    """The plots of a whole fleet."""
    caption, table = one.caption, one.comparison
    costs = ws.fleet_costs(table, one.plan)
    yield "cost_by_option", lambda: plot.cost_by_option(costs, caption=caption)
    usage = break_even_usage(table)
    yield "break_even_histogram", lambda: plot.break_even_histogram(usage, caption=caption)
    yield "saving_against_waiting", lambda: plot.saving_against_waiting(table, caption=caption)
    hours = ws.monthly_hours(table, one.workspaces)
    yield "hours_by_bundle", lambda: plot.hours_by_bundle(hours, caption=caption)
    for by in ("directory", "tag team", "bundle"):
        groups = ws.cost_by(table, one.plan, one.workspaces, by)
        yield (f"cost_by_group_{by.replace(' ', '_')}",
               lambda groups=groups, by=by: plot.cost_by_group(groups, by=by, caption=caption))
    months = ws.cost_by_month(one.charges, one.baseline, one.window)
    months[["fixed_usd", "hourly_usd", "total_usd", "workspaces", "unpriced"]] *= one.scale
    yield "cost_by_month", lambda: plot.cost_by_month(months, caption=caption)
    directories = one.workspaces["directory_id"].unique()
    zones = Zones.of("Europe/Berlin", zip(directories, ZONE_NAMES, strict=False))
    week = ws.weekly_usage(one.sessions, one.window, one.workspaces, zones) * one.scale
    clock = ws.clock_caption(one.workspaces, zones)
    yield "week_heat_map", lambda: plot.week_heat_map(week, zone=clock, caption=caption)
    yield from outcome_drawings(one)


def outcome_drawings(one: Fleet) -> Iterator[Drawing]:
    """Predictions and promises, and what might have come of them."""
    rng = np.random.default_rng(8)
    table = one.comparison
    present = table[table["setting"].astype("str") == table["baseline"]]
    came = present["usd_per_month"] * rng.normal(1, 0.02, len(present))
    bills = pd.DataFrame({"workspace_id": present["workspace_id"], "billed_usd": came,
                          "predicted_usd": present["usd_per_month"]})
    bills["is_close"] = (came / bills["predicted_usd"] - 1).abs() <= 0.03
    close = f"within 3 %: {bills['is_close'].mean():.0%}"
    yield "predicted_against_billed", lambda: plot.predicted_against_billed(
        bills, caption=f"{close}, September 2026")
    changes = one.plan.changes
    realised = changes["saving_usd_per_month"] * rng.normal(1, 0.4, len(changes)) - 2
    low, high = changes["saving_low_usd"], changes["saving_high_usd"]
    verdict = np.select([realised < 0, realised < low, realised > high],
                        ["wrong", "less", "better"], "as promised")
    verified = pd.DataFrame({
        "workspace_id": changes["workspace_id"], "promised_usd": changes["saving_usd_per_month"],
        "promised_low_usd": low, "promised_high_usd": high, "realised_usd": realised,
        "verdict": verdict})
    yield "promised_against_realised", lambda: plot.promised_against_realised(
        verified, caption="changes of October 2026")


def one_drawings(one: Fleet) -> Iterator[Drawing]:
    """The plots of one WorkSpace: the change that saves most, and of a kind of WorkSpace."""
    changes = one.plan.changes[one.plan.changes["to_setting"] != "ALWAYS_ON"]
    used = changes.loc[changes["workspace_id"].map(one.sessions["workspace_id"].value_counts())
                       .fillna(0).idxmax()]
    name, caption = used["workspace_id"], one.caption
    options = one.comparison[one.comparison["workspace_id"] == name]
    yield "cost_by_setting", lambda: plot.cost_by_setting(
        options, proposed=used["to_setting"], caption=caption)
    odd = options.assign(workspace_id=HOSTILE[1])
    odd.loc[odd.index[-2:], ["usd_per_month", "hourly_usd_per_month"]] = np.nan
    yield "cost_by_setting_odd", lambda: plot.cost_by_setting(odd, caption=caption)
    begin = datetime(2026, 9, 14, tzinfo=UTC)
    for days in (14, 90):
        span = ws.Window(begin - timedelta(days=days - 14), begin + timedelta(days=14))
        mine, runs = stretch_of(one.sessions, one.replay.runs, name, span)
        cold = one.replay.cold_starts
        cold = cold[(cold["connected_at"] >= span.start) & (cold["connected_at"] < span.end)]
        yield f"workspace_timeline_{days}", lambda mine=mine, runs=runs, cold=cold, span=span: (
            plot.workspace_timeline(mine, runs, name, cold_starts=cold, zone="America/New_York",
                                    window=span, caption=caption))
    week = ws.weekly_usage(one.sessions[one.sessions["workspace_id"] == name], one.window)
    yield "week_of_one", lambda: plot.week_heat_map(week, of_one=True, caption=f"{name}, {caption}")
    rates = ws.bundle_rates(one.workspaces, one.prices)
    yield "break_even_lines", lambda: plot.break_even_lines(
        rates[:1], own_hours=130, caption=f"list prices of {one.prices.date}")
    groups = ws.cost_by(one.comparison, one.plan, one.workspaces)
    groups["group"] = [*HOSTILE, *groups["group"][len(HOSTILE):]]
    yield "hostile_names", lambda: plot.cost_by_group(groups, by=HOSTILE[0], caption=caption)
    yield "nothing_to_show", lambda: plot.saving_against_waiting(one.comparison[:0])


def policy_drawings(one: Fleet) -> Iterator[Drawing]:
    """The plots of policies, and of the frontier."""
    result = ws.backtest(one.sessions, ["hold", "cost_optimizer", "break_even", "forecast",
                                        "clairvoyant"],
                         workspaces=one.workspaces, prices=one.prices, window=one.window)
    dated = f"prices of {one.prices.date}"
    yield "regret_by_policy", lambda: plot.regret_by_policy(result.totals, caption=dated)
    months = result.regret_by_month
    yield "regret_over_time", lambda: plot.regret_over_time(months, caption=dated)
    later = ws.Window(one.window.start + timedelta(days=31), one.window.end)
    called = ws.calibration_table(ws.calibrate(
        one.sessions, workspaces=one.workspaces, prices=one.prices, window=later, months=1,
        policy=None))
    yield "calibration", lambda: plot.calibration(called, caption="to the end of the next month")
    found = ws.frontier(one.sessions, one.workspaces, window=one.window, prices=one.prices,
                        policies=[])
    yield "frontier", lambda: plot.frontier(found, chosen=found.choose(max_cold_starts_per_week=1))


def draw(folder: Path, name: str, drawing: Callable[[], Any]) -> None:
    """One picture, and how long it took."""
    begun = time.perf_counter()
    ax = drawing()
    ax.figure.savefig(folder / f"{name}.png", dpi=100)
    plt.close(ax.figure)
    print(f"{name:<42}{time.perf_counter() - begun:6.2f} s")


def main(folder: Path) -> None:
    """All of them."""
    warnings.simplefilter("error")
    for category in (NotBilledWarning, UnpricedWarning):
        warnings.simplefilter("ignore", category)
    folder.mkdir(parents=True, exist_ok=True)
    sample = sampled(200)
    for name, drawing in (*one_drawings(sample), *policy_drawings(sample)):
        draw(folder, name, drawing)
    for size, fleet in ((6, sampled(6)), (200, sample), (60_000, multiplied(sample, TIMES))):
        for name, drawing in fleet_drawings(fleet):
            draw(folder, f"{name}_{size}", drawing)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("pictures"))
